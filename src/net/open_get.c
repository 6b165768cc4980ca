/*
 * One GET to a server that is open to all, a public mirror for example: no certificate of ours, its own judged by the
 * system's authorities; plain HTTP to loopback addresses only.
 */
#include <string.h>

#include "net/client_priv.h"
#include "net/sys.h"

#define OPEN_GET_SECONDS 300

struct open_get {
  struct buf *body;
  bool too_long;
  char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
  struct open_get *g = ctx;
  g->too_long = size * n > HTTP_RESPONSE_MAX - g->body->n;
  if (g->too_long) {
    return 0;
  }
  buf_add(g->body, p, size * n);
  return buf_ok(g->body) ? size * n : 0;
}

static CURLcode perform(CURL *easy) {
  struct sigpipe_guard guard;
  sigpipe_guard_begin(&guard);
  const CURLcode rc = curl_easy_perform(easy);
  sigpipe_guard_end(&guard);
  return rc;
}

static bool set_options(CURL *easy, struct open_get *g, const char *url, bool plain) {
  bool ok = client_common(easy, "GET", url, plain ? "http" : "https");
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  rc |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
  rc |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)OPEN_GET_SECONDS);
  rc |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
  rc |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  rc |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, g->error);
  rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, g);
  return ok && rc == CURLE_OK;
}

parley_err open_get(struct local_answer *answer, const char *url, struct errmsg *e) {
  struct open_get g = {.body = &answer->body};
  char where[HTTP_WHERE_SIZE];
  bool plain;
  long status = 0;
  *answer = (struct local_answer){0};
  parley_err err = client_stranger_where(where, &plain, url, e);
  if (err != PARLEY_OK) {
    return err;
  }
  CURL *easy = curl_easy_init();
  if (easy == NULL || !set_options(easy, &g, url, plain)) {
    curl_easy_cleanup(easy);
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  const CURLcode rc = perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup(easy);
  answer->status = (unsigned)status;
  if (rc == CURLE_OK) {
    return PARLEY_OK;
  }
  local_answer_free(answer);
  if (g.too_long) {
    return err_set(e, PARLEY_ELIMIT, "the answer of %s is longer than %u MiB", where, HTTP_RESPONSE_MAX >> 20);
  }
  return err_set(e, PARLEY_EUNREACHABLE, "%s cannot be read: %s", where,
                 g.error[0] != '\0' ? g.error : curl_easy_strerror(rc));
}
