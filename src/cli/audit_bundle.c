#include "cli/audit_bundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/bundle_file.h"
#include "cli/output.h"
#include "cli/text.h"
#include "merkle/tiles.h"

struct part { /* one file of entries */
  struct part *next;
  struct bundle_reader at; /* to read it again */
};

struct log {
  struct log *next;
  char origin[ORIGIN_MAX + 1];
  uint64_t start, end; /* of the entries */
  uint64_t size;       /* of its checkpoint */
  struct hash root;
  bool has_checkpoint, unreachable;
  struct buf notes; /* items */
  struct hash *leaves;
  size_t n_leaves, cap;
  struct part *parts, **parts_end;
};

struct audit_bundle {
  struct cli *c;
  const struct audit_source *home;
  struct bundle_reader r;
  struct arena arena;
  struct buf cards, charters; /* items */
  struct log *logs, **logs_end;
  struct log *reading; /* the log whose files come now */
  struct buf data;     /* of the file that was read last */
  const struct part *loaded;
};

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, _("out of memory")); }

/* ---- reading it once ---- */

static parley_err take_origin(struct audit_bundle *b, struct errmsg *e) {
  struct bytes rest = buf_view(&b->data), line;
  uint8_t digest[SHA256_SIZE];
  if (!bytes_line(&rest, &line) || rest.n > 0 || line.n == 0 || line.n > ORIGIN_MAX)
    return err_set(e, PARLEY_EINVAL, _("it is no origin of a log"));
  sha256(digest, line);
  if (memcmp(digest, b->r.name.digest, sizeof digest) != 0)
    return err_set(e, PARLEY_EVERIFY, _("its folder is not the digest of the origin"));
  struct log *l = arena_alloc(&b->arena, sizeof *l);
  if (l == NULL) return no_memory(e);
  memcpy(l->origin, line.p, line.n);
  l->parts_end = &l->parts;
  *b->logs_end = l;
  b->logs_end = &l->next;
  b->reading = l;
  return PARLEY_OK;
}

static parley_err take_note(struct audit_bundle *b, bool cosigned, struct errmsg *e) {
  struct log *l = b->reading;
  struct arena a = {0};
  struct note n;
  struct checkpoint c;
  struct buf item = {0};
  parley_err rc = note_parse(&n, &a, buf_view(&b->data), e);
  if (rc == PARLEY_OK) rc = checkpoint_parse(&c, n.text, e);
  if (rc == PARLEY_OK && !bytes_is(c.origin, l->origin)) rc = err_set(e, PARLEY_EINVAL, _("it is of another log"));
  if (rc == PARLEY_OK && !cosigned) {
    l->has_checkpoint = true;
    l->size = c.size;
    l->root = c.root;
  }
  buf_fmt(&item, cosigned ? "a cosigned checkpoint\n" : "the checkpoint\n");
  buf_bytes(&item, buf_view(&b->data));
  if (rc == PARLEY_OK) audit_item_put(&l->notes, buf_view(&item));
  buf_free(&item);
  arena_free(&a);
  return rc;
}

static parley_err take_leaf(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e) {
  struct log *l = ctx;
  if (l->n_leaves == l->cap) {
    const size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
    struct hash *grown = realloc(l->leaves, cap * sizeof *grown);
    if (grown == NULL) return no_memory(e);
    l->leaves = grown;
    l->cap = cap;
  }
  if (index != l->end) return err_set(e, PARLEY_EINVAL, _("entries are missing before it"));
  l->leaves[l->n_leaves++] = *leaf;
  l->end++;
  return PARLEY_OK;
}

static parley_err take_entries(struct audit_bundle *b, struct errmsg *e) {
  struct log *l = b->reading;
  const struct bundle_name *n = &b->r.name;
  struct part *p = arena_alloc(&b->arena, sizeof *p);
  if (p == NULL) return no_memory(e);
  if (!l->has_checkpoint) return err_set(e, PARLEY_EINVAL, _("the checkpoint of its log does not stand before it"));
  if (l->parts == NULL) l->start = l->end = n->start;
  if (l->start % TILE_WIDTH != 0) return err_set(e, PARLEY_EINVAL, _("it begins at no multiple of 256"));
  p->at = b->r;
  *l->parts_end = p;
  l->parts_end = &p->next;
  return bundle_entries_walk(n, buf_view(&b->data), l->origin, l->size, &l->root, take_leaf, l, e);
}

static parley_err take_file(struct audit_bundle *b, struct errmsg *e) {
  const enum bundle_kind kind = b->r.name.kind;
  parley_err rc = bundle_data(&b->r, &b->data, e);
  if (rc != PARLEY_OK) return rc;
  if (kind > BUNDLE_ORIGIN && b->reading == NULL)
    return err_set(e, PARLEY_EINVAL, _("the origin of its log does not stand before it"));
  switch (kind) {
  case BUNDLE_HEAD: return PARLEY_OK;
  case BUNDLE_CARD: audit_item_put(&b->cards, buf_view(&b->data)); return PARLEY_OK;
  case BUNDLE_CHARTER: audit_item_put(&b->charters, buf_view(&b->data)); return PARLEY_OK;
  case BUNDLE_ORIGIN: return take_origin(b, e);
  case BUNDLE_CHECKPOINT: return take_note(b, false, e);
  case BUNDLE_COSIGNED: return take_note(b, true, e);
  case BUNDLE_ENTRIES: return take_entries(b, e);
  }
  return PARLEY_OK;
}

static parley_err read_all(struct audit_bundle *b, struct errmsg *e) {
  struct bundle_head head;
  parley_err rc = bundle_begin(&b->r, &head, e);
  while (rc == PARLEY_OK) {
    const enum bundle_step step = bundle_next(&b->r, e);
    if (step == BUNDLE_OVER) break;
    if (step != BUNDLE_AN_ENTRY) return step == BUNDLE_FAILED ? PARLEY_EIO : PARLEY_EVERIFY;
    rc = take_file(b, e);
    if (rc != PARLEY_OK) err_prefix(e, rc, "%s", out_line(b->c, b->r.block.name));
  }
  return rc;
}

/* ---- what lies before ---- */

static parley_err home_tile(struct audit_bundle *b, const struct log *l, uint64_t n, struct buf *out,
                            struct errmsg *e) {
  char name[256];
  snprintf(name, sizeof name, "tile/0/%" PRIu64 "/%d/%s", n, TILE_WIDTH, l->origin);
  return b->home != NULL ? b->home->get(b->home->ctx, name, out, e)
                         : err_set(e, PARLEY_ENOTFOUND, _("there is no home"));
}

static parley_err reach_home(struct audit_bundle *b, struct errmsg *e) {
  for (struct log *l = b->logs; l != NULL; l = l->next) {
    struct buf tile = {0};
    if (l->start == 0) continue;
    const parley_err rc = home_tile(b, l, l->start / TILE_WIDTH - 1, &tile, e);
    l->unreachable = rc == PARLEY_ENOTFOUND || tile.n < TILE_WIDTH * 32;
    buf_free(&tile);
    if (rc != PARLEY_OK && rc != PARLEY_ENOTFOUND) return rc;
    if (l->unreachable)
      out_note(_("parley audit: %s: the bundle begins at entry %llu, and what lies before is not held here; its "
                 "packages fit its "
                 "checkpoint, and no more is checked\n"),
               l->origin, (unsigned long long)l->start);
  }
  return PARLEY_OK;
}

/* ---- resources ---- */

static struct log *find(struct audit_bundle *b, const char *origin) {
  struct log *l = b->logs;
  while (l != NULL && strcmp(l->origin, origin) != 0) l = l->next;
  return l;
}

static parley_err nothing(const char *name, struct errmsg *e) {
  return err_set(e, PARLEY_ENOTFOUND, _("the bundle does not have %s"), name);
}

static parley_err get_tile(struct audit_bundle *b, const struct log *l, uint64_t n, unsigned width, struct buf *out,
                           struct errmsg *e) {
  const uint64_t from = n * TILE_WIDTH;
  if (from < l->start) return home_tile(b, l, n, out, e);
  if (from + width > l->end) return nothing(l->origin, e);
  buf_add(out, l->leaves[from - l->start].b, 32 * (size_t)width);
  return PARLEY_OK;
}

/* The package that begins at this entry, in the file that has it. */
static parley_err get_entries(struct audit_bundle *b, const struct log *l, uint64_t from, unsigned width,
                              struct buf *out, struct errmsg *e) {
  const struct part *p = l->parts;
  while (p != NULL && !(p->at.name.start <= from && from < p->at.name.end)) p = p->next;
  if (p == NULL) return nothing(l->origin, e);
  parley_err rc = p == b->loaded ? PARLEY_OK : bundle_data(&p->at, &b->data, e);
  if (rc != PARLEY_OK) return rc;
  b->loaded = p;
  struct add_entries_head h;
  struct entry_package k;
  size_t used;
  struct bytes rest = buf_view(&b->data);
  rc = add_entries_head_parse(&h, &used, rest, e);
  for (uint64_t at = p->at.name.start; rc == PARLEY_OK && at <= from; at += TILE_WIDTH) {
    rest = BYTES(rest.p + used, rest.n - used);
    const uint64_t n = l->size - at < TILE_WIDTH ? l->size - at : TILE_WIDTH;
    rc = entry_package_parse(&k, &used, rest, (size_t)n, bundle_entry_max(l->origin), e);
  }
  for (unsigned i = 0; rc == PARLEY_OK && i < width && i < k.n; i++) audit_item_put(out, k.entries[i]);
  return rc;
}

static parley_err from_bundle(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  struct audit_bundle *b = ctx;
  uint64_t n;
  unsigned width;
  char origin[ORIGIN_MAX + 1];
  if (strcmp(name, "logs") == 0) {
    for (const struct log *l = b->logs; l != NULL; l = l->next)
      if (!l->unreachable) buf_fmt(out, "%s %" PRIu64 " - %" PRIu64 "\n", l->origin, l->end, l->start);
    return PARLEY_OK;
  }
  if (strcmp(name, "cards/0") == 0) return buf_bytes(out, buf_view(&b->cards)), PARLEY_OK;
  if (strcmp(name, "charters/0") == 0) return buf_bytes(out, buf_view(&b->charters)), PARLEY_OK;
  if (sscanf(name, "notes/0/%160s", origin) == 1) {
    const struct log *l = find(b, origin);
    if (l != NULL) buf_bytes(out, buf_view(&l->notes));
    return PARLEY_OK;
  }
  const bool tile = sscanf(name, "tile/0/%" SCNu64 "/%u/%160s", &n, &width, origin) == 3;
  if (!tile && sscanf(name, "entries/%" SCNu64 "/%u/%160s", &n, &width, origin) != 3) return nothing(name, e);
  const struct log *l = find(b, origin);
  if (l == NULL || width > TILE_WIDTH) return nothing(name, e);
  return tile ? get_tile(b, l, n, width, out, e) : get_entries(b, l, n * TILE_WIDTH, width, out, e);
}

struct audit_source audit_bundle_source(struct audit_bundle *b) {
  return (struct audit_source){.ctx = b, .get = from_bundle, .leaves_only = true};
}

parley_err audit_bundle_open(struct audit_bundle **out, struct cli *c, const char *path,
                             const struct audit_source *home, struct errmsg *e) {
  struct audit_bundle *b = calloc(1, sizeof *b);
  if (b == NULL) return no_memory(e);
  b->c = c;
  b->home = home;
  b->logs_end = &b->logs;
  parley_err rc = bundle_open(&b->r, path, e);
  if (rc != PARLEY_OK) {
    free(b);
    return rc;
  }
  rc = read_all(b, e);
  if (rc == PARLEY_OK) rc = reach_home(b, e);
  if (rc != PARLEY_OK) {
    audit_bundle_close(b);
    return rc;
  }
  *out = b;
  return PARLEY_OK;
}

void audit_bundle_close(struct audit_bundle *b) {
  if (b == NULL) return;
  for (struct log *l = b->logs; l != NULL; l = l->next) {
    free(l->leaves);
    buf_free(&l->notes);
  }
  bundle_close(&b->r);
  buf_free(&b->cards);
  buf_free(&b->charters);
  buf_free(&b->data);
  arena_free(&b->arena);
  free(b);
}
