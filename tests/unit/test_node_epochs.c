/*
 * A counterpart's next epoch as it comes over the line: what opens it, what does not, and what is no longer
 * taken of the one before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "forum/statement.h"
#include "formats/tlog.h"
#include "node_fixture.h"
#include "record/copy.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

struct scene {
  struct rig r;
  struct rig_party *us, *ru; /* ru is the one that opens epochs; we forge what its node would send */
  char forum[65];
  uint8_t id[32];
};

static void open_scene(struct scene *s) {
  rig_open(&s->r, TWO, 2);
  s->us = &s->r.party[0];
  s->ru = &s->r.party[1];
  rig_forum(&s->r, s->forum);
  rig_run(&s->r, 20000);
  assert_true(hex_decode(s->id, 32, bytes_str(s->forum)));
}

static unsigned post(struct scene *s, const char *path, struct bytes body, char why[static 300]) {
  struct node_response out = {0};
  const struct node_request q = {.peer = s->ru->name, .method = "POST", .path = path, .query = ""};
  struct node_call *c = node_begin(s->us->node, &q, &out);
  if (!out.status) node_data(c, body, &out);
  if (!out.status) node_end(c, &out);
  snprintf(why, 300, "%.*s", out.body.n < 299 ? (int)out.body.n : 299, out.body.p ? (const char *)out.body.p : "");
  node_finish(c);
  buf_free(&out.body);
  return out.status;
}

/* A checkpoint signed by the seed's key; proof NULL: of nothing. */
static unsigned checkpoint_at(struct scene *s, const char *origin, uint64_t size, const struct hash *root,
                              const uint8_t seed[static 32], uint64_t old, const struct proof *proof,
                              char why[static 300]) {
  struct ed25519_key *key;
  struct buf note = {0}, body = {0};
  struct vkey k;
  uint8_t sig[64];
  checkpoint_text(&note, origin, size, root);
  assert_int_equal(ed25519_from_seed(&key, seed, NULL), PARLEY_OK);
  assert_int_equal(vkey_make(&k, origin, NOTE_ED25519, ed25519_public(key), NULL), PARLEY_OK);
  ed25519_sign(sig, key, buf_view(&note));
  buf_str(&note, "\n");
  note_sig_line(&note, &k, BYTES(sig, 64));
  struct add_checkpoint r = {.old = old, .note = buf_view(&note)};
  if (proof) r.proof = *proof;
  add_checkpoint_write(&body, &r);
  const unsigned status = post(s, "/add-checkpoint", buf_view(&body), why);
  ed25519_free(key);
  buf_free(&note);
  buf_free(&body);
  return status;
}

/* Of a log of one entry. */
static unsigned checkpoint(struct scene *s, const char *origin, struct bytes entry, const uint8_t seed[static 32],
                           char why[static 300]) {
  struct hash root;
  merkle_leaf(&root, entry);
  return checkpoint_at(s, origin, 1, &root, seed, 0, NULL, why);
}

static unsigned entries(struct scene *s, const char *origin, struct bytes entry, char why[static 300]) {
  struct buf body = {0};
  const struct add_entries_head h = {.origin = bytes_str(origin), .start = 0, .end = 1};
  struct entry_package *package = calloc(1, sizeof *package);
  package->n = 1;
  package->entries[0] = entry;
  add_entries_head_write(&body, &h);
  entry_package_write(&body, package);
  free(package);
  const unsigned status = post(s, "/add-entries", buf_view(&body), why);
  buf_free(&body);
  return status;
}

/* A statement of ru with an open body, as entry 0. */
static void make_entry(struct scene *s, const char *kind, json_t *body, const uint8_t seed[static 32],
                       struct buf *out) {
  struct statement st = {.issued = 1795500000, .body = body};
  struct buf payload = {0};
  struct ed25519_key *key;
  memcpy(st.forum, s->id, 32);
  memcpy(st.charter, s->id, 32);
  snprintf(st.from, sizeof st.from, "%s", s->ru->name);
  snprintf(st.kind, sizeof st.kind, "%s", kind);
  snprintf(st.lang, sizeof st.lang, "en");
  snprintf(st.desk, sizeof st.desk, "duty");
  st.precedence = ROUTINE;
  st.tlp = TLP_AMBER;
  assert_int_equal(ed25519_from_seed(&key, seed, NULL), PARLEY_OK);
  assert_int_equal(statement_payload(&payload, &st, NULL), PARLEY_OK);
  assert_int_equal(statement_entry(out, buf_view(&payload), key, NULL), PARLEY_OK);
  ed25519_free(key);
  buf_free(&payload);
  json_decref(body);
}

static void epoch_entry(struct scene *s, uint64_t before, const uint8_t seed[static 32], struct buf *out) {
  struct forum_epoch e = {.epoch = before, .size = 1};
  memset(e.root.b, 7, sizeof e.root.b);
  make_entry(s, "forum.epoch", forum_epoch_body(&e), seed, out);
}

static bool holds(struct scene *s, const char *origin, uint64_t *size) {
  struct node_log_view v;
  for (size_t i = 0; node_log_at(s->us->node, i, &v); i++)
    if (!strcmp(v.origin, origin)) return *size = v.signed_size, true;
  return false;
}

static void origin_of(const struct scene *s, uint64_t epoch, bool bulk, char out[static ORIGIN_MAX + 1]) {
  log_origin(out, s->ru->name, s->id, epoch, bulk);
}

static void delivered(struct scene *s, struct rig_party *from, unsigned want) {
  unsigned status;
  json_t *v = rig_ask(
      from, "POST", "/v1/statements?wait=20",
      "{\"kind\":\"incident.notice\",\"precedence\":\"IMMEDIATE\",\"tlp\":\"amber\",\"body\":{\"title\":\"Pipeline\","
      "\"summary\":\"It stands still.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}}",
      &status);
  assert_int_equal(status, 201);
  const char *state = json_string_value(json_object_get(v, "state"));
  assert_string_equal(state, want ? "delivered" : "accepted");
  json_decref(v);
  (void)s;
}

static void test_what_is_not_held(void **state) {
  (void)state;
  struct scene s;
  char one[ORIGIN_MAX + 1], two[ORIGIN_MAX + 1], bulk[ORIGIN_MAX + 1], why[300];
  uint64_t size = 0;
  open_scene(&s);
  struct buf entry = {0};
  epoch_entry(&s, 0, s.ru->seed[0], &entry);
  origin_of(&s, 1, false, one);
  origin_of(&s, 2, false, two);
  origin_of(&s, 1, true, bulk);
  assert_int_equal(checkpoint(&s, one, buf_view(&entry), s.us->seed[1], why), 404);  /* not its key */
  assert_int_equal(checkpoint(&s, two, buf_view(&entry), s.ru->seed[1], why), 404);  /* two ahead */
  assert_int_equal(checkpoint(&s, bulk, buf_view(&entry), s.ru->seed[1], why), 404); /* before its log */
  assert_int_equal(entries(&s, one, buf_view(&entry), why), 404);                    /* without a checkpoint */
  assert_false(holds(&s, one, &size) || holds(&s, two, &size) || holds(&s, bulk, &size));
  assert_int_equal(checkpoint(&s, one, buf_view(&entry), s.ru->seed[1], why), 200);
  assert_int_equal(checkpoint(&s, two, buf_view(&entry), s.ru->seed[1], why), 404); /* the one between is not open */
  rig_stop(s.us); /* held, over a restart as well; and epoch 0 goes on */
  rig_start(s.us);
  assert_true(holds(&s, one, &size));
  assert_int_equal(size, 0);
  delivered(&s, s.ru, true);
  buf_free(&entry);
  rig_close(&s.r);
}

static void test_opened(void **state) {
  (void)state;
  struct scene s;
  char zero[ORIGIN_MAX + 1], one[ORIGIN_MAX + 1], two[ORIGIN_MAX + 1], why[300];
  uint64_t size = 0;
  open_scene(&s);
  delivered(&s, s.ru, true);
  struct buf entry = {0}, next = {0};
  epoch_entry(&s, 0, s.ru->seed[0], &entry);
  epoch_entry(&s, 1, s.ru->seed[0], &next);
  origin_of(&s, 0, false, zero);
  origin_of(&s, 1, false, one);
  origin_of(&s, 2, false, two);
  s.ru->mute = true; /* from now on we speak for it */
  assert_int_equal(checkpoint(&s, one, buf_view(&entry), s.ru->seed[1], why), 200);
  assert_int_equal(entries(&s, one, buf_view(&entry), why), 200);
  rig_run(&s.r, 1000);
  struct hash root; /* another tree than its forum.epoch names, though it is the one that is held */
  assert_int_equal(node_log_root(s.us->node, zero, 1, &root, NULL), PARLEY_OK);
  assert_int_equal(checkpoint_at(&s, zero, 1, &root, s.ru->seed[1], 0, NULL, why), 403);
  assert_non_null(strstr(why, "epoch 1 of this log is open"));
  assert_int_equal(entries(&s, zero, buf_view(&entry), why), 403);
  for (int again = 0; again < 2; again++) {
    assert_true(holds(&s, zero, &size) && size >= 2); /* readable */
    assert_true(holds(&s, one, &size) && size == 1);
    rig_stop(s.us);
    rig_start(s.us);
    rig_run(&s.r, 1000);
  }
  assert_int_equal(checkpoint(&s, two, buf_view(&next), s.ru->seed[1], why), 200);
  assert_int_equal(entries(&s, two, buf_view(&next), why), 200);
  rig_run(&s.r, 1000);
  assert_int_equal(checkpoint(&s, one, buf_view(&entry), s.ru->seed[1], why), 403);
  buf_free(&entry);
  buf_free(&next);
  rig_close(&s.r);
}

/* Nothing that is no forum.epoch of the one before opens it: it is held, marked, and the one before goes on. */
static void not_opened(const char *what) {
  struct scene s;
  char one[ORIGIN_MAX + 1], two[ORIGIN_MAX + 1], why[300];
  uint64_t size = 0;
  struct buf entry = {0};
  open_scene(&s);
  origin_of(&s, 1, false, one);
  origin_of(&s, 2, false, two);
  if (!strcmp(what, "another epoch"))
    epoch_entry(&s, 1, s.ru->seed[0], &entry);
  else if (!strcmp(what, "another kind"))
    make_entry(&s, "forum.held", json_object(), s.ru->seed[0], &entry);
  else if (!strcmp(what, "another key"))
    epoch_entry(&s, 0, s.us->seed[0], &entry);
  else
    buf_str(&entry, "no statement at all");
  assert_int_equal(checkpoint(&s, one, buf_view(&entry), s.ru->seed[1], why), 200);
  assert_int_equal(entries(&s, one, buf_view(&entry), why), 200);
  rig_run(&s.r, 5000);
  assert_true(holds(&s, one, &size) && size == 1);
  delivered(&s, s.ru, true); /* in epoch 0 */
  assert_int_equal(checkpoint(&s, two, buf_view(&entry), s.ru->seed[1], why), 404);
  rig_stop(s.us);
  rig_start(s.us);
  rig_run(&s.r, 5000);
  delivered(&s, s.ru, true);
  buf_free(&entry);
  rig_close(&s.r);
}

static void test_not_opened(void **state) {
  (void)state;
  not_opened("another epoch");
  not_opened("another kind");
  not_opened("another key");
  not_opened("garbage");
}

/* ---- the end of an epoch that is over ---- */

/* What us holds of ru's log of epoch 0, and `extra` behind it, as ru would have it. */
struct old_log {
  struct copy *copy;
  uint64_t held, size;
  struct hash root;
  struct proof proof; /* from held to size */
};

static void old_log_of(struct scene *s, const char *name, struct bytes extra, struct old_log *out) {
  char zero[ORIGIN_MAX + 1];
  origin_of(s, 0, false, zero);
  assert_true(holds(s, zero, &out->held));
  assert_int_equal(store_begin(s->ru->store, NULL), PARLEY_OK);
  assert_int_equal(copy_open(&out->copy, s->ru->store, name, ENTRY_MAX, NULL), PARLEY_OK);
  for (uint64_t i = 0; i <= out->held; i++) {
    struct arena a = {0};
    struct bytes entry = extra;
    if (i < out->held) assert_int_equal(node_log_entry(s->us->node, zero, i, &a, &entry, NULL), PARLEY_OK);
    assert_int_equal(copy_append(out->copy, &entry, 1, NULL), PARLEY_OK);
    arena_free(&a);
  }
  assert_int_equal(copy_flush(out->copy, NULL), PARLEY_OK);
  assert_int_equal(store_commit(s->ru->store, NULL), PARLEY_OK);
  out->size = out->held + 1;
  assert_int_equal(copy_root(out->copy, out->size, &out->root, NULL), PARLEY_OK);
  assert_int_equal(merkle_consistency(&out->proof, copy_source(out->copy), out->held, out->size, NULL), PARLEY_OK);
}

static unsigned old_checkpoint(struct scene *s, const struct old_log *l, char why[static 300]) {
  char zero[ORIGIN_MAX + 1];
  origin_of(s, 0, false, zero);
  return checkpoint_at(s, zero, l->size, &l->root, s->ru->seed[1], l->held, &l->proof, why);
}

static unsigned old_entries(struct scene *s, const struct old_log *l, uint64_t end, char why[static 300]) {
  char zero[ORIGIN_MAX + 1];
  struct buf body = {0};
  uint64_t next;
  origin_of(s, 0, false, zero);
  const struct add_entries_head h = {.origin = bytes_str(zero), .start = end - 1, .end = end};
  add_entries_head_write(&body, &h);
  assert_int_equal(copy_packages(l->copy, end - 1, end, 1 << 20, &body, &next, NULL), PARLEY_OK);
  const unsigned status = post(s, "/add-entries", buf_view(&body), why);
  buf_free(&body);
  return status;
}

/* From now on we speak for ru: its epoch 1 is opened, and names this tree of epoch 0. */
static void open_naming(struct scene *s, uint64_t size, const struct hash *root) {
  char one[ORIGIN_MAX + 1], why[300];
  struct forum_epoch end = {.epoch = 0, .size = size, .root = *root};
  struct buf entry = {0};
  s->ru->mute = true;
  origin_of(s, 1, false, one);
  make_entry(s, "forum.epoch", forum_epoch_body(&end), s->ru->seed[0], &entry);
  assert_int_equal(checkpoint(s, one, buf_view(&entry), s->ru->seed[1], why), 200);
  assert_int_equal(entries(s, one, buf_view(&entry), why), 200);
  rig_run(&s->r, 1000);
  buf_free(&entry);
}

static bool told(struct scene *s, const char *what) {
  unsigned status;
  json_t *v = rig_ask(s->us, "GET", "/v1/status", NULL, &status), *one;
  size_t i;
  bool yes = false;
  json_array_foreach(json_object_get(v, "observed"), i, one) {
    yes = yes || !strcmp(json_string_value(json_object_get(one, "what")), what);
  }
  json_decref(v);
  return yes;
}

static unsigned proofs(struct scene *s) {
  unsigned status;
  json_t *v = rig_ask(s->us, "GET", "/v1/proofs", NULL, &status);
  const size_t n = json_array_size(json_object_get(v, "proofs"));
  json_decref(v);
  return (unsigned)n;
}

/* Exactly the tree that is named is taken, whatever else is tried before; then it is as if it had come in time. */
static void test_end(void **state) {
  (void)state;
  struct scene s;
  struct old_log named, other;
  struct buf entry = {0};
  struct hash held;
  char zero[ORIGIN_MAX + 1], why[300];
  uint64_t size = 0;
  open_scene(&s);
  delivered(&s, s.ru, true);
  origin_of(&s, 0, false, zero);
  make_entry(&s, "forum.held", json_object(), s.ru->seed[0], &entry);
  old_log_of(&s, "named", buf_view(&entry), &named);
  old_log_of(&s, "other", bytes_str("what its forum.epoch does not name"), &other);
  open_naming(&s, named.size, &named.root);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(old_checkpoint(&s, &other, why), 403); /* of that size, and continues what is held */
    assert_non_null(strstr(why, "only the tree that its forum.epoch names"));
    assert_int_equal(node_log_root(s.us->node, zero, named.held, &held, NULL), PARLEY_OK);
    assert_int_equal(checkpoint_at(&s, zero, named.held, &held, s.ru->seed[1], named.held, NULL, why), 403);
    assert_int_equal(old_entries(&s, &named, named.held, why), 403);
    assert_int_equal(old_entries(&s, &named, named.size, why), 409); /* no checkpoint came before */
    rig_stop(s.us);
    rig_start(s.us);
    rig_run(&s.r, 1000);
  }
  assert_int_equal(proofs(&s), 0);
  assert_int_equal(old_checkpoint(&s, &named, why), 200);
  assert_int_equal(old_entries(&s, &other, named.size, why), 422);
  assert_int_equal(old_entries(&s, &named, named.size, why), 200);
  assert_true(holds(&s, zero, &size) && size == named.size);
  rig_run(&s.r, 1000);
  assert_int_equal(old_checkpoint(&s, &other, why), 403); /* now it is another history of what is held */
  assert_int_equal(proofs(&s), 1);
  assert_int_equal(old_entries(&s, &named, named.size, why), 403); /* not even a renewal */
  assert_true(holds(&s, zero, &size) && size == named.size);
  copy_close(named.copy);
  copy_close(other.copy);
  buf_free(&entry);
  rig_close(&s.r);
}

static bool has_problem(struct scene *s, struct bytes entry) {
  struct hash id;
  char hex[65], path[100];
  unsigned status;
  statement_id(&id, entry);
  hex_encode(hex, BYTES(id.b, 32));
  snprintf(path, sizeof path, "/v1/statements/%s", hex);
  json_t *v = rig_ask(s->us, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  const bool yes = json_object_get(v, "problem") != NULL;
  json_decref(v);
  return yes;
}

/* One statement stands in both epochs, and was taken in from the later one, where it breaks a rule: the older one counts. */
static void test_in_both(void **state) {
  (void)state;
  struct scene s;
  struct old_log named;
  struct copy *next;
  struct hash root;
  struct buf twice = {0}, first = {0}, body = {0};
  char one[ORIGIN_MAX + 1], why[300];
  uint64_t upto;
  open_scene(&s);
  delivered(&s, s.ru, true);
  origin_of(&s, 1, false, one);
  make_entry(&s, "forum.held", json_object(), s.ru->seed[0], &twice);
  old_log_of(&s, "named", buf_view(&twice), &named);
  const struct forum_epoch end = {.size = named.size, .root = named.root};
  make_entry(&s, "forum.epoch", forum_epoch_body(&end), s.ru->seed[0], &first);
  s.ru->mute = true;
  const struct bytes both[] = {buf_view(&first), buf_view(&twice)};
  assert_int_equal(store_begin(s.ru->store, NULL), PARLEY_OK);
  assert_int_equal(copy_open(&next, s.ru->store, "next", ENTRY_MAX, NULL), PARLEY_OK);
  assert_int_equal(copy_append(next, both, 2, NULL), PARLEY_OK);
  assert_int_equal(copy_flush(next, NULL), PARLEY_OK);
  assert_int_equal(store_commit(s.ru->store, NULL), PARLEY_OK);
  assert_int_equal(copy_root(next, 2, &root, NULL), PARLEY_OK);
  const struct add_entries_head h = {.origin = bytes_str(one), .start = 0, .end = 2};
  add_entries_head_write(&body, &h);
  assert_int_equal(copy_packages(next, 0, 2, 1 << 20, &body, &upto, NULL), PARLEY_OK);
  assert_int_equal(checkpoint_at(&s, one, 2, &root, s.ru->seed[1], 0, NULL, why), 200);
  assert_int_equal(post(&s, "/add-entries", buf_view(&body), why), 200);
  rig_run(&s.r, 1000);
  assert_true(has_problem(&s, both[1])); /* that log has opened no charter */
  assert_int_equal(old_checkpoint(&s, &named, why), 200);
  assert_int_equal(old_entries(&s, &named, named.size, why), 200);
  rig_run(&s.r, 1000);
  assert_false(has_problem(&s, both[1]));
  rig_stop(s.us);
  rig_start(s.us);
  rig_run(&s.r, 1000);
  assert_false(has_problem(&s, both[1]));
  copy_close(next);
  copy_close(named.copy);
  buf_free(&twice);
  buf_free(&first);
  buf_free(&body);
  rig_close(&s.r);
}

/* What is held stays, and people are told. */
static void holds_another(bool longer) {
  struct scene s;
  struct hash root;
  char zero[ORIGIN_MAX + 1], why[300];
  uint64_t size = 0, after = 0;
  open_scene(&s);
  delivered(&s, s.ru, true);
  origin_of(&s, 0, false, zero);
  assert_true(holds(&s, zero, &size) && size > 1);
  assert_int_equal(node_log_root(s.us->node, zero, longer ? size - 1 : size, &root, NULL), PARLEY_OK);
  if (!longer) root.b[0] ^= 1;
  assert_false(told(&s, "other_end"));
  open_naming(&s, longer ? size - 1 : size, &root);
  assert_true(told(&s, "other_end"));
  assert_true(checkpoint_at(&s, zero, longer ? size - 1 : size, &root, s.ru->seed[1], 0, NULL, why) >= 400);
  assert_true(holds(&s, zero, &after) && after == size);
  assert_int_equal(proofs(&s), longer ? 0 : 1); /* a signed tree beside the one that is held convicts, as ever */
  rig_close(&s.r);
}

static void test_holds_another(void **state) {
  (void)state;
  holds_another(true);
  holds_another(false);
}

/* The statement counts for nothing as things are. */
static bool is_marked(struct scene *s, const char *origin, uint64_t index) {
  struct arena a = {0};
  struct bytes entry;
  struct hash id;
  char hex[65], path[100];
  unsigned status;
  assert_int_equal(node_log_entry(s->us->node, origin, index, &a, &entry, NULL), PARLEY_OK);
  statement_id(&id, entry);
  hex_encode(hex, BYTES(id.b, 32));
  snprintf(path, sizeof path, "/v1/statements/%s", hex);
  json_t *v = rig_ask(s->us, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  const char *mark = json_string_value(json_object_get(v, "mark"));
  const bool yes = mark && !strcmp(mark, "closed");
  json_decref(v);
  arena_free(&a);
  return yes;
}

/* Epoch 1 is opened before the proof against epoch 0 is known: it waits for a charter all the same. */
static void test_fork_after_the_next(void **state) {
  (void)state;
  struct scene s;
  struct hash root;
  char zero[ORIGIN_MAX + 1], one[ORIGIN_MAX + 1], two[ORIGIN_MAX + 1], why[300];
  struct buf next = {0};
  open_scene(&s);
  delivered(&s, s.ru, true);
  origin_of(&s, 0, false, zero);
  origin_of(&s, 1, false, one);
  origin_of(&s, 2, false, two);
  assert_int_equal(node_log_root(s.us->node, zero, 2, &root, NULL), PARLEY_OK);
  open_naming(&s, 2, &root);
  assert_int_equal(node_log_root(s.us->node, one, 1, &root, NULL), PARLEY_OK);
  assert_int_equal(checkpoint_at(&s, one, 1, &root, s.ru->seed[1], 1, NULL, why), 200);
  root.b[0] ^= 1;
  assert_int_equal(checkpoint_at(&s, zero, 1, &root, s.ru->seed[1], 0, NULL, why), 403);
  assert_int_equal(proofs(&s), 1);
  root.b[0] ^= 1;
  epoch_entry(&s, 1, s.ru->seed[0], &next);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(checkpoint_at(&s, one, 1, &root, s.ru->seed[1], 1, NULL, why), 403);
    assert_non_null(strstr(why, "two histories of its log of epoch 0"));
    assert_int_equal(entries(&s, one, buf_view(&next), why), 403);
    assert_int_equal(checkpoint(&s, two, buf_view(&next), s.ru->seed[1], why), 403);
    assert_true(is_marked(&s, one, 0) && !is_marked(&s, zero, 1));
    rig_stop(s.us);
    rig_start(s.us);
    rig_run(&s.r, 1000);
  }
  buf_free(&next);
  rig_close(&s.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_not_held),
      cmocka_unit_test(test_opened),
      cmocka_unit_test(test_not_opened),
      cmocka_unit_test(test_end),
      cmocka_unit_test(test_in_both),
      cmocka_unit_test(test_holds_another),
      cmocka_unit_test(test_fork_after_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
