/*
 * What the tests of src/record share: stores in temporary files (which can be made to fail), a signer memory without a
 * disk, a log whose author can sign anything, and the bodies that are sent to a mirror.
 */
#ifndef PARLEY_TESTS_RECORD_FIXTURE_H
#define PARLEY_TESTS_RECORD_FIXTURE_H

#include "record/copy.h"
#include "record/mirror.h"
#include "record/signer.h"
#include "store/backend.h"

/* ---- a store that fails when told to ---- */

struct faulty {
  struct store base;
  struct store *inner;
  unsigned countdown; /* the write or commit with this number fails, counted from 1; 0: none */
  unsigned writes;    /* writes and commits so far */
  unsigned commits;   /* successful ones */
  parley_err with;    /* how it fails */
};

struct dir { /* a temporary folder with one store */
  char path[64];
  char file[96];
};

void record_dir_make(struct dir *d);
void record_dir_remove(const struct dir *d);
struct store *dir_open(const struct dir *d); /* not synced: for speed */
/* Takes the inner store over; closed with store_close(&f->base). */
void faulty_init(struct faulty *f, struct store *inner);

/* ---- signers ---- */

#define MEMORY_MAX 1024

struct memory {
  struct {
    char origin[128];
    enum signer_role role;
    struct signed_tree tree;
  } row[MEMORY_MAX];
  size_t n;
  unsigned saves, loads;
  bool fail;
  struct faulty *watch; /* may be NULL: when saving, no transaction may be open there … */
  unsigned commits;     /* … and so many had been committed at the last save */
};

struct signer_memory memory_of(struct memory *m);
struct ed25519_key *record_key(uint8_t seed);
/* A signer of the party "b.example" with the keys of seeds 11, 12 and 13. */
struct signer *kit_signer(struct memory *m);

/* ---- a log ---- */

struct author {
  struct dir dir;
  struct store *store;
  struct copy *copy;
  struct ed25519_key *key;
  uint8_t fork; /* goes into each entry */
};

/* Entries are "entry <i>" of varying length; `fork` makes another history that differs from entry `from` on. */
void author_make(struct author *a, uint8_t fork, uint64_t from, uint64_t size);
void author_free(struct author *a);
/* Appends "<origin>\n<size>\n<root>\n\n" and the line of key. */
void author_note(struct author *a, struct buf *out, const char *origin, uint64_t size);
/* The body of add-checkpoint from old to size, as an honest author sends it. */
void author_add_checkpoint(struct author *a, struct buf *out, const char *origin, uint64_t old, uint64_t size);
/* All packages for [start, end), without the head. */
void author_packages(struct author *a, struct buf *out, uint64_t start, uint64_t end);

struct vkey kit_vkey(const char *origin, const struct ed25519_key *k);
struct vkey kit_mirror_vkey(const struct signer *s);

/* ---- a mirror of that log ---- */

#define NOW 1700000000

struct stage {
  struct dir dir;
  struct faulty store;
  struct memory memory;
  struct signer *signer;
  struct author a, b; /* 600 entries each; b differs from entry 3 on */
  struct vkey key;    /* both sign with it */
  struct mirror *m;
};

void stage_open(struct stage *s);
void stage_close(struct stage *s);
/* The same as set-up and tear-down of a test, whose state is the stage. */
int stage_setup(void **state);
int stage_teardown(void **state);
/* Opens a mirror of another log, which nothing is held of. */
void stage_fresh(struct stage *s);
/* Closes signer, mirror and store and opens them again. */
void stage_restart(struct stage *s);
struct mirror_state stage_state(const struct stage *s);
/* Sends the author's checkpoint of that size and requires 200. */
void stage_pending(struct stage *s, uint64_t size);
/* Sends everything up to size and requires 200. */
void stage_fill(struct stage *s, uint64_t size);
/* The answer carries, and the mirror serves, a cosignature dated time over the author's tree of that size. */
void stage_check_cosigned(struct stage *s, const struct mirror_answer *out, uint64_t size, int64_t time);

/* Sends and returns the status; the answer is left in *out for the caller to look at and free. */
unsigned kit_add_checkpoint(struct mirror *m, struct author *a, uint64_t old, uint64_t size, struct mirror_answer *out);
unsigned kit_upload(struct mirror *m, uint64_t start, uint64_t end, struct bytes body, int64_t now,
                    struct mirror_answer *out);
/* Of 202 and 409: the whole body. */
void answer_check_info(const struct mirror_answer *out, unsigned status, const char *body);
void answer_free(struct mirror_answer *a);

#endif
