/*
 * A copy of the home while the node runs, without what must never be restored (signer/): POST and GET
 * /v1/backup. The store is copied a little each turn of
 * the loop; the rest follows in one go. The folder is there whole, or not at all.
 */
#ifndef PARLEY_DAEMON_BACKUP_H
#define PARLEY_DAEMON_BACKUP_H

#include "base/bytes.h"
#include "node/node.h"

#define BACKUP_STEP_PAGES 64       /* of 4 KiB, a turn */
#define BACKUP_FILE_MAX (64 << 20) /* of one other file in the home */

struct daemon;
struct backup;

/*
 * body: {"dir": absolute path}. 202 when it is begun; 409 while one is under way, or when dir is there and not
 * empty.
 */
void local_backup_begin(struct daemon *d, struct bytes body, struct node_response *out);
/* {"state": "none", "running", "done" or "failed", "dir", "bytes", "total", "message"?} */
void local_backup_state(const struct daemon *d, struct node_response *out);
/* True while there is more to do. */
bool daemon_backup_turn(struct daemon *d);
void daemon_backup_free(struct daemon *d);

#endif
