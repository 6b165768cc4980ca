#include "cli/text.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "home/home.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PART_MAX 16 /* bytes of a language, a territory or a modifier */

static struct catalogue catalogue; /* the one global state: it lies below every text */

/* ---- files ---- */

/* In the build folder, and where an installation has it. */
static const char *const places[] = {"locale", "../share/locale"};

static bool open_file(const char *path) {
  struct buf file = {0};
  if (access(path, R_OK) != 0) return false;
  if (file_read(&file, path, CATALOGUE_MAX, NULL) == PARLEY_OK && catalogue_open(&catalogue, buf_view(&file)))
    return true; /* the file stays in memory until the end */
  fprintf(stderr, "parley: %s is damaged; texts are in English\n", path);
  catalogue = (struct catalogue){0};
  buf_free(&file);
  return true;
}

static bool open_name(const char *name) {
  char exe[HOME_PATH_MAX], path[HOME_PATH_MAX + 128];
  const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n <= 0) return false;
  exe[n] = '\0';
  const char *dir = dirname(exe);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(path, sizeof path, "%s/%s/%s/LC_MESSAGES/parley.mo", dir, places[i], name);
    if (open_file(path)) return true;
  }
  return false;
}

/* ---- languages ---- */

/* "ru_RU.UTF-8@x", up to a colon or the end: tries ru_RU@x, ru@x, ru_RU, ru. True when that settles the language. */
static bool open_language(const char *s) {
  const size_t lang = strspn(s, LETTERS);
  const char *place = s + lang;
  const size_t n_place = *place == '_' ? 1 + strspn(place + 1, LETTERS "0123456789") : 0;
  const char *mod = place + n_place;
  if (*mod == '.') mod += strcspn(mod, "@:");
  const size_t n_mod = *mod == '@' ? 1 + strspn(mod + 1, LETTERS "0123456789") : 0;
  if (lang == 0 || lang > PART_MAX || n_place > PART_MAX || n_mod > PART_MAX) return false;
  if (mod[n_mod] != ':' && mod[n_mod] != '\0') return false; /* also keeps slashes out of paths */
  if ((lang == 2 && strncmp(s, "en", 2) == 0) || (lang == 1 && *s == 'C')) return true; /* what the sources have */
  for (int i = 0; i < 4; i++) {
    char name[3 * PART_MAX + 1];
    snprintf(name, sizeof name, "%.*s%.*s%.*s", (int)lang, s, i % 2 == 0 ? (int)n_place : 0, place,
             i < 2 ? (int)n_mod : 0, mod);
    if (open_name(name)) return true;
  }
  return false;
}

static const char *locale_name(void) {
  static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (size_t i = 0; i < 3; i++) {
    const char *s = getenv(variables[i]);
    if (s != NULL && s[0] != '\0') return s;
  }
  return "";
}

void text_open(void) {
  const char *locale = locale_name(), *list = getenv("LANGUAGE");
  if (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0) return;
  if (list == NULL || list[0] == '\0') list = locale;
  while (!open_language(list) && (list = strchr(list, ':')) != NULL) list++;
}

/* ---- texts ---- */

const char *text_of(const char *id) {
  const char *s = id[0] != '\0' ? catalogue_find(&catalogue, id) : NULL;
  return s != NULL ? s : id;
}

const char *text_n(const char *one, const char *many, unsigned long n) {
  const char *s = catalogue_find_n(&catalogue, one, n);
  return s != NULL ? s : n == 1 ? one : many;
}
