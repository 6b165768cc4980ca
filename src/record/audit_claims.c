/*
 * Claims: stored checkpoints, heard and held lines, and the bulk trees that statements name, against the trees that the
 * entries make.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/audit_state.h"

/* The same again, as most lines are: nothing to add. */
static bool said_before(const struct audit *a, const struct audit_claim *c) {
  for (size_t i = a->n_claims; i > 0 && a->n_claims - i < 4; i--) {
    const struct audit_claim *p = &a->claims[i - 1];
    if (!c->label && p->log == c->log && p->by == c->by && p->size == c->size && p->about == c->about &&
        hash_eq(&p->root, &c->root))
      return true;
  }
  return false;
}

parley_err audit_claim_add(struct audit *a, const struct audit_claim *c, struct errmsg *e) {
  a->out->logs[c->by].n.lines += c->label == NULL;
  if (said_before(a, c)) return PARLEY_OK;
  if (a->n_claims == a->cap_claims) {
    const size_t cap = a->cap_claims ? 2 * a->cap_claims : 256;
    struct audit_claim *grown = realloc(a->claims, cap * sizeof *grown);
    if (!grown) return audit_no_memory(e);
    a->claims = grown;
    a->cap_claims = cap;
  }
  a->claims[a->n_claims++] = *c;
  return PARLEY_OK;
}

/* ---- stored checkpoints ---- */

/* Every line whose name is known must verify, and the log's own must be there. */
static parley_err check_lines(struct audit *a, uint32_t log, const char *label, const struct checkpoint *c,
                              const struct note *n, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  bool by_log = false;
  for (size_t i = 0; i < n->n; i++) {
    struct errmsg why = {{0}};
    const parley_err err = audit_line_verify(&a->cards, n->sigs[i].line, n->text, l->origin, l->party, &why);
    const bool own = bytes_is(n->sigs[i].name, l->origin);
    if (err == PARLEY_ENOMEM) return err_set(e, err, "%s", why.text);
    if (err == PARLEY_ENOTFOUND && !own) continue; /* of somebody whose key is not known here */
    l->n.cosignatures += !own;
    if (own && !err) by_log = true;
    if (err)
      audit_found(a, log, own ? AUDIT_CHECKPOINT : AUDIT_COSIGNATURE, 0, c->size, audit_ask,
                  "%s of size %" PRIu64 " has a signature by %.*s that does not verify: %s", label, c->size,
                  (int)n->sigs[i].name.n, (const char *)n->sigs[i].name.p, why.text);
    if (err && own) by_log = true; /* told */
  }
  if (!by_log)
    audit_found(a, log, AUDIT_CHECKPOINT, 0, c->size, audit_ask, "%s of size %" PRIu64 " is not signed by the log",
                label, c->size);
  return PARLEY_OK;
}

/* "<what>\n<note>" */
static parley_err take_note(struct audit *a, uint32_t log, struct bytes item, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  struct arena mem = {0};
  struct bytes what;
  struct note n;
  struct checkpoint c;
  struct errmsg why = {{0}};
  const char *label = bytes_line(&item, &what) ? arena_cstr(&a->arena, what) : "a checkpoint";
  if (!label) return audit_no_memory(e);
  l->n.checkpoints++;
  parley_err err = note_parse(&n, &mem, item, &why);
  if (!err) err = checkpoint_parse(&c, n.text, &why);
  if (!err && !bytes_is(c.origin, l->origin)) err = err_set(&why, PARLEY_EINVAL, "it is of another log");
  if (!err) err = check_lines(a, log, label, &c, &n, e);
  if (!err)
    err = audit_claim_add(
        a,
        &(struct audit_claim){
            .log = log, .by = log, .size = c.size, .root = c.root, .label = label, .about = AUDIT_CHECKPOINT},
        e);
  else if (err != PARLEY_ENOMEM)
    audit_found(a, log, AUDIT_CHECKPOINT, 0, 0, audit_ask, "%s cannot be read: %s", label, why.text), err = PARLEY_OK;
  arena_free(&mem);
  return err;
}

parley_err audit_notes(struct audit *a, uint32_t log, struct errmsg *e) {
  const char *origin = a->out->logs[log].origin;
  const parley_err err = audit_items(a, "notes", origin, log, take_note, e);
  return err ? err : audit_items(a, "live", origin, log, take_note, e);
}

/* ---- judging ---- */

static int by_size(const void *x, const void *y) {
  const struct audit_claim *a = x, *b = y;
  if (a->log != b->log) return a->log < b->log ? -1 : 1;
  return a->size < b->size ? -1 : a->size > b->size;
}

static void refuted(struct audit *a, const struct audit_claim *c) {
  const struct audit_log *l = &a->out->logs[c->log];
  if (c->label)
    audit_found(a, c->log, AUDIT_CHECKPOINT, 0, c->size, audit_ask,
                "%s of size %" PRIu64 " names another tree than the entries make", c->label, c->size);
  else
    audit_found(a, c->by, c->about, 0, c->at, audit_ask,
                "entry %" PRIu64 " names a tree of %s of size %" PRIu64 " that is not the one held", c->at, l->origin,
                c->size);
}

static parley_err judge(struct audit *a, struct audit_walk *w, const struct audit_claim *c, struct errmsg *e) {
  struct hash root;
  struct errmsg why = {{0}};
  if (c->size > a->out->logs[c->log].size) {
    a->out->logs[c->by].n.beyond++;
    return PARLEY_OK;
  }
  const parley_err err = audit_walk_root(w, c->size, &root, &why);
  if (err == PARLEY_EVERIFY)
    audit_found(a, c->log, AUDIT_TILE, 0, c->size / TILE_WIDTH, audit_ask, "%s", why.text);
  else if (err)
    return err_set(e, err, "%s", why.text);
  else if (!hash_eq(&root, &c->root))
    refuted(a, c);
  return PARLEY_OK;
}

parley_err audit_claims_judge(struct audit *a, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  if (a->n_claims) qsort(a->claims, a->n_claims, sizeof *a->claims, by_size);
  for (size_t i = 0; i < a->n_claims && !err;) {
    struct audit_walk w;
    const uint32_t log = a->claims[i].log;
    audit_walk_begin(&w, a, log);
    for (; i < a->n_claims && a->claims[i].log == log && !err; i++) err = judge(a, &w, &a->claims[i], e);
    audit_walk_end(&w);
  }
  for (uint32_t i = 0; i < a->out->n_logs && !err; i++) err = audit_cosigned(a, i, e);
  return err;
}
