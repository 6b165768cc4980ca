/*
 * The statement forum.proof (docs/protocol.md, section 5): a member shows the others that somebody signed two
 * histories of a log of this forum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/statement_lists.h"
#include "node/forks.h"

/* ---- reading ---- */

static parley_err decode(struct bytes *out, struct arena *a, const char *text, struct errmsg *e) {
  struct buf b = {0};
  const bool ok = base64_decode(&b, bytes_str(text), true) && buf_ok(&b);
  *out = ok ? arena_take(a, &b) : BYTES_NONE;
  if (!ok) buf_free(&b);
  return out->p ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
}

static parley_err add(struct pack *p, struct arena *a, const char *name, const char *text, struct errmsg *e) {
  struct pack_file *f = &p->files[p->n++];
  snprintf(f->name, sizeof f->name, "%s", name);
  return decode(&f->data, a, text, e);
}

/* The file of a card is named by what is in it. */
static parley_err add_card(struct pack *p, struct arena *a, const char *text, bool newest, struct errmsg *e) {
  struct card c;
  char name[PACK_NAME_SIZE];
  parley_err r = add(p, a, "", text, e);
  if (!r) r = card_parse(&c, a, p->files[p->n - 1].data, NULL, NULL, e);
  if (r) return err_prefix(e, r, "body.cards");
  if (newest)
    snprintf(name, sizeof name, "cards/%s.json", c.name);
  else
    snprintf(name, sizeof name, "cards/%s.%llu.json", c.name, (unsigned long long)c.serial);
  memcpy(p->files[p->n - 1].name, name, sizeof name);
  return PARLEY_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static parley_err to_pack(struct pack *p, struct arena *a, const json_t *body, struct errmsg *e) {
  static const char *const parts[][2] = {
      {"first", FORK_FIRST}, {"second", FORK_SECOND}, {"consistency", FORK_CONSISTENCY}};
  const json_t *cards = json_object_get(body, "cards");
  *p = (struct pack){.files = arena_alloc(a, (3 + json_array_size(cards)) * sizeof *p->files)};
  parley_err r = p->files ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  for (size_t i = 0; i < 3 && !r; i++) {
    const char *text = json_string_value(json_object_get(body, parts[i][0]));
    if (text) r = add(p, a, parts[i][1], text, e);
  }
  for (size_t i = 0; i < json_array_size(cards) && !r; i++)
    r = add_card(p, a, json_string_value(json_array_get(cards, i)), i + 1 == json_array_size(cards), e);
  if (!r) qsort(p->files, p->n, sizeof *p->files, by_name);
  return r;
}

/* ---- judging ---- */

/*
 * All cards held of the party vouch for theirs; where two successors void each other, what follows counts for nothing.
 */
static parley_err check_identity(const struct node *n, const struct fork_result *r, struct errmsg *e) {
  const struct fork_party *p = &r->parties[0];
  const struct peer *peer = node_peer(n, p->who.name);
  const uint64_t newest = p->who.cards[p->who.n_cards - 1]->serial;
  if (!p->who.anchored)
    return err_set(e, PARLEY_EVERIFY, "body.cards: none of these cards of %s is one that is held here", p->who.name);
  if (peer && peer->void_serial && newest >= peer->void_serial)
    return err_set(e, PARLEY_EVERIFY, "body.cards: the card of %s with the serial %llu is void", p->who.name,
                   (unsigned long long)peer->void_serial);
  return PARLEY_OK;
}

static parley_err verify_pack(struct node *n, const struct forum *f, const struct pack *p, struct fork_result *r,
                              struct arena *a, struct errmsg *e) {
  const struct card *cards[CARDS_HELD_MAX + 1];
  parley_err err = fork_verify(r, a, p, NULL, e);
  if (!err && r->n_parties != 1) err = err_set(e, PARLEY_EINVAL, "body.cards: they are of more than one party");
  if (!err && memcmp(r->forum, f->id, SHA256_SIZE))
    err = err_set(e, PARLEY_EINVAL, "body: it is about a log of another forum");
  if (err) return err;
  const size_t k = node_cards(n, r->parties[0].who.name, cards, sizeof cards / sizeof *cards);
  struct anchor *anchors = arena_alloc(a, (k + 1) * sizeof *anchors);
  if (!anchors) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  for (size_t i = 0; i < k; i++) {
    memcpy(anchors[i].party, cards[i]->name, sizeof anchors[i].party);
    memcpy(anchors[i].fingerprint, cards[i]->fingerprint, SHA256_SIZE);
  }
  err = fork_verify(r, a, p, &(struct pack_known){.anchors = anchors, .n_anchors = k}, e);
  return err ? err : check_identity(n, r, e);
}

static parley_err verify(struct node *n, const struct forum *f, const json_t *body, struct pack *p,
                         struct fork_result *r, struct arena *a, struct errmsg *e) {
  const parley_err err = to_pack(p, a, body, e);
  return err ? err : verify_pack(n, f, p, r, a, e);
}

/* Who has signed two histories of that many logs is known for it: more say nothing new, and are not kept. */
#define PROOFS_OF_ONE_MAX 64
static bool is_known_well(const struct node *n, const char *party) {
  size_t found = 0;
  for (const struct kept *k = n->forks->kept; k && found < PROOFS_OF_ONE_MAX; k = k->next)
    found += !strcmp(k->party, party);
  return found == PROOFS_OF_ONE_MAX;
}

parley_err forks_entry_judge(struct node *n, const struct their_log *l, const struct statement *s, struct errmsg *e) {
  struct arena a = {0};
  struct pack p;
  struct fork_result r;
  parley_err err = s->n_to ? err_set(e, PARLEY_EINVAL, "to: a forum.proof is addressed to nobody") : PARLEY_OK;
  if (!err) err = verify(n, l->from->forum, s->body, &p, &r, &a, e);
  if (!err && !forks_find(n, r.parties[0].who.name, r.origin) && !is_known_well(n, r.parties[0].who.name))
    err = err_set(e, PARLEY_ENOTFOUND, "the proof is not kept yet");
  arena_free(&a);
  return err;
}

/* What is kept has all cards that are held here, and a VERIFY.md: it is built anew from theirs. */
static parley_err keep(struct node *n, const struct pack *p, const struct fork_result *r, const char *from,
                       struct arena *a, struct errmsg *e) {
  struct fork_input *in = arena_alloc(a, sizeof *in);
  const struct card **cards = arena_alloc(a, (CARDS_HELD_MAX + 1) * sizeof *cards);
  struct pack whole;
  struct fork_result again;
  if (!in || !cards) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  in->cards = cards;
  in->n_cards = node_cards(n, r->parties[0].who.name, cards, CARDS_HELD_MAX + 1);
  for (size_t i = 0; i < 2; i++)
    in->tree[i] = (struct fork_tree){r->size[i], r->root[i], pack_find(p, i ? FORK_SECOND : FORK_FIRST)->data};
  in->prefix = r->prefix;
  in->proof = r->proof;
  const parley_err err = fork_build(&whole, &again, a, in, NULL);
  if (err == PARLEY_ENOMEM) return err_set(e, err, "out of memory for a proof");
  return err ? forks_keep(n, p, r, from, e) : forks_keep(n, &whole, &again, from, e);
}

parley_err forks_entry_learn(struct node *n, const struct their_log *l, struct bytes entry, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct pack p;
  struct fork_result r;
  parley_err err = statement_parse(&s, &a, entry, &d, e);
  if (!err && strcmp(s.kind, "forum.proof")) goto out;
  if (!err) err = verify(n, l->from->forum, s.body, &p, &r, &a, e);
  if (!err) err = keep(n, &p, &r, l->from->peer->card.name, &a, e);
out:
  statement_clear(&s);
  arena_free(&a);
  return err;
}

/* The store may have been lost; the folder stays. Judged as if a member had told it. */
parley_err node_proof_give(struct node *n, const struct pack *p, struct errmsg *e) {
  struct arena a = {0};
  struct fork_result r;
  parley_err err = fork_verify(&r, &a, p, NULL, e);
  const struct forum *f = err ? NULL : forum_find(n, r.forum);
  if (!err && !f) err = err_set(e, PARLEY_ENOTFOUND, "it is about a log of a forum that is not in force here");
  if (!err) err = verify_pack(n, f, p, &r, &a, e);
  if (!err && !forks_find(n, r.parties[0].who.name, r.origin)) err = keep(n, p, &r, "", &a, e);
  arena_free(&a);
  return err;
}

/* ---- telling ---- */

static bool put_file(json_t *body, const char *name, const struct pack *p, const char *file) {
  const struct pack_file *f = pack_find(p, file);
  return !f || json_put_b64(body, name, f->data.p, f->data.n);
}

/*
 * The oldest card with that key. Who lies may have given each member another newest card, with the same keys: the
 * others hold none of them, or hold two that void each other.
 */
static size_t oldest(const struct fork_party *p, size_t at, bool mirror) {
  const struct card *const *c = p->who.cards;
  while (at > 0 && !memcmp(mirror ? c[at - 1]->mirror : c[at - 1]->log, mirror ? c[at]->mirror : c[at]->log, 32)) at--;
  return at;
}

/* Those that signed, and those between. */
static bool put_cards(json_t *body, const struct fork_party *p) {
  json_t *list = json_array();
  size_t first = p->who.n_cards - 1, last = 0;
  for (size_t i = 0; i < 2; i++) {
    const size_t log = p->log ? oldest(p, p->log_card[i], false) : 0,
                 mirror = p->mirror ? oldest(p, p->mirror_card[i], true) : 0;
    const size_t at[2] = {p->log ? log : mirror, p->mirror ? mirror : log};
    for (size_t k = 0; k < 2; k++) {
      first = at[k] < first ? at[k] : first;
      last = at[k] > last ? at[k] : last;
    }
  }
  bool ok = list != NULL && last - first < CARDS_CARRIED_MAX;
  for (size_t i = first; ok && i <= last; i++) {
    struct buf text = {0};
    base64_encode(&text, p->who.cards[i]->envelope, true);
    ok = buf_ok(&text) && json_array_append_new(list, json_stringn((const char *)text.p, text.n)) == 0;
    buf_free(&text);
  }
  ok = ok && json_object_set(body, "cards", list) == 0;
  json_decref(list);
  return ok;
}

parley_err forks_entry_tell(struct node *n, struct kept *k, struct forum *f, struct errmsg *e) {
  struct arena a = {0};
  struct pack p;
  struct fork_result r;
  struct statement s = {0};
  struct submission *sub;
  parley_err err = forks_read(n, k, &p, &a, e);
  if (!err) err = fork_verify(&r, &a, &p, NULL, e);
  if (!err) {
    compose_common(n, f, &s, "forum.proof");
    s.body = json_object();
    const bool ok = s.body && put_file(s.body, "first", &p, FORK_FIRST) &&
                    put_file(s.body, "second", &p, FORK_SECOND) &&
                    put_file(s.body, "consistency", &p, FORK_CONSISTENCY) && put_cards(s.body, &r.parties[0]);
    err = ok ? compose_submit(n, f, &s, &sub, e) : err_set(e, PARLEY_ELIMIT, "the proof is too large for a statement");
    if (!err) k->told_as = sub->id;
  }
  statement_clear(&s);
  arena_free(&a);
  return err;
}
