/*
 * What counterparts may ask: add-checkpoint, add-entries, propose, and the read side of logs (docs/protocol.md, sections 3 and 4).
 * What a bundle brings goes the same way; then c->peer is NULL: nobody is asked who carried it.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/call.h"
#include "node/cosigned_note.h"
#include "node/epoch_end.h"
#include "node/forks.h"
#include "node/line_marks.h"
#include "node/witness.h"

static void answer_not_found(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  err_set(&e, PARLEY_ENOTFOUND, "no such log here");
  answer_err(c, out, PARLEY_ENOTFOUND, &e);
}

/* A log that the asking peer may see: of a forum that it shares with us. Anything else looks as if it did not exist. */
static bool shares(const struct node_call *c, const struct forum *f) {
  const struct member *m = c->peer ? forum_member(f, c->peer->card.name) : NULL;
  return !c->peer || (m && !m->gone);
}

static const char *caller(const struct node_call *c) { return c->peer ? c->peer->card.name : "bundle"; }

static struct their_log *shared_log(struct node_call *c, struct bytes origin) {
  struct their_log *l = their_log_by_origin(c->n, origin);
  return l && !l->from->gone && shares(c, l->from->forum) ? l : NULL;
}

static void answer_mirror(struct node_call *c, struct node_response *out, struct mirror_answer *a) {
  out->status = a->status;
  out->content_type = a->content_type;
  out->body = a->body;
  a->body = (struct buf){0};
  if (a->fork)
    node_log_line(c->n, 3, "%s has signed two histories of one log; both are kept as evidence: %s",
                  c->log ? c->log->origin : caller(c), a->why.text);
  if (a->status >= 400) {
    node_log_line(c->n, 6, "%s: %u %s", caller(c), a->status, a->why.text);
    if (!out->body.n && a->status != 409) {
      out->content_type = CONTENT_TEXT;
      buf_str(&out->body, a->why.text);
      buf_str(&out->body, "\n");
    }
  }
}

/* Whoever has signed two histories of a log is convicted: nothing more of it, nor of its bulk log, is taken (design section 5). */
static bool closed(struct node_call *c, const struct their_log *l, struct node_response *out) {
  struct errmsg e;
  const parley_err r = PLANTED(go_on_with_forked_log) ? PARLEY_OK : epoch_refused(c->n, l, &e);
  if (r) answer_err(c, out, r, &e);
  return r != PARLEY_OK;
}

/* ---- add-checkpoint ---- */

static struct bytes checkpoint_origin(struct bytes body) {
  struct add_checkpoint r;
  struct bytes line = BYTES_NONE;
  if (add_checkpoint_parse(&r, body, NULL) == PARLEY_OK) {
    struct bytes rest = r.note;
    bytes_line(&rest, &line);
  }
  return line;
}

/* What the mirror kept becomes a proof before the answer leaves; what proves nothing by itself is looked into. */
static void look_for_fork(struct node_call *c, struct their_log *l, struct bytes body, const struct mirror_answer *a) {
  struct add_checkpoint r;
  struct errmsg e = {{0}};
  if (a->fork && forks_of_mirror(c->n, l->origin, &e) != PARLEY_OK)
    node_log_line(c->n, 3, "%s: the proof of its two histories cannot be kept now: %s", l->origin, e.text);
  if (a->odd && add_checkpoint_parse(&r, body, NULL) == PARLEY_OK)
    seek_note(c->n, l->origin, c->peer ? c->peer : l->from->peer, r.note);
}

/* Of an epoch that is over only the end is taken; another tree may still prove something. True: it is answered. */
static bool not_the_end(struct node_call *c, struct their_log *l, struct bytes body, struct node_response *out) {
  struct add_checkpoint r = {0};
  struct mirror_state s;
  struct errmsg e;
  const bool whole = add_checkpoint_parse(&r, body, NULL) == PARLEY_OK;
  if (!their_log_over(l) || (whole && their_end_note(l, r.note, &e) == PARLEY_OK)) return false;
  if (!whole) their_end_note(l, BYTES_NONE, &e);
  mirror_state(l->mirror, &s);
  if (whole && s.pending_size > 0) forks_of_note(c->n, l, c->peer ? c->peer : l->from->peer, r.note);
  answer_err(c, out, PARLEY_EREFUSED, &e);
  return true;
}

void peer_checkpoint_take(struct node_call *c, struct their_log *l, struct bytes body, struct node_response *out) {
  if (closed(c, l, out) || not_the_end(c, l, body, out)) return;
  struct mirror_answer a = {0};
  mirror_add_checkpoint(l->mirror, body, &a);
  look_for_fork(c, l, body, &a);
  answer_mirror(c, out, &a);
  buf_free(&a.body);
}

/* The log of a member's next epoch is made when its first checkpoint comes. */
static parley_err next_epoch(struct node_call *c, struct bytes body, struct bytes origin, struct their_log **out,
                             struct errmsg *e) {
  struct add_checkpoint r;
  if (add_checkpoint_parse(&r, body, NULL)) return PARLEY_OK;
  const parley_err err = their_epoch_next(c->n, origin, r.note, out, e);
  if (!err && *out && !shares(c, (*out)->from->forum)) *out = NULL;
  return err;
}

static void peer_add_checkpoint(struct node_call *c, struct node_response *out) {
  struct bytes body = buf_view(&c->body), origin = checkpoint_origin(body);
  struct errmsg e;
  if (!origin.p) {
    err_set(&e, PARLEY_EINVAL, "not an add-checkpoint request");
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  struct their_log *l = shared_log(c, origin);
  const parley_err r = l ? PARLEY_OK : next_epoch(c, body, origin, &l, &e);
  if (r) answer_err(c, out, r, &e);
  if (!l && !r) answer_not_found(c, out);
  if (l) peer_checkpoint_take(c, l, body, out);
}

/* ---- add-entries ---- */

static void key_day(struct buf *k, const struct their_log *l) { buf_fmt(k, "d/%s", l->origin); }

/* What is stored of the day; a row that is missing or unreadable starts a day anew. */
static void day_load(struct node *n, struct their_log *l) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  const char *text = NULL;
  long long day;
  unsigned long long base;
  key_day(&k, l);
  if (buf_ok(&k) && store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, NULL) == PARLEY_OK)
    text = arena_cstr(&a, v);
  if (text && sscanf(text, "%lld %llu", &day, &base) == 2) {
    l->day = day;
    l->day_base = base;
    l->day_stored = true;
  }
  buf_free(&k);
  arena_free(&a);
}

/* Once a day and log, so that a restart does not give the day's bytes anew. Not stored now: the next upload tries again. */
static void day_store(struct node *n, struct their_log *l) {
  struct buf k = {0}, v = {0};
  struct errmsg e = {{0}};
  key_day(&k, l);
  buf_fmt(&v, "%lld %llu", (long long)l->day, (unsigned long long)l->day_base);
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_begin(n->env.store, &e) : err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), &e);
    if (!r)
      r = store_commit(n->env.store, &e);
    else
      store_rollback(n->env.store);
  }
  l->day_stored = r == PARLEY_OK;
  if (r) node_log_line(n, 4, "%s: the count of the day cannot be stored: %s", l->origin, e.text);
  buf_free(&k);
  buf_free(&v);
}

static void count_day(struct node *n, struct their_log *l, uint64_t held) {
  const int64_t day = node_wall(n) / 86400;
  if (!l->day) day_load(n, l);
  if (l->day != day || l->day_base > held) {
    l->day = day;
    l->day_base = held;
    l->day_stored = false;
  }
  if (!l->day_stored) day_store(n, l);
}

/*
 * Over its allowance a member's bulk uploads wait; statements never do, nor what brings nothing new: a renewal
 * (docs/protocol.md, "Charter"). The day is UTC. Returns the seconds to wait, 0 when the upload to end may go on.
 */
static unsigned over_allowance(struct node *n, struct their_log *l, uint64_t end) {
  const struct charter *ch = &l->from->forum->charter;
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  if (!l->bulk || end <= s.next) return 0;
  count_day(n, l, s.next);
  if (end > (uint64_t)ch->bytes_total / BULK_ENTRY_MAX) return 86400;
  if ((s.next - l->day_base) * BULK_ENTRY_MAX >= (uint64_t)ch->bytes_per_day)
    return (unsigned)(86400 - node_wall(n) % 86400);
  return 0;
}

static void answer_allowance(struct node_response *out, unsigned wait) {
  out->status = 429;
  out->retry_after = wait;
  out->content_type = CONTENT_TEXT;
  buf_clear(&out->body);
  buf_str(&out->body, "the bytes that the charter allows this member for files, a day or in all, are used up\n");
}

#define UPLOADS_MAX 2 /* at once from one counterpart to one log: each holds a package in memory */

static bool uploads_full(const struct node_call *c) {
  size_t n = 0;
  for (const struct node_call *o = c->n->calls; o; o = o->next)
    if (o != c && o->upload && o->log == c->log && o->peer == c->peer) n++;
  return n >= UPLOADS_MAX;
}

static void entries_open(struct node_call *c, struct node_response *out) {
  struct add_entries_head h;
  size_t used;
  struct errmsg e;
  parley_err r = add_entries_head_parse(&h, &used, buf_view(&c->body), &e);
  if (r == PARLEY_EBUSY) return;
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  c->log = shared_log(c, h.origin);
  if (!c->log) {
    answer_not_found(c, out);
    return;
  }
  if (closed(c, c->log, out)) return;
  r = their_log_over(c->log) ? their_end_upload(c->log, h.end, &e) : PARLEY_OK;
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  if (uploads_full(c)) {
    err_set(&e, PARLEY_EBUSY, "%d uploads of this log are under way already; let one end", UPLOADS_MAX);
    answer_err(c, out, PARLEY_EBUSY, &e);
    out->retry_after = 5;
    return;
  }
  c->upload_end = h.end;
  const unsigned wait = over_allowance(c->n, c->log, h.end);
  if (wait) {
    answer_allowance(out, wait);
    return;
  }
  struct mirror_answer a = {0};
  r = mirror_upload_begin(&c->upload, c->log->mirror, &h, &a, &e);
  if (r)
    answer_err(c, out, r, &e);
  else if (a.status)
    answer_mirror(c, out, &a);
  else if (c->body.n > used && !mirror_upload_data(c->upload, BYTES(c->body.p + used, c->body.n - used), &a))
    answer_mirror(c, out, &a);
  buf_free(&a.body);
  buf_clear(&c->body);
}

/* A version without the author has come into force while it uploaded. */
static bool is_gone(const struct node_call *c) { return c->upload && c->log && c->log->from->gone; }

void peer_entries_data(struct node_call *c, struct bytes in, struct node_response *out) {
  if (c->dropped || is_gone(c)) {
    peer_entries_end(c, out);
    return;
  }
  if (!c->upload) {
    buf_bytes(&c->body, in);
    entries_open(c, out);
    return;
  }
  const unsigned wait = over_allowance(c->n, c->log, c->upload_end);
  if (wait) { /* the day's bytes ran out meanwhile: what came counts */
    peer_entries_end(c, out);
    if (out->status == 400) answer_allowance(out, wait); /* not one package came */
    return;
  }
  struct mirror_answer a = {0};
  if (!mirror_upload_data(c->upload, in, &a)) answer_mirror(c, out, &a);
  buf_free(&a.body);
}

/* A cosignature given without anything new; what brings news is noted when that is taken in. */
static void note_renewal(struct node *n, struct their_log *l) {
  struct errmsg e;
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  if (s.size == l->taken_in && line_mark_theirs(n, l, &e))
    node_log_line(n, 4, "%s: our cosignature cannot be noted for the availability record: %s", l->origin, e.text);
}

void peer_entries_end(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  if (c->dropped) {
    err_set(&e, PARLEY_EBUSY, "this log goes on in its next epoch; ask for its checkpoint");
    answer_err(c, out, PARLEY_EBUSY, &e);
    return;
  }
  if (is_gone(c)) {
    answer_not_found(c, out);
    return;
  }
  if (!c->upload) {
    err_set(&e, PARLEY_EINVAL, "the add-entries request ends before its header does");
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  struct mirror_answer a = {0};
  struct mirror_state before, after;
  mirror_state(c->log->mirror, &before);
  mirror_upload_finish(c->upload, node_wall(c->n), &a);
  mirror_state(c->log->mirror, &after);
  if (after.size > before.size)
    snprintf(c->log->via, sizeof c->log->via, "%s", c->peer == c->log->from->peer ? "" : caller(c));
  if (a.status == 200 && !c->log->bulk) {
    c->n->intake_due = true;
    note_renewal(c->n, c->log);
  }
  if (a.status == 200) forks_look_again(c->n, c->log);
  answer_mirror(c, out, &a);
  buf_free(&a.body);
}

/* ---- propose ---- */

/* Is it a card that is proposed? What is no envelope at all is left to the charters' parser. */
static bool is_card(struct bytes body) {
  struct arena a = {0};
  struct dsse d;
  const bool yes = dsse_parse(&d, &a, body, CARD_SIZE_MAX, NULL) == PARLEY_OK && bytes_is(d.type, CARD_TYPE);
  arena_free(&a);
  return yes;
}

static void propose_card(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  bool fresh;
  const parley_err r = cards_learn(c->n, c->peer, buf_view(&c->body), &fresh, &e);
  if (r) {
    answer_err(c, out, r, &e);
    if (r == PARLEY_ELIMIT && cards_full(c->peer)) out->status = 429, out->retry_after = 86400;
    return;
  }
  out->status = 200;
  out->content_type = "application/json";
  buf_bytes(&out->body, c->peer->card.envelope);
}

static void peer_propose(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  struct proposal *p;
  if (is_card(buf_view(&c->body))) {
    propose_card(c, out);
    return;
  }
  parley_err r = proposal_take(c->n, buf_view(&c->body), c->peer->card.name, &p, &e);
  if (r) {
    answer_err(c, out, r, &e);
    if (r == PARLEY_EBUSY) out->status = 429, out->retry_after = 600;
    return;
  }
  out->status = p->complete ? 200 : 202;
  out->content_type = "application/json";
  buf_bytes(&out->body, proposal_text(p));
}

/* ---- read side ---- */

struct readable {
  struct own_log *own;
  struct their_log *theirs;
};

static bool find_readable(struct node_call *c, const char *hex, struct readable *out) {
  for (struct forum *f = c->n->forums; f; f = f->next) {
    if (!shares(c, f)) continue;
    struct own_log *own[] = {&f->log, &f->bulk};
    for (size_t i = 0; i < 2; i++)
      for (struct own_log *l = own[i]; l; l = l->older)
        if (!strncmp(hex, l->path, 64)) return *out = (struct readable){l, NULL}, true;
    for (size_t i = 0; i < f->n_members; i++) {
      struct their_log *theirs[] = {&f->members[i].log, &f->members[i].bulk, f->members[i].ahead};
      for (size_t j = 0; j < 3; j++)
        for (struct their_log *l = theirs[j]; l; l = l->older)
          if (!strncmp(hex, l->path, 64)) return *out = (struct readable){NULL, l}, true;
    }
  }
  return false;
}

/* Our own checkpoint with the cosignatures that its tree has (at most 16 lines in a note). */
static void own_checkpoint(struct node_call *c, struct own_log *l, struct buf *out) {
  buf_bytes(out, buf_view(&l->note));
  struct forum *f = l->forum;
  struct bytes rest = note_signatures(buf_view(&l->note)), line;
  size_t lines = 0;
  while (bytes_line(&rest, &line)) lines++; /* of both log keys under a new card */
  for (size_t i = 0; i < f->n_members && lines < NOTE_SIGS_WRITE_MAX; i++) {
    struct cosignature s;
    if (cosignature_at(c->n, l, f->members[i].peer->card.name, l->signed_size, &s, NULL) == PARLEY_OK) {
      buf_fmt(out, "%s\n", s.line);
      lines++;
    }
  }
  witness_lines(c->n, l, &lines, out);
}

/* checkpoint.<party> of our own log: the newest tree that party, or that neutral witness, has cosigned. */
static void own_checkpoint_of(struct node_call *c, struct own_log *l, const char *party, struct buf *out) {
  const struct member *m = forum_member(l->forum, party);
  struct cosignature s;
  struct hash root;
  if (!m) witness_checkpoint(c->n, l, party, out);
  if (!m || cosignature_newest(c->n, l, party, &s, NULL) || copy_root(l->copy, s.size, &root, NULL)) return;
  checkpoint_text(out, l->origin, s.size, &root);
  buf_fmt(out, "\n%s\n%s\n", s.log_line, s.line);
}

/* checkpoint.<party> of another's log: the newest cosignature of that party that we have seen (docs/protocol.md, "Relay"). */
static void their_checkpoint_of(struct node_call *c, const struct their_log *l, const char *party, struct buf *out) {
  struct arena a = {0};
  struct bytes note;
  uint64_t size;
  if (carried_note_get(c->n, l->origin, party, &a, &note, &size, NULL) == PARLEY_OK) buf_bytes(out, note);
  arena_free(&a);
}

/*
 * The author of a log that asks for it has started: perhaps with an older store, also of our logs. It is asked back for another resource than the
 * one that it asked for, so that this ends there; and not at once again, should both be set back.
 */
#define ASK_BACK_MS 1000
static void author_asks(struct node_call *c, const struct their_log *l) {
  struct push *p = l->bulk ? &l->from->bulk_push : &l->from->push;
  if (c->peer != l->from->peer || !p->answered) return;
  const int64_t now = node_mono(c->n), at = p->asked_back_ms ? p->asked_back_ms + ASK_BACK_MS : now;
  if (p->ask_back) return;
  if (p->lane.next_ms < at) p->lane.next_ms = at;
  p->asked_back_ms = at < now ? now : at;
  p->ask = p->ask_back = true;
}

static void read_checkpoint(struct node_call *c, const struct readable *r, const char *what, struct buf *out) {
  struct mirror_state s = {0};
  if (r->theirs) mirror_state(r->theirs->mirror, &s);
  if (!*what) {
    if (r->own)
      own_checkpoint(c, r->own, out);
    else
      buf_bytes(out, s.note);
  } else if (!strcmp(what, ".pending")) {
    if (r->theirs) author_asks(c, r->theirs);
    buf_bytes(out, r->own ? buf_view(&r->own->note) : s.pending_note);
  } else if (*what == '.') {
    if (r->own)
      own_checkpoint_of(c, r->own, what + 1, out);
    else if (!strcmp(what + 1, c->n->own.name))
      buf_bytes(out, s.note);
    else
      their_checkpoint_of(c, r->theirs, what + 1, out);
  }
}

/* Of our own logs only what a checkpoint covers is shown: what is not signed yet may still come to nothing. */
static bool published(const struct readable *r, const struct tile_name *t) {
  return !r->own || tile_width(t->level, t->n, r->own->signed_size) >= t->width;
}

static void peer_read(struct node_call *c, struct node_response *out) {
  struct readable r;
  const char *what = c->path + 1 + 64;
  if (!find_readable(c, c->path + 1, &r) || *what != '/') {
    answer_not_found(c, out);
    return;
  }
  what++;
  struct tile_name t;
  struct errmsg e;
  if (!strncmp(what, "checkpoint", 10)) {
    read_checkpoint(c, &r, what + 10, &out->body);
    out->content_type = CONTENT_TEXT;
  } else if (tile_parse(&t, bytes_str(what))) {
    struct copy *copy = r.own ? r.own->copy : mirror_copy(r.theirs->mirror);
    if (!published(&r, &t) || copy_tile(copy, &t, &out->body, &e) != PARLEY_OK) buf_clear(&out->body);
    out->content_type = "application/octet-stream";
    out->immutable = true;
    out->compressible = t.kind == TILE_ENTRIES && !(r.own ? r.own->bulk : r.theirs->bulk); /* files are sealed bytes */
  }
  if (!out->body.n) {
    buf_free(&out->body);
    out->immutable = out->compressible = false;
    answer_not_found(c, out);
    return;
  }
  out->status = 200;
}

/* ---- routing ---- */

void peer_route(struct node_call *c, const struct node_request *r, struct node_response *out) {
  bool post = !strcmp(r->method, "POST"), get = !strcmp(r->method, "GET");
  if (post && !strcmp(r->path, "/add-checkpoint")) {
    c->handler = peer_add_checkpoint;
    c->body_max = NOTE_SIZE_MAX + 8192;
  } else if (post && !strcmp(r->path, "/add-entries")) {
    c->entries = true;
  } else if (post && !strcmp(r->path, "/propose")) {
    c->handler = peer_propose;
    c->body_max = CHARTER_SIZE_MAX;
  } else if (get && strlen(r->path) > 66) {
    c->handler = peer_read;
    c->body_max = 0;
  } else {
    answer_not_found(c, out);
  }
}
