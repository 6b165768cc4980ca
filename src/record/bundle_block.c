/*
 * Blocks of a ustar archive, in the one form that bundles have (docs/protocol.md, section 10).
 */
#include <string.h>

#include "record/bundle.h"

/* POSIX ustar: offsets and widths of the fields that are looked at. */
enum {
  NAME = 0,
  NAME_SIZE = 100,
  MODE = 100,
  UID = 108,
  GID = 116,
  SIZE = 124,
  SIZE_SIZE = 12,
  MTIME = 136,
  SUM = 148,
  SUM_SIZE = 8,
  TYPE = 156,
  LINK = 157,
  MAGIC = 257,
  VERSION = 263,
  PREFIX = 345,
  PREFIX_SIZE = 155
};

static unsigned checksum(const uint8_t b[static BUNDLE_BLOCK]) {
  unsigned sum = 0;
  for (size_t i = 0; i < BUNDLE_BLOCK; i++) sum += i >= SUM && i < SUM + SUM_SIZE ? ' ' : b[i];
  return sum;
}

/* Octal digits, at least one, ended by a NUL or a space within the field. */
static bool octal(uint64_t *out, const uint8_t *p, size_t n) {
  size_t i = 0;
  for (*out = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++) *out = *out * 8 + (uint64_t)(p[i] - '0');
  return i > 0 && i < n && (p[i] == '\0' || p[i] == ' ');
}

static bool all_zero(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i]) return false;
  return true;
}

static void put_name(struct bundle_block *out, const uint8_t *b) {
  const size_t prefix = strnlen((const char *)b + PREFIX, PREFIX_SIZE),
               name = strnlen((const char *)b + NAME, NAME_SIZE);
  size_t at = 0;
  memcpy(out->name, b + PREFIX, prefix);
  at = prefix;
  if (prefix) out->name[at++] = '/';
  memcpy(out->name + at, b + NAME, name);
  out->name[at + name] = '\0';
}

parley_err bundle_block_read(struct bundle_block *out, const uint8_t block[static BUNDLE_BLOCK], struct errmsg *e) {
  uint64_t sum;
  *out = (struct bundle_block){.end = all_zero(block, BUNDLE_BLOCK)};
  if (out->end) return PARLEY_OK;
  if (memcmp(block + MAGIC,
             "ustar\0"
             "00",
             8) != 0)
    return err_set(e, PARLEY_EINVAL, "it is no block of a ustar archive");
  if (!octal(&sum, block + SUM, SUM_SIZE) || sum != checksum(block))
    return err_set(e, PARLEY_EINVAL, "the checksum of a block is wrong");
  if (!octal(&out->size, block + SIZE, SIZE_SIZE))
    return err_set(e, PARLEY_EINVAL, "the size in a block is not written in octal digits");
  put_name(out, block);
  out->odd = block[TYPE] != '0' || !all_zero(block + LINK, 100);
  return PARLEY_OK;
}

static void put_octal(uint8_t *p, size_t n, uint64_t x) {
  p[n - 1] = '\0';
  for (size_t i = n - 1; i-- > 0; x /= 8) p[i] = (uint8_t)('0' + x % 8);
}

parley_err bundle_block_write(uint8_t block[static BUNDLE_BLOCK], const char *name, uint64_t size, int64_t mtime,
                              struct errmsg *e) {
  const size_t n = strlen(name);
  const char *slash = n > NAME_SIZE ? strrchr(name, '/') : NULL;
  const size_t prefix = slash ? (size_t)(slash - name) : 0;
  const char *last = slash ? slash + 1 : name;
  memset(block, 0, BUNDLE_BLOCK);
  if (n == 0 || strlen(last) > NAME_SIZE || prefix > PREFIX_SIZE || size >= (uint64_t)1 << 33)
    return err_set(e, PARLEY_EINVAL, "\"%.80s\" with %llu bytes does not fit into a bundle", name,
                   (unsigned long long)size);
  memcpy(block + PREFIX, name, prefix);
  memcpy(block + NAME, last, strlen(last));
  put_octal(block + MODE, 8, 0644);
  put_octal(block + UID, 8, 0);
  put_octal(block + GID, 8, 0);
  put_octal(block + SIZE, SIZE_SIZE, size);
  put_octal(block + MTIME, 12, mtime > 0 && mtime < (int64_t)1 << 33 ? (uint64_t)mtime : 0);
  block[TYPE] = '0';
  memcpy(block + MAGIC,
         "ustar\0"
         "00",
         8);
  put_octal(block + SUM, 7, checksum(block));
  block[SUM + 7] = ' ';
  return PARLEY_OK;
}
