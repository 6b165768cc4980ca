#include "base/json_path.h"

#include <stdio.h>
#include <string.h>

/* One open array or object, and where in it the walk stands. */
struct level {
  bool array, after_colon;
  size_t index;
  struct bytes name; /* raw text between the quotes */
};

struct walk {
  struct level levels[JSON_DEPTH_MAX];
  size_t depth;
};

size_t json_path_name(char path[static JSON_PATH_SIZE], size_t end, struct bytes name) {
  if (end > 0 && end + 1 < JSON_PATH_SIZE) path[end++] = '.';
  size_t room = JSON_PATH_SIZE - 1 - end, n = name.n < room ? name.n : room;
  if (n > 0) memcpy(path + end, name.p, n);
  path[end + n] = '\0';
  return end + n;
}

size_t json_path_index(char path[static JSON_PATH_SIZE], size_t end, size_t index) {
  int n = snprintf(path + end, JSON_PATH_SIZE - end, "[%zu]", index);
  size_t next = end + (n > 0 ? (size_t)n : 0);
  return next < JSON_PATH_SIZE ? next : JSON_PATH_SIZE - 1;
}

static void write_path(char path[static JSON_PATH_SIZE], const struct walk *w) {
  size_t end = 0;
  path[0] = '\0';
  for (size_t i = 0; i < w->depth; i++) {
    const struct level *l = &w->levels[i];
    if (l->array)
      end = json_path_index(path, end, l->index);
    else if (l->name.p != NULL)
      end = json_path_name(path, end, l->name);
  }
}

/* The string that opens at `from`; returns the offset after its closing quote, or `limit`. */
static size_t skip_string(struct bytes *inside, struct bytes text, size_t from, size_t limit) {
  size_t i = from + 1;
  while (i < limit && text.p[i] != '"') i += text.p[i] == '\\' ? 2 : 1;
  size_t end = i < limit ? i : limit;
  *inside = BYTES(text.p + from + 1, end - from - 1);
  return end < limit ? end + 1 : limit;
}

static void step(struct walk *w, uint8_t c) {
  struct level *l = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
  if (c == '[' || c == '{')
    w->levels[w->depth++] = (struct level){.array = c == '['};
  else if ((c == ']' || c == '}') && w->depth > 0)
    w->depth--;
  else if (c == ':' && l != NULL)
    l->after_colon = true;
  else if (c == ',' && l != NULL) {
    l->after_colon = false;
    l->index++;
  }
}

bool json_path_at(char path[static JSON_PATH_SIZE], struct bytes text, size_t position) {
  struct walk w = {.depth = 0};
  size_t limit = position < text.n ? position : text.n, i = 0;
  while (i < limit) {
    uint8_t c = text.p[i];
    if ((c == '[' || c == '{') && w.depth == JSON_DEPTH_MAX) {
      write_path(path, &w);
      return false;
    }
    if (c != '"') {
      step(&w, c);
      i++;
      continue;
    }
    struct bytes inside;
    i = skip_string(&inside, text, i, limit);
    struct level *l = w.depth > 0 ? &w.levels[w.depth - 1] : NULL;
    if (l != NULL && !l->array && !l->after_colon) l->name = inside;
  }
  write_path(path, &w);
  return true;
}
