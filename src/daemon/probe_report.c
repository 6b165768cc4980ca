/*
 * From what a probe saw to steps and one sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/probe.h"
#include "daemon/probe_advice.h"

#define MANY_PACKETS 8192 /* bytes that no path brings in small packets only */

/* ---- filling in ---- */

struct filling {
  const struct probe_seen *seen;
  const char *message, *number;
};

static void fill(struct buf *out, const char *text, const struct filling *f) {
  for (const char *p = text; *p; p++) {
    if (p[0] != '{' || !p[1] || p[2] != '}') {
      buf_u8(out, (uint8_t)*p);
      continue;
    }
    buf_str(out, p[1] == 'P'   ? f->seen->party
                 : p[1] == 'W' ? f->seen->where
                 : p[1] == 'X' ? f->seen->proxy
                 : p[1] == 'M' ? f->message
                               : f->number);
    p += 2;
  }
}

/* ---- steps ---- */

static bool add_step(json_t *steps, const char *step, const char *result, const char *text) {
  json_t *o = json_object();
  const bool ok = o && json_put_str(o, "step", step) && json_put_str(o, "result", result) &&
                  json_put_str(o, "text", text) && json_array_append(steps, o) == 0;
  json_decref(o);
  return ok;
}

/* A step that everything before the stage where it failed has passed. */
static bool add_stage(json_t *steps, const char *step, enum stage stage, const struct probe_try *t, enum stage failed,
                      const char *good) {
  return failed > stage    ? add_step(steps, step, "ok", good)
         : failed == stage ? add_step(steps, step, "failed", t->message)
                           : add_step(steps, step, "not tried", "");
}

/* A few things happen in the handshake or after it. */
static enum stage stage_of(const struct probe_try *t) {
  const bool either = t->cause == HTTP_CUT || t->cause == HTTP_LOST || t->cause == HTTP_LOST_BACK;
  if (either && t->ready) return STAGE_ANSWER;
  return probe_advice(t->cause)->stage;
}

static bool answers_well(const struct probe_try *t) {
  return t->cause == HTTP_ANSWERED && (t->status < 400 || t->status == 404 || t->status == 429);
}

static bool has_no_address(const struct probe_try *t) { return t->cause == HTTP_NAME_UNKNOWN && !t->tried[0]; }

static bool add_family(json_t *steps, const char *step, const struct probe_try *t) {
  if (has_no_address(t)) return add_step(steps, step, "not tried", "it has no such address, or this machine has none");
  if (t->connected || stage_of(t) > STAGE_CONNECT) return add_step(steps, step, "ok", t->tried);
  return add_step(steps, step, "failed", t->message);
}

static bool add_way(json_t *steps, const struct probe_seen *s, const struct probe_try *t, enum stage failed) {
  if (s->proxy[0]) {
    if (failed == STAGE_CONNECT) failed = STAGE_PROXY; /* the only connection of ours is the one to the proxy */
    return add_stage(steps, "proxy", STAGE_PROXY, t, failed, s->proxy);
  }
  if (s->is_address) return add_stage(steps, "connect", STAGE_CONNECT, t, failed, t->tried);
  return add_stage(steps, "name", STAGE_NAME, t, failed, s->where) && add_family(steps, "ipv4", &s->v4) &&
         add_family(steps, "ipv6", &s->v6);
}

/* A thin line needs longer for it than a probe may take: large packets got through, which is what was asked. */
static bool is_only_slow(const struct probe_try *t) { return t->cause == HTTP_STALLED && t->size >= MANY_PACKETS; }

static bool large_well(const struct probe_try *t) { return t->cause == HTTP_ANSWERED || is_only_slow(t); }

static bool add_large(json_t *steps, const char *step, const struct probe_try *t, const char *why_not) {
  char good[64];
  if (!t->made) return add_step(steps, step, "not tried", why_not);
  if (!large_well(t)) return add_step(steps, step, "failed", t->message);
  if (is_only_slow(t))
    snprintf(good, sizeof good, "%zu bytes in %d s", t->size, PROBE_TRY_SECONDS);
  else
    snprintf(good, sizeof good, "HTTP status %u, %zu bytes", t->status, t->size);
  return add_step(steps, step, "ok", good);
}

/* ---- clock and idle connections ---- */

static int64_t clock_offset(const struct probe_try *t) {
  return t->cause == HTTP_ANSWERED && t->date ? t->date - t->now : 0;
}

static void offset_text(char *out, size_t size, int64_t offset) {
  if (llabs(offset) < 2)
    snprintf(out, size, "as ours");
  else
    snprintf(out, size, "%lld s %s ours", (long long)llabs(offset), offset < 0 ? "behind" : "ahead of");
}

static bool clock_is_off(int64_t offset) { return llabs(offset) > PROBE_CLOCK_SECONDS; }

static bool add_clock(json_t *steps, const struct probe_try *t) {
  char text[64];
  if (t->cause != HTTP_ANSWERED || !t->date) return add_step(steps, "clock", "not tried", "");
  offset_text(text, sizeof text, clock_offset(t));
  return add_step(steps, "clock", clock_is_off(clock_offset(t)) ? "warning" : "ok", text);
}

/* One cut may be a node that was started anew; more of them are a habit of the way. */
static bool is_cut_idle(const struct http_line *l) { return l->cut >= 2; }

static bool add_idle(json_t *steps, const struct http_line *l) {
  char text[160];
  if (!l->reused && !l->cut) return add_step(steps, "idle", "not tried", "no connection has been kept yet");
  snprintf(text, sizeof text, "%llu requests over kept connections, %llu of those closed while idle",
           (unsigned long long)l->reused, (unsigned long long)l->cut);
  return add_step(steps, "idle", is_cut_idle(l) ? "warning" : "ok", text);
}

/* ---- the whole ---- */

/* The try that got furthest. */
static const struct probe_try *best_of(const struct probe_seen *s) {
  if (s->any.made) return &s->any;
  return stage_of(&s->v6) > stage_of(&s->v4) ? &s->v6 : &s->v4;
}

/* A family that has addresses, none of which leads there, though the other one does. */
static const struct probe_try *broken_half(const struct probe_seen *s) {
  if (s->any.made) return NULL;
  const struct probe_try *bad = s->v4.cause == HTTP_ANSWERED ? &s->v6 : &s->v4;
  /* That this machine has no such network is nothing to complain of. */
  const bool none = has_no_address(bad) || bad->cause == HTTP_NO_ROUTE || bad->cause == HTTP_ANSWERED;
  return none ? NULL : bad;
}

struct judgement {
  const char *verdict;
  const struct advice *advice;
  const char *message;
  char number[64];
};

static struct judgement judge(const struct probe_seen *s) {
  const struct probe_try *t = best_of(s), *half_bad = broken_half(s);
  struct judgement j = {"broken", probe_advice(t->cause), t->message, ""};
  if (t->cause == HTTP_CUT && stage_of(t) == STAGE_ANSWER) j.advice = &advice_cut_later;
  if (t->cause != HTTP_ANSWERED) return j;
  snprintf(j.number, sizeof j.number, "%u", t->status);
  j.advice = &advice_http_error;
  if (!answers_well(t)) return j;
  j.advice = &advice_requests_lost;
  if (s->large_request.cause != HTTP_ANSWERED) return j;
  j.advice = &advice_answers_lost;
  if (s->large_answer.made && !large_well(&s->large_answer)) return j;
  j.verdict = "impaired";
  if (clock_is_off(clock_offset(t))) {
    j.advice = &advice_clock_off;
    offset_text(j.number, sizeof j.number, clock_offset(t));
  } else if (half_bad) {
    j.advice = &advice_half;
    j.message = half_bad->message;
  } else if (is_cut_idle(&s->line)) {
    j.advice = &advice_idle_cut;
    j.number[0] = '\0';
    if (s->line.cut_seconds) snprintf(j.number, sizeof j.number, " for about %u s", s->line.cut_seconds);
  } else {
    j.verdict = "fine";
    j.advice = probe_advice(HTTP_ANSWERED);
  }
  return j;
}

static bool add_steps(json_t *steps, const struct probe_seen *s) {
  const struct probe_try *t = best_of(s);
  const enum stage failed = stage_of(t);
  char status[48] = "";
  if (t->cause == HTTP_ANSWERED)
    snprintf(status, sizeof status, "HTTP status %u%s", t->status, t->status == 404 ? ", as it should" : "");
  const bool to_answer = add_way(steps, s, t, failed) && add_stage(steps, "tls", STAGE_TLS, t, failed, "TLS 1.3") &&
                         add_stage(steps, "certificate", STAGE_CERTIFICATE, t, failed, "the pinned one") &&
                         add_stage(steps, "our_certificate", STAGE_OURS, t, failed, "accepted");
  const bool answer = t->cause == HTTP_ANSWERED ? add_step(steps, "answer", answers_well(t) ? "ok" : "failed", status)
                                                : add_stage(steps, "answer", STAGE_ANSWER, t, failed, "");
  return to_answer && answer && add_clock(steps, t) && add_large(steps, "large_request", &s->large_request, "") &&
         add_large(steps, "large_answer", &s->large_answer,
                   t->cause == HTTP_ANSWERED ? "no log of theirs is known here yet" : "") &&
         add_idle(steps, &s->line);
}

json_t *probe_report(const struct probe_seen *s) {
  const struct judgement j = judge(s);
  const struct filling f = {s, j.message, j.number};
  json_t *o = json_object(), *steps = json_array();
  struct buf text = {0};
  fill(&text, j.advice->text, &f);
  const char *sentence = buf_cstr(&text);
  const bool ok = o && steps && sentence && json_put_str(o, "party", s->party) && json_put_str(o, "where", s->where) &&
                  (!s->proxy[0] || json_put_str(o, "proxy", s->proxy)) && json_put_str(o, "verdict", j.verdict) &&
                  json_put_str(o, "code", j.advice->code) && json_put_str(o, "text", sentence) && add_steps(steps, s) &&
                  json_object_set(o, "steps", steps) == 0;
  json_decref(steps);
  buf_free(&text);
  if (ok) return o;
  json_decref(o);
  return NULL;
}
