/*
 * parley forum list, parley forum show.
 */
#include "cli/forum.h"

#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/proof.h"
#include "cli/text.h"

static void print_list(struct cli *c, const json_t *forums) {
  struct table t = {.columns = 4};
  if (json_array_size(forums) == 0) {
    out_print("%s\n", _("No forum yet. Propose one with: parley forum propose --title T --member PARTY"));
    return;
  }
  table_add(&t, _("ID"));
  table_add(&t, _("MEMBERS"));
  table_add(&t, _("STATE"));
  table_add(&t, _("TITLE"));
  for (size_t i = 0; i < json_array_size(forums); i++) {
    const json_t *f = json_array_get(forums, i);
    const size_t members = json_array_size(json_object_get(f, "members"));
    table_add(&t, arena_fmt(&c->arena, "%.12s", json_text(f, "forum")));
    table_add(&t, arena_fmt(&c->arena, "%zu", members));
    table_add(&t, out_line(c, forum_state(c, f)));
    table_add(&t, out_line(c, json_text(f, "title")));
  }
  table_print(c, &t);
}

static int list(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  (void)a;
  const parley_err rc = api_get(c, &o, "/v1/forums", &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, o);
  print_list(c, json_object_get(o, "forums"));
  json_decref(o);
  return EXIT_DONE;
}

static int show(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  const parley_err rc = forum_get(c, &o, a->arg[0], &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, o);
  forum_print(c, o);
  proofs_print(c, json_object_get(o, "proofs"));
  observed_print(c, json_object_get(o, "observed"));
  if (strcmp(json_text(o, "state"), "proposed") == 0)
    out_print(_("\nTo sign it: parley forum accept %.12s\n"), json_text(o, "version"));
  else if (forum_awaits(o) != NULL)
    out_print(_("\nTo see what is proposed: parley forum show %.12s\n"), forum_awaits(o));
  json_decref(o);
  return EXIT_DONE;
}

static const struct option no_options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_forum_list = {
    .name = "forum list",
    .usage = "",
    .summary = N_("list the forums and what they wait for"),
    .about = N_("Lists the forums that this party belongs to or is invited to."),
    .options = no_options,
    .examples = {"parley forum list", "parley forum list --json"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = list,
};

const struct verb verb_forum_show = {
    .name = "forum show",
    .usage = N_("ID"),
    .summary = N_("show a charter in plain words"),
    .about =
        N_("Shows the charter of the forum ID (the first 8 digits or more), or of one of its versions: who has "
           "signed it, its rules, its times and limits, what it would change and what stands against accepting it; "
           "and all versions, with those that are in conflict and who signed both."),
    .options = no_options,
    .examples = {"parley forum show 3f9a01c2", "parley forum show 3f9a01c2 --json"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = show,
};
