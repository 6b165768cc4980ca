#include "node/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/cosigned_note.h"

#define FOLLOWING 3 /* members that pass on to the one before them */
#define DELAY_MIN_S 5

/* ---- whose business ---- */

bool relay_responsible(const struct charter *c, const char *who, const char *author, const char *target) {
  const struct charter_member *me = charter_member(c, who), *m = charter_member(c, target);
  if (!me || !m || me->role == ROLE_SUSPENDED || m->role == ROLE_SUSPENDED || !strcmp(who, author) ||
      !strcmp(who, target) || !strcmp(author, target))
    return false;
  if (me->role == ROLE_RELAY) return true;
  const size_t at = (size_t)(m - c->members);
  for (size_t i = 1, found = 0; i < c->n_members && found < FOLLOWING; i++) {
    const struct charter_member *x = &c->members[(at + i) % c->n_members];
    if (x->role == ROLE_SUSPENDED || !strcmp(x->name, author)) continue;
    if (x == me) return true;
    found++;
  }
  return false;
}

int64_t relay_delay_ms(const struct charter *c) {
  int64_t least = c->ack_seconds[0];
  for (size_t i = 1; i < PRECEDENCE_COUNT; i++) least = c->ack_seconds[i] < least ? c->ack_seconds[i] : least;
  return (least / 5 > DELAY_MIN_S ? least / 5 : DELAY_MIN_S) * 1000;
}

/* ---- the row ---- */

static void key_need(struct buf *k, const struct their_log *l, const char *party) {
  buf_fmt(k, "rn/%s\n%s", l->origin, party);
}

/* In the transaction that is open, else in one of its own. size 0: the row goes. */
static parley_err put_need(struct node *n, const struct relay *r, uint64_t size, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  const bool own = !store_in_transaction(n->env.store);
  key_need(&k, r->log, r->to->peer->card.name);
  buf_fmt(&v, "%llu", (unsigned long long)size);
  parley_err err = buf_ok(&k) && buf_ok(&v) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err && own) err = store_begin(n->env.store, e);
  if (!err) {
    err = size ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
               : store_delete(n->env.store, STORE_PEERS, buf_view(&k), e);
    if (own && !err)
      err = store_commit(n->env.store, e);
    else if (own)
      store_rollback(n->env.store);
  }
  buf_free(&k);
  buf_free(&v);
  return err;
}

/* ---- pairs ---- */

static struct relay *find(const struct their_log *l, const struct member *to) {
  struct relay *r = l->relays;
  while (r && r->to != to) r = r->next;
  return r;
}

static void drop(struct relay *r) {
  struct relay **at = &r->log->relays;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  lane_clear(&r->lane);
  buf_free(&r->ticket);
  free(r);
}

static struct relay *add(struct their_log *l, struct member *to) {
  struct relay *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->log = l;
  r->to = to;
  r->next = l->relays;
  return l->relays = r;
}

/* M may lack A's log below size; our business from due on. */
static parley_err need(struct node *n, struct their_log *l, struct member *to, uint64_t size, int64_t due,
                       struct errmsg *e) {
  struct relay *r = find(l, to);
  const bool fresh = !r || !r->newest;
  if (!r) r = add(l, to);
  if (!r) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (fresh) {
    const parley_err err = put_need(n, r, size, e);
    if (err) return err;
    r->oldest = size;
    r->oldest_due = due;
  } else if (due < r->oldest_due) {
    r->oldest_due = due; /* what is urgent takes along what stands before it */
  }
  if (fresh || size > r->newest) {
    r->newest = size;
    r->newest_due = due;
  }
  return PARLEY_OK;
}

void relay_holds(struct node *n, struct relay *r, uint64_t size) {
  struct errmsg e = {{0}};
  if (size < r->oldest) return;
  if (size < r->newest) { /* of those between only the last is remembered */
    r->oldest = r->newest;
    r->oldest_due = r->newest_due;
    return;
  }
  if (r->newest && put_need(n, r, 0, &e)) /* looked at once more after a restart */
    node_log_line(n, 4, "%s: what is known of %s cannot be stored: %s", r->log->origin, r->to->peer->card.name, e.text);
  r->oldest = r->newest = 0;
  if (!r->lane.request) drop(r);
}

void relay_free(struct their_log *l) {
  while (l->relays) drop(l->relays);
}

/* ---- what entries tell ---- */

static bool is_to(const struct statement *s, const char *party) {
  for (size_t i = 0; i < s->n_to; i++)
    if (!strcmp(s->to[i], party)) return true;
  return false;
}

static parley_err see_statement(struct node *n, struct their_log *l, uint64_t index, const struct statement *s,
                                struct errmsg *e) {
  struct forum *f = l->from->forum;
  const int64_t soon = node_mono(n) + relay_delay_ms(&f->charter),
                late = soon + f->charter.heartbeat_seconds * 1000; /* by then M's heard line tells */
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < f->n_members && !r; i++) {
    struct member *m = &f->members[i];
    if (m == l->from || !relay_responsible(&f->charter, n->own.name, l->from->peer->card.name, m->peer->card.name))
      continue;
    const bool concerned = is_to(s, m->peer->card.name);
    r = need(n, l, m, index + 1, concerned ? soon : late, e);
    struct their_log *bulk = concerned && s->has_bulk ? their_log_of(l->from, l->epoch, true) : NULL;
    if (!r && bulk) r = need(n, bulk, m, s->bulk_size, soon, e);
  }
  return r;
}

/* Whether the tree is the one that we mirror. */
static bool is_held(const struct their_log *l, uint64_t size, const struct hash *root) {
  struct hash ours;
  return size <= copy_size(mirror_copy(l->mirror)) && !copy_root(mirror_copy(l->mirror), size, &ours, NULL) &&
         hash_eq(&ours, root);
}

static void see_heard(struct node *n, struct their_log *l, const struct statement *s) {
  for (size_t i = 0; i < s->n_heard; i++) {
    const struct heard *h = &s->heard[i];
    char origin[ORIGIN_MAX + 1];
    log_origin(origin, h->party, l->from->forum->id, h->epoch, false);
    struct their_log *of = their_log_by_origin(n, bytes_str(origin));
    struct relay *r = of && of->relays ? find(of, l->from) : NULL;
    if (r && h->size >= r->oldest && is_held(of, h->size, &h->root)) relay_holds(n, r, h->size);
  }
}

/* The member whose mirror's line it is; NULL: none. */
static struct member *line_of(const struct forum *f, const char *line) {
  char party[PARTY_NAME_MAX + 1];
  return mirror_line_party(line, party) ? forum_member(f, party) : NULL;
}

static void see_held(struct node *n, struct their_log *l, const struct statement *s) {
  for (size_t i = 0; i < s->n_held; i++) {
    const struct held *h = &s->held[i];
    struct their_log *of = their_log_by_origin(n, bytes_str(h->origin));
    struct member *m = of && of->relays && of->from->forum == l->from->forum ? line_of(l->from->forum, h->line) : NULL;
    struct relay *r = m ? find(of, m) : NULL;
    if (!r || h->size < r->oldest || !is_held(of, h->size, &h->root)) continue;
    struct buf text = {0};
    checkpoint_text(&text, h->origin, h->size, &h->root);
    if (cosignature_verify(n, m->peer->card.name, m->log.serial, bytes_str(h->line), buf_view(&text), NULL, NULL) ==
        PARLEY_OK)
      relay_holds(n, r, h->size);
    buf_free(&text);
  }
}

parley_err relay_see(struct node *n, struct their_log *l, uint64_t index, const struct statement *s, struct errmsg *e) {
  if (l->from->forum->n_members < 2) return PARLEY_OK;
  see_heard(n, l, s);
  see_held(n, l, s);
  return kind_is_open(s->kind) ? PARLEY_OK : see_statement(n, l, index, s, e);
}

/* ---- after a start ---- */

struct loading {
  struct node *n;
  struct their_log *l;
};

static parley_err load_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct loading *x = ctx;
  const struct forum *f = x->l->from->forum;
  const size_t at = strlen("rn/") + strlen(x->l->origin) + 1;
  char party[PARTY_NAME_MAX + 1];
  uint64_t size;
  snprintf(party, sizeof party, "%.*s", (int)(key.n - at), (const char *)key.p + at);
  struct member *m = forum_member(f, party);
  if (!m || !dec_decode(&size, v)) return PARLEY_OK;
  struct relay *r = add(x->l, m);
  if (!r) return err_set(e, PARLEY_ENOMEM, "out of memory");
  r->oldest = size;
  r->newest = !x->l->bulk && x->l->gained > size ? x->l->gained : size;
  r->oldest_due = r->newest_due = node_mono(x->n) + relay_delay_ms(&f->charter);
  return PARLEY_OK;
}

parley_err relay_load(struct node *n, struct their_log *l, struct errmsg *e) {
  struct buf prefix = {0};
  struct loading x = {n, l};
  key_need(&prefix, l, "");
  const parley_err r =
      buf_ok(&prefix) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, false, load_one, &x, e)
                      : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&prefix);
  return r;
}
