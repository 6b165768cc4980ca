/*
 * forum.card statements in counterparts' logs: from such an entry on, the log is judged by the last card that it carries
 * (docs/protocol.md, "A new card").
 */
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/state.h"

struct carried {
  struct card cards[CARDS_CARRIED_MAX];
  size_t n;
};

const struct card *card_in_force(const struct node *n, const struct their_log *l) {
  const uint64_t serial = PLANTED(accept_stale_card) ? 0 : l->serial;
  const struct card *c = node_card_serial(n, l->from->peer->card.name, serial);
  return c ? c : &l->from->peer->card; /* void: the card before it */
}

/* Each is the successor of the one before it, the first of the card in force in the log. */
static parley_err read_carried(struct carried *out, struct arena *a, const struct card *before,
                               const struct statement *s, struct errmsg *e) {
  const json_t *list = json_object_get(s->body, "cards");
  *out = (struct carried){.n = json_array_size(list)};
  for (size_t i = 0; i < out->n; i++) {
    struct buf envelope = {0};
    base64_decode(&envelope, bytes_str(json_string_value(json_array_get(list, i))), true);
    const parley_err r = buf_ok(&envelope) ? card_parse(&out->cards[i], a, buf_view(&envelope), before, NULL, e)
                                           : err_set(e, PARLEY_ENOMEM, "out of memory");
    buf_free(&envelope);
    if (r) return err_prefix(e, r, "body.cards[%zu]", i);
    before = &out->cards[i];
  }
  return PARLEY_OK;
}

/* Read, and signed with the statement key of the last. */
static parley_err read_signed(struct carried *out, struct arena *a, const struct node *n, const struct their_log *l,
                              const struct statement *s, const struct dsse *d, struct errmsg *e) {
  const parley_err r = read_carried(out, a, card_in_force(n, l), s, e);
  return r ? r : statement_verify(d, s, &out->cards[out->n - 1], e);
}

parley_err card_entry_judge(const struct node *n, const struct their_log *l, const struct statement *s,
                            const struct dsse *d, uint64_t *serial, struct errmsg *e) {
  struct arena a = {0};
  struct carried *cards = arena_alloc(&a, sizeof *cards);
  parley_err r = cards ? read_signed(cards, &a, n, l, s, d, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; !r && i < cards->n; i++) {
    const struct card *c = &cards->cards[i];
    if (!node_card_lookup((void *)(uintptr_t)n, c->name, c->fingerprint))
      r = err_set(e, PARLEY_ENOTFOUND, "body.cards[%zu]: the card of serial %llu cannot be taken, or is void", i,
                  (unsigned long long)c->serial);
    *serial = c->serial;
  }
  arena_free(&a);
  return r;
}

parley_err card_entry_learn(struct node *n, const struct their_log *l, struct bytes entry, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  bool fresh;
  parley_err r = statement_parse(&s, &a, entry, &d, e);
  if (!r && !strcmp(s.kind, "forum.card")) {
    struct carried *cards = arena_alloc(&a, sizeof *cards);
    r = cards ? read_signed(cards, &a, n, l, &s, &d, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
    for (size_t i = 0; !r && i < cards->n; i++) r = cards_learn(n, l->from->peer, cards->cards[i].envelope, &fresh, e);
  }
  statement_clear(&s);
  arena_free(&a);
  return r;
}
