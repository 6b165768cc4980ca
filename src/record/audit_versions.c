/*
 * The versions of the charter that a log opens: each has the signatures that those before it in this log demand, and
 * the logs that it closes have, at the size that it names, the root that it names (docs/protocol.md, "New versions").
 */
#include <string.h>

#include "forum/versions.h"
#include "record/audit_state.h"

struct audit_version {
  struct audit_version *next;
  struct charter charter;
};

/* Those that it lists and that this log has opened. */
static size_t listed(const struct audit_order *o, const struct charter *c,
                     const struct charter *out[static CHARTER_REPLACES_MAX]) {
  size_t n = 0;
  for (const struct audit_version *v = o->opened; v && n < CHARTER_REPLACES_MAX; v = v->next) {
    bool before = !version_lists(c, v->charter.digest);
    for (size_t i = 0; i < n && !before; i++) before = !memcmp(out[i]->digest, v->charter.digest, SHA256_SIZE);
    if (!before) out[n++] = &v->charter;
  }
  return n;
}

/* The same closing stands in every member's log: it is judged once. */
static bool judged_already(const struct audit *a, uint32_t log, const struct charter_closed *end) {
  for (size_t i = 0; i < a->n_claims; i++) {
    const struct audit_claim *c = &a->claims[i];
    if (c->about == AUDIT_CHARTER && c->log == log && c->size == end->size && hash_eq(&c->root, &end->root))
      return true;
  }
  return false;
}

static parley_err claim_ends(struct audit *a, uint32_t log, uint64_t index, const struct charter *c, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < c->n_closed && !err; i++) {
    const struct charter_closed *end = &c->closed[i];
    char origin[ORIGIN_MAX + 1];
    log_origin(origin, end->party, l->forum, end->epoch, false);
    const uint32_t about = audit_log_number(a, origin);
    if (about == AUDIT_NO_LOG)
      l->n.beyond++;
    else if (!judged_already(a, about, end))
      err = audit_claim_add(
          a,
          &(struct audit_claim){
              .log = about, .by = log, .size = end->size, .at = index, .root = end->root, .about = AUDIT_CHARTER},
          e);
  }
  return err;
}

parley_err audit_version_take(struct audit *a, uint32_t log, struct audit_order *o, uint64_t index, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  const struct charter *before[CHARTER_REPLACES_MAX];
  bool signed_by[FORUM_MEMBERS_MAX], all = false;
  struct errmsg why = {{0}};
  struct audit_version *v = arena_alloc(&o->memory, sizeof *v);
  if (!v) return audit_no_memory(e);
  parley_err err = charter_envelope_parse(&v->charter, signed_by, &all, &o->memory, buf_view(&o->charter),
                                          audit_card_by_fingerprint, &a->cards, &why);
  const size_t n = err ? 0 : listed(o, &v->charter, before);
  if (!err && !version_complete(&v->charter, signed_by, before, n)) {
    if (l->since > 0 && v->charter.n_replaces > 0) { /* what it replaces may stand before what is read */
      l->n.beyond++;
      return PARLEY_OK;
    }
    err = err_set(&why, PARLEY_EVERIFY,
                  n || v->charter.n_replaces == 0 ? "it lacks signatures"
                                                  : "this log has opened none of the versions that it replaces");
  }
  if (err == PARLEY_ENOMEM) return audit_no_memory(e);
  if (err) {
    audit_found(a, log, AUDIT_CHARTER, 0, index, audit_ask, "the charter that ends with entry %llu does not verify: %s",
                (unsigned long long)index, why.text);
    return PARLEY_OK;
  }
  v->next = o->opened;
  o->opened = v;
  return claim_ends(a, log, index, &v->charter, e);
}
