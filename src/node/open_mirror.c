/*
 * The open mirror: requests of anybody about the logs that the operator chose to hold.
 */
#include "node/open_mirror.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"

#define UPLOADS_AT_ONCE 2 /* of one log: each holds a package in memory */

/* ---- the list of logs ---- */

static struct open_log *by_origin(const struct node *n, struct bytes origin) {
  for (struct open_log *l = n->open_logs; l; l = l->next)
    if (bytes_is(origin, l->origin)) return l;
  return NULL;
}

static void log_free(struct open_log *l) {
  mirror_close(l->mirror);
  free(l->origin);
  free(l);
}

parley_err node_open_log(struct node *n, struct bytes vkey, struct errmsg *e) {
  struct vkey k;
  size_t count = 0;
  parley_err r = vkey_parse(&k, vkey, e);
  if (r) return r;
  if (k.type != NOTE_ED25519)
    return err_set(e, PARLEY_EINVAL, "the key of a log is of type 0x01 (Ed25519), this one of 0x%02x", k.type);
  struct open_log *l = by_origin(n, bytes_str(k.name));
  if (l && l->n_vkeys == OPEN_LOG_KEYS_MAX)
    return err_set(e, PARLEY_ELIMIT, "%s has %d keys already", k.name, OPEN_LOG_KEYS_MAX);
  for (const struct open_log *o = n->open_logs; o; o = o->next) count++;
  if (!l && count == OPEN_LOGS_MAX) return err_set(e, PARLEY_ELIMIT, "more than %d logs are not held", OPEN_LOGS_MAX);
  if (!l) {
    uint8_t h[SHA256_SIZE];
    l = calloc(1, sizeof *l);
    if (l) l->origin = strdup(k.name);
    if (!l || !l->origin) {
      free(l);
      return err_set(e, PARLEY_ENOMEM, "out of memory");
    }
    sha256(h, bytes_str(l->origin));
    hex_encode(l->path, BYTES(h, sizeof h));
    l->next = n->open_logs;
    n->open_logs = l;
  }
  l->vkeys[l->n_vkeys++] = k;
  return PARLEY_OK;
}

/* Requests about it find no such log; an upload that is under way comes to nothing. */
static void let_go(struct node *n, const struct open_log *l) {
  for (struct node_call *c = n->calls; c; c = c->next) {
    if (c->open_log != l) continue;
    mirror_upload_free(c->upload);
    c->upload = NULL;
    c->open_log = NULL;
    c->dropped = true;
  }
}

static bool is_of_forum(const struct open_log *l, const uint8_t forum[static SHA256_SIZE]) {
  char party[PARTY_NAME_MAX + 1];
  uint8_t id[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  return log_origin_parse(party, id, &epoch, &bulk, bytes_str(l->origin)) && !memcmp(id, forum, SHA256_SIZE);
}

void open_mirror_yield(struct node *n, const uint8_t forum[static SHA256_SIZE]) {
  for (struct open_log **at = &n->open_logs, *l; (l = *at);) {
    if (!is_of_forum(l, forum)) {
      at = &l->next;
      continue;
    }
    node_log_line(n, 4,
                  "%s is a log of a forum that we are in, and is shown to its members only: the open mirror has let go "
                  "of it; take it off the list",
                  l->origin);
    let_go(n, l);
    *at = l->next;
    log_free(l);
  }
}

parley_err open_mirror_start(struct node *n, struct errmsg *e) {
  for (struct open_log *l = n->open_logs; l; l = l->next) {
    const parley_err r =
        mirror_open(&l->mirror, n->env.store, n->env.signer, l->origin, ENTRY_MAX, l->vkeys, l->n_vkeys, e);
    if (r) return r;
  }
  return PARLEY_OK;
}

void open_mirror_free(struct node *n) {
  while (n->open_logs) {
    struct open_log *l = n->open_logs;
    n->open_logs = l->next;
    log_free(l);
  }
}

void open_mirror_status(struct node *n, json_t *o) {
  json_t *list = n->open_logs ? json_array() : NULL;
  for (const struct open_log *l = n->open_logs; l; l = l->next) {
    struct mirror_state s;
    json_t *v = json_object();
    mirror_state(l->mirror, &s);
    json_put_str(v, "origin", l->origin);
    json_put_int(v, "pending", (int64_t)s.pending_size);
    json_put_int(v, "held", (int64_t)s.next);
    json_put_int(v, "cosigned", (int64_t)s.size);
    if (s.cosigned) json_put_time(v, "cosigned_at", s.cosigned);
    json_object_set_new(v, "forked", json_boolean(s.forked));
    json_array_append_new(list, v);
  }
  if (list) json_object_set_new(o, "open_logs", list);
}

/* ---- answers ---- */

static void not_here(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  err_set(&e, PARLEY_ENOTFOUND, "no such log is held here");
  answer_err(c, out, PARLEY_ENOTFOUND, &e);
}

static void answer(struct node_call *c, struct node_response *out, struct mirror_answer *a) {
  out->status = a->status;
  out->content_type = a->content_type;
  out->body = a->body;
  a->body = (struct buf){0};
  if (a->fork)
    node_log_line(c->n, 3, "%s has signed two histories; both are kept as evidence: %s",
                  c->open_log ? c->open_log->origin : "a log of the open mirror", a->why.text);
  if (a->status >= 400 && !out->body.n && a->status != 409) {
    out->content_type = CONTENT_TEXT;
    buf_fmt(&out->body, "%s\n", a->why.text);
  }
}

static bool closed(struct node_call *c, struct node_response *out) {
  struct mirror_state s;
  struct errmsg e;
  mirror_state(c->open_log->mirror, &s);
  if (!s.forked) return false;
  err_set(&e, PARLEY_EREFUSED, "this log has signed two histories; both are kept, and nothing more of it is taken");
  answer_err(c, out, PARLEY_EREFUSED, &e);
  return true;
}

/* ---- add-checkpoint ---- */

static void open_add_checkpoint(struct node_call *c, struct node_response *out) {
  struct bytes body = buf_view(&c->body), line = BYTES_NONE;
  struct add_checkpoint r;
  struct errmsg e = {{0}};
  struct mirror_answer a = {0};
  parley_err err = add_checkpoint_parse(&r, body, &e);
  if (err) {
    answer_err(c, out, err, &e);
    return;
  }
  struct bytes rest = r.note;
  bytes_line(&rest, &line);
  c->open_log = by_origin(c->n, line);
  if (!c->open_log) {
    not_here(c, out);
    return;
  }
  if (closed(c, out)) return;
  mirror_add_checkpoint(c->open_log->mirror, body, &a);
  answer(c, out, &a);
  buf_free(&a.body);
}

/* ---- add-entries ---- */

static bool uploads_full(const struct node_call *c) {
  size_t k = 0;
  for (const struct node_call *o = c->n->calls; o; o = o->next)
    if (o != c && o->upload && o->open_log == c->open_log) k++;
  return k >= UPLOADS_AT_ONCE;
}

static void entries_open(struct node_call *c, struct node_response *out) {
  struct add_entries_head h;
  size_t used;
  struct errmsg e = {{0}};
  struct mirror_answer a = {0};
  parley_err r = add_entries_head_parse(&h, &used, buf_view(&c->body), &e);
  if (r == PARLEY_EBUSY) return;
  if (!r) {
    c->open_log = by_origin(c->n, h.origin);
    if (!c->open_log) {
      not_here(c, out);
      return;
    }
    if (closed(c, out)) return;
    if (uploads_full(c))
      r = err_set(&e, PARLEY_EBUSY, "%d uploads of this log are under way already; let one end", UPLOADS_AT_ONCE);
  }
  if (!r) r = mirror_upload_begin(&c->upload, c->open_log->mirror, &h, &a, &e);
  if (r) {
    answer_err(c, out, r, &e);
    if (r == PARLEY_EBUSY) out->status = 429, out->retry_after = 5;
  } else if (a.status) {
    answer(c, out, &a);
  } else if (c->body.n > used && !mirror_upload_data(c->upload, BYTES(c->body.p + used, c->body.n - used), &a)) {
    answer(c, out, &a);
  }
  buf_free(&a.body);
  buf_clear(&c->body);
}

void open_entries_data(struct node_call *c, struct bytes in, struct node_response *out) {
  struct mirror_answer a = {0};
  if (c->dropped) {
    not_here(c, out);
    return;
  }
  if (!c->upload) {
    buf_bytes(&c->body, in);
    entries_open(c, out);
    return;
  }
  if (!mirror_upload_data(c->upload, in, &a)) answer(c, out, &a);
  buf_free(&a.body);
}

void open_entries_end(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  struct mirror_answer a = {0};
  if (c->dropped) {
    not_here(c, out);
    return;
  }
  if (!c->upload) {
    err_set(&e, PARLEY_EINVAL, "the add-entries request ends before its header does");
    answer_err(c, out, PARLEY_EINVAL, &e);
    return;
  }
  mirror_upload_finish(c->upload, node_wall(c->n), &a);
  answer(c, out, &a);
  buf_free(&a.body);
}

/* ---- read side ---- */

static void open_read(struct node_call *c, struct node_response *out) {
  struct tile_name t;
  struct mirror_state s;
  const struct open_log *l = c->n->open_logs;
  const char *what = c->path + 1 + 64;
  while (l && strncmp(c->path + 1, l->path, 64)) l = l->next;
  if (!l || *what++ != '/') {
    not_here(c, out);
    return;
  }
  mirror_state(l->mirror, &s);
  out->content_type = CONTENT_TEXT;
  if (!strcmp(what, "checkpoint")) {
    buf_bytes(&out->body, s.note);
  } else if (!strcmp(what, "checkpoint.pending")) {
    buf_bytes(&out->body, s.pending_note);
  } else if (tile_parse(&t, bytes_str(what)) && tile_width(t.level, t.n, s.size) >= t.width) {
    /* Only what the cosigned tree covers: what is pending may still come to nothing. */
    if (copy_tile(mirror_copy(l->mirror), &t, &out->body, NULL)) buf_clear(&out->body);
    out->content_type = "application/octet-stream";
    out->immutable = true;
    out->compressible = t.kind == TILE_ENTRIES;
  }
  if (out->body.n) {
    out->status = 200;
    return;
  }
  buf_free(&out->body);
  out->immutable = out->compressible = false;
  not_here(c, out);
}

void open_route(struct node_call *c, const struct node_request *r, struct node_response *out) {
  const bool post = !strcmp(r->method, "POST"), get = !strcmp(r->method, "GET");
  if (post && !strcmp(r->path, "/add-checkpoint")) {
    c->handler = open_add_checkpoint;
    c->body_max = NOTE_SIZE_MAX + 8192;
  } else if (post && !strcmp(r->path, "/add-entries")) {
    c->entries = true;
  } else if (get && strlen(r->path) > 66) {
    c->handler = open_read;
    c->body_max = 0;
  } else {
    not_here(c, out);
  }
}
