/*
 * Disclosure (docs/protocol.md, section 8), the record's side: what both the writer and the verifier of a disclosed pack
 * do. Files can be many GB, so they come as streams, read once from front to end; nothing here holds more than some
 * chunks of 64 KiB.
 *
 * A writer makes struct pack_input with `body` (the plaintext, exactly the bytes whose digest is body_sha256), `range`
 * (disclosure_range) and `reject_body`, builds with pack_build, puts the files into pack.stored by the names of
 * disclosure_clear_name and disclosure_sealed_name, and lets pack_verify judge the whole before it is given out.
 */
#ifndef PARLEY_RECORD_DISCLOSURE_H
#define PARLEY_RECORD_DISCLOSURE_H

#include "forum/statement.h"
#include "merkle/range.h"
#include "record/pack.h"

/* ---- names ---- */

/* "files/<n><ext>" by the rule of section 8 for the file's own name, and "files/<n>.age". */
struct pack_file_name disclosure_clear_name(size_t n, const char *name);
struct pack_file_name disclosure_sealed_name(size_t n);

/* ---- who was able to read ---- */

/*
 * Finds, for each addressee in the order of `to` and then for the author, the card whose seal key (label `desk`, for the
 * author `duty`) the file is sealed to: the stanza must be the one that the seed gives. file: -1 the body, else the number
 * of a file. sealed: the age file, or its beginning of at least age_header_size(s->n_to + 1) bytes. cards: of these
 * parties, any number of each, in any order. out has s->n_to + 1 elements. EVERIFY names the party to whom it is not
 * sealed with this seed.
 */
parley_err disclosure_readers(struct pack_reader *out, const struct statement *s, const uint8_t seed[static SEED_SIZE],
                              int file, struct bytes sealed, const struct card *const *cards, size_t n_cards,
                              struct errmsg *e);

/* ---- sealing again ---- */

/* A clear file being sealed again from its seed: itself a stream. */
struct resealing;

/*
 * file: as above. recipients: n of them, in the order of the stanzas. clear is read to its end by resealing_read; closing
 * it stays the caller's. ENOMEM, EINVAL.
 */
parley_err resealing_open(struct resealing **out, struct pack_stream clear, const uint8_t seed[static SEED_SIZE],
                          int file, const uint8_t (*recipients)[X25519_SIZE], size_t n, struct errmsg *e);
/* The next bytes of the age file: *got of up to n (at least 1), 0 only at its end. Errors of the clear stream are handed on. */
parley_err resealing_read(struct resealing *r, uint8_t *p, size_t n, size_t *got, struct errmsg *e);
/* After the end: size and digest of the clear file. */
struct resealed {
  uint64_t size;
  uint8_t sha256[SHA256_SIZE];
};
const struct resealed *resealing_result(const struct resealing *r);
void resealing_free(struct resealing *r);

/* ---- bulk/range ---- */

/*
 * The runs of leaves of the files of s that are disclosed, ascending: run k is of file order[k]. EINVAL when two of them
 * share an entry. out has STATEMENT_ATTACH_MAX elements.
 */
parley_err disclosure_ranges(size_t order[static STATEMENT_ATTACH_MAX], struct leaf_range *out, size_t *n,
                             const struct statement *s, const bool *disclosed, struct errmsg *e);
/*
 * Appends the text of bulk/range for the files of s that are to be disclosed (disclosed[i] for attach[i], at least one),
 * from the bulk log's tree. EINVAL when two of them share an entry.
 */
parley_err disclosure_range(struct buf *out, const struct statement *s, const bool *disclosed,
                            struct merkle_source bulk, struct errmsg *e);

#endif
