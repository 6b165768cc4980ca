/*
 * Receipts that were given out: each verifies by itself, against the true cards, and its statement is still held at the end.
 * What verified once verifies for ever: nothing but its own bytes and the cards goes into it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "record/pack.h"
#include "world.h"

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static bool pack_of(struct pack *p, struct arena *a, const json_t *files) {
  const char *name;
  json_t *value;
  p->n = 0;
  p->files = arena_alloc(a, (json_object_size(files) + 1) * sizeof *p->files);
  if (!p->files) return false;
  json_object_foreach((json_t *)files, name, value) {
    struct buf data = {0};
    const char *text = json_string_value(value);
    struct pack_file *f = &p->files[p->n++];
    if (!text || strlen(name) >= sizeof f->name || !base64_decode(&data, bytes_str(text), true)) return false;
    snprintf(f->name, sizeof f->name, "%s", name);
    f->data = arena_take(a, &data);
  }
  qsort(p->files, p->n, sizeof *p->files, by_name);
  return true;
}

static void verify(struct world *w, size_t statement, struct bytes json) {
  struct arena a = {0};
  struct errmsg e = {{0}};
  struct pack pack;
  struct pack_result result;
  struct anchor anchors[SIM_PARTIES_MAX];
  json_t *o = NULL;
  char id[65] = "";
  const struct sent *s = &w->sent[statement];
  for (unsigned i = 0; i < w->n; i++) {
    snprintf(anchors[i].party, sizeof anchors[i].party, "%s", w->homes[i].name);
    memcpy(anchors[i].fingerprint, w->homes[i].cards[0].fingerprint, SHA256_SIZE); /* later ones prove themselves */
  }
  if (json_parse(&o, json, 2 * PACK_BYTES_MAX, &e) || !pack_of(&pack, &a, json_object_get(o, "files")))
    violation(w, "I4", "the receipt of %.16s is malformed: %s", s->id, e.text);
  else if (pack_verify(&result, &a, &pack, &(struct pack_known){.anchors = anchors, .n_anchors = w->n}, &e))
    violation(w, "I4", "the receipt of %.16s does not verify: %.300s", s->id, e.text);
  else {
    hex_encode(id, BYTES(result.id.b, 32));
    if (strcmp(id, s->id) || !result.identified) violation(w, "I4", "the receipt of %.16s is one of %.16s", s->id, id);
    pack_result_clear(&result);
  }
  json_decref(o);
  arena_free(&a);
}

void receipt_take(struct home *h, size_t statement, struct bytes json) {
  struct world *w = h->w;
  verify(w, statement, json);
  for (size_t i = 0; i < w->receipts_n; i++)
    if (w->receipts[i].from == h->number && w->receipts[i].statement == statement) return;
  void *receipts = w->receipts;
  const bool ok = grow(w, &receipts, &w->receipts_cap, w->receipts_n + 1, sizeof *w->receipts);
  w->receipts = receipts;
  if (ok) w->receipts[w->receipts_n++] = (struct receipt){.from = h->number, .statement = statement};
}

/* Drawn anew for some. A node set back has lost its own statements; its counterparts have not. */
static void check_held(struct world *w, const struct receipt *r, bool draw) {
  struct home *h = &w->homes[r->from];
  const struct sent *s = &w->sent[r->statement];
  struct api api;
  char path[112];
  if (h->set_back && s->from == r->from) return;
  snprintf(path, sizeof path, "/v1/statements/%s/%s", s->id, draw ? "receipt" : "entry");
  if (!client_call(h, "GET", path, "", BYTES_NONE, &api, NULL)) return;
  if (api.status != 200)
    violation(w, "I4", "%s gave a receipt of %.16s and now answers %u: %.*s", h->name, s->id, api.status,
              (int)(api.body.n < 250 ? api.body.n : 250), (const char *)api.body.p);
  else if (draw)
    verify(w, r->statement, buf_view(&api.body));
  buf_free(&api.body);
}

void receipts_check(struct world *w) {
  for (size_t i = 0; i < w->receipts_n && !violated(w); i++) check_held(w, &w->receipts[i], i < 3);
}

void receipts_free(struct world *w) { free(w->receipts); }
