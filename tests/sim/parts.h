/*
 * What each part of the simulator does for the others; included by world.h, which has the types.
 */
#ifndef PARLEY_TESTS_SIM_PARTS_H
#define PARLEY_TESTS_SIM_PARTS_H

#include "world.h"

/* ---- queue.c ---- */
uint64_t chance(struct world *w);
uint64_t below(struct world *w, uint64_t n);
bool one_in(struct world *w, unsigned n);
bool per_mille(struct world *w, unsigned k);
void at(struct world *w, int64_t ms, enum event_kind kind, size_t which);
struct event queue_pop(struct world *w); /* the earliest; there is one */
/* Makes *p at least need elements of size bytes long; false (and w->failed) when out of memory. */
bool grow(struct world *w, void **p, size_t *cap, size_t need, size_t size);

static inline bool homes_has(const struct homes *s, unsigned i) { return s->bits[i / 64] >> (i % 64) & 1; }
static inline void homes_add(struct homes *s, unsigned i) { s->bits[i / 64] |= UINT64_C(1) << (i % 64); }

/* ---- trace.c ---- */
__attribute__((format(printf, 2, 3))) void trace(struct world *w, const char *fmt, ...);
/* The first one counts; the run ends with it. */
__attribute__((format(printf, 3, 4))) void violation(struct world *w, const char *invariant, const char *fmt, ...);
bool violated(const struct world *w);

/* ---- home.c ---- */
bool home_make(struct world *w, unsigned number);
void home_free(struct home *h);
/* The liar's second machine. */
bool home_twin(struct world *w, unsigned number, const struct home *of);
/* A card with the next serial that is never used: two of them void each other. */
bool home_rival_card(struct home *h, uint8_t variant, struct buf *envelope);
/* Before its first start: the forum is in force for it. */
bool home_put_forum(struct home *h, const uint8_t id[static SHA256_SIZE], struct bytes envelope);
/* Starts the machine; on failure it is down again, and a start is due later. */
void home_start(struct home *h);
/* The power goes (or only the process, with kill) and comes back after a while. */
void home_crash(struct home *h, bool kill);
void home_stop(struct home *h); /* in order */
/* While it is down: its next card, with some or all keys new; sometimes the old log key is lost. */
void home_renew(struct home *h);
/* The line verifies over the text by the mirror key of one of its cards. */
bool home_cosigned(const struct home *h, struct bytes line, struct bytes text);
/* After calls into the node: true when the machine died in one of them; it is down now, and what the call said must be forgotten. */
bool home_died(struct home *h);
/* Lets the node work, and takes what it says. idle: only its timer rang. */
void home_settle(struct home *h, bool idle);
void home_wake(struct home *h, int64_t rang_at);
/* Between these nothing fails; for looking at a node without disturbing the run. */
struct calm {
  uint64_t cut_in, fail_in, room;
  bool spared;
};
struct calm calm_begin(struct home *h);
void calm_end(struct home *h, struct calm c);
bool memory_copy(struct world *w, struct memory *to, const struct memory *from);
/* What a node shows of a log of another, or of its own; false when it does not know it. */
bool home_log_view(struct home *h, const char *origin, struct node_log_view *out);
const struct memory_row *memory_find(const struct memory *m, const char *origin, enum signer_role role);

/* ---- backup.c ---- */
void home_save(struct home *h);
void home_set_back(struct home *h);
/* More was signed for this own log than it had when it started from the snapshot: it must not sign any more. */
bool home_must_stop(const struct home *h, const char *origin);

/* ---- recovery.c ---- */
bool recovery_due(const struct home *h); /* a log of its newest epoch has stopped since it was set back */
void recovery_begin_later(struct world *w);
void recovery_event(struct world *w);
void recovery_answer(struct home *h, const struct node_response *r);

/* ---- fault_image.c ---- */
struct fault_image *fault_image_save(const struct fault_disk *d);
bool fault_image_load(struct fault_disk *d, const struct fault_image *i); /* what is open is dead */
void fault_image_free(struct fault_image *i);

/* ---- network.c ---- */
void network_send(struct home *h); /* everything that the node wants to send now */
void network_event(struct world *w, const struct event *ev);
void network_answer(struct home *h, struct conn *c, struct node_response *r); /* a late answer of the node */
void network_forget(struct home *h);                                          /* its calls and requests end with it */
void network_free(struct world *w);

/* ---- clients.c, workload.c, drafts.c ---- */
struct api {
  unsigned status;
  struct buf body;
  void *stream;
  uint64_t stream_length;
};
/*
 * The answer to a good request that trouble explains, while not everything has healed. 404: a full disk; who has joined is
 * shown, and nothing can be opened for it.
 */
bool client_excuses(const struct world *w, unsigned status);
/* One request of the local API. call != NULL: it may be left waiting there, status 0. False when the machine died in it. */
bool client_call(struct home *h, const char *method, const char *path, const char *query, struct bytes body,
                 struct api *out, struct node_call **call);
/* The answer comes later; what it says of a statement of the liar is kept. */
void client_wait(struct home *h, struct node_call *call);
/* The answer comes to recovery_answer. */
void client_recovers(struct home *h, struct node_call *call);
void client_answer(struct home *h, struct local *l, struct node_response *r);
void clients_forget(struct home *h);
void clients_free(struct world *w);
bool client_get_json(struct home *h, const char *path, const char *query, unsigned *status, json_t **out);
/* The plaintext of a file compared with what was sent; false after a violation or a death. */
bool client_check_file(struct home *h, const struct sent *s, size_t file, const char *invariant);
void client_accepted(struct world *w, size_t statement, const char *id);
size_t sent_new(struct world *w, unsigned from);
size_t sent_find(const struct world *w, const char *id);
void workload_event(struct home *h);
void workload_send(struct home *h, bool with_files);
void workload_open_forum(struct world *w);
bool forum_is_agreed(const struct world *w);
/* A charter that nobody asked for, with this party's signature alone. */
bool forum_proposal(struct home *h, struct buf *envelope);
bool forum_agreed(struct world *w);        /* agreed.c: each store begins with the complete charter */
bool workload_forum_open(struct world *w); /* everywhere */
void bad_request(struct home *h);
void draft_new(struct home *h, struct bytes request, size_t statement);
void draft_event(struct world *w, size_t number);

/* ---- amend.c: new versions of the charter ---- */
void amend_begin(struct world *w);
void amend_event(struct world *w);
void amend_settle(struct world *w);                      /* in the second act, again and again */
bool amend_agreed(struct world *w, char *why, size_t n); /* all judge the complete versions alike */
bool amend_has(struct home *h, unsigned party);          /* it is a member, as this home sees it */
bool amend_may_send(struct home *h);                     /* it is a member and not suspended, as it sees it itself */
bool amend_excuses(const struct home *h);                /* it may have lost its say, or its seat, in this run */
bool amend_crossed(struct home *h);                      /* two versions that do not list each other are complete */
void amend_in_force(struct home *h, char out[static 65]);

/* ---- carrier.c: bundles ---- */
void carrier_begin(struct world *w);
void carrier_event(struct world *w);
bool carrier_instead(const struct world *w, unsigned a, unsigned b); /* that line stays cut for now */

/* ---- liar.c: a member that lies ---- */
bool liar_make(struct world *w);
/* Which of its machines that party talks to. */
unsigned liar_machine(const struct world *w, unsigned party);
bool liar_apart(const struct world *w, unsigned a, unsigned b); /* one is a machine of it that the other is not shown */
void liar_event(struct home *h);                                /* instead of a client */
void liar_said(struct home *h, const char *id);                 /* a statement of it was accepted */
void liar_sends(struct home *h, struct conn *c);                /* a request of its node is about to go */
void liar_answers(struct home *h, struct conn *c);              /* and an answer */
void liar_believed(struct world *w, const struct conn *c);      /* a party took a checkpoint of it */
/* Each party that can know of its two histories has the proof; why says who has not. */
bool liar_found(struct world *w, char *why, size_t n);
void liar_check(struct home *h); /* no proof against anybody else; of two cards of one serial none counts */
/* A request without a node behind it. */
void network_forge(struct home *from, unsigned to, const char *path, struct bytes body, unsigned rival);

/* ---- claims.c ---- */
void claim_note(struct world *w, struct bytes note);
/* An answer of 200 to add-entries. */
void claim_promise(struct home *mirror, const char *origin, uint64_t size, struct bytes lines);
/* An answer of 200 to add-checkpoint. */
void claim_pending(struct home *mirror, struct bytes request);
void claims_check_pending(struct home *h);
void claim_saved(struct home *h, const char *origin, enum signer_role role, const struct signed_tree *t);
/* I2 for this home; all: every promise, else the newest ones. */
void claims_check(struct home *h, bool all);
void claims_drop(struct home *h); /* its mirror was set back */

/* ---- receipts.c ---- */
void receipt_take(struct home *h, size_t statement, struct bytes json);
void receipts_check(struct world *w);
void receipts_free(struct world *w);

/* ---- records.c, views.c: at the end ---- */
void records_compare(struct world *w, struct home *author); /* its logs with their mirrors */
void views_check(struct world *w);                          /* what the nodes show of equal records */

/* ---- invariants.c, ending.c ---- */
void invariants_step(struct home *h);    /* cheap ones, after each event that touched h */
void invariants_started(struct home *h); /* after each start */
/* The first party whose newest card the home does not hold, what the liar has apart; NULL: it holds all. */
const char *ending_lacks_card(const struct home *h);
/* Everything that was accepted is delivered; why says what is missing. */
bool ending_reached(struct world *w, char *why, size_t why_size);
/* In the last two heartbeats each log was cosigned by each of its mirrors. */
void ending_check_heartbeats(struct world *w);
void ending_check(struct world *w);

#endif
