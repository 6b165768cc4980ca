#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forum/charter.h"
#include "unit/parties.h"
#include "vectors/forum_vectors.h"

#define DIGEST "1111111111111111111111111111111111111111111111111111111111111111"
#define ALL_SIGN                                                                                                       \
  { "cn.statement", "ru.statement", "us.statement" }
#define BAD(name_, what_, from_, to_, path_) WRONG(name_, what_, "three", from_, to_, path_)
#define GOOD(name_, what_, from_, to_)                                                                                 \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = "three", .change = { {.from = from_, .to = to_} }                            \
  }
#define REPEAT(name_, what_, from_, to_, unit_, times_, then_, path_)                                                  \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = "three", .change = {{from_, to_, unit_, times_, then_}},                     \
    .code = (path_)[0] ? "invalid" : NULL, .path = (path_)[0] ? (path_) : NULL                                         \
  }
#define SIGNED(name_, what_, code_, path_, ...)                                                                        \
  { .name = name_, .what = what_, .base = "three", .signers = {__VA_ARGS__}, .code = code_, .path = path_ }

/* A number at its bounds: least and most go, one less and one more do not. */
#define NUMBER(member_, is_, under_, least_, most_, over_)                                                             \
  {.name = member_ "-least",                                                                                           \
   .what = "The least value.",                                                                                         \
   .base = "three",                                                                                                    \
   .change = {{.from = "\"" member_ "\":" is_, .to = "\"" member_ "\":" least_}}},                                     \
      {.name = member_ "-most",                                                                                        \
       .what = "The largest value.",                                                                                   \
       .base = "three",                                                                                                \
       .change = {{.from = "\"" member_ "\":" is_, .to = "\"" member_ "\":" most_}}},                                  \
      BAD(member_ "-under", "One less than the least.", "\"" member_ "\":" is_, "\"" member_ "\":" under_, member_),   \
      BAD(member_ "-over", "One more than the largest.", "\"" member_ "\":" is_, "\"" member_ "\":" over_, member_)

#define CLOSED(who_, epoch_, size_)                                                                                    \
  "{\"party\":\"cert." who_ ".example\",\"epoch\":" epoch_ ",\"size\":" size_                                          \
  ",\"root\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
#define MEMBER_FROM "],\"adoption\""
#define MEMBER "{\"name\":\"cert#.example\",\"card\":\"" DIGEST "\",\"role\":\"observer\"}"

static const struct forum_case table[] = {
    SIGNED("none-but-ru", "One of three has signed.", NULL, NULL, "ru.statement"),
    SIGNED("all-but-ru", "Two of three have signed.", NULL, NULL, "cn.statement", "us.statement"),
    SIGNED("other-order", "The signatures do not stand in the order of the members.", "does not verify",
           "signatures[1]", "us.statement", "cn.statement"),
    SIGNED("signed-by-stranger", "A key that is no member's has signed.", "does not verify", "signatures[1]",
           "cn.statement", "us1.statement"),
    SIGNED("signed-by-log-key", "A member signed with its log key.", "does not verify", "signatures[0]", "cn.log"),
    SIGNED("signed-twice", "A member signed twice.", "invalid", "signatures", "ru.statement", "ru.statement"),
    {.name = "other-payload",
     .what = "The signatures are those of another charter.",
     .base = "three",
     .change = {{.from = "\"quorum\":2", .to = "\"quorum\":3"}},
     .signatures_of = "three",
     .code = "does not verify",
     .path = "signatures[0]"},
    {.name = "other-type",
     .what = "A charter in an envelope for statements.",
     .base = "three",
     .type = "application/vnd.parley.statement+json",
     .code = "invalid",
     .path = "payloadType"},
    {.name = "no-signature",
     .what = "An envelope without signatures.",
     .base = "one-signed",
     .respell = {{.from = "[{\"keyid\"", .to = "[]}"}},
     .code = "invalid",
     .path = ""},
    REPEAT("title-of-256-bytes", "The longest title.", "Three teams", "", "t", 256, "", ""),
    REPEAT("title-of-257-bytes", "One byte too many.", "Three teams", "", "t", 257, "", "title"),
    REPEAT("title-of-258-bytes-in-cyrillic", "Bytes are counted, not letters.", "Three teams", "", "\xd0\xb6", 129, "",
           "title"),
    BAD("title-empty", "A title of no bytes.", "Three teams", "", "title"),
    BAD("unknown-member", "A member that no table names.", "{\"title\":", "{\"x\":1,\"title\":", "x"),
    BAD("order", "A member stands behind one that follows it.", "\"legal\":\"political\",\"fields\":[\"cyber\"]",
        "\"fields\":[\"cyber\"],\"legal\":\"political\"", "legal"),
    BAD("no-legal", "A member is missing.", "\"legal\":\"political\",", "", "legal"),
    BAD("legal-other", "A word that the table does not name.", "\"political\"", "\"private\"", "legal"),
    GOOD("treaty", "Another legal nature.", "\"political\"", "\"treaty\""),
    GOOD("exercise", "The third one.", "\"political\"", "\"exercise\""),
    BAD("languages-none", "No language.", "[\"en\",\"ru\"]", "[]", "languages"),
    BAD("languages-nine", "More than eight.", "[\"en\",\"ru\"]",
        "[\"aa\",\"ab\",\"ae\",\"af\",\"ak\",\"am\",\"an\",\"ar\",\"as\"]", "languages"),
    GOOD("languages-eight", "Eight, one of them of 8 bytes.", "[\"en\",\"ru\"]",
         "[\"aa\",\"ab\",\"ae\",\"af\",\"ak\",\"am\",\"an\",\"sr-Latnx\"]"),
    BAD("language-of-9-bytes", "A tag of 9 bytes.", "\"ru\"]", "\"en-GB-oed\"]", "languages[1]"),
    BAD("language-empty", "A tag of no bytes.", "\"ru\"]", "\"\"]", "languages[1]"),
    BAD("nonce-short", "A nonce of 15 bytes.", "paWlpaWlpQ==\"", "paWlpaWl\"", "nonce"),
    BAD("nonce-bits", "Base64 whose last bits are not zero.", "paWlpQ==\"", "paWlpR==\"", "nonce"),
    BAD("nonce-unpadded", "Base64 without its padding.", "paWlpQ==\"", "paWlpQ\"", "nonce"),
    BAD("nonce-broken", "Base64 with a line break.", "paWlpQ==\"", "paWlpQ==\\n\"", "nonce"),
    BAD("nonce-url", "The other alphabet of base64.", "paWlpaWlpaWl", "paWlpaWlpaW-", "nonce"),
    BAD("fields-none", "No field.", "[\"cyber\"]", "[]", "fields"),
    BAD("field-other", "A field that the table does not name.", "[\"cyber\"]", "[\"space\"]", "fields[0]"),
    GOOD("fields-three", "All fields.", "[\"cyber\"]", "[\"regional-conflict\",\"cyber\",\"strategic-stability\"]"),
    BAD("fields-four", "More than there are.", "[\"cyber\"]", "[\"cyber\",\"cyber\",\"cyber\",\"cyber\"]", "fields"),
    BAD("members-unsorted", "Members are sorted by name.", "\"name\":\"cert.cn.example\"",
        "\"name\":\"cert.sn.example\"", "members[1].name"),
    BAD("member-twice", "A member stands twice.", "\"name\":\"cert.cn.example\"", "\"name\":\"cert.ru.example\"",
        "members[1].name"),
    BAD("member-name", "A member's name is no party's.", "\"name\":\"cert.cn.example\"", "\"name\":\"cert\"",
        "members[0].name"),
    BAD("member-card", "A digest of 65 digits.", "\"card\":\"", "\"card\":\"0", "members[0].card"),
    BAD("role-other", "A role that the table does not name.", "\"role\":\"chair\"", "\"role\":\"boss\"",
        "members[0].role"),
    GOOD("roles", "A relay.", "\"role\":\"chair\"", "\"role\":\"relay\""),
    GOOD("suspended", "A suspended member.", "\"role\":\"chair\"", "\"role\":\"suspended\""),
    GOOD("closed", "Two epochs of a log that are closed.",
         "\"replaces\":", "\"closed\":[" CLOSED("ru", "0", "7") "," CLOSED("ru", "1", "0") "],\"replaces\":"),
    BAD("closed-twice", "An epoch is closed twice.", "\"replaces\":",
        "\"closed\":[" CLOSED("ru", "1", "7") "," CLOSED("ru", "1", "8") "],\"replaces\":", "closed[1]"),
    BAD("closed-order", "Epochs that are closed do not stand in order.", "\"replaces\":",
        "\"closed\":[" CLOSED("us", "0", "7") "," CLOSED("ru", "0", "7") "],\"replaces\":", "closed[1]"),
    BAD("closed-empty", "An empty list of closed logs.", "\"replaces\":", "\"closed\":[],\"replaces\":", "closed"),
    BAD("closed-root", "The root of a closed log is no digest.", "\"replaces\":",
        "\"closed\":[{\"party\":\"cert.ru.example\",\"epoch\":0,\"size\":1,\"root\":\"AAAA\"}],\"replaces\":",
        "closed[0].root"),
    BAD("member-unknown", "A member's object has a member too many.", "\"role\":\"chair\"",
        "\"role\":\"chair\",\"vote\":2", "members[0].vote"),
    REPEAT("members-193", "The largest forum.", MEMBER_FROM, "", "," MEMBER, 190, MEMBER_FROM, ""),
    REPEAT("members-194", "One member too many.", MEMBER_FROM, "", "," MEMBER, 191, MEMBER_FROM, "members"),
    BAD("adoption-other", "A way of adoption that the table does not name.", "\"consensus\"", "\"majority\"",
        "adoption"),
    GOOD("silence", "Adopted by silence.", "\"consensus\"", "\"silence\""),
    GOOD("threshold", "Adopted by two.", "\"consensus\"", "\"threshold\",\"threshold\":2"),
    GOOD("threshold-of-all", "By all.", "\"consensus\"", "\"threshold\",\"threshold\":3"),
    BAD("threshold-of-four", "By more than there are.", "\"consensus\"", "\"threshold\",\"threshold\":4", "threshold"),
    BAD("threshold-of-none", "By nobody.", "\"consensus\"", "\"threshold\",\"threshold\":0", "threshold"),
    BAD("threshold-missing", "A threshold without its number.", "\"consensus\"", "\"threshold\"", "threshold"),
    BAD("threshold-with-consensus", "A number without a threshold.", "\"consensus\"", "\"consensus\",\"threshold\":2",
        "threshold"),
    NUMBER("quorum", "2", "0", "1", "3", "4"),
    GOOD("flash-least", "The least value.", "\"FLASH\":600", "\"FLASH\":60"),
    GOOD("flash-most", "The largest value.", "\"FLASH\":600", "\"FLASH\":2592000"),
    BAD("flash-under", "One less than the least.", "\"FLASH\":600", "\"FLASH\":59", "ack_seconds.FLASH"),
    BAD("routine-over", "One more than the largest.", "\"ROUTINE\":21600", "\"ROUTINE\":2592001",
        "ack_seconds.ROUTINE"),
    NUMBER("heartbeat_seconds", "3600", "59", "60", "86400", "86401"),
    NUMBER("clock_tolerance_seconds", "300", "0", "1", "86400", "86401"),
    NUMBER("attachment_max", "104857600", "-1", "0", "1099511627776", "1099511627777"),
    NUMBER("retention_days", "0", "-1", "0", "36500", "36501"),
    BAD("bytes-per-day-negative", "Less than nothing.", "\"bytes_per_day\":1", "\"bytes_per_day\":-1", "bytes_per_day"),
    BAD("bytes-total-float", "A float.", "\"bytes_total\":68719476736", "\"bytes_total\":68719476736.0", "bytes_total"),
    BAD("quorum-float", "A float.", "\"quorum\":2", "\"quorum\":2.0", "quorum"),
    BAD("no-flash", "A precedence without its time.", "\"FLASH\":600,", "", "ack_seconds.FLASH"),
    BAD("fifth-precedence", "A precedence too many.", "\"ROUTINE\":21600", "\"ROUTINE\":21600,\"DEFERRED\":60",
        "ack_seconds.DEFERRED"),
    BAD("precedence-order", "The precedences stand in another order.", "\"FLASH\":600,\"IMMEDIATE\":1800",
        "\"IMMEDIATE\":1800,\"FLASH\":600", "ack_seconds.FLASH"),
    BAD("disclosure-other", "A word that the table does not name.", "\"consent\"", "\"never\"", "disclosure"),
    GOOD("disclosure-free", "The other one.", "\"consent\"", "\"free\""),
    BAD("retention-null", "null is no value.", "\"retention_days\":0", "\"retention_days\":null", "retention_days"),
    BAD("form-digest", "A digest with a capital.", "\"incident.notice\":\"1", "\"incident.notice\":\"A",
        "forms.incident.notice"),
    BAD("form-twice", "A form stands twice.", "\"forms\":{", "\"forms\":{\"incident.notice\":\"" DIGEST "\",",
        "forms.incident.notice"),
    BAD("form-name", "A name that no kind has.", "\"incident.notice\":", "\"Incident.notice\":", "forms"),
    REPEAT("procedures-64", "As many procedures as go.", "\"procedures\":{", "\"procedures\":{\"a\":\"" DIGEST "\"",
           NULL, 0, "", ""),
    REPEAT("procedures-65", "One too many.", "\"procedures\":{", "\"procedures\":{\"a\":\"" DIGEST "\"", NULL, 0, "",
           "procedures"),
    BAD("procedures-list", "A list where an object must stand.", "\"procedures\":{}", "\"procedures\":[]",
        "procedures"),
    BAD("witness-no-vkey", "A text that is no vkey.", "\"witnesses\":[]", "\"witnesses\":[\"w\"]", "witnesses[0]"),
    BAD("witness-member-name", "A witness that bears a member's name.", NULL, NULL, "witnesses[0]"),
    BAD("witness-member-key", "A member's mirror key under another name.", NULL, NULL, "witnesses[0]"),
    BAD("witness-type", "A vkey of type 0x01.", NULL, NULL, "witnesses[0]"),
    BAD("witness-small-order", "A key of small order.", NULL, NULL, "witnesses[0]"),
    BAD("replaces-short", "A digest of one byte.", "\"replaces\":[]", "\"replaces\":[\"00\"]", "replaces[0]"),
    BAD("replaces-object", "An object where a list must stand.", "\"replaces\":[]", "\"replaces\":{}", "replaces"),
    GOOD("replaces-one", "The second version.", "\"replaces\":[]", "\"replaces\":[\"" DIGEST "\"]"),
    BAD("tail", "Text behind the payload's end.", "\"replaces\":[]}", "\"replaces\":[]} x", ""),
    {.name = "deep",
     .what = "33 levels.",
     .base = "three",
     .change = {{"\"replaces\":[]", "\"replaces\":", "[", 32, "@"}, {"@", "", "]", 32, ""}},
     .code = "invalid",
     .path = "replaces[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"},
    {.name = "too-large",
     .what = "An envelope of more than 512 KiB, for the most part white space.",
     .base = "three",
     .change = {{"{\"title\"", "{", " ", 393000, "\"title\""}},
     .code = "over a limit",
     .path = ""},
};

static char *witness_of(struct arena *a, const char *name, uint8_t type, uint8_t byte) {
  struct ed25519_key *key = key_of(byte);
  char *text = arena_fmt(a, "\"witnesses\":[%s]", vector_vkey(a, name, type, ed25519_public(key)));
  ed25519_free(key);
  return text;
}

/* Names of procedures are of letters only, so that they are written out. */
static char *procedures(struct arena *a, size_t n) {
  struct buf b = {0};
  for (size_t i = 0; i < n; i++)
    buf_fmt(&b, "%s\"a.%c%c\":\"%s\"", i > 0 ? "," : "\"procedures\":{", (int)('a' + i / 26), (int)('a' + i % 26),
            DIGEST);
  char *text = arena_strdup(a, buf_cstr(&b));
  buf_free(&b);
  return text;
}

static void fill(struct arena *a, struct forum_case *c) {
  const char *witness = strncmp(c->name, "witness-", 8) == 0 ? c->name + 8 : "";
  struct change *x = &c->change[0];
  if (strcmp(witness, "member-name") == 0)
    *x = (struct change){.from = "\"witnesses\":[]",
                         .to = witness_of(a, "cert.ru.example/mirror", NOTE_COSIGNATURE, 99)};
  else if (strcmp(witness, "member-key") == 0)
    *x = (struct change){.from = "\"witnesses\":[]", .to = witness_of(a, "witness.example", NOTE_COSIGNATURE, 11)};
  else if (strcmp(witness, "type") == 0)
    *x = (struct change){.from = "\"witnesses\":[]", .to = witness_of(a, "witness.example", NOTE_ED25519, 99)};
  else if (strcmp(witness, "small-order") == 0)
    *x = (struct change){.from = "\"witnesses\":[]",
                         .to = arena_fmt(a, "\"witnesses\":[%s]",
                                         vector_vkey(a, "witness.example", NOTE_COSIGNATURE, (const uint8_t[32]){1}))};
  else if (strncmp(c->name, "procedures-6", 12) == 0)
    *x = (struct change){.from = "\"procedures\":{",
                         .to = procedures(a, strcmp(c->name, "procedures-64") == 0 ? 64 : 65)};
}

static struct charter *fields(struct arena *a) {
  static const char *const names[] = {"cert.cn.example", "cert.ru.example", "cert.us.example"};
  struct charter *c = arena_alloc(a, sizeof *c);
  assert_non_null(c);
  charter_defaults(c);
  strcpy(c->title, "Three teams");
  strcpy(c->languages[0], "en");
  strcpy(c->languages[1], "ru");
  c->n_languages = 2;
  memset(c->nonce, 0xA5, sizeof c->nonce);
  strcpy(c->fields[0], "cyber");
  c->n_fields = 1;
  c->n_members = 3;
  c->members = arena_alloc(a, 3 * sizeof *c->members);
  assert_non_null(c->members);
  for (size_t i = 0; i < 3; i++) {
    struct card card;
    assert_int_equal(card_parse(&card, a, forum_card_of(a, names[i], (uint8_t)(3 - i)), NULL, NULL, NULL), PARLEY_OK);
    strcpy(c->members[i].name, names[i]);
    memcpy(c->members[i].fingerprint, card.fingerprint, SHA256_SIZE);
    c->members[i].role = i == 0 ? ROLE_CHAIR : i == 1 ? ROLE_MEMBER : ROLE_OBSERVER;
  }
  c->quorum = 2;
  strcpy(c->forms[0].name, "incident.notice");
  memset(c->forms[0].digest, 0x11, SHA256_SIZE);
  c->n_forms = 1;
  return c;
}

static char *payload_for(struct arena *a, const struct charter *c) {
  struct errmsg e = {""};
  struct buf out = {0};
  if (charter_payload(&out, c, &e) != PARLEY_OK) fail_msg("%s", e.text);
  char *text = arena_cstr(a, buf_view(&out));
  assert_non_null(text);
  buf_free(&out);
  return text;
}

struct forum_group forum_charters(struct arena *a) {
  const size_t more = sizeof table / sizeof *table;
  struct forum_case *cases = arena_alloc(a, (more + 4) * sizeof *cases);
  assert_non_null(cases);
  struct charter *c = fields(a);
  const char *three = payload_for(a, c);
  strcpy(c->adoption, "threshold");
  c->threshold = 2;
  strcpy(c->procedures[0].name, "incident");
  c->n_procedures = 1;
  struct ed25519_key *witness = key_of(99);
  assert_int_equal(vkey_make(&c->witnesses[0], "witness.example/w", NOTE_COSIGNATURE, ed25519_public(witness), NULL),
                   PARLEY_OK);
  ed25519_free(witness);
  c->n_witnesses = 1;
  const struct forum_case good[] = {
      {.name = "three", .what = "Three members, all of whom have signed.", .payload = three, .signers = ALL_SIGN},
      {.name = "one-signed", .what = "The same, signed by one.", .payload = three, .signers = {"us.statement"}},
      {.name = "all-members",
       .what = "A threshold, a procedure and a witness.",
       .payload = payload_for(a, c),
       .signers = ALL_SIGN},
  };
  memcpy(cases, good, sizeof good);
  size_t n = sizeof good / sizeof *good;
  for (size_t i = 0; i < more; i++) {
    cases[n] = table[i];
    fill(a, &cases[n++]);
  }
  return (struct forum_group){"charters/charters.json", CHARTER_TYPE, cases, n};
}
