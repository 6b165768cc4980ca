/*
 * Reading a verb's command line: options before, between or after the arguments, "--name value" or "--name=value", "--"
 * ends them.
 */
#ifndef PARLEY_CLI_OPTIONS_H
#define PARLEY_CLI_OPTIONS_H

#include "cli/cli.h"

struct option_value {
  const struct option *option;
  const char *value; /* NULL for one without */
};

struct args {
  const char **arg; /* the arguments, in order */
  size_t n_arg;
  struct option_value *given;
  size_t n_given;
  bool help, json;
};

/*
 * Reads argv (without the verb's name) in the arena. EINVAL with what is wrong and the nearest right option. The number
 * of arguments is checked only where help is not asked for. Arguments beyond verb->max_args that directly follow a
 * value of a list option belong to that list.
 */
parley_err args_parse(struct args *out, struct arena *a, const struct verb *verb, int argc, char **argv,
                      struct errmsg *e);

bool args_flag(const struct args *a, const char *name);
/* NULL when the option was not given. */
const char *args_value(const struct args *a, const char *name);
/* The i-th value of a list option; NULL at the end. */
const char *args_nth(const struct args *a, const char *name, size_t i);
/* A decimal number within min..max; *out unchanged when the option was not given. EINVAL names the option. */
parley_err args_number(int64_t *out, const struct args *a, const char *name, int64_t min, int64_t max,
                       struct errmsg *e);

/* The word of `words` (n of them) that is nearest to s; NULL when none is near. */
const char *nearest_word(const char *s, const char *const *words, size_t n);

/* Prints the --help of a verb. */
void help_print(const struct verb *v);

#endif
