/*
 * Forums, as the node tells of them (docs/local-api.md), for several verbs.
 */
#ifndef PARLEY_CLI_FORUM_H
#define PARLEY_CLI_FORUM_H

#include "base/json.h"
#include "cli/cli.h"

/* One forum by the first digits of its id (GET /v1/forums/ID). */
parley_err forum_get(struct cli *c, json_t **out, const char *id, struct errmsg *e);
/* The charter in plain words, with who has signed and what stands against accepting it. */
void forum_print(struct cli *c, const json_t *forum);
/* What a version changes in the charter in force, from the JSON of both payloads. */
void forum_print_changes(struct cli *c, const json_t *was, const json_t *now);
/* The versions, who signed them, which are in conflict; nothing when there is but one. */
void forum_print_versions(struct cli *c, const json_t *forum);
/* The one version of the forum that waits for our signature; NULL: none, or several. */
const char *forum_awaits(const json_t *forum);
/* Writes the envelope of a version to a file; reads one from a file into the node, and tells its digest. */
parley_err forum_write_envelope(struct cli *c, const char *version, const char *path, struct errmsg *e);
parley_err forum_take_file(struct cli *c, const char *path, const char **version, struct errmsg *e);
/* "in force", "waits for our signature", "waits for ncc.ru.example". */
const char *forum_state(struct cli *c, const json_t *forum);

#endif
