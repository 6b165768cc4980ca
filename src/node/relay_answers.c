/*
 * What a member answers to what is passed on to it, and what follows from that (docs/protocol.md, "Relay").
 */
#include <stdio.h>
#include <string.h>

#include "node/cosigned_note.h"
#include "node/forks.h"
#include "node/relay.h"

static void refused(struct node *n, struct relay *r, const struct outbound_result *a) {
  int len = a->body.n < 160 ? (int)a->body.n : 160;
  while (len > 0 && a->body.p[len - 1] < ' ') len--;
  r->step = RELAY_LOOK;
  lane_fail(n, &r->lane, a->retry_after, "%s answers %u to what is passed on of %s: %.*s", r->to->peer->card.name,
            a->status, r->log->origin, len, (const char *)a->body.p);
}

/* Asks again; after some turns without a step forward with pauses. */
static void again(struct node *n, struct relay *r, enum relay_step step) {
  r->step = step;
  if (++r->turns > TURNS_MAX)
    lane_fail(n, &r->lane, 0, "%s does not take what is passed on of %s", r->to->peer->card.name, r->log->origin);
}

static void forward(struct node *n, struct relay *r, enum relay_step step) {
  r->step = step;
  if (r->turns <= TURNS_MAX) lane_ok(n, &r->lane);
}

/* A note of M's that carries its cosignature: kept, and the matter may be at its end. False: nothing to be had from it. */
static bool take_note(struct node *n, struct relay *r, struct bytes note, uint64_t *size, struct errmsg *e) {
  struct arena a = {0};
  struct note parsed;
  struct checkpoint c = {0};
  bool fresh;
  parley_err err = carried_note_take(n, r->log, r->to->peer->card.name, note, &fresh, e);
  if (!err) err = note_parse(&parsed, &a, note, e);
  if (!err) err = checkpoint_parse(&c, parsed.text, e);
  arena_free(&a);
  *size = c.size;
  return err == PARLEY_OK;
}

static void done_look(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  uint64_t size = 0;
  if (a->status != 200 && a->status != 404) {
    refused(n, r, a);
    return;
  }
  if (a->status == 200 && !take_note(n, r, a->body, &size, &e)) {
    forks_of_note(n, r->log, r->to->peer, a->body);
    lane_fail(n, &r->lane, 0, "what %s shows of %s cannot be taken: %s", r->to->peer->card.name, r->log->origin,
              e.text);
    return;
  }
  r->reached = size;
  forward(n, r, RELAY_PENDING);
  relay_holds(n, r, size);
}

/* *line gets the log's signature line. */
static parley_err by_the_log(const struct relay *r, struct bytes text, struct checkpoint *c,
                             char line[static SIG_LINE_SIZE], struct errmsg *e) {
  struct arena a = {0};
  struct note note;
  size_t which = 0;
  parley_err err = note_parse(&note, &a, text, e);
  if (!err) err = checkpoint_parse(c, note.text, e);
  if (!err && !bytes_is(c->origin, r->log->origin)) err = err_set(e, PARLEY_EINVAL, "it is of another log");
  if (!err) err = PARLEY_ENOTFOUND;
  for (size_t i = 0; err == PARLEY_ENOTFOUND && i < r->log->n_vkeys; i++)
    err = note_verify(&note, &r->log->vkeys[i], NULL, &which, e);
  if (!err && note.sigs[which].line.n > SIG_LINE_SIZE) err = err_set(e, PARLEY_ELIMIT, "a signature line is too long");
  if (!err)
    snprintf(line, SIG_LINE_SIZE, "%.*s", (int)(note.sigs[which].line.n - 1), (const char *)note.sigs[which].line.p);
  arena_free(&a);
  return err;
}

static void pending_known(struct node *n, struct relay *r) {
  if (r->pending < relay_shown(r->log))
    forward(n, r, RELAY_CHECKPOINT);
  else if (r->pending <= copy_size(mirror_copy(r->log->mirror)))
    forward(n, r, RELAY_ENTRIES);
  else
    again(n, r, RELAY_LOOK); /* the log itself has shown it more than we hold */
}

static void done_pending(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  struct checkpoint c = {0};
  struct hash root;
  if (a->status == 404) {
    r->pending = r->reached = 0;
    pending_known(n, r);
    return;
  }
  if (a->status != 200) {
    refused(n, r, a);
    return;
  }
  parley_err err = by_the_log(r, a->body, &c, r->pending_line, &e);
  if (!err && c.size <= copy_size(mirror_copy(r->log->mirror)))
    err = copy_root(mirror_copy(r->log->mirror), c.size, &root, &e);
  if (!err && c.size <= copy_size(mirror_copy(r->log->mirror)) && !hash_eq(&root, &c.root)) {
    forks_of_note(n, r->log, r->to->peer, a->body);
    err = err_set(&e, PARLEY_ECONFLICT, "it is not of the tree that is mirrored here");
  }
  if (err) {
    r->step = RELAY_LOOK;
    lane_fail(n, &r->lane, 0, "what %s shows of %s cannot be taken: %s", r->to->peer->card.name, r->log->origin,
              e.text);
    return;
  }
  r->pending = c.size;
  pending_known(n, r);
}

static void done_checkpoint(struct node *n, struct relay *r, const struct outbound_result *a) {
  if (a->status == 409) {
    again(n, r, RELAY_PENDING);
    return;
  }
  if (a->status != 200) {
    refused(n, r, a);
    return;
  }
  r->pending = r->sent_size;
  memcpy(r->pending_line, r->sent_line, sizeof r->pending_line);
  forward(n, r, RELAY_ENTRIES);
}

/* The checkpoint with the log's signature and the lines that M answered with. */
static void done_cosigned(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct errmsg e = {{0}};
  struct buf note = {0};
  struct hash root;
  uint64_t size = 0;
  parley_err err = copy_root(mirror_copy(r->log->mirror), r->sent_size, &root, &e);
  if (!err) {
    checkpoint_text(&note, r->log->origin, r->sent_size, &root);
    buf_fmt(&note, "\n%s\n", r->pending_line);
    buf_bytes(&note, a->body);
    if (!buf_ok(&note)) err = err_set(&e, PARLEY_ENOMEM, "out of memory");
  }
  const bool ok = !err && take_note(n, r, buf_view(&note), &size, &e);
  buf_free(&note);
  if (!ok) {
    r->step = RELAY_LOOK;
    lane_fail(n, &r->lane, 0, "the cosignature of %s over %s cannot be taken: %s", r->to->peer->card.name,
              r->log->origin, e.text);
    return;
  }
  node_log_line(n, 6, "%s: passed on to %s up to %llu", r->log->origin, r->to->peer->card.name,
                (unsigned long long)size);
  buf_free(&r->ticket);
  r->reached = size;
  r->turns = 0;
  forward(n, r, RELAY_LOOK);
  relay_holds(n, r, size);
}

static void done_entries(struct node *n, struct relay *r, const struct outbound_result *a) {
  struct arena arena = {0};
  struct mirror_info info;
  if (a->status == 200) {
    done_cosigned(n, r, a);
  } else if ((a->status == 202 || a->status == 409) && !mirror_info_parse(&info, &arena, a->body, NULL)) {
    const bool on = a->status == 202 && info.next > r->sent_start && info.next <= r->sent_size;
    const enum relay_step step = info.pending != r->pending ? RELAY_PENDING : RELAY_ENTRIES;
    r->reached = info.next;
    buf_free(&r->ticket);
    buf_bytes(&r->ticket, info.ticket);
    if (!buf_ok(&r->ticket)) buf_free(&r->ticket); /* the mirror may know the checkpoint all the same */
    if (on) {
      r->turns = 0;
      forward(n, r, step);
    } else {
      again(n, r, step);
    }
  } else {
    refused(n, r, a);
  }
  arena_free(&arena);
}

void relay_answer(struct node *n, struct relay *r, const struct outbound_result *a) {
  switch (r->step) {
  case RELAY_LOOK: done_look(n, r, a); break;
  case RELAY_PENDING: done_pending(n, r, a); break;
  case RELAY_CHECKPOINT: done_checkpoint(n, r, a); break;
  case RELAY_ENTRIES: done_entries(n, r, a); break;
  }
}
