/*
 * Bringing one log of a bundle to the node: its checkpoint with the proof that the bundle's leaves allow, then its
 * entries, then cosignatures over it (docs/protocol.md, section 10).
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/api.h"
#include "cli/bundle_import.h"
#include "cli/output.h"
#include "cli/text.h"
#include "record/bundle_join.h"

enum outcome import_failed(struct importing *im, unsigned status, parley_err err) {
  im->stop = err;
  return status == 0 || status >= 500 ? OUT_STOPPED : OUT_REFUSED;
}

static enum outcome refuse(struct errmsg *e, const char *why) {
  err_set(e, PARLEY_EREFUSED, "%s", why);
  return OUT_REFUSED;
}

/* Nothing more of this log is taken, for one reason. */
static enum outcome block(struct importing *im, struct errmsg *e) {
  im->log.blocked = arena_strdup(&im->c->arena, e->text);
  if (im->log.blocked == NULL) im->log.blocked = "";
  return OUT_REFUSED;
}

/* ---- origin ---- */

/* It may be the next epoch of a log, which begins with its first checkpoint. */
static bool may_begin(const char *origin) {
  char party[PARTY_NAME_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch = 0;
  bool bulk;
  return log_origin_parse(party, forum, &epoch, &bulk, bytes_str(origin)) && epoch > 0;
}

static enum outcome not_here(struct importing *im, struct errmsg *e) {
  if ((!im->waits || im->in_force) && may_begin(im->log.origin)) return OUT_HELD;
  if (im->waits)
    err_set(e, PARLEY_EREFUSED, _("accept the charter (parley forum accept %.12s), then import again"),
            im->waiting_forum);
  return block(im, e);
}

static enum outcome ask_held(struct importing *im, struct errmsg *e) {
  struct import_log *l = &im->log;
  struct buf text = {0};
  json_t *o = NULL;
  unsigned status;
  int64_t next, pending, size;
  const char *path = arena_fmt(&im->c->arena, "/v1/bundle/logs/%s", l->hex);
  if (path == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory")), OUT_STOPPED;
  parley_err rc = api_bytes(im->c, &text, &status, "GET", path, BYTES_NONE, e);
  if (rc != PARLEY_OK) {
    buf_free(&text);
    return status == 404 ? not_here(im, e) : import_failed(im, status, rc);
  }
  rc = json_parse(&o, buf_view(&text), 65536, e);
  rc = rc ? rc : json_get_int(&next, o, "", "next", 0, INT64_MAX >> 10, e);
  rc = rc ? rc : json_get_int(&pending, o, "", "pending", 0, INT64_MAX >> 10, e);
  rc = rc ? rc : json_get_int(&size, o, "", "size", 0, INT64_MAX >> 10, e);
  if (rc == PARLEY_OK) {
    l->known = true;
    l->own = json_is_true(json_object_get(o, "own"));
    l->next = (uint64_t)next;
    l->pending = (uint64_t)pending;
    l->cosigned = (uint64_t)size;
  }
  json_decref(o);
  buf_free(&text);
  return rc == PARLEY_OK ? OUT_TAKEN : OUT_STOPPED;
}

enum outcome import_origin(struct importing *im, struct errmsg *e) {
  struct import_log *l = &im->log;
  struct bytes rest, line;
  uint8_t digest[SHA256_SIZE];
  import_log_end(im);
  *l = (struct import_log){0};
  memcpy(l->digest, im->r.name.digest, SHA256_SIZE);
  hex_encode(l->hex, BYTES(l->digest, SHA256_SIZE));
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  rest = buf_view(&im->data);
  if (!bytes_line(&rest, &line) || rest.n || line.n == 0 || line.n > ORIGIN_MAX ||
      memchr(line.p, '\0', line.n) != NULL) {
    refuse(e, _("it is no origin of a log"));
    return block(im, e);
  }
  sha256(digest, line);
  snprintf(l->origin, sizeof l->origin, "%.*s", (int)line.n, (const char *)line.p);
  if (memcmp(digest, l->digest, SHA256_SIZE) != 0) {
    refuse(e, _("its folder is not the digest of the origin"));
    return block(im, e);
  }
  const enum outcome o = ask_held(im, e);
  return o == OUT_TAKEN ? OUT_HELD : o; /* a name brings nothing by itself */
}

/* An entry of the log whose origin came last; else the message says so. Cosignatures do not wait for entries. */
static bool of_this_log(const struct importing *im, struct errmsg *e) {
  if (im->log.hex[0] && memcmp(im->log.digest, im->r.name.digest, SHA256_SIZE) == 0) {
    if (im->log.blocked == NULL || (im->log.known && im->r.name.kind == BUNDLE_COSIGNED)) return true;
    err_set(e, PARLEY_EREFUSED, "%s", im->log.blocked);
    return false;
  }
  err_set(e, PARLEY_EREFUSED, "%s", _("the origin of its log does not stand before it"));
  return false;
}

/* ---- checkpoint ---- */

struct looking {
  struct leaf_run a, b; /* from what is held to the newest checkpoint seen, and from there on */
  uint64_t pending;
};

static parley_err add_leaf(void *ctx, uint64_t index, const struct hash *leaf, struct errmsg *e) {
  struct looking *k = ctx;
  struct leaf_run *run = index < k->pending ? &k->a : &k->b;
  if (index < k->a.start) return PARLEY_OK;
  if (index != run->end)
    return err_set(e, PARLEY_EINVAL, _("entries are missing before %llu"), (unsigned long long)index);
  leaf_run_add(run, leaf);
  return PARLEY_OK;
}

/* Reads the leaves that follow in the bundle, without moving. */
static parley_err look_ahead(struct importing *im, struct looking *k, const struct checkpoint *c, struct errmsg *e) {
  struct bundle_reader r = im->r;
  struct buf body = {0};
  parley_err rc = PARLEY_OK;
  enum bundle_step step;
  struct errmsg why;
  leaf_run_begin(&k->a, im->log.next);
  leaf_run_begin(&k->b, im->log.pending);
  k->pending = im->log.pending;
  while (rc == PARLEY_OK && ((step = bundle_next(&r, &why)) == BUNDLE_AN_ENTRY || step == BUNDLE_REFUSED)) {
    if (step == BUNDLE_REFUSED) continue;
    if (r.name.kind != BUNDLE_ENTRIES || memcmp(r.name.digest, im->log.digest, SHA256_SIZE) != 0) break;
    if (r.name.end <= im->log.next) continue;
    rc = bundle_data(&r, &body, e);
    if (rc == PARLEY_OK)
      rc = bundle_entries_walk(&r.name, buf_view(&body), im->log.origin, c->size, &c->root, add_leaf, k, e);
  }
  buf_free(&body);
  if (rc == PARLEY_OK && (k->a.end != im->log.pending || k->b.end != c->size))
    rc = err_set(
        e, PARLEY_EREFUSED,
        _("not all entries from %llu to %llu are in it, and they are needed to see that the log goes on from what "
          "is held; export one anew, or with --since all"),
        (unsigned long long)im->log.next, (unsigned long long)c->size);
  return rc;
}

static bool put_run(json_t *list, const struct leaf_run *r) {
  struct buf text = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < r->n; i++) {
    buf_clear(&text);
    base64_encode(&text, BYTES(r->part[i].h.b, 32), true);
    ok = buf_ok(&text) && json_array_append_new(list, json_stringn((const char *)text.p, text.n)) == 0;
  }
  buf_free(&text);
  return ok;
}

static enum outcome send_checkpoint(struct importing *im, const struct looking *k, struct errmsg *e) {
  const struct import_log *l = &im->log;
  struct buf text = {0}, out = {0};
  unsigned status = 0;
  json_t *o = json_object(), *hashes = json_array();
  const char *path = arena_fmt(&im->c->arena, "/v1/bundle/logs/%s/checkpoint", l->hex);
  bool ok = o != NULL && hashes != NULL && path != NULL && put_run(hashes, &k->a) && put_run(hashes, &k->b) &&
            json_object_set_new(o, "note", json_stringn((const char *)im->data.p, im->data.n)) == 0 &&
            json_put_int(o, "next", (int64_t)l->next) && json_put_int(o, "pending", (int64_t)l->pending) &&
            json_object_set(o, "hashes", hashes) == 0 && json_write(&text, o);
  parley_err rc = ok ? api_bytes(im->c, &out, &status, "POST", path, buf_view(&text), e)
                     : err_set(e, PARLEY_EINVAL, "%s", _("it is no text"));
  json_decref(hashes);
  json_decref(o);
  buf_free(&text);
  buf_free(&out);
  if (rc == PARLEY_OK) return OUT_TAKEN;
  if (!ok) return block(im, e);
  if (status == 409 && l->size <= l->next) return OUT_HELD; /* an older one, all of whose entries are here */
  if (status == 409 && l->size < l->pending) {
    err_set(e, PARLEY_EREFUSED,
            _("the log has shown a newer checkpoint (of %llu entries); a bundle that is as new is needed"),
            (unsigned long long)l->pending);
    return OUT_HELD; /* perhaps its entries are wanted nevertheless */
  }
  const enum outcome end = import_failed(im, status, rc);
  return end == OUT_REFUSED ? block(im, e) : end;
}

static parley_err read_checkpoint(struct importing *im, struct checkpoint *c, struct arena *a, struct errmsg *e) {
  struct note note;
  parley_err rc = note_parse(&note, a, buf_view(&im->data), e);
  if (rc == PARLEY_OK) rc = checkpoint_parse(c, note.text, e);
  if (rc == PARLEY_OK && !bytes_is(c->origin, im->log.origin))
    rc = err_set(e, PARLEY_EINVAL, "%s", _("it is of another log"));
  return rc;
}

enum outcome import_checkpoint(struct importing *im, struct errmsg *e) {
  struct import_log *l = &im->log;
  struct arena a = {0};
  struct checkpoint c;
  struct looking k = {.pending = 0};
  if (!of_this_log(im, e)) return OUT_REFUSED;
  if (l->own) return OUT_HELD;
  if (l->size) return refuse(e, _("a checkpoint of this log came before"));
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  parley_err rc = read_checkpoint(im, &c, &a, e);
  if (rc == PARLEY_OK) l->size = c.size;
  /* The entries that follow begin beyond what is held: then not even the checkpoint is shown to the node. */
  struct bundle_reader r = im->r;
  struct errmsg why;
  if (rc == PARLEY_OK && c.size > l->next &&
      (bundle_next(&r, &why) != BUNDLE_AN_ENTRY || r.name.kind != BUNDLE_ENTRIES || r.name.start > l->next))
    rc = err_set(e, PARLEY_EREFUSED,
                 _("entries from %llu on are missing here, and not in it; import the bundle before it, or ask for one "
                   "with --since all"),
                 (unsigned long long)l->next);
  if (rc == PARLEY_OK && l->pending && c.size > l->pending) rc = look_ahead(im, &k, &c, e);
  enum outcome o = rc == PARLEY_OK ? send_checkpoint(im, &k, e) : block(im, e);
  l->known = l->known || o == OUT_TAKEN;
  if (o == OUT_TAKEN && l->pending < l->size) l->pending = l->size;
  if (o == OUT_HELD || o == OUT_TAKEN) l->whole = l->cosigned >= l->size;
  arena_free(&a);
  return o;
}

/* ---- entries ---- */

/* A node that refuses in the middle of a body has no place for its reason. */
static void explain(unsigned status, uint64_t next, struct errmsg *e) {
  if (status == 429)
    err_set(e, PARLEY_EREFUSED, "%s",
            _("the bytes that the charter allows this member for files, a day or in all, are used up; import it again "
              "when the day (UTC) is over"));
  else if (status == 409)
    err_set(e, PARLEY_EREFUSED,
            _("they do not go on from what is held (%llu entries), or the log has shown a newer checkpoint; import a "
              "newer bundle"),
            (unsigned long long)next);
  else if (status == 202 || status == 422)
    err_set(e, PARLEY_EREFUSED, "%s", _("they are not those of the checkpoint"));
  else if (status == 403)
    err_set(e, PARLEY_EREFUSED, "%s",
            _("nothing more of this log is taken: its author has signed two histories, or opened its next epoch"));
}

/* The answer to an upload. *again: some of it was taken, and what hindered the rest will be said to the rest. */
static enum outcome answered(struct importing *im, parley_err rc, unsigned status, const struct buf *out, bool *again,
                             struct errmsg *e) {
  struct import_log *l = &im->log;
  struct arena a = {0};
  struct mirror_info info = {0};
  const uint64_t end = im->r.name.end, before = l->next;
  const bool told = (status == 202 || status == 409) && mirror_info_parse(&info, &a, buf_view(out), NULL) == PARLEY_OK;
  arena_free(&a);
  const uint64_t next = status == 200 ? end : status == 202 && told ? info.next : before;
  if (next > before) {
    l->fresh += next - before;
    l->next = next;
  }
  l->whole = l->whole || status == 200;
  if (status == 200 || (status == 202 && next >= end)) return OUT_TAKEN;
  *again = status == 202 && next > before;
  if (status == 409 && end <= l->next) return OUT_HELD;
  explain(status, l->next, e);
  const enum outcome o = import_failed(im, status, rc);
  return o == OUT_REFUSED && !*again ? block(im, e) : o;
}

static enum outcome upload(struct importing *im, struct errmsg *e) {
  enum outcome o;
  bool again;
  do {
    struct buf out = {0};
    unsigned status;
    again = false;
    const parley_err rc = api_bytes(im->c, &out, &status, "POST", "/v1/bundle/entries", buf_view(&im->data), e);
    o = answered(im, rc, status, &out, &again, e);
    buf_free(&out);
  } while (again);
  return o;
}

enum outcome import_entries(struct importing *im, struct errmsg *e) {
  struct import_log *l = &im->log;
  if (!of_this_log(im, e)) return OUT_REFUSED;
  if (l->own) return OUT_HELD;
  if (!l->size) return refuse(e, _("the checkpoint of its log does not stand before it"));
  if (im->r.name.end <= l->next && !(im->r.name.end == l->size && !l->whole)) return OUT_HELD;
  if (im->r.name.start > l->next) return refuse(e, _("entries before it are missing"));
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  const parley_err rc = bundle_entries_walk(&im->r.name, buf_view(&im->data), l->origin, l->size, NULL, NULL, NULL, e);
  return rc == PARLEY_OK ? upload(im, e) : block(im, e);
}

/* ---- cosignatures ---- */

enum outcome import_cosigned(struct importing *im, struct errmsg *e) {
  struct buf out = {0};
  unsigned status;
  if (!of_this_log(im, e)) return OUT_REFUSED;
  if (strcmp(im->r.name.party, im->self) == 0) return OUT_HELD; /* our own comes back */
  if (bundle_data(&im->r, &im->data, e) != PARLEY_OK) return OUT_STOPPED;
  const char *path = arena_fmt(&im->c->arena, "/v1/bundle/logs/%s/cosigned/%s", im->log.hex, im->r.name.party);
  if (path == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory")), OUT_STOPPED;
  const parley_err rc = api_bytes(im->c, &out, &status, "POST", path, buf_view(&im->data), e);
  json_t *o = NULL;
  if (rc == PARLEY_OK) json_parse(&o, buf_view(&out), 65536, NULL);
  const bool fresh = json_is_true(json_object_get(o, "new"));
  if (fresh && im->log.own) im->cosignatures++;
  json_decref(o);
  buf_free(&out);
  return rc != PARLEY_OK ? import_failed(im, status, rc) : fresh ? OUT_TAKEN : OUT_HELD;
}

/* ---- the end of a log ---- */

void import_log_end(struct importing *im) {
  const struct import_log *l = &im->log;
  if (!l->known || l->own || !l->size) return;
  const bool bulk = bundle_entry_max(l->origin) == BULK_ENTRY_MAX;
  json_t *o = json_object();
  json_put_str(o, "origin", l->origin);
  json_put_int(o, "entries", (int64_t)l->fresh);
  json_put_int(o, "held", (int64_t)l->next);
  json_put_int(o, "size", (int64_t)l->size);
  json_object_set_new(o, "cosigned", json_boolean(l->whole));
  json_array_append_new(im->logs, o);
  *(bulk ? &im->files : &im->entries) += l->fresh;
  im->back += l->whole;
}
