/*
 * parley keys protect, parley keys unprotect: a passphrase on the key files that stay on this machine, or none.
 */
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

static int finish(struct cli *c, struct bytes passphrase, const char *said) {
  struct errmsg e;
  const parley_err rc = home_protect(&c->home, home_passphrase, NULL, passphrase, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (!c->json) {
    out_print("%s\n", said);
    return EXIT_DONE;
  }
  json_t *o = json_object();
  if (o == NULL || json_object_set_new(o, "protected", json_boolean(passphrase.n > 0)) != 0) {
    json_decref(o);
    return cli_no_memory(c);
  }
  return out_json(c, o);
}

static int protect(struct cli *c, const struct args *a) {
  struct errmsg e;
  struct buf passphrase = {0};
  const char *file = args_value(a, "new-passphrase-file");
  parley_err rc = cli_need_home(c, &e);
  if (rc == PARLEY_OK && file != NULL) {
    rc = home_passphrase((void *)(uintptr_t)file, "", &passphrase, &e);
  } else if (rc == PARLEY_OK && !c->terminal) {
    rc = err_set(&e, PARLEY_EINVAL, _("without a terminal --new-passphrase-file FILE is needed"));
  } else if (rc == PARLEY_OK) {
    rc = ask_secret(&passphrase, _("New passphrase for the keys that stay here"), &e);
    if (rc == PARLEY_OK && passphrase.n == 0) rc = err_set(&e, PARLEY_EINVAL, _("the passphrase of the keys is empty"));
  }
  const int code =
      rc == PARLEY_OK
          ? finish(c, buf_view(&passphrase),
                   _("The keys are protected. parleyd asks for the passphrase at its next start, or reads it from the "
                     "file that PARLEY_PASSPHRASE_FILE names."))
          : cli_fail(c, rc, &e);
  buf_free(&passphrase);
  return code;
}

static int unprotect(struct cli *c, const struct args *a) {
  struct errmsg e;
  (void)a;
  const parley_err rc = cli_need_home(c, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  return finish(c, BYTES_NONE, _("The keys are no longer protected by a passphrase."));
}

static const struct option protect_options[] = {
    {"new-passphrase-file", N_("FILE"), N_("the new passphrase, first line; else it is asked for"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_keys_protect = {
    .name = "keys protect",
    .usage = N_("[--new-passphrase-file FILE]"),
    .summary = N_("protect the key files of this home with a passphrase"),
    .about =
        N_("Seals all key files that stay here with a passphrase (age, scrypt), or changes the one that they have. "
           "All or nothing changes. The present passphrase, if any, is asked for or read from the file that "
           "PARLEY_PASSPHRASE_FILE names."),
    .options = protect_options,
    .examples = {"parley keys protect"},
    .run = protect,
};

static const struct option no_options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_keys_unprotect = {
    .name = "keys unprotect",
    .usage = "",
    .summary = N_("take the passphrase off the key files"),
    .about =
        N_("Stores the key files without a passphrase again, readable by their owner alone. The present passphrase is "
           "asked for, or read from the file that PARLEY_PASSPHRASE_FILE names."),
    .options = no_options,
    .examples = {"parley keys unprotect"},
    .run = unprotect,
};
