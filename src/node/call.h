/*
 * One request being answered, and the helpers that write answers.
 */
#ifndef PARLEY_NODE_CALL_H
#define PARLEY_NODE_CALL_H

#include "node/state.h"

struct node_call;
typedef void (*call_handler)(struct node_call *c, struct node_response *out);

struct file_upload; /* drafts.c */

struct node_call {
  struct node *n;
  struct node_call *next, **link; /* list of all calls */
  struct node_call *next_answer;
  struct node_response answer; /* waiting in the answers list */
  bool queued;                 /* is in the answers list */
  void *tag;
  struct arena arena;
  struct peer *peer; /* NULL: local, or open */
  bool open;         /* by the open mirror's listener */
  struct open_log *open_log;
  const char *path, *query;
  const char *rest;     /* part of the path after the route's prefix */
  call_handler handler; /* at the end of the body */
  struct buf body;
  size_t body_max;
  /* add-entries */
  bool entries;
  struct mirror_upload *upload;
  struct their_log *log;
  uint64_t upload_end;
  bool dropped; /* its forum was loaded anew meanwhile, or the open mirror has let go of its log */
  struct mirror_answer early;
  /* PUT of a draft's file */
  struct file_upload *file;
  /* waiting for delivery */
  struct submission *submission;
  struct buf reserved; /* room for the answer that it is done: what is done must be told, memory or not */
  bool waiting;
  struct hash wait_id;
  int64_t wait_until_ms;
  uint64_t wait_seen; /* news counted when it was looked at last */
  bool wait_created;  /* the answer is 201 with the state; else the statement's row */
};

/* Answers a call that returned without one. Takes the response's body. */
void call_answer(struct node_call *c, struct node_response *r);

/* {"error","message"} with the status that fits the error; peers get the message as text/plain. */
void answer_err(struct node_call *c, struct node_response *out, parley_err err, const struct errmsg *e);
/* Writes v (taken over) as JSON. */
void answer_json(struct node_response *out, unsigned status, json_t *v);
unsigned err_status(parley_err err);
/* Integer parameter of the query string; fallback when absent or malformed. */
int64_t query_int(const char *query, const char *name, int64_t fallback);
bool query_is(const char *query, const char *name, const char *value);
/* The value as it stands there (nothing is decoded); false, and out untouched, when it is absent or too long. */
bool query_text(const char *query, const char *name, char *out, size_t size);

/* Parks the call until the statement is delivered to all or wait_s have passed. */
void call_wait(struct node_call *c, const struct hash *id, int wait_s, bool created);
/* Makes room for the answer below, before anything is done. ENOMEM. */
parley_err call_reserve(struct node_call *c, struct errmsg *e);
/* {name: hex, "state": state}, in the room that was made. */
void answer_done(struct node_call *c, unsigned status, const char *name, const uint8_t digest[static SHA256_SIZE],
                 const char *state, struct node_response *out);
/* Wakes calls whose statement is delivered by now. */
void calls_check_waiting(struct node *n);

/* ---- peer.c ---- */
void peer_route(struct node_call *c, const struct node_request *r, struct node_response *out);
void peer_entries_data(struct node_call *c, struct bytes in, struct node_response *out);
void peer_entries_end(struct node_call *c, struct node_response *out);
/* The body of add-checkpoint for that log. */
void peer_checkpoint_take(struct node_call *c, struct their_log *l, struct bytes body, struct node_response *out);

/* ---- local handlers ---- */
void local_route(struct node_call *c, const struct node_request *r, struct node_response *out);
void local_status(struct node_call *c, struct node_response *out);
void local_audit(struct node_call *c, struct node_response *out);
void local_proofs(struct node_call *c, struct node_response *out);
void local_proof(struct node_call *c, struct node_response *out);
void local_pins(struct node_call *c, struct node_response *out);
void local_availability(struct node_call *c, struct node_response *out);
void local_card(struct node_call *c, struct node_response *out);
void local_cards(struct node_call *c, struct node_response *out);
void local_successor(struct node_call *c, struct node_response *out);
void local_forums(struct node_call *c, struct node_response *out);
void local_forum(struct node_call *c, struct node_response *out);
void local_forum_propose(struct node_call *c, struct node_response *out);
void local_forum_amend(struct node_call *c, struct node_response *out);
void local_version_take(struct node_call *c, struct node_response *out);
void local_forum_accept(struct node_call *c, struct node_response *out);
void local_send(struct node_call *c, struct node_response *out);
void local_list(struct node_call *c, struct node_response *out);
void local_statement(struct node_call *c, struct node_response *out);
void local_entry(struct node_call *c, struct node_response *out);
void local_file(struct node_call *c, struct node_response *out);
void local_ack(struct node_call *c, struct node_response *out);
void local_reject(struct node_call *c, struct node_response *out);
void local_disclosure(struct node_call *c, struct node_response *out);
void local_disclosed(struct node_call *c, struct node_response *out);
void local_sealed(struct node_call *c, struct node_response *out);
void local_receipt(struct node_call *c, struct node_response *out);
/* Bundles: local_bundle.c, local_bundle_log.c, local_bundle_take.c. */
void local_bundle(struct node_call *c, struct node_response *out);
void local_bundle_log(struct node_call *c, struct node_response *out);
void local_bundle_entries(struct node_call *c, struct node_response *out);
void local_bundle_charter(struct node_call *c, struct node_response *out);
void local_bundle_held(struct node_call *c, struct node_response *out);
void local_bundle_checkpoint(struct node_call *c, struct node_response *out);
void local_bundle_cosigned(struct node_call *c, struct node_response *out);
/* POST /v1/bundle/entries: answers at the end of the body only, where there is room for the reason. */
void local_bundle_upload(struct node_call *c, struct bytes in);
void local_bundle_uploaded(struct node_call *c, struct node_response *out);
void local_recover(struct node_call *c, struct node_response *out);
void local_draft_send(struct node_call *c, struct node_response *out);
void local_draft(struct node_call *c, struct node_response *out);
void draft_file_begin(struct node_call *c, struct node_response *out);
void draft_file_data(struct node_call *c, struct bytes in, struct node_response *out);
void draft_file_end(struct node_call *c, struct node_response *out);
void draft_file_free(struct file_upload *f);
/* Makes a draft from a send request that has files; answers 202. */
struct send_request;
parley_err draft_create(struct node_call *c, json_t *request, const struct send_request *r, struct node_response *out,
                        struct errmsg *e);
/* Seals body (taken over) and queues the statement with this call waiting for it. */
parley_err send_sealed(struct node_call *c, struct forum *f, struct statement *s, const char *kind, json_t *body,
                       struct errmsg *e);

#endif
