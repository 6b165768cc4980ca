/*
 * One simulated machine: a party's keys from the seed, its store on a failing disk, the durable memory of its signer, its
 * clocks, and the node itself from start to stop or crash.
 */
#include <stdlib.h>
#include <string.h>

#include "fault_disk.h"
#include "world.h"

#define WALL_BASE 1750000000
#define STORE_PATH "store.sqlite"
#define IDLE_WAKES_MAX 40 /* in one simulated second without anything happening */

static uint64_t luck(void *world) { return chance(world); }

/* ---- what the node gets from outside ---- */

static int64_t wall(void *ctx) {
  const struct home *h = ctx;
  return WALL_BASE + h->w->now_ms / 1000 + h->wall_offset_s;
}

static int64_t mono(void *ctx) {
  const struct home *h = ctx;
  return h->w->now_ms + h->mono_offset_ms;
}

static void fill(void *ctx, uint8_t *out, size_t n) {
  struct home *h = ctx;
  for (size_t i = 0; i < n; i += 8) {
    const uint64_t x = chance(h->w);
    memcpy(out + i, &x, n - i < 8 ? n - i : 8);
  }
}

static void log_line(void *ctx, int level, const char *line) {
  struct home *h = ctx;
  if (level < 6 && !h->dead && !fault_disk_is_cut(h->disk)) trace(h->w, "%s log: %s", h->name, line);
}

/* ---- the signer's memory ---- */

const struct memory_row *memory_find(const struct memory *m, const char *origin, enum signer_role role) {
  for (size_t i = 0; i < m->n; i++)
    if (m->rows[i].role == role && !strcmp(m->rows[i].origin, origin)) return &m->rows[i];
  return NULL;
}

bool memory_copy(struct world *w, struct memory *to, const struct memory *from) {
  void *rows = to->rows;
  const bool ok = grow(w, &rows, &to->cap, from->n + 1, sizeof *to->rows);
  to->rows = rows;
  if (ok && from->n) memcpy(to->rows, from->rows, from->n * sizeof *to->rows);
  if (ok) to->n = from->n;
  return ok;
}

static parley_err memory_load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                              struct errmsg *e) {
  const struct home *h = ctx;
  const struct memory_row *row = memory_find(&h->memory, origin, role);
  if (!row) return err_set(e, PARLEY_ENOTFOUND, "nothing is remembered of %s", origin);
  *out = row->tree;
  return PARLEY_OK;
}

static void power_off(struct home *h) {
  h->dead = true;
  fault_disk_cut_at(h->disk, 1);
}

static bool counts_down(uint64_t *n) {
  if (*n == DEATH_NEVER || --*n > 0) return false;
  *n = DEATH_NEVER;
  return true;
}

static parley_err memory_put(struct home *h, const char *origin, enum signer_role role, const struct signed_tree *tree,
                             struct errmsg *e) {
  struct memory_row *row = (struct memory_row *)memory_find(&h->memory, origin, role);
  if (!row) {
    void *rows = h->memory.rows;
    const bool ok = grow(h->w, &rows, &h->memory.cap, h->memory.n + 1, sizeof *h->memory.rows);
    h->memory.rows = rows;
    if (!ok) return err_set(e, PARLEY_ENOMEM, "out of memory");
    row = &h->memory.rows[h->memory.n++];
    row->role = role;
    snprintf(row->origin, sizeof row->origin, "%s", origin);
  } else if (tree->size < row->tree.size) {
    violation(h->w, "I3", "the signer of %s remembered %llu entries of %s and now signs %llu", h->name,
              (unsigned long long)row->tree.size, origin, (unsigned long long)tree->size);
  }
  row->tree = *tree;
  claim_saved(h, origin, role, tree);
  return PARLEY_OK;
}

/* Before it, after it, or not at all: the power can go on either side of the moment in which the row is durable. */
static parley_err memory_save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                              struct errmsg *e) {
  struct home *h = ctx;
  if (h->dead || fault_disk_is_cut(h->disk)) return err_set(e, PARLEY_EIO, "the power is off");
  const bool death = counts_down(&h->save_death);
  if (counts_down(&h->save_fail)) return err_set(e, PARLEY_EIO, "the disk of the signer's memory failed");
  if (death && !h->save_death_after) {
    power_off(h);
    return err_set(e, PARLEY_EIO, "the power went");
  }
  const parley_err err = memory_put(h, origin, role, tree, e);
  if (death) power_off(h);
  return err;
}

/* ---- making ---- */

/* rotation: seed of the key that signs it besides its own; NULL for the first. */
static bool write_card(struct home *h, const uint8_t *rotation, uint8_t variant, struct buf *envelope) {
  struct card c = {.not_before = WALL_BASE - 100000000, .not_after = WALL_BASE + 100000000, .n_seal = 1, .n_link = 1};
  struct ed25519_key *k[5] = {NULL};
  uint8_t digest[32] = {(uint8_t)h->number, 0x51, variant};
  struct buf pin = {0};
  bool ok = true;
  for (size_t i = 0; i < 4; i++) ok = ok && ed25519_from_seed(&k[i], h->keys[i], NULL) == PARLEY_OK;
  if (rotation) ok = ok && ed25519_from_seed(&k[4], rotation, NULL) == PARLEY_OK;
  c.serial = h->n_cards;
  if (ok) {
    memcpy(c.statement, ed25519_public(k[0]), 32);
    memcpy(c.log, ed25519_public(k[1]), 32);
    memcpy(c.mirror, ed25519_public(k[2]), 32);
    memcpy(c.rotation, ed25519_public(k[3]), 32);
    snprintf(c.name, sizeof c.name, "%s", h->name);
    snprintf(c.submission, sizeof c.submission, "https://%s:7443", h->name);
    snprintf(c.monitoring, sizeof c.monitoring, "https://%s:7443", h->name);
    snprintf(c.seal[0].label, sizeof c.seal[0].label, "duty");
    memcpy(c.seal[0].recipient, h->seal.pub, 32);
    buf_str(&pin, "sha256//");
    base64_encode(&pin, BYTES(digest, 32), true);
    snprintf(c.link[0], sizeof c.link[0], "%s", buf_cstr(&pin) ? (const char *)pin.p : "");
    const struct card_signers signers = {k[0], k[1], k[2], k[4]};
    ok = card_make(envelope, &c, &signers, NULL) == PARLEY_OK;
  }
  for (size_t i = 0; i < 5; i++) ed25519_free(k[i]);
  buf_free(&pin);
  return ok;
}

static bool make_card(struct home *h, const uint8_t *rotation) {
  struct buf envelope = {0};
  const struct card *before = h->n_cards ? &h->cards[h->n_cards - 1] : NULL;
  const bool ok = write_card(h, rotation, 0, &envelope) &&
                  card_parse(&h->cards[h->n_cards], &h->arena, buf_view(&envelope), before, NULL, NULL) == PARLEY_OK;
  h->n_cards += ok;
  buf_free(&envelope);
  return ok;
}

bool home_rival_card(struct home *h, uint8_t variant, struct buf *envelope) {
  return write_card(h, h->keys[3], variant, envelope);
}

void home_renew(struct home *h) {
  struct world *w = h->w;
  uint8_t rotation[32], log[32];
  if (h->n_cards == SIM_CARDS_MAX) return;
  memcpy(rotation, h->keys[3], 32);
  memcpy(log, h->keys[1], 32);
  const uint64_t which = one_in(w, 2) ? 15 : 1 + below(w, 15);
  for (size_t i = 0; i < 4; i++)
    if (which >> i & 1) fill(h, h->keys[i], 32);
  if (which >> 1 & 1) {
    memcpy(h->log_before, log, 32);
    h->has_log_before = !one_in(w, 4);
  }
  if (!make_card(h, rotation)) w->failed = true;
  trace(w, "%s has card %u, new keys %llu, old log key %s", h->name, h->n_cards - 1, (unsigned long long)which,
        h->has_log_before ? "at hand" : "not at hand");
}

bool home_cosigned(const struct home *h, struct bytes line, struct bytes text) {
  for (unsigned i = 0; i < h->n_cards; i++) {
    struct vkey key;
    if (!card_mirror_vkey(&key, &h->cards[i], NULL) && !note_verify_line(line, text, &key, NULL, NULL)) return true;
  }
  return false;
}

bool home_make(struct world *w, unsigned number) {
  struct home *h = &w->homes[number];
  uint8_t secret[32];
  h->w = w;
  h->number = number;
  h->save_death = h->save_fail = DEATH_NEVER;
  h->wake_at = INT64_MAX;
  snprintf(h->name, sizeof h->name, w->n > 10 ? "party%03u.example" : "party%u.example", number);
  fill(h, h->keys[0], sizeof h->keys);
  fill(h, secret, sizeof secret);
  if (one_in(w, 2)) h->wall_offset_s = (int64_t)below(w, 20000) - 10000;
  char vfs[48];
  snprintf(vfs, sizeof vfs, "sim-disk-%u", number);
  h->disk = fault_disk_new(vfs, luck, w);
  return h->disk && age_identity_from_secret(&h->seal, secret) && make_card(h, NULL);
}

bool home_twin(struct world *w, unsigned number, const struct home *of) {
  struct home *h = &w->homes[number];
  char vfs[48];
  snprintf(vfs, sizeof vfs, "sim-disk-%u", number);
  h->w = w;
  h->number = number;
  h->save_death = h->save_fail = DEATH_NEVER;
  h->wake_at = INT64_MAX;
  memcpy(h->name, of->name, sizeof h->name);
  memcpy(h->keys, of->keys, sizeof h->keys);
  h->seal = of->seal;
  h->cards[0] = of->cards[0];
  h->n_cards = 1;
  h->disk = fault_disk_new(vfs, luck, w);
  return h->disk != NULL;
}

void home_free(struct home *h) {
  fault_image_free(h->saved);
  free(h->pending);
  free(h->memory.rows);
  free(h->signed_before.rows);
  free(h->saved_memory.rows);
  fault_disk_free(h->disk);
  arena_free(&h->arena);
}

/* ---- starting ---- */

static parley_err open_signer(struct home *h, struct errmsg *e) {
  struct ed25519_key *k[3] = {NULL};
  parley_err err = PARLEY_OK;
  for (size_t i = 0; i < 3 && !err; i++) err = ed25519_from_seed(&k[i], h->keys[i], e);
  if (!err)
    err = signer_new(&h->signer, h->name, k[0], k[1], k[2], (struct signer_memory){h, memory_load, memory_save}, e);
  for (size_t i = 0; i < 3 && err; i++) ed25519_free(k[i]);
  struct ed25519_key *before = NULL;
  if (!err && h->has_log_before) err = ed25519_from_seed(&before, h->log_before, e);
  if (!err) signer_set_log_before(h->signer, before);
  return err;
}

static parley_err open_node(struct home *h, struct errmsg *e) {
  struct world *w = h->w;
  const struct node_env env = {.ctx = h,
                               .wall_s = wall,
                               .mono_ms = mono,
                               .random = fill,
                               .store = h->store,
                               .signer = h->signer,
                               .seal = &h->seal,
                               .n_seal = 1,
                               .forms = &w->form,
                               .n_forms = 1,
                               .log = log_line};
  parley_err err = node_open(&h->node, &env, h->cards[h->n_cards - 1].envelope, e);
  for (unsigned i = h->n_cards - 1; i-- > 0 && !err;) err = node_own_before(h->node, h->cards[i].envelope, e);
  for (unsigned i = 0; i < w->n && !err; i++) /* people have compared the first card; the others come by themselves */
    if (strcmp(w->homes[i].name, h->name)) err = node_pin(h->node, w->homes[i].cards[0].envelope, e);
  return err ? err : node_start(h->node, e);
}

static void close_all(struct home *h) {
  network_forget(h);
  clients_forget(h);
  node_close(h->node);
  signer_free(h->signer);
  store_close(h->store);
  h->node = NULL;
  h->signer = NULL;
  h->store = NULL;
  h->up = false;
  h->wake_at = INT64_MAX;
}

bool home_put_forum(struct home *h, const uint8_t id[static SHA256_SIZE], struct bytes envelope) {
  const struct store_sqlite_options o = {.vfs = fault_disk_name(h->disk), .unsafe = h->w->o.unsafe};
  struct store *s;
  if (store_sqlite_open(&s, STORE_PATH, &o, NULL)) return false;
  parley_err err = store_begin(s, NULL);
  struct buf row = {0};
  buf_fmt(&row, "%s\n", h->w->homes[0].name); /* who proposed it */
  buf_bytes(&row, envelope);
  if (!err && !buf_ok(&row)) err = PARLEY_ENOMEM;
  if (!err) err = store_put(s, STORE_PROPOSALS, BYTES(id, SHA256_SIZE), buf_view(&row), NULL);
  if (!err) err = store_commit(s, NULL);
  store_close(s);
  buf_free(&row);
  return err == PARLEY_OK;
}

void home_start(struct home *h) {
  struct world *w = h->w;
  struct errmsg e = {{0}};
  const struct store_sqlite_options o = {.vfs = fault_disk_name(h->disk), .unsafe = w->o.unsafe};
  const uint64_t faults = fault_disk_faults(h->disk);
  h->life++;
  h->mono_offset_ms = (int64_t)below(w, 1000000);
  parley_err err = store_sqlite_open(&h->store, STORE_PATH, &o, &e);
  if (!err) err = open_signer(h, &e);
  if (!err) err = open_node(h, &e);
  const bool cut = h->dead || fault_disk_is_cut(h->disk);
  if (err && !cut && faults == fault_disk_faults(h->disk) && h->disk->room == FAULT_NEVER)
    violation(w, "I1", "%s does not start again: %s", h->name, e.text);
  if (err || cut) {
    home_crash(h, !cut);
    return;
  }
  h->up = true;
  h->disk_failed = faults != fault_disk_faults(h->disk) || h->disk->room != FAULT_NEVER;
  trace(w, "%s up, disk %016llx", h->name, w->o.trace ? (unsigned long long)fault_disk_hash(h->disk) : 0);
  invariants_started(h);
  home_settle(h, false);
}

/* ---- ending ---- */

void home_crash(struct home *h, bool kill) {
  struct world *w = h->w;
  if (kill)
    fault_disk_kill(h->disk);
  else
    fault_disk_crash(h->disk, luck, w);
  close_all(h);
  h->dead = false;
  h->save_death = DEATH_NEVER;
  fault_disk_fail_at(h->disk, FAULT_NEVER);
  w->result->crashes++;
  const int64_t ms = w->calm ? 100 : 100 + (int64_t)below(w, one_in(w, 5) ? 300000 : 20000);
  trace(w, "%s %s, up again in %lld ms", h->name, kill ? "killed" : "without power", (long long)ms);
  at(w, w->now_ms + ms, EV_START, h->number);
}

void home_stop(struct home *h) {
  close_all(h);
  trace(h->w, "%s stopped", h->name);
  if (fault_disk_is_cut(h->disk)) fault_disk_crash(h->disk, luck, h->w);
}

bool home_died(struct home *h) {
  if (!h->up || (!h->dead && !fault_disk_is_cut(h->disk))) return !h->up;
  home_crash(h, false);
  return true;
}

/* ---- working ---- */

static void answers(struct home *h) {
  struct node_response r;
  struct node_call *c;
  while ((c = node_next_answer(h->node, &r))) {
    enum tag_kind *tag = node_call_tag(c);
    if (tag && *tag == TAG_LOCAL)
      client_answer(h, (struct local *)(void *)tag, &r);
    else if (tag)
      network_answer(h, (struct conn *)(void *)tag, &r);
    buf_free(&r.body);
  }
}

static void count_idle(struct home *h, bool idle) {
  struct world *w = h->w;
  if (!idle || w->now_ms / 1000 != h->idle_second) h->idle_wakes = 0;
  h->idle_second = w->now_ms / 1000;
  if (idle && ++h->idle_wakes > IDLE_WAKES_MAX)
    violation(w, "I8", "%s wakes more than %d times in a second in which nothing happens", h->name, IDLE_WAKES_MAX);
}

void home_settle(struct home *h, bool idle) {
  struct world *w = h->w;
  if (!h->up || violated(w)) return;
  count_idle(h, idle);
  node_work(h->node);
  if (home_died(h)) return;
  answers(h);
  network_send(h);
  if (home_died(h)) return;
  const int next = node_next_ms(h->node);
  const int64_t wake_at = w->now_ms + (next > 0 ? next : 1);
  if (wake_at != h->wake_at) at(w, wake_at, EV_WAKE, h->number);
  h->wake_at = wake_at;
  invariants_step(h);
}

void home_wake(struct home *h, int64_t rang_at) {
  if (!h->up || rang_at != h->wake_at) return;
  h->wake_at = INT64_MAX;
  home_settle(h, true);
}

/* ---- looking without disturbing ---- */

/* A node lists its own two logs first, then two of each member in the order of their names, which is that of the homes. */
bool home_log_view(struct home *h, const char *origin, struct node_log_view *out) {
  const char *at = origin + strcspn(origin, "0123456789");
  const unsigned of = (unsigned)strtoul(at, NULL, 10);
  const bool bulk = strstr(origin, "/bulk") != NULL;
  if (!h->up) return false;
  const size_t guess = of == h->number ? bulk : 2 + 2 * (size_t)(of < h->number ? of : of - 1) + bulk;
  if (node_log_at(h->node, guess, out) && !strcmp(out->origin, origin)) return true;
  for (size_t k = 0; node_log_at(h->node, k, out); k++)
    if (!strcmp(out->origin, origin)) return true;
  return false;
}

struct calm calm_begin(struct home *h) {
  const struct calm c = {h->disk->cut_in, h->disk->fail_in, h->disk->room, h->disk->spared};
  h->disk->spared = true;
  h->disk->cut_in = h->disk->fail_in = h->disk->room = FAULT_NEVER;
  return c;
}

void calm_end(struct home *h, struct calm c) {
  h->disk->cut_in = c.cut_in;
  h->disk->fail_in = c.fail_in;
  h->disk->room = c.room;
  h->disk->spared = c.spared;
}
