/*
 * How far a statement of ours has come, per addressee. Delivered (the other machine durably holds it) and read (a
 * person there acknowledged it) are never one thing.
 */
#ifndef PARLEY_CLI_DELIVERY_H
#define PARLEY_CLI_DELIVERY_H

#include "base/json.h"
#include "cli/cli.h"

#define WAIT_DEFAULT 30 /* seconds */
#define WAIT_MAX 86400

struct outcome {
  json_t *row;    /* GET /v1/statements/ID, NULL when the node was lost meanwhile */
  bool delivered; /* to all, files included */
};

/*
 * Waits at most wait_s seconds until the statement is delivered to all, with a progress line for large files
 * (file_bytes).
 */
parley_err delivery_wait(struct cli *c, struct outcome *out, const char *id, int64_t wait_s, uint64_t file_bytes,
                         struct errmsg *e);
/*
 * Waits, then prints the id and what became of it for each addressee. Returns the exit code: 3 while it is not
 * delivered to all, unless wait_s is 0.
 */
int delivery_report(struct cli *c, const char *id, int64_t wait_s, uint64_t file_bytes);

/* One addressee's lines for `parley show`; received: of a statement that came in. */
void delivery_print(struct cli *c, const json_t *party, bool received);

#endif
