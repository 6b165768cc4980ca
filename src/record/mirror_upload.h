/*
 * One upload in progress, shared by the stream (mirror_upload.c) and its end (mirror_finish.c).
 */
#ifndef PARLEY_RECORD_MIRROR_UPLOAD_H
#define PARLEY_RECORD_MIRROR_UPLOAD_H

#include "record/mirror_state.h"

struct mirror_upload {
  struct mirror *m;
  uint64_t start, at;     /* upload_start; first entry of the package being read */
  struct held target;     /* the checkpoint at upload_end */
  struct buf target_note; /* its note, kept here */
  struct buf buf;         /* the package being read; the last one, once complete */
  size_t packages;        /* authenticated and saved so far (the last one: authenticated) */
  bool complete, over;    /* all packages are here; the answer is given */
  struct entry_package package;
  struct hash leaves[MIRROR_PACKAGE_ENTRIES];
};

/* Appends what is not held yet of the package, inside the open transaction, and flushes. */
parley_err mirror_upload_append(struct mirror_upload *u, struct errmsg *e);

#endif
