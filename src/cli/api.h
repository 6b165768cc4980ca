/*
 * Talking to the node of this home over its unix socket (docs/local-api.md). An answer that is an error comes back as
 * the error that it names.
 */
#ifndef PARLEY_CLI_API_H
#define PARLEY_CLI_API_H

#include "base/json.h"
#include "cli/cli.h"
#include "net/client.h"

/* One request; body is taken (NULL: none). *answer is the caller's (json_decref), NULL for an empty one. */
parley_err api_call(struct cli *c, json_t **answer, const char *method, const char *path, json_t *body,
                    struct errmsg *e);
parley_err api_get(struct cli *c, json_t **answer, const char *path, struct errmsg *e);

/* Streams a file to and from the node. */
parley_err api_put_file(struct cli *c, const char *path, int fd, uint64_t size, http_progress progress, void *ctx,
                        struct errmsg *e);
parley_err api_get_file(struct cli *c, const char *path, int fd, http_progress progress, void *ctx, struct errmsg *e);

/*
 * Bytes to the node and from it: an answer of 200 comes into *out. Any other comes back as the error that it names; then
 * *status, where it is not NULL, says which it was (0: the node was not reached).
 */
parley_err api_bytes(struct cli *c, struct buf *out, unsigned *status, const char *method, const char *path,
                     struct bytes body, struct errmsg *e);

/*
 * "<before><id><after>" in the arena, for a path. EINVAL when id is not 8 to 64 hex digits (capitals and spaces are no
 * id).
 */
parley_err api_path(struct cli *c, const char **out, const char *before, const char *id, const char *after,
                    struct errmsg *e);

/* {"name", "data"} of a file that a pin or an acceptance rests on, into o as "basis". Nothing when path is NULL. */
parley_err api_put_basis(struct cli *c, json_t *o, const char *path, struct errmsg *e);

/* Base name of a path. */
const char *base_name(const char *path);
#define BASIS_MAX (16u << 20)

#endif
