/*
 * The command line: one verb a file, each described by a struct verb, all run by main.c.
 */
#ifndef PARLEY_CLI_CLI_H
#define PARLEY_CLI_CLI_H

#include "base/arena.h"
#include "base/err.h"
#include "home/home.h"

/* Exit codes, the same for every verb (design section 11). */
enum exit_code {
  EXIT_DONE = 0,
  EXIT_REFUSED = 1,      /* refused, or does not verify */
  EXIT_USAGE = 2,        /* the command line is wrong */
  EXIT_NOT_REACHED = 3,  /* node or counterpart; also: not delivered in time */
  EXIT_EVIDENCE = 4,     /* evidence of wrongdoing */
  EXIT_UNIDENTIFIED = 5, /* consistent, but identities are not established */
};

#define EXIT_BIT(code) (1u << (code))

struct verb;

struct cli {
  const struct verb *verb; /* for messages; NULL before one is known */
  struct home home;
  struct arena arena; /* lives as long as the command */
  bool json;
  bool terminal; /* standard input is one: a person can be asked */
  int64_t now;   /* seconds, when the command began */
};

struct option {
  const char *name;  /* without "--"; NULL ends a list */
  const char *value; /* what stands after it, in capitals; NULL: nothing does */
  const char *help;
  bool list; /* may be repeated, and take several values in a row */
};

struct args; /* options.h */

struct verb {
  const char *name;    /* "send", "card show" */
  const char *usage;   /* what follows the name, without the options of `options` that need no order */
  const char *summary; /* one line for the overview */
  const char *about;   /* one to three lines for --help */
  const struct option *options;
  const char *examples[2];
  size_t min_args, max_args;
  unsigned exits; /* EXIT_BIT of those that can occur, besides 0, 1 and 2 */
  int (*run)(struct cli *c, const struct args *a);
};

extern const struct verb verb_init, verb_card_show, verb_card_export, verb_card_renew, verb_keys, verb_keys_protect,
    verb_keys_unprotect, verb_trust, verb_forum_propose, verb_forum_accept, verb_forum_list, verb_forum_amend, verb_forum_show, verb_send,
    verb_inbox, verb_show, verb_save, verb_ack, verb_reject, verb_receipt, verb_disclose, verb_verify, verb_status, verb_audit, verb_fsck, verb_availability,
    verb_bundle_export, verb_bundle_import, verb_bundle_show,
    verb_proof_list, verb_proof_show,
    verb_backup, verb_recover, verb_config;

/* All verbs, in the order of the overview; ends with NULL. */
extern const struct verb *const verbs[];

/* ---- failing: each prints (to standard error, and as JSON with --json) and returns the exit code ---- */

int cli_fail(struct cli *c, parley_err err, const struct errmsg *e);
int cli_no_memory(struct cli *c);
__attribute__((format(printf, 2, 3))) int cli_usage(struct cli *c, const char *fmt, ...);

/* The exit code of an error. */
int cli_exit(parley_err err);

/* ENOTFOUND, with what to do, when there is no home. */
parley_err cli_need_home(const struct cli *c, struct errmsg *e);
/* Own card, parsed. */
parley_err cli_own_card(struct cli *c, struct card *out, struct errmsg *e);

#endif
