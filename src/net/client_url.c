#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "net/client_priv.h"

static parley_err url_parts(char out[static HTTP_WHERE_SIZE], CURLU *u, const char *url, struct errmsg *e) {
  char *scheme = NULL, *host = NULL, *port = NULL;
  parley_err err = PARLEY_OK;
  if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
      curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
      curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    err = err_set(e, PARLEY_EINVAL, "\"%.200s\" is not a URL", url);
  } else if (strcmp(scheme, "https") != 0) {
    err = err_set(e, PARLEY_EINVAL, "\"%.200s\" must begin with https://", url);
  } else {
    snprintf(out, HTTP_WHERE_SIZE, "%s:%s", host, port);
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  return err;
}

parley_err client_where(char out[static HTTP_WHERE_SIZE], const char *url, struct errmsg *e) {
  CURLU *u = curl_url();
  if (u == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for a request");
  }
  const parley_err err = url_parts(out, u, url, e);
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
