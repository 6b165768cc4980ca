#include "node/cosigned_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
  struct arena arena;
  struct note note;
  struct checkpoint c;
};

static parley_err read_note(struct reading *q, struct bytes text, const char *origin, struct errmsg *e) {
  parley_err r = note_parse(&q->note, &q->arena, text, e);
  if (!r) r = checkpoint_parse(&q->c, q->note.text, e);
  if (!r && !bytes_is(q->c.origin, origin)) r = err_set(e, PARLEY_EINVAL, "the note is of another log than %s", origin);
  return r;
}

/* The line of party's cosignature in the note, without its newline. */
static parley_err find_line(const struct node *n, const struct reading *q, const char *party, uint64_t oldest,
                            struct bytes *line, int64_t *time, struct errmsg *e) {
  parley_err r = err_set(e, PARLEY_ENOTFOUND, "the note has no cosignature of %s", party);
  for (size_t i = 0; r == PARLEY_ENOTFOUND && i < q->note.n; i++) {
    *line = BYTES(q->note.sigs[i].line.p, q->note.sigs[i].line.n - 1);
    r = cosignature_verify(n, party, oldest, *line, q->note.text, time, e);
  }
  return r;
}

/* ---- over our own log ---- */

/* OK: our tree at that size is the one in the note. */
static parley_err is_ours(struct node *n, struct push *p, const struct reading *q, struct bytes text, size_t *which,
                          struct errmsg *e) {
  struct own_log *l = p->log;
  struct hash root;
  parley_err r = own_note_verify(n, l, &q->note, which, e);
  if (r) return r;
  if (q->c.size <= copy_size(l->copy)) {
    r = copy_root(l->copy, q->c.size, &root, e);
    if (r || hash_eq(&root, &q->c.root)) return r;
  }
  push_shown(n, p, text, e);
  return err_set(e, PARLEY_ECONFLICT, "%s", l->why[0] ? l->why : "the note is not of our tree");
}

static parley_err take(struct node *n, struct push *p, const struct reading *q, size_t which, bool *fresh,
                       struct errmsg *e) {
  char log_line[SIG_LINE_SIZE];
  struct bytes line;
  int64_t time;
  const char *party = p->to->peer->card.name;
  struct cosignature had;
  parley_err r = find_line(n, q, party, p->to->log.serial, &line, &time, e);
  if (r) return r;
  r = cosignature_at(n, p->log, party, q->c.size, &had, e);
  if (r != PARLEY_ENOTFOUND) return r;
  const struct bytes own = q->note.sigs[which].line;
  if (own.n - 1 >= sizeof log_line) return err_set(e, PARLEY_ELIMIT, "a signature line of the note is too long");
  snprintf(log_line, sizeof log_line, "%.*s", (int)(own.n - 1), (const char *)own.p);
  r = cosignature_add(n, p, q->c.size, log_line, line, time, e);
  if (r) return r;
  *fresh = true;
  if (q->c.size <= p->pending) return PARLEY_OK;
  p->pending = p->next = q->c.size;
  snprintf(p->pending_line, sizeof p->pending_line, "%s", log_line);
  return PARLEY_OK;
}

parley_err cosigned_note_take(struct node *n, struct own_log *l, const char *party, struct bytes note, bool *fresh,
                              struct errmsg *e) {
  struct reading q = {0};
  size_t which;
  struct member *m = forum_member(l->forum, party);
  struct push older = {.log = l, .to = m, .idle = true}; /* nothing of it goes on; what was cosigned counts */
  *fresh = false;
  if (!m) return err_set(e, PARLEY_ENOTFOUND, "%s is no other member of “%s”", party, l->forum->charter.title);
  struct push *p = l->bulk ? &m->bulk_push : &m->push;
  parley_err r = read_note(&q, note, l->origin, e);
  while (p && p->log != l) p = p->older;
  if (!p) {
    p = &older;
    if (!r) r = push_load(n, p, e);
  }
  if (!r) r = is_ours(n, p, &q, note, &which, e);
  if (!r) r = take(n, p, &q, which, fresh, e);
  free(older.held);
  free(older.concerns);
  arena_free(&q.arena);
  return r;
}

/* ---- over another's log ---- */

static void key_carried(struct buf *k, const char *origin, const char *party) { buf_fmt(k, "n/%s\n%s", origin, party); }

parley_err carried_note_get(struct node *n, const char *origin, const char *party, struct arena *a, struct bytes *note,
                            uint64_t *size, struct errmsg *e) {
  struct buf k = {0};
  struct reading q = {0};
  key_carried(&k, origin, party);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), a, note, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = read_note(&q, *note, origin, e);
  *size = r ? 0 : q.c.size;
  arena_free(&q.arena);
  buf_free(&k);
  return r;
}

static parley_err keep(struct node *n, const char *origin, const char *party, struct bytes value, struct errmsg *e) {
  struct buf k = {0};
  key_carried(&k, origin, party);
  parley_err r = buf_ok(&k) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = store_put(n->env.store, STORE_PEERS, buf_view(&k), value, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&k);
  return r;
}

/* By the log's own key, and not against the tree that is mirrored here. *which gets the line. */
static parley_err is_theirs(struct their_log *l, const struct reading *q, size_t *which, struct errmsg *e) {
  struct hash root;
  struct mirror_state s;
  parley_err r = err_set(e, PARLEY_ENOTFOUND, "the note is not signed by a key of its log that is known here");
  for (size_t i = 0; r == PARLEY_ENOTFOUND && i < l->n_vkeys; i++)
    r = note_verify(&q->note, &l->vkeys[i], NULL, which, e);
  if (r) return r;
  mirror_state(l->mirror, &s);
  if (q->c.size > s.size) return PARLEY_OK; /* what is not held cannot be compared */
  r = copy_root(mirror_copy(l->mirror), q->c.size, &root, e);
  if (r || hash_eq(&root, &q->c.root)) return r;
  return err_set(e, PARLEY_ECONFLICT, "the note is not of the tree that is mirrored here");
}

parley_err carried_note_take(struct node *n, struct their_log *l, const char *party, struct bytes note, bool *fresh,
                             struct errmsg *e) {
  struct reading q = {0};
  struct arena held_arena = {0};
  struct buf value = {0};
  struct bytes line, held;
  uint64_t size;
  size_t which = 0;
  *fresh = false;
  parley_err r = forum_member(l->from->forum, party) ? read_note(&q, note, l->origin, e)
                                                     : err_set(e, PARLEY_ENOTFOUND, "%s is no other member of “%s”",
                                                               party, l->from->forum->charter.title);
  if (!r) r = is_theirs(l, &q, &which, e);
  if (!r) r = find_line(n, &q, party, 0, &line, NULL, e);
  if (!r) {
    r = carried_note_get(n, l->origin, party, &held_arena, &held, &size, e);
    *fresh = r == PARLEY_ENOTFOUND || (!r && size < q.c.size);
    if (r == PARLEY_ENOTFOUND) r = PARLEY_OK;
  }
  if (!r && *fresh) {
    buf_bytes(&value, q.note.text);
    buf_str(&value, "\n");
    buf_bytes(&value, q.note.sigs[which].line);
    buf_bytes(&value, line);
    buf_str(&value, "\n");
    r = buf_ok(&value) ? keep(n, l->origin, party, buf_view(&value), e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  buf_free(&value);
  arena_free(&held_arena);
  arena_free(&q.arena);
  return r;
}
