/*
 * Notes, checkpoints and verifier keys. What has one form is written again as it was read; a note is, byte for byte, its
 * text, an empty line and its signature lines.
 */
#include <stdlib.h>

#include "formats/note.h"

static void must(bool x) {
  if (!x) abort();
}

static void one_key(struct bytes in) {
  struct vkey k;
  if (vkey_parse(&k, in, NULL)) return;
  struct buf b = {0};
  vkey_write(&b, &k);
  must(bytes_eq(buf_view(&b), in));
  buf_free(&b);
}

static void one_checkpoint(struct bytes text) {
  struct checkpoint c;
  if (checkpoint_parse(&c, text, NULL)) return;
  struct arena a = {0};
  struct buf b = {0};
  checkpoint_text(&b, arena_cstr(&a, c.origin), c.size, &c.root);
  must(bytes_eq(buf_view(&b), text));
  buf_free(&b);
  arena_free(&a);
}

static void one_note(struct bytes in) {
  /* The public key of an all-zero seed; nobody signs here. */
  static const char text[] = "n+51c64333+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
  struct vkey key;
  must(vkey_parse(&key, bytes_str(text), NULL) == PARLEY_OK);
  struct arena a = {0};
  struct note n;
  if (note_parse(&n, &a, in, NULL) == PARLEY_OK) {
    struct buf b = {0};
    buf_bytes(&b, n.text);
    buf_str(&b, "\n");
    for (size_t i = 0; i < n.n; i++) {
      buf_bytes(&b, n.sigs[i].line);
      must(note_verify_line(n.sigs[i].line, n.text, &key, NULL, NULL) != PARLEY_EINVAL);
    }
    must(bytes_eq(buf_view(&b), in));
    one_checkpoint(n.text);
    must(note_verify(&n, &key, NULL, NULL, NULL) != PARLEY_OK);
    buf_free(&b);
  }
  arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  one_key(BYTES(p, n));
  one_checkpoint(BYTES(p, n));
  one_note(BYTES(p, n));
  return 0;
}
