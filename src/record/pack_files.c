/*
 * The files of an evidence pack by name, and nothing of what is in them.
 */
#include "record/pack_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

const struct pack_trio pack_statement_files = {PACK_ENTRY, PACK_PROOF, PACK_POLICY},
                       pack_ack_files = {PACK_ACK PACK_ENTRY, PACK_ACK PACK_PROOF, PACK_ACK PACK_POLICY},
                       pack_reject_files = {PACK_REJECT PACK_ENTRY, PACK_REJECT PACK_PROOF, PACK_REJECT PACK_POLICY};

static const char *const fixed_names[] = {
    PACK_ENTRY,
    PACK_PROOF,
    PACK_POLICY,
    PACK_CHARTER,
    PACK_BULK_CHECKPOINT,
    PACK_BULK_CONSISTENCY,
    PACK_BULK_RANGE,
    PACK_ACK PACK_ENTRY,
    PACK_ACK PACK_PROOF,
    PACK_ACK PACK_POLICY,
    PACK_REJECT PACK_ENTRY,
    PACK_REJECT PACK_PROOF,
    PACK_REJECT PACK_POLICY,
    PACK_BODY,
    PACK_REJECT_BODY,
    PACK_MANUAL,
};

const struct pack_file *pack_find(const struct pack *p, const char *name) {
  for (size_t i = 0; i < p->n; i++)
    if (strcmp(p->files[i].name, name) == 0) return &p->files[i];
  return NULL;
}

struct pack_file_name pack_card_file(const char *party) {
  struct pack_file_name name;
  snprintf(name.text, sizeof name.text, "cards/%s.json", party);
  return name;
}

struct pack_file_name pack_older_card_file(const char *party, uint64_t serial) {
  struct pack_file_name name;
  snprintf(name.text, sizeof name.text, "cards/%s.%" PRIu64 ".json", party, serial);
  return name;
}

struct pack_file_name pack_charter_file(size_t k) {
  struct pack_file_name name;
  snprintf(name.text, sizeof name.text, "charter.%zu.json", k);
  return name;
}

/* What stands between prefix and ".json"; empty when the name is not built like that. */
static struct bytes middle(const char *name, const char *prefix) {
  const size_t n = strlen(name), front = strlen(prefix), back = strlen(".json");
  if (n <= front + back || strncmp(name, prefix, front) != 0 || strcmp(name + n - back, ".json") != 0)
    return BYTES_NONE;
  return BYTES(name + front, n - front - back);
}

static bool is_party(struct bytes text) {
  char name[PARTY_NAME_MAX + 1] = {0};
  if (text.n == 0 || text.n > PARTY_NAME_MAX) return false;
  memcpy(name, text.p, text.n);
  return party_name_valid(name);
}

/* A party, or a party and a serial: which of both only the card in it says. */
static bool is_card_name(struct bytes text) {
  uint64_t serial;
  size_t dot = text.n;
  while (dot > 0 && text.p[dot - 1] != '.') dot--;
  return is_party(text) ||
         (dot > 0 && dec_decode(&serial, BYTES(text.p + dot, text.n - dot)) && is_party(BYTES(text.p, dot - 1)));
}

bool pack_is_card_name(const char *name) { return is_card_name(middle(name, "cards/")); }

static bool name_known(const char *name) {
  for (size_t i = 0; i < sizeof fixed_names / sizeof *fixed_names; i++)
    if (strcmp(name, fixed_names[i]) == 0) return true;
  static const char *const numbered[] = {PACK_PROOF, PACK_POLICY, PACK_BULK_CHECKPOINT, PACK_BULK_CONSISTENCY};
  uint64_t k;
  for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++)
    if (pack_is_numbered(name, numbered[i], &k)) return true;
  const struct bytes number = middle(name, "charter.");
  if (number.n > 0) return dec_decode(&k, number) && k < PACK_FILES_MAX;
  return pack_is_card_name(name);
}

/* Those under files/: what they are called is told by the statement's body, which is not read yet. */
static parley_err check_stored_names(const struct pack *p, struct errmsg *e) {
  if (p->n_stored > PACK_STORED_MAX)
    return err_set(e, PARLEY_EINVAL, "files/: the pack has %zu files there, an evidence pack at most %d", p->n_stored,
                   PACK_STORED_MAX);
  for (size_t i = 0; i < p->n_stored; i++) {
    const char *name = p->stored[i].text;
    if (memchr(name, 0, PACK_NAME_SIZE) == NULL)
      return err_set(e, PARLEY_EINVAL, "files/: the name of a file is too long");
    if (i > 0 && strcmp(p->stored[i - 1].text, name) >= 0)
      return err_set(e, PARLEY_EINVAL, "%s: the file stands twice or out of order in the pack", name);
  }
  return PARLEY_OK;
}

parley_err pack_check_listed(const struct pack *p, bool (*known)(const char *name), const char *what,
                             struct errmsg *e) {
  if (p->n > PACK_FILES_MAX)
    return err_set(e, PARLEY_EINVAL, "it has %zu files, %s at most %d", p->n, what, PACK_FILES_MAX);
  size_t total = 0;
  for (size_t i = 0; i < p->n; i++) {
    const struct pack_file *f = &p->files[i];
    if (memchr(f->name, 0, sizeof f->name) == NULL)
      return err_set(e, PARLEY_EINVAL, "the name of file %zu of the pack is too long", i + 1);
    if (!known(f->name))
      return err_set(e, PARLEY_EINVAL, "%s: no such file belongs in %s; remove it, or draw it anew", f->name, what);
    if (i > 0 && strcmp(p->files[i - 1].name, f->name) >= 0)
      return err_set(e, PARLEY_EINVAL, "%s: the file stands twice or out of order in the pack", f->name);
    if (f->data.n > PACK_BYTES_MAX - total)
      return err_set(e, PARLEY_EINVAL, "%s: the files are larger together than the %u bytes of %s", f->name,
                     PACK_BYTES_MAX, what);
    total += f->data.n;
  }
  return PARLEY_OK;
}

parley_err pack_check_names(const struct pack *p, struct errmsg *e) {
  const parley_err rc = pack_check_listed(p, name_known, "an evidence pack", e);
  return rc == PARLEY_OK ? check_stored_names(p, e) : rc;
}

parley_err pack_need(const struct pack_file **out, const struct pack *p, const char *name, struct errmsg *e) {
  *out = pack_find(p, name);
  if (*out == NULL) return err_set(e, PARLEY_EINVAL, "%s: the file is missing from the pack", name);
  return PARLEY_OK;
}

parley_err pack_same(struct bytes have, struct bytes want, struct errmsg *e) {
  size_t i = 0, line = 1;
  for (; i < have.n && i < want.n && have.p[i] == want.p[i]; i++) line += have.p[i] == '\n';
  if (i == have.n && i == want.n) return PARLEY_OK;
  return err_set(e, PARLEY_EVERIFY,
                 "line %zu differs from what the rest of the pack demands (docs/protocol.md, Evidence pack)", line);
}
