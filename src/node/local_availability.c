/*
 * The local API: GET /v1/availability/YYYY-MM, each line's provable record in that month (docs/local-api.md).
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "base/time.h"
#include "node/call.h"
#include "node/line_marks.h"

#define DAY 86400

/* One direction of one line in one forum. */
struct direction {
  struct node *n;
  struct forum *forum;
  const char *origin, *cosigner;
  struct copy *copy;    /* of the log: its roots */
  int64_t from, to;     /* looked at */
  struct arena *a;      /* of the request */
  struct line_run *run; /* when this node ran */
  size_t n_run;
  bool gaps; /* each is told, with its proof */
};

/* The note as the cosigner signed it; "" when its tree cannot be read any more. */
static void put_note(json_t *o, const char *name, const struct direction *d, const struct line_kept *k) {
  struct buf text = {0};
  struct hash root;
  if (copy_root(d->copy, k->size, &root, NULL)) return;
  checkpoint_text(&text, d->origin, k->size, &root);
  buf_str(&text, "\n");
  buf_bytes(&text, k->lines);
  buf_add(&text, "", 1);
  if (buf_ok(&text))
    json_put_str(o, name, (const char *)text.p);
  else
    json_lose();
  buf_free(&text);
}

static json_t *gap_json(const struct direction *d, const struct line_gap *g, const struct line_kept *kept, size_t n) {
  json_t *o = json_object();
  json_put_time(o, "from", g->from);
  json_put_time(o, "to", g->to);
  json_object_set_new(o, "open", json_boolean(g->after >= n));
  json_put_int(o, "missed", (int64_t)g->missed);
  json_put_int(o, "not_running", g->ours);
  put_note(o, "before", d, &kept[g->before]);
  if (g->after < n) put_note(o, "after", d, &kept[g->after]);
  return o;
}

static json_t *record_json(const struct direction *d, const struct line_record *r, const struct line_kept *kept,
                           size_t n) {
  json_t *o = json_object(), *gaps = json_array();
  json_put_str(o, "origin", d->origin);
  json_put_int(o, "cosignatures", (int64_t)r->marks);
  if (r->to > r->from) {
    json_put_time(o, "from", r->from);
    json_put_time(o, "to", r->to);
    json_put_int(o, "seconds", r->to - r->from);
    json_put_int(o, "up", r->up);
    json_put_int(o, "missed", (int64_t)r->missed);
  }
  if (r->delay_median >= 0) {
    json_put_int(o, "delay_median", r->delay_median);
    json_put_int(o, "delay_worst", r->delay_worst);
  }
  json_put_int(o, "gaps_in_all", (int64_t)r->gaps);
  for (size_t i = 0; d->gaps && i < r->n_gap; i++) json_array_append_new(gaps, gap_json(d, &r->gap[i], kept, n));
  if (d->gaps)
    json_object_set_new(o, "gaps", gaps);
  else
    json_decref(gaps);
  return o;
}

static parley_err direction_put(json_t *o, const char *name, const struct direction *d, struct errmsg *e) {
  const struct charter *c = &d->forum->charter;
  struct line_kept *kept;
  struct line_record record = {0};
  size_t count;
  parley_err r = line_marks_read(d->n, d->origin, d->cosigner, d->from, d->to, d->a, &kept, &count, e);
  struct line_mark *marks = r ? NULL : arena_alloc(d->a, (count + 1) * sizeof *marks);
  if (!r && !marks) r = err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; !r && i < count; i++) marks[i] = kept[i].mark;
  if (!r)
    r = line_record(&record, marks, count, d->run, d->n_run, d->from, d->to, c->heartbeat_seconds,
                    c->clock_tolerance_seconds, e);
  if (!r) json_object_set_new(o, name, record_json(d, &record, kept, count));
  line_record_clear(&record);
  return r;
}

static parley_err both_put(json_t *o, struct direction d, const struct member *m, struct errmsg *e) {
  d.origin = d.forum->log.origin;
  d.cosigner = m->peer->card.name;
  d.copy = d.forum->log.copy;
  parley_err r = direction_put(o, "to_them", &d, e);
  d.origin = m->log.origin;
  d.cosigner = d.n->own.name;
  d.copy = mirror_copy(m->log.mirror);
  return r ? r : direction_put(o, "to_us", &d, e);
}

void availability_put(struct node *n, json_t *o, struct forum *f, const struct member *m, int64_t from) {
  struct arena a = {0};
  struct direction d = {.n = n, .forum = f, .a = &a, .from = from, .to = node_wall(n)};
  struct errmsg e;
  parley_err r = line_runs_read(n, from - DAY, d.to, &a, &d.run, &d.n_run, &e);
  if (!r) r = both_put(o, d, m, &e);
  if (r == PARLEY_ENOMEM) json_lose();
  if (r) json_put_str(o, "availability_unknown", e.text);
  arena_free(&a);
}

static parley_err member_put(json_t *list, struct direction d, struct member *m, struct errmsg *e) {
  json_t *o = json_object();
  json_put_str(o, "party", m->peer->card.name);
  const parley_err r = both_put(o, d, m, e);
  if (m->peer->clock_known) json_put_int(o, "clock_offset", m->peer->clock_offset);
  json_array_append_new(list, o);
  return r;
}

static parley_err forum_put(json_t *list, struct direction d, struct forum *f, struct errmsg *e) {
  json_t *o = json_object(), *members = json_array();
  parley_err r = PARLEY_OK;
  d.forum = f;
  json_put_hex(o, "forum", f->id, SHA256_SIZE);
  json_put_str(o, "title", f->charter.title);
  json_put_int(o, "heartbeat_seconds", f->charter.heartbeat_seconds);
  json_put_int(o, "clock_tolerance_seconds", f->charter.clock_tolerance_seconds);
  for (size_t i = 0; !r && i < f->n_members; i++) r = member_put(members, d, &f->members[i], e);
  json_object_set_new(o, "members", members);
  json_array_append_new(list, o);
  return r;
}

/* "2026-11": its first second, and that of the month after. */
static bool month_parse(const char *text, int64_t *from, int64_t *to) {
  char first[64], next[64];
  int year, month, end = 0;
  if (strlen(text) != 7 || sscanf(text, "%4d-%2d%n", &year, &month, &end) != 2 || end != 7 || month < 1 || month > 12)
    return false;
  snprintf(first, sizeof first, "%04d-%02d-01T00:00:00Z", year, month);
  snprintf(next, sizeof next, "%04d-%02d-01T00:00:00Z", month < 12 ? year : year + 1, month < 12 ? month + 1 : 1);
  return time_parse(from, bytes_str(first)) && time_parse(to, bytes_str(next));
}

void local_availability(struct node_call *c, struct node_response *out) {
  struct direction d = {.n = c->n, .a = &c->arena, .gaps = true};
  struct errmsg e;
  int64_t end;
  if (!month_parse(c->path, &d.from, &end)) {
    err_set(&e, PARLEY_EINVAL, "\"%.20s\" is no month; write it like 2026-11", c->path);
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  const int64_t now = node_wall(c->n);
  d.to = end < now ? end : now;
  if (d.from > now) {
    err_set(&e, PARLEY_EINVAL, "%s has not begun yet", c->path);
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  json_t *o = json_object(), *forums = json_array();
  parley_err r = line_runs_read(c->n, d.from - DAY, d.to, &c->arena, &d.run, &d.n_run, &e);
  for (struct forum *f = c->n->forums; f && !r; f = f->next) r = forum_put(forums, d, f, &e);
  json_put_str(o, "month", c->path);
  json_put_time(o, "from", d.from);
  json_put_time(o, "to", d.to);
  json_object_set_new(o, "forums", forums);
  if (!r) {
    answer_json(out, 200, o);
    return;
  }
  json_decref(o);
  answer_err(c, out, r, &e);
}
