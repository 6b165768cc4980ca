/*
 * The small C2SP texts around checkpoints: tlog-proof@v1, tlog-policy, the request bodies of tlog-witness
 * (add-checkpoint) and tlog-mirror (add-entries), and the mirror-info answer.
 */
#ifndef PARLEY_FORMATS_TLOG_H
#define PARLEY_FORMATS_TLOG_H

#include "formats/note.h"

/* ---- tlog-proof@v1, at most 65,536 + 8,192 bytes ---- */

#define TLOG_PROOF_MAX (NOTE_SIZE_MAX + 8192)

struct tlog_proof {
  struct bytes extra; /* decoded, in the arena; p == NULL when there is no extra line */
  uint64_t index;
  struct proof inclusion;
  struct bytes note; /* the checkpoint verbatim, into the input */
};

parley_err tlog_proof_parse(struct tlog_proof *out, struct arena *a, struct bytes in, struct errmsg *e);
void tlog_proof_write(struct buf *out, const struct tlog_proof *p);

/* ---- tlog-policy: at most 64 logs, 256 witnesses, 64 groups, 256 KiB ---- */

#define TLOG_POLICY_MAX (256 * 1024)

struct tlog_policy; /* in the arena */
parley_err tlog_policy_parse(struct tlog_policy **out, struct arena *a, struct bytes in, struct errmsg *e);
/*
 * Checks a note against a policy: signed by one of its logs whose vkey name is the origin, and the quorum cosigned it.
 * A known key whose signature fails refuses the note. EVERIFY says which witness or group is missing.
 */
parley_err tlog_policy_check(const struct tlog_policy *p, const struct note *n, struct errmsg *e);

/*
 * Appends a policy: one log line, one witness line each (named w1, w2 …), "group all-addressees all …" when n > 1, and
 * the quorum line.
 */
void tlog_policy_write(struct buf *out, const struct vkey *log, const struct vkey *witnesses, size_t n);

/* ---- tlog-witness add-checkpoint ---- */

struct add_checkpoint {
  uint64_t old;
  struct proof proof;
  struct bytes note; /* into the input */
};

parley_err add_checkpoint_parse(struct add_checkpoint *out, struct bytes in, struct errmsg *e);
void add_checkpoint_write(struct buf *out, const struct add_checkpoint *r);
/* Body of 409 with Content-Type text/x.tlog.size. */
parley_err tlog_size_parse(uint64_t *size, struct bytes in, struct errmsg *e);
void tlog_size_write(struct buf *out, uint64_t size);

/* ---- tlog-mirror add-entries ---- */

#define ADD_ENTRIES_ORIGIN_MAX 1024
#define ADD_ENTRIES_TICKET_MAX 4096
#define MIRROR_PACKAGE_ENTRIES 256

struct add_entries_head {
  struct bytes origin; /* into the input */
  uint64_t start, end;
  struct bytes ticket;
};

/* Reads the fixed part. *used = bytes consumed. EBUSY when `in` is too short yet; EINVAL; ELIMIT. */
parley_err add_entries_head_parse(struct add_entries_head *out, size_t *used, struct bytes in, struct errmsg *e);
void add_entries_head_write(struct buf *out, const struct add_entries_head *h);

struct entry_package {
  size_t n;                                     /* entries, as the interval demands */
  struct bytes entries[MIRROR_PACKAGE_ENTRIES]; /* into the input */
  struct proof proof;
};

/*
 * Reads one package of exactly n entries (1..256). EBUSY when `in` is too short yet; ELIMIT an entry over entry_max
 * bytes.
 */
parley_err entry_package_parse(struct entry_package *out, size_t *used, struct bytes in, size_t n, size_t entry_max,
                               struct errmsg *e);
void entry_package_write(struct buf *out, const struct entry_package *p);

/* Entry bundle of tlog-tiles: uint16 length prefixed entries. Iterates: false at the end; *bad when malformed. */
bool entry_bundle_next(struct bytes *rest, struct bytes *entry, bool *bad);

struct mirror_info {
  uint64_t pending, next;
  struct bytes ticket; /* decoded, in the arena */
};
parley_err mirror_info_parse(struct mirror_info *out, struct arena *a, struct bytes in, struct errmsg *e);
void mirror_info_write(struct buf *out, const struct mirror_info *m);

#endif
