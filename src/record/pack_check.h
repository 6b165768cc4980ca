/*
 * The state of one verification of an evidence pack, and its steps: shared by the files that make up pack_verify.
 */
#ifndef PARLEY_RECORD_PACK_CHECK_H
#define PARLEY_RECORD_PACK_CHECK_H

#include "record/pack_parts.h"

struct check {
  struct pack_result *out;
  struct arena *a;
  const struct pack *p;
  const struct pack_known *known;
  struct errmsg *e;
  struct pack_cards cards;
  struct pack_parties who; /* of the statement */
  const struct charter *charter;
  struct pack_note note; /* of the statement: of its first proof */
  uint64_t index;        /* where it stands in its log */
};

/* ---- one delivered statement (pack_delivery.c) ---- */

struct delivery {
  const struct pack_trio *files;
  const struct statement *statement;
  const struct hash *id;
  const struct pack_parties *who;
  struct pack_note note; /* read */
  uint64_t index;        /* where in the log the statement stands */
};

parley_err pack_entry_read(struct check *c, struct statement *s, struct dsse *envelope, struct hash *id,
                           const char *file);
/* Checks proof and policy; fills d->note and d->index. */
parley_err pack_delivery_check(struct check *c, struct delivery *d);
/* Notes how far a signed time lies from the time of issue. */
void pack_skew(struct pack_result *out, int64_t time, int64_t issued);

/* ---- the steps, in this order ---- */

parley_err pack_check_files(struct check *c);   /* pack_bulk.c: what is attached was delivered */
parley_err pack_check_answers(struct check *c); /* pack_answers.c: acknowledgement and rejection */
parley_err
pack_check_disclosure(struct check *c);         /* pack_disclosed.c: section 8, and what it shows about a rejection */
parley_err pack_check_stored(struct check *c);  /* pack_stored.c: its step for the files */
parley_err pack_check_anchors(struct check *c); /* pack_anchors.c: who the parties are */

#endif
