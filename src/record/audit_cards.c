#include "record/audit_cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void audit_cards_init(struct audit_cards *c) {
  *c = (struct audit_cards){0};
  pthread_rwlock_init(&c->lock, NULL);
}

void audit_cards_free(struct audit_cards *c) {
  for (struct audit_card *x = c->first, *next; x; x = next) {
    next = x->next;
    arena_free(&x->arena);
    free(x);
  }
  for (struct audit_witness *w = c->witnesses, *next; w; w = next) {
    next = w->next;
    free(w);
  }
  pthread_rwlock_destroy(&c->lock);
}

/* ---- looking up ---- */

/* What a card is looked for by; members that are NULL do not count. */
struct wanted {
  const char *party, *keyid;
  const uint8_t *fingerprint;
  const uint64_t *serial;
};

static const struct card *find(struct audit_cards *c, const struct wanted *w) {
  const struct card *found = NULL;
  pthread_rwlock_rdlock(&c->lock);
  for (const struct audit_card *x = c->first; x && !found; x = x->next)
    if ((!w->keyid || !strcmp(x->keyid, w->keyid)) && !strcmp(x->card.name, w->party) &&
        (!w->fingerprint || !memcmp(x->card.fingerprint, w->fingerprint, SHA256_SIZE)) &&
        (!w->serial || x->card.serial == *w->serial))
      found = &x->card;
  pthread_rwlock_unlock(&c->lock);
  return found;
}

const struct card *audit_card_by_keyid(struct audit_cards *c, const char *party, const char *keyid) {
  return find(c, &(struct wanted){.party = party, .keyid = keyid});
}

const struct card *audit_card_by_fingerprint(void *cards, const char *party, const uint8_t fp[static SHA256_SIZE]) {
  return find(cards, &(struct wanted){.party = party, .fingerprint = fp});
}

const struct card *audit_card_serial(struct audit_cards *c, const char *party, uint64_t serial) {
  return find(c, &(struct wanted){.party = party, .serial = &serial});
}

bool audit_cards_know(struct audit_cards *c, const char *party) {
  return find(c, &(struct wanted){.party = party}) != NULL;
}

/* ---- adding ---- */

parley_err audit_cards_add(struct audit_cards *c, struct bytes envelope, bool trusted, struct errmsg *e) {
  struct audit_card *x = calloc(1, sizeof *x);
  bool unproved;
  if (!x) return err_set(e, PARLEY_ENOMEM, "out of memory for a card");
  const struct bytes kept = arena_copy(&x->arena, envelope);
  parley_err err = kept.p ? card_parse(&x->card, &x->arena, kept, NULL, &unproved, e)
                          : err_set(e, PARLEY_ENOMEM, "out of memory for a card");
  if (!err && audit_card_by_fingerprint(c, x->card.name, x->card.fingerprint)) goto drop;
  const struct card *before =
      !err && x->card.serial > 0 ? audit_card_serial(c, x->card.name, x->card.serial - 1) : NULL;
  struct card again;
  if (before)
    err = card_parse(&again, &x->arena, kept, before, NULL, e);
  else if (!err && !trusted)
    err = err_set(e, PARLEY_ENOTFOUND, "the card of %s with serial %llu follows none that is at hand", x->card.name,
                  (unsigned long long)x->card.serial);
  if (err) goto drop;
  ed25519_keyid(x->keyid, x->card.statement);
  pthread_rwlock_wrlock(&c->lock);
  x->next = c->first;
  c->first = x;
  pthread_rwlock_unlock(&c->lock);
  return PARLEY_OK;
drop:
  arena_free(&x->arena);
  free(x);
  return err;
}

void audit_cards_witness(struct audit_cards *c, const struct vkey *k) {
  struct audit_witness *w = calloc(1, sizeof *w);
  if (!w) return; /* its lines are not judged then */
  w->key = *k;
  w->next = c->witnesses;
  c->witnesses = w;
}

/* ---- signature lines ---- */

/* "— <name> …": the name, or empty. */
static struct bytes line_name(struct bytes line) {
  static const char dash[] = "\xe2\x80\x94 ";
  if (line.n < 4 || memcmp(line.p, dash, 4) != 0) return BYTES_NONE;
  const size_t end = bytes_find(line, 4, ' ');
  return end == (size_t)-1 ? BYTES_NONE : BYTES(line.p + 4, end - 4);
}

/* By every card of the party until one has the line's key id. */
static parley_err verify_by_cards(struct audit_cards *c, struct bytes line, struct bytes text, const char *party,
                                  const char *origin, struct errmsg *e) {
  parley_err err = PARLEY_ENOTFOUND;
  bool any = false;
  pthread_rwlock_rdlock(&c->lock);
  const struct audit_card *x = c->first;
  pthread_rwlock_unlock(&c->lock);
  for (; x && err == PARLEY_ENOTFOUND; x = x->next) {
    struct vkey k;
    if (strcmp(x->card.name, party) != 0) continue;
    any = true;
    err = origin ? card_log_vkey(&k, &x->card, origin, e) : card_mirror_vkey(&k, &x->card, e);
    if (!err) err = note_verify_line(line, text, &k, NULL, e);
  }
  if (err != PARLEY_ENOTFOUND) return err;
  if (!any) return err_set(e, PARLEY_ENOTFOUND, "no card of %s is at hand", party);
  return err_set(e, PARLEY_EVERIFY, "it is by no key of any card of %s", party);
}

parley_err audit_line_verify(struct audit_cards *c, struct bytes line, struct bytes text, const char *origin,
                             const char *author, struct errmsg *e) {
  const struct bytes name = line_name(line);
  static const char suffix[] = "/mirror";
  const size_t n = sizeof suffix - 1;
  char party[PARTY_NAME_MAX + 1];
  if (bytes_is(name, origin)) return verify_by_cards(c, line, text, author, origin, e);
  for (const struct audit_witness *w = c->witnesses; w; w = w->next)
    if (bytes_is(name, w->key.name)) return note_verify_line(line, text, &w->key, NULL, e);
  if (name.n <= n || name.n - n > PARTY_NAME_MAX || memcmp(name.p + name.n - n, suffix, n) != 0)
    return err_set(e, PARLEY_ENOTFOUND, "nobody of that name is known");
  snprintf(party, sizeof party, "%.*s", (int)(name.n - n), (const char *)name.p);
  return verify_by_cards(c, line, text, party, NULL, e);
}
