#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/age.h"

/* The example pair of C2SP age.md. */
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define IDENTITY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"

static void test_example_pair(void **state) {
  (void)state;
  struct age_identity id;
  uint8_t pub[32];
  struct buf text = {0};
  assert_int_equal(age_identity_parse(&id, bytes_str(IDENTITY), NULL), PARLEY_OK);
  assert_int_equal(age_recipient_parse(pub, bytes_str(RECIPIENT), NULL), PARLEY_OK);
  assert_memory_equal(id.pub, pub, 32);
  age_identity_write(&text, &id);
  assert_true(bytes_is(buf_view(&text), IDENTITY));
  buf_clear(&text);
  age_recipient_write(&text, id.pub);
  assert_true(bytes_is(buf_view(&text), RECIPIENT));
  buf_free(&text);
}

static void test_from_secret_in_place(void **state) {
  (void)state;
  struct age_identity id, same;
  assert_int_equal(age_identity_parse(&id, bytes_str(IDENTITY), NULL), PARLEY_OK);
  memcpy(same.secret, id.secret, 32);
  assert_true(age_identity_from_secret(&same, same.secret));
  assert_memory_equal(&same, &id, sizeof id);
}

static void test_one_text_only(void **state) {
  (void)state;
  struct age_identity id;
  uint8_t pub[32];
  static const char *const recipients[] = {
      "",
      "age1",
      IDENTITY,
      (RECIPIENT "\n"),
      (" " RECIPIENT),
      "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ", /* right checksum, wrong case */
      "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk",
  };
  for (size_t i = 0; i < sizeof recipients / sizeof recipients[0]; i++)
    assert_int_equal(age_recipient_parse(pub, bytes_str(recipients[i]), NULL), PARLEY_EINVAL);
  static const char *const identities[] = {
      "",
      RECIPIENT,
      (IDENTITY "\n"),
      "age-secret-key-1gfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpyysjzgfpq4egaex",
      "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEZ",
  };
  for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
    struct errmsg e = {""};
    assert_int_equal(age_identity_parse(&id, bytes_str(identities[i]), &e), PARLEY_EINVAL);
    assert_null(strstr(e.text, "GFPYY")); /* a mistyped secret is still a secret */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_example_pair),
      cmocka_unit_test(test_from_secret_in_place),
      cmocka_unit_test(test_one_text_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
