/*
 * Reading this home's own record: from the running node, or from its store.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/audit_sources.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- the node ---- */

static parley_err read_refusal(const struct local_answer *answer, struct errmsg *e) {
  json_t *o = NULL;
  if (json_parse(&o, buf_view(&answer->body), 65536, NULL) != PARLEY_OK) o = NULL;
  err_set(e, PARLEY_EIO, "%s", o != NULL ? json_text(o, "message") : _("the node gave no reason"));
  json_decref(o);
  return answer->status == 404 ? PARLEY_ENOTFOUND : PARLEY_EIO;
}

static parley_err from_node(void *ctx, const char *name, struct buf *out, struct errmsg *e) {
  const struct audit_from *f = ctx;
  struct local_answer answer = {0};
  struct buf path = {0};
  buf_fmt(&path, "/v1/audit/%s", name);
  const char *text = buf_cstr(&path);
  parley_err rc = text != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK) rc = local_request(&answer, f->sock, "GET", text, NULL, BYTES_NONE, -1, 0, -1, NULL, NULL, e);
  if (rc == PARLEY_OK && answer.status != 200) rc = read_refusal(&answer, e);
  if (rc == PARLEY_OK) buf_bytes(out, buf_view(&answer.body));
  if (rc == PARLEY_OK && !buf_ok(out)) rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  local_answer_free(&answer);
  buf_free(&path);
  return rc;
}

/* ---- the store ---- */

parley_err home_store_open(struct store **out, const struct cli *c, struct errmsg *e) {
  char path[HOME_PATH_MAX];
  if (!home_path(&c->home, path, "store.sqlite"))
    return err_set(e, PARLEY_ELIMIT, _("the path of the home is too long: %s"), c->home.dir);
  if (access(path, F_OK) != 0)
    return err_set(e, PARLEY_ENOTFOUND, _("%s is not there: no node has run in this home yet"), path);
  const parley_err rc = store_sqlite_open(out, path, NULL, e);
  if (rc == PARLEY_EBUSY)
    return err_set(e, rc, _("the node of this home is running; stop parleyd first, and start it again afterwards"));
  return rc;
}

parley_err audit_from_home(struct audit_from *out, struct cli *c, struct errmsg *e) {
  struct buf probe = {0};
  *out = (struct audit_from){.c = c};
  parley_err rc = cli_need_home(c, e);
  if (rc != PARLEY_OK) return rc;
  if (!home_path(&c->home, out->sock, "parleyd.sock"))
    return err_set(e, PARLEY_ELIMIT, _("the path of the home is too long: %s"), c->home.dir);
  out->source = (struct audit_source){.ctx = out, .get = from_node};
  rc = from_node(out, "logs", &probe, e);
  buf_free(&probe);
  if (rc != PARLEY_EUNREACHABLE) return rc;
  rc = home_store_open(&out->store, c, e);
  if (rc == PARLEY_OK) out->source = audit_store_source(out->store);
  return rc;
}

void audit_from_end(struct audit_from *f) {
  if (f->store != NULL) store_close(f->store);
  f->store = NULL;
}

/* ---- cards ---- */

struct envelopes {
  struct cli *c;
  struct bytes *list;
  size_t n, cap;
};

static parley_err add(struct envelopes *v, struct bytes envelope, struct errmsg *e) {
  const struct bytes kept = arena_copy(&v->c->arena, envelope);
  if (v->n == v->cap) {
    const size_t cap = v->cap == 0 ? 16 : 2 * v->cap;
    struct bytes *grown = realloc(v->list, cap * sizeof *grown);
    if (grown == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
    v->list = grown;
    v->cap = cap;
  }
  if (kept.p == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  v->list[v->n++] = kept;
  return PARLEY_OK;
}

static parley_err add_card(void *ctx, struct bytes envelope, struct errmsg *e) { return add(ctx, envelope, e); }

static parley_err add_pin(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  (void)p;
  return add(ctx, envelope, e);
}

parley_err audit_home_cards(struct cli *c, struct bytes **list, size_t *n, struct errmsg *e) {
  struct envelopes v = {.c = c};
  struct card own;
  parley_err rc = cli_own_card(c, &own, e);
  if (rc == PARLEY_OK) rc = home_cards_before(&c->home, add_card, &v, e);
  for (size_t i = 0; i < v.n / 2; i++) { /* oldest first, so that each proves the next */
    const struct bytes swap = v.list[i];
    v.list[i] = v.list[v.n - 1 - i];
    v.list[v.n - 1 - i] = swap;
  }
  if (rc == PARLEY_OK) rc = add(&v, own.envelope, e);
  if (rc == PARLEY_OK) rc = home_pins(&c->home, add_pin, &v, e);
  *list = v.list;
  *n = v.n;
  return rc;
}
