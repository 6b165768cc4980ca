/*
 * Fetching entries: which tile is needed next, and the check of each.
 */
#include "node/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tile {
  uint64_t n;
  unsigned width; /* 0: not here */
  struct hash h[TILE_WIDTH];
};

struct fetch {
  struct fetch_want w;
  struct tile edge[TILE_LEVELS];  /* the right edge of the tree */
  struct tile inner[TILE_LEVELS]; /* the full tile of each level that was needed last */
  uint64_t at;                    /* the next entry; first of a bundle */
  struct tile_name name;          /* of the request under way */
  struct lane lane;
  parley_err err;
  struct errmsg why;
};

parley_err fetch_new(struct fetch **out, const struct fetch_want *w, struct errmsg *e) {
  if (w->size == 0 || w->end > w->size || w->start > w->end)
    return err_set(e, PARLEY_EINVAL, "there are no such entries to fetch");
  struct fetch *f = calloc(1, sizeof *f);
  if (!f) return err_set(e, PARLEY_ENOMEM, "out of memory");
  f->w = *w;
  f->at = w->start - w->start % TILE_WIDTH;
  f->err = w->start == w->end ? PARLEY_OK : PARLEY_EBUSY;
  *out = f;
  return PARLEY_OK;
}

void fetch_free(struct fetch *f) {
  if (!f) return;
  lane_clear(&f->lane);
  free(f);
}

uint64_t fetch_at(const struct fetch *f) { return f->at < f->w.end ? f->at : f->w.end; }

parley_err fetch_state(const struct fetch *f, struct errmsg *e) {
  if (f->err && e) *e = f->why;
  return f->err;
}

int64_t fetch_next_ms(const struct fetch *f) {
  return f->err == PARLEY_EBUSY && !f->lane.request ? f->lane.next_ms : INT64_MAX;
}

/* ---- which resource is next ---- */

/* The hash of the full tile `index` of the level below, where it is known. */
static const struct hash *known(const struct fetch *f, unsigned level, uint64_t index) {
  const struct tile *both[] = {&f->edge[level], &f->inner[level]};
  for (size_t i = 0; i < 2; i++)
    if (both[i]->n == index / TILE_WIDTH && index % TILE_WIDTH < both[i]->width) return &both[i]->h[index % TILE_WIDTH];
  return NULL;
}

static bool edge_missing(const struct fetch *f, struct tile_name *out) {
  for (unsigned level = 0; level < TILE_LEVELS; level++) {
    const uint64_t n = f->w.size >> (8 * level) >> 8;
    const unsigned width = tile_width(level, n, f->w.size);
    if (width == 0 || f->edge[level].width) continue;
    *out = (struct tile_name){TILE_HASHES, level, n, width};
    return true;
  }
  return false;
}

/* A full tile is checked by the level above, so that one comes first. The edge ends the way up. */
static bool tile_missing(const struct fetch *f, uint64_t bundle, struct tile_name *out) {
  uint64_t index = bundle;
  if (bundle == f->w.size / TILE_WIDTH || known(f, 1, index))
    return false; /* the last, partial one: the edge has its leaves */
  unsigned level = 1;
  while (level + 1 < TILE_LEVELS && !known(f, level + 1, index / TILE_WIDTH)) {
    index /= TILE_WIDTH;
    level++;
  }
  *out = (struct tile_name){TILE_HASHES, level, index / TILE_WIDTH, TILE_WIDTH};
  return true;
}

static struct tile_name next_resource(const struct fetch *f) {
  struct tile_name t;
  const uint64_t bundle = f->at / TILE_WIDTH;
  if (edge_missing(f, &t) || tile_missing(f, bundle, &t)) return t;
  return (struct tile_name){TILE_ENTRIES, 0, bundle, tile_width(0, bundle, f->w.size)};
}

bool fetch_next(struct node *n, struct fetch *f, struct outbound *out) {
  struct buf path = {0};
  if (f->err != PARLEY_EBUSY || f->lane.request || f->lane.next_ms > node_mono(n)) return false;
  f->name = next_resource(f);
  tile_path(&path, &f->name);
  const char *text = buf_cstr(&path);
  const int at = snprintf(f->lane.url, sizeof f->lane.url, "%s", f->w.from->card.monitoring);
  snprintf(f->lane.url + at, sizeof f->lane.url - (size_t)at, "/%s/%s", f->w.path, text ? text : "");
  f->lane.path = f->lane.url + at;
  f->lane.request = n->next_request++;
  buf_free(&path);
  *out = (struct outbound){.id = f->lane.request,
                           .peer = f->w.from->card.name,
                           .method = "GET",
                           .url = f->lane.url,
                           .path = f->lane.path,
                           .pins = f->w.from->pins};
  return true;
}

/* ---- checking what came ---- */

static parley_err wrong(struct fetch *f, const char *what) {
  return err_set(&f->why, PARLEY_EVERIFY, "%s: %s shows %s that does not belong to the tree of %llu entries",
                 f->lane.path, f->w.from->card.name, what, (unsigned long long)f->w.size);
}

static parley_err read_edge(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct fetch *f = ctx;
  struct hash left, right;
  if (level % 8 == 0) {
    const struct hash *h = known(f, level / 8, index);
    if (!h) return err_set(e, PARLEY_ENOTFOUND, "beyond the edge");
    *out = *h;
    return PARLEY_OK;
  }
  parley_err r = read_edge(ctx, level - 1, 2 * index, &left, e);
  if (!r) r = read_edge(ctx, level - 1, 2 * index + 1, &right, e);
  if (!r) merkle_node(out, &left, &right);
  return r;
}

static parley_err take_tile(struct fetch *f, struct bytes body) {
  const struct tile_name *t = &f->name;
  if (body.n != (size_t)t->width * sizeof(struct hash)) return wrong(f, "a tile");
  if (t->n == f->w.size >> (8 * t->level) >> 8) {
    struct tile *edge = &f->edge[t->level];
    struct tile_name more;
    struct hash root;
    edge->n = t->n;
    edge->width = t->width;
    memcpy(edge->h, body.p, body.n);
    if (edge_missing(f, &more)) return PARLEY_OK;
    const parley_err r = merkle_root(&root, (struct merkle_source){read_edge, f}, f->w.size, &f->why);
    return r || hash_eq(&root, &f->w.root) ? r : wrong(f, "an edge");
  }
  struct tile *inner = &f->inner[t->level];
  struct hash root;
  inner->width = 0;
  memcpy(inner->h, body.p, body.n);
  merkle_root_of_leaves(&root, inner->h, TILE_WIDTH);
  const struct hash *want = known(f, t->level + 1, t->n);
  if (!want || !hash_eq(&root, want)) return wrong(f, "a tile");
  inner->n = t->n;
  inner->width = TILE_WIDTH;
  return PARLEY_OK;
}

static parley_err take_bundle(struct fetch *f, struct bytes body) {
  struct bytes entries[TILE_WIDTH], entry;
  struct hash leaves[TILE_WIDTH], root;
  size_t n = 0;
  bool bad = false, fits = true;
  while (entry_bundle_next(&body, &entry, &bad)) {
    if (n == f->name.width || entry.n > f->w.entry_max) return wrong(f, "entries");
    merkle_leaf(&leaves[n], entry);
    entries[n++] = entry;
  }
  if (bad || n != f->name.width) return wrong(f, "entries");
  if (f->name.n == f->w.size / TILE_WIDTH) {
    for (size_t i = 0; i < n; i++) fits = fits && hash_eq(&leaves[i], &f->edge[0].h[i]);
  } else {
    const struct hash *want = known(f, 1, f->name.n);
    merkle_root_of_leaves(&root, leaves, n);
    fits = want && hash_eq(&root, want);
  }
  if (!fits) return wrong(f, "entries");
  const parley_err r = f->w.take(f->w.ctx, f->at, entries, n, &f->why);
  if (!r) f->at += n;
  return r;
}

/* A counterpart that is away is tried again; one that shows what was not signed is not. */
static void no_answer(struct node *n, struct fetch *f, const struct outbound_result *r) {
  if (!r->answered)
    lane_fail(n, &f->lane, 0, "%s cannot be reached: %s", f->w.from->card.name, r->message ? r->message : "no answer");
  else
    lane_fail(n, &f->lane, r->retry_after, "%s answers %u to %s", f->w.from->card.name, r->status, f->lane.path);
  if (f->lane.failures >= FETCH_TRIES) f->err = err_set(&f->why, PARLEY_EUNREACHABLE, "%s", f->lane.why);
}

bool fetch_done(struct node *n, struct fetch *f, uint64_t id, const struct outbound_result *r) {
  if (!f->lane.request || f->lane.request != id) return false;
  lane_clear(&f->lane);
  if (!r->answered || r->status != 200) {
    no_answer(n, f, r);
    return true;
  }
  f->w.from->last_out = node_wall(n);
  lane_ok(n, &f->lane);
  const parley_err err = f->name.kind == TILE_HASHES ? take_tile(f, r->body) : take_bundle(f, r->body);
  if (err)
    f->err = err;
  else if (f->at >= f->w.end)
    f->err = PARLEY_OK;
  return true;
}
