/*
 * parley card show, parley card export: the card of this home, or one in a file.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/envelope.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

static parley_err card_of(struct cli *c, const struct args *a, struct card *out, struct errmsg *e) {
  return a->n_arg > 0 ? card_read(c, out, a->arg[0], e) : cli_own_card(c, out, e);
}

static int show(struct cli *c, const struct args *a) {
  struct card card;
  struct errmsg e;
  const parley_err rc = card_of(c, a, &card, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, card_json(&card));
  card_print(c, &card);
  return EXIT_DONE;
}

static const struct option no_options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_card_show = {
    .name = "card show",
    .usage = N_("[FILE]"),
    .summary = N_("show the fingerprint of this party's card, or of one in a file"),
    .about = N_("Shows the party, the fingerprint, the validity and the addresses of this home's card, or of "
                "the card in FILE. The fingerprint is what people compare over another channel."),
    .options = no_options,
    .examples = {"parley card show", "parley card show ncc.card.json"},
    .max_args = 1,
    .run = show,
};

/* ---- export ---- */

static int export_json(struct cli *c, const struct card *card, const char *path) {
  json_t *o = card_json(card);
  const char *text = arena_cstr(&c->arena, card->envelope);
  if (o == NULL || text == NULL || !json_put_str(o, path != NULL ? "out" : "card", path != NULL ? path : text)) {
    json_decref(o);
    return cli_no_memory(c);
  }
  return out_json(c, o);
}

static int export(struct cli *c, const struct args *a) {
  struct card card;
  struct errmsg e;
  const char *path = args_value(a, "out");
  parley_err rc = cli_own_card(c, &card, &e);
  if (rc == PARLEY_OK && path != NULL) rc = file_write(path, card.envelope, 0644, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return export_json(c, &card, path);
  if (path == NULL) {
    fwrite(card.envelope.p, 1, card.envelope.n, stdout);
    if (isatty(STDOUT_FILENO)) putchar('\n');
    return EXIT_DONE;
  }
  out_print(_("The card of %s is in %s. Give them that file, and read them the fingerprint over another channel:\n"),
            card.name, path);
  out_fingerprint(card.fingerprint, 4);
  return EXIT_DONE;
}

static const struct option export_options[] = {
    {"out", N_("FILE"), N_("write there instead of standard output"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_card_export = {
    .name = "card export",
    .usage = N_("[--out FILE]"),
    .summary = N_("write this party's card for others"),
    .about = N_("Writes the signed card of this home: public keys and addresses, nothing secret. The other side "
                "pins it with parley trust."),
    .options = export_options,
    .examples = {"parley card export --out us.card.json", "parley card export > us.card.json"},
    .run = export,
};
