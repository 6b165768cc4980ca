/*
 * What was built apart, together: epochs, relay, bundles, proofs of two histories and recovery meeting in one node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "hostile_fixture.h"
#include "node/epochs.h"
#include "node/observed.h"
#include "record/audit.h"
#include "record/audit_store.h"

static const char *const THREE[] = {"cert.us.example", "ncc.ru.example", "ncsc.ch.example"};

struct scene {
  struct rig r;
  struct evil v; /* of ru */
  struct rig_party *us, *ru, *ch;
  char forum[65];
};

static void open_scene(struct scene *s) {
  rig_open(&s->r, THREE, 3);
  s->us = &s->r.party[0];
  s->ru = &s->r.party[1];
  s->ch = &s->r.party[2];
  rig_forum(&s->r, s->forum);
  rig_run(&s->r, 20000);
  evil_open(&s->v, s->ru, s->forum);
}

static void end(struct scene *s) {
  evil_close(&s->v);
  rig_close(&s->r);
}

static size_t count_proofs(struct rig_party *p) {
  unsigned status;
  json_t *v = rig_ask(p, "GET", "/v1/proofs", NULL, &status);
  const size_t n = json_array_size(json_object_get(v, "proofs"));
  assert_int_equal(status, 200);
  json_decref(v);
  return n;
}

static void hex_of(char out[static 65], const char *origin) {
  uint8_t digest[SHA256_SIZE];
  sha256(digest, bytes_str(origin));
  hex_encode(out, BYTES(digest, sizeof digest));
}

/* ru shows each of the two one history of the same size; the last statement is to `to`. */
static void two_histories(struct scene *s, const char *to) {
  evil_notice(&s->v, to, NULL);
  evil_show(&s->v, s->us);
  s->v.n--;
  buf_free(&s->v.entry[s->v.n]);
  evil_notice(&s->v, to, NULL);
  evil_show(&s->v, s->ch);
}

/* ---- what is stored holds ---- */

static void keep_problem(void *ctx, const struct audit_problem *p) {
  (void)ctx;
  if (p->kind != AUDIT_FORK)
    fail_msg("%s of %s at %llu: %s", audit_kind_name(p->kind), p->origin, (unsigned long long)p->index, p->what);
}

/* All that p has stored; that a proof of two histories is kept is the only thing to be said of it. */
static struct audit_counts audited(struct rig_party *p) {
  const struct rig *r = p->rig;
  const struct audit_source source = audit_store_source(p->store);
  struct audit_result result;
  struct errmsg e;
  struct bytes cards[4];
  for (size_t i = 0; i < r->n; i++) cards[i] = buf_view(&r->party[i].card);
  const struct audit_options o = {.self = p->name,
                                  .seal = &p->seal,
                                  .n_seal = 1,
                                  .cards = cards,
                                  .n_cards = r->n,
                                  .threads = 1,
                                  .problem = keep_problem};
  if (audit_run(&result, &source, &o, &e) != PARLEY_OK) fail_msg("%s", e.text);
  const struct audit_counts n = result.all;
  audit_result_free(&result);
  return n;
}

/* ---- two histories that show where a log is passed on, or carried ---- */

static void test_fork_found_by_relaying(void **state) {
  struct scene s;
  (void)state;
  open_scene(&s);
  two_histories(&s, s.ch->name);
  rig_run(&s.r, 100000);
  assert_int_equal(count_proofs(s.us), 0);
  rig_run(&s.r, 60000); /* now us looks what ch has of it */
  assert_int_equal(count_proofs(s.us), 1);
  rig_run(&s.r, 5000);
  assert_int_equal(count_proofs(s.ch), 1); /* told */
  assert_true(audited(s.us).problems >= 1);
  assert_true(audited(s.ch).problems >= 1);
  end(&s);
}

static void test_fork_found_in_a_bundle(void **state) {
  struct scene s;
  struct buf note = {0};
  struct waiting w;
  char path[200], hex[65];
  (void)state;
  open_scene(&s);
  two_histories(&s, s.us->name);
  hex_of(hex, s.v.origin);
  snprintf(path, sizeof path, "/%s/checkpoint", hex);
  assert_int_equal(peer_ask(s.us, s.ch, "GET", path, BYTES_NONE, &note), 200);
  snprintf(path, sizeof path, "/v1/bundle/logs/%s/cosigned/%s", hex, s.ch->name);
  ask_begin(&w, s.us, "POST", path, buf_cstr(&note));
  assert_int_equal(w.resp.status, 409);
  json_decref(ask_end(&w));
  assert_int_equal(count_proofs(s.us), 1);
  buf_free(&note);
  end(&s);
}

static void put_note(struct evil *v, json_t *body, const char *name, uint64_t epoch, uint8_t root) {
  char origin[ORIGIN_MAX + 1];
  struct buf note = {0};
  struct hash h;
  struct vkey key;
  uint8_t sig[ED25519_SIG_SIZE];
  memset(h.b, root, sizeof h.b);
  log_origin(origin, v->p->name, v->forum, epoch, false);
  assert_int_equal(vkey_make(&key, origin, NOTE_ED25519, ed25519_public(v->log), NULL), PARLEY_OK);
  checkpoint_text(&note, origin, 1, &h);
  ed25519_sign(sig, v->log, buf_view(&note));
  buf_str(&note, "\n");
  note_sig_line(&note, &key, BYTES(sig, sizeof sig));
  assert_true(json_put_b64(body, name, note.p, note.n));
  buf_free(&note);
}

/* Who convicts itself again and again, of epochs that never were, makes nobody keep it all. */
static void test_proofs_are_bounded(void **state) {
  struct scene s;
  char id[65];
  (void)state;
  open_scene(&s);
  for (uint64_t epoch = 100; epoch < 170; epoch++) {
    struct statement st;
    json_t *cards = json_array();
    struct buf text = {0};
    evil_statement(&s.v, &st, "forum.proof");
    st.body = json_object();
    put_note(&s.v, st.body, "first", epoch, 1);
    put_note(&s.v, st.body, "second", epoch, 2);
    base64_encode(&text, buf_view(&s.ru->card), true);
    json_array_append_new(cards, json_stringn((const char *)text.p, text.n));
    json_object_set_new(st.body, "cards", cards);
    evil_append(&s.v, &st, id);
    buf_free(&text);
  }
  evil_push(&s.v, s.us);
  rig_run(&s.r, 20000);
  assert_int_equal(count_proofs(s.us), 64);
  assert_true(audited(s.us).entries > 64);
  assert_statement(s.us, id, "received", ""); /* the last one holds, and says nothing new */
  end(&s);
}

/* ---- how much is done at once ---- */

/* Versions carry many signatures: what is verified in one transaction is bounded by them. */
static void test_versions_are_taken_in_turns(void **state) {
  struct scene s;
  char id[65], path[100];
  unsigned status;
  (void)state;
  open_scene(&s);
  for (int i = 0; i < 8; i++) evil_charter(&s.v);
  evil_notice(&s.v, s.us->name, id);
  evil_show(&s.v, s.us);
  node_work(s.us->node);
  snprintf(path, sizeof path, "/v1/statements/%s", id);
  json_decref(rig_ask(s.us, "GET", path, NULL, &status));
  assert_int_equal(status, 404);
  rig_run(&s.r, 2000);
  assert_statement(s.us, id, "received", "");
  end(&s);
}

/* ---- a counterpart's next epoch ---- */

/* What ru writes from now on is its log of this epoch. */
static void evil_epoch(struct evil *v, uint64_t epoch) {
  struct statement st;
  struct forum_epoch e = {.epoch = epoch - 1, .size = v->n};
  while (v->n > 0) buf_free(&v->entry[--v->n]);
  memset(v->shown, 0, sizeof v->shown);
  log_origin(v->origin, v->p->name, v->forum, epoch, false);
  evil_statement(v, &st, "forum.epoch");
  st.body = forum_epoch_body(&e);
  evil_append(v, &st, NULL);
}

/* add-checkpoint for a tree of one entry of some log of ru, as if nothing of it were held. */
static unsigned show_one(struct scene *s, const char *origin, const struct hash *leaf) {
  struct buf body = {0}, note = {0};
  struct vkey key;
  uint8_t sig[ED25519_SIG_SIZE];
  assert_int_equal(vkey_make(&key, origin, NOTE_ED25519, ed25519_public(s->v.log), NULL), PARLEY_OK);
  checkpoint_text(&note, origin, 1, leaf);
  ed25519_sign(sig, s->v.log, buf_view(&note));
  buf_str(&note, "\n");
  note_sig_line(&note, &key, BYTES(sig, sizeof sig));
  const struct add_checkpoint r = {.old = 0, .note = buf_view(&note)};
  add_checkpoint_write(&body, &r);
  const unsigned status = peer_ask(s->ru, s->us, "POST", "/add-checkpoint", buf_view(&body), NULL);
  buf_free(&body);
  buf_free(&note);
  return status;
}

/* Entry 0 comes together with a statement that has a file: that is of the bulk log of the new epoch, not of the one before. */
static void test_files_of_a_new_epoch(void **state) {
  struct scene s;
  struct statement st;
  struct buf key = {0};
  struct arena a = {0};
  struct bytes v;
  char bulk[ORIGIN_MAX + 1], id[65];
  (void)state;
  open_scene(&s);
  evil_epoch(&s.v, 1);
  evil_charter(&s.v);
  evil_statement(&s.v, &st, "incident.notice");
  evil_to(&s.v, &st, s.us->name);
  evil_seal(&s.v, &st, "{\"title\":\"Pumps\",\"summary\":\"They run.\",\"aware_at\":\"2021-05-07T10:00:00Z\"}");
  st.attach[0] = (struct attach){.size = 100, .first = 0, .count = 1};
  st.n_attach = 1;
  st.has_bulk = true;
  st.bulk_size = 1;
  evil_append(&s.v, &st, id);
  evil_push(&s.v, s.us);
  assert_statement(s.us, id, "received", "");
  log_origin(bulk, s.ru->name, s.v.forum, 0, true);
  buf_fmt(&key, "ahead/%s\nb%s", bulk, s.ru->name);
  assert_int_equal(store_get(s.us->store, STORE_PEERS, buf_view(&key), &a, &v, NULL), PARLEY_ENOTFOUND);
  buf_free(&key);
  arena_free(&a);
  end(&s);
}

/* What somebody has heard of one epoch says nothing about what it holds of the next. */
static void test_bundle_of_a_new_epoch(void **state) {
  struct scene s;
  struct waiting w;
  char path[200], hex[65];
  unsigned status;
  (void)state;
  open_scene(&s);
  for (int i = 0; i < 3; i++) evil_notice(&s.v, s.ch->name, NULL);
  evil_show(&s.v, s.us);
  evil_push(&s.v, s.ch);
  char *body = notice_json(s.ch, s.forum);
  json_decref(rig_ask(s.ch, "POST", "/v1/statements", body, &status));
  assert_int_equal(status, 201);
  free(body);
  rig_run(&s.r, 5000);
  evil_epoch(&s.v, 1);
  evil_push(&s.v, s.us);
  hex_of(hex, s.v.origin);
  snprintf(path, sizeof path, "/v1/bundle/logs/%s/for/%s", hex, s.ch->name);
  ask_begin(&w, s.us, "GET", path, NULL);
  assert_int_equal(w.resp.status, 200);
  json_t *v = ask_end(&w);
  assert_int_equal(json_integer_value(json_object_get(v, "end")), 1);
  assert_int_equal(json_integer_value(json_object_get(v, "start")), 0);
  json_decref(v);
  end(&s);
}

/* The next epoch of a counterpart opens while we recover: it waits until that is done. */
static void test_epoch_during_recovery(void **state) {
  struct scene s;
  struct waiting w;
  char zero[ORIGIN_MAX + 1];
  (void)state;
  open_scene(&s);
  snprintf(zero, sizeof zero, "%s", s.v.origin);
  const struct hash first = s.v.leaf[0];
  evil_epoch(&s.v, 1);
  ask_begin(&w, s.us, "POST", "/v1/recover", "{\"dry_run\":false}");
  assert_int_equal(w.resp.status, 0);
  evil_show(&s.v, s.us);
  for (int i = 0; i < 2000 && !ask_collect(s.us, &w, 1); i++) {
    if (i == 1) assert_int_equal(show_one(&s, zero, &first), 409); /* epoch 0 goes on meanwhile */
    rig_turn(&s.r);
    s.r.ms += 10;
  }
  assert_int_equal(w.resp.status, 200);
  json_decref(ask_end(&w));
  rig_run(&s.r, 5000);
  assert_int_equal(show_one(&s, zero, &first), 403);
  end(&s);
}

static void test_epochs_are_bounded(void **state) {
  struct scene s;
  (void)state;
  open_scene(&s);
  for (uint64_t epoch = 1; epoch <= EPOCHS_MAX; epoch++) {
    evil_epoch(&s.v, epoch);
    evil_show(&s.v, s.us);
    node_work(s.us->node);
  }
  assert_int_equal(show_one(&s, s.v.origin, &s.v.leaf[0]), 409); /* the last one goes on */
  evil_epoch(&s.v, EPOCHS_MAX + 1);
  assert_int_equal(show_one(&s, s.v.origin, &s.v.leaf[0]), 403);
  end(&s);
}

/* ---- our own next epoch ---- */

static void hide_cosignatures(const struct outbound *o, struct node_response *answer) {
  if (!strstr(o->path, "/checkpoint.ncsc.ch.example")) return;
  buf_clear(&answer->body);
  answer->status = 404;
}

/* All members adopt a new version. */
static void amended(struct rig *r, const char *forum, const char *changes) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s/amend", forum);
  json_t *v = rig_ask(&r->party[0], "POST", path, changes, &status);
  if (status != 201) fail_msg("%u: %s", status, str_of(v, "message"));
  snprintf(path, sizeof path, "/v1/forums/%s/accept", str_of(v, "version"));
  json_decref(v);
  for (size_t i = 1; i < r->n; i++) {
    rig_run(r, 20000);
    json_decref(rig_ask(&r->party[i], "POST", path, "{}", &status));
    assert_int_equal(status, 200);
  }
  rig_run(r, 20000);
}

/* A cosignature over an epoch that is over comes back by a bundle: the statement is delivered. */
static void test_cosignature_of_an_older_epoch(void **state) {
  struct rig r;
  struct waiting w;
  struct buf note = {0};
  char forum[65], id[65], origin[ORIGIN_MAX + 1], path[200], hex[65];
  uint8_t digest[SHA256_SIZE];
  unsigned status;
  (void)state;
  rig_open(&r, THREE, 3);
  struct rig_party *us = &r.party[0], *ru = &r.party[1], *ch = &r.party[2];
  rig_forum(&r, forum);
  rig_run(&r, 20000);
  assert_true(hex_decode(digest, sizeof digest, bytes_str(forum)));
  log_origin(origin, us->name, digest, 0, false);
  hex_of(hex, origin);
  r.cut[0][2] = r.cut[2][0] = true;
  r.altered = hide_cosignatures;
  char *body = notice_json(us, forum);
  json_t *v = rig_ask(us, "POST", "/v1/statements", body, &status);
  assert_int_equal(status, 201);
  snprintf(id, sizeof id, "%s", str_of(v, "id"));
  json_decref(v);
  free(body);
  rig_run(&r, 300000); /* ru passes it on; what ch has cosigned does not come back */
  snprintf(path, sizeof path, "/%s/checkpoint.%s", hex, ch->name);
  assert_int_equal(peer_ask(us, ru, "GET", path, BYTES_NONE, &note), 200);
  rig_stop(us);
  us->n_memory = 0;
  rig_start(us);
  rig_run(&r, 20000);
  json_decref(rig_ask(us, "POST", "/v1/recover", "{}", &status));
  assert_int_equal(status, 200);
  assert_statement(us, id, "signed", "");
  snprintf(path, sizeof path, "/v1/bundle/logs/%s/cosigned/%s", hex, ch->name);
  for (int again = 0; again < 2; again++) {
    ask_begin(&w, us, "POST", path, buf_cstr(&note));
    assert_int_equal(w.resp.status, 200);
    v = ask_end(&w);
    assert_true(json_is_true(json_object_get(v, "own")));
    assert_int_equal(json_is_true(json_object_get(v, "new")), !again);
    json_decref(v);
    assert_statement(us, id, "delivered", "");
  }
  r.cut[0][2] = r.cut[2][0] = false;
  r.altered = NULL;
  rig_run(&r, 20000);
  amended(&r, forum, "{\"title\":\"A new title\"}");
  for (size_t i = 0; i < r.n; i++) {
    char *more = notice_json(&r.party[i], forum);
    json_decref(rig_ask(&r.party[i], "POST", "/v1/statements", more, &status));
    assert_int_equal(status, 201);
    free(more);
  }
  rig_run(&r, 2 * 3600 * 1000);
  for (size_t i = 0; i < r.n; i++) {
    const struct audit_counts n = audited(&r.party[i]);
    assert_int_equal(n.problems, 0);
    assert_true(n.cosignatures > 4 && n.lines > 4);
  }
  buf_free(&note);
  rig_close(&r);
}

static void remove_ru(struct scene *s) {
  char path[120];
  unsigned status;
  snprintf(path, sizeof path, "/v1/forums/%s/amend", s->forum);
  json_t *v = rig_ask(s->us, "POST", path, "{\"remove\":[\"ncc.ru.example\"]}", &status);
  assert_int_equal(status, 201);
  snprintf(path, sizeof path, "/v1/forums/%s/accept", str_of(v, "version"));
  json_decref(v);
  rig_run(&s->r, 20000);
  json_decref(rig_ask(s->ch, "POST", path, "{}", &status));
  assert_int_equal(status, 200);
  rig_run(&s->r, 20000);
}

/* Of who was removed a bundle brings no more than the line would. */
static void test_bundle_of_who_is_gone(void **state) {
  for (int removed = 0; removed < 2; removed++) {
    struct scene s;
    struct waiting w;
    struct buf note = {0}, text = {0}, leaf = {0};
    char path[200], hex[65];
    (void)state;
    open_scene(&s);
    if (removed) remove_ru(&s);
    hex_of(hex, s.v.origin);
    const uint64_t held = s.v.n;
    evil_notice(&s.v, s.us->name, NULL);
    struct vkey key;
    struct hash root;
    uint8_t sig[ED25519_SIG_SIZE];
    merkle_root_of_leaves(&root, s.v.leaf, s.v.n);
    assert_int_equal(vkey_make(&key, s.v.origin, NOTE_ED25519, ed25519_public(s.v.log), NULL), PARLEY_OK);
    checkpoint_text(&note, s.v.origin, s.v.n, &root);
    ed25519_sign(sig, s.v.log, buf_view(&note));
    buf_str(&note, "\n");
    note_sig_line(&note, &key, BYTES(sig, sizeof sig));
    base64_encode(&leaf, BYTES(s.v.leaf[held].b, 32), true);
    json_t *o = json_object(), *hashes = json_array();
    json_array_append_new(hashes, json_string(buf_cstr(&leaf)));
    json_object_set_new(o, "note", json_string(buf_cstr(&note)));
    json_object_set_new(o, "next", json_integer((json_int_t)held));
    json_object_set_new(o, "pending", json_integer((json_int_t)held));
    json_object_set_new(o, "hashes", hashes);
    assert_true(json_write(&text, o));
    snprintf(path, sizeof path, "/v1/bundle/logs/%s/checkpoint", hex);
    ask_begin(&w, s.us, "POST", path, buf_cstr(&text));
    assert_int_equal(w.resp.status, removed ? 404 : 200);
    json_decref(ask_end(&w));
    json_decref(o);
    buf_free(&note);
    buf_free(&text);
    buf_free(&leaf);
    end(&s);
  }
}

/* The other one has been removed, and is gone: who is left alone finds the way back all the same. */
static void test_forum_of_one(void **state) {
  struct rig r;
  unsigned status;
  char forum[65], path[100];
  (void)state;
  rig_open(&r, THREE, 2);
  struct rig_party *us = &r.party[0];
  rig_forum(&r, forum);
  rig_run(&r, 20000);
  snprintf(path, sizeof path, "/v1/forums/%s/amend", forum);
  json_t *v = rig_ask(us, "POST", path, "{\"remove\":[\"ncc.ru.example\"]}", &status);
  if (status != 201) fail_msg("%u %s", status, str_of(v, "message"));
  json_decref(v);
  rig_run(&r, 20000);
  rig_stop(&r.party[1]);
  rig_stop(us);
  us->n_memory = 0;
  rig_start(us);
  rig_run(&r, 20000);
  v = rig_ask(us, "POST", "/v1/recover", "{}", &status);
  if (status != 200) fail_msg("%u %s", status, str_of(v, "message"));
  const json_t *o = json_array_get(json_object_get(v, "forums"), 0);
  assert_string_equal(str_of(o, "outcome"), "next-epoch");
  assert_false(json_is_true(json_object_get(v, "memory_lost")));
  json_decref(v);
  rig_run(&r, 20000);
  struct node_log_view log;
  assert_true(node_log_at(us->node, 0, &log));
  assert_non_null(strstr(log.origin, "/1"));
  assert_false(log.stopped);
  assert_true(log.signed_size == log.size && log.size >= 2);
  assert_int_equal(audited(us).problems, 0);
  snprintf(path, sizeof path, "/v1/forums/%s", forum);
  json_decref(rig_ask(us, "GET", path, NULL, &status));
  assert_int_equal(status, 200);
  rig_close(&r);
}

/* ---- what was observed ---- */

/* A text that is cut within a character is written all the same, and keeps no other row from being written. */
static void test_cut_text_is_kept(void **state) {
  struct scene s;
  unsigned status;
  char text[OBSERVED_TEXT_MAX + 40];
  (void)state;
  open_scene(&s);
  for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa9", 3);
  observed_add(s.us->node, s.ru->name, NULL, "false_proof", "x%s", text);
  observed_add(s.us->node, s.ru->name, NULL, "unshown", "%s", text);
  rig_run(&s.r, 30000);
  rig_stop(s.us);
  rig_start(s.us);
  json_t *v = rig_ask(s.us, "GET", "/v1/status", NULL, &status), *list = json_object_get(v, "observed");
  assert_int_equal(json_array_size(list), 2);
  json_decref(v);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fork_found_by_relaying),
      cmocka_unit_test(test_fork_found_in_a_bundle),
      cmocka_unit_test(test_files_of_a_new_epoch),
      cmocka_unit_test(test_bundle_of_a_new_epoch),
      cmocka_unit_test(test_epoch_during_recovery),
      cmocka_unit_test(test_epochs_are_bounded),
      cmocka_unit_test(test_cosignature_of_an_older_epoch),
      cmocka_unit_test(test_bundle_of_who_is_gone),
      cmocka_unit_test(test_forum_of_one),
      cmocka_unit_test(test_cut_text_is_kept),
      cmocka_unit_test(test_proofs_are_bounded),
      cmocka_unit_test(test_versions_are_taken_in_turns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
