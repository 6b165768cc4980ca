/*
 * Requests to those who have no card here: TLS as the world does it, or by one pinned key; never with our link key.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/client_priv.h"

/* An address, not a name: plain HTTP goes where nobody else's resolver can send it. */
static bool is_loopback(const char *where) {
  const size_t n = (size_t)(strrchr(where, ':') - where);
  char host[INET6_ADDRSTRLEN] = "";
  struct in_addr v4;
  if (n == 5 && memcmp(where, "[::1]", n) == 0) {
    return true;
  }
  if (n >= sizeof host) {
    return false;
  }
  memcpy(host, where, n);
  return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

parley_err client_stranger_where(char out[static HTTP_WHERE_SIZE], bool *plain, const char *url, struct errmsg *e) {
  char *scheme = NULL;
  parley_err err = PARLEY_OK;
  if (!client_url_parts(out, &scheme, url)) {
    err = err_set(e, PARLEY_EINVAL, "\"%.200s\" is not a URL", url);
  } else {
    *plain = strcmp(scheme, "http") == 0;
    if (!*plain && strcmp(scheme, "https") != 0) {
      err = err_set(e, PARLEY_EINVAL, "\"%.200s\" must begin with https://", url);
    } else if (*plain && !is_loopback(out)) {
      err = err_set(e, PARLEY_EINVAL, "\"%.200s\": without TLS only to 127.0.0.0/8 and [::1]", url);
    }
  }
  curl_free(scheme);
  return err;
}

bool client_stranger_options(struct transfer *t, const char *pin) {
  CURL *easy = t->easy;
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)HTTP_STRANGER_SECONDS);
  rc |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, pin == NULL ? 1L : 0L);
  rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, pin == NULL ? 2L : 0L);
  if (pin != NULL) {
    rc |= curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pin);
    rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  return rc == CURLE_OK;
}

parley_err http_client_post_stranger(struct http_client *c, const char *url, const char *pin, const char *content_type,
                                     struct bytes body, http_done done, void *ctx, struct errmsg *e) {
  const char *const pins[] = {pin, NULL};
  struct transfer *t = NULL;
  char *checked = NULL;
  parley_err err = c->stopping ? err_set(e, PARLEY_EREFUSED, "the HTTP client is stopping") : PARLEY_OK;
  if (err == PARLEY_OK && body.n > HTTP_BODY_COPY_MAX) {
    err = err_set(e, PARLEY_EINVAL, "the request has more than %zu bytes", HTTP_BODY_COPY_MAX);
  }
  if (err == PARLEY_OK && pin != NULL) {
    err = client_pins(&checked, pins, e);
  }
  if (err == PARLEY_OK) {
    err = transfer_new_stranger(&t, c, url, checked, content_type, body, e);
  }
  free(checked);
  return err == PARLEY_OK ? client_launch(t, done, NULL, ctx, e) : err;
}
