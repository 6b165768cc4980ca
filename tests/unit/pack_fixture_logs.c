#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pack_fixture_parts.h"

/* ---- trees ---- */

static parley_err read_leaves(void *ctx, unsigned level, uint64_t index, struct hash *out, struct errmsg *e) {
  const struct fixture_tree *t = ctx;
  const uint64_t first = index << level, n = UINT64_C(1) << level;
  if (first + n > t->n) return err_set(e, PARLEY_ENOTFOUND, "beyond the tree");
  merkle_root_of_leaves(out, t->leaves + first, n);
  return PARLEY_OK;
}

struct merkle_source fixture_source(struct fixture_tree *t) {
  return (struct merkle_source){read_leaves, t};
}

struct fixture_tree *fixture_tree(struct fixture *f, const char *what, size_t n) {
  struct fixture_tree *t = arena_alloc(&f->arena, sizeof *t);
  assert_non_null(t);
  assert_true(n <= FIXTURE_LEAVES_MAX);
  t->n = n;
  for (size_t i = 0; i < n; i++) fixture_seed(f, t->leaves[i].b, what, fixture_names[i % FIXTURE_PARTIES]);
  return t;
}

struct hash fixture_tree_root(const struct fixture_tree *t, size_t n) {
  struct hash root;
  merkle_root_of_leaves(&root, t->leaves, n);
  return root;
}

/* ---- notes ---- */

static void log_line(struct buf *out, const struct fixture_card *c, const char *origin, struct bytes text) {
  struct vkey k;
  uint8_t sig[ED25519_SIG_SIZE];
  assert_int_equal(card_log_vkey(&k, &c->card, origin, NULL), PARLEY_OK);
  ed25519_sign(sig, c->log, text);
  note_sig_line(out, &k, BYTES(sig, sizeof sig));
}

static void mirror_line(struct buf *out, struct fixture *f, const struct fixture_card *c, struct bytes text,
                        bool forged) {
  struct vkey k;
  uint8_t sig[8 + ED25519_SIG_SIZE];
  struct buf message = {0};
  const int64_t time = FIXTURE_TIME + f->options.late;
  struct ed25519_key *other = fixture_key(f, c->card.name, "other mirror");
  assert_int_equal(card_mirror_vkey(&k, &c->card, NULL), PARLEY_OK);
  cosignature_message(&message, time, text);
  assert_true(buf_ok(&message));
  put_u64be(sig, (uint64_t)time);
  ed25519_sign(sig + 8, forged ? other : c->mirror, buf_view(&message));
  note_sig_line(out, &k, BYTES(sig, sizeof sig));
  buf_free(&message);
  ed25519_free(other);
}

struct bytes fixture_note_under(struct fixture *f, size_t log, uint64_t epoch, bool bulk, uint64_t size,
                                const struct hash *root, const char *mirrors, bool answer) {
  char origin[ORIGIN_MAX + 1];
  struct buf text = {0}, out = {0};
  log_origin(origin, f->parties[log].name, f->forum, epoch, bulk);
  checkpoint_text(&text, origin, size, root);
  const struct bytes t = fixture_kept(f, &text);
  buf_bytes(&out, t);
  buf_str(&out, "\n");
  log_line(&out, fixture_card(f, log, answer), origin, t);
  for (; *mirrors != '\0'; mirrors++) {
    if (*mirrors == 'L') { /* the log's signature under its first card, too */
      log_line(&out, &f->parties[log].at[0], origin, t);
      continue;
    }
    const bool forged = *mirrors >= 'a';
    mirror_line(&out, f, fixture_card(f, (size_t)(*mirrors - (forged ? 'a' : '0')), answer), t, forged);
  }
  return fixture_kept(f, &out);
}

struct bytes fixture_note(struct fixture *f, size_t log, uint64_t epoch, bool bulk, uint64_t size,
                          const struct hash *root, const char *mirrors) {
  return fixture_note_under(f, log, epoch, bulk, size, root, mirrors, false);
}

/* The entry is in the tree already, or put there now. */
void fixture_delivery(struct fixture *f, struct pack_delivery *out, struct fixture_tree *t, size_t index, size_t from,
                      const char *mirrors, struct bytes entry) {
  const bool answer = out != &f->statement;
  const struct hash root = fixture_tree_root(t, t->n);
  out->entry = entry;
  out->index = index;
  assert_int_equal(merkle_inclusion(&out->inclusion, fixture_source(t), index, t->n, NULL), PARLEY_OK);
  out->note = fixture_note_under(f, from, 0, false, t->n, &root, mirrors, answer);
}
