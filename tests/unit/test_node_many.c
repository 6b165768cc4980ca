/*
 * Receipts in a forum of twenty: a note carries the cosignatures of 15 addressees, so that there are several proofs, of
 * the statement and of its file (docs/protocol.md, "Evidence pack"). With --write DIR the packs are left as folders, for
 * other verifiers, and the fingerprints are printed: NAME PARTY=FINGERPRINT, of whom a pack is not about NAME+.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "cli/pack_dir.h"
#include "node_fixture.h"

#define PARTIES RIG_PARTIES_MAX
#define TO (PARTIES - 1)

static const char *write_to; /* NULL: nowhere */

struct forum_of_many {
  struct rig rig;
  char name[PARTIES][32], forum[65];
};

static int many_open(void **state) {
  struct forum_of_many *m = calloc(1, sizeof *m);
  const char *names[PARTIES];
  assert_non_null(m);
  for (size_t i = 0; i < PARTIES; i++) {
    snprintf(m->name[i], sizeof m->name[i], "cert.p%02zu.example", i);
    names[i] = m->name[i];
  }
  rig_open(&m->rig, names, PARTIES);
  rig_forum(&m->rig, m->forum);
  rig_run(&m->rig, 5000);
  *state = m;
  return 0;
}

static int many_close(void **state) {
  struct forum_of_many *m = *state;
  rig_close(&m->rig);
  free(m);
  return 0;
}

static const char *text_of(const json_t *o, const char *member) {
  const char *s = json_string_value(json_object_get(o, member));
  return s ? s : "";
}

/* A notice with a file to the parties from number `from` on. */
static void send_with_file(struct forum_of_many *m, size_t from, const char *text, char id[static 65]) {
  struct buf body = {0};
  char draft[40], hex[65];
  uint8_t digest[32];
  struct rig_party *us = &m->rig.party[0];
  sha256(digest, bytes_str(text));
  hex_encode(hex, BYTES(digest, 32));
  buf_str(&body, "{\"kind\":\"incident.notice\",\"precedence\":\"PRIORITY\",\"tlp\":\"amber\",\"to\":[");
  for (size_t i = from; i < PARTIES; i++) buf_fmt(&body, "%s\"%s\"", i > from ? "," : "", m->name[i]);
  buf_fmt(&body,
          "],\"body\":{\"title\":\"t\",\"summary\":\"s\",\"aware_at\":\"2021-05-07T10:00:00Z\"},\"files\":[{\"name\":"
          "\"flows.tsv\",\"type\":\"text/plain\",\"size\":%zu,\"sha256\":\"%s\"}]}",
          strlen(text), hex);
  json_t *v = rig_want(us, "POST", 202, buf_cstr(&body), "/v1/statements", "", "");
  snprintf(draft, sizeof draft, "%s", text_of(v, "draft"));
  json_decref(v);
  buf_free(&body);
  json_decref(rig_want(us, "PUT", 204, text, "/v1/drafts/%s%s", draft, "/files/0"));
  json_decref(rig_want(us, "POST", 202, "", "/v1/drafts/%s%s", draft, "/send"));
  rig_run(&m->rig, 5000);
  v = rig_want(us, "GET", 200, NULL, "/v1/drafts/%s%s", draft, "");
  assert_string_equal(text_of(v, "state"), "sent");
  snprintf(id, 65, "%s", text_of(v, "id"));
  json_decref(v);
}

/* ---- the pack ---- */

static size_t count(const struct pack *p, const char *prefix) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) n += !strncmp(p->files[i].name, prefix, strlen(prefix));
  return n;
}

static void anchors_of(const struct pack_result *r, const char *name, struct anchor *out) {
  for (size_t i = 0; i < r->n_parties; i++) {
    char hex[65];
    out[i] = (struct anchor){{0}, {0}};
    snprintf(out[i].party, sizeof out[i].party, "%s", r->parties[i].name);
    memcpy(out[i].fingerprint, r->parties[i].fingerprint, 32);
    hex_encode(hex, BYTES(out[i].fingerprint, 32));
    const bool needed = !r->parties[i].addressee || r->parties[i].covered;
    if (write_to) printf("%s%s %s=%s\n", name, needed ? "" : "+", out[i].party, hex);
  }
}

/* Draws the receipt and verifies it, first with nobody known, then with all. */
static void drawn(struct forum_of_many *m, size_t by, const char *id, const char *name, size_t covered, size_t proofs,
                  size_t bulks, bool with_ack) {
  struct arena a = {0};
  struct pack pack;
  struct pack_result r;
  struct anchor anchors[PARTIES];
  struct errmsg e;
  char path[1024];
  json_t *v = rig_want(&m->rig.party[by], "GET", 200, NULL, "/v1/statements/%s%s", id, "/receipt");
  assert_int_equal(pack_from_json(&pack, &a, json_object_get(v, "files"), &e), PARLEY_OK);
  if (pack_verify(&r, &a, &pack, NULL, &e)) fail_msg("%s: %s", name, e.text);
  assert_false(r.identified);
  assert_int_equal(r.n_covered, covered);
  assert_int_equal(r.files_pending, bulks == 0);
  assert_int_equal(r.has_ack, with_ack);
  assert_int_equal(count(&pack, "proof."), proofs);
  assert_int_equal(count(&pack, "policy."), proofs);
  assert_int_equal(count(&pack, "bulk/checkpoint"), bulks);
  assert_int_equal(pack_find(&pack, "proof.1.tlog-proof") != NULL, proofs > 1);
  anchors_of(&r, name, anchors);
  const struct pack_known known = {.anchors = anchors, .n_anchors = r.n_parties};
  pack_result_clear(&r);
  if (pack_verify(&r, &a, &pack, &known, &e)) fail_msg("%s: %s", name, e.text);
  assert_true(r.identified);
  pack_result_clear(&r);
  if (write_to) {
    snprintf(path, sizeof path, "%s/%s", write_to, name);
    if (pack_dir_write(&pack, path, &e)) fail_msg("%s: %s", path, e.text);
  }
  arena_free(&a);
  json_decref(v);
}

/* ---- what is played ---- */

static void test_nineteen(void **state) {
  char id[65];
  struct forum_of_many *m = *state;
  send_with_file(m, 1, "what we saw at the gateways", id);
  rig_run(&m->rig, 20000);
  drawn(m, 0, id, "nineteen", TO, 2, 2, false);
  json_decref(rig_want(&m->rig.party[17], "POST", 201, "{\"officer\":\"duty\"}", "/v1/statements/%s%s", id, "/ack"));
  rig_run(&m->rig, 20000);
  drawn(m, 0, id, "read", TO, 2, 2, true);
  drawn(m, 17, id, "by-one", 1, 1, 1, true);
}

/* 15 fit into one note with the log's own line; 16 do not. */
static void test_at_the_bound(void **state) {
  char fits[65], over[65];
  struct forum_of_many *m = *state;
  send_with_file(m, PARTIES - 15, "to fifteen", fits);
  send_with_file(m, PARTIES - 16, "to sixteen", over);
  rig_run(&m->rig, 20000);
  drawn(m, 0, fits, "fifteen", 15, 1, 1, false);
  drawn(m, 0, over, "sixteen", 16, 2, 2, false);
}

/* Two are away: the proofs are about the others. They come back when the log has grown, and cosign another tree. */
static void test_some_late(void **state) {
  char id[65], other[65];
  struct forum_of_many *m = *state;
  rig_stop(&m->rig.party[3]);
  rig_stop(&m->rig.party[8]);
  send_with_file(m, 1, "before they came", id);
  rig_run(&m->rig, 20000);
  drawn(m, 0, id, "two-away", TO - 2, 2, 2, false);
  send_with_file(m, 10, "meanwhile", other);
  rig_start(&m->rig.party[3]);
  rig_start(&m->rig.party[8]);
  rig_run(&m->rig, 120000);
  drawn(m, 0, id, "two-late", TO, 3, 3, false);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nineteen),
      cmocka_unit_test(test_at_the_bound),
      cmocka_unit_test(test_some_late),
  };
  if (argc == 3 && !strcmp(argv[1], "--write")) write_to = argv[2];
  return cmocka_run_group_tests(tests, many_open, many_close);
}
