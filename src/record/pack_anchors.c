/*
 * Who the parties of an evidence pack are: an identity comes from outside, as the fingerprint of a card, and goes on from
 * that card to those after it (each carries the rotation signature of the one before), never back.
 */
#include <string.h>

#include "record/pack_check.h"

parley_err pack_party_establish(struct pack_party *party, const struct pack_known *known, struct errmsg *e) {
  const struct pack_run run = {party->cards, party->n_cards};
  bool given = false;
  for (size_t i = 0; i < known->n_anchors; i++) {
    const struct anchor *x = &known->anchors[i];
    if (strcmp(x->party, party->name) != 0) continue;
    const size_t named = pack_run_find(run, x->fingerprint);
    given = true;
    if (named < party->established) party->established = named;
  }
  party->anchored = party->established == 0;
  if (given && party->established == party->n_cards)
    return err_set(e, PARLEY_EVERIFY,
                   "%s: no card of %s in the pack is one that you hold or named; the pack is by someone else, or the "
                   "card was replaced",
                   pack_card_file(party->name).text, party->name);
  return PARLEY_OK;
}

parley_err pack_check_anchors(struct check *c) {
  bool all = true;
  for (size_t i = 0; i < c->out->n_parties; i++) {
    const parley_err rc = pack_party_establish(&c->out->parties[i], c->known, c->e);
    if (rc != PARLEY_OK) return rc;
    all = all && (c->out->parties[i].anchored || (i > 0 && !c->out->parties[i].covered));
  }
  c->out->identified = all;
  return PARLEY_OK;
}
