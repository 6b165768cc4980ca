/*
 * Which part of the way a request failed on. libcurl says what it was doing; who is at fault (proxy, path, counterpart)
 * follows from how far it had come and from what the kernel knows of the connection.
 */
#include <errno.h>
#include <string.h>

#include "net/client_priv.h"

static bool says(const struct transfer *t, const char *words) { return strstr(t->error, words) != NULL; }

static bool happened(const struct transfer *t, CURLINFO what) {
  curl_off_t us = 0;
  curl_easy_getinfo(t->easy, what, &us);
  return us > 0;
}

static enum http_cause not_connected(const struct transfer *t, bool to_proxy) {
  long number = 0;
  curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
  if (number == ENETUNREACH || number == EADDRNOTAVAIL || number == EAFNOSUPPORT || number == ENETDOWN) {
    return HTTP_NO_ROUTE;
  }
  return to_proxy ? HTTP_PROXY_AWAY : number == ECONNREFUSED ? HTTP_REFUSED : HTTP_NO_REPLY;
}

/* The CONNECT request, up to the proxy's answer. */
static enum http_cause at_proxy(const struct transfer *t, CURLcode rc, long answer) {
  if (answer == 407) {
    return HTTP_PROXY_PASSWORD;
  }
  if (answer >= 300) {
    return answer < 500 ? HTTP_PROXY_FORBIDS : HTTP_PROXY_CANNOT;
  }
  switch (rc) {
  case CURLE_OPERATION_TIMEDOUT:
    if (t->tried[0] == '\0') {
      return HTTP_PROXY_UNKNOWN;
    }
    return t->tcp.open ? HTTP_PROXY_SILENT : HTTP_PROXY_AWAY;
  case CURLE_COULDNT_CONNECT: return not_connected(t, true);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CONNECT_ERROR: return HTTP_PROXY_TLS;
  default: return HTTP_PROXY_SILENT;
  }
}

static enum http_cause timed_out(const struct transfer *t) {
  if (t->tried[0] == '\0' && !happened(t, CURLINFO_PRETRANSFER_TIME_T)) {
    return HTTP_NAME_UNKNOWN; /* the resolver said nothing */
  }
  if (!t->tcp.open) {
    return HTTP_NO_REPLY;
  }
  if (t->tcp.untaken) {
    return HTTP_LOST;
  }
  if (t->tcp.gap) {
    return HTTP_LOST_BACK;
  }
  return happened(t, CURLINFO_PRETRANSFER_TIME_T) ? HTTP_STALLED : HTTP_SILENT;
}

/*
 * In TLS 1.3 the other side judges our certificate after our handshake is done, so its refusal arrives as an alert
 * while we read the answer. libcurl passes OpenSSL's text on; the word "alert" stands in it in all versions.
 */
static enum http_cause in_tls(const struct transfer *t) {
  if (says(t, "alert bad certificate") || says(t, "alert certificate required")) {
    return HTTP_NOT_PINNED;
  }
  if (says(t, "alert protocol version") || says(t, "unsupported protocol")) {
    return HTTP_OLD_TLS;
  }
  if (says(t, "wrong version number") || says(t, "packet length too long") || says(t, "http request")) {
    return HTTP_NOT_TLS;
  }
  return t->tcp.untaken ? HTTP_LOST : HTTP_BROKEN;
}

static bool cut(const struct transfer *t) {
  return says(t, "reset by peer") || says(t, "SSL_ERROR_SYSCALL") || says(t, "unexpected eof") ||
         says(t, "Broken pipe") || says(t, "SSL_ERROR_ZERO_RETURN");
}

enum http_cause client_cause(const struct transfer *t, CURLcode rc) {
  long answer = 0;
  curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
  if (t->too_long) {
    return HTTP_TOO_LONG;
  }
  switch (rc) {
  case CURLE_OK: return HTTP_ANSWERED;
  case CURLE_OUT_OF_MEMORY:
  case CURLE_SSL_CERTPROBLEM: return HTTP_OURSELVES;
  case CURLE_COULDNT_RESOLVE_PROXY: return HTTP_PROXY_UNKNOWN;
  case CURLE_COULDNT_RESOLVE_HOST: return HTTP_NAME_UNKNOWN;
  default: break;
  }
  /* A connection that is used again has no CONNECT of its own. */
  if (t->proxy_where[0] != '\0' && answer / 100 != 2 && !happened(t, CURLINFO_PRETRANSFER_TIME_T)) {
    return at_proxy(t, rc, answer);
  }
  switch (rc) {
  case CURLE_COULDNT_CONNECT: return not_connected(t, false);
  case CURLE_OPERATION_TIMEDOUT: return timed_out(t);
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return HTTP_WRONG_PIN;
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE: return HTTP_CUT;
  default: break;
  }
  const enum http_cause cause = in_tls(t);
  return cause == HTTP_BROKEN && cut(t) ? HTTP_CUT : cause;
}
