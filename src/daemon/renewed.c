/*
 * What follows from new cards: the gate learns the counterparts' link keys; our own replaced log key goes once no log needs
 * it, and our next link key comes once every counterpart has the card that names it.
 */
#include "daemon/daemon.h"

/* When the home has a card that is newer than the one in use here, its keys are none of ours: the next start sees to them. */
static bool is_ours(const struct daemon *d) { return home_card_is(&d->home, d->own.envelope); }

/* Trouble with the disk is told, and tried again at the next start. */
static void forget_before(struct daemon *d) {
  struct errmsg e;
  if (!d->has_log_before || node_needs_log_key_before(d->node)) return;
  d->has_log_before = false;
  signer_set_log_before(d->signer, NULL);
  if (!is_ours(d)) return;
  if (home_forget_before(&d->home, &e))
    log_line(&d->log, LOG_AS_WARNING, "the log key before is no longer needed, but stays: %s", e.text);
  else
    log_line(&d->log, LOG_AS_INFO, "every log has a checkpoint under both log keys; the one before is removed");
}

static void adopt_link(struct daemon *d) {
  struct errmsg e;
  bool adopted = false;
  if (d->link_adopted || !node_card_told(d->node)) return;
  d->link_adopted = true;
  if (!is_ours(d)) return;
  if (home_adopt_link(&d->home, &adopted, &e))
    log_line(&d->log, LOG_AS_WARNING, "the next link key cannot be put in place: %s", e.text);
  else if (adopted)
    log_line(&d->log, LOG_AS_WARNING,
             "every counterpart has our new card: start parleyd again to use the link key that it names");
}

parley_err daemon_renewed(struct daemon *d, struct errmsg *e) {
  forget_before(d);
  adopt_link(d);
  if (d->cards_version == node_cards_version(d->node)) return PARLEY_OK;
  const parley_err err = daemon_set_gate_pins(d, e);
  if (!err) d->cards_version = node_cards_version(d->node);
  return err;
}
