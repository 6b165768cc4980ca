#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encoding.h"
#include "net/server_priv.h"
#include "net/sys.h"

static const char *header(struct exchange *x, const char *name) {
  return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

bool exchange_has_body(struct exchange *x, uint64_t *length) {
  *length = 0;
  if (header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL) {
    *length = UINT64_MAX;
    return true;
  }
  const char *text = header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (text == NULL) {
    return false;
  }
  if (!dec_decode(length, bytes_str(text))) { /* "007": libmicrohttpd knows how much, we do not say */
    *length = UINT64_MAX;
  }
  return *length > 0;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Splits off the query and decodes the path in place. Refused: not a path, a broken escape, NUL, bad UTF-8. */
static bool target_split(struct exchange *x) {
  char *mark = strchr(x->target, '?');
  if (mark != NULL) {
    *mark = '\0';
    x->query = mark + 1;
  }
  char *out = x->target;
  for (const char *in = x->target; *in != '\0'; in++) {
    if (*in != '%') {
      *out++ = *in;
      continue;
    }
    const int high = hex_digit(in[1]);
    const int low = high < 0 ? -1 : hex_digit(in[2]);
    if (low < 0 || (high == 0 && low == 0)) {
      return false;
    }
    *out++ = (char)(high * 16 + low);
    in += 2;
  }
  *out = '\0';
  return x->target[0] == '/' && utf8_valid(bytes_str(x->target));
}

static size_t header_size(struct exchange *x) {
  const union MHD_ConnectionInfo *i = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return i == NULL ? 0 : i->header_size;
}

static const char *known_method(const char *method) {
  static const char *const known[][2] = {
      {"GET", "GET"}, {"HEAD", "GET"}, {"POST", "POST"}, {"PUT", "PUT"}, {"DELETE", "DELETE"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(method, known[i][0]) == 0) {
      return known[i][1];
    }
  }
  return NULL;
}

/* False: refused, and said so. */
static bool admit(struct exchange *x, struct http_request *r, const char *method) {
  const struct endpoint *from = server_endpoint(x->connection);
  if (from == NULL) {
    reply_text(x, 500, "this connection has no owner");
    return false;
  }
  r->peer = from->peer == NULL ? NULL : from->peer->name;
  if (from->peer != NULL && server_peer_wait(from->peer, net_now_ms()) > 0) {
    reply_text(x, 429, "more than %d requests a minute", HTTP_REQUESTS_PER_MINUTE);
    return false;
  }
  if (header_size(x) > HTTP_HEADER_MAX) {
    reply_text(x, 431, "the headers are longer than %d bytes", HTTP_HEADER_MAX);
    return false;
  }
  r->method = known_method(method);
  if (r->method == NULL) {
    reply_text(x, 405, "this method is not known here");
    return false;
  }
  if (!target_split(x)) {
    reply_text(x, 400, "the path is malformed");
    return false;
  }
  return true;
}

static bool admit_encoding(struct exchange *x, struct http_request *r) {
  const char *encoding = header(x, MHD_HTTP_HEADER_CONTENT_ENCODING);
  if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0) {
    return true;
  }
  if (strcasecmp(encoding, "gzip") != 0) {
    reply_text(x, 415, "a body may be plain or gzip");
    return false;
  }
  r->content_length = UINT64_MAX;
  if (!body_gzip_open(x)) {
    reply_text(x, 503, "out of memory");
    return false;
  }
  return true;
}

void exchange_begin(struct exchange *x, const char *method) {
  struct http_request r = {0};
  if (!admit(x, &r, method)) {
    return;
  }
  const char *type = header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
  const bool body = exchange_has_body(x, &r.content_length);
  if (body && !admit_encoding(x, &r)) {
    return;
  }
  r.path = x->target;
  r.query = x->query;
  r.content_type = type == NULL ? "" : type;
  struct http_response answer = {0};
  const struct http_handler *h = &x->server->handler;
  x->ctx = h->begin(h->user, &r, &answer);
  if (answer.status != 0) {
    reply_take(x, &answer);
  } else if (x->ctx == NULL) {
    reply_text(x, 503, "out of memory");
  }
}
