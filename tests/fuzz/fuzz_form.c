/*
 * Forms: the input as a form, and as a body for a form with a field of every type.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "forum/form.h"

#define TEXTS "\"label\":{\"en\":\"l\"},\"help\":{\"en\":\"h\"},\"source\":\"s\"}"
#define FIELD(type, rest) "{\"name\":\"" type "\",\"type\":\"" type "\"," rest TEXTS

/* clang-format off */
static const char all_types[] =
    "{\"kind\":\"a\",\"version\":1,\"title\":{\"en\":\"t\"},\"fields\":["
    FIELD("text", "\"max\":9,") "," FIELD("line", "\"required\":true,") "," FIELD("code", "\"values\":[\"a\",\"b\"],") ","
    FIELD("time", "") "," FIELD("precision", "") "," FIELD("count", "\"list\":true,") "," FIELD("country", "") ","
    FIELD("party", "") "," FIELD("digest", "") "]}";
/* clang-format on */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct form *f;
  struct errmsg e;
  json_t *body;
  if (form_parse(&f, BYTES(p, n), &e) == PARLEY_OK) {
    for (size_t i = 0; form_field_name(f, i) != NULL; i++)
      if (form_label(f, i, "ru") == NULL) __builtin_trap();
    form_free(f);
  }
  if (form_parse(&f, bytes_str(all_types), &e) != PARLEY_OK) __builtin_trap();
  if (json_parse(&body, BYTES(p, n), FORM_SIZE_MAX, &e) == PARLEY_OK) {
    form_check(f, body, &e);
    json_decref(body);
  }
  form_free(f);
  return 0;
}
