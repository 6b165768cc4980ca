/*
 * Pushing own logs to counterparts: ask what they hold, add-checkpoint, add-entries, and the cosignature that comes back.
 * Each log goes to each counterpart in its own lane, so that a FLASH never waits behind a file.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/epoch_end.h"
#include "node/relay.h"
#include "node/forks.h"
#include "node/observed.h"

#define RETRY_AFTER_MAX_S 86400u /* a longer pause than a day is not granted */
#define ASK_OFTEN 30             /* after so many failures the question comes less often */
#define ASK_SELDOM_MS 5000

/* ---- lanes ---- */

void lane_clear(struct lane *l) {
  l->request = 0;
  buf_free(&l->body);
}

void lane_ok(struct node *n, struct lane *l) {
  l->failures = 0;
  l->why[0] = '\0';
  l->next_ms = node_mono(n);
}

/* Exponential backoff with full jitter on its upper half, so that two nodes do not meet in step for ever. */
void lane_fail(struct node *n, struct lane *l, unsigned retry_after, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(l->why, sizeof l->why, fmt, ap);
  va_end(ap);
  int64_t wait = NODE_BACKOFF_MIN_MS;
  for (unsigned i = 0; i < l->failures && wait < NODE_BACKOFF_MAX_MS; i++) wait *= 2;
  wait = wait < NODE_BACKOFF_MAX_MS ? wait : NODE_BACKOFF_MAX_MS;
  uint8_t r[2];
  n->env.random(n->env.ctx, r, sizeof r);
  wait = wait / 2 + (wait / 2) * u16be(r) / 65535;
  const int64_t asked = (int64_t)(retry_after < RETRY_AFTER_MAX_S ? retry_after : RETRY_AFTER_MAX_S) * 1000;
  l->not_before_ms = node_mono(n) + asked;
  if (asked > wait) wait = asked;
  if (l->failures++ == 0) l->since = node_wall(n);
  l->next_ms = node_mono(n) + wait;
  if (l->failures == 1) node_log_line(n, 4, "%s", l->why);
}

/* ---- which requests are due ---- */

static int64_t renewal_at(const struct push *p) {
  return PLANTED(never_renew) || push_is_over(p) ? INT64_MAX
                                                 : p->renewed_ms + p->log->forum->charter.heartbeat_seconds * 1000;
}

static bool renewal_due(const struct node *n, const struct push *p) {
  return p->cosigned > 0 && node_mono(n) >= renewal_at(p);
}

static bool push_wants(const struct node *n, const struct push *p) {
  if (p->to->gone || (push_is_over(p) && (p->idle || forks_closed(n, p->log->origin)))) return false;
  if (p->ask || !p->answered) return true;
  if (p->log->signed_size == 0 || p->log->stopped) return false;
  /* What it cosigned once it may hold no more: it was set back, too. */
  return p->cosigned < p->log->signed_size || p->pending < p->log->signed_size || p->next < p->log->signed_size ||
         renewal_due(n, p);
}

static enum push_step push_step_of(const struct push *p) {
  if (p->ask || !p->answered) return PUSH_ASK;
  if (push_is_over(p) && p->pending < p->log->signed_size) return PUSH_CHECKPOINT; /* no other tree of it is taken */
  /* Finish what the counterpart has as pending before showing it a newer checkpoint: an upload under way is never in vain. */
  if (p->pending > p->cosigned || (p->pending == p->log->signed_size && p->pending > 0)) return PUSH_ENTRIES;
  return PUSH_CHECKPOINT;
}

/* ---- building requests ---- */

static void lane_url(struct lane *l, const char *base, const char *fmt, const char *arg) {
  int n = snprintf(l->url, sizeof l->url, "%s", base);
  snprintf(l->url + n, sizeof l->url - (size_t)n, fmt, arg);
  l->path = l->url + n;
}

static parley_err build_ask(struct push *p, struct outbound *out) {
  lane_url(&p->lane, p->to->peer->card.monitoring, p->ask_back ? "/%s/checkpoint" : "/%s/checkpoint.pending",
           p->log->path);
  out->method = "GET";
  return PARLEY_OK;
}

void first_signature(struct bytes note, char out[static SIG_LINE_SIZE]) {
  struct bytes line = BYTES_NONE;
  note = note_signatures(note);
  bytes_line(&note, &line);
  snprintf(out, SIG_LINE_SIZE, "%.*s", (int)line.n, (const char *)line.p);
}

static parley_err build_checkpoint(struct push *p, struct outbound *out, struct errmsg *e) {
  const struct own_log *l = p->log;
  /* The one that both log keys signed goes first to a mirror that may not know the new key (docs/protocol.md, "A new card"). */
  const bool first = l->first_note.n && p->pending < l->first_size && l->first_size <= l->signed_size;
  struct add_checkpoint r = {.old = p->pending, .note = buf_view(first ? &l->first_note : &l->note)};
  p->sent_size = first ? l->first_size : l->signed_size;
  parley_err err = merkle_consistency(&r.proof, copy_source(l->copy), p->pending, p->sent_size, e);
  if (err) return err;
  first_signature(r.note, p->sent_line);
  add_checkpoint_write(&p->lane.body, &r);
  lane_url(&p->lane, p->to->peer->card.submission, "%s", "/add-checkpoint");
  out->method = "POST";
  out->content_type = CONTENT_TEXT;
  return PARLEY_OK;
}

static parley_err build_entries(struct push *p, struct outbound *out, struct errmsg *e) {
  struct add_entries_head h = {
      .origin = bytes_str(p->log->origin), .start = p->next < p->pending ? p->next : p->pending, .end = p->pending};
  uint64_t next;
  h.ticket = buf_view(&p->ticket);
  add_entries_head_write(&p->lane.body, &h);
  p->sent_size = h.end;
  p->sent_start = h.start;
  lane_url(&p->lane, p->to->peer->card.submission, "%s", "/add-entries");
  out->method = "POST";
  out->content_type = "application/octet-stream";
  if (h.start == h.end) return PARLEY_OK;
  return copy_packages(p->log->copy, h.start, h.end, p->log->bulk ? BULK_UPLOAD_BYTES : STATEMENT_UPLOAD_BYTES,
                       &p->lane.body, &next, e);
}

static bool push_build(struct node *n, struct push *p, struct outbound *out) {
  struct errmsg e = {{0}};
  *out = (struct outbound){.peer = p->to->peer->card.name, .pins = p->to->peer->pins};
  p->step = push_step_of(p);
  parley_err r = p->step == PUSH_ASK          ? build_ask(p, out)
                 : p->step == PUSH_CHECKPOINT ? build_checkpoint(p, out, &e)
                                              : build_entries(p, out, &e);
  if (!r && !buf_ok(&p->lane.body)) r = err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (r) {
    lane_clear(&p->lane);
    lane_fail(n, &p->lane, 0, "cannot read our own log: %s", e.text);
    return false;
  }
  out->id = p->lane.request = n->next_request++;
  out->url = p->lane.url;
  out->path = p->lane.path;
  out->body = buf_view(&p->lane.body);
  return true;
}

static bool push_try(struct node *n, struct push *p, struct outbound *out) {
  return !p->lane.request && p->lane.next_ms <= node_mono(n) && push_wants(n, p) && push_build(n, p, out);
}

bool push_next(struct node *n, struct outbound *out) {
  for (int bulk = 0; bulk < 2; bulk++) /* statements first */
    for (struct forum *f = n->forums; f; f = f->next)
      for (size_t i = 0; i < f->n_members; i++)
        for (struct push *p = bulk ? &f->members[i].bulk_push : &f->members[i].push; p; p = p->older)
          if (push_try(n, p, out)) return true;
  return false;
}

static int64_t push_due(const struct node *n, const struct push *p) {
  int64_t at = INT64_MAX;
  if (!p->lane.request && push_wants(n, p))
    at = p->lane.next_ms;
  else if (!p->lane.request && !p->to->gone && p->cosigned > 0 && p->log->signed_size > 0 && !p->log->stopped)
    at = renewal_at(p);
  return at;
}

int64_t push_next_ms(const struct node *n) {
  int64_t at = INT64_MAX;
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (struct push *p = i % 2 ? &f->members[i / 2].bulk_push : &f->members[i / 2].push; p; p = p->older) {
        const int64_t a = push_due(n, p);
        at = a < at ? a : at;
      }
  return at;
}

/* A new checkpoint: lanes that are well go at once; those that wait for a counterpart that is down keep their turn. */
void push_wake(struct node *n, struct own_log *log) {
  for (size_t i = 0; i < log->forum->n_members; i++) {
    struct member *m = &log->forum->members[i];
    struct lane *l = log->bulk ? &m->bulk_push.lane : &m->push.lane;
    if (!m->push.marks.offered) m->push.marks.offered = node_wall(n);
    if (l->failures == 0) l->next_ms = node_mono(n);
  }
}

static void lane_hasten(struct lane *l, int64_t at) {
  if (at < l->not_before_ms) at = l->not_before_ms;
  if (at < l->next_ms) l->next_ms = at;
}

/* It is alive: whatever waits for it is tried at once, unless it asked for a pause. */
void peer_heard_from(struct node *n, struct peer *p) {
  p->last_in = node_wall(n);
  for (struct forum *f = n->forums; f; f = f->next) {
    struct member *m = forum_member(f, p->card.name);
    if (!m) continue;
    relay_heard_from(n, m);
    for (size_t i = 0; i < 2; i++)
      for (struct push *q = i ? &m->bulk_push : &m->push; q; q = q->older)
        if (q->lane.failures > 0) {
          q->lane.failures = 1;
          lane_hasten(&q->lane, node_mono(n) + NODE_BACKOFF_MIN_MS);
        }
  }
}

/* ---- answers ---- */

static void stop(struct node *n, struct own_log *l, const char *why) {
  if (l->stopped) return; /* the first reason is the nearest to the cause */
  l->stopped = true;
  snprintf(l->why, sizeof l->why, "%s", why);
  node_log_line(n, 3, "%s: signing has stopped: %s", l->origin, l->why);
}

/* A mirror that cosigned more than it shows now: no signature proves it. */
static void shows_less(struct node *n, const struct push *p, uint64_t size) {
  observed_add(n, p->to->peer->card.name, p->log->forum->id, "shows_less",
               "it has cosigned %llu entries of our log %s, and shows %llu", (unsigned long long)p->cosigned,
               p->log->origin, (unsigned long long)size);
}

/* Of an epoch that is over: another tree than its end. Nothing stops, and nothing more of it is brought there. */
static void shows_other_end(struct node *n, struct push *p, const struct checkpoint *c, struct bytes text) {
  p->idle = true;
  observed_add(n, p->to->peer->card.name, p->log->forum->id, "other_end",
               "it holds a tree of our log %s under our own signature (%llu entries) that is not in the one that our "
               "next epoch names (%llu)",
               p->log->origin, (unsigned long long)c->size, (unsigned long long)p->log->signed_size);
  seek_note(n, p->log->origin, p->to->peer, text);
}

/* Judges the checkpoint that a counterpart holds of our log. False: it proves nothing (not by our key). */
bool push_shown(struct node *n, struct push *p, struct bytes text, struct errmsg *e) {
  struct arena a = {0};
  struct note note;
  struct checkpoint c = {0};
  struct hash root;
  char why[WHY_SIZE];
  size_t which = 0;
  bool ok = !note_parse(&note, &a, text, e) && !checkpoint_parse(&c, note.text, e) &&
            bytes_is(c.origin, p->log->origin) && !own_note_verify(n, p->log, &note, &which, e);
  const bool over = push_is_over(p);
  uint64_t have = over ? p->log->signed_size : copy_size(p->log->copy);
  if (ok && over && (c.size > have || (!copy_root(p->log->copy, c.size, &root, e) && !hash_eq(&root, &c.root)))) {
    shows_other_end(n, p, &c, text);
  } else if (ok && c.size > have) {
    snprintf(why, sizeof why,
             "%s holds %llu entries of this log under our own signature, the store only %llu: it went back in time (an "
             "old backup?). "
             "Nothing more is signed. Put the newest store back, or run parley recover",
             p->to->peer->card.name, (unsigned long long)c.size, (unsigned long long)have);
    stop(n, p->log, why);
    seek_note(n, p->log->origin, p->to->peer, text);
  } else if (ok && !copy_root(p->log->copy, c.size, &root, e) && !hash_eq(&root, &c.root)) {
    snprintf(why, sizeof why,
             "%s holds another history of this log under our own signature (size %llu). Nothing more is signed: two "
             "nodes may use one "
             "key, or an old backup was put back. Stop one of them, or run parley recover",
             p->to->peer->card.name, (unsigned long long)c.size);
    stop(n, p->log, why);
    seek_note(n, p->log->origin, p->to->peer, text);
  } else if (ok) {
    if (c.size < p->cosigned) shows_less(n, p, c.size);
    p->pending = c.size;
    p->next = p->next < c.size ? p->next : c.size;
    snprintf(p->pending_line, sizeof p->pending_line, "%.*s", (int)(note.sigs[which].line.n - 1),
             (const char *)note.sigs[which].line.p);
  }
  arena_free(&a);
  return ok;
}

/*
 * A counterpart that went back (a restored backup, a lost answer) is followed a few times at once. One that goes back
 * and forth for ever is hostile or broken: only what it never took before counts as a step forward, and pauses grow
 * until then.
 */
static void step_forward(struct push *p, uint64_t *most, uint64_t now) {
  if (now <= *most) return;
  *most = now;
  p->turns = 0;
}

static void go_on(struct node *n, struct push *p) {
  if (p->turns <= TURNS_MAX)
    lane_ok(n, &p->lane);
  else
    p->lane.next_ms = node_mono(n); /* the failures stand */
}

static bool patience(struct node *n, struct push *p) {
  if (p->turns < UINT_MAX) p->turns++;
  p->lane.next_ms = node_mono(n);
  return p->turns <= TURNS_MAX;
}

static bool never_signed(const struct node *n, const struct own_log *l) {
  struct signed_tree t;
  return signer_remembered(n->env.signer, l->origin, SIGNER_LOG, &t, NULL) == PARLEY_ENOTFOUND;
}

/*
 * Signing may go on (docs/protocol.md, section 4) once a member has shown a checkpoint that fits, or every member has
 * said that it holds none. One 404 alone proves nothing while others could still show something: a member that lost its
 * store says it as well. But a log that the signer does not remember to have signed waits for the others no longer than
 * what is passed on would: else one member that is away would keep a forum's first file, or a new forum, from all.
 */
static void may_sign(struct node *n, struct own_log *l, bool shown) {
  size_t away = 0, said = 0;
  if (l->ready || l->stopped) return;
  for (size_t i = 0; i < l->forum->n_members; i++) {
    const struct member *m = &l->forum->members[i];
    const bool answered = (l->bulk ? &m->bulk_push : &m->push)->answered;
    if (m->gone) continue;
    said += answered;
    away += !answered;
  }
  const bool new_one =
      said > 0 && node_mono(n) >= l->asks_ms + relay_delay_ms(&l->forum->charter) && never_signed(n, l);
  if (!shown && away && !new_one) return;
  l->ready = true;
  l->why[0] = '\0';
}

static void done_ask(struct node *n, struct push *p, const struct outbound_result *r) {
  struct errmsg e = {{0}};
  if (r->status == 404 && p->ask_back &&
      p->cosigned) { /* it may be unable to cosign what it holds: what has it seen? */
    p->ask_back = false;
    go_on(n, p);
    return;
  }
  if (r->status == 404) {
    if (p->cosigned) shows_less(n, p, 0);
    p->pending = p->next = 0;
    proposal_again(n, p->log->forum->id, p->to->peer); /* perhaps it does not know that the charter is in force */
  } else if (r->status != 200) {
    lane_fail(n, &p->lane, r->retry_after, "%s does not say what it holds of our log (status %u)",
              p->to->peer->card.name, r->status);
    return;
  } else if (!push_shown(n, p, r->body, &e)) {
    lane_fail(n, &p->lane, 0, "%s shows a checkpoint of our log that our key did not sign", p->to->peer->card.name);
    return;
  }
  p->answered = true;
  p->ask = p->ask_back = false;
  may_sign(n, p->log, r->status == 200);
  go_on(n, p);
}

static void refused(struct node *n, struct push *p, const struct outbound_result *r) {
  if (r->status == 404) proposal_again(n, p->log->forum->id, p->to->peer);
  if (r->status == 403) renewal_again(p->to->peer);
  int len = r->body.n < 160 ? (int)r->body.n : 160;
  while (len > 0 && r->body.p[len - 1] < ' ') len--;
  lane_fail(n, &p->lane, r->retry_after, "%s answers %u: %.*s", p->to->peer->card.name, r->status, len,
            (const char *)r->body.p);
}

static void done_checkpoint(struct node *n, struct push *p, const struct outbound_result *r) {
  uint64_t size;
  if (r->status == 200) {
    p->pending = p->sent_size;
    memcpy(p->pending_line, p->sent_line, sizeof p->pending_line);
    step_forward(p, &p->taken, p->sent_size);
    go_on(n, p);
  } else if (r->status == 409 && tlog_size_parse(&size, r->body, NULL) == PARLEY_OK) {
    p->pending = size;
    p->ask =
        size > 0; /* see it: it may be more than we know to have signed, and its signature is needed for receipts */
    if (!patience(n, p))
      lane_fail(n, &p->lane, 0, "%s does not take our checkpoint (409 at %llu)", p->to->peer->card.name,
                (unsigned long long)size);
  } else {
    if (r->status == 422) p->ask = true;
    refused(n, p, r);
  }
}

static void learn_clock(struct node *n, struct peer *p, int64_t time) {
  p->clock_known = true;
  p->clock_offset = time - node_wall(n);
}

/* Finds and verifies the counterpart's cosignature among the lines of the answer; unknown keys are ignored. */
static parley_err find_cosignature(struct node *n, struct push *p, struct bytes body, struct bytes *line, int64_t *time,
                                   struct errmsg *e) {
  struct hash root;
  struct buf text = {0};
  const char *party = p->to->peer->card.name;
  parley_err r = copy_root(p->log->copy, p->sent_size, &root, e);
  if (r) return r;
  checkpoint_text(&text, p->log->origin, p->sent_size, &root);
  r = err_set(e, PARLEY_ENOTFOUND, "the answer has no cosignature of %s", party);
  while (r == PARLEY_ENOTFOUND && bytes_line(&body, line))
    r = PLANTED(deliver_without_verifying)
            ? PARLEY_OK
            : cosignature_verify(n, party, p->to->log.serial, *line, buf_view(&text), time, e);
  buf_free(&text);
  return r;
}

static void done_entries_ok(struct node *n, struct push *p, const struct outbound_result *r) {
  struct bytes line;
  int64_t time = 0;
  struct errmsg e = {{0}};
  parley_err err = find_cosignature(n, p, r->body, &line, &time, &e);
  if (!err) err = cosignature_add(n, p, p->sent_size, p->pending_line, line, time, &e);
  if (err) {
    lane_fail(n, &p->lane, 0, "the cosignature of %s cannot be taken: %s", p->to->peer->card.name, e.text);
    return;
  }
  buf_free(&p->ticket);
  p->next = p->sent_size;
  p->turns = 0;
  p->renewed_ms = node_mono(n);
  learn_clock(n, p->to->peer, time);
  if (time - node_wall(n) > p->log->forum->charter.clock_tolerance_seconds)
    observed_add(n, p->to->peer->card.name, p->log->forum->id, "future",
                 "its cosignature of our log is dated %lld seconds in the future", (long long)(time - node_wall(n)));
  lane_ok(n, &p->lane);
}

/* Out of memory: without it the mirror may know the checkpoint all the same, or says 409. */
static void keep_ticket(struct push *p, struct bytes ticket) {
  buf_free(&p->ticket);
  buf_bytes(&p->ticket, ticket);
  if (!buf_ok(&p->ticket)) buf_free(&p->ticket);
}

static void done_entries(struct node *n, struct push *p, const struct outbound_result *r) {
  struct arena a = {0};
  struct mirror_info info;
  if (r->status == 200) {
    done_entries_ok(n, p, r);
  } else if ((r->status == 202 || r->status == 409) && mirror_info_parse(&info, &a, r->body, NULL) == PARLEY_OK) {
    const bool forward = r->status == 202 && info.next > p->sent_start && info.next <= p->sent_size;
    p->next = info.next;
    keep_ticket(p, info.ticket);
    if (info.pending != p->pending) p->ask = true;
    if (forward) {
      step_forward(p, &p->reached, info.next);
      go_on(n, p);
    } else if (!patience(n, p)) {
      lane_fail(n, &p->lane, 0, "%s does not take our entries (stays at %llu)", p->to->peer->card.name,
                (unsigned long long)info.next);
    }
  } else {
    p->ask = r->status == 422;
    refused(n, p, r);
  }
  arena_free(&a);
}

static struct push *push_by_request(const struct node *n, uint64_t id) {
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < 2 * f->n_members; i++)
      for (struct push *p = i % 2 ? &f->members[i / 2].bulk_push : &f->members[i / 2].push; p; p = p->older)
        if (p->lane.request == id) return p;
  return NULL;
}

/* Nothing is signed before the question is answered: it is not left to the long pauses of the other requests. */
static void ask_again_soon(struct node *n, struct push *p) {
  if (p->log->ready || p->log->stopped || p->lane.failures == 0) return;
  lane_hasten(&p->lane, node_mono(n) + (p->lane.failures <= ASK_OFTEN ? NODE_ASK_MS : ASK_SELDOM_MS));
}

bool push_done(struct node *n, uint64_t id, const struct outbound_result *r) {
  struct push *p = push_by_request(n, id);
  if (!p) return false;
  if (r->answered || !PLANTED(never_try_again)) lane_clear(&p->lane);
  if (!r->answered) {
    lane_fail(n, &p->lane, 0, "%s cannot be reached: %s", p->to->peer->card.name,
              r->message ? r->message : "no answer");
    if (p->step == PUSH_ASK) {
      may_sign(n, p->log, false);
      ask_again_soon(n, p);
    }
    return true;
  }
  p->to->peer->last_out = node_wall(n);
  if (p->step == PUSH_ASK) {
    done_ask(n, p, r);
    ask_again_soon(n, p);
  } else if (p->step == PUSH_CHECKPOINT) {
    done_checkpoint(n, p, r);
  } else {
    done_entries(n, p, r);
  }
  return true;
}
