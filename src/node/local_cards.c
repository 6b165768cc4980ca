/*
 * GET /v1/cards: our cards and the counterparts', how old they are, and how far our newest one has come. POST /v1/successor: a
 * counterpart's next card, brought by hand.
 */
#include "base/encoding.h"
#include "node/call.h"

#define CARDS_SHOWN 64 /* the newest of one party */

static json_t *card_facts(const struct card *c, bool whole) {
  json_t *o = json_object();
  json_put_int(o, "serial", (int64_t)c->serial);
  json_put_hex(o, "fingerprint", c->fingerprint, SHA256_SIZE);
  json_put_time(o, "not_before", c->not_before);
  json_put_time(o, "not_after", c->not_after);
  if (whole) json_put_b64(o, "card", c->envelope.p, c->envelope.n);
  return o;
}

/* Whole is the newest alone: large cards of hostile counterparts would make an answer that nobody takes. */
static json_t *cards_of(const struct node *n, const char *name) {
  const struct card *cards[CARDS_SHOWN];
  const size_t k = node_cards(n, name, cards, CARDS_SHOWN);
  json_t *list = json_array();
  for (size_t i = 0; i < k; i++) json_array_append_new(list, card_facts(cards[i], i + 1 == k));
  return list;
}

static json_t *party(const struct node *n, const struct peer *p) {
  json_t *o = json_object();
  json_put_str(o, "party", p->card.name);
  json_object_set_new(o, "cards", cards_of(n, p->card.name));
  if (p->void_serial) json_put_int(o, "void_serial", (int64_t)p->void_serial);
  json_object_set_new(o, "has_ours", json_boolean(p->card_told >= n->own.serial));
  if (p->card_told < n->own.serial) json_put_str(o, "why", p->card_lane.why);
  return o;
}

/* Forums in whose log our newest card does not stand yet, or whose checkpoint under both keys is still to come. */
static json_t *log_state(const struct node *n, const struct forum *f) {
  json_t *o = json_object();
  json_put_hex(o, "forum", f->id, SHA256_SIZE);
  json_put_str(o, "title", f->charter.title);
  json_object_set_new(o, "announced", json_boolean(f->log.announced >= n->own.serial));
  json_object_set_new(o, "signed_over", json_boolean(!renewal_waits(n, &f->log) && !renewal_waits(n, &f->bulk)));
  return o;
}

void local_cards(struct node_call *c, struct node_response *out) {
  const struct node *n = c->n;
  json_t *o = json_object(), *parties = json_array(), *forums = json_array();
  for (const struct peer *p = n->peers; p; p = p->next) json_array_append_new(parties, party(n, p));
  for (const struct forum *f = n->forums; f; f = f->next) json_array_append_new(forums, log_state(n, f));
  json_put_str(o, "party", n->own.name);
  json_object_set_new(o, "cards", cards_of(n, n->own.name));
  json_object_set_new(o, "needs_log_key_before", json_boolean(node_needs_log_key_before(n)));
  json_object_set_new(o, "parties", parties);
  json_object_set_new(o, "forums", forums);
  answer_json(out, 200, o);
}

/* The body is the card's envelope. 201 when it is new, 200 when it was held, 404 when the party is not pinned. */
void local_successor(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  bool fresh;
  const parley_err r = node_successor(c->n, buf_view(&c->body), &fresh, &e);
  json_t *o = r ? NULL : json_object();
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  json_object_set_new(o, "new", json_boolean(fresh));
  answer_json(out, fresh ? 201 : 200, o);
}
