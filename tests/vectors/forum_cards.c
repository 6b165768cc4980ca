#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/parties.h"
#include "vectors/forum_vectors.h"

/* unit/parties.c makes cards of serial 0; a successor is the same with other numbers, signed by the caller. */
static char *payload_for(struct arena *a, const char *name, uint8_t number, uint64_t serial) {
  struct party p;
  party_open(&p, name, number);
  char *text = payload_of(a, buf_view(&p.envelope));
  party_close(&p);
  return serial == 0 ? text : replaced(a, text, "\"serial\":0", arena_fmt(a, "\"serial\":%d", (int)serial));
}

struct bytes forum_card_of(struct arena *a, const char *name, uint8_t number) {
  struct party p;
  party_open(&p, name, number);
  const struct bytes env = arena_copy(a, buf_view(&p.envelope));
  party_close(&p);
  return env;
}

#define US_SIGN                                                                                                        \
  { "us.statement", "us.log", "us.mirror" }
#define CHANGED(name_, what_, from_, to_)                                                                              \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = "us", .change = { {.from = from_, .to = to_} }                               \
  }
#define BAD(name_, what_, from_, to_, path_) WRONG(name_, what_, "us", from_, to_, path_)
#define SIGNED(name_, what_, base_, before_, code_, path_, ...)                                                        \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = base_, .before = before_, .signers = {__VA_ARGS__}, .code = code_,           \
    .path = path_                                                                                                      \
  }
#define RESPELT(name_, what_, from_, to_, code_, path_)                                                                \
  { .name = name_, .what = what_, .base = "us", .respell = {{.from = from_, .to = to_}}, .code = code_, .path = path_ }

static const struct forum_case table[] = {
    {.name = "largest-serial",
     .what = "2^53 - 1, of which nobody has the card before.",
     .base = "us",
     .change = {{.from = "\"serial\":0", .to = "\"serial\":9007199254740991"}},
     .signers = {"us.statement", "us.log", "us.mirror", "us.rotation"}},
    CHANGED("spaced", "White space between the members of the payload is allowed.", "\"serial\":0,",
            "\"serial\" :\t0 ,\r\n"),
    CHANGED("escaped", "So are other spellings of a text.", "\"label\":\"duty\"", "\"l\\u0061bel\":\"d\\u0075ty\""),
    CHANGED("url-with-path", "An address may have a path.", ":8443\"", ":8443/parley/v1\""),
    BAD("unknown-member", "A member that no table names.", "\"serial\":0", "\"serial\":0,\"colour\":1", "colour"),
    BAD("unknown-key", "The same among the keys.", "\"keys\":{", "\"keys\":{\"colour\":1,", "keys.colour"),
    BAD("unknown-in-seal", "The same in a seal key.", "{\"label\":\"duty\"", "{\"label\":\"duty\",\"x\":1",
        "keys.seal[0].x"),
    BAD("order", "A member stands behind one that follows it.", "\"serial\":0,\"not_before\":\"2020-09-13T12:26:40Z\"",
        "\"not_before\":\"2020-09-13T12:26:40Z\",\"serial\":0", "serial"),
    BAD("no-name", "A member is missing.", "\"name\":\"cert.us.example\",", "", "name"),
    BAD("serial-twice", "A member stands twice.", "\"serial\":0", "\"serial\":0,\"serial\":0", "serial"),
    BAD("serial-float", "A float is no integer.", "\"serial\":0", "\"serial\":0.0", "serial"),
    BAD("serial-exponent", "Nor is a number with an exponent.", "\"serial\":0", "\"serial\":0e0", "serial"),
    BAD("serial-negative", "Serials start at 0.", "\"serial\":0", "\"serial\":-1", "serial"),
    BAD("serial-2^53", "One more than the largest integer.", "\"serial\":0", "\"serial\":9007199254740992", "serial"),
    BAD("serial-text", "A text is no integer.", "\"serial\":0", "\"serial\":\"0\"", "serial"),
    BAD("serial-null", "null is no value.", "\"serial\":0", "\"serial\":null", "serial"),
    BAD("serial-true", "Nor is true an integer.", "\"serial\":0", "\"serial\":true", "serial"),
    BAD("name-one-label", "A name has at least two labels.", "\"name\":\"cert.us.example\"", "\"name\":\"example\"",
        "name"),
    BAD("name-upper-case", "A name is of lower-case letters.", "\"name\":\"cert", "\"name\":\"Cert", "name"),
    BAD("name-empty-label", "No label is empty.", "\"name\":\"cert.us", "\"name\":\"cert..us", "name"),
    BAD("name-final-dot", "Not the last one either.", "\"name\":\"cert.us.example\"", "\"name\":\"cert.us.example.\"",
        "name"),
    BAD("name-hyphen-first", "No label starts with a hyphen.", "\"name\":\"cert", "\"name\":\"-cert", "name"),
    BAD("name-hyphen-last", "No label ends with one.", "\"name\":\"cert.us", "\"name\":\"cert.us-", "name"),
    BAD("name-underscore", "A character that names do not have.", "\"name\":\"cert", "\"name\":\"cert_a", "name"),
    BAD("name-of-65-bytes", "One byte too many.", "\"name\":\"cert.us.example\"",
        "\"name\":\"a123456789a123456789a123456789a123456789a123456789a123456789a.bcd\"", "name"),
    BAD("other-name", "The log key bears the name of another party.", "\"name\":\"cert.us.example\"",
        "\"name\":\"cert.uk.example\"", "keys.log"),
    BAD("time-fraction", "Times are of whole seconds.", "12:26:40Z", "12:26:40.0Z", "not_before"),
    BAD("time-zone", "Times end with Z.", "12:26:40Z", "12:26:40+00:00", "not_before"),
    BAD("time-small-z", "A capital one.", "12:26:40Z", "12:26:40z", "not_before"),
    BAD("time-of-no-day", "The 31st of September.", "2020-09-13", "2020-09-31", "not_before"),
    BAD("time-hour-24", "A day ends before 24 o'clock.", "T22:13:20Z", "T24:00:00Z", "not_after"),
    BAD("time-leap-second", "No leap seconds.", "12:26:40Z", "12:26:60Z", "not_before"),
    BAD("url-http", "Addresses are https.", "\"submission\":\"https://", "\"submission\":\"http://", "submission"),
    BAD("url-no-host", "An address without a host.", "\"submission\":\"https://cert.us.example:8443\"",
        "\"submission\":\"https://\"", "submission"),
    BAD("url-slash", "A final slash.", ":8443\"", ":8443/\"", "submission"),
    BAD("url-query", "A question mark.", ":8443\"", ":8443/a?b\"", "submission"),
    BAD("url-fragment", "A number sign.", ":8443\"", ":8443/a#b\"", "submission"),
    BAD("url-space", "A space.", ":8443\"", ":8443/a b\"", "submission"),
    BAD("url-umlaut", "A letter outside ASCII.", ":8443\"", ":8443/\xc3\xa9\"", "submission"),
    BAD("url-newline", "A line break, which would end a header line.", "/read", "/read\\r\\nHost: x", "monitoring"),
    {.name = "url-of-512-bytes",
     .what = "The longest address.",
     .base = "us",
     .change = {{"\"submission\":\"https://cert.us.example:8443\"", "\"submission\":\"https://a.example/", "p", 494,
                 "\""}}},
    {.name = "url-of-513-bytes",
     .what = "One byte too many.",
     .base = "us",
     .change = {{"\"submission\":\"https://cert.us.example:8443\"", "\"submission\":\"https://a.example/", "p", 495,
                 "\""}},
     .code = "invalid",
     .path = "submission"},
    BAD("pem-empty-line", "Another spelling of the same PEM.", "KEY-----\\n", "KEY-----\\n\\n", "keys.statement"),
    BAD("pem-carriage-return", "Lines that end as elsewhere.", "KEY-----\\n", "KEY-----\\r\\n", "keys.statement"),
    BAD("pem-no-newline", "Without the final newline.", "-----END PUBLIC KEY-----\\n", "-----END PUBLIC KEY-----",
        "keys.statement"),
    BAD("pem-x25519", "A key of another algorithm.", "MCowBQYDK2VwAyEA", "MCowBQYDK2VuAyEA", "keys.statement"),
    {.name = "small-order",
     .what = "A key of small order.",
     .base = "us",
     .change = {{.to = "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
     .code = "invalid",
     .path = "keys.rotation"},
    {.name = "small-order-other-encoding",
     .what = "The same point in an encoding that is not canonical.",
     .base = "us",
     .change = {{.to = "MCowBQYDK2VwAyEA7v///////////////////////////////////////38="}},
     .code = "invalid",
     .path = "keys.rotation"},
    {.name = "log-type",
     .what = "The log key as a vkey of type 0x04.",
     .base = "us",
     .code = "invalid",
     .path = "keys.log"},
    BAD("log-other-name", "The vkey of another name.", "\"log\":\"cert.us.example+", "\"log\":\"cert.us.example/x+",
        "keys.log"),
    BAD("mirror-other-name", "The mirror key is named <party>/mirror.", "\"mirror\":\"cert.us.example/mirror+",
        "\"mirror\":\"cert.us.example+", "keys.mirror"),
    BAD("no-duty", "No seal key has the label duty.", "\"label\":\"duty\"", "\"label\":\"night\"", "keys.seal"),
    BAD("label-upper-case", "A label is of lower-case letters.", "\"label\":\"duty\"", "\"label\":\"Duty\"",
        "keys.seal[0].label"),
    BAD("label-of-33-bytes", "One byte too many.", "\"label\":\"duty\"",
        "\"label\":\"a23456789-123456789-123456789-123\"", "keys.seal[0].label"),
    BAD("label-empty", "A label of no bytes.", "\"label\":\"duty\"", "\"label\":\"\"", "keys.seal[0].label"),
    BAD("recipient-checksum", "A recipient with a letter changed.", "\"recipient\":\"age1", "\"recipient\":\"age1q",
        "keys.seal[0].recipient"),
    BAD("seal-not-object", "A list where an object must stand.", "\"seal\":[{", "\"seal\":[[],{", "keys.seal[0]"),
    BAD("seal-not-list", "A text where a list must stand.", "\"seal\":[", "\"seal\":\"\",\"x\":[", "keys.x"),
    BAD("link-sha1", "A pin by another hash.", "\"sha256//", "\"sha1//", "keys.link[0]"),
    BAD("link-short", "A pin of 30 bytes.", "\"sha256//Afr6+vr6", "\"sha256//Afr6+", "keys.link[0]"),
    BAD("link-number", "A number where a text must stand.", "\"link\":[", "\"link\":[7,", "keys.link[0]"),
    BAD("utf-8", "A lone surrogate.", "\"label\":\"duty\"", "\"label\":\"\\ud800\"", "keys.seal[0].label"),
    BAD("nul", "A U+0000.", "\"label\":\"duty\"", "\"label\":\"duty\\u0000\"", "keys.seal[0].label"),
    BAD("noncharacter", "A noncharacter counts as invalid UTF-8.", "\"label\":\"duty\"", "\"label\":\"\\ufffe\"",
        "keys.seal[0].label"),
    BAD("tail", "Text behind the payload's end.", "]}}", "]}} x", ""),
    BAD("byte-order-mark", "A mark before its beginning.", "{\"name\"", "\xef\xbb\xbf{\"name\"", ""),
    {.name = "size-32768",
     .what = "The largest envelope: 32,768 bytes, for the most part white space.",
     .base = "us",
     .change = {{"{\"name\"", "{", " ", 0, "\"name\""}}},
    {.name = "size-32772",
     .what = "The next size that base64 can make.",
     .base = "us",
     .change = {{"{\"name\"", "{", " ", 0, "\"name\""}},
     .code = "over a limit",
     .path = ""},
    SIGNED("not-mirror", "The mirror key has not signed.", "us", NULL, "does not verify", "signatures[2]",
           "us.statement", "us.log"),
    SIGNED("statement-only", "Only the statement key has.", "us", NULL, "does not verify", "signatures[1]",
           "us.statement"),
    SIGNED("signed-in-other-order", "The first two have changed places.", "us", NULL, "does not verify",
           "signatures[0]", "us.log", "us.statement", "us.mirror"),
    SIGNED("signed-by-stranger", "The mirror key of another party has signed.", "us", NULL, "does not verify",
           "signatures[2]", "us.statement", "us.log", "ru.mirror"),
    SIGNED("fourth-on-serial-0", "A card of serial 0 replaces none.", "us", NULL, "invalid", "signatures",
           "us.statement", "us.log", "us.mirror", "us.rotation"),
    SIGNED("signed-twice", "The same key twice.", "us", NULL, "invalid", "signatures", "us.statement", "us.log",
           "us.log"),
    {.name = "other-payload",
     .what = "The signatures are those of another card.",
     .base = "us",
     .change = {{.from = "\"serial\":0,\"not_before\":\"2020", .to = "\"serial\":0,\"not_before\":\"2021"}},
     .signatures_of = "us",
     .code = "does not verify",
     .path = "signatures[0]"},
    {.name = "other-type",
     .what = "A card in an envelope for charters.",
     .base = "us",
     .type = "application/vnd.parley.charter+json",
     .code = "invalid",
     .path = "payloadType"},
    RESPELT("space-in-envelope", "The envelope is written in one form only.", "\",\"payloadType\"",
            "\", \"payloadType\"", "invalid", ""),
    RESPELT("escape-in-envelope", "So a slash is not escaped.", "application/", "application\\/", "invalid", ""),
    RESPELT("newline-after-envelope", "Nothing follows it.", "\"}]}", "\"}]}\n", "invalid", ""),
    RESPELT("upper-case-keyid", "Key ids are lower-case.", "\"keyid\":\"d016df", "\"keyid\":\"D016DF", "invalid",
            "signatures[0]"),
    RESPELT("unpadded-signature", "Base64 is padded.", "==\"},{", "\"},{", "invalid", "signatures[0]"),
    RESPELT("member-in-envelope", "A member that DSSE does not name.", "{\"payload\"", "{\"a\":1,\"payload\"",
            "invalid", ""),
    SIGNED("us-1-other-signed", "The fourth signature is by another party's rotation key.", "us-1", "us",
           "does not verify", "signatures[3]", "us1.statement", "us1.log", "us1.mirror", "ru.rotation"),
    SIGNED("us-1-own-rotation", "It is by the new card's own rotation key, not by the one before.", "us-1", "us",
           "does not verify", "signatures[3]", "us1.statement", "us1.log", "us1.mirror", "us1.rotation"),
    SIGNED("us-1-three", "It is missing.", "us-1", "us", "does not verify", "signatures[3]", "us1.statement", "us1.log",
           "us1.mirror"),
    SIGNED("us-1-three-alone", "It is missing, and the card before is not held.", "us-1", NULL, "does not verify",
           "signatures[3]", "us1.statement", "us1.log", "us1.mirror"),
    SIGNED("us-1-five", "There is one more.", "us-1", "us", "invalid", "signatures", "us1.statement", "us1.log",
           "us1.mirror", "us.rotation", "ru.rotation"),
    SIGNED("us-1-alone", "The card before is not held: the fourth signature can be by anybody.", "us-1", NULL, NULL,
           NULL, "us1.statement", "us1.log", "us1.mirror", "ru.rotation"),
    SIGNED("us-2-skips", "The card between is not held.", "us-2", "us", "conflict", "serial", "us2.statement",
           "us2.log", "us2.mirror", "us1.rotation"),
    SIGNED("us-again", "The same serial is no successor.", "us", "us", "conflict", "serial", "us.statement", "us.log",
           "us.mirror"),
    SIGNED("ru-after-us", "The card of another party is no successor.", "ru-1", "us", "conflict", "name",
           "ru.statement", "ru.log", "ru.mirror", "us.rotation"),
    {.name = "ru-with-our-seal-key",
     .what = "A key of another party's card: its recipient.",
     .base = "ru",
     .beside = "us",
     .code = "conflict",
     .path = "keys.seal[0]"},
    {.name = "ru-with-our-link-pin",
     .what = "Its pin.",
     .base = "ru",
     .beside = "us",
     .code = "conflict",
     .path = "keys.link[0]"},
    {.name = "ru-with-our-statement-key",
     .what = "Its statement key, here as rotation key.",
     .base = "ru",
     .beside = "us",
     .code = "conflict",
     .path = "keys.rotation"},
    {.name = "rotation-is-statement",
     .what = "A key stands twice in one card.",
     .base = "us",
     .code = "conflict",
     .path = "keys.rotation"},
    {.name = "seal-key-twice",
     .what = "The same recipient under two labels.",
     .base = "us",
     .code = "conflict",
     .path = "keys.seal[1]"},
    {.name = "link-twice", .what = "The same pin twice.", .base = "us", .code = "conflict", .path = "keys.link[1]"},
    {.name = "label-twice",
     .what = "The same label twice.",
     .base = "us",
     .code = "invalid",
     .path = "keys.seal[1].label"},
    {.name = "no-seal", .what = "No seal key.", .base = "us", .code = "invalid", .path = "keys.seal"},
    {.name = "no-link", .what = "No pin.", .base = "us", .code = "invalid", .path = "keys.link"},
    {.name = "five-links", .what = "More than four pins.", .base = "us", .code = "invalid", .path = "keys.link"},
    {.name = "nine-seals", .what = "More than eight seal keys.", .base = "us", .code = "invalid", .path = "keys.seal"},
};

/* Between the two marks, the marks left out. */
static char *between(struct arena *a, const char *text, const char *first, const char *last) {
  const char *from = strstr(text, first), *to = from != NULL ? strstr(from + strlen(first), last) : NULL;
  if (to == NULL) fail_msg("no %s in %s", first, text);
  from += strlen(first);
  return arena_fmt(a, "%.*s", (int)(to - from), from);
}

/* Cases whose change is made of a key. */
static void fill(struct arena *a, struct forum_case *c, const char *us, const char *ru) {
  const char *seal = between(a, us, "\"seal\":[", "]"), *link = between(a, us, "\"link\":[", "]");
  const char *name = c->name;
  struct change *x = &c->change[0];
  if (strcmp(name, "size-32768") == 0 || strcmp(name, "size-32772") == 0) {
    /* envelope = base64 of the payload and what is around it */
    const size_t around = strlen("{\"payload\":\"\",\"payloadType\":\"" CARD_TYPE "\",\"signatures\":[]}") +
                          3 * (strlen("{\"keyid\":\"\",\"sig\":\"\"}") + 64 + 88) + 2;
    const size_t payload = (CARD_SIZE_MAX - around) / 4 * 3;
    x->times = (int)(payload - strlen(us)) + (strcmp(name, "size-32772") == 0 ? 1 : 0);
  } else if (strncmp(name, "small-order", 11) == 0) {
    x->from = between(a, strstr(us, "\"rotation\""), "KEY-----\\n", "\\n");
  } else if (strcmp(name, "log-type") == 0) {
    struct ed25519_key *log = key_of(6);
    *x = (struct change){.from = between(a, us, "\"log\":", ","),
                         .to = vector_vkey(a, "cert.us.example", NOTE_COSIGNATURE, ed25519_public(log))};
    ed25519_free(log);
  } else if (strcmp(name, "ru-with-our-seal-key") == 0) {
    *x = (struct change){.from = between(a, ru, "\"recipient\":\"", "\""),
                         .to = between(a, us, "\"recipient\":\"", "\"")};
  } else if (strcmp(name, "ru-with-our-link-pin") == 0) {
    *x = (struct change){.from = between(a, ru, "\"link\":[", "]"), .to = link};
  } else if (strcmp(name, "ru-with-our-statement-key") == 0) {
    *x = (struct change){.from = between(a, ru, "\"rotation\":", ","), .to = between(a, us, "\"statement\":", ",")};
  } else if (strcmp(name, "rotation-is-statement") == 0) {
    *x = (struct change){.from = between(a, us, "\"rotation\":", ","), .to = between(a, us, "\"statement\":", ",")};
  } else if (strcmp(name, "seal-key-twice") == 0) {
    *x = (struct change){.from = seal, .to = arena_fmt(a, "%s,%s", seal, replaced(a, seal, "duty", "night"))};
  } else if (strcmp(name, "label-twice") == 0) {
    *x = (struct change){.from = seal, .to = arena_fmt(a, "%s,%s", seal, seal)};
  } else if (strcmp(name, "no-seal") == 0) {
    *x = (struct change){.from = seal, .to = ""};
  } else if (strcmp(name, "nine-seals") == 0) {
    *x = (struct change){
        .from = seal, .to = seal, .repeat = arena_fmt(a, ",%s", replaced(a, seal, "duty", "d#")), .times = 8};
  } else if (strcmp(name, "link-twice") == 0) {
    *x = (struct change){.from = link, .to = arena_fmt(a, "%s,%s", link, link)};
  } else if (strcmp(name, "no-link") == 0) {
    *x = (struct change){.from = link, .to = ""};
  } else if (strcmp(name, "five-links") == 0) {
    *x = (struct change){.from = link, .to = link, .repeat = arena_fmt(a, ",%s", link), .times = 4};
  }
}

/* The good ones, of which the others are made. */
static size_t good(struct forum_case *out, struct arena *a, const char *us, const char *ru) {
  const char *full = replaced(a, replaced(a, us, "]}}", ",\"sha256//AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"]}}"),
                              "\"}],\"link\"",
                              "\"},{\"label\":\"judicial-2\",\"recipient\":"
                              "\"age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z\"}],\"link\"");
  const struct forum_case list[] = {
      {.name = "us", .what = "A card of serial 0.", .payload = us, .signers = US_SIGN},
      {.name = "ru",
       .what = "That of another party.",
       .payload = ru,
       .signers = {"ru.statement", "ru.log", "ru.mirror"}},
      {.name = "two-desks", .what = "Two seal keys and two pins.", .payload = full, .signers = US_SIGN},
      {.name = "long",
       .what = "The longest name: 64 bytes.",
       .payload = payload_for(a, "a123456789a123456789a123456789a123456789a123456789a123456789a.bc", 1, 0),
       .signers = US_SIGN},
      {.name = "us-1",
       .what = "The successor of us, with all keys replaced.",
       .payload = payload_for(a, "cert.us.example", 11, 1),
       .before = "us",
       .signers = {"us1.statement", "us1.log", "us1.mirror", "us.rotation"}},
      {.name = "us-2",
       .what = "The successor of us-1.",
       .payload = payload_for(a, "cert.us.example", 12, 2),
       .before = "us-1",
       .signers = {"us2.statement", "us2.log", "us2.mirror", "us1.rotation"}},
      {.name = "us-1-kept",
       .what = "Another successor of us: all keys stay.",
       .payload = payload_for(a, "cert.us.example", 1, 1),
       .before = "us",
       .signers = {"us.statement", "us.log", "us.mirror", "us.rotation"}},
      {.name = "ru-1",
       .what = "The successor of ru, which keeps its keys.",
       .payload = payload_for(a, "cert.ru.example", 2, 1),
       .before = "ru",
       .signers = {"ru.statement", "ru.log", "ru.mirror", "ru.rotation"}},
  };
  memcpy(out, list, sizeof list);
  return sizeof list / sizeof *list;
}

struct forum_group forum_cards(struct arena *a) {
  const size_t more = sizeof table / sizeof *table;
  struct forum_case *cases = arena_alloc(a, (more + 16) * sizeof *cases);
  assert_non_null(cases);
  const char *us = payload_for(a, "cert.us.example", 1, 0), *ru = payload_for(a, "cert.ru.example", 2, 0);
  size_t n = good(cases, a, us, ru);
  for (size_t i = 0; i < more; i++) {
    cases[n] = table[i];
    fill(a, &cases[n++], us, ru);
  }
  return (struct forum_group){"cards/cards.json", CARD_TYPE, cases, n};
}
