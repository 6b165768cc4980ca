/*
 * Arbitrary bytes after a good head, to a mirror that waits for 300 entries of which it holds 5. The first byte says
 * where the upload starts and in what pieces the rest is fed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/mirror.h"

#define ORIGIN "a.example/f/0"
#define HELD 5

static parley_err load(void *ctx, const char *origin, enum signer_role role, struct signed_tree *out,
                       struct errmsg *e) {
  (void)ctx, (void)origin, (void)role, (void)out;
  return err_set(e, PARLEY_ENOTFOUND, "nothing saved");
}

static parley_err save(void *ctx, const char *origin, enum signer_role role, const struct signed_tree *tree,
                       struct errmsg *e) {
  (void)ctx, (void)origin, (void)role, (void)tree, (void)e;
  return PARLEY_OK;
}

struct world {
  char dir[64], file[96];
  struct store *store;
  struct ed25519_key *key; /* the log's */
  struct vkey vkey;
  struct signer *signer;
  struct mirror *mirror;
};

static void must(bool ok) {
  if (!ok) abort();
}

static struct ed25519_key *key_of(uint8_t seed) {
  const uint8_t bytes[32] = {seed};
  struct ed25519_key *k = NULL;
  must(!ed25519_from_seed(&k, bytes, NULL));
  return k;
}

/* Leaves are the numbers as single bytes, modulo 256. */
static void checkpoint(struct world *w, uint64_t old, uint64_t size) {
  static struct hash leaves[300];
  struct hash root;
  struct add_checkpoint r = {.old = old};
  struct buf note = {0}, body = {0};
  uint8_t sig[ED25519_SIG_SIZE];
  struct mirror_answer out;
  for (size_t i = 0; i < 300; i++) merkle_leaf(&leaves[i], BYTES(&(uint8_t){(uint8_t)i}, 1));
  merkle_root_of_leaves(&root, leaves, (size_t)size);
  if (old == HELD) { /* a proof from 5 to 300, by hand: RFC 6962 section 2.1.2 */
    const size_t part[][2] = {{4, 5},   {5, 6},   {6, 8},    {0, 4},     {8, 16},
                              {16, 32}, {32, 64}, {64, 128}, {128, 256}, {256, 300}};
    for (size_t i = 0; i < 10; i++) merkle_root_of_leaves(&r.proof.h[i], leaves + part[i][0], part[i][1] - part[i][0]);
    r.proof.n = 10;
  }
  checkpoint_text(&note, ORIGIN, size, &root);
  ed25519_sign(sig, w->key, buf_view(&note));
  buf_str(&note, "\n");
  note_sig_line(&note, &w->vkey, BYTES(sig, sizeof sig));
  r.note = buf_view(&note);
  add_checkpoint_write(&body, &r);
  mirror_add_checkpoint(w->mirror, buf_view(&body), &out);
  must(out.status == 200);
  buf_free(&note);
  buf_free(&body);
}

static void upload(struct world *w, uint64_t start, uint64_t end, struct bytes in, size_t step,
                   struct mirror_answer *out) {
  const struct add_entries_head h = {bytes_str(ORIGIN), start, end, BYTES_NONE};
  struct mirror_upload *u;
  bool more = true;
  mirror_upload_begin(&u, w->mirror, &h, out, NULL);
  if (!u) return;
  for (size_t at = 0; at < in.n && more; at += step)
    more = mirror_upload_data(u, BYTES(in.p + at, in.n - at < step ? in.n - at : step), out);
  if (more) mirror_upload_finish(u, 1700000000, out);
  mirror_upload_free(u);
}

static void open_world(struct world *w) {
  *w = (struct world){.key = key_of(1)};
  must(!vkey_make(&w->vkey, ORIGIN, NOTE_ED25519, ed25519_public(w->key), NULL));
  strcpy(w->dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/parley-fuzz-XXXXXX" : "/tmp/parley-fuzz-XXXXXX");
  must(mkdtemp(w->dir) != NULL);
  snprintf(w->file, sizeof w->file, "%s/store", w->dir);
  must(!store_sqlite_open(&w->store, w->file, &(struct store_sqlite_options){.unsafe = true}, NULL));
  const struct signer_memory memory = {NULL, load, save};
  must(!signer_new(&w->signer, "b.example", key_of(2), key_of(3), key_of(4), memory, NULL));
  must(!mirror_open(&w->mirror, w->store, w->signer, ORIGIN, 4096, &w->vkey, 1, NULL));
  static const uint8_t five[] = {0, 1, 0, 0, 1, 1, 0, 1, 2, 0, 1, 3, 0, 1, 4, 0};
  struct mirror_answer out;
  checkpoint(w, 0, HELD);
  upload(w, 0, HELD, BYTES(five, sizeof five), sizeof five, &out);
  must(out.status == 200);
  buf_free(&out.body);
  checkpoint(w, HELD, 300);
}

static void close_world(struct world *w) {
  mirror_close(w->mirror);
  signer_free(w->signer);
  store_close(w->store);
  ed25519_free(w->key);
  unlink(w->file);
  must(rmdir(w->dir) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  if (n == 0) return 0;
  struct world w;
  struct mirror_answer out = {0};
  struct mirror_state st;
  open_world(&w);
  upload(&w, p[0] % 8, 300, BYTES(p + 1, n - 1), 1u + p[0] * 7u, &out);
  must(out.status == 200 || out.status == 202 || out.status == 400 || out.status == 409 || out.status == 413 ||
       out.status == 422);
  mirror_state(w.mirror, &st);
  must(st.next == HELD || st.next == 256 || st.next == 300);
  must(st.size == (out.status == 200 ? 300 : HELD));
  buf_free(&out.body);
  close_world(&w);
  return 0;
}
