/*
 * What left a node under its keys, for ever: never two roots for one size (I3), and every cosignature is over entries that
 * are still held (I2).
 */
#include <stdlib.h>
#include <string.h>

#include "formats/tlog.h"

#include "world.h"

/* ---- the table ---- */

static size_t hash_of(unsigned home, bool mirror, const char *origin, uint64_t size) {
  uint64_t h = 0xcbf29ce484222325 ^ home * 2 ^ mirror ^ size << 20;
  for (; *origin; origin++) h = (h ^ (uint8_t)*origin) * 0x100000001b3;
  return (size_t)(h ^ h >> 29);
}

/* Where it stands in the table, or belongs. */
static size_t *slot(struct world *w, unsigned home, bool mirror, const char *origin, uint64_t size) {
  const size_t mask = w->claim_table_n - 1;
  for (size_t i = hash_of(home, mirror, origin, size) & mask;; i = (i + 1) & mask) {
    if (!w->claim_table[i]) return &w->claim_table[i];
    const struct claim *c = &w->claims[w->claim_table[i] - 1];
    if (c->home == home && c->mirror == mirror && c->tree.size == size && !strcmp(c->origin, origin))
      return &w->claim_table[i];
  }
}

/* At most half of the table is in use. */
static bool make_room(struct world *w) {
  if (2 * (w->claims_n + 1) <= w->claim_table_n) return true;
  free(w->claim_table);
  w->claim_table_n = w->claim_table_n ? 2 * w->claim_table_n : 1024;
  w->claim_table = calloc(w->claim_table_n, sizeof *w->claim_table);
  if (!w->claim_table) {
    w->failed = true;
    w->claim_table_n = 0;
    return false;
  }
  for (size_t i = 0; i < w->claims_n; i++) {
    const struct claim *c = &w->claims[i];
    *slot(w, c->home, c->mirror, c->origin, c->tree.size) = i + 1;
  }
  return true;
}

static struct claim *claim(struct world *w, unsigned home, bool mirror, const char *origin,
                           const struct signed_tree *tree) {
  void *claims = w->claims;
  const bool ok = make_room(w) && grow(w, &claims, &w->claims_cap, w->claims_n + 1, sizeof *w->claims);
  w->claims = claims;
  if (!ok) return NULL;
  size_t *at = slot(w, home, mirror, origin, tree->size);
  if (*at) {
    struct claim *c = &w->claims[*at - 1];
    if (!hash_eq(&c->tree.root, &tree->root))
      violation(w, "I3", "the %s key of %s signed two trees of %llu entries of %s", mirror ? "mirror" : "log",
                w->homes[home].name, (unsigned long long)tree->size, origin);
    return c;
  }
  struct claim *c = &w->claims[w->claims_n++];
  *c = (struct claim){.home = home, .mirror = mirror, .tree = *tree, .before = w->homes[home].last_claim};
  snprintf(c->origin, sizeof c->origin, "%s", origin);
  *at = w->homes[home].last_claim = w->claims_n;
  return c;
}

/* What leaves a machine under its keys is in the memory of its signer, durable, before. */
static void check_remembered(struct world *w, unsigned home, bool mirror, const char *origin, uint64_t size) {
  const struct home *h = &w->homes[home];
  const struct memory_row *row = memory_find(&h->memory, origin, mirror ? SIGNER_MIRROR : SIGNER_LOG);
  if (h->set_back && (w->memory_too || w->memory_lost))
    return; /* what it signed before is forgotten, as the snapshot is older */
  if (!row || row->tree.size < size)
    violation(w, "I3", "%s shows a signature over %llu entries of %s that its signer's memory does not know", h->name,
              (unsigned long long)size, origin);
}

void claim_saved(struct home *h, const char *origin, enum signer_role role, const struct signed_tree *t) {
  if (h->liar || !strcmp(origin, "parley/memory")) return; /* the mark of the memory itself (record/signer.h) */
  if (role == SIGNER_LOG && home_must_stop(h, origin))
    violation(h->w, "backup", "%s was set back and signs %s again, size %llu", h->name, origin,
              (unsigned long long)t->size);
  claim(h->w, h->number, role == SIGNER_MIRROR, origin, t);
}

/* The signer of a line is who its name says: these lines come from the nodes themselves. */
static void claim_line(struct world *w, const struct note_sig *sig, const char *origin,
                       const struct signed_tree *tree) {
  for (unsigned i = 0; i < w->n; i++) {
    const char *name = w->homes[i].name;
    const size_t n = strlen(name);
    if (sig->name.n <= n || memcmp(sig->name.p, name, n) || sig->name.p[n] != '/') continue;
    const bool cosigned = bytes_is(BYTES(sig->name.p + n, sig->name.n - n), "/mirror");
    if ((!cosigned && !bytes_is(sig->name, origin)) || w->homes[i].liar) return;
    claim(w, i, cosigned, origin, tree);
    check_remembered(w, i, cosigned, origin, tree->size);
    return;
  }
}

void claim_note(struct world *w, struct bytes text) {
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  char origin[ORIGIN_MAX + 1];
  if (!note_parse(&note, &a, text, NULL) && !checkpoint_parse(&c, note.text, NULL)) {
    const struct signed_tree tree = {c.size, c.root};
    snprintf(origin, sizeof origin, "%.*s", (int)c.origin.n, (const char *)c.origin.p);
    for (size_t i = 0; i < note.n; i++) claim_line(w, &note.sigs[i], origin, &tree);
  } else {
    violation(w, "I3", "a checkpoint that left a node is malformed");
  }
  arena_free(&a);
}

static bool verifies(struct home *h, const char *origin, const struct signed_tree *tree, struct bytes lines) {
  struct buf text = {0};
  struct bytes line;
  bool found = false;
  checkpoint_text(&text, origin, tree->size, &tree->root);
  while (!found && bytes_line(&lines, &line)) found = home_cosigned(h, line, buf_view(&text));
  buf_free(&text);
  return found;
}

void claim_promise(struct home *h, const char *origin, uint64_t size, struct bytes lines) {
  struct signed_tree tree = {.size = size};
  const struct calm calm = calm_begin(h);
  const parley_err err = node_log_root(h->node, origin, size, &tree.root, NULL);
  calm_end(h, calm);
  if (err || !verifies(h, origin, &tree, lines)) {
    violation(h->w, "I2", "%s cosigned %llu entries of %s that it does not hold", h->name, (unsigned long long)size,
              origin);
    return;
  }
  struct claim *c = claim(h->w, h->number, true, origin, &tree);
  check_remembered(h->w, h->number, true, origin, size);
  if (!c) return;
  c->promise = true;
  h->last_promise = (size_t)(c - h->w->claims) + 1;
}

/* In the middle of trouble a copy may have to be read again before it answers; after a start it must. */
static bool kept(struct home *h, const struct claim *c, bool strict) {
  struct hash root;
  const parley_err err = node_log_root(h->node, c->origin, c->tree.size, &root, NULL);
  return err ? !strict && err == PARLEY_EIO : hash_eq(&root, &c->tree.root);
}

void claims_check(struct home *h, bool all) {
  struct world *w = h->w;
  const struct calm calm = calm_begin(h);
  for (size_t i = all ? h->last_claim : h->last_promise; i; i = all ? w->claims[i - 1].before : 0) {
    const struct claim *c = &w->claims[i - 1];
    if (!c->promise || kept(h, c, all)) continue;
    violation(w, "I2", "%s cosigned %llu entries of %s and does not hold them any more", h->name,
              (unsigned long long)c->tree.size, c->origin);
    break;
  }
  calm_end(h, calm);
}

/* ---- checkpoints that a mirror has taken (tlog-witness: durable before the answer) ---- */

static struct shown_row *pending_row(struct home *h, const char *origin) {
  for (size_t i = 0; i < h->pending_n; i++)
    if (!strcmp(h->pending[i].origin, origin)) return &h->pending[i];
  void *rows = h->pending;
  const bool ok = grow(h->w, &rows, &h->pending_cap, h->pending_n + 1, sizeof *h->pending);
  h->pending = rows;
  if (!ok) return NULL;
  struct shown_row *r = &h->pending[h->pending_n++];
  *r = (struct shown_row){.size = 0};
  snprintf(r->origin, sizeof r->origin, "%s", origin);
  return r;
}

void claim_pending(struct home *h, struct bytes request) {
  struct add_checkpoint q;
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  char origin[ORIGIN_MAX + 1];
  if (!add_checkpoint_parse(&q, request, NULL) && !note_parse(&note, &a, q.note, NULL) &&
      !checkpoint_parse(&c, note.text, NULL)) {
    snprintf(origin, sizeof origin, "%.*s", (int)c.origin.n, (const char *)c.origin.p);
    struct shown_row *r = pending_row(h, origin);
    if (r && c.size > r->size) r->size = c.size;
  }
  arena_free(&a);
}

static uint64_t shown_pending(struct home *h, const char *origin) {
  struct arena a = {0};
  struct node_response r;
  struct note note;
  struct checkpoint c = {0};
  uint8_t digest[32];
  char path[96] = "/";
  sha256(digest, bytes_str(origin));
  hex_encode(path + 1, BYTES(digest, 32));
  snprintf(path + 65, sizeof path - 65, "/checkpoint.pending");
  const unsigned next = (h->number + 1) % h->w->n, peer = h->w->outsider == next + 1 ? (next + 1) % h->w->n : next;
  const struct node_request q = {.peer = h->w->homes[peer].name, .method = "GET", .path = path, .query = ""};
  struct node_call *call = node_begin(h->node, &q, &r);
  if (call && !r.status) node_end(call, &r);
  if (call) node_finish(call);
  if (!call || r.status != 200 || note_parse(&note, &a, buf_view(&r.body), NULL) ||
      checkpoint_parse(&c, note.text, NULL))
    c.size = 0;
  if (call) buf_free(&r.body);
  arena_free(&a);
  return c.size;
}

void claims_check_pending(struct home *h) {
  for (size_t i = 0; i < h->pending_n && !violated(h->w); i++) {
    const struct shown_row *r = &h->pending[i];
    const uint64_t now = shown_pending(h, r->origin);
    if (now < r->size)
      violation(h->w, "I2", "%s took a checkpoint of %llu entries of %s and shows one of %llu after its start", h->name,
                (unsigned long long)r->size, r->origin, (unsigned long long)now);
  }
}

void claims_drop(struct home *h) {
  h->pending_n = 0;
  h->last_promise = 0;
  for (size_t i = h->last_claim; i; i = h->w->claims[i - 1].before) h->w->claims[i - 1].promise = false;
}
