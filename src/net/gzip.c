#include "net/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define LEVEL 1               /* the loop waits meanwhile */
#define WINDOW_GZIP (15 + 16) /* + 16: gzip and nothing else */

static bool deflate_all(struct buf *out, struct bytes in, size_t cap) {
  z_stream z = {0};
  uint8_t *room = malloc(cap);
  if (room == NULL || deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    free(room);
    return false;
  }
  z.next_in = (z_const Bytef *)in.p;
  z.avail_in = (uInt)in.n;
  z.next_out = room;
  z.avail_out = (uInt)cap;
  const bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END; /* else it does not fit into cap */
  if (whole) {
    buf_add(out, room, cap - z.avail_out);
  }
  deflateEnd(&z);
  free(room);
  return whole && buf_ok(out);
}

bool gzip_shorter(struct buf *out, struct bytes in) {
  if (in.n < GZIP_MIN || in.n > GZIP_MAX) {
    return false;
  }
  const size_t sample = in.n < GZIP_SAMPLE ? in.n : GZIP_SAMPLE;
  bool shorter = deflate_all(out, BYTES(in.p, sample), sample - sample / 8);
  if (shorter && sample < in.n) {
    buf_clear(out);
    shorter = deflate_all(out, in, in.n - in.n / 8);
  }
  if (!shorter) {
    buf_free(out);
  }
  return shorter;
}

/* "q=0", "q=0.", "q=0.000": not acceptable. */
static bool weight_is_zero(const char *p, size_t n) {
  while (n > 0 && (*p == ' ' || *p == '\t' || *p == ';')) {
    p++;
    n--;
  }
  if (n < 3 || strncasecmp(p, "q=0", 3) != 0) {
    return false;
  }
  for (size_t i = 3; i < n; i++) {
    if (p[i] >= '1' && p[i] <= '9') {
      return false;
    }
  }
  return true;
}

bool gzip_accepted(const char *accept_encoding) {
  int named = -1, any = -1; /* -1: not said */
  for (const char *p = accept_encoding; p != NULL && *p != '\0';) {
    p += strspn(p, " \t,");
    const size_t n = strcspn(p, ","), name = strcspn(p, " \t,;");
    const int yes = !weight_is_zero(p + name, n - name);
    if (name == 1 && *p == '*') {
      any = yes;
    } else if ((name == 4 && strncasecmp(p, "gzip", 4) == 0) || (name == 6 && strncasecmp(p, "x-gzip", 6) == 0)) {
      named = yes;
    }
    p += n;
  }
  return named >= 0 ? named == 1 : any == 1;
}
