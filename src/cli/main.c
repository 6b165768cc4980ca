/*
 * parley: the command line. Finds the verb, reads its options, runs it.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

const struct verb *const verbs[] = {
    &verb_init,           &verb_card_show,     &verb_card_export,   &verb_card_renew,    &verb_keys_protect,
    &verb_keys_unprotect, &verb_keys,          &verb_trust,         &verb_forum_propose, &verb_forum_accept,
    &verb_forum_amend,    &verb_forum_list,    &verb_forum_show,    &verb_send,          &verb_inbox,
    &verb_show,           &verb_save,          &verb_ack,           &verb_reject,        &verb_receipt,
    &verb_disclose,       &verb_verify,        &verb_status,        &verb_audit,         &verb_fsck,
    &verb_availability,   &verb_bundle_export, &verb_bundle_import, &verb_bundle_show,   &verb_proof_list,
    &verb_proof_show,     &verb_backup,        &verb_recover,       &verb_config,        NULL,
};

/* ---- finding the verb ---- */

/* Words of the verb's name that stand at the beginning of argv; 0 when it is another verb. */
static int verb_match(const struct verb *v, int argc, char **argv) {
  const char *space = strchr(v->name, ' ');
  if (space == NULL) return argc > 0 && strcmp(argv[0], v->name) == 0;
  const size_t n = (size_t)(space - v->name);
  if (argc < 2 || strlen(argv[0]) != n || strncmp(argv[0], v->name, n) != 0) return 0;
  return strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static const struct verb *verb_find(int argc, char **argv, int *words) {
  for (size_t i = 0; verbs[i] != NULL; i++) {
    *words = verb_match(verbs[i], argc, argv);
    if (*words > 0) return verbs[i];
  }
  return NULL;
}

/* "card" and "forum" need a second word. */
static bool is_family(const char *word) {
  const size_t n = strlen(word);
  for (size_t i = 0; verbs[i] != NULL; i++)
    if (strncmp(verbs[i]->name, word, n) == 0 && verbs[i]->name[n] == ' ') return true;
  return false;
}

/* ---- help ---- */

static void print_overview(const char *family) {
  const size_t n = family != NULL ? strlen(family) : 0;
  printf(_("usage: parley %s [options]\n\n"), family != NULL ? family : _("VERB"));
  for (size_t i = 0; verbs[i] != NULL; i++)
    if (family == NULL || (strncmp(verbs[i]->name, family, n) == 0 && verbs[i]->name[n] == ' '))
      printf("  %-15s %s\n", verbs[i]->name, _(verbs[i]->summary));
  printf("\n%s\n", _("parley VERB --help tells more about each; each takes --json. The home is $PARLEY_HOME,\n"
                     "else ~/.parley. All verbs but init, card, keys, trust, verify, bundle show, audit, fsck and\n"
                     "config need a running parleyd."));
  printf("\n%s\n", _("exit codes: 0 done, 1 refused or does not verify, 2 wrong usage, 3 not reached or not\n"
                     "            delivered in time, 4 evidence of wrongdoing, 5 identities not established"));
}

static int unknown_verb(struct cli *c, const char *word) {
  const char *names[64];
  size_t n = 0;
  for (size_t i = 0; verbs[i] != NULL && n < 64; i++) names[n++] = verbs[i]->name;
  const char *near = nearest_word(word, names, n);
  if (near == NULL) return cli_usage(c, _("there is no verb \"%s\""), word);
  return cli_usage(c, _("there is no verb \"%s\"; did you mean \"%s\"?"), word, near);
}

/* ---- running ---- */

static int run_verb(struct cli *c, int argc, char **argv) {
  struct args a;
  struct errmsg e;
  const parley_err rc = args_parse(&a, &c->arena, c->verb, argc, argv, &e);
  if (rc == PARLEY_ENOMEM) return cli_no_memory(c);
  if (rc != PARLEY_OK) return cli_usage(c, "%s", e.text);
  if (a.help) {
    help_print(c->verb);
    return EXIT_DONE;
  }
  if (home_at(&c->home, NULL, &e) != PARLEY_OK) return cli_fail(c, PARLEY_EINVAL, &e);
  return c->verb->run(c, &a);
}

static bool asks_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run(struct cli *c, int argc, char **argv) {
  int words = 0;
  if (argc == 0) {
    print_overview(NULL);
    return EXIT_USAGE;
  }
  if (strcmp(argv[0], "--version") == 0) {
    printf("parley %s\n", PARLEY_VERSION);
    return EXIT_DONE;
  }
  const bool help = asks_help(argv[0]);
  if (help && argc == 1) {
    print_overview(NULL);
    return EXIT_DONE;
  }
  argc -= help;
  argv += help;
  c->verb = verb_find(argc, argv, &words);
  if (c->verb != NULL && help) {
    help_print(c->verb);
    return EXIT_DONE;
  }
  if (c->verb != NULL) return run_verb(c, argc - words, argv + words);
  if (!is_family(argv[0])) return unknown_verb(c, argv[0]);
  if (argc > 1 && !asks_help(argv[1]) && argv[1][0] != '-') {
    const char *both = arena_fmt(&c->arena, "%s %s", argv[0], argv[1]);
    return both != NULL ? unknown_verb(c, both) : cli_no_memory(c);
  }
  if (help || (argc > 1 && asks_help(argv[1]))) {
    print_overview(argv[0]);
    return EXIT_DONE;
  }
  return cli_usage(c, _("%s needs a second word; parley %s --help lists them"), argv[0], argv[0]);
}

/* A verb may stand behind an option that takes no value: parley --json status. */
static int move_flags_back(int argc, char **argv) {
  for (int k = 1; k < argc && strcmp(argv[1], "--json") == 0; k++) {
    char *flag = argv[1];
    memmove(&argv[1], &argv[2], (size_t)(argc - 2) * sizeof *argv);
    argv[argc - 1] = flag;
  }
  return argc;
}

/* What programs read stays as it is in every language. The C library's own messages come in UTF-8, as all else. */
static void speak(void) {
  setlocale(LC_CTYPE, "C.UTF-8");
  setlocale(LC_MESSAGES, "");
  text_open();
}

int main(int argc, char **argv) {
  struct cli c = {.now = time(NULL)};
  argc = move_flags_back(argc, argv);
  /* Known before anything can go wrong, so that errors come in the form asked for. */
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) c.json = c.json || strcmp(argv[i], "--json") == 0;
  if (!c.json) speak();
  c.terminal = !c.json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
  int rc = run(&c, argc > 0 ? argc - 1 : 0, argv + 1);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    out_note("%s\n", _("parley: the output could not be written."));
    rc = rc == EXIT_DONE ? EXIT_REFUSED : rc;
  }
  arena_free(&c.arena);
  return rc;
}
