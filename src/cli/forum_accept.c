/*
 * parley forum accept: signs a charter that another member proposed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/ask.h"
#include "cli/forum.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

static parley_err agree(struct cli *c, const struct args *a, const json_t *forum, struct errmsg *e) {
  const json_t *problems = json_object_get(forum, "problems");
  if (strcmp(json_text(forum, "state"), "proposed") != 0)
    return err_set(e, PARLEY_ECONFLICT, _("there is nothing to sign; the charter's state: %s"), forum_state(c, forum));
  if (json_array_size(problems) > 0)
    return err_set(e, PARLEY_EREFUSED, _("it cannot be signed yet: %s"),
                   json_string_value(json_array_get(problems, 0)));
  if (args_flag(a, "yes")) return PARLEY_OK;
  if (!c->terminal)
    return err_set(
        e, PARLEY_EREFUSED,
        _("nobody can be asked without a terminal; read the charter with parley forum show, then give --yes"));
  out_print("\n");
  if (ask_yes(_("Sign this charter for your party? It cannot be unsigned."))) return PARLEY_OK;
  return err_set(e, PARLEY_EREFUSED, _("nothing was signed"));
}

static int result(struct cli *c, json_t *answer, const char *title) {
  if (c->json) return out_json(c, answer);
  if (strcmp(json_text(answer, "state"), "in_force") == 0)
    out_print(_("Signed. “%s” is in force.\n"), title);
  else
    out_print(_("Signed. “%s” is in force once the others have signed too.\n"), title);
  json_decref(answer);
  return EXIT_DONE;
}

static bool is_id(const char *s) {
  const size_t n = strlen(s);
  return n >= 8 && n <= 64 && strspn(s, "0123456789abcdef") == n;
}

/* A forum, a version, or a file with one; of a forum in force the version that waits for us. */
static parley_err find(struct cli *c, const char *what, json_t **forum, struct errmsg *e) {
  parley_err rc = is_id(what) ? PARLEY_OK : forum_take_file(c, what, &what, e);
  if (rc == PARLEY_OK) rc = forum_get(c, forum, what, e);
  const char *awaits = rc == PARLEY_OK ? forum_awaits(*forum) : NULL;
  if (rc != PARLEY_OK || strcmp(json_text(*forum, "state"), "in_force") != 0 || awaits == NULL) return rc;
  awaits = arena_strdup(&c->arena, awaits);
  json_decref(*forum);
  *forum = NULL;
  return awaits != NULL ? forum_get(c, forum, awaits, e) : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

static int run(struct cli *c, const struct args *a) {
  json_t *forum = NULL, *answer = NULL, *body = json_object();
  const char *path = NULL, *out = args_value(a, "out");
  struct errmsg e;
  parley_err rc = find(c, a->arg[0], &forum, &e);
  if (rc == PARLEY_OK && !c->json) forum_print(c, forum);
  if (rc == PARLEY_OK) rc = agree(c, a, forum, &e);
  if (rc == PARLEY_OK) rc = api_put_basis(c, body, args_value(a, "basis"), &e);
  if (rc == PARLEY_OK) rc = api_path(c, &path, "/v1/forums/", json_text(forum, "version"), "/accept", &e);
  if (rc == PARLEY_OK) rc = api_call(c, &answer, "POST", path, json_incref(body), &e);
  if (rc == PARLEY_OK && out != NULL) rc = forum_write_envelope(c, json_text(forum, "version"), out, &e);
  const int code = rc == PARLEY_OK ? result(c, answer, out_line(c, json_text(forum, "title"))) : cli_fail(c, rc, &e);
  json_decref(body);
  json_decref(forum);
  return code;
}

static const struct option options[] = {
    {"basis", N_("FILE"), N_("what the signature rests on, kept with it"), false},
    {"out", N_("FILE"), N_("write the signed charter there too, for signatures by file"), false},
    {"yes", NULL, N_("do not ask; needed without a terminal"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_forum_accept = {
    .name = "forum accept",
    .usage = N_("ID | FILE [--basis FILE] [--out FILE] [--yes]"),
    .summary = N_("sign a charter that was proposed"),
    .about =
        N_("Shows the charter of the forum or version ID, or that in FILE, in plain words, with what it would change, "
           "and, once you agree, signs it for your party. A first charter is in force when all members have signed, "
           "a later version when those have whom the one before demands."),
    .options = options,
    .examples = {"parley forum accept 3f9a01c2 --basis decision-17.pdf", "parley forum accept 3f9a01c2 --yes"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
