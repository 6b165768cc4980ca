/*
 * Submitting checkpoints to neutral witnesses (C2SP tlog-witness: add-checkpoint).
 */
#include "node/witness.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the witnesses of the charter in force ---- */

static const struct node_witness *configured(const struct node *n, const char *name) {
  for (size_t i = 0; i < n->env.n_witnesses; i++)
    if (!strcmp(n->env.witnesses[i].name, name)) return &n->env.witnesses[i];
  return NULL;
}

static parley_err open_one(struct node *n, struct forum *f, const struct vkey *k, struct witness *w, struct errmsg *e) {
  *w = (struct witness){.key = *k, .log = &f->log, .at = configured(n, k->name), .renewed_ms = node_mono(n)};
  snprintf(w->id, sizeof w->id, "%s+%08x", k->name, (unsigned)k->id);
  w->pins[0] = w->at ? w->at->pin : NULL;
  struct errmsg why = {{0}};
  const parley_err r = witness_load(n, w, &why);
  if (r != PARLEY_EIO) return r ? err_set(e, r, "%s", why.text) : r;
  node_log_line(n, 3, "%s: %s; it is begun anew", f->log.origin, why.text); /* no witness keeps a forum closed */
  w->taken = w->cosigned = w->held_upto = 0;
  w->n_held = 0;
  return PARLEY_OK;
}

static bool same_key(const struct vkey *a, const struct vkey *b) {
  return !strcmp(a->name, b->name) && !memcmp(a->pub, b->pub, sizeof a->pub);
}

/*
 * The request under way reads its body until it has ended, which nobody then asks for; its other parts stay in the
 * arena.
 */
static void retire(struct forum *f, struct lane *l) {
  if (l->request) {
    struct retired *r = arena_alloc(&f->arena, sizeof *r);
    if (!r) return; /* a body is lost rather than freed while it is read */
    *r = (struct retired){f->retired, l->body};
    f->retired = r;
    l->body = (struct buf){0};
  }
  lane_clear(l);
}

parley_err witnesses_open(struct node *n, struct forum *f, struct errmsg *e) {
  const struct charter *c = &f->charter;
  struct witness *all = c->n_witnesses ? arena_alloc(&f->arena, c->n_witnesses * sizeof *all) : NULL;
  parley_err r = PARLEY_OK;
  if (c->n_witnesses && !all) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; !r && i < c->n_witnesses; i++) {
    struct witness *before = NULL;
    for (size_t k = 0; k < f->n_witnesses; k++)
      if (same_key(&f->witnesses[k].key, &c->witnesses[i])) before = &f->witnesses[k];
    if (before)
      all[i] = *before;
    else
      r = open_one(n, f, &c->witnesses[i], &all[i], e);
  }
  if (r) return r;
  for (size_t k = 0; k < f->n_witnesses; k++) { /* those that are no longer named */
    bool stays = false;
    for (size_t i = 0; i < c->n_witnesses; i++) stays |= same_key(&f->witnesses[k].key, &c->witnesses[i]);
    if (!stays) retire(f, &f->witnesses[k].lane);
  }
  f->witnesses = all;
  f->n_witnesses = c->n_witnesses;
  return PARLEY_OK;
}

void witnesses_free(struct forum *f) {
  for (size_t i = 0; i < f->n_witnesses; i++) lane_clear(&f->witnesses[i].lane);
  for (; f->retired; f->retired = f->retired->next) buf_free(&f->retired->body);
  f->witnesses = NULL;
  f->n_witnesses = 0;
}

void witness_hasten(struct node *n, const struct submission *s) {
  struct forum *f = s->forum;
  if (s->bookkeeping || s->ack_seconds > f->charter.ack_seconds[FLASH]) return;
  for (size_t i = 0; i < f->n_witnesses; i++)
    if (!f->witnesses[i].lane.failures) f->witnesses[i].lane.next_ms = node_mono(n);
}

/* ---- requests ---- */

static int64_t renewal_at(const struct witness *w) {
  return w->renewed_ms + w->log->forum->charter.heartbeat_seconds * 1000;
}

/*
 * Nothing is signed since the start: like a member, it can show the checkpoint that it holds (docs/protocol.md, section
 * 4).
 */
static bool asks(const struct witness *w) { return !w->log->ready && w->cosigned > 0; }

static bool can(const struct witness *w) {
  return w->at && !w->log->stopped && !w->log->forum->gone && (w->log->signed_size > 0 || asks(w));
}

static bool wants(const struct node *n, const struct witness *w) {
  return can(w) && (asks(w) || w->cosigned < w->log->signed_size || node_mono(n) >= renewal_at(w));
}

/* A witness of several forums answers one request at a time. */
static bool under_way(const struct node *n, const struct node_witness *at) {
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_witnesses; i++)
      if (f->witnesses[i].at == at && f->witnesses[i].lane.request) return true;
  return false;
}

static void failed(struct node *n, struct witness *w, unsigned retry_after, const char *what) {
  if (!w->failing_since) w->failing_since = node_wall(n);
  lane_fail(n, &w->lane, retry_after, "the witness %s %s", w->key.name, what);
}

/* The newest that it cosigned, once more: it cosigns that again only while it holds nothing longer. */
static parley_err build_asking(struct node *n, struct witness *w, struct errmsg *e) {
  struct cosignature c;
  struct hash root;
  struct buf note = {0};
  struct add_checkpoint r = {.old = w->cosigned};
  parley_err err = witness_at(n, w, w->cosigned, &c, e);
  if (!err) err = copy_root(w->log->copy, w->cosigned, &root, e);
  if (err) return err;
  checkpoint_text(&note, w->log->origin, w->cosigned, &root);
  buf_fmt(&note, "\n%s\n", c.log_line);
  r.note = buf_view(&note);
  w->sent_size = w->cosigned;
  memcpy(w->sent_line, c.log_line, sizeof w->sent_line);
  add_checkpoint_write(&w->lane.body, &r);
  const bool ok = buf_ok(&note) && buf_ok(&w->lane.body);
  buf_free(&note);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static parley_err build_body(struct witness *w, struct errmsg *e) {
  const struct own_log *l = w->log;
  /* The one that both log keys signed goes first to a witness that may not know the new key. */
  const bool first = l->first_note.n && w->taken < l->first_size && l->first_size <= l->signed_size;
  struct add_checkpoint r = {.old = w->taken, .note = buf_view(first ? &l->first_note : &l->note)};
  w->sent_size = first ? l->first_size : l->signed_size;
  const parley_err err = merkle_consistency(&r.proof, copy_source(l->copy), r.old, w->sent_size, e);
  if (err) return err;
  first_signature(r.note, w->sent_line);
  add_checkpoint_write(&w->lane.body, &r);
  return buf_ok(&w->lane.body) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static bool build(struct node *n, struct witness *w, struct outbound *out) {
  struct errmsg e = {{0}};
  w->asking = asks(w);
  if (!w->asking && w->taken > w->log->signed_size) w->taken = w->log->signed_size;
  const parley_err r = w->asking ? build_asking(n, w, &e) : build_body(w, &e);
  if (r) {
    char what[WHY_SIZE];
    snprintf(what, sizeof what, "cannot be asked: %.200s", e.text);
    lane_clear(&w->lane);
    failed(n, w, 0, what);
    return false;
  }
  const int at = snprintf(w->lane.url, sizeof w->lane.url, "%s", w->at->url);
  snprintf(w->lane.url + at, sizeof w->lane.url - (size_t)at, "/add-checkpoint");
  w->lane.path = w->lane.url + at;
  w->lane.request = n->next_request++;
  *out = (struct outbound){.id = w->lane.request,
                           .peer = w->key.name,
                           .method = "POST",
                           .url = w->lane.url,
                           .path = w->lane.path,
                           .pins = w->pins,
                           .content_type = CONTENT_TEXT,
                           .body = buf_view(&w->lane.body),
                           .stranger = true};
  return true;
}

bool witness_next(struct node *n, struct outbound *out) {
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_witnesses; i++) {
      struct witness *w = &f->witnesses[i];
      if (w->lane.request || !wants(n, w) || w->lane.next_ms > node_mono(n) || under_way(n, w->at)) continue;
      if (build(n, w, out)) return true;
    }
  return false;
}

int64_t witness_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_witnesses; i++) {
      const struct witness *w = &f->witnesses[i];
      if (!can(w) || under_way(n, w->at)) continue; /* its answer comes first */
      const int64_t next = wants(n, w) ? w->lane.next_ms : renewal_at(w);
      at = next < at ? next : at;
    }
  return at;
}

/* ---- answers ---- */

/* A time far from our own clock dates nothing, whoever of the two is wrong. */
static parley_err judge_time(const struct node *n, const struct witness *w, int64_t time, struct errmsg *e) {
  const int64_t now = node_wall(n), tolerance = w->log->forum->charter.clock_tolerance_seconds;
  if (time >= now - tolerance && time <= now + tolerance) return PARLEY_OK;
  const int64_t off = time > now ? time - now : now - time;
  return err_set(e, PARLEY_EVERIFY, "its time is %lld seconds %s our clock; the charter tolerates %lld", (long long)off,
                 time > now ? "ahead of" : "behind", (long long)tolerance);
}

/* The line by the charter's key; lines by others are not looked at (tlog-witness: add-checkpoint). */
static parley_err find_line(const struct node *n, const struct witness *w, struct bytes body, struct bytes *line,
                            int64_t *time, struct errmsg *e) {
  struct hash root;
  struct buf text = {0};
  parley_err r = copy_root(w->log->copy, w->sent_size, &root, e);
  if (r) return r;
  checkpoint_text(&text, w->log->origin, w->sent_size, &root);
  r = buf_ok(&text) ? PARLEY_ENOTFOUND : err_set(e, PARLEY_ENOMEM, "out of memory");
  while ((r == PARLEY_ENOTFOUND || r == PARLEY_EINVAL) && bytes_line(&body, line))
    r = note_verify_line(*line, buf_view(&text), &w->key, time, e);
  if (r == PARLEY_ENOTFOUND || r == PARLEY_EINVAL) err_set(e, r, "it has no line by the key that the charter names");
  buf_free(&text);
  return r ? r : judge_time(n, w, *time, e);
}

static void done_ok(struct node *n, struct witness *w, const struct outbound_result *r) {
  struct bytes line;
  int64_t time = 0;
  struct errmsg e = {{0}};
  parley_err err = r->body.n <= NOTE_SIZE_MAX ? find_line(n, w, r->body, &line, &time, &e)
                                              : err_set(&e, PARLEY_ELIMIT, "it is longer than a note can be");
  if (!err) err = witness_add(n, w, w->sent_size, line, time, &e);
  if (err) {
    char what[WHY_SIZE];
    snprintf(what, sizeof what, "gives an answer that does not count: %.200s", e.text);
    failed(n, w, 0, what);
    return;
  }
  if (w->asking && !w->log->ready && !w->log->stopped) {
    w->log->ready = true;
    w->log->why[0] = '\0';
  }
  w->turns = 0;
  w->failing_since = 0;
  w->renewed_ms = node_mono(n);
  lane_ok(n, &w->lane);
  w->lane.next_ms = node_mono(n) + WITNESS_PAUSE_MS;
}

static void done_conflict(struct node *n, struct witness *w, uint64_t size) {
  char what[WHY_SIZE];
  if (w->asking) {
    snprintf(what, sizeof what,
             "says that it holds %llu entries of our log, not the %llu that it has told us of: a member must show what "
             "was signed last",
             (unsigned long long)size, (unsigned long long)w->cosigned);
    failed(n, w, 0, what);
    return;
  }
  if (size > w->log->signed_size) {
    snprintf(what, sizeof what,
             "says that it holds %llu entries of our log, of which only %llu are signed: it is wrong, or this store "
             "went back in time",
             (unsigned long long)size, (unsigned long long)w->log->signed_size);
    failed(n, w, 0, what);
    return;
  }
  w->taken = size;
  if (w->turns < UINT_MAX) w->turns++;
  w->lane.next_ms = node_mono(n);
  if (w->turns <= TURNS_MAX) return;
  snprintf(what, sizeof what, "does not take our checkpoint (409 at %llu)", (unsigned long long)size);
  failed(n, w, 0, what);
}

/* What it says, as one line of ours. */
static void refused(struct node *n, struct witness *w, const struct outbound_result *r) {
  char what[WHY_SIZE];
  size_t len = 0;
  int at = snprintf(what, sizeof what, "answers %u", r->status);
  if (r->status == 404 || r->status == 403)
    at += snprintf(what + at, sizeof what - (size_t)at, " (its operator must add this log and its key)");
  while (len < r->body.n && len < 120 && r->body.p[len] >= ' ' && r->body.p[len] < 0x7f) len++;
  if (len) snprintf(what + at, sizeof what - (size_t)at, ": %.*s", (int)len, (const char *)r->body.p);
  failed(n, w, r->retry_after, what);
}

static struct witness *by_request(const struct node *n, uint64_t id) {
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_witnesses; i++)
      if (f->witnesses[i].lane.request == id) return &f->witnesses[i];
  return NULL;
}

bool witness_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  struct witness *w = by_request(n, id);
  uint64_t size;
  if (!w) return false;
  lane_clear(&w->lane);
  if (!r->answered) {
    char what[WHY_SIZE];
    snprintf(what, sizeof what, "cannot be reached: %.240s", r->message ? r->message : "no answer");
    failed(n, w, 0, what);
  } else if (r->status == 200) {
    done_ok(n, w, r);
  } else if (r->status == 409 && tlog_size_parse(&size, r->body, NULL) == PARLEY_OK) {
    done_conflict(n, w, size);
  } else {
    refused(n, w, r);
  }
  return true;
}
