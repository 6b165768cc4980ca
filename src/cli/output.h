/*
 * What people see. Text from outside is never printed as it is: control characters and those that turn the direction
 * of writing are replaced, so that nobody's title can repaint a terminal or forge a line.
 */
#ifndef PARLEY_CLI_OUTPUT_H
#define PARLEY_CLI_OUTPUT_H

#include "base/json.h"
#include "cli/cli.h"

/* To standard output and standard error. Control characters but line feeds in what is formatted are replaced. */
__attribute__((format(printf, 1, 2))) void out_print(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void out_note(const char *fmt, ...);

/* A text as one safe line, in the arena: line feeds and tabs become spaces. Never NULL. */
const char *out_line(struct cli *c, const char *s);
/* A text of several lines, wrapped at the width of the screen, each line after `indent` spaces. */
void out_text(const char *s, size_t indent);
/*
 * "label   value" after `indent` spaces, label padded to a common width; value is made one safe line. Nothing when
 * value is NULL or "".
 */
void out_field(struct cli *c, size_t indent, const char *label, const char *value);
/* A heading line. */
void out_heading(const char *s);

/* Puts a path; one that is not UTF-8 as out_line shows it. False when memory is out. */
bool out_put_path(struct cli *c, json_t *o, const char *member, const char *path);
/* Prints the object as one line and frees it. */
int out_json(struct cli *c, json_t *o);

/* Characters (not bytes) of a text, and columns of the screen (80 when it is none). */
size_t out_width(const char *s);
size_t out_columns(void);
/* The first n characters of s, with "…" when something was cut; in the arena. */
const char *out_cut(struct cli *c, const char *s, size_t n);

/* "2021-05-07 10:00:00 UTC" in English, from seconds or from the time of JSON; in the arena, "" when absent. */
const char *out_time(struct cli *c, int64_t seconds);
const char *out_when(struct cli *c, const json_t *o, const char *member);
/* "1.3 MB", "900 bytes". */
const char *out_size(struct cli *c, uint64_t bytes);
/* "10 minutes", "3 hours". */
const char *out_period(struct cli *c, int64_t seconds);
/* Fingerprint in groups, two lines, the second indented. */
void out_fingerprint(const uint8_t fp[static SHA256_SIZE], size_t indent);

/* A string member as it is, "" when absent. */
const char *json_text(const json_t *o, const char *member);

/* ---- tables ---- */

struct table {
  size_t columns, n, cap;
  const char **cell;
  bool failed;
};

/* Adds a cell (not copied); rows fill from left to right. */
void table_add(struct table *t, const char *text);
/* The last column is cut where it would not fit the screen. Frees the cells. */
void table_print(struct cli *c, struct table *t);

#endif
