/*
 * I6 and I7: each log and its mirrors, entry by entry.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

#define COMPARED 8 /* mirrors of one log that are read entry by entry */

struct held_seen {
  char line[256];
};

struct audit {
  struct world *w;
  struct home *author;
  const char *origin;
  struct held_seen *seen;
  size_t n, cap;
  uint8_t (*acked)[32];
  size_t n_acked, acked_cap;
  /* For each party: entries up to the last that is addressed to it; the largest tree of a held line of it. */
  uint64_t addressed[SIM_PARTIES_MAX], held[SIM_PARTIES_MAX];
  char opened[65]; /* the version that it opened last */
};

/* What an epoch left undelivered is put on the record in the one after. */
static bool same_or_older(const struct audit *au, const char *origin) {
  const size_t n = (size_t)(strrchr(au->origin, '/') - au->origin) + 1;
  return !strcmp(origin, au->origin) ||
         (!strncmp(origin, au->origin, n) && strtoul(origin + n, NULL, 10) < strtoul(au->origin + n, NULL, 10));
}

static void check_held(struct audit *au, const struct held *h) {
  struct world *w = au->w;
  struct hash root;
  bool verified = false;
  for (size_t i = 0; i < au->n; i++)
    if (!strcmp(au->seen[i].line, h->line) &&
        !au->author->set_back) /* it may say again what it no longer knew to have said */
      violation(w, "I7", "a held line stands twice in %s: %.80s", au->origin, h->line);
  void *seen = au->seen;
  const bool ok = grow(w, &seen, &au->cap, au->n + 1, sizeof *au->seen);
  au->seen = seen;
  if (!ok) return;
  snprintf(au->seen[au->n++].line, sizeof au->seen->line, "%s", h->line);
  if (!same_or_older(au, h->origin) || node_log_root(au->author->node, h->origin, h->size, &root, NULL) ||
      !hash_eq(&root, &h->root))
    violation(w, "I7", "a held line in %s names a tree that never was", au->origin);
  struct buf text = {0};
  checkpoint_text(&text, h->origin, h->size, &h->root);
  for (unsigned i = 0; i < w->n && !verified; i++) {
    verified = home_cosigned(&w->homes[i], bytes_str(h->line), buf_view(&text));
    if (verified && h->size > au->held[i]) au->held[i] = h->size;
  }
  buf_free(&text);
  if (!verified) violation(w, "I7", "a held line in %s does not verify", au->origin);
}

static void check_heard(struct audit *au, const struct heard *h) {
  struct world *w = au->w;
  for (unsigned i = 0; i < w->n; i++) {
    struct home *of = &w->homes[i];
    struct hash root;
    char origin[ORIGIN_MAX + 1];
    uint8_t forum[32];
    if (strcmp(of->name, h->party) || of->set_back || of->liar || !hex_decode(forum, 32, bytes_str(w->forum))) continue;
    log_origin(origin, of->name, forum, h->epoch, false);
    if (node_log_root(of->node, origin, h->size, &root, NULL) || !hash_eq(&root, &h->root))
      violation(w, "I7", "%s heard a tree of %s that never was", au->author->name, of->name);
  }
}

/* Held here and addressed there: there it has a row without a problem. */
static void check_row(struct audit *au, const struct statement *s, const char *id, struct home *there) {
  unsigned status = 0;
  json_t *o;
  char path[96];
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  if (!client_get_json(there, path, "", &status, &o)) return;
  const char *problem = json_string_value(json_object_get(o, "problem"));
  const char *box = json_string_value(json_object_get(o, "box"));
  const bool backup = au->w->homes[0].set_back;
  if (status != 200 || !box || strcmp(box, "inbox"))
    violation(au->w, "I6", "%s holds %.16s (%s) and %s has no row of it (%u)", au->author->name, id, s->kind,
              there->name, status);
  else if (problem && !backup)
    violation(au->w, "I7", "%s finds a problem with %.16s (%s) of %s: %s", there->name, id, s->kind, au->author->name,
              problem);
  json_decref(o);
}

static void check_ack(struct audit *au, const struct statement *s) {
  for (size_t i = 0; i < au->n_acked; i++)
    if (!memcmp(au->acked[i], s->re[0], 32) && !au->author->set_back)
      violation(au->w, "I7", "%s acknowledged one statement twice", au->author->name);
  void *acked = au->acked;
  const bool ok = grow(au->w, &acked, &au->acked_cap, au->n_acked + 1, sizeof *au->acked);
  au->acked = acked;
  if (ok) memcpy(au->acked[au->n_acked++], s->re[0], 32);
}

static void note_addressees(struct audit *au, const struct statement *s, uint64_t index) {
  for (unsigned i = 0; i < au->w->n; i++)
    for (size_t k = 0; k < s->n_to; k++)
      if (!strcmp(s->to[k], au->w->homes[i].name)) au->addressed[i] = index + 1;
}

/* The cosignature that delivers a statement is put on the record (docs/protocol.md, section 6). */
static void check_recorded(struct audit *au) {
  for (unsigned i = 0; i < au->w->n && !au->w->homes[0].set_back; i++)
    if (au->held[i] < au->addressed[i] && !au->w->homes[i].liar)
      violation(au->w, "I7", "no held line of %s in %s covers entry %llu, which is addressed to it",
                au->w->homes[i].name, au->origin, (unsigned long long)au->addressed[i] - 1);
}

/* An honest author cites the version that its log has opened last. */
static void check_cited(struct audit *au, const struct statement *s) {
  char cited[65];
  hex_encode(cited, BYTES(s->charter, SHA256_SIZE));
  if (strcmp(cited, au->opened))
    violation(au->w, "I11", "%s cites %.16s in %s, which has opened %.16s last", au->author->name, cited, au->origin,
              au->opened);
}

static void check_in_force(struct audit *au) {
  char now[65];
  amend_in_force(au->author, now);
  if (strcmp(now, au->opened))
    violation(au->w, "I11", "%s has opened %.16s last, and %.16s is in force", au->origin, au->opened, now);
}

static void check_statement(struct audit *au, struct bytes entry, uint64_t index, struct home *there) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct hash leaf;
  struct errmsg e = {{0}};
  char id[65];
  statement_id(&leaf, entry);
  hex_encode(id, BYTES(leaf.b, 32));
  if (statement_parse(&s, &a, entry, &d, &e)) {
    violation(au->w, "I6", "an entry of %s is no statement: %s", au->origin, e.text);
  } else {
    for (size_t i = 0; i < s.n_held && !violated(au->w); i++) check_held(au, &s.held[i]);
    for (size_t i = 0; i < s.n_heard && !violated(au->w); i++) check_heard(au, &s.heard[i]);
    if (!strcmp(s.kind, "ack")) check_ack(au, &s);
    if (!strcmp(s.kind, "forum.charter")) hex_encode(au->opened, BYTES(s.charter, SHA256_SIZE));
    if (strncmp(s.kind, "forum.", 6)) check_cited(au, &s);
    note_addressees(au, &s, index);
    check_row(au, &s, id, there);
  }
  statement_clear(&s);
  arena_free(&a);
}

static bool fetch(struct home *h, const char *origin, uint64_t i, struct arena *a, struct bytes *out) {
  return node_log_entry(h->node, origin, i, a, out, NULL) == PARLEY_OK;
}

/* The charter comes first, or after the epoch, and after a card newer than the one that it names (docs/protocol.md, sections 4 and 5). */
static bool check_opening(struct audit *au, uint64_t index, struct bytes entry) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  const bool charter = !statement_parse(&s, &a, entry, &d, NULL) && !strcmp(s.kind, "forum.charter");
  if (!charter && strcmp(s.kind, "forum.card") && (index > 0 || strcmp(s.kind, "forum.epoch")))
    violation(au->w, "I6", "%s does not begin with its charter", au->origin);
  statement_clear(&s);
  arena_free(&a);
  return charter;
}

/* The own log here, its mirror there. */
static void compare(struct world *w, struct home *author, struct home *there, const struct node_log_view *v,
                    bool entries) {
  struct audit au = {.w = w, .author = author, .origin = v->origin};
  const bool bulk = strstr(v->origin, "/bulk") != NULL;
  bool opened = false;
  struct hash one, two;
  if (v->size && (node_log_root(author->node, v->origin, v->size, &one, NULL) ||
                  node_log_root(there->node, v->origin, v->size, &two, NULL) || !hash_eq(&one, &two)))
    violation(w, "I6", "%s and %s hold different trees of %s", author->name, there->name, v->origin);
  for (uint64_t i = 0; i < v->size && entries && !violated(w); i++) {
    struct arena a = {0};
    struct bytes x, y;
    if (!fetch(author, v->origin, i, &a, &x) || !fetch(there, v->origin, i, &a, &y) || !bytes_eq(x, y))
      violation(w, "I6", "entry %llu of %s differs between %s and %s", (unsigned long long)i, v->origin, author->name,
                there->name);
    else if (!bulk)
      check_statement(&au, x, i, there);
    if (!bulk && !opened && !violated(w)) opened = check_opening(&au, i, x);
    arena_free(&a);
  }
  if (entries && !violated(w)) check_recorded(&au);
  if (entries && !bulk && !violated(w)) check_in_force(&au);
  free(au.seen);
  free(au.acked);
}

/* Entry by entry against COMPARED of the others, drawn by lot where there are more; the trees against all. */
void records_compare(struct world *w, struct home *h) {
  struct node_log_view v;
  for (size_t k = 0; k < 2 && node_log_at(h->node, k, &v) && !violated(w); k++)
    for (unsigned i = 0; i < w->n && v.own && !v.stopped; i++)
      if (i != h->number && !w->homes[i].liar && !violated(w))
        compare(w, h, &w->homes[i], &v, below(w, w->n) < COMPARED);
}
