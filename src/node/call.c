/*
 * Requests from begin to finish, and the shapes of answers.
 */
#include "node/open_mirror.h"
#include "base/encoding.h"
#include "base/json_load.h"
#include "node/recover.h"

#include <stdlib.h>
#include <string.h>

struct node_call *node_begin(struct node *n, const struct node_request *r, struct node_response *out) {
  *out = (struct node_response){0};
  struct node_call *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->n = n;
  c->body_max = NODE_BODY_MAX;
  c->next = n->calls;
  c->link = &n->calls;
  if (n->calls) n->calls->link = &c->next;
  n->calls = c;
  c->path = arena_strdup(&c->arena, r->path);
  c->query = arena_strdup(&c->arena, r->query ? r->query : "");
  if (!c->path || !c->query) {
    node_finish(c);
    return NULL;
  }
  if (r->open) {
    c->open = true;
    open_route(c, r, out);
  } else if (r->peer) {
    c->peer = node_peer(n, r->peer);
    if (!c->peer) {
      struct errmsg e;
      err_set(&e, PARLEY_EREFUSED, "%s is not pinned here", r->peer);
      answer_err(c, out, PARLEY_EREFUSED, &e);
      return c;
    }
    peer_heard_from(n, c->peer);
    peer_route(c, r, out);
  } else {
    local_route(c, r, out);
  }
  return c;
}

void node_data(struct node_call *c, struct bytes in, struct node_response *out) {
  if (out->status) return;
  if (c->entries && c->open) {
    open_entries_data(c, in, out);
  } else if (c->entries && !c->peer) {
    local_bundle_upload(c, in);
  } else if (c->entries) {
    peer_entries_data(c, in, out);
  } else if (c->file) {
    draft_file_data(c, in, out);
  } else if (c->body.n + in.n > c->body_max) {
    struct errmsg e;
    err_set(&e, PARLEY_ELIMIT, "the request body is over %zu bytes", c->body_max);
    answer_err(c, out, PARLEY_ELIMIT, &e);
  } else {
    buf_bytes(&c->body, in);
  }
}

void node_end(struct node_call *c, struct node_response *out) {
  if (out->status) return;
  struct errmsg e;
  json_lost(); /* what another call lost is not missing in this one's answer */
  if (!buf_ok(&c->body)) {
    err_set(&e, PARLEY_ENOMEM, "out of memory");
    answer_err(c, out, PARLEY_ENOMEM, &e);
  } else if (c->entries && c->open) {
    open_entries_end(c, out);
  } else if (c->entries && !c->peer) {
    local_bundle_uploaded(c, out);
  } else if (c->entries) {
    peer_entries_end(c, out);
  } else if (c->file) {
    draft_file_end(c, out);
  } else {
    c->handler(c, out);
  }
}

void node_finish(struct node_call *c) {
  struct node *n = c->n;
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  if (c->submission) c->submission->call = NULL;
  recovery_forget(n, c);
  for (struct node_call **p = &n->answers; c->queued && *p; p = &(*p)->next_answer)
    if (*p == c) {
      *p = c->next_answer;
      break;
    }
  if (c->queued) {
    n->answers_end = &n->answers;
    while (*n->answers_end) n->answers_end = &(*n->answers_end)->next_answer;
  }
  if (c->queued || c->entries) buf_free(&c->answer.body);
  mirror_upload_free(c->upload);
  draft_file_free(c->file);
  buf_free(&c->early.body);
  buf_free(&c->body);
  buf_free(&c->reserved);
  arena_free(&c->arena);
  free(c);
}

void node_call_set_tag(struct node_call *c, void *tag) { c->tag = tag; }
void *node_call_tag(const struct node_call *c) { return c->tag; }

void call_answer(struct node_call *c, struct node_response *r) {
  c->answer = *r;
  c->waiting = false;
  c->queued = true;
  c->next_answer = NULL;
  *c->n->answers_end = c;
  c->n->answers_end = &c->next_answer;
}

struct node_call *node_next_answer(struct node *n, struct node_response *out) {
  struct node_call *c = n->answers;
  if (!c) return NULL;
  n->answers = c->next_answer;
  if (!n->answers) n->answers_end = &n->answers;
  c->queued = false;
  *out = c->answer;
  return c;
}

unsigned err_status(parley_err err) {
  switch (err) {
  case PARLEY_OK: return 200;
  case PARLEY_EINVAL: return 400;
  case PARLEY_EVERIFY: return 422;
  case PARLEY_ENOTFOUND: return 404;
  case PARLEY_ECONFLICT: return 409;
  case PARLEY_ELIMIT: return 413;
  case PARLEY_EREFUSED: return 403;
  case PARLEY_EBUSY: return 503;
  case PARLEY_EFULL: return 507;
  case PARLEY_EUNREACHABLE: return 502;
  case PARLEY_EEVIDENCE: return 409;
  case PARLEY_EIO:
  case PARLEY_ENOMEM: break;
  }
  return 500;
}

/* Where there is no memory for an answer there may be some for these few bytes; else the server says 500 without a body. */
static void answer_no_memory(struct node_response *out) {
  buf_free(&out->body);
  out->status = 500;
  buf_str(&out->body, "{\"error\":\"out of memory\",\"message\":\"the node is out of memory; try again later\"}\n");
}

void answer_json(struct node_response *out, unsigned status, json_t *v) {
  out->status = status;
  out->content_type = "application/json";
  if (!v || !json_write(&out->body, v))
    answer_no_memory(out);
  else
    buf_str(&out->body, "\n");
  json_decref(v);
}

void answer_err(struct node_call *c, struct node_response *out, parley_err err, const struct errmsg *e) {
  unsigned status = err_status(err);
  if (!c->peer && !c->open) {
    json_t *v = json_object();
    if (v) {
      json_put_str(v, "error", err_name(err));
      json_put_str(v, "message", e->text);
    }
    answer_json(out, status, v);
    return;
  }
  out->status = status;
  out->content_type = CONTENT_TEXT;
  buf_str(&out->body, e->text);
  buf_str(&out->body, "\n");
}

#define RESERVED_ROOM 160

parley_err call_reserve(struct node_call *c, struct errmsg *e) {
  if (c->reserved.p || buf_extend(&c->reserved, RESERVED_ROOM)) return PARLEY_OK;
  return err_set(e, PARLEY_ENOMEM, "out of memory");
}

void answer_done(struct node_call *c, unsigned status, const char *name, const uint8_t digest[static SHA256_SIZE],
                 const char *state, struct node_response *out) {
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(hex, BYTES(digest, SHA256_SIZE));
  out->status = status;
  out->content_type = "application/json";
  out->body = c->reserved;
  c->reserved = (struct buf){0};
  buf_clear(&out->body);
  buf_fmt(&out->body, "{\"%s\":\"%s\",\"state\":\"%s\"}\n", name, hex, state);
}

/* ---- query string ---- */

static const char *query_find(const char *query, const char *name, size_t *len) {
  size_t n = strlen(name);
  for (const char *p = query; p && *p;) {
    const char *end = strchr(p, '&');
    size_t m = end ? (size_t)(end - p) : strlen(p);
    if (m > n && !strncmp(p, name, n) && p[n] == '=') {
      *len = m - n - 1;
      return p + n + 1;
    }
    p = end ? end + 1 : NULL;
  }
  return NULL;
}

int64_t query_int(const char *query, const char *name, int64_t fallback) {
  size_t n;
  const char *p = query_find(query, name, &n);
  uint64_t x;
  return p && dec_decode(&x, BYTES(p, n)) && x <= INT32_MAX ? (int64_t)x : fallback;
}

bool query_is(const char *query, const char *name, const char *value) {
  size_t n;
  const char *p = query_find(query, name, &n);
  return p && n == strlen(value) && !memcmp(p, value, n);
}

bool query_text(const char *query, const char *name, char *out, size_t size) {
  size_t n;
  const char *p = query_find(query, name, &n);
  if (!p || n >= size) return false;
  memcpy(out, p, n);
  out[n] = '\0';
  return true;
}

/* ---- waiting for delivery ---- */

void call_wait(struct node_call *c, const struct hash *id, int wait_s, bool created) {
  c->waiting = true;
  c->wait_id = *id;
  c->wait_until_ms = node_mono(c->n) + (int64_t)wait_s * 1000;
  c->wait_seen = c->n->news - 1;
  c->wait_created = created;
}

/* Looks at the statement once; *v gets its delivery. ds stays all false when it cannot be read. */
static void wait_look(struct node_call *c, struct delivery_state *ds, json_t **v) {
  struct row row;
  struct statement s = {0};
  struct arena a = {0};
  struct bytes entry;
  struct dsse d;
  if (row_get(c->n, &c->wait_id, &row, NULL) != PARLEY_OK) return;
  if (!row_entry(c->n, &row, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL))
    *v = row_delivery(c->n, &row, &s, ds);
  statement_clear(&s);
  row_clear(&row);
  arena_free(&a);
}

static bool wait_over(struct node_call *c, struct node_response *r) {
  struct delivery_state ds = {0};
  json_t *v = NULL;
  const bool late = node_mono(c->n) >= c->wait_until_ms;
  if (c->wait_seen == c->n->news && !late) return false;
  c->wait_seen = c->n->news;
  wait_look(c, &ds, &v);
  const bool over = late || (ds.all && ds.files);
  if (over && !c->wait_created) {
    c->query = "";
    local_statement(c, r);
  } else if (over) {
    json_t *o = json_object();
    json_put_hex(o, "id", c->wait_id.b, 32);
    json_put_str(o, "state", ds.read ? "read" : ds.all ? "delivered" : "accepted");
    if (v) json_object_set(o, "delivery", v);
    answer_json(r, 201, o);
    if (r->status != 201) {
      buf_free(&r->body);
      answer_done(c, 201, "id", c->wait_id.b, "accepted", r);
    }
  }
  json_decref(v);
  return over;
}

void calls_check_waiting(struct node *n) {
  struct node_call *next;
  for (struct node_call *c = n->calls; c; c = next) {
    next = c->next;
    struct node_response r = {0};
    if (c->waiting && wait_over(c, &r)) call_answer(c, &r);
  }
}
