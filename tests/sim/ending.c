/*
 * After everything has healed: when it is over, and what must be true then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

#define BOXED 300 /* newest statements that are looked for in the boxes, which show a thousand each */

static bool missing(char *why, size_t size, const char *fmt, const char *a, const char *b) {
  snprintf(why, size, fmt, a, b);
  return false;
}

/* A log of a node that was set back may be stopped; its own statements then wait for people. */
static bool excused(const struct home *h) { return !h->w->recovers && recovery_due(h); }

/* ---- reached? ---- */

/* What the liar holds is its own affair. */
static bool log_arrived(struct world *w, const struct home *h, const struct node_log_view *own, char *why, size_t n) {
  struct node_log_view v;
  if (own->signed_size != own->size) return missing(why, n, "%s has not signed all of %s", h->name, own->origin);
  for (unsigned i = 0; i < w->n; i++)
    if (!w->homes[i].liar && home_log_view(&w->homes[i], own->origin, &v) && !v.own && v.signed_size != own->size)
      return missing(why, n, "%s has not cosigned all of %s", w->homes[i].name, own->origin);
  return true;
}

static bool logs_arrived(struct world *w, char *why, size_t n) {
  struct node_log_view v;
  for (unsigned i = 0; i < w->n; i++) {
    struct home *h = &w->homes[i];
    if (h->liar) continue;
    if (!h->up) return missing(why, n, "%s is not up%s", h->name, "");
    for (size_t k = 0; k < 2 && node_log_at(h->node, k, &v); k++) /* of the newest epoch */
      if (v.own && !v.stopped && !log_arrived(w, h, &v, why, n)) return false;
  }
  return true;
}

static bool party_has(const struct home *to, const json_t *delivery, const struct sent *s, char *why, size_t n) {
  size_t i;
  json_t *d;
  json_array_foreach((json_t *)delivery, i, d) {
    const char *party = json_string_value(json_object_get(d, "party"));
    if (!party || strcmp(party, to->name)) continue;
    if (!json_object_get(d, "delivered")) return missing(why, n, "%.64s is not delivered to %s", s->id, to->name);
    if (s->n_files && !json_object_get(d, "files_delivered"))
      return missing(why, n, "the files of %.64s are not delivered to %s", s->id, to->name);
    if (homes_has(&s->acked_by, to->number) && !to->set_back && !json_object_get(d, "read"))
      return missing(why, n, "the ack of %.64s by %s has not arrived", s->id, to->name);
    return true;
  }
  return missing(why, n, "%.64s does not name %s among its addressees", s->id, to->name);
}

static bool statement_arrived(struct world *w, const struct sent *s, char *why, size_t n) {
  struct home *h = &w->homes[s->from];
  unsigned status = 0;
  json_t *o;
  char path[96];
  snprintf(path, sizeof path, "/v1/statements/%s", s->id);
  bool ok = client_get_json(h, path, "", &status, &o) && status == 200;
  if (!ok) missing(why, n, "%s does not show %s", h->name, s->id);
  for (unsigned i = 0; i < w->n && ok; i++)
    if (homes_has(&s->to, i) && !w->homes[i].liar)
      ok = party_has(&w->homes[i], json_object_get(o, "delivery"), s, why, n);
  json_decref(o);
  return ok;
}

const char *ending_lacks_card(const struct home *h) {
  const struct world *w = h->w;
  const struct card *c;
  for (size_t p = 0; !h->liar && (c = node_pinned(h->node, p)) != NULL; p++) {
    const unsigned k = (unsigned)strtoul(c->name + strcspn(c->name, "0123456789"), NULL, 10);
    if (k < w->n && w->homes[k].liar) continue;
    if (k >= w->n || c->serial + 1 != w->homes[k].n_cards) return c->name;
  }
  return NULL;
}

static bool cards_arrived(struct world *w, char *why, size_t n) {
  for (unsigned i = 0; i < w->n; i++) {
    const char *of = ending_lacks_card(&w->homes[i]);
    if (of) return missing(why, n, "%s does not hold the newest card of %s", w->homes[i].name, of);
  }
  return true;
}

bool ending_reached(struct world *w, char *why, size_t n) {
  if (w->recovers && recovery_due(&w->homes[0])) return missing(why, n, "%s has not recovered%s", w->homes[0].name, "");
  if (!logs_arrived(w, why, n) || !cards_arrived(w, why, n) || !amend_agreed(w, why, n)) return false;
  for (size_t i = 0; i < w->drafts_n; i++)
    if (w->drafts[i].state != DRAFT_OVER && !excused(&w->homes[w->drafts[i].home]))
      return missing(why, n, "draft %s of %s is not sent", w->drafts[i].id, w->homes[w->drafts[i].home].name);
  for (size_t i = 0; i < w->locals_n; i++)
    if (w->locals[i]->call && !w->homes[w->locals[i]->home].liar && !excused(&w->homes[w->locals[i]->home]))
      return missing(why, n, "a client of %s still waits for its answer%s", w->homes[w->locals[i]->home].name, "");
  for (; w->arrived < w->sent_n; w->arrived++) { /* what has arrived stays so: ending_check looks again */
    const struct sent *s = &w->sent[w->arrived];
    if (s->accepted && !excused(&w->homes[s->from]) && !statement_arrived(w, s, why, n)) return false;
  }
  return liar_found(w, why, n);
}

/* ---- the rest ---- */

static void check_backup(struct home *h) {
  struct node_log_view v;
  for (size_t k = 0; h->set_back && node_log_at(h->node, k, &v); k++)
    if (v.own && home_must_stop(h, v.origin) && !v.stopped)
      violation(h->w, "backup", "%s was set back from %llu signed entries of %s and has not stopped", h->name,
                (unsigned long long)memory_find(&h->signed_before, v.origin, SIGNER_LOG)->tree.size, v.origin);
}

static void check_convictions(struct home *h) {
  struct node_log_view v;
  for (size_t k = 0; node_log_at(h->node, k, &v); k++) {
    struct arena a = {0};
    struct bytes out;
    char key[ORIGIN_MAX + 8];
    if (h->w->has_liar && strstr(v.origin, h->w->homes[h->w->n - 1].name)) continue;
    snprintf(key, sizeof key, "fork/%s", v.origin);
    if (store_get(h->store, STORE_LOGS, bytes_str(key), &a, &out, NULL) != PARLEY_ENOTFOUND)
      violation(h->w, "I3", "%s convicts the honest log %s", h->name, v.origin);
    arena_free(&a);
  }
}

static bool from_liar(const struct world *w, struct bytes row) {
  char from[NAME_SIZE + 16];
  snprintf(from, sizeof from, "\"from\":\"%s\"", w->homes[w->n - 1].name);
  return w->has_liar && memmem(row.p, row.n, from, strlen(from));
}

static parley_err check_problem(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct home *h = ctx;
  if (from_liar(h->w, v)) return PARLEY_OK;
  static const char word[] = "\"problem\"";
  (void)e;
  for (size_t i = 0; i + sizeof word <= v.n; i++)
    if (!memcmp(v.p + i, word, sizeof word - 1))
      violation(h->w, "I7", "%s marks %02x%02x%02x%02x: %.*s", h->name, key.p[0], key.p[1], key.p[2], key.p[3],
                (int)(v.n < 380 ? v.n : 380), (const char *)v.p);
  return PARLEY_OK;
}

static bool listed(const json_t *list, const char *id) {
  size_t i;
  json_t *row;
  json_array_foreach((json_t *)list, i, row) {
    const char *text = json_string_value(json_object_get(row, "id"));
    if (text && !strcmp(text, id)) return true;
  }
  return false;
}

/* What was accepted stands in its author's box, and in that of each addressee. */
static void check_boxes(struct home *h) {
  struct world *w = h->w;
  unsigned status = 0;
  json_t *in = NULL, *out = NULL;
  if (h->set_back || !client_get_json(h, "/v1/statements", "box=inbox&limit=1000", &status, &in) ||
      !client_get_json(h, "/v1/statements", "box=sent&limit=1000", &status, &out)) {
    json_decref(in);
    return;
  }
  for (size_t i = w->sent_n > BOXED ? w->sent_n - BOXED : 0; i < w->sent_n && !violated(w); i++) {
    const struct sent *s = &w->sent[i];
    const bool ours = s->from == h->number, theirs = homes_has(&s->to, h->number);
    if (!s->accepted || excused(&w->homes[s->from])) continue;
    if (ours && !listed(json_object_get(out, "statements"), s->id))
      violation(w, "I1", "%s does not list %.16s among what it sent", h->name, s->id);
    if (theirs && !listed(json_object_get(in, "statements"), s->id))
      violation(w, "I6", "%s does not list %.16s in its inbox", h->name, s->id);
  }
  json_decref(in);
  json_decref(out);
}

static void check_files(struct world *w, const struct sent *s) {
  if (excused(&w->homes[s->from])) return;
  for (unsigned i = 0; i < w->n && !violated(w); i++)
    for (size_t k = 0; k < s->n_files && !w->homes[i].liar && (i == s->from || homes_has(&s->to, i)); k++)
      if (!client_check_file(&w->homes[i], s, k, "I5")) return;
}

void ending_check_heartbeats(struct world *w) {
  for (unsigned i = 0; i < w->n && !violated(w); i++)
    for (unsigned k = 0; k < w->n; k++)
      if (i != k && !w->homes[i].liar && !w->homes[k].liar && !w->renewed[i][k] && !excused(&w->homes[i]))
        violation(w, "I9", "two heartbeats have passed, and %s has not cosigned the log of %s again", w->homes[k].name,
                  w->homes[i].name);
}

void ending_check(struct world *w) {
  for (unsigned i = 0; i < w->n && !violated(w); i++) {
    struct home *h = &w->homes[i];
    if (h->liar) continue;
    invariants_started(h);
    check_backup(h);
    check_convictions(h);
    liar_check(h);
    check_boxes(h);
    if (!w->homes[0].set_back)
      store_scan(h->store, STORE_STATEMENTS, BYTES_NONE, BYTES_NONE, false, check_problem, h, NULL);
    records_compare(w, h);
  }
  for (size_t i = 0; i < w->sent_n && !violated(w); i++)
    if (w->sent[i].accepted) check_files(w, &w->sent[i]);
  if (!violated(w)) views_check(w);
  if (!violated(w)) receipts_check(w);
}
