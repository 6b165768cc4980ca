/*
 * What the parts of the simulator share: the world (time, chance, events), its homes, connections, clients and claims.
 */
#ifndef PARLEY_TESTS_SIM_WORLD_H
#define PARLEY_TESTS_SIM_WORLD_H

#include "base/encoding.h"
#include "fault_vfs.h"
#include "node/node.h"
#include "sim.h"

#define SIM_HOMES_MAX (SIM_PARTIES_MAX + 1) /* the liar has two */
#define DEATH_NEVER UINT64_MAX
#define NO_STATEMENT SIZE_MAX
#define NAME_SIZE 32
#define SIM_CARDS_MAX 4 /* that one home has in one run */

/* ---- events ---- */

enum event_kind {
  EV_WAKE,     /* home: its timer */
  EV_ARRIVE,   /* connection: the request's first byte is there */
  EV_PIECE,    /* connection: more of the body */
  EV_ANSWER,   /* connection: the answer is back */
  EV_GIVE_UP,  /* connection: the sender's patience ends */
  EV_CLIENT,   /* home: somebody wants something */
  EV_DRAFT,    /* draft: its next step */
  EV_FAULT,    /* the world: something breaks */
  EV_START,    /* home: the machine is up again */
  EV_ROOM,     /* home: the disk has room again */
  EV_LINK,     /* link number: it works again */
  EV_SAVE,     /* the home to be set back: its disk is saved */
  EV_SET_BACK, /* and later put back */
  EV_AMEND,    /* the world: a version of the charter is proposed or accepted */
  EV_RECOVER,  /* the officer of the home that was set back looks after it */
  EV_CARRIER   /* a bundle is carried */
};

struct event {
  int64_t at;
  uint64_t order; /* of equal times */
  enum event_kind kind;
  size_t which;
};

/* ---- homes ---- */

struct memory_row {
  char origin[ORIGIN_MAX + 1];
  enum signer_role role;
  struct signed_tree tree;
};

struct memory {
  struct memory_row *rows;
  size_t n, cap;
};

/* A set of homes. */
struct homes {
  uint64_t bits[(SIM_PARTIES_MAX + 63) / 64];
};

/* The newest checkpoint of one log that this mirror said it has taken. */
struct shown_row {
  char origin[ORIGIN_MAX + 1];
  uint64_t size;
};

struct fault_image; /* fault_image.c */

struct home {
  struct world *w;
  unsigned number;
  bool liar; /* its node is an honest one; what it makes others believe is not */
  char name[NAME_SIZE];
  uint8_t keys[4][32]; /* seeds: statement, log, mirror, rotation */
  struct age_identity seal;
  struct card cards[SIM_CARDS_MAX]; /* oldest first; the last is in force */
  unsigned n_cards;
  uint8_t log_before[32]; /* seed of the log key before the present one */
  bool has_log_before;
  struct arena arena;
  struct fault_disk *disk;
  struct memory memory; /* of the signer; what is in it is durable */
  struct shown_row *pending;
  size_t pending_n, pending_cap;
  /* Lives only while it runs. */
  bool up;
  uint64_t life; /* starts so far */
  struct store *store;
  struct signer *signer;
  struct node *node;
  size_t last_claim, last_promise; /* of claims, + 1; 0: none */
  /* Faults. */
  bool dead;             /* the power went inside a call; nothing that it says from then on leaves the machine */
  uint64_t save_death;   /* saves of the signer's memory until one ends the machine; DEATH_NEVER: none */
  bool save_death_after; /* it is on the disk when the machine ends */
  uint64_t save_fail;    /* saves until one fails; DEATH_NEVER: none */
  /* Time. */
  int64_t wall_offset_s, mono_offset_ms;
  int64_t wake_at; /* of the EV_WAKE that counts; INT64_MAX none */
  int64_t idle_second;
  unsigned idle_wakes;
  /* The old snapshot that it is set back to. */
  bool set_back, sizes_taken;
  uint64_t size_back[2];       /* of its log and bulk log as it started from the snapshot */
  struct memory signed_before; /* what it had signed by then */
  struct fault_image *saved;
  struct memory saved_memory;
  /* Its officer. */
  bool recovering;                   /* the node was told to: from here on it may sign again */
  bool recover_dry, recover_planned; /* what was asked last; nobody was silent then */
  int64_t recover_asked_ms;          /* of the answer that is waited for; INT64_MIN: none */
};

/* ---- connections ---- */

enum tag_kind { TAG_CONN, TAG_LOCAL };

struct conn {
  enum tag_kind tag; /* first: the node's tag of the call */
  size_t number;
  unsigned from, to;
  uint64_t from_life, to_life, request;
  bool wanted; /* the sender waits for the answer (a duplicate's is thrown away) */
  bool over;   /* at the sender */
  char method[8], path[256], content_type[64];
  bool has_type;
  unsigned rival;  /* variant of the liar's card that it carries; 0: none */
  unsigned events; /* of it that are due; freed with the last of them */
  struct buf body;
  size_t fed, cut; /* cut: the connection dies before this byte; SIZE_MAX: it does not */
  struct node_call *call;
  bool answered;
  unsigned status, retry_after;
  const char *answer_type;
  struct buf answer;
};

/* ---- clients ---- */

enum local_what { LOCAL_SEND, LOCAL_ACK, LOCAL_RECOVER, LOCAL_OTHER };

/* A request of the local API whose answer has not come yet. */
struct local {
  enum tag_kind tag; /* first */
  unsigned home;
  uint64_t life;
  struct node_call *call; /* NULL: over */
  enum local_what what;
  size_t statement; /* NO_STATEMENT: none */
};

struct sent_file {
  struct buf data;
  uint8_t sha256[32];
};

/* A statement, or what may become one. */
struct sent {
  unsigned from;
  struct homes to;
  bool accepted;
  char id[65];
  bool is_ack;
  size_t acks; /* the statement acknowledged */
  struct homes acked_by;
  struct sent_file files[3];
  size_t n_files;
  char text[64]; /* its summary, to be read back */
};

enum draft_state { DRAFT_PUT, DRAFT_SEND, DRAFT_ASK, DRAFT_OVER };

struct draft_client {
  unsigned home;
  uint64_t life;
  char id[33];
  size_t statement;
  enum draft_state state;
  bool promised; /* the node said 202 to the sending */
  size_t file, fed;
  struct node_call *call;
};

struct receipt {
  unsigned from;
  size_t statement;
};

/* ---- claims: what left a node under its keys ---- */

struct claim {
  unsigned home; /* that signed */
  bool mirror;
  bool promise; /* a cosignature that was answered: the entries are held for ever */
  char origin[ORIGIN_MAX + 1];
  struct signed_tree tree;
  size_t before; /* + 1: the claim before it of the same home; 0: none */
};

struct world {
  struct sim_options o;
  struct sim_result *result;
  uint64_t random;
  int64_t now_ms;
  uint64_t step, order, events_max;
  struct event *heap;
  size_t heap_n, heap_cap;
  struct home homes[SIM_HOMES_MAX];
  unsigned n, total; /* parties; machines */
  /* The liar, if any, is the last party; its second machine, with the same keys, comes after it. */
  bool has_liar;
  struct homes second; /* who is shown the second machine */
  struct buf lies[16]; /* checkpoints that it has sent, to be sent again to others */
  size_t n_lies;
  char said[2][65];               /* newest statement of each of its machines; "": none */
  unsigned rivals[SIM_HOMES_MAX]; /* set of the variants of its card that a party was told and has answered to */
  bool took[SIM_HOMES_MAX][2];    /* party: what it took of the liar's log is no part of that machine's history */
  const struct form *form;        /* the one in force */
  char forum[65];
  bool link_cut[SIM_HOMES_MAX][SIM_HOMES_MAX];
  bool renewed[SIM_HOMES_MAX][SIM_HOMES_MAX]; /* author, mirror: cosigned since they were cleared */
  struct conn **conns;
  size_t conns_n, conns_cap;
  size_t *conns_free; /* numbers to be used again */
  size_t conns_free_n, conns_free_cap;
  struct local **locals;
  size_t locals_n, locals_cap;
  struct sent *sent;
  size_t sent_n, sent_cap;
  struct draft_client *drafts;
  size_t drafts_n, drafts_cap;
  struct receipt *receipts;
  size_t receipts_n, receipts_cap;
  struct claim *claims;
  size_t claims_n, claims_cap;
  size_t *claim_table; /* of claims by what they are about: index + 1 */
  size_t claim_table_n;
  size_t arrived; /* statements below this number are delivered for good */
  /* The seed's temper: chances in 1,000. */
  unsigned lose, repeat, tear, late;
  int64_t latency_ms, heartbeat_s;
  bool calm;        /* everything has healed */
  bool backup;      /* this run sets home 0 back */
  bool memory_too;  /* with its signer's memory */
  bool memory_lost; /* without any */
  bool recovers;    /* and recovers */
  bool failed;      /* out of memory and the like */
  unsigned ops_left, faults_left;
  bool carried; /* no line between the first two in the first act: bundles */
  /* New versions of the charter. */
  unsigned amendments_left, outsider; /* outsider: the party that joins late, + 1; 0: none */
  bool amended, suspends;             /* one was proposed; one that suspends somebody, or lets it speak again */
  bool settling, settles, mends;      /* the end: all accept what is open; what crosses is mended */
  int64_t settle_at;
  int64_t op_pause_ms, fault_pause_ms; /* at most, between two of one client, and between two faults */
};

/* ---- world.c ---- */
uint64_t chance(struct world *w);
uint64_t below(struct world *w, uint64_t n);
bool one_in(struct world *w, unsigned n);
bool per_mille(struct world *w, unsigned k);
void at(struct world *w, int64_t ms, enum event_kind kind, size_t which);
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
/* Everything that was accepted is delivered; why says what is missing. */
bool ending_reached(struct world *w, char *why, size_t why_size);
/* In the last two heartbeats each log was cosigned by each of its mirrors. */
void ending_check_heartbeats(struct world *w);
void ending_check(struct world *w);

#endif
