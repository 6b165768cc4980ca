#include "cli/anchors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/envelope.h"
#include "cli/output.h"
#include "cli/text.h"

static parley_err add(struct anchors *out, const char *party, const uint8_t fp[static SHA256_SIZE],
                      const struct card *card, struct errmsg *e) {
  if (out->n == out->cap) {
    const size_t cap = out->cap == 0 ? 16 : out->cap * 2;
    struct anchor *list = realloc(out->list, cap * sizeof *list);
    if (list != NULL) out->list = list;
    const struct card **cards = list != NULL ? realloc(out->card, cap * sizeof *cards) : NULL;
    if (cards == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
    out->card = cards;
    out->cap = cap;
  }
  struct anchor *x = &out->list[out->n];
  snprintf(x->party, sizeof x->party, "%s", party);
  memcpy(x->fingerprint, fp, SHA256_SIZE);
  out->card[out->n++] = card;
  return PARLEY_OK;
}

static parley_err add_card(struct cli *c, struct anchors *out, const struct card *card, struct errmsg *e) {
  struct card *kept = arena_alloc(&c->arena, sizeof *kept);
  if (kept == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  *kept = *card;
  return add(out, card->name, card->fingerprint, kept, e);
}

/* "cert.us.example=ab12 …" */
static parley_err add_fingerprint(struct anchors *out, const char *text, struct errmsg *e) {
  char party[PARTY_NAME_MAX + 1];
  uint8_t fp[SHA256_SIZE];
  const char *equals = strchr(text, '=');
  const size_t n = equals != NULL ? (size_t)(equals - text) : sizeof party;
  if (n < sizeof party) snprintf(party, sizeof party, "%.*s", (int)n, text);
  if (n >= sizeof party || !party_name_valid(party))
    return err_set(e, PARLEY_EINVAL,
                   _("--fingerprint takes PARTY=FINGERPRINT, like cert.us.example=ab12…, not \"%.80s\""), text);
  const parley_err rc = fingerprint_read(fp, equals + 1, e);
  return rc == PARLEY_OK ? add(out, party, fp, NULL, e) : err_prefix(e, rc, "--fingerprint");
}

parley_err anchors_told(struct anchors *out, const struct args *a, struct errmsg *e) {
  const char *text;
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && (text = args_nth(a, "fingerprint", i)) != NULL; i++)
    rc = add_fingerprint(out, text, e);
  out->n_given = out->n;
  return rc;
}

parley_err anchors_cards(struct cli *c, struct anchors *out, const struct args *a, struct errmsg *e) {
  const char *text;
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && (text = args_nth(a, "card", i)) != NULL; i++) {
    struct card card;
    rc = card_read(c, &card, text, e);
    if (rc == PARLEY_OK) rc = add_card(c, out, &card, e);
  }
  out->n_given = out->n;
  return rc;
}

struct adding {
  struct cli *c;
  struct anchors *out;
};

static parley_err add_envelope(void *ctx, struct bytes envelope, struct errmsg *e) {
  const struct adding *d = ctx;
  struct card card;
  bool unproved;
  const struct bytes kept = arena_copy(&d->c->arena, envelope);
  if (kept.p == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  const parley_err rc = card_parse(&card, &d->c->arena, kept, NULL, &unproved, e);
  return rc == PARLEY_OK ? add_card(d->c, d->out, &card, e) : rc;
}

static parley_err add_pin(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  (void)p;
  return add_envelope(ctx, envelope, e);
}

parley_err anchors_home(struct cli *c, struct anchors *out, struct errmsg *e) {
  struct card own;
  struct adding d = {c, out};
  struct errmsg why;
  if (!home_exists(&c->home)) return PARLEY_OK;
  parley_err rc = cli_own_card(c, &own, &why);
  if (rc == PARLEY_OK) rc = add_card(c, out, &own, &why);
  if (rc == PARLEY_OK) rc = home_cards_before(&c->home, add_envelope, &d, &why);
  if (rc == PARLEY_OK) rc = home_pins(&c->home, add_pin, &d, &why);
  if (rc == PARLEY_ENOMEM) return err_set(e, rc, _("out of memory"));
  if (rc != PARLEY_OK) out_note(_("parley: the pins of %s are not used: %s\n"), c->home.dir, why.text);
  return PARLEY_OK;
}

void anchors_free(struct anchors *a) {
  free(a->list);
  free(a->card);
  *a = (struct anchors){0};
}
