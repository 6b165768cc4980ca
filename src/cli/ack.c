/*
 * parley ack: an officer acknowledges what came in. It says received, never agreed.
 */
#include <stdio.h>

#include "cli/api.h"
#include "cli/delivery.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

static parley_err acknowledge(struct cli *c, const struct args *a, const char **id, struct errmsg *e) {
  json_t *o = json_object(), *answer = NULL;
  const char *note = args_value(a, "note"), *path = NULL;
  parley_err rc = api_path(c, &path, "/v1/statements/", a->arg[0], "/ack", e);
  if (rc == PARLEY_OK && (o == NULL || !json_put_str(o, "officer", args_value(a, "officer")) ||
                          (note != NULL && !json_put_str(o, "note", note))))
    rc = err_set(e, PARLEY_EINVAL, _("out of memory, or an option is not valid UTF-8"));
  if (rc == PARLEY_OK) rc = api_call(c, &answer, "POST", path, json_incref(o), e);
  json_decref(o);
  if (rc == PARLEY_OK) *id = arena_strdup(&c->arena, json_text(answer, "id"));
  if (rc == PARLEY_OK && *id == NULL) rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  json_decref(answer);
  return rc;
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  const char *id = NULL;
  int64_t wait_s = WAIT_DEFAULT;
  if (args_value(a, "officer") == NULL)
    return cli_usage(c, "%s", _("who acknowledges? --officer ROLE (a role, such as duty-officer, not a name)"));
  parley_err rc = args_number(&wait_s, a, "wait", 0, WAIT_MAX, &e);
  if (rc != PARLEY_OK) return cli_usage(c, "%s", e.text);
  rc = acknowledge(c, a, &id, &e);
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
