/*
 * Recovering: statements with files that were accepted here and never sent. Where the bulk log is given up, or goes on
 * with what others hold, their files' places are gone: people are told which they are before anything is done, and send
 * them again.
 */
#include <string.h>

#include "base/json_load.h"
#include "node/recover.h"

#define UNSENT_MAX 100 /* more are not named */

static void add_unsent(struct recovery *r, struct forum *f, uint64_t index, json_t *list) {
  struct arena a = {0};
  struct bytes entry;
  struct statement s = {0};
  struct dsse d;
  struct hash id;
  struct row row;
  if (!copy_entry(f->log.copy, index, &a, &entry, NULL) && !statement_parse(&s, &a, entry, &d, NULL) && s.n_attach) {
    statement_id(&id, entry);
    if (!row_get(r->n, &id, &row, NULL)) {
      if (!row.problem) json_array_append_new(list, row_summary(r->n, &row));
      row_clear(&row);
    }
  }
  statement_clear(&s);
  arena_free(&a);
}

json_t *recover_unsent(struct recovery *r, struct forum *f) {
  json_t *list = json_array();
  const uint64_t end = copy_size(f->log.copy);
  for (uint64_t i = recover_signed_end(&r->log, &f->log); i < end && json_array_size(list) < UNSENT_MAX; i++)
    add_unsent(r, f, i, list);
  return list;
}

/* Its row is gone with its place, or says so. */
static bool is_lost(struct node *n, const json_t *summary) {
  uint8_t id[SHA256_SIZE];
  struct hash h;
  struct row row;
  if (json_get_hex(id, sizeof id, summary, "", "id", NULL)) return false;
  memcpy(h.b, id, sizeof h.b);
  const parley_err err = row_get(n, &h, &row, NULL);
  if (err) return err == PARLEY_ENOTFOUND;
  const bool lost = row.problem != NULL;
  row_clear(&row);
  return lost;
}

void recover_settle(struct recovery *r) {
  size_t i;
  json_t *o;
  json_array_foreach(r->report, i, o) {
    json_t *list = json_object_get(o, "unsent_files");
    for (size_t k = json_array_size(list); k-- > 0;)
      if (!is_lost(r->n, json_array_get(list, k))) json_array_remove(list, k);
    if (list) json_put_int(o, "to_send_again", (int64_t)json_array_size(list));
  }
}
