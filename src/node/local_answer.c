/*
 * The local API: acknowledging and rejecting a statement.
 */
#include <stdio.h>
#include <string.h>

#include "forum/fields.h"
#include "node/answers.h"
#include "node/local_found.h"

/* Takes the body over; NULL: memory is out. */
static parley_err submit(struct node_call *c, const struct local_found *f, enum answer what, const char *officer,
                         json_t *body, struct errmsg *e) {
  struct statement s = {.status = f->s.status, .precedence = f->s.precedence, .tlp = f->s.tlp, .n_re = 1, .n_to = 1};
  parley_err r = PARLEY_OK;
  s.to = arena_alloc(&c->arena, sizeof *s.to);
  if (!s.to || !body)
    r = err_set(e, PARLEY_ENOMEM, "out of memory");
  else if (strlen(officer) == 0 || strlen(officer) > KIND_MAX || !fields_is_line(officer))
    r = err_set(e, PARLEY_EINVAL, "officer: a role of 1 to %d bytes on one line, for example \"duty\"", KIND_MAX);
  if (!r) r = answer_allowed(c->n, what, &f->row, f->parsed ? &f->s : NULL, e);
  if (r) {
    json_decref(body);
    return r;
  }
  snprintf(s.to[0], sizeof s.to[0], "%s", f->s.from);
  snprintf(s.officer, sizeof s.officer, "%s", officer);
  memcpy(s.re[0], f->row.id.b, 32);
  s.has_thread = true;
  memcpy(s.thread, f->s.has_thread ? f->s.thread : f->row.id.b, 32);
  return send_sealed(c, f->row.forum, &s, answer_kind(what), body, e);
}

/* What the request says besides the officer is what the body of such a statement says, in any order. */
parley_err local_answer_take(struct node_call *c, const struct local_found *f, enum answer what, struct errmsg *e) {
  static const char *const ack[] = {"officer", "note", NULL}, *const reject[] = {"officer", "ground", "reasons", NULL},
                           *const disclosed[] = {"officer", "reasons", NULL};
  const char *officer = NULL, *ground = ground_name(GROUND_UNREADABLE), *reasons = NULL;
  struct answer_body said;
  json_t *q = NULL, *body = NULL;
  parley_err r = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, e);
  r = r ? r : json_only(q, "", what == ANSWER_ACK ? ack : what == ANSWER_REJECT ? reject : disclosed, e);
  r = r ? r : json_get_str(&officer, q, "", "officer", e);
  if (!r && what == ANSWER_REJECT) r = json_get_str(&ground, q, "", "ground", e);
  r = r ? r : json_get_str_opt(&reasons, q, "", what == ANSWER_ACK ? "note" : "reasons", e);
  if (!r && !ground_parse(&said.ground, ground))
    r = err_set(e, PARLEY_EINVAL, "ground: \"%.40s\" is none of unreadable, sealing, form, language, files", ground);
  if (!r) body = answer_body_make(what, said.ground, reasons);
  if (!r && body) r = answer_body_parse(&said, what, body, e);
  if (!r) r = submit(c, f, what, officer, json_incref(body), e);
  json_decref(body);
  json_decref(q);
  return r;
}

static void handle(struct node_call *c, struct node_response *out, enum answer what) {
  struct local_found f;
  struct errmsg e = {{0}};
  if (!local_find(c, &f, out)) return;
  parley_err r = local_answer_take(c, &f, what, &e);
  local_found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}

void local_ack(struct node_call *c, struct node_response *out) { handle(c, out, ANSWER_ACK); }
void local_reject(struct node_call *c, struct node_response *out) { handle(c, out, ANSWER_REJECT); }
