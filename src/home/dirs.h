/*
 * Directories of a home: made, synced, and put in place whole. For the files of this folder.
 */
#ifndef PARLEY_HOME_DIRS_H
#define PARLEY_HOME_DIRS_H

#include "home/home.h"

/* Joins with '/'. ELIMIT when the result has HOME_PATH_MAX bytes or more. */
parley_err path_join(char out[static HOME_PATH_MAX], const char *dir, const char *name, struct errmsg *e);
/* Makes path (0700) where it is not there; ECONFLICT when something else is. */
parley_err dir_make(const char *path, struct errmsg *e);
/* Makes what is missing above path. */
parley_err dir_make_parents(const char *path, struct errmsg *e);
/* Makes the names in path durable. */
parley_err dir_sync(const char *path, struct errmsg *e);
/* The same for the directory that path stands in. */
parley_err dir_sync_parent(const char *path, struct errmsg *e);
/* Removes the files in path, two levels of folders below, and path. Silent: for clean-up. */
void dir_remove(const char *path);

/*
 * Names in path that do not start with '.', sorted as bytes; none when there is no such directory. The list is one
 * allocation (free). ELIMIT over DIR_NAMES_MAX.
 */
#define DIR_NAMES_MAX 4096
struct dir_names {
  char (*name)[256];
  size_t n;
};
parley_err dir_list(struct dir_names *out, const char *path, struct errmsg *e);

#endif
