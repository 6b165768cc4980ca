/*
 * Proofs of two histories that are kept, and what follows from them. STORE_LOGS, "proof/<party>\n<origin>": a line
 * "<found> <told> <from>" ("-": found here), then the files (record/fork.h). The first proof against a party about a
 * log stays.
 */
#include "node/forks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"

#define PREFIX "proof/"

/* ---- looking ---- */

const struct kept *forks_find(const struct node *n, const char *party, const char *origin) {
  for (const struct kept *k = n->forks ? n->forks->kept : NULL; k; k = k->next)
    if (!strcmp(k->party, party) && !strcmp(k->origin, origin)) return k;
  return NULL;
}

static bool closes(const struct kept *k, const char *origin) {
  const size_t len = strlen(k->origin), n = len > 5 && !strcmp(k->origin + len - 5, "/bulk") ? len - 5 : len;
  return k->log && !strncmp(origin, k->origin, n) && (!origin[n] || !strcmp(origin + n, "/bulk"));
}

bool forks_closed(const struct node *n, const char *origin) {
  for (const struct kept *k = n->forks ? n->forks->kept : NULL; k; k = k->next)
    if (closes(k, origin)) return true;
  return false;
}

/* ---- the store ---- */

static void key_proof(struct buf *key, const struct kept *k) { buf_fmt(key, PREFIX "%s\n%s", k->party, k->origin); }

static parley_err put(struct node *n, const struct kept *k, struct bytes files, struct errmsg *e) {
  struct buf key = {0}, v = {0};
  key_proof(&key, k);
  buf_fmt(&v, "%lld %d %s\n", (long long)k->found, k->told, k->from[0] ? k->from : "-");
  buf_bytes(&v, files);
  const parley_err r = buf_ok(&key) && buf_ok(&v) ? store_put(n->env.store, STORE_LOGS, buf_view(&key), buf_view(&v), e)
                                                  : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  buf_free(&key);
  buf_free(&v);
  return r;
}

static parley_err get(struct node *n, const struct kept *k, struct arena *a, struct bytes *files, struct errmsg *e) {
  struct buf key = {0};
  struct bytes line;
  key_proof(&key, k);
  parley_err r = buf_ok(&key) ? store_get(n->env.store, STORE_LOGS, buf_view(&key), a, files, e)
                              : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  if (!r && !bytes_line(files, &line)) r = err_set(e, PARLEY_EIO, "what is kept of a proof is damaged");
  buf_free(&key);
  return r;
}

parley_err forks_read(struct node *n, const struct kept *k, struct pack *out, struct arena *a, struct errmsg *e) {
  struct bytes files;
  const parley_err r = get(n, k, a, &files, e);
  return r ? r : fork_read(out, a, files, e);
}

static void fill(struct kept *k, const struct fork_result *r) {
  const struct fork_party *p = &r->parties[0];
  memcpy(k->party, p->who.name, sizeof k->party);
  memcpy(k->origin, r->origin, sizeof k->origin);
  memcpy(k->author, r->author, sizeof k->author);
  memcpy(k->forum, r->forum, sizeof k->forum);
  k->epoch = r->epoch;
  k->log = p->log;
  k->mirror = p->mirror;
  for (size_t i = 0; i < 2; i++) {
    k->size[i] = r->size[i];
    k->root[i] = r->root[i];
  }
  fork_id(k->id, k->party, k->origin);
}

/* ---- what follows ---- */

static void stop_own(struct node *n, const struct kept *k) {
  for (struct forum *f = n->forums; f; f = f->next) {
    struct own_log *own[] = {&f->log, &f->bulk};
    for (size_t i = 0; i < 2; i++)
      if (closes(k, own[i]->origin)) own_log_forked(n, own[i]);
  }
}

void own_log_forked(struct node *n, struct own_log *l) {
  if (l->stopped && strstr(l->why, "two histories")) return;
  l->stopped = true;
  snprintf(
      l->why, sizeof l->why,
      "two histories of this log are signed with our own key, and it is proved. Two machines may use one key, or an "
      "old backup was put back. Nothing more is signed. Tell your superiors and the other members before they ask; "
      "docs/operations.md, “When signing has stopped”, says what to do");
  node_log_line(n, 3, "%s: signing has stopped: %s", l->origin, l->why);
}

static void tell_people(const struct node *n, const struct kept *k) {
  node_log_line(n, 3, "%s has signed two histories of the log %s, as %s; the proof is kept (parley proof show %s)%s%s",
                k->party, k->origin, k->log ? "its author" : "a mirror of it", k->id,
                k->log ? "; nothing more of that log is taken" : "", k->from[0] ? "; another member has shown it" : "");
}

parley_err forks_keep(struct node *n, const struct pack *p, const struct fork_result *r, const char *from,
                      struct errmsg *e) {
  if (forks_find(n, r->parties[0].who.name, r->origin)) return PARLEY_OK;
  struct kept *k = calloc(1, sizeof *k);
  struct buf files = {0};
  if (!k) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  fill(k, r);
  k->found = node_wall(n);
  snprintf(k->from, sizeof k->from, "%s", from);
  fork_write(&files, p);
  parley_err err =
      buf_ok(&files) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  if (!err) {
    err = put(n, k, buf_view(&files), e);
    if (!err)
      err = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&files);
  if (err) {
    free(k);
    return err;
  }
  k->next = n->forks->kept;
  n->forks->kept = k;
  n->forks->version++;
  stop_own(n, k);
  tell_people(n, k);
  return PARLEY_OK;
}

/* ---- from two signed trees ---- */

static parley_err convict_one(struct node *n, struct fork_input *in, const char *party, const char *origin,
                              unsigned *convicted, struct errmsg *e) {
  struct arena a = {0};
  struct pack p;
  struct fork_result r;
  struct errmsg why = {{0}};
  const struct card *cards[CARDS_HELD_MAX + 1];
  if (forks_find(n, party, origin)) {
    ++*convicted;
    return PARLEY_OK;
  }
  in->cards = cards;
  in->n_cards = node_cards(n, party, cards, sizeof cards / sizeof *cards);
  parley_err err = in->n_cards ? fork_build(&p, &r, &a, in, &why) : PARLEY_EVERIFY;
  if (!err) {
    err = forks_keep(n, &p, &r, "", &why);
    if (!err) ++*convicted;
  }
  arena_free(&a);
  return node_trouble(err) ? err_set(e, err, "%s", why.text) : PARLEY_OK;
}

/* Mirrors whose line stands in both: each is tried by name. */
static parley_err convict_mirrors(struct node *n, struct fork_input *in, const char *origin, unsigned *convicted,
                                  struct errmsg *e) {
  struct bytes rest = in->tree[0].note, line;
  while (bytes_line(&rest, &line)) {
    char party[PARTY_NAME_MAX + 1];
    const uint8_t *end = line.n > 4 ? memmem(line.p, line.n, "/mirror ", 8) : NULL;
    if (!end || memcmp(line.p, "— ", 4) || end - line.p - 4 > PARTY_NAME_MAX) continue;
    snprintf(party, sizeof party, "%.*s", (int)(end - line.p - 4), (const char *)line.p + 4);
    const parley_err r = node_card(n, party) ? convict_one(n, in, party, origin, convicted, e) : PARLEY_OK;
    if (r) return r;
  }
  return PARLEY_OK;
}

parley_err forks_convict(struct node *n, const struct fork_tree tree[static 2], const struct hash *prefix,
                         const struct proof *proof, unsigned *convicted, struct errmsg *e) {
  struct fork_input *in = calloc(1, sizeof *in);
  char author[PARTY_NAME_MAX + 1], origin[ORIGIN_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  uint64_t epoch;
  bool bulk;
  struct bytes rest = tree[0].note, line = BYTES_NONE;
  *convicted = 0;
  if (!in) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  in->tree[0] = tree[0];
  in->tree[1] = tree[1];
  if (prefix) in->prefix = *prefix;
  if (proof) in->proof = *proof;
  parley_err r = PARLEY_OK;
  if (bytes_line(&rest, &line) && log_origin_parse(author, forum, &epoch, &bulk, line)) {
    log_origin(origin, author, forum, epoch, bulk);
    r = convict_one(n, in, author, origin, convicted, e);
    if (!r) r = convict_mirrors(n, in, origin, convicted, e);
  }
  free(in);
  return r;
}

parley_err forks_of_mirror(struct node *n, const char *origin, struct errmsg *e) {
  struct arena a = {0};
  struct fork_input *in = calloc(1, sizeof *in);
  unsigned convicted;
  parley_err r =
      in ? fork_kept(in, &a, n->env.store, origin, e) : err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  if (!r) r = forks_convict(n, in->tree, &in->prefix, &in->proof, &convicted, e);
  n->forks->look = node_trouble(r);
  arena_free(&a);
  free(in);
  return r == PARLEY_ENOTFOUND ? PARLEY_OK : r;
}

/* ---- the other members are told ---- */

static parley_err mark_told(struct node *n, struct kept *k, struct errmsg *e) {
  struct arena a = {0};
  struct bytes files;
  parley_err r = get(n, k, &a, &files, e);
  if (!r) r = store_begin(n->env.store, e);
  if (!r) {
    k->told = true;
    r = put(n, k, files, e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
    k->told = !r;
  }
  arena_free(&a);
  return r;
}

static void tell(struct node *n, struct kept *k) {
  struct row row;
  struct errmsg e = {{0}};
  struct forum *f = forum_find(n, k->forum);
  if (k->told || k->from[0] || !f || f->n_members < 2 || f->log.stopped || n->retry_ms) return;
  parley_err r = PARLEY_OK;
  if (k->telling && row_get(n, &k->told_as, &row, NULL) == PARLEY_OK) {
    row_clear(&row);
    r = mark_told(n, k, &e);
  } else if (!k->telling || !n->queue) {
    k->telling = true;
    r = forks_entry_tell(n, k, f, &e);
    if (r == PARLEY_ELIMIT) k->told = true; /* too large for an entry: the folder is there, and people */
  }
  if (r) node_log_line(n, 3, "the other members cannot be told of a proof now: %s", e.text);
  if (node_trouble(r)) node_retry(n);
}

static void look_at_mirror(struct node *n, const struct their_log *l) {
  struct errmsg e;
  struct mirror_state s;
  mirror_state(l->mirror, &s);
  if (!s.forked || forks_closed(n, l->origin) || forks_of_mirror(n, l->origin, &e) == PARLEY_OK) return;
  node_log_line(n, 3, "%s: the proof of its two histories cannot be kept now: %s", l->origin, e.text);
  n->forks->look = true;
  node_retry(n);
}

static void look_at_mirrors(struct node *n) {
  if (!n->forks->look || n->retry_ms) return;
  n->forks->look = false;
  for (struct forum *f = n->forums; f; f = f->next)
    for (size_t i = 0; i < f->n_members; i++) {
      for (struct their_log *l = &f->members[i].log; l; l = l->older) look_at_mirror(n, l);
      for (struct their_log *l = &f->members[i].bulk; l; l = l->older) look_at_mirror(n, l);
    }
}

void forks_run(struct node *n) {
  look_at_mirrors(n);
  seeks_run(n);
  for (struct kept *k = n->forks->kept; k; k = k->next) tell(n, k);
}

int64_t forks_next_ms(const struct node *n) { return seeks_next_ms(n); }

/* ---- life ---- */

static parley_err load_one(void *ctx, struct bytes key, struct bytes v, struct errmsg *e) {
  struct node *n = ctx;
  struct arena a = {0};
  struct pack p;
  struct fork_result r;
  struct bytes line;
  long long found;
  int told;
  char from[PARTY_NAME_MAX + 1], text[PARTY_NAME_MAX + 64] = "";
  struct kept *k = calloc(1, sizeof *k);
  (void)key;
  if (!k) return err_set(e, PARLEY_ENOMEM, "out of memory for a proof");
  parley_err err = bytes_line(&v, &line) && line.n < sizeof text ? PARLEY_OK : PARLEY_EIO;
  if (!err) memcpy(text, line.p, line.n);
  if (!err && sscanf(text, "%lld %d %64s", &found, &told, from) != 3) err = PARLEY_EIO;
  if (!err) err = fork_read(&p, &a, v, e);
  if (!err) err = fork_verify(&r, &a, &p, NULL, e);
  if (!err) {
    fill(k, &r);
    k->found = found;
    k->told = told != 0;
    snprintf(k->from, sizeof k->from, "%s", strcmp(from, "-") ? from : "");
    k->next = n->forks->kept;
    n->forks->kept = k;
    n->forks->version++;
  } else {
    free(k);
  }
  arena_free(&a);
  if (err && err != PARLEY_ENOMEM) { /* it stays in the store; the node must start all the same */
    node_log_line(n, 3, "a kept proof of two histories cannot be read: %s", e->text);
    return PARLEY_OK;
  }
  return err;
}

parley_err forks_load(struct node *n, struct errmsg *e) {
  n->forks = calloc(1, sizeof *n->forks);
  if (!n->forks) return err_set(e, PARLEY_ENOMEM, "out of memory");
  n->forks->look = true;
  return store_scan(n->env.store, STORE_LOGS, BYTES(PREFIX, sizeof PREFIX - 1), BYTES_NONE, false, load_one, n, e);
}

void forks_free(struct node *n) {
  if (!n->forks) return;
  seeks_free(n);
  while (n->forks->kept) {
    struct kept *k = n->forks->kept;
    n->forks->kept = k->next;
    free(k);
  }
  free(n->forks);
  n->forks = NULL;
}
