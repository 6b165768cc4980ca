/*
 * Our own vectors (tests/vectors/parley): written from fixed seeds, so that writing them again gives the same bytes, and
 * read back as a stranger would. usage: vectors-test_parley_vectors --write DIR
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "unit/pack_list.h"

#define FOLDER "tests/vectors/parley"

/* ---- writing ---- */

/* Text as it is, other bytes as {"base64": …}. */
static json_t *content(struct bytes data) {
  json_t *text = json_stringn((const char *)data.p, data.n);
  if (text != NULL && memchr(data.p, 0, data.n) == NULL) return text;
  json_decref(text);
  json_t *o = json_object();
  assert_true(o != NULL && json_put_b64(o, "base64", data.p, data.n));
  return o;
}

static json_t *pack_files(const struct fixture *f, const struct pack *p) {
  json_t *files = json_object();
  assert_non_null(files);
  for (size_t i = 0; i < p->n; i++)
    if (strcmp(p->files[i].name, "VERIFY.md") != 0)
      assert_int_equal(json_object_set_new(files, p->files[i].name, content(p->files[i].data)), 0);
  for (size_t i = 0; i < f->n_stored; i++)
    assert_int_equal(json_object_set_new(files, f->stored[i].name.text, content(f->stored[i].data)), 0);
  return files;
}

static json_t *fingerprints(const struct fixture *f) {
  json_t *o = json_object();
  const size_t first = f->options.predecessors > 0 ? 0 : f->options.named;
  for (size_t i = 0; i <= f->options.addressees; i++)
    assert_true(json_put_hex(o, f->parties[i].name, f->parties[i].at[first].card.fingerprint, SHA256_SIZE));
  return o;
}

/* The seal keys of the addressees' first cards, so that others can open what is sealed. */
static json_t *identities(const struct fixture *f) {
  static const char *const labels[] = {"seal", "seal judicial"};
  json_t *o = json_object();
  for (size_t i = 0; i <= f->options.addressees; i++) {
    json_t *list = json_array();
    for (size_t k = 0; k < 2; k++) {
      char text[128];
      uint8_t secret[32];
      struct age_identity id;
      struct buf b = {0};
      const int n = snprintf(text, sizeof text, "fixture %d %s %s", f->options.world, f->parties[i].name, labels[k]);
      sha256(secret, BYTES(text, n));
      assert_true(age_identity_from_secret(&id, secret));
      age_identity_write(&b, &id);
      assert_int_equal(json_array_append_new(list, json_stringn((const char *)b.p, b.n)), 0);
      buf_free(&b);
    }
    assert_int_equal(json_object_set_new(o, f->parties[i].name, list), 0);
  }
  return o;
}

static void vector_text(struct buf *out, const struct listed_pack *x) {
  struct fixture f;
  const struct pack p = listed_pack_open(&f, x);
  json_t *o = json_object();
  assert_true(json_put_str(o, "name", x->name) && json_put_str(o, "what", x->what));
  assert_int_equal(json_object_set_new(o, "verdict", json_string(x->bad != NULL ? "bad" : "good")), 0);
  if (x->bad != NULL) assert_true(json_put_str(o, "names", x->bad));
  assert_int_equal(json_object_set_new(o, "fingerprints", fingerprints(&f)), 0);
  assert_int_equal(json_object_set_new(o, "identities", identities(&f)), 0);
  assert_int_equal(json_object_set_new(o, "files", pack_files(&f, &p)), 0);
  assert_true(json_write_pretty(out, o));
  json_decref(o);
  fixture_close(&f);
}

static const char *write_to;

static void path_of(char path[static 512], const char *dir, const struct listed_pack *x) {
  snprintf(path, 512, "%s/packs/%s.json", dir, x->name);
}

static bool published(const struct listed_pack *x) {
  static const char *const names[] = {"plain",           "all",
                                      "renewed",         "rejected-then-read",
                                      "disclosed",       "disclosed-desk",
                                      "disclosed-files", "disclosed-reject",
                                      "bad-gap",         "bad-sealed-to",
                                      "bad-seed",        "disclosed-spaced",
                                      "bad-file",        "bad-no-range",
                                      "bad-ground",      "several",
                                      "some",            "bad-answer"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], x->name) == 0) return true;
  return false;
}

static void test_write(void **state) {
  (void)state;
  for (size_t i = 0; i < listed_packs_count; i++) {
    char path[512];
    struct buf b = {0};
    if (!published(&listed_packs[i])) continue;
    vector_text(&b, &listed_packs[i]);
    path_of(path, write_to, &listed_packs[i]);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(b.p, 1, b.n, out), b.n);
    assert_int_equal(fclose(out), 0);
    buf_free(&b);
  }
}

/* ---- reading ---- */

static struct bytes read_whole(struct arena *a, const char *path) {
  struct buf b = {0};
  uint8_t chunk[4096];
  size_t n;
  FILE *in = fopen(path, "rb");
  if (in == NULL) fail_msg("%s is missing", path);
  while ((n = fread(chunk, 1, sizeof chunk, in)) > 0) buf_add(&b, chunk, n);
  fclose(in);
  return arena_take(a, &b);
}

static void test_written_again(void **state) {
  struct arena a = {0};
  (void)state;
  for (size_t i = 0; i < listed_packs_count; i++) {
    char path[512];
    struct buf b = {0};
    if (!published(&listed_packs[i])) continue;
    path_of(path, FOLDER, &listed_packs[i]);
    vector_text(&b, &listed_packs[i]);
    if (!bytes_eq(read_whole(&a, path), buf_view(&b))) fail_msg("%s is not what is written again", path);
    buf_free(&b);
  }
  arena_free(&a);
}

static struct bytes content_of(struct arena *a, const json_t *v) {
  struct buf b = {0};
  if (json_is_string(v))
    buf_add(&b, json_string_value(v), json_string_length(v));
  else
    assert_true(base64_decode(&b, bytes_str(json_string_value(json_object_get(v, "base64"))), true));
  const struct bytes out = arena_take(a, &b);
  assert_non_null(out.p);
  return out;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

/* Only from the file, as others would. */
static void judge(struct arena *a, const json_t *o) {
  struct pack_file files[64];
  struct fixture_stored stored[PACK_STORED_MAX];
  struct anchor anchors[FIXTURE_PARTIES];
  struct pack p = {.files = files};
  struct pack_known known = {.anchors = anchors};
  struct pack_result r;
  struct errmsg e = {{0}};
  size_t n_stored = 0;
  const char *name;
  json_t *v;
  json_object_foreach(json_object_get(o, "files"), name, v) {
    struct pack_file *x = &files[p.n];
    if (strncmp(name, "files/", 6) == 0) {
      snprintf(stored[n_stored].name.text, PACK_NAME_SIZE, "%s", name);
      stored[n_stored++].data = content_of(a, v);
      continue;
    }
    snprintf(x->name, sizeof x->name, "%s", name);
    x->data = content_of(a, v);
    p.n++;
  }
  qsort(files, p.n, sizeof *files, by_name);
  fixture_store(&p, a, stored, n_stored);
  json_object_foreach(json_object_get(o, "fingerprints"), name, v) {
    struct anchor *x = &anchors[known.n_anchors++];
    snprintf(x->party, sizeof x->party, "%s", name);
    assert_true(fingerprint_parse(x->fingerprint, json_string_value(v)));
  }
  const char *who = json_string_value(json_object_get(o, "name"));
  const parley_err rc = pack_verify(&r, a, &p, &known, &e);
  if (strcmp(json_string_value(json_object_get(o, "verdict")), "good") == 0) {
    if (rc != PARLEY_OK) fail_msg("%s: %s", who, e.text);
    assert_true(r.identified);
  } else {
    const char *names = json_string_value(json_object_get(o, "names"));
    if (rc != PARLEY_EVERIFY && rc != PARLEY_EINVAL) fail_msg("%s is bad, and we say %s", who, err_name(rc));
    if (strncmp(e.text, names, strlen(names)) != 0) fail_msg("%s: \"%s\" does not begin with %s", who, e.text, names);
  }
  pack_result_clear(&r);
}

static void test_verdicts(void **state) {
  size_t n = 0;
  (void)state;
  for (size_t i = 0; i < listed_packs_count; i++) {
    char path[512];
    struct arena a = {0};
    struct errmsg e;
    json_t *o;
    if (!published(&listed_packs[i])) continue;
    path_of(path, FOLDER, &listed_packs[i]);
    const struct bytes text = read_whole(&a, path);
    if (json_parse(&o, text, text.n, &e) != PARLEY_OK) fail_msg("%s: %s", path, e.text);
    judge(&a, o);
    json_decref(o);
    arena_free(&a);
    n++;
  }
  assert_int_equal(n, 18);
}

int main(int argc, char **argv) {
  const struct CMUnitTest write[] = {cmocka_unit_test(test_write)};
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_written_again), cmocka_unit_test(test_verdicts)};
  if (argc == 3 && strcmp(argv[1], "--write") == 0) {
    write_to = argv[2];
    return cmocka_run_group_tests(write, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
