/*
 * Evidence of non-delivery (docs/protocol.md, section 7): that a statement existed at a time that a neutral witness
 * signed, and that an addressee had cosigned nothing of the author's log beyond an earlier size. Not an evidence pack:
 * it proves no delivery. Files are held in memory by name, as of packs.
 */
#ifndef PARLEY_RECORD_SILENCE_H
#define PARLEY_RECORD_SILENCE_H

#include "record/pack.h"

#define SILENCE_FILE "silent.json"
#define SILENCE_ATTEMPTS_PER_PARTY 1000
#define SILENCE_ATTEMPTS_MAX 16000 /* in all */
#define SILENCE_JSON_MAX (16u << 20)
#define SILENCE_REQUEST_SIZE 33
#define SILENCE_OUTCOME_SIZE 256

/* An addressee that has not cosigned the statement. */
struct silence_party {
  char party[PARTY_NAME_MAX + 1];
  uint64_t size;     /* of the newest checkpoint of the log that it has cosigned; 0: none */
  int64_t time;      /* when it did, seconds; 0 with size 0 */
  struct bytes note; /* that checkpoint; for building */
};

/* What the author tried, by its own word: requests in a row that had one outcome. */
struct silence_attempt {
  char party[PARTY_NAME_MAX + 1];
  int64_t first, last; /* seconds */
  int64_t count;
  char request[SILENCE_REQUEST_SIZE]; /* a line */
  char outcome[SILENCE_OUTCOME_SIZE]; /* a line */
};

struct silence_list {
  struct silence_party *list;
  size_t n;
};

struct silence_attempts {
  struct silence_attempt *list;
  size_t n;
};

/* ---- the two JSON files, in one form only ---- */

parley_err silence_list_write(struct buf *out, const struct silence_list *l);
parley_err silence_list_parse(struct silence_list *out, struct arena *a, struct bytes in, struct errmsg *e);
parley_err silence_attempts_write(struct buf *out, const struct silence_attempts *l);
parley_err silence_attempts_parse(struct silence_attempts *out, struct arena *a, struct bytes in, struct errmsg *e);

/* ---- building ---- */

struct silence_input {
  struct pack_delivery statement;  /* its note carries the log's signature and witnesses' lines, others too */
  const struct card *const *cards; /* of the author and of the silent parties, any order */
  size_t n_cards;
  struct bytes charter;
  const struct bytes *predecessors; /* oldest first */
  size_t n_predecessors;
  struct silence_list silent; /* in the order of `to` */
  struct silence_attempts attempts;
};

/* Builds every file in the arena. The caller checks it with silence_verify before it gives it out. */
parley_err silence_build(struct pack *out, struct arena *a, const struct silence_input *in, struct errmsg *e);

/* ---- verifying ---- */

struct silence_witness {
  const char *name; /* of its vkey */
  int64_t time;     /* of its cosignature */
};

struct silence_result {
  struct pack_result
      pack; /* statement, id, parties (the author, then the silent ones), identified, title, tolerance, skew */
  uint64_t index, size; /* where in the log it stands, and the size of the witnessed checkpoint */
  struct silence_list silent;
  struct silence_attempts attempts;
  struct silence_witness witness[NOTE_SIGS_WRITE_MAX - 1];
  size_t n_witnesses;
};

/* Known by silent.json. */
bool silence_is(const struct pack *p);
/* Errors as pack_verify; the result points into the arena. known may be NULL. */
parley_err silence_verify(struct silence_result *out, struct arena *a, const struct pack *p,
                          const struct pack_known *known, struct errmsg *e);
void silence_result_clear(struct silence_result *r);

#endif
