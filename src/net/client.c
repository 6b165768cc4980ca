#include "net/client.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/client_priv.h"
#include "net/gzip.h"
#include "net/sys.h"

#define KEPT_CONNECTIONS 256L
#define CONNECTIONS_PER_HOST 8L /* a small notice never queues behind one long upload; well under the gate's limit */
#define ROUNDS_MAX 8

static char *copy(const char *s, bool *failed) {
  char *out = s == NULL ? NULL : strdup(s);
  *failed |= s != NULL && out == NULL;
  return out;
}

static parley_err readable(const char *path, const char *what, struct errmsg *e) {
  if (access(path, R_OK) != 0) {
    return err_set(e, PARLEY_EIO, "cannot read the %s %s: %s", what, path, strerror(errno));
  }
  return PARLEY_OK;
}

parley_err http_client_new(struct http_client **out, const struct http_client_config *c, struct errmsg *e) {
  *out = NULL;
  parley_err err = readable(c->key_pem_path, "link key", e);
  if (err == PARLEY_OK) {
    err = readable(c->cert_pem_path, "link certificate", e);
  }
  if (err != PARLEY_OK) {
    return err;
  }
  unsetenv("SSLKEYLOGFILE"); /* libcurl would write the keys of all our connections there */
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return err_set(e, PARLEY_ENOMEM, "cannot start the HTTP client library");
  }
  struct http_client *k = calloc(1, sizeof *k);
  if (k == NULL) {
    curl_global_cleanup();
    return err_set(e, PARLEY_ENOMEM, "out of memory for the HTTP client");
  }
  bool failed = false;
  k->key_path = copy(c->key_pem_path, &failed);
  k->cert_path = copy(c->cert_pem_path, &failed);
  k->proxy = copy(c->proxy, &failed);
  k->no_proxy = copy(c->no_proxy, &failed);
  k->proxy_ca = copy(c->proxy_ca, &failed);
  k->connect_seconds = c->connect_seconds != 0 ? c->connect_seconds : HTTP_CONNECT_SECONDS;
  k->stall_seconds = c->stall_seconds != 0 ? c->stall_seconds : HTTP_STALL_SECONDS;
  k->multi = curl_multi_init();
  if (failed || k->multi == NULL || curl_multi_setopt(k->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS) != CURLM_OK ||
      curl_multi_setopt(k->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST) != CURLM_OK) {
    http_client_free(k);
    return err_set(e, PARLEY_ENOMEM, "out of memory for the HTTP client");
  }
  char proxy[HTTP_WHERE_SIZE];
  err = client_proxy_where(proxy, k, ":", e);
  if (err == PARLEY_OK && k->proxy_ca != NULL && k->proxy_ca[0] != '\0') {
    err = readable(k->proxy_ca, "file proxy_ca,", e);
  }
  if (err != PARLEY_OK) {
    http_client_free(k);
    return err;
  }
  *out = k;
  return PARLEY_OK;
}

static void list_remove(struct transfer *t) {
  struct http_client *c = t->client;
  if (t->prev != NULL) {
    t->prev->next = t->next;
  } else {
    c->transfers = t->next;
  }
  if (t->next != NULL) {
    t->next->prev = t->prev;
  }
  c->active--;
}

static void list_add(struct transfer *t) {
  struct http_client *c = t->client;
  t->next = c->transfers;
  if (c->transfers != NULL) {
    c->transfers->prev = t;
  }
  c->transfers = t;
  c->active++;
}

parley_err client_launch(struct transfer *t, http_done done, http_progress progress, void *ctx, struct errmsg *e) {
  t->done = done;
  t->progress = progress;
  t->ctx = ctx;
  if (!transfer_attach(t) || curl_multi_add_handle(t->client->multi, t->easy) != CURLM_OK) {
    transfer_free(t);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  list_add(t);
  return PARLEY_OK;
}

static parley_err prepare(struct transfer **out, struct http_client *c, const char *method, const char *url,
                          const char *const *pins, const char *content_type, struct bytes body, bool body_owned,
                          struct errmsg *e) {
  char *joined = NULL;
  parley_err err =
      c->stopping ? err_set(e, PARLEY_EREFUSED, "the HTTP client is stopping") : client_pins(&joined, pins, e);
  if (err == PARLEY_OK && !body_owned && body.n > HTTP_BODY_COPY_MAX) {
    err = err_set(e, PARLEY_EINVAL, "a body over %zu bytes must be handed over", HTTP_BODY_COPY_MAX);
  }
  if (err == PARLEY_OK) {
    err = transfer_new(out, c, method, url, joined, content_type, body, body_owned, e);
  }
  free(joined);
  return err;
}

static parley_err start(struct http_client *c, const char *method, const char *url, const char *const *pins,
                        const char *content_type, const char *encoding, struct bytes body, bool body_owned,
                        http_done done, http_progress progress, void *ctx, struct errmsg *e) {
  struct transfer *t = NULL;
  parley_err err = prepare(&t, c, method, url, pins, content_type, body, body_owned, e);
  if (err == PARLEY_OK && encoding != NULL && !transfer_encoding(t, encoding)) {
    transfer_free(t);
    err = err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  if (err == PARLEY_OK) {
    err = client_launch(t, done, progress, ctx, e);
  }
  if (err != PARLEY_OK) {
    if (body_owned) {
      free((void *)body.p); /* taken over, whatever came of it */
    }
    return err;
  }
  if (body_owned) {
    t->body = (uint8_t *)body.p;
  }
  return PARLEY_OK;
}

parley_err http_client_send(struct http_client *c, const char *method, const char *url, const char *const *pins,
                            const char *content_type, struct bytes body, bool body_owned, http_done done,
                            http_progress progress, void *ctx, struct errmsg *e) {
  return start(c, method, url, pins, content_type, NULL, body, body_owned, done, progress, ctx, e);
}

parley_err http_client_post_gzip(struct http_client *c, const char *url, const char *const *pins,
                                 const char *content_type, struct bytes body, http_done done, http_progress progress,
                                 void *ctx, struct errmsg *e) {
  struct buf sent = {0};
  const bool packed = gzip_shorter(&sent, body);
  if (!packed) {
    buf_bytes(&sent, body);
  }
  if (!buf_ok(&sent)) {
    buf_free(&sent);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  return start(c, "POST", url, pins, content_type, packed ? "gzip" : NULL, buf_view(&sent), true, done, progress, ctx,
               e);
}

parley_err http_client_try(struct http_client *c, const char *url, const char *const *pins, const struct http_try *how,
                           http_done done, void *ctx, struct errmsg *e) {
  struct transfer *t = NULL;
  const parley_err err = prepare(&t, c, "GET", url, pins, NULL, BYTES_NONE, false, e);
  if (err != PARLEY_OK) {
    return err;
  }
  if (!transfer_once(t, how)) {
    transfer_free(t);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  return client_launch(t, done, NULL, ctx, e);
}

void http_client_poll(struct http_client *c, const int *fds, size_t n, int timeout_ms) {
  struct curl_waitfd extra[HTTP_POLL_FDS_MAX];
  const size_t watched = n < HTTP_POLL_FDS_MAX ? n : HTTP_POLL_FDS_MAX;
  for (size_t i = 0; i < watched; i++) {
    extra[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
  }
  const int longest = c->active > 0 ? HTTP_LOOK_MS : INT_MAX;
  curl_multi_poll(c->multi, extra, (unsigned)watched, timeout_ms < 0 || timeout_ms > longest ? longest : timeout_ms,
                  NULL);
}

static void take_answer(struct transfer *t, struct http_outcome *o) {
  long status = 0, opened = 0;
  curl_off_t retry = 0;
  const char *type = NULL;
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry);
  curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
  curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &opened);
  o->status = (unsigned)status;
  o->retry_after = retry <= 0 ? 0 : retry > UINT32_MAX ? UINT32_MAX : (uint32_t)retry;
  o->content_type = type == NULL ? "" : type;
  o->body = buf_view(&t->answer);
  o->date = t->date;
  struct line *l = opened == 0 || t->kept_was_dead ? client_line(t->client, t->where, true) : NULL;
  if (l != NULL) {
    l->seen.reused += opened == 0;
    l->seen.cut += t->kept_was_dead;
  }
}

/* The outcome of a transfer that ended with rc. */
static void finish(struct transfer *t, CURLcode rc) {
  char message[CURL_ERROR_SIZE + 2 * HTTP_WHERE_SIZE] = "";
  struct http_outcome o = {.err = PARLEY_OK, .content_type = "", .message = message, .tried = t->tried};
  socket_look(t);
  if (t->no_memory) {
    rc = CURLE_OUT_OF_MEMORY;
  }
  o.connected = t->tcp.open;
  curl_off_t ready = 0;
  curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  o.ready = ready > 0;
  o.received = t->answer.n;
  o.cause = client_cause(t, rc);
  if (rc == CURLE_OK) {
    take_answer(t, &o);
  } else {
    o.err = t->too_long ? PARLEY_ELIMIT : rc == CURLE_OUT_OF_MEMORY ? PARLEY_ENOMEM : PARLEY_EUNREACHABLE;
    client_explain(message, sizeof message, t, o.cause, rc);
  }
  curl_multi_remove_handle(t->client->multi, t->easy);
  socket_leave(t);
  list_remove(t);
  t->done(t->ctx, &o); /* may start further requests */
  transfer_free(t);
}

static bool finish_all(struct http_client *c) {
  bool any = false;
  int left;
  for (const CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL; any = true) {
    struct transfer *t = NULL;
    const CURLcode rc = m->data.result;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
    finish(t, rc);
  }
  return any;
}

void http_client_run(struct http_client *c) {
  struct sigpipe_guard guard;
  sigpipe_guard_begin(&guard);
  bool again = true;
  for (size_t i = 0; again && i < ROUNDS_MAX; i++) { /* what done started gets on its way at once */
    int running;
    curl_multi_perform(c->multi, &running);
    again = finish_all(c);
  }
  for (struct transfer *t; (t = client_stalled(c)) != NULL;) {
    finish(t, CURLE_OPERATION_TIMEDOUT);
  }
  sigpipe_guard_end(&guard);
}

size_t http_client_active(const struct http_client *c) { return c->active; }

static void cancel(struct transfer *t) {
  const struct http_outcome o = {.err = PARLEY_EUNREACHABLE,
                                 .content_type = "",
                                 .message = "cancelled: the node is stopping",
                                 .tried = "",
                                 .cause = HTTP_OURSELVES};
  curl_multi_remove_handle(t->client->multi, t->easy);
  socket_leave(t);
  list_remove(t);
  t->done(t->ctx, &o);
  transfer_free(t);
}

void http_client_free(struct http_client *c) {
  if (c == NULL) {
    return;
  }
  struct sigpipe_guard guard;
  sigpipe_guard_begin(&guard);
  c->stopping = true;
  while (c->transfers != NULL) {
    cancel(c->transfers);
  }
  curl_multi_cleanup(c->multi);
  socket_forget_all(c);
  sigpipe_guard_end(&guard);
  free(c->key_path);
  free(c->cert_path);
  free(c->proxy);
  free(c->no_proxy);
  free(c->proxy_ca);
  free(c);
  curl_global_cleanup();
}
