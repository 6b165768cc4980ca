/*
 * Charters: payload round trip, the rules of each member, and signatures that may come in any order but stand in one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forum/charter.h"
#include "unit/parties.h"

#define PARTIES 3

static struct party parties[PARTIES]; /* sorted by name: cn, ru, us */
static struct party stranger;
static struct arena arena;

static int set_up(void **state) {
  (void)state;
  party_open(&parties[0], "cert.cn.example", 1);
  party_open(&parties[1], "cert.ru.example", 2);
  party_open(&parties[2], "cert.us.example", 3);
  party_open(&stranger, "cert.xx.example", 4);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (size_t i = 0; i < PARTIES; i++) party_close(&parties[i]);
  party_close(&stranger);
  arena_free(&arena);
  return 0;
}

/* Knows the cards of those parties whose bit is set in *ctx. */
static const struct card *lookup(void *ctx, const char *name, const uint8_t fingerprint[static SHA256_SIZE]) {
  for (size_t i = 0; i < PARTIES; i++)
    if ((*(unsigned *)ctx >> i & 1) != 0 && strcmp(parties[i].card.name, name) == 0 &&
        memcmp(parties[i].card.fingerprint, fingerprint, SHA256_SIZE) == 0)
      return &parties[i].card;
  return NULL;
}

static unsigned all = 7;

static struct charter *fields(void) {
  struct charter *c = arena_alloc(&arena, sizeof *c);
  assert_non_null(c);
  charter_defaults(c);
  strcpy(c->title, "Channel of three \"computer\" emergency teams — проверка");
  strcpy(c->languages[0], "en");
  strcpy(c->languages[1], "ru");
  c->n_languages = 2;
  memset(c->nonce, 0xA5, sizeof c->nonce);
  strcpy(c->fields[0], "cyber");
  c->n_fields = 1;
  c->n_members = PARTIES;
  c->members = arena_alloc(&arena, PARTIES * sizeof *c->members);
  assert_non_null(c->members);
  for (size_t i = 0; i < PARTIES; i++) {
    strcpy(c->members[i].name, parties[i].card.name);
    memcpy(c->members[i].fingerprint, parties[i].card.fingerprint, SHA256_SIZE);
    c->members[i].role = i == 0 ? ROLE_CHAIR : ROLE_MEMBER;
  }
  c->quorum = 2;
  strcpy(c->forms[0].name, "incident.notice");
  memset(c->forms[0].digest, 0x11, SHA256_SIZE);
  c->n_forms = 1;
  return c;
}

static struct bytes payload_for(const struct charter *c) {
  struct errmsg e = {""};
  struct buf out = {0};
  if (charter_payload(&out, c, &e) != PARLEY_OK) fail_msg("%s", e.text);
  struct bytes payload = arena_take(&arena, &out);
  assert_non_null(payload.p);
  return payload;
}

static void test_defaults(void **state) {
  (void)state;
  struct charter c = {0};
  charter_defaults(&c);
  assert_int_equal(c.ack_seconds[FLASH], 600);
  assert_int_equal(c.ack_seconds[IMMEDIATE], 1800);
  assert_int_equal(c.ack_seconds[PRIORITY], 10800);
  assert_int_equal(c.ack_seconds[ROUTINE], 21600);
  assert_int_equal(c.heartbeat_seconds, 3600);
  assert_int_equal(c.clock_tolerance_seconds, 300);
  assert_int_equal(c.attachment_max, 104857600);
  assert_true(c.bytes_per_day == INT64_C(1073741824));
  assert_true(c.bytes_total == INT64_C(68719476736));
}

static void test_round_trip(void **state) {
  (void)state;
  struct errmsg e;
  struct charter *c = fields(), back;
  strcpy(c->adoption, "threshold");
  c->threshold = 2;
  strcpy(c->procedures[0].name, "incident");
  memset(c->procedures[0].digest, 0x22, SHA256_SIZE);
  c->n_procedures = 1;
  uint8_t pub[32];
  memcpy(pub, stranger.card.mirror, 32);
  assert_int_equal(vkey_make(&c->witnesses[0], "witness.example/w", NOTE_COSIGNATURE, pub, &e), PARLEY_OK);
  c->n_witnesses = 1;
  memset(c->replaces[0], 0x33, SHA256_SIZE);
  c->n_replaces = 1;
  struct bytes payload = payload_for(c);
  assert_int_equal(charter_parse(&back, &arena, payload, &e), PARLEY_OK);
  assert_string_equal(back.title, c->title);
  assert_int_equal(back.n_languages, 2);
  assert_string_equal(back.languages[1], "ru");
  assert_memory_equal(back.nonce, c->nonce, sizeof c->nonce);
  assert_int_equal(back.n_members, 3);
  assert_int_equal(back.members[0].role, ROLE_CHAIR);
  assert_memory_equal(back.members[2].fingerprint, parties[2].card.fingerprint, SHA256_SIZE);
  assert_int_equal(back.threshold, 2);
  assert_int_equal(back.quorum, 2);
  assert_memory_equal(back.ack_seconds, c->ack_seconds, sizeof c->ack_seconds);
  assert_true(back.bytes_total == c->bytes_total);
  assert_memory_equal(back.procedures[0].digest, c->procedures[0].digest, SHA256_SIZE);
  assert_memory_equal(&back.witnesses[0].pub, pub, 32);
  assert_int_equal(back.n_replaces, 1);
  uint8_t digest[32];
  sha256(digest, payload);
  assert_memory_equal(back.digest, digest, 32);
  assert_true(bytes_eq(back.payload, payload));
  assert_true(bytes_eq(payload_for(&back), payload)); /* and once more, byte for byte */
  assert_string_equal(charter_member(&back, "cert.ru.example")->name, "cert.ru.example");
  assert_null(charter_member(&back, "cert.zz.example"));
  assert_null(charter_member(&back, "a.a"));
  assert_non_null(charter_form(&back, "incident.notice"));
  assert_null(charter_form(&back, "incident.warning"));
}

static void test_refusals(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"{\"title\":", "{\"x\":1,\"title\":", "charter: x: "},
      {"\"legal\":\"political\",\"fields\":[\"cyber\"]", "\"fields\":[\"cyber\"],\"legal\":\"political\"",
       "charter: legal: stands after \"fields\""},
      {"\"legal\":\"political\",", "", "charter: legal: is missing"},
      {"\"legal\":\"political\"", "\"legal\":\"legal\"",
       "charter: legal: is \"legal\", allowed are political, treaty, exercise"},
      {"\"languages\":[\"en\",\"ru\"]", "\"languages\":[]", "charter: languages: has 0 elements"},
      {"\"en\",\"ru\"", "\"en\",\"en\"", "charter: languages[1]: \"en\" stands twice"},
      {"\"en\",\"ru\"", "\"english-uk\"", "charter: languages[0]: no language tag"},
      {"\"paWlpaWlpaWlpaWlpaWlpQ==\"", "\"paWlpaWlpaWlpaWlpaWlpR==\"", "charter: nonce: "},
      {"\"paWlpaWlpaWlpaWlpaWlpQ==\"", "\"paWl\"", "charter: nonce: "},
      {"[\"cyber\"]", "[\"cyber\",\"cyber\"]", "charter: fields[1]: \"cyber\" stands twice"},
      {"[\"cyber\"]", "[\"space\"]", "charter: fields[0]: allowed are"},
      {"\"name\":\"cert.cn.example\"", "\"name\":\"cert.sn.example\"",
       "charter: members[1].name: cert.ru.example stands after cert.sn.example"},
      {"\"name\":\"cert.cn.example\"", "\"name\":\"cert.ru.example\"",
       "charter: members[1].name: cert.ru.example stands twice"},
      {"\"name\":\"cert.cn.example\"", "\"name\":\"cert\"", "charter: members[0].name: no party's name"},
      {"\"role\":\"chair\"", "\"role\":\"boss\"", "charter: members[0].role: allowed are"},
      {"\"role\":\"chair\"", "\"role\":\"chair\",\"vote\":2", "charter: members[0].vote: "},
      {"\"card\":\"", "\"card\":\"0", "charter: members[0].card: "},
      {"\"adoption\":\"consensus\"", "\"adoption\":\"majority\"", "charter: adoption: is \"majority\""},
      {"\"adoption\":\"consensus\"", "\"adoption\":\"consensus\",\"threshold\":2",
       "charter: threshold: stands only with"},
      {"\"adoption\":\"consensus\"", "\"adoption\":\"threshold\"", "charter: threshold: is missing"},
      {"\"adoption\":\"consensus\"", "\"adoption\":\"threshold\",\"threshold\":4",
       "charter: threshold: must be a whole number from 1 to 3"},
      {"\"quorum\":2", "\"quorum\":0", "charter: quorum: must be a whole number from 1 to 3"},
      {"\"quorum\":2", "\"quorum\":4", "charter: quorum: "},
      {"\"quorum\":2", "\"quorum\":2.0", "quorum"},
      {"\"FLASH\":600,", "", "charter: ack_seconds.FLASH: is missing"},
      {"\"FLASH\":600", "\"FLASH\":59", "charter: ack_seconds.FLASH: "},
      {"\"ROUTINE\":21600", "\"ROUTINE\":2592001", "charter: ack_seconds.ROUTINE: "},
      {"\"FLASH\":600,\"IMMEDIATE\":1800", "\"IMMEDIATE\":1800,\"FLASH\":600",
       "charter: ack_seconds.FLASH: stands after \"IMMEDIATE\""},
      {"\"ROUTINE\":21600", "\"ROUTINE\":21600,\"DEFERRED\":60", "charter: ack_seconds.DEFERRED: "},
      {"\"heartbeat_seconds\":3600", "\"heartbeat_seconds\":86401", "charter: heartbeat_seconds: "},
      {"\"clock_tolerance_seconds\":300", "\"clock_tolerance_seconds\":0", "charter: clock_tolerance_seconds: "},
      {"\"attachment_max\":104857600", "\"attachment_max\":1099511627777", "charter: attachment_max: "},
      {"\"bytes_per_day\":1073741824", "\"bytes_per_day\":-1", "charter: bytes_per_day: "},
      {"\"disclosure\":\"consent\"", "\"disclosure\":\"never\"", "charter: disclosure: "},
      {"\"retention_days\":0", "\"retention_days\":null", "charter: retention_days: "},
      {"\"incident.notice\":\"", "\"Incident.notice\":\"", "charter: forms: \"Incident.notice\" is no name"},
      {"\"incident.notice\":\"1", "\"incident.notice\":\"A", "charter: forms.incident.notice: "},
      {"\"forms\":{",
       "\"forms\":{\"incident.notice\":\"1111111111111111111111111111111111111111111111111111111111111111\",",
       "incident.notice"},
      {"\"procedures\":{}", "\"procedures\":[]", "charter: procedures: "},
      {"\"witnesses\":[]", "\"witnesses\":[\"w\"]", "charter: witnesses[0]: "},
      {"\"replaces\":[]", "\"replaces\":[\"00\"]", "charter: replaces[0]: no digest"},
      {"\"replaces\":[]", "\"replaces\":{}", "charter: replaces: "},
      {"\"replaces\":[]}", "\"replaces\":[]} x", "charter: "},
  };
  struct charter out;
  const char *good = arena_cstr(&arena, payload_for(fields()));
  assert_non_null(good);
  assert_int_equal(charter_parse(&out, &arena, bytes_str(good), NULL), PARLEY_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct errmsg e = {""};
    parley_err err = charter_parse(&out, &arena, bytes_str(replaced(&arena, good, cases[i].from, cases[i].to)), &e);
    assert_refused(err, PARLEY_EINVAL, e, cases[i].says);
  }
}

/* Bounds that need a value made for them; each also fits at the bound itself. */
static void test_bounds(void **state) {
  (void)state;
  struct errmsg e;
  struct charter out;
  const char *good = arena_cstr(&arena, payload_for(fields()));
  const char *title = fields()->title,
             *from = "\"title\":\"Channel of three \\\"computer\\\" emergency teams — проверка\"";
  assert_true(strlen(title) > 0);
  char *fits = arena_fmt(&arena, "\"title\":\"%s\"", repeated(&arena, "t", 256)),
       *over = arena_fmt(&arena, "\"title\":\"%s\"", repeated(&arena, "t", 257));
  assert_int_equal(charter_parse(&out, &arena, bytes_str(replaced(&arena, good, from, fits)), &e), PARLEY_OK);
  assert_refused(charter_parse(&out, &arena, bytes_str(replaced(&arena, good, from, over)), &e), PARLEY_EINVAL, e,
                 "title: has 257 bytes");
  assert_refused(charter_parse(&out, &arena, bytes_str(replaced(&arena, good, from, "\"title\":\"\"")), &e),
                 PARLEY_EINVAL, e, "title: has 0 bytes");
  char *space = repeated(&arena, " ", CHARTER_SIZE_MAX - strlen(good));
  assert_int_equal(charter_parse(&out, &arena, bytes_str(arena_fmt(&arena, "%s%s", good, space)), &e), PARLEY_OK);
  assert_refused(charter_parse(&out, &arena, bytes_str(arena_fmt(&arena, "%s%s ", good, space)), &e), PARLEY_ELIMIT, e,
                 "524288");
  struct buf names = {0};
  for (size_t i = 0; i <= CHARTER_DIGESTS_MAX; i++)
    buf_fmt(&names, ",\"a.%c%c\":\"%064d\"", (int)('a' + i / 26), (int)('a' + i % 26), 0);
  const char *list = buf_cstr(&names);
  assert_refused(
      charter_parse(
          &out, &arena,
          bytes_str(replaced(&arena, good, "\"procedures\":{", arena_fmt(&arena, "\"procedures\":{%s", list + 1))), &e),
      PARLEY_EINVAL, e, "procedures: has 65 members");
  names.p[names.n - strlen(",\"a.aa\":\"\"") - 64] = '\0';
  assert_int_equal(
      charter_parse(
          &out, &arena,
          bytes_str(replaced(&arena, good, "\"procedures\":{", arena_fmt(&arena, "\"procedures\":{%s", list + 1))), &e),
      PARLEY_OK);
  buf_free(&names);
}

static void test_193_members(void **state) {
  (void)state;
  struct errmsg e;
  struct charter *c = fields(), back;
  c->members = arena_alloc(&arena, 194 * sizeof *c->members);
  assert_non_null(c->members);
  for (int i = 0; i < 194; i++) memcpy(c->members[i].name, arena_fmt(&arena, "cert%03d.example", i), 17);
  c->n_members = 193;
  c->quorum = 193;
  assert_int_equal(charter_parse(&back, &arena, payload_for(c), &e), PARLEY_OK);
  assert_string_equal(charter_member(&back, "cert192.example")->name, "cert192.example");
  c->n_members = 194;
  struct buf out = {0};
  assert_refused(charter_payload(&out, c, &e), PARLEY_EINVAL, e, "members: has 194 elements");
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_closed(void **state) {
  (void)state;
  struct errmsg e;
  struct charter *c = fields(), back;
  struct charter_closed list[CHARTER_CLOSED_MAX + 1] = {
      {.party = "cert.ru.example", .size = 7}, {.party = "cert.ru.example", .epoch = 2}, {.party = "cert.us.example"}};
  list[0].root.b[5] = 9;
  c->closed = list;
  c->n_closed = 3;
  assert_int_equal(charter_parse(&back, &arena, payload_for(c), &e), PARLEY_OK);
  const struct charter_closed *one = charter_closed_find(&back, "cert.ru.example", 0);
  assert_non_null(one);
  assert_int_equal(one->size, 7);
  assert_memory_equal(one->root.b, list[0].root.b, 32);
  assert_int_equal(charter_closed_find(&back, "cert.ru.example", 2)->epoch, 2);
  assert_null(charter_closed_find(&back, "cert.ru.example", 1));
  assert_null(charter_closed_find(&back, "cert.xx.example", 0));
  assert_true(bytes_eq(payload_for(&back), payload_for(c)));
  for (size_t i = 0; i <= CHARTER_CLOSED_MAX; i++)
    list[i] = (struct charter_closed){.party = "cert.ru.example", .epoch = i};
  c->n_closed = CHARTER_CLOSED_MAX;
  assert_int_equal(charter_parse(&back, &arena, payload_for(c), &e), PARLEY_OK);
  struct buf out = {0};
  c->n_closed++;
  assert_refused(charter_payload(&out, c, &e), PARLEY_EINVAL, e, "closed: has 194 elements");
  buf_free(&out);
}

static void test_closed_refusals(void **state) {
  (void)state;
  static const struct {
    const char *closed, *says;
  } cases[] = {
      {"[]", "closed: has 0 elements"},
      {"{}", "closed: "},
      {"[{\"party\":\"ru\",\"epoch\":0,\"size\":1,\"root\":\"" ROOT "\"}]", "closed[0].party: "},
      {"[{\"party\":\"ru.example\",\"epoch\":-1,\"size\":1,\"root\":\"" ROOT "\"}]", "closed[0].epoch: "},
      {"[{\"party\":\"ru.example\",\"epoch\":0,\"size\":-1,\"root\":\"" ROOT "\"}]", "closed[0].size: "},
      {"[{\"party\":\"ru.example\",\"epoch\":0,\"size\":1,\"root\":\"AA==\"}]", "closed[0].root: "},
      {"[{\"party\":\"ru.example\",\"size\":1,\"epoch\":0,\"root\":\"" ROOT "\"}]", "closed[0].epoch: stands after"},
      {"[{\"party\":\"ru.example\",\"epoch\":0,\"size\":1,\"root\":\"" ROOT "\"},"
       "{\"party\":\"ru.example\",\"epoch\":0,\"size\":2,\"root\":\"" ROOT "\"}]",
       "closed[1]: the list is sorted"},
      {"[{\"party\":\"ru.example\",\"epoch\":1,\"size\":1,\"root\":\"" ROOT "\"},"
       "{\"party\":\"ru.example\",\"epoch\":0,\"size\":1,\"root\":\"" ROOT "\"}]",
       "closed[1]: the list is sorted"},
  };
  struct charter out;
  const char *good = arena_cstr(&arena, payload_for(fields()));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct errmsg e = {""};
    char *with = arena_fmt(&arena, "\"closed\":%s,\"replaces\":[]", cases[i].closed);
    assert_refused(charter_parse(&out, &arena, bytes_str(replaced(&arena, good, "\"replaces\":[]", with)), &e),
                   PARLEY_EINVAL, e, cases[i].says);
  }
}

static void test_suspended(void **state) {
  (void)state;
  struct errmsg e;
  struct charter *c = fields(), back;
  c->members[1].role = ROLE_SUSPENDED;
  assert_int_equal(charter_parse(&back, &arena, payload_for(c), &e), PARLEY_OK);
  assert_int_equal(back.members[1].role, ROLE_SUSPENDED);
  assert_false(member_role_votes(ROLE_SUSPENDED) || member_role_votes(ROLE_OBSERVER) || member_role_votes(ROLE_RELAY));
  assert_true(member_role_votes(ROLE_MEMBER) && member_role_votes(ROLE_CHAIR) && member_role_speaks(ROLE_OBSERVER));
  assert_false(member_role_speaks(ROLE_SUSPENDED) || member_role_speaks(ROLE_RELAY));
}

static void test_witnesses(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  struct charter *c = fields();
  c->n_witnesses = 1;
  assert_int_equal(vkey_make(&c->witnesses[0], "cert.ru.example/mirror", NOTE_COSIGNATURE, stranger.card.mirror, &e),
                   PARLEY_OK);
  assert_refused(charter_payload(&out, c, &e), PARLEY_EINVAL, e, "witnesses[0]: cert.ru.example is a member");
  assert_int_equal(vkey_make(&c->witnesses[0], "witness.example", NOTE_ED25519, stranger.card.mirror, &e), PARLEY_OK);
  assert_refused(charter_payload(&out, c, &e), PARLEY_EINVAL, e, "witnesses[0]: is a vkey of type 0x01, must be 0x04");
  assert_int_equal(vkey_make(&c->witnesses[0], "witness.example", NOTE_COSIGNATURE, stranger.card.mirror, &e),
                   PARLEY_OK);
  assert_int_equal(vkey_make(&c->witnesses[1], "other.example", NOTE_COSIGNATURE, stranger.card.mirror, &e), PARLEY_OK);
  c->n_witnesses = 2;
  assert_refused(charter_payload(&out, c, &e), PARLEY_EINVAL, e, "witnesses[1]: is the key of witnesses[0]");
  buf_free(&out);
}

/* A member's mirror key under a name that is not a member's. */
static void test_disguised_witness(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  bool signed_by[FORUM_MEMBERS_MAX], complete;
  struct charter *c = fields(), back;
  assert_int_equal(vkey_make(&c->witnesses[0], "witness.example", NOTE_COSIGNATURE, parties[1].card.mirror, &e),
                   PARLEY_OK);
  c->n_witnesses = 1;
  assert_int_equal(
      charter_sign(&out, BYTES_NONE, payload_for(c), "cert.us.example", parties[2].statement, lookup, &all, &arena, &e),
      PARLEY_OK);
  assert_refused(charter_envelope_parse(&back, signed_by, &complete, &arena, buf_view(&out), lookup, &all, &e),
                 PARLEY_EINVAL, e, "witnesses[0]: is the mirror key of cert.ru.example");
  buf_free(&out);
}

static struct bytes signed_by_party(struct bytes in, struct bytes payload, size_t i) {
  struct errmsg e = {""};
  struct buf out = {0};
  parley_err err =
      charter_sign(&out, in, payload, parties[i].card.name, parties[i].statement, lookup, &all, &arena, &e);
  if (err != PARLEY_OK) fail_msg("%s", e.text);
  return arena_take(&arena, &out);
}

/* Whatever the order of signing, the complete envelope is the same. */
static void test_sign_in_any_order(void **state) {
  (void)state;
  struct errmsg e;
  struct charter back;
  bool signed_by[FORUM_MEMBERS_MAX], complete = true;
  struct bytes payload = payload_for(fields()), one = signed_by_party(BYTES_NONE, payload, 2);
  assert_int_equal(charter_envelope_parse(&back, signed_by, &complete, &arena, one, lookup, &all, &e), PARLEY_OK);
  assert_false(complete);
  assert_false(signed_by[0]);
  assert_false(signed_by[1]);
  assert_true(signed_by[2]);
  struct bytes three = signed_by_party(signed_by_party(one, payload, 0), payload, 1);
  struct bytes other =
      signed_by_party(signed_by_party(signed_by_party(BYTES_NONE, payload, 0), payload, 1), payload, 2);
  assert_true(bytes_eq(three, other));
  assert_true(bytes_eq(signed_by_party(three, payload, 1), three)); /* once more changes nothing */
  assert_int_equal(charter_envelope_parse(&back, signed_by, &complete, &arena, three, lookup, &all, &e), PARLEY_OK);
  assert_true(complete);
  assert_true(signed_by[0] && signed_by[1] && signed_by[2]);
  assert_false(signed_by[3]);
}

static void test_merge(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  struct bytes payload = payload_for(fields());
  struct bytes us = signed_by_party(BYTES_NONE, payload, 2),
               ru_cn = signed_by_party(signed_by_party(BYTES_NONE, payload, 1), payload, 0);
  assert_int_equal(charter_merge(&out, us, ru_cn, lookup, &all, &arena, &e), PARLEY_OK);
  assert_true(bytes_eq(buf_view(&out), signed_by_party(ru_cn, payload, 2)));
  buf_clear(&out);
  assert_int_equal(charter_merge(&out, ru_cn, ru_cn, lookup, &all, &arena, &e), PARLEY_OK);
  assert_true(bytes_eq(buf_view(&out), ru_cn));
  struct charter *c = fields();
  c->quorum = 3;
  struct bytes other = signed_by_party(BYTES_NONE, payload_for(c), 0);
  assert_refused(charter_merge(&out, us, other, lookup, &all, &arena, &e), PARLEY_ECONFLICT, e, "different charters");
  buf_free(&out);
}

static void test_sign_refusals(void **state) {
  (void)state;
  struct errmsg e;
  struct buf out = {0};
  struct charter *c = fields();
  struct bytes payload = payload_for(c), one = signed_by_party(BYTES_NONE, payload, 2);
  unsigned none = 0;
  assert_refused(charter_sign(&out, one, payload, "cert.xx.example", stranger.statement, lookup, &all, &arena, &e),
                 PARLEY_EREFUSED, e, "is no member");
  assert_refused(charter_sign(&out, one, payload, "cert.ru.example", stranger.statement, lookup, &all, &arena, &e),
                 PARLEY_EINVAL, e, "not the statement key in the card of cert.ru.example");
  assert_refused(
      charter_sign(&out, BYTES_NONE, payload, "cert.ru.example", parties[1].statement, lookup, &none, &arena, &e),
      PARLEY_ENOTFOUND, e, "the card of cert.ru.example");
  c->quorum = 3;
  assert_refused(
      charter_sign(&out, one, payload_for(c), "cert.ru.example", parties[1].statement, lookup, &all, &arena, &e),
      PARLEY_ECONFLICT, e, "over another charter");
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

static parley_err parse(struct bytes payload, const struct ed25519_key *const *keys, size_t n, unsigned known,
                        struct errmsg *e) {
  struct charter back;
  bool signed_by[FORUM_MEMBERS_MAX], complete;
  struct buf env = envelope_by(CHARTER_TYPE, payload, keys, n);
  parley_err err = charter_envelope_parse(&back, signed_by, &complete, &arena, buf_view(&env), lookup, &known, e);
  buf_free(&env);
  return err;
}

static void test_envelope_refusals(void **state) {
  (void)state;
  struct errmsg e;
  struct bytes payload = payload_for(fields());
  const struct ed25519_key *in_order[] = {parties[0].statement, parties[2].statement},
                           *reversed[] = {parties[2].statement, parties[0].statement},
                           *foreign[] = {parties[0].statement, stranger.statement}, *wrong_key[] = {parties[0].log},
                           *twice[] = {parties[1].statement, parties[1].statement};
  assert_int_equal(parse(payload, in_order, 2, 7, &e), PARLEY_OK);
  assert_int_equal(parse(payload, in_order, 2, 5, &e),
                   PARLEY_OK); /* the card of one who has not signed is not needed */
  assert_refused(parse(payload, in_order, 2, 3, &e), PARLEY_EVERIFY, e, "signatures[1]: key ");
  assert_refused(parse(payload, reversed, 2, 7, &e), PARLEY_EVERIFY, e,
                 "signatures[1]: cert.cn.example stands too late");
  assert_refused(parse(payload, foreign, 2, 7, &e), PARLEY_EVERIFY, e, "is no statement key of a member");
  assert_refused(parse(payload, wrong_key, 1, 7, &e), PARLEY_EVERIFY, e, "is no statement key of a member");
  assert_refused(parse(payload, twice, 2, 7, &e), PARLEY_EINVAL, e, "same key");
}

static void test_changed_byte(void **state) {
  (void)state;
  struct errmsg e;
  struct charter back;
  struct dsse d;
  struct buf env = {0};
  bool signed_by[FORUM_MEMBERS_MAX], complete;
  struct bytes payload = payload_for(fields()), env_bytes = signed_by_party(BYTES_NONE, payload, 1);
  assert_int_equal(dsse_parse(&d, &arena, env_bytes, CHARTER_SIZE_MAX, NULL), PARLEY_OK);
  d.payload = bytes_str(replaced(&arena, arena_cstr(&arena, payload), "\"quorum\":2", "\"quorum\":3"));
  dsse_write(&env, &d);
  assert_refused(charter_envelope_parse(&back, signed_by, &complete, &arena, buf_view(&env), lookup, &all, &e),
                 PARLEY_EVERIFY, e, "signatures[0]: the signature of cert.ru.example does not verify");
  buf_free(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),          cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_refusals),          cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_193_members),       cmocka_unit_test(test_closed),
      cmocka_unit_test(test_closed_refusals),   cmocka_unit_test(test_suspended),
      cmocka_unit_test(test_witnesses),         cmocka_unit_test(test_disguised_witness),
      cmocka_unit_test(test_sign_in_any_order), cmocka_unit_test(test_merge),
      cmocka_unit_test(test_sign_refusals),     cmocka_unit_test(test_envelope_refusals),
      cmocka_unit_test(test_changed_byte),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
