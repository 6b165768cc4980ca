#include "vectors/forum_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "unit/parties.h"

#define SIGNERS_MAX 8

/* ---- names of keys ---- */

static const struct {
  const char *name;
  uint8_t number; /* of the party: see party_open */
} parties[] = {{"us", 1}, {"ru", 2}, {"cn", 3}, {"us1", 11}, {"us2", 12}};

static const char *const uses[] = {"statement", "rotation", "log", "mirror"};

const char *forum_seed_name(size_t i, uint8_t *byte) {
  static char name[32];
  if (i / 4 >= sizeof parties / sizeof *parties) return NULL;
  *byte = (uint8_t)(parties[i / 4].number * 4 + i % 4);
  snprintf(name, sizeof name, "%s.%s", parties[i / 4].name, uses[i % 4]);
  return name;
}

char *vector_vkey(struct arena *a, const char *name, uint8_t type, const uint8_t pub[static 32]) {
  struct buf hashed = {0}, b = {0};
  uint8_t digest[SHA256_SIZE];
  buf_fmt(&hashed, "%s\n%c", name, type);
  buf_add(&hashed, pub, 32);
  sha256(digest, buf_view(&hashed));
  buf_fmt(&b, "\"%s+%02x%02x%02x%02x+", name, digest[0], digest[1], digest[2], digest[3]);
  base64_encode(&b, BYTES(hashed.p + strlen(name) + 1, 33), true);
  char *text = arena_fmt(a, "%s\"", buf_cstr(&b));
  buf_free(&hashed);
  buf_free(&b);
  return text;
}

/* ---- making inputs ---- */

static const char *text_of(const json_t *o, const char *name) { return json_string_value(json_object_get(o, name)); }

const json_t *vector_case(const json_t *file, const char *name) {
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(file, "cases"), i, c) if (strcmp(text_of(c, "name"), name) == 0) return c;
  fail_msg("no case %s", name);
  return NULL;
}

static char *changed(struct arena *a, char *text, const json_t *changes) {
  size_t i;
  json_t *x;
  json_array_foreach(changes, i, x) {
    struct buf to = {0};
    const char *unit = text_of(x, "repeat"), *then = text_of(x, "then");
    buf_str(&to, text_of(x, "to"));
    for (int k = 0; unit != NULL && k < json_integer_value(json_object_get(x, "times")); k++)
      for (const char *p = unit; *p != '\0'; p++)
        if (*p == '#')
          buf_fmt(&to, "%03d", k);
        else
          buf_u8(&to, (uint8_t)*p);
    buf_str(&to, then != NULL ? then : "");
    text = replaced(a, text, text_of(x, "from"), buf_cstr(&to));
    buf_free(&to);
  }
  return text;
}

/* The payload of a case, as a C string. */
static char *case_payload(struct arena *a, const json_t *file, const json_t *c) {
  const char *input = text_of(c, "input"), *base = text_of(c, "base");
  if (base != NULL) return changed(a, case_payload(a, file, vector_case(file, base)), json_object_get(c, "change"));
  assert_non_null(input);
  return json_is_null(json_object_get(file, "type")) ? arena_strdup(a, input) : payload_of(a, bytes_str(input));
}

static struct ed25519_key *seed_key(const json_t *file, const char *name) {
  uint8_t seed[32];
  struct ed25519_key *k;
  const char *hex = text_of(json_object_get(file, "seeds"), name);
  if (hex == NULL || !hex_decode(seed, sizeof seed, bytes_str(hex))) fail_msg("no seed %s", name);
  assert_int_equal(ed25519_from_seed(&k, seed, NULL), PARLEY_OK);
  return k;
}

static const json_t *signers_of(const json_t *file, const json_t *c) {
  const json_t *list = json_object_get(c, "signers");
  return list != NULL ? list : signers_of(file, vector_case(file, text_of(c, "base")));
}

static char *sign(struct arena *a, const json_t *file, const json_t *c, const char *type, struct bytes payload) {
  struct dsse_sig sigs[SIGNERS_MAX];
  struct buf pae = {0}, out = {0};
  const json_t *signers = signers_of(file, c);
  const char *other = text_of(c, "signatures_of");
  dsse_pae(&pae, bytes_str(type), other != NULL ? bytes_str(case_payload(a, file, vector_case(file, other))) : payload);
  struct dsse d = {.type = bytes_str(type), .payload = payload, .n = json_array_size(signers), .sigs = sigs};
  assert_in_range(d.n, 1, SIGNERS_MAX);
  for (size_t i = 0; i < d.n; i++) {
    struct ed25519_key *k = seed_key(file, json_string_value(json_array_get(signers, i)));
    ed25519_keyid(sigs[i].keyid, ed25519_public(k));
    ed25519_sign(sigs[i].sig, k, buf_view(&pae));
    ed25519_free(k);
  }
  dsse_write(&out, &d);
  char *text = arena_cstr(a, buf_view(&out));
  assert_non_null(text);
  buf_free(&pae);
  buf_free(&out);
  return text;
}

struct bytes vector_input(struct arena *a, const json_t *file, const json_t *c) {
  const char *input = text_of(c, "input"), *type = text_of(c, "type");
  if (input != NULL) return bytes_str(input);
  char *payload = case_payload(a, file, c);
  if (type == NULL) type = text_of(file, "type");
  if (type == NULL) return bytes_str(payload);
  return bytes_str(changed(a, sign(a, file, c, type, bytes_str(payload)), json_object_get(c, "respell")));
}

/* ---- writing ---- */

static void put(json_t *o, const char *name, const char *s) {
  if (s != NULL) assert_true(json_put_str(o, name, s));
}

static void put_changes(json_t *o, const char *name, const struct change *list, size_t n) {
  json_t *arr = json_array();
  for (size_t i = 0; i < n && list[i].from != NULL; i++) {
    json_t *x = json_object();
    put(x, "from", list[i].from);
    put(x, "to", list[i].to != NULL ? list[i].to : "");
    put(x, "repeat", list[i].repeat);
    if (list[i].repeat != NULL) assert_true(json_put_int(x, "times", list[i].times));
    put(x, "then", list[i].then);
    assert_int_equal(json_array_append_new(arr, x), 0);
  }
  if (json_array_size(arr) > 0) assert_int_equal(json_object_set(o, name, arr), 0);
  json_decref(arr);
}

static void put_signers(json_t *o, const char *const *names) {
  if (names[0] == NULL) return;
  json_t *arr = json_array();
  for (; *names != NULL; names++) assert_int_equal(json_array_append_new(arr, json_string(*names)), 0);
  assert_int_equal(json_object_set_new(o, "signers", arr), 0);
}

/* A good one is signed over its payload, which stands in `input` until then. */
static void put_case(struct arena *a, json_t *file, const struct forum_case *x) {
  json_t *o = json_object();
  assert_int_equal(json_array_append_new(json_object_get(file, "cases"), o), 0);
  put(o, "name", x->name);
  put(o, "what", x->what);
  put(o, "base", x->base);
  put_changes(o, "change", x->change, 3);
  put(o, "type", x->type);
  put_signers(o, x->signers);
  put(o, "signatures_of", x->signatures_of);
  put_changes(o, "respell", x->respell, 2);
  put(o, "before", x->before);
  put(o, "beside", x->beside);
  put(o, "kind", x->kind);
  const char *type = text_of(file, "type");
  if (x->payload != NULL && type != NULL)
    put(o, "input", sign(a, file, o, type, bytes_str(x->payload)));
  else if (x->payload != NULL)
    put(o, "input", x->payload);
  uint8_t digest[SHA256_SIZE];
  sha256(digest, vector_input(a, file, o));
  assert_true(json_put_hex(o, "sha256", digest, sizeof digest));
  put(o, "verdict", x->code != NULL ? "refuse" : "accept");
  put(o, "code", x->code);
  put(o, "path", x->path);
}

json_t *vector_group(struct arena *a, const struct forum_group *g) {
  json_t *file = json_object(), *seeds = json_object();
  const char *name;
  uint8_t byte, seed[32];
  assert_int_equal(json_object_set_new(file, "type", g->type != NULL ? json_string(g->type) : json_null()), 0);
  for (size_t i = 0; (name = forum_seed_name(i, &byte)) != NULL; i++) {
    memset(seed, byte, sizeof seed);
    assert_true(json_put_hex(seeds, name, seed, sizeof seed));
  }
  if (g->type != NULL) assert_int_equal(json_object_set(file, "seeds", seeds), 0);
  json_decref(seeds);
  assert_int_equal(json_object_set_new(file, "cases", json_array()), 0);
  for (size_t i = 0; i < g->n; i++) put_case(a, file, &g->cases[i]);
  return file;
}
