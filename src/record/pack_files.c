/*
 * The files of an evidence pack by name, and nothing of what is in them.
 */
#include "record/pack_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

static const char *const fixed_names[] = {
    PACK_ENTRY,     PACK_PROOF,     PACK_POLICY,     PACK_CHARTER, PACK_BULK_CHECKPOINT, PACK_BULK_CONSISTENCY,
    PACK_ACK_ENTRY, PACK_ACK_PROOF, PACK_ACK_POLICY, PACK_MANUAL,
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

static bool name_known(const char *name) {
  for (size_t i = 0; i < sizeof fixed_names / sizeof *fixed_names; i++)
    if (strcmp(name, fixed_names[i]) == 0) return true;
  uint64_t k;
  const struct bytes number = middle(name, "charter.");
  if (number.n > 0) return dec_decode(&k, number) && k < PACK_FILES_MAX;
  const struct bytes party = middle(name, "cards/");
  char text[PARTY_NAME_MAX + 1] = {0};
  if (party.n == 0 || party.n > PARTY_NAME_MAX) return false;
  memcpy(text, party.p, party.n);
  return party_name_valid(text);
}

parley_err pack_check_names(const struct pack *p, struct errmsg *e) {
  if (p->n > PACK_FILES_MAX)
    return err_set(e, PARLEY_EINVAL, "the pack has %zu files, an evidence pack at most %d", p->n, PACK_FILES_MAX);
  size_t total = 0;
  for (size_t i = 0; i < p->n; i++) {
    const struct pack_file *f = &p->files[i];
    if (memchr(f->name, 0, sizeof f->name) == NULL)
      return err_set(e, PARLEY_EINVAL, "the name of file %zu of the pack is too long", i + 1);
    if (!name_known(f->name))
      return err_set(e, PARLEY_EINVAL,
                     "%s: no such file belongs in an evidence pack; remove it, or draw the receipt anew", f->name);
    if (i > 0 && strcmp(p->files[i - 1].name, f->name) >= 0)
      return err_set(e, PARLEY_EINVAL, "%s: the file stands twice or out of order in the pack", f->name);
    if (f->data.n > PACK_BYTES_MAX - total)
      return err_set(e, PARLEY_EINVAL, "%s: the files are larger together than the %u bytes of an evidence pack",
                     f->name, PACK_BYTES_MAX);
    total += f->data.n;
  }
  return PARLEY_OK;
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
