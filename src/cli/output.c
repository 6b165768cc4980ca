#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/time.h"
#include "base/utf8.h"
#include "cli/text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define LABEL_COLUMNS 14

/* ---- making text safe ---- */

/* Controls, marks and overrides of direction, line and paragraph separators. */
static bool dangerous(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void add_safe(struct buf *out, struct bytes s, bool lines) {
  for (size_t i = 0; i < s.n;) {
    uint32_t c = 0;
    const size_t n = utf8_next(&c, s.p + i, s.n - i);
    if (n == 0)
      buf_str(out, REPLACEMENT);
    else if (c == '\n' && lines)
      buf_u8(out, '\n');
    else if (c == '\n' || c == '\t')
      buf_u8(out, ' ');
    else if (dangerous(c))
      buf_str(out, REPLACEMENT);
    else
      buf_add(out, s.p + i, n);
    i += n == 0 ? 1 : n;
  }
}

static void print_to(FILE *f, const char *fmt, va_list args) {
  char *text = NULL;
  struct buf safe = {0};
  if (vasprintf(&text, fmt, args) < 0) return; /* out of memory: nothing could be said */
  add_safe(&safe, bytes_str(text), true);
  if (buf_ok(&safe)) fwrite(safe.p, 1, safe.n, f);
  buf_free(&safe);
  free(text);
}

void out_print(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_to(stdout, fmt, args);
  va_end(args);
}

void out_note(const char *fmt, ...) {
  va_list args;
  fflush(stdout); /* the two in the order in which they were said */
  va_start(args, fmt);
  print_to(stderr, fmt, args);
  va_end(args);
}

/* The text of b in the arena; a fixed text instead when memory runs out. */
static const char *kept(struct cli *c, struct buf *b) {
  const char *s = buf_ok(b) ? arena_cstr(&c->arena, buf_view(b)) : NULL;
  buf_free(b);
  return s != NULL ? s : _("(out of memory)");
}

const char *out_line(struct cli *c, const char *s) {
  struct buf b = {0};
  add_safe(&b, bytes_str(s != NULL ? s : ""), false);
  return kept(c, &b);
}

/* ---- width ---- */

size_t out_width(const char *s) {
  size_t n = 0;
  for (; *s != '\0'; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
  return n;
}

size_t out_columns(void) {
  struct winsize w;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 40) return 80;
  return w.ws_col;
}

/* Bytes of the first n characters. */
static size_t bytes_of(const char *s, size_t n) {
  size_t i = 0;
  while (s[i] != '\0' && (n > 0 || ((unsigned char)s[i] & 0xc0) == 0x80)) {
    n -= ((unsigned char)s[i] & 0xc0) != 0x80;
    i++;
  }
  return i;
}

const char *out_cut(struct cli *c, const char *s, size_t n) {
  if (out_width(s) <= n || n == 0) return s;
  const char *cut = arena_fmt(&c->arena, "%.*s…", (int)bytes_of(s, n - 1), s);
  return cut != NULL ? cut : s;
}

static void spaces(size_t n) { printf("%*s", (int)n, ""); }

/* ---- paragraphs ---- */

/* Bytes of `line` (n of them) that go on one line of `columns`: up to the last blank that fits, else what fits. */
static size_t wrap_at(const char *line, size_t n, size_t columns) {
  size_t end = 0, width = 0, blank = 0;
  while (end < n && width <= columns) {
    if (line[end] == ' ') blank = end;
    if (width == columns && ((unsigned char)line[end] & 0xc0) != 0x80) break;
    width += ((unsigned char)line[end] & 0xc0) != 0x80;
    end++;
  }
  if (end == n) return n;
  return line[end] == ' ' || blank == 0 ? end : blank;
}

static void print_wrapped(const char *line, size_t n, size_t indent, size_t columns) {
  do {
    const size_t part = wrap_at(line, n, columns);
    if (part > 0) spaces(indent);
    fwrite(line, 1, part, stdout);
    putchar('\n');
    line += part;
    n -= part;
    while (n > 0 && *line == ' ') line++, n--;
  } while (n > 0);
}

void out_text(const char *s, size_t indent) {
  struct buf safe = {0};
  struct bytes rest, line;
  const size_t screen = out_columns() < 100 ? out_columns() : 100;
  add_safe(&safe, bytes_str(s), true);
  buf_u8(&safe, '\n');
  rest = buf_view(&safe);
  while (buf_ok(&safe) && bytes_line(&rest, &line))
    print_wrapped((const char *)line.p, line.n, indent, screen > indent + 20 ? screen - indent : 20);
  buf_free(&safe);
}

void out_field(struct cli *c, size_t indent, const char *label, const char *value) {
  if (value == NULL || value[0] == '\0') return;
  const size_t width = out_width(label);
  spaces(indent);
  printf("%s", label);
  spaces(width < LABEL_COLUMNS ? LABEL_COLUMNS - width : 1);
  printf("%s\n", out_line(c, value));
}

void out_heading(const char *s) { printf("\n%s\n", s); }

/* ---- JSON ---- */

int out_json(struct cli *c, json_t *o) {
  struct buf b = {0};
  const bool ok = o != NULL && json_write(&b, o);
  buf_u8(&b, '\n');
  if (ok && buf_ok(&b)) fwrite(b.p, 1, b.n, stdout);
  const int rc = ok && buf_ok(&b) ? EXIT_DONE : cli_no_memory(c);
  buf_free(&b);
  json_decref(o);
  return rc;
}

bool out_put_path(struct cli *c, json_t *o, const char *member, const char *path) {
  return json_put_str(o, member, path) || json_put_str(o, member, out_line(c, path));
}

const char *json_text(const json_t *o, const char *member) {
  const char *s = json_string_value(json_object_get(o, member));
  return s != NULL ? s : "";
}

/* ---- time, size, fingerprints ---- */

static const char *or_nothing(const char *s) { return s != NULL ? s : ""; }

static int two_digits(const char *s) { return (s[0] - '0') * 10 + s[1] - '0'; }

const char *out_time(struct cli *c, int64_t seconds) {
  /* One a month: languages decline its name, and order the parts in their own way. */
  static const char *const in_month[] = {
      N_("%04d-01-%02d %s UTC"), N_("%04d-02-%02d %s UTC"), N_("%04d-03-%02d %s UTC"), N_("%04d-04-%02d %s UTC"),
      N_("%04d-05-%02d %s UTC"), N_("%04d-06-%02d %s UTC"), N_("%04d-07-%02d %s UTC"), N_("%04d-08-%02d %s UTC"),
      N_("%04d-09-%02d %s UTC"), N_("%04d-10-%02d %s UTC"), N_("%04d-11-%02d %s UTC"), N_("%04d-12-%02d %s UTC"),
  };
  char t[TIME_TEXT_SIZE], clock[9];
  time_format(t, seconds); /* 2021-05-07T10:00:00Z */
  snprintf(clock, sizeof clock, "%.8s", t + 11);
  const int month = two_digits(t + 5);
  if (month < 1 || month > 12) return "";
  const int year = two_digits(t) * 100 + two_digits(t + 2);
  return or_nothing(arena_fmt(&c->arena, _(in_month[month - 1]), year, two_digits(t + 8), clock));
}

const char *out_when(struct cli *c, const json_t *o, const char *member) {
  int64_t t;
  const char *s = json_text(o, member);
  return time_parse(&t, bytes_str(s)) ? out_time(c, t) : out_line(c, s);
}

const char *out_size(struct cli *c, uint64_t bytes) {
  /* Whole and tenth apart, for a decimal comma. */
  static const char *const units[] = {N_("%u.%u kB"), N_("%u.%u MB"), N_("%u.%u GB"),
                                      N_("%u.%u TB"), N_("%u.%u PB"), N_("%u.%u EB")};
  if (bytes < 1000)
    return or_nothing(arena_fmt(&c->arena, text_n("%u byte", "%u bytes", (unsigned long)bytes), (unsigned)bytes));
  double x = (double)bytes / 1000;
  size_t i = 0;
  while (x >= 999.95 && i < 5) x /= 1000, i++;
  const unsigned tenths = (unsigned)(x * 10 + 0.5);
  return or_nothing(arena_fmt(&c->arena, _(units[i]), tenths / 10, tenths % 10));
}

const char *out_period(struct cli *c, int64_t seconds) {
  static const struct {
    int64_t seconds;
    const char *one, *many;
  } units[] = {{86400, NP_("%lld day", "%lld days")},
               {3600, NP_("%lld hour", "%lld hours")},
               {60, NP_("%lld minute", "%lld minutes")},
               {1, NP_("%lld second", "%lld seconds")}};
  size_t i = 0;
  while (i < 3 && (seconds < units[i].seconds || seconds % units[i].seconds != 0)) i++;
  const long long n = (long long)(seconds / units[i].seconds);
  return or_nothing(arena_fmt(&c->arena, text_n(units[i].one, units[i].many, (unsigned long)n), n));
}

void out_fingerprint(const uint8_t fp[static SHA256_SIZE], size_t indent) {
  char groups[80];
  fingerprint_groups(groups, fp);
  for (char *line = groups; line != NULL;) {
    char *end = strchr(line, '\n');
    if (end != NULL) *end++ = '\0';
    while (*line == ' ') line++;
    spaces(indent);
    printf("%s\n", line);
    line = end;
  }
}

/* ---- tables ---- */

void table_add(struct table *t, const char *text) {
  if (t->n == t->cap) {
    const size_t cap = t->cap == 0 ? 64 : t->cap * 2;
    const char **cell = realloc(t->cell, cap * sizeof *cell);
    if (cell == NULL) {
      t->failed = true;
      return;
    }
    t->cell = cell;
    t->cap = cap;
  }
  t->cell[t->n++] = text != NULL ? text : "";
}

static void print_row(struct cli *c, const struct table *t, size_t row, const size_t *width, size_t screen) {
  size_t at = 0;
  for (size_t k = 0; k < t->columns; k++) {
    const char *s = t->cell[row * t->columns + k];
    const bool last = k + 1 == t->columns;
    if (last && isatty(STDOUT_FILENO) && screen > at + 10) s = out_cut(c, s, screen - at);
    printf("%s", s);
    if (!last) spaces(width[k] - out_width(s) + 2);
    at += width[k] + 2;
  }
  putchar('\n');
}

void table_print(struct cli *c, struct table *t) {
  size_t width[12] = {0};
  const size_t rows = t->n / t->columns;
  for (size_t i = 0; i < rows * t->columns; i++) {
    const size_t w = out_width(t->cell[i]);
    if (w > width[i % t->columns]) width[i % t->columns] = w;
  }
  for (size_t r = 0; r < rows; r++) print_row(c, t, r, width, out_columns());
  if (t->failed) out_note("%s\n", _("out of memory: not all rows are shown."));
  free(t->cell);
  *t = (struct table){.columns = t->columns};
}
