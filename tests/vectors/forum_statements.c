#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "forum/statement.h"
#include "unit/parties.h"
#include "vectors/forum_vectors.h"

#define ZEROES "0000000000000000000000000000000000000000000000000000000000000000"
#define FOURS "4444444444444444444444444444444444444444444444444444444444444444"
#define RU_LOG "cert.ru.example/1111111111111111111111111111111111111111111111111111111111111111/0"
#define TO "\"to\":[\"cert.ru.example\",\"cert.cn.example\"]"
#define BAD(name_, what_, from_, to_, path_) WRONG(name_, what_, "notice", from_, to_, path_)
#define GOOD(name_, what_, base_, from_, to_)                                                                          \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = base_, .change = { {.from = from_, .to = to_} }                              \
  }
#define REPEAT(name_, what_, from_, to_, unit_, times_, then_)                                                         \
  .name = name_, .what = what_, .base = "notice", .change = {{from_, to_, unit_, times_, then_}}
#define SIGNED(name_, what_, code_, path_, ...)                                                                        \
  { .name = name_, .what = what_, .base = "notice", .signers = {__VA_ARGS__}, .code = code_, .path = path_ }

static const struct forum_case table[] = {
    SIGNED("with-officer", "An officer has signed after the party.", NULL, NULL, "us.statement", "us2.rotation"),
    SIGNED("officer-first", "The officer's signature stands first.", "does not verify", "signatures[0]", "us2.rotation",
           "us.statement"),
    SIGNED("by-log-key", "The author signed with its log key.", "does not verify", "signatures[0]", "us.log"),
    SIGNED("by-other-party", "Another party signed.", "does not verify", "signatures[0]", "ru.statement"),
    SIGNED("signed-twice", "The same key twice.", "invalid", "signatures", "us.statement", "us.statement"),
    {.name = "other-payload",
     .what = "The signature is that of another statement.",
     .base = "notice",
     .change = {{.from = "\"exercise\"", .to = "\"actual\""}},
     .signatures_of = "notice",
     .code = "does not verify",
     .path = "signatures[0]"},
    {.name = "other-type",
     .what = "A statement in an envelope for cards.",
     .base = "notice",
     .type = "application/vnd.parley.card+json",
     .code = "invalid",
     .path = "payloadType"},
    BAD("unknown-member", "A member that no table names.", "{\"forum\"", "{\"x\":1,\"forum\"", "x"),
    BAD("order", "A member stands behind one that follows it.", "\"kind\":\"incident.notice\",\"status\":\"exercise\"",
        "\"status\":\"exercise\",\"kind\":\"incident.notice\"", "kind"),
    BAD("status-twice", "A member stands twice.", "\"status\":\"exercise\"",
        "\"status\":\"exercise\",\"status\":\"actual\"", "status"),
    BAD("forum-upper-case", "A digest with a capital.", "\"forum\":\"11", "\"forum\":\"A1", "forum"),
    BAD("charter-short", "A digest of 62 digits.", "\"charter\":\"22", "\"charter\":\"", "charter"),
    BAD("from-one-label", "The author's name is no party's.", "\"from\":\"cert.us.example\"", "\"from\":\"us\"",
        "from"),
    BAD("kind-hyphen", "A kind is of lower-case letters and dots.", "incident.notice", "incident-notice", "kind"),
    BAD("kind-final-dot", "A kind with an empty word.", "incident.notice", "incident.", "kind"),
    BAD("kind-digit", "A kind with a digit.", "incident.notice", "incident.notice2", "kind"),
    GOOD("kind-of-48-bytes", "The longest kind; that no form is pinned for it, the charter says.", "notice",
         "incident.notice", "abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstu"),
    BAD("kind-of-49-bytes", "One byte too many.", "incident.notice",
        "abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuv", "kind"),
    BAD("status-other", "A word that the table does not name.", "\"exercise\"", "\"drill\"", "status"),
    BAD("issued-offset", "Times are UTC, and say so by Z.", "10:00:00Z", "10:00:00+00:00", "issued"),
    BAD("issued-leap", "There are no leap seconds.", "10:00:00Z", "10:00:60Z", "issued"),
    BAD("issued-space", "A T stands between date and time.", "07T10:00:00Z", "07 10:00:00Z", "issued"),
    BAD("issued-not-leap-year", "The 29th of February 2021.", "2021-05-07", "2021-02-29", "issued"),
    GOOD("issued-leap-year", "The 29th of February 2024.", "notice", "2021-05-07", "2024-02-29"),
    BAD("nonce-bits", "Base64 whose last bits are not zero.", "paWlpQ==", "paWlpR==", "nonce"),
    BAD("nonce-unpadded", "Base64 without its padding.", "paWlpQ==", "paWlpQ", "nonce"),
    BAD("nonce-17", "A nonce of 17 bytes.", "paWlpQ==", "paWlpaU=", "nonce"),
    BAD("thread-long", "A digest of 65 digits.", "\"thread\":\"", "\"thread\":\"0", "thread"),
    BAD("thread-null", "A member that may be absent is never null.",
        "\"thread\":\"3333333333333333333333333333333333333333333333333333333333333333\"", "\"thread\":null", "thread"),
    BAD("re-no-digest", "What is answered is named by its id.", "\"re\":[\"4", "\"re\":[\"X", "re[0]"),
    BAD("re-number", "A number where a text must stand.", "\"re\":[", "\"re\":[7,", "re[0]"),
    BAD("re-none", "An empty list.", "\"re\":[\"" FOURS "\"]", "\"re\":[]", "re"),
    {REPEAT("re-16", "As many as go.", "\"re\":[\"" FOURS "\"", "\"re\":[\"" FOURS "\"",
            ",\"0000000000000000000000000000000000000000000000000000000000000#\"", 15, "")},
    {REPEAT("re-17", "One too many.", "\"re\":[\"" FOURS "\"", "\"re\":[\"" FOURS "\"",
            ",\"0000000000000000000000000000000000000000000000000000000000000#\"", 16, ""),
     .code = "invalid", .path = "re"},
    BAD("precedence-lower-case", "Precedences are in capitals.", "\"IMMEDIATE\"", "\"immediate\"", "precedence"),
    BAD("tlp-white", "The word of an older protocol.", "\"amber+strict\"", "\"white\"", "tlp"),
    BAD("tlp-upper-case", "These words are in small letters.", "\"amber+strict\"", "\"AMBER+STRICT\"", "tlp"),
    BAD("answer-by-no-time", "A date is no time.", "\"answer_by\":\"2021-05-08T10:00:00Z\"",
        "\"answer_by\":\"2021-05-08\"", "answer_by"),
    BAD("to-none", "Only forum.* is to nobody.", TO, "\"to\":[]", "to"),
    BAD("to-twice", "An addressee stands twice.", TO, "\"to\":[\"cert.ru.example\",\"cert.ru.example\"]", "to"),
    BAD("to-author", "The author is no addressee.", TO, "\"to\":[\"cert.ru.example\",\"cert.us.example\"]", "to[1]"),
    BAD("to-no-party", "An addressee's name is no party's.", TO, "\"to\":[\"cert.ru.example\",\"cn\"]", "to[1]"),
    BAD("to-text", "A text where a list must stand.", TO, "\"to\":\"cert.ru.example\"", "to"),
    {REPEAT("to-192", "As many as go.", "\"to\":[\"cert.ru.example\"", "\"to\":[\"cert.ru.example\"", ",\"a#.example\"",
            190, "")},
    {REPEAT("to-193", "One too many.", "\"to\":[\"cert.ru.example\"", "\"to\":[\"cert.ru.example\"", ",\"a#.example\"",
            191, ""),
     .code = "invalid", .path = "to"},
    BAD("desk-upper-case", "A label is of lower-case letters.", "\"judicial\"", "\"Judicial\"", "desk"),
    BAD("desk-empty", "A label of no bytes.", "\"judicial\"", "\"\"", "desk"),
    BAD("heard-size-2^53", "One more than the largest integer.", "\"size\":9007199254740991",
        "\"size\":9007199254740992", "heard[0].size"),
    BAD("heard-epoch-float", "A float.", "\"epoch\":1", "\"epoch\":1.5", "heard[0].epoch"),
    BAD("heard-unknown", "A member that no table names.", "\"epoch\":1", "\"epoch\":1,\"x\":2", "heard[0].x"),
    BAD("heard-party", "A name that is no party's.", "\"party\":\"cert.ru.example\"", "\"party\":\"ru\"",
        "heard[0].party"),
    BAD("heard-order", "A member stands behind one that follows it.", "\"party\":\"cert.ru.example\",\"epoch\":1",
        "\"epoch\":1,\"party\":\"cert.ru.example\"", "heard[0].party"),
    BAD("heard-root", "A root of 33 bytes.", "\"root\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}],\"held\"",
        "\"root\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}],\"held\"", "heard[0].root"),
    BAD("held-origin", "An origin whose first part is no party.", "\"origin\":\"cert.ru.example/", "\"origin\":\"ru/",
        "held[0].origin"),
    BAD("held-origin-epoch", "An epoch with a zero before it.", "/0\",\"size\":7", "/00\",\"size\":7",
        "held[0].origin"),
    GOOD("held-bulk", "A bulk log.", "notice", "/0\",\"size\":7", "/0/bulk\",\"size\":7"),
    BAD("held-line-newline", "A line without its newline.", "\"line\":\"", "\"line\":\"\\n", "held[0].line"),
    BAD("held-size-negative", "Less than nothing.", "\"size\":7", "\"size\":-7", "held[0].size"),
    BAD("lang-one-letter", "A tag of one letter.", "\"lang\":\"en\"", "\"lang\":\"e\"", "lang"),
    BAD("lang-9-bytes", "A tag of 9 bytes.", "\"lang\":\"en\"", "\"lang\":\"en-GB-oed\"", "lang"),
    BAD("sealed-no-base64", "What is no base64.", "\"sealed\":\"", "\"sealed\":\"=", "sealed"),
    BAD("sealed-broken", "Base64 with a line break.", "\"sealed\":\"", "\"sealed\":\"\\n", "sealed"),
    BAD("sealed-twice", "A member stands twice.", "\"sealed\":", "\"sealed\":\"AAAA\",\"sealed\":", "sealed"),
    GOOD("sealed-spaced", "White space about the member.", "notice", "\"sealed\":\"", "\"sealed\" :\n\""),
    GOOD("sealed-escaped", "Its name in another spelling.", "notice", "\"sealed\":\"", "\"seal\\u0065d\":\""),
    BAD("sealed-and-open", "An open body beside the sealed one.", "\"sealed\":", "\"body\":{},\"sealed\":", "body"),
    BAD("body-digest", "A digest with a letter that is no digit.", "\"body_sha256\":\"", "\"body_sha256\":\"g",
        "body_sha256"),
    BAD("attach-count", "4,097 bytes make two entries.", "\"size\":4096,", "\"size\":4097,", "attach[0].count"),
    BAD("attach-beyond", "A range that ends one entry beyond the bulk log.", "\"first\":1", "\"first\":2", "attach[1]"),
    BAD("attach-far-beyond", "One that starts beyond it.", "\"first\":1", "\"first\":6", "attach[1]"),
    BAD("attach-largest-first", "One whose end is beyond 2^53.", "\"first\":1", "\"first\":9007199254740991",
        "attach[1]"),
    BAD("attach-no-first", "A member is missing.", "\"first\":1,", "", "attach[1].first"),
    BAD("bulk-float", "A float.", "\"bulk\":{\"size\":5", "\"bulk\":{\"size\":5.0", "bulk.size"),
    BAD("bulk-unknown", "A member that no table names.", "\"bulk\":{\"size\":5", "\"bulk\":{\"size\":5,\"x\":0",
        "bulk.x"),
    WRONG("attach-without-bulk", "Files without the bulk log.", "notice", NULL, "", "bulk"),
    WRONG("bulk-without-attach", "The bulk log without files.", "notice", NULL, "", "bulk"),
    GOOD("officer-of-48-bytes", "The longest role.", "notice", "duty officer",
         "123456789-123456789-123456789-123456789-12345678"),
    BAD("officer-of-49-bytes", "One byte too many.", "duty officer",
        "123456789-123456789-123456789-123456789-123456789", "officer"),
    BAD("officer-empty", "A role of no bytes.", "\"officer\":\"duty officer\"", "\"officer\":\"\"", "officer"),
    BAD("tail", "Text behind the payload's end.", "\"officer\":\"duty officer\"}", "\"officer\":\"duty officer\"}}",
        ""),
    {.name = "largest",
     .what = "The largest entry: 65,533 bytes are the most that base64 makes of 65,535.",
     .base = "plain-notice",
     .change = {{"\"sealed\":\"", "\"sealed\":\"", "AAAA", 0, ""}, {"{\"forum\"", "{", " ", 0, "\"forum\""}}},
    {.name = "too-large",
     .what = "One byte of payload more.",
     .base = "plain-notice",
     .change = {{"\"sealed\":\"", "\"sealed\":\"", "AAAA", 0, ""}, {"{\"forum\"", "{", " ", 1, "\"forum\""}},
     .code = "over a limit",
     .path = ""},
    WRONG("ack-no-officer", "An acknowledgement names the officer.", "ack", ",\"officer\":\"duty\"", "", "officer"),
    WRONG("ack-no-re", "It names a statement.", "ack", ",\"re\":[\"" ZEROES "\"]", "", "re"),
    WRONG("ack-two-re", "And only one.", "ack", "\"re\":[", "\"re\":[\"" FOURS "\",", "re"),
    WRONG("reject-no-officer", "So does a rejection.", "reject", ",\"officer\":\"duty\"", "", "officer"),
    WRONG("reject-no-re", "It names a statement.", "reject", ",\"re\":[\"" ZEROES "\"]", "", "re"),
    WRONG("disclosed-no-officer", "And a notice of disclosure.", "disclosed", ",\"officer\":\"duty\"", "", "officer"),
    WRONG("disclosed-two-re", "It is of one statement.", "disclosed", "\"re\":[", "\"re\":[\"" FOURS "\",", "re"),
    WRONG("held-body", "A forum.held says nothing in its body.", "held", "\"body\":{}", "\"body\":{\"x\":1}", "body"),
    WRONG("held-body-list", "A body is an object.", "held", "\"body\":{}", "\"body\":[]", "body"),
    WRONG("held-no-body", "A forum.* statement has an open body.", "held", ",\"body\":{}", "", "body"),
    WRONG("held-sealed", "And no sealed one.", "held", "\"body\":{}",
          "\"sealed\":\"AAAA\",\"body_sha256\":\"" ZEROES "\"", "sealed"),
    WRONG("charter-addressed", "A forum.charter is to nobody.", "part", "\"to\":[]", "\"to\":[\"cert.ru.example\"]",
          "to"),
    WRONG("charter-part-2-of-2", "Parts count from 0.", "part", "\"part\":1", "\"part\":2", "body.part"),
    WRONG("charter-order", "A member stands behind one that follows it.", "part", "\"part\":1,\"parts\":2",
          "\"parts\":2,\"part\":1", "body.part"),
    WRONG("charter-no-parts", "A charter of no parts.", "part", "\"parts\":2", "\"parts\":0", "body.parts"),
    WRONG("charter-no-base64", "What is no base64.", "part", "\"data\":\"AAAA\"", "\"data\":\"AAA\"", "body.data"),
    WRONG("charter-unknown", "A member that no table names.", "part", "\"data\":\"AAAA\"", "\"data\":\"AAAA\",\"x\":1",
          "body.x"),
    {.name = "charter-32768",
     .what = "The largest part: 32,768 bytes.",
     .base = "part",
     .change = {{"\"data\":\"AAAA\"", "\"data\":\"", "AAAA", 10922, "AAA=\""}}},
    {.name = "charter-32769",
     .what = "One byte too many.",
     .base = "part",
     .change = {{"\"data\":\"AAAA\"", "\"data\":\"", "AAAA", 10923, "\""}},
     .code = "invalid",
     .path = "body.data"},
    WRONG("card-addressed", "A forum.card is to nobody.", "card", "\"to\":[]", "\"to\":[\"cert.ru.example\"]", "to"),
    WRONG("card-none", "It carries one card at least.", "card", "\"cards\":[\"AAAA\"]", "\"cards\":[]", "body.cards"),
    WRONG("card-nine", "And eight at most.", "card", "[\"AAAA\"]",
          "[\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\",\"AAAA\"]", "body.cards"),
    WRONG("card-no-base64", "What is no base64.", "card", "[\"AAAA\"]", "[\"AAA\"]", "body.cards[0]"),
    WRONG("card-unknown", "A member that no table names.", "card", "[\"AAAA\"]", "[\"AAAA\"],\"x\":1", "body.x"),
};

/* ---- the good ones ---- */

static struct bytes sealed_for(struct arena *a, uint8_t digest[static SHA256_SIZE], const char *body, size_t n) {
  static const uint8_t numbers[] = {2, 3, 1}; /* ru, cn, us */
  uint8_t keys[3][X25519_SIZE], seed[SEED_SIZE], secret[32];
  struct age_identity id;
  struct buf out = {0}, text = {0};
  memset(seed, 0x5e, sizeof seed);
  for (size_t i = 0; i < n; i++) {
    memset(secret, i + 1 == n ? 1 : numbers[i], sizeof secret);
    assert_true(age_identity_from_secret(&id, secret));
    memcpy(keys[i], id.pub, X25519_SIZE);
  }
  buf_str(&text, "{\"seed\":\"");
  base64_encode(&text, BYTES(seed, sizeof seed), true);
  buf_fmt(&text, "\",\"body\":%s}", body);
  assert_int_equal(body_seal(&out, digest, buf_view(&text), seed, (const uint8_t(*)[X25519_SIZE])keys, n, NULL),
                   PARLEY_OK);
  buf_free(&text);
  return arena_take(a, &out);
}

static struct statement start(struct arena *a, const char *kind, size_t n_to) {
  static const char *const to[] = {"cert.ru.example", "cert.cn.example"};
  struct statement s = {
      .status = STATUS_EXERCISE, .issued = 1620381600, .precedence = IMMEDIATE, .tlp = TLP_AMBER_STRICT, .n_to = n_to};
  memset(s.forum, 0x11, 32);
  memset(s.charter, 0x22, 32);
  memset(s.nonce, 0xA5, 16);
  strcpy(s.from, "cert.us.example");
  strcpy(s.kind, kind);
  strcpy(s.lang, "en");
  s.to = arena_alloc(a, 2 * sizeof *s.to);
  assert_non_null(s.to);
  for (size_t i = 0; i < n_to; i++) strcpy(s.to[i], to[i]);
  return s;
}

static const char *payload_for(struct arena *a, struct statement *s) {
  struct errmsg e = {""};
  struct buf out = {0};
  if (statement_payload(&out, s, &e) != PARLEY_OK) fail_msg("%s", e.text);
  char *text = arena_cstr(a, buf_view(&out));
  assert_non_null(text);
  buf_free(&out);
  json_decref(s->body);
  return text;
}

/* Every optional member. */
static const char *notice(struct arena *a) {
  struct statement s = start(a, "incident.notice", 2);
  struct heard heard = {.party = "cert.ru.example", .epoch = 1, .size = (UINT64_C(1) << 53) - 1};
  struct held held = {.origin = RU_LOG, .size = 7, .line = "\xe2\x80\x94 cert.us.example/mirror AAAA"};
  s.has_thread = s.has_bulk = true;
  memset(s.thread, 0x33, 32);
  s.n_re = s.n_heard = s.n_held = 1;
  memset(s.re[0], 0x44, 32);
  s.answer_by = 1620468000;
  strcpy(s.desk, "judicial");
  s.heard = &heard;
  s.held = &held;
  s.n_attach = 2;
  s.attach[0] = (struct attach){.size = 4096, .first = 0, .count = 1};
  s.attach[1] = (struct attach){.size = 12289, .first = 1, .count = 4};
  s.bulk_size = 5;
  memset(s.bulk_root.b, 0x66, 32);
  strcpy(s.officer, "duty officer");
  s.sealed = sealed_for(a, s.body_sha256, "{}", 3);
  return payload_for(a, &s);
}

static const char *sealed_kind(struct arena *a, const char *kind, const char *body, bool answers) {
  struct statement s = start(a, kind, 1);
  s.n_re = answers;
  if (answers) strcpy(s.officer, "duty");
  s.sealed = sealed_for(a, s.body_sha256, body, 2);
  return payload_for(a, &s);
}

static const char *open_kind(struct arena *a, const char *kind, json_t *body) {
  struct statement s = start(a, kind, 0);
  assert_non_null(body);
  s.body = body;
  return payload_for(a, &s);
}

/* Without the member that stands from `first` to `last`. */
static void cut(struct arena *a, struct forum_case *c, const char *text, const char *first, const char *last) {
  const char *from = strstr(text, first), *to = strstr(text, last);
  assert_true(from != NULL && to != NULL && from < to);
  c->change[0].from = arena_fmt(a, "%.*s", (int)(to - from), from);
}

/* Fills the entry of this payload: as many units of 4 characters of base64 as go, then so many spaces. */
static void fill_up(struct forum_case *c, const char *payload) {
  const size_t around = strlen("{\"payload\":\"\",\"payloadType\":\"" STATEMENT_TYPE
                               "\",\"signatures\":[{\"keyid\":\"\",\"sig\":\"\"}]}") +
                        64 + 88;
  const size_t room = (ENTRY_MAX - around) / 4 * 3 - strlen(payload);
  c->change[0].times = (int)(room / 4);
  c->change[1].times += (int)(room % 4);
}

struct forum_group forum_statements(struct arena *a) {
  const size_t more = sizeof table / sizeof *table;
  struct forum_case *cases = arena_alloc(a, (more + 8) * sizeof *cases);
  assert_non_null(cases);
  const char *text = notice(a), *plain = sealed_kind(a, "incident.notice", "{}", false);
  const struct forum_case good[] = {
      {.name = "notice", .what = "A sealed statement with every member that may be absent.", .payload = text},
      {.name = "plain-notice", .what = "One with none of them.", .payload = plain},
      {.name = "ack", .what = "An acknowledgement.", .payload = sealed_kind(a, "ack", "{}", true)},
      {.name = "reject", .what = "A rejection.", .payload = sealed_kind(a, "reject", "{\"ground\":\"form\"}", true)},
      {.name = "disclosed",
       .what = "A notice of disclosure.",
       .payload = sealed_kind(a, "notice.disclosed", "{\"reasons\":\"by order of the court\"}", true)},
      {.name = "held",
       .what = "Bookkeeping: an open body, to nobody.",
       .payload = open_kind(a, "forum.held", json_object())},
      {.name = "part",
       .what = "The second part of a charter in two.",
       .payload = open_kind(a, "forum.charter", json_pack("{s:i,s:i,s:s}", "part", 1, "parts", 2, "data", "AAAA"))},
      {.name = "card",
       .what = "A new card; what it carries is judged by who takes it.",
       .payload = open_kind(a, "forum.card", json_pack("{s:[s]}", "cards", "AAAA"))},
  };
  size_t n = sizeof good / sizeof *good;
  memcpy(cases, good, sizeof good);
  for (size_t i = 0; i < n; i++) cases[i].signers[0] = "us.statement";
  for (size_t i = 0; i < more; i++) {
    struct forum_case *c = &cases[n++];
    *c = table[i];
    if (strcmp(c->name, "attach-without-bulk") == 0) cut(a, c, text, "\"bulk\":", "\"officer\":");
    if (strcmp(c->name, "bulk-without-attach") == 0) cut(a, c, text, "\"attach\":", "\"bulk\":");
    if (strcmp(c->name, "largest") == 0 || strcmp(c->name, "too-large") == 0) fill_up(c, plain);
  }
  return (struct forum_group){"statements/statements.json", STATEMENT_TYPE, cases, n};
}
