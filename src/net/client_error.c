#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/client_priv.h"

static void connect_failed(char *out, size_t size, const struct transfer *t) {
  long number = 0;
  curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
  if (number == ECONNREFUSED) {
    snprintf(out, size, "connection refused by %s", t->where);
  } else if (number != 0) {
    snprintf(out, size, "cannot connect to %s: %s", t->where, strerror((int)number));
  } else {
    snprintf(out, size, "cannot connect to %s", t->where);
  }
}

static void timed_out(char *out, size_t size, const struct transfer *t) {
  curl_off_t connected = 0;
  curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &connected);
  if (connected == 0) {
    snprintf(out, size, "no answer from %s within %d s", t->where, HTTP_CONNECT_SECONDS);
  } else {
    snprintf(out, size, "%s stalled: nothing moved for %d s", t->where, HTTP_STALL_SECONDS);
  }
}

static void too_long(char *out, size_t size, const struct transfer *t) {
  if (t->answer.n > 0) {
    snprintf(out, size, "answer of %s is longer than %u MiB", t->where, HTTP_RESPONSE_MAX >> 20);
  } else {
    snprintf(out, size, "answer of %s is longer than is taken", t->where);
  }
}

/*
 * In TLS 1.3 the other side judges our certificate after our handshake is done, so its refusal arrives as an alert
 * while we read the answer. libcurl passes OpenSSL's text on; the word "alert" stands in it in all versions.
 */
static bool alerted(const struct transfer *t) {
  return strstr(t->error, "alert bad certificate") != NULL || strstr(t->error, "alert certificate required") != NULL;
}

static void broken(char *out, size_t size, const struct transfer *t, CURLcode rc) {
  if (alerted(t)) {
    snprintf(out, size, "%s refused our certificate: it has not pinned our card", t->where);
  } else if (strstr(t->error, "alert protocol version") != NULL || strstr(t->error, "unsupported protocol") != NULL) {
    snprintf(out, size, "%s does not speak TLS 1.3", t->where);
  } else {
    snprintf(out, size, "connection to %s failed: %s", t->where,
             t->error[0] != '\0' ? t->error : curl_easy_strerror(rc));
  }
}

void client_explain(char *out, size_t size, const struct transfer *t, CURLcode rc) {
  if (t->too_long) {
    too_long(out, size, t);
    return;
  }
  switch (rc) {
  case CURLE_COULDNT_CONNECT: connect_failed(out, size, t); break;
  case CURLE_COULDNT_RESOLVE_HOST: snprintf(out, size, "the name in %s is not known to the resolver", t->where); break;
  case CURLE_COULDNT_RESOLVE_PROXY:
    snprintf(out, size, "the proxy for %s is not known to the resolver", t->where);
    break;
  case CURLE_OPERATION_TIMEDOUT: timed_out(out, size, t); break;
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH: snprintf(out, size, "certificate of %s is not the pinned one", t->where); break;
  case CURLE_SSL_CERTPROBLEM:
    snprintf(out, size, "our own link key or certificate cannot be used: %s", t->error);
    break;
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
    snprintf(out, size, "%s closed the connection before its answer was complete", t->where);
    break;
  case CURLE_OUT_OF_MEMORY: snprintf(out, size, "out of memory during the request to %s", t->where); break;
  default: broken(out, size, t, rc);
  }
}
