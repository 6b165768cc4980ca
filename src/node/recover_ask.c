/*
 * Recovering: the questions. Each member is asked, one request at a time, what it has seen and holds of our
 * logs, and what it has under our cosignature.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "node/recover.h"

#define AGAIN_MS 1000

/* ---- which ---- */

static void path_of(char out[static 2 * SHA256_SIZE + 1], const char *origin) {
  uint8_t h[SHA256_SIZE];
  sha256(h, bytes_str(origin));
  hex_encode(out, BYTES(h, sizeof h));
}

static void own_questions(struct recovery *r, struct forum *f, struct member *m) {
  char origin[ORIGIN_MAX + 1];
  for (int bulk = 0; bulk < 2; bulk++)
    for (enum ask what = ASK_PENDING; what <= ASK_HELD; what++) {
      struct question *q = &r->questions[r->n_questions++];
      *q = (struct question){.what = what, .to = m, .bulk = bulk};
      memcpy(q->path, bulk ? f->bulk.path : f->log.path, sizeof q->path);
    }
  struct question *q = &r->questions[r->n_questions++];
  *q = (struct question){.what = ASK_NEXT, .to = m};
  log_origin(origin, r->n->own.name, f->id, f->log.epoch + 1, false);
  path_of(q->path, origin);
}

static void mirror_questions(struct recovery *r, struct forum *f, struct member *m) {
  for (size_t i = 0; i < f->n_members; i++) {
    struct their_log *logs[] = {&f->members[i].log, &f->members[i].bulk, f->members[i].ahead};
    for (size_t k = 0; k < 3; k++) {
      if (!logs[k]) continue;
      struct question *q = &r->questions[r->n_questions++];
      *q = (struct question){.what = ASK_COSIGNED, .to = m, .of = logs[k]};
      memcpy(q->path, logs[k]->path, sizeof q->path);
    }
  }
}

parley_err recover_ask(struct recovery *r, struct forum *f, struct errmsg *e) {
  recover_ask_free(r);
  r->questions = calloc(f->n_members * (5 + 3 * f->n_members) + 1, sizeof *r->questions);
  if (!r->questions) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i < f->n_members; i++) {
    if (r->as_log) own_questions(r, f, &f->members[i]);
    if (r->as_mirror && signer_lost(r->n->env.signer)) mirror_questions(r, f, &f->members[i]);
  }
  r->asked = r->n_questions == 0;
  return PARLEY_OK;
}

void recover_ask_free(struct recovery *r) {
  for (size_t i = 0; i < r->n_questions; i++) lane_clear(&r->questions[i].lane);
  free(r->questions);
  r->questions = NULL;
  r->n_questions = 0;
}

/* ---- asking ---- */

static void build(struct recovery *r, struct question *q, struct outbound *out) {
  struct node *n = r->n;
  const char *tail = q->what == ASK_HELD ? "" : q->what == ASK_COSIGNED ? "." : ".pending";
  const int at = snprintf(q->lane.url, sizeof q->lane.url, "%s", q->to->peer->card.monitoring);
  snprintf(q->lane.url + at, sizeof q->lane.url - (size_t)at, "/%s/checkpoint%s%s", q->path, tail,
           q->what == ASK_COSIGNED ? n->own.name : "");
  q->lane.path = q->lane.url + at;
  q->lane.request = n->next_request++;
  *out = (struct outbound){.id = q->lane.request,
                           .peer = q->to->peer->card.name,
                           .method = "GET",
                           .url = q->lane.url,
                           .path = q->lane.path,
                           .pins = q->to->peer->pins};
}

/*
 * The question that can be asked first of those whose member is not busy with another; NULL: none. Those of one member stand together: one look
 * at each tells whether it is busy, though a large forum has 100,000.
 */
static struct question *first_free(const struct recovery *r) {
  const struct member *of = NULL;
  struct question *first = NULL;
  bool busy = false;
  for (size_t i = 0; i < r->n_questions; i++) {
    struct question *q = &r->questions[i];
    if (q->to != of) {
      busy = false;
      of = q->to;
      for (size_t k = i; k < r->n_questions && r->questions[k].to == of && !busy; k++)
        busy = r->questions[k].lane.request != 0;
    }
    if (!q->over && !busy && (!first || q->lane.next_ms < first->lane.next_ms)) first = q;
  }
  return first;
}

bool recover_ask_next(struct recovery *r, struct outbound *out) {
  struct question *q = first_free(r);
  if (!q || q->lane.next_ms > node_mono(r->n)) return false;
  build(r, q, out);
  return true;
}

int64_t recover_ask_next_ms(const struct recovery *r) {
  const struct question *q = first_free(r);
  return q ? q->lane.next_ms : INT64_MAX;
}

/* ---- answers ---- */

static void copy_line(char out[static SIG_LINE_SIZE], struct bytes line) {
  while (line.n && line.p[line.n - 1] == '\n') line.n--;
  snprintf(out, SIG_LINE_SIZE, "%.*s", (int)line.n, (const char *)line.p);
}

/* Of our own log: signed by us, and where it is the member's checkpoint, cosigned by it. */
static bool read_own(struct recovery *r, struct question *q, const struct note *note) {
  struct forum *f = q->to->forum;
  const struct own_log *l = q->bulk ? &f->bulk : &f->log;
  struct own_log next = {.forum = f};
  const char *party = q->to->peer->card.name;
  size_t which = 0;
  if (q->what == ASK_NEXT) {
    log_origin(next.origin, r->n->own.name, f->id, f->log.epoch + 1, false);
    l = &next;
  }
  struct checkpoint c;
  if (checkpoint_parse(&c, note->text, NULL) || !bytes_is(c.origin, l->origin) ||
      own_note_verify(r->n, l, note, &which, NULL))
    return false;
  copy_line(q->it.log_line, note->sigs[which].line);
  for (size_t i = 0; q->what == ASK_HELD && i < note->n && !q->it.time; i++) {
    struct bytes line = note->sigs[i].line;
    while (line.n && line.p[line.n - 1] == '\n') line.n--;
    if (cosignature_verify(r->n, party, 0, line, note->text, &q->it.time, NULL) == PARLEY_OK)
      copy_line(q->it.line, line);
    else
      q->it.time = 0;
  }
  return true;
}

/* Of another's log: under our own cosignature. Its log's signature is not our business here: we have cosigned it. */
static bool read_cosigned(struct recovery *r, struct question *q, const struct note *note) {
  struct checkpoint c;
  bool ours = false;
  if (checkpoint_parse(&c, note->text, NULL) || !bytes_is(c.origin, q->of->origin)) return false;
  for (size_t i = 0; i < note->n && !ours; i++) {
    struct bytes line = note->sigs[i].line;
    while (line.n && line.p[line.n - 1] == '\n') line.n--;
    ours = cosignature_verify(r->n, r->n->own.name, 0, line, note->text, NULL, NULL) == PARLEY_OK;
  }
  return ours;
}

static void read_answer(struct recovery *r, struct question *q, struct bytes body) {
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  if (!note_parse(&note, &a, body, NULL) && !checkpoint_parse(&c, note.text, NULL)) {
    q->shown = q->what == ASK_COSIGNED ? read_cosigned(r, q, &note) : read_own(r, q, &note);
    q->it.size = c.size;
    q->it.root = c.root;
  }
  if (!q->shown)
    node_log_line(r->n, 4, "%s shows a checkpoint that is not under our key: %s", q->to->peer->card.name, q->lane.path);
  arena_free(&a);
}

bool recover_ask_done(struct recovery *r, uint64_t id, const struct outbound_result *a) {
  struct question *q = NULL;
  for (size_t i = 0; i < r->n_questions && !q; i++)
    if (r->questions[i].lane.request == id) q = &r->questions[i];
  if (!q) return false;
  lane_clear(&q->lane);
  q->answered = a->answered && (a->status == 200 || a->status == 404);
  if (q->answered) q->to->peer->last_out = node_wall(r->n);
  if (q->answered && a->status == 200) read_answer(r, q, a->body);
  q->lane.failures++;
  q->lane.next_ms = node_mono(r->n) + AGAIN_MS;
  q->over = q->answered || q->lane.failures >= RECOVER_TRIES;
  for (size_t i = 0; q->over && !q->answered && i < r->n_questions; i++) /* nor will it answer the others */
    if (r->questions[i].to == q->to) r->questions[i].over = true;
  r->asked = true;
  for (size_t i = 0; i < r->n_questions; i++) r->asked = r->asked && r->questions[i].over;
  return true;
}
