/*
 * Counterparts' cards over time: a successor is taken by the rotation key's signature alone, two of them void each other, and
 * what was signed under older cards stays verifiable (docs/protocol.md, "A new card").
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/state.h"

/* ---- looking up ---- */

static const struct old_card *history(const struct node *n, const char *name, const struct card **newest) {
  if (!strcmp(name, n->own.name)) return *newest = &n->own, n->own_before;
  const struct peer *p = node_peer(n, name);
  *newest = p ? &p->card : NULL;
  return p ? p->before : NULL;
}

const struct card *node_card_serial(const struct node *n, const char *name, uint64_t serial) {
  const struct card *c;
  const struct old_card *b = history(n, name, &c);
  if (c && c->serial == serial) return c;
  while (b && b->card.serial != serial) b = b->before;
  return b ? &b->card : NULL;
}

const struct card *node_card_lookup(void *node, const char *name, const uint8_t fp[static SHA256_SIZE]) {
  const struct card *c;
  const struct old_card *b = history(node, name, &c);
  if (c && !memcmp(c->fingerprint, fp, SHA256_SIZE)) return c;
  while (b && memcmp(b->card.fingerprint, fp, SHA256_SIZE)) b = b->before;
  return b ? &b->card : NULL;
}

size_t node_cards(const struct node *n, const char *name, const struct card **out, size_t max) {
  const struct card *c;
  const struct old_card *b = history(n, name, &c);
  size_t k = 0;
  for (; c && k < max; b = b->before) {
    out[k++] = c;
    if (!b) break;
    c = &b->card;
  }
  for (size_t i = 0; i < k / 2; i++) {
    const struct card *swap = out[i];
    out[i] = out[k - 1 - i];
    out[k - 1 - i] = swap;
  }
  return k;
}

/* ---- keys that count ---- */

parley_err their_log_keys(const struct node *n, struct their_log *l, struct errmsg *e) {
  const struct card *newest = &l->from->peer->card;
  const struct card *there = node_card_serial(n, newest->name, l->bulk ? l->from->log.serial : l->serial);
  parley_err r = card_log_vkey(&l->vkeys[0], newest, l->origin, e);
  l->n_vkeys = 1;
  if (!r && there && memcmp(there->log, newest->log, sizeof there->log)) {
    r = card_log_vkey(&l->vkeys[1], there, l->origin, e);
    l->n_vkeys = 2;
  }
  if (!r && l->mirror) mirror_set_keys(l->mirror, l->vkeys, l->n_vkeys);
  return r;
}

parley_err own_note_verify(const struct node *n, const struct own_log *l, const struct note *note, size_t *which,
                           struct errmsg *e) {
  const struct card *c = &n->own;
  struct vkey k;
  for (const struct old_card *b = n->own_before;; b = b->before) {
    parley_err r = card_log_vkey(&k, c, l->origin, e);
    if (!r) r = note_verify(note, &k, NULL, which, e);
    if (r != PARLEY_ENOTFOUND || !b) return r;
    c = &b->card;
  }
}

parley_err cosignature_verify(const struct node *n, const char *party, uint64_t oldest, struct bytes line,
                              struct bytes text, int64_t *time, struct errmsg *e) {
  const struct card *c;
  const struct old_card *b = history(n, party, &c);
  parley_err r = c ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "the card of %s is not pinned here", party);
  struct vkey k;
  while (!r) {
    r = card_mirror_vkey(&k, c, e);
    if (!r) r = note_verify_line(line, text, &k, time, e);
    if (r != PARLEY_ENOTFOUND || !b || b->card.serial < oldest) return r;
    c = &b->card;
    b = b->before;
    r = PARLEY_OK;
  }
  return r;
}

/* ---- taking a successor ---- */

struct learned {
  struct arena arena;
  struct card card;
  bool fresh, voids; /* voids: it is the second successor of one card */
};

static void key_card(struct buf *k, const char *party, uint64_t serial) {
  buf_fmt(k, "c/%s\n%020" PRIu64, party, serial);
}

static void key_void(struct buf *k, const char *party) { buf_fmt(k, "cv/%s", party); }

parley_err cards_distinct(const struct node *n, const struct card *c, struct errmsg *e) {
  parley_err r = card_check_distinct(c, &n->own, e);
  for (const struct old_card *b = n->own_before; b && !r; b = b->before) r = card_check_distinct(c, &b->card, e);
  for (const struct peer *p = n->peers; p && !r; p = p->next) {
    if (!strcmp(p->card.name, c->name)) continue;
    r = card_check_distinct(c, &p->card, e);
    for (const struct old_card *b = p->before; b && !r; b = b->before) r = card_check_distinct(c, &b->card, e);
  }
  return r;
}

static parley_err missing(const struct peer *p, uint64_t serial, struct errmsg *e) {
  return err_set(e, PARLEY_ECONFLICT,
                 "the card of %s has serial %" PRIu64 ", but the newest held is %" PRIu64
                 ": those between are needed first",
                 p->card.name, serial, p->card.serial);
}

bool cards_full(const struct peer *p) {
  size_t k = 1;
  for (const struct old_card *b = p->before; b; b = b->before) k++;
  return k >= CARDS_HELD_MAX;
}

/* out->card is parsed, unproved. */
static parley_err judge_serial(struct node *n, struct peer *p, struct bytes envelope, struct learned *out,
                               struct errmsg *e) {
  const uint64_t serial = out->card.serial;
  const struct card *same = node_card_serial(n, p->card.name, serial);
  const struct card *before = serial > 0 ? node_card_serial(n, p->card.name, serial - 1) : NULL;
  if (same && !memcmp(same->fingerprint, out->card.fingerprint, SHA256_SIZE)) return PARLEY_OK;
  if (p->void_serial && serial >= p->void_serial)
    return err_set(e, PARLEY_ECONFLICT,
                   "two different cards of %s with serial %" PRIu64
                   " are signed with its rotation key: neither counts. Tell %s by another way that its rotation key is "
                   "in two hands",
                   p->card.name, p->void_serial, p->card.name);
  if (!before && serial > p->card.serial) return missing(p, serial, e);
  if (!before && same)
    return err_set(e, PARLEY_ECONFLICT,
                   "another card of %s with serial %" PRIu64
                   " is pinned; without a card before it this one has no weight",
                   p->card.name, serial);
  if (!before) return PARLEY_OK; /* older than all that is held: nothing to learn */
  if (!same && cards_full(p))
    return err_set(e, PARLEY_ELIMIT, "%d cards of %s are held here, and no more are taken", CARDS_HELD_MAX,
                   p->card.name);
  parley_err r = card_parse(&out->card, &out->arena, envelope, before, NULL, e);
  if (!r) r = cards_distinct(n, &out->card, e);
  if (r) return r;
  out->fresh = true;
  out->voids = same != NULL;
  return PARLEY_OK;
}

static parley_err cards_judge(struct node *n, struct peer *p, struct bytes envelope, struct learned *out,
                              struct errmsg *e) {
  bool unproved;
  *out = (struct learned){0};
  parley_err r = card_parse(&out->card, &out->arena, envelope, NULL, &unproved, e);
  if (!r && strcmp(out->card.name, p->card.name))
    r = err_set(e, PARLEY_EREFUSED, "the card is that of %s, not of %s", out->card.name, p->card.name);
  if (!r) r = judge_serial(n, p, envelope, out, e);
  if (r || !out->fresh) arena_free(&out->arena);
  return r;
}

static parley_err cards_store(struct node *n, struct peer *p, const struct learned *l, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  if (!l->fresh) return PARLEY_OK;
  if (l->voids) {
    key_void(&k, p->card.name);
    buf_fmt(&v, "%" PRIu64 "\n", l->card.serial);
    buf_bytes(&v, l->card.envelope); /* the rival, kept as evidence beside the first */
  } else {
    key_card(&k, p->card.name, l->card.serial);
    buf_bytes(&v, l->card.envelope);
  }
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                                          : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  buf_free(&v);
  return r;
}

static void set_pins(struct peer *p) {
  for (size_t i = 0; i <= LINK_PINS_MAX; i++) p->pins[i] = i < p->card.n_link ? p->card.link[i] : NULL;
}

/* Two successors: the card before both of them is the newest again. */
static void go_back(struct node *n, struct peer *p, uint64_t serial) {
  if (PLANTED(keep_first_of_rival_cards)) return;
  p->void_serial = serial;
  while (p->card.serial >= serial && p->before) {
    p->card = p->before->card;
    p->before = p->before->before;
  }
  node_log_line(n, 3,
                "%s: two different cards of serial %" PRIu64
                " are signed with one rotation key; neither counts, and the card of serial %" PRIu64 " stays the last",
                p->card.name, serial, p->card.serial);
}

/* What memory cannot take now is stored: the next start has it. */
static void go_forward(struct node *n, struct peer *p, const struct learned *l) {
  struct old_card *was = arena_alloc(&p->arena, sizeof *was);
  const struct bytes envelope = arena_copy(&p->arena, l->card.envelope);
  if (!was || !envelope.p) {
    node_log_line(n, 3, "%s: out of memory for its new card", p->card.name);
    return;
  }
  *was = (struct old_card){p->before, p->card};
  p->before = was;
  p->card = l->card;
  p->card.envelope = envelope;
  node_log_line(n, 6, "%s has a new card, serial %" PRIu64, p->card.name, p->card.serial);
}

static void cards_apply(struct node *n, struct peer *p, struct learned *l) {
  if (!l->fresh) return;
  if (l->voids)
    go_back(n, p, l->card.serial);
  else
    go_forward(n, p, l);
  arena_free(&l->arena);
  set_pins(p);
  n->cards_version++;
  n->intake_due = true; /* a log may have waited for it */
  for (struct forum *f = n->forums; f; f = f->next) {
    struct member *m = forum_member(f, p->card.name);
    struct errmsg e;
    if (m && (their_log_keys(n, &m->log, &e) || their_log_keys(n, &m->bulk, &e)))
      node_log_line(n, 3, "%s: its keys cannot be set: %s", p->card.name, e.text);
  }
}

parley_err cards_learn(struct node *n, struct peer *p, struct bytes envelope, bool *fresh, struct errmsg *e) {
  struct learned l;
  parley_err r = cards_judge(n, p, envelope, &l, e);
  *fresh = !r && l.fresh;
  if (r || !l.fresh) return r;
  r = store_begin(n->env.store, e);
  if (!r) r = cards_store(n, p, &l, e);
  if (!r)
    r = store_commit(n->env.store, e);
  else if (store_in_transaction(n->env.store))
    store_rollback(n->env.store);
  if (r) {
    arena_free(&l.arena);
    return r;
  }
  const bool voids = l.voids;
  const uint64_t serial = l.card.serial;
  cards_apply(n, p, &l);
  if (!voids) return PARLEY_OK;
  *fresh = false;
  return err_set(e, PARLEY_ECONFLICT, "this is the second card of %s with serial %" PRIu64 ": neither counts",
                 p->card.name, serial);
}

parley_err node_successor(struct node *n, struct bytes envelope, bool *fresh, struct errmsg *e) {
  struct arena a = {0};
  struct card c;
  *fresh = false;
  parley_err r = card_parse(&c, &a, envelope, NULL, NULL, e);
  struct peer *p = r ? NULL : node_peer(n, c.name);
  if (!r && !p) r = err_set(e, PARLEY_ENOTFOUND, "no card of %s is pinned here", c.name);
  if (!r) r = cards_learn(n, p, envelope, fresh, e);
  arena_free(&a);
  return r;
}

uint64_t node_cards_version(const struct node *n) { return n->cards_version; }

/* ---- after a start ---- */

static parley_err stored(struct node *n, struct buf *k, struct arena *a, struct bytes *v, struct errmsg *e) {
  const parley_err r = buf_ok(k) ? store_get(n->env.store, STORE_PEERS, buf_view(k), a, v, e)
                                 : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(k);
  return r;
}

static bool is_trouble(parley_err r) { return r == PARLEY_ENOMEM || r == PARLEY_EIO || r == PARLEY_EBUSY; }

/*
 * ENOTFOUND: there is none. One that does not follow is left aside, for what was learned after a former pin is worth nothing; *anew: people have
 * pinned another card since.
 */
static parley_err load_next(struct node *n, struct peer *p, bool *anew, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  struct learned l = {0};
  const uint64_t serial = p->card.serial;
  key_card(&k, p->card.name, serial + 1);
  parley_err r = stored(n, &k, &a, &v, e);
  if (!r && (r = cards_judge(n, p, v, &l, e)) && !is_trouble(r)) {
    node_log_line(n, 4, "the stored card of %s with serial %" PRIu64 " is left aside: %s", p->card.name, serial + 1,
                  e ? e->text : "");
    *anew = r == PARLEY_EVERIFY;
    r = PARLEY_ENOTFOUND;
  }
  if (!r) cards_apply(n, p, &l);
  if (!r && p->card.serial == serial) r = err_set(e, PARLEY_ENOMEM, "out of memory for the cards of %s", p->card.name);
  arena_free(&a);
  return r;
}

/* What voids: the serial and the rival. ENOTFOUND: nothing does. */
static parley_err read_void(struct node *n, const struct peer *p, struct arena *a, uint64_t *serial,
                            struct bytes *rival, struct errmsg *e) {
  struct buf k = {0};
  struct bytes line;
  key_void(&k, p->card.name);
  const parley_err r = stored(n, &k, a, rival, e);
  if (!r && (!bytes_line(rival, &line) || !dec_decode(serial, line) || *serial == 0))
    return err_set(e, PARLEY_EIO, "what is stored about the cards of %s is damaged", p->card.name);
  return r;
}

/* Not when people have pinned another card since: it is not the rival of one that can be at hand, or lies behind. */
static bool still_void(const struct node *n, const struct peer *p, uint64_t serial, struct bytes rival) {
  struct arena a = {0};
  struct card c;
  const struct card *before = node_card_serial(n, p->card.name, serial - 1);
  if (!before) return p->card.serial < serial;
  const parley_err r = card_parse(&c, &a, rival, before, NULL, NULL);
  arena_free(&a);
  return !r || r == PARLEY_ENOMEM;
}

parley_err cards_load(struct node *n, struct peer *p, struct errmsg *e) {
  struct arena a = {0};
  struct bytes rival;
  uint64_t serial = 0; /* void from there on */
  bool anew = false;
  parley_err r = read_void(n, p, &a, &serial, &rival, e);
  if (r == PARLEY_ENOTFOUND) r = PARLEY_OK;
  while (!r && serial != p->card.serial + 1) r = load_next(n, p, &anew, e);
  if (r == PARLEY_ENOTFOUND) r = PARLEY_OK;
  if (!r && serial && (anew || !still_void(n, p, serial, rival))) {
    serial = 0;
    while (!r) r = load_next(n, p, &anew, e);
  }
  p->void_serial = serial;
  arena_free(&a);
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

/* ---- our own ---- */

parley_err node_own_before(struct node *n, struct bytes envelope, struct errmsg *e) {
  struct old_card **end = &n->own_before, *b = arena_alloc(&n->arena, sizeof *b);
  const struct card *after = &n->own;
  struct card again;
  struct arena a = {0};
  if (!b) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (; *end; end = &(*end)->before) after = &(*end)->card;
  *b = (struct old_card){0};
  parley_err r = card_parse(&b->card, &n->arena, envelope, NULL, NULL, e);
  if (!r) r = card_parse(&again, &a, after->envelope, &b->card, NULL, e);
  if (!r) *end = b;
  arena_free(&a);
  return r;
}
