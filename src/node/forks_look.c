/*
 * What a counterpart's statement says about logs that are held here too: heard lines, held lines, and `bulk`. Lines
 * that fit nothing order nothing and date nothing (design section 7); but whoever names another tree than the one held
 * here is asked for it, and two cosignatures of one mirror are held against each other. STORE_PEERS:
 * "ahead/<origin>\n<sort><party>", a line that reaches beyond what is held: "<size> <root> <said>\n<line>";
 * "cosigned/<origin>\n<party>", a cosignature of that mirror that fits: likewise.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/forks.h"
#include "node/observed.h"

/* A tree of some log that somebody names. */
struct named {
  char sort;        /* 'h' heard, 'b' bulk, 'c' cosignature */
  const char *who;  /* whose word it is: the author of the statement, or the mirror */
  const char *said; /* in whose statement it stands */
  const char *origin;
  uint64_t size;
  struct hash root;
  const char *line; /* of a cosignature; "" */
};

static struct copy *copy_of(struct node *n, const char *origin) {
  struct own_log *own = own_log_by_origin(n, origin);
  struct their_log *theirs = own ? NULL : their_log_by_origin(n, bytes_str(origin));
  return own ? own->copy : theirs ? mirror_copy(theirs->mirror) : NULL;
}

/* ---- rows ---- */

static void row_key(struct buf *k, const char *what, const struct named *t) {
  buf_fmt(k, "%s/%s\n", what, t->origin);
  if (*what == 'a') buf_u8(k, (uint8_t)t->sort);
  buf_str(k, t->who);
}

/* What fails here fails the transaction that it is part of. */
static void row_put(struct node *n, const char *what, const struct named *t) {
  struct buf k = {0}, v = {0};
  char root[65];
  hex_encode(root, BYTES(t->root.b, 32));
  row_key(&k, what, t);
  buf_fmt(&v, "%llu %s %s\n%s", (unsigned long long)t->size, root, t->said, t->line);
  if (buf_ok(&k) && buf_ok(&v)) store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), NULL);
  buf_free(&k);
  buf_free(&v);
}

static bool row_parse(struct named *t, struct arena *a, struct bytes v) {
  struct bytes first;
  char root[65], said[PARTY_NAME_MAX + 1];
  unsigned long long size;
  if (!bytes_line(&v, &first)) return false;
  const char *text = arena_cstr(a, first);
  if (!text || sscanf(text, "%llu %64s %64s", &size, root, said) != 3 || !hex_decode(t->root.b, 32, bytes_str(root)))
    return false;
  t->size = size;
  t->said = arena_strdup(a, said);
  t->line = arena_cstr(a, v);
  return t->said && t->line;
}

static bool row_load(struct node *n, const char *what, struct named *t, struct arena *a) {
  struct buf k = {0};
  struct bytes v;
  row_key(&k, what, t);
  const bool ok =
      buf_ok(&k) && store_get(n->env.store, STORE_PEERS, buf_view(&k), a, &v, NULL) == PARLEY_OK && row_parse(t, a, v);
  buf_free(&k);
  return ok;
}

/* ---- another tree than ours ---- */

static void write_note(struct buf *out, const struct named *t) {
  checkpoint_text(out, t->origin, t->size, &t->root);
  buf_fmt(out, "\n%s\n", t->line);
}

/* The same mirror has cosigned a tree that fits: the two against each other. */
static void against_itself(struct node *n, const struct named *t, struct peer *mirror) {
  struct arena a = {0};
  struct named fits = {.origin = t->origin, .who = t->who, .line = ""};
  struct own_log *own = own_log_by_origin(n, t->origin);
  struct buf note = {0}, other = {0};
  struct cosignature c;
  bool have = false;
  if (!own) {
    have = row_load(n, "cosigned", &fits, &a);
  } else {
    const struct member *m = forum_member(own->forum, t->who);
    const uint64_t size = m ? (own->bulk ? m->bulk_push.cosigned : m->push.cosigned) : 0;
    have = size && cosignature_at(n, own, t->who, size, &c, NULL) == PARLEY_OK &&
           copy_root(own->copy, size, &fits.root, NULL) == PARLEY_OK;
    fits.size = size;
    fits.line = have ? c.line : "";
  }
  write_note(&note, t);
  write_note(&other, &fits);
  if (have && buf_ok(&note) && buf_ok(&other)) seek_pair(n, t->origin, mirror, buf_view(&note), buf_view(&other));
  buf_free(&note);
  buf_free(&other);
  arena_free(&a);
}

static void ask_about_ours(struct node *n, struct own_log *l, const struct named *t) {
  struct member *m = forum_member(l->forum, t->who);
  observed_add(n, t->who, l->forum->id, "odd_tree", "it names a tree of our log %s that is not ours (size %llu)",
               t->origin, (unsigned long long)t->size);
  if (m) (l->bulk ? &m->bulk_push : &m->push)->ask = true;
}

/* Bulk logs are named by their author: the others are asked what it gave them. */
static void ask_others(struct node *n, const struct their_log *l, const struct named *t) {
  const struct forum *f = l->from->forum;
  for (size_t i = 0; i < f->n_members; i++) seek_log(n, t->origin, f->members[i].peer, NULL);
}

static void differs(struct node *n, const struct named *t) {
  struct own_log *own = own_log_by_origin(n, t->origin);
  struct their_log *theirs = own ? NULL : their_log_by_origin(n, bytes_str(t->origin));
  struct peer *whom = node_peer(n, t->who);
  node_log_line(n, 4, "%s names another tree of %s (size %llu) than is held here; it is asked for it", t->who,
                t->origin, (unsigned long long)t->size);
  if (t->sort == 'c' && whom) against_itself(n, t, whom);
  if (own)
    ask_about_ours(n, own, t);
  else if (theirs && t->sort == 'b')
    ask_others(n, theirs, t);
  else if (theirs && whom)
    seek_log(n, t->origin, whom, t->who);
}

/* ---- comparing ---- */

/* Any that fits will do; a larger one more often needs no tiles. So it is not written for each statement. */
static void remember(struct node *n, const struct named *t) {
  struct arena a = {0};
  struct named had = {.origin = t->origin, .who = t->who};
  if (!own_log_by_origin(n, t->origin) && !(row_load(n, "cosigned", &had, &a) && had.size >= t->size / 2))
    row_put(n, "cosigned", t);
  arena_free(&a);
}

static void compare(struct node *n, const struct named *t) {
  struct copy *copy = copy_of(n, t->origin);
  struct hash root;
  if (!copy || !t->size) return;
  if (t->size > copy_size(copy)) {
    struct own_log *own = own_log_by_origin(n, t->origin);
    if (own)
      ask_about_ours(n, own, t);
    else
      row_put(n, "ahead", t);
    return;
  }
  if (copy_root(copy, t->size, &root, NULL) != PARLEY_OK) return;
  if (!hash_eq(&root, &t->root))
    differs(n, t);
  else if (t->sort == 'c')
    remember(n, t);
}

/* ---- the lines of a statement ---- */

static void look_at_heard(struct node *n, const struct their_log *l, const struct heard *h) {
  char origin[ORIGIN_MAX + 1];
  const char *who = l->from->peer->card.name;
  if (!strcmp(h->party, who)) return;
  log_origin(origin, h->party, l->from->forum->id, h->epoch, false);
  compare(n, &(struct named){'h', who, who, origin, h->size, h->root, ""});
}

static void look_at_held(struct node *n, const struct their_log *l, const struct held *h) {
  char party[PARTY_NAME_MAX + 1];
  if (!mirror_line_party(h->line, party) || !node_card(n, party)) return; /* a neutral witness */
  struct buf text = {0};
  checkpoint_text(&text, h->origin, h->size, &h->root);
  const parley_err r = cosignature_verify(n, party, 0, bytes_str(h->line), buf_view(&text), NULL, NULL);
  buf_free(&text);
  if (r == PARLEY_OK && strcmp(party, n->own.name))
    compare(n, &(struct named){'c', party, l->from->peer->card.name, h->origin, h->size, h->root, h->line});
  if (r != PARLEY_OK && r != PARLEY_ENOMEM)
    node_log_line(n, 4, "%s: a held line of %s does not verify", l->origin, party);
}

void forks_look(struct node *n, struct their_log *l, const struct statement *s) {
  const char *who = l->from->peer->card.name;
  for (size_t i = 0; i < s->n_heard; i++) look_at_heard(n, l, &s->heard[i]);
  for (size_t i = 0; i < s->n_held; i++) look_at_held(n, l, &s->held[i]);
  if (s->has_bulk) compare(n, &(struct named){'b', who, who, l->from->bulk.origin, s->bulk_size, s->bulk_root, ""});
}

/* ---- lines that reached beyond ---- */

#define DUE_MAX 64

struct due {
  struct node *n;
  const struct their_log *l;
  struct arena arena;
  struct named list[DUE_MAX];
  size_t n_list;
};

static parley_err collect(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct due *d = ctx;
  const size_t front = strlen("ahead/") + strlen(d->l->origin) + 1;
  struct named *t = &d->list[d->n_list];
  (void)e;
  if (d->n_list == DUE_MAX) return PARLEY_EBUSY; /* the rest when it grows again */
  if (key.n <= front + 1 || !row_parse(t, &d->arena, v) || t->size > copy_size(mirror_copy(d->l->mirror)))
    return PARLEY_OK;
  t->sort = (char)key.p[front];
  t->who = arena_cstr(&d->arena, BYTES(key.p + front + 1, key.n - front - 1));
  t->origin = d->l->origin;
  if (t->who) d->n_list++;
  return PARLEY_OK;
}

static parley_err take_due(struct due *d, struct errmsg *e) {
  parley_err r = store_begin(d->n->env.store, e);
  for (size_t i = 0; i < d->n_list && !r; i++) {
    struct buf k = {0};
    row_key(&k, "ahead", &d->list[i]);
    r = buf_ok(&k) ? store_delete(d->n->env.store, STORE_PEERS, buf_view(&k), e)
                   : err_set(e, PARLEY_ENOMEM, "out of memory");
    buf_free(&k);
    if (!r) compare(d->n, &d->list[i]);
  }
  if (!r) return store_commit(d->n->env.store, e);
  if (store_in_transaction(d->n->env.store)) store_rollback(d->n->env.store);
  return r;
}

void forks_look_again(struct node *n, struct their_log *l) {
  struct due d = {.n = n, .l = l};
  struct buf prefix = {0};
  struct errmsg e = {{0}};
  buf_fmt(&prefix, "ahead/%s\n", l->origin);
  parley_err r = buf_ok(&prefix)
                     ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, false, collect, &d, &e)
                     : PARLEY_OK;
  if (!r && d.n_list > 0) r = take_due(&d, &e);
  if (r) node_log_line(n, 4, "%s: what others hold of it cannot be compared now: %s", l->origin, e.text);
  buf_free(&prefix);
  arena_free(&d.arena);
}
