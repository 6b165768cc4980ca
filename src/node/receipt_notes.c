#include "node/receipt_notes.h"

#include <string.h>

#include "node/cosigned_note.h"

#define COSIGNERS_MAX (NOTE_SIGS_WRITE_MAX - 1)

/* One addressee's cosignature; size 0: none. */
struct candidate {
  uint64_t size;
  const char *log_line, *line;
};

static parley_err no_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory"); }

/* ---- notes out of candidates ---- */

/* How many notes they take. */
static size_t count_notes(const struct candidate *c, size_t n) {
  size_t notes = 0;
  for (size_t i = 0; i < n; i++) {
    size_t before = 0;
    for (size_t k = 0; k < i; k++) before += c[k].size == c[i].size;
    notes += c[i].size && before % COSIGNERS_MAX == 0;
  }
  return notes;
}

/* The note that begins with addressee `first`: those of the same size from there on that stand in none yet. */
static parley_err write_note(struct receipt_notes *out, struct arena *a, struct copy *copy, const struct candidate *c,
                             size_t n, size_t first, struct errmsg *e) {
  struct buf b = {0};
  struct hash root;
  size_t lines = 0;
  struct receipt_note *note = &out->list[out->n];
  const parley_err r = copy_root(copy, c[first].size, &root, e);
  if (r) return r;
  checkpoint_text(&b, copy_origin(copy), c[first].size, &root);
  buf_fmt(&b, "\n%s\n", c[first].log_line);
  for (size_t i = first; i < n && lines < COSIGNERS_MAX; i++) {
    if (c[i].size != c[first].size || out->covered[i]) continue;
    buf_fmt(&b, "%s\n", c[i].line);
    out->covered[i] = true;
    lines++;
  }
  note->size = c[first].size;
  note->text = buf_ok(&b) ? arena_take(a, &b) : BYTES_NONE;
  buf_free(&b);
  if (!note->text.p) return no_memory(e);
  out->n++;
  return PARLEY_OK;
}

static parley_err write_notes(struct receipt_notes *out, struct arena *a, struct copy *copy, const struct candidate *c,
                              size_t n, struct errmsg *e) {
  const size_t notes = count_notes(c, n);
  if (notes > RECEIPT_NOTES_MAX)
    return err_set(e, PARLEY_ELIMIT,
                   "the addressees have cosigned %zu different checkpoints, an evidence pack has room for %d", notes,
                   RECEIPT_NOTES_MAX);
  out->list = arena_alloc(a, (notes + 1) * sizeof *out->list);
  if (!out->list) return no_memory(e);
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < n && !r; i++)
    if (c[i].size && !out->covered[i]) r = write_note(out, a, copy, c, n, i, e);
  return r;
}

/* ---- our own log ---- */

static parley_err set(struct candidate *out, struct arena *a, const struct cosignature *c, struct errmsg *e) {
  out->log_line = arena_strdup(a, c->log_line);
  out->line = arena_strdup(a, c->line);
  if (!out->log_line || !out->line) return no_memory(e);
  out->size = c->size;
  return PARLEY_OK;
}

/* The smallest size beyond index that all have cosigned. ENOTFOUND: there is none yet. */
static parley_err common_size(uint64_t *size, struct node *n, struct own_log *l, const struct statement *s,
                              uint64_t index, struct errmsg *e) {
  struct cosignature c;
  for (*size = index;;) {
    size_t i = 0;
    parley_err r = cosignature_covering(n, l, s->to[0], *size, &c, e);
    if (r) return r;
    *size = c.size;
    while (i < s->n_to && !(r = cosignature_at(n, l, s->to[i], *size, &c, e))) i++;
    if (i == s->n_to || r != PARLEY_ENOTFOUND) return r;
  }
}

/* Of each its earliest, or its newest cosignature. */
static parley_err each(struct candidate *out, struct arena *a, struct node *n, struct own_log *l,
                       const struct statement *s, uint64_t index, const bool *only, bool newest, struct errmsg *e) {
  struct cosignature c;
  for (size_t i = 0; i < s->n_to; i++) {
    const struct member *m = forum_member(l->forum, s->to[i]);
    out[i].size = 0;
    if (!m || (only && !only[i])) continue;
    parley_err r =
        newest ? cosignature_newest(n, l, s->to[i], &c, e) : cosignature_covering(n, l, s->to[i], index, &c, e);
    if (!r && c.size > index) r = set(&out[i], a, &c, e);
    if (r && r != PARLEY_ENOTFOUND) return r;
  }
  return PARLEY_OK;
}

static parley_err all_at(struct candidate *out, struct arena *a, struct node *n, struct own_log *l,
                         const struct statement *s, uint64_t size, struct errmsg *e) {
  struct cosignature c;
  parley_err r = PARLEY_OK;
  for (size_t i = 0; i < s->n_to && !r; i++) {
    r = cosignature_at(n, l, s->to[i], size, &c, e);
    if (!r) r = set(&out[i], a, &c, e);
  }
  return r;
}

parley_err receipt_notes_own(struct receipt_notes *out, struct arena *a, struct node *n, struct own_log *l,
                             const struct statement *s, uint64_t index, const bool *only, struct errmsg *e) {
  *out = (struct receipt_notes){0};
  struct candidate *c = arena_alloc(a, s->n_to * sizeof *c);
  if (!c) return no_memory(e);
  bool all = s->n_to <= COSIGNERS_MAX;
  for (size_t i = 0; only && i < s->n_to; i++) all = all && only[i];
  uint64_t size;
  parley_err r = all ? common_size(&size, n, l, s, index, e) : PARLEY_ENOTFOUND;
  if (!r) r = all_at(c, a, n, l, s, size, e);
  if (r == PARLEY_ENOTFOUND) {
    r = each(c, a, n, l, s, index, only, false, e);
    if (!r && count_notes(c, s->n_to) > RECEIPT_NOTES_MAX) r = each(c, a, n, l, s, index, only, true, e);
  }
  if (!r) r = write_notes(out, a, l->copy, c, s->n_to, e);
  if (!r && out->n == 0)
    r = err_set(e, PARLEY_ENOTFOUND,
                s->n_to == 1 ? "%s has not cosigned it yet" : "%s and the others have not cosigned it yet", s->to[0]);
  return r;
}

/* ---- another's log ---- */

/* From a note with the log's signature and one cosignature; nothing when it does not reach, or is not of our tree. */
static parley_err from_note(struct candidate *out, struct arena *a, const struct their_log *l, struct bytes text,
                            uint64_t index, struct errmsg *e) {
  struct copy *copy = mirror_copy(l->mirror);
  struct note note;
  struct checkpoint c;
  struct hash root;
  parley_err r = note_parse(&note, a, text, e);
  if (!r) r = checkpoint_parse(&c, note.text, e);
  if (r || note.n != 2 || c.size <= index || c.size > copy_size(copy)) return r;
  r = copy_root(copy, c.size, &root, e);
  if (r || !hash_eq(&root, &c.root)) return r;
  out->log_line = arena_cstr(a, BYTES(note.sigs[0].line.p, note.sigs[0].line.n - 1));
  out->line = arena_cstr(a, BYTES(note.sigs[1].line.p, note.sigs[1].line.n - 1));
  if (!out->log_line || !out->line) return no_memory(e);
  out->size = c.size;
  return PARLEY_OK;
}

parley_err receipt_notes_theirs(struct receipt_notes *out, struct arena *a, struct node *n, const struct their_log *l,
                                const struct statement *s, uint64_t index, const bool *only, struct errmsg *e) {
  *out = (struct receipt_notes){0};
  struct candidate *c = arena_alloc(a, s->n_to * sizeof *c);
  struct mirror_state st;
  if (!c) return no_memory(e);
  memset(c, 0, s->n_to * sizeof *c);
  mirror_state(l->mirror, &st);
  for (size_t i = 0; i < s->n_to; i++) {
    struct bytes note = st.note;
    uint64_t size = st.size;
    if (only && !only[i]) continue;
    parley_err r =
        strcmp(s->to[i], n->own.name) ? carried_note_get(n, l->origin, s->to[i], a, &note, &size, e) : PARLEY_OK;
    if (!r && note.n) r = from_note(&c[i], a, l, note, index, e);
    if (r && r != PARLEY_ENOTFOUND) return r;
  }
  const parley_err r = write_notes(out, a, mirror_copy(l->mirror), c, s->n_to, e);
  if (r || out->n) return r;
  return err_set(e, PARLEY_ENOTFOUND, "no cosignature of an addressee over it is held here; %s can draw it", s->from);
}
