#include "hostile_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "formats/tlog.h"

#define MUST(x) assert_int_equal((x), PARLEY_OK)

/* ---- one request ---- */

unsigned peer_ask(struct rig_party *from, struct rig_party *to, const char *method, const char *path, struct bytes body,
                  struct buf *answer) {
  struct node_response resp = {0};
  const struct node_request q = {.peer = from->name, .method = method, .path = path, .query = "", .content_type = ""};
  struct node_call *c = node_begin(to->node, &q, &resp);
  assert_non_null(c);
  for (size_t at = 0; at < body.n && !resp.status; at += 4000)
    node_data(c, BYTES(body.p + at, body.n - at < 4000 ? body.n - at : 4000), &resp);
  if (!resp.status) node_end(c, &resp);
  assert_int_not_equal(resp.status, 0);
  if (answer) buf_bytes(answer, buf_view(&resp.body));
  buf_free(&resp.body);
  node_finish(c);
  return resp.status;
}

/* ---- taking over ---- */

static void evil_new(struct evil *v, struct rig_party *p, const char *forum) {
  *v = (struct evil){.p = p};
  p->mute = true;
  assert_true(hex_decode(v->forum, SHA256_SIZE, bytes_str(forum)));
  log_origin(v->origin, p->name, v->forum, 0, false);
  MUST(ed25519_from_seed(&v->statement, p->seed[0], NULL));
  MUST(ed25519_from_seed(&v->log, p->seed[1], NULL));
}

void evil_open(struct evil *v, struct rig_party *p, const char *forum) {
  struct bytes entry;
  evil_new(v, p, forum);
  for (uint64_t i = 0; node_log_entry(p->node, v->origin, i, &v->arena, &entry, NULL) == PARLEY_OK; i++)
    evil_append_raw(v, entry, NULL);
  assert_true(v->n > 0);
  for (size_t i = 0; i < 4; i++) v->shown[i] = v->n;
}

/* The complete envelope, as p holds it. */
static json_t *forum_of(struct rig_party *p, const char *forum) {
  char path[100];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s", forum);
  json_t *o = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  return o;
}

void evil_join(struct evil *v, struct rig *r, size_t who, char forum[static 65]) {
  r->party[who].mute = true;
  rig_forum(r, forum);
  json_t *o = forum_of(&r->party[who], forum);
  const struct bytes envelope = bytes_str(str_of(o, "envelope"));
  assert_int_equal(peer_ask(&r->party[who], &r->party[0], "POST", "/propose", envelope, NULL), 200);
  json_decref(o);
  rig_run(r, 5000);
  evil_new(v, &r->party[who], forum);
}

void evil_close(struct evil *v) {
  for (size_t i = 0; i < v->n; i++) buf_free(&v->entry[i]);
  free(v->entry);
  free(v->leaf);
  ed25519_free(v->statement);
  ed25519_free(v->log);
  arena_free(&v->arena);
}

/* ---- statements ---- */

void evil_statement(struct evil *v, struct statement *s, const char *kind) {
  *s = (struct statement){.issued = 1795500000, .precedence = ROUTINE, .tlp = TLP_AMBER};
  memcpy(s->forum, v->forum, SHA256_SIZE);
  memcpy(s->charter, v->forum, SHA256_SIZE);
  snprintf(s->from, sizeof s->from, "%s", v->p->name);
  snprintf(s->kind, sizeof s->kind, "%s", kind);
  snprintf(s->lang, sizeof s->lang, "en");
  snprintf(s->desk, sizeof s->desk, "duty");
  put_u64be(s->nonce, ++v->nonce);
  s->to = arena_alloc(&v->arena, 8 * sizeof *s->to);
  assert_non_null(s->to);
}

void evil_to(struct evil *v, struct statement *s, const char *party) {
  (void)v;
  snprintf(s->to[s->n_to++], sizeof *s->to, "%s", party);
}

static const uint8_t *seal_key(const struct rig *r, const char *party) {
  for (size_t i = 0; i < r->n; i++)
    if (!strcmp(r->party[i].name, party)) return r->party[i].seal.pub;
  return r->party[0].seal.pub; /* of a stranger: any will do */
}

void evil_seal(struct evil *v, struct statement *s, const char *body) {
  struct plain p = {.body = json_loads(body, 0, NULL)};
  struct buf text = {0}, sealed = {0};
  uint8_t keys[8][X25519_SIZE];
  assert_non_null(p.body);
  put_u64be(p.seed, v->nonce);
  for (size_t i = 0; i < s->n_to; i++) memcpy(keys[i], seal_key(v->p->rig, s->to[i]), X25519_SIZE);
  memcpy(keys[s->n_to], v->p->seal.pub, X25519_SIZE);
  MUST(plain_write(&text, &p, NULL));
  MUST(body_seal(&sealed, s->body_sha256, buf_view(&text), p.seed, (const uint8_t(*)[X25519_SIZE])keys, s->n_to + 1,
                 NULL));
  s->sealed = arena_take(&v->arena, &sealed);
  buf_free(&text);
  plain_clear(&p);
}

void evil_append_raw(struct evil *v, struct bytes entry, char *hex) {
  if (v->n == v->room) {
    v->room = v->room ? 2 * v->room : 64;
    v->entry = realloc(v->entry, v->room * sizeof *v->entry);
    v->leaf = realloc(v->leaf, v->room * sizeof *v->leaf);
    assert_true(v->entry && v->leaf);
  }
  v->entry[v->n] = (struct buf){0};
  buf_bytes(&v->entry[v->n], entry);
  merkle_leaf(&v->leaf[v->n], entry);
  if (hex) hex_encode(hex, BYTES(v->leaf[v->n].b, 32));
  v->n++;
}

void evil_append(struct evil *v, struct statement *s, char *hex) {
  struct buf payload = {0}, entry = {0};
  MUST(statement_payload(&payload, s, NULL));
  MUST(statement_entry(&entry, buf_view(&payload), v->statement, NULL));
  evil_append_raw(v, buf_view(&entry), hex);
  statement_clear(s);
  buf_free(&payload);
  buf_free(&entry);
}

void evil_notice(struct evil *v, const char *to, char *hex) {
  struct statement s;
  evil_statement(v, &s, "incident.notice");
  evil_to(v, &s, to);
  evil_seal(v, &s, "{\"title\":\"Pumps\",\"summary\":\"They run.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
  evil_append(v, &s, hex);
}

void evil_ack(struct evil *v, const char *to, const char *re, char *hex) {
  struct statement s;
  evil_statement(v, &s, "ack");
  evil_to(v, &s, to);
  assert_true(hex_decode(s.re[s.n_re++], 32, bytes_str(re)));
  snprintf(s.officer, sizeof s.officer, "duty");
  evil_seal(v, &s, "{}");
  evil_append(v, &s, hex);
}

void evil_charter(struct evil *v) {
  struct statement s;
  char hex[65];
  hex_encode(hex, BYTES(v->forum, SHA256_SIZE));
  json_t *o = forum_of(v->p, hex);
  const char *envelope = str_of(o, "envelope");
  evil_statement(v, &s, "forum.charter");
  s.body = json_object();
  assert_true(json_put_int(s.body, "part", 0) && json_put_int(s.body, "parts", 1) &&
              json_put_b64(s.body, "data", envelope, strlen(envelope)));
  evil_append(v, &s, NULL);
  json_decref(o);
}

/* ---- pushing ---- */

static parley_err read_leaves(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct evil *v = ctx;
  (void)e;
  merkle_root_of_leaves(out, v->leaf + (index << level), (size_t)1 << level);
  return PARLEY_OK;
}

static void add_checkpoint(struct evil *v, struct rig_party *to, uint64_t old) {
  struct vkey key;
  struct hash root;
  struct buf note = {0}, body = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  MUST(vkey_make(&key, v->origin, NOTE_ED25519, ed25519_public(v->log), NULL));
  merkle_root_of_leaves(&root, v->leaf, v->n);
  checkpoint_text(&note, v->origin, v->n, &root);
  ed25519_sign(sig, v->log, buf_view(&note));
  buf_str(&note, "\n");
  note_sig_line(&note, &key, BYTES(sig, sizeof sig));
  struct add_checkpoint r = {.old = old, .note = buf_view(&note)};
  MUST(merkle_consistency(&r.proof, (struct merkle_source){read_leaves, v}, old, v->n, NULL));
  add_checkpoint_write(&body, &r);
  assert_int_equal(peer_ask(v->p, to, "POST", "/add-checkpoint", buf_view(&body), NULL), 200);
  buf_free(&body);
  buf_free(&note);
}

static void add_entries(struct evil *v, struct rig_party *to, uint64_t start) {
  const struct add_entries_head h = {.origin = bytes_str(v->origin), .start = start, .end = v->n};
  struct buf body = {0};
  add_entries_head_write(&body, &h);
  for (uint64_t at = start, stop; at < v->n; at = stop) {
    const uint64_t from = at - at % MIRROR_PACKAGE_ENTRIES;
    stop = from + MIRROR_PACKAGE_ENTRIES < v->n ? from + MIRROR_PACKAGE_ENTRIES : v->n;
    struct entry_package *p = calloc(1, sizeof *p);
    assert_non_null(p);
    for (uint64_t i = at; i < stop; i++) p->entries[p->n++] = buf_view(&v->entry[i]);
    MUST(merkle_subtree(&p->proof, (struct merkle_source){read_leaves, v}, from, stop, v->n, NULL));
    entry_package_write(&body, p);
    free(p);
  }
  assert_true(buf_ok(&body));
  assert_int_equal(peer_ask(v->p, to, "POST", "/add-entries", buf_view(&body), NULL), 200);
  buf_free(&body);
}

void evil_show(struct evil *v, struct rig_party *to) {
  uint64_t *shown = &v->shown[to - v->p->rig->party];
  add_checkpoint(v, to, *shown);
  add_entries(v, to, *shown);
  *shown = v->n;
}

void evil_push(struct evil *v, struct rig_party *to) {
  evil_show(v, to);
  rig_run(v->p->rig, 2000);
}
