/*
 * Our own vectors of the formats (tests/vectors/parley/formats), made by a program that shares no code with parley.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/encoding.h"
#include "formats/dsse.h"
#include "formats/tlog.h"

#define FOLDER "tests/vectors/parley/formats/"

static struct arena arena;

static int free_arena(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* ---- reading the files ---- */

static json_t *load(const char *name) {
  json_error_t error;
  char path[128];
  snprintf(path, sizeof path, FOLDER "%s", name);
  json_t *all = json_load_file(path, 0, &error);
  if (all == NULL) fail_msg("%s: %s", path, error.text);
  return all;
}

static const char *string_of(const json_t *object, const char *member) {
  const char *s = json_string_value(json_object_get(object, member));
  if (s == NULL) fail_msg("no member %s", member);
  return s;
}

static struct bytes from_base64(const char *text) {
  struct buf b = {0};
  assert_true(base64_decode(&b, bytes_str(text), true));
  return arena_take(&arena, &b);
}

/* The member itself, or what stands in base64 in <member>_base64. */
static struct bytes bytes_of(const json_t *object, const char *member) {
  char encoded[64];
  snprintf(encoded, sizeof encoded, "%s_base64", member);
  const char *s = json_string_value(json_object_get(object, encoded));
  return s ? from_base64(s) : bytes_str(string_of(object, member));
}

static struct hash hash_of(const json_t *text) {
  struct hash h;
  assert_true(base64_decode_fixed(h.b, sizeof h.b, bytes_str(json_string_value(text)), true));
  return h;
}

static struct proof proof_of(const json_t *hashes) {
  struct proof p = {.n = json_array_size(hashes)};
  assert_true(p.n <= PROOF_MAX);
  for (size_t i = 0; i < p.n; i++) p.h[i] = hash_of(json_array_get(hashes, i));
  return p;
}

/* Every case is judged, and those that went wrong are named before the test fails. */
static int judge_all(json_t *all, const char *list, bool (*judge)(const json_t *c), size_t at_least) {
  size_t i;
  json_t *c;
  int wrong = 0;
  const json_t *cases = json_object_get(all, list);
  assert_true(json_array_size(cases) >= at_least);
  json_array_foreach(cases, i, c) {
    if (judge(c)) continue;
    printf("%s: another verdict than \"%s\"\n", string_of(c, "name"), string_of(c, "expect"));
    wrong++;
  }
  return wrong;
}

static bool expects(const json_t *c, const char *word) { return strcmp(string_of(c, "expect"), word) == 0; }

/* ---- notes ---- */

static bool judge_vkey(const json_t *c) {
  struct vkey k;
  struct buf again = {0};
  const struct bytes text = bytes_str(string_of(c, "vkey"));
  const parley_err err = vkey_parse(&k, text, NULL);
  if (!err) vkey_write(&again, &k);
  const bool ok = expects(c, "good") ? !err && bytes_eq(buf_view(&again), text) : err == PARLEY_EINVAL;
  buf_free(&again);
  return ok;
}

static bool judge_key(const struct note *n, const json_t *key) {
  struct vkey k;
  int64_t time = -1;
  const json_t *wanted = json_object_get(key, "time");
  assert_int_equal(vkey_parse(&k, bytes_str(string_of(key, "vkey")), NULL), PARLEY_OK);
  const parley_err err = note_verify(n, &k, &time, NULL, NULL);
  const char *says = string_of(key, "says");
  if (strcmp(says, "absent") == 0) return err == PARLEY_ENOTFOUND;
  if (strcmp(says, "fails") == 0) return err == PARLEY_EVERIFY;
  return strcmp(says, "signed") == 0 && !err && time == (wanted ? json_integer_value(wanted) : 0);
}

static bool judge_note(const json_t *c) {
  struct note n;
  size_t i;
  json_t *key;
  const parley_err err = note_parse(&n, &arena, bytes_of(c, "note"), NULL);
  if (expects(c, "malformed")) return err == PARLEY_EINVAL;
  if (expects(c, "too large")) return err == PARLEY_ELIMIT;
  if (err || !expects(c, "parsed")) return false;
  json_array_foreach(json_object_get(c, "keys"), i, key) if (!judge_key(&n, key)) return false;
  return true;
}

static void test_notes(void **state) {
  (void)state;
  json_t *all = load("notes.json");
  const int wrong = judge_all(all, "vkeys", judge_vkey, 20) + judge_all(all, "notes", judge_note, 35);
  json_decref(all);
  assert_int_equal(wrong, 0);
}

/* ---- checkpoints ---- */

static bool judge_checkpoint(const json_t *c) {
  struct checkpoint p;
  const struct bytes text = bytes_of(c, "text");
  const parley_err err = checkpoint_parse(&p, text, NULL);
  if (!expects(c, "good")) return err == PARLEY_EINVAL;
  const struct hash root = hash_of(json_object_get(c, "root"));
  struct buf again = {0};
  if (!err) checkpoint_text(&again, string_of(c, "origin"), p.size, &p.root);
  const bool ok = !err && bytes_is(p.origin, string_of(c, "origin")) && hash_eq(&p.root, &root) &&
                  p.size == (uint64_t)json_integer_value(json_object_get(c, "size")) &&
                  bytes_eq(buf_view(&again), text);
  buf_free(&again);
  return ok;
}

static void test_checkpoints(void **state) {
  (void)state;
  json_t *all = load("checkpoints.json");
  const int wrong = judge_all(all, "checkpoints", judge_checkpoint, 20);
  json_decref(all);
  assert_int_equal(wrong, 0);
}

/* ---- policies ---- */

static bool judge_policy(const json_t *c) {
  struct tlog_policy *p;
  size_t i;
  json_t *one;
  const parley_err err = tlog_policy_parse(&p, &arena, bytes_of(c, "policy"), NULL);
  if (!expects(c, "good")) return err == PARLEY_EINVAL;
  if (err) return false;
  json_array_foreach(json_object_get(c, "notes"), i, one) {
    struct note n;
    assert_int_equal(note_parse(&n, &arena, bytes_of(one, "note"), NULL), PARLEY_OK);
    if (tlog_policy_check(p, &n, NULL) != (expects(one, "valid") ? PARLEY_OK : PARLEY_EVERIFY)) {
      printf("note %zu: another verdict than \"%s\"\n", i, string_of(one, "expect"));
      return false;
    }
  }
  return true;
}

static void test_policies(void **state) {
  (void)state;
  json_t *all = load("policies.json");
  const int wrong = judge_all(all, "policies", judge_policy, 45);
  json_decref(all);
  assert_int_equal(wrong, 0);
}

/* ---- proofs ---- */

static struct tlog_policy *proof_policy;

/* tlog-proof: Verifying a tlog proof. */
static bool holds(const struct tlog_proof *p, struct bytes entry) {
  struct note n;
  struct checkpoint c;
  struct hash leaf;
  merkle_leaf(&leaf, entry);
  return note_parse(&n, &arena, p->note, NULL) == PARLEY_OK && checkpoint_parse(&c, n.text, NULL) == PARLEY_OK &&
         tlog_policy_check(proof_policy, &n, NULL) == PARLEY_OK &&
         merkle_check_inclusion(&p->inclusion, p->index, c.size, &leaf, &c.root);
}

static bool judge_proof(const json_t *c) {
  struct tlog_proof p;
  struct buf again = {0};
  const struct bytes text = bytes_of(c, "proof");
  const parley_err err = tlog_proof_parse(&p, &arena, text, NULL);
  if (expects(c, "malformed")) return err == PARLEY_EINVAL || err == PARLEY_ELIMIT;
  if (err) return false;
  tlog_proof_write(&again, &p);
  const bool same = bytes_eq(buf_view(&again), text);
  buf_free(&again);
  return same && holds(&p, bytes_of(c, "entry")) == expects(c, "valid");
}

static void test_proofs(void **state) {
  (void)state;
  json_t *all = load("proofs.json");
  assert_int_equal(tlog_policy_parse(&proof_policy, &arena, bytes_of(all, "policy"), NULL), PARLEY_OK);
  const int wrong = judge_all(all, "proofs", judge_proof, 28);
  json_decref(all);
  assert_int_equal(wrong, 0);
}

/* ---- trees ---- */

#define LEAVES_MAX 64

static parley_err read_leaves(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  (void)e;
  merkle_root_of_leaves(out, (const struct hash *)ctx + (index << level), (size_t)1 << level);
  return PARLEY_OK;
}

static void assert_same(const struct proof *got, const json_t *hashes) {
  const struct proof want = proof_of(hashes);
  assert_int_equal(got->n, want.n);
  for (size_t i = 0; i < want.n; i++) assert_true(hash_eq(&got->h[i], &want.h[i]));
}

static void check_tree(const json_t *t, struct hash *leaves) {
  const struct merkle_source s = {read_leaves, leaves};
  const size_t size = (size_t)json_integer_value(json_object_get(t, "size"));
  const struct hash want = hash_of(json_object_get(t, "root"));
  struct hash root;
  struct proof p;
  size_t i;
  json_t *one;
  merkle_root_of_leaves(&root, leaves, size);
  assert_true(hash_eq(&root, &want));
  assert_int_equal(json_array_size(json_object_get(t, "inclusion")), size);
  assert_int_equal(json_array_size(json_object_get(t, "consistency")), size);
  json_array_foreach(json_object_get(t, "inclusion"), i, one) {
    assert_int_equal(merkle_inclusion(&p, s, i, size, NULL), PARLEY_OK);
    assert_same(&p, one);
    assert_true(merkle_check_inclusion(&p, i, size, &leaves[i], &root));
  }
  json_array_foreach(json_object_get(t, "consistency"), i, one) {
    struct hash old;
    merkle_root_of_leaves(&old, leaves, i + 1);
    assert_int_equal(merkle_consistency(&p, s, i + 1, size, NULL), PARLEY_OK);
    assert_same(&p, one);
    assert_true(merkle_check_consistency(&p, i + 1, &old, size, &root));
  }
  json_array_foreach(json_object_get(t, "subtrees"), i, one) {
    const uint64_t start = (uint64_t)json_integer_value(json_object_get(one, "start"));
    const uint64_t end = (uint64_t)json_integer_value(json_object_get(one, "end"));
    const struct hash sub = hash_of(json_object_get(one, "root"));
    assert_int_equal(merkle_subtree(&p, s, start, end, size, NULL), PARLEY_OK);
    assert_same(&p, json_object_get(one, "proof"));
    assert_true(merkle_check_subtree(&p, start, end, &sub, size, &root));
  }
}

static void test_trees(void **state) {
  (void)state;
  json_t *all = load("trees.json"), *one;
  struct hash leaves[LEAVES_MAX];
  size_t i;
  const json_t *entries = json_object_get(all, "entries"), *trees = json_object_get(all, "trees");
  assert_true(json_array_size(entries) <= LEAVES_MAX);
  json_array_foreach(entries, i, one) merkle_leaf(&leaves[i], bytes_str(json_string_value(one)));
  assert_int_equal(json_array_size(trees), json_array_size(entries) + 1);
  json_array_foreach(trees, i, one) check_tree(one, leaves);
  json_decref(all);
}

/* ---- envelopes ---- */

static bool judge_signer(const struct dsse *d, const json_t *key) {
  uint8_t pub[ED25519_KEY_SIZE];
  char id[65];
  bool there = false, verifies = false;
  assert_true(base64_decode_fixed(pub, sizeof pub, bytes_str(string_of(key, "key")), true));
  ed25519_keyid(id, pub);
  for (size_t i = 0; i < d->n; i++) {
    there = there || strcmp(d->sigs[i].keyid, id) == 0;
    verifies = verifies || dsse_signed_by(d, i, pub) == PARLEY_OK;
  }
  const char *says = string_of(key, "says");
  return strcmp(says, verifies ? "signed" : there ? "fails" : "absent") == 0;
}

static bool judge_envelope(const json_t *c) {
  struct dsse d;
  struct buf again = {0};
  size_t i;
  json_t *key;
  const struct bytes text = bytes_of(c, "envelope");
  const parley_err err = dsse_parse(&d, &arena, text, 1 << 20, NULL);
  if (!expects(c, "parsed")) return err == PARLEY_EINVAL;
  if (err) return false;
  dsse_write(&again, &d);
  const bool same = bytes_eq(buf_view(&again), text);
  buf_free(&again);
  json_array_foreach(json_object_get(c, "keys"), i, key) if (!judge_signer(&d, key)) return false;
  return same;
}

static void test_envelopes(void **state) {
  (void)state;
  json_t *all = load("envelopes.json");
  const int wrong = judge_all(all, "envelopes", judge_envelope, 24);
  json_decref(all);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_notes),  cmocka_unit_test(test_checkpoints), cmocka_unit_test(test_policies),
      cmocka_unit_test(test_proofs), cmocka_unit_test(test_trees),       cmocka_unit_test(test_envelopes),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
