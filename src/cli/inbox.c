/*
 * parley inbox: what came in, or with --sent what went out, newest first.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

/* "2021-05-07 10:00", the same in every language: a column. */
static const char *minute(struct cli *c, const json_t *row) {
  int64_t seconds;
  const char *t = json_text(row, "issued");
  return time_parse(&seconds, bytes_str(t)) ? arena_fmt(&c->arena, "%.10s %.5s", t, t + 11) : out_line(c, t);
}

static const char *others(struct cli *c, const json_t *row, bool sent) {
  const json_t *to = json_object_get(row, "to");
  const char *first = json_string_value(json_array_get(to, 0));
  if (!sent) return out_line(c, json_text(row, "from"));
  if (json_array_size(to) < 2) return out_line(c, first != NULL ? first : "-");
  return arena_fmt(&c->arena, "%s +%zu", out_line(c, first), json_array_size(to) - 1);
}

/* Exercises and tests say so before anything else; a title has one line. */
static const char *title(struct cli *c, const json_t *row) {
  const char *status = json_text(row, "status"), *mark = "";
  const bool problem = json_text(row, "problem")[0] != '\0';
  if (strcmp(status, "exercise") == 0) mark = _("[EXERCISE] ");
  if (strcmp(status, "test") == 0) mark = _("[TEST] ");
  const char *text = out_cut(c, out_line(c, json_text(row, "title")), 120);
  const bool disclosed = json_array_size(json_object_get(row, "disclosed")) > 0;
  const bool counts = json_text(row, "mark")[0] == '\0';
  return arena_fmt(&c->arena, "%s%s%s%s%s", counts ? "" : _("[NOT COUNTED] "), problem ? _("[PROBLEM] ") : "",
                   disclosed ? _("[DISCLOSED] ") : "", mark, text);
}

static const char *state(const json_t *row) {
  static const struct {
    const char *name, *text;
  } states[] = {
      {"accepted", N_("accepted")}, {"signed", N_("on its way")}, {"delivered", N_("delivered")},
      {"read", N_("read")},         {"received", N_("new")},      {"acknowledged", N_("acknowledged")},
      {"rejected", N_("rejected")},
  };
  const char *s = json_text(row, "state");
  if (strcmp(json_text(row, "kind"), "ack") == 0 && strcmp(s, "received") == 0) return _("received"); /* ends there */
  if (strcmp(json_text(row, "box"), "sent") == 0 && json_array_size(json_object_get(row, "disputed")) > 0)
    return _("disputed");
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (strcmp(states[i].name, s) == 0) return _(states[i].text);
  return s;
}

static void add_row(struct cli *c, struct table *t, const json_t *row, bool sent) {
  table_add(t, arena_fmt(&c->arena, "%.12s", json_text(row, "id")));
  table_add(t, minute(c, row));
  table_add(t, json_text(row, "precedence"));
  table_add(t, json_text(row, "tlp"));
  table_add(t, others(c, row, sent));
  table_add(t, out_line(c, json_text(row, "kind")));
  table_add(t, state(row));
  table_add(t, title(c, row));
}

static void print_rows(struct cli *c, const json_t *rows, bool sent) {
  const char *const heads[] = {_("ID"),   _("TIME (UTC)"), _("PRECEDENCE"), _("TLP"), sent ? _("TO") : _("FROM"),
                               _("KIND"), _("STATE"),      _("TITLE")};
  struct table t = {.columns = sizeof heads / sizeof *heads};
  for (size_t i = 0; i < t.columns; i++) table_add(&t, heads[i]);
  for (size_t i = 0; i < json_array_size(rows); i++) add_row(c, &t, json_array_get(rows, i), sent);
  table_print(c, &t);
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  json_t *o = NULL;
  int64_t limit = 50;
  const bool sent = args_flag(a, "sent");
  parley_err rc = args_number(&limit, a, "limit", 1, 1000, &e);
  if (rc != PARLEY_OK) return cli_usage(c, "%s", e.text);
  const char *path =
      arena_fmt(&c->arena, "/v1/statements?box=%s&limit=%lld", sent ? "sent" : "inbox", (long long)limit);
  if (path == NULL) return cli_no_memory(c);
  rc = api_get(c, &o, path, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, o);
  const json_t *rows = json_object_get(o, "statements");
  if (json_array_size(rows) == 0)
    out_print("%s\n", sent ? _("Nothing was sent yet.") : _("Nothing has come in yet."));
  else
    print_rows(c, rows, sent);
  json_decref(o);
  return EXIT_DONE;
}

static const struct option options[] = {
    {"sent", NULL, N_("what went out instead"), false},
    {"limit", N_("N"), N_("at most so many (default 50)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_inbox = {
    .name = "inbox",
    .usage = N_("[--sent] [--limit N]"),
    .summary = N_("list the statements that came in, or went out"),
    .about = N_("Lists statements, newest first. The first 8 digits of an id or more are enough for other verbs. "
                "\"delivered\" says that their machines hold it, \"read\" that officers acknowledged it, \"disputed\" "
                "that one of them rejected it."),
    .options = options,
    .examples = {"parley inbox", "parley inbox --sent --limit 10"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
