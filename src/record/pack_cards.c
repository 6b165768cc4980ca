/*
 * The cards in an evidence pack: each verifies by itself and by the one before it in its party's run, and whose it is
 * stands in its file name.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "forum/card_keys.h"
#include "record/pack_parts.h"

static parley_err no_memory(struct errmsg *e) {
  return err_set(e, PARLEY_ENOMEM, "out of memory while reading the cards of an evidence pack");
}

/* ---- runs ---- */

static int by_party_and_serial(const void *a, const void *b) {
  const struct card *x = *(const struct card *const *)a, *y = *(const struct card *const *)b;
  const int order = strcmp(x->name, y->name);
  return order != 0 ? order : (x->serial > y->serial) - (x->serial < y->serial);
}

parley_err pack_cards_sort(struct pack_cards *out, struct arena *a, const struct card *const *cards, size_t n,
                           struct errmsg *e) {
  const struct card **list = arena_alloc(a, (n + 1) * sizeof *list);
  if (list == NULL) return no_memory(e);
  for (size_t i = 0; i < n; i++) list[i] = cards[i];
  qsort(list, n, sizeof *list, by_party_and_serial);
  *out = (struct pack_cards){list, n};
  return PARLEY_OK;
}

struct pack_run pack_run(const struct pack_cards *cards, const char *party) {
  size_t first = 0, end;
  while (first < cards->n && strcmp(cards->list[first]->name, party) != 0) first++;
  for (end = first; end < cards->n && strcmp(cards->list[end]->name, party) == 0;) end++;
  return (struct pack_run){cards->list + first, end - first};
}

struct pack_file_name pack_run_file(struct pack_run run, size_t i) {
  const struct card *c = run.list[i];
  return i + 1 == run.n ? pack_card_file(c->name) : pack_older_card_file(c->name, c->serial);
}

size_t pack_run_find(struct pack_run run, const uint8_t fingerprint[static SHA256_SIZE]) {
  size_t i = 0;
  while (i < run.n && memcmp(run.list[i]->fingerprint, fingerprint, SHA256_SIZE) != 0) i++;
  return i;
}

/* ---- reading ---- */

struct read_card {
  struct card card; /* first: sorted through pointers to it */
  const char *file;
};

static const char *file_of(const struct card *c) { return ((const struct read_card *)c)->file; }

static parley_err card_read(struct read_card *out, struct arena *a, const struct pack_file *f, struct errmsg *e) {
  const parley_err rc = card_parse(&out->card, a, f->data, NULL, NULL, e);
  out->file = f->name;
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", f->name);
}

/* The rotation signature by the card before it, and that there is none between. */
static parley_err successor_check(const struct card *c, const struct card *before, struct arena *a, struct errmsg *e) {
  struct dsse d;
  if (c->serial == before->serial)
    return err_set(e, PARLEY_EINVAL, "%s: there are two cards of %s with the serial %" PRIu64, file_of(c), c->name,
                   c->serial);
  if (c->serial != before->serial + 1)
    return err_set(e, PARLEY_EINVAL, "%s: of the cards of %s that with the serial %" PRIu64 " is missing", file_of(c),
                   c->name, before->serial + 1);
  parley_err rc = dsse_parse(&d, a, c->envelope, CARD_SIZE_MAX, e);
  if (rc != PARLEY_OK) return err_prefix(e, rc, "%s", file_of(c));
  rc = d.n == 4 ? dsse_signed_by(&d, 3, before->rotation) : PARLEY_EVERIFY;
  if (rc == PARLEY_ENOMEM) return err_set(e, rc, "out of memory");
  if (rc != PARLEY_OK)
    return err_set(e, PARLEY_EVERIFY, "%s: its last signature is not by the rotation key of the card before it, %s",
                   file_of(c), file_of(before));
  return PARLEY_OK;
}

static parley_err run_check(struct pack_run run, struct arena *a, struct errmsg *e) {
  for (size_t i = 1; i < run.n; i++) {
    const parley_err rc = successor_check(run.list[i], run.list[i - 1], a, e);
    if (rc != PARLEY_OK) return rc;
  }
  for (size_t i = 0; i < run.n; i++)
    if (strcmp(pack_run_file(run, i).text, file_of(run.list[i])) != 0)
      return err_set(e, PARLEY_EINVAL, "%s: the card is that of %s with the serial %" PRIu64 ", whose file is %s",
                     file_of(run.list[i]), run.list[i]->name, run.list[i]->serial, pack_run_file(run, i).text);
  return PARLEY_OK;
}

struct owned_key {
  uint8_t value[32];
  const struct card *card;
};

static int by_value(const void *a, const void *b) {
  const struct owned_key *x = a, *y = b;
  const int order = memcmp(x->value, y->value, sizeof x->value);
  return order != 0 ? order : (x->card > y->card) - (x->card < y->card);
}

/* No key stands in cards of two parties. */
static parley_err keys_check(const struct pack_cards *cards, struct arena *a, struct errmsg *e) {
  struct card_key keys[CARD_KEYS_MAX];
  struct owned_key *all = arena_alloc(a, (cards->n * CARD_KEYS_MAX + 1) * sizeof *all);
  size_t n = 0;
  if (all == NULL) return no_memory(e);
  for (size_t i = 0; i < cards->n; i++) {
    const size_t m = card_keys(keys, cards->list[i]);
    for (size_t k = 0; k < m; k++, n++) {
      memcpy(all[n].value, keys[k].value, sizeof all[n].value);
      all[n].card = cards->list[i];
    }
  }
  qsort(all, n, sizeof *all, by_value);
  for (size_t i = 1; i < n; i++) {
    if (memcmp(all[i].value, all[i - 1].value, sizeof all[i].value) != 0) continue;
    if (strcmp(all[i].card->name, all[i - 1].card->name) == 0) continue;
    const parley_err rc = card_check_distinct(all[i].card, all[i - 1].card, e);
    return err_prefix(e, rc, "%s", file_of(all[i].card));
  }
  return PARLEY_OK;
}

static bool is_card(const struct pack_file *f) { return strncmp(f->name, "cards/", strlen("cards/")) == 0; }

parley_err pack_cards_read(struct pack_cards *out, struct arena *a, const struct pack *p, struct errmsg *e) {
  size_t n = 0, k = 0;
  for (size_t i = 0; i < p->n; i++) n += is_card(&p->files[i]);
  struct read_card *cards = arena_alloc(a, (n + 1) * sizeof *cards);
  const struct card **list = arena_alloc(a, (n + 1) * sizeof *list);
  if (cards == NULL || list == NULL) return no_memory(e);
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < p->n && rc == PARLEY_OK; i++) {
    if (!is_card(&p->files[i])) continue;
    rc = card_read(&cards[k], a, &p->files[i], e);
    list[k] = &cards[k].card;
    k++;
  }
  if (rc == PARLEY_OK) rc = pack_cards_sort(out, a, list, n, e);
  for (size_t i = 0; rc == PARLEY_OK && i < n;) {
    const struct pack_run run = pack_run(out, out->list[i]->name);
    rc = run_check(run, a, e);
    i += run.n;
  }
  return rc == PARLEY_OK ? keys_check(out, a, e) : rc;
}

/* ---- the parties of a statement ---- */

static parley_err find(struct pack_run *out, const struct pack_cards *cards, const char *party, struct errmsg *e) {
  *out = pack_run(cards, party);
  if (out->n == 0)
    return err_set(e, PARLEY_EINVAL, "%s takes part in it, but %s is missing", party, pack_card_file(party).text);
  return PARLEY_OK;
}

parley_err pack_parties_find(struct pack_parties *out, const struct statement *s, const struct pack_cards *cards,
                             struct errmsg *e) {
  *out = (struct pack_parties){0};
  if (s->n_to == 0)
    return err_set(e, PARLEY_EINVAL, "the statement is addressed to nobody, so that there is no delivery to prove");
  parley_err rc = find(&out->from, cards, s->from, e);
  for (size_t i = 0; i < s->n_to && rc == PARLEY_OK; i++) rc = find(&out->to[i], cards, s->to[i], e);
  out->n_to = s->n_to;
  return rc;
}

parley_err pack_statement_verify(size_t *which, const struct dsse *envelope, const struct statement *s,
                                 struct pack_run author, struct errmsg *e) {
  *which = author.n - 1;
  for (size_t i = author.n; i-- > 0;) {
    char keyid[65];
    ed25519_keyid(keyid, author.list[i]->statement);
    if (envelope->n == 0 || strcmp(envelope->sigs[0].keyid, keyid) != 0) continue;
    *which = i;
    break;
  }
  return statement_verify(envelope, s, author.list[*which], e);
}
