/*
 * Parties with keys and cards made from one number each, and documents signed as a test likes, for the tests of src/forum.
 */
#ifndef PARLEY_TESTS_PARTIES_H
#define PARLEY_TESTS_PARTIES_H

#include "formats/age.h"
#include "forum/card.h"

struct party {
  struct ed25519_key *statement, *rotation, *log, *mirror;
  struct age_identity seal;
  struct card card; /* parsed from envelope */
  struct buf envelope;
  struct arena arena;
};

/* Parties of different numbers (1 to 60) share no key. Everything here fails the test when it does not work. */
void party_open(struct party *p, const char *name, uint8_t number);
void party_close(struct party *p);

struct ed25519_key *key_of(uint8_t seed);
/* An envelope of this type over payload, signed by n keys in this order. */
struct buf envelope_by(const char *type, struct bytes payload, const struct ed25519_key *const *keys, size_t n);
/* Payload of an envelope, as a C string in the arena. */
char *payload_of(struct arena *a, struct bytes envelope);
/* text with its first `from` replaced by `to`, in the arena; `from` must be there. */
char *replaced(struct arena *a, const char *text, const char *from, const char *to);
/* `unit` n times, in the arena. */
char *repeated(struct arena *a, const char *unit, size_t n);

/* err is code and the message has this part. */
#define assert_refused(err, code, e, part) check_refused(err, code, &(e), part, __FILE__, __LINE__)
void check_refused(parley_err err, parley_err code, const struct errmsg *e, const char *part, const char *file,
                   int line);

#endif
