#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encoding.h"
#include "net/client_priv.h"

/* "host:port" of a URL; CURLUE_… otherwise. *scheme is the caller's (curl_free). */
static CURLUcode url_parts(char out[static HTTP_WHERE_SIZE], char **scheme, CURLU *u, const char *url) {
  char *host = NULL, *port = NULL;
  CURLUcode rc = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
  if (rc == CURLUE_OK) {
    rc = curl_url_get(u, CURLUPART_SCHEME, scheme, 0);
  }
  if (rc == CURLUE_OK) {
    rc = curl_url_get(u, CURLUPART_HOST, &host, 0);
  }
  if (rc == CURLUE_OK) {
    rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
  }
  if (rc == CURLUE_OK) {
    snprintf(out, HTTP_WHERE_SIZE, "%s:%s", host, port);
  }
  curl_free(host);
  curl_free(port);
  return rc;
}

bool client_url_parts(char out[static HTTP_WHERE_SIZE], char **scheme, const char *url) {
  CURLU *u = curl_url();
  *scheme = NULL;
  const bool ok = u != NULL && url_parts(out, scheme, u, url) == CURLUE_OK;
  curl_url_cleanup(u);
  return ok;
}

parley_err client_where(char out[static HTTP_WHERE_SIZE], const char *url, struct errmsg *e) {
  CURLU *u = curl_url();
  char *scheme = NULL;
  parley_err err = PARLEY_OK;
  if (u == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  if (url_parts(out, &scheme, u, url) != CURLUE_OK) {
    err = err_set(e, PARLEY_EINVAL, "\"%.200s\" is not a URL", url);
  } else if (strcmp(scheme, "https") != 0) {
    err = err_set(e, PARLEY_EINVAL, "\"%.200s\" must begin with https://", url);
  }
  curl_free(scheme);
  curl_url_cleanup(u);
  return err;
}

/* ---- proxies ---- */

/* Taken from an address in brackets; a name may end with the root's dot. */
static struct bytes bare(const char *p, size_t n) {
  if (n > 2 && p[0] == '[' && p[n - 1] == ']') {
    return BYTES(p + 1, n - 2);
  }
  return BYTES(p, n > 1 && p[n - 1] == '.' ? n - 1 : n);
}

/* An IPv6 address has many spellings. */
static bool same_ipv6(struct bytes a, struct bytes b) {
  char text[2][INET6_ADDRSTRLEN];
  uint8_t address[2][16];
  if (a.n >= sizeof text[0] || b.n >= sizeof text[1]) {
    return false;
  }
  snprintf(text[0], sizeof text[0], "%.*s", (int)a.n, (const char *)a.p);
  snprintf(text[1], sizeof text[1], "%.*s", (int)b.n, (const char *)b.p);
  return inet_pton(AF_INET6, text[0], address[0]) == 1 && inet_pton(AF_INET6, text[1], address[1]) == 1 &&
         memcmp(address[0], address[1], sizeof address[0]) == 0;
}

static bool same_letters(const uint8_t *a, const uint8_t *b, size_t n) {
  return strncasecmp((const char *)a, (const char *)b, n) == 0;
}

/* The word of no_proxy is the host's name or address, ".domain" for all below it, or "*". */
static bool word_matches(struct bytes word, struct bytes host) {
  if (bytes_is(word, "*")) {
    return true;
  }
  if (word.p[0] == '.') {
    return host.n > word.n && same_letters(host.p + host.n - word.n, word.p, word.n);
  }
  return (word.n == host.n && same_letters(word.p, host.p, word.n)) || same_ipv6(word, host);
}

/* where: "host:port" or "[address]:port". */
static bool without_proxy(const char *no_proxy, const char *where) {
  const struct bytes host = bare(where, (size_t)(strrchr(where, ':') - where));
  for (const char *p = no_proxy; *p != '\0';) {
    const size_t n = strcspn(p, ", \t");
    if (n > 0 && word_matches(bare(p, n), host)) {
      return true;
    }
    p += n;
    p += strspn(p, ", \t");
  }
  return false;
}

parley_err client_proxy_where(char out[static HTTP_WHERE_SIZE], const struct http_client *c, const char *where,
                              struct errmsg *e) {
  out[0] = '\0';
  if (c->proxy == NULL || c->proxy[0] == '\0' || (c->no_proxy != NULL && without_proxy(c->no_proxy, where))) {
    return PARLEY_OK;
  }
  CURLU *u = curl_url();
  char *scheme = NULL;
  parley_err err = PARLEY_OK;
  if (u == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  /* Never quoted: a password may stand in it. */
  if (url_parts(out, &scheme, u, c->proxy) != CURLUE_OK ||
      (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
    err = err_set(e, PARLEY_EINVAL, "the proxy must be a URL such as http://proxy.example:3128");
  }
  curl_free(scheme);
  curl_url_cleanup(u);
  return err;
}

/* libcurl takes anything that is no digest for the name of a key file: only digests may get through. */
static bool pin_valid(const char *pin) {
  uint8_t digest[32];
  return strlen(pin) == HTTP_PIN_SIZE && strncmp(pin, "sha256//", 8) == 0 &&
         base64_decode_fixed(digest, sizeof digest, bytes_str(pin + 8), true);
}

parley_err client_pins(char **out, const char *const *pins, struct errmsg *e) {
  *out = NULL;
  struct buf joined = {0};
  for (size_t i = 0; pins != NULL && pins[i] != NULL; i++) {
    if (i == HTTP_PINS_MAX || !pin_valid(pins[i])) {
      buf_free(&joined);
      return err_set(e, PARLEY_EINVAL, "link pin %zu must be \"sha256//\" and the base64 of 32 bytes; at most %d pins",
                     i + 1, HTTP_PINS_MAX);
    }
    buf_str(&joined, i == 0 ? "" : ";");
    buf_str(&joined, pins[i]);
  }
  if (joined.n == 0 && !joined.failed) {
    return err_set(e, PARLEY_EINVAL, "a request needs at least one link pin");
  }
  const char *text = buf_cstr(&joined);
  *out = text == NULL ? NULL : strdup(text);
  buf_free(&joined);
  return *out == NULL ? err_set(e, PARLEY_ENOMEM, "out of memory for a request") : PARLEY_OK;
}
