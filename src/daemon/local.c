/*
 * The local API's trust, pins and status, as far as the home and the gate are concerned (docs/local-api.md).
 */
#include <string.h>

#include "base/encoding.h"
#include "base/json.h"
#include "daemon/daemon.h"

#define ANSWER_MAX ((size_t)64 << 20) /* of the node's own answers, parsed again here */

static unsigned status_of(parley_err err) {
  switch (err) {
  case PARLEY_OK: return 200;
  case PARLEY_EINVAL:
  case PARLEY_EVERIFY: return 400;
  case PARLEY_EREFUSED: return 403;
  case PARLEY_ENOTFOUND: return 404;
  case PARLEY_ECONFLICT: return 409;
  case PARLEY_ELIMIT: return 413;
  case PARLEY_EBUSY: return 503;
  case PARLEY_EFULL: return 507;
  default: return 500;
  }
}

/* The server says 500 to an answer that failed. */
void local_put_json(struct node_response *out, unsigned status, json_t *v) {
  out->status = status;
  out->content_type = "application/json";
  buf_clear(&out->body);
  if (!v || !json_write(&out->body, v)) out->body.failed = true;
  buf_str(&out->body, "\n");
  json_decref(v);
}

void local_put_error(struct node_response *out, parley_err err, const struct errmsg *e) {
  json_t *v = json_object();
  if (v && !(json_put_str(v, "error", err_name(err)) && json_put_str(v, "message", e->text))) {
    json_decref(v);
    v = NULL;
  }
  local_put_json(out, status_of(err), v);
}

/* ---- POST /v1/trust ---- */

struct trust {
  const char *card, *basis_name; /* into the request */
  uint8_t fingerprint[SHA256_SIZE];
  struct buf basis;
};

static parley_err parse_basis(struct trust *t, const json_t *q, struct errmsg *e) {
  static const char *const members[] = {"name", "data", NULL};
  const char *data;
  json_t *basis;
  parley_err err = json_get_obj(&basis, q, "", "basis", e);
  if (!err) err = json_only(basis, "basis", members, e);
  if (!err) err = json_get_str(&t->basis_name, basis, "basis", "name", e);
  if (!err) err = json_get_str(&data, basis, "basis", "data", e);
  if (!err && !base64_decode(&t->basis, bytes_str(data), true))
    err = buf_ok(&t->basis) ? err_set(e, PARLEY_EINVAL, "basis.data: must be base64")
                            : err_set(e, PARLEY_ENOMEM, "out of memory for the basis");
  if (!err && t->basis.n == 0) err = err_set(e, PARLEY_EINVAL, "basis.data: is empty");
  return err;
}

static parley_err parse_trust(struct trust *t, const json_t *q, struct errmsg *e) {
  static const char *const members[] = {"card", "fingerprint", "basis", NULL};
  const char *fingerprint;
  parley_err err = json_only(q, "", members, e);
  if (!err) err = json_get_str(&t->card, q, "", "card", e);
  if (!err) err = json_get_str(&fingerprint, q, "", "fingerprint", e);
  if (!err && !fingerprint_parse(t->fingerprint, fingerprint))
    err = err_set(e, PARLEY_EINVAL, "fingerprint: must be 64 hex digits");
  return err || !json_object_get(q, "basis") ? err : parse_basis(t, q, e);
}

/* The home first: what a restart would not find must not be trusted now. */
static parley_err pin(struct daemon *d, const struct trust *t, bool *already, struct errmsg *e) {
  const struct bytes card = bytes_str(t->card);
  parley_err err =
      home_pin(&d->home, card, t->fingerprint, t->basis_name, buf_view(&t->basis), daemon_wall_s(), already, e);
  if (!err) err = node_pin(d->node, card, e);
  return err ? err : daemon_set_gate_pins(d, e);
}

static json_t *trusted(const struct daemon *d, const struct trust *t) {
  const struct card *c;
  for (size_t i = 0; (c = node_pinned(d->node, i)) != NULL; i++) {
    if (memcmp(c->fingerprint, t->fingerprint, SHA256_SIZE) != 0) continue;
    log_line(&d->log, LOG_AS_INFO, "%s is trusted", c->name);
    json_t *v = json_object();
    if (v && json_put_str(v, "party", c->name) && json_put_hex(v, "fingerprint", t->fingerprint, SHA256_SIZE)) return v;
    json_decref(v);
    break;
  }
  return NULL;
}

void local_trust(struct daemon *d, struct bytes body, struct node_response *out) {
  struct errmsg e = {""};
  struct trust t = {0};
  json_t *q = NULL;
  bool already = false;
  parley_err err = json_parse(&q, body, body.n, &e);
  if (!err) err = parse_trust(&t, q, &e);
  if (!err) err = pin(d, &t, &already, &e);
  if (err)
    local_put_error(out, err, &e);
  else
    local_put_json(out, already ? 200 : 201, trusted(d, &t));
  buf_free(&t.basis);
  json_decref(q);
}

/* ---- additions ---- */

/* The node's answer as an object; NULL leaves it as it is. */
static json_t *reparse(const struct node_response *out) {
  json_t *v = NULL;
  return json_parse(&v, buf_view(&out->body), ANSWER_MAX, NULL) == PARLEY_OK ? v : NULL;
}

void local_add_status(struct daemon *d, struct node_response *out) {
  struct errmsg last = {""};
  uint64_t refused = 0;
  json_t *v = reparse(out);
  if (!v) return;
  gate_refusals(d->gate, &refused, &last);
  bool ok = json_put_str(v, "version", PARLEY_VERSION) && json_put_int(v, "gate_refused", (int64_t)refused);
  if (ok && refused) ok = json_put_str(v, "gate_last_refusal", last.text);
  if (ok)
    local_put_json(out, out->status, v);
  else
    json_decref(v);
}

static parley_err add_basis(void *ctx, const struct pin *p, struct bytes envelope, struct errmsg *e) {
  size_t i;
  json_t *v;
  (void)envelope;
  if (!*p->basis_name) return PARLEY_OK;
  json_array_foreach((json_t *)ctx, i, v) {
    const char *party = json_string_value(json_object_get(v, "party"));
    if (party && !strcmp(party, p->party) &&
        !(json_put_str(v, "basis", p->basis_name) && json_put_hex(v, "basis_sha256", p->basis_sha256, SHA256_SIZE)))
      return err_set(e, PARLEY_ENOMEM, "out of memory for the pins");
  }
  return PARLEY_OK;
}

void local_add_pins(struct daemon *d, struct node_response *out) {
  struct errmsg e = {""};
  json_t *v = reparse(out), *pins = json_object_get(v, "pins");
  const parley_err err = pins ? home_pins(&d->home, add_basis, pins, &e) : PARLEY_OK;
  if (err)
    local_put_error(out, err, &e);
  else if (pins)
    local_put_json(out, out->status, json_incref(v));
  json_decref(v);
}
