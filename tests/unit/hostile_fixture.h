/*
 * A member that breaks rules, for tests of the node core: its log is made by hand, signed with its true keys, and pushed by
 * requests of its own; and a store that fails when told to.
 */
#ifndef PARLEY_TESTS_HOSTILE_FIXTURE_H
#define PARLEY_TESTS_HOSTILE_FIXTURE_H

#include "node_fixture.h"
#include "store/backend.h"

struct evil {
  struct rig_party *p; /* muted: its node answers, but sends nothing of its own */
  uint8_t forum[SHA256_SIZE];
  char origin[ORIGIN_MAX + 1];
  struct buf *entry;
  struct hash *leaf;
  size_t n, room;
  uint64_t shown[4]; /* what each party of the rig holds of it */
  uint64_t nonce;
  struct ed25519_key *statement, *log;
  struct arena arena;
};

/* Takes over for a party after rig_forum: the log goes on after what its node has written. */
void evil_open(struct evil *v, struct rig_party *p, const char *forum);
/* A forum of all parties (the first proposes), in which this one never wrote anything, not even the charter. */
void evil_join(struct evil *v, struct rig *r, size_t who, char forum[static 65]);
void evil_close(struct evil *v);

/* Common members of a statement; then the addressee, the sealed body, the entry. */
void evil_statement(struct evil *v, struct statement *s, const char *kind);
void evil_to(struct evil *v, struct statement *s, const char *party);
void evil_seal(struct evil *v, struct statement *s, const char *body);
/* Appends and clears it; its id into hex (may be NULL). */
void evil_append(struct evil *v, struct statement *s, char *hex);
void evil_append_raw(struct evil *v, struct bytes entry, char *hex);
/* An honest notice to a party, and an acknowledgement of the statement re (hex) to it. */
void evil_notice(struct evil *v, const char *to, char *hex);
void evil_ack(struct evil *v, const char *to, const char *re, char *hex);
/* The statement that opens a log. */
void evil_charter(struct evil *v);
/* Pushes all to a party, which must take it; evil_push then lets the rig run. */
void evil_show(struct evil *v, struct rig_party *to);
void evil_push(struct evil *v, struct rig_party *to);

/* One request of `from` to another party's node; its status, its body into *answer (may be NULL). */
unsigned peer_ask(struct rig_party *from, struct rig_party *to, const char *method, const char *path, struct bytes body,
                  struct buf *answer);

/* ---- looking ---- */

const char *str_of(const json_t *o, const char *name); /* "" when absent */
/* GET /v1/statements/ID, which must be there. */
json_t *show_statement(struct rig_party *p, const char *id);
/* Its state is this, and its problem has this part ("": it has none). */
#define assert_statement(p, id, state, problem) check_statement(p, id, state, problem, __FILE__, __LINE__)
void check_statement(struct rig_party *p, const char *id, const char *state, const char *problem, const char *file,
                     int line);
/* The receipt of a statement, which must verify, has an acknowledgement or not. */
#define assert_receipt(p, id, with_ack) check_receipt(p, id, with_ack, __FILE__, __LINE__)
void check_receipt(struct rig_party *p, const char *id, bool with_ack, const char *file, int line);
/* Sends a notice that must be delivered at once. */
void send_delivered(struct rig_party *p, const char *forum, char id[static 65]);
/* A notice to all other members of a forum ("" with one forum of two), as a request body that the caller frees. */
char *notice_json(struct rig_party *p, const char *forum);

/* ---- requests that wait ---- */

struct waiting {
  struct node_call *c;
  struct node_response resp;
};
/* Begins and ends the request without running anything. */
void ask_begin(struct waiting *w, struct rig_party *p, const char *method, const char *path, const char *body);
/* Hands answers of the party's node out to those that wait; returns how many got one. */
size_t ask_collect(struct rig_party *p, struct waiting *w, size_t n);
/* Frees it, answered or not; the answer's JSON, or NULL. */
json_t *ask_end(struct waiting *w);

/* ---- the record ---- */

/*
 * Every held line on p's own log of this forum is the earliest cosignature over some statement to that party, and each such
 * earliest one stands there once (of statements that were cosigned).
 */
#define assert_held_once(p, forum, to) check_held(p, forum, to, __FILE__, __LINE__)
void check_held(struct rig_party *p, const char *forum, struct rig_party *to, const char *file, int line);
uint64_t log_size(struct rig_party *p, const char *forum);
/* Statements in p's own log that are more than bookkeeping. */
size_t count_notices(struct rig_party *p, const char *forum);

/* ---- a store that fails ---- */

enum faulty_ops { FAIL_WRITES = 1, FAIL_READS = 2, FAIL_BEGINS = 4 };

struct faulty {
  struct store_ops ops; /* first: the store's table leads here */
  const struct store_ops *real;
  unsigned what, countdown; /* fails when it reaches 0; 0: never */
  parley_err err;
  bool fired;
};

/* The party's store fails once, with err, at the k-th operation of that sort from now. */
void faulty_arm(struct faulty *f, struct rig_party *p, unsigned what, unsigned k, parley_err err);
/* It works again; true when it had failed. */
bool faulty_disarm(struct faulty *f, struct rig_party *p);

#endif
