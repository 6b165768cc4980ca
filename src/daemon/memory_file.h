/*
 * The signer's memory in files: $PARLEY_HOME/signer/<SHA-256 hex of the origin>.log and .mirror, one per origin and
 * role. A file has two slots of 512 bytes, at 0 and 4096, written in turn, so that a write that is torn leaves the
 * other whole:
 *
 *     0  "parley signer 1\n"      64  SHA-256 of the origin
 *    16  sequence number, u64     96  role: 0 log, 1 mirror
 *    24  size of the tree, u64    97  zero
 *    32  root                    480  SHA-256 of the 480 bytes before
 *
 * The slot with the higher sequence number holds. A file in which neither slot can be read is EIO, never "nothing
 * signed yet": only a file that is not there means that.
 */
#ifndef PARLEY_DAEMON_MEMORY_FILE_H
#define PARLEY_DAEMON_MEMORY_FILE_H

#include "record/signer.h"

struct memory_file;

/* dir is made (0700) when it is not there. */
parley_err memory_file_open(struct memory_file **out, const char *dir, struct errmsg *e);
/* For signer_new; lives as long as m. After a save that failed half way every save fails until the next start. */
struct signer_memory memory_file_memory(struct memory_file *m);
void memory_file_close(struct memory_file *m);

#endif
