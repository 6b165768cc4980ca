/*
 * A neutral witness for the rig of node_fixture.h: C2SP tlog-witness as it should be, or as one that is broken or lies.
 */
#ifndef PARLEY_TESTS_WITNESS_FIXTURE_H
#define PARLEY_TESTS_WITNESS_FIXTURE_H

#include "hostile_fixture.h"
#include "record/silence.h"

enum witness_mode {
  WITNESS_GOOD,
  WITNESS_AWAY,      /* no answer */
  WITNESS_UNKNOWN,   /* 404 */
  WITNESS_REFUSES,   /* 422 */
  WITNESS_BUSY,      /* 429, Retry-After 100 */
  WITNESS_REDIRECTS, /* 302 */
  WITNESS_EMPTY,     /* 200 and nothing */
  WITNESS_GARBAGE,   /* 200 and bytes */
  WITNESS_ENDLESS,   /* 200 and more than a note can be */
  WITNESS_OTHER_KEY, /* a cosignature of its name by another key */
  WITNESS_WRONG,     /* by its key, over another tree */
  WITNESS_OLD,       /* an hour before */
  WITNESS_FUTURE,    /* an hour ahead */
  WITNESS_AHEAD,     /* 409: it holds more than there is */
  WITNESS_NONSENSE,  /* 409 without a size */
  WITNESS_STUBBORN,  /* 409 with size 0, for ever */
  WITNESS_MODES
};

struct witness_log {
  char origin[ORIGIN_MAX + 1];
  uint64_t size;
};

struct fake_witness {
  struct rig *rig;
  struct ed25519_key *key, *other;
  struct vkey vkey, second; /* of `other`, a witness that is always good */
  bool two;                 /* the charter names the second, too */
  struct node_witness at[2];
  enum witness_mode mode;
  struct witness_log log[8];
  size_t n_logs;
  unsigned requests, conflicts;
  int64_t asked_ms; /* when it was asked last */
  struct buf body;
};

#define WITNESS_NAME "witness.example/parley"
#define WITNESS_SECOND "second.example"

/* A rig of n parties; the first knows where the witness listens. */
void witness_open(struct fake_witness *w, struct rig *r, const char *const *names, size_t n);
void witness_close(struct fake_witness *w);
/* A forum of all parties whose charter names it. */
void witness_forum(struct fake_witness *w, char hex[static 65]);
/* One member of the status of the first party: of its only witness. The caller frees. */
json_t *witness_state(struct fake_witness *w);
int64_t witness_size(struct fake_witness *w);
/* A notice of the first party to all others; its id. precedence NULL: that of notice_json. */
void witness_send(struct fake_witness *w, const char *forum, const char *precedence, char id[static 65]);
/* GET …/receipt of the first party, or that of silence, into a pack in the arena. The status. */
unsigned witness_receipt(struct fake_witness *w, const char *id, bool silent, struct pack *out, struct arena *a);

#endif
