/*
 * Verifying a proof of two histories (docs/protocol.md, "Proof of two histories"). What is convicted follows from the
 * files alone; a failure names the file.
 */
#include "record/fork.h"

#include <string.h>

#include "record/fork_parts.h"

struct check {
  struct fork_result *out;
  struct arena *a;
  const struct pack *p;
  const struct pack_known *known;
  struct errmsg *e;
  struct pack_cards cards;
  struct fork_note note[2];
};

static const char *const note_files[2] = {FORK_FIRST, FORK_SECOND};

bool fork_is(const struct pack *p) { return pack_find(p, FORK_FIRST) != NULL; }

/* ---- what was signed ---- */

parley_err fork_note_read(struct fork_note *out, struct arena *a, struct bytes text, struct errmsg *e) {
  char party[PARTY_NAME_MAX + 1], origin[ORIGIN_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  parley_err rc = note_parse(&out->note, a, text, e);
  if (rc == PARLEY_OK) rc = checkpoint_parse(&out->checkpoint, out->note.text, e);
  if (rc != PARLEY_OK) return rc;
  if (!log_origin_parse(party, forum, &epoch, &bulk, out->checkpoint.origin))
    return err_set(e, PARLEY_EINVAL, "the origin of the checkpoint is not that of a log of a forum");
  log_origin(origin, party, forum, epoch, bulk);
  if (!bytes_is(out->checkpoint.origin, origin))
    return err_set(e, PARLEY_EINVAL, "the origin of the checkpoint is not that of a log of a forum");
  return PARLEY_OK;
}

static parley_err check_notes(struct check *c) {
  for (size_t i = 0; i < 2; i++) {
    const struct pack_file *f;
    parley_err rc = pack_need(&f, c->p, note_files[i], c->e);
    if (rc != PARLEY_OK) return rc;
    rc = fork_note_read(&c->note[i], c->a, f->data, c->e);
    if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", note_files[i]);
    c->out->size[i] = c->note[i].checkpoint.size;
    c->out->root[i] = c->note[i].checkpoint.root;
  }
  const struct bytes origin = c->note[0].checkpoint.origin;
  if (!bytes_eq(origin, c->note[1].checkpoint.origin))
    return err_set(c->e, PARLEY_EVERIFY, "%s: it is of another log than %s", FORK_SECOND, FORK_FIRST);
  memcpy(c->out->origin, origin.p, origin.n); /* as long as an origin may be: it was parsed */
  log_origin_parse(c->out->author, c->out->forum, &c->out->epoch, &c->out->bulk, origin);
  return PARLEY_OK;
}

/* ---- that it is a contradiction ---- */

static bool leads_to(const struct proof *proof, uint64_t size, const struct hash *prefix, uint64_t to,
                     const struct hash *root) {
  struct hash empty;
  merkle_empty(&empty);
  if (size == 0) return proof->n == 0 && hash_eq(prefix, &empty);
  return merkle_check_consistency(proof, size, prefix, to, root);
}

static parley_err check_consistency(struct check *c, struct bytes file) {
  struct hash lines[PROOF_MAX + 1];
  struct fork_result *r = c->out;
  struct proof *proof = &r->proof;
  const parley_err rc = pack_hashes_parse(lines, &proof->n, PROOF_MAX + 1, file, c->e);
  if (rc != PARLEY_OK) return rc;
  if (proof->n == 0) return err_set(c->e, PARLEY_EINVAL, "the file is empty");
  r->prefix = lines[0];
  memcpy(proof->h, lines + 1, --proof->n * sizeof *lines);
  if (!leads_to(proof, r->size[0], &r->prefix, r->size[1], &r->root[1]))
    return err_set(c->e, PARLEY_EVERIFY, "its first line is not shown to be the root of the first %llu entries of %s",
                   (unsigned long long)r->size[0], FORK_SECOND);
  if (hash_eq(&r->prefix, &r->root[0]))
    return err_set(c->e, PARLEY_EVERIFY, "%s continues %s: the two are one history, and convict nobody", FORK_SECOND,
                   FORK_FIRST);
  return PARLEY_OK;
}

static parley_err check_contradiction(struct check *c) {
  const struct pack_file *f = pack_find(c->p, FORK_CONSISTENCY);
  const struct fork_result *r = c->out;
  if (r->size[0] > r->size[1])
    return err_set(c->e, PARLEY_EINVAL, "%s: the smaller of the two checkpoints comes first", FORK_FIRST);
  if ((r->size[0] < r->size[1]) != (f != NULL))
    return err_set(c->e, PARLEY_EINVAL, "%s: the file is %s", FORK_CONSISTENCY,
                   f == NULL ? "missing, though the checkpoints are of different sizes"
                             : "too much, for the checkpoints are of one size");
  if (f != NULL) {
    const parley_err rc = check_consistency(c, f->data);
    return rc == PARLEY_OK ? rc : err_prefix(c->e, rc, "%s", FORK_CONSISTENCY);
  }
  if (hash_eq(&r->root[0], &r->root[1]))
    return err_set(c->e, PARLEY_EVERIFY, "%s: it is the same tree as %s, and convicts nobody", FORK_SECOND, FORK_FIRST);
  return PARLEY_OK;
}

/* ---- who signed both ---- */

parley_err fork_sig_find(struct fork_sig *out, const struct fork_note *n, struct pack_run run, const char *origin,
                         struct errmsg *e) {
  *out = (struct fork_sig){0};
  for (size_t i = run.n; i-- > 0;) {
    struct vkey key;
    size_t line;
    int64_t time = 0;
    parley_err rc =
        origin != NULL ? card_log_vkey(&key, run.list[i], origin, e) : card_mirror_vkey(&key, run.list[i], e);
    if (rc == PARLEY_OK) rc = note_verify(&n->note, &key, &time, &line, e);
    if (rc == PARLEY_ENOTFOUND) continue;
    if (rc != PARLEY_OK) return err_prefix(e, rc, "signature of %s", key.name);
    if (!out->there) *out = (struct fork_sig){true, i, line, time};
  }
  return PARLEY_OK;
}

/* Whether the party signed both notes in this role; which cards of it, and when. */
static parley_err signed_both(struct check *c, struct pack_run run, const char *origin, bool *both,
                              size_t card[static 2], int64_t *times) {
  struct fork_sig sig[2];
  for (size_t i = 0; i < 2; i++) {
    const parley_err rc = fork_sig_find(&sig[i], &c->note[i], run, origin, c->e);
    if (rc != PARLEY_OK) return err_prefix(c->e, rc, "%s", note_files[i]);
  }
  *both = sig[0].there && sig[1].there;
  for (size_t i = 0; i < 2 && *both; i++) {
    card[i] = sig[i].card;
    if (times != NULL) times[i] = sig[i].time;
  }
  return PARLEY_OK;
}

static parley_err check_party(struct check *c, struct fork_party *out, struct pack_run run) {
  struct pack_party *who = &out->who;
  memcpy(who->name, run.list[0]->name, sizeof who->name);
  memcpy(who->fingerprint, run.list[0]->fingerprint, sizeof who->fingerprint);
  who->cards = run.list;
  who->n_cards = who->established = run.n;
  parley_err rc = PARLEY_OK;
  if (strcmp(who->name, c->out->author) == 0) rc = signed_both(c, run, c->out->origin, &out->log, out->log_card, NULL);
  if (rc == PARLEY_OK) rc = signed_both(c, run, NULL, &out->mirror, out->mirror_card, out->cosigned);
  if (rc != PARLEY_OK || out->log || out->mirror) return rc;
  return err_set(c->e, PARLEY_EVERIFY, "%s: %s did not sign both checkpoints, neither as the log nor as its mirror",
                 pack_run_file(run, run.n - 1).text, who->name);
}

static parley_err check_parties(struct check *c) {
  const size_t n = c->cards.n;
  c->out->parties = arena_alloc(c->a, (n + 1) * sizeof *c->out->parties);
  if (c->out->parties == NULL) return err_set(c->e, PARLEY_ENOMEM, "out of memory while listing the parties");
  for (size_t i = 0; i < n;) {
    const struct pack_run run = pack_run(&c->cards, c->cards.list[i]->name);
    const parley_err rc = check_party(c, &c->out->parties[c->out->n_parties++], run);
    if (rc != PARLEY_OK) return rc;
    i += run.n;
  }
  if (c->out->n_parties > 0) return PARLEY_OK;
  return err_set(c->e, PARLEY_EINVAL, "cards/: there is no card, so that nobody is convicted");
}

static parley_err check_identities(struct check *c) {
  c->out->identified = true;
  for (size_t i = 0; i < c->out->n_parties; i++) {
    struct pack_party *who = &c->out->parties[i].who;
    const parley_err rc = pack_party_establish(who, c->known, c->e);
    if (rc != PARLEY_OK) return rc;
    c->out->identified = c->out->identified && who->anchored;
  }
  return PARLEY_OK;
}

/* ---- the whole ---- */

static bool name_known(const char *name) {
  static const char *const fixed[] = {FORK_FIRST, FORK_SECOND, FORK_CONSISTENCY, PACK_MANUAL};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    if (strcmp(name, fixed[i]) == 0) return true;
  return pack_is_card_name(name);
}

static parley_err check_names(struct check *c) {
  if (c->p->n_stored > 0)
    return err_set(c->e, PARLEY_EINVAL, "files/: no such folder belongs in a proof of two histories");
  return pack_check_listed(c->p, name_known, "a proof of two histories", c->e);
}

static parley_err read_cards(struct check *c) { return pack_cards_read(&c->cards, c->a, c->p, c->e); }

parley_err fork_verify(struct fork_result *out, struct arena *a, const struct pack *p, const struct pack_known *known,
                       struct errmsg *e) {
  static const struct pack_known nothing = {0};
  static parley_err (*const steps[])(struct check *) = {check_names,         read_cards,    check_notes,
                                                        check_contradiction, check_parties, check_identities};
  *out = (struct fork_result){0};
  struct check c = {.out = out, .a = a, .p = p, .known = known != NULL ? known : &nothing, .e = e};
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; i < sizeof steps / sizeof *steps && rc == PARLEY_OK; i++) rc = steps[i](&c);
  if (rc == PARLEY_OK) return rc;
  *out = (struct fork_result){0};
  return rc == PARLEY_ENOMEM || rc == PARLEY_EVERIFY ? rc : PARLEY_EINVAL;
}
