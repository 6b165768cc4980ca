/*
 * A member that signs two histories of its log: refused from then on, on both of its logs, also after a restart, and shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hostile_fixture.h"

static const char *const TWO[] = {"cert.us.example", "ncc.ru.example"};

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
  v.n--; /* the same place, another statement */
  buf_free(&v.entry[v.n]);
  evil_notice(&v, us->name, other);
  assert_int_equal(show_other_tree(&v, us), 422);
  assert_told(us);
  assert_int_equal(show_other_tree(&v, us), 403); /* closed, whatever it shows now */
  rig_stop(us);
  rig_start(us);
  assert_int_equal(show_other_tree(&v, us), 403);
  assert_told(us);
  assert_statement(us, first, "received", ""); /* what was proved before stays */
  assert_receipt(us, first, false);
  evil_close(&v);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_histories)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
