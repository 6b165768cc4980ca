/*
 * Notes and checkpoints by two readers that share nothing (note_oracle.h): one verdict, one meaning.
 */
#include <stdlib.h>

#include "formats/note.h"
#include "fuzz/note_oracle.h"

static void must(bool x) {
  if (!x) abort();
}

static uint32_t sum(struct bytes b) {
  uint32_t s = 2166136261u;
  for (size_t i = 0; i < b.n; i++) s = oracle_sum(s, b.p[i]);
  return s;
}

static void checkpoints(struct bytes in) {
  struct checkpoint c;
  struct oracle_checkpoint o;
  const bool ours = checkpoint_parse(&c, in, NULL) == PARLEY_OK, theirs = oracle_checkpoint(&o, in.p, in.n);
  must(ours == theirs);
  if (ours)
    must(c.origin.p == in.p && c.origin.n == o.origin_n && c.size == o.size &&
         bytes_eq(BYTES(c.root.b, 32), BYTES(o.root, 32)));
}

static void notes(struct bytes in) {
  static struct oracle_note o;
  struct arena a = {0};
  struct note n;
  const bool ours = note_parse(&n, &a, in, NULL) == PARLEY_OK, theirs = oracle_note(&o, in.p, in.n);
  must(ours == theirs);
  for (size_t i = 0; ours && i < n.n; i++)
    must(n.n == o.n && n.text.n == o.text_n && n.sigs[i].name.p == in.p + o.sigs[i].name &&
         n.sigs[i].name.n == o.sigs[i].name_n && n.sigs[i].id == o.sigs[i].id && n.sigs[i].sig.n == o.sigs[i].sig_n &&
         sum(n.sigs[i].sig) == o.sigs[i].sig_sum);
  if (ours) checkpoints(n.text);
  arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  static const uint8_t none[1];
  const struct bytes in = BYTES(n > 0 ? p : none, n);
  notes(in);
  checkpoints(in);
  return 0;
}
