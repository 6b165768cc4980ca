/*
 * Our own new card on its way (docs/protocol.md, "A new card"): told to each counterpart, announced in each log, and the first
 * checkpoint of each log under a new log key signed with the old one as well and kept.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/state.h"

/* ---- announcing: forum.card ---- */

static void key_announced(struct buf *k, const struct own_log *l) { buf_fmt(k, "ca/%s", l->origin); }

static void key_first(struct buf *k, const struct own_log *l) { buf_fmt(k, "cn/%s", l->origin); }

static void key_told(struct buf *k, const struct peer *p) { buf_fmt(k, "ct/%s", p->card.name); }

static parley_err put(struct node *n, struct buf *k, struct buf *v, struct errmsg *e) {
  parley_err r = buf_ok(k) && buf_ok(v) ? store_put(n->env.store, STORE_PEERS, buf_view(k), buf_view(v), e)
                                        : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(k);
  buf_free(v);
  return r;
}

static parley_err get(struct node *n, struct buf *k, struct arena *a, struct bytes *v, struct errmsg *e) {
  parley_err r = buf_ok(k) ? store_get(n->env.store, STORE_PEERS, buf_view(k), a, v, e)
                           : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(k);
  return r;
}

static parley_err damaged(const char *what, struct errmsg *e) {
  return err_set(e, PARLEY_EIO, "what is stored about the cards in %s is damaged", what);
}

parley_err renewal_load(struct node *n, struct own_log *l, uint64_t charter_serial, struct errmsg *e) {
  struct arena a = {0};
  struct buf k = {0};
  struct bytes v, serial, size;
  l->announced = l->first_serial = charter_serial;
  key_announced(&k, l);
  parley_err r = get(n, &k, &a, &v, e);
  if (!r && !dec_decode(&l->announced, v)) r = damaged(l->origin, e);
  if (r == PARLEY_ENOTFOUND) r = PARLEY_OK;
  if (!r) {
    key_first(&k, l);
    r = get(n, &k, &a, &v, e);
    if (!r && (!bytes_line(&v, &serial) || !bytes_line(&v, &size) || !dec_decode(&l->first_serial, serial) ||
               !dec_decode(&l->first_size, size)))
      r = damaged(l->origin, e);
    if (!r) buf_bytes(&l->first_note, v);
    if (!r && !buf_ok(&l->first_note)) r = err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  arena_free(&a);
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

/* Our cards after the one in force in the log, base64, oldest first: as many of the newest as an entry carries. */
static json_t *cards_after(const struct node *n, uint64_t serial) {
  const struct card *cards[CARDS_CARRIED_MAX];
  const size_t k = node_cards(n, n->own.name, cards, CARDS_CARRIED_MAX);
  json_t *list = json_array();
  for (size_t i = 0; list && i < k; i++) {
    if (cards[i]->serial <= serial) continue;
    struct buf text = {0};
    base64_encode(&text, cards[i]->envelope, true);
    const char *s = buf_cstr(&text);
    if (!s || json_array_append_new(list, json_string(s))) {
      json_decref(list);
      list = NULL;
    }
    buf_free(&text);
  }
  return list;
}

/* The first entry that our newest statement key signs in the log: it stands before whatever waits to be sent. */
parley_err renewal_announce(struct node *n, struct forum *f, struct errmsg *e) {
  struct statement s = {0};
  struct submission *sub;
  if (f->log.announced >= n->own.serial) return PARLEY_OK;
  compose_common(n, f, &s, "forum.card");
  s.body = json_object();
  json_t *cards = cards_after(n, f->log.announced);
  parley_err r = s.body && cards && !json_object_set_new(s.body, "cards", cards)
                     ? compose_submit(n, f, &s, &sub, e)
                     : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    sub->opening = true;
    sub->card_serial = f->log.announced = n->own.serial;
  }
  statement_clear(&s);
  return r;
}

parley_err renewal_announced(struct node *n, const struct submission *s, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_announced(&k, &s->forum->log);
  buf_fmt(&v, "%" PRIu64, s->card_serial);
  return put(n, &k, &v, e);
}

/* ---- the first checkpoint under a new log key ---- */

/* Since the card under which the log was signed first, its key has changed. */
static bool is_first(const struct node *n, const struct own_log *l) {
  if (l->first_serial >= n->own.serial) return false;
  for (const struct old_card *b = n->own_before; b && b->card.serial >= l->first_serial; b = b->before)
    if (memcmp(b->card.log, n->own.log, sizeof b->card.log)) return true;
  return false;
}

parley_err renewal_sign(struct node *n, struct own_log *l, const struct signed_tree *tree, struct buf *note,
                        struct errmsg *e) {
  struct buf k = {0}, v = {0};
  if (!is_first(n, l)) return PARLEY_OK;
  parley_err r = signer_checkpoint_before(n->env.signer, note, l->origin, tree, e);
  if (r && r != PARLEY_ENOTFOUND) return r; /* the old key is lost: its counterparts know the card by propose */
  key_first(&k, l);
  buf_fmt(&v, "%" PRIu64 "\n%" PRIu64 "\n", n->own.serial, tree->size);
  buf_bytes(&v, buf_view(note));
  r = store_begin(n->env.store, e);
  if (r) {
    buf_free(&k);
    buf_free(&v);
    return r;
  }
  r = put(n, &k, &v, e);
  if (!r)
    r = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  if (r) return r;
  buf_clear(&l->first_note);
  buf_bytes(&l->first_note, buf_view(note));
  if (!buf_ok(&l->first_note)) return err_set(e, PARLEY_ENOMEM, "out of memory");
  l->first_size = tree->size;
  l->first_serial = n->own.serial;
  return PARLEY_OK;
}

bool renewal_waits(const struct node *n, const struct own_log *l) { return is_first(n, l) && copy_size(l->copy) > 0; }

bool node_needs_log_key_before(const struct node *n) {
  for (const struct forum *f = n->forums; f; f = f->next)
    if (renewal_waits(n, &f->log) || renewal_waits(n, &f->bulk)) return true;
  return n->forums_failed > 0; /* a forum that is closed today may open tomorrow */
}

/* ---- telling the counterparts ---- */

parley_err renewal_told_load(struct node *n, struct peer *p, struct errmsg *e) {
  struct arena a = {0};
  struct buf k = {0};
  struct bytes v;
  key_told(&k, p);
  parley_err r = get(n, &k, &a, &v, e);
  if (!r && !dec_decode(&p->card_told, v)) r = damaged(p->card.name, e);
  arena_free(&a);
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

static const struct card *untold(const struct node *n, const struct peer *p) {
  if (p->card_told >= n->own.serial) return NULL;
  const struct card *next = node_card_serial(n, n->own.name, p->card_told + 1);
  return next ? next : &n->own; /* cards that are no longer at hand cannot be told */
}

bool node_card_told(const struct node *n) {
  for (const struct peer *p = n->peers; p; p = p->next)
    if (untold(n, p)) return false;
  return true;
}

bool renewal_next(struct node *n, struct outbound *out) {
  for (struct peer *p = n->peers; p; p = p->next) {
    const struct card *c = untold(n, p);
    struct lane *l = &p->card_lane;
    if (!c || l->request || l->next_ms > node_mono(n)) continue;
    buf_bytes(&l->body, c->envelope);
    if (!buf_ok(&l->body)) {
      lane_clear(l);
      lane_fail(n, l, 0, "out of memory");
      continue;
    }
    const int len = snprintf(l->url, sizeof l->url, "%s", p->card.submission);
    snprintf(l->url + len, sizeof l->url - (size_t)len, "/propose");
    l->path = l->url + len;
    l->request = n->next_request++;
    *out = (struct outbound){.id = l->request,
                             .peer = p->card.name,
                             .method = "POST",
                             .url = l->url,
                             .path = l->path,
                             .pins = p->pins,
                             .content_type = "application/json",
                             .body = buf_view(&l->body)};
    return true;
  }
  return false;
}

void renewal_again(struct peer *p) { p->card_told = 0; }

static void told(struct node *n, struct peer *p) {
  struct errmsg e;
  struct buf k = {0}, v = {0};
  const struct card *c = untold(n, p);
  if (!c) return;
  key_told(&k, p);
  buf_fmt(&v, "%" PRIu64, c->serial);
  parley_err r = store_begin(n->env.store, &e);
  if (r) {
    buf_free(&k);
    buf_free(&v);
  } else {
    r = put(n, &k, &v, &e);
    if (!r)
      r = store_commit(n->env.store, &e);
    else
      store_rollback(n->env.store);
  }
  if (r) {
    lane_fail(n, &p->card_lane, 0, "%s has our new card, but that cannot be stored: %s", p->card.name, e.text);
    return;
  }
  p->card_told = c->serial;
  if (c->serial > p->card_most) {
    p->card_most = c->serial;
    lane_ok(n, &p->card_lane);
    node_log_line(n, 6, "%s has our card of serial %" PRIu64, p->card.name, c->serial);
  } else {
    p->card_lane.next_ms = node_mono(n); /* no step forward: the failures stand, so that pauses grow */
  }
}

static void answered(struct node *n, struct peer *p, const struct outbound_result *r) {
  if (!r->answered) {
    lane_fail(n, &p->card_lane, 0, "%s cannot be reached: %s", p->card.name, r->message ? r->message : "no answer");
    return;
  }
  p->last_out = node_wall(n);
  if (r->status == 200) {
    told(n, p);
    return;
  }
  if (r->status == 409) p->card_told = 0; /* it may have gone back in time: from the first again */
  const int len = r->body.n < 160 ? (int)r->body.n : 160;
  lane_fail(n, &p->card_lane, r->retry_after, "%s answers %u to our new card: %.*s", p->card.name, r->status, len,
            (const char *)r->body.p);
}

bool renewal_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  for (struct peer *p = n->peers; p; p = p->next)
    if (p->card_lane.request == id) {
      lane_clear(&p->card_lane);
      answered(n, p, r);
      return true;
    }
  return false;
}

int64_t renewal_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct peer *p = n->peers; p; p = p->next)
    if (untold(n, p) && !p->card_lane.request && p->card_lane.next_ms < at) at = p->card_lane.next_ms;
  return at;
}
