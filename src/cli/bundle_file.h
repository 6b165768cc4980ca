/*
 * A bundle as a file: read entry by entry, written entry by entry (record/bundle.h). Memory: one entry at most.
 */
#ifndef PARLEY_CLI_BUNDLE_FILE_H
#define PARLEY_CLI_BUNDLE_FILE_H

#include "cli/cli.h"
#include "record/bundle.h"

/* ---- reading; a copy of the struct looks ahead without moving the original ---- */

struct bundle_reader {
  int fd;
  const char *path;
  uint64_t at, size; /* next block; of the file */
  uint64_t data;     /* where the data of the entry begin */
  struct bundle_block block;
  struct bundle_name name; /* after BUNDLE_AN_ENTRY */
};

enum bundle_step {
  BUNDLE_AN_ENTRY, /* block and name are set; its size is within its bound, and its data are there */
  BUNDLE_REFUSED,  /* block.name was passed over; the message says why */
  BUNDLE_OVER,     /* the end */
  BUNDLE_CUT,      /* the file ends before its end, or what follows is none; the message says which */
  BUNDLE_FAILED    /* it cannot be read */
};

parley_err bundle_open(struct bundle_reader *out, const char *path, struct errmsg *e);
void bundle_close(struct bundle_reader *r);
enum bundle_step bundle_next(struct bundle_reader *r, struct errmsg *e);
/* The data of the entry, into the emptied buffer. */
parley_err bundle_data(const struct bundle_reader *r, struct buf *out, struct errmsg *e);
/* The first entry, which must be parley-bundle; else it is no bundle. */
parley_err bundle_begin(struct bundle_reader *r, struct bundle_head *out, struct errmsg *e);

/* ---- writing: to PATH.part, which gets its name only once it is whole and on the disk ---- */

struct bundle_writer {
  struct cli *c;
  int fd;
  const char *path, *part;
  int64_t mtime;
  uint64_t written;
};

/* ECONFLICT when path is there already. */
parley_err bundle_create(struct bundle_writer *out, struct cli *c, const char *path, int64_t mtime, struct errmsg *e);
parley_err bundle_add(struct bundle_writer *w, const struct bundle_name *name, struct bytes data, struct errmsg *e);
parley_err bundle_finish(struct bundle_writer *w, struct errmsg *e);
/* After both success and failure; an unfinished file goes. */
void bundle_end(struct bundle_writer *w);

#endif
