/*
 * The local API's probe of a counterpart's line (docs/local-api.md): one at a time, answered when it is over.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encoding.h"
#include "daemon/daemon.h"
#include "merkle/tiles.h"

static const struct card *pinned(const struct daemon *d, const char *party) {
  const struct card *c;
  for (size_t i = 0; (c = node_pinned(d->node, i)) != NULL; i++)
    if (!strcmp(c->name, party)) return c;
  return NULL;
}

/* The first entries of a log of its that we hold: something long that it serves. "" when there is none. */
static void large_url(const struct daemon *d, const struct card *c, char *out, size_t size) {
  struct node_log_view v;
  const size_t n = strlen(c->name);
  out[0] = '\0';
  for (size_t i = 0; node_log_at(d->node, i, &v); i++) {
    const bool theirs = !v.own && !strncmp(v.origin, c->name, n) && v.origin[n] == '/';
    if (!theirs || v.signed_size == 0) continue;
    uint8_t hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    struct buf path = {0};
    const struct tile_name tile = {.kind = TILE_ENTRIES,
                                   .width = v.signed_size < TILE_WIDTH ? (unsigned)v.signed_size : TILE_WIDTH};
    sha256(hash, bytes_str(v.origin));
    hex_encode(hex, BYTES(hash, sizeof hash));
    tile_path(&path, &tile);
    const char *text = buf_cstr(&path);
    if (text) snprintf(out, size, "%s/%s/%s", c->monitoring, hex, text);
    buf_free(&path);
    return;
  }
}

static parley_err start(struct daemon *d, const char *query, struct errmsg *e) {
  static const char name[] = "party=";
  char url[URL_MAX + 256];
  if (strncmp(query, name, sizeof name - 1) != 0)
    return err_set(e, PARLEY_EINVAL, "the request must name whom to probe: /v1/probe?party=NAME");
  const char *party = query + sizeof name - 1;
  const struct card *c = party_name_valid(party) ? pinned(d, party) : NULL;
  if (!c)
    return err_set(e, PARLEY_ENOTFOUND, "no party \"%.80s\" is pinned here; parley trust shows those that are", party);
  if (d->probe) return err_set(e, PARLEY_EBUSY, "another probe is under way; it ends within half a minute");
  large_url(d, c, url, sizeof url);
  const struct http_client_config config = daemon_client_config(d);
  return probe_start(&d->probe, &config, c, url, http_client_line(d->client, c->submission), daemon_wall_s, d->probed,
                     e);
}

void local_probe(struct daemon *d, const char *query, void *request, struct node_response *out) {
  struct errmsg e = {""};
  const parley_err err = start(d, query, &e);
  if (err)
    local_put_error(out, err, &e);
  else
    d->probe_request = request;
}

void local_probe_answer(struct daemon *d, struct node_response *out) {
  uint64_t count;
  local_put_json(out, 200, probe_report(probe_result(d->probe)));
  probe_end(d->probe);
  /* The thread is over and has written: what it wrote later would never let the loop sleep again. */
  const ssize_t n = read(d->probed, &count, sizeof count);
  (void)n;
  d->probe = NULL;
  d->probe_request = NULL;
}
