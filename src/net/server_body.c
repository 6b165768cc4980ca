#include <string.h>

#include "net/server_priv.h"

static void deliver(struct exchange *x, struct bytes in) {
  struct http_response r = {0};
  const struct http_handler *h = &x->server->handler;
  if (in.n > 0) {
    h->data(h->user, x->ctx, in, &r);
  }
  if (r.status != 0) {
    reply_take(x, &r);
  }
}

bool body_gzip_open(struct exchange *x) {
  x->gzip = true;
  x->gzip_open = inflateInit2(&x->inflater, 15 + 16) == Z_OK; /* + 16: gzip and nothing else */
  return x->gzip_open;
}

void body_close(struct exchange *x) {
  if (x->gzip_open) {
    inflateEnd(&x->inflater);
  }
  x->gzip_open = false;
}

/* RFC 1952 allows several members one after the other. */
static bool next_member(struct exchange *x) {
  x->gzip_complete = true;
  if (x->inflater.avail_in == 0) {
    return true;
  }
  x->gzip_complete = false;
  return inflateReset(&x->inflater) == Z_OK;
}

/* How far it may grow is the handler's to say: it is asked after every chunk by setting a response or not. */
static void inflate_all(struct exchange *x, struct bytes in) {
  uint8_t out[16384];
  x->inflater.next_in = (z_const Bytef *)in.p;
  x->inflater.avail_in = (uInt)in.n;
  if (x->gzip_complete && in.n > 0 && !next_member(x)) {
    reply_text(x, 503, "out of memory");
    return;
  }
  bool more = in.n > 0;
  while (more && x->status == 0) {
    x->inflater.next_out = out;
    x->inflater.avail_out = sizeof out;
    const int rc = inflate(&x->inflater, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
      reply_text(x, rc == Z_MEM_ERROR ? 503 : 400, rc == Z_MEM_ERROR ? "out of memory" : "the gzip body is damaged");
      return;
    }
    deliver(x, BYTES(out, sizeof out - x->inflater.avail_out));
    if (rc == Z_STREAM_END && !next_member(x)) {
      reply_text(x, 503, "out of memory");
      return;
    }
    /* A full output buffer may leave something inside the inflater even when all input is taken. */
    more = x->inflater.avail_in > 0 || (rc == Z_OK && x->inflater.avail_out == 0);
  }
}

void body_data(struct exchange *x, struct bytes in) {
  if (x->gzip) {
    inflate_all(x, in);
  } else {
    deliver(x, in);
  }
}

bool body_complete(const struct exchange *x) { return !x->gzip || x->gzip_complete; }
