/*
 * Evidence packs on disk (docs/protocol.md, "Evidence pack"). What is read comes from strangers: only regular files, no
 * links, bounded in number and size.
 */
#ifndef PARLEY_CLI_PACK_DIR_H
#define PARLEY_CLI_PACK_DIR_H

#include "base/json.h"
#include "record/pack.h"

/* Every file below dir, sorted by name, in the arena; those under files/ by name only, to be read through out->source. */
parley_err pack_dir_read(struct pack *out, struct arena *a, const char *dir, struct errmsg *e);
/* ECONFLICT unless dir is new or an empty folder. */
parley_err pack_dir_free(const char *dir, struct errmsg *e);
/* Writes all files or none: beside dir first, then renamed. */
parley_err pack_dir_write(const struct pack *p, const char *dir, struct errmsg *e);
/* {"name": "base64" …} as the node gives it. */
parley_err pack_from_json(struct pack *out, struct arena *a, json_t *files, struct errmsg *e);

#endif
