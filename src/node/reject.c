/*
 * On what ground a received statement could be rejected (docs/protocol.md, "Kinds of this version"): the node looks when
 * an officer reads it. Nothing is rejected by itself.
 */
#include "node/reject.h"

#include <stdio.h>
#include <string.h>

#include "record/disclosure.h"

struct looking {
  struct node *n;
  const struct local_found *f;
  struct buf text; /* the plaintext as it was sealed; wiped */
  struct plain plain;
  struct errmsg *why;
};

/* Only where a rejection would be taken. */
static bool may_reject(struct node *n, const struct local_found *f) {
  return answer_allowed(n, ANSWER_REJECT, &f->row, f->parsed ? &f->s : NULL, NULL) == PARLEY_OK;
}

/* What is wrong with the statement, and not with us: a disk or a card that is not at hand is nobody's fault there. */
static bool is_theirs(parley_err r) { return r == PARLEY_EINVAL || r == PARLEY_EVERIFY; }

/* The keys that one age file is sealed to, by the seed. EVERIFY. */
static parley_err readers(const struct looking *l, int file, struct bytes sealed, uint8_t (*out)[X25519_SIZE]) {
  const struct card *cards[RECEIPT_CARDS_MAX];
  struct pack_reader found[STATEMENT_TO_MAX + 1];
  size_t n;
  const struct statement *s = &l->f->s;
  parley_err r = receipt_cards(l->n, s, cards, &n, l->why);
  if (!r) r = disclosure_readers(found, s, l->plain.seed, file, sealed, cards, n, l->why);
  for (size_t i = 0; !r && i <= s->n_to; i++) memcpy(out[i], found[i].seal->recipient, X25519_SIZE);
  return r;
}

parley_err reject_check_sealing(struct node *n, const struct local_found *f, struct bytes text, const struct plain *p,
                                struct errmsg *e) {
  uint8_t keys[STATEMENT_TO_MAX + 1][X25519_SIZE], digest[SHA256_SIZE];
  const struct looking l = {.n = n, .f = f, .plain = *p, .why = e};
  struct buf again = {0};
  parley_err r = readers(&l, -1, f->s.sealed, keys);
  if (!r) r = body_seal(&again, digest, text, p->seed, (const uint8_t(*)[X25519_SIZE])keys, f->s.n_to + 1, e);
  if (!r && !bytes_eq(buf_view(&again), f->s.sealed))
    r = err_set(e, PARLEY_EVERIFY, "sealed again from its seed it gives other bytes");
  buf_free(&again);
  return r;
}

/* ---- files: small ones are read here, all of them by parley save ---- */

static parley_err take_entry(void *ctx, uint64_t pos, struct bytes v, struct errmsg *e) {
  struct buf *sealed = ctx;
  (void)pos;
  buf_bytes(sealed, v);
  return buf_ok(sealed) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
}

static parley_err open_file(const struct looking *l, size_t i, struct bytes sealed, struct buf *clear) {
  parley_err r = PARLEY_ENOTFOUND;
  uint8_t digest[SHA256_SIZE];
  sha256(digest, sealed);
  if (memcmp(digest, l->f->s.attach[i].sha256, SHA256_SIZE))
    return err_set(l->why, PARLEY_EVERIFY, "its sealed bytes have not the digest that the statement names");
  for (size_t k = 0; k < l->n->env.n_seal && r == PARLEY_ENOTFOUND; k++) {
    buf_clear(clear);
    r = age_open(clear, sealed, &l->n->env.seal[k], l->why);
  }
  sha256(digest, buf_view(clear));
  if (!r && memcmp(digest, l->plain.files[i].sha256, SHA256_SIZE))
    r = err_set(l->why, PARLEY_EVERIFY, "it has not the digest that the body names");
  return r;
}

static parley_err same_file(const struct looking *l, size_t i, struct bytes sealed, struct bytes clear) {
  uint8_t keys[STATEMENT_TO_MAX + 1][X25519_SIZE], ephemeral[(STATEMENT_TO_MAX + 1) * X25519_SIZE];
  struct age_random random;
  struct buf again = {0};
  const size_t n = l->f->s.n_to + 1;
  parley_err r = readers(l, (int)i, sealed, keys);
  if (!r && !seal_random(&random, ephemeral, l->plain.seed, (int)i, n))
    r = err_set(l->why, PARLEY_ENOMEM, "out of memory");
  if (!r) r = age_seal(&again, (const uint8_t(*)[X25519_SIZE])keys, n, &random, clear, l->why);
  if (!r && !bytes_eq(buf_view(&again), sealed))
    r = err_set(l->why, PARLEY_EVERIFY, "sealed again from the seed it gives other bytes");
  wipe(&random, sizeof random);
  wipe(ephemeral, sizeof ephemeral);
  buf_free(&again);
  return r;
}

static parley_err check_file(const struct looking *l, size_t i) {
  const struct attach *a = &l->f->s.attach[i];
  struct copy *copy = row_copy(&l->f->row, true, NULL, NULL);
  struct buf sealed = {0}, clear = {0};
  if (a->size != age_file_size(l->f->s.n_to + 1, l->plain.files[i].size))
    return err_set(l->why, PARLEY_EVERIFY, "it has not the size that the body names");
  if (!copy || copy_size(copy) < a->first + a->count || a->size > REJECT_FILE_MAX) return PARLEY_OK;
  parley_err r = copy_scan(copy, a->first, a->first + a->count, take_entry, &sealed, l->why);
  if (!r) r = open_file(l, i, buf_view(&sealed), &clear);
  if (!r) r = same_file(l, i, buf_view(&sealed), buf_view(&clear));
  buf_free(&sealed);
  buf_free(&clear);
  return r;
}

static bool files_are_wrong(const struct looking *l) {
  const struct statement *s = &l->f->s;
  if (s->n_attach != l->plain.n_files) {
    err_set(l->why, PARLEY_EVERIFY, "the body names %zu files, but %zu are attached", l->plain.n_files, s->n_attach);
    return true;
  }
  for (size_t i = 0; i < s->n_attach; i++) {
    const parley_err r = check_file(l, i);
    if (!is_theirs(r) && r != PARLEY_ENOTFOUND) continue;
    err_prefix(l->why, r, "file %zu (%s)", i, l->plain.files[i].name);
    return true;
  }
  return false;
}

/* ---- the whole, in the order of the list ---- */

static bool language_is_foreign(const struct looking *l) {
  const struct charter *c = charter_cited(l->n, l->f->row.forum, &l->f->s);
  for (size_t i = 0; i < c->n_languages; i++)
    if (!strcmp(c->languages[i], l->f->s.lang)) return false;
  err_set(l->why, PARLEY_EINVAL, "\"%s\" is not a language of the charter", l->f->s.lang);
  return true;
}

static bool form_is_broken(const struct looking *l) {
  const char *kind = l->f->s.kind;
  const struct form *form = node_form(l->n, charter_cited(l->n, l->f->row.forum, &l->f->s), kind);
  struct answer_body said;
  if (answer_of(kind)) return answer_body_parse(&said, answer_of(kind), l->plain.body, l->why) == PARLEY_EINVAL;
  return form && form_check(form, l->plain.body, l->why) != PARLEY_OK;
}

static bool find_ground(struct looking *l, enum ground *out) {
  parley_err r = row_text(l->n, &l->f->s, &l->text, l->why);
  *out = GROUND_UNREADABLE;
  if (r) return is_theirs(r) || r == PARLEY_ENOTFOUND; /* sealed to no key of ours */
  *out = GROUND_SEALING;
  r = plain_parse(&l->plain, buf_view(&l->text), l->why);
  if (!r) r = reject_check_sealing(l->n, l->f, buf_view(&l->text), &l->plain, l->why);
  if (r) return is_theirs(r);
  *out = GROUND_FORM;
  if (form_is_broken(l)) return true;
  *out = GROUND_LANGUAGE;
  if (language_is_foreign(l)) return true;
  *out = GROUND_FILES;
  return files_are_wrong(l);
}

json_t *reject_ground(struct node *n, const struct local_found *f) {
  struct errmsg why = {{0}};
  struct looking l = {.n = n, .f = f, .why = &why};
  enum ground ground;
  json_t *o = NULL;
  if (may_reject(n, f) && find_ground(&l, &ground) && (o = json_object()) != NULL) {
    json_put_str(o, "ground", ground_name(ground));
    json_put_str(o, "why", why.text);
  }
  plain_clear(&l.plain);
  buf_free(&l.text);
  return o;
}
