/*
 * Drawing a receipt: gathers one statement's evidence from the logs, builds the pack, and verifies it before it is given out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/answers.h"
#include "node/receipt_notes.h"
#include "record/pack.h"

/* Notes and proofs are in the arena. */
struct evidence {
  struct statement s;
  struct pack_delivery delivery;      /* with the first note */
  struct pack_signed *further, *bulk; /* the other notes; all those of the bulk log */
  size_t n_further, n_bulk;
  bool covered[STATEMENT_TO_MAX];
};

static void evidence_clear(struct evidence *v) { statement_clear(&v->s); }

/* ---- the delivery of one statement, and of its files ---- */

/* Notes with the proofs that belong to them: of inclusion, or, when old is not 0, of consistency with the tree of that size. */
static parley_err prove(struct pack_signed **out, struct arena *a, struct copy *copy, const struct receipt_notes *notes,
                        uint64_t index, uint64_t old, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  *out = arena_alloc(a, (notes->n + 1) * sizeof **out);
  if (!*out) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < notes->n && !r; i++) {
    struct pack_signed *x = &(*out)[i];
    *x = (struct pack_signed){.note = notes->list[i].text};
    r = old ? merkle_consistency(&x->proof, copy_source(copy), old, notes->list[i].size, e)
            : merkle_inclusion(&x->proof, copy_source(copy), index, notes->list[i].size, e);
  }
  return r;
}

static parley_err gather(struct node *n, const struct row *r, struct arena *a, struct evidence *v, struct errmsg *e) {
  struct dsse d;
  struct receipt_notes notes;
  struct pack_signed *all = NULL;
  struct own_log *own;
  struct their_log *theirs;
  struct copy *copy = row_copy(r, false, &own, &theirs);
  parley_err err = row_entry(n, r, a, &v->delivery.entry, e);
  if (!err) err = statement_parse(&v->s, a, v->delivery.entry, &d, e);
  if (!err && v->s.n_to == 0)
    err = err_set(e, PARLEY_EREFUSED, "%s is addressed to nobody: there is no delivery to prove", v->s.kind);
  if (!err)
    err = own ? receipt_notes_own(&notes, a, n, own, &v->s, r->index, NULL, e)
              : receipt_notes_theirs(&notes, a, n, theirs, &v->s, r->index, NULL, e);
  if (err == PARLEY_ENOTFOUND) err_prefix(e, err = PARLEY_ECONFLICT, "not delivered yet");
  if (!err) err = prove(&all, a, copy, &notes, r->index, 0, e);
  if (err) return err;
  v->delivery.index = r->index;
  v->delivery.note = all[0].note;
  v->delivery.inclusion = all[0].proof;
  v->further = all + 1;
  v->n_further = notes.n - 1;
  memcpy(v->covered, notes.covered, sizeof v->covered);
  return PARLEY_OK;
}

/* The files are provable when the statement names a tree that the bulk log really has, and a checkpoint beyond it is cosigned. */
static void gather_bulk(struct node *n, const struct row *r, struct arena *a, struct evidence *v) {
  struct hash root;
  struct receipt_notes notes;
  struct own_log *own;
  struct their_log *theirs;
  struct copy *copy = row_copy(r, true, &own, &theirs);
  if (!copy || !v->s.n_attach || v->s.bulk_size > copy_size(copy) || copy_root(copy, v->s.bulk_size, &root, NULL) ||
      !hash_eq(&root, &v->s.bulk_root))
    return;
  parley_err err = own ? receipt_notes_own(&notes, a, n, own, &v->s, v->s.bulk_size - 1, v->covered, NULL)
                       : receipt_notes_theirs(&notes, a, n, theirs, &v->s, v->s.bulk_size - 1, v->covered, NULL);
  if (!err) err = prove(&v->bulk, a, copy, &notes, 0, v->s.bulk_size, NULL);
  v->n_bulk = err ? 0 : notes.n;
  if (err == PARLEY_ENOMEM) json_lose(); /* no receipt, rather than a lesser one */
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
    if (!v->covered[i]) continue; /* a pack has answers of those whom it is about */
    parley_err err = answer_find_any(n, what, &r->id, v->s.to[i], &id, NULL);
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
  const size_t notes = s->n_to < RECEIPT_NOTES_MAX ? s->n_to : RECEIPT_NOTES_MAX,
               room = RECEIPT_CARDS_MAX - 4 * (notes - 1); /* of further proofs, two files each, of files as many */
  const size_t even = room / (s->n_to + 1);
  return all <= room ? CARDS_HELD_MAX : even ? even : 1;
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
  in->further = v->further;
  in->n_further = v->n_further;
  in->has_bulk = v->n_bulk > 0;
  if (!in->has_bulk) return;
  in->bulk_note = v->bulk[0].note;
  in->bulk_consistency = v->bulk[0].proof;
  in->bulk_further = v->bulk + 1;
  in->n_bulk_further = v->n_bulk - 1;
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
    gather_bulk(n, r, &a, &v);
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
