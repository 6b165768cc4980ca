/*
 * parley show: one statement in full.
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/delivery.h"
#include "cli/marking.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define VALUE_MAX 20000 /* bytes of one value shown; parley save has all */

/* ---- the outer members ---- */

static void print_loud(const char *status) {
  if (strcmp(status, "exercise") == 0) out_print("%s\n\n", _("*** EXERCISE  EXERCISE  EXERCISE: this is not real ***"));
  if (strcmp(status, "test") == 0) out_print("%s\n\n", _("*** TEST  TEST  TEST: this is not real ***"));
}

static void print_list(struct cli *c, const char *label, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++)
    out_field(c, 0, i == 0 ? label : " ", json_string_value(json_array_get(list, i)));
}

static void print_outer(struct cli *c, const json_t *row) {
  const json_t *o = json_object_get(row, "outer");
  print_loud(json_text(o, "status"));
  out_field(c, 0, _("Kind"), json_text(row, "kind"));
  out_field(c, 0, _("Id"), json_text(row, "id"));
  out_field(c, 0, _("From"), json_text(row, "from"));
  print_list(c, _("To"), json_object_get(o, "to"));
  out_field(c, 0, _("Issued"), out_when(c, row, "issued"));
  if (strcmp(json_text(row, "box"), "inbox") == 0) out_field(c, 0, _("Received"), out_when(c, row, "received"));
  out_field(c, 0, _("Precedence"), json_text(o, "precedence"));
  out_field(c, 0, _("TLP"), marking_words(json_text(o, "tlp")));
  out_field(c, 0, _("Status"), json_text(o, "status"));
  if (json_object_get(o, "answer_by") != NULL) out_field(c, 0, _("Answer by"), out_when(c, o, "answer_by"));
  out_field(c, 0, _("Officer"), json_text(o, "officer"));
  out_field(c, 0, _("Desk"), json_text(o, "desk"));
  out_field(c, 0, _("Thread"), json_text(o, "thread"));
  print_list(c, _("In answer to"), json_object_get(o, "re"));
  out_field(c, 0, _("Language"), json_text(o, "lang"));
  out_field(c, 0, _("Forum"), json_text(o, "forum"));
  out_field(c, 0, _("Charter"), json_text(o, "charter"));
}

static void print_problems(struct cli *c, const json_t *row) {
  static const char *const members[] = {"problem", "mark_why", "form_problem", "unreadable"};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    const char *s = json_text(row, members[i]);
    if (s[0] != '\0') out_print(_("\nWARNING: %s\n"), out_line(c, s));
  }
}

/* ---- the body ---- */

static void print_scalar(const json_t *v) {
  if (json_is_string(v)) {
    const char *s = json_string_value(v);
    if (strlen(s) <= VALUE_MAX)
      out_text(s, 4);
    else
      out_print("    %s\n", _("(too long to show; parley save writes all of it)"));
  } else if (json_is_integer(v)) {
    out_print("    %lld\n", (long long)json_integer_value(v));
  } else {
    struct buf b = {0};
    const char *text = json_is_object(v) && json_write(&b, v) ? buf_cstr(&b) : NULL;
    if (text != NULL && b.n <= VALUE_MAX) out_text(text, 4);
    buf_free(&b);
  }
}

static void print_value(struct cli *c, const char *label, const json_t *v) {
  out_print("  %s\n", out_line(c, label));
  if (!json_is_array(v)) {
    print_scalar(v);
    return;
  }
  for (size_t i = 0; i < json_array_size(v); i++) print_scalar(json_array_get(v, i));
}

static const struct form *form_of(const struct home_forms *forms, const char *kind) {
  for (size_t i = 0; i < forms->n; i++)
    if (strcmp(form_kind(forms->forms[i]), kind) == 0) return forms->forms[i];
  return NULL;
}

/* In the order of the form with its labels, then what the form does not name. */
static void print_body(struct cli *c, json_t *body, const struct form *form, const char *lang) {
  const char *name;
  json_t *value;
  for (size_t i = 0; form != NULL && (name = form_field_name(form, i)) != NULL; i++) {
    value = json_object_get(body, name);
    if (value == NULL) continue;
    print_value(c, form_label(form, i, lang), value);
    json_object_del(body, name);
  }
  json_object_foreach(body, name, value) print_value(c, name, value);
}

static void show_body(struct cli *c, const json_t *row, const char *lang) {
  struct home_forms forms = {0};
  struct errmsg e;
  json_t *body = json_copy(json_object_get(row, "body"));
  if (body == NULL) return;
  if (home_forms_load(&forms, &c->home, &e) != PARLEY_OK) out_note(_("parley show: %s\n"), e.text);
  out_heading(_("Content"));
  print_body(c, body, form_of(&forms, json_text(row, "kind")), lang);
  home_forms_free(&forms);
  json_decref(body);
}

/* ---- files and delivery ---- */

static void show_files(struct cli *c, const json_t *row) {
  const json_t *files = json_object_get(row, "files");
  if (json_array_size(files) == 0) return;
  out_heading(_("Files"));
  for (size_t i = 0; i < json_array_size(files); i++) {
    const json_t *f = json_array_get(files, i);
    out_print(_("  %zu: %s\n"), i, out_line(c, json_text(f, "name")));
    out_field(c, 4, _("Size"), out_size(c, (uint64_t)json_integer_value(json_object_get(f, "size"))));
    out_field(c, 4, _("Type"), json_text(f, "type"));
    out_field(c, 4, _("SHA-256"), json_text(f, "sha256"));
  }
}

static void show_delivery(struct cli *c, const json_t *row) {
  const json_t *list = json_object_get(row, "delivery");
  if (json_array_size(list) == 0) return;
  out_heading(_("Delivery"));
  const bool received = strcmp(json_text(row, "box"), "inbox") == 0;
  for (size_t i = 0; i < json_array_size(list); i++) delivery_print(c, json_array_get(list, i), received);
}

/* Of each addressee that told us that it discloses the statement; or of ourselves. */
static void show_disclosed(struct cli *c, const json_t *row) {
  const json_t *list = json_object_get(row, "disclosed");
  if (json_array_size(list) == 0) return;
  out_heading(_("Disclosed to others"));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *o = json_array_get(list, i);
    out_print("  %s\n", out_line(c, json_text(o, "party")));
    out_field(c, 4, _("Told"), arena_fmt(&c->arena, _("%s by %s"), out_when(c, o, "issued"), json_text(o, "officer")));
    out_field(c, 4, _("Notice"), json_text(o, "id"));
    out_field(c, 4, _("Reasons"), json_text(o, "reasons"));
  }
}

/* What the node has found that an officer could reject it for. */
static void show_ground(struct cli *c, const json_t *row) {
  const json_t *o = json_object_get(row, "rejectable");
  if (o == NULL) return;
  out_print(_("\nWARNING: not in order (ground %s): %s\n"), out_line(c, json_text(o, "ground")),
            out_line(c, json_text(o, "why")));
  out_print(_("To reject it: parley reject %.12s --ground %s --officer ROLE\n"), json_text(row, "id"),
            out_line(c, json_text(o, "ground")));
}

static void show_next(const json_t *row) {
  const bool inbox = strcmp(json_text(row, "box"), "inbox") == 0;
  const char *state = json_text(row, "state");
  const bool closed = strcmp(json_text(row, "mark"), "closed") == 0; /* nothing is owed */
  if (inbox && closed) return;
  if (inbox && strcmp(state, "rejected") == 0)
    out_print(_("\nTo end the dispute: parley ack %.12s --officer ROLE\n"), json_text(row, "id"));
  else if (inbox && strcmp(state, "received") == 0 && strcmp(json_text(row, "kind"), "ack") != 0)
    out_print(_("\nTo acknowledge it: parley ack %.12s --officer ROLE\n"), json_text(row, "id"));
  else if (strcmp(state, "delivered") == 0 || strcmp(state, "read") == 0)
    out_print(_("\nFor the proof: parley receipt %.12s --out DIR\n"), json_text(row, "id"));
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  json_t *row = NULL;
  const char *path;
  parley_err rc = api_path(c, &path, "/v1/statements/", a->arg[0], "", &e);
  if (rc == PARLEY_OK) rc = api_get(c, &row, path, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, row);
  const char *lang = args_value(a, "lang");
  print_outer(c, row);
  print_problems(c, row);
  show_body(c, row, lang != NULL ? lang : json_text(json_object_get(row, "outer"), "lang"));
  show_files(c, row);
  show_delivery(c, row);
  show_disclosed(c, row);
  show_ground(c, row);
  show_next(row);
  json_decref(row);
  return EXIT_DONE;
}

static const struct option options[] = {
    {"lang", N_("LANG"), N_("labels in that language (default: the statement's)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_show = {
    .name = "show",
    .usage = N_("ID [--lang LANG]"),
    .summary = N_("show one statement in full"),
    .about = N_("Shows who sent it to whom and under what marking, its content with the labels of its form, its "
                "files, and for each addressee when it was delivered and when it was read."),
    .options = options,
    .examples = {"parley show 3f9a01c2", "parley show 3f9a01c2 --lang ru"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
