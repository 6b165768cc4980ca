/*
 * A damaged store. The input says which table, which row of it, how and where (two bytes) its value changes: 0 the rest
 * of the input replaces it, 1 overwrites it from there on, 2 replaces all that follows. The node either does not start,
 * or it starts and answers; it never falls over what it reads.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/one_node.h"

struct search {
  unsigned left;
  struct buf key, value;
};

static parley_err choose(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct search *s = ctx;
  (void)e;
  buf_clear(&s->key);
  buf_bytes(&s->key, key);
  buf_clear(&s->value);
  buf_bytes(&s->value, v);
  return s->left-- == 0 ? PARLEY_EBUSY : PARLEY_OK;
}

static void change(struct buf *out, struct bytes old, unsigned how, size_t at, struct bytes in) {
  at = how == 0 ? 0 : at < old.n ? at : old.n;
  buf_add(out, old.p, at);
  buf_bytes(out, in);
  if (how == 1 && at + in.n < old.n) buf_add(out, old.p + at + in.n, old.n - at - in.n);
}

static void damage(struct one_node *o, struct bytes in) {
  const enum store_map t = (enum store_map)(in.p[0] % STORE_MAP_COUNT);
  struct store *s;
  struct search found = {.left = in.p[1]};
  struct buf value = {0};
  if (store_sqlite_open(&s, o->p->path, &(struct store_sqlite_options){.unsafe = true}, NULL)) abort();
  store_scan(s, t, BYTES_NONE, BYTES_NONE, false, choose, &found, NULL);
  change(&value, buf_view(&found.value), in.p[2] % 3, u16be(in.p + 3), BYTES(in.p + 5, in.n - 5));
  if (found.key.n && value.n <= STORE_VALUE_MAX &&
      (store_begin(s, NULL) || store_put(s, t, buf_view(&found.key), buf_view(&value), NULL) || store_commit(s, NULL)))
    abort();
  buf_free(&found.key);
  buf_free(&found.value);
  buf_free(&value);
  store_close(s);
}

static void look(struct one_node *o) {
  static const char *const paths[] = {"/v1/status",
                                      "/v1/forums",
                                      "/v1/statements",
                                      "/v1/statements/SENT",
                                      "/v1/statements/RECEIVED",
                                      "/v1/statements/SENT/receipt",
                                      "/v1/forums/FORUM"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct node_response r = {0};
    char path[200];
    const char *word = strstr(paths[i], "SENT") ? "SENT" : strstr(paths[i], "RECEIVED") ? "RECEIVED" : "FORUM";
    const char *id = word[0] == 'S' ? o->sent : word[0] == 'R' ? o->received : o->forum, *at = strstr(paths[i], word);
    snprintf(path, sizeof path, "%.*s%s%s", at ? (int)(at - paths[i]) : 99, paths[i], at ? id : "",
             at ? at + strlen(word) : "");
    const struct node_request q = {.method = "GET", .path = path, .query = "", .content_type = ""};
    struct node_call *c = node_begin(o->p->node, &q, &r);
    if (!c) abort();
    if (!r.status) node_end(c, &r);
    if (!r.status) abort();
    buf_free(&r.body);
    node_finish(c);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct one_node *o = one_node();
  if (n < 5) return 0;
  one_node_reset(o);
  damage(o, BYTES(p, n));
  if (!one_node_start(o)) return 0;
  for (unsigned i = 0; i < 4; i++) {
    struct outbound out;
    node_work(o->p->node);
    while (node_next_outbound(o->p->node, &out))
      node_outbound_done(o->p->node, out.id, &(struct outbound_result){.message = "nobody answers"});
    o->rig.ms += 20000;
  }
  look(o);
  one_node_stop(o);
  return 0;
}
