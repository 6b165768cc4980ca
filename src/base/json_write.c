#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/json_load.h"
#include "base/time.h"

static int dump_to_buf(const char *p, size_t n, void *out) {
  buf_add(out, p, n);
  return buf_ok(out) ? 0 : -1;
}

bool json_write(struct buf *out, const json_t *v) {
  const bool ok = json_dump_callback(v, dump_to_buf, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
  if (json_lost() || !ok) out->failed = true;
  return buf_ok(out);
}

bool json_write_pretty(struct buf *out, const json_t *v) {
  const bool ok = json_dump_callback(v, dump_to_buf, out, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0;
  if (json_lost() || !ok) out->failed = true;
  buf_u8(out, '\n');
  return buf_ok(out);
}

bool json_put_str(json_t *obj, const char *name, const char *s) {
  return json_object_set_new(obj, name, json_string(s)) == 0;
}

bool json_put_int(json_t *obj, const char *name, int64_t x) {
  return json_object_set_new(obj, name, json_integer(x)) == 0;
}

bool json_put_hex(json_t *obj, const char *name, const void *p, size_t n) {
  char *text = n < SIZE_MAX / 2 ? malloc(2 * n + 1) : NULL;
  if (text == NULL) json_lose();
  if (text == NULL) return false;
  hex_encode(text, BYTES(p, n));
  bool ok = json_put_str(obj, name, text);
  wipe(text, 2 * n + 1);
  free(text);
  return ok;
}

bool json_put_b64(json_t *obj, const char *name, const void *p, size_t n) {
  struct buf text = {0};
  base64_encode(&text, BYTES(p, n), true);
  const char *s = buf_cstr(&text);
  if (s == NULL) json_lose();
  bool ok = s != NULL && json_put_str(obj, name, s);
  buf_free(&text);
  return ok;
}

bool json_put_time(json_t *obj, const char *name, int64_t seconds) {
  char text[TIME_TEXT_SIZE];
  time_format(text, seconds);
  return json_put_str(obj, name, text);
}
