/*
 * Asking a member for what it holds of a log of which it, or somebody, says that there is another history: its note,
 * and where the sizes differ the tiles that the consistency proof needs. What it answers convicts only by signatures
 * in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/forks_seek.h"
#include "node/observed.h"

#define SEEKS_MAX 64
#define SEEKS_OF_ONE_MAX 8 /* whoever names other trees of all logs, and shows none, keeps nobody else waiting */
#define LATER_MS 10000
#define LATER_MAX 60 /* then what is still coming will not come */

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

bool seek_tree(struct seek *s, struct fork_tree *out, struct bytes text) {
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
  s->over = !seek_tree(s, &s->theirs, note);
}

void seek_pair(struct node *n, const char *origin, struct peer *whom, struct bytes note, struct bytes other) {
  for (const struct seek *s = n->forks->seeks; s; s = s->next)
    if (s->whom == whom && s->other.note.p && !strcmp(s->origin, origin)) return;
  struct seek *s = seek_new(n, origin, whom);
  if (!s) return;
  s->given = true;
  s->over = !seek_tree(s, &s->theirs, note) || !seek_tree(s, &s->other, other);
}

void forks_of_note(struct node *n, struct their_log *l, struct peer *whom, struct bytes note) {
  struct mirror_answer a = {0};
  struct buf body = {0};
  struct errmsg e = {{0}};
  const struct add_checkpoint r = {.old = 0, .note = note}; /* of no tree that is held: it is judged, never taken */
  add_checkpoint_write(&body, &r);
  if (buf_ok(&body)) mirror_add_checkpoint(l->mirror, buf_view(&body), &a);
  if (a.fork && forks_of_mirror(n, l->origin, &e) != PARLEY_OK)
    node_log_line(n, 3, "%s: the proof of its two histories cannot be kept now: %s", l->origin, e.text);
  if (a.odd) seek_note(n, l->origin, whom, note);
  buf_free(&a.body);
  buf_free(&body);
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
  const enum verdict v = seek_judge(n, s, &e);
  s->judge = false;
  if (v == SEEK_CONVICTED) {
    s->over = true;
  } else if (v == SEEK_TROUBLE && s->later++ < LATER_MAX) {
    node_log_line(n, 3, "%s: two histories cannot be compared now: %s", s->origin, e.text);
    s->lane.next_ms = node_mono(n) + NODE_RETRY_MS;
    s->judge = true;
  } else if (v == SEEK_CLEAR && seek_still_coming(n, s) && s->later++ < LATER_MAX) {
    s->lane.next_ms = node_mono(n) + LATER_MS;
    s->judge = true;
  } else if (v != SEEK_ASK) {
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
  if (s->n_tiles < SEEK_TILES_MAX && body.n == need) {
    *t = (struct seek_tile){s->want, arena_copy(&s->arena, body)};
    if (t->data.p) s->n_tiles++;
  }
  s->judge = s->n_tiles < SEEK_TILES_MAX && body.n == need;
  if (!s->judge) next_resource(n, s);
}

static void take_note(struct node *n, struct seek *s, struct bytes body) {
  s->judge = body.n <= NOTE_SIZE_MAX && seek_tree(s, &s->theirs, body);
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
