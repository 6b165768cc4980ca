#include "node_fixture.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encoding.h"

static struct errmsg e; /* of the last call under CHECK */

#define CHECK(x)                                                                                                       \
  do {                                                                                                                 \
    parley_err err_ = (x);                                                                                             \
    if (err_) fail_msg("%s: %s (%s)", #x, e.text, err_name(err_));                                                     \
  } while (0)

static int64_t rig_wall(void *ctx) {
  const struct rig_party *p = ctx;
  return 1795500000 + p->rig->ms / 1000 + p->skew;
}

static int64_t rig_mono(void *ctx) { return ((struct rig_party *)ctx)->rig->ms; }

static void rig_random(void *ctx, uint8_t *out, size_t n) {
  struct rig *r = ((struct rig_party *)ctx)->rig;
  for (size_t i = 0; i < n; i++) {
    r->random = r->random * 6364136223846793005ULL + 1442695040888963407ULL;
    out[i] = (uint8_t)(r->random >> 33);
  }
}

static void rig_log(void *ctx, int level, const char *line) {
  if (getenv("RIG_LOG")) fprintf(stderr, "%s <%d> %s\n", ((struct rig_party *)ctx)->name, level, line);
}

/* ---- the signer's memory ---- */

static size_t memory_slot(struct rig_party *p, const char *origin, enum signer_role role) {
  char key[200];
  snprintf(key, sizeof key, "%d %s", role, origin);
  size_t i = 0;
  while (i < p->n_memory && strcmp(p->memory_key[i], key)) i++;
  if (i == p->n_memory) snprintf(p->memory_key[i], sizeof p->memory_key[i], "%s", key);
  return i;
}

static parley_err memory_load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                              struct errmsg *err) {
  struct rig_party *p = ctx;
  size_t i = memory_slot(p, origin, role);
  if (i == p->n_memory) return err_set(err, PARLEY_ENOTFOUND, "nothing remembered");
  *out = p->memory[i];
  return PARLEY_OK;
}

static parley_err memory_save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                              struct errmsg *err) {
  struct rig_party *p = ctx;
  size_t i = memory_slot(p, origin, role);
  if (p->sick && strstr(origin, p->sick)) return err_set(err, PARLEY_EIO, "the signer's disk fails");
  if (i == p->n_memory) p->n_memory++;
  p->memory[i] = *tree;
  return PARLEY_OK;
}

/* ---- parties ---- */

static void make_card(struct rig_party *p) {
  struct card c = {.serial = 0, .not_before = 1795000000, .not_after = 1895000000, .n_seal = 1, .n_link = 1};
  struct ed25519_key *k[4];
  for (size_t i = 0; i < 4; i++) {
    rig_random(p, p->seed[i], 32);
    CHECK(ed25519_from_seed(&k[i], p->seed[i], &e));
  }
  uint8_t secret[32], pin[32];
  rig_random(p, secret, 32);
  rig_random(p, pin, 32);
  assert_true(age_identity_from_secret(&p->seal, secret));
  snprintf(c.name, sizeof c.name, "%s", p->name);
  snprintf(c.submission, sizeof c.submission, "https://%s", p->name);
  snprintf(c.monitoring, sizeof c.monitoring, "https://%s", p->name);
  memcpy(c.statement, ed25519_public(k[0]), 32);
  memcpy(c.log, ed25519_public(k[1]), 32);
  memcpy(c.mirror, ed25519_public(k[2]), 32);
  memcpy(c.rotation, ed25519_public(k[3]), 32);
  snprintf(c.seal[0].label, sizeof c.seal[0].label, "duty");
  memcpy(c.seal[0].recipient, p->seal.pub, 32);
  struct buf b = {0};
  buf_str(&b, "sha256//");
  base64_encode(&b, BYTES(pin, 32), true);
  snprintf(c.link[0], sizeof c.link[0], "%s", buf_cstr(&b));
  buf_free(&b);
  struct card_signers keys = {k[0], k[1], k[2], NULL};
  CHECK(card_make(&p->card, &c, &keys, &e));
  for (size_t i = 0; i < 4; i++) ed25519_free(k[i]);
}

void rig_renew(struct rig_party *p, unsigned keys, struct buf *out) {
  struct arena a = {0};
  struct card before, c;
  struct ed25519_key *k[4], *rotation;
  uint8_t log[32];
  memcpy(log, p->seed[1], 32);
  CHECK(card_parse(&before, &a, buf_view(&p->card), NULL, NULL, &e));
  CHECK(ed25519_from_seed(&rotation, p->seed[3], &e));
  for (size_t i = 0; i < 4; i++) {
    if (keys & (1u << i)) rig_random(p, p->seed[i], 32);
    CHECK(ed25519_from_seed(&k[i], p->seed[i], &e));
  }
  c = before;
  c.serial++;
  memcpy(c.statement, ed25519_public(k[0]), 32);
  memcpy(c.log, ed25519_public(k[1]), 32);
  memcpy(c.mirror, ed25519_public(k[2]), 32);
  memcpy(c.rotation, ed25519_public(k[3]), 32);
  struct buf envelope = {0};
  struct card_signers signers = {k[0], k[1], k[2], rotation};
  CHECK(card_make(&envelope, &c, &signers, &e));
  CHECK(card_parse(&c, &a, buf_view(&envelope), &before, NULL, &e));
  if (out) {
    buf_bytes(out, buf_view(&envelope));
    buf_free(&envelope);
  } else {
    if (keys & RIG_LOG) {
      memcpy(p->log_before, log, 32);
      p->has_log_before = true;
    }
    p->before[p->n_before++] = p->card;
    p->card = envelope;
  }
  for (size_t i = 0; i < 4; i++) ed25519_free(k[i]);
  ed25519_free(rotation);
  arena_free(&a);
}

void rig_reset(struct rig_party *p) {
  while (p->n_before > 0) buf_free(&p->before[--p->n_before]);
  buf_free(&p->card);
  p->has_log_before = false;
  p->n_memory = 0;
  unlink(p->path);
  make_card(p);
}

static parley_err start_signer(struct rig_party *p) {
  struct ed25519_key *k[3] = {NULL}, *before = NULL;
  struct signer_memory memory = {p, memory_load, memory_save};
  parley_err err = PARLEY_OK;
  p->signer = NULL;
  for (size_t i = 0; i < 3 && !err; i++) err = ed25519_from_seed(&k[i], p->seed[i], &e);
  if (!err && p->has_log_before) err = ed25519_from_seed(&before, p->log_before, &e);
  if (!err) err = signer_new(&p->signer, p->name, k[0], k[1], k[2], memory, &e);
  if (!err && before) signer_set_log_before(p->signer, before);
  for (size_t i = 0; i < 3 && err; i++) ed25519_free(k[i]);
  if (err) ed25519_free(before);
  return err;
}

parley_err rig_try_start(struct rig_party *p) {
  struct node_env env = {.ctx = p,
                         .wall_s = rig_wall,
                         .mono_ms = rig_mono,
                         .random = rig_random,
                         .seal = &p->seal,
                         .n_seal = 1,
                         .log = rig_log};
  p->node = NULL;
  p->store = NULL;
  p->down = false;
  parley_err err = start_signer(p);
  if (!err) err = store_sqlite_open(&p->store, p->path, NULL, &e);
  if (err) return err;
  env.store = p->store;
  env.signer = p->signer;
  env.forms = (const struct form *const *)p->rig->forms;
  env.n_forms = p->rig->n_forms;
  env.witnesses = p->rig->witnesses;
  env.n_witnesses = p->rig->n_witnesses;
  err = node_open(&p->node, &env, buf_view(&p->card), &e);
  for (size_t i = p->n_before; i-- > 0 && !err;) err = node_own_before(p->node, buf_view(&p->before[i]), &e);
  for (size_t i = 0; i < p->rig->n && !err; i++) {
    const struct rig_party *other = &p->rig->party[i]; /* pinned by its first card; later ones it learns */
    if (other != p && !(p->stranger && !strcmp(p->stranger, other->name)))
      err = node_pin(p->node, buf_view(other->n_before ? &other->before[0] : &other->card), &e);
  }
  return err ? err : node_start(p->node, &e);
}

void rig_start(struct rig_party *p) { CHECK(rig_try_start(p)); }

void rig_stop(struct rig_party *p) {
  node_close(p->node);
  signer_free(p->signer);
  store_close(p->store);
  p->node = NULL;
  p->down = true;
}

void rig_open(struct rig *r, const char *const *names, size_t n) {
  *r = (struct rig){.n = n, .random = 42};
  for (size_t i = 0; i < embedded_forms_count && i < 16; i++)
    CHECK(form_parse(&r->forms[r->n_forms++], BYTES(embedded_forms[i].data, embedded_forms[i].size), &e));
  for (size_t i = 0; i < n; i++) {
    struct rig_party *p = &r->party[i];
    p->rig = r;
    snprintf(p->name, sizeof p->name, "%s", names[i]);
    snprintf(p->path, sizeof p->path, "/tmp/parley-rig-%d-%zu.sqlite", getpid(), i);
    unlink(p->path);
    make_card(p);
  }
  for (size_t i = 0; i < n; i++) rig_start(&r->party[i]);
}

void rig_close(struct rig *r) {
  for (size_t i = 0; i < r->n; i++) {
    struct rig_party *p = &r->party[i];
    char wal[80];
    if (!p->down) rig_stop(p);
    buf_free(&p->card);
    for (size_t k = 0; k < p->n_before; k++) buf_free(&p->before[k]);
    unlink(p->path);
    snprintf(wal, sizeof wal, "%s-wal", p->path);
    unlink(wal);
  }
  for (size_t i = 0; i < r->n_forms; i++) form_free(r->forms[i]);
}

/* ---- the network ---- */

static struct rig_party *by_name(struct rig *r, const char *name) {
  for (size_t i = 0; i < r->n; i++)
    if (!strcmp(r->party[i].name, name)) return &r->party[i];
  return NULL;
}

static void carry_to_witness(struct rig *r, struct rig_party *from, const struct outbound *o) {
  struct outbound_result result = {.message = "connection refused"};
  if (r->witness && !from->mute) r->witness(r->witness_ctx, o, &result);
  node_outbound_done(from->node, o->id, &result);
}

static void carry(struct rig *r, struct rig_party *from, const struct outbound *o) {
  if (o->stranger) {
    carry_to_witness(r, from, o);
    return;
  }
  struct rig_party *to = by_name(r, o->peer);
  struct outbound_result result = {.message = "connection refused"};
  struct node_response resp = {0};
  struct node_call *c = NULL;
  r->requests++;
  if (!to->down && !from->mute && !r->cut[from - r->party][to - r->party]) {
    struct node_request q = {
        .peer = from->name, .method = o->method, .path = o->path, .query = "", .content_type = o->content_type};
    c = node_begin(to->node, &q, &resp);
    for (size_t at = 0; at < o->body.n && !resp.status; at += 1000)
      node_data(c, BYTES(o->body.p + at, o->body.n - at < 1000 ? o->body.n - at : 1000), &resp);
    if (!resp.status) node_end(c, &resp);
    assert_int_not_equal(resp.status, 0); /* peers never wait */
    if (r->altered) r->altered(o, &resp);
    result = (struct outbound_result){
        true, resp.status, resp.content_type ? resp.content_type : "", resp.retry_after, buf_view(&resp.body), NULL};
    if (getenv("RIG_LOG"))
      fprintf(stderr, "%8lld %s -> %s %s %s (%zu) %u %.*s\n", (long long)r->ms, from->name, to->name, o->method,
              o->path, o->body.n, resp.status, resp.status >= 300 ? (int)(resp.body.n < 100 ? resp.body.n : 100) : 0,
              (const char *)resp.body.p);
  }
  node_outbound_done(from->node, o->id, &result);
  if (c) node_finish(c);
  buf_free(&resp.body);
}

bool rig_turn(struct rig *r) {
  bool moved = false;
  for (size_t i = 0; i < r->n; i++) {
    struct rig_party *p = &r->party[i];
    struct outbound o;
    if (p->down) continue;
    node_work(p->node);
    while (node_next_outbound(p->node, &o)) {
      carry(r, p, &o);
      moved = true;
    }
  }
  return moved;
}

void rig_run(struct rig *r, int64_t ms) {
  int64_t end = r->ms + ms;
  for (unsigned guard = 0; guard < 100000; guard++) {
    if (rig_turn(r)) continue;
    int next = 60000;
    for (size_t i = 0; i < r->n; i++)
      if (!r->party[i].down) {
        int x = node_next_ms(r->party[i].node);
        next = x < next ? x : next;
      }
    if (r->ms + next > end) {
      r->ms = end;
      return;
    }
    r->ms += next;
  }
  fail_msg("the nodes never come to rest");
}

json_t *rig_ask(struct rig_party *p, const char *method, const char *path, const char *body, unsigned *status) {
  struct node_response resp = {0};
  char where[512];
  snprintf(where, sizeof where, "%s", path);
  char *query = strchr(where, '?');
  if (query) *query++ = '\0';
  struct node_request q = {
      .method = method, .path = where, .query = query ? query : "", .content_type = "application/json"};
  struct node_call *c = node_begin(p->node, &q, &resp);
  if (!resp.status && body) node_data(c, bytes_str(body), &resp);
  if (!resp.status) node_end(c, &resp);
  for (int i = 0; i < 200000 && !resp.status; i++) {
    struct node_call *done;
    rig_turn(p->rig);
    done = node_next_answer(p->node, &resp);
    if (done)
      assert_ptr_equal(done, c);
    else
      p->rig->ms += 10;
  }
  *status = resp.status;
  json_t *v = NULL;
  struct buf text = {0};
  if (resp.stream) {
    uint8_t chunk[5000];
    int64_t n;
    uint64_t at = 0;
    while ((n = node_stream_read(resp.stream, at, chunk, sizeof chunk)) > 0) {
      buf_add(&text, chunk, (size_t)n);
      at += (uint64_t)n;
    }
    assert_int_equal(n, 0);
    node_stream_free(resp.stream);
    v = json_stringn((const char *)text.p, text.n);
    buf_free(&text);
  } else if (resp.body.n) {
    v = json_loadb((const char *)resp.body.p, resp.body.n, 0, NULL);
  }
  if (getenv("RIG_LOG"))
    fprintf(stderr, "%s: %s %s -> %u %.*s\n", p->name, method, path, resp.status, (int)resp.body.n,
            (const char *)resp.body.p);
  buf_free(&resp.body);
  node_finish(c);
  return v;
}

json_t *rig_want(struct rig_party *p, const char *method, unsigned want, const char *body, const char *path,
                 const char *id, const char *tail) {
  char where[200];
  unsigned status;
  snprintf(where, sizeof where, path, id, tail);
  json_t *v = rig_ask(p, method, where, body, &status);
  const char *why = json_string_value(json_object_get(v, "message"));
  if (status != want) fail_msg("%s %s: %u instead of %u: %s", method, where, status, want, why ? why : "");
  return v;
}

void rig_closing(struct rig_party *p, const char *forum, const char *of, uint64_t size, bool other,
                 struct buf *changes) {
  struct arena a = {0};
  struct hash leaf[64], root;
  char origin[200];
  assert_true(size <= 64);
  snprintf(origin, sizeof origin, "%s/%s/0", of, forum);
  for (uint64_t i = 0; i < size; i++) {
    struct bytes entry;
    assert_int_equal(node_log_entry(p->node, origin, i, &a, &entry, NULL), PARLEY_OK);
    merkle_leaf(&leaf[i], entry);
  }
  merkle_root_of_leaves(&root, leaf, size);
  root.b[0] ^= other;
  buf_fmt(changes, "{\"close\":[{\"party\":\"%s\",\"epoch\":0,\"size\":%llu,\"root\":\"", of, (unsigned long long)size);
  base64_encode(changes, BYTES(root.b, 32), true);
  buf_str(changes, "\"}]}");
  arena_free(&a);
}

void rig_forum(struct rig *r, char hex[static 65]) {
  unsigned status;
  struct buf b = {0};
  buf_str(&b, "{\"title\":\"Test line\",\"languages\":[\"en\",\"ru\"],\"members\":[");
  for (size_t i = 1; i < r->n; i++) buf_fmt(&b, "%s\"%s\"", i > 1 ? "," : "", r->party[i].name);
  buf_str(&b, "]}");
  json_t *v = rig_ask(&r->party[0], "POST", "/v1/forums", buf_cstr(&b), &status);
  assert_int_equal(status, 201);
  snprintf(hex, 65, "%s", json_string_value(json_object_get(v, "forum")));
  json_decref(v);
  buf_free(&b);
  rig_run(r, 5000);
  for (size_t i = 1; i < r->n; i++) {
    char path[120];
    snprintf(path, sizeof path, "/v1/forums/%s/accept", hex);
    json_decref(rig_ask(&r->party[i], "POST", path, "{}", &status));
    assert_int_equal(status, 200);
  }
  rig_run(r, 5000);
}
