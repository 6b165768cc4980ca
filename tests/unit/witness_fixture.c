#include "witness_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "cli/pack_dir.h"

static struct witness_log *log_of(struct fake_witness *w, struct bytes origin) {
  size_t i = 0;
  while (i < w->n_logs && !bytes_is(origin, w->log[i].origin)) i++;
  if (i == w->n_logs) {
    assert_true(w->n_logs < sizeof w->log / sizeof *w->log && origin.n <= ORIGIN_MAX);
    memcpy(w->log[w->n_logs++].origin, origin.p, origin.n);
  }
  return &w->log[i];
}

static void cosign(struct fake_witness *w, bool second, struct bytes text) {
  const int64_t now = 1795500000 + w->rig->ms / 1000; /* node_fixture.c: rig_wall */
  const int64_t time = w->mode == WITNESS_OLD ? now - 3600 : w->mode == WITNESS_FUTURE ? now + 3600 : now;
  uint8_t sig[8 + ED25519_SIG_SIZE];
  struct buf message = {0};
  for (int i = 0; i < 8; i++) sig[i] = (uint8_t)((uint64_t)time >> (56 - 8 * i));
  cosignature_message(&message, time, text);
  ed25519_sign(sig + 8, second || w->mode == WITNESS_OTHER_KEY ? w->other : w->key, buf_view(&message));
  buf_str(&w->body, "\xe2\x80\x94 stranger.example AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"); /* not to be looked at */
  note_sig_line(&w->body, second ? &w->second : &w->vkey, BYTES(sig, sizeof sig));
  buf_free(&message);
}

static void add_checkpoint(struct fake_witness *w, const struct outbound *o, struct outbound_result *r) {
  struct add_checkpoint q;
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  struct errmsg e;
  assert_int_equal(add_checkpoint_parse(&q, o->body, &e), PARLEY_OK);
  assert_int_equal(note_parse(&note, &a, q.note, &e), PARLEY_OK);
  assert_int_equal(checkpoint_parse(&c, note.text, &e), PARLEY_OK);
  struct witness_log *log = log_of(w, c.origin);
  if (q.old != log->size || c.size < q.old) {
    tlog_size_write(&w->body, log->size);
    r->status = 409;
    w->conflicts++;
  } else if (w->mode == WITNESS_WRONG) {
    cosign(w, false, bytes_str("other.example/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"));
  } else {
    cosign(w, false, note.text);
    if (w->mode == WITNESS_GOOD) log->size = c.size;
  }
  arena_free(&a);
}

static void second(struct fake_witness *w, const struct outbound *o, struct outbound_result *r) {
  struct add_checkpoint q;
  struct errmsg e;
  assert_int_equal(add_checkpoint_parse(&q, o->body, &e), PARLEY_OK);
  const size_t blank = bytes_find(q.note, 0, '\xe2'); /* the first signature line */
  cosign(w, true, BYTES(q.note.p, blank - 1));
  *r = (struct outbound_result){
      .answered = true, .status = 200, .content_type = "text/plain", .body = buf_view(&w->body)};
}

static void answer(void *ctx, const struct outbound *o, struct outbound_result *r) {
  struct fake_witness *w = ctx;
  buf_clear(&w->body);
  if (!strcmp(o->peer, WITNESS_SECOND)) {
    second(w, o, r);
    return;
  }
  w->requests++;
  w->asked_ms = w->rig->ms;
  assert_string_equal(o->method, "POST");
  assert_string_equal(o->url, "https://witness.example/parley/add-checkpoint");
  assert_string_equal(o->pins[0], "sha256//pin");
  if (w->mode == WITNESS_AWAY) return;
  *r = (struct outbound_result){.answered = true, .status = 200, .content_type = "text/plain"};
  switch (w->mode) {
  case WITNESS_UNKNOWN: r->status = 404; break;
  case WITNESS_REFUSES: r->status = 422, buf_str(&w->body, "no\x1b[2J\nmore"); break;
  case WITNESS_BUSY: r->status = 429, r->retry_after = 100; break;
  case WITNESS_REDIRECTS: r->status = 302; break;
  case WITNESS_EMPTY: break;
  case WITNESS_GARBAGE: buf_str(&w->body, "\xff\xfe\n\n\xe2\x80\x94 " WITNESS_NAME " AAAA\n\xe2\x80\x94\n"); break;
  case WITNESS_ENDLESS:
    while (w->body.n <= NOTE_SIZE_MAX) buf_str(&w->body, "\xe2\x80\x94 stranger.example AAAAAAAAAAAA\n");
    break;
  case WITNESS_AHEAD: r->status = 409, tlog_size_write(&w->body, 1000000); break;
  case WITNESS_NONSENSE: r->status = 409, buf_str(&w->body, "-1\n"); break;
  case WITNESS_STUBBORN: r->status = 409, tlog_size_write(&w->body, 0); break;
  default: add_checkpoint(w, o, r); break;
  }
  r->body = buf_view(&w->body);
}

void witness_open(struct fake_witness *w, struct rig *r, const char *const *names, size_t n) {
  uint8_t seed[2][32] = {{1}, {2}};
  struct errmsg e;
  *w = (struct fake_witness){.rig = r,
                             .at = {{WITNESS_NAME, "https://witness.example/parley", "sha256//pin"},
                                    {WITNESS_SECOND, "https://second.example", NULL}}};
  assert_int_equal(ed25519_from_seed(&w->key, seed[0], &e), PARLEY_OK);
  assert_int_equal(ed25519_from_seed(&w->other, seed[1], &e), PARLEY_OK);
  assert_int_equal(vkey_make(&w->vkey, WITNESS_NAME, NOTE_COSIGNATURE, ed25519_public(w->key), &e), PARLEY_OK);
  assert_int_equal(vkey_make(&w->second, WITNESS_SECOND, NOTE_COSIGNATURE, ed25519_public(w->other), &e), PARLEY_OK);
  rig_open(r, names, n);
  r->witnesses = w->at;
  r->n_witnesses = 2;
  r->witness = answer;
  r->witness_ctx = w;
  rig_stop(&r->party[0]);
  rig_start(&r->party[0]);
}

void witness_close(struct fake_witness *w) {
  rig_close(w->rig);
  ed25519_free(w->key);
  ed25519_free(w->other);
  buf_free(&w->body);
}

void witness_forum(struct fake_witness *w, char hex[static 65]) {
  struct rig *r = w->rig;
  struct buf b = {0};
  unsigned status;
  buf_str(&b, "{\"title\":\"Watched line\",\"members\":[");
  for (size_t i = 1; i < r->n; i++) buf_fmt(&b, "%s\"%s\"", i > 1 ? "," : "", r->party[i].name);
  buf_str(&b, "],\"witnesses\":[\"");
  vkey_write(&b, &w->vkey);
  if (w->two) {
    buf_str(&b, "\",\"");
    vkey_write(&b, &w->second);
  }
  buf_str(&b, "\"]}");
  json_t *v = rig_ask(&r->party[0], "POST", "/v1/forums", buf_cstr(&b), &status);
  assert_int_equal(status, 201);
  snprintf(hex, 65, "%s", str_of(v, "forum"));
  json_decref(v);
  buf_free(&b);
  rig_run(r, 5000);
  for (size_t i = 1; i < r->n; i++) {
    char path[120];
    snprintf(path, sizeof path, "/v1/forums/%s/accept", hex);
    json_decref(rig_ask(&r->party[i], "POST", path, "{}", &status));
    assert_int_equal(status, 200);
  }
  rig_run(r, 10000);
}

json_t *witness_state(struct fake_witness *w) {
  unsigned status;
  json_t *v = rig_ask(&w->rig->party[0], "GET", "/v1/status", NULL, &status);
  assert_int_equal(status, 200);
  json_t *one = json_incref(json_array_get(json_object_get(v, "witnesses"), 0));
  assert_non_null(one);
  json_decref(v);
  return one;
}

int64_t witness_size(struct fake_witness *w) {
  json_t *v = witness_state(w);
  const int64_t size = json_integer_value(json_object_get(v, "size"));
  json_decref(v);
  return size;
}

void witness_send(struct fake_witness *w, const char *forum, const char *precedence, char id[static 65]) {
  struct errmsg e;
  unsigned status;
  json_t *request = NULL;
  struct buf text = {0};
  char *body = notice_json(&w->rig->party[0], forum);
  assert_int_equal(json_parse(&request, bytes_str(body), 1 << 20, &e), PARLEY_OK);
  if (precedence) json_object_set_new(request, "precedence", json_string(precedence));
  assert_true(json_write(&text, request));
  json_t *v = rig_ask(&w->rig->party[0], "POST", "/v1/statements", buf_cstr(&text), &status);
  assert_int_equal(status, 201);
  snprintf(id, 65, "%s", str_of(v, "id"));
  json_decref(v);
  json_decref(request);
  buf_free(&text);
  free(body);
}

unsigned witness_receipt(struct fake_witness *w, const char *id, bool silent, struct pack *out, struct arena *a) {
  unsigned status;
  char path[120];
  struct errmsg e = {{0}};
  snprintf(path, sizeof path, "/v1/statements/%s/receipt%s", id, silent ? "?silent=1" : "");
  json_t *v = rig_ask(&w->rig->party[0], "GET", path, NULL, &status);
  if (status == 200 && out) assert_int_equal(pack_from_json(out, a, json_object_get(v, "files"), &e), PARLEY_OK);
  json_decref(v);
  return status;
}
