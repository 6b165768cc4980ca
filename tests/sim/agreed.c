/*
 * A forum too large for its members to sign over the network in a run: they have signed on paper, as it were, and each store begins
 * with the complete charter, as if the forum had been in force for a while.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static bool write_payload(struct world *w, struct buf *out) {
  struct charter c = {.n_languages = 1, .languages = {"en"}, .n_fields = 1, .fields = {"cyber"}, .n_forms = 1};
  struct charter_member members[SIM_PARTIES_MAX] = {0};
  charter_defaults(&c);
  snprintf(c.title, sizeof c.title, "Run %llu", (unsigned long long)w->o.seed);
  for (size_t i = 0; i < sizeof c.nonce; i++) c.nonce[i] = (uint8_t)chance(w);
  c.members = members;
  c.n_members = w->n;
  for (unsigned i = 0; i < w->n; i++) { /* their names are in order */
    snprintf(members[i].name, sizeof members[i].name, "%s", w->homes[i].name);
    memcpy(members[i].fingerprint, w->homes[i].cards[0].fingerprint, SHA256_SIZE);
    members[i].role = ROLE_MEMBER;
  }
  c.quorum = w->n;
  c.heartbeat_seconds = w->heartbeat_s;
  snprintf(c.forms[0].name, sizeof c.forms[0].name, "%s", form_kind(w->form));
  memcpy(c.forms[0].digest, form_digest(w->form), SHA256_SIZE);
  return charter_payload(out, &c, NULL) == PARLEY_OK && buf_ok(out);
}

/* By the parties [from, to). */
static bool sign(struct world *w, unsigned from, unsigned to, struct bytes payload, struct buf *out) {
  static struct dsse_sig sigs[SIM_PARTIES_MAX];
  struct dsse d = {.type = bytes_str(CHARTER_TYPE), .payload = payload, .n = to - from, .sigs = sigs};
  struct buf pae = {0};
  bool ok = true;
  dsse_pae(&pae, d.type, payload);
  for (unsigned i = from; i < to && ok; i++) {
    struct ed25519_key *k = NULL;
    ok = ed25519_from_seed(&k, w->homes[i].keys[0], NULL) == PARLEY_OK;
    if (ok) ed25519_sign(sigs[i - from].sig, k, buf_view(&pae));
    if (ok) ed25519_keyid(sigs[i - from].keyid, ed25519_public(k));
    ed25519_free(k);
  }
  if (ok) dsse_write(out, &d);
  ok = ok && buf_ok(&pae) && buf_ok(out);
  buf_free(&pae);
  return ok;
}

bool forum_is_agreed(const struct world *w) { return w->n > SIM_PARTIES_PROPOSED || w->has_liar; }

bool forum_agreed(struct world *w) {
  struct buf payload = {0}, envelope = {0};
  uint8_t id[SHA256_SIZE];
  bool ok = write_payload(w, &payload) && sign(w, 0, w->n, buf_view(&payload), &envelope);
  if (ok) sha256(id, buf_view(&payload));
  if (ok) hex_encode(w->forum, BYTES(id, sizeof id));
  for (unsigned i = 0; i < w->total && ok; i++) ok = home_put_forum(&w->homes[i], id, buf_view(&envelope));
  buf_free(&payload);
  buf_free(&envelope);
  return ok;
}

bool forum_proposal(struct home *h, struct buf *envelope) {
  struct world *w = h->w;
  struct buf payload = {0};
  const bool ok = write_payload(w, &payload) && sign(w, w->n - 1, w->n, buf_view(&payload), envelope);
  buf_free(&payload);
  return ok;
}
