/*
 * Neutral witnesses as others see them: on the read side of our own log, and in the status.
 */
#include <string.h>

#include "base/json_load.h"
#include "node/witness.h"

void witness_lines(struct node *n, const struct own_log *l, size_t *lines, struct buf *out) {
  const struct forum *f = l->forum;
  struct cosignature c;
  for (size_t i = 0; !l->bulk && i < f->n_witnesses && *lines < NOTE_SIGS_WRITE_MAX; i++)
    if (witness_at(n, &f->witnesses[i], l->signed_size, &c, NULL) == PARLEY_OK) {
      buf_fmt(out, "%s\n", c.line);
      ++*lines;
    }
}

void witness_checkpoint(struct node *n, const struct own_log *l, const char *name, struct buf *out) {
  const struct forum *f = l->forum;
  for (size_t i = 0; !l->bulk && i < f->n_witnesses; i++) {
    const struct witness *w = &f->witnesses[i];
    struct cosignature c;
    struct hash root;
    if (strcmp(w->key.name, name) || !w->cosigned || witness_at(n, w, w->cosigned, &c, NULL) ||
        copy_root(l->copy, w->cosigned, &root, NULL))
      continue;
    checkpoint_text(out, l->origin, w->cosigned, &root);
    buf_fmt(out, "\n%s\n%s\n", c.log_line, c.line);
    return;
  }
}

/* What the operator of a witness is to be given: the key of this log, named by its origin. */
static void put_log_vkey(json_t *o, const struct node *n, const struct own_log *l) {
  struct vkey k;
  struct buf text = {0};
  if (card_log_vkey(&k, &n->own, l->origin, NULL)) return;
  vkey_write(&text, &k);
  const char *s = buf_cstr(&text);
  if (!s) json_lose();
  if (s) json_put_str(o, "log_vkey", s);
  buf_free(&text);
}

static json_t *status_one(struct node *n, const struct forum *f, const struct witness *w) {
  json_t *o = json_object();
  json_put_str(o, "witness", w->key.name);
  json_put_hex(o, "forum", f->id, SHA256_SIZE);
  json_put_str(o, "title", f->charter.title);
  json_object_set_new(o, "configured", json_boolean(w->at != NULL));
  if (w->at) json_put_str(o, "url", w->at->url);
  json_put_int(o, "size", (int64_t)w->cosigned);
  if (w->cosigned) json_put_time(o, "time", w->cosigned_at);
  json_put_int(o, "signed", (int64_t)w->log->signed_size);
  if (w->failing_since) {
    const int64_t in = (w->lane.next_ms - node_mono(n)) / 1000;
    json_put_time(o, "failing_since", w->failing_since);
    json_put_time(o, "next_attempt", node_wall(n) + (in > 0 ? in : 0));
  }
  json_put_str(o, "why", w->lane.why);
  put_log_vkey(o, n, w->log);
  return o;
}

json_t *witness_status(struct node *n) {
  json_t *list = json_array();
  for (const struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_witnesses; i++) json_array_append_new(list, status_one(n, f, &f->witnesses[i]));
  return list;
}
