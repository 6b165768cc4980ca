/*
 * parley reject: an officer says that a statement was delivered, and is not accepted as it is.
 */
#include <stdio.h>

#include "cli/answer.h"
#include "cli/delivery.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/answer.h"

static json_t *body_of(const char *ground, const char *reasons) {
  json_t *o = json_object();
  if (o != NULL && json_put_str(o, "ground", ground) && (reasons == NULL || json_put_str(o, "reasons", reasons)))
    return o;
  json_decref(o);
  return NULL;
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  enum ground g;
  const char *id = NULL, *reasons = args_value(a, "reasons"), *ground = args_value(a, "ground"),
             *officer = args_value(a, "officer");
  int64_t wait_s = WAIT_DEFAULT;
  if (ground == NULL || !ground_parse(&g, ground))
    return cli_usage(c, "%s", _("on what ground? --ground unreadable, sealing, form, language or files"));
  if (officer == NULL)
    return cli_usage(c, "%s", _("who rejects? --officer ROLE (a role, such as duty-officer, not a name)"));
  parley_err rc = args_number(&wait_s, a, "wait", 0, WAIT_MAX, &e);
  if (rc != PARLEY_OK) return cli_usage(c, "%s", e.text);
  if (reasons != NULL) rc = answer_reasons(c, &reasons, reasons, &e);
  if (rc == PARLEY_OK) rc = answer_post(c, &id, a->arg[0], "/reject", officer, body_of(ground, reasons), &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (!c->json)
    out_print(_("Rejected by %s, ground %s: delivered, and not accepted as it is. It is disputed until it is "
                "acknowledged.\n"),
              out_line(c, officer), ground);
  return delivery_report(c, id, wait_s, 0);
}

static const struct option options[] = {
    {"ground", N_("GROUND"), N_("unreadable, sealing, form, language or files"), false},
    {"reasons", N_("TEXT"), N_("what is wrong, sealed; - reads standard input"), false},
    {"officer", N_("ROLE"), N_("who rejects, by role, never by name"), false},
    {"wait", N_("SECONDS"), N_("wait so long for delivery (default 30, 0: do not)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_reject = {
    .name = "reject",
    .usage = N_("ID --ground GROUND --officer ROLE [--reasons TEXT] [--wait SECONDS]"),
    .summary = N_("say that a statement was delivered but is not in order"),
    .about = N_("Tells the sender, signed, that the statement ID was delivered and is not accepted as it is. The "
                "statement is disputed from then on, on both sides, until it is acknowledged. A statement is rejected "
                "once, and not after it was acknowledged."),
    .options = options,
    .examples = {"parley reject 3f9a01c2 --ground form --officer duty-officer",
                 "parley reject 3f9a01c2 --ground files --officer duty-officer --reasons \"Both are empty.\""},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
