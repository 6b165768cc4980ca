/*
 * The node: a deterministic core without I/O (design section 8). It answers requests, keeps logs and mirrors through the
 * store, and says what it wants to send. Clock, randomness, store and signer come in through struct node_env; the daemon
 * and the simulator drive the same functions. Not thread-safe.
 *
 * The owner's loop: feed requests (node_begin … node_finish), then call node_work; collect answers (node_next_answer) and
 * outbound requests (node_next_outbound); report how those ended (node_outbound_done); sleep until node_next_ms.
 */
#ifndef PARLEY_NODE_NODE_H
#define PARLEY_NODE_NODE_H

#include "forum/form.h"
#include "forum/statement.h"
#include "record/signer.h"
#include "store/store.h"

#define NODE_BODY_MAX                                                                                                  \
  (1u << 20) /* bytes of a request body held in memory (uploads of entries and files are streamed) */
#define NODE_SUBMIT_BATCH_MAX 1024 /* statements that one checkpoint takes at most */
#define NODE_ASK_MS 2000           /* retry of the question that must be answered before the first signature */
#define NODE_RETRY_MS 1000         /* after a failure of the store or the signer */
#define NODE_BACKOFF_MIN_MS 500
#define NODE_BACKOFF_MAX_MS 60000

/* Where a neutral witness listens (docs/protocol.md, "Neutral witnesses"). The strings live as long as the node. */
struct node_witness {
  const char *name; /* of its vkey in charters */
  const char *url;
  const char *pin; /* of its certificate; NULL: the system's authorities judge it */
};

struct node_env {
  void *ctx;
  int64_t (*wall_s)(void *ctx);                      /* UTC seconds */
  int64_t (*mono_ms)(void *ctx);                     /* never goes back; for timers */
  void (*random)(void *ctx, uint8_t *out, size_t n); /* may not fail */
  struct store *store;
  struct signer *signer;
  const struct age_identity *seal; /* our seal keys in the order of our card's labels */
  size_t n_seal;
  const struct form *const *forms; /* forms at hand */
  size_t n_forms;
  const struct node_witness *witnesses;
  size_t n_witnesses;
  /* level as syslog (3 error, 4 warning, 6 info); never bodies or secrets; may be NULL */
  /*
   * Runs work(items[i]) for all i, in any order, perhaps on several threads, and returns when all are done. NULL: one after the
   * other. What goes there (sealing and signing a statement) changes nothing but its item, so that nothing depends on who runs it.
   */
  void (*parallel)(void *ctx, void (*work)(void *item), void *const *items, size_t n);
  void (*log)(void *ctx, int level, const char *line);
};

struct node;

/* own_card: our card's envelope. ECONFLICT when keys and card do not belong together. Next: node_pin for each counterpart, then node_start. */
parley_err node_open(struct node **out, const struct node_env *env, struct bytes own_card, struct errmsg *e);
/* Loads forums, logs, proposals and drafts from the store; needs the cards of their members pinned. Call once. */
parley_err node_start(struct node *n, struct errmsg *e);
void node_close(struct node *n);

/*
 * An earlier card of ours, newest first: each must be the one that the card given before it replaces. Between node_open and node_start.
 * A party that has replaced its card needs all from the one that its oldest charter names.
 */
parley_err node_own_before(struct node *n, struct bytes card_envelope, struct errmsg *e);

/*
 * Pins a counterpart's card (its fingerprint was compared by people). Its validity in time is judged when it is pinned by people and when something is sent. Refused: our own name (ECONFLICT), a name pinned to
 * another fingerprint (ECONFLICT, unless it is the proved successor), a key that stands in another pinned card or ours (ECONFLICT).
 * Pinning the same card again is OK. Pins live in the home's trust/ folder: the owner calls this for each at start.
 */
parley_err node_pin(struct node *n, struct bytes card_envelope, struct errmsg *e);
/*
 * A log that the open mirror holds for anybody (src/node/open_mirror.h), by its vkey of type 0x01; several of one origin are keys of one
 * log. Between node_open and node_start. One of a forum that we are in is left aside, then or when we join. EINVAL, ELIMIT.
 */
parley_err node_open_log(struct node *n, struct bytes vkey, struct errmsg *e);
/* Pinned cards, i from 0; NULL at the end. */
const struct card *node_pinned(const struct node *n, size_t i);
const struct card *node_own_card(const struct node *n);
/*
 * Takes the successor of a pinned card by the rotation key's signature, which needs no people (docs/protocol.md, "A new card"). It is kept in the
 * store. *fresh: it was not held yet. ENOTFOUND: the party is not pinned; ECONFLICT: a serial between is missing, or two successors void each other.
 */
parley_err node_successor(struct node *n, struct bytes card_envelope, bool *fresh, struct errmsg *e);
/* Changes whenever a counterpart's card does: its link keys are to be told to the gate. */
uint64_t node_cards_version(const struct node *n);
/* True while the log key before the present one is still needed: some log has no checkpoint under both yet. */
bool node_needs_log_key_before(const struct node *n);
/* True when every counterpart has taken our newest card. */
bool node_card_told(const struct node *n);

/* ---- requests in ---- */

struct node_request {
  const char *peer;   /* party name proved by the gate; NULL on the local socket */
  bool open;          /* anybody, by the open mirror's listener; peer is NULL then */
  const char *method; /* GET, POST, PUT, DELETE */
  const char *
      path; /* for peers: below the submission or monitoring URL's path, which is the same: "/add-entries", "/<hash>/checkpoint" */
  const char *query; /* "" when absent */
  const char *content_type;
};

struct node_response {
  unsigned status;          /* 0: not yet */
  const char *content_type; /* static */
  struct buf body;          /* whole body, unless stream */
  bool immutable;           /* may be cached for long (tiles) */
  bool compressible;        /* worth compressing on the way */
  unsigned retry_after;     /* seconds */
  void *stream;             /* streamed body: read with node_stream_read, end with node_stream_free */
  uint64_t stream_length;
};

/* A request in progress; NULL when memory is out. out may be set at once (refusals): then feeding more is useless but harmless. */
struct node_call;
struct node_call *node_begin(struct node *n, const struct node_request *r, struct node_response *out);
void node_data(struct node_call *c, struct bytes in, struct node_response *out);
/* After the whole body. When out->status stays 0 the answer comes later from node_next_answer. */
void node_end(struct node_call *c, struct node_response *out);
/* Frees the call, answered or not (a dead connection). The response's body is the caller's (buf_free). */
void node_finish(struct node_call *c);
/* tag of a call, for the owner's use; node_next_answer returns it. */
void node_call_set_tag(struct node_call *c, void *tag);
void *node_call_tag(const struct node_call *c);
/* The next call that got its answer; NULL when none. The caller still ends it with node_finish. */
struct node_call *node_next_answer(struct node *n, struct node_response *out);

int64_t node_stream_read(void *stream, uint64_t offset, uint8_t *out, size_t cap); /* bytes; 0 at the end; -1 failure */
void node_stream_free(void *stream);

/* ---- work and time ---- */

/* Commits what was accepted since the last call as one batch (store, sync, sign), takes in what arrived, runs due timers. */
void node_work(struct node *n);
/* Milliseconds until node_work must be called again even if nothing happens: 0 now, at most 60,000. */
int node_next_ms(struct node *n);

/* ---- requests out ---- */

struct outbound {
  uint64_t id;
  const char *peer;         /* party */
  const char *method;       /* "GET" or "POST" */
  const char *url;          /* whole */
  const char *path;         /* the part below the peer's URL, for the simulator and logs: "/add-entries" */
  const char *const *pins;  /* NULL-terminated */
  const char *content_type; /* NULL for GET */
  struct bytes body;        /* lives until node_outbound_done */
  bool stranger;            /* to a neutral witness: peer is its name, pins may be empty (the system's authorities) */
};

/* True when there is one to send now. Everything in *out lives until node_outbound_done(id). At most one at a time per peer and lane. */
bool node_next_outbound(struct node *n, struct outbound *out);

struct outbound_result {
  bool answered; /* an HTTP answer came */
  unsigned status;
  const char *content_type;
  uint32_t retry_after;
  struct bytes body;
  const char *message; /* when not answered: why, in one sentence */
};
void node_outbound_done(struct node *n, uint64_t id, const struct outbound_result *r);
/* Progress of a request's body, bytes sent (for `parley send`). */
void node_outbound_progress(struct node *n, uint64_t id, uint64_t sent);

/* ---- proofs of two histories that are kept (docs/protocol.md, section 11) ---- */

struct node_proof {
  const char *id; /* "<party>-<16 digits>": of its folder */
  const char *party, *origin;
  bool log, mirror; /* as what the party is convicted */
};
/* Changes whenever there is one more. */
uint64_t node_proofs_version(const struct node *n);
/* i from 0, in no order; false at the end. */
bool node_proof_at(const struct node *n, size_t i, struct node_proof *out);
struct pack;
parley_err node_proof_files(struct node *n, const char *id, struct pack *out, struct arena *a, struct errmsg *e);

/*
 * Keeps a proof that comes from a folder, after node_start; files sorted by name. OK when it is kept already. ENOTFOUND: its forum is not in
 * force here; EVERIFY, EINVAL.
 */
parley_err node_proof_give(struct node *n, const struct pack *p, struct errmsg *e);

/* ---- for the simulator's invariants ---- */

struct node_log_view {
  const char *origin;
  bool own;
  uint64_t size, signed_size; /* entries; own: last checkpoint signed; mirrored: mirror checkpoint */
  bool stopped;               /* own: signing has stopped */
  const char *why;            /* of the stop or the wait; "" */
};
/* i from 0; false at the end. */
bool node_log_at(struct node *n, size_t i, struct node_log_view *out);
parley_err node_log_entry(struct node *n, const char *origin, uint64_t index, struct arena *a, struct bytes *out,
                          struct errmsg *e);
parley_err node_log_root(struct node *n, const char *origin, uint64_t size, struct hash *out, struct errmsg *e);

#endif
