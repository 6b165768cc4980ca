#include "cli/verify_file.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/envelope.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- who is known ---- */

/* EVERIFY when there are anchors of the party and none of them fits. *fits when one does. */
static parley_err compare(const struct anchors *known, const char *party, const uint8_t fp[static SHA256_SIZE],
                          bool *fits, struct errmsg *e) {
  char theirs[65], ours[65] = "";
  *fits = false;
  for (size_t i = 0; i < known->n && !*fits; i++) {
    if (strcmp(known->list[i].party, party) != 0) continue;
    *fits = memcmp(known->list[i].fingerprint, fp, SHA256_SIZE) == 0;
    hex_encode(ours, BYTES(known->list[i].fingerprint, SHA256_SIZE));
  }
  if (*fits || ours[0] == '\0') return PARLEY_OK;
  hex_encode(theirs, BYTES(fp, SHA256_SIZE));
  return err_set(e, PARLEY_EVERIFY, _("its card of %s is not the one that you know: fingerprint %s, yours %s"), party,
                 theirs, ours);
}

/* The next card after one that is at hand proves itself, by that one's rotation key. */
static bool succeeds(struct cli *c, const struct card *card, const struct anchors *known) {
  struct card again;
  for (size_t i = 0; i < known->n; i++)
    if (known->card[i] != NULL && strcmp(known->card[i]->name, card->name) == 0 &&
        card_parse(&again, &c->arena, card->envelope, known->card[i], NULL, NULL) == PARLEY_OK)
      return card->serial > 0;
  return false;
}

/* The card of a member, where it is at hand. Fits card_lookup. */
static const struct card *lookup(void *ctx, const char *name, const uint8_t fp[static SHA256_SIZE]) {
  const struct anchors *known = ctx;
  for (size_t i = 0; i < known->n; i++)
    if (known->card[i] != NULL && strcmp(known->list[i].party, name) == 0 &&
        memcmp(known->list[i].fingerprint, fp, SHA256_SIZE) == 0)
      return known->card[i];
  return NULL;
}

/* ---- a card ---- */

static int card_result(struct cli *c, const struct card *card, bool identified) {
  const int code = identified ? EXIT_DONE : EXIT_UNIDENTIFIED;
  if (c->json) {
    json_t *o = card_json(card);
    if (o == NULL || json_object_set_new(o, "verified", json_true()) != 0 ||
        json_object_set_new(o, "identified", json_boolean(identified)) != 0) {
      json_decref(o);
      return cli_no_memory(c);
    }
    const int rc = out_json(c, o);
    return rc == EXIT_DONE ? code : rc;
  }
  out_print("%s\n", _("A card whose keys have all signed it."));
  card_print(c, card);
  out_print("\n%s\n",
            identified
                ? _("It is the one that you know as theirs.")
                : _("Consistent, but IDENTITY IS NOT ESTABLISHED: compare the fingerprint with what they told you."));
  return code;
}

static int verify_card(struct cli *c, const char *path, const struct anchors *known) {
  struct card card;
  struct errmsg e;
  bool identified = false;
  parley_err rc = card_read(c, &card, path, &e);
  if (rc == PARLEY_OK) identified = succeeds(c, &card, known);
  if (rc == PARLEY_OK && !identified) rc = compare(known, card.name, card.fingerprint, &identified, &e);
  return rc == PARLEY_OK ? card_result(c, &card, identified) : cli_fail(c, rc, &e);
}

/* ---- a charter ---- */

struct charter_check {
  struct charter charter;
  bool signed_by[FORUM_MEMBERS_MAX];
  bool complete, identified;
  size_t n_sigs;
};

/* Whose signature number i is, among the members whose cards are at hand. */
static parley_err check_signature(struct charter_check *x, const struct dsse *d, size_t i, const struct anchors *known,
                                  struct errmsg *e) {
  for (size_t k = 0; k < x->charter.n_members; k++) {
    const struct charter_member *m = &x->charter.members[k];
    const struct card *card = lookup((void *)known, m->name, m->fingerprint);
    char keyid[65];
    if (card == NULL) continue;
    ed25519_keyid(keyid, card->statement);
    if (strcmp(keyid, d->sigs[i].keyid) != 0) continue;
    if (x->signed_by[k]) return err_set(e, PARLEY_EVERIFY, _("two signatures of %s"), m->name);
    const parley_err rc = dsse_signed_by(d, i, card->statement);
    if (rc == PARLEY_ENOMEM) return err_set(e, rc, _("out of memory"));
    if (rc != PARLEY_OK) return err_set(e, PARLEY_EVERIFY, _("the signature of %s is wrong"), m->name);
    x->signed_by[k] = true;
    return PARLEY_OK;
  }
  return PARLEY_OK; /* by somebody whose card is not at hand */
}

/* With a card missing only some signatures can be checked; the rest stays open. */
static parley_err check_partly(struct charter_check *x, struct arena *a, const struct dsse *d,
                               const struct anchors *known, struct errmsg *e) {
  parley_err rc = charter_parse(&x->charter, a, d->payload, e);
  if (rc == PARLEY_OK && d->n > x->charter.n_members)
    rc = err_set(e, PARLEY_EINVAL, _("it has more signatures than members"));
  for (size_t i = 0; rc == PARLEY_OK && i < d->n; i++) rc = check_signature(x, d, i, known, e);
  x->complete = rc == PARLEY_OK && d->n == x->charter.n_members;
  return rc;
}

static parley_err check_charter(struct cli *c, struct charter_check *x, struct bytes envelope, const struct dsse *d,
                                const struct anchors *known, struct errmsg *e) {
  *x = (struct charter_check){.identified = true, .n_sigs = d->n};
  parley_err rc = charter_parse(&x->charter, &c->arena, d->payload, e);
  for (size_t i = 0; rc == PARLEY_OK && i < x->charter.n_members; i++) {
    const struct charter_member *m = &x->charter.members[i];
    bool fits;
    rc = compare(known, m->name, m->fingerprint, &fits, e);
    if (lookup((void *)known, m->name, m->fingerprint) == NULL) x->identified = false;
  }
  if (rc != PARLEY_OK) return rc;
  if (!x->identified) return check_partly(x, &c->arena, d, known, e);
  return charter_envelope_parse(&x->charter, x->signed_by, &x->complete, &c->arena, envelope, lookup, (void *)known, e);
}

static json_t *charter_json(const struct charter_check *x) {
  json_t *o = json_object(), *members = json_array();
  bool ok = o != NULL && json_object_set_new(o, "verified", json_true()) == 0 &&
            json_object_set_new(o, "identified", json_boolean(x->identified)) == 0 &&
            json_object_set_new(o, "complete", json_boolean(x->complete)) == 0 &&
            json_put_hex(o, "charter", x->charter.digest, SHA256_SIZE) && json_put_str(o, "title", x->charter.title);
  for (size_t i = 0; ok && i < x->charter.n_members; i++) {
    json_t *m = json_object();
    ok = m != NULL && json_put_str(m, "party", x->charter.members[i].name) &&
         json_put_hex(m, "fingerprint", x->charter.members[i].fingerprint, SHA256_SIZE) &&
         json_object_set_new(m, "signature_verified", json_boolean(x->signed_by[i])) == 0 &&
         json_array_append(members, m) == 0;
    json_decref(m);
  }
  ok = ok && json_object_set(o, "members", members) == 0;
  json_decref(members);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static void charter_print(struct cli *c, const struct charter_check *x, const struct anchors *known) {
  char hex[65];
  hex_encode(hex, BYTES(x->charter.digest, SHA256_SIZE));
  out_print("%s\n", _("A charter."));
  out_field(c, 0, _("Title"), x->charter.title);
  out_field(c, 0, _("Digest"), hex);
  for (size_t i = 0; i < x->charter.n_members; i++) {
    const struct charter_member *m = &x->charter.members[i];
    const bool at_hand = lookup((void *)known, m->name, m->fingerprint) != NULL;
    out_print("  %s: %s\n", m->name,
              x->signed_by[i] ? _("has signed")
              : at_hand       ? _("has not signed")
                              : _("card not at hand, its signature is not checked"));
    if (!at_hand) out_fingerprint(m->fingerprint, 4);
  }
  out_print("\n%s\n", x->complete ? _("Complete: as many signatures as members.")
                                  : _("INCOMPLETE: not all members have signed; it is not in force."));
  if (!x->identified)
    out_print("%s\n",
              _("Consistent, but IDENTITIES ARE NOT ESTABLISHED: give the cards of the members with --card FILE."));
}

static int verify_charter(struct cli *c, const char *path, struct bytes envelope, const struct dsse *d,
                          const struct anchors *known) {
  struct errmsg e;
  struct charter_check *x = arena_alloc(&c->arena, sizeof *x);
  if (x == NULL) return cli_no_memory(c);
  const parley_err rc = check_charter(c, x, envelope, d, known, &e);
  if (rc != PARLEY_OK) {
    err_prefix(&e, rc, "%s", path);
    return cli_fail(c, rc, &e);
  }
  int code = x->identified ? EXIT_DONE : EXIT_UNIDENTIFIED;
  if (!c->json)
    charter_print(c, x, known);
  else if (out_json(c, charter_json(x)) != EXIT_DONE)
    code = EXIT_REFUSED;
  return code;
}

int verify_file(struct cli *c, const char *path, const struct anchors *known) {
  struct bytes envelope;
  struct dsse d;
  struct errmsg e;
  parley_err rc = envelope_read(c, &envelope, path, CHARTER_SIZE_MAX, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  rc = dsse_parse(&d, &c->arena, envelope, CHARTER_SIZE_MAX, &e);
  if (rc == PARLEY_OK && bytes_is(d.type, CARD_TYPE)) return verify_card(c, path, known);
  if (rc == PARLEY_OK && bytes_is(d.type, CHARTER_TYPE)) return verify_charter(c, path, envelope, &d, known);
  if (rc == PARLEY_OK && bytes_is(d.type, STATEMENT_TYPE))
    rc = err_set(
        &e, PARLEY_EINVAL,
        _("%s is a single statement, which proves nothing about delivery; name the folder of the evidence pack"), path);
  else if (rc == PARLEY_OK)
    rc = err_set(&e, PARLEY_EINVAL, _("%s is an envelope of type %.80s; only cards and charters are checked alone"),
                 path, arena_cstr(&c->arena, d.type));
  else
    err_prefix(&e, rc, "%s", path);
  return cli_fail(c, rc, &e);
}
