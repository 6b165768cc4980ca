/*
 * One sentence for people about a request that failed: what, where; what to do is said by who knows more (parley status
 * --probe, docs/operations.md).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/client_priv.h"

static void not_connected(char *out, size_t size, const struct transfer *t, const char *to, const char *where) {
  long number = 0;
  curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
  if (number == ECONNREFUSED) {
    snprintf(out, size, "connection refused by %s%s", to, where);
  } else if (number == 0 || number == ETIMEDOUT || number == EINPROGRESS) {
    snprintf(out, size, "no answer from %s%s within %u s", to, where, t->client->connect_seconds);
  } else {
    snprintf(out, size, "cannot connect to %s%s: %s", to, where, strerror((int)number));
  }
}

static void ourselves(char *out, size_t size, const struct transfer *t, CURLcode rc) {
  if (rc == CURLE_OUT_OF_MEMORY) {
    snprintf(out, size, "out of memory during the request to %s", t->where);
  } else {
    snprintf(out, size, "our own link key or certificate cannot be used: %s", t->error);
  }
}

static void proxy_answered(char *out, size_t size, const struct transfer *t, enum http_cause cause) {
  long answer = 0;
  curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
  const char *what = cause == HTTP_PROXY_PASSWORD  ? "wants a user name and password, or does not take ours"
                     : cause == HTTP_PROXY_FORBIDS ? "does not allow connections there"
                                                   : "cannot reach it";
  snprintf(out, size, "the way to %s is closed: the proxy %s %s (HTTP status %ld)", t->where, t->proxy_where, what,
           answer);
}

static void too_long(char *out, size_t size, const struct transfer *t) {
  if (t->answer.n > 0) {
    const bool large = t->answer_max >= 1u << 20;
    snprintf(out, size, "answer of %s is longer than %zu %s", t->where, t->answer_max >> (large ? 20 : 10),
             large ? "MiB" : "KiB");
  } else {
    snprintf(out, size, "answer of %s is longer than is taken", t->where);
  }
}

static void cut(char *out, size_t size, const struct transfer *t) {
  curl_off_t ready = 0;
  curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  snprintf(out, size,
           ready > 0 ? "%s closed the connection before its answer was complete"
                     : "%s closed the connection during the TLS handshake",
           t->where);
}

void client_explain(char *out, size_t size, const struct transfer *t, enum http_cause cause, CURLcode rc) {
  const char *where = t->where, *proxy = t->proxy_where;
  const char *text = t->error[0] != '\0' ? t->error : curl_easy_strerror(rc);
  switch (cause) {
  case HTTP_ANSWERED: out[0] = '\0'; break;
  case HTTP_OURSELVES: ourselves(out, size, t, rc); break;
  case HTTP_NAME_UNKNOWN:
    snprintf(out, size, "the name in %s is not known to the resolver%s", where,
             rc == CURLE_OPERATION_TIMEDOUT ? ", which does not answer" : "");
    break;
  case HTTP_PROXY_UNKNOWN:
    snprintf(out, size, "the name of the proxy %s is not known to the resolver%s", proxy,
             rc == CURLE_OPERATION_TIMEDOUT ? ", which does not answer" : "");
    break;
  case HTTP_PROXY_AWAY: not_connected(out, size, t, "the proxy ", proxy); break;
  case HTTP_PROXY_SILENT:
    snprintf(out, size, "the proxy %s did not answer when it was asked for %s", proxy, where);
    break;
  case HTTP_PROXY_TLS: snprintf(out, size, "no acceptable TLS with the proxy %s: %s", proxy, text); break;
  case HTTP_PROXY_PASSWORD:
  case HTTP_PROXY_FORBIDS:
  case HTTP_PROXY_CANNOT: proxy_answered(out, size, t, cause); break;
  case HTTP_NO_ROUTE:
  case HTTP_REFUSED:
  case HTTP_NO_REPLY:
    if (proxy[0] != '\0') {
      not_connected(out, size, t, "the proxy ", proxy);
    } else {
      not_connected(out, size, t, "", where);
    }
    break;
  case HTTP_SILENT: snprintf(out, size, "%s takes connections, but does not answer in TLS", where); break;
  case HTTP_LOST:
    snprintf(out, size, "larger packets to %s are lost on the way: nobody acknowledges them",
             proxy[0] != '\0' ? proxy : where);
    break;
  case HTTP_LOST_BACK:
    snprintf(out, size, "larger packets from %s are lost on the way: what arrives has gaps",
             proxy[0] != '\0' ? proxy : where);
    break;
  case HTTP_CUT: cut(out, size, t); break;
  case HTTP_NOT_TLS: snprintf(out, size, "what answers at %s does not speak TLS", where); break;
  case HTTP_OLD_TLS: snprintf(out, size, "%s does not speak TLS 1.3", where); break;
  case HTTP_WRONG_PIN:
    snprintf(out, size, "certificate of %s is not the pinned one%s%s", where,
             proxy[0] != '\0' ? ", seen through the proxy " : "", proxy);
    break;
  case HTTP_NOT_PINNED: snprintf(out, size, "%s refused our certificate: it has not pinned our card", where); break;
  case HTTP_STALLED:
    snprintf(out, size, "%s stalled: nothing moved for %lld s", where, (long long)client_patience_ms(t) / 1000);
    break;
  case HTTP_TOO_LONG: too_long(out, size, t); break;
  case HTTP_BROKEN: snprintf(out, size, "connection to %s failed: %s", where, text); break;
  }
}
