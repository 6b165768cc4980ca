/*
 * Published test vectors are read in place, never copied into this repository: from $PARLEY_SHARED/vectors, else from
 * ../shared/vectors beside the repository.
 */
#ifndef PARLEY_TESTS_VECTOR_FILE_H
#define PARLEY_TESTS_VECTOR_FILE_H

#include "base/bytes.h"

#define VECTOR_PATH_SIZE 4096

/* Path of a vector file or folder; false, with the reason printed, when it is not there. */
bool vector_path(char path[static VECTOR_PATH_SIZE], const char *name);
/* The whole file, at most 64 MiB. False when it cannot be read. */
bool vector_read(struct buf *out, const char *path);

#endif
