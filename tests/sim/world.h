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
  bool disk_failed; /* as it started: its forum may not be open yet */
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

#include "parts.h"

#endif
