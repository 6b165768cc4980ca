/*
 * What clients want: a forum, statements of every precedence with and without files, acknowledgements, and to read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

/* ---- the forum ---- */

static void propose(struct home *h) {
  struct world *w = h->w;
  struct buf body = {0};
  struct api api;
  json_t *o = NULL;
  const char *id = "";
  buf_fmt(&body, "{\"title\":\"Run %llu\",\"members\":[", (unsigned long long)w->o.seed);
  for (unsigned i = 0; i < w->n; i++)
    if (w->outsider != i + 1) buf_fmt(&body, "%s\"%s\"", i ? "," : "", w->homes[i].name);
  buf_fmt(&body,
          "],\"heartbeat_seconds\":%lld,\"ack_seconds\":{\"FLASH\":60,\"IMMEDIATE\":120,\"PRIORITY\":300,"
          "\"ROUTINE\":600}}",
          (long long)w->heartbeat_s);
  if (client_call(h, "POST", "/v1/forums", "", buf_view(&body), &api, NULL)) {
    if (api.status == 201 && json_parse(&o, buf_view(&api.body), 65536, NULL) == PARLEY_OK &&
        json_get_str(&id, o, "", "forum", NULL) == PARLEY_OK)
      snprintf(w->forum, sizeof w->forum, "%s", id);
    else if (w->calm || api.status < 500)
      violation(w, "API", "%s does not propose: %u %.*s", h->name, api.status, (int)api.body.n,
                (const char *)api.body.p);
    trace(w, "%s proposes %.8s: %u", h->name, w->forum, api.status);
    home_settle(h, false);
  }
  json_decref(o);
  buf_free(&api.body);
  buf_free(&body);
}

/* "" when this home knows nothing of the forum. */
static void forum_state(struct home *h, char out[static 16]) {
  unsigned status = 0;
  json_t *o;
  char path[96];
  const char *state = "";
  snprintf(path, sizeof path, "/v1/forums/%s", h->w->forum);
  if (client_get_json(h, path, "", &status, &o)) json_get_str(&state, o, "", "state", NULL);
  snprintf(out, 16, "%s", state);
  json_decref(o);
}

static void accept(struct home *h) {
  struct world *w = h->w;
  struct api api;
  char path[96];
  snprintf(path, sizeof path, "/v1/forums/%s/accept", w->forum);
  if (client_call(h, "POST", path, "", BYTES("{}", 2), &api, NULL)) {
    trace(w, "%s accepts %.8s: %u", h->name, w->forum, api.status);
    if (api.status == 403 && h->n_cards > 1) /* the charter names a card that it has replaced since */
      w->forum[0] = '\0';
    else if (api.status != 200 && (w->calm || api.status < 500))
      violation(w, "API", "%s does not accept: %u %.*s", h->name, api.status, (int)api.body.n,
                (const char *)api.body.p);
    home_settle(h, false);
  }
  buf_free(&api.body);
}

void workload_open_forum(struct world *w) {
  if (forum_is_agreed(w)) return;
  char state[16];
  unsigned known = 0, up = 0;
  for (unsigned i = 0; i < w->n && w->forum[0] && !violated(w); i++) {
    if (!w->homes[i].up) continue;
    forum_state(&w->homes[i], state);
    if (!strcmp(state, "proposed")) accept(&w->homes[i]);
    known += state[0] != '\0';
    up++;
  }
  if (w->homes[0].set_back && up == w->n && !known) w->forum[0] = '\0'; /* the backup was older than the forum */
  /* A courier brings no cards: who proposes would name the older one again and again, until there is a line once more. */
  if (!w->forum[0] && w->homes[0].up && !(w->carried && ending_lacks_card(&w->homes[0]))) propose(&w->homes[0]);
}

static bool open_at(struct home *h) {
  struct node_log_view v;
  return h->w->forum[0] && h->up && node_log_at(h->node, 0, &v) && strstr(v.origin, h->w->forum);
}

bool workload_forum_open(struct world *w) {
  for (unsigned i = 0; i < w->n; i++)
    if (!open_at(&w->homes[i])) return false;
  return true;
}

/* ---- sending ---- */

static void make_file(struct world *w, struct sent_file *f) {
  const uint64_t kind = below(w, 40);
  const size_t n = kind == 0   ? 1100000 + (size_t)below(w, 300000)
                   : kind < 8  ? 50000 + (size_t)below(w, 100000)
                   : kind < 10 ? 0
                               : (size_t)below(w, 9000);
  uint64_t x = chance(w);
  f->data.p = malloc(n + 8);
  f->data.n = n;
  f->data.cap = n + 8;
  if (!f->data.p) {
    w->failed = true;
    return;
  }
  for (size_t i = 0; i < n; i += 8) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    memcpy(f->data.p + i, &x, 8);
  }
  sha256(f->sha256, buf_view(&f->data));
}

#define TO_WITH_FILES 40 /* more may not fit into an entry: each file is sealed to each of them */

static void choose_to(struct home *h, struct sent *s, bool with_files, struct buf *q) {
  struct world *w = h->w;
  bool first = true;
  const unsigned others = w->n - 1 - (w->outsider && !amend_has(h, w->outsider - 1));
  const unsigned most = with_files && others > TO_WITH_FILES ? TO_WITH_FILES : others;
  const unsigned wanted = 1 + (unsigned)below(w, w->n < 8 || one_in(w, 12) ? most : 4);
  for (unsigned count = 0; count < wanted;) {
    const unsigned i = (unsigned)below(w, w->n);
    if (i == h->number || homes_has(&s->to, i) || (others < w->n - 1 && i + 1 == w->outsider)) continue;
    homes_add(&s->to, i);
    count++;
  }
  buf_str(q, ",\"to\":[");
  for (unsigned i = 0; i < w->n; i++) {
    if (!homes_has(&s->to, i)) continue;
    buf_fmt(q, "%s\"%s\"", first ? "" : ",", w->homes[i].name);
    first = false;
  }
  buf_str(q, "]");
}

static void choose_words(struct world *w, struct buf *q) {
  static const char *const precedence[] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
  static const char *const tlp[] = {"clear", "green", "amber", "amber+strict", "red"};
  buf_fmt(q, ",\"precedence\":\"%s\",\"tlp\":\"%s\",\"status\":\"test\"", precedence[below(w, 4)], tlp[below(w, 5)]);
}

static void put_files(struct world *w, struct sent *s, struct buf *q) {
  char hex[65];
  s->n_files = 1 + (size_t)below(w, 3);
  for (size_t i = 0; i < s->n_files; i++) {
    make_file(w, &s->files[i]);
    hex_encode(hex, BYTES(s->files[i].sha256, 32));
    buf_fmt(q, "%s{\"name\":\"file%zu.bin\",\"type\":\"application/octet-stream\",\"size\":%zu,\"sha256\":\"%s\"}",
            i ? "," : ",\"files\":[", i, s->files[i].data.n, hex);
  }
  buf_str(q, "]");
}

static void wait_for(struct home *h, struct node_call *call, enum local_what what, size_t statement) {
  struct world *w = h->w;
  void *locals = w->locals;
  const bool ok = grow(w, &locals, &w->locals_cap, w->locals_n + 1, sizeof *w->locals);
  w->locals = locals;
  struct local *l = ok ? calloc(1, sizeof *l) : NULL;
  if (!l) {
    w->failed = true;
    node_finish(call);
    return;
  }
  *l = (struct local){TAG_LOCAL, h->number, h->life, call, what, statement};
  w->locals[w->locals_n++] = l;
  node_call_set_tag(call, l);
  if (one_in(w, 12) && !w->calm) { /* the client hangs up; whether it was sent it will never know */
    node_finish(call);
    l->call = NULL;
  }
}

void client_recovers(struct home *h, struct node_call *call) { wait_for(h, call, LOCAL_RECOVER, NO_STATEMENT); }

void client_wait(struct home *h, struct node_call *call) { wait_for(h, call, LOCAL_OTHER, NO_STATEMENT); }

static void post(struct home *h, const char *path, struct bytes body, enum local_what what, size_t statement) {
  struct world *w = h->w;
  struct api api;
  struct node_call *call;
  char query[32] = "";
  if (one_in(w, 3)) snprintf(query, sizeof query, "wait=%u", 1 + (unsigned)below(w, 120));
  if (!client_call(h, "POST", path, query, body, &api, &call)) return;
  if (call) {
    wait_for(h, call, what, statement);
  } else {
    struct local l = {TAG_LOCAL, h->number, h->life, NULL, what, statement};
    struct node_response r = {.status = api.status, .body = api.body};
    client_answer(h, &l, &r);
  }
  buf_free(&api.body);
  home_settle(h, false);
}

void workload_send(struct home *h, bool with_files) {
  struct world *w = h->w;
  struct buf q = {0};
  if (!open_at(h) || !amend_may_send(h)) return;
  const size_t number = sent_new(w, h->number);
  if (number == NO_STATEMENT) return;
  struct sent *s = &w->sent[number];
  snprintf(s->text, sizeof s->text, "statement %zu of run %llu ", number, (unsigned long long)w->o.seed);
  buf_fmt(&q, "{\"kind\":\"incident.notice\",\"forum\":\"%s\"", w->forum);
  choose_to(h, s, with_files, &q);
  choose_words(w, &q);
  if (with_files) put_files(w, s, &q);
  buf_fmt(&q, ",\"body\":{\"aware_at\":\"2025-06-15T10:00:00Z\",\"title\":\"No. %zu\",\"summary\":\"%s", number,
          s->text);
  for (uint64_t n = below(w, one_in(w, 10) ? 1900 : 300); n > 0; n--) buf_u8(&q, (uint8_t)('a' + n % 26));
  if (one_in(w, 10)) {
    buf_str(&q, "\",\"mitigation\":\"");
    for (uint64_t n = 1 + below(w, 3900); n > 0; n--) buf_u8(&q, (uint8_t)('a' + n % 26));
  }
  buf_str(&q, "\"}}");
  trace(w, "%s sends no. %zu, %zu files", h->name, number, s->n_files);
  if (!buf_ok(&q))
    w->failed = true;
  else if (with_files)
    draft_new(h, buf_view(&q), number);
  else
    post(h, "/v1/statements", buf_view(&q), LOCAL_SEND, number);
  buf_free(&q);
}

/* ---- acknowledging and reading ---- */

static size_t some_statement(struct world *w) {
  for (unsigned i = 0; i < 12 && w->sent_n; i++) {
    const size_t n = (size_t)below(w, w->sent_n);
    if (w->sent[n].accepted) return n;
  }
  return NO_STATEMENT;
}

static void acknowledge(struct home *h) {
  struct world *w = h->w;
  unsigned status = 0;
  json_t *o;
  char path[128];
  const size_t n = some_statement(w);
  if (n == NO_STATEMENT || w->sent[n].is_ack || !homes_has(&w->sent[n].to, h->number) ||
      homes_has(&w->sent[n].acked_by, h->number))
    return;
  snprintf(path, sizeof path, "/v1/statements/%s", w->sent[n].id);
  if (!client_get_json(h, path, "", &status, &o)) return;
  const bool known = status == 200 && !json_object_get(o, "problem");
  json_decref(o);
  const size_t number = known ? sent_new(w, h->number) : NO_STATEMENT;
  if (number == NO_STATEMENT) return;
  struct sent *s = &w->sent[number];
  s->is_ack = true;
  s->acks = n;
  homes_add(&s->to, w->sent[n].from);
  snprintf(path, sizeof path, "/v1/statements/%s/ack", w->sent[n].id);
  trace(w, "%s acknowledges %.16s", h->name, w->sent[n].id);
  const char *body = one_in(w, 2) ? "{\"officer\":\"duty\"}" : "{\"officer\":\"watch\",\"note\":\"read at the desk\"}";
  post(h, path, bytes_str(body), LOCAL_ACK, number);
}

/* What is read is what was sent. */
static void show(struct home *h) {
  struct world *w = h->w;
  unsigned status = 0;
  json_t *o;
  char path[96];
  const size_t n = some_statement(w);
  if (n == NO_STATEMENT) return;
  const struct sent *s = &w->sent[n];
  snprintf(path, sizeof path, "/v1/statements/%s", s->id);
  if (!client_get_json(h, path, "", &status, &o)) return;
  const char *text = json_string_value(json_object_get(json_object_get(o, "body"), "summary"));
  const bool reads = s->from == h->number || homes_has(&s->to, h->number);
  if (status == 200 && !s->is_ack && reads && (!text || strncmp(text, s->text, strlen(s->text))))
    violation(w, "I1", "%s shows %.16s with another text", h->name, s->id);
  if (status == 404 && s->from == h->number)
    violation(w, "I1", "%s accepted %.16s and does not know it any more", h->name, s->id);
  trace(w, "%s shows %.16s: %u", h->name, s->id, status);
  json_decref(o);
  for (size_t i = 0; i < s->n_files && status == 200 && reads; i++)
    if (!client_check_file(h, s, i, "I1")) return;
}

static void receipt(struct home *h) {
  struct world *w = h->w;
  struct api api;
  char path[96];
  const size_t n = some_statement(w);
  if (n == NO_STATEMENT) return;
  snprintf(path, sizeof path, "/v1/statements/%s/receipt", w->sent[n].id);
  if (!client_call(h, "GET", path, "", BYTES_NONE, &api, NULL)) return;
  trace(w, "%s receipt of %.16s: %u, %zu bytes", h->name, w->sent[n].id, api.status, api.body.n);
  if (api.status == 200)
    receipt_take(h, n, buf_view(&api.body));
  else if (api.status != 409 && api.status != 404 && (w->calm || api.status < 500))
    violation(w, "I4", "%s refuses the receipt of %.16s: %u %.*s", h->name, w->sent[n].id, api.status,
              (int)(api.body.n < 250 ? api.body.n : 250), (const char *)api.body.p);
  buf_free(&api.body);
}

static void look(struct home *h) {
  static const char *const paths[] = {"/v1/statements", "/v1/status", "/v1/forums", "/v1/pins", "/v1/card"};
  unsigned status;
  json_t *o;
  client_get_json(h, paths[below(h->w, 5)], one_in(h->w, 2) ? "box=sent&limit=7" : "", &status, &o);
  json_decref(o);
}

static void operate(struct home *h) {
  switch (below(h->w, 12)) {
  case 0:
  case 1:
  case 2:
  case 3: workload_send(h, false); break;
  case 4: workload_send(h, true); break;
  case 5:
  case 6: acknowledge(h); break;
  case 7: show(h); break;
  case 8:
  case 9: receipt(h); break;
  case 10: look(h); break;
  default: bad_request(h); break;
  }
}

void workload_event(struct home *h) {
  struct world *w = h->w;
  if (w->calm || !w->ops_left) return;
  const uint64_t pause_ms = (uint64_t)w->op_pause_ms / (h->liar ? 4 : 1); /* liars are busy */
  at(w, w->now_ms + 100 + (int64_t)below(w, one_in(w, 4) ? 1000 : pause_ms), EV_CLIENT, h->number);
  if (!h->up) return;
  if (h->liar) {
    liar_event(h);
    return;
  }
  if (!open_at(h)) {
    workload_open_forum(w);
    return;
  }
  w->ops_left--;
  operate(h);
}
