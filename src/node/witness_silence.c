/*
 * Drawing evidence of non-delivery: where a receipt cannot be had, and a neutral witness has dated the statement.
 */
#include <stdlib.h>
#include <string.h>

#include "node/attempts.h"
#include "node/witness.h"

/* The witness whose cosignature over the statement has the earliest time. ENOTFOUND: there is none. */
static parley_err earliest(struct node *n, const struct row *r, uint64_t *size, struct errmsg *e) {
  const struct forum *f = r->forum;
  int64_t best = INT64_MAX;
  if (!r->ours) return err_set(e, PARLEY_ENOTFOUND, "only its author can show that nobody has cosigned it");
  if (r->epoch != f->log.epoch) return err_set(e, PARLEY_ENOTFOUND, "it stands in an epoch of the log that has ended");
  for (size_t i = 0; i < f->n_witnesses; i++) {
    struct cosignature c;
    const parley_err err = witness_covering(n, &f->witnesses[i], r->index, &c, e);
    if (err && err != PARLEY_ENOTFOUND) return err;
    if (err || c.time >= best) continue;
    best = c.time;
    *size = c.size;
  }
  return best < INT64_MAX ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "no neutral witness has cosigned it");
}

/* Log signature and all witnesses' lines over the tree of that size. */
static parley_err witnessed_note(struct node *n, struct own_log *l, uint64_t size, struct buf *note, struct errmsg *e) {
  const struct forum *f = l->forum;
  struct hash root;
  bool begun = false;
  const parley_err r = copy_root(l->copy, size, &root, e);
  if (r) return r;
  for (size_t i = 0; i < f->n_witnesses; i++) {
    struct cosignature c;
    const parley_err err = witness_at(n, &f->witnesses[i], size, &c, e);
    if (err == PARLEY_ENOTFOUND) continue;
    if (err) return err;
    if (!begun) {
      checkpoint_text(note, l->origin, size, &root);
      buf_fmt(note, "\n%s\n", c.log_line);
    }
    begun = true;
    buf_fmt(note, "%s\n", c.line);
  }
  return buf_ok(note) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

/* The newest checkpoint that the party has cosigned; it does not cover the statement. */
static parley_err party_note(struct node *n, struct own_log *l, struct push *p, struct arena *a,
                             struct silence_party *out, struct errmsg *e) {
  struct cosignature c;
  struct hash root;
  struct buf note = {0};
  if (!p->cosigned) return PARLEY_OK;
  parley_err r = cosignature_at(n, l, p->to->peer->card.name, p->cosigned, &c, e);
  if (!r) r = copy_root(l->copy, p->cosigned, &root, e);
  if (r) return r;
  checkpoint_text(&note, l->origin, p->cosigned, &root);
  buf_fmt(&note, "\n%s\n%s\n", c.log_line, c.line);
  const bool ok = buf_ok(&note);
  if (ok) out->note = arena_take(a, &note);
  buf_free(&note);
  out->size = p->cosigned;
  out->time = c.time;
  return ok && out->note.p ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

struct draw {
  struct node *n;
  const struct row *row;
  struct arena arena;
  struct statement s;
  struct buf note;
  struct silence_input in;
  const struct card *cards[RECEIPT_CARDS_MAX];
};

static parley_err add_cards(struct draw *d, const char *party, size_t most, struct errmsg *e) {
  const size_t room = RECEIPT_CARDS_MAX - d->in.n_cards;
  const size_t k = node_cards(d->n, party, d->cards + d->in.n_cards, most < room ? most : room);
  d->in.n_cards += k;
  return k ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "the card of %s is not at hand", party);
}

static parley_err list_silent(struct draw *d, struct errmsg *e) {
  struct own_log *l = &d->row->forum->log;
  d->in.silent.list = arena_alloc(&d->arena, (d->s.n_to + 1) * sizeof *d->in.silent.list);
  if (!d->in.silent.list) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < d->s.n_to; i++) {
    struct member *m = forum_member(d->row->forum, d->s.to[i]);
    struct cosignature c;
    const parley_err r = m ? cosignature_covering(d->n, l, d->s.to[i], d->row->index, &c, e) : PARLEY_OK;
    if (!r) continue; /* it has, or is no member any more and will not be told of */
    if (r != PARLEY_ENOTFOUND) return r;
    struct silence_party *p = &d->in.silent.list[d->in.silent.n++];
    memcpy(p->party, m->peer->card.name, strlen(m->peer->card.name) + 1);
    const parley_err err = party_note(d->n, l, &m->push, &d->arena, p, e);
    if (err) return err;
  }
  return d->in.silent.n ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "every addressee has cosigned it");
}

static parley_err list_cards(struct draw *d, struct errmsg *e) {
  const size_t share = RECEIPT_CARDS_MAX / (d->in.silent.n + 1);
  parley_err r = add_cards(d, d->s.from, share, e);
  for (size_t i = 0; !r && i < d->in.silent.n; i++) r = add_cards(d, d->in.silent.list[i].party, share, e);
  d->in.cards = d->cards;
  return r;
}

static parley_err list_attempts(struct draw *d, struct errmsg *e) {
  const size_t share = SILENCE_ATTEMPTS_MAX / d->in.silent.n;
  const size_t most = share < SILENCE_ATTEMPTS_PER_PARTY ? share : SILENCE_ATTEMPTS_PER_PARTY;
  struct silence_attempts *all = &d->in.attempts;
  all->list = arena_alloc(&d->arena, d->in.silent.n * most * sizeof *all->list);
  parley_err r = all->list ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; !r && i < d->in.silent.n; i++)
    r = attempts_read(d->n, &forum_member(d->row->forum, d->in.silent.list[i].party)->push, most, all, e);
  return r;
}

static parley_err list_charters(struct draw *d, struct errmsg *e) {
  struct receipt_charters c;
  const parley_err r = receipt_charters(d->n, d->row->forum, &d->s, &d->arena, &c, e);
  d->in.charter = c.cited;
  d->in.predecessors = c.before;
  d->in.n_predecessors = c.n_before;
  return r;
}

static parley_err gather(struct draw *d, struct errmsg *e) {
  struct own_log *l = &d->row->forum->log;
  struct pack_delivery *s = &d->in.statement;
  struct dsse envelope;
  uint64_t size = 0;
  parley_err r = earliest(d->n, d->row, &size, e);
  if (!r) r = row_entry(d->n, d->row, &d->arena, &s->entry, e);
  if (!r) r = statement_parse(&d->s, &d->arena, s->entry, &envelope, e);
  if (!r) r = witnessed_note(d->n, l, size, &d->note, e);
  if (!r) r = merkle_inclusion(&s->inclusion, copy_source(l->copy), d->row->index, size, e);
  if (!r) r = list_silent(d, e);
  if (!r) r = list_cards(d, e);
  if (!r) r = list_attempts(d, e);
  s->index = d->row->index;
  s->note = buf_view(&d->note);
  if (!r) r = list_charters(d, e);
  return r;
}

static parley_err check(const struct draw *d, struct arena *a, const struct pack *p, struct errmsg *e) {
  struct silence_result result;
  struct anchor *anchors = arena_alloc(a, (d->in.n_cards + 1) * sizeof *anchors);
  if (!anchors) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < d->in.n_cards; i++) {
    memcpy(anchors[i].party, d->cards[i]->name, sizeof anchors[i].party);
    memcpy(anchors[i].fingerprint, d->cards[i]->fingerprint, SHA256_SIZE);
  }
  const struct pack_known known = {.anchors = anchors, .n_anchors = d->in.n_cards};
  const parley_err r = silence_verify(&result, a, p, &known, e);
  if (r)
    err_prefix(e, r, "evidence of non-delivery was drawn but does not verify (a defect: please report it)");
  else
    silence_result_clear(&result);
  return r;
}

parley_err witness_silence(struct node *n, const struct row *r, json_t **files, struct errmsg *e) {
  struct draw *d = calloc(1, sizeof *d);
  struct pack pack;
  if (!d) return err_set(e, PARLEY_ENOMEM, "out of memory");
  d->n = n;
  d->row = r;
  parley_err err = gather(d, e);
  if (!err) err = silence_build(&pack, &d->arena, &d->in, e);
  if (!err) err = check(d, &d->arena, &pack, e);
  if (!err && !(*files = receipt_files(&pack))) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&d->note);
  statement_clear(&d->s);
  arena_free(&d->arena);
  free(d);
  return err;
}
