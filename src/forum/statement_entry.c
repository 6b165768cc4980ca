#include <string.h>

#include "forum/statement.h"

parley_err statement_entry_signed(struct buf *out, struct bytes payload, const uint8_t pub[static 32],
                                  const uint8_t sig[static 64], struct errmsg *e) {
  struct dsse_sig s;
  size_t before = out->n;
  ed25519_keyid(s.keyid, pub);
  memcpy(s.sig, sig, sizeof s.sig);
  dsse_write(out, &(struct dsse){.type = bytes_str(STATEMENT_TYPE), .payload = payload, .n = 1, .sigs = &s});
  if (!buf_ok(out)) return err_set(e, PARLEY_ENOMEM, "out of memory while writing a statement");
  size_t size = out->n - before;
  if (size > ENTRY_MAX) {
    out->n = before;
    return err_set(
        e, PARLEY_ELIMIT,
        "the entry would have %zu bytes, %zu more than the %d that fit; shorten the text or attach it as a file", size,
        size - ENTRY_MAX, ENTRY_MAX);
  }
  return PARLEY_OK;
}

parley_err statement_entry(struct buf *out, struct bytes payload, const struct ed25519_key *party, struct errmsg *e) {
  struct buf pae = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  dsse_pae(&pae, bytes_str(STATEMENT_TYPE), payload);
  bool ok = buf_ok(&pae);
  if (ok) ed25519_sign(sig, party, buf_view(&pae));
  buf_free(&pae);
  return ok ? statement_entry_signed(out, payload, ed25519_public(party), sig, e)
            : err_set(e, PARLEY_ENOMEM, "out of memory while signing a statement");
}

parley_err statement_verify(const struct dsse *envelope, const struct statement *s, const struct card *from,
                            struct errmsg *e) {
  char keyid[65];
  ed25519_keyid(keyid, from->statement);
  if (strcmp(s->from, from->name) != 0)
    return err_set(e, PARLEY_EVERIFY, "from: the statement is by %s, the card is of %s", s->from, from->name);
  if (envelope->n == 0 || strcmp(envelope->sigs[0].keyid, keyid) != 0)
    return err_set(e, PARLEY_EVERIFY, "signatures[0]: is not by the statement key in the card of %s", from->name);
  struct buf pae = {0};
  dsse_pae(&pae, envelope->type, envelope->payload);
  bool memory = buf_ok(&pae), ok = memory && ed25519_verify(from->statement, envelope->sigs[0].sig, buf_view(&pae));
  buf_free(&pae);
  if (!memory) return err_set(e, PARLEY_ENOMEM, "out of memory while checking a signature");
  return ok ? PARLEY_OK : err_set(e, PARLEY_EVERIFY, "signatures[0]: the signature of %s does not verify", from->name);
}

void statement_clear(struct statement *s) {
  json_decref(s->body);
  *s = (struct statement){0};
}

void statement_id(struct hash *out, struct bytes entry) { merkle_leaf(out, entry); }
