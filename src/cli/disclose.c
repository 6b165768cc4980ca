/*
 * parley disclose: the evidence pack with what was written, for third parties (docs/protocol.md, "Disclosure").
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/anchors.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/disclose_dir.h"
#include "cli/marking.h"
#include "cli/output.h"
#include "cli/pack_text.h"
#include "cli/text.h"

struct disclosing {
  struct cli *c;
  const struct args *args;
  const char *files;  /* of the query */
  const char *notice; /* id of the one that was sent for this; NULL */
  json_t *answer;     /* of the node */
};

/* ---- what is asked for ---- */

/* "none", "all", or the numbers joined by dots; NULL when the command line makes no sense. */
static const char *files_asked(struct cli *c, const struct args *a) {
  const char *all = NULL, *n;
  if (args_flag(a, "without-files")) return args_nth(a, "file", 0) == NULL ? "none" : NULL;
  for (size_t i = 0; (n = args_nth(a, "file", i)) != NULL; i++) {
    if (n[0] == '\0' || strlen(n) > 2 || strspn(n, "0123456789") != strlen(n)) return NULL;
    all = all == NULL ? n : arena_fmt(&c->arena, "%s.%s", all, n);
  }
  return all != NULL ? all : "all";
}

static parley_err must_be_new(const char *dir, struct errmsg *e) {
  struct stat st;
  if (lstat(dir, &st) != 0 && errno == ENOENT) return PARLEY_OK;
  return err_set(e, PARLEY_ECONFLICT, _("%s is there already; nothing was written. Name a new folder"), dir);
}

/* ---- asking the node ---- */

static parley_err ask(struct disclosing *d, struct errmsg *e) {
  const char *path, *tail = arena_fmt(&d->c->arena, "/disclosure?files=%s", d->files);
  if (tail == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  parley_err rc = api_path(d->c, &path, "/v1/statements/", d->args->arg[0], tail, e);
  return rc == PARLEY_OK ? api_get(d->c, &d->answer, path, e) : rc;
}

/* The author is told first; only then does the node give it out. */
static parley_err notify(struct disclosing *d, struct errmsg *e) {
  const char *reasons, *tail = arena_fmt(&d->c->arena, "/disclosed?files=%s", d->files);
  if (tail == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  parley_err rc = answer_reasons(d->c, &reasons, args_value(d->args, "override"), e);
  if (rc != PARLEY_OK) return rc;
  json_t *o = json_object();
  if (o != NULL && !json_put_str(o, "reasons", reasons)) {
    json_decref(o);
    o = NULL;
  }
  return answer_post(d->c, &d->notice, d->args->arg[0], tail, args_value(d->args, "officer"), o, e);
}

static parley_err gather(struct disclosing *d, struct errmsg *e) {
  parley_err rc = ask(d, e);
  if (rc != PARLEY_EREFUSED || args_value(d->args, "override") == NULL) return rc;
  rc = notify(d, e);
  if (rc != PARLEY_OK) return rc;
  if (!d->c->json) out_print(_("Told, signed and on the record before anything was written: %s\n"), d->notice);
  return ask(d, e);
}

/* ---- what has come of it ---- */

static void print_paragraph(const char *text) {
  if (text == NULL) return;
  out_print("\n");
  out_text(text, 0);
}

static void print_marking(struct cli *c, const struct statement *s) {
  print_paragraph(
      arena_fmt(&c->arena,
                _("Whoever has this folder can prove to anybody, without us: that %s wrote what is in it, and "
                  "that those named above were able to read it."),
                s->from));
  print_paragraph(arena_fmt(&c->arena,
                            _("WARNING: it is marked %s. It is in clear now, and nothing keeps those who get it from "
                              "handing it on."),
                            marking_words(tlp_name(s->tlp))));
}

static int report(struct disclosing *d, const struct pack_result *r, const char *dir) {
  struct cli *c = d->c;
  if (c->json) {
    json_t *o = pack_json(r);
    if (o != NULL && out_put_path(c, o, "out", dir) && (d->notice == NULL || json_put_str(o, "notice", d->notice)))
      return out_json(c, o);
    json_decref(o);
    return cli_no_memory(c);
  }
  pack_print(c, r);
  print_marking(c, &r->statement);
  out_print(_("\nWritten to %s. Check it with parley verify %s, or by hand as its VERIFY.md says.\n"), dir, dir);
  return EXIT_DONE;
}

/*
 * A received body that is not sealed as laid down proves nothing of its content; but the pack that fails on it shows just
 * that, and is what bears a rejection out (section 8). It is kept, and called what it is.
 */
static parley_err fails(struct disclosing *d, struct disclose_dir *dir, parley_err rc, struct errmsg *e) {
  struct errmsg why = *e;
  if (rc != PARLEY_EVERIFY || json_text(d->answer, "sealing")[0] == '\0') return rc;
  rc = disclose_dir_keep(dir, e);
  if (rc != PARLEY_OK) return rc;
  return err_set(
      e, PARLEY_EEVIDENCE,
      _("it is sealed otherwise than laid down, so that its content cannot be proved to others: %s. What was "
        "written to %s does not verify; with a rejection on the ground \"sealing\" it shows whose fault that "
        "is"),
      why.text, args_value(d->args, "out"));
}

static int write_out(struct disclosing *d) {
  struct disclose_dir dir = {.c = d->c, .target = args_value(d->args, "out")};
  struct anchors known = {0};
  struct pack_result result;
  struct errmsg e;
  bool verified = false;
  parley_err rc = anchors_home(d->c, &known, &e);
  if (rc == PARLEY_OK) rc = disclose_dir_write(&dir, d->answer, &e);
  if (rc == PARLEY_OK) {
    rc = disclose_dir_verify(&result, &dir, &known, &e);
    verified = rc == PARLEY_OK;
    rc = verified ? disclose_dir_keep(&dir, &e) : fails(d, &dir, rc, &e);
  }
  const int code = rc == PARLEY_OK ? report(d, &result, dir.target) : cli_fail(d->c, rc, &e);
  if (verified) pack_result_clear(&result);
  disclose_dir_end(&dir);
  anchors_free(&known);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct disclosing d = {.c = c, .args = a, .files = files_asked(c, a)};
  struct errmsg e;
  if (args_value(a, "out") == NULL) return cli_usage(c, "%s", _("where to? --out DIR, a new folder"));
  if (d.files == NULL)
    return cli_usage(c, "%s",
                     _("which files? --file N takes the numbers that parley show gives them, --without-files "
                       "none"));
  if (args_value(a, "override") != NULL && args_value(a, "officer") == NULL)
    return cli_usage(c, "%s", _("who discloses it? --officer ROLE (a role, such as duty-officer, not a name)"));
  parley_err rc = must_be_new(args_value(a, "out"), &e);
  if (rc == PARLEY_OK) rc = gather(&d, &e);
  const int code = rc == PARLEY_OK ? write_out(&d) : cli_fail(c, rc, &e);
  json_decref(d.answer);
  return code;
}

static const struct option options[] = {
    {"out", N_("DIR"), N_("write the pack there; a new folder"), false},
    {"file", N_("N"), N_("of the files only number N, from 0"), true},
    {"without-files", NULL, N_("none of the files"), false},
    {"override", N_("REASONS"), N_("tell the author why, where consent is the rule"), false},
    {"officer", N_("ROLE"), N_("with --override: who discloses, by role, never by name"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_disclose = {
    .name = "disclose",
    .usage = N_("ID --out DIR [--file N]… [--override REASONS --officer ROLE]"),
    .summary = N_("prove to others what was written, and who could read it"),
    .about = N_("Writes the evidence pack with the statement's content and files in clear, so that anybody can check "
                "what was said and who was able to read it. Of what came in that is for the author to allow, unless "
                "marking and charter do; --override tells the author first, signed."),
    .options = options,
    .examples = {"parley disclose 3f9a01c2 --out shown-3f9a01c2",
                 "parley disclose 3f9a01c2 --out shown --override \"It is denied in public.\" --officer principal"},
    .min_args = 1,
    .max_args = 1,
    .exits = EXIT_BIT(EXIT_NOT_REACHED) | EXIT_BIT(EXIT_EVIDENCE),
    .run = run,
};
