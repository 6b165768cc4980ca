/*
 * Taking in what arrived: each new entry of a mirrored log is judged and indexed. Nothing is dropped: what breaks a rule is kept
 * and marked with the reason (design section 7).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/answers.h"
#include "node/epochs.h"
#include "node/forks.h"
#include "node/observed.h"
#include "node/line_marks.h"
#include "node/relay.h"
#include "node/witness.h"

#define INTAKE_BATCH 512
#define INTAKE_SIGNATURES 256 /* verified in one transaction; a hostile entry can carry many */

/* ---- judging ---- */

/* What the version cited says of the author and the kind; suspended members go on answering. */
static parley_err judge_author(const struct charter *c, const struct statement *s, struct errmsg *e) {
  const struct charter_member *author = charter_member(c, s->from);
  if (!author) return err_set(e, PARLEY_EINVAL, "from: %s is no member by the version cited", s->from);
  if (kind_is_open(s->kind) || member_role_speaks(author->role)) return PARLEY_OK;
  if (author->role == ROLE_SUSPENDED && (answer_of(s->kind) == ANSWER_ACK || answer_of(s->kind) == ANSWER_REJECT))
    return PARLEY_OK;
  return err_set(e, PARLEY_EINVAL, "from: %s is %s in this forum and has no say", s->from,
                 author->role == ROLE_RELAY ? "a relay" : "suspended");
}

static parley_err judge_rules(struct node *n, const struct forum *f, const struct their_log *l, uint64_t index,
                              const struct statement *s, struct errmsg *e) {
  const struct charter *c = NULL;
  if (strcmp(s->from, l->from->peer->card.name))
    return err_set(e, PARLEY_EINVAL, "from: %s stands in the log of %s", s->from, l->from->peer->card.name);
  if (memcmp(s->forum, f->id, SHA256_SIZE))
    return err_set(e, PARLEY_EINVAL, "forum: it belongs to another forum than its log");
  const bool epoch = !strcmp(s->kind, "forum.epoch");
  const bool head = epoch || !strcmp(s->kind, "forum.charter") || !strcmp(s->kind, "forum.card");
  if (index == 0 && l->epoch > 0 && !epoch)
    return err_set(e, PARLEY_EINVAL, "kind: the log of an epoch after the first begins with forum.epoch, not with %s",
                   s->kind);
  if (index > 0 && !l->opened)
    return err_set(e, PARLEY_EINVAL, "its log does not begin with the forum.epoch that would open it");
  if (index == 0 && !head)
    return err_set(e, PARLEY_EINVAL, "kind: a log begins with its charter, not with %s", s->kind);
  if (head) return PARLEY_OK; /* they say under which version and key the rest stands */
  parley_err r = version_cited(n, l, s, &c, e);
  if (r) return r;
  for (size_t i = 0; i < s->n_to; i++)
    if (!charter_member(c, s->to[i])) return err_set(e, PARLEY_EINVAL, "to: %s is no member of the forum", s->to[i]);
  bool known = answer_of(s->kind) || !strcmp(s->kind, "forum.held") || !strcmp(s->kind, "forum.proof") ||
               charter_form(c, s->kind);
  if (!known) return err_set(e, PARLEY_EINVAL, "kind: %s is not in force under this charter", s->kind);
  return judge_author(c, s, e);
}

/* ---- indexing ---- */

static parley_err put_row(struct node *n, const struct their_log *l, uint64_t index, const struct hash *id,
                          const struct statement *s, const char *problem, struct errmsg *e) {
  struct buf v = {0};
  char forum[65];
  hex_encode(forum, BYTES(l->from->forum->id, SHA256_SIZE));
  buf_fmt(&v,
          "{\"ours\":false,\"epoch\":%llu,\"index\":%llu,\"order\":%llu,\"forum\":\"%s\",\"from\":\"%s\",\"kind\":\"%"
          "s\",\"issued\":%lld,"
          "\"received\":%lld",
          (unsigned long long)l->epoch, (unsigned long long)index, (unsigned long long)n->next_order, forum,
          l->from->peer->card.name, kind_valid(s->kind) ? s->kind : "malformed", (long long)s->issued,
          (long long)node_wall(n));
  json_t *why = problem ? json_string(problem) : NULL; /* the one member that may need escaping */
  bool ok = !problem || why != NULL;
  if (why) {
    buf_str(&v, ",\"problem\":");
    ok = json_write(&v, why);
  }
  buf_str(&v, "}");
  parley_err r = ok && buf_ok(&v) ? store_put(n->env.store, STORE_STATEMENTS, BYTES(id->b, 32), buf_view(&v), e)
                                  : err_set(e, PARLEY_ENOMEM, "out of memory");
  json_decref(why);
  buf_free(&v);
  return r;
}

static parley_err put_index(struct node *n, const struct hash *id, const struct statement *s, bool problem,
                            struct errmsg *e) {
  struct buf k = {0};
  parley_err r = PARLEY_OK;
  bool to_us = problem;
  for (size_t i = 0; i < s->n_to; i++) to_us |= !strcmp(s->to[i], n->own.name);
  if (to_us) {
    key_box(&k, true, n->next_order);
    r = buf_ok(&k) ? store_put(n->env.store, STORE_INDEX, buf_view(&k), BYTES(id->b, 32), e)
                   : err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  if (!r && !problem && answer_of(s->kind)) r = answer_put(n, answer_of(s->kind), s->re[0], s->from, id, e);
  buf_free(&k);
  return r;
}

/*
 * Of the entries of one log with one payload the first is the statement: "y/", the time in it, and a digest of origin and payload lead to
 * its id. The time goes first so that what arrives together stands together on the disk. EINVAL when another entry was first.
 */
static parley_err put_payload(struct node *n, const struct their_log *l, const struct hash *id, int64_t issued,
                              struct bytes payload, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  uint8_t digest[SHA256_SIZE];
  const struct bytes parts[] = {bytes_str(l->origin), BYTES("\n", 1), payload};
  sha256v(digest, parts, 3);
  buf_str(&k, "y/");
  buf_u64be(&k, (uint64_t)issued);
  buf_add(&k, digest, sizeof digest);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_INDEX, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (r == PARLEY_ENOTFOUND)
    r = store_put(n->env.store, STORE_INDEX, buf_view(&k), BYTES(id->b, 32), e);
  else if (!r && !bytes_eq(v, BYTES(id->b, 32)))
    r = err_set(e, PARLEY_EINVAL, "it repeats the payload of an earlier entry, which is the statement");
  buf_free(&k);
  arena_free(&a);
  return r;
}

static parley_err judge(struct node *n, struct their_log *l, uint64_t index, struct bytes entry, const struct hash *id,
                        struct statement *s, struct arena *a, uint64_t *serial, bool *wait, struct errmsg *why) {
  struct dsse d;
  parley_err r = statement_parse(s, a, entry, &d, why);
  if (!r) r = judge_rules(n, l->from->forum, l, index, s, why);
  if (!r && !strcmp(s->kind, "forum.card"))
    r = card_entry_judge(n, l, s, &d, serial, why);
  else if (!r && !strcmp(s->kind, "forum.epoch"))
    r = epoch_entry_judge(n, l, index, s, &d, serial, why);
  else if (!r)
    r = statement_verify(&d, s, card_in_force(n, l), why);
  if (!r) r = put_payload(n, l, id, s->issued, d.payload, why);
  if (!r && answer_of(s->kind)) r = answer_judge(n, l, s, why);
  if (!r && !strcmp(s->kind, "forum.proof")) r = forks_entry_judge(n, l, s, why);
  if (!r && !strcmp(s->kind, "forum.charter")) r = version_run_judge(n, l, index, s, wait, why);
  return r;
}

/* What stands under this id is a copy that counts for nothing, or the same in a later epoch: this one takes its place. */
static parley_err displace(struct node *n, const struct row *had, const struct hash *id, struct errmsg *e) {
  struct buf k = {0};
  key_box(&k, true, had->order);
  parley_err r = buf_ok(&k) ? store_delete(n->env.store, STORE_INDEX, buf_view(&k), e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = store_delete(n->env.store, STORE_STATEMENTS, BYTES(id->b, 32), e);
  buf_free(&k);
  return r;
}

/* OK when the entry is new; EBUSY when it is indexed already. */
static parley_err is_new(struct node *n, const struct their_log *l, const struct hash *id, struct errmsg *e) {
  struct row had;
  parley_err r = row_read(n, id, &had, e); /* in a forum that could not be opened, too */
  if (r) return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
  const bool elsewhere = had.forum != l->from->forum || strcmp(had.from, l->from->peer->card.name);
  r = !had.ours && (elsewhere ? had.problem != NULL : had.epoch > l->epoch) ? displace(n, &had, id, e) : PARLEY_EBUSY;
  row_clear(&had);
  return r;
}

/* Verified for one entry, at most or about. */
static unsigned signatures_in(const struct statement *s) {
  unsigned more = 0;
  if (!strcmp(s->kind, "forum.proof"))
    more = 2 * (4 * CARDS_CARRIED_MAX + 4); /* twice: as it stands, and by our cards */
  if (!strcmp(s->kind, "forum.charter") && s->body &&
      json_integer_value(json_object_get(s->body, "part")) + 1 ==
          json_integer_value(json_object_get(s->body, "parts"))) /* the version whose run it ends */
    more = FORUM_MEMBERS_MAX;
  return 1 + (unsigned)s->n_held + more;
}

enum next { TAKEN, LEARN, WAIT };

static bool learnable(const char *kind) {
  return !strcmp(kind, "forum.card") || !strcmp(kind, "forum.proof") || !strcmp(kind, "forum.charter");
}

/* LEARN: the entry brings cards or a version that are to be learned first; WAIT: one that needs a card that is not pinned. It is not taken then. */
static parley_err take_one(struct node *n, struct their_log *l, uint64_t index, unsigned *signatures, enum next *next,
                           struct errmsg *e) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct errmsg why = {{0}};
  struct hash id;
  uint64_t serial = l->serial;
  bool wait = false;
  parley_err r = copy_entry(mirror_copy(l->mirror), index, &a, &entry, e);
  if (!r) {
    statement_id(&id, entry);
    r = is_new(n, l, &id, e);
    if (r == PARLEY_EBUSY) { /* the first of equal entries is the statement */
      arena_free(&a);
      return PARLEY_OK;
    }
  }
  parley_err bad = r ? r : judge(n, l, index, entry, &id, &s, &a, &serial, &wait, &why);
  if (!r && bad == PARLEY_ENOTFOUND && !strcmp(s.kind, "forum.epoch")) { /* waits for a card of its author */
    if (l->cards_tried != index + 1) node_log_line(n, 4, "%s: %s", l->origin, why.text);
    l->cards_tried = index + 1;
    statement_clear(&s);
    arena_free(&a);
    return PARLEY_EREFUSED;
  }
  if (!r && wait) {
    node_log_line(n, 4, "%s waits at entry %llu: %s", l->origin, (unsigned long long)index, why.text);
    *next = WAIT;
  } else if (!r && bad == PARLEY_ENOTFOUND && learnable(s.kind) && l->cards_tried != index + 1) {
    *next = LEARN;
  }
  if (*next != TAKEN) {
    statement_clear(&s);
    arena_free(&a);
    return PARLEY_OK;
  }
  if (!r && node_trouble(bad)) r = err_set(e, bad, "%s", why.text);
  if (!r && bad) {
    node_log_line(n, 4, "%s, entry %llu is kept but counts for nothing: %s", l->origin, (unsigned long long)index,
                  why.text);
    if (!strcmp(s.kind, "forum.proof"))
      observed_add(n, l->from->peer->card.name, l->from->forum->id, "false_proof",
                   "it shows a proof of two histories that does not hold: %.200s", why.text);
  } else if (!r) {
    forks_look(n, l, &s);
    if (!kind_is_open(s.kind)) l->gained = index + 1;
    if (!l->marks.offered || s.issued < l->marks.offered) l->marks.offered = s.issued;
  }
  if (!r && !bad) r = relay_see(n, l, index, &s, e);
  if (!r && !bad) l->serial = serial;
  if (!r && !bad && !strcmp(s.kind, "forum.epoch")) their_epoch_opened(n, l, &s);
  *signatures += signatures_in(&s);
  if (!r) r = put_row(n, l, index, &id, &s, bad ? why.text : NULL, e);
  if (!r) r = put_index(n, &id, &s, bad != PARLEY_OK, e);
  if (!r) n->next_order++;
  statement_clear(&s);
  arena_free(&a);
  return r;
}

static void key_taken(struct buf *k, const struct their_log *l) { buf_fmt(k, "t/%s", l->origin); }

parley_err intake_save(struct node *n, const struct their_log *l, uint64_t upto, uint64_t heard, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_taken(&k, l);
  buf_fmt(&v, "%llu %llu %llu %llu %d", (unsigned long long)upto, (unsigned long long)l->gained,
          (unsigned long long)heard, (unsigned long long)l->serial, l->opened);
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                                          : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  buf_free(&v);
  return r;
}

parley_err intake_load(struct node *n, struct their_log *l, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  const char *text = NULL;
  unsigned long long taken = 0, gained = 0, heard = 0, serial = l->serial;
  int opened = 1;
  key_taken(&k, l);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (r == PARLEY_ENOTFOUND)
    r = PARLEY_OK;
  else if (!r && !(text = arena_cstr(&a, v)))
    r = err_set(e, PARLEY_ENOMEM, "out of memory");
  else if (!r && sscanf(text, "%llu %llu %llu %llu %d", &taken, &gained, &heard, &serial, &opened) < 3)
    r = err_set(e, PARLEY_EIO, "what is stored about %s is damaged", l->origin);
  l->taken_in = taken;
  l->gained = gained;
  l->heard = heard;
  l->serial = serial;
  if (text && opened && taken > 0) l->opened = true;
  if (!r) r = line_marks_load(n, &l->marks, l->origin, n->own.name, e);
  buf_free(&k);
  arena_free(&a);
  return r;
}

static uint64_t held_size(const struct their_log *l) {
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  return s.size;
}

/*
 * Cards and versions are learned (and proofs of two histories kept) one by one, each in a transaction of its own, before the entry that brings them
 * counts; what cannot be learned is marked then.
 */
static void learn_cards(struct node *n, struct their_log *l) {
  struct errmsg e;
  struct arena a = {0};
  struct bytes entry;
  parley_err r = copy_entry(mirror_copy(l->mirror), l->taken_in, &a, &entry, &e);
  if (!r) r = card_entry_learn(n, l, entry, &e);
  if (!r) r = forks_entry_learn(n, l, entry, &e);
  if (!r) r = version_run_learn(n, l, l->taken_in, &e);
  if (node_trouble(r)) {
    node_log_line(n, 3, "%s: a new card or version, or a proof, cannot be stored now: %s", l->origin, e.text);
    node_retry(n);
  } else {
    l->cards_tried = l->taken_in + 1;
    n->intake_due = true;
  }
  arena_free(&a);
}

/* One batch of one log in one transaction. */
static void take_log(struct node *n, struct their_log *l) {
  /* The entry that may open an epoch alone: what follows it is judged in the newest log of its author, beside its bulk log. */
  const uint64_t batch = l == l->from->ahead && l->taken_in == 0 ? 1 : INTAKE_BATCH;
  uint64_t size = held_size(l), most = l->taken_in + batch < size ? l->taken_in + batch : size;
  uint64_t upto = l->taken_in;
  unsigned signatures = 0;
  enum next next = TAKEN;
  struct errmsg e = {{0}};
  if (l->taken_in >= size || l->waits_cards == n->cards_version + 1) return;
  const size_t versions = l->versions.n;
  uint64_t order = n->next_order, gained = l->gained, serial = l->serial;
  const bool opened = l->opened;
  parley_err r = store_begin(n->env.store, &e);
  while (!r && upto < most && signatures < INTAKE_SIGNATURES) {
    r = take_one(n, l, upto, &signatures, &next, &e);
    if (r == PARLEY_EREFUSED) { /* it waits; nothing was written */
      store_rollback(n->env.store);
      return;
    }
    if (next != TAKEN) break;
    upto++;
  }
  if (!r) r = intake_save(n, l, upto, l->heard, &e);
  if (!r && l->versions.n != versions) r = openings_save(n, l->origin, &l->versions, &e);
  if (!r && upto == size) r = line_mark_theirs(n, l, &e);
  if (!r)
    r = store_commit(n->env.store, &e);
  else if (store_in_transaction(n->env.store))
    store_rollback(n->env.store);
  if (r) {
    n->next_order = order;
    l->gained = gained;
    l->serial = serial;
    l->opened = opened;
    l->versions.n = versions;
    if (PLANTED(skip_entry_of_failed_intake)) l->taken_in = upto;
    node_log_line(n, 3, "%s: what arrived cannot be indexed now: %s", l->origin, e.text);
    node_retry(n);
    return;
  }
  l->taken_in = upto;
  n->news++;
  struct their_log *bulk = their_log_of(l->from, l->epoch, true);
  if (l->serial != serial && (their_log_keys(n, l, &e) || (bulk && their_log_keys(n, bulk, &e))))
    node_log_line(n, 3, "%s: its keys cannot be set: %s", l->origin, e.text);
  l->waits_cards = next == WAIT ? n->cards_version + 1 : 0;
  if (next == LEARN)
    learn_cards(n, l);
  else if (next == TAKEN && upto < size)
    n->intake_due = true;
}

/* The epoch after, once all that is held of the newest is taken in: its entry 0 makes it the newest. */
static void take_ahead(struct node *n, struct forum *f) {
  struct errmsg e = {{0}};
  bool opened = false;
  if (n->recovery)
    return; /* its questions name members, which loading anew would take away; then it is our turn again */
  for (size_t i = 0; i < f->n_members; i++) {
    struct member *m = &f->members[i];
    if (!m->ahead || m->log.taken_in < held_size(&m->log)) continue;
    take_log(n, m->ahead);
    opened |= m->ahead->opened;
  }
  if (!opened) return;
  const parley_err r = forum_reload(n, f, NULL, &e);
  if (!r) return;
  node_log_line(n, 3, "a forum cannot be opened anew for the next epoch of a log: %s", e.text);
  node_retry(n);
}

void intake_run(struct node *n) {
  if (!n->intake_due) return;
  n->intake_due = false;
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_members; i++)
      for (struct their_log *l = &f->members[i].log; l; l = l->older) take_log(n, l);
  for (struct forum *f = n->forums, *next; f; f = next) {
    next = f->next;
    take_ahead(n, f);
  }
}

bool intake_pending(const struct node *n) { return n->intake_due; }
