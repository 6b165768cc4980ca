/*
 * Making statements of our own: common members, sealing, the signature, and the row that is stored beside the entry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/state.h"

void compose_common(struct node *n, struct forum *f, struct statement *s, const char *kind) {
  memcpy(s->forum, f->id, SHA256_SIZE);
  memcpy(s->charter, f->charter.digest, SHA256_SIZE);
  snprintf(s->from, sizeof s->from, "%s", n->own.name);
  snprintf(s->kind, sizeof s->kind, "%s", kind);
  s->issued = node_wall(n);
  n->env.random(n->env.ctx, s->nonce, sizeof s->nonce);
  if (!s->lang[0]) snprintf(s->lang, sizeof s->lang, "%s", f->charter.languages[0]);
  if (kind_is_open(kind)) {
    s->precedence = ROUTINE;
    s->tlp = TLP_AMBER;
    if (!strcmp(f->charter.legal, "exercise")) s->status = STATUS_EXERCISE;
  }
  if (!s->desk[0]) snprintf(s->desk, sizeof s->desk, "duty");
}

parley_err compose_recipients(struct node *n, const struct statement *s, uint8_t (**out)[X25519_SIZE], size_t *count,
                              struct arena *a, struct errmsg *e) {
  *out = arena_alloc(a, (s->n_to + 1) * sizeof **out);
  if (!*out) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < s->n_to; i++) {
    const struct card *c = node_card(n, s->to[i]);
    const uint8_t *key;
    if (!c) return err_set(e, PARLEY_ENOTFOUND, "the card of %s is not pinned here", s->to[i]);
    parley_err r = card_check_time(c, node_wall(n), e);
    if (!r) r = card_recipient(&key, c, s->desk, e);
    if (r) return r;
    memcpy((*out)[i], key, X25519_SIZE);
  }
  memcpy((*out)[s->n_to], n->own.seal[0].recipient, X25519_SIZE);
  for (size_t i = 0; i < n->own.n_seal; i++)
    if (!strcmp(n->own.seal[i].label, "duty")) memcpy((*out)[s->n_to], n->own.seal[i].recipient, X25519_SIZE);
  *count = s->n_to + 1;
  return PARLEY_OK;
}

/* Members of the row that are known now; submit.c puts log, index and order before them. Every value is already free of quotes. */
static void write_row(const struct statement *s, int64_t now, struct buf *row) {
  char forum[65];
  hex_encode(forum, BYTES(s->forum, SHA256_SIZE));
  buf_fmt(row, "\"forum\":\"%s\",\"from\":\"%s\",\"kind\":\"%s\",\"issued\":%lld,\"received\":%lld", forum, s->from,
          s->kind, (long long)s->issued, (long long)now);
}

static parley_err make_entry(struct node *n, const struct statement *s, struct buf *entry, struct errmsg *e) {
  struct buf payload = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  parley_err r = statement_payload(&payload, s, e);
  if (!r) r = signer_statement(n->env.signer, sig, bytes_str(STATEMENT_TYPE), buf_view(&payload), e);
  if (!r) r = statement_entry_signed(entry, buf_view(&payload), n->own.statement, sig, e);
  buf_free(&payload);
  return r;
}

static struct submission *submission_new(struct forum *f, const struct statement *s, int64_t now) {
  struct submission *sub = calloc(1, sizeof *sub);
  if (!sub) return NULL;
  sub->forum = f;
  sub->bookkeeping = kind_is_open(s->kind);
  sub->answers = answer_of(s->kind);
  if (sub->answers) memcpy(sub->re, s->re[0], SHA256_SIZE);
  sub->ack_seconds = f->charter.ack_seconds[s->precedence];
  for (size_t i = 0; i < s->n_to; i++) {
    const struct member *m = forum_member(f, s->to[i]);
    if (m) sub->to[(m - f->members) / 8] |= (uint8_t)(1u << ((m - f->members) % 8));
  }
  write_row(s, now, &sub->row);
  if (buf_ok(&sub->row)) return sub;
  submission_free(sub);
  return NULL;
}

static parley_err add_entry(struct node *n, struct submission *sub, const struct statement *s, struct errmsg *e) {
  parley_err r = make_entry(n, s, &sub->entry, e);
  if (!r && !buf_ok(&sub->entry)) r = err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) statement_id(&sub->id, buf_view(&sub->entry));
  return r;
}

parley_err compose_alone(struct node *n, struct forum *f, const struct statement *s, struct submission **out,
                         struct errmsg *e) {
  struct submission *sub = submission_new(f, s, node_wall(n));
  if (!sub) return err_set(e, PARLEY_ENOMEM, "out of memory");
  parley_err r = add_entry(n, sub, s, e);
  if (r) {
    submission_free(sub);
    return r;
  }
  *out = sub;
  return PARLEY_OK;
}

parley_err compose_again(struct forum *f, const struct statement *s, struct bytes entry, int64_t received,
                         struct submission **out, struct errmsg *e) {
  struct submission *sub = submission_new(f, s, received);
  if (sub) buf_bytes(&sub->entry, entry);
  if (!sub || !buf_ok(&sub->entry)) {
    if (sub) submission_free(sub);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  statement_id(&sub->id, entry);
  *out = sub;
  return PARLEY_OK;
}

parley_err compose_submit(struct node *n, struct forum *f, struct statement *s, struct submission **out,
                          struct errmsg *e) {
  const parley_err r = compose_alone(n, f, s, out, e);
  if (!r) submit_add(n, *out);
  return r;
}

/* ---- statements that are sealed just before their batch is committed ---- */

void sealing_free(struct sealing *s) {
  if (!s) return;
  wipe(s->seed, sizeof s->seed);
  buf_free(&s->text); /* wipes */
  buf_free(&s->sealed);
  arena_free(&s->arena);
  free(s);
}

parley_err compose_submit_sealing(struct node *n, struct forum *f, struct sealing *sealing, struct submission **out,
                                  struct errmsg *e) {
  struct submission *sub = submission_new(f, &sealing->s, node_wall(n));
  if (!sub) {
    sealing_free(sealing);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  sub->sealing = sealing;
  sealing->node = n;
  sealing->submission = sub;
  submit_add(n, sub);
  *out = sub;
  return PARLEY_OK;
}

/*
 * Changes nothing but its own submission and reads what nobody changes meanwhile (our card, the statement key), so it may run on any thread.
 */
static void seal_one(void *item) {
  struct sealing *s = item;
  s->err = body_seal(&s->sealed, s->s.body_sha256, buf_view(&s->text), s->seed,
                     (const uint8_t(*)[X25519_SIZE])s->recipients, s->n_recipients, &s->why);
  s->s.sealed = buf_view(&s->sealed);
  if (!s->err) s->err = add_entry(s->node, s->submission, &s->s, &s->why);
}

/* The limit as people need it: what of the body is too much, given everything else that stands in the entry. */
static void explain_limit(struct sealing *sealing) {
  const struct statement *s = &sealing->s;
  struct buf payload = {0};
  size_t sealed = (s->sealed.n + 2) / 3 * 4, limit = 0;
  if (statement_payload(&payload, s, NULL) == PARLEY_OK && payload.n > sealed)
    limit = body_limit(s->n_to, payload.n - sealed);
  buf_free(&payload);
  err_set(&sealing->why, PARLEY_ELIMIT,
          "the body has %zu bytes as sealed; a statement to %zu addressee%s takes at most %zu; send the long part as a "
          "file (--attach)",
          sealing->text.n, s->n_to, s->n_to == 1 ? "" : "s", limit);
}

/* A body that is just too long may fit without the held lines, which can wait for the next statement. */
static void without_held(struct node *n, struct submission *sub) {
  struct sealing *s = sub->sealing;
  if (s->err == PARLEY_ELIMIT && s->s.n_held) {
    vectors_give_back(sub->forum, &s->s);
    buf_clear(&sub->entry);
    s->err = add_entry(n, sub, &s->s, &s->why);
  }
  if (s->err == PARLEY_ELIMIT) explain_limit(s);
}

void compose_batch(struct node *n, struct submission *batch) {
  void *items[NODE_SUBMIT_BATCH_MAX];
  size_t k = 0;
  for (struct submission *s = batch; s && k < NODE_SUBMIT_BATCH_MAX; s = s->next)
    if (s->sealing) items[k++] = s->sealing;
  if (n->env.parallel && k > 1)
    n->env.parallel(n->env.ctx, seal_one, items, k);
  else
    for (size_t i = 0; i < k; i++) seal_one(items[i]);
  for (struct submission *s = batch; s; s = s->next) {
    if (!s->sealing) continue;
    without_held(n, s);
    if (s->sealing->err) {
      vectors_give_back(s->forum, &s->sealing->s);
      continue;
    }
    sealing_free(s->sealing);
    s->sealing = NULL;
  }
}
