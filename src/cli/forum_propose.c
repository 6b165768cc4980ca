/*
 * parley forum propose: makes a charter, signs it and sends it to its members.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/forum.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/charter.h"

/* ---- options to members of the request; what is not given is left to the node's defaults ---- */

static const struct {
  const char *option, *member;
} lists[] = {{"member", "members"},
             {"field", "fields"},
             {"language", "languages"},
             {"form", "forms"},
             {"witness", "witnesses"}},
  texts[] = {{"title", "title"}, {"legal", "legal"}, {"disclosure", "disclosure"}};

static const struct {
  const char *option, *member;
  int64_t min, max;
} numbers[] = {
    {"heartbeat", "heartbeat_seconds", 60, 86400},
    {"clock-tolerance", "clock_tolerance_seconds", 1, 86400},
    {"attachment-max", "attachment_max", 0, INT64_C(1) << 40},
    {"bytes-per-day", "bytes_per_day", 0, INT64_C(9007199254740991)},
    {"bytes-total", "bytes_total", 0, INT64_C(9007199254740991)},
};

static bool put_list(json_t *o, const char *member, const struct args *a, const char *option) {
  json_t *list = json_array();
  bool ok = list != NULL;
  const char *value;
  for (size_t i = 0; ok && (value = args_nth(a, option, i)) != NULL; i++)
    ok = json_array_append_new(list, json_string(value)) == 0;
  if (ok && json_array_size(list) > 0) ok = json_object_set(o, member, list) == 0;
  json_decref(list);
  return ok;
}

/* "FLASH=600" */
static parley_err put_ack(json_t *ack, const char *text, struct errmsg *e) {
  const char *equals = strchr(text, '=');
  char name[16];
  enum precedence p;
  uint64_t seconds;
  snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - text) : 0, text);
  if (equals == NULL || !precedence_parse(&p, name) || !dec_decode(&seconds, bytes_str(equals + 1)) || seconds < 60 ||
      seconds > 2592000)
    return err_set(e, PARLEY_EINVAL,
                   _("--ack takes a precedence and seconds from 60 to 2592000, like FLASH=600, not \"%s\""), text);
  return json_put_int(ack, name, (int64_t)seconds) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

static parley_err put_acks(json_t *o, const struct args *a, struct errmsg *e) {
  json_t *ack = json_object();
  parley_err rc = ack != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  const char *text;
  for (size_t i = 0; rc == PARLEY_OK && (text = args_nth(a, "ack", i)) != NULL; i++) rc = put_ack(ack, text, e);
  if (rc == PARLEY_OK && json_object_size(ack) > 0 && json_object_set(o, "ack_seconds", ack) != 0)
    rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  json_decref(ack);
  return rc;
}

static parley_err put_numbers(json_t *o, const struct args *a, struct errmsg *e) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    int64_t x = -1;
    const parley_err rc = args_number(&x, a, numbers[i].option, numbers[i].min, numbers[i].max, e);
    if (rc != PARLEY_OK) return rc;
    if (x >= 0 && !json_put_int(o, numbers[i].member, x)) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  }
  return PARLEY_OK;
}

static parley_err put_words(json_t *o, const struct args *a, struct errmsg *e) {
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof texts / sizeof *texts; i++) {
    const char *value = args_value(a, texts[i].option);
    if (value != NULL) ok = json_put_str(o, texts[i].member, value);
  }
  for (size_t i = 0; ok && i < sizeof lists / sizeof *lists; i++) ok = put_list(o, lists[i].member, a, lists[i].option);
  return ok ? PARLEY_OK : err_set(e, PARLEY_EINVAL, _("out of memory, or an option is not valid UTF-8"));
}

static int result(struct cli *c, json_t *answer, const char *title) {
  if (c->json) return out_json(c, answer);
  out_print(_("Proposed and signed: “%s”\n    %s\n"), title, json_text(answer, "forum"));
  out_print("%s\n", _("It goes to the members now. Each accepts with:"));
  out_print("    parley forum accept %.12s\n", json_text(answer, "forum"));
  json_decref(answer);
  return EXIT_DONE;
}

static int run(struct cli *c, const struct args *a) {
  json_t *answer = NULL, *o = json_object();
  struct errmsg e;
  if (args_value(a, "title") == NULL || args_value(a, "member") == NULL) {
    json_decref(o);
    return cli_usage(c, "%s", _("a charter needs a title and members: --title T --member PARTY"));
  }
  parley_err rc = put_words(o, a, &e);
  if (rc == PARLEY_OK) rc = put_acks(o, a, &e);
  if (rc == PARLEY_OK) rc = put_numbers(o, a, &e);
  if (rc != PARLEY_OK) {
    json_decref(o);
    return rc == PARLEY_ENOMEM ? cli_no_memory(c) : cli_usage(c, "%s", e.text);
  }
  rc = api_call(c, &answer, "POST", "/v1/forums", o, &e);
  return rc == PARLEY_OK ? result(c, answer, args_value(a, "title")) : cli_fail(c, rc, &e);
}

static const struct option options[] = {
    {"title", N_("T"), N_("what the forum is called"), false},
    {"member", N_("PARTY[:ROLE]"), N_("the others, pinned before; chair, observer or relay"), true},
    {"legal", N_("CHARACTER"), N_("political (default), treaty, exercise"), false},
    {"field", N_("FIELD"), N_("cyber, strategic-stability, regional-conflict"), true},
    {"language", N_("LANG"), N_("languages of its texts: en, ru …"), true},
    {"form", N_("KIND"), N_("forms in force (default: all at hand)"), true},
    {"witness", N_("VKEY"), N_("key of a neutral witness (C2SP, type 0x04), no member"), true},
    {"ack", N_("PRECEDENCE=S"), N_("acknowledged within S seconds"), true},
    {"heartbeat", N_("S"), N_("seconds between signs of life"), false},
    {"clock-tolerance", N_("S"), N_("seconds that clocks may differ"), false},
    {"attachment-max", N_("BYTES"), N_("largest file"), false},
    {"bytes-per-day", N_("BYTES"), N_("of one member"), false},
    {"bytes-total", N_("BYTES"), N_("of one member"), false},
    {"disclosure", N_("RULE"), N_("consent (default) or free"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_forum_propose = {
    .name = "forum propose",
    .usage = N_("--title T --member PARTY… [options]"),
    .summary = N_("propose a charter to other parties"),
    .about = N_("Makes a charter of your party and the members named, signs it, and sends it to them. It is in "
                "force when all have signed. What is left out gets the defaults of parley's protocol."),
    .options = options,
    .examples = {"parley forum propose --title \"Cyber hotline\" --member ncc.ru.example --language en ru",
                 "parley forum propose --title Drill --member ncc.ru.example --legal exercise --ack FLASH=300"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
