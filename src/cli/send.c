/*
 * parley send: one statement, with or without files, and what becomes of it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/attach.h"
#include "cli/delivery.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define BODY_FILE_MAX (1u << 20) /* far more than fits an entry; the node tells the limit */
#define TITLE_MAX 256

/* ---- the body ---- */

static parley_err body_from_file(json_t **out, const char *path, struct errmsg *e) {
  struct buf text = {0};
  const bool from_input = strcmp(path, "-") == 0;
  parley_err rc = file_read(&text, from_input ? "/dev/stdin" : path, BODY_FILE_MAX, e);
  if (rc == PARLEY_OK) {
    rc = json_parse(out, buf_view(&text), BODY_FILE_MAX, e);
    if (rc != PARLEY_OK) err_prefix(e, rc, "%s", from_input ? _("standard input") : path);
  }
  buf_free(&text);
  return rc;
}

/* The first line, cut at a character where it is long. */
static const char *title_of(struct cli *c, const char *text) {
  size_t n = strcspn(text, "\r\n");
  if (n > TITLE_MAX) {
    n = TITLE_MAX - 3;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    return arena_fmt(&c->arena, "%.*s…", (int)n, text);
  }
  return arena_fmt(&c->arena, "%.*s", (int)n, text);
}

static parley_err body_from_text(struct cli *c, json_t **out, const char *text, struct errmsg *e) {
  while (*text == '\n' || *text == ' ') text++;
  if (*text == '\0') return err_set(e, PARLEY_EINVAL, _("--text is empty"));
  if (!utf8_valid(bytes_str(text))) return err_set(e, PARLEY_EINVAL, _("--text is not valid UTF-8"));
  const char *title = title_of(c, text);
  json_t *o = json_object();
  if (title != NULL && o != NULL && json_put_time(o, "aware_at", c->now) && json_put_str(o, "title", title) &&
      json_put_str(o, "summary", text)) {
    *out = o;
    return PARLEY_OK;
  }
  json_decref(o);
  return err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

/* ---- words ---- */

static bool precedence_ok(const char *s) {
  enum precedence p;
  return precedence_parse(&p, s);
}

static bool tlp_ok(const char *s) {
  enum tlp t;
  return tlp_parse(&t, s);
}

static bool status_ok(const char *s) {
  enum status t;
  return status_parse(&t, s);
}

static const struct word {
  const char *option;
  bool (*ok)(const char *s);
  const char *words[6];
  size_t n;
  bool capitals, required;
} word_options[] = {
    {"precedence", precedence_ok, {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"}, 4, true, true},
    {"tlp", tlp_ok, {"clear", "green", "amber", "amber+strict", "red"}, 5, false, true},
    {"status", status_ok, {"actual", "exercise", "test"}, 3, false, false},
};

static const char *all_words(struct cli *c, const struct word *w) {
  const char *s = w->words[0];
  for (size_t i = 1; i < w->n; i++) s = arena_fmt(&c->arena, "%s%s%s", s, i + 1 < w->n ? ", " : _(" or "), w->words[i]);
  return s != NULL ? s : "";
}

/* Capitals or not: one is meant as the other. */
static char *folded(struct cli *c, const struct word *w, const char *text) {
  char *s = arena_strdup(&c->arena, text);
  for (char *p = s; p != NULL && *p != '\0'; p++)
    *p = (char)(w->capitals ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
  return s;
}

static parley_err put_word(struct cli *c, json_t *o, const struct args *a, const struct word *w, struct errmsg *e) {
  const char *text = args_value(a, w->option);
  if (text == NULL && !w->required) return PARLEY_OK;
  if (text == NULL) return err_set(e, PARLEY_EINVAL, _("--%s is missing: %s"), w->option, all_words(c, w));
  const char *word = folded(c, w, text);
  if (word == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (!w->ok(word)) {
    const char *near = nearest_word(word, w->words, w->n);
    if (near != NULL)
      return err_set(e, PARLEY_EINVAL, _("--%s: there is no \"%s\"; did you mean %s? There are %s"), w->option, text,
                     near, all_words(c, w));
    return err_set(e, PARLEY_EINVAL, _("--%s: there is no \"%s\"; there are %s"), w->option, text, all_words(c, w));
  }
  return json_put_str(o, w->option, word) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

/* "2021-05-07T10:00:00Z", or "+30m", "+2h", "+3d" from now. */
static bool read_time(int64_t *out, const char *text, int64_t now) {
  static const struct {
    char unit;
    int64_t seconds;
  } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
  uint64_t n;
  const size_t len = strlen(text);
  if (time_parse(out, bytes_str(text))) return true;
  for (size_t i = 0; len > 2 && text[0] == '+' && i < 3; i++)
    if (text[len - 1] == units[i].unit && dec_decode(&n, BYTES(text + 1, len - 2)) && n > 0 && n <= 10000) {
      *out = now + (int64_t)n * units[i].seconds;
      return true;
    }
  return false;
}

static parley_err put_answer_by(struct cli *c, json_t *o, const struct args *a, struct errmsg *e) {
  const char *text = args_value(a, "answer-by");
  int64_t t;
  if (text == NULL) return PARLEY_OK;
  if (!read_time(&t, text, c->now))
    return err_set(e, PARLEY_EINVAL,
                   _("--answer-by takes a time like 2021-05-07T10:00:00Z, +30m, +2h or +3d, not \"%s\""), text);
  return json_put_time(o, "answer_by", t) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

/* ---- the request ---- */

static bool put_strings(json_t *o, const char *member, const struct args *a, const char *option) {
  json_t *list = json_array();
  const char *value;
  bool ok = list != NULL;
  for (size_t i = 0; ok && (value = args_nth(a, option, i)) != NULL; i++)
    ok = json_array_append_new(list, json_string(value)) == 0;
  ok = ok && (json_array_size(list) == 0 || json_object_set(o, member, list) == 0);
  json_decref(list);
  return ok;
}

/* Everything that the command line alone decides. EINVAL: wrong usage. */
static parley_err put_options(struct cli *c, json_t *o, const struct args *a, struct errmsg *e) {
  static const char *const plain[] = {"forum", "lang", "desk", "thread"};
  bool ok = json_put_str(o, "kind", a->arg[0]);
  for (size_t i = 0; ok && i < sizeof plain / sizeof *plain; i++) {
    const char *value = args_value(a, plain[i]);
    if (value != NULL) ok = json_put_str(o, plain[i], value);
  }
  ok = ok && put_strings(o, "to", a, "to") && put_strings(o, "re", a, "re");
  if (!ok) return err_set(e, PARLEY_EINVAL, _("out of memory, or an option is not valid UTF-8"));
  for (size_t i = 0; i < sizeof word_options / sizeof *word_options; i++) {
    const parley_err rc = put_word(c, o, a, &word_options[i], e);
    if (rc != PARLEY_OK) return rc;
  }
  if ((args_value(a, "file") == NULL) == (args_value(a, "text") == NULL))
    return err_set(e, PARLEY_EINVAL, _("give the body once: --file body.json or --text \"…\""));
  return put_answer_by(c, o, a, e);
}

static parley_err put_body(struct cli *c, json_t *o, const struct args *a, struct errmsg *e) {
  json_t *body = NULL;
  const char *path = args_value(a, "file");
  const parley_err rc =
      path != NULL ? body_from_file(&body, path, e) : body_from_text(c, &body, args_value(a, "text"), e);
  if (rc != PARLEY_OK) return rc;
  return json_object_set_new(o, "body", body) == 0 ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

/* ---- what is about to happen ---- */

static bool forum_meant(const json_t *forum, const char *prefix) {
  if (strcmp(json_text(forum, "state"), "in_force") != 0) return false;
  return prefix == NULL || strncmp(json_text(forum, "forum"), prefix, strlen(prefix)) == 0;
}

/* Without --forum the only one; NULL when it cannot be told, which the node will say better. */
static const json_t *pick_forum(const json_t *forums, const char *prefix) {
  const json_t *found = NULL;
  for (size_t i = 0; i < json_array_size(forums); i++) {
    const json_t *f = json_array_get(forums, i);
    if (!forum_meant(f, prefix)) continue;
    if (found != NULL) return NULL;
    found = f;
  }
  return found;
}

/* The addressees as given, else the other member of a forum of two. */
static const char *addressees(struct cli *c, const struct args *a, const json_t *forum) {
  const char *s = "", *name;
  for (size_t i = 0; (name = args_nth(a, "to", i)) != NULL; i++)
    s = arena_fmt(&c->arena, "%s%s%s", s != NULL ? s : "", i > 0 ? ", " : "", name);
  const json_t *members = json_object_get(forum, "members");
  struct card own;
  if (s != NULL && s[0] == '\0' && json_array_size(members) == 2 && cli_own_card(c, &own, NULL) == PARLEY_OK)
    for (size_t i = 0; i < 2; i++) {
      name = json_text(json_array_get(members, i), "party");
      if (strcmp(name, own.name) != 0) s = arena_strdup(&c->arena, name);
    }
  return s;
}

static void print_files(struct cli *c, const struct attachments *at) {
  for (size_t i = 0; i < at->n; i++)
    out_field(c, 0, i == 0 ? _("Files") : " ",
              arena_fmt(&c->arena, "%s  %s  %s", at->file[i].name, at->file[i].type, out_size(c, at->file[i].size)));
}

static void print_intent(struct cli *c, const struct args *a, const json_t *o, const struct attachments *at) {
  json_t *answer = NULL;
  if (api_get(c, &answer, "/v1/forums", NULL) != PARLEY_OK) return; /* sending will say why */
  const json_t *forum = pick_forum(json_object_get(answer, "forums"), args_value(a, "forum"));
  const char *status = json_text(o, "status");
  if (status[0] != '\0' && strcmp(status, "actual") != 0)
    out_print("*** %s ***\n", strcmp(status, "exercise") == 0 ? _("EXERCISE") : _("TEST"));
  out_field(c, 0, _("Sending"), a->arg[0]);
  out_field(c, 0, _("To"), addressees(c, a, forum));
  out_field(c, 0, _("Forum"), json_text(forum, "title"));
  out_field(c, 0, _("Precedence"), json_text(o, "precedence"));
  out_field(c, 0, _("TLP"), json_text(o, "tlp"));
  if (json_object_get(o, "answer_by") != NULL) out_field(c, 0, _("Answer by"), out_when(c, o, "answer_by"));
  print_files(c, at);
  fflush(stdout);
  json_decref(answer);
}

/* ---- sending ---- */

static parley_err submit(struct cli *c, json_t *request, const struct attachments *at, const char **id,
                         struct errmsg *e) {
  json_t *answer = NULL;
  parley_err rc = api_call(c, &answer, "POST", "/v1/statements", json_incref(request), e);
  if (rc == PARLEY_OK) {
    const char *member = at->n > 0 ? "draft" : "id";
    const char *got = arena_strdup(&c->arena, json_text(answer, member));
    if (got == NULL || got[0] == '\0')
      rc = err_set(e, PARLEY_EINVAL, _("the node's answer has no \"%s\""), member);
    else if (at->n > 0)
      rc = attachments_send(c, at, got, id, e);
    else
      *id = got;
  }
  json_decref(answer);
  return rc;
}

static int send_request(struct cli *c, const struct args *a, json_t *o, int64_t wait_s) {
  struct attachments at = {0};
  struct errmsg e;
  const char *id = NULL;
  parley_err rc = put_body(c, o, a, &e);
  if (rc == PARLEY_OK) rc = attachments_open(c, &at, a, &e);
  if (rc == PARLEY_OK && !attachments_json(&at, o)) rc = err_set(&e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK && !c->json) print_intent(c, a, o, &at);
  if (rc == PARLEY_OK) rc = submit(c, o, &at, &id, &e);
  const uint64_t bytes = at.bytes;
  attachments_close(&at);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  const int code = delivery_report(c, id, wait_s, bytes);
  if (code == EXIT_DONE && wait_s > 0 && !c->json)
    out_print("%s\n", _("Delivered: their machine durably holds it. Whether anybody has read it, parley show tells."));
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct errmsg e;
  int64_t wait_s = WAIT_DEFAULT;
  json_t *o = json_object();
  if (o == NULL) return cli_no_memory(c);
  parley_err rc = args_number(&wait_s, a, "wait", 0, WAIT_MAX, &e);
  if (rc == PARLEY_OK) rc = put_options(c, o, a, &e);
  const int code = rc == PARLEY_OK ? send_request(c, a, o, wait_s) : cli_usage(c, "%s", e.text);
  json_decref(o);
  return code;
}

static const struct option options[] = {
    {"precedence", N_("X"), N_("FLASH, IMMEDIATE, PRIORITY or ROUTINE"), false},
    {"tlp", N_("Y"), N_("clear, green, amber, amber+strict or red"), false},
    {"file", N_("BODY.json"), N_("the body, as its form has it (-: standard input)"), false},
    {"text", N_("TEXT"), N_("a body of title (first line) and summary"), false},
    {"attach", N_("FILE"), N_("files that go with it, at most 16"), true},
    {"forum", N_("F"), N_("needed when there are several"), false},
    {"to", N_("PARTY"), N_("needed when the forum has more than two members"), true},
    {"status", N_("STATUS"), N_("actual (default), exercise or test"), false},
    {"answer-by", N_("TIME"), N_("2021-05-07T10:00:00Z, +30m, +2h or +3d"), false},
    {"re", N_("ID"), N_("statements that it answers"), true},
    {"thread", N_("ID"), N_("statement that opened the thread"), false},
    {"lang", N_("LANG"), N_("language of the text"), false},
    {"desk", N_("LABEL"), N_("desk of the addressee (default duty)"), false},
    {"wait", N_("SECONDS"), N_("wait so long for delivery (default 30, 0: do not)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_send = {
    .name = "send",
    .usage = N_("KIND --precedence X --tlp Y (--file BODY.json | --text TEXT) [options]"),
    .summary = N_("send a statement, and wait for its delivery"),
    .about = N_("Sends one statement of KIND (incident.notice …), sealed to its addressees, and waits until their "
                "machines durably hold it. That is delivery; what an officer has read is told by parley show."),
    .options = options,
    .examples =
        {"parley send incident.notice --precedence IMMEDIATE --tlp amber --file body.json --attach flows.tsv",
         "parley send incident.warning --precedence FLASH --tlp red --text \"Pipeline stopped\" --answer-by +2h"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
