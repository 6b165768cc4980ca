/*
 * parley proof list, parley proof show: the proofs of two histories that the node keeps.
 */
#include "cli/proof.h"

#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/fork_text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/pack_dir.h"
#include "cli/text.h"

/* ---- as lines ---- */

static const char *as_what(const json_t *o) {
  const json_t *as = json_object_get(o, "as");
  const char *first = json_string_value(json_array_get(as, 0));
  if (json_array_size(as) > 1) return _("log and mirror");
  return first != NULL && strcmp(first, "mirror") == 0 ? _("mirror") : _("log");
}

void proofs_print(struct cli *c, const json_t *proofs) {
  for (size_t i = 0; i < json_array_size(proofs); i++) {
    const json_t *o = json_array_get(proofs, i);
    const char *from = json_text(o, "from");
    out_print(_("\nPROVED: %s has signed two histories of one log\n"), out_line(c, json_text(o, "party")));
    out_field(c, 2, _("Log"), json_text(o, "origin"));
    out_field(c, 2, _("As"), as_what(o));
    out_field(c, 2, _("Found"), out_when(c, o, "found"));
    if (from[0] != '\0') out_field(c, 2, _("Shown by"), from);
    out_field(c, 2, _("Proof"), arena_fmt(&c->arena, "parley proof show %s", json_text(o, "id")));
  }
}

void observed_print(struct cli *c, const json_t *observed) {
  const size_t n = json_array_size(observed);
  if (n > 0) out_print("\n%s\n", _("Observed (no proof, and no accusation: ask them):"));
  for (size_t i = 0; i < n; i++) {
    const json_t *o = json_array_get(observed, i);
    const long long count = json_integer_value(json_object_get(o, "count"));
    out_print("  %s, %s%s\n", out_line(c, json_text(o, "party")), out_when(c, o, "last"),
              count > 1 ? arena_fmt(&c->arena, _(", %lld times since %s"), count, out_when(c, o, "first")) : "");
    out_text(out_line(c, json_text(o, "text")), 4);
  }
}

/* ---- list ---- */

static int list(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  (void)a;
  const parley_err rc = api_get(c, &o, "/v1/proofs", &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  const json_t *proofs = json_object_get(o, "proofs");
  const int code = json_array_size(proofs) > 0 ? EXIT_EVIDENCE : EXIT_DONE;
  if (c->json) {
    const int written = out_json(c, o);
    return written == EXIT_DONE ? code : written;
  }
  if (code == EXIT_DONE) out_print("%s\n", _("None: no proof that anybody signed two histories."));
  proofs_print(c, proofs);
  json_decref(o);
  return code;
}

/* ---- show ---- */

static bool id_valid(const char *id) {
  for (const char *p = id; *p != '\0'; p++)
    if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '.')) return false;
  return id[0] != '\0' && strlen(id) < FORK_ID_SIZE;
}

static int show(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  struct pack pack;
  struct anchors known = {0};
  const char *dir = args_value(a, "out"), *id = a->arg[0];
  if (!id_valid(id)) return cli_usage(c, _("\"%.80s\" is no proof's name (parley proof list)"), id);
  const char *path = arena_fmt(&c->arena, "/v1/proofs/%s", id);
  if (path == NULL) return cli_no_memory(c);
  parley_err rc = dir != NULL ? pack_dir_free(dir, &e) : PARLEY_OK;
  if (rc == PARLEY_OK) rc = api_get(c, &o, path, &e);
  if (rc == PARLEY_OK) rc = pack_from_json(&pack, &c->arena, json_object_get(o, "files"), &e);
  if (rc == PARLEY_OK) rc = anchors_home(c, &known, &e);
  if (rc == PARLEY_OK && dir != NULL) rc = pack_dir_write(&pack, dir, &e);
  int code = rc == PARLEY_OK ? fork_report(c, &pack, id, &known) : cli_fail(c, rc, &e);
  if (rc == PARLEY_OK && dir != NULL && !c->json)
    out_print(_("\nWritten to %s. Check it with parley verify %s, or by hand as its VERIFY.md says.\n"), dir, dir);
  anchors_free(&known);
  json_decref(o);
  return code;
}

static const struct option no_options[] = {{NULL, NULL, NULL, false}};
static const struct option show_options[] = {
    {"out", N_("DIR"), N_("write the proof there; a new or empty folder"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_proof_list = {
    .name = "proof list",
    .usage = "",
    .summary = N_("list the proofs that somebody signed two histories"),
    .about = N_("Lists the proofs of two histories that the node keeps: who signed two states of one log that cannot "
                "both be true. Exit code 4 when there is one, 0 when there is none."),
    .options = no_options,
    .examples = {"parley proof list", "parley proof list --json"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED) | EXIT_BIT(EXIT_EVIDENCE),
    .run = list,
};

const struct verb verb_proof_show = {
    .name = "proof show",
    .usage = N_("ID [--out DIR]"),
    .summary = N_("show one such proof, and write it for others"),
    .about =
        N_("Checks the proof ID (the beginning of its name is enough) and says what it shows: who signed what, and "
           "what it means. With --out writes it as a folder that anybody can check without parley."),
    .options = show_options,
    .examples = {"parley proof show ncc.ru.example", "parley proof show ncc.ru.example --out proof"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED) | EXIT_BIT(EXIT_EVIDENCE) | EXIT_BIT(EXIT_UNIDENTIFIED),
    .run = show,
};
