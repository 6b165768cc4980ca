/*
 * parley ack: an officer acknowledges what came in. It says received, never agreed.
 */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/delivery.h"
#include "cli/output.h"
#include "cli/text.h"

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  const char *id = NULL;
  int64_t wait_s = WAIT_DEFAULT;
  if (args_value(a, "officer") == NULL)
    return cli_usage(c, "%s", _("who acknowledges? --officer ROLE (a role, such as duty-officer, not a name)"));
  parley_err rc = args_number(&wait_s, a, "wait", 0, WAIT_MAX, &e);
  if (rc != PARLEY_OK) return cli_usage(c, "%s", e.text);
  json_t *o = json_object();
  const char *note = args_value(a, "note");
  if (note != NULL && o != NULL && !json_put_str(o, "note", note)) {
    json_decref(o);
    o = NULL;
  }
  rc = answer_post(c, &id, a->arg[0], "/ack", args_value(a, "officer"), o, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (!c->json) out_print(_("Acknowledged by %s: received, not agreed.\n"), out_line(c, args_value(a, "officer")));
  return delivery_report(c, id, wait_s, 0);
}

static const struct option options[] = {
    {"officer", N_("ROLE"), N_("who acknowledges, by role, never by name"), false},
    {"note", N_("TEXT"), N_("a word along with it, sealed"), false},
    {"wait", N_("SECONDS"), N_("wait so long for delivery (default 30, 0: do not)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_ack = {
    .name = "ack",
    .usage = N_("ID --officer ROLE [--note TEXT] [--wait SECONDS]"),
    .summary = N_("acknowledge a statement that came in"),
    .about = N_("Tells the sender, signed, that an officer has received the statement ID. It never says that "
                "anybody agrees. A statement is acknowledged once."),
    .options = options,
    .examples = {"parley ack 3f9a01c2 --officer duty-officer",
                 "parley ack 3f9a01c2 --officer duty-officer --note \"We look into it.\""},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
