/*
 * A member that signs two histories of its log: refused from then on, on both of its logs, also after a restart, proved, shown
 * and told to the others; found by what it shows, by heard lines and by whoever relays it. What is no fork convicts nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "hostile_fixture.h"
#include "record/fork.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};
static const char *const THREE[] = {"cert.us.example", "ncc.ru.example", "ncsc.ch.example"};

/* add-checkpoint for the tree of all its entries, from a tree of the same size: the proof is empty. */
static unsigned show_other_tree(struct evil *v, struct rig_party *to) {
  struct buf body = {0}, text = {0};
  struct vkey key;
  struct hash root;
  uint8_t sig[ED25519_SIG_SIZE];
  merkle_root_of_leaves(&root, v->leaf, v->n);
  checkpoint_text(&text, v->origin, v->n, &root);
  assert_int_equal(vkey_make(&key, v->origin, NOTE_ED25519, ed25519_public(v->log), NULL), PARLEY_OK);
  ed25519_sign(sig, v->log, buf_view(&text));
  buf_fmt(&body, "old %zu\n\n", v->n);
  buf_bytes(&body, buf_view(&text));
  buf_str(&body, "\n");
  note_sig_line(&body, &key, BYTES(sig, sizeof sig));
  const unsigned status = peer_ask(v->p, to, "POST", "/add-checkpoint", buf_view(&body), NULL);
  buf_free(&body);
  buf_free(&text);
  return status;
}

static void assert_told(struct rig_party *p) {
  unsigned status;
  json_t *v = rig_ask(p, "GET", "/v1/status", NULL, &status);
  json_t *f = json_array_get(json_object_get(json_array_get(json_object_get(v, "peers"), 0), "forums"), 0);
  assert_non_null(strstr(str_of(f, "why"), "two histories"));
  json_decref(v);
}

/* ---- what is kept ---- */

static json_t *proofs(struct rig_party *p) {
  unsigned status;
  json_t *v = rig_ask(p, "GET", "/v1/proofs", NULL, &status), *list = json_incref(json_object_get(v, "proofs"));
  assert_int_equal(status, 200);
  json_decref(v);
  return list;
}

static size_t count_proofs(struct rig_party *p) {
  json_t *list = proofs(p);
  const size_t n = json_array_size(list);
  json_decref(list);
  return n;
}

/* The files verify as any stranger would check them, who has the fingerprint of the party alone. */
static void check_files(struct rig_party *p, const char *id, const struct rig_party *convicted, bool log) {
  struct arena a = {0};
  struct pack pack = {.files = arena_alloc(&a, 64 * sizeof *pack.files)};
  struct fork_result r;
  struct card card;
  struct errmsg e = {{0}};
  char path[120];
  unsigned status;
  const char *name;
  json_t *value;
  snprintf(path, sizeof path, "/v1/proofs/%s", id);
  json_t *v = rig_ask(p, "GET", path, NULL, &status);
  assert_int_equal(status, 200);
  json_object_foreach(json_object_get(v, "files"), name, value) {
    struct buf data = {0};
    struct pack_file *f = &pack.files[pack.n++];
    snprintf(f->name, sizeof f->name, "%s", name);
    assert_true(base64_decode(&data, bytes_str(json_string_value(value)), true));
    f->data = arena_take(&a, &data);
  }
  assert_non_null(pack_find(&pack, "VERIFY.md"));
  const struct buf *first = convicted->n_before ? &convicted->before[0] : &convicted->card;
  assert_int_equal(card_parse(&card, &a, buf_view(first), NULL, NULL, &e), PARLEY_OK);
  struct anchor anchor = {.party = ""};
  snprintf(anchor.party, sizeof anchor.party, "%s", convicted->name);
  memcpy(anchor.fingerprint, card.fingerprint, SHA256_SIZE);
  if (fork_verify(&r, &a, &pack, &(struct pack_known){.anchors = &anchor, .n_anchors = 1}, &e)) fail_msg("%s", e.text);
  assert_true(r.identified && r.n_parties == 1 && r.parties[0].log == log && r.parties[0].mirror == !log);
  json_decref(v);
  arena_free(&a);
}

/* p keeps one proof, against this party, shown by from ("": found by itself). */
static void assert_proved(struct rig_party *p, const struct rig_party *convicted, bool log, const char *from) {
  json_t *list = proofs(p);
  assert_int_equal(json_array_size(list), 1);
  const json_t *o = json_array_get(list, 0);
  assert_string_equal(str_of(o, "party"), convicted->name);
  assert_string_equal(str_of(o, "from"), from);
  check_files(p, str_of(o, "id"), convicted, log);
  json_decref(list);
}

/* GET /v1/status has one of this sort about that party. */
static bool observed(struct rig_party *p, const char *party, const char *what) {
  unsigned status;
  json_t *v = rig_ask(p, "GET", "/v1/status", NULL, &status), *list = json_object_get(v, "observed");
  bool found = false;
  for (size_t i = 0; i < json_array_size(list); i++)
    found = found || (!strcmp(str_of(json_array_get(list, i), "party"), party) &&
                      !strcmp(str_of(json_array_get(list, i), "what"), what));
  json_decref(v);
  return found;
}

/* Another statement takes the place of the last one. */
static void other_history(struct evil *v, const char *to) {
  v->n--;
  buf_free(&v->entry[v->n]);
  evil_notice(v, to, NULL);
}

static void send_one(struct rig_party *p, const char *forum) {
  unsigned status;
  char *body = notice_json(p, forum);
  json_decref(rig_ask(p, "POST", "/v1/statements", body, &status));
  assert_int_equal(status, 201);
  free(body);
}

static void test_two_histories(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], first[65], other[65];
  (void)state;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  evil_open(&v, &r.party[1], forum);
  evil_notice(&v, us->name, first);
  evil_push(&v, us);
  assert_statement(us, first, "received", "");
  assert_int_equal(count_proofs(us), 0);
  v.n--; /* the same place, another statement */
  buf_free(&v.entry[v.n]);
  evil_notice(&v, us->name, other);
  assert_int_equal(show_other_tree(&v, us), 422);
  assert_proved(us, &r.party[1], true, "");
  assert_told(us);
  assert_int_equal(show_other_tree(&v, us), 403); /* closed, whatever it shows now */
  rig_stop(us);
  rig_start(us);
  assert_int_equal(show_other_tree(&v, us), 403);
  assert_told(us);
  assert_proved(us, &r.party[1], true, "");
  assert_statement(us, first, "received", ""); /* what was proved before stays */
  assert_receipt(us, first, false);
  evil_close(&v);
  rig_close(&r);
}

/* What is shown again, or late, is no other history. */
static void test_replayed(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  evil_open(&v, &r.party[1], forum);
  evil_notice(&v, us->name, NULL);
  evil_push(&v, us);
  const size_t whole = v.n;
  assert_int_equal(show_other_tree(&v, us), 200); /* the same once more */
  evil_notice(&v, us->name, NULL);
  evil_notice(&v, us->name, NULL);
  evil_push(&v, us);
  for (size_t n = 1; n <= whole; n++) { /* each checkpoint that it ever had */
    const size_t now = v.n;
    v.n = n;
    assert_int_equal(show_other_tree(&v, us), 409);
    v.n = now;
  }
  rig_run(&r, 20000);
  assert_int_equal(count_proofs(us), 0);
  evil_close(&v);
  rig_close(&r);
}

/* One shows each of two others one history: they find it by what each has heard of it. */
static void test_heard(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *ch = &r.party[2];
  evil_open(&v, ru, forum);
  evil_notice(&v, us->name, NULL);
  evil_show(&v, us);
  other_history(&v, ch->name); /* each has what is its own: nobody passes it on before the heartbeat */
  evil_show(&v, ch);
  rig_run(&r, 10000);
  assert_int_equal(count_proofs(us), 0); /* each sees one */
  assert_int_equal(count_proofs(ch), 0);
  rig_run(&r, 2 * 3600 * 1000);
  assert_proved(us, ru, true, "");
  assert_proved(ch, ru, true, "");
  assert_int_equal(show_other_tree(&v, us), 403);
  assert_int_equal(show_other_tree(&v, ch), 403);
  evil_close(&v);
  rig_close(&r);
}

/* A heard line reaches beyond what is held: it is compared when the log has grown, after a restart too. */
static void test_heard_ahead(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *ch = &r.party[2];
  evil_open(&v, ru, forum);
  evil_notice(&v, ch->name, NULL);
  evil_notice(&v, ch->name, NULL);
  evil_show(&v, ch);
  send_one(ch, forum); /* to both: so it says what it has heard of both */
  rig_run(&r, 2000);
  ch->mute = true; /* it relays nothing */
  rig_stop(us);
  rig_start(us);
  assert_int_equal(count_proofs(us), 0);
  v.n -= 2;
  buf_free(&v.entry[v.n]);
  buf_free(&v.entry[v.n + 1]);
  for (int i = 0; i < 4; i++) evil_notice(&v, us->name, NULL);
  evil_push(&v, us);
  rig_run(&r, 5000);
  assert_proved(us, ru, true, "");
  rig_run(&r, 5000);
  assert_proved(ch, ru, true, us->name); /* told, for what us holds is longer than what it asked for */
  evil_close(&v);
  rig_close(&r);
}

/* Who relays shows a longer tree whose proof, from a power of two, says nothing: the tiles of the relay do. */
static void test_relayed(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *ch = &r.party[2];
  evil_open(&v, ru, forum);
  while (v.n & (v.n - 1) || v.n < 4) evil_notice(&v, us->name, NULL);
  evil_show(&v, us);
  other_history(&v, us->name);
  for (int i = 0; i < 3; i++) evil_notice(&v, us->name, NULL);
  evil_show(&v, ch);
  struct buf note = {0}, body = {0};
  char path[100];
  uint8_t digest[SHA256_SIZE];
  char hex[65];
  sha256(digest, bytes_str(v.origin));
  hex_encode(hex, BYTES(digest, 32));
  snprintf(path, sizeof path, "/%s/checkpoint", hex);
  assert_int_equal(peer_ask(us, ch, "GET", path, BYTES_NONE, &note), 200);
  struct add_checkpoint add = {.old = v.n - 3, .note = buf_view(&note)};
  add.proof.n = 1;
  add_checkpoint_write(&body, &add);
  assert_int_equal(peer_ask(ch, us, "POST", "/add-checkpoint", buf_view(&body), NULL), 422);
  assert_int_equal(count_proofs(us), 0);
  rig_run(&r, 5000);
  assert_proved(us, ru, true, "");
  rig_run(&r, 5000);
  assert_proved(ch, ru, true, us->name); /* and it is told */
  assert_int_equal(show_other_tree(&v, ch), 403);
  buf_free(&note);
  buf_free(&body);
  evil_close(&v);
  rig_close(&r);
}

static bool signing_stopped(struct rig_party *p) {
  unsigned status;
  json_t *s = rig_ask(p, "GET", "/v1/status", NULL, &status);
  const json_t *log = json_array_get(json_object_get(s, "logs"), 0);
  const bool stopped = json_is_true(json_object_get(log, "stopped")) && strstr(str_of(log, "why"), "two histories");
  json_decref(s);
  return stopped;
}

/* Our own key has signed another history, which a member shows after a start: that stops signing, and is kept. */
static void test_ours(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ch = &r.party[2];
  evil_open(&v, us, forum); /* somebody has our keys */
  evil_notice(&v, ch->name, NULL);
  evil_notice(&v, ch->name, NULL);
  us->mute = false;
  ch->down = true;
  send_one(us, forum);
  rig_run(&r, 5000);
  evil_show(&v, ch);
  rig_stop(us);
  rig_start(us);
  ch->down = false;
  rig_run(&r, 20000);
  assert_proved(us, us, true, "");
  assert_true(signing_stopped(us));
  rig_stop(us);
  rig_start(us);
  assert_true(signing_stopped(us));
  assert_proved(us, us, true, "");
  evil_close(&v);
  rig_close(&r);
}

/* A member that we show our history finds the other one in its own copy, and tells us. */
static void test_ours_told(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *ch = &r.party[2];
  evil_open(&v, us, forum);
  evil_notice(&v, ch->name, NULL);
  evil_notice(&v, ch->name, NULL);
  evil_show(&v, ch);
  us->mute = false;
  send_one(us, forum);
  rig_run(&r, 20000);
  assert_true(signing_stopped(us));
  assert_proved(ch, us, true, "");
  assert_int_equal(count_proofs(us), 1);
  assert_proved(ru, us, true, ch->name);
  evil_close(&v);
  rig_close(&r);
}

/* A mirror cosigns a tree of our log that we never signed, beside ours. */
static void test_mirror(void **state) {
  struct rig r;
  struct evil v;
  char forum[65], id[65];
  struct statement s;
  struct hash root;
  struct vkey key;
  struct ed25519_key *mirror;
  struct buf text = {0}, message = {0}, line = {0};
  uint8_t sig[8 + ED25519_SIG_SIZE];
  (void)state;
  rig_open(&r, THREE, 3);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ch = &r.party[2];
  send_delivered(us, forum, id);
  evil_open(&v, ch, forum);
  evil_statement(&v, &s, "forum.held");
  struct held held = {.size = 2}; /* fewer than our log has */
  log_origin(held.origin, us->name, v.forum, 0, false);
  merkle_leaf(&root, bytes_str("never written"));
  held.root = root;
  checkpoint_text(&text, held.origin, held.size, &root);
  cosignature_message(&message, 1795500000, buf_view(&text));
  assert_int_equal(ed25519_from_seed(&mirror, ch->seed[2], NULL), PARLEY_OK);
  assert_int_equal(vkey_make(&key, "ncsc.ch.example/mirror", NOTE_COSIGNATURE, ed25519_public(mirror), NULL),
                   PARLEY_OK);
  put_u64be(sig, 1795500000);
  ed25519_sign(sig + 8, mirror, buf_view(&message));
  note_sig_line(&line, &key, BYTES(sig, sizeof sig));
  snprintf(held.line, sizeof held.line, "%.*s", (int)line.n - 1, (const char *)line.p);
  s.body = json_object();
  s.held = &held;
  s.n_held = 1;
  evil_append(&v, &s, NULL);
  evil_push(&v, us);
  rig_run(&r, 5000);
  assert_proved(us, ch, false, "");
  assert_true(observed(us, ch->name, "odd_tree"));
  evil_notice(&v, us->name, id);
  evil_push(&v, us); /* its own log is not closed by that */
  assert_statement(us, id, "received", "");
  rig_run(&r, 5000);
  assert_proved(&r.party[1], ch, false, us->name);
  ed25519_free(mirror);
  buf_free(&text);
  buf_free(&message);
  buf_free(&line);
  evil_close(&v);
  rig_close(&r);
}

static unsigned show_bulk(struct evil *v, struct rig_party *to, unsigned old, const char *entry) {
  struct buf body = {0}, text = {0};
  struct vkey key;
  struct hash root;
  char origin[ORIGIN_MAX + 1];
  uint8_t sig[ED25519_SIG_SIZE];
  log_origin(origin, v->p->name, v->forum, 0, true);
  merkle_leaf(&root, bytes_str(entry));
  checkpoint_text(&text, origin, 1, &root);
  assert_int_equal(vkey_make(&key, origin, NOTE_ED25519, ed25519_public(v->log), NULL), PARLEY_OK);
  ed25519_sign(sig, v->log, buf_view(&text));
  buf_fmt(&body, "old %u\n\n", old);
  buf_bytes(&body, buf_view(&text));
  buf_str(&body, "\n");
  note_sig_line(&body, &key, BYTES(sig, sizeof sig));
  const unsigned status = peer_ask(v->p, to, "POST", "/add-checkpoint", buf_view(&body), NULL);
  buf_free(&body);
  buf_free(&text);
  return status;
}

/* Two histories of its files close its log too. */
static void test_bulk(void **state) {
  struct rig r;
  struct evil v;
  char forum[65];
  (void)state;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  evil_open(&v, &r.party[1], forum);
  assert_int_equal(show_bulk(&v, us, 0, "one"), 200);
  assert_int_equal(show_bulk(&v, us, 1, "one"), 200);
  assert_int_equal(count_proofs(us), 0);
  assert_int_equal(show_bulk(&v, us, 1, "another"), 422);
  assert_proved(us, &r.party[1], true, "");
  assert_int_equal(show_bulk(&v, us, 1, "one"), 403);
  assert_int_equal(show_other_tree(&v, us), 403);
  evil_close(&v);
  rig_close(&r);
}

/* ---- forum.proof ---- */

static void log_note(struct evil *v, struct buf *out, const char *origin, size_t n, const struct ed25519_key *by) {
  struct hash root;
  struct buf text = {0};
  struct vkey key;
  uint8_t sig[ED25519_SIG_SIZE];
  merkle_root_of_leaves(&root, v->leaf, n);
  checkpoint_text(&text, origin, n, &root);
  ed25519_sign(sig, by, buf_view(&text));
  assert_int_equal(vkey_make(&key, origin, NOTE_ED25519, ed25519_public(v->log), NULL), PARLEY_OK);
  buf_bytes(out, buf_view(&text));
  buf_str(out, "\n");
  note_sig_line(out, &key, BYTES(sig, sizeof sig));
  buf_free(&text);
}

enum lie { TRUTH, SAME_TREE, FORGED, OTHER_FORUM, OTHER_CARD, ADDRESSED };

/* ru says in its log that it signed two trees of one size itself; or lies about it. */
static void say(struct evil *v, enum lie lie, struct rig_party *us, char *hex) {
  struct statement s;
  struct buf first = {0}, second = {0};
  char origin[ORIGIN_MAX + 1];
  uint8_t forum[SHA256_SIZE];
  const struct buf *card = lie == OTHER_CARD ? &us->card : &v->p->card;
  memcpy(forum, v->forum, sizeof forum);
  forum[0] ^= lie == OTHER_FORUM;
  log_origin(origin, v->p->name, forum, 0, false);
  log_note(v, &first, origin, v->n - 1, v->log);
  const struct hash kept = v->leaf[0];
  v->leaf[0].b[0] ^= lie != SAME_TREE;
  log_note(v, &second, origin, v->n - 1, lie == FORGED ? v->statement : v->log);
  v->leaf[0] = kept;
  evil_statement(v, &s, "forum.proof");
  if (lie == ADDRESSED) evil_to(v, &s, us->name);
  json_t *cards = json_array(), *holder = json_object();
  json_put_b64(holder, "card", card->p, card->n);
  json_array_append(cards, json_object_get(holder, "card"));
  s.body = json_object();
  json_put_b64(s.body, "first", first.p, first.n);
  json_put_b64(s.body, "second", second.p, second.n);
  json_object_set_new(s.body, "cards", cards);
  json_decref(holder);
  evil_append(v, &s, hex);
  buf_free(&first);
  buf_free(&second);
}

static void test_false_proofs(void **state) {
  static const char *const why[] = {[SAME_TREE] = "the same tree",
                                    [FORGED] = "signature of",
                                    [OTHER_FORUM] = "another forum",
                                    [OTHER_CARD] = "did not sign both",
                                    [ADDRESSED] = "addressed to nobody"};
  struct rig r;
  struct evil v;
  char forum[65], id[65];
  (void)state;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0];
  evil_open(&v, &r.party[1], forum);
  evil_notice(&v, us->name, NULL);
  for (enum lie lie = SAME_TREE; lie <= ADDRESSED; lie++) {
    say(&v, lie, us, id);
    evil_push(&v, us);
    assert_statement(us, id, "received", why[lie]);
  }
  assert_int_equal(count_proofs(us), 0);
  assert_true(observed(us, "ncc.ru.example", "false_proof"));
  evil_notice(&v, us->name, id); /* and no effect */
  evil_push(&v, us);
  assert_statement(us, id, "received", "");
  say(&v, TRUTH, us, NULL);
  evil_push(&v, us);
  assert_proved(us, &r.party[1], true, "ncc.ru.example");
  assert_int_equal(show_other_tree(&v, us), 403);
  evil_close(&v);
  rig_close(&r);
}

/* ---- observed ---- */

static void test_observed(void **state) {
  struct rig r;
  char forum[65], id[65], wal[80];
  (void)state;
  rig_open(&r, TWO, 2);
  rig_forum(&r, forum);
  struct rig_party *us = &r.party[0], *ru = &r.party[1];
  send_delivered(us, forum, id);
  assert_false(observed(us, ru->name, "future"));
  ru->skew = 299;
  send_delivered(us, forum, id);
  assert_false(observed(us, ru->name, "future")); /* within the tolerance */
  ru->skew = 400;
  send_delivered(us, forum, id);
  send_delivered(us, forum, id);
  assert_true(observed(us, ru->name, "future"));
  ru->skew = 0;
  rig_stop(ru); /* its disk is lost */
  unlink(ru->path);
  snprintf(wal, sizeof wal, "%s-wal", ru->path);
  unlink(wal);
  rig_start(ru);
  rig_stop(us);
  rig_start(us); /* asks what it holds */
  rig_run(&r, 20000);
  assert_true(observed(us, ru->name, "shows_less"));
  assert_true(observed(us, ru->name, "future"));
  assert_int_equal(count_proofs(us), 0);
  assert_int_equal(count_proofs(ru), 0);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_two_histories), cmocka_unit_test(test_replayed), cmocka_unit_test(test_heard),
      cmocka_unit_test(test_heard_ahead),   cmocka_unit_test(test_relayed),  cmocka_unit_test(test_ours),
      cmocka_unit_test(test_ours_told),     cmocka_unit_test(test_mirror),   cmocka_unit_test(test_bulk),
      cmocka_unit_test(test_false_proofs),  cmocka_unit_test(test_observed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
