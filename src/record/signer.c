/*
 * The signer: what it remembers of each origin, the check before each signature, and the lines that it writes.
 */
#include "record/signer.h"

#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "formats/dsse.h"
#include "formats/text.h"
#include "forum/charter.h"
#include "forum/statement.h"

/* What the memory holds of one origin and role; size 0 and not held when it holds nothing. */
struct remembered {
  char *origin;
  enum signer_role role;
  bool held;
  struct signed_tree tree;
};

static const char MARK[] = "parley/memory"; /* no origin of a log has one slash */

struct signer {
  char *name;
  struct ed25519_key *statement, *log, *mirror;
  struct ed25519_key *log_before; /* NULL: none is needed */
  struct signer_memory memory;
  struct vkey mirror_vkey;
  struct remembered *known; /* sorted by role and origin */
  size_t n, cap;
  bool lost;
};

static parley_err out_of_memory(struct errmsg *e) { return err_set(e, PARLEY_ENOMEM, "out of memory for the signer"); }

/* ---- life ---- */

static parley_err make_mirror_vkey(struct signer *s, struct errmsg *e) {
  struct buf name = {0};
  buf_fmt(&name, "%s/mirror", s->name);
  const char *text = buf_cstr(&name);
  const parley_err err =
      text ? vkey_make(&s->mirror_vkey, text, NOTE_COSIGNATURE, ed25519_public(s->mirror), e) : out_of_memory(e);
  buf_free(&name);
  return err;
}

/* On failure the keys stay with the caller. */
parley_err signer_new(struct signer **out, const char *name, struct ed25519_key *statement, struct ed25519_key *log,
                      struct ed25519_key *mirror, struct signer_memory memory, struct errmsg *e) {
  if (!statement || !log || !mirror || !memory.load || !memory.save)
    return err_set(e, PARLEY_EINVAL, "the signer needs a statement key, a log key, a mirror key and a memory");
  struct signer *s = calloc(1, sizeof *s);
  if (!s) return out_of_memory(e);
  s->memory = memory;
  s->mirror = mirror;
  s->name = strdup(name);
  const parley_err err = s->name ? make_mirror_vkey(s, e) : out_of_memory(e);
  if (err) {
    free(s->name);
    free(s);
    return err;
  }
  s->statement = statement;
  s->log = log;
  *out = s;
  return PARLEY_OK;
}

void signer_free(struct signer *s) {
  if (!s) return;
  for (size_t i = 0; i < s->n; i++) free(s->known[i].origin);
  free(s->known);
  free(s->name);
  ed25519_free(s->statement);
  ed25519_free(s->log);
  ed25519_free(s->log_before);
  ed25519_free(s->mirror);
  free(s);
}

const uint8_t *signer_statement_public(const struct signer *s) { return ed25519_public(s->statement); }

const uint8_t *signer_log_public(const struct signer *s) { return ed25519_public(s->log); }

const uint8_t *signer_mirror_public(const struct signer *s) { return ed25519_public(s->mirror); }

/* ---- statements ---- */

parley_err signer_statement(struct signer *s, uint8_t sig[static ED25519_SIG_SIZE], struct bytes type,
                            struct bytes payload, struct errmsg *e) {
  if (!bytes_is(type, STATEMENT_TYPE) && !bytes_is(type, CHARTER_TYPE))
    return err_set(e, PARLEY_EREFUSED, "the statement key signs statements and charters, nothing else");
  struct buf pae = {0};
  dsse_pae(&pae, type, payload);
  const bool ok = buf_ok(&pae);
  if (ok) ed25519_sign(sig, s->statement, buf_view(&pae));
  buf_free(&pae);
  return ok ? PARLEY_OK : out_of_memory(e);
}

/* ---- memory ---- */

/* Where (role, origin) stands or belongs. */
static size_t place(const struct signer *s, const char *origin, enum signer_role role, bool *found) {
  size_t low = 0, high = s->n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const struct remembered *r = &s->known[middle];
    const int order = r->role != role ? (r->role < role ? -1 : 1) : strcmp(r->origin, origin);
    *found = order == 0;
    if (*found) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *found = false;
  return low;
}

static parley_err make_room(struct signer *s, struct errmsg *e) {
  if (s->n < s->cap) return PARLEY_OK;
  const size_t cap = s->cap ? 2 * s->cap : 16;
  struct remembered *grown = realloc(s->known, cap * sizeof *grown);
  if (!grown) return out_of_memory(e);
  s->known = grown;
  s->cap = cap;
  return PARLEY_OK;
}

static parley_err recall(struct signer *s, const char *origin, enum signer_role role, struct remembered **out,
                         struct errmsg *e) {
  bool found;
  const size_t at = place(s, origin, role, &found);
  if (!found) {
    struct remembered r = {.role = role};
    parley_err err = s->memory.load(s->memory.ctx, origin, role, &r.tree, e);
    if (err && err != PARLEY_ENOTFOUND) return err;
    r.held = err == PARLEY_OK && (!PLANTED(forget_signed_root) || strcmp(origin, MARK) == 0);
    if (!r.held) r.tree = (struct signed_tree){0};
    err = make_room(s, e);
    if (err) return err;
    r.origin = strdup(origin);
    if (!r.origin) return out_of_memory(e);
    memmove(s->known + at + 1, s->known + at, (s->n - at) * sizeof *s->known);
    s->known[at] = r;
    s->n++;
  }
  *out = &s->known[at];
  return PARLEY_OK;
}

parley_err signer_remembered(struct signer *s, const char *origin, enum signer_role role, struct signed_tree *out,
                             struct errmsg *e) {
  struct remembered *r;
  const parley_err err = recall(s, origin, role, &r, e);
  if (err) return err;
  *out = r->tree;
  return r->held ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, "nothing was ever signed for %s", origin);
}

static parley_err remember(struct signer *s, struct remembered *r, const struct signed_tree *tree, struct errmsg *e) {
  const parley_err err = s->memory.save(s->memory.ctx, r->origin, r->role, tree, e);
  if (err) return err;
  r->held = true;
  r->tree = *tree;
  return PARLEY_OK;
}

parley_err signer_mark(struct signer *s, struct hash *out, struct errmsg *e) {
  struct signed_tree t;
  const parley_err err = signer_remembered(s, MARK, SIGNER_MIRROR, &t, e);
  if (!err) *out = t.root;
  return err;
}

parley_err signer_set_mark(struct signer *s, const struct hash *mark, struct errmsg *e) {
  struct remembered *r;
  const parley_err err = recall(s, MARK, SIGNER_MIRROR, &r, e);
  return err ? err : remember(s, r, &(struct signed_tree){1, *mark}, e);
}

void signer_set_lost(struct signer *s, bool lost) { s->lost = lost; }

bool signer_lost(const struct signer *s) { return s->lost; }

parley_err signer_relearn(struct signer *s, const char *origin, enum signer_role role, const struct signed_tree *tree,
                          struct errmsg *e) {
  struct remembered *r;
  if (!s->lost) return err_set(e, PARLEY_EINVAL, "the signer's memory is whole; it learns nothing from others");
  const parley_err err = recall(s, origin, role, &r, e);
  return err || (r->held && r->tree.size >= tree->size) ? err : remember(s, r, tree, e);
}

/* ---- checkpoints ---- */

/* The tree may follow what is remembered: longer and consistent, or the very same. */
static parley_err check_follows(const struct remembered *r, const struct signed_tree *tree, const struct proof *proof,
                                struct errmsg *e) {
  struct hash empty;
  merkle_empty(&empty);
  const unsigned long long old = r->tree.size, size = tree->size;
  if (size < old)
    return err_set(
        e, PARLEY_EVERIFY,
        "not signed: a tree of %llu entries of %s is already signed, this one has only %llu; see parley recover", old,
        r->origin, size);
  if (size == 0 && !hash_eq(&tree->root, &empty))
    return err_set(e, PARLEY_EVERIFY, "not signed: the root given for the empty tree of %s is not its root", r->origin);
  const bool fits = size == old && r->held ? hash_eq(&tree->root, &r->tree.root)
                                           : merkle_check_consistency(proof, old, &r->tree.root, size, &tree->root);
  if (fits) return PARLEY_OK;
  return err_set(
      e, PARLEY_EVERIFY,
      "not signed: the tree of %llu entries of %s does not continue the signed one of %llu; see parley recover", size,
      r->origin, old);
}

/* Design section 5: saved durably before signed. What is already saved is not saved twice. */
static parley_err admit(struct signer *s, const char *origin, enum signer_role role, const struct signed_tree *tree,
                        const struct proof *proof, struct errmsg *e) {
  struct remembered *r;
  parley_err err = recall(s, origin, role, &r, e);
  if (!err && s->lost && !r->held)
    err = err_set(e, PARLEY_EVERIFY,
                  "not signed: the signer's memory is lost, and with it what was signed last for %s; run parley recover",
                  origin);
  if (!err) err = check_follows(r, tree, proof, e);
  if (err || (r->held && r->tree.size == tree->size)) return err;
  struct errmsg why = {0};
  if (s->memory.save(s->memory.ctx, origin, role, tree, &why) && !PLANTED(sign_without_memory))
    return err_set(e, PARLEY_EIO, "not signed: the signer's memory could not be saved: %.400s", why.text);
  r->held = true;
  r->tree = *tree;
  return PARLEY_OK;
}

static parley_err checkpoint_of(struct buf *text, const char *origin, const struct signed_tree *tree,
                                struct errmsg *e) {
  const struct bytes name = bytes_str(origin);
  if (name.n == 0 || !text_valid(name) || bytes_find(name, 0, '\n') != (size_t)-1)
    return err_set(e, PARLEY_EINVAL, "not signed: the origin is empty or not one line of text");
  checkpoint_text(text, origin, tree->size, &tree->root);
  return buf_ok(text) ? PARLEY_OK : out_of_memory(e);
}

/* Appends the line, or nothing. */
static parley_err write_line(struct buf *line, const struct vkey *k, struct bytes sig, struct errmsg *e) {
  struct buf text = {0};
  note_sig_line(&text, k, sig);
  if (buf_ok(&text)) buf_bytes(line, buf_view(&text));
  const bool ok = buf_ok(&text) && buf_ok(line);
  buf_free(&text);
  return ok ? PARLEY_OK : out_of_memory(e);
}

parley_err signer_checkpoint(struct signer *s, struct buf *line, const char *origin, const struct signed_tree *tree,
                             const struct proof *proof, struct errmsg *e) {
  struct vkey k;
  struct buf text = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  parley_err err = vkey_make(&k, origin, NOTE_ED25519, ed25519_public(s->log), e);
  if (!err) err = checkpoint_of(&text, origin, tree, e);
  if (!err) err = admit(s, origin, SIGNER_LOG, tree, proof, e);
  if (!err) {
    ed25519_sign(sig, s->log, buf_view(&text));
    err = write_line(line, &k, BYTES(sig, sizeof sig), e);
  }
  buf_free(&text);
  return err;
}

void signer_set_log_before(struct signer *s, struct ed25519_key *log) {
  ed25519_free(s->log_before);
  s->log_before = log;
}

parley_err signer_checkpoint_before(struct signer *s, struct buf *note, const char *origin,
                                    const struct signed_tree *tree, struct errmsg *e) {
  struct vkey k;
  struct signed_tree last;
  struct buf text = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  if (!s->log_before) return err_set(e, PARLEY_ENOTFOUND, "there is no log key before the present one");
  parley_err err = signer_remembered(s, origin, SIGNER_LOG, &last, e);
  if (!err && (last.size != tree->size || !hash_eq(&last.root, &tree->root)))
    err = err_set(e, PARLEY_EVERIFY, "not signed: the old log key signs only what the new one has signed");
  if (!err) err = vkey_make(&k, origin, NOTE_ED25519, ed25519_public(s->log_before), e);
  if (!err) err = checkpoint_of(&text, origin, tree, e);
  if (!err) {
    ed25519_sign(sig, s->log_before, buf_view(&text));
    err = write_line(note, &k, BYTES(sig, sizeof sig), e);
  }
  buf_free(&text);
  return err;
}

parley_err signer_cosign(struct signer *s, struct buf *line, const char *origin, const struct signed_tree *tree,
                         int64_t time, const struct proof *proof, struct errmsg *e) {
  if (time <= 0)
    return err_set(e, PARLEY_EINVAL,
                   "not signed: a cosignature needs a time after 1970"); /* tlog-witness: add-checkpoint */
  struct buf text = {0}, message = {0};
  uint8_t sig[8 + ED25519_SIG_SIZE];
  parley_err err = checkpoint_of(&text, origin, tree, e);
  if (!err) {
    cosignature_message(&message, time, buf_view(&text));
    err = buf_ok(&message) ? admit(s, origin, SIGNER_MIRROR, tree, proof, e) : out_of_memory(e);
  }
  if (!err) {
    put_u64be(sig, (uint64_t)time);
    ed25519_sign(sig + 8, s->mirror, buf_view(&message));
    err = write_line(line, &s->mirror_vkey, BYTES(sig, sizeof sig), e);
  }
  buf_free(&text);
  buf_free(&message);
  return err;
}
