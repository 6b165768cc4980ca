/*
 * Our own vectors of cards, charters, statements and bodies (tests/vectors/parley): written from fixed keys, so that
 * writing them again gives the same bytes, and read back as a stranger would.
 * usage: vectors-test_forum_vectors --write DIR
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "forum/answer.h"
#include "forum/statement.h"
#include "unit/node_fixture.h"
#include "unit/parties.h"
#include "vectors/forum_sealed.h"
#include "vectors/forum_vectors.h"
#include "vectors/vector_file.h"

#define FOLDER "tests/vectors/parley"
#define FILES 5

static const char *const members[] = {"cert.cn.example", "cert.ru.example", "cert.us.example"};

static const char *text_of(const json_t *o, const char *name) { return json_string_value(json_object_get(o, name)); }

/* ---- chains of cards ---- */

/* In the order in which they are offered to one who has pinned the first. */
static const struct {
  const char *name, *what, *offered[4], *last;
} chains[] = {
    {"in-order", "Two successors, one after the other.", {"us", "us-1", "us-2"}, "us-2"},
    {"again", "What is held already is no mistake.", {"us", "us-1", "us-1", "us"}, "us-1"},
    {"skipped", "The one between is missing.", {"us", "us-2"}, "us"},
    {"late", "The one between comes late; then the other goes.", {"us", "us-2", "us-1", "us-2"}, "us-2"},
    {"pinned-later", "Pinned by people at serial 1, without the card before.", {"us-1", "us-2"}, "us-2"},
    {"void", "Two different successors of one card void each other.", {"us", "us-1", "us-1-kept"}, "us"},
    {"void-again", "Neither counts, however often it comes.", {"us", "us-1", "us-1-kept", "us-1"}, "us"},
    {"void-later", "Nor does what follows them.", {"us", "us-1-kept", "us-1", "us-2"}, "us"},
    {"void-after", "The successor of the successor goes down with it.", {"us", "us-1", "us-2", "us-1-kept"}, "us"},
    {"wrong-rotation", "Not by the rotation key of the card held.", {"us", "us-1-own-rotation"}, "us"},
    {"wrong-then-right", "What was refused voids nothing.", {"us", "us-1-own-rotation", "us-1"}, "us-1"},
};

static struct bytes named_input(struct arena *a, const json_t *file, const char *name) {
  return vector_input(a, file, vector_case(file, name));
}

/* What a node that pinned the first says of each, and which card counts at the end. */
static json_t *play(struct arena *a, const json_t *file, const json_t *offered, struct card *last) {
  static const char *const names[] = {"nsc.fr.example", "ncc.xx.example"};
  struct rig r;
  json_t *said = json_array();
  size_t i;
  json_t *x;
  rig_open(&r, names, 2);
  json_array_foreach(offered, i, x) {
    bool fresh;
    const struct bytes card = named_input(a, file, json_string_value(x));
    const parley_err err =
        i == 0 ? node_pin(r.party[0].node, card, NULL) : node_successor(r.party[0].node, card, &fresh, NULL);
    assert_int_equal(json_array_append_new(said, json_string(err == PARLEY_OK ? "accept" : "refuse")), 0);
  }
  for (i = 0; strcmp(node_pinned(r.party[0].node, i)->name, members[2]) != 0; i++) continue;
  *last = *node_pinned(r.party[0].node, i);
  last->envelope = BYTES_NONE; /* it goes with the node */
  rig_close(&r);
  return said;
}

static void put_chains(struct arena *a, json_t *file) {
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
    json_t *o = json_object(), *offered = json_array();
    struct card last;
    assert_true(json_put_str(o, "name", chains[i].name) && json_put_str(o, "what", chains[i].what));
    for (size_t k = 0; k < 4 && chains[i].offered[k] != NULL; k++)
      assert_int_equal(json_array_append_new(offered, json_string(chains[i].offered[k])), 0);
    assert_int_equal(json_object_set_new(o, "offered", offered), 0);
    assert_int_equal(json_object_set_new(o, "verdicts", play(a, file, offered, &last)), 0);
    assert_true(json_put_str(o, "last", chains[i].last));
    assert_int_equal(json_array_append_new(list, o), 0);
  }
  assert_int_equal(json_object_set_new(file, "chains", list), 0);
}

static void judge_chains(struct arena *a, const json_t *file) {
  size_t i;
  json_t *o;
  json_array_foreach(json_object_get(file, "chains"), i, o) {
    struct card last, wanted;
    json_t *said = play(a, file, json_object_get(o, "offered"), &last);
    if (!json_equal(said, json_object_get(o, "verdicts"))) fail_msg("chain %s: other verdicts", text_of(o, "name"));
    json_decref(said);
    assert_int_equal(card_parse(&wanted, a, named_input(a, file, text_of(o, "last")), NULL, NULL, NULL), PARLEY_OK);
    if (memcmp(wanted.fingerprint, last.fingerprint, SHA256_SIZE) != 0)
      fail_msg("chain %s: serial %d counts at the end", text_of(o, "name"), (int)last.serial);
  }
  assert_int_equal(i, sizeof chains / sizeof *chains);
}

/* ---- the files ---- */

/* The cards of the members, where a group needs them. */
static void put_cards(struct arena *a, json_t *file) {
  json_t *o = json_object();
  for (size_t i = 0; i < 3; i++) {
    const struct bytes card = forum_card_of(a, members[i], (uint8_t)(3 - i));
    assert_int_equal(json_object_set_new(o, members[i], json_stringn((const char *)card.p, card.n)), 0);
  }
  assert_int_equal(json_object_set_new(file, "cards", o), 0);
}

struct known {
  const json_t *cards;
  struct arena *a;
};

static const struct card *lookup(void *ctx, const char *name, const uint8_t fingerprint[static SHA256_SIZE]) {
  const struct known *k = ctx;
  const char *envelope = text_of(k->cards, name);
  struct card *c = arena_alloc(k->a, sizeof *c);
  assert_non_null(c);
  if (envelope == NULL) return NULL;
  assert_int_equal(card_parse(c, k->a, bytes_str(envelope), NULL, NULL, NULL), PARLEY_OK);
  return memcmp(c->fingerprint, fingerprint, SHA256_SIZE) == 0 ? c : NULL;
}

static parley_err judge_card(struct arena *a, const json_t *file, const json_t *c, struct bytes in, struct errmsg *e) {
  struct card card, before, beside;
  const char *held = text_of(c, "before"), *other = text_of(c, "beside");
  if (held != NULL) assert_int_equal(card_parse(&before, a, named_input(a, file, held), NULL, NULL, NULL), PARLEY_OK);
  parley_err err = card_parse(&card, a, in, held != NULL ? &before : NULL, NULL, e);
  if (err != PARLEY_OK || other == NULL) return err;
  assert_int_equal(card_parse(&beside, a, named_input(a, file, other), NULL, NULL, NULL), PARLEY_OK);
  return card_check_distinct(&card, &beside, e);
}

static parley_err judge_charter(struct arena *a, const json_t *file, const json_t *c, struct bytes in,
                                struct errmsg *e) {
  struct charter *charter = arena_alloc(a, sizeof *charter);
  bool signed_by[FORUM_MEMBERS_MAX], complete = false;
  struct known k = {json_object_get(file, "cards"), a};
  assert_non_null(charter);
  const parley_err err = charter_envelope_parse(charter, signed_by, &complete, a, in, lookup, &k, e);
  if (err == PARLEY_OK && complete != json_is_true(json_object_get(c, "complete")))
    return err_set(e, PARLEY_ECONFLICT, "complete: %d", complete);
  return err;
}

static parley_err judge_statement(struct arena *a, const json_t *file, struct bytes in, struct errmsg *e) {
  struct statement s;
  struct dsse d;
  struct card from;
  parley_err err = statement_parse(&s, a, in, &d, e);
  if (err != PARLEY_OK) return err;
  assert_int_equal(card_parse(&from, a, bytes_str(text_of(json_object_get(file, "cards"), s.from)), NULL, NULL, NULL),
                   PARLEY_OK);
  err = statement_verify(&d, &s, &from, e);
  statement_clear(&s);
  return err;
}

static parley_err judge_plaintext(const json_t *c, struct bytes in, struct errmsg *e) {
  struct plain p;
  struct answer_body body;
  const char *kind = text_of(c, "kind");
  parley_err err = plain_parse(&p, in, e);
  if (err == PARLEY_OK && kind != NULL) err = answer_body_parse(&body, answer_of(kind), p.body, e);
  plain_clear(&p);
  return err;
}

static size_t count(const char *text, const char *what) {
  size_t n = 0;
  for (; (text = strstr(text, what)) != NULL; text += strlen(what)) n++;
  return n;
}

/* Of a charter that is accepted: as many have signed as there are members. */
static void put_complete(struct arena *a, const json_t *file, json_t *c) {
  if (text_of(c, "code") != NULL) return;
  const char *envelope = arena_cstr(a, vector_input(a, file, c));
  const bool complete = count(envelope, "\"keyid\"") == count(payload_of(a, bytes_str(envelope)), "\"role\"");
  assert_int_equal(json_object_set_new(c, "complete", json_boolean(complete)), 0);
}

static json_t *whole_file(struct arena *a, size_t i, char path[static 512], const char *dir) {
  struct forum_group (*const groups[])(struct arena *) = {forum_cards, forum_charters, forum_statements,
                                                          forum_plaintexts};
  if (i == 4) {
    snprintf(path, 512, "%s/bodies/sealed.json", dir);
    return sealed_file(a);
  }
  const struct forum_group g = groups[i](a);
  snprintf(path, 512, "%s/%s", dir, g.file);
  json_t *file = vector_group(a, &g), *c;
  if (i == 0) put_chains(a, file);
  if (i == 1 || i == 2) put_cards(a, file);
  size_t k;
  if (i == 1) json_array_foreach(json_object_get(file, "cases"), k, c) put_complete(a, file, c);
  return file;
}

/* ---- the tests ---- */

/* The sentence says where: "card: keys.log: …", "charter: signatures[1]: …". */
static bool names_path(const char *text, const char *path) {
  static const char *const prefixes[] = {"card: ", "charter: ", "statement: ", "plaintext: "};
  const size_t n = strlen(path);
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) text += strlen(prefixes[i]);
  return n == 0 || (strncmp(text, path, n) == 0 && strchr(": .[", text[n]) != NULL);
}

/* What is wrong with a case is printed, so that one run shows all of them. */
static bool judge(struct arena *a, size_t group, const json_t *file, const json_t *c) {
  struct errmsg e = {""};
  const char *name = text_of(c, "name"), *code = text_of(c, "code"), *path = text_of(c, "path");
  const struct bytes in = vector_input(a, file, c);
  uint8_t digest[SHA256_SIZE], said[SHA256_SIZE];
  sha256(digest, in);
  const parley_err err = group == 0   ? judge_card(a, file, c, in, &e)
                         : group == 1 ? judge_charter(a, file, c, in, &e)
                         : group == 2 ? judge_statement(a, file, in, &e)
                                      : judge_plaintext(c, in, &e);
  const bool same =
      hex_decode(said, sizeof said, bytes_str(text_of(c, "sha256"))) && memcmp(said, digest, sizeof said) == 0;
  if (same && (code == NULL) == (strcmp(text_of(c, "verdict"), "accept") == 0) &&
      strcmp(err_name(err), code != NULL ? code : "ok") == 0 && (code == NULL || names_path(e.text, path)))
    return true;
  print_error("%s (input %s): we say %s, \"%s\"; wanted %s, %s\n", name, same ? "as said" : "another", err_name(err),
              e.text, code != NULL ? code : "ok", path != NULL ? path : "");
  return false;
}

static const char *write_to;

static void test_write(void **state) {
  (void)state;
  for (size_t i = 0; i < FILES; i++) {
    char path[512];
    struct arena a = {0};
    struct buf b = {0};
    json_t *file = whole_file(&a, i, path, write_to);
    assert_true(json_write_pretty(&b, file));
    FILE *out = fopen(path, "wb");
    if (out == NULL) fail_msg("cannot write %s", path);
    assert_int_equal(fwrite(b.p, 1, b.n, out), b.n);
    assert_int_equal(fclose(out), 0);
    json_decref(file);
    buf_free(&b);
    arena_free(&a);
  }
}

static void test_written_again(void **state) {
  (void)state;
  for (size_t i = 0; i < FILES; i++) {
    char path[512];
    struct arena a = {0};
    struct buf b = {0}, there = {0};
    json_t *file = whole_file(&a, i, path, FOLDER);
    assert_true(json_write_pretty(&b, file));
    assert_true(vector_read(&there, path));
    if (!bytes_eq(buf_view(&there), buf_view(&b))) fail_msg("%s is not what is written again", path);
    json_decref(file);
    buf_free(&b);
    buf_free(&there);
    arena_free(&a);
  }
}

/* Only from the files, as others would. */
static void test_verdicts(void **state) {
  static const char *const names[] = {"cards/cards", "charters/charters", "statements/statements", "bodies/plaintexts",
                                      "bodies/sealed"};
  static const size_t least[] = {100, 100, 110, 50, 0};
  size_t wrong = 0;
  (void)state;
  for (size_t i = 0; i < FILES; i++) {
    char path[512];
    struct arena a = {0};
    struct buf text = {0};
    struct errmsg e;
    json_t *file, *c;
    size_t k = 0;
    snprintf(path, sizeof path, FOLDER "/%s.json", names[i]);
    assert_true(vector_read(&text, path));
    if (json_parse(&file, buf_view(&text), text.n, &e) != PARLEY_OK) fail_msg("%s: %s", path, e.text);
    if (i == 4)
      sealed_judge(&a, file);
    else
      json_array_foreach(json_object_get(file, "cases"), k, c) wrong += !judge(&a, i, file, c);
    assert_true(k >= least[i]);
    if (i == 0) judge_chains(&a, file);
    json_decref(file);
    buf_free(&text);
    arena_free(&a);
  }
  assert_int_equal(wrong, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest write[] = {cmocka_unit_test(test_write)};
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_written_again), cmocka_unit_test(test_verdicts)};
  if (argc == 3 && strcmp(argv[1], "--write") == 0) {
    write_to = argv[2];
    return cmocka_run_group_tests(write, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
