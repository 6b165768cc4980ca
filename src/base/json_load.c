#include "base/json_load.h"

#include <setjmp.h>
#include <stdlib.h>

/*
 * While a text is read, every block that the reader takes is listed; the first that is not to be had ends the reading
 * with a jump out of it, and the list is freed. The reader keeps nothing else, so nothing of it is left.
 */
struct reading {
  jmp_buf end;
  void **blocks;
  size_t n, cap;
};

static _Thread_local struct reading *reading; /* NULL: nothing is being read */
static _Thread_local bool lost;

/* Jumps out when p, or the place for it in the list, could not be had. */
static void list(struct reading *r, void *p) {
  if (p != NULL && r->n == r->cap) {
    const size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
    void **blocks = realloc(r->blocks, cap * sizeof *blocks);
    if (blocks == NULL) {
      free(p);
      p = NULL;
    } else {
      r->blocks = blocks;
      r->cap = cap;
    }
  }
  if (p == NULL) longjmp(r->end, 1);
  r->blocks[r->n++] = p;
}

static void *take(size_t n) {
  void *p = malloc(n);
  if (reading != NULL) list(reading, p);
  if (p == NULL) lost = true;
  return p;
}

/* What is given back was mostly taken last. */
static void give_back(void *p) {
  struct reading *r = reading;
  for (size_t i = r != NULL && p != NULL ? r->n : 0; i > 0; i--)
    if (r->blocks[i - 1] == p) {
      r->blocks[i - 1] = r->blocks[--r->n];
      break;
    }
  free(p);
}

/* Before main, so before jansson is used. */
__attribute__((constructor)) static void set_allocator(void) { json_set_alloc_funcs(take, give_back); }

static json_t *read_listed(struct reading *r, struct bytes text, json_error_t *je, bool *no_memory) {
  *no_memory = setjmp(r->end) != 0;
  if (!*no_memory) return json_loadb(text.n > 0 ? (const char *)text.p : "", text.n, JSON_REJECT_DUPLICATES, je);
  for (size_t i = 0; i < r->n; i++) free(r->blocks[i]);
  return NULL;
}

json_t *json_load_text(struct bytes text, json_error_t *je, bool *no_memory) {
  struct reading r = {.n = 0};
  reading = &r;
  json_t *v = read_listed(&r, text, je, no_memory);
  reading = NULL;
  free(r.blocks);
  return v;
}

void json_lose(void) { lost = true; }

bool json_lost(void) {
  const bool was = lost;
  lost = false;
  return was;
}
