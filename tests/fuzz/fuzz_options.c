/*
 * What people type: the input's lines are the arguments of a verb (the first byte chooses it). Also fingerprints, times,
 * names of parties, addresses of nodes, and text from outside on its way to the screen.
 */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/encoding.h"
#include "cli/envelope.h"
#include "cli/options.h"
#include "cli/output.h"
#include "net/client.h"

#define ARGS_MAX 24

static const struct verb *const tried[] = {&verb_send, &verb_trust, &verb_forum_propose, &verb_inbox, &verb_verify};

static void must(bool x) {
  if (!x) abort();
}

static void read_args(const struct verb *v, struct arena *a, int argc, char **argv) {
  struct args out;
  struct errmsg e = {{0}};
  int64_t number = 5;
  if (args_parse(&out, a, v, argc, argv, &e)) {
    must(e.text[0] != '\0' && utf8_valid(bytes_str(e.text)));
    return;
  }
  must(out.help || out.n_arg >= v->min_args);
  for (const struct option *o = v->options; o && o->name; o++) {
    args_flag(&out, o->name);
    if (!o->value || o->list) continue;
    if (args_number(&number, &out, o->name, 0, 100, &e))
      must(e.text[0] != '\0');
    else
      must(number >= 0 && number <= 100);
  }
}

static void read_text(struct cli *c, const char *text) {
  uint8_t fp[SHA256_SIZE];
  struct errmsg e = {{0}};
  int64_t t;
  fingerprint_parse(fp, text);
  if (fingerprint_read(fp, text, &e)) must(e.text[0] != '\0');
  time_parse(&t, bytes_str(text));
  party_name_valid(text);
  const char *line = out_line(c, text);
  must(utf8_valid(bytes_str(line)));
  for (const char *p = line; *p; p++) must((unsigned char)*p >= ' ' && *p != 0x7f);
  must(out_width(out_cut(c, text, 7)) <= 7);
  out_width(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct cli c = {0};
  char *argv[ARGS_MAX + 1] = {NULL};
  int argc = 0;
  if (n == 0) return 0;
  struct bytes rest = BYTES(p + 1, n - 1), line;
  while (argc < ARGS_MAX && bytes_line(&rest, &line)) argv[argc++] = arena_cstr(&c.arena, line);
  read_args(tried[p[0] % (sizeof tried / sizeof *tried)], &c.arena, argc, argv);
  read_text(&c, arena_cstr(&c.arena, BYTES(p + 1, n - 1)));
  arena_free(&c.arena);
  return 0;
}
