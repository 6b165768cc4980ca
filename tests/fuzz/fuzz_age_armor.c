/* Any text as an armored age file: what is read is written again as the same text, but for what may stand around it. */
#include <stdlib.h>
#include <string.h>

#include "formats/age_armor.h"

static bool same_without_cr_and_ends(struct bytes in, struct bytes written) {
  struct buf lines = {0};
  size_t from = 0, to = in.n;
  while (from < to && strchr(" \t\r\n", in.p[from])) from++;
  while (to > from && strchr(" \t\r\n", in.p[to - 1])) to--;
  for (size_t i = from; i < to; i++)
    if (in.p[i] != '\r') buf_u8(&lines, in.p[i]);
  buf_u8(&lines, '\n');
  bool same = bytes_eq(buf_view(&lines), written);
  buf_free(&lines);
  return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct buf file = {0}, text = {0}, again = {0};
  struct errmsg e = {""};
  if (age_armor_read(&file, BYTES(p, n), &e) == PARLEY_OK) {
    if (!age_armored(BYTES(p, n)) || age_armor_write(&text, buf_view(&file), NULL) != PARLEY_OK ||
        !same_without_cr_and_ends(BYTES(p, n), buf_view(&text)))
      abort();
  } else if (file.n != 0 || e.text[0] == '\0') {
    abort();
  }
  /* The bytes as a file: written, then read. */
  buf_clear(&text);
  if (age_armor_write(&text, BYTES(p, n), NULL) != PARLEY_OK || age_armor_read(&again, buf_view(&text), NULL) ||
      !bytes_eq(buf_view(&again), BYTES(p, n)))
    abort();
  buf_free(&file);
  buf_free(&text);
  buf_free(&again);
  return 0;
}
