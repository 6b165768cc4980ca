/*
 * parley verify: checks an evidence pack, a proof of two histories, a card or a charter. Needs no node, no network and no home.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/fork_text.h"
#include "cli/output.h"
#include "cli/pack_dir.h"
#include "cli/pack_source.h"
#include "cli/pack_text.h"
#include "cli/silence_text.h"
#include "cli/text.h"
#include "cli/verify_file.h"

/* An anchor of the command line that names nobody in the pack is most likely misspelt. */
static void warn_unused(const struct anchors *known, const struct pack_result *r) {
  for (size_t i = 0; i < known->n_given; i++) {
    bool used = false;
    for (size_t k = 0; k < r->n_parties; k++) used = used || strcmp(r->parties[k].name, known->list[i].party) == 0;
    if (!used) out_note(_("parley verify: %s is neither author nor addressee here\n"), known->list[i].party);
  }
}

static int report(struct cli *c, const struct pack_result *r, const struct anchors *known) {
  int code = r->identified ? EXIT_DONE : EXIT_UNIDENTIFIED;
  warn_unused(known, r);
  if (c->json) {
    if (out_json(c, pack_json(r)) != EXIT_DONE) code = EXIT_REFUSED;
    return code;
  }
  out_print("%s\n\n", _("Every signature, hash and proof in this pack verifies."));
  pack_print(c, r);
  return code;
}

/* Those that the charter may pin. A home that is damaged is told, and goes no further. */
static void forms_load(struct home_forms *out, const struct cli *c) {
  struct errmsg e;
  if (home_forms_load(out, &c->home, &e) != PARLEY_OK) out_note(_("parley: no form is used: %s\n"), e.text);
}

static int verify_pack(struct cli *c, const char *dir, const struct anchors *known) {
  struct pack pack;
  struct pack_result result;
  struct errmsg e;
  parley_err rc = pack_dir_read(&pack, &c->arena, dir, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (fork_is(&pack)) return fork_report(c, &pack, dir, known);
  if (silence_is(&pack)) return silence_report(c, &pack, dir, known);
  struct home_forms forms;
  forms_load(&forms, c);
  const struct pack_known k = {known->list, known->n, (const struct form *const *)forms.forms, forms.n};
  pack_source_show(&pack.source, c);
  rc = pack_verify(&result, &c->arena, &pack, &k, &e);
  home_forms_free(&forms);
  if (rc != PARLEY_OK) {
    err_prefix(&e, rc, _("%s does not verify"), dir);
    return cli_fail(c, rc, &e);
  }
  const int code = report(c, &result, known);
  pack_result_clear(&result);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct anchors known = {0};
  struct errmsg e;
  struct stat st;
  const char *path = a->arg[0];
  int code;
  parley_err rc = anchors_told(&known, a, &e);
  if (rc == PARLEY_EINVAL) {
    anchors_free(&known);
    return cli_usage(c, "%s", e.text);
  }
  if (rc == PARLEY_OK) rc = anchors_cards(c, &known, a, &e);
  if (rc == PARLEY_OK) rc = anchors_home(c, &known, &e);
  if (rc == PARLEY_OK && stat(path, &st) != 0)
    rc = err_set(&e, errno == ENOENT ? PARLEY_ENOTFOUND : PARLEY_EIO, _("cannot read %s: %s"), path, strerror(errno));
  if (rc != PARLEY_OK)
    code = cli_fail(c, rc, &e);
  else if (S_ISDIR(st.st_mode))
    code = verify_pack(c, path, &known);
  else
    code = verify_file(c, path, &known);
  anchors_free(&known);
  return code;
}

static const struct option options[] = {
    {"card", N_("FILE"), N_("a card that you have from the party itself"), true},
    {"fingerprint", N_("PARTY=F"), N_("a fingerprint that they told you, 64 hex digits"), true},
    {NULL, NULL, NULL, false},
};

const struct verb verb_verify = {
    .name = "verify",
    .usage = N_("[--card FILE | --fingerprint PARTY=F]… DIR|FILE"),
    .summary = N_("check an evidence pack, a proof of two histories, a card or a charter, offline"),
    .about = N_("Checks the evidence pack or the proof of two histories in DIR, or a card or charter in FILE, without "
                "node and network. A proof that holds against somebody known ends with exit code 4. Who the "
                "parties are does not follow from a pack: it comes from --card, --fingerprint, and the pins and own "
                "card of the home, where there is one. While somebody is unknown the exit code is 5."),
    .options = options,
    .examples = {"parley verify --card us.card.json --card ru.card.json receipt/",
                 "parley verify --fingerprint \"cert.us.example=$(cat told.txt)\" receipt/"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_EVIDENCE) | EXIT_BIT(EXIT_UNIDENTIFIED),
    .run = run,
};
