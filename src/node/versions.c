/*
 * What of a forum's versions is in force, and acting on it: the forum is opened, members come and go, and the runs that our
 * log lacks are appended (docs/protocol.md, "New versions").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/witness.h"

#define CHARTER_PART 32768

/* ---- judging ---- */

void versions_free(struct versions *v) { arena_free(&v->arena); }

/* Complete ones, ancestors first: by depth, then by digest, so that every node appends them alike. */
static bool stands_before(const struct versions *v, size_t a, size_t b) {
  const struct version *x = &v->set.v[a], *y = &v->set.v[b];
  if (x->depth != y->depth) return x->depth < y->depth;
  return memcmp(x->charter->digest, y->charter->digest, SHA256_SIZE) < 0;
}

static void put_in_order(struct versions *v) {
  for (size_t i = 0; i < v->set.n; i++) {
    if (!v->set.v[i].complete) continue;
    size_t at = v->n_order++;
    for (; at > 0 && stands_before(v, i, v->order[at - 1]); at--) v->order[at] = v->order[at - 1];
    v->order[at] = i;
  }
}

parley_err versions_gather(struct node *n, const uint8_t forum[static SHA256_SIZE], struct versions *out,
                           struct errmsg *e) {
  size_t count = 0;
  *out = (struct versions){0};
  for (struct proposal *p = n->proposals; p; p = p->next) count += p->placed && !memcmp(p->forum, forum, SHA256_SIZE);
  out->set.v = arena_alloc(&out->arena, (count + 1) * sizeof *out->set.v);
  out->p = arena_alloc(&out->arena, (count + 1) * sizeof *out->p);
  out->order = arena_alloc(&out->arena, (count + 1) * sizeof *out->order);
  if (!out->set.v || !out->p || !out->order) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (struct proposal *p = n->proposals; p; p = p->next) {
    if (!p->placed || memcmp(p->forum, forum, SHA256_SIZE)) continue;
    out->p[out->set.n] = p;
    out->set.v[out->set.n++] = (struct version){.charter = &p->charter, .signed_by = p->signed_by};
  }
  const parley_err r = versions_judge(&out->set, &out->arena, e);
  if (!r) put_in_order(out);
  return r;
}

static void note_found(const struct versions *v) {
  for (size_t i = 0; i < v->set.n; i++) {
    v->p[i]->complete = v->set.v[i].complete;
    v->p[i]->holds = v->set.v[i].holds;
    v->p[i]->in_force = i == v->set.in_force;
  }
}

const struct charter_member *versions_member(const struct versions *v, const char *party) {
  for (size_t i = 0; i < v->n_order; i++) {
    const struct charter_member *m = charter_member(v->set.v[v->order[i]].charter, party);
    if (m) return m;
  }
  return NULL;
}

/* ---- our log ---- */

/* One part of a version's envelope as a forum.charter statement. */
static parley_err submit_part(struct node *n, struct forum *f, const struct proposal *p, size_t part, size_t parts,
                              struct errmsg *e) {
  struct statement s = {0};
  struct submission *sub;
  const size_t at = part * CHARTER_PART, left = p->envelope.n - at;
  compose_common(n, f, &s, "forum.charter");
  memcpy(s.charter, p->digest, SHA256_SIZE);
  s.body = json_object();
  bool ok = s.body && json_put_int(s.body, "part", (int64_t)part) && json_put_int(s.body, "parts", (int64_t)parts) &&
            json_put_b64(s.body, "data", p->envelope.p + at, left < CHARTER_PART ? left : CHARTER_PART);
  parley_err r = ok ? compose_submit(n, f, &s, &sub, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    sub->opening = true;
    sub->has_opens = part + 1 == parts;
    memcpy(sub->opens, p->digest, SHA256_SIZE);
  }
  statement_clear(&s);
  return r;
}

static parley_err submit_run(struct node *n, struct forum *f, const struct proposal *p, struct errmsg *e) {
  const size_t parts = (p->envelope.n + CHARTER_PART - 1) / CHARTER_PART;
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < parts && !r; i++) r = submit_part(n, f, p, i, parts, e);
  return r;
}

/* What our log has opened, and what is queued to be opened. */
static parley_err own_openings(const struct node *n, const struct forum *f, struct openings *out, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < f->log.versions.n && !r; i++)
    r = openings_add(out, f->log.versions.list[i].digest, f->log.versions.list[i].index, e);
  for (const struct submission *s = n->queue; s && !r; s = s->next)
    if (s->has_opens && s->forum == f) r = openings_add(out, s->opens, UINT64_MAX, e);
  return r;
}

static parley_err open_lacking(struct node *n, struct forum *f, const struct versions *v, const struct openings *o,
                               struct errmsg *e) {
  const struct proposal *want = v->p[v->set.in_force];
  parley_err r = PARLEY_OK;
  if (o->n && !memcmp(o->list[o->n - 1].digest, want->digest, SHA256_SIZE)) return r;
  for (size_t i = 0; i < v->n_order && !r; i++) {
    const struct proposal *p = v->p[v->order[i]];
    if (versions_before(&v->set, v->order[i], v->set.in_force) && !openings_have(o, p->digest))
      r = submit_run(n, f, p, e);
  }
  return r ? r : submit_run(n, f, want, e);
}

/*
 * Our newer card, then the runs of the ancestors that the log lacks, oldest first, then that of the version in force. What is queued is
 * not lost but by a crash, after which this is called again.
 */
static parley_err open_log(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e) {
  struct openings o = {0};
  if (f->gone) return PARLEY_OK;
  parley_err r = renewal_announce(n, f, e);
  if (!r) r = own_openings(n, f, &o, e);
  if (!r) r = open_lacking(n, f, v, &o, e);
  free(o.list);
  return r;
}

parley_err forum_open_log(struct node *n, struct forum *f, struct errmsg *e) {
  struct versions v;
  parley_err r = versions_gather(n, f->id, &v, e);
  if (!r && v.set.in_force != VERSION_NONE) r = open_log(n, f, &v, e);
  versions_free(&v);
  return r;
}

/* ---- acting ---- */

/* A version that is stored but cannot be read may be the one in force: nothing is done on the others alone. */
static parley_err all_read(const struct node *n, const struct versions *v, struct errmsg *e) {
  for (size_t i = 0; i < n->n_unread; i++)
    for (size_t k = 0; k < v->set.n; k++)
      if (version_lists(&n->unread[i], v->p[k]->digest) || version_lists(&v->p[k]->charter, n->unread[i].digest))
        return err_set(
            e, PARLEY_ECONFLICT,
            "a version of the charter “%s” is stored here but cannot be read now: the card of a member is not "
            "pinned (parley trust)",
            v->p[k]->charter.title);
  return PARLEY_OK;
}

/* The start tells by it which forums should be open. */
static parley_err note_forum(struct node *n, const struct versions *v, struct errmsg *e) {
  const struct proposal *first = v->p[v->order[0]];
  struct arena a = {0};
  struct bytes had;
  parley_err r = store_get(n->env.store, STORE_FORUMS, BYTES(first->forum, SHA256_SIZE), &a, &had, e);
  arena_free(&a);
  if (r != PARLEY_ENOTFOUND) return r;
  r = store_begin(n->env.store, e);
  if (r) return r;
  r = store_put(n->env.store, STORE_FORUMS, BYTES(first->forum, SHA256_SIZE), buf_view(&first->envelope), e);
  if (!r)
    r = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  return r;
}

/* Whoever signed both of two versions that do not list each other is named. */
static void tell_rivals(const struct node *n, const struct proposal *a, const struct proposal *b) {
  char who[256] = "";
  size_t used = 0;
  for (size_t i = 0; i < a->charter.n_members; i++) {
    const struct charter_member *m = charter_member(&b->charter, a->charter.members[i].name);
    if (!m || !a->signed_by[i] || !b->signed_by[m - b->charter.members] || used + 70 > sizeof who) continue;
    used += (size_t)snprintf(who + used, sizeof who - used, "%s%s", used ? ", " : "", m->name);
  }
  node_log_line(n, 3,
                "“%s”: two versions of the charter are complete, and neither replaces the other: neither holds. Signed "
                "by both: %s. A new version that replaces both mends it (parley forum amend)",
                a->charter.title, used ? who : "nobody");
}

/* Told once, when the later of the two became complete. */
static void tell_conflicts(const struct node *n, const struct versions *v) {
  for (size_t i = 0; i < v->n_order; i++)
    for (size_t k = 0; k < i; k++) {
      const size_t a = v->order[i], b = v->order[k];
      const bool known = v->p[a]->complete && v->p[b]->complete;
      if (known || versions_before(&v->set, a, b) || versions_before(&v->set, b, a)) continue;
      tell_rivals(n, v->p[a], v->p[b]);
    }
}

static parley_err act(struct node *n, const struct versions *v, struct errmsg *e) {
  const struct proposal *p = v->p[v->set.in_force];
  struct forum *f = forum_find(n, p->forum);
  const bool opened = f != NULL;
  if (!f && !versions_member(v, n->own.name)) return PARLEY_OK; /* known for a version that may admit us */
  parley_err r = all_read(n, v, e);
  if (!r && !f) r = note_forum(n, v, e);
  if (!r) r = f ? forum_members(n, f, v, e) : forum_load(n, v, e);
  f = r ? NULL : forum_find(n, p->forum);
  if (!r) r = open_log(n, f, v, e);
  if (!r && !opened) r = own_epoch_rest(n, f, e);
  if (r) return r;
  const bool changed = memcmp(f->charter.digest, p->digest, SHA256_SIZE) != 0;
  f->charter = p->charter;
  if (changed) r = witnesses_open(n, f, e);
  if (f->gone && (changed || !opened)) node_log_line(n, 4, "we are no longer a member of “%s”", p->charter.title);
  if (!opened || changed) node_log_line(n, 6, "forum “%s” is in force", p->charter.title);
  return r;
}

parley_err versions_refresh(struct node *n, const uint8_t forum[static SHA256_SIZE], struct errmsg *e) {
  struct versions v;
  parley_err r = versions_gather(n, forum, &v, e);
  if (!r) {
    tell_conflicts(n, &v);
    note_found(&v);
  }
  if (!r && v.set.in_force != VERSION_NONE) r = act(n, &v, e);
  if (!r) r = proposals_address(n, &v, e);
  versions_free(&v);
  if (node_trouble(r)) {
    n->versions_due = true;
    node_retry(n);
  }
  return r;
}

/* ---- at the start, and after a failure ---- */

/* The forums of which versions are held, each once: those of the first versions. */
static void refresh_all(struct node *n) {
  struct errmsg e = {{0}};
  for (struct proposal *p = n->proposals; p; p = p->next)
    if (p->placed && p->charter.n_replaces == 0 && versions_refresh(n, p->forum, &e))
      node_log_line(n, 3, "the forum “%s” cannot be opened now, or what is in force cannot be acted on: %s",
                    p->charter.title, e.text);
}

static parley_err count_closed(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct node *n = ctx;
  (void)v, (void)e;
  if (key.n == SHA256_SIZE && !forum_find(n, key.p)) n->forums_failed++;
  return PARLEY_OK;
}

parley_err versions_load(struct node *n, struct errmsg *e) {
  refresh_all(n);
  const parley_err r = store_scan(n->env.store, STORE_FORUMS, BYTES_NONE, BYTES_NONE, false, count_closed, n, e);
  if (!r && n->forums_failed)
    node_log_line(n, 3, "forums in force that cannot be opened and stay closed: %u", n->forums_failed);
  return r;
}

void versions_run(struct node *n) {
  if (!n->versions_due || n->retry_ms) return;
  n->versions_due = false;
  refresh_all(n);
}
