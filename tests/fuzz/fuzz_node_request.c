/*
 * Requests to a node, of the local API and of a counterpart: the input is lines "METHOD path[?query] content-type"
 * followed by a body up to a line that is a single dot; a method in small letters is the counterpart's. SENT, RECEIVED
 * and FORUM in a path stand for ids of the node. Every request gets an answer, at once or when its wait is over, and
 * the node goes on afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/one_node.h"

#define REQUESTS_MAX 8

static void must(bool x) {
  if (!x) abort();
}

static void replace(char *text, size_t size, const char *word, const char *with) {
  char *at = strstr(text, word);
  if (!at || strlen(text) - strlen(word) + strlen(with) >= size) return;
  memmove(at + strlen(with), at + strlen(word), strlen(at + strlen(word)) + 1);
  memcpy(at, with, strlen(with));
}

/* The body of a request, up to "\n.\n" or the end. */
static struct bytes cut_body(struct bytes *in) {
  struct bytes body = *in;
  for (size_t i = 0; i + 3 <= in->n; i++)
    if (memcmp(in->p + i, "\n.\n", 3) == 0) {
      body.n = i;
      *in = BYTES(in->p + i + 3, in->n - i - 3);
      return body;
    }
  *in = BYTES_NONE;
  return body;
}

static bool cut_line(struct bytes *in, struct one_node *o, char method[static 8], char path[static 512],
                     char type[static 64]) {
  struct bytes line;
  char text[600];
  if (!bytes_line(in, &line) || line.n >= sizeof text || memchr(line.p, '\0', line.n)) return false;
  memcpy(text, line.p, line.n);
  text[line.n] = '\0';
  if (sscanf(text, "%7s %400s %63s", method, path, type) < 2) return false;
  replace(path, 512, "SENT", o->sent);
  replace(path, 512, "RECEIVED", o->received);
  replace(path, 512, "FORUM", o->forum);
  return path[0] == '/';
}

static void read_stream(struct node_response *r) {
  uint8_t piece[4096];
  uint64_t at = 0;
  int64_t n;
  while ((n = node_stream_read(r->stream, at, piece, sizeof piece)) > 0) at += (uint64_t)n;
  must(n < 0 || at == r->stream_length);
  node_stream_free(r->stream);
}

static void ask(struct one_node *o, const struct node_request *q, struct bytes body) {
  struct node_response r = {0};
  struct node_call *c = node_begin(o->p->node, q, &r);
  must(c != NULL);
  for (size_t at = 0; at < body.n && !r.status; at += 700)
    node_data(c, BYTES(body.p + at, body.n - at < 700 ? body.n - at : 700), &r);
  if (!r.status) node_end(c, &r);
  must(r.status || !q->peer); /* counterparts never wait */
  for (unsigned i = 0; i < 3 && !r.status; i++) {
    node_work(o->p->node);
    o->rig.ms += 86400000;
    if (node_next_answer(o->p->node, &r)) break;
  }
  if (r.status) must(r.status >= 200 && r.status < 600 && r.status != 500);
  if (r.stream) read_stream(&r);
  buf_free(&r.body);
  node_finish(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct one_node *o = one_node();
  struct bytes in = BYTES(p, n);
  char method[8] = "", path[512] = "", type[64] = "";
  one_node_reset(o);
  must(one_node_start(o));
  for (unsigned i = 0; i < REQUESTS_MAX && cut_line(&in, o, method, path, type); i++) {
    struct node_request q = {.method = method, .path = path, .query = "", .content_type = type};
    const bool peer = method[0] >= 'a' && method[0] <= 'z';
    for (char *m = method; *m; m++) *m = (char)(*m >= 'a' && *m <= 'z' ? *m - 32 : *m);
    if (peer) q.peer = "ncc.ru.example";
    char *query = strchr(path, '?');
    if (query) {
      *query = '\0';
      q.query = query + 1;
    }
    ask(o, &q, cut_body(&in));
    node_work(o->p->node);
    type[0] = '\0';
  }
  one_node_stop(o);
  return 0;
}
