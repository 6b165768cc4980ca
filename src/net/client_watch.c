/*
 * Watching over the client's lines: transfers on which nothing moves any more, and what is told about lines and proxies.
 */
#include <stdio.h>

#include "net/client_priv.h"
#include "net/sys.h"

int64_t client_patience_ms(const struct transfer *t) {
  const int64_t stall_ms = (int64_t)t->client->stall_seconds * 1000;
  curl_off_t sent = 0;
  if (t->tcp.untaken) {
    return stall_ms < HTTP_UNTAKEN_SECONDS * 1000 ? stall_ms : HTTP_UNTAKEN_SECONDS * 1000;
  }
  curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  return stall_ms + (sent < HTTP_HELD_MAX ? sent : HTTP_HELD_MAX) * 1000 / HTTP_THIN_RATE;
}

/*
 * What counts is what the other machine takes and sends: a thin line that empties the kernel's buffer for minutes after
 * the last byte was handed to it has not stalled. (The kernel's own limit, TCP_USER_TIMEOUT, also ends connections whose
 * other side is alive and has no room for the moment.)
 */
static bool has_stalled(struct transfer *t, int64_t now_ms) {
  curl_off_t ready = 0;
  curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  socket_look(t);
  if (ready == 0) { /* it waits for its turn, or connects, which has a limit of its own */
    t->moved_ms = now_ms;
  }
  return now_ms - t->moved_ms >= client_patience_ms(t);
}

struct transfer *client_stalled(struct http_client *c) {
  const int64_t now_ms = net_now_ms();
  if (now_ms - c->looked_ms < HTTP_LOOK_MS) {
    return NULL;
  }
  for (struct transfer *t = c->transfers; t != NULL; t = t->next) {
    if (has_stalled(t, now_ms)) {
      return t; /* there may be more: looked_ms stays */
    }
  }
  c->looked_ms = now_ms;
  return NULL;
}

struct http_line http_client_line(const struct http_client *c, const char *url) {
  char where[HTTP_WHERE_SIZE];
  const struct line *l =
      client_where(where, url, NULL) == PARLEY_OK ? client_line((struct http_client *)c, where, false) : NULL;
  return l != NULL ? l->seen : (struct http_line){0};
}

bool http_client_proxy(const struct http_client *c, const char *url, char *out, size_t size) {
  char where[HTTP_WHERE_SIZE], proxy[HTTP_WHERE_SIZE];
  if (client_where(where, url, NULL) != PARLEY_OK || client_proxy_where(proxy, c, where, NULL) != PARLEY_OK ||
      proxy[0] == '\0') {
    return false;
  }
  snprintf(out, size, "%s", proxy);
  return true;
}
