/*
 * Drawing a receipt: gathers one statement's evidence from the logs, builds the pack, and verifies it before it is given out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/answers.h"
#include "record/pack.h"

/* ---- one note that carries the log's signature and every addressee's cosignature ---- */

/* Our own statement: the smallest size that all addressees have cosigned beyond index. */
static parley_err own_note(struct node *n, struct own_log *l, const struct statement *s, uint64_t index, uint64_t *size,
                           struct buf *note, struct errmsg *e) {
  struct cosignature c;
  struct hash root;
  uint64_t at = index;
  for (;;) {
    size_t i = 0;
    parley_err r = cosignature_covering(n, l, s->to[0], at, &c, e);
    if (r) return r;
    uint64_t want = c.size;
    while (i < s->n_to && !(r = cosignature_at(n, l, s->to[i], want, &c, e))) i++;
    if (r && r != PARLEY_ENOTFOUND) return r;
    if (i == s->n_to) {
      *size = want;
      break;
    }
    at = want;
  }
  parley_err r = copy_root(l->copy, *size, &root, e);
  if (r) return r;
  checkpoint_text(note, l->origin, *size, &root);
  buf_fmt(note, "\n%s\n", c.log_line);
  for (size_t i = 0; i < s->n_to; i++) {
    r = cosignature_at(n, l, s->to[i], *size, &c, e);
    if (r && r != PARLEY_ENOTFOUND) return r;
    if (!r) buf_fmt(note, "%s\n", c.line);
  }
  return buf_ok(note) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

/* A received one: our mirror's checkpoint, with the log's signature and our own cosignature. */
static parley_err their_note(const struct node *n, const struct their_log *l, const struct statement *s, uint64_t index,
                             uint64_t *size, struct buf *note, struct errmsg *e) {
  struct mirror_state st;
  if (s->n_to != 1 || strcmp(s->to[0], n->own.name))
    return err_set(e, PARLEY_ENOTFOUND, "the cosignatures of all its addressees are not held here; %s can draw it",
                   s->from);
  mirror_state(l->mirror, &st);
  if (st.size <= index || !st.note.n) return err_set(e, PARLEY_ENOTFOUND, "our mirror has not cosigned it yet");
  *size = st.size;
  buf_bytes(note, st.note);
  return buf_ok(note) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

struct evidence {
  struct buf note, bulk_note;
  struct statement s;
  struct pack_delivery delivery;
  bool has_bulk;
  struct proof bulk_consistency;
};

static void evidence_clear(struct evidence *v) {
  buf_free(&v->note);
  buf_free(&v->bulk_note);
  statement_clear(&v->s);
}

static parley_err gather(struct node *n, const struct row *r, struct arena *a, struct evidence *v, struct errmsg *e) {
  struct dsse d;
  uint64_t size;
  struct own_log *own;
  struct their_log *theirs;
  struct copy *copy = row_copy(r, false, &own, &theirs);
  parley_err err = row_entry(n, r, a, &v->delivery.entry, e);
  if (!err) err = statement_parse(&v->s, a, v->delivery.entry, &d, e);
  if (!err && v->s.n_to == 0)
    err = err_set(e, PARLEY_EREFUSED, "%s is addressed to nobody: there is no delivery to prove", v->s.kind);
  if (!err)
    err = own ? own_note(n, own, &v->s, r->index, &size, &v->note, e)
              : their_note(n, theirs, &v->s, r->index, &size, &v->note, e);
  if (err == PARLEY_ENOTFOUND) err_prefix(e, err = PARLEY_ECONFLICT, "not delivered yet");
  if (!err) err = merkle_inclusion(&v->delivery.inclusion, copy_source(copy), r->index, size, e);
  v->delivery.index = r->index;
  v->delivery.note = buf_view(&v->note);
  return err;
}

/* The files are provable when the statement names a tree that the bulk log really has, and a checkpoint beyond it is cosigned. */
static void gather_bulk(struct node *n, const struct row *r, struct evidence *v) {
  uint64_t size;
  struct hash root;
  struct own_log *own;
  struct their_log *theirs;
  struct copy *copy = row_copy(r, true, &own, &theirs);
  if (!copy || !v->s.n_attach || v->s.bulk_size > copy_size(copy) || copy_root(copy, v->s.bulk_size, &root, NULL) ||
      !hash_eq(&root, &v->s.bulk_root))
    return;
  parley_err err = own ? own_note(n, own, &v->s, v->s.bulk_size - 1, &size, &v->bulk_note, NULL)
                       : their_note(n, theirs, &v->s, v->s.bulk_size - 1, &size, &v->bulk_note, NULL);
  if (!err) err = merkle_consistency(&v->bulk_consistency, copy_source(copy), v->s.bulk_size, size, NULL);
  v->has_bulk = !err;
}

/*
 * An acknowledgement or a rejection belongs into the pack once it is delivered itself. In a forum of two there is at most
 * one of each.
 */
static bool gather_answer(struct node *n, const struct row *r, enum answer what, const struct evidence *v,
                          struct arena *a, struct evidence *out) {
  for (size_t i = 0; i < v->s.n_to; i++) {
    struct hash id;
    struct row row;
    parley_err err = answer_find(n, what, &r->id, v->s.to[i], &id, NULL);
    if (!err) err = row_get(n, &id, &row, NULL);
    if (err == PARLEY_ENOMEM) json_lose(); /* no receipt, rather than a lesser one */
    if (err) continue;
    if (!row.problem) err = gather(n, &row, a, out, NULL);
    const bool ok = !row.problem && !err;
    row_clear(&row);
    if (ok) return true;
    if (err == PARLEY_ENOMEM) json_lose();
    evidence_clear(out);
    *out = (struct evidence){0};
  }
  return false;
}

static parley_err check(struct node *n, const struct pack *p, const struct card *const *cards, size_t n_cards,
                        struct errmsg *e) {
  struct arena a = {0};
  struct pack_result result;
  struct anchor *anchors = arena_alloc(&a, n_cards * sizeof *anchors);
  if (!anchors) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < n_cards; i++) {
    memcpy(anchors[i].party, cards[i]->name, sizeof anchors[i].party);
    memcpy(anchors[i].fingerprint, cards[i]->fingerprint, SHA256_SIZE);
  }
  const struct pack_known known = {.anchors = anchors, .n_anchors = n_cards};
  parley_err r = pack_verify(&result, &a, p, &known, e);
  if (r)
    err_prefix(e, r, "the receipt was drawn but does not verify (a defect: please report it)");
  else
    pack_result_clear(&result);
  arena_free(&a);
  (void)n;
  return r;
}

static parley_err build_and_check(struct node *n, struct pack *pack, struct arena *a, const struct pack_input *in,
                                  const struct card *const *cards, struct errmsg *e) {
  parley_err r = pack_build(pack, a, in, e);
  return r ? r : check(n, pack, cards, in->n_cards, e);
}

/* What a counterpart did wrong in its answers may not cost the proof of delivery: without them, then. */
static parley_err draw(struct node *n, struct pack *pack, struct arena *a, struct pack_input *in,
                       const struct card *const *cards, struct errmsg *e) {
  parley_err r = build_and_check(n, pack, a, in, cards, e);
  if (r && r != PARLEY_ENOMEM && in->reject) {
    node_log_line(n, 4, "a receipt is drawn without the rejection: %s", e->text);
    in->reject = NULL;
    r = build_and_check(n, pack, a, in, cards, e);
  }
  if (r && r != PARLEY_ENOMEM && in->ack) {
    node_log_line(n, 4, "a receipt is drawn without the acknowledgement: %s", e->text);
    in->ack = NULL;
    r = build_and_check(n, pack, a, in, cards, e);
  }
  return r;
}

/* With several addressees the text at hand may be that of another rejection than the pack has. */
static bool is_text_of(struct bytes text, struct bytes entry) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  uint8_t digest[SHA256_SIZE];
  sha256(digest, text);
  const bool yes = !statement_parse(&s, &a, entry, &d, NULL) && !memcmp(digest, s.body_sha256, SHA256_SIZE);
  statement_clear(&s);
  arena_free(&a);
  return yes;
}

/*
 * The same with what is disclosed besides, once the rest verifies. The files themselves are not here, so that only who
 * has written them too can verify the whole.
 */
static parley_err draw_disclosed(struct node *n, struct pack *pack, struct arena *a, struct pack_input *in,
                                 const struct card *const *cards, const struct disclosed *d, struct errmsg *e) {
  parley_err r = draw(n, pack, a, in, cards, e);
  if (r || !d) return r;
  in->body = d->body;
  in->has_range = d->has_range;
  in->range = d->range;
  if (in->reject && is_text_of(d->reject_body, in->reject->entry)) in->reject_body = d->reject_body;
  return pack_build(pack, a, in, e);
}

json_t *receipt_files(const struct pack *p) {
  json_t *o = json_object();
  for (size_t i = 0; o && i < p->n; i++)
    if (!json_put_b64(o, p->files[i].name, p->files[i].data.p, p->files[i].data.n)) {
      json_decref(o);
      return NULL;
    }
  return o;
}

static const char *party_of(const struct statement *s, size_t i) { return i < s->n_to ? s->to[i] : s->from; }

/* How many cards of one party there is room for. */
static size_t share(const struct node *n, const struct statement *s) {
  const struct card *cards[CARDS_HELD_MAX];
  size_t all = 0;
  for (size_t i = 0; i <= s->n_to; i++) all += node_cards(n, party_of(s, i), cards, CARDS_HELD_MAX);
  const size_t even = RECEIPT_CARDS_MAX / (s->n_to + 1);
  return all <= RECEIPT_CARDS_MAX ? CARDS_HELD_MAX : even ? even : 1;
}

parley_err receipt_cards(const struct node *n, const struct statement *s, const struct card **out, size_t *count,
                         struct errmsg *e) {
  const size_t most = share(n, s);
  *count = 0;
  for (size_t i = 0; i <= s->n_to; i++) {
    const size_t k = node_cards(n, party_of(s, i), out + *count, most);
    if (!k) return err_set(e, PARLEY_ENOTFOUND, "the card of %s is not pinned here", party_of(s, i));
    *count += k;
  }
  return PARLEY_OK;
}

parley_err receipt_charters(struct node *n, const struct forum *f, const struct statement *s, struct arena *a,
                            struct receipt_charters *out, struct errmsg *e) {
  struct versions v;
  *out = (struct receipt_charters){0};
  parley_err err = versions_gather(n, f->id, &v, e);
  const size_t cited = err ? VERSION_NONE : versions_find(&v.set, s->charter);
  struct bytes *before = arena_alloc(a, (v.n_order + 1) * sizeof *before);
  if (!err && !before) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err && cited == VERSION_NONE)
    err = err_set(e, PARLEY_ECONFLICT, "the version of the charter that it cites is not held here");
  for (size_t i = 0; i < v.n_order && !err; i++)
    if (versions_before(&v.set, v.order[i], cited))
      before[out->n_before++] = arena_copy(a, buf_view(&v.p[v.order[i]]->envelope));
  if (!err) out->cited = arena_copy(a, buf_view(&v.p[cited]->envelope));
  for (size_t i = 0; i < out->n_before && !err; i++)
    if (!before[i].p) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err && !out->cited.p) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  out->before = before;
  versions_free(&v);
  return err;
}

static void set_input(struct pack_input *in, const struct evidence *v) {
  in->statement = v->delivery;
  in->has_bulk = v->has_bulk;
  in->bulk_note = buf_view(&v->bulk_note);
  in->bulk_consistency = v->bulk_consistency;
}

parley_err receipt_build(struct node *n, const struct row *r, const struct disclosed *d, json_t **files,
                         struct errmsg *e) {
  struct arena a = {0};
  struct evidence v = {0}, ack = {0}, reject = {0};
  const struct card *cards[RECEIPT_CARDS_MAX];
  struct pack_input in = {.cards = cards};
  struct receipt_charters charters;
  struct pack pack;
  if (r->problem)
    return err_set(e, PARLEY_EREFUSED, "it breaks a rule, so there is nothing to prove with it: %s", r->problem);
  parley_err err = gather(n, r, &a, &v, e);
  if (!err) err = receipt_cards(n, &v.s, cards, &in.n_cards, e);
  if (!err) {
    gather_bulk(n, r, &v);
    set_input(&in, &v);
    err = receipt_charters(n, r->forum, &v.s, &a, &charters, e);
    in.charter = charters.cited;
    in.predecessors = charters.before;
    in.n_predecessors = charters.n_before;
  }
  if (!err) {
    if (gather_answer(n, r, ANSWER_ACK, &v, &a, &ack)) in.ack = &ack.delivery;
    if (gather_answer(n, r, ANSWER_REJECT, &v, &a, &reject)) in.reject = &reject.delivery;
    err = draw_disclosed(n, &pack, &a, &in, cards, d, e);
  }
  if (!err && !(*files = receipt_files(&pack))) err = err_set(e, PARLEY_ENOMEM, "out of memory");
  evidence_clear(&v);
  evidence_clear(&ack);
  evidence_clear(&reject);
  arena_free(&a);
  return err;
}
