/*
 * Which addressees a proof covers, and the names of numbered files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "record/pack_parts.h"

static bool has_line(const struct note *n, const char *party) {
  char name[PARTY_NAME_MAX + sizeof "/mirror"];
  snprintf(name, sizeof name, "%s/mirror", party);
  for (size_t i = 0; i < n->n; i++)
    if (bytes_is(n->sigs[i].name, name)) return true;
  return false;
}

parley_err pack_cover_read(struct pack_cover *out, struct arena *a, struct bytes note, const struct pack_parties *all,
                           bool taken[static STATEMENT_TO_MAX], struct errmsg *e) {
  struct note n;
  *out = (struct pack_cover){.who = {.from = all->from}};
  const parley_err rc = note_parse(&n, a, note, e);
  if (rc != PARLEY_OK) return rc;
  for (size_t i = 0; i < all->n_to && out->n < PACK_COSIGNERS_MAX; i++) {
    if (taken[i] || !has_line(&n, all->to[i].list[0]->name)) continue;
    taken[i] = true;
    out->who.to[out->n] = all->to[i];
    out->at[out->n++] = i;
  }
  out->who.n_to = out->n;
  if (out->n == 0)
    return err_set(e, PARLEY_EVERIFY,
                   "the checkpoint carries no cosignature of an addressee for whom it could be proof");
  return PARLEY_OK;
}

struct pack_file_name pack_numbered(const char *name, size_t k) {
  struct pack_file_name out;
  const char *dot = strchr(name, '.'); /* "bulk/checkpoint" has none */
  const int stem = dot ? (int)(dot - name) : (int)strlen(name);
  if (k == 0)
    snprintf(out.text, sizeof out.text, "%s", name);
  else
    snprintf(out.text, sizeof out.text, "%.*s.%zu%s", stem, name, k, dot ? dot : "");
  return out;
}

bool pack_is_numbered(const char *file, const char *name, uint64_t *k) {
  const char *dot = strchr(name, '.');
  const size_t stem = dot ? (size_t)(dot - name) : strlen(name), tail = dot ? strlen(dot) : 0, n = strlen(file);
  return n > stem + 1 + tail && strncmp(file, name, stem) == 0 && file[stem] == '.' &&
         strcmp(file + n - tail, dot ? dot : "") == 0 && dec_decode(k, BYTES(file + stem + 1, n - stem - 1 - tail)) &&
         *k >= 1 && *k < STATEMENT_TO_MAX;
}

size_t pack_count_numbered(const struct pack *p, const char *name) {
  size_t n = 0;
  uint64_t k;
  for (size_t i = 0; i < p->n; i++) n += pack_is_numbered(p->files[i].name, name, &k);
  return n;
}

parley_err pack_check_gaps(const struct pack *p, const char *name, size_t n, struct errmsg *e) {
  uint64_t k;
  for (size_t i = 0; i < p->n; i++)
    if (pack_is_numbered(p->files[i].name, name, &k) && k >= n)
      return err_set(e, PARLEY_EINVAL, "%s: the file numbered before it is missing", p->files[i].name);
  return PARLEY_OK;
}
