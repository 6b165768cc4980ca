/*
 * The cosignatures that counterparts gave our logs, as stored: each is kept, so that the earliest over any statement can be
 * shown for ever. Key: "c/" origin "\n" party "\n" size; value: time, the log's line, the cosignature line, and where another
 * member brought it, that member.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/plant.h"
#include "node/line_marks.h"

bool mirror_line_party(const char *line, char party[static PARTY_NAME_MAX + 1]) {
  const char *end = strstr(line, "/mirror ");
  if (!end || strncmp(line, "— ", 4) || end - line - 4 > PARTY_NAME_MAX) return false;
  snprintf(party, PARTY_NAME_MAX + 1, "%.*s", (int)(end - line - 4), line + 4);
  return true;
}

static void key_cosignature(struct buf *k, const char *origin, const char *party, bool with_size, uint64_t size) {
  buf_fmt(k, "c/%s\n%s\n", origin, party);
  if (with_size) buf_u64be(k, size);
}

static void key_push(struct buf *k, const struct push *p) {
  buf_fmt(k, "p/%s\n%s", p->log->origin, p->to->peer->card.name);
}

/* value: "<time>\n<log line>\n<line>\n", and "<member>\n" */
static parley_err value_parse(struct cosignature *out, struct bytes key, struct bytes v, struct errmsg *e) {
  struct bytes time, log_line, line, via = BYTES_NONE;
  uint64_t t;
  if (key.n < 8 || !bytes_line(&v, &time) || !bytes_line(&v, &log_line) || !bytes_line(&v, &line) ||
      (v.n && !bytes_line(&v, &via)) || v.n || !dec_decode(&t, time) || log_line.n >= sizeof out->log_line ||
      line.n >= sizeof out->line || via.n >= sizeof out->via)
    return err_set(e, PARLEY_EIO, "a stored cosignature is damaged");
  out->size = u64be(key.p + key.n - 8);
  out->time = (int64_t)t;
  snprintf(out->log_line, sizeof out->log_line, "%.*s", (int)log_line.n, (const char *)log_line.p);
  snprintf(out->line, sizeof out->line, "%.*s", (int)line.n, (const char *)line.p);
  snprintf(out->via, sizeof out->via, "%.*s", (int)via.n, via.n ? (const char *)via.p : "");
  return PARLEY_OK;
}

struct first {
  struct cosignature *out;
  bool found;
  parley_err err;
};

static parley_err take_first(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct first *f = ctx;
  f->err = value_parse(f->out, key, v, e);
  f->found = f->err == PARLEY_OK;
  return f->err ? f->err : PARLEY_EBUSY;
}

parley_err cosignature_covering(struct node *n, const struct own_log *log, const char *party, uint64_t index,
                                struct cosignature *out, struct errmsg *e) {
  struct buf prefix = {0}, after = {0};
  key_cosignature(&prefix, log->origin, party, false, 0);
  key_cosignature(&after, log->origin, party, true, index - (PLANTED(covered_by_the_one_before) && index > 0));
  struct first f = {.out = out};
  parley_err r = buf_ok(&prefix) && buf_ok(&after) ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix),
                                                                buf_view(&after), false, take_first, &f, e)
                                                   : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&prefix);
  buf_free(&after);
  if (r) return r;
  return f.found ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "%s has not cosigned it yet", party);
}

parley_err cosignature_newest(struct node *n, const struct own_log *log, const char *party, struct cosignature *out,
                              struct errmsg *e) {
  struct buf prefix = {0};
  key_cosignature(&prefix, log->origin, party, false, 0);
  struct first f = {.out = out};
  parley_err r = buf_ok(&prefix)
                     ? store_scan(n->env.store, STORE_PEERS, buf_view(&prefix), BYTES_NONE, true, take_first, &f, e)
                     : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&prefix);
  if (r || f.found) return r;
  return err_set(e, PARLEY_ENOTFOUND, "%s has cosigned nothing of this log", party);
}

parley_err cosignature_at(struct node *n, const struct own_log *log, const char *party, uint64_t size,
                          struct cosignature *out, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_cosignature(&k, log->origin, party, true, size);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) r = value_parse(out, buf_view(&k), v, e);
  buf_free(&k);
  arena_free(&a);
  return r;
}

/* ---- the row of a push ---- */

parley_err push_save(struct node *n, struct push *p, bool without_taken, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  key_push(&k, p);
  buf_fmt(&v, "%llu %lld %llu\n", (unsigned long long)p->cosigned, (long long)p->cosigned_at,
          (unsigned long long)p->held_upto);
  for (size_t i = 0; i < p->n_held; i++) {
    const struct held_line *h = &p->held[i];
    if (h->taken && without_taken) continue;
    buf_fmt(&v, "%llu %lld ", (unsigned long long)h->size, (long long)h->due);
    base64_encode(&v, BYTES(h->root.b, 32), true);
    buf_fmt(&v, " %s\n", h->line);
  }
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e)
                                          : err_set(e, PARLEY_ENOMEM, "out of memory");
  buf_free(&k);
  buf_free(&v);
  return r;
}

static bool take_number(struct bytes *in, uint64_t *out) {
  size_t sp = bytes_find(*in, 0, ' ');
  size_t n = sp == (size_t)-1 ? in->n : sp;
  if (!dec_decode(out, BYTES(in->p, n))) return false;
  *in = sp == (size_t)-1 ? BYTES_NONE : BYTES(in->p + n + 1, in->n - n - 1);
  return true;
}

static bool held_parse(struct held_line *h, struct bytes line) {
  uint64_t due;
  if (!take_number(&line, &h->size) || !take_number(&line, &due) || line.n < 46 || line.p[44] != ' ' ||
      line.n - 45 >= sizeof h->line || !base64_decode_fixed(h->root.b, 32, BYTES(line.p, 44), true))
    return false;
  h->due = (int64_t)due;
  h->taken = false;
  snprintf(h->line, sizeof h->line, "%.*s", (int)(line.n - 45), (const char *)line.p + 45);
  return true;
}

/* Room for one more held line; false when the queue is full, or memory is out. */
static bool held_room(struct push *p) {
  if (p->n_held < p->cap_held) return true;
  if (p->n_held == HELD_QUEUE_MAX) return false;
  const size_t cap = p->cap_held ? 2 * p->cap_held : 4;
  struct held_line *grown = realloc(p->held, cap * sizeof *grown);
  if (!grown) return false;
  p->held = grown;
  p->cap_held = cap;
  return true;
}

static bool push_parse(struct push *p, struct bytes v) {
  struct bytes line;
  uint64_t at;
  if (!bytes_line(&v, &line) || !take_number(&line, &p->cosigned) || !take_number(&line, &at) ||
      !take_number(&line, &p->held_upto))
    return false;
  p->cosigned_at = (int64_t)at;
  while (bytes_line(&v, &line))
    if (!held_room(p) || !held_parse(&p->held[p->n_held++], line)) return false;
  return true;
}

/* What is stored of it; where nothing is, it stays as it is. */
static parley_err read_row(struct node *n, struct push *p, struct errmsg *e) {
  struct buf k = {0};
  struct arena a = {0};
  struct bytes v;
  key_push(&k, p);
  parley_err r = buf_ok(&k) ? store_get(n->env.store, STORE_PEERS, buf_view(&k), &a, &v, e)
                            : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) p->n_held = 0;
  if (r == PARLEY_ENOTFOUND)
    r = PARLEY_OK;
  else if (!r && !push_parse(p, v))
    r = err_set(e, PARLEY_EIO, "what is stored about %s is damaged", p->to->peer->card.name);
  buf_free(&k);
  arena_free(&a);
  return r;
}

parley_err push_load(struct node *n, struct push *p, struct errmsg *e) {
  parley_err r = read_row(n, p, e);
  if (!r && !p->log->bulk) r = line_marks_load(n, &p->marks, p->log->origin, p->to->peer->card.name, e);
  p->pending = p->next = p->cosigned;
  p->renewed_ms = node_mono(n);
  p->known_from = copy_size(p->log->copy);
  return r;
}

/* In its row; what is in memory follows when the transaction has come to its end (held_reread). */
static parley_err recorded(struct node *n, const struct push *p, const struct held *h, struct errmsg *e) {
  struct push q = {.log = p->log, .to = p->to};
  parley_err r = read_row(n, &q, e);
  for (size_t i = 0; !r && i < q.n_held; i++)
    if (!strcmp(q.held[i].line, h->line)) {
      q.n_held--;
      memmove(&q.held[i], &q.held[i + 1], (q.n_held - i) * sizeof *q.held);
      break;
    }
  if (q.held_upto < h->size) q.held_upto = h->size;
  if (!r) r = push_save(n, &q, false, e);
  free(q.held);
  return r;
}

parley_err held_recorded(struct node *n, struct forum *f, const struct statement *s, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < s->n_held && !r; i++) {
    char party[PARTY_NAME_MAX + 1];
    const struct held *h = &s->held[i];
    const struct member *m = mirror_line_party(h->line, party) ? forum_member(f, party) : NULL;
    const struct push *p = m ? &m->push : NULL;
    while (p && strcmp(p->log->origin, h->origin)) p = p->older;
    if (p) r = recorded(n, p, h, e);
  }
  return r;
}

parley_err held_reread(struct node *n, struct forum *f, struct errmsg *e) {
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < f->n_members && !r; i++)
    for (struct push *p = &f->members[i].push; p && !r; p = p->older) r = read_row(n, p, e);
  return r;
}

/* ---- a new cosignature ---- */

#define CONCERNS_READ_MAX 4096 /* entries of an earlier run that are read again; a longer backlog counts as ROUTINE */

static void add_run(struct push *p, uint64_t index, int64_t seconds) {
  struct concern *last = p->n_concerns ? &p->concerns[p->n_concerns - 1] : NULL;
  if (last && last->seconds == seconds) {
    last->to = index + 1; /* what lies between concerns it not at all, or is bookkeeping: the bound stays right */
    return;
  }
  if (p->n_concerns == p->cap_concerns) {
    const size_t cap = p->cap_concerns ? 2 * p->cap_concerns : 16;
    struct concern *grown = realloc(p->concerns, cap * sizeof *grown);
    if (!grown) { /* less memory than runs: merge into the shorter time, never too late */
      last->to = index + 1;
      last->seconds = seconds < last->seconds ? seconds : last->seconds;
      return;
    }
    p->concerns = grown;
    p->cap_concerns = cap;
  }
  p->concerns[p->n_concerns++] = (struct concern){index, index + 1, seconds};
}

void concerns_add(const struct submission *s) {
  for (size_t i = 0; i < s->forum->n_members; i++)
    if (s->to[i / 8] >> (i % 8) & 1) add_run(&s->forum->members[i].push, s->index, s->ack_seconds);
}

static int64_t shorter(int64_t a, int64_t b) { return !a || b < a ? b : a; }

/* Entries written before this start: read from the log. */
static int64_t read_concerns(const struct push *p, uint64_t from, uint64_t to) {
  const int64_t *ack = p->log->forum->charter.ack_seconds;
  int64_t best = to - from > CONCERNS_READ_MAX ? ack[ROUTINE] : 0;
  if (best) from = to - CONCERNS_READ_MAX;
  for (uint64_t i = from; i < to; i++) {
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse d;
    if (!copy_entry(p->log->copy, i, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL))
      for (size_t k = 0; k < s.n_to; k++)
        if (!strcmp(s.to[k], p->to->peer->card.name)) best = shorter(best, ack[s.precedence]);
    statement_clear(&s);
    arena_free(&a);
  }
  return best;
}

/*
 * The line is the earliest over every statement in [held_upto, size). It belongs on the record when one of those is more than
 * bookkeeping and addressed to that party; else the line falls silent. Returns the shortest acknowledgement time among them, 0 for none.
 */
static int64_t shortest_concerned(const struct push *p, uint64_t size) {
  const uint64_t read_to = size < p->known_from ? size : p->known_from;
  int64_t best =
      p->held_upto < read_to && !PLANTED(forget_concerns_at_restart) ? read_concerns(p, p->held_upto, read_to) : 0;
  for (size_t i = 0; i < p->n_concerns; i++)
    if (p->concerns[i].from < size && p->concerns[i].to > p->held_upto) best = shorter(best, p->concerns[i].seconds);
  return best;
}

bool concerns_lack(const struct node *n, struct push *p) {
  (void)n;
  if (p->n_concerns && p->concerns[p->n_concerns - 1].to > p->cosigned) return true;
  if (p->cosigned >= p->known_from) return false;
  if (p->lack_read != p->cosigned + 1) {
    p->lack_old = read_concerns(p, p->cosigned, p->known_from) != 0;
    p->lack_read = p->cosigned + 1;
  }
  return p->lack_old;
}

static void drop_concerns(struct push *p, uint64_t size) {
  size_t gone = 0;
  if (!p->n_concerns) return;
  while (gone < p->n_concerns && p->concerns[gone].to <= size) gone++;
  memmove(p->concerns, p->concerns + gone, (p->n_concerns - gone) * sizeof *p->concerns);
  p->n_concerns -= gone;
  if (p->n_concerns && p->concerns[0].from < size) p->concerns[0].from = size;
}

static void queue_held(struct node *n, struct push *p, uint64_t size, struct bytes line) {
  struct hash root;
  if (p->log->bulk || size <= p->held_upto || p->n_held == HELD_QUEUE_MAX)
    return; /* a full queue leaves held_upto where it is: the next cosignature is taken instead */
  const int64_t shortest = shortest_concerned(p, size);
  if (line.n >= sizeof p->held->line || copy_root(p->log->copy, size, &root, NULL)) return;
  if (shortest && !held_room(p)) return;
  p->held_upto = size;
  if (!shortest) return;
  struct held_line *h = &p->held[p->n_held++];
  *h = (struct held_line){.size = size, .root = root, .due = node_wall(n) + shortest / 10};
  snprintf(h->line, sizeof h->line, "%.*s", (int)line.n, (const char *)line.p);
}

/* For the availability record; a renewal counts from when it was due. */
static parley_err mark(struct node *n, struct push *p, uint64_t size, const char *log_line, struct bytes line,
                       int64_t time, struct errmsg *e) {
  const int64_t heartbeat = p->log->forum->charter.heartbeat_seconds;
  const int64_t late_ms = node_mono(n) - (p->renewed_ms + heartbeat * 1000);
  struct buf lines = {0};
  if (p->log->bulk) return PARLEY_OK;
  if (!p->marks.offered && late_ms >= 0) p->marks.offered = node_wall(n) - late_ms / 1000;
  buf_fmt(&lines, "%s\n", log_line);
  buf_bytes(&lines, line);
  buf_str(&lines, "\n");
  const parley_err r = buf_ok(&lines) ? line_mark_put(n, &p->marks, p->log->origin, p->to->peer->card.name, time, size,
                                                      buf_view(&lines), heartbeat, e)
                                      : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (p->log->signed_size > size) p->marks.offered = node_wall(n); /* at the latest */
  buf_free(&lines);
  return r;
}

parley_err cosignature_add(struct node *n, struct push *p, uint64_t size, const char *log_line, struct bytes line,
                           int64_t time, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  struct cosignature had;
  parley_err had_one = cosignature_at(n, p->log, p->to->peer->card.name, size, &had, e);
  if (had_one && had_one != PARLEY_ENOTFOUND) return had_one;
  uint64_t cosigned = p->cosigned, upto = p->held_upto;
  int64_t at = p->cosigned_at;
  size_t n_held = p->n_held;
  if (size >= p->cosigned) {
    p->cosigned = size;
    p->cosigned_at = time;
  }
  queue_held(n, p, size, line);
  key_cosignature(&k, p->log->origin, p->to->peer->card.name, true, size);
  buf_fmt(&v, "%lld\n%s\n", (long long)time, log_line);
  buf_bytes(&v, line);
  buf_str(&v, "\n");
  if (p->via[0]) buf_fmt(&v, "%s\n", p->via);
  parley_err r = buf_ok(&k) && buf_ok(&v) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    if (had_one == PARLEY_ENOTFOUND) /* renewals never replace the earliest */
      r = store_put(n->env.store, STORE_PEERS, buf_view(&k), buf_view(&v), e);
    if (!r) r = push_save(n, p, false, e);
    if (!r) r = mark(n, p, size, log_line, line, time, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  if (r) {
    p->cosigned = cosigned;
    p->cosigned_at = at;
    p->held_upto = upto;
    p->n_held = n_held;
  } else {
    drop_concerns(p, size);
    p->lacks_ms = 0; /* for what still lacks, if anything, the time begins anew */
    n->news++;
  }
  buf_free(&k);
  buf_free(&v);
  return r;
}
