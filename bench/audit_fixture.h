/*
 * What bench/audit, bench/restart and bench/tessera share: a party with keys and a card, signed statements, a log of
 * them in a store on disk, and the time.
 */
#ifndef PARLEY_BENCH_AUDIT_FIXTURE_H
#define PARLEY_BENCH_AUDIT_FIXTURE_H

#include "forum/statement.h"
#include "record/copy.h"
#include "record/mirror.h"
#include "store/store.h"

struct bench_party {
  struct ed25519_key *statement, *log, *mirror, *rotation;
  struct age_identity seal;
  struct buf envelope;
  struct card card;
  struct arena arena;
};

double bench_now(void);
/* Seconds of processor time that this process has used: what other load does to it is less than to the clock. */
double bench_cpu(void);
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *fmt, ...);
/* Ends the program with the message unless OK. */
void bench_must(parley_err err, const struct errmsg *e);

void bench_party_make(struct bench_party *p, const char *name, uint8_t number);
/* n entries by `from` to `to`, each with a sealed body of so many bytes; one buffer each. */
struct buf *bench_statements(const struct bench_party *from, const struct bench_party *to, size_t n, size_t body);
extern const uint8_t bench_forum[SHA256_SIZE];

/* A signer with these keys whose memory is this process; it takes no keys over that are needed elsewhere. */
struct signer *bench_signer(uint8_t number, const char *name);
/* Appends entries in batches of 1024, each a synced transaction. */
void bench_append(struct store *s, struct copy *c, const struct buf *entries, size_t n);
/* The log's signed checkpoint for what the copy holds. */
void bench_note(struct buf *out, struct copy *c, const struct bench_party *by);
/* Adds the checkpoint and uploads [start, end) of the copy to the mirror, as a node does, 32 packages a request. */
void bench_upload(struct copy *from, struct mirror *to, const struct bench_party *by, uint64_t start);

#endif
