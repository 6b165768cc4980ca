/*
 * What parley says of notes, for tests/interop/go1.24/notes.go: reads, again and again, four bytes of length and a note
 * from standard input, and answers with one line each:
 *
 *   verified|unsigned|refused      the note, with the key that is the first argument
 *   ORIGIN-BYTES SIZE ROOT or -    the same bytes as the text of a checkpoint; ROOT in hex
 *
 * usage: interop-notes VKEY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "formats/note.h"

#define INPUT_MAX (1u << 20)

static const char *verdict(struct bytes in, const struct vkey *key) {
  struct arena a = {0};
  struct note n;
  parley_err err = note_parse(&n, &a, in, NULL);
  if (!err) {
    err = note_verify(&n, key, NULL, NULL, NULL);
    err = err == PARLEY_EVERIFY ? PARLEY_EINVAL : err;
  }
  arena_free(&a);
  return !err ? "verified" : err == PARLEY_ENOTFOUND ? "unsigned" : "refused";
}

static void print_checkpoint(struct bytes in) {
  struct checkpoint c;
  char root[65];
  if (checkpoint_parse(&c, in, NULL)) {
    puts("-");
    return;
  }
  hex_encode(root, BYTES(c.root.b, 32));
  printf("%zu %llu %s\n", c.origin.n, (unsigned long long)c.size, root);
}

static bool read_all(uint8_t *p, size_t n) { return fread(p, 1, n, stdin) == n; }

int main(int argc, char **argv) {
  static uint8_t in[INPUT_MAX];
  uint8_t length[4];
  struct vkey key;
  struct errmsg e;
  if (argc != 2 || vkey_parse(&key, bytes_str(argv[1]), &e)) {
    fprintf(stderr, "usage: interop-notes VKEY\n");
    return 2;
  }
  while (read_all(length, sizeof length)) {
    const size_t n = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    if (n > sizeof in || !read_all(in, n)) return 1;
    printf("%s ", verdict(BYTES(in, n), &key));
    print_checkpoint(BYTES(in, n));
    fflush(stdout);
  }
  return 0;
}
