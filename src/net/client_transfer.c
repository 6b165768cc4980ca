#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "net/client_priv.h"
#include "net/sys.h"

#define UPLOAD_BUFFER_MIN 65536 /* libcurl's own */
#define UPLOAD_BUFFER_MAX (1L << 20)

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
  struct transfer *t = ctx;
  const size_t bytes = size * n;
  if (bytes > t->answer_max - t->answer.n) {
    t->too_long = true;
    return 0;
  }
  buf_add(&t->answer, p, bytes);
  t->no_memory = !buf_ok(&t->answer);
  return t->no_memory ? 0 : bytes;
}

static void take_date(struct transfer *t, const char *line, size_t n) {
  static const char name[] = "date:";
  char text[64];
  const size_t skip = sizeof name - 1;
  if (n > skip && n - skip < sizeof text && strncasecmp(line, name, skip) == 0) {
    snprintf(text, sizeof text, "%.*s", (int)(n - skip), line + skip);
    const time_t date = curl_getdate(text, NULL);
    t->date = date > 0 ? date : 0;
  }
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx) {
  struct transfer *t = ctx;
  const size_t bytes = size * n;
  if (bytes > HTTP_RESPONSE_HEADERS_MAX - t->header_bytes) {
    t->too_long = true;
    return 0;
  }
  t->header_bytes += bytes;
  take_date(t, p, bytes);
  return bytes;
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  (void)down_total;
  (void)down;
  (void)up_total;
  struct transfer *t = ctx;
  if (up > 0 && (uint64_t)up != t->progress_last) {
    t->progress_last = (uint64_t)up;
    t->progress(t->ctx, t->progress_last);
  }
  return 0;
}

bool client_header(struct curl_slist **list, const char *name, const char *value) {
  struct buf line = {0};
  buf_fmt(&line, "%s:%s%s", name, value[0] == '\0' ? "" : " ", value);
  const char *text = buf_cstr(&line);
  struct curl_slist *longer = text == NULL ? NULL : curl_slist_append(*list, text);
  buf_free(&line);
  if (longer != NULL) {
    *list = longer;
  }
  return longer != NULL;
}

bool client_common(CURL *easy, const char *method, const char *url, const char *protocols) {
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_URL, url);
  if (strcmp(method, "HEAD") == 0) {
    rc |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else {
    rc |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  }
  rc |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
  rc |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  rc |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  rc |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  rc |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  rc |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L);
  return rc == CURLE_OK;
}

/* The certificate is judged by its key's digest alone: names, dates and authorities say nothing (design section 13). */
static bool set_tls(const struct transfer *t, const char *pins) {
  CURL *easy = t->easy;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pins);
  rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* reading the system's authorities costs more than a request */
  rc |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  rc |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)(CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3));
  rc |= curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  rc |= curl_easy_setopt(easy, CURLOPT_SSLCERT, t->client->cert_path);
  rc |= curl_easy_setopt(easy, CURLOPT_SSLKEY, t->client->key_path);
  rc |= curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* never ask on the terminal */
  return rc == CURLE_OK;
}

/* The environment is never asked: an empty proxy and an empty list of exceptions say so to libcurl. */
static bool set_proxy(const struct transfer *t) {
  CURL *easy = t->easy;
  const bool proxy = t->proxy_where[0] != '\0';
  const char *ca = t->client->proxy_ca;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? t->client->proxy : "");
  rc |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  if (proxy) {
    rc |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_PROXYAUTH, CURLAUTH_BASIC | CURLAUTH_DIGEST);
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  }
  if (proxy && ca != NULL && ca[0] != '\0') {
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, ca);
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
  }
  return rc == CURLE_OK;
}

static bool set_link(struct transfer *t) {
  CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT, (long)t->client->connect_seconds);
  rc |= curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, 100L); /* before the gate's idle limit */
  /* A resolver that does not answer is left behind in its thread: waiting for it would stop the owner's loop. */
  rc |= curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
  return rc == CURLE_OK && set_proxy(t) && socket_attach(t);
}

bool transfer_attach(struct transfer *t) {
  CURL *easy = t->easy;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
  rc |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
  rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
  rc |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  rc |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
  if (t->progress != NULL) {
    rc |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    rc |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t);
  }
  return rc == CURLE_OK;
}

static bool set_body(struct transfer *t, const char *method, const char *content_type, struct bytes body) {
  CURLcode rc = CURLE_OK;
  if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || body.n > 0) {
    if (body.n > UPLOAD_BUFFER_MIN) /* one turn of the loop sends at most this much */
      rc |= curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE,
                             body.n < UPLOAD_BUFFER_MAX ? (long)body.n : UPLOAD_BUFFER_MAX);
    rc |= curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    rc |= curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body.n == 0 ? "" : (const char *)body.p);
    rc |= curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    if (!client_header(&t->headers, "Content-Type", content_type == NULL ? "" : content_type)) {
      return false;
    }
  }
  /* No "Expect: 100-continue": it would cost a round trip. */
  if (!client_header(&t->headers, "Expect", "")) {
    return false;
  }
  rc |= curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
  return rc == CURLE_OK;
}

bool transfer_encoding(struct transfer *t, const char *encoding) {
  return client_header(&t->headers, "Content-Encoding", encoding) &&
         curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

bool transfer_once(struct transfer *t, const struct http_try *how) {
  CURL *easy = t->easy;
  const long family = how->family == 4   ? CURL_IPRESOLVE_V4
                      : how->family == 6 ? CURL_IPRESOLVE_V6
                                         : CURL_IPRESOLVE_WHATEVER;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  rc |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  rc |= curl_easy_setopt(easy, CURLOPT_IPRESOLVE, family);
  rc |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)how->seconds);
  if (how->padding > 0) {
    char pad[HTTP_PADDING_MAX + 1];
    const size_t n = how->padding < HTTP_PADDING_MAX ? how->padding : HTTP_PADDING_MAX;
    memset(pad, 'x', n);
    pad[n] = '\0';
    if (!client_header(&t->headers, "X-Padding", pad)) {
      return false;
    }
    rc |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
  }
  return rc == CURLE_OK;
}

void transfer_free(struct transfer *t) {
  if (t == NULL) {
    return;
  }
  curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->headers);
  free(t->body);
  buf_free(&t->answer);
  free(t);
}

static bool keep_body(struct transfer *t, struct bytes *body, bool owned) {
  if (owned || body->n == 0) {
    return true; /* taken over at the very end, when nothing can fail any more */
  }
  t->body = malloc(body->n);
  if (t->body == NULL) {
    return false;
  }
  memcpy(t->body, body->p, body->n);
  body->p = t->body;
  return true;
}

static struct transfer *transfer_begin(struct http_client *c, size_t answer_max, struct errmsg *e) {
  struct transfer *t = calloc(1, sizeof *t);
  if (t == NULL) {
    err_set(e, PARLEY_ENOMEM, "out of memory for a request");
    return NULL;
  }
  t->client = c;
  t->answer_max = answer_max;
  t->moved_ms = net_now_ms();
  return t;
}

parley_err transfer_new(struct transfer **out, struct http_client *c, const char *method, const char *url,
                        const char *pins, const char *content_type, struct bytes body, bool body_owned,
                        struct errmsg *e) {
  struct transfer *t = transfer_begin(c, HTTP_RESPONSE_MAX, e);
  if (t == NULL) {
    return PARLEY_ENOMEM;
  }
  parley_err err = client_where(t->where, url, e);
  if (err == PARLEY_OK) {
    err = client_proxy_where(t->proxy_where, c, t->where, e);
  }
  if (err != PARLEY_OK) {
    free(t);
    return err;
  }
  t->easy = curl_easy_init();
  if (t->easy == NULL || !keep_body(t, &body, body_owned) || !client_common(t->easy, method, url, "https") ||
      !set_tls(t, pins) || !set_link(t) || !set_body(t, method, content_type, body)) {
    transfer_free(t);
    return err_set(e, PARLEY_ENOMEM, "cannot prepare the request to %.200s: out of memory", url);
  }
  *out = t;
  return PARLEY_OK;
}

parley_err transfer_new_stranger(struct transfer **out, struct http_client *c, const char *url, const char *pin,
                                 const char *content_type, struct bytes body, struct errmsg *e) {
  struct transfer *t = transfer_begin(c, HTTP_STRANGER_MAX, e);
  bool plain = false;
  if (t == NULL) {
    return PARLEY_ENOMEM;
  }
  parley_err err = client_stranger_where(t->where, &plain, url, e);
  if (err == PARLEY_OK && !plain) {
    err = client_proxy_where(t->proxy_where, c, t->where, e);
  }
  if (err != PARLEY_OK) {
    free(t);
    return err;
  }
  t->easy = curl_easy_init();
  if (t->easy == NULL || !keep_body(t, &body, false) ||
      !client_common(t->easy, "POST", url, plain ? "http" : "https") || !client_stranger_options(t, pin) ||
      !set_link(t) || !set_body(t, "POST", content_type, body)) {
    transfer_free(t);
    return err_set(e, PARLEY_ENOMEM, "cannot prepare the request to %.200s: out of memory", url);
  }
  *out = t;
  return PARLEY_OK;
}
