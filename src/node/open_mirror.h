/*
 * The open mirror (design section 13): logs of others, held and cosigned for anybody, by C2SP tlog-mirror and
 * tlog-witness, without client certificates. Which logs is the operator's choice, by their vkeys.
 */
#ifndef PARLEY_NODE_OPEN_MIRROR_H
#define PARLEY_NODE_OPEN_MIRROR_H

#include "node/call.h"

#define OPEN_LOGS_MAX 1024
#define OPEN_LOG_KEYS_MAX 4 /* of one log */

struct open_log {
  struct open_log *next;
  char *origin;
  char path[2 * SHA256_SIZE + 1];
  struct vkey vkeys[OPEN_LOG_KEYS_MAX];
  size_t n_vkeys;
  struct mirror *mirror; /* opened at the start */
};

/*
 * Before a forum that we are in is loaded, at the start or later: the open mirror holds none of its logs any more, of
 * whatever epoch. Two mirrors of one log would not see what the other stores. What is held stays, and is the forum's.
 */
void open_mirror_yield(struct node *n, const uint8_t forum[static SHA256_SIZE]);
/* Opens the mirrors of all that node_open_log named; the forums are loaded. */
parley_err open_mirror_start(struct node *n, struct errmsg *e);
void open_mirror_free(struct node *n);
/* Routes a request of anybody. */
void open_route(struct node_call *c, const struct node_request *r, struct node_response *out);
/* The body of add-entries. */
void open_entries_data(struct node_call *c, struct bytes in, struct node_response *out);
void open_entries_end(struct node_call *c, struct node_response *out);
/* "open_logs" of the status; nothing where there are none. */
void open_mirror_status(struct node *n, json_t *o);

#endif
