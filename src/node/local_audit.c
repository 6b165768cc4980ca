/*
 * GET /v1/audit/…: what is stored, raw, for parley audit, which checks it in its own process (record/audit_source.h).
 * Each answer is of one moment; what a log holds below a size never changes, so that the node need not stand still.
 */
#include <string.h>

#include "node/call.h"
#include "record/audit_source.h"

static void put_note(struct buf *out, const char *what, struct bytes note) {
  struct buf item = {0};
  if (!note.n) return;
  buf_fmt(&item, "%s\n", what);
  buf_bytes(&item, note);
  audit_item_put(out, buf_view(&item));
  out->failed |= item.failed;
  buf_free(&item);
}

/* "live/0/<origin>": checkpoints that are made anew after each start, and so stand in memory alone. */
static void live(const struct node *n, const char *origin, struct buf *out) {
  const struct own_log *own = own_log_by_origin(n, origin);
  const struct their_log *theirs = own ? NULL : their_log_by_origin(n, bytes_str(origin));
  struct mirror_state s;
  if (own) put_note(out, "our newest checkpoint", buf_view(&own->note));
  if (!theirs) return;
  mirror_state(theirs->mirror, &s);
  put_note(out, "the cosigned checkpoint", s.note);
}

void local_audit(struct node_call *c, struct node_response *out) {
  const struct audit_source s = audit_store_source(c->n->env.store);
  struct errmsg e = {{0}};
  parley_err r = PARLEY_OK;
  if (!strncmp(c->path, "live/0/", 7))
    live(c->n, c->path + 7, &out->body);
  else if (!strncmp(c->path, "live/", 5))
    ; /* one page has all */
  else
    r = s.get(s.ctx, c->path, &out->body, &e);
  if (!r && !buf_ok(&out->body)) r = err_set(&e, PARLEY_ENOMEM, "out of memory");
  if (r) {
    buf_free(&out->body);
    out->body = (struct buf){0};
    answer_err(c, out, r, &e);
    return;
  }
  out->status = 200;
  out->content_type = "application/octet-stream";
}
