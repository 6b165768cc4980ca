/*
 * The local API: acknowledging a statement.
 */
#include <stdio.h>
#include <string.h>

#include "forum/fields.h"
#include "node/local_found.h"

static parley_err ack_allowed(struct node *n, const struct local_found *f, struct errmsg *e) {
  struct hash had;
  bool addressed = false;
  for (size_t i = 0; i < f->s.n_to; i++) addressed |= !strcmp(f->s.to[i], n->own.name);
  if (f->row.ours) return err_set(e, PARLEY_ECONFLICT, "that is our own statement; only its addressees acknowledge it");
  if (!f->parsed || f->row.problem)
    return err_set(e, PARLEY_EREFUSED, "it breaks a rule and cannot be acknowledged: %s",
                   f->row.problem ? f->row.problem : "malformed");
  if (kind_is_open(f->s.kind) || !strcmp(f->s.kind, "ack"))
    return err_set(e, PARLEY_EREFUSED, "%s is never acknowledged", f->s.kind);
  if (!addressed) return err_set(e, PARLEY_EREFUSED, "it is not addressed to %s", n->own.name);
  if (ack_find(n, &f->row.id, n->own.name, &had, NULL) == PARLEY_OK)
    return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
  for (const struct submission *q = n->queue; q; q = q->next)
    if (q->is_ack && !memcmp(q->acked, f->row.id.b, 32))
      return err_set(e, PARLEY_ECONFLICT, "it was acknowledged already");
  return PARLEY_OK;
}

static parley_err ack_submit(struct node_call *c, const struct local_found *f, const char *officer, const char *note,
                             struct errmsg *e) {
  json_t *body = json_object();
  if (!body || (note && !json_put_str(body, "note", note))) {
    json_decref(body);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  struct statement s = {.status = f->s.status, .precedence = f->s.precedence, .tlp = f->s.tlp, .n_re = 1, .n_to = 1};
  s.to = arena_alloc(&c->arena, sizeof *s.to);
  if (!s.to) {
    json_decref(body);
    return err_set(e, PARLEY_ENOMEM, "out of memory");
  }
  snprintf(s.to[0], sizeof s.to[0], "%s", f->s.from);
  snprintf(s.officer, sizeof s.officer, "%s", officer);
  memcpy(s.re[0], f->row.id.b, 32);
  s.has_thread = true;
  memcpy(s.thread, f->s.has_thread ? f->s.thread : f->row.id.b, 32);
  return send_sealed(c, f->row.forum, &s, "ack", body, e);
}

void local_ack(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  const char *officer = NULL, *note = NULL;
  static const char *const members[] = {"officer", "note", NULL};
  json_t *q = NULL;
  if (!local_find(c, &f, out)) return;
  parley_err r = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  r = r ? r : json_only(q, "", members, &e);
  r = r ? r : json_get_str(&officer, q, "", "officer", &e);
  r = r ? r : json_get_str_opt(&note, q, "", "note", &e);
  if (!r && (strlen(officer) == 0 || strlen(officer) > KIND_MAX || !fields_is_line(officer)))
    r = err_set(&e, PARLEY_EINVAL, "officer: a role of 1 to %d bytes on one line, for example \"duty\"", KIND_MAX);
  r = r ? r : ack_allowed(c->n, &f, &e);
  r = r ? r : ack_submit(c, &f, officer, note, &e);
  json_decref(q);
  local_found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}
