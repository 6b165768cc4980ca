/*
 * Checkpoint texts: exactly three lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encoding.h"
#include "formats/note.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

/* The example of tlog-checkpoint, written again byte for byte. */
static void test_round_trip(void **state) {
  (void)state;
  static const char *const texts[] = {
      "example.com/behind-the-sofa\n20852163\n" ROOT "\n",
      "an origin with spaces + plus\n0\n" ROOT "\n",
      "\u00e9\n9223372036854775807\n" ROOT "\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct checkpoint c;
    assert_int_equal(checkpoint_parse(&c, bytes_str(texts[i]), NULL), PARLEY_OK);
    char origin[64] = "";
    memcpy(origin, c.origin.p, c.origin.n);
    struct buf b = {0};
    checkpoint_text(&b, origin, c.size, &c.root);
    assert_true(bytes_is(buf_view(&b), texts[i]));
    buf_free(&b);
  }
}

static void test_fields(void **state) {
  (void)state;
  struct checkpoint c;
  uint8_t root[32];
  const struct bytes text = bytes_str("example.com/behind-the-sofa\n20852163\n" ROOT "\n");
  assert_int_equal(checkpoint_parse(&c, text, NULL), PARLEY_OK);
  assert_true(bytes_is(c.origin, "example.com/behind-the-sofa"));
  assert_int_equal(c.size, 20852163);
  assert_true(base64_decode_fixed(root, 32, bytes_str(ROOT), true));
  assert_memory_equal(c.root.b, root, 32);
}

static void test_malformed(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "\n",
      "\n5\n" ROOT "\n",
      "o\n",
      "o\n5\n",
      "o\n5",
      "o\n5\n" ROOT,
      "o\n05\n" ROOT "\n",
      "o\n+5\n" ROOT "\n",
      "o\n-5\n" ROOT "\n",
      "o\n5 \n" ROOT "\n",
      "o\n\n" ROOT "\n",
      "o\n0x5\n" ROOT "\n",
      "o\n9223372036854775808\n" ROOT "\n",
      "o\n99999999999999999999\n" ROOT "\n",
      "o\n5\n\n",
      "o\n5\nAAAA\n",
      "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
      "o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
      "o\n5\n" ROOT "=\n",
      "o\n5\n" ROOT " \n",
      "o\n5\n" ROOT "\r\n",
      "o\r\n5\n" ROOT "\n",
      "o\t\n5\n" ROOT "\n",
      "\xff\n5\n" ROOT "\n",
      "o\n5\n" ROOT "\n\n",
      "o\n5\n" ROOT "\nextension\n",
      "o\n5\n" ROOT "\nx",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct checkpoint c;
    struct errmsg e = {""};
    assert_int_equal(checkpoint_parse(&c, bytes_str(bad[i]), &e), PARLEY_EINVAL);
    assert_true(strlen(e.text) > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_malformed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
