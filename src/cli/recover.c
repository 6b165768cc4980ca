/*
 * parley recover: the way back after signing has stopped. What will happen is found out first and said in plain
 * words; then the officer decides.
 */
#include <string.h>

#include "cli/api.h"
#include "cli/ask.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define UNDELIVERED_SHOWN 10

static long long number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

static bool is(const json_t *o, const char *member, const char *text) {
  return strcmp(json_text(o, member), text) == 0;
}

/* ---- the request ---- */

static parley_err ask_node(struct cli *c, const struct args *a, bool dry, json_t **out, struct errmsg *e) {
  const char *forum = args_value(a, "forum");
  const bool log = args_flag(a, "log"), mirror = args_flag(a, "mirror");
  json_t *q = json_object();
  bool ok = q != NULL && json_object_set_new(q, "dry_run", json_boolean(dry)) == 0;
  if (ok && forum != NULL) ok = json_put_str(q, "forum", forum);
  if (ok && log != mirror) ok = json_put_str(q, "role", log ? "log" : "mirror");
  if (!ok) {
    json_decref(q);
    return err_set(e, PARLEY_ENOMEM, "%s", _("out of memory"));
  }
  return api_call(c, out, "POST", "/v1/recover", q, e);
}

/* ---- what is known ---- */

static void print_log(struct cli *c, const json_t *log, const char *label) {
  const bool knows = json_object_get(log, "remembered") != NULL;
  out_field(c, 2, label,
            knows
                ? arena_fmt(&c->arena,
                            _("%lld entries here; signed up to %lld, as the signer remembers; others show up to %lld"),
                            number(log, "here"), number(log, "remembered"), number(log, "longest"))
                : arena_fmt(&c->arena, _("%lld entries here; the signer remembers nothing; others show up to %lld"),
                            number(log, "here"), number(log, "longest")));
  if (json_text(log, "holder")[0] != '\0')
    out_field(c, 2, _("Copy"),
              arena_fmt(&c->arena, _("%lld entries, at %s"), number(log, "copy"), json_text(log, "holder")));
}

static void print_silent(struct cli *c, const json_t *f) {
  size_t i;
  json_t *v;
  json_array_foreach(json_object_get(f, "silent"), i, v) {
    const char *party = json_string_value(v);
    out_field(c, 2, _("No answer"), party != NULL ? party : "?");
  }
}

static const char *will(const json_t *f) {
  if (is(f, "outcome", "nothing")) return _("Nothing is done.");
  if (is(f, "outcome", "same-epoch"))
    return _("The missing entries are fetched and checked, and this log goes on signing where it stopped. Statements "
             "that were "
             "accepted here meanwhile are sent.");
  return _(
      "The missing entries are fetched and checked, as far as others hold them. Then this log is closed for good, and "
      "its next epoch is "
      "opened: the other members see that you could not go on, and take no more of the old one than is known now. What "
      "was delivered stays provable. Statements that were accepted here meanwhile are sent in the new one. This cannot "
      "be undone.");
}

static const char *was_done(const json_t *f) {
  if (is(f, "outcome", "nothing")) return _("Nothing had to be done.");
  if (is(f, "outcome", "same-epoch")) return _("The log goes on signing in the same epoch.");
  return _("The next epoch is open.");
}

static void print_forum(struct cli *c, const json_t *f, bool planned) {
  const json_t *log = json_object_get(f, "log"), *bulk = json_object_get(f, "bulk"),
               *mirrors = json_object_get(f, "mirrors");
  out_print(_("\nForum %s (%.12s)\n"), out_line(c, json_text(f, "title")), json_text(f, "forum"));
  if (log != NULL) {
    out_field(c, 2, _("Epoch"), arena_fmt(&c->arena, "%lld", number(f, "epoch")));
    print_log(c, log, _("Log"));
    if (number(bulk, "here") > 0 || number(bulk, "longest") > 0) print_log(c, bulk, _("Files"));
  }
  print_silent(c, f);
  for (size_t i = 0; i < json_array_size(mirrors); i++) {
    const json_t *m = json_array_get(mirrors, i);
    if (number(m, "cosigned") > 0)
      out_field(c, 2, _("Mirror"),
                arena_fmt(&c->arena, _("%s: nothing is cosigned short of %lld entries"), json_text(m, "origin"),
                          number(m, "cosigned")));
  }
  if (json_object_get(f, "known_epoch") != NULL)
    out_field(
        c, 2, _("Known"),
        arena_fmt(&c->arena, _("others have epoch %lld already; it is taken up first"), number(f, "known_epoch")));
  if (json_text(f, "reason")[0] != '\0') out_field(c, 2, _("Because"), json_text(f, "reason"));
  if (log != NULL) out_field(c, 2, planned ? _("Will be done") : _("Done"), planned ? will(f) : was_done(f));
  if (!planned && number(f, "fetched") > 0)
    out_field(c, 2, _("Fetched"),
              arena_fmt(&c->arena, text_n("%lld entry", "%lld entries", (unsigned long)number(f, "fetched")),
                        number(f, "fetched")));
}

/* Statements with files that were accepted and never sent: before anything is done those that may be lost, then those that are. */
static void print_unsent(struct cli *c, const json_t *f, bool planned) {
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(f, "unsent_files"), i, row) {
    const char *to = json_string_value(json_array_get(json_object_get(row, "to"), 0));
    out_field(c, 2,
              i > 0     ? " "
              : planned ? _("With files")
                        : _("Send again"),
              arena_fmt(&c->arena, "%.12s → %s: %s", json_text(row, "id"), to != NULL ? to : "?",
                        out_cut(c, out_line(c, json_text(row, "title")), 120)));
  }
  if (i > 0)
    out_text(planned
                 ? _("They were accepted here with files and never sent. Their files may be lost: keep copies first "
                     "(parley save ID --out DIR).")
                 : _("They were accepted here with files and never sent, and the place of their files is gone. "
                     "Send them again (parley send --attach)."),
             4);
}

/* What of the closed epoch has not reached everybody: "undelivered" is to be sent again, "awaited" goes by itself. */
static void print_left(struct cli *c, const json_t *f, const char *name, const char *label) {
  size_t i, k;
  json_t *one, *id;
  json_array_foreach(json_object_get(f, name), i, one) {
    const json_t *ids = json_object_get(one, "ids");
    const char *text = arena_fmt(&c->arena,
                                 text_n("%s: %zu statement of the closed epoch:",
                                        "%s: %zu statements of the closed epoch:", (unsigned long)json_array_size(ids)),
                                 json_text(one, "party"), json_array_size(ids));
    json_array_foreach(ids, k, id) {
      if (k == UNDELIVERED_SHOWN || text == NULL) break;
      text = arena_fmt(&c->arena, "%s %.12s", text, json_string_value(id));
    }
    if (text != NULL && json_array_size(ids) > UNDELIVERED_SHOWN) text = arena_fmt(&c->arena, "%s …", text);
    out_field(c, 2, label, text);
  }
}

static void print_all(struct cli *c, const json_t *o, bool planned) {
  const json_t *forums = json_object_get(o, "forums");
  if (planned && json_is_true(json_object_get(o, "memory_lost")))
    out_text(_("The signer's memory (signer/) is lost: nobody here knows what was signed or cosigned last."), 0);
  for (size_t i = 0; i < json_array_size(forums); i++) {
    print_forum(c, json_array_get(forums, i), planned);
    print_unsent(c, json_array_get(forums, i), planned);
    print_left(c, json_array_get(forums, i), "undelivered", _("Send again"));
    print_left(c, json_array_get(forums, i), "awaited", _("On its way"));
  }
  if (json_array_size(forums) == 0) out_print("%s\n", _("No forum is in force here."));
}

static bool anything(const json_t *o) {
  const json_t *forums = json_object_get(o, "forums");
  bool any = json_is_true(json_object_get(o, "memory_lost"));
  for (size_t i = 0; i < json_array_size(forums) && !any; i++) {
    const json_t *f = json_array_get(forums, i);
    any = json_object_get(f, "outcome") != NULL && !is(f, "outcome", "nothing");
  }
  return any;
}

/* ---- the verb ---- */

static int show(struct cli *c, json_t *o, bool planned) {
  if (c->json) return out_json(c, o);
  print_all(c, o, planned);
  json_decref(o);
  return EXIT_DONE;
}

static int run(struct cli *c, const struct args *a) {
  json_t *plan = NULL, *done = NULL;
  struct errmsg e;
  const bool yes = args_flag(a, "yes");
  parley_err rc = ask_node(c, a, true, &plan, &e);
  if (rc) return cli_fail(c, rc, &e);
  if (args_flag(a, "dry-run") || !anything(plan)) return show(c, plan, true);
  if (!c->json) print_all(c, plan, true);
  json_decref(plan);
  if (!yes && !c->terminal)
    return cli_usage(c, _("recovering changes the log for good: look at parley recover --dry-run, then say --yes"));
  if (!yes && !ask_yes(_("\nIs this what you want? Has nobody a newer store.sqlite, and does no second machine run "
                         "with these keys?"))) {
    err_set(&e, PARLEY_EREFUSED, "%s", _("nothing was changed"));
    return cli_fail(c, PARLEY_EREFUSED, &e);
  }
  rc = ask_node(c, a, false, &done, &e);
  return rc ? cli_fail(c, rc, &e) : show(c, done, false);
}

static const struct option options[] = {
    {"forum", "ID", N_("only this forum (default: all)"), false},
    {"log", NULL, N_("only our own log, and its bulk log"), false},
    {"mirror", NULL, N_("only what we cosign of others' logs"), false},
    {"dry-run", NULL, N_("say what would happen, and change nothing"), false},
    {"yes", NULL, N_("do it without asking"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_recover = {
    .name = "recover",
    .usage = N_("[--forum ID] [--log] [--mirror] [--dry-run] [--yes]"),
    .summary = N_("find the way back after signing has stopped"),
    .about = N_("After a restore, or when the signer's memory is lost: asks all members what they hold of our logs, "
                "says what will happen, and "
                "does it once it is confirmed. The log goes on where it stopped, if that is safe; else its next epoch "
                "is opened."),
    .options = options,
    .examples = {"parley recover --dry-run", "parley recover --yes"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
