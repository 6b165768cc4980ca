/* A receipt as the node gives it to the command line, {"files": {name: base64}}: whatever is taken is a pack in order. */
#include <stdlib.h>
#include <string.h>

#include "cli/pack_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
  struct arena a = {0};
  struct pack pack;
  struct errmsg e = {{0}};
  json_t *v = NULL;
  if (json_parse(&v, BYTES(p, n), 1 << 22, NULL) == PARLEY_OK) {
    if (pack_from_json(&pack, &a, json_object_get(v, "files"), &e) == PARLEY_OK)
      for (size_t i = 1; i < pack.n; i++)
        if (strcmp(pack.files[i - 1].name, pack.files[i].name) >= 0) abort();
    json_decref(v);
  }
  arena_free(&a);
  return 0;
}
