/* Any bytes as JSON: what is accepted is written and read back as the same tree; what jansson refuses we refuse. */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"

static void require(bool ok) {
  if (!ok) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  json_t *v, *back;
  struct errmsg e = {""};
  parley_err code = json_parse(&v, BYTES(p, n), 1 << 20, &e);
  json_t *theirs = json_loadb(n > 0 ? (const char *)p : "", n, JSON_REJECT_DUPLICATES, NULL);
  if (code != PARLEY_OK) {
    require(v == NULL && e.text[0] != '\0' && utf8_valid(BYTES(e.text, strlen(e.text))));
    json_decref(theirs);
    return 0;
  }
  require(theirs != NULL && json_equal(v, theirs) == 1);
  struct buf text = {0}, again = {0};
  require(json_write(&text, v));
  require(json_parse(&back, buf_view(&text), SIZE_MAX, NULL) == PARLEY_OK && json_equal(v, back) == 1);
  require(json_write(&again, back) && bytes_eq(buf_view(&text), buf_view(&again)));
  json_decref(v);
  json_decref(back);
  json_decref(theirs);
  buf_free(&text);
  buf_free(&again);
  return 0;
}
