/*
 * Recovering: what was fetched becomes part of our log again. It is staged bundle by bundle (STORE_STAGED, under
 * the two highest log numbers), and then
 * both logs change in one transaction: what differs is cut off, which nobody was shown a signature of; what was
 * fetched follows; and what was accepted
 * here and never signed is put at the end again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/answers.h"
#include "node/recover.h"

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

static uint32_t staged_number(bool bulk) { return STORE_LOG_MAX - bulk; }

bool recover_goes_on(const struct statement *s) { return !kind_is_open(s->kind) || !strcmp(s->kind, "forum.held"); }

/* ---- staging ---- */

parley_err recover_stage(void *ctx, uint64_t first, const struct bytes *entries, size_t n, struct errmsg *e) {
  struct recovery *r = ctx;
  struct store *s = r->n->env.store;
  parley_err err = store_begin(s, e);
  if (err) return err;
  for (size_t i = 0; i < n && !err; i++)
    err = store_seq_put(s, STORE_STAGED, staged_number(r->fetching_bulk), first + i, entries[i], e);
  if (!err) return store_commit(s, e);
  store_rollback(s);
  return err;
}

parley_err recover_unstage(struct recovery *r, struct errmsg *e) {
  struct store *s = r->n->env.store;
  parley_err err = store_begin(s, e);
  if (err) return err;
  for (int bulk = 0; bulk < 2 && !err; bulk++)
    err = store_seq_delete(s, STORE_STAGED, staged_number(bulk), 0, STORE_POS_MAX, e);
  if (!err) return store_commit(s, e);
  store_rollback(s);
  return err;
}

/* ---- rows ---- */

static bool ends_run(const struct statement *s) {
  return json_integer_value(json_object_get(s->body, "part")) + 1 ==
         json_integer_value(json_object_get(s->body, "parts"));
}

/*
 * An entry of ours that we had lost: what is stored beside it is made anew. Its receipt here is dated as it was
 * issued.
 */
static parley_err restore_row(struct node *n, struct forum *f, uint64_t index, struct bytes entry, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct row had = {0};
  struct submission *sub = NULL;
  parley_err err = statement_parse(&s, &a, entry, &d, e);
  if (!err) err = compose_again(f, &s, entry, s.issued, &sub, e);
  if (!err) {
    if (row_read(n, &sub->id, &had, NULL) == PARLEY_OK) sub->order = had.order;
    row_clear(&had);
    sub->index = index;
    err = submission_put_row(n, sub, index, e);
    if (!err) err = held_recorded(n, f, &s, e);
    if (!err && !strcmp(s.kind, "forum.card")) {
      sub->card_serial = f->log.announced += json_array_size(json_object_get(s.body, "cards"));
      err = renewal_announced(n, sub, e);
    }
    if (!err && !strcmp(s.kind, "forum.charter") && ends_run(&s))
      err = openings_add(&f->log.versions, s.charter, index, e);
  }
  if (sub) submission_free(sub);
  statement_clear(&s);
  arena_free(&a);
  return err;
}

static parley_err forget_row(struct node *n, const struct hash *id, const struct row *row, struct errmsg *e) {
  struct buf k = {0};
  key_box(&k, false, row->order);
  parley_err err = buf_ok(&k) ? store_delete(n->env.store, STORE_INDEX, buf_view(&k), e) : no_memory(e);
  if (!err) err = store_delete(n->env.store, STORE_STATEMENTS, BYTES(id->b, 32), e);
  buf_free(&k);
  return err;
}

/* ---- the tail that nobody has seen ---- */

struct tail {
  struct arena arena;
  struct bytes *entries;
  size_t n;
};

static parley_err read_tail(struct tail *t, struct copy *c, uint64_t from, struct errmsg *e) {
  const uint64_t n = copy_size(c) - from;
  t->entries = arena_alloc(&t->arena, (n + 1) * sizeof *t->entries);
  if (!t->entries) return no_memory(e);
  for (; t->n < n; t->n++) {
    const parley_err err = copy_entry(c, from + t->n, &t->arena, &t->entries[t->n], e);
    if (err) return err;
  }
  return PARLEY_OK;
}

/* One of them at the end again; what only opened the log, and what rests on files that are gone, is not. */
static parley_err put_again(struct recovery *r, struct own_log *l, struct bytes entry, bool files_gone,
                            struct errmsg *e) {
  struct node *n = r->n;
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct hash id;
  struct row row = {0};
  statement_id(&id, entry);
  const bool parsed = statement_parse(&s, &a, entry, &d, NULL) == PARLEY_OK;
  parley_err err = row_read(n, &id, &row, e);
  const bool known = err == PARLEY_OK;
  if (err == PARLEY_ENOTFOUND) err = PARLEY_OK;
  const uint64_t index = copy_size(l->copy);
  if (!err && parsed && recover_goes_on(&s) && !(s.n_attach && files_gone)) {
    err = copy_append(l->copy, &entry, 1, e);
    if (!err && known) err = row_move(n, &id, &row, l->epoch, index, e);
    r->moved += !err && !kind_is_open(s.kind);
  } else if (!err && known) {
    if (parsed && s.n_attach) {
      r->spoilt++;
      node_log_line(n, 3,
                    "a statement with files was accepted here and never sent; its files are gone: send it again (%s)",
                    s.kind);
    }
    err = forget_row(n, &id, &row, e);
  }
  row_clear(&row);
  statement_clear(&s);
  arena_free(&a);
  return err;
}

/* ---- one log ---- */

struct adding {
  struct recovery *r;
  struct own_log *l;
};

static parley_err add_one(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct adding *a = ctx;
  if (pos != copy_size(a->l->copy))
    return err_set(e, PARLEY_EIO, "what was fetched of %s is not whole; run parley recover again", a->l->origin);
  parley_err err = copy_append(a->l->copy, &v, 1, e);
  if (!err && !a->l->bulk) err = restore_row(a->r->n, a->l->forum, pos, v, e);
  a->r->fetched += !err;
  return err;
}

/* The first entry here that is not the one that was fetched. */
static parley_err first_different(struct recovery *r, const struct judged *j, struct own_log *l, uint64_t *out,
                                  struct errmsg *e) {
  const uint64_t have = copy_size(l->copy), both = have < j->target.size ? have : j->target.size;
  for (*out = j->start; *out < both; ++*out) {
    struct arena a = {0};
    struct bytes ours, theirs;
    parley_err err = copy_entry(l->copy, *out, &a, &ours, e);
    if (!err) err = store_seq_get(r->n->env.store, STORE_STAGED, staged_number(l->bulk), *out, &a, &theirs, e);
    const bool same = !err && bytes_eq(ours, theirs);
    arena_free(&a);
    if (err) return err;
    if (!same) break;
  }
  return PARLEY_OK;
}

static bool is_here(struct own_log *l, const struct signed_tree *t) {
  struct hash h;
  return t->size <= copy_size(l->copy) && copy_root(l->copy, t->size, &h, NULL) == PARLEY_OK && hash_eq(&h, &t->root);
}

uint64_t recover_signed_end(const struct judged *j, struct own_log *l) {
  uint64_t end = j->known;
  if (j->target.size > end && is_here(l, &j->target)) end = j->target.size;
  if (j->memory.size > end && is_here(l, &j->memory)) end = j->memory.size;
  return end;
}

static parley_err take_log(struct recovery *r, struct judged *j, struct own_log *l, bool files_gone, struct errmsg *e) {
  struct tail tail = {0};
  uint64_t at = recover_signed_end(j, l);
  struct hash root;
  struct adding adding = {r, l};
  if (!j->holder && !files_gone) return PARLEY_OK;
  parley_err err = j->holder ? first_different(r, j, l, &at, e) : PARLEY_OK;
  if (at > copy_size(l->copy)) at = copy_size(l->copy);
  j->cut = at < copy_size(l->copy);
  if (!err && !l->bulk) err = read_tail(&tail, l->copy, at, e); /* files are not moved, however large they are */
  if (!err) err = copy_cut(l->copy, at, e);
  struct openings *o = &l->versions;
  while (o->n && o->list[o->n - 1].index >= at) o->n--;
  if (!err && j->holder)
    err =
        store_seq_scan(r->n->env.store, STORE_STAGED, staged_number(l->bulk), at, j->target.size, add_one, &adding, e);
  if (!err && j->holder) err = copy_root(l->copy, j->target.size, &root, e);
  if (!err && j->holder && !hash_eq(&root, &j->target.root))
    err = err_set(e, PARLEY_EVERIFY, "%s: what others hold does not continue what was signed here before", l->origin);
  for (size_t i = 0; !err && !l->bulk && i < tail.n; i++) err = put_again(r, l, tail.entries[i], files_gone, e);
  if (!err && !l->bulk) err = openings_save(r->n, l->origin, o, e);
  if (!err) err = copy_flush(l->copy, e);
  arena_free(&tail.arena);
  return err;
}

parley_err recover_take(struct recovery *r, struct forum *f, struct errmsg *e) {
  struct node *n = r->n;
  const uint64_t order = n->next_order;
  parley_err err = store_begin(n->env.store, e);
  if (err) return err;
  err = take_log(r, &r->bulk, &f->bulk, false, e);
  if (!err) err = take_log(r, &r->log, &f->log, r->bulk.holder && r->bulk.cut, e);
  if (!err)
    err = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  if (!err) {
    err = held_reread(n, f, e);
  } else {
    free(f->log.versions.list);
    f->log.versions = (struct openings){0};
    openings_load(n, f->log.origin, f->log.copy, copy_size(f->log.copy), &f->log.versions, NULL);
    n->next_order = order;
    copy_reset(f->log.copy, NULL);
    copy_reset(f->bulk.copy, NULL);
  }
  return err;
}

/* ---- the cosignatures that came with the answers ---- */

parley_err recover_cosignatures(struct recovery *r, struct forum *f, struct errmsg *e) {
  for (size_t i = 0; i < r->n_questions; i++) {
    struct question *q = &r->questions[i];
    if (q->what != ASK_HELD || !q->shown || !q->it.time) continue;
    struct own_log *l = q->bulk ? &f->bulk : &f->log;
    struct hash root;
    if (q->it.size > copy_size(l->copy) || copy_root(l->copy, q->it.size, &root, NULL) || !hash_eq(&root, &q->it.root))
      continue;
    const parley_err err = cosignature_add(r->n, q->bulk ? &q->to->bulk_push : &q->to->push, q->it.size, q->it.log_line,
                                           bytes_str(q->it.line), q->it.time, e);
    if (err) return err;
  }
  return PARLEY_OK;
}
