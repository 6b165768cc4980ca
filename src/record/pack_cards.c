/*
 * The cards in an evidence pack: each verifies by itself, and whose it is stands in its file name.
 */
#include <string.h>

#include "record/pack_parts.h"

static bool is_card(const struct pack_file *f) { return strncmp(f->name, "cards/", strlen("cards/")) == 0; }

/*
 * A card of serial > 0 ends with a signature by the rotation key of the card that it replaces. A pack has no place for
 * that card, so nothing would authenticate these bytes.
 */
static parley_err card_read(struct card *out, struct arena *a, const struct pack_file *f, struct errmsg *e) {
  bool unproved = false;
  parley_err rc = card_parse(out, a, f->data, NULL, &unproved, e);
  if (rc == PARLEY_OK && unproved)
    rc = err_set(e, PARLEY_EVERIFY,
                 "the card replaces another that the pack does not hold, so its last signature cannot be checked");
  if (rc == PARLEY_OK && strcmp(pack_card_file(out->name).text, f->name) != 0)
    rc = err_set(e, PARLEY_EINVAL, "the card is that of %s", out->name);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", f->name);
}

static parley_err distinct_from(const struct card *c, const struct card *const *others, size_t n, struct errmsg *e) {
  for (size_t i = 0; i < n; i++) {
    const parley_err rc = card_check_distinct(c, others[i], e);
    if (rc != PARLEY_OK) return err_prefix(e, rc, "%s", pack_card_file(c->name).text);
  }
  return PARLEY_OK;
}

parley_err pack_cards_read(struct pack_cards *out, struct arena *a, const struct pack *p, struct errmsg *e) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) n += is_card(&p->files[i]);
  if (n > PACK_ADDRESSEES_MAX + 1)
    return err_set(e, PARLEY_EINVAL, "cards/: %zu cards, but an evidence pack has at most %d parties", n,
                   PACK_ADDRESSEES_MAX + 1);
  struct card *cards = arena_alloc(a, (n + 1) * sizeof *cards);
  const struct card **list = arena_alloc(a, (n + 1) * sizeof *list);
  if (cards == NULL || list == NULL) return err_set(e, PARLEY_ENOMEM, "out of memory while reading the cards");
  size_t k = 0;
  for (size_t i = 0; i < p->n; i++) {
    if (!is_card(&p->files[i])) continue;
    parley_err rc = card_read(&cards[k], a, &p->files[i], e);
    if (rc == PARLEY_OK) rc = distinct_from(&cards[k], list, k, e);
    if (rc != PARLEY_OK) return rc;
    list[k] = &cards[k];
    k++;
  }
  *out = (struct pack_cards){list, k};
  return PARLEY_OK;
}

const struct card *pack_card(const struct pack_cards *cards, const char *party) {
  for (size_t i = 0; i < cards->n; i++)
    if (strcmp(cards->list[i]->name, party) == 0) return cards->list[i];
  return NULL;
}

static parley_err find(const struct card **out, const struct pack_cards *cards, const char *party, struct errmsg *e) {
  *out = pack_card(cards, party);
  if (*out == NULL)
    return err_set(e, PARLEY_EINVAL, "%s takes part in it, but %s is missing", party, pack_card_file(party).text);
  return PARLEY_OK;
}

parley_err pack_parties_find(struct pack_parties *out, const struct statement *s, const struct pack_cards *cards,
                             struct errmsg *e) {
  *out = (struct pack_parties){0};
  if (s->n_to == 0)
    return err_set(e, PARLEY_EINVAL, "the statement is addressed to nobody, so that there is no delivery to prove");
  if (s->n_to > PACK_ADDRESSEES_MAX)
    return err_set(e, PARLEY_ELIMIT, "%zu addressees; the note of an evidence pack has room for %d", s->n_to,
                   PACK_ADDRESSEES_MAX);
  parley_err rc = find(&out->from, cards, s->from, e);
  for (size_t i = 0; i < s->n_to && rc == PARLEY_OK; i++) rc = find(&out->to[i], cards, s->to[i], e);
  out->n_to = s->n_to;
  return rc;
}
