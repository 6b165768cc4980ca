/*
 * parley init: makes a home with its keys and its card.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define PASSPHRASE_MAX 1024

/* The first line of a file. */
static parley_err passphrase_file(struct buf *out, const char *path, struct errmsg *e) {
  parley_err rc = file_read(out, path, PASSPHRASE_MAX, e);
  if (rc != PARLEY_OK) return rc;
  const size_t end = bytes_find(buf_view(out), 0, '\n');
  if (end != (size_t)-1) out->n = end;
  if (out->n > 0 && out->p[out->n - 1] == '\r') out->n--;
  return out->n > 0 ? PARLEY_OK : err_set(e, PARLEY_EINVAL, _("%s: its first line, the passphrase, is empty"), path);
}

static parley_err rotation_passphrase(struct cli *c, const struct args *a, struct buf *out, struct errmsg *e) {
  const char *path = args_value(a, "passphrase-file");
  if (path != NULL) return passphrase_file(out, path, e);
  if (!c->terminal) return PARLEY_OK;
  out_note("%s\n", _("The rotation key signs your next card and nothing else; it will leave this machine."));
  return ask_secret(out, _("Passphrase for it (empty: one is made for you)"), e);
}

static parley_err key_passphrase(struct cli *c, struct buf *out, struct errmsg *e) {
  const char *path = getenv("PARLEY_PASSPHRASE_FILE");
  if (path != NULL && path[0] != '\0') return passphrase_file(out, path, e);
  if (!c->terminal)
    return err_set(e, PARLEY_EINVAL, _("--protect-keys needs a terminal, or a file named by PARLEY_PASSPHRASE_FILE"));
  const parley_err rc = ask_secret(out, _("Passphrase for the keys that stay here"), e);
  return rc != PARLEY_OK || out->n > 0 ? rc : err_set(e, PARLEY_EINVAL, _("the passphrase of the keys is empty"));
}

static json_t *result_json(struct cli *c, const struct card *card, const char *made) {
  json_t *o = json_object();
  const char *rotation = arena_fmt(&c->arena, "%s/keys/rotation.age", c->home.dir);
  bool ok = o != NULL && rotation != NULL && json_put_str(o, "party", card->name) &&
            json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE) && json_put_str(o, "home", c->home.dir) &&
            json_put_str(o, "url", card->submission) && json_put_str(o, "rotation_key", rotation) &&
            (made[0] == '\0' || json_put_str(o, "rotation_passphrase", made));
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static void print_result(struct cli *c, const struct card *card, const char *made) {
  out_print(_("%s has a home: %s\n\n"), card->name, c->home.dir);
  out_print(
      "%s\n",
      _("Move the rotation key to a safe now; it is the only way to renew your card, and the node never needs it:"));
  out_print("    %s/keys/rotation.age\n", c->home.dir);
  if (made[0] != '\0') {
    out_print("%s\n", _("Its passphrase, shown this once. Write it down and keep it elsewhere:"));
    out_print("    %s\n", made);
  }
  out_print("\n%s\n", _("Fingerprint of your card, for people to compare:"));
  out_fingerprint(card->fingerprint, 4);
  out_print("\n%s\n", _("Next: start the node with parleyd, then"));
  out_print(_("    parley card export --out %s.card.json      (give them this file)\n"), card->name);
  out_print("%s", _("    parley trust THEIR-CARD.json      (pin theirs)\n"));
}

static int init_with(struct cli *c, const struct home_new *n) {
  struct buf made = {0};
  struct card card;
  struct errmsg e;
  parley_err rc = home_init(&c->home, n, &made, &e);
  if (rc == PARLEY_OK) rc = cli_own_card(c, &card, &e);
  const char *text = rc == PARLEY_OK ? buf_cstr(&made) : NULL;
  int code;
  if (rc != PARLEY_OK) {
    code = cli_fail(c, rc, &e);
  } else if (c->json) {
    code = out_json(c, result_json(c, &card, text != NULL ? text : ""));
  } else {
    print_result(c, &card, text != NULL ? text : "");
    code = EXIT_DONE;
  }
  buf_free(&made);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct config defaults;
  struct buf rotation = {0}, keys = {0};
  struct errmsg e;
  config_defaults(&defaults);
  struct home_new n = {.name = a->arg[0],
                       .listen = args_value(a, "listen"),
                       .url = args_value(a, "url"),
                       .protect_keys = args_flag(a, "protect-keys"),
                       .now = c->now};
  if (n.listen == NULL) n.listen = defaults.listen;
  if (!party_name_valid(n.name))
    return cli_usage(c,
                     _("\"%.80s\" is no party name; it is like cert.example: labels of a-z 0-9 - joined by dots, at "
                       "least two, at most 64 bytes"),
                     n.name);
  parley_err rc = PARLEY_OK;
  /* Found out before anybody thinks of a passphrase. */
  if (home_exists(&c->home))
    rc = err_set(&e, PARLEY_ECONFLICT,
                 _("there is a home at %s already; nothing was changed. Set PARLEY_HOME to make another"), c->home.dir);
  if (rc == PARLEY_OK) rc = rotation_passphrase(c, a, &rotation, &e);
  if (rc == PARLEY_OK && n.protect_keys) rc = key_passphrase(c, &keys, &e);
  n.rotation_passphrase = buf_view(&rotation);
  n.key_passphrase = buf_view(&keys);
  const int code = rc == PARLEY_OK ? init_with(c, &n) : cli_fail(c, rc, &e);
  buf_free(&rotation);
  buf_free(&keys);
  return code;
}

static const struct option options[] = {
    {"listen", N_("ADDR:PORT"), N_("address on which the node listens"), false},
    {"url", N_("URL"), N_("address under which others reach it"), false},
    {"passphrase-file", N_("FILE"), N_("passphrase of the rotation key, first line"), false},
    {"protect-keys", NULL, N_("protect the keys that stay here too"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_init = {
    .name = "init",
    .usage = N_("NAME [--listen ADDR:PORT] [--url URL] [--passphrase-file FILE] [--protect-keys]"),
    .summary = N_("make a home: keys and card of a party"),
    .about = N_("Makes $PARLEY_HOME for the party NAME, whole or not at all. The passphrase of the rotation key is "
                "asked for on a terminal, or read from a file, or else made and shown once. With --protect-keys "
                "the other keys get one as well: asked for, or from the file named by PARLEY_PASSPHRASE_FILE."),
    .options = options,
    .examples = {"parley init cert.us.example --listen 0.0.0.0:8443 --url https://parley.cert.us.example:8443",
                 "PARLEY_HOME=/srv/parley parley init ncc.ru.example --passphrase-file /root/rotation.txt"},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
