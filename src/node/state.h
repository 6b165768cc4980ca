/*
 * What a node holds in memory, and the functions that its files offer each other. Nothing outside src/node includes this.
 */
#ifndef PARLEY_NODE_STATE_H
#define PARLEY_NODE_STATE_H

#include "forum/answer.h"
#include "forum/versions.h"
#include "node/node.h"
#include "record/copy.h"
#include "record/mirror.h"

#define WHY_SIZE 320
#define HELD_QUEUE_MAX 64
#define FORUM_PARTIES_MAX 256 /* that are or were members of one forum, this node aside */
#define CARDS_HELD_MAX 64     /* of one party: a card a quarter for 16 years; each is kept, and stands in receipts */
#define STATEMENT_UPLOAD_BYTES (4u << 20) /* of one add-entries request; a package at least */
#define BULK_UPLOAD_BYTES (1u << 20)
#define TURNS_MAX 2 /* answers in a row without a step forward before a lane pauses */
#define SIG_LINE_SIZE 300     /* one signature line of a note, without its newline */

/* A request stream: at most one request under way, retried with exponential backoff and jitter. */
struct lane {
  uint64_t request;      /* id of the request under way; 0 none */
  int64_t next_ms;       /* not before */
  int64_t not_before_ms; /* the counterpart asked for this pause (Retry-After): hearing from it does not end it */
  unsigned failures;
  int64_t since;      /* wall seconds of the first of these failures */
  char why[WHY_SIZE]; /* of the last failure; "" when well */
  struct buf body;    /* of the request under way */
  char url[URL_MAX + 256];
  const char *path; /* into url */
};

/* A card that has been replaced. What was signed under it stays proved. */
struct old_card {
  struct old_card *before; /* NULL: the oldest held */
  struct card card;
};

/* A counterpart whose card is pinned. */
struct peer {
  struct peer *next;
  struct arena arena;
  struct card card; /* the newest that counts */
  struct old_card *before;
  uint64_t void_serial; /* of two successors of one card: neither counts, nor anything after them; 0: there are none */
  const char *pins[LINK_PINS_MAX + 1];
  struct lane card_lane;     /* our own new card on its way to it */
  uint64_t card_told;        /* serial of the newest card of ours that it has taken */
  uint64_t card_most;        /* the highest that card_told has been since the start */
  int64_t last_in, last_out; /* wall seconds of its last request here, of its last answer to us; 0 never */
  bool clock_known;
  int64_t clock_offset; /* its clock minus ours, seconds, from its last cosignature */
};

struct held_line {
  uint64_t size;
  struct hash root;
  char line[256]; /* as in struct held of forum/statement.h */
  int64_t due;    /* wall seconds by which it must be on the record */
  bool taken;     /* in a statement that waits for its commit */
};

/* A run of statements to one counterpart with the same acknowledgement time. */
struct concern {
  uint64_t from, to; /* indices, [from, to) */
  int64_t seconds;
};

/* The two newest cosignatures kept for the availability record (line_marks.h). */
struct line_marks {
  int64_t before, last; /* dated so; 0: none */
  int64_t offered;      /* wall seconds since when the next one could be given; 0: not known */
};

/* The versions that a log has opened, in its order; one stands there again when it came into force again. */
struct opened {
  uint8_t digest[SHA256_SIZE];
  uint64_t index; /* of the last entry of the run */
};
struct openings {
  struct opened *list;
  size_t n, cap;
};

struct relay_ask; /* relay_ask.c */
struct attempts;  /* attempts.c */

enum push_step { PUSH_ASK, PUSH_CHECKPOINT, PUSH_ENTRIES };

/* One own log going to one counterpart. */
struct push {
  struct push *older; /* of an older epoch whose end the counterpart lacks (epoch_end.h); NULL: none */
  bool idle;          /* of an older epoch: nothing is sent, only its held lines are left */
  struct own_log *log;
  struct member *to;
  struct lane lane;
  enum push_step step; /* of the request under way */
  uint64_t sent_size, sent_start;
  char sent_line[SIG_LINE_SIZE];    /* our signature of the checkpoint under way */
  char pending_line[SIG_LINE_SIZE]; /* and of the one that it has as pending */
  uint64_t pending, next;           /* what it holds, as far as we know */
  struct buf ticket;                /* that it gave with these, for the next add-entries; empty: none */
  uint64_t cosigned;                /* size of its newest cosignature */
  int64_t cosigned_at;              /* and its time by the counterpart's clock */
  int64_t renewed_ms;               /* monotonic time of the newest cosignature */
  bool answered;                    /* it has shown since the start what it holds of this log */
  bool ask;                         /* it must be asked (again) */
  int64_t asked_back_ms;            /* monotonic: when that was last; 0: never */
  bool ask_back;           /* because it asked for its own log: not what it has seen, but what it has cosigned */
  unsigned turns;          /* answers in a row that were no step forward */
  uint64_t taken, reached; /* the largest checkpoint that it took, and the most entries that it said to hold */
  uint64_t held_upto;      /* statements below this index have their earliest cosignature on record or queued */
  struct held_line *held;  /* at most HELD_QUEUE_MAX; of bulk logs none */
  size_t n_held, cap_held;
  struct line_marks marks;
  struct concern *concerns; /* what of our log from known_from on concerns the counterpart, oldest first */
  size_t n_concerns, cap_concerns;
  struct attempts *attempts; /* of an entry log; NULL: none yet */
  uint64_t known_from;       /* entries below were written before this start: they are read from the log */
  uint64_t lack_read;        /* `cosigned` + 1 when lack_old was read from them; 0: not yet */
  bool lack_old;             /* one of them concerns the counterpart and is not cosigned */
  int64_t
      lacks_ms; /* monotonic: then others are asked for its cosignature (docs/protocol.md, "Relay"); 0: nothing lacks */
  struct relay_ask *others;     /* while they are; NULL: never yet */
  char via[PARTY_NAME_MAX + 1]; /* who brought the cosignature that is being taken; "": the counterpart itself */
};

struct own_log {
  struct forum *forum;
  bool bulk;
  uint64_t epoch;
  struct own_log *older; /* the epoch before, which is only read; NULL: none */
  char origin[ORIGIN_MAX + 1];
  char path[2 * SHA256_SIZE + 1]; /* SHA-256 of the origin in hex: where its resources are read */
  struct copy *copy;
  uint64_t signed_size;
  struct buf note; /* newest checkpoint with our signature; of both log keys when it is the first under a new card */
  struct openings versions; /* entry log */
  uint64_t announced;       /* entry log: serial of our newest card that stands in it */
  struct buf first_note;    /* the first checkpoint under our newest log key, if an older one has signed before it */
  uint64_t first_size;      /* its size */
  uint64_t first_serial;    /* of the card that it is the first of */
  bool ready;               /* a member has shown what it holds, or all hold nothing: signing may go on */
  int64_t asks_ms;          /* since when they are asked */
  bool stopped;             /* signing has stopped for good (until recovery) */
  int64_t retry_ms;         /* signing failed and is tried again then; 0: it did not fail */
  char why[WHY_SIZE];
};

struct relay; /* relay.h */

/* The tree of an epoch that is over that the next one's forum.epoch names. */
struct log_end {
  uint64_t size; /* 0: none is named */
  struct hash root;
};

struct their_log {
  struct member *from;
  struct relay *relays; /* members that are not known to hold what we hold of it, where that is our business */
  bool bulk;
  uint64_t epoch;
  struct their_log *older; /* the epoch before, of which only its end is taken; NULL: none */
  struct log_end end;      /* of an older one (epoch_end.h) */
  bool opened;             /* epoch 0, or its entry 0 was taken in as a forum.epoch */
  char origin[ORIGIN_MAX + 1];
  char path[2 * SHA256_SIZE + 1]; /* as of an own log */
  struct vkey vkeys[2]; /* its checkpoints' signers: of the author's newest card, and of the one in force at taken_in */
  size_t n_vkeys;
  struct mirror *mirror;
  int64_t day;       /* UTC day number that day_base belongs to; 0: not loaded yet */
  uint64_t day_base; /* entries held when that day began */
  bool day_stored;
  char via[PARTY_NAME_MAX + 1]; /* the member that brought its last entries; "": it did itself, as far as is known */
  uint64_t taken_in;            /* statements below this index are indexed */
  uint64_t serial;              /* of its author's card in force there */
  struct openings versions;     /* below taken_in */
  uint64_t waits_cards;         /* cards_version + 1 when the next entry waits for a card; 0: it does not */
  uint64_t cards_tried;         /* index + 1 of the entry whose cards, version or proof were tried to be learned */
  uint64_t heard;               /* size of its newest heard line on our record */
  uint64_t heard_taken;         /* and in statements that wait for their commit; 0 none */
  uint64_t gained;              /* size up to which it gained anything but bookkeeping */
  struct line_marks marks;      /* of our cosignatures */
};

/* What is passed on to a member, whichever log it is of: one request at a time, for statements and for files. */
struct relay_gate {
  uint64_t busy[2];  /* ids of the requests under way */
  unsigned failures; /* in a row, without an answer */
  int64_t next_ms;
};

struct member {
  struct forum *forum;
  struct relay_gate relay_gate;
  struct peer *peer;
  struct push push, bulk_push;
  struct their_log log, bulk; /* of its newest epoch that is open */
  struct their_log *ahead;    /* its log of the epoch after, not open yet (or not by the rules); NULL: none is held */
  uint64_t first_serial;      /* of its card that the first version which names it names */
  bool gone; /* it is no member by the version in force: its logs are kept, and nothing more of it is taken */
};

struct witness; /* witness.h */

/* What a request under way still reads though nothing else needs it. */
struct retired {
  struct retired *next;
  struct buf body;
};

struct forum {
  struct forum *next;
  struct arena arena;
  uint8_t id[SHA256_SIZE];
  struct charter charter; /* the version in force */
  bool gone;              /* we are no member by the version in force */
  uint64_t own_serial;    /* of our card that the first version which names us names */
  struct own_log log, bulk;
  struct member *members; /* the others that are or were members: room for FORUM_PARTIES_MAX */
  size_t n_members;
  struct witness *witnesses; /* the neutral ones of the charter in force, in its order */
  size_t n_witnesses;
  struct retired *retired;
  bool touched;         /* in the batch under way */
  int64_t heartbeat_ms; /* monotonic: next one */
};

/* What of a statement is done just before its batch is committed, for all of the batch at once: sealing and signing. */
struct sealing {
  struct node *node;
  struct submission *submission;
  struct arena arena;
  struct statement s; /* arrays in the arena */
  struct buf text;    /* the plaintext; wiped */
  uint8_t seed[SEED_SIZE];
  uint8_t (*recipients)[X25519_SIZE];
  size_t n_recipients;
  struct buf sealed;
  parley_err err;
  struct errmsg why;
};

/* A statement accepted in memory that waits for the next batch commit. */
struct submission {
  struct submission *next;
  struct forum *forum;
  struct sealing *sealing; /* until the entry is made; NULL then, and for open kinds */
  struct buf entry;
  struct hash id;
  struct buf row;         /* of STORE_STATEMENTS, without log and index */
  struct node_call *call; /* to be answered; NULL when gone or none */
  enum answer answers;    /* what it is of the statement re */
  uint8_t re[SHA256_SIZE];
  bool bookkeeping;
  bool
      opening; /* the charter at the head of a new log, a new card: kept until stored, since nothing may come before it */
  uint64_t card_serial;       /* of the card that it announces; 0: none */
  uint8_t opens[SHA256_SIZE]; /* the version whose run it ends */
  bool has_opens;
  uint8_t draft[16];
  bool has_draft;
  uint64_t index;                          /* in the log, once committed */
  uint64_t order;                          /* in the box, when it has one already: it moves to another log; else 0 */
  int64_t ack_seconds;                     /* of its precedence under the charter */
  uint8_t to[(FORUM_PARTIES_MAX + 7) / 8]; /* members (by their place in forum->members) that it is addressed to */
  int wait_s;
};

struct proposal_push {
  struct proposal_push *next;
  struct peer *peer;
  struct lane lane;
  unsigned told; /* one more than the signatures in what it last answered to; 0: nothing */
  unsigned sent;
};

/* A version of a charter, open or complete; kept for good. */
struct proposal {
  struct proposal *next;
  struct arena arena;
  uint8_t digest[SHA256_SIZE], forum[SHA256_SIZE];
  bool placed; /* its forum is known */
  struct charter charter;
  struct buf envelope; /* empty while nobody has signed */
  bool signed_by[FORUM_MEMBERS_MAX];
  unsigned n_signed;
  bool complete, holds, in_force; /* as judged last */
  char from[PARTY_NAME_MAX + 1];
  struct proposal_push *pushes;
};

/* The versions held of one forum, judged. */
struct versions {
  struct arena arena;
  struct version_set set;
  struct proposal **p; /* as set.v */
  size_t *order;       /* places of the complete ones, ancestors first */
  size_t n_order;
};

struct draft;    /* drafts.c */
struct open_log; /* open_mirror.h */
struct forks;    /* forks.h */
struct observed; /* observed.h */

struct node {
  struct node_env env;
  struct arena arena;
  struct card own;
  struct old_card *own_before;
  uint64_t cards_version; /* counts changes of counterparts' cards */
  struct peer *peers;
  struct forum *forums;
  struct open_log *open_logs; /* of the open mirror */
  struct proposal *proposals;
  struct charter *unread; /* stored versions that cannot be read now, for a card that is not pinned; in the arena */
  size_t n_unread;
  bool versions_due; /* what is in force could not be acted on: tried again */
  struct submission *queue, **queue_end;
  size_t queued;
  struct node_call *calls; /* all */
  struct node_call *answers, **answers_end;
  uint64_t next_request;
  uint64_t next_order; /* of the boxes */
  struct draft *drafts;
  struct forks *forks;
  struct observed *observed;
  int64_t drafts_sweep_ms; /* monotonic: ended ones are looked for then */
  bool intake_due;
  struct recovery *recovery; /* recover.h; under way; NULL: none */
  unsigned forums_failed;    /* in force, but could not be opened at the start */
  uint64_t news;             /* counts cosignatures and batches taken in: whoever waits looks again when it changes */
  int64_t retry_ms;          /* a commit or the intake failed and is tried again then; 0: nothing failed */
  int64_t run_from;          /* wall seconds since when this node runs, as noted (line_marks.h); 0: not noted yet */
};

struct row; /* rows.c */

/* ---- node.c ---- */
int64_t node_wall(const struct node *n);
int64_t node_mono(const struct node *n);
__attribute__((format(printf, 3, 4))) void node_log_line(const struct node *n, int level, const char *fmt, ...);
/* A commit or the intake failed: it is due again in a second, not at once. */
void node_retry(struct node *n);
/* Trouble of ours (memory, disk), not of what was judged: it is tried again later. */
bool node_trouble(parley_err r);
struct peer *node_peer(const struct node *n, const char *name);
const struct card *node_card(const struct node *n, const char *name); /* own or pinned; NULL */
const struct card *node_card_lookup(void *node, const char *name, const uint8_t fp[static SHA256_SIZE]);
const struct form *node_form(const struct node *n, const struct charter *c,
                             const char *kind); /* pinned and at hand; NULL */
const struct form *node_form_at_hand(const struct node *n, const char *kind);

/* ---- cards.c: cards over time (docs/protocol.md, "A new card") ---- */
/* A card of a party by serial; NULL when it is not held, or void. */
const struct card *node_card_serial(const struct node *n, const char *name, uint64_t serial);
/* All cards held of a party, oldest first; at most max of the newest. Returns how many. */
size_t node_cards(const struct node *n, const char *name, const struct card **out, size_t max);
/* ECONFLICT, naming the key and the party, when a key of the card stands in any card, old or new, of another party. */
parley_err cards_distinct(const struct node *n, const struct card *c, struct errmsg *e);
/* No more cards of the party are taken. */
bool cards_full(const struct peer *p);
/* Loads what the store holds of a counterpart's successors. */
parley_err cards_load(struct node *n, struct peer *p, struct errmsg *e);
/*
 * Takes an envelope as the counterpart's next card, in a transaction of its own. OK with *fresh false: it is held already, or older than what is
 * held. ECONFLICT: a serial between is missing, it is void, or it is the second successor of one card (which is stored, and voids both).
 * ELIMIT: cards_full. EVERIFY, EINVAL.
 */
parley_err cards_learn(struct node *n, struct peer *p, struct bytes envelope, bool *fresh, struct errmsg *e);
/* Sets the log keys that a mirrored log may be signed with, after its author's cards or its place in it have changed. */
parley_err their_log_keys(const struct node *n, struct their_log *l, struct errmsg *e);
/* Verifies a note of our own log by any of our cards' log keys. */
parley_err own_note_verify(const struct node *n, const struct own_log *l, const struct note *note, size_t *which,
                           struct errmsg *e);
/* Verifies a cosignature line of a party by the mirror key of its newest card, or of another of serial `oldest` or later. ENOTFOUND: not its line. */
parley_err cosignature_verify(const struct node *n, const char *party, uint64_t oldest, struct bytes line,
                              struct bytes text, int64_t *time, struct errmsg *e);

/* ---- card_entry.c: forum.card in counterparts' logs ---- */
/* The author's card in force at the end of what was taken in. */
const struct card *card_in_force(const struct node *n, const struct their_log *l);
/* Judges a forum.card that is next in the log; *serial gets that of its last card. ENOTFOUND: well-formed, but a card of it is not held. */
parley_err card_entry_judge(const struct node *n, const struct their_log *l, const struct statement *s,
                            const struct dsse *d, uint64_t *serial, struct errmsg *e);
/* Learns the cards of such an entry (cards_learn); any other entry is none of its business. */
parley_err card_entry_learn(struct node *n, const struct their_log *l, struct bytes entry, struct errmsg *e);

/* ---- renewal.c: our own new card on its way ---- */
/* What the store knows of an own log's announced cards and its first checkpoint under a new key. charter_serial: of the card that the charter names. */
parley_err renewal_load(struct node *n, struct own_log *l, uint64_t charter_serial, struct errmsg *e);
parley_err renewal_told_load(struct node *n, struct peer *p, struct errmsg *e);
/* Queues the forum.card statement that our log of this forum lacks. */
parley_err renewal_announce(struct node *n, struct forum *f, struct errmsg *e);
parley_err renewal_announced(struct node *n, const struct submission *s,
                             struct errmsg *e); /* in the batch's transaction */
/* The checkpoint about to be published is the first under a new log key: adds the old key's signature and keeps it. */
parley_err renewal_sign(struct node *n, struct own_log *l, const struct signed_tree *tree, struct buf *note,
                        struct errmsg *e);
/* The log has no checkpoint under both keys yet, and needs one. */
bool renewal_waits(const struct node *n, const struct own_log *l);
/* The counterpart does not know the key of our log: it may have gone back in time and lost our cards, which it is told again. */
void renewal_again(struct peer *p);
bool renewal_next(struct node *n, struct outbound *out);
bool renewal_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t renewal_next_ms(const struct node *n);

/* ---- forums.c ---- */
/* Opens logs and mirrors of a forum of which a version is in force and links it in. */
parley_err forum_load(struct node *n, const struct versions *v, struct errmsg *e);
/* Opens members that are new, and marks those that are gone, by the version in force. */
parley_err forum_members(struct node *n, struct forum *f, const struct versions *v, struct errmsg *e);
void forum_free(struct forum *f);
struct forum *forum_find(const struct node *n, const uint8_t id[static SHA256_SIZE]);
struct member *forum_member(const struct forum *f, const char *party);
/* By id, prefix of at least 8 digits, or "" when there is exactly one. */
parley_err forum_by_text(struct forum **out, const struct node *n, const char *text, struct errmsg *e);
/* The member has signed two histories of its log or bulk log in this forum. */
bool member_forked(const struct node *n, const struct member *m);
/* forks.c: two histories of our own log are proved: signing stops, and it is said what to do. */
void own_log_forked(struct node *n, struct own_log *l);
struct own_log *own_log_by_origin(const struct node *n, const char *origin);
struct their_log *their_log_by_origin(const struct node *n, struct bytes origin);

/* ---- epochs.c: the logs of one party over its epochs (docs/protocol.md, "Epochs and recovery") ---- */
/* Opens all epochs that the store holds; the newest own one into f->log and f->bulk. */
parley_err own_epochs_open(struct node *n, struct forum *f, struct errmsg *e);
/* The newest that is open into m->log and m->bulk. */
parley_err their_epochs_open(struct node *n, struct member *m, struct errmsg *e);
void own_epochs_free(struct forum *f);
void their_epochs_free(struct member *m);
/* NULL: not held. */
struct own_log *own_log_of(struct forum *f, uint64_t epoch, bool bulk);
struct their_log *their_log_of(struct member *m, uint64_t epoch, bool bulk);
/* The log, or bulk log, that a statement stands in; one of the two is set, or none when it is not held. */
struct row;
struct copy *row_copy(const struct row *r, bool bulk, struct own_log **own, struct their_log **theirs);
/*
 * A checkpoint of the epoch after a member's newest came: its log is opened, to be held, when the checkpoint is signed by a key of it. *out NULL: not
 * taken. EREFUSED: two histories of the epoch before are known, and no charter in force has closed it.
 */
parley_err their_epoch_next(struct node *n, struct bytes origin, struct bytes note, struct their_log **out,
                            struct errmsg *e);
/* A newer epoch is open: nothing more of this log is accepted. */
bool their_log_over(const struct their_log *l);
/* Loads a forum anew from the store, in the place of f, which is gone when this returns OK. Uploads under way are dropped. */
parley_err forum_reload(struct node *n, struct forum *f, struct forum **out, struct errmsg *e);
/*
 * epoch_next.c: begins our next epoch with its forum.epoch, in a transaction of its own; f is gone then, *out is the forum. From the entry `rest` on
 * nobody was shown a signature over the old log: what was accepted there goes into the new one.
 */
parley_err own_epoch_next(struct node *n, struct forum *f, const struct forum_epoch *known, uint64_t rest,
                          struct forum **out, struct errmsg *e);
/* Queues what of the epoch before still waits for that. Called at every start. */
parley_err own_epoch_rest(struct node *n, struct forum *f, struct errmsg *e);

/* ---- memory.c: the mark in the store by which it knows the signer's memory. Key in STORE_META: "signer-memory" ---- */
/* At the start: sets signer_lost when the store knows another memory than the one that is there. */
parley_err memory_check(struct node *n, struct errmsg *e);
/* A new mark in both, once every log is recovered. */
parley_err memory_whole(struct node *n, struct errmsg *e);

/* ---- submit.c ---- */
/* Takes the submission over (queued for the next node_work). */
void submit_add(struct node *n, struct submission *s);
void submit_commit(struct node *n);         /* batch: store, sync */
void sign_logs(struct node *n);             /* signer, notes */
int64_t sign_next_ms(const struct node *n); /* the next retry of a log that could not be signed; INT64_MAX: none */
void submission_free(struct submission *s);
/* Writes the row, box and answer of a statement that stands at index of the newest own log; inside a transaction. */
parley_err submission_put_row(struct node *n, struct submission *s, uint64_t index, struct errmsg *e);

/* ---- push.c ---- */
void push_wake(struct node *n, struct own_log *log);
bool push_next(struct node *n, struct outbound *out);
bool push_done(struct node *n, uint64_t id, const struct outbound_result *r);
/* The first line after the text of a note of ours: the log's signature. "" when there is none. */
void first_signature(struct bytes note, char out[static SIG_LINE_SIZE]);
void lane_fail(struct node *n, struct lane *l, unsigned retry_after, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void lane_clear(struct lane *l);
void lane_ok(struct node *n, struct lane *l);
int64_t push_next_ms(const struct node *n);
/* A checkpoint of our log that a counterpart holds: signing stops where it is not our tree. False: our key did not sign it. */
bool push_shown(struct node *n, struct push *p, struct bytes text, struct errmsg *e);
void peer_heard_from(struct node *n, struct peer *p);
/* Loads what the store knows of a push. */
parley_err push_load(struct node *n, struct push *p, struct errmsg *e);

/* ---- cosignatures.c ---- */
/* Whose mirror's cosignature line it says to be, "— <party>/mirror …". False: it is of another form, a neutral witness's perhaps. */
bool mirror_line_party(const char *line, char party[static PARTY_NAME_MAX + 1]);
struct cosignature {
  uint64_t size;
  int64_t time;
  char log_line[SIG_LINE_SIZE], line[SIG_LINE_SIZE]; /* without newline */
  char via[PARTY_NAME_MAX + 1];                      /* the member that brought it; "": the party itself */
};
/* Stores a cosignature line of `to` over the tree of size; queues its held line. */
parley_err cosignature_add(struct node *n, struct push *p, uint64_t size, const char *log_line, struct bytes line,
                           int64_t time, struct errmsg *e);
/* The earliest (smallest) cosignature by party over a tree of more than index entries. ENOTFOUND. */
parley_err cosignature_covering(struct node *n, const struct own_log *log, const char *party, uint64_t index,
                                struct cosignature *out, struct errmsg *e);
/* The newest (largest) by party. ENOTFOUND. */
parley_err cosignature_newest(struct node *n, const struct own_log *log, const char *party, struct cosignature *out,
                              struct errmsg *e);
parley_err cosignature_at(struct node *n, const struct own_log *log, const char *party, uint64_t size,
                          struct cosignature *out, struct errmsg *e);
/* Writes the push's row (held queue included); inside a transaction. */
parley_err push_save(struct node *n, struct push *p, bool without_taken, struct errmsg *e);
/*
 * The held lines of an entry of ours that was fetched (recover_take.c) stand on the record, and wait for their turn no more: in
 * the store, and in memory once held_reread has been called after the commit.
 */
parley_err held_recorded(struct node *n, struct forum *f, const struct statement *s, struct errmsg *e);
parley_err held_reread(struct node *n, struct forum *f, struct errmsg *e);
/* Something of our log that concerns the counterpart is not cosigned by it yet. */
bool concerns_lack(const struct node *n, struct push *p);
/* Remembers that the committed submission concerns its addressees. */
void concerns_add(const struct submission *s);

/* ---- propose.c ---- */
parley_err proposals_load(struct node *n, struct errmsg *e);
void proposal_free(struct proposal *p);
struct proposal *proposal_find(const struct node *n, const uint8_t digest[static SHA256_SIZE]);
/*
 * Takes in an envelope, or the bare payload of a version that nobody has signed yet, from a peer (from != NULL) or ourselves;
 * merges, stores, and acts on what is in force then.
 */
parley_err proposal_take(struct node *n, struct bytes envelope, const char *from, struct proposal **out,
                         struct errmsg *e);
/* The same for one that a log has opened: it is complete, and no bound on open proposals applies. */
parley_err proposal_take_opened(struct node *n, struct bytes envelope, const char *author, struct errmsg *e);
/* The envelope; while nobody has signed the payload. */
struct bytes proposal_text(const struct proposal *p);
parley_err proposal_sign(struct node *n, struct proposal *p, struct errmsg *e);
parley_err charter_sign_own(struct node *n, struct bytes payload, struct buf *out, struct errmsg *e);
/* Sentences that stand against accepting ("card of X is not pinned", "form … is not at hand"), as a JSON array. */
json_t *proposal_problems(const struct node *n, const struct charter *c);
bool proposal_next(struct node *n, struct outbound *out);
bool proposal_done(struct node *n, uint64_t id, const struct outbound_result *r);
int64_t proposal_next_ms(const struct node *n);
/* That party holds all that we hold of it. */
void proposal_known(struct proposal *p, const char *party);
/* Something of this forum was unknown to the peer: tell it the charter again. */
void proposal_again(struct node *n, const uint8_t forum[static SHA256_SIZE], const struct peer *p);

/* ---- propose_push.c ---- */
/* Makes the lanes to all that are to be told of the versions of a forum, where they are missing. */
parley_err proposals_address(struct node *n, const struct versions *v, struct errmsg *e);
/* A party was pinned: proposals that wait for it go out. */
void proposals_pinned(struct node *n, struct peer *peer);

/* ---- versions.c: what is in force ---- */
/* All versions held of a forum, judged. versions_free in every case. */
parley_err versions_gather(struct node *n, const uint8_t forum[static SHA256_SIZE], struct versions *out,
                           struct errmsg *e);
void versions_free(struct versions *v);
/* What the earliest complete version that names the party says of it: its card stands at the head of its log. NULL: none does. */
const struct charter_member *versions_member(const struct versions *v, const char *party);
/* Queues the runs that our log lacks, our newer card before them. */
parley_err forum_open_log(struct node *n, struct forum *f, struct errmsg *e);
/* Acts on what is in force: opens the forum and its members, appends the runs that our log lacks, tells the others. */
parley_err versions_refresh(struct node *n, const uint8_t forum[static SHA256_SIZE], struct errmsg *e);
parley_err versions_load(struct node *n, struct errmsg *e); /* after proposals_load */
void versions_run(struct node *n);                          /* what failed is tried again */

/* ---- local_versions.c: how they are shown ---- */
/* "proposed": waits for our signature; "signed": for others; "in_force"; "left": in force without us; "replaced"; "conflict". */
const char *version_state(struct node *n, const struct proposal *p);
json_t *version_missing(struct node *n, const struct proposal *p); /* names of those whose signature is wanted */
/* All of its forum: the complete ones in order, then the open ones. */
json_t *versions_json(struct node *n, const struct proposal *p);
struct proposal *version_in_force(const struct node *n, const struct proposal *p); /* of its forum; NULL: none is */

/* ---- versions_log.c: the versions that a log has opened (docs/protocol.md, "New versions") ---- */
parley_err openings_load(struct node *n, const char *origin, struct copy *c, uint64_t upto, struct openings *o,
                         struct errmsg *e);
parley_err openings_add(struct openings *o, const uint8_t digest[static SHA256_SIZE], uint64_t index, struct errmsg *e);
/* Inside a transaction. */
parley_err openings_save(struct node *n, const char *origin, const struct openings *o, struct errmsg *e);
parley_err openings_committed(struct node *n, const struct submission *s, struct errmsg *e);
bool openings_have(const struct openings *o, const uint8_t digest[static SHA256_SIZE]);
/* The version that a statement in this log cites. EINVAL: the log has not opened it, or one that replaces it since. */
parley_err version_cited(struct node *n, const struct their_log *l, const struct statement *s,
                         const struct charter **out, struct errmsg *e);
/*
 * Judges a forum.charter that is next in the log, and notes what the last of a run opens. ENOTFOUND: what it opens is to be learned first;
 * with *wait true a member's card is not at hand.
 */
parley_err version_run_judge(struct node *n, struct their_log *l, uint64_t index, const struct statement *s, bool *wait,
                             struct errmsg *e);
parley_err version_run_learn(struct node *n, struct their_log *l, uint64_t index, struct errmsg *e);
/* The version that a statement cites, where it is held; else the one in force. */
const struct charter *charter_cited(const struct node *n, const struct forum *f, const struct statement *s);
/* What depends on what else is held, so it is never stored: adds "mark" and "mark_why" to the view of a statement. */
void version_mark(struct node *n, const struct row *r, const struct statement *s, json_t *o);
/*
 * It counts for nothing as things are: the charter in force closes its log before it, or with another history; or an
 * epoch before its own has two histories that no charter has closed (epoch_end.h). why: a sentence.
 */
bool row_is_closed(const struct node *n, const struct row *r, char *why, size_t size);

/* ---- intake.c ---- */
void intake_run(struct node *n);
bool intake_pending(const struct node *n);
parley_err intake_load(struct node *n, struct their_log *l, struct errmsg *e);
/* Writes the row of a mirrored log: taken in up to, heard up to; inside a transaction. */
parley_err intake_save(struct node *n, const struct their_log *l, uint64_t upto, uint64_t heard, struct errmsg *e);

/* ---- bookkeeping.c ---- */
void bookkeeping_run(struct node *n); /* forum.held, heartbeats, time-outs of waiters */
int64_t bookkeeping_next_ms(const struct node *n);
/* Takes held lines and heard vector for a new statement into its arrays (arena). */
parley_err vectors_take(struct node *n, struct forum *f, struct statement *s, bool all, struct arena *a,
                        struct errmsg *e);
/* The taken lines are on the record (committed) or not (given back). */
void vectors_settle(struct forum *f, bool committed);
void vectors_give_back(struct forum *f, struct statement *s); /* before it was queued */
bool vectors_taken(const struct push *p);                     /* some line of this queue is in the batch */

/* ---- compose.c: statements ---- */
/* Fills the members that every statement of ours has: forum, charter, from, issued, nonce. */
void compose_common(struct node *n, struct forum *f, struct statement *s, const char *kind);
/* Payload, signature, entry, id, row; queues it. plain may be NULL for open kinds. */
parley_err compose_submit(struct node *n, struct forum *f, struct statement *s, struct submission **out,
                          struct errmsg *e);
/* The same for a statement that is still to be sealed (taken over, in every case); its entry and id are made by compose_batch. */
parley_err compose_submit_sealing(struct node *n, struct forum *f, struct sealing *sealing, struct submission **out,
                                  struct errmsg *e);
/* A submission with its entry that is not queued; the caller frees it. */
parley_err compose_alone(struct node *n, struct forum *f, const struct statement *s, struct submission **out,
                         struct errmsg *e);
/* The same of an entry that was made before. */
parley_err compose_again(struct forum *f, const struct statement *s, struct bytes entry, int64_t received,
                         struct submission **out, struct errmsg *e);
/* Seals, signs and makes the entries of a batch. Those that fail have sealing->err set and no entry. */
void compose_batch(struct node *n, struct submission *batch);
void sealing_free(struct sealing *s);
/* Recipients of a sealed body: the desk key of each addressee, then ours. ENOTFOUND, EREFUSED with the name. */
parley_err compose_recipients(struct node *n, const struct statement *s, uint8_t (**out)[X25519_SIZE], size_t *count,
                              struct arena *a, struct errmsg *e);

/* ---- rows.c: what is stored of a statement ---- */
struct row {
  struct hash id;
  struct forum *forum;
  bool ours;
  const char *from, *kind, *problem; /* into the JSON */
  uint64_t epoch, index, order;
  int64_t received, issued;
  json_t *json; /* owned */
};
parley_err row_get(struct node *n, const struct hash *id, struct row *out, struct errmsg *e);
/* The same when its forum could not be opened; forum is NULL then. */
parley_err row_read(struct node *n, const struct hash *id, struct row *out, struct errmsg *e);
void row_clear(struct row *r);
/* By full id or prefix. ENOTFOUND, ECONFLICT (ambiguous), EINVAL. */
parley_err row_find(struct node *n, const char *text, struct row *out, struct errmsg *e);
parley_err row_entry(struct node *n, const struct row *r, struct arena *a, struct bytes *entry, struct errmsg *e);
/* Opens the body with whichever of our seal keys fits. */
parley_err row_open(struct node *n, const struct statement *s, struct plain *out, struct errmsg *e);
/* Its plaintext as it is; out is wiped by buf_free, after errors too. */
parley_err row_text(struct node *n, const struct statement *s, struct buf *out, struct errmsg *e);
/* Index keys. */
void key_box(struct buf *out, bool inbox, uint64_t order);
struct delivery_state {
  bool all;   /* the statement is delivered to all addressees */
  bool files; /* and so are its files */
  bool read;  /* and all have acknowledged it */
};
/* {"party","delivered",…} for each addressee. */
json_t *row_delivery(struct node *n, const struct row *r, const struct statement *s, struct delivery_state *d);
json_t *row_summary(struct node *n, const struct row *r);

/* A statement of ours that was never signed and cannot be any more; in a transaction of its own unless one is open. */
parley_err row_spoil(struct node *n, const struct hash *id, struct row *r, struct errmsg *e);
/* It stands elsewhere now; inside a transaction. */
parley_err row_move(struct node *n, const struct hash *id, struct row *r, uint64_t epoch, uint64_t index,
                    struct errmsg *e);

/* ---- drafts.c ---- */
parley_err drafts_load(struct node *n, struct errmsg *e);
void drafts_run(struct node *n);
int64_t drafts_next_ms(const struct node *n);
void drafts_free(struct node *n);
/* The statement of a draft was committed (the draft ends) or not (tried again). */
void drafts_settle(struct node *n, const struct submission *s, bool committed);

/* ---- receipt.c ---- */
#define RECEIPT_CARDS_MAX 448 /* of PACK_FILES_MAX; all that can be held of 7 parties */
/* All cards at hand of a statement's author and addressees; where they are too many, the newest of each; out has RECEIPT_CARDS_MAX elements. ENOTFOUND. */
parley_err receipt_cards(const struct node *n, const struct statement *s, const struct card **out, size_t *count,
                         struct errmsg *e);
/* The version that a statement cites, and before it its ancestors, oldest first; in the arena. ECONFLICT: it is not held. */
struct receipt_charters {
  struct bytes cited;
  const struct bytes *before;
  size_t n_before;
};
parley_err receipt_charters(struct node *n, const struct forum *f, const struct statement *s, struct arena *a,
                            struct receipt_charters *out, struct errmsg *e);
/* What a disclosed pack has besides (record/pack.h); p NULL: not. */
struct disclosed {
  struct bytes body, reject_body;
  bool has_range; /* files are disclosed */
  struct bytes range;
};
/* The evidence pack as {name: base64}; d NULL: a receipt. */
parley_err receipt_build(struct node *n, const struct row *r, const struct disclosed *d, json_t **files,
                         struct errmsg *e);

struct pack;
json_t *receipt_files(const struct pack *p); /* NULL: no memory */

/* ---- call.h holds requests ---- */

#endif
