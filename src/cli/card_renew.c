/*
 * parley card renew: the next card of this home, signed with the rotation key from the safe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define ROTATION_MAX 16384
#define LIST_MAX 32

struct wanted {
  struct home_renewal r;
  const char *seal[LIST_MAX + 1], *add[LIST_MAX + 1], *drop[LIST_MAX + 1];
  size_t n_seal;
};

static parley_err add_word(const char **list, size_t *n, const char *word, struct errmsg *e) {
  if (*n == LIST_MAX) return err_set(e, PARLEY_EINVAL, _("more than %d labels"), LIST_MAX);
  list[(*n)++] = word;
  return PARLEY_OK;
}

static parley_err all_seals(struct wanted *w, const struct card *card, struct errmsg *e) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < card->n_seal && rc == PARLEY_OK; i++)
    rc = add_word(w->seal, &w->n_seal, card->seal[i].label, e);
  return rc;
}

static parley_err replace_one(struct wanted *w, const struct card *card, const char *key, struct errmsg *e) {
  struct home_renewal *r = &w->r;
  const bool all = strcmp(key, "all") == 0;
  r->statement |= all || strcmp(key, "statement") == 0;
  r->log |= all || strcmp(key, "log") == 0;
  r->mirror |= all || strcmp(key, "mirror") == 0;
  r->link |= all || strcmp(key, "link") == 0;
  if (all || strcmp(key, "seal") == 0) return all_seals(w, card, e);
  if (strncmp(key, "seal:", 5) == 0) return add_word(w->seal, &w->n_seal, key + 5, e);
  static const char *const words[] = {"all", "statement", "log", "mirror", "link", "seal"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(key, words[i]) == 0) return PARLEY_OK;
  return err_set(
      e, PARLEY_EINVAL,
      _("--replace takes statement, log, mirror, link, seal, seal:LABEL or all, not \"%.40s\"; a new rotation "
        "key comes with --new-rotation FILE"),
      key);
}

/* Words of a list option, each of which may hold several joined by commas. */
static parley_err words_of(struct cli *c, const struct args *a, const char *name, const char **out, size_t *n,
                           struct errmsg *e) {
  const char *text;
  for (size_t i = 0; (text = args_nth(a, name, i)) != NULL; i++) {
    char *copy = arena_strdup(&c->arena, text), *rest = copy;
    if (copy == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
      const parley_err rc = *word != '\0' ? add_word(out, n, word, e) : PARLEY_OK;
      if (rc != PARLEY_OK) return rc;
    }
  }
  return PARLEY_OK;
}

/* On the other stream when the result is JSON. Whatever happens from now on, it can be read on the screen. */
static void tell_passphrase(FILE *to, const char *path, const char *passphrase) {
  fprintf(to, _("The passphrase of the new rotation key %s, shown this once. Write it down and keep it elsewhere:"),
          path);
  fprintf(to, "\n    %s\n\n", passphrase);
  fflush(to);
}

static void tell_text(const char *path, const char *passphrase) { tell_passphrase(stdout, path, passphrase); }

static void tell_beside(const char *path, const char *passphrase) { tell_passphrase(stderr, path, passphrase); }

static parley_err read_wanted(struct cli *c, const struct args *a, const struct card *card, struct wanted *w,
                              struct errmsg *e) {
  const char *replace[LIST_MAX];
  size_t n_replace = 0, n_add = 0, n_drop = 0;
  const char *file = args_value(a, "passphrase-file");
  w->r.rotation_passphrase = file != NULL ? file : "";
  w->r.ask = home_passphrase;
  w->r.seal = w->seal;
  w->r.add = w->add;
  w->r.drop = w->drop;
  w->r.new_rotation = args_value(a, "new-rotation");
  w->r.url = args_value(a, "url");
  w->r.now = c->now;
  w->r.tell = c->json ? tell_beside : tell_text;
  parley_err rc = args_number(&w->r.days, a, "valid-days", 1, 3650, e);
  if (rc == PARLEY_OK) rc = words_of(c, a, "replace", replace, &n_replace, e);
  if (rc == PARLEY_OK) rc = words_of(c, a, "add-seal", w->add, &n_add, e);
  if (rc == PARLEY_OK) rc = words_of(c, a, "drop-seal", w->drop, &n_drop, e);
  for (size_t i = 0; i < n_replace && rc == PARLEY_OK; i++) rc = replace_one(w, card, replace[i], e);
  return rc;
}

/* ---- result ---- */

static json_t *result_json(const struct card *card, const struct wanted *w, const char *made) {
  json_t *o = json_object();
  bool ok = o != NULL && json_put_str(o, "party", card->name) && json_put_int(o, "serial", (int64_t)card->serial) &&
            json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE) &&
            json_put_time(o, "not_after", card->not_after);
  if (w->r.new_rotation != NULL) ok = ok && json_put_str(o, "rotation_key", w->r.new_rotation);
  if (made[0] != '\0') ok = ok && json_put_str(o, "rotation_passphrase", made);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static void print_result(struct cli *c, const struct card *card, const struct wanted *w) {
  out_print(_("%s has a new card, serial %llu, valid until %s.\n"), card->name, (unsigned long long)card->serial,
            out_time(c, card->not_after));
  out_fingerprint(card->fingerprint, 4);
  if (w->r.new_rotation != NULL) {
    out_print("\n%s\n", _("The next card will need the new rotation key. Move it to a safe now:"));
    out_print("    %s\n", w->r.new_rotation);
  }
  out_print("\n");
  out_text(_("Next: start parleyd again. It tells every counterpart, who need to compare nothing: the rotation key has "
             "signed. parley keys shows how far that has come."),
           0);
  out_print("%s\n", _("Bring the rotation key back to the safe."));
}

static int renew(struct cli *c, struct wanted *w) {
  struct buf made = {0};
  struct card card;
  struct errmsg e;
  parley_err rc = home_renew(&c->home, &w->r, &made, &e);
  if (rc == PARLEY_OK) rc = cli_own_card(c, &card, &e);
  const char *text = rc == PARLEY_OK ? buf_cstr(&made) : NULL;
  int code = EXIT_DONE;
  if (rc != PARLEY_OK)
    code = cli_fail(c, rc, &e);
  else if (c->json)
    code = out_json(c, result_json(&card, w, text != NULL ? text : ""));
  else
    print_result(c, &card, w);
  buf_free(&made);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct wanted w = {0};
  struct card card;
  struct errmsg e;
  struct buf rotation = {0}, passphrase = {0};
  const char *path = args_value(a, "rotation"), *file = args_value(a, "new-passphrase-file");
  if (path == NULL) return cli_usage(c, "%s", _("--rotation FILE is needed: the rotation key, from the safe"));
  if (file != NULL && args_value(a, "new-rotation") == NULL)
    return cli_usage(c, "%s", _("--new-passphrase-file belongs to --new-rotation"));
  parley_err rc = cli_own_card(c, &card, &e);
  if (rc == PARLEY_OK && (rc = read_wanted(c, a, &card, &w, &e)) == PARLEY_EINVAL) return cli_usage(c, "%s", e.text);
  if (rc == PARLEY_OK) rc = file_read(&rotation, path, ROTATION_MAX, &e);
  if (rc == PARLEY_OK && file != NULL) rc = home_passphrase((void *)(uintptr_t)file, "", &passphrase, &e);
  w.r.rotation = buf_view(&rotation);
  w.r.new_passphrase = buf_view(&passphrase);
  const int code = rc == PARLEY_OK ? renew(c, &w) : cli_fail(c, rc, &e);
  buf_free(&rotation);
  buf_free(&passphrase);
  return code;
}

static const struct option options[] = {
    {"rotation", N_("FILE"), N_("the rotation key, from the safe"), false},
    {"passphrase-file", N_("FILE"), N_("its passphrase, first line; else it is asked for"), false},
    {"replace", N_("KEY"), N_("new keys: statement, log, mirror, link, seal, seal:LABEL, all"), true},
    {"add-seal", N_("LABEL"), N_("a seal key for one more desk"), true},
    {"drop-seal", N_("LABEL"), N_("a desk that is closed; its key stays here"), true},
    {"new-rotation", N_("FILE"), N_("a new rotation key, written there"), false},
    {"new-passphrase-file", N_("FILE"), N_("passphrase for it, first line; else one is made"), false},
    {"url", N_("URL"), N_("new address under which others reach this node"), false},
    {"valid-days", N_("N"), N_("validity of the card from now (default 730)"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_card_renew = {
    .name = "card renew",
    .usage = N_("--rotation FILE [--replace KEY...]"),
    .summary = N_("make the next card, with new keys or a longer validity"),
    .about =
        N_("Makes the card of the next serial, signed with the rotation key of the present one. Keys that are not "
           "named stay. A key that was lost or stolen is replaced in the same way; of a lost key nothing is needed. "
           "All or nothing changes, whatever happens meanwhile. Start parleyd again afterwards."),
    .options = options,
    .examples = {"parley card renew --rotation /media/safe/rotation.age",
                 "parley card renew --rotation /media/safe/rotation.age --replace all --new-rotation "
                 "/media/safe/rotation.2.age"},
    .run = run,
};
