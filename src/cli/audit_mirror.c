#include "cli/audit_mirror.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/text.h"
#include "formats/tlog.h"
#include "merkle/tiles.h"
#include "net/client.h"

struct audit_mirror {
  struct cli *c;
  struct audit_mirror_options o;
  struct http_client *client; /* NULL: open to all */
  struct config config;
  char base[URL_MAX + 1];
  char pin[LINK_PINS_MAX][LINK_PIN_SIZE];
  const char *pins[LINK_PINS_MAX + 1];
  /* The request under way. */
  bool over;
  parley_err err;
  unsigned status;
  struct buf *into;
  struct errmsg why;
};

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, _("out of memory")); }

/* ---- one GET ---- */

static void on_done(void *ctx, const struct http_outcome *o) {
  struct audit_mirror *m = ctx;
  m->over = true;
  m->err = o->err;
  m->status = o->status;
  if (o->err == PARLEY_OK && o->status == 200) buf_bytes(m->into, o->body);
  if (o->err != PARLEY_OK) err_set(&m->why, o->err, "%s", o->message);
}

static parley_err get_pinned(struct audit_mirror *m, const char *url, struct buf *out, struct errmsg *e) {
  m->over = false;
  m->into = out;
  parley_err rc = http_client_send(m->client, "GET", url, m->pins, NULL, BYTES_NONE, false, on_done, NULL, m, e);
  if (rc != PARLEY_OK) return rc;
  while (!m->over) {
    http_client_poll(m->client, NULL, 0, 1000);
    http_client_run(m->client);
  }
  return m->err == PARLEY_OK ? PARLEY_OK : err_set(e, m->err, "%s", m->why.text);
}

static parley_err get_open(struct audit_mirror *m, const char *url, struct buf *out, struct errmsg *e) {
  struct local_answer answer;
  const parley_err rc = open_get(&answer, url, e);
  if (rc != PARLEY_OK) return rc;
  m->status = answer.status;
  if (answer.status == 200) buf_bytes(out, buf_view(&answer.body));
  local_answer_free(&answer);
  return PARLEY_OK;
}

/* "<base>/<SHA-256 of the origin>/<what>". ENOTFOUND: 404, and what other mirrors say instead of it. */
static parley_err get(struct audit_mirror *m, const char *origin, const char *what, struct buf *out, struct errmsg *e) {
  struct buf url = {0};
  uint8_t digest[SHA256_SIZE];
  char hex[65];
  sha256(digest, bytes_str(origin));
  hex_encode(hex, BYTES(digest, sizeof digest));
  buf_fmt(&url, "%s/%s/%s", m->base, hex, what);
  const char *text = buf_cstr(&url);
  parley_err rc = text == NULL        ? no_memory(e)
                  : m->client != NULL ? get_pinned(m, text, out, e)
                                      : get_open(m, text, out, e);
  if (rc == PARLEY_OK && (m->status == 404 || m->status == 410))
    rc = err_set(e, PARLEY_ENOTFOUND, _("%s is not there"), text);
  else if (rc == PARLEY_OK && m->status != 200)
    rc = err_set(e, PARLEY_EUNREACHABLE, _("%s: HTTP status %u"), text, m->status);
  buf_free(&url);
  if (rc == PARLEY_OK && !buf_ok(out)) rc = no_memory(e);
  return rc;
}

/* ---- logs and checkpoints ---- */

static parley_err put_log(struct audit_mirror *m, const char *origin, struct buf *out, struct errmsg *e) {
  struct buf text = {0};
  struct arena a = {0};
  struct note n;
  struct checkpoint c;
  parley_err rc = get(m, origin, "checkpoint", &text, e);
  if (rc == PARLEY_OK) {
    rc = note_parse(&n, &a, buf_view(&text), e);
    if (rc == PARLEY_OK) rc = checkpoint_parse(&c, n.text, e);
    if (rc == PARLEY_OK)
      buf_fmt(out, "%s %" PRIu64 " -\n", origin, c.size);
    else
      rc = err_prefix(e, rc, _("the checkpoint of %s"), origin);
  }
  arena_free(&a);
  buf_free(&text);
  return rc == PARLEY_ENOTFOUND ? PARLEY_OK : rc; /* a log that it does not hold */
}

static parley_err put_logs(struct audit_mirror *m, struct buf *out, struct errmsg *e) {
  struct buf known = {0};
  struct bytes rest, line;
  parley_err rc = PARLEY_OK;
  const size_t before = out->n;
  if (m->o.home != NULL) rc = m->o.home->get(m->o.home->ctx, "logs", &known, e);
  rest = buf_view(&known);
  while (rc == PARLEY_OK && bytes_line(&rest, &line)) {
    char origin[ORIGIN_MAX + 1];
    const size_t end = bytes_find(line, 0, ' ');
    if (end == (size_t)-1 || end > ORIGIN_MAX) continue;
    snprintf(origin, sizeof origin, "%.*s", (int)end, (const char *)line.p);
    rc = put_log(m, origin, out, e);
  }
  for (size_t i = 0; rc == PARLEY_OK && m->o.origins != NULL && m->o.origins[i] != NULL; i++)
    rc = put_log(m, m->o.origins[i], out, e);
  buf_free(&known);
  if (rc == PARLEY_OK && out->n == before)
    rc = err_set(e, PARLEY_ENOTFOUND, _("%s holds none of the logs that were asked for"), m->o.where);
  return rc;
}

static parley_err put_note(struct audit_mirror *m, const char *origin, const char *what, const char *label,
                           struct buf *out, struct errmsg *e) {
  struct buf item = {0};
  buf_fmt(&item, "%s\n", label);
  const parley_err rc = get(m, origin, what, &item, e);
  if (rc == PARLEY_OK) audit_item_put(out, buf_view(&item));
  buf_free(&item);
  return rc == PARLEY_ENOTFOUND ? PARLEY_OK : rc;
}

/* ---- tiles ---- */

/* A mirror may have dropped the narrower form of a tile that has become wider. */
static parley_err get_tile(struct audit_mirror *m, const char *origin, struct tile_name t, struct buf *out,
                           struct errmsg *e) {
  struct buf path = {0};
  tile_path(&path, &t);
  const char *text = buf_cstr(&path);
  parley_err rc = text != NULL ? get(m, origin, text, out, e) : no_memory(e);
  buf_free(&path);
  if (rc != PARLEY_ENOTFOUND || t.width == TILE_WIDTH) return rc;
  t.width = TILE_WIDTH;
  return get_tile(m, origin, t, out, e);
}

static parley_err get_entries(struct audit_mirror *m, const char *origin, uint64_t n, unsigned width, struct buf *out,
                              struct errmsg *e) {
  struct buf bundle = {0};
  struct bytes rest, entry;
  bool bad = false;
  const parley_err rc =
      get_tile(m, origin, (struct tile_name){.kind = TILE_ENTRIES, .n = n, .width = width}, &bundle, e);
  rest = buf_view(&bundle);
  for (unsigned i = 0; rc == PARLEY_OK && i < width; i++) {
    if (!bad && entry_bundle_next(&rest, &entry, &bad) && !bad)
      audit_item_put(out, entry);
    else
      audit_item_put_missing(out);
  }
  buf_free(&bundle);
  return rc;
}

/* ---- names ---- */

static parley_err from_mirror(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  struct audit_mirror *m = ctx;
  unsigned level, width;
  uint64_t n;
  char origin[ORIGIN_MAX + 1];
  if (strcmp(name, "logs") == 0) return put_logs(m, out, e);
  if (sscanf(name, "entries/%" SCNu64 "/%u/%160s", &n, &width, origin) == 3)
    return get_entries(m, origin, n, width, out, e);
  if (sscanf(name, "tile/%u/%" SCNu64 "/%u/%160s", &level, &n, &width, origin) == 4)
    return get_tile(m, origin, (struct tile_name){TILE_HASHES, level, n, width}, out, e);
  if (sscanf(name, "notes/0/%160s", origin) == 1) {
    const parley_err rc = put_note(m, origin, "checkpoint", "the checkpoint", out, e);
    return rc != PARLEY_OK ? rc : put_note(m, origin, "checkpoint.pending", "the pending checkpoint", out, e);
  }
  const bool known = strncmp(name, "cards/", 6) == 0 || strncmp(name, "charters/", 9) == 0;
  if (known && m->o.home != NULL) return m->o.home->get(m->o.home->ctx, name, out, e);
  return err_set(e, PARLEY_ENOTFOUND, _("a mirror does not have %s"), name);
}

/* ---- opening ---- */

/* The newest card of that party, or the one whose monitoring URL that is. */
static bool find_card(const struct audit_mirror_options *o, struct arena *a, struct card *out) {
  bool found = false;
  for (size_t i = 0; i < o->n_cards; i++) {
    struct card c;
    bool unproved;
    if (card_parse(&c, a, o->cards[i], NULL, &unproved, NULL) != PARLEY_OK) continue;
    if (strcmp(c.name, o->where) != 0 && strcmp(c.monitoring, o->where) != 0) continue;
    if (!found || c.serial > out->serial) *out = c;
    found = true;
  }
  return found;
}

static parley_err open_client(struct audit_mirror *m, const struct card *card, struct errmsg *e) {
  if (m->o.keys == NULL) return err_set(e, PARLEY_EINVAL, _("our link key is needed to ask %s"), card->name);
  const parley_err rc = config_read(&m->config, &m->c->home, e);
  if (rc != PARLEY_OK) return rc;
  for (size_t i = 0; i < card->n_link; i++) {
    memcpy(m->pin[i], card->link[i], sizeof m->pin[i]);
    m->pins[i] = m->pin[i];
  }
  const struct http_client_config config = {.key_pem_path = m->o.keys->link_key,
                                            .cert_pem_path = m->o.keys->link_cert,
                                            .proxy = m->config.proxy,
                                            .no_proxy = m->config.no_proxy,
                                            .proxy_ca = m->config.proxy_ca};
  return http_client_new(&m->client, &config, e);
}

parley_err audit_mirror_open(struct audit_mirror **out, struct cli *c, const struct audit_mirror_options *o,
                             struct errmsg *e) {
  struct arena a = {0};
  struct card card = {0};
  struct audit_mirror *m = calloc(1, sizeof *m);
  if (m == NULL) return no_memory(e);
  m->c = c;
  m->o = *o;
  const bool url = strncmp(o->where, "https://", 8) == 0 || strncmp(o->where, "http://", 7) == 0;
  parley_err rc = PARLEY_OK;
  if (find_card(o, &a, &card)) {
    snprintf(m->base, sizeof m->base, "%s", card.monitoring);
    rc = open_client(m, &card, e);
  } else if (url && strlen(o->where) < sizeof m->base) {
    snprintf(m->base, sizeof m->base, "%s", o->where);
    for (size_t n = strlen(m->base); n > 8 && m->base[n - 1] == '/'; n--) m->base[n - 1] = '\0';
  } else {
    rc = err_set(e, PARLEY_ENOTFOUND, _("\"%.200s\" is no party whose card is at hand, and no URL"), o->where);
  }
  arena_free(&a);
  if (rc != PARLEY_OK) {
    audit_mirror_close(m);
    return rc;
  }
  *out = m;
  return PARLEY_OK;
}

struct audit_source audit_mirror_source(struct audit_mirror *m) {
  return (struct audit_source){.ctx = m, .get = from_mirror};
}

void audit_mirror_close(struct audit_mirror *m) {
  if (m == NULL) return;
  if (m->client != NULL) http_client_free(m->client);
  free(m);
}
