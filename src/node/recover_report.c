/*
 * Recovering: what is told of one forum, as JSON (docs/local-api.md, POST /v1/recover).
 */
#include <string.h>

#include "base/json_load.h"
#include "node/recover.h"

static json_t *report_log(const struct recovery *r, const struct judged *j, const struct own_log *l) {
  json_t *o = json_object();
  (void)r;
  json_put_str(o, "origin", l->origin);
  json_put_int(o, "here", (int64_t)copy_size(l->copy));
  if (j->remembered) json_put_int(o, "remembered", (int64_t)j->memory.size);
  json_put_int(o, "longest", (int64_t)j->longest);
  json_put_int(o, "copy", (int64_t)j->target.size);
  if (j->holder) json_put_str(o, "holder", j->holder->peer->card.name);
  return o;
}

static json_t *report_silent(const struct recovery *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < r->n_questions; i++) {
    const struct question *q = &r->questions[i];
    bool first = !q->answered;
    for (size_t k = 0; k < i && first; k++) first = r->questions[k].to != q->to || r->questions[k].answered;
    if (first) json_array_append_new(list, json_string(q->to->peer->card.name));
  }
  return list;
}

const char *recover_outcome_name(enum outcome o) {
  return o == OUTCOME_NOTHING ? "nothing" : o == OUTCOME_RESUME ? "same-epoch" : "next-epoch";
}

/* Before anything has changed; what changes is put in afterwards. */
json_t *recover_report(struct recovery *r, struct forum *f) {
  json_t *o = json_object(), *floors = json_array();
  json_put_hex(o, "forum", f->id, SHA256_SIZE);
  json_put_str(o, "title", f->charter.title);
  json_object_set_new(o, "silent", report_silent(r));
  if (r->as_log) {
    json_put_int(o, "epoch", (int64_t)f->log.epoch);
    json_put_str(o, "outcome", recover_outcome_name(r->outcome));
    json_put_str(o, "reason", r->reason);
    if (r->next_known) json_put_int(o, "known_epoch", (int64_t)f->log.epoch + 1);
    if (r->outcome != OUTCOME_NOTHING) json_object_set_new(o, "unsent_files", recover_unsent(r, f));
    json_object_set_new(o, "log", report_log(r, &r->log, &f->log));
    json_object_set_new(o, "bulk", report_log(r, &r->bulk, &f->bulk));
  }
  if (r->as_mirror && signer_lost(r->n->env.signer) && recover_floors(r, f, floors, false, NULL)) json_lose();
  json_object_set_new(o, "mirrors", floors);
  json_array_append(r->report, o);
  return o;
}
