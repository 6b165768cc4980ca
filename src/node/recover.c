/*
 * Recovering: its course. For each forum: ask, judge, fetch, take, judge again, then go on or open the next
 * epoch. Where others show an epoch after
 * the one in hand, that one is taken up, empty, and recovered in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/call.h"
#include "node/epoch_end.h"
#include "node/epochs.h"
#include "node/recover.h"

/* ---- life ---- */

void recovery_free(struct node *n) {
  struct recovery *r = n->recovery;
  if (!r) return;
  n->recovery = NULL;
  n->intake_due = true; /* the next epoch of a counterpart has waited */
  recover_ask_free(r);
  fetch_free(r->fetch);
  json_decref(r->report);
  free(r->todo);
  free(r);
}

void recovery_forget(struct node *n, const struct node_call *c) {
  if (n->recovery && n->recovery->call == c) n->recovery->call = NULL;
}

static parley_err list_forums(struct recovery *r, const char *text, struct errmsg *e) {
  size_t count = 0;
  struct forum *one = NULL;
  r->all = !*text;
  if (!r->all) {
    const parley_err err = forum_by_text(&one, r->n, text, e);
    if (err) return err;
  }
  for (struct forum *f = r->n->forums; f; f = f->next) count++;
  r->todo = calloc(count + 1, sizeof *r->todo);
  if (!r->todo) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (struct forum *f = r->n->forums; f; f = f->next)
    if (!one || f == one) memcpy(r->todo[r->n_todo++], f->id, SHA256_SIZE);
  return PARLEY_OK;
}

static void ask_forum(struct recovery *r) {
  struct errmsg *e = &r->why;
  struct forum *f = forum_find(r->n, r->forum);
  r->phase = RECOVER_ASK;
  r->asked = false;
  r->err = f ? recover_ask(r, f, e) : err_set(e, PARLEY_ENOTFOUND, "the forum is gone");
}

static bool next_forum(struct recovery *r) {
  if (r->n_todo == 0) return false;
  memcpy(r->forum, r->todo[--r->n_todo], SHA256_SIZE);
  r->fetched = r->moved = r->spoilt = 0;
  ask_forum(r);
  return true;
}

parley_err recovery_begin(struct node *n, struct node_call *c, const char *forum, bool as_log, bool as_mirror, bool dry,
                          struct errmsg *e) {
  if (n->recovery) return err_set(e, PARLEY_EBUSY, "a recovery is under way already; wait for it");
  struct recovery *r = calloc(1, sizeof *r);
  if (!r) return err_set(e, PARLEY_ENOMEM, "out of memory");
  *r = (struct recovery){.n = n, .call = c, .dry = dry, .as_log = as_log, .as_mirror = as_mirror};
  r->report = json_array();
  n->recovery = r;
  parley_err err = r->report ? list_forums(r, forum, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!err) err = recover_unstage(r, e);
  if (!err && !next_forum(r)) r->finished = true;
  if (err) recovery_free(n);
  return err;
}

/* ---- taking up and going on ---- */

/* Somebody shows our next epoch: its logs are made here, empty, and recovered in turn. */
static parley_err take_up_next(struct recovery *r, struct forum *f, struct errmsg *e) {
  struct node *n = r->n;
  char origin[2][ORIGIN_MAX + 1];
  struct copy *c[2] = {NULL, NULL};
  parley_err err = store_begin(n->env.store, e);
  if (err) return err;
  for (int bulk = 0; bulk < 2 && !err; bulk++) {
    log_origin(origin[bulk], n->own.name, f->id, f->log.epoch + 1, bulk);
    err = copy_open(&c[bulk], n->env.store, origin[bulk], bulk ? BULK_ENTRY_MAX : ENTRY_MAX, e);
    copy_close(c[bulk]);
  }
  if (!err) err = own_epoch_put_rest(n, &f->log, recover_signed_end(&r->log, &f->log), e);
  if (!err)
    err = store_commit(n->env.store, e);
  else
    store_rollback(n->env.store);
  return err ? err : forum_reload(n, f, NULL, e);
}

static void ask_again(struct forum *f) {
  for (size_t i = 0; i < f->n_members; i++) {
    f->members[i].push.ask = f->members[i].bulk_push.ask = true;
    f->members[i].push.lane.next_ms = f->members[i].bulk_push.lane.next_ms = 0;
  }
}

static void resume(struct own_log *l) {
  l->stopped = false;
  l->ready = true;
  l->why[0] = '\0';
  l->signed_size = 0;
  l->retry_ms = 0;
  buf_free(&l->note);
}

static parley_err relearn_new(struct node *n, const struct forum *f, struct errmsg *e) {
  struct signed_tree none = {0};
  parley_err err = PARLEY_OK;
  merkle_empty(&none.root);
  for (int bulk = 0; bulk < 2 && !err && signer_lost(n->env.signer); bulk++) {
    char origin[ORIGIN_MAX + 1];
    log_origin(origin, n->own.name, f->id, f->log.epoch + 1, bulk);
    err = signer_relearn(n->env.signer, origin, SIGNER_LOG, &none, e);
  }
  return err;
}

#define UNDELIVERED_MAX 1000 /* of one member; more are not named */

/* What of [from, to) is addressed to the member and not cosigned by it. */
static json_t *lacking(struct forum *f, const struct member *m, uint64_t from, uint64_t to) {
  json_t *ids = json_array();
  for (uint64_t i = from > m->push.cosigned ? from : m->push.cosigned; i < to; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    if (json_array_size(ids) == UNDELIVERED_MAX) break;
    const bool readable = !copy_entry(f->log.copy, i, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL);
    for (size_t k = 0; readable && k < s.n_to; k++) {
      struct hash id;
      char hex[65];
      if (strcmp(s.to[k], m->peer->card.name)) continue;
      statement_id(&id, entry);
      hex_encode(hex, BYTES(id.b, 32));
      json_array_append_new(ids, json_string(hex));
    }
    statement_clear(&s);
    arena_free(&a);
  }
  return ids;
}

static void put_lacking(struct forum *f, json_t *o, const char *name, uint64_t from, uint64_t to) {
  json_t *list = json_array();
  for (size_t i = 0; i < f->n_members; i++) {
    if (f->members[i].gone) continue;
    json_t *ids = lacking(f, &f->members[i], from, to), *one = json_object();
    if (json_array_size(ids) > 0) {
      json_put_str(one, "party", f->members[i].peer->card.name);
      json_object_set(one, "ids", ids);
      json_array_append(list, one);
    }
    json_decref(ids);
    json_decref(one);
  }
  if (json_array_size(list) > 0) json_object_set(o, name, list);
  json_decref(list);
}

static parley_err open_next(struct recovery *r, struct forum *f, json_t *o, struct errmsg *e) {
  struct node *n = r->n;
  struct forum_epoch known = {.epoch = f->log.epoch, .size = r->log.longest, .root = r->log.longest_root};
  const uint64_t rest = recover_signed_end(&r->log, &f->log);
  if (n->queue) return err_set(e, PARLEY_EBUSY, "statements wait to be stored; try again");
  parley_err err = own_end_find(n, f, &known, e);
  const uint64_t end = known.held_size ? known.held_size : known.size;
  if (!err) put_lacking(f, o, "awaited", 0, end < rest ? end : rest);
  if (!err) put_lacking(f, o, "undelivered", end, rest); /* signed, but never shown: nobody takes it any more */
  if (!err) err = relearn_new(n, f, e);
  if (!err) err = own_epoch_next(n, f, &known, rest, &f, e);
  if (err) return err;
  resume(&f->log);
  resume(&f->bulk);
  return PARLEY_OK;
}

static parley_err conclude(struct recovery *r, struct forum *f, json_t *o, struct errmsg *e) {
  parley_err err = PARLEY_OK;
  if (r->as_mirror && signer_lost(r->n->env.signer)) {
    json_t *floors = json_array();
    err = recover_floors(r, f, floors, true, e);
    json_decref(floors);
  }
  json_put_int(o, "fetched", (int64_t)r->fetched);
  json_put_int(o, "moved", (int64_t)r->moved);
  json_put_int(o, "to_send_again", (int64_t)r->spoilt);
  if (err || !r->as_log) return err ? err : forum_reload(r->n, f, NULL, e);
  json_put_str(o, "outcome", recover_outcome_name(r->outcome));
  json_put_str(o, "reason", r->reason);
  if (r->outcome == OUTCOME_NEXT) return open_next(r, f, o, e);
  if (r->outcome == OUTCOME_NOTHING) return signer_lost(r->n->env.signer) ? forum_reload(r->n, f, NULL, e) : PARLEY_OK;
  resume(&f->log);
  resume(&f->bulk);
  ask_again(f);
  return forum_open_log(r->n, f, e);
}

/* Everything that this node could sign is remembered again. */
static bool whole(const struct node *n) {
  struct signed_tree t;
  if (n->forums_failed) return false;
  for (const struct forum *f = n->forums; f; f = f->next) {
    if (signer_remembered(n->env.signer, f->log.origin, SIGNER_LOG, &t, NULL) ||
        signer_remembered(n->env.signer, f->bulk.origin, SIGNER_LOG, &t, NULL))
      return false;
    for (size_t i = 0; i < f->n_members; i++)
      if (signer_remembered(n->env.signer, f->members[i].log.origin, SIGNER_MIRROR, &t, NULL) ||
          signer_remembered(n->env.signer, f->members[i].bulk.origin, SIGNER_MIRROR, &t, NULL))
        return false;
  }
  return true;
}

/* ---- the course ---- */

static parley_err start_fetch(struct recovery *r, const struct forum *f, bool bulk, struct errmsg *e) {
  const struct judged *j = bulk ? &r->bulk : &r->log;
  struct fetch_want w = {.from = j->holder->peer,
                         .entry_max = bulk ? BULK_ENTRY_MAX : ENTRY_MAX,
                         .size = j->target.size,
                         .root = j->target.root,
                         .start = j->start,
                         .end = j->target.size,
                         .take = recover_stage,
                         .ctx = r};
  memcpy(w.path, bulk ? f->bulk.path : f->log.path, sizeof w.path);
  r->fetching_bulk = bulk;
  return fetch_new(&r->fetch, &w, e);
}

/* What one log lacks. False: wait for what is under way. */
static bool fetch_turn(struct recovery *r, const struct forum *f, bool bulk) {
  if (!(bulk ? r->bulk : r->log).holder) return true;
  if (!r->fetch) r->err = start_fetch(r, f, bulk, &r->why);
  if (r->err) return true;
  const parley_err err = fetch_state(r->fetch, &r->why);
  if (err == PARLEY_EBUSY) return false;
  fetch_free(r->fetch);
  r->fetch = NULL;
  r->err = err;
  return true;
}

/* All is fetched. */
static void take(struct recovery *r, struct forum *f, json_t *o) {
  struct errmsg *e = &r->why;
  parley_err err = recover_take(r, f, e);
  if (err == PARLEY_EVERIFY) { /* nothing was changed: what was signed here before is another history */
    r->log.forked = true;
    node_log_line(r->n, 3, "recovering: %s", e->text);
    err = PARLEY_OK;
  }
  if (!err) err = recover_judge_again(r, f, e);
  if (!err) err = recover_cosignatures(r, f, e);
  if (!err) err = recover_unstage(r, e);
  if (!err && r->next_known) {
    json_put_int(o, "fetched", (int64_t)r->fetched);
    r->err = take_up_next(r, f, e);
    if (!r->err) ask_forum(r);
    return;
  }
  r->err = err ? err : conclude(r, f, o, e);
  r->phase = RECOVER_OVER;
}

static void judged(struct recovery *r, struct forum *f) {
  if (r->as_log) r->err = recover_judge(r, f, &r->why);
  if (r->err) return;
  json_decref(recover_report(r, f));
  r->phase = RECOVER_OVER;
  if (r->dry) return;
  if (r->as_log && r->outcome != OUTCOME_NOTHING)
    r->phase = RECOVER_FETCH_BULK;
  else
    r->err = conclude(r, f, json_array_get(r->report, json_array_size(r->report) - 1), &r->why);
}

/* One step; false: wait for what is under way. */
static bool turn(struct recovery *r) {
  struct forum *f = forum_find(r->n, r->forum);
  if (!f) {
    r->err = err_set(&r->why, PARLEY_ENOTFOUND, "the forum is gone");
    return true;
  }
  switch (r->phase) {
  case RECOVER_ASK:
    if (!r->asked) return false;
    judged(r, f);
    return true;
  case RECOVER_FETCH_BULK:
  case RECOVER_FETCH_LOG:
    if (!fetch_turn(r, f, r->phase == RECOVER_FETCH_BULK)) return false;
    r->phase++;
    return true;
  case RECOVER_TAKE: take(r, f, json_array_get(r->report, json_array_size(r->report) - 1)); return true;
  case RECOVER_OVER: break;
  }
  return next_forum(r) || (r->finished = true);
}

static void answer(struct recovery *r) {
  struct node_call *c = r->call;
  struct node_response out = {0};
  if (r->err) node_log_line(r->n, 3, "recovering: %s", r->why.text);
  if (!c) return;
  if (r->err) {
    answer_err(c, &out, r->err, &r->why);
  } else {
    json_t *o = json_object();
    if (!r->dry) recover_settle(r);
    json_put_str(o, "state", r->dry ? "planned" : "done");
    json_object_set_new(o, "memory_lost", json_boolean(signer_lost(r->n->env.signer)));
    json_object_set(o, "forums", r->report);
    answer_json(&out, 200, o);
  }
  call_answer(c, &out);
}

void recovery_work(struct node *n) {
  struct recovery *r = n->recovery;
  if (!r) return;
  while (!r->err && !r->finished)
    if (!turn(r)) return;
  if (!r->err && !r->dry && signer_lost(n->env.signer) && whole(n)) r->err = memory_whole(n, &r->why);
  answer(r);
  recovery_free(n);
}

bool recovery_next(struct node *n, struct outbound *out) {
  struct recovery *r = n->recovery;
  return r && ((r->fetch && fetch_next(n, r->fetch, out)) || recover_ask_next(r, out));
}

bool recovery_done(struct node *n, uint64_t id, const struct outbound_result *a) {
  struct recovery *r = n->recovery;
  return r && ((r->fetch && fetch_done(n, r->fetch, id, a)) || recover_ask_done(r, id, a));
}

int64_t recovery_next_ms(const struct node *n) {
  const struct recovery *r = n->recovery;
  if (!r) return INT64_MAX;
  if (r->fetch) return fetch_next_ms(r->fetch);
  return r->asked || r->finished ? node_mono(n) : recover_ask_next_ms(r);
}
