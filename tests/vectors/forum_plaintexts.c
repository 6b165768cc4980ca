#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vectors/forum_vectors.h"

#define SEED "\"seed\":\"Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=\""
#define DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
#define FILE_A "{\"name\":\"a\",\"type\":\"text/plain\",\"size\":5,\"sha256\":\"" DIGEST "\"}"
#define BAD(name_, what_, from_, to_, path_) WRONG(name_, what_, "file", from_, to_, path_)
#define GOOD(name_, what_, from_, to_)                                                                                 \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = "file", .change = { {.from = from_, .to = to_} }                             \
  }
#define ANSWER(name_, what_, kind_, body_, path_)                                                                      \
  {                                                                                                                    \
    .name = name_, .what = what_, .base = "bare", .change = {{.from = "\"body\":{}", .to = "\"body\":" body_}},        \
    .kind = kind_, .code = (path_)[0] ? "invalid" : NULL, .path = (path_)[0] ? (path_) : NULL                          \
  }

static const struct forum_case table[] = {
    {.name = "bare", .what = "Seed and body, without files.", .payload = "{" SEED ",\"body\":{}}"},
    {.name = "file", .what = "With a file.", .payload = "{" SEED ",\"body\":{},\"files\":[" FILE_A "]}"},
    {.name = "spaced",
     .what = "White space, as its author wrote it: the digest is of these bytes.",
     .payload = " {" SEED " ,\n\"body\" : {\"title\":\"Отчёт \\\"1\\\"\"}}\n"},
    BAD("unknown-member", "A member that is not named.", "{\"seed\"", "{\"x\":1,\"seed\"", "x"),
    BAD("order", "The body stands before the seed.", SEED ",\"body\":{}", "\"body\":{}," SEED, "seed"),
    BAD("seed-short", "A seed of 29 bytes.", "\"seed\":\"Xl5e", "\"seed\":\"", "seed"),
    BAD("body-list", "A body is an object.", "\"body\":{}", "\"body\":[]", "body"),
    BAD("no-body", "A member is missing.", "\"body\":{},", "", "body"),
    BAD("body-member-twice", "A member of the body stands twice.", "\"body\":{}", "\"body\":{\"a\":1,\"a\":1}",
        "body.a"),
    BAD("body-float", "A float in the body.", "\"body\":{}", "\"body\":{\"a\":1.5}", "body.a"),
    {.name = "file-name-255",
     .what = "The longest file name.",
     .base = "file",
     .change = {{"\"name\":\"a\"", "\"name\":\"", "n", 255, "\""}}},
    {.name = "file-name-256",
     .what = "One byte too many.",
     .base = "file",
     .change = {{"\"name\":\"a\"", "\"name\":\"", "n", 256, "\""}},
     .code = "invalid",
     .path = "files[0].name"},
    BAD("file-name-empty", "A name of no bytes.", "\"name\":\"a\"", "\"name\":\"\"", "files[0].name"),
    BAD("file-name-slash", "A path is no base name.", "\"name\":\"a\"", "\"name\":\"../a\"", "files[0].name"),
    BAD("file-name-dot", "This folder.", "\"name\":\"a\"", "\"name\":\".\"", "files[0].name"),
    BAD("file-name-dots", "The folder above.", "\"name\":\"a\"", "\"name\":\"..\"", "files[0].name"),
    GOOD("file-name-three-dots", "A name like any other.", "\"name\":\"a\"", "\"name\":\"...\""),
    BAD("file-name-newline", "A control character.", "\"name\":\"a\"", "\"name\":\"a\\nb\"", "files[0].name"),
    BAD("file-name-del", "Another: U+007F.", "\"name\":\"a\"", "\"name\":\"a\\u007f\"", "files[0].name"),
    BAD("file-name-c1", "Another: U+0085.", "\"name\":\"a\"", "\"name\":\"a\\u0085b\"", "files[0].name"),
    GOOD("file-name-cyrillic", "A name in another alphabet.", "\"name\":\"a\"", "\"name\":\"поток 1.tsv\""),
    BAD("file-type-no-slash", "A media type has two parts.", "text/plain", "text", "files[0].type"),
    BAD("file-type-no-first", "Without its first part.", "text/plain", "/plain", "files[0].type"),
    BAD("file-type-no-second", "Without its second.", "text/plain", "text/", "files[0].type"),
    BAD("file-type-newline", "A line break, which would end a header line.", "text/plain", "text/plain\\r\\nX: y",
        "files[0].type"),
    GOOD("file-type-parameter", "A media type with a parameter.", "text/plain", "text/plain; charset=utf-8"),
    BAD("file-size-negative", "Less than nothing.", "\"size\":5", "\"size\":-5", "files[0].size"),
    GOOD("file-size-0", "An empty file.", "\"size\":5", "\"size\":0"),
    BAD("file-size-float", "A float.", "\"size\":5", "\"size\":5.0", "files[0].size"),
    BAD("file-digest", "A digest of 65 digits.", "\"sha256\":\"", "\"sha256\":\"0", "files[0].sha256"),
    BAD("file-unknown", "A member that is not named.", "\"size\":5", "\"size\":5,\"path\":\"x\"", "files[0].path"),
    BAD("file-order", "A member stands behind one that follows it.", "\"name\":\"a\",\"type\":\"text/plain\"",
        "\"type\":\"text/plain\",\"name\":\"a\"", "files[0].name"),
    BAD("file-number", "A number where an object must stand.", "\"files\":[", "\"files\":[5,", "files[0]"),
    {.name = "files-16",
     .what = "As many files as go.",
     .base = "file",
     .change = {{"\"files\":[", "\"files\":[", FILE_A ",", 15, ""}}},
    {.name = "files-17",
     .what = "One too many.",
     .base = "file",
     .change = {{"\"files\":[", "\"files\":[", FILE_A ",", 16, ""}},
     .code = "invalid",
     .path = "files"},
    BAD("utf-8-escaped", "Half of a surrogate pair.", "\"body\":{}", "\"body\":{\"a\":\"\\udc00\"}", "body.a"),
    BAD("null-text", "A U+0000.", "\"body\":{}", "\"body\":{\"a\":\"\\u0000\"}", "body.a"),
    ANSWER("ack-bare", "An acknowledgement that says nothing.", "ack", "{}", ""),
    ANSWER("ack-note", "One with a note.", "ack", "{\"note\":\"received\"}", ""),
    ANSWER("ack-note-number", "A note is a text.", "ack", "{\"note\":1}", "body.note"),
    ANSWER("ack-unknown", "A member that is not named.", "ack", "{\"ground\":\"form\"}", "body.ground"),
    ANSWER("reject-bare", "A rejection has a ground.", "reject", "{}", "body.ground"),
    ANSWER("reject-unreadable", "The desk's key does not open the body.", "reject", "{\"ground\":\"unreadable\"}", ""),
    ANSWER("reject-sealing", "It is not sealed as it should be.", "reject", "{\"ground\":\"sealing\"}", ""),
    ANSWER("reject-form", "It breaks its form.", "reject", "{\"ground\":\"form\",\"reasons\":\"no field sector\"}", ""),
    ANSWER("reject-language", "Not a language of the charter.", "reject", "{\"ground\":\"language\"}", ""),
    ANSWER("reject-files", "A file is missing.", "reject", "{\"ground\":\"files\"}", ""),
    ANSWER("reject-other", "A ground that is not named.", "reject", "{\"ground\":\"content\"}", "body.ground"),
    ANSWER("reject-order", "The reasons stand before the ground.", "reject", "{\"reasons\":\"x\",\"ground\":\"form\"}",
           "body.ground"),
    ANSWER("reject-no-reasons", "Reasons of no bytes.", "reject", "{\"ground\":\"form\",\"reasons\":\"\"}",
           "body.reasons"),
    ANSWER("disclosed-bare", "A notice of disclosure has reasons.", "notice.disclosed", "{}", "body.reasons"),
    ANSWER("disclosed-reasons", "It has.", "notice.disclosed", "{\"reasons\":\"by order of the court\"}", ""),
    ANSWER("disclosed-ground", "And nothing else.", "notice.disclosed", "{\"ground\":\"form\",\"reasons\":\"x\"}",
           "body.ground"),
    {.name = "reasons-2000",
     .what = "The longest reasons.",
     .base = "bare",
     .kind = "notice.disclosed",
     .change = {{"\"body\":{}", "\"body\":{\"reasons\":\"", "r", 2000, "\"}"}}},
    {.name = "reasons-2001",
     .what = "One byte too many.",
     .base = "bare",
     .kind = "notice.disclosed",
     .change = {{"\"body\":{}", "\"body\":{\"reasons\":\"", "r", 2001, "\"}"}},
     .code = "invalid",
     .path = "body.reasons"},
};

struct forum_group forum_plaintexts(struct arena *a) {
  (void)a;
  return (struct forum_group){"bodies/plaintexts.json", NULL, table, sizeof table / sizeof *table};
}
