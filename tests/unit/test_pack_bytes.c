#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_expect.h"

/* ---- every byte ---- */

static uint8_t *copy_of(const struct pack_file *f) {
  uint8_t *c = malloc(f->data.n + 1);
  assert_non_null(c);
  memcpy(c, f->data.p, f->data.n);
  return c;
}

static void flip(struct fixture *f, size_t file, size_t stride) {
  struct pack p = fixture_copy(f);
  struct pack_file *x = &p.files[file];
  uint8_t *c = copy_of(x);
  x->data.p = c;
  for (size_t i = 0; i < x->data.n; i += stride) {
    const unsigned last = i % 97 == 0 ? 8 : 1; /* all bits of some, one bit of the others */
    for (unsigned bit = 0; bit < last; bit++) {
      const uint8_t mask = (uint8_t)(1u << (last == 8 ? bit : i % 8));
      c[i] ^= mask;
      fails(&p, x->name);
      c[i] ^= mask;
    }
  }
  holds(&p);
  free(c);
}

static void flip_all(struct fixture_options options, size_t stride) {
  struct fixture f;
  fixture_open(&f, options);
  for (size_t i = 0; i < f.pack.n; i++)
    if (strcmp(f.pack.files[i].name, "VERIFY.md") != 0) flip(&f, i, stride);
  fixture_close(&f);
}

static void test_every_byte(void **state) {
  (void)state;
  flip_all(grown, 1);
}

static void test_every_byte_of_all_files(void **state) {
  (void)state;
  flip_all(all, 13); /* comes to every place of a base64 group */
}

/* VERIFY.md is for people: whatever it says, or if it is lost, the evidence is the same. */
static void test_manual_is_not_checked(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, usual);
  struct pack p = fixture_copy(&f);
  fixture_file(&p, "VERIFY.md")->data = bytes_str("lost");
  holds(&p);
  fixture_remove(&p, "VERIFY.md");
  holds(&p);
  fixture_close(&f);
}

static void test_every_truncation(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, grown);
  for (size_t i = 0; i < f.pack.n; i++) {
    struct pack p = fixture_copy(&f);
    struct pack_file *x = &p.files[i];
    const size_t whole = x->data.n;
    if (strcmp(x->name, "VERIFY.md") == 0) continue;
    uint8_t *c = copy_of(x);
    x->data.p = c;
    for (x->data.n = 0; x->data.n < whole; x->data.n++) fails(&p, x->name);
    for (const char *more = "\n }A"; *more != '\0'; more++) {
      c[whole] = (uint8_t)*more;
      x->data.n = whole + 1;
      fails(&p, x->name);
    }
    free(c);
  }
  fixture_close(&f);
}

/* ---- files added, removed, renamed, exchanged ---- */

static void test_removed(void **state) {
  static const char *const needed[] = {"entry.json",
                                       "proof.tlog-proof",
                                       "policy.tlog-policy",
                                       "charter.json",
                                       "charter.0.json",
                                       "charter.1.json",
                                       "cards/cert.us.example.json",
                                       "cards/ncc.ru.example.json",
                                       "cards/ncsc.ch.example.json",
                                       "bulk/checkpoint",
                                       "bulk/consistency",
                                       "ack/entry.json",
                                       "ack/proof.tlog-proof",
                                       "ack/policy.tlog-policy"};
  struct fixture f;
  (void)state;
  fixture_open(&f, all);
  assert_int_equal(f.pack.n, sizeof needed / sizeof *needed + 1);
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    struct pack p = fixture_copy(&f);
    fixture_remove(&p, needed[i]);
    fails(&p, needed[i]);
  }
  fails(&(struct pack){0}, "entry.json");
  fixture_close(&f);
}

/* What was not there yet leaves no trace when it is taken away: the result says that it is not there. */
static void test_removed_whole(void **state) {
  struct fixture f;
  struct arena a = {0};
  struct pack_result r;
  (void)state;
  fixture_open(&f, usual);
  struct pack p = fixture_copy(&f);
  fixture_remove(&p, "ack/entry.json");
  fixture_remove(&p, "ack/proof.tlog-proof");
  fixture_remove(&p, "ack/policy.tlog-policy");
  fixture_remove(&p, "bulk/checkpoint");
  assert_int_equal(pack_verify(&r, &a, &p, NULL, NULL), PARLEY_OK);
  assert_true(!r.has_ack && r.files_pending && r.parties[1].files_delivered == 0);
  pack_result_clear(&r);
  arena_free(&a);
  fixture_close(&f);
}

static void test_added(void **state) {
  static const char *const names[] = {"charter.0.json",
                                      "charter.7.json",
                                      "charter.00.json",
                                      "charter.x.json",
                                      "charter.512.json",
                                      "bulk/consistency",
                                      "cards/ncsc.ch.example.json",
                                      "cards/x.json",
                                      "cards/..json",
                                      "ack/charter.json",
                                      "notes.txt",
                                      ".hidden",
                                      "entry.json~",
                                      "proof.1.tlog-proof",
                                      "ack/VERIFY.md",
                                      "bulk/",
                                      "",
                                      "cards/a/b.example.json"};
  struct fixture f;
  (void)state;
  fixture_open(&f, usual);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct pack p = fixture_copy(&f);
    const char *like = strncmp(names[i], "charter", 7) == 0 ? "charter.json" : "cards/ncc.ru.example.json";
    fixture_add(&p, names[i], fixture_file(&p, like)->data);
    fails(&p, strcmp(names[i], "charter.7.json") == 0 ? "charter.0.json" : names[i]);
  }
  struct pack p = fixture_copy(&f);
  fixture_add(&p, "cards/ncsc.ch.example.json", f.parties[2].card.envelope); /* a true card of someone else */
  fails(&p, "cards/ncsc.ch.example.json");
  fixture_close(&f);
}

static void test_bulk_without_attachment(void **state) {
  struct fixture f, other;
  (void)state;
  fixture_open(&f, plain);
  fixture_open(&other, usual);
  struct pack p = fixture_copy(&f);
  fixture_add(&p, "bulk/checkpoint", other.input.bulk_note);
  fails(&p, "bulk/checkpoint");
  fixture_close(&f);
  fixture_close(&other);
}

static void test_exchanged(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, all);
  for (size_t i = 0; i < f.pack.n; i++)
    for (size_t k = 0; k < i; k++) {
      if (strcmp(f.pack.files[i].name, "VERIFY.md") == 0 || strcmp(f.pack.files[k].name, "VERIFY.md") == 0) continue;
      struct pack p = fixture_copy(&f);
      struct errmsg e;
      p.files[i].data = f.pack.files[k].data;
      p.files[k].data = f.pack.files[i].data;
      assert_int_not_equal(check(&p, NULL, 0, &e), PARLEY_OK);
      if (strstr(e.text, p.files[i].name) == NULL && strstr(e.text, p.files[k].name) == NULL)
        fail_msg("\"%s\" names neither %s nor %s", e.text, p.files[i].name, p.files[k].name);
    }
  fixture_close(&f);
}

static void test_names_out_of_order(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, usual);
  struct pack p = fixture_copy(&f);
  const struct pack_file first = p.files[0];
  p.files[0] = p.files[1];
  p.files[1] = first;
  fails(&p, first.name);
  p = fixture_copy(&f);
  fixture_add(&p, "entry.json", fixture_file(&p, "entry.json")->data);
  fails(&p, "entry.json");
  p = fixture_copy(&f);
  memset(p.files[2].name, 'a', sizeof p.files[2].name); /* no NUL */
  fails(&p, "file 3");
  p.n = PACK_FILES_MAX + 1;
  fails(&p, "513 files");
  fixture_close(&f);
}

static void test_too_large(void **state) {
  struct fixture f;
  (void)state;
  fixture_open(&f, plain);
  struct pack p = fixture_copy(&f);
  uint8_t *big = calloc(1, PACK_BYTES_MAX);
  assert_non_null(big);
  fixture_file(&p, "VERIFY.md")->data = BYTES(big, PACK_BYTES_MAX);
  fails(&p, "bytes of an evidence pack");
  free(big);
  fixture_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_every_byte_of_all_files),
      cmocka_unit_test(test_manual_is_not_checked),
      cmocka_unit_test(test_every_truncation),
      cmocka_unit_test(test_removed),
      cmocka_unit_test(test_removed_whole),
      cmocka_unit_test(test_added),
      cmocka_unit_test(test_bulk_without_attachment),
      cmocka_unit_test(test_exchanged),
      cmocka_unit_test(test_names_out_of_order),
      cmocka_unit_test(test_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
