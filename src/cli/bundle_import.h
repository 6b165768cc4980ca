/*
 * parley bundle import, in parts: bundle_import.c walks through the file and reports, bundle_log.c brings one log to
 * the node.
 */
#ifndef PARLEY_CLI_BUNDLE_IMPORT_H
#define PARLEY_CLI_BUNDLE_IMPORT_H

#include "base/json.h"
#include "cli/bundle_file.h"

/* The log whose entries are being read. */
struct import_log {
  bool known, own; /* the node has it; it is our own */
  uint8_t digest[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1];
  char origin[ORIGIN_MAX + 1];
  uint64_t next, pending; /* what the node holds, and the newest checkpoint that it has seen */
  uint64_t cosigned;      /* the newest that it has cosigned */
  uint64_t size;          /* of the checkpoint in the bundle; 0: there was none yet */
  uint64_t fresh;         /* entries taken */
  bool whole;             /* all up to size is held and cosigned here */
  const char *blocked;    /* why nothing more of it is taken; NULL: it goes on */
};

struct importing {
  struct cli *c;
  struct bundle_reader r;
  struct bundle_head head;
  const char *self; /* our own name */
  struct import_log log;
  struct buf data;
  parley_err stop; /* after OUT_STOPPED: why, where the node said so */
  bool waits;      /* a charter waits for our signature */
  bool in_force;   /* another version of it is complete: the forum does not wait */
  char waiting_forum[2 * SHA256_SIZE + 1];
  uint64_t entries, files, cosignatures, back; /* taken; back: logs whose cosignature can go back */
  uint64_t taken, held;                        /* things of the bundle */
  uint64_t refused;
  json_t *refusals, *logs, *charters;
};

/* What becomes of one thing in the bundle. */
enum outcome {
  OUT_TAKEN,
  OUT_HELD,    /* was there already, or says nothing here */
  OUT_REFUSED, /* the message says why; the next one goes on */
  OUT_STOPPED  /* the node cannot be reached, or cannot write: nothing more can be done now */
};

/* Of an answer of the node: a refusal of this thing alone, or the end. status as from api_bytes, which returned err. */
enum outcome import_failed(struct importing *im, unsigned status, parley_err err);

/* bundle_log.c: the entry at im->r belongs to a log. */
enum outcome import_origin(struct importing *im, struct errmsg *e);
enum outcome import_checkpoint(struct importing *im, struct errmsg *e);
enum outcome import_entries(struct importing *im, struct errmsg *e);
enum outcome import_cosigned(struct importing *im, struct errmsg *e);
/* The log is over: what came of it goes into the report. */
void import_log_end(struct importing *im);

#endif
