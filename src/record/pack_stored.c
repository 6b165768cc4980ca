/*
 * The disclosed files of an evidence pack (docs/protocol.md, "Disclosure", 3 and 4). Each is read once: sealed again while
 * it is read and compared with its sealed form, whose pieces are at the same time the leaves of the bulk tree.
 */
#include <string.h>

#include "record/disclosure.h"
#include "record/pack_check.h"

/* ---- which files ---- */

static bool stored(const struct pack *p, const char *name) {
  for (size_t i = 0; i < p->n_stored; i++)
    if (strcmp(p->stored[i].text, name) == 0) return true;
  return false;
}

static struct pack_file_name clear_name(const struct check *c, size_t n) {
  return disclosure_clear_name(n, c->out->disclosed.text.files[n].name);
}

static parley_err pair_check(struct check *c, size_t n, size_t *matched) {
  const struct pack_file_name clear = clear_name(c, n), sealed = disclosure_sealed_name(n);
  const bool has_clear = stored(c->p, clear.text), has_sealed = stored(c->p, sealed.text);
  if (has_clear != has_sealed)
    return err_set(c->e, PARLEY_EINVAL, "%s: it is there without %s", has_clear ? clear.text : sealed.text,
                   has_clear ? sealed.text : clear.text);
  *matched += has_clear ? 2 : 0;
  c->out->disclosed.file[n] = has_clear;
  c->out->disclosed.n_files += has_clear;
  return PARLEY_OK;
}

static bool of_some_file(const struct check *c, const char *name) {
  for (size_t n = 0; n < c->out->disclosed.text.n_files; n++)
    if (strcmp(name, clear_name(c, n).text) == 0 || strcmp(name, disclosure_sealed_name(n).text) == 0) return true;
  return false;
}

static parley_err which_files(struct check *c) {
  size_t matched = 0;
  if (!c->out->disclosed.body)
    return c->p->n_stored == 0 ? PARLEY_OK
                               : err_set(c->e, PARLEY_EINVAL, "%s: it is there without %s, which says what it is",
                                         c->p->stored[0].text, PACK_BODY);
  for (size_t i = 0; i < c->p->n_stored; i++)
    if (!of_some_file(c, c->p->stored[i].text))
      return err_set(c->e, PARLEY_EINVAL, "%s: %s names no file that would be called so in a pack",
                     c->p->stored[i].text, PACK_BODY);
  parley_err rc = PARLEY_OK;
  for (size_t n = 0; n < c->out->statement.n_attach && rc == PARLEY_OK; n++) rc = pair_check(c, n, &matched);
  return rc;
}

/* ---- one file ---- */

struct reading {
  struct check *c;
  const size_t *order; /* the files as they stand in the tree */
  size_t next;         /* of order */
  size_t file;         /* the one that is open */
  uint64_t left;       /* bytes of the sealed file that are not read yet */
  bool open, differs;  /* differs: from what the clear file gives */
  struct pack_file_name clear_name, sealed_name;
  struct pack_stream clear, sealed;
  bool clear_open, sealed_open;
  struct buf head;           /* the sealed file's header, read before the rest; */
  size_t head_at;            /* so much of it is used */
  struct sha256_ctx *digest; /* of the sealed file */
  struct resealing *again;
};

static void reading_close(struct reading *r) {
  const struct pack_source *from = &r->c->p->source;
  if (r->clear_open) from->close(from->ctx, &r->clear);
  if (r->sealed_open) from->close(from->ctx, &r->sealed);
  r->open = r->clear_open = r->sealed_open = false;
  resealing_free(r->again);
  sha256_free(r->digest);
  buf_free(&r->head);
  r->again = NULL;
  r->digest = NULL;
  r->head_at = 0;
}

/* n bytes of the sealed file; EVERIFY when it ends before. */
static parley_err read_sealed(struct reading *r, uint8_t *p, size_t n) {
  while (n > 0) {
    size_t got = r->head.n - r->head_at < n ? r->head.n - r->head_at : n;
    if (got > 0) {
      memcpy(p, r->head.p + r->head_at, got);
      r->head_at += got;
    } else {
      const parley_err rc = r->sealed.read(r->sealed.ctx, p, n, &got, r->c->e);
      if (rc != PARLEY_OK) return rc;
      if (got == 0)
        return err_set(r->c->e, PARLEY_EVERIFY, "%s: it is shorter than the file that %s attaches", r->sealed_name.text,
                       PACK_ENTRY);
    }
    p += got;
    n -= got;
  }
  return PARLEY_OK;
}

/* The header tells to which keys the file is sealed, so it is read first. */
static parley_err read_head(struct reading *r, uint64_t size) {
  const size_t n = age_header_size(r->c->who.n_to + 1);
  struct buf head = {0};
  uint8_t *p = buf_extend(&head, n);
  parley_err rc =
      p == NULL ? err_set(r->c->e, PARLEY_ENOMEM, "out of memory while reading %s", r->sealed_name.text) : PARLEY_OK;
  if (rc == PARLEY_OK && size < n)
    rc = err_set(r->c->e, PARLEY_EVERIFY, "%s: it is too short to be sealed to these parties", r->sealed_name.text);
  if (rc == PARLEY_OK) rc = read_sealed(r, p, n);
  if (rc == PARLEY_OK)
    r->head = head;
  else
    buf_free(&head);
  return rc;
}

static parley_err start_again(struct reading *r) {
  struct check *c = r->c;
  const struct statement *s = &c->out->statement;
  uint8_t recipients[STATEMENT_TO_MAX + 1][X25519_SIZE];
  struct pack_reader *readers = arena_alloc(c->a, (s->n_to + 1) * sizeof *readers);
  r->digest = sha256_new();
  if (readers == NULL || r->digest == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while reading files/");
  const uint8_t *seed = c->out->disclosed.text.seed;
  parley_err rc =
      disclosure_readers(readers, s, seed, (int)r->file, buf_view(&r->head), c->cards.list, c->cards.n, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", r->sealed_name.text);
  for (size_t i = 0; i <= s->n_to; i++) memcpy(recipients[i], readers[i].seal->recipient, X25519_SIZE);
  c->out->disclosed.file_readers[r->file] = readers;
  return resealing_open(&r->again, r->clear, seed, (int)r->file, (const uint8_t(*)[X25519_SIZE])recipients, s->n_to + 1,
                        c->e);
}

static parley_err reading_open(struct reading *r) {
  const struct pack_source *from = &r->c->p->source;
  r->file = r->order[r->next++];
  const struct plain_file *about = &r->c->out->disclosed.text.files[r->file];
  r->clear_name = clear_name(r->c, r->file);
  r->sealed_name = disclosure_sealed_name(r->file);
  r->left = r->c->out->statement.attach[r->file].size;
  r->open = true;
  r->differs = false;
  if (age_file_size(r->c->who.n_to + 1, about->size) != r->left)
    return err_set(r->c->e, PARLEY_EVERIFY,
                   "%s: it says that file %zu has %llu bytes, which do not give the %llu that %s "
                   "attaches",
                   PACK_BODY, r->file, (unsigned long long)about->size, (unsigned long long)r->left, PACK_ENTRY);
  parley_err rc = from->open(from->ctx, &r->clear, r->clear_name.text, r->c->e);
  r->clear_open = rc == PARLEY_OK;
  if (rc == PARLEY_OK) rc = from->open(from->ctx, &r->sealed, r->sealed_name.text, r->c->e);
  r->sealed_open = rc == PARLEY_OK && r->clear_open;
  if (rc == PARLEY_OK) rc = read_head(r, r->left);
  return rc == PARLEY_OK ? start_again(r) : rc;
}

/* The same number of bytes of the clear file, sealed again. Fewer: it is too short, which is told at the end. */
static parley_err compare(struct reading *r, const uint8_t *want, size_t n) {
  uint8_t piece[BULK_ENTRY_MAX];
  parley_err rc = PARLEY_OK;
  size_t got = 1;
  for (size_t at = 0; at < n && got > 0 && rc == PARLEY_OK && !r->differs; at += got) {
    rc = resealing_read(r->again, piece, n - at, &got, r->c->e);
    if (rc == PARLEY_OK) r->differs = got == 0 || memcmp(piece, want + at, got) != 0;
  }
  return rc;
}

/* Both to their ends, so that what differs can be named. What is too long is not read on for ever. */
static parley_err drain(struct reading *r, uint64_t size) {
  uint8_t piece[BULK_ENTRY_MAX];
  size_t got = 1;
  parley_err rc = r->sealed.read(r->sealed.ctx, piece, 1, &got, r->c->e);
  if (rc == PARLEY_OK && got > 0)
    return err_set(r->c->e, PARLEY_EVERIFY, "%s: it is longer than the file that %s attaches", r->sealed_name.text,
                   PACK_ENTRY);
  for (got = 1; rc == PARLEY_OK && got > 0 && resealing_result(r->again)->size <= size;) {
    rc = resealing_read(r->again, piece, sizeof piece, &got, r->c->e);
    r->differs = r->differs || got > 0;
  }
  return rc;
}

static parley_err reading_end(struct reading *r) {
  const struct plain_file *about = &r->c->out->disclosed.text.files[r->file];
  const struct attach *at = &r->c->out->statement.attach[r->file];
  uint8_t digest[SHA256_SIZE];
  const parley_err rc = drain(r, about->size);
  if (rc != PARLEY_OK) return rc;
  const struct resealed *clear = resealing_result(r->again);
  if (clear->size != about->size)
    return err_set(r->c->e, PARLEY_EVERIFY, "%s: it has not the %llu bytes that %s says", r->clear_name.text,
                   (unsigned long long)about->size, PACK_BODY);
  if (memcmp(clear->sha256, about->sha256, SHA256_SIZE) != 0)
    return err_set(r->c->e, PARLEY_EVERIFY, "%s: its digest is not the one that %s says", r->clear_name.text,
                   PACK_BODY);
  sha256_final(r->digest, digest);
  if (memcmp(digest, at->sha256, SHA256_SIZE) != 0)
    return err_set(r->c->e, PARLEY_EVERIFY, "%s: its digest is not the one that %s says in `attach`",
                   r->sealed_name.text, PACK_ENTRY);
  if (r->differs)
    return err_set(r->c->e, PARLEY_EVERIFY,
                   "%s: it is the file that was attached, but not what %s gives when it is sealed again, which bears "
                   "out whoever rejected it for its files",
                   r->sealed_name.text, r->clear_name.text);
  return PARLEY_OK;
}

/* Fits range_leaf: the next piece of 4,096 bytes of the sealed files, in the order of the tree. */
static parley_err next_leaf(void *ctx, uint64_t index, struct hash *out, struct errmsg *e) {
  struct reading *r = ctx;
  uint8_t piece[BULK_ENTRY_MAX];
  parley_err rc = r->open ? PARLEY_OK : reading_open(r);
  (void)index;
  (void)e; /* the same as that of the check */
  if (rc != PARLEY_OK) return rc;
  const size_t n = r->left < sizeof piece ? (size_t)r->left : sizeof piece;
  rc = read_sealed(r, piece, n);
  if (rc != PARLEY_OK) return rc;
  r->left -= n;
  sha256_update(r->digest, BYTES(piece, n));
  merkle_leaf(out, BYTES(piece, n));
  rc = compare(r, piece, n);
  if (rc != PARLEY_OK || r->left > 0) return rc;
  rc = reading_end(r);
  if (rc == PARLEY_OK) reading_close(r);
  return rc;
}

/* ---- all files ---- */

static parley_err range_check(struct check *c, struct bytes text) {
  const struct statement *s = &c->out->statement;
  size_t order[STATEMENT_ATTACH_MAX], n, n_hashes;
  struct leaf_range ranges[STATEMENT_ATTACH_MAX];
  struct hash *hashes = arena_alloc(c->a, RANGE_PROOF_MAX * sizeof *hashes);
  if (hashes == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while reading %s", PACK_BULK_RANGE);
  parley_err rc = pack_hashes_parse(hashes, &n_hashes, RANGE_PROOF_MAX, text, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_BULK_RANGE);
  rc = disclosure_ranges(order, ranges, &n, s, c->out->disclosed.file, c->e);
  if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", PACK_ENTRY);
  struct reading r = {.c = c, .order = order};
  rc = merkle_range_check(hashes, n_hashes, ranges, n, s->bulk_size, &s->bulk_root, next_leaf, &r, c->e);
  const bool in_a_file = r.open;
  reading_close(&r);
  return rc == PARLEY_OK || in_a_file ? rc : err_prefix(c->e, rc, "%s", PACK_BULK_RANGE);
}

parley_err pack_check_stored(struct check *c) {
  const struct pack_file *range = pack_find(c->p, PACK_BULK_RANGE);
  const parley_err rc = which_files(c);
  if (rc != PARLEY_OK) return rc;
  if (c->out->disclosed.n_files == 0)
    return range == NULL ? PARLEY_OK
                         : err_set(c->e, PARLEY_EINVAL, "%s: it is there without a disclosed file", PACK_BULK_RANGE);
  if (range == NULL)
    return err_set(c->e, PARLEY_EINVAL, "%s: the file is missing, though files are disclosed", PACK_BULK_RANGE);
  return range_check(c, range->data);
}
