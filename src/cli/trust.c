/*
 * parley trust: pins a party's card after people compared its fingerprint; without a file lists the pins.
 */
#include <string.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/ask.h"
#include "cli/envelope.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- listing ---- */

struct listing {
  struct cli *c;
  json_t *pins;
};

static parley_err list_text(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  const struct listing *l = ctx;
  struct cli *c = l->c;
  char hex[65];
  (void)envelope, (void)e;
  out_print("%s\n", p->party);
  out_fingerprint(p->fingerprint, 4);
  out_field(c, 4, _("Pinned"), out_time(c, p->pinned_at));
  if (p->basis_name[0] == '\0') {
    out_field(c, 4, _("Basis"), _("none on file"));
    return PARLEY_OK;
  }
  hex_encode(hex, BYTES(p->basis_sha256, SHA256_SIZE));
  out_field(c, 4, _("Basis"), p->basis_name);
  out_field(c, 4, _("SHA-256"), hex);
  return PARLEY_OK;
}

static parley_err list_json(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  const struct listing *l = ctx;
  json_t *o = json_object();
  bool ok = o != NULL && json_put_str(o, "party", p->party) &&
            json_put_hex(o, "fingerprint", p->fingerprint, SHA256_SIZE) && json_put_time(o, "pinned_at", p->pinned_at);
  if (p->basis_name[0] != '\0')
    ok = ok && json_put_str(o, "basis", p->basis_name) && json_put_hex(o, "basis_sha256", p->basis_sha256, SHA256_SIZE);
  ok = ok && json_array_append(l->pins, o) == 0;
  (void)envelope;
  json_decref(o);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

static parley_err count(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  (void)p, (void)envelope, (void)e;
  ++*(size_t *)ctx;
  return PARLEY_OK;
}

static int list(struct cli *c) {
  struct errmsg e;
  size_t n = 0;
  json_t *o = json_object();
  struct listing l = {c, json_array()};
  parley_err rc = cli_need_home(c, &e);
  if (rc == PARLEY_OK) rc = home_pins(&c->home, count, &n, &e);
  if (rc == PARLEY_OK) rc = home_pins(&c->home, c->json ? list_json : list_text, &l, &e);
  if (rc == PARLEY_OK && json_object_set(o, "pins", l.pins) != 0) rc = err_set(&e, PARLEY_ENOMEM, _("out of memory"));
  int code = rc == PARLEY_OK ? EXIT_DONE : cli_fail(c, rc, &e);
  if (rc == PARLEY_OK && c->json) code = out_json(c, json_incref(o));
  if (rc == PARLEY_OK && !c->json && n == 0) out_print("%s\n", _("Nobody is pinned yet."));
  json_decref(l.pins);
  json_decref(o);
  return code;
}

/* ---- pinning ---- */

static parley_err pin_by_node(struct cli *c, const struct card *card, const char *basis, struct errmsg *e) {
  json_t *o = json_object();
  const char *text = arena_cstr(&c->arena, card->envelope);
  parley_err rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (o != NULL && text != NULL && json_put_str(o, "card", text) &&
      json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE))
    rc = api_put_basis(c, o, basis, e);
  if (rc == PARLEY_OK) return api_call(c, NULL, "POST", "/v1/trust", o, e);
  json_decref(o);
  return rc;
}

/*
 * A successor of a pinned card is taken by the rotation key's signature: there is nothing for people to compare. ENOTFOUND: no card of that party
 * is pinned; EUNREACHABLE: no node runs.
 */
static parley_err succeed(struct cli *c, const struct card *card, bool *fresh, struct errmsg *e) {
  json_t *answer = NULL, *body = NULL;
  parley_err rc = json_parse(&body, card->envelope, CARD_SIZE_MAX, e);
  if (rc == PARLEY_OK) rc = api_call(c, &answer, "POST", "/v1/successor", body, e);
  *fresh = rc == PARLEY_OK && json_is_true(json_object_get(answer, "new"));
  json_decref(answer);
  return rc;
}

static parley_err pin_here(struct cli *c, const struct card *card, const char *basis, struct errmsg *e) {
  struct buf data = {0};
  bool already;
  parley_err rc = basis != NULL ? file_read(&data, basis, BASIS_MAX, e) : PARLEY_OK;
  if (rc == PARLEY_OK)
    rc = home_pin(&c->home, card->envelope, card->fingerprint, basis != NULL ? base_name(basis) : "", buf_view(&data),
                  c->now, &already, e);
  buf_free(&data);
  return rc;
}

static void one_line(char out[static 80], const uint8_t fp[static SHA256_SIZE]) {
  fingerprint_groups(out, fp);
  for (char *p = out; *p != '\0'; p++)
    if (*p == '\n') *p = ' ';
}

static parley_err agree(struct cli *c, const struct card *card, const char *given, struct errmsg *e) {
  uint8_t fp[SHA256_SIZE];
  if (given != NULL) {
    const parley_err rc = fingerprint_read(fp, given, e);
    if (rc != PARLEY_OK || memcmp(fp, card->fingerprint, SHA256_SIZE) == 0) return rc;
    char has[80], told[80];
    one_line(has, card->fingerprint);
    one_line(told, fp);
    return err_set(e, PARLEY_EVERIFY,
                   _("the fingerprint does not fit and nothing was pinned. The card has %s, you gave %s"), has, told);
  }
  if (!c->terminal)
    return err_set(
        e, PARLEY_EREFUSED,
        _("nobody can be asked without a terminal; give --fingerprint with what %s told you over another channel"),
        card->name);
  if (ask_yes(_("Is this the fingerprint that they told you over another channel?"))) return PARLEY_OK;
  return err_set(e, PARLEY_EREFUSED, _("nothing was pinned"));
}

static int succeeded(struct cli *c, const struct card *card, bool fresh) {
  if (!c->json) {
    if (fresh)
      out_print(_("Taken: the new card of %s. The rotation key of its last card has signed it, so there was nothing to "
                  "compare.\n"),
                card->name);
    else
      out_print(_("This card of %s is held already.\n"), card->name);
    return EXIT_DONE;
  }
  json_t *o = json_object();
  if (o == NULL || !json_put_str(o, "party", card->name) || !json_put_int(o, "serial", (int64_t)card->serial) ||
      !json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE) ||
      json_object_set_new(o, "new", json_boolean(fresh)) != 0) {
    json_decref(o);
    return cli_no_memory(c);
  }
  return out_json(c, o);
}

static int result(struct cli *c, const struct card *card) {
  if (!c->json) {
    out_print(_("Pinned: %s. From now on only these keys speak for them.\n"), card->name);
    return EXIT_DONE;
  }
  json_t *o = json_object();
  if (o == NULL || !json_put_str(o, "party", card->name) ||
      !json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE)) {
    json_decref(o);
    return cli_no_memory(c);
  }
  return out_json(c, o);
}

static int run(struct cli *c, const struct args *a) {
  struct card card;
  struct errmsg e;
  const char *basis = args_value(a, "basis"), *given = args_value(a, "fingerprint");
  uint8_t fp[SHA256_SIZE];
  if (given != NULL && fingerprint_read(fp, given, &e) != PARLEY_OK) return cli_usage(c, "--fingerprint: %s", e.text);
  if (a->n_arg == 0 && (basis != NULL || given != NULL)) return cli_usage(c, "%s", _("which card? Name its file"));
  if (a->n_arg == 0) return list(c);
  parley_err rc = cli_need_home(c, &e);
  if (rc == PARLEY_OK) rc = card_read(c, &card, a->arg[0], &e);
  if (rc == PARLEY_OK && !c->json) card_print(c, &card);
  if (rc == PARLEY_OK && card.serial > 0) {
    bool fresh;
    rc = succeed(c, &card, &fresh, &e);
    if (rc == PARLEY_OK) return succeeded(c, &card, fresh);
    if (rc == PARLEY_ENOTFOUND || rc == PARLEY_EUNREACHABLE) rc = PARLEY_OK; /* then people have to compare */
  }
  if (rc == PARLEY_OK) rc = card_check_time(&card, c->now, &e);
  if (rc == PARLEY_OK) rc = agree(c, &card, given, &e);
  if (rc == PARLEY_OK) rc = pin_by_node(c, &card, basis, &e);
  if (rc == PARLEY_EUNREACHABLE) rc = pin_here(c, &card, basis, &e); /* no node runs: the home is ours to change */
  return rc == PARLEY_OK ? result(c, &card) : cli_fail(c, rc, &e);
}

static const struct option options[] = {
    {"fingerprint", N_("F"), N_("what they told you; needed without a terminal"), false},
    {"basis", N_("FILE"), N_("what the pin rests on, kept with it"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_trust = {
    .name = "trust",
    .usage = N_("[FILE [--fingerprint F] [--basis FILE]]"),
    .summary = N_("pin another party's card, or list the pins"),
    .about = N_("Shows the card in FILE and pins it once you confirm that its fingerprint is the one that they told "
                "you over another channel (by telephone, in a note verbale). Without FILE lists the pins and what "
                "they rest on."),
    .options = options,
    .examples = {"parley trust ncc.card.json --basis note-verbale.pdf",
                 "parley trust ncc.card.json --fingerprint \"$(cat told-by-telephone.txt)\""},
    .max_args = 1,
    .run = run,
};
