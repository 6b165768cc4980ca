#include <string.h>

#include "forum/statement.h"

static const char *const precedences[PRECEDENCE_COUNT] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
static const char *const tlps[TLP_COUNT] = {"clear", "green", "amber", "amber+strict", "red"};
static const char *const statuses[] = {"actual", "exercise", "test"};

/* Index of s in names, or n. */
static size_t lookup(const char *const *names, size_t n, const char *s) {
  size_t i = 0;
  while (i < n && strcmp(names[i], s) != 0) i++;
  return i;
}

const char *precedence_name(enum precedence p) { return precedences[p]; }

bool precedence_parse(enum precedence *out, const char *s) {
  size_t i = lookup(precedences, PRECEDENCE_COUNT, s);
  if (i == PRECEDENCE_COUNT) return false;
  *out = (enum precedence)i;
  return true;
}

const char *tlp_name(enum tlp t) { return tlps[t]; }

bool tlp_parse(enum tlp *out, const char *s) {
  size_t i = lookup(tlps, TLP_COUNT, s);
  if (i == TLP_COUNT) return false;
  *out = (enum tlp)i;
  return true;
}

const char *status_name(enum status s) { return statuses[s]; }

bool status_parse(enum status *out, const char *s) {
  size_t n = sizeof statuses / sizeof *statuses, i = lookup(statuses, n, s);
  if (i == n) return false;
  *out = (enum status)i;
  return true;
}

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

static bool is_label(char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; }

/* docs/protocol.md, "Conventions": party. */
bool party_name_valid(const char *name) {
  size_t n = strnlen(name, PARTY_NAME_MAX + 1), labels = 0, start = 0;
  if (n > PARTY_NAME_MAX) return false;
  for (size_t i = 0; i <= n; i++) {
    if (i < n && name[i] != '.') {
      if (!is_label(name[i])) return false;
      continue;
    }
    if (i == start || name[start] == '-' || name[i - 1] == '-') return false;
    labels++;
    start = i + 1;
  }
  return labels >= 2;
}

bool kind_valid(const char *kind) {
  size_t n = strnlen(kind, KIND_MAX + 1);
  if (n > KIND_MAX) return false;
  for (size_t i = 0, start = 0; i <= n; i++) {
    if (i < n && is_lower(kind[i])) continue;
    if ((i < n && kind[i] != '.') || i == start) return false;
    start = i + 1;
  }
  return true;
}

bool kind_is_open(const char *kind) { return strncmp(kind, "forum.", 6) == 0; }
