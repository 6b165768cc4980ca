/*
 * Items of the pages that an audit reads (audit_source.h), and the names of what it finds.
 */
#include "record/audit.h"

bool audit_item(struct bytes *rest, struct bytes *item) {
  if (rest->n < 4) return false;
  const uint32_t n = (uint32_t)u16be(rest->p) << 16 | u16be(rest->p + 2);
  *item = BYTES_NONE;
  if (n != AUDIT_MISSING && n > rest->n - 4) return false;
  if (n != AUDIT_MISSING) *item = BYTES(rest->p + 4, n);
  const size_t used = 4 + item->n;
  *rest = BYTES(rest->p + used, rest->n - used);
  return true;
}

static void put_length(struct buf *out, uint32_t n) {
  buf_u16be(out, (uint16_t)(n >> 16));
  buf_u16be(out, (uint16_t)n);
}

void audit_item_put(struct buf *out, struct bytes item) {
  put_length(out, (uint32_t)item.n);
  buf_bytes(out, item);
}

void audit_item_put_missing(struct buf *out) { put_length(out, AUDIT_MISSING); }

const char *audit_kind_name(enum audit_kind k) {
  static const char *const names[AUDIT_KINDS] = {"entry", "tile", "checkpoint", "cosignature", "statement",
                                                 "heard", "held", "body",       "file",        "charter",
                                                 "card",  "row",  "fork"};
  return k < AUDIT_KINDS ? names[k] : "";
}
