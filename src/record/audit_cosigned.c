/*
 * The cosignatures that counterparts gave our logs: each row says party and size; its root is that of the entries, so
 * the signatures alone show whether it holds. They are verified on all cores.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/audit_state.h"

#define ROWS_IN_JOB 128

struct cosigned_row {
  char party[AUDIT_COSIGNER_MAX + 1];
  uint64_t size;
  struct hash root;
  struct bytes log_line, line;
  parley_err err; /* EVERIFY, EINVAL, ENOTFOUND: why */
  struct errmsg why;
};

struct cosigned_job {
  struct audit_job job; /* first */
  struct audit *a;
  const struct audit_log *log;
  bool witness;       /* the rows are of neutral witnesses */
  struct arena arena; /* the lines */
  size_t n;
  struct cosigned_row rows[ROWS_IN_JOB];
};

static bool names(struct bytes line, const char *party) {
  const size_t n = strlen(party);
  return line.n > 4 + n + 8 && !memcmp(line.p + 4, party, n) && !memcmp(line.p + 4 + n, "/mirror ", 8);
}

static void check_row(const struct cosigned_job *j, struct cosigned_row *r) {
  struct buf text = {0};
  checkpoint_text(&text, j->log->origin, r->size, &r->root);
  struct audit_cards *cards = &j->a->cards;
  r->err = audit_line_verify(cards, r->log_line, buf_view(&text), j->log->origin, j->log->party, &r->why);
  if (r->err)
    err_prefix(&r->why, r->err, "the log's line");
  else if (!j->witness && !names(r->line, r->party))
    r->err = err_set(&r->why, PARLEY_EVERIFY, "the line is not by %s", r->party);
  else
    r->err = audit_line_verify(cards, r->line, buf_view(&text), j->log->origin, j->log->party, &r->why);
  if (!buf_ok(&text)) r->err = PARLEY_ENOMEM;
  buf_free(&text);
}

static void work(struct audit_job *job) {
  struct cosigned_job *j = (struct cosigned_job *)job;
  for (size_t i = 0; i < j->n; i++)
    if (!j->rows[i].err) check_row(j, &j->rows[i]);
}

/* ---- reading rows ---- */

/* "<party> <size>\n<line>\n<line>\n" */
static bool read_row(struct cosigned_row *r, struct arena *a, struct bytes item) {
  struct bytes kept = arena_copy(a, item), head;
  if (!kept.p || !bytes_line(&kept, &head)) return false;
  const size_t space = bytes_find(head, 0, ' ');
  if (space == (size_t)-1 || space > AUDIT_COSIGNER_MAX ||
      !dec_decode(&r->size, BYTES(head.p + space + 1, head.n - space - 1)))
    return false;
  snprintf(r->party, sizeof r->party, "%.*s", (int)space, (const char *)head.p);
  if (!bytes_line(&kept, &r->log_line) || !bytes_line(&kept, &r->line)) r->log_line = r->line = BYTES_NONE;
  return true;
}

static parley_err collect(struct audit *a, uint32_t log, struct cosigned_job *j, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  for (size_t i = 0; i < j->n; i++) {
    const struct cosigned_row *r = &j->rows[i];
    if (r->err == PARLEY_ENOMEM || r->err == PARLEY_EIO) return err_set(e, r->err, "%s", r->why.text);
    if (r->err == PARLEY_ELIMIT || (j->witness && r->err == PARLEY_ENOTFOUND)) { /* of a charter that is not at hand */
      l->n.beyond++;
      continue;
    }
    l->n.cosignatures++;
    if (r->err)
      audit_found(a, log, AUDIT_COSIGNATURE, 0, r->size, audit_ask,
                  "the cosignature of %s at size %" PRIu64 " does not verify: %s", r->party, r->size, r->why.text);
  }
  arena_free(&j->arena);
  j->n = 0;
  return PARLEY_OK;
}

struct cosigned {
  struct audit_walk walk;
  const char *what;          /* the resource */
  struct cosigned_job *jobs; /* AUDIT_POOL_MAX */
  unsigned filling;
  char party[AUDIT_COSIGNER_MAX + 1]; /* of the row before */
  uint64_t size;
};

static parley_err put(struct audit *a, uint32_t log, struct cosigned *c, struct errmsg *e) {
  struct cosigned_job *j = &c->jobs[c->filling];
  parley_err err = PARLEY_OK;
  audit_pool_put(a->pool, &j->job);
  c->filling = (c->filling + 1) % AUDIT_POOL_MAX;
  if (audit_pool_full(a->pool)) err = collect(a, log, (struct cosigned_job *)audit_pool_take(a->pool), e);
  return err;
}

static parley_err take_row(struct audit *a, uint32_t log, struct cosigned *c, struct bytes item, struct errmsg *e) {
  struct cosigned_job *j = &c->jobs[c->filling];
  struct cosigned_row *r = &j->rows[j->n];
  *r = (struct cosigned_row){.err = PARLEY_OK};
  if (!read_row(r, &j->arena, item)) return err_set(e, PARLEY_EIO, "a page of cosignatures cannot be read");
  if (strcmp(r->party, c->party) != 0 || r->size < c->size) { /* the next party: from the beginning again */
    audit_walk_end(&c->walk);
    audit_walk_begin(&c->walk, a, log);
  }
  snprintf(c->party, sizeof c->party, "%s", r->party);
  c->size = r->size;
  if (r->size > a->out->logs[log].size)
    r->err = PARLEY_ELIMIT; /* beyond what was listed: not judged */
  else
    r->err = audit_walk_root(&c->walk, r->size, &r->root, &r->why);
  j->n++;
  return j->n < ROWS_IN_JOB ? PARLEY_OK : put(a, log, c, e);
}

static parley_err take_page(struct audit *a, uint32_t log, struct cosigned *c, struct bytes page, struct errmsg *e) {
  struct bytes item;
  parley_err err = PARLEY_OK;
  while (!err && audit_item(&page, &item)) err = take_row(a, log, c, item, e);
  return err;
}

static parley_err take_all(struct audit *a, uint32_t log, struct cosigned *c, struct errmsg *e) {
  struct buf page = {0};
  parley_err err;
  do {
    err = audit_get(a, &page, e, "%s/%s/%" PRIu64 "/%s", c->what, c->party[0] ? c->party : "-", c->size,
                    a->out->logs[log].origin);
    if (err == PARLEY_ENOTFOUND) {
      err = PARLEY_OK;
      break;
    }
    if (!err) err = take_page(a, log, c, buf_view(&page), e);
  } while (!err && page.n > 0);
  buf_free(&page);
  if (!err && c->jobs[c->filling].n > 0) err = put(a, log, c, e);
  for (struct audit_job *j; (j = audit_pool_take(a->pool)) != NULL;)
    if (!err) err = collect(a, log, (struct cosigned_job *)j, e);
  return err;
}

static parley_err check(struct audit *a, uint32_t log, const char *what, bool witness, struct errmsg *e) {
  struct cosigned c = {.what = what, .jobs = calloc(AUDIT_POOL_MAX, sizeof *c.jobs)};
  if (!c.jobs) return audit_no_memory(e);
  for (unsigned i = 0; i < AUDIT_POOL_MAX; i++) {
    c.jobs[i].job.work = work;
    c.jobs[i].a = a;
    c.jobs[i].witness = witness;
    c.jobs[i].log = &a->out->logs[log];
  }
  audit_walk_begin(&c.walk, a, log);
  const parley_err err = take_all(a, log, &c, e);
  audit_walk_end(&c.walk);
  for (unsigned i = 0; i < AUDIT_POOL_MAX; i++) arena_free(&c.jobs[i].arena);
  free(c.jobs);
  return err;
}

parley_err audit_cosigned(struct audit *a, uint32_t log, struct errmsg *e) {
  const parley_err err = check(a, log, "cosignatures", false, e);
  return err ? err : check(a, log, "witnessed", true, e);
}
