#include "record/audit_entries.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

void audit_tile_clear(struct audit_tile *t) {
  buf_clear(&t->page);
  buf_clear(&t->tile);
  arena_free(&t->arena);
  t->has_page = t->has_tile = t->no_memory = false;
  t->n_differs = 0;
  memset(t->differs, 0, sizeof t->differs);
  memset(t->authentic, 0, sizeof t->authentic);
  memset(t->signer, 0, sizeof t->signer);
  memset(t->entry, 0, sizeof t->entry);
  t->events = NULL;
  t->events_end = &t->events;
  t->n_checked = (struct audit_counts){0};
}

/* ---- events ---- */

static struct audit_event *event(struct audit_tile *t, enum audit_event_kind kind, enum audit_kind about, unsigned at) {
  struct audit_event *v = arena_alloc(&t->arena, sizeof *v);
  if (!v) {
    t->no_memory = true;
    return NULL;
  }
  *v = (struct audit_event){.kind = kind, .about = about, .at = at};
  *t->events_end = v;
  t->events_end = &v->next;
  return v;
}

static void problem(struct audit_tile *t, enum audit_kind about, unsigned at, const char *text) {
  struct audit_event *v = event(t, EVENT_PROBLEM, about, at);
  if (v && !(v->text = arena_strdup(&t->arena, text))) t->no_memory = true;
}

static void tree(struct audit_tile *t, enum audit_kind about, unsigned at, const char *origin, uint64_t size,
                 const struct hash *root) {
  struct audit_event *v = event(t, EVENT_TREE, about, at);
  if (!v) return;
  v->text = arena_strdup(&t->arena, origin);
  v->size = size;
  v->root = *root;
  if (!v->text) t->no_memory = true;
}

/* ---- what a statement names ---- */

static void look_at_heard(struct audit_tile *t, unsigned at, const struct statement *s) {
  char origin[ORIGIN_MAX + 1];
  for (size_t i = 0; i < s->n_heard; i++) {
    const struct heard *h = &s->heard[i];
    log_origin(origin, h->party, t->log->forum, h->epoch, false);
    tree(t, AUDIT_HEARD, at, origin, h->size, &h->root);
  }
}

static void look_at_held(struct audit_tile *t, unsigned at, const struct statement *s) {
  for (size_t i = 0; i < s->n_held; i++) {
    const struct held *h = &s->held[i];
    struct buf text = {0};
    struct errmsg why;
    checkpoint_text(&text, h->origin, h->size, &h->root);
    const parley_err err =
        audit_line_verify(t->cards, bytes_str(h->line), buf_view(&text), h->origin, t->log->party, &why);
    if (err == PARLEY_ENOMEM || !buf_ok(&text)) t->no_memory = true;
    if (err == PARLEY_ENOTFOUND)
      t->n_checked.beyond++;
    else
      t->n_checked.cosignatures++;
    if (err && err != PARLEY_ENOTFOUND) {
      err_prefix(&why, err, "a held line does not verify");
      problem(t, AUDIT_HELD, at, why.text);
    } else {
      tree(t, AUDIT_HELD, at, h->origin, h->size, &h->root);
    }
    buf_free(&text);
  }
}

static void look_at_files(struct audit_tile *t, unsigned at, const struct statement *s) {
  char origin[ORIGIN_MAX + 1];
  if (!s->has_bulk) return;
  log_origin(origin, t->log->party, t->log->forum, t->log->epoch, true);
  tree(t, AUDIT_FILE, at, origin, s->bulk_size, &s->bulk_root);
  for (size_t i = 0; i < s->n_attach; i++) {
    struct audit_event *v = event(t, EVENT_FILE, AUDIT_FILE, at);
    if (!v) return;
    v->first = s->attach[i].first;
    v->count = s->attach[i].count;
    v->size = s->attach[i].size;
    memcpy(v->root.b, s->attach[i].sha256, SHA256_SIZE);
  }
}

static void look_at_part(struct audit_tile *t, unsigned at, const struct statement *s) {
  struct audit_event *v = event(t, EVENT_PART, AUDIT_CHARTER, at);
  struct buf data = {0};
  const char *text = json_string_value(json_object_get(s->body, "data"));
  if (!v) return;
  v->first = (uint64_t)json_integer_value(json_object_get(s->body, "part"));
  v->count = (uint64_t)json_integer_value(json_object_get(s->body, "parts"));
  if (text && base64_decode(&data, bytes_str(text), true)) v->data = arena_copy(&t->arena, buf_view(&data));
  buf_free(&data);
}

/* Ours to read: addressed to us, or by us. */
static bool ours(const struct audit_tile *t, const struct statement *s) {
  const char *self = t->o->self ? t->o->self : "";
  bool yes = !strcmp(s->from, self);
  for (size_t i = 0; i < s->n_to && !yes; i++) yes = !strcmp(s->to[i], self);
  return yes;
}

static void look_at_body(struct audit_tile *t, unsigned at, const struct statement *s) {
  struct buf text = {0};
  struct errmsg why = {{0}};
  parley_err err = PARLEY_ENOTFOUND;
  if (!s->sealed.p || !ours(t, s)) return;
  for (size_t i = 0; i < t->o->n_seal && err == PARLEY_ENOTFOUND; i++) {
    buf_clear(&text);
    err = body_text(&text, s, &t->o->seal[i], &why);
  }
  buf_free(&text);
  if (err == PARLEY_ENOTFOUND) return;
  t->n_checked.bodies++;
  if (err == PARLEY_ENOMEM) t->no_memory = true;
  if (err) problem(t, AUDIT_BODY, at, why.text);
}

/* ---- one entry ---- */

static parley_err verify(struct audit_tile *t, unsigned at, const struct statement *s, const struct dsse *d,
                         struct errmsg *why) {
  const struct card *before = at > 0 ? t->signer[at - 1] : NULL; /* nearly always the same */
  const char *keyid = d->sigs[0].keyid;
  char own[65];
  if (before) ed25519_keyid(own, before->statement);
  const struct card *card =
      before && !strcmp(own, keyid) ? before : audit_card_by_keyid(t->cards, t->log->party, keyid);
  if (!card) return PARLEY_ENOTFOUND;
  t->n_checked.signatures++;
  const parley_err err = statement_verify(d, s, card, why);
  if (!err) t->signer[at] = card;
  return err;
}

static void check_statement(struct audit_tile *t, unsigned at) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  struct errmsg why = {{0}};
  const bool silent = t->differs[at]; /* told once, as a damaged entry or tile */
  parley_err err = statement_parse(&s, &a, t->entry[at], &d, &why);
  if (!err) err = verify(t, at, &s, &d, &why);
  t->authentic[at] = !err;
  if (err == PARLEY_ENOMEM) t->no_memory = true;
  if (!err && !silent) {
    look_at_heard(t, at, &s);
    look_at_held(t, at, &s);
    look_at_files(t, at, &s);
    if (!strcmp(s.kind, "forum.charter")) look_at_part(t, at, &s);
    look_at_body(t, at, &s);
  }
  /* Cards come before the signature can be judged: the entry is signed with a key that it brings. */
  if (!silent && s.body && !strcmp(s.kind, "forum.card")) event(t, EVENT_CARDS, AUDIT_CARD, at);
  if (err == PARLEY_ENOTFOUND && !silent)
    event(t, EVENT_UNKNOWN_KEY, AUDIT_STATEMENT, at);
  else if (err && !silent)
    problem(t, AUDIT_STATEMENT, at, why.text);
  statement_clear(&s);
  arena_free(&a);
}

parley_err audit_entry_verify(struct bytes entry, const struct card *by, struct errmsg *e) {
  struct arena a = {0};
  struct statement s = {0};
  struct dsse d;
  parley_err err = statement_parse(&s, &a, entry, &d, e);
  if (!err) err = statement_verify(&d, &s, by, e);
  statement_clear(&s);
  arena_free(&a);
  return err;
}

/* ---- the tile ---- */

static void read_page(struct audit_tile *t) {
  struct bytes rest = buf_view(&t->page);
  for (unsigned i = 0; i < t->width; i++)
    if (!audit_item(&rest, &t->entry[i])) break;
}

static void hash_entries(struct audit_tile *t) {
  for (unsigned i = 0; i < t->width; i++) {
    if (t->has_tile) memcpy(t->stored[i].b, t->tile.p + 32 * (size_t)i, 32);
    if (!t->entry[i].p) {
      t->leaf[i] = t->stored[i];
      continue;
    }
    merkle_leaf(&t->leaf[i], t->entry[i]);
    t->n_checked.entries++;
    if (!t->has_tile) t->stored[i] = t->leaf[i];
    t->differs[i] = !hash_eq(&t->leaf[i], &t->stored[i]);
    t->n_differs += t->differs[i];
  }
}

void audit_tile_work(struct audit_job *j) {
  struct audit_tile *t = (struct audit_tile *)j;
  t->has_tile = t->has_tile && t->tile.n >= 32 * (size_t)t->width;
  if (t->has_page) read_page(t);
  hash_entries(t);
  if (!t->log->bulk)
    for (unsigned i = 0; i < t->width; i++)
      if (t->entry[i].p) check_statement(t, i);
  merkle_root_of_leaves(&t->root, t->leaf, t->width);
  t->stored_root = t->root;
  if (t->n_differs > 0) merkle_root_of_leaves(&t->stored_root, t->stored, t->width);
}
