#include "cli/plural.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { DEPTH_MAX = 64, LEVELS = 6 };

struct reader {
  const char *p;
  unsigned long n;
  unsigned depth;
  bool bad;
};

static unsigned long choice(struct reader *r);

static bool take(struct reader *r, const char *word) {
  r->p += strspn(r->p, " \t");
  if (strncmp(r->p, word, strlen(word)) != 0) return false;
  r->p += strlen(word);
  return true;
}

static unsigned long value(struct reader *r) {
  unsigned long x = 0;
  r->bad = r->bad || r->depth > DEPTH_MAX;
  if (r->bad) return 0;
  if (take(r, "n")) return r->n;
  r->depth++;
  if (take(r, "!")) {
    x = !value(r);
  } else if (take(r, "(")) {
    x = choice(r);
    r->bad = r->bad || !take(r, ")");
  } else {
    r->bad = *r->p < '0' || *r->p > '9';
    while (*r->p >= '0' && *r->p <= '9') x = x * 10 + (unsigned long)(*r->p++ - '0');
  }
  r->depth--;
  return x;
}

/* The operator of this level that stands here, as its first character, or 'l' and 'g' for <= and >=; 0: none. */
static char operator(struct reader *r, unsigned level) {
  static const struct {
    const char *word;
    unsigned level;
    char op;
  } ops[] = {{"||", 0, '|'}, {"&&", 1, '&'}, {"==", 2, '='}, {"!=", 2, '!'}, {"<=", 3, 'l'},
             {">=", 3, 'g'}, {"<", 3, '<'},  {">", 3, '>'},  {"+", 4, '+'},  {"-", 4, '-'},
             {"*", 5, '*'},  {"/", 5, '/'},  {"%", 5, '%'}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (ops[i].level == level && take(r, ops[i].word)) return ops[i].op;
  return 0;
}

static unsigned long apply(char op, unsigned long x, unsigned long y) {
  switch (op) {
  case '|': return x != 0 || y != 0;
  case '&': return x != 0 && y != 0;
  case '=': return x == y;
  case '!': return x != y;
  case 'l': return x <= y;
  case 'g': return x >= y;
  case '<': return x < y;
  case '>': return x > y;
  case '+': return x + y;
  case '-': return x - y;
  case '*': return x * y;
  case '/': return y != 0 ? x / y : 0;
  default: return y != 0 ? x % y : 0;
  }
}

/* Operators from `level` on, those of one level from left to right. */
static unsigned long chain(struct reader *r, unsigned level) {
  if (level == LEVELS) return value(r);
  unsigned long x = chain(r, level + 1);
  for (char op; !r->bad && (op = operator(r, level)) != 0;) x = apply(op, x, chain(r, level + 1));
  return x;
}

static unsigned long choice(struct reader *r) {
  const unsigned long condition = chain(r, 0);
  if (r->bad || !take(r, "?")) return condition;
  r->depth++;
  r->bad = r->depth > DEPTH_MAX;
  const unsigned long yes = r->bad ? 0 : choice(r);
  r->bad = r->bad || !take(r, ":");
  const unsigned long no = r->bad ? 0 : choice(r);
  r->depth--;
  return condition != 0 ? yes : no;
}

unsigned long plural_form(const char *expression, unsigned long n) {
  struct reader r = {.p = expression, .n = n};
  if (expression == NULL) return n != 1;
  const unsigned long x = choice(&r);
  return r.bad || (*r.p != ';' && *r.p != '\n' && *r.p != '\0') ? n != 1 : x;
}
