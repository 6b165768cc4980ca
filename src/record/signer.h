/*
 * The signer: holds the statement, log and mirror keys and knows only what it signs. It keeps its own memory, apart
 * from the store and out of backups: for each origin and role the last tree that it signed. It signs a checkpoint or a
 * cosignature only for a tree proved consistent with the remembered one, and saves the new tree durably before signing,
 * so that it can never sign two histories, whatever happens to the store (design section 5).
 * One small interface, so that it can become a process of its own or an HSM.
 */
#ifndef PARLEY_RECORD_SIGNER_H
#define PARLEY_RECORD_SIGNER_H

#include "crypto/crypto.h"
#include "formats/note.h"
#include "merkle/tree.h"

enum signer_role { SIGNER_LOG, SIGNER_MIRROR };

struct signed_tree {
  uint64_t size;
  struct hash root;
};

/* Where the memory lives. save: OK only when the record is on disk for good. load: ENOTFOUND when nothing is there. */
struct signer_memory {
  void *ctx;
  parley_err (*load)(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out, struct errmsg *e);
  parley_err (*save)(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                     struct errmsg *e);
};

struct signer;

/* Takes the keys over (freed with the signer). name: the party. */
parley_err signer_new(struct signer **out, const char *name, struct ed25519_key *statement, struct ed25519_key *log,
                      struct ed25519_key *mirror, struct signer_memory memory, struct errmsg *e);
void signer_free(struct signer *s);
const uint8_t *signer_statement_public(const struct signer *s); /* 32 bytes; likewise below */
const uint8_t *signer_log_public(const struct signer *s);
const uint8_t *signer_mirror_public(const struct signer *s);

/*
 * Signs a DSSE PAE of the statement or charter type (the signer builds the PAE itself from type and payload). The one function here that
 * several threads may call at once: it needs no memory.
 */
parley_err signer_statement(struct signer *s, uint8_t sig[static ED25519_SIG_SIZE], struct bytes type,
                            struct bytes payload, struct errmsg *e);

/* The last tree signed for origin in that role (cached after the first call). ENOTFOUND: none; size is then 0. */
parley_err signer_remembered(struct signer *s, const char *origin, enum signer_role role, struct signed_tree *out,
                             struct errmsg *e);

/*
 * The mark by which a store knows this memory again, random, kept as the memory of an origin that is never signed. ENOTFOUND: there is none.
 */
parley_err signer_mark(struct signer *s, struct hash *out, struct errmsg *e);
parley_err signer_set_mark(struct signer *s, const struct hash *mark, struct errmsg *e);
/*
 * The memory that this home had was lost: nothing is signed any more for an origin and role of which nothing is remembered (EVERIFY), until
 * signer_relearn. false: it is whole again.
 */
void signer_set_lost(struct signer *s, bool lost);
bool signer_lost(const struct signer *s);
/*
 * Remembers a tree that others have shown under our own key, without a signature; what is remembered already of a tree as large or larger stays.
 * Only while the memory is lost (EINVAL). Size 0: nothing was ever signed, as far as anybody knows.
 */
parley_err signer_relearn(struct signer *s, const char *origin, enum signer_role role, const struct signed_tree *tree,
                          struct errmsg *e);

/*
 * Appends the log's signature line for the checkpoint (origin, tree). proof: consistency from the remembered tree
 * (empty when none or equal). EVERIFY: a smaller or inconsistent tree; nothing is signed. EIO: the memory could not be
 * saved; nothing is signed.
 */
parley_err signer_checkpoint(struct signer *s, struct buf *line, const char *origin, const struct signed_tree *tree,
                             const struct proof *proof, struct errmsg *e);
/*
 * The log key before the present one, while it is needed (docs/protocol.md, "A new card"). Takes it over; NULL: it is no longer needed.
 */
void signer_set_log_before(struct signer *s, struct ed25519_key *log);
/* Appends its line for the very tree that signer_checkpoint signed last. ENOTFOUND: there is no such key; EVERIFY: another tree. */
parley_err signer_checkpoint_before(struct signer *s, struct buf *note, const char *origin,
                                    const struct signed_tree *tree, struct errmsg *e);
/* The same as mirror: appends a cosignature line dated time (seconds), key named <party>/mirror. */
parley_err signer_cosign(struct signer *s, struct buf *line, const char *origin, const struct signed_tree *tree,
                         int64_t time, const struct proof *proof, struct errmsg *e);

#endif
