/*
 * Asking a member for what it holds of a log of which it, or somebody, says that there is another history: its note,
 * and where the sizes differ the tiles that the consistency proof needs. What it answers convicts only by signatures
 * in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/forks.h"
#include "node/observed.h"

#define SEEKS_MAX 64
#define SEEKS_OF_ONE_MAX 8 /* whoever names other trees of all logs, and shows none, keeps nobody else waiting */
#define TILES_MAX 64
#define LATER_MS 10000
#define LATER_MAX 60 /* then what is still coming will not come */

struct seek_tile {
  struct tile_name name;
  struct bytes data;
};

struct seek {
  struct seek *next;
  struct lane lane;
  struct peer *whom;
  char origin[ORIGIN_MAX + 1], hex[2 * SHA256_SIZE + 1];
  char said[PARTY_NAME_MAX + 1]; /* who claims that there is another tree; "": nobody */
  struct arena arena;
  struct fork_tree theirs; /* p NULL: to be asked for */
  struct fork_tree other;  /* p NULL: what is held here */
  bool given;              /* theirs came with it: nothing else is asked for */
  unsigned asked;          /* checkpoint, then checkpoint.pending */
  bool wants;              /* a tile, else a note */
  struct tile_name want;
  struct seek_tile tile[TILES_MAX];
  size_t n_tiles;
  unsigned later;
  bool judge; /* it may have all it needs */
  bool over;
};

/* ---- life ---- */

static void seek_free(struct seek *s) {
  lane_clear(&s->lane);
  arena_free(&s->arena);
  free(s);
}

void seeks_free(struct node *n) {
  while (n->forks->seeks) {
    struct seek *s = n->forks->seeks;
    n->forks->seeks = s->next;
    seek_free(s);
  }
}

static struct seek *seek_new(struct node *n, const char *origin, struct peer *whom) {
  uint8_t digest[SHA256_SIZE];
  size_t same = 0;
  for (const struct seek *s = n->forks->seeks; s; s = s->next) same += s->whom == whom;
  if (same >= SEEKS_OF_ONE_MAX) return NULL;
  if (n->forks->n_seeks == SEEKS_MAX) return NULL; /* whoever says it again is heard again */
  if (forks_closed(n, origin)) return NULL;        /* it is proved */
  struct seek *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  snprintf(s->origin, sizeof s->origin, "%s", origin);
  sha256(digest, bytes_str(origin));
  hex_encode(s->hex, BYTES(digest, sizeof digest));
  s->whom = whom;
  s->lane.next_ms = node_mono(n);
  s->judge = true;
  s->next = n->forks->seeks;
  n->forks->seeks = s;
  n->forks->n_seeks++;
  return s;
}

/* Its note over a tree of this log. Signatures are not judged here. */
static bool set_tree(struct seek *s, struct fork_tree *out, struct bytes text) {
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  const bool ok = note_parse(&note, &a, text, NULL) == PARLEY_OK &&
                  checkpoint_parse(&c, note.text, NULL) == PARLEY_OK && bytes_is(c.origin, s->origin);
  if (ok) *out = (struct fork_tree){c.size, c.root, arena_copy(&s->arena, text)};
  arena_free(&a);
  return ok && out->note.p;
}

void seek_log(struct node *n, const char *origin, struct peer *whom, const char *said) {
  for (const struct seek *s = n->forks->seeks; s; s = s->next)
    if (s->whom == whom && !s->given && !strcmp(s->origin, origin)) return;
  struct seek *s = seek_new(n, origin, whom);
  if (s && said) snprintf(s->said, sizeof s->said, "%s", said);
}

void seek_note(struct node *n, const char *origin, struct peer *whom, struct bytes note) {
  for (const struct seek *s = n->forks->seeks; s; s = s->next)
    if (s->whom == whom && s->given && !s->other.note.p && !strcmp(s->origin, origin)) return;
  struct seek *s = seek_new(n, origin, whom);
  if (!s) return;
  s->given = true;
  s->over = !set_tree(s, &s->theirs, note);
}

void seek_pair(struct node *n, const char *origin, struct peer *whom, struct bytes note, struct bytes other) {
  for (const struct seek *s = n->forks->seeks; s; s = s->next)
    if (s->whom == whom && s->other.note.p && !strcmp(s->origin, origin)) return;
  struct seek *s = seek_new(n, origin, whom);
  if (!s) return;
  s->given = true;
  s->over = !set_tree(s, &s->theirs, note) || !set_tree(s, &s->other, other);
}

/* ---- what is held here ---- */

static struct copy *copy_of(struct node *n, const char *origin) {
  struct own_log *own = own_log_by_origin(n, origin);
  if (own) return own->copy;
  struct their_log *theirs = their_log_by_origin(n, bytes_str(origin));
  return theirs ? mirror_copy(theirs->mirror) : NULL;
}

/* Of an own log that has not signed since the start: what a counterpart has cosigned. */
static bool own_cosigned(struct node *n, struct seek *s, struct own_log *l, struct fork_tree *out) {
  for (size_t i = 0; i < l->forum->n_members; i++) {
    struct member *m = &l->forum->members[i];
    const struct push *p = l->bulk ? &m->bulk_push : &m->push;
    struct cosignature c;
    struct hash root;
    struct buf note = {0};
    if (!p->cosigned || cosignature_at(n, l, m->peer->card.name, p->cosigned, &c, NULL) ||
        copy_root(l->copy, p->cosigned, &root, NULL))
      continue;
    checkpoint_text(&note, l->origin, p->cosigned, &root);
    buf_fmt(&note, "\n%s\n", c.log_line);
    const bool ok = buf_ok(&note) && set_tree(s, out, buf_view(&note));
    buf_free(&note);
    if (ok) return true;
  }
  return false;
}

/* The tree to hold theirs against: one of at least its size where there is one. */
static bool held_tree(struct node *n, struct seek *s, struct fork_tree *out) {
  struct own_log *own = own_log_by_origin(n, s->origin);
  struct their_log *theirs = own ? NULL : their_log_by_origin(n, bytes_str(s->origin));
  struct mirror_tree t;
  if (s->other.note.p) return *out = s->other, true;
  if (own && own->note.n) return set_tree(s, out, buf_view(&own->note));
  if (own) return own_cosigned(n, s, own, out);
  if (!theirs || !mirror_signed_tree(theirs->mirror, s->theirs.size, &t)) return false;
  *out = (struct fork_tree){t.size, t.root, t.note};
  return true;
}

/* More of the log is signed than is held yet: a later look may tell more. */
static bool still_coming(struct node *n, const struct seek *s) {
  struct their_log *l = their_log_by_origin(n, bytes_str(s->origin));
  struct mirror_state st;
  if (!l || s->other.note.p) return false;
  mirror_state(l->mirror, &st);
  return st.pending_size > st.next && s->theirs.size <= st.pending_size;
}

/* ---- tiles of theirs ---- */

static parley_err read_tile(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  struct seek *s = ctx;
  const uint64_t size = s->theirs.size > s->other.size ? s->theirs.size : s->other.size;
  const uint64_t first = index << level % 8;
  const size_t count = (size_t)1 << level % 8, at = first % TILE_WIDTH;
  struct tile_name t = {.kind = TILE_HASHES, .level = level / 8, .n = first / TILE_WIDTH};
  struct hash leaves[TILE_WIDTH];
  t.width = tile_width(t.level, t.n, size);
  for (size_t i = 0; i < s->n_tiles; i++) {
    const struct tile_name *have = &s->tile[i].name;
    if (have->level != t.level || have->n != t.n || at + count > have->width) continue;
    memcpy(leaves, s->tile[i].data.p + at * sizeof *leaves, count * sizeof *leaves);
    merkle_root_of_leaves(out, leaves, count);
    return PARLEY_OK;
  }
  s->want = t;
  s->wants = true;
  return err_set(e, PARLEY_ENOTFOUND, "a tile is missing");
}

/* ---- judging ---- */

enum verdict { CLEAR, CONVICTED, ASK, UNKNOWN, TROUBLE };

static bool holds(struct copy *c, const struct fork_tree *t) {
  struct hash root;
  return c && copy_size(c) >= t->size && copy_root(c, t->size, &root, NULL) == PARLEY_OK && hash_eq(&root, &t->root);
}

/* The prefix of the larger tree at the smaller size, and its proof, from here or from theirs. */
static parley_err larger_tree(struct node *n, struct seek *s, const struct fork_tree t[static 2], struct hash *prefix,
                              struct proof *proof, struct errmsg *e) {
  struct copy *copy = copy_of(n, s->origin);
  const struct merkle_source source = holds(copy, &t[1]) ? copy_source(copy) : (struct merkle_source){read_tile, s};
  s->wants = false;
  merkle_empty(prefix);
  parley_err r = t[0].size ? merkle_root(prefix, source, t[0].size, e) : PARLEY_OK;
  return r ? r : merkle_consistency(proof, source, t[0].size, t[1].size, e);
}

static enum verdict compare(struct node *n, struct seek *s, struct fork_tree t[static 2], struct errmsg *e) {
  struct hash prefix;
  struct proof proof = {0};
  unsigned convicted = 0;
  if (t[0].size == t[1].size) {
    if (hash_eq(&t[0].root, &t[1].root)) return CLEAR;
    return forks_convict(n, t, NULL, NULL, &convicted, e) ? TROUBLE : convicted ? CONVICTED : UNKNOWN;
  }
  parley_err r = larger_tree(n, s, t, &prefix, &proof, e);
  if (r == PARLEY_ENOTFOUND && s->wants) return ASK;
  if (r) return TROUBLE;
  if (t[0].size && !merkle_check_consistency(&proof, t[0].size, &prefix, t[1].size, &t[1].root)) return UNKNOWN;
  if (hash_eq(&prefix, &t[0].root)) return CLEAR;
  return forks_convict(n, t, &prefix, &proof, &convicted, e) ? TROUBLE : convicted ? CONVICTED : UNKNOWN;
}

static enum verdict judge(struct node *n, struct seek *s, struct errmsg *e) {
  struct fork_tree t[2], held;
  if (!s->theirs.note.p) return ASK;
  if (!held_tree(n, s, &held)) return UNKNOWN;
  const bool first = s->theirs.size <= held.size;
  t[0] = first ? s->theirs : held;
  t[1] = first ? held : s->theirs;
  return compare(n, s, t, e);
}

/* This note told nothing (more): the next resource, or the end. */
static void next_resource(struct node *n, struct seek *s) {
  s->theirs = (struct fork_tree){0};
  s->n_tiles = 0;
  s->wants = false;
  if (!s->given && s->asked++ == 0) return;
  s->over = true;
  const struct their_log *l = their_log_by_origin(n, bytes_str(s->origin));
  if (s->given && !s->other.note.p && l)
    observed_add(n, s->whom->card.name, l->from->forum->id, "odd_tree",
                 "it shows a tree of the log %s, signed by that log, of which nothing shows that it continues the one "
                 "held here",
                 s->origin);
  if (!s->said[0]) return;
  observed_add(n, s->said, l ? l->from->forum->id : NULL, "unshown",
               "it names a tree of the log %s that is not the one held here, and %s shows none such", s->origin,
               s->whom->card.name);
}

static void settle(struct node *n, struct seek *s) {
  struct errmsg e = {{0}};
  const enum verdict v = judge(n, s, &e);
  s->judge = false;
  if (v == CONVICTED) {
    s->over = true;
  } else if (v == TROUBLE && s->later++ < LATER_MAX) {
    node_log_line(n, 3, "%s: two histories cannot be compared now: %s", s->origin, e.text);
    s->lane.next_ms = node_mono(n) + NODE_RETRY_MS;
    s->judge = true;
  } else if (v == CLEAR && still_coming(n, s) && s->later++ < LATER_MAX) {
    s->lane.next_ms = node_mono(n) + LATER_MS;
    s->judge = true;
  } else if (v != ASK) {
    next_resource(n, s);
  }
}

void seeks_run(struct node *n) {
  for (struct seek **at = &n->forks->seeks; *at;) {
    struct seek *s = *at;
    if (s->judge && !s->over && !s->lane.request && s->lane.next_ms <= node_mono(n)) settle(n, s);
    if (!s->over) {
      at = &s->next;
      continue;
    }
    *at = s->next;
    n->forks->n_seeks--;
    seek_free(s);
  }
}

/* ---- asking ---- */

static void set_url(struct seek *s) {
  struct buf path = {0};
  buf_fmt(&path, "/%s/", s->hex);
  if (s->wants)
    tile_path(&path, &s->want);
  else
    buf_str(&path, s->asked ? "checkpoint.pending" : "checkpoint");
  const int base = snprintf(s->lane.url, sizeof s->lane.url, "%s", s->whom->card.monitoring);
  snprintf(s->lane.url + base, sizeof s->lane.url - (size_t)base, "%.*s", (int)path.n, (const char *)path.p);
  s->lane.path = s->lane.url + base;
  buf_free(&path);
}

static bool due(const struct seek *s) { return !s->lane.request && !s->judge && !s->over; }

bool seeks_next(struct node *n, struct outbound *out) {
  for (struct seek *s = n->forks->seeks; s; s = s->next) {
    if (!due(s) || s->lane.next_ms > node_mono(n)) continue;
    set_url(s);
    s->lane.request = n->next_request++;
    *out = (struct outbound){.id = s->lane.request,
                             .peer = s->whom->card.name,
                             .method = "GET",
                             .url = s->lane.url,
                             .path = s->lane.path,
                             .pins = s->whom->pins};
    return true;
  }
  return false;
}

int64_t seeks_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct seek *s = n->forks->seeks; s; s = s->next)
    if (s->over)
      return node_mono(n);
    else if (!s->lane.request && s->lane.next_ms < at)
      at = s->lane.next_ms;
  return at;
}

static void take_tile(struct node *n, struct seek *s, struct bytes body) {
  struct seek_tile *t = &s->tile[s->n_tiles];
  const size_t need = (size_t)s->want.width * 32;
  if (s->n_tiles < TILES_MAX && body.n == need) {
    *t = (struct seek_tile){s->want, arena_copy(&s->arena, body)};
    if (t->data.p) s->n_tiles++;
  }
  s->judge = s->n_tiles < TILES_MAX && body.n == need;
  if (!s->judge) next_resource(n, s);
}

static void take_note(struct node *n, struct seek *s, struct bytes body) {
  s->judge = body.n <= NOTE_SIZE_MAX && set_tree(s, &s->theirs, body);
  if (!s->judge) next_resource(n, s);
}

bool seeks_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  struct seek *s = n->forks->seeks;
  while (s && s->lane.request != id) s = s->next;
  if (!s) return false;
  lane_clear(&s->lane);
  if (!r->answered || (r->status != 200 && r->status != 404)) {
    lane_fail(n, &s->lane, r->retry_after, "%s cannot be asked what it holds of %s", s->whom->card.name, s->origin);
    return true;
  }
  lane_ok(n, &s->lane);
  s->whom->last_out = node_wall(n);
  if (r->status == 404)
    next_resource(n, s);
  else if (s->wants)
    take_tile(n, s, r->body);
  else
    take_note(n, s, r->body);
  return true;
}
