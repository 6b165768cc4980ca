/*
 * Where an audit reads from: resources under short names, raw, as they are stored. The store itself (audit_store.c), a
 * running node's local API, somebody's mirror over HTTP and a bundle all answer to the same names, and all checking is
 * done by whoever asks (docs/local-api.md, "Audit").
 *
 *   logs                       text: a line "<origin> <size> <taken>" a log; taken: rows exist for entries below it, "-"
 *                              where there are no rows. A fourth number: entries below it are not there, only their
 *                              tiles
 *   cards/<i>, charters/<i>    items: envelopes, from the i-th on
 *   notes/<i>/<origin>         items: "<what>\n<note>": checkpoints stored of this log
 *   live/<i>/<origin>          the same that only memory holds
 *   cosignatures/<party>/<size>/<origin>   items after that place, parties and sizes ascending; "-/0" begins:
 *                              "<party> <size>\n<line of the log>\n<cosignature line>\n", and perhaps more lines
 *   witnessed/<witness>/<size>/<origin>    the same of neutral witnesses
 *   entries/<n>/<width>/<origin>           the entries of tile n, as items; one that is missing has the length 2^32 - 1
 *   tile/<level>/<n>/<width>/<origin>      the hashes of a tile, perhaps more of them than asked for
 *   rows/<id or ->             items after that id: "<id> <ours 0|1> <forum> <from> <index> <order> <epoch>"
 *   forks/<i>                  items: "<party>\n<origin>\n" and the files of a kept proof (record/fork.h); without party and
 *                              files: what a mirror saw of a fork, of which no proof is made yet
 *
 * Items: a length of four bytes, most significant first, then so many bytes. A page has as many as fit in about 1 MiB;
 * an empty page ends the list.
 */
#ifndef PARLEY_RECORD_AUDIT_SOURCE_H
#define PARLEY_RECORD_AUDIT_SOURCE_H

#include "base/bytes.h"
#include "base/err.h"

#define AUDIT_PAGE_MAX (1u << 20) /* a page ends with the item that reaches it */
#define AUDIT_MISSING UINT32_MAX
#define AUDIT_COSIGNER_MAX 287 /* bytes of a party or witness in such a name */

struct audit_source {
  void *ctx;
  /* Appends the resource. ENOTFOUND: there is none; any other error ends the audit. One thread calls it. */
  parley_err (*get)(void *ctx, const char *name, struct buf *out, struct errmsg *e);
  bool leaves_only; /* it has no tiles above level 0 */
};

/*
 * Takes the next item off *rest; p == NULL: it is missing. False at the end, and when what is left is no item (rest->n
 * > 0).
 */
bool audit_item(struct bytes *rest, struct bytes *item);
void audit_item_put(struct buf *out, struct bytes item);
void audit_item_put_missing(struct buf *out);

/* ---- the store as a source ---- */

struct store;
/* The source of a store that stays the caller's; needs no memory of its own. Only reads. */
struct audit_source audit_store_source(struct store *s);

#endif
