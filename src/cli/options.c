#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- nearest ---- */

#define WORD_MAX 40 /* longer words are near to nothing */

static size_t min3(size_t a, size_t b, size_t c) {
  const size_t m = a < b ? a : b;
  return m < c ? m : c;
}

/* Levenshtein distance: single letters added, left out or changed. */
static size_t distance(const char *a, const char *b) {
  const size_t n = strlen(a), m = strlen(b);
  size_t row[WORD_MAX + 1];
  if (n > WORD_MAX || m > WORD_MAX) return SIZE_MAX;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      const size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = min3(row[j] + 1, row[j - 1] + 1, change);
    }
  }
  return row[m];
}

const char *nearest_word(const char *s, const char *const *words, size_t n) {
  const char *best = NULL;
  size_t least = strlen(s) / 2 + 1; /* further away is another word */
  for (size_t i = 0; i < n; i++) {
    const size_t begins = strlen(s) >= 3 && strncmp(words[i], s, strlen(s)) == 0;
    const size_t d = begins ? 0 : distance(s, words[i]);
    if (d < least) {
      least = d;
      best = words[i];
    }
  }
  return best;
}

/* ---- parsing ---- */

static const struct option common_options[] = {
    {"json", NULL, N_("print one JSON object"), false},
    {"help", NULL, N_("print this"), false},
    {NULL, NULL, NULL, false},
};

struct reader {
  struct args *out;
  const struct verb *verb;
  const struct option **follows; /* for each argument: the list option that it directly follows, or NULL */
  const struct option *list;     /* the list option whose values were read last */
  struct errmsg *e;
};

static const struct option *find(const struct option *list, const char *name, size_t n) {
  for (; list != NULL && list->name != NULL; list++)
    if (strlen(list->name) == n && strncmp(list->name, name, n) == 0) return list;
  return NULL;
}

static parley_err unknown(const struct reader *r, const char *name, size_t n) {
  const char *words[64];
  size_t count = 0;
  char given[WORD_MAX + 1];
  for (const struct option *o = r->verb->options; o != NULL && o->name != NULL && count < 60; o++)
    words[count++] = o->name;
  for (const struct option *o = common_options; o->name != NULL; o++) words[count++] = o->name;
  snprintf(given, sizeof given, "%.*s", (int)n, name);
  const char *near = nearest_word(given, words, count);
  if (near == NULL) return err_set(r->e, PARLEY_EINVAL, _("there is no option --%s"), given);
  return err_set(r->e, PARLEY_EINVAL, _("there is no option --%s; did you mean --%s?"), given, near);
}

static parley_err add_option(struct reader *r, const struct option *o, const char *value) {
  struct args *a = r->out;
  for (size_t i = 0; i < a->n_given; i++)
    if (a->given[i].option == o && !o->list)
      return err_set(r->e, PARLEY_EINVAL, _("--%s stands twice; give it once."), o->name);
  a->given[a->n_given++] = (struct option_value){o, value};
  r->list = o->list ? o : NULL;
  return PARLEY_OK;
}

/* One word that begins with "--"; *next is the word after it, *used tells that it was taken. */
static parley_err read_option(struct reader *r, const char *word, const char *next, bool *used) {
  const char *name = word + 2, *equals = strchr(name, '=');
  const size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name);
  const struct option *o = find(common_options, name, n);
  const struct option *own = find(r->verb->options, name, n);
  r->list = NULL;
  if (o == NULL) o = own;
  if (o == NULL) return unknown(r, name, n);
  if (o->value == NULL && equals != NULL) return err_set(r->e, PARLEY_EINVAL, _("--%s takes no value"), o->name);
  if (strcmp(o->name, "json") == 0 && own == NULL) r->out->json = true;
  if (strcmp(o->name, "help") == 0 && own == NULL) r->out->help = true;
  if (own == NULL) return PARLEY_OK;
  if (o->value == NULL) return add_option(r, o, NULL);
  const char *value = equals != NULL ? equals + 1 : next;
  *used = equals == NULL;
  if (value == NULL || (equals == NULL && strncmp(value, "--", 2) == 0))
    return err_set(r->e, PARLEY_EINVAL, _("--%s needs a value: --%s %s"), o->name, o->name, _(o->value));
  return add_option(r, o, value);
}

static void add_argument(struct reader *r, const char *word) {
  r->follows[r->out->n_arg] = r->list;
  r->out->arg[r->out->n_arg++] = word;
}

/* Arguments too many, that directly follow a list option's value, are further values of it. */
static void settle_lists(struct reader *r) {
  struct args *a = r->out;
  size_t kept = 0, surplus = a->n_arg > r->verb->max_args ? a->n_arg - r->verb->max_args : 0;
  for (size_t i = 0; i < a->n_arg; i++) {
    if (surplus > 0 && r->follows[i] != NULL) {
      a->given[a->n_given++] = (struct option_value){r->follows[i], a->arg[i]};
      surplus--;
    } else {
      a->arg[kept++] = a->arg[i];
    }
  }
  a->n_arg = kept;
}

static parley_err check_count(const struct reader *r) {
  const struct args *a = r->out;
  if (a->n_arg > r->verb->max_args)
    return err_set(r->e, PARLEY_EINVAL, _("\"%s\" is one argument too many"), a->arg[r->verb->max_args]);
  if (a->n_arg < r->verb->min_args)
    return err_set(r->e, PARLEY_EINVAL, _("something is missing: parley %s %s"), r->verb->name, _(r->verb->usage));
  return PARLEY_OK;
}

static parley_err read_words(struct reader *r, int argc, char **argv) {
  bool only_arguments = false;
  for (int i = 0; i < argc; i++) {
    bool used = false;
    parley_err rc = PARLEY_OK;
    if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0') {
      add_argument(r, argv[i]);
    } else if (strcmp(argv[i], "--") == 0) {
      only_arguments = true;
      r->list = NULL;
    } else if (strcmp(argv[i], "-h") == 0) {
      r->out->help = true;
    } else if (argv[i][1] != '-') {
      rc = err_set(r->e, PARLEY_EINVAL, _("there is no option %s; options begin with two hyphens."), argv[i]);
    } else {
      rc = read_option(r, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
    }
    if (rc != PARLEY_OK) return rc;
    i += used;
  }
  return PARLEY_OK;
}

parley_err args_parse(struct args *out, struct arena *a, const struct verb *verb, int argc, char **argv,
                      struct errmsg *e) {
  const size_t n = (size_t)argc + 1;
  *out = (struct args){.arg = arena_alloc(a, n * sizeof *out->arg), .given = arena_alloc(a, n * sizeof *out->given)};
  struct reader r = {.out = out, .verb = verb, .follows = arena_alloc(a, n * sizeof *r.follows), .e = e};
  if (out->arg == NULL || out->given == NULL || r.follows == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  const parley_err rc = read_words(&r, argc, argv);
  if (rc != PARLEY_OK) return rc;
  settle_lists(&r);
  return out->help ? PARLEY_OK : check_count(&r);
}

/* ---- asking ---- */

const char *args_nth(const struct args *a, const char *name, size_t i) {
  for (size_t k = 0; k < a->n_given; k++)
    if (strcmp(a->given[k].option->name, name) == 0 && i-- == 0) return a->given[k].value;
  return NULL;
}

const char *args_value(const struct args *a, const char *name) { return args_nth(a, name, 0); }

bool args_flag(const struct args *a, const char *name) {
  for (size_t k = 0; k < a->n_given; k++)
    if (strcmp(a->given[k].option->name, name) == 0) return true;
  return false;
}

parley_err args_number(int64_t *out, const struct args *a, const char *name, int64_t min, int64_t max,
                       struct errmsg *e) {
  const char *text = args_value(a, name);
  uint64_t x;
  if (text == NULL) return PARLEY_OK;
  if (!dec_decode(&x, bytes_str(text)) || x > INT64_MAX || (int64_t)x < min || (int64_t)x > max)
    return err_set(e, PARLEY_EINVAL, _("--%s takes a whole number from %lld to %lld, not \"%s\""), name, (long long)min,
                   (long long)max, text);
  *out = (int64_t)x;
  return PARLEY_OK;
}

/* ---- help ---- */

#define OPTION_COLUMNS 26
#define SCREEN_COLUMNS 80

static void print_options(const struct option *o) {
  for (; o != NULL && o->name != NULL; o++) {
    char left[128];
    snprintf(left, sizeof left, "--%s%s%s%s", o->name, o->value != NULL ? " " : "", o->value != NULL ? _(o->value) : "",
             o->list ? "…" : "");
    const size_t width = out_width(left);
    printf("  %s%*s %s\n", left, width < OPTION_COLUMNS ? (int)(OPTION_COLUMNS - width) : 0, "", _(o->help));
  }
}

static void print_exits(unsigned exits) {
  static const char *const words[] = {
      N_("done"),
      N_("refused or does not verify"),
      N_("wrong usage"),
      N_("not reached or not delivered in time"),
      N_("evidence of wrongdoing"),
      N_("consistent, identities not established"),
  };
  exits |= EXIT_BIT(EXIT_DONE) | EXIT_BIT(EXIT_REFUSED) | EXIT_BIT(EXIT_USAGE);
  const size_t indent = out_width(_("exit codes:"));
  size_t at = indent;
  printf("%s", _("exit codes:"));
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
    if ((exits & EXIT_BIT(i)) == 0) continue;
    const bool last = exits >> i == 1;
    const size_t width = out_width(_(words[i])) + (last ? 3 : 4); /* " 0 " before, a comma behind */
    if (at + width >= SCREEN_COLUMNS) {
      printf("\n%*s", (int)indent, "");
      at = indent;
    }
    printf(" %u %s%s", i, _(words[i]), last ? "" : ",");
    at += width;
  }
  printf("\n");
}

void help_print(const struct verb *v) {
  printf(_("usage: parley %s %s\n"), v->name, _(v->usage));
  printf("\n");
  out_text(_(v->about), 0);
  printf("\n");
  print_options(v->options);
  print_options(common_options);
  printf("\n%s\n", _("examples:"));
  for (size_t i = 0; i < 2 && v->examples[i]; i++) printf("  %s\n", v->examples[i]);
  printf("\n");
  print_exits(v->exits);
}
