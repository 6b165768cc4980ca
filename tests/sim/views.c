/*
 * What the nodes show of equal records: nothing of it is stored, so it is compared from node to node, and with what the clients know.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

#define LOOKED_AT 60 /* newest statements that are compared */

static json_t *shown(struct home *h, const struct sent *s) {
  unsigned status = 0;
  json_t *o = NULL;
  char path[96];
  snprintf(path, sizeof path, "/v1/statements/%s", s->id);
  client_get_json(h, path, "", &status, &o);
  return o;
}

static bool alike(const json_t *a, const json_t *b, const char *name) {
  const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
  return x && y ? json_equal(x, y) : x == y;
}

static const json_t *delivery_to(const json_t *o, const char *party) {
  const json_t *list = json_object_get(o, "delivery");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_object_get(json_array_get(list, i), "party"));
    if (name && !strcmp(name, party)) return json_array_get(list, i);
  }
  return NULL;
}

/* To this addressee, as its author and it itself show it. */
static bool deliveries_alike(const json_t *author, const json_t *addressee, const char *party) {
  const json_t *x = delivery_to(author, party), *y = delivery_to(addressee, party);
  return x && y && alike(x, y, "read") && alike(x, y, "officer") && alike(x, y, "ack") && alike(x, y, "disputed") &&
         !json_object_get(x, "delivered") == !json_object_get(y, "delivered");
}

static void check_state(struct home *h, const struct sent *s, const json_t *o) {
  struct world *w = h->w;
  bool read = true, delivered = true;
  for (unsigned i = 0; i < w->n; i++) {
    if (!homes_has(&s->to, i)) continue;
    read &= homes_has(&s->acked_by, i);
    delivered &= !w->homes[i].liar;
  }
  const bool ours = h->number == s->from, acked = homes_has(&s->acked_by, h->number);
  const char *state = json_string_value(json_object_get(o, "state"));
  if (!state) state = "nothing";
  const bool good = ours ? !strcmp(state, "read") || (!read && !strcmp(state, "delivered"))
                         : !strcmp(state, "acknowledged") || (!acked && !strcmp(state, "received"));
  if (delivered && !good) violation(w, "I12", "%s shows %.16s as %s", h->name, s->id, state);
}

static void check_one(struct world *w, const struct sent *s, bool crossed) {
  static const char *const names[] = {"id",  "forum",  "from",    "kind", "issued",     "to",
                                      "tlp", "status", "problem", "mark", "precedence", "outer"};
  json_t *first = shown(&w->homes[s->from], s);
  const char *mark = json_string_value(json_object_get(first, "mark"));
  if (mark && (!crossed ||
               !strcmp(mark, "out_of_order"))) /* honest, it cites what was in force; that may turn out not to hold */
    violation(w, "I12", "%s marks its own %.16s: %s", w->homes[s->from].name, s->id, mark);
  for (unsigned i = 0; i < w->n && !violated(w); i++) {
    struct home *h = &w->homes[i];
    if (h->liar || (h->number != s->from && !homes_has(&s->to, i) && !one_in(w, 4))) continue;
    json_t *o = shown(h, s);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
      if (!alike(first, o, names[k]))
        violation(w, "I12", "%s and %s show another %s of %.16s", w->homes[s->from].name, h->name, names[k], s->id);
    const bool reads = h->number == s->from || homes_has(&s->to, i);
    if (reads && !alike(first, o, "files"))
      violation(w, "I12", "%s and %s show other files of %.16s", w->homes[s->from].name, h->name, s->id);
    if (homes_has(&s->to, i) && !w->homes[s->from].liar && !deliveries_alike(first, o, h->name))
      violation(w, "I12", "%s and %s show another delivery of %.16s", w->homes[s->from].name, h->name, s->id);
    if (reads) check_state(h, s, o);
    json_decref(o);
  }
  json_decref(first);
}

/* ---- status ---- */

static int64_t number_of(const json_t *o, const char *name) {
  const json_t *v = json_object_get(o, name);
  return json_is_integer(v) ? json_integer_value(v) : -1;
}

static const json_t *line_to(const json_t *status, const char *party) {
  const json_t *peers = json_object_get(status, "peers");
  for (size_t i = 0; i < json_array_size(peers); i++) {
    const json_t *p = json_array_get(peers, i);
    const char *name = json_string_value(json_object_get(p, "party"));
    if (name && !strcmp(name, party)) return json_array_get(json_object_get(p, "forums"), 0);
  }
  return NULL;
}

static void check_line(struct home *a, struct home *b, const json_t *one, const json_t *two) {
  const json_t *there = line_to(one, b->name), *back = line_to(two, a->name);
  if (!there || !back)
    violation(a->w, "I12", "%s and %s do not both show the line between them", a->name, b->name);
  else if (number_of(there, "ours") != number_of(back, "theirs") ||
           number_of(there, "ours_held") != number_of(there, "ours") ||
           json_array_size(json_object_get(there, "waiting")))
    violation(a->w, "I12", "%s shows %lld entries, %lld held by %s, %zu waiting; %s shows %lld", a->name,
              (long long)number_of(there, "ours"), (long long)number_of(there, "ours_held"), b->name,
              json_array_size(json_object_get(there, "waiting")), b->name, (long long)number_of(back, "theirs"));
}

static void check_lines(struct world *w) {
  json_t *status[SIM_PARTIES_MAX] = {NULL};
  unsigned code;
  for (unsigned i = 0; i < w->n && !violated(w); i++)
    if (!w->homes[i].liar) client_get_json(&w->homes[i], "/v1/status", "", &code, &status[i]);
  for (unsigned i = 0; i < w->n; i++)
    for (unsigned k = 0; k < w->n && !violated(w); k++)
      if (i != k && status[i] && status[k]) check_line(&w->homes[i], &w->homes[k], status[i], status[k]);
  for (unsigned i = 0; i < w->n; i++) json_decref(status[i]);
}

void views_check(struct world *w) {
  if (w->homes[0].set_back) return;
  const bool crossed = w->amended && amend_crossed(&w->homes[0]);
  if (w->n <= SIM_PARTIES_PROPOSED) check_lines(w);
  for (size_t i = w->sent_n > LOOKED_AT ? w->sent_n - LOOKED_AT : 0; i < w->sent_n && !violated(w); i++)
    if (w->sent[i].accepted) check_one(w, &w->sent[i], crossed);
}
