#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/gzip.h"
#include "net/server_priv.h"

struct outgoing { /* what libmicrohttpd carries for us while it sends */
  int64_t (*read)(void *owner, uint64_t offset, uint8_t *out, size_t cap);
  void *owner;
  void (*free_owner)(void *owner);
};

static void release(const struct http_response *r) {
  if (r->free_owner != NULL) {
    r->free_owner(r->owner);
  }
}

static void outgoing_free(void *cls) {
  struct outgoing *o = cls;
  if (o->free_owner != NULL) {
    o->free_owner(o->owner);
  }
  free(o);
}

/* The length was promised in the header: anything that ends early cuts the connection, so that the reader notices. */
static ssize_t outgoing_read(void *cls, uint64_t offset, char *out, size_t cap) {
  struct outgoing *o = cls;
  const int64_t n = o->read(o->owner, offset, (uint8_t *)out, cap);
  return n <= 0 || (uint64_t)n > cap ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)n;
}

static struct MHD_Response *make(const struct http_response *r) {
  struct outgoing *o = malloc(sizeof *o);
  if (o == NULL) {
    release(r);
    return NULL;
  }
  *o = (struct outgoing){.read = r->read, .owner = r->owner, .free_owner = r->free_owner};
  struct MHD_Response *m;
  if (r->read != NULL && r->length > 0) {
    m = MHD_create_response_from_callback(r->length, HTTP_CHUNK_SIZE, outgoing_read, o, outgoing_free);
  } else {
    const struct bytes body = r->read == NULL ? r->body : BYTES_NONE;
    m = MHD_create_response_from_buffer_with_free_callback_cls(body.n, (void *)body.p, outgoing_free, o);
  }
  if (m == NULL) {
    outgoing_free(o);
  }
  return m;
}

static void packed_free(void *owner) {
  struct buf *packed = owner;
  buf_free(packed);
  free(packed);
}

/* In place of r, when the asker accepts it and it is shorter; the owner of r is released then. */
static bool pack(struct http_response *r, struct exchange *x) {
  if (!r->gzip || r->read != NULL ||
      !gzip_accepted(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING))) {
    return false;
  }
  struct buf *packed = calloc(1, sizeof *packed);
  if (packed == NULL || !gzip_shorter(packed, r->body)) {
    free(packed);
    return false;
  }
  release(r);
  r->body = buf_view(packed);
  r->owner = packed;
  r->free_owner = packed_free;
  return true;
}

static bool add_headers(struct MHD_Response *m, const struct http_response *r, bool asked_with_body, bool packed) {
  char seconds[16];
  snprintf(seconds, sizeof seconds, "%u", r->retry_after);
  const char *const headers[][2] = {
      {MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type},
      {MHD_HTTP_HEADER_CACHE_CONTROL, r->cache},
      {MHD_HTTP_HEADER_RETRY_AFTER, r->retry_after > 0 ? seconds : NULL},
      {MHD_HTTP_HEADER_ALLOW, r->status == 405 ? "GET, HEAD, POST, PUT, DELETE" : NULL},
      {MHD_HTTP_HEADER_ACCEPT_ENCODING, asked_with_body ? "gzip" : NULL},
      {MHD_HTTP_HEADER_CONTENT_ENCODING, packed ? "gzip" : NULL},
      {MHD_HTTP_HEADER_VARY, r->gzip ? "Accept-Encoding" : NULL},
  };
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    const char *value = headers[i][1];
    if (value != NULL && value[0] != '\0' && MHD_add_response_header(m, headers[i][0], value) != MHD_YES) {
      return false;
    }
  }
  return true;
}

void reply_take(struct exchange *x, const struct http_response *r) {
  if (x->response != NULL || x->queued) { /* the first answer stands */
    release(r);
    return;
  }
  struct http_response sent = *r;
  uint64_t length;
  const bool packed = pack(&sent, x);
  struct MHD_Response *m = make(&sent);
  if (m != NULL && !add_headers(m, &sent, exchange_has_body(x, &length), packed)) {
    MHD_destroy_response(m);
    m = NULL;
  }
  x->response = m;
  x->status = r->status;
}

void reply_text(struct exchange *x, unsigned status, const char *fmt, ...) {
  char text[256];
  va_list ap;
  va_start(ap, fmt);
  const int n = vsnprintf(text, sizeof text - 1, fmt, ap);
  va_end(ap);
  const size_t size = n < 0 ? 0 : (size_t)n < sizeof text - 2 ? (size_t)n : sizeof text - 2;
  text[size] = '\n';
  char *copy = malloc(size + 1);
  if (copy == NULL) {
    x->status = status; /* without a response the connection is cut */
    return;
  }
  memcpy(copy, text, size + 1);
  const struct http_response r = {.status = status,
                                  .content_type = "text/plain; charset=utf-8",
                                  .body = BYTES(copy, size + 1),
                                  .owner = copy,
                                  .free_owner = free,
                                  .retry_after = status == 429 || status == 503 ? 1 : 0};
  reply_take(x, &r);
}

enum MHD_Result reply_queue(struct exchange *x) {
  if (x->response == NULL) {
    return MHD_NO; /* out of memory: nothing can be said */
  }
  const enum MHD_Result done = MHD_queue_response(x->connection, x->status, x->response);
  MHD_destroy_response(x->response);
  x->response = NULL;
  x->queued = true;
  return done;
}

/* libmicrohttpd takes no response in the middle of a body, so this line goes past it; then the connection is closed. */
void reply_cut(struct exchange *x) {
  const union MHD_ConnectionInfo *i = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (i == NULL || x->response == NULL) {
    return;
  }
  char text[96];
  const int n =
      snprintf(text, sizeof text, "HTTP/1.1 %u Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", x->status);
  const ssize_t sent = send(i->connect_fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)sent; /* a peer that reads nothing learns nothing */
}
