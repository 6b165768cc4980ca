/*
 * The files under files/ of an evidence pack on disk, read while it is verified. They come from strangers: no links, no
 * pipes; and they can be of many GB, so a person sees how far it has come.
 */
#ifndef PARLEY_CLI_PACK_SOURCE_H
#define PARLEY_CLI_PACK_SOURCE_H

#include "cli/cli.h"
#include "record/pack.h"

#define PACK_STORED "files/"

/* For the pack in dir, whose stored files have so many bytes together; in the arena. */
parley_err pack_source_dir(struct pack_source *out, struct arena *a, const char *dir, uint64_t bytes, struct errmsg *e);
/* Shows progress on the terminal from now on. */
void pack_source_show(struct pack_source *s, const struct cli *c);

#endif
