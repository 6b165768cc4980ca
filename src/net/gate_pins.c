#include "net/gate_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"

#define PIN_PREFIX "sha256//"

static int by_spki(const void *a, const void *b) {
  const struct gate_pin *x = a, *y = b;
  return memcmp(x->spki, y->spki, SHA256_SIZE);
}

void gate_pins_free(struct gate_pins *t) {
  for (size_t i = 0; i < t->n; i++) {
    free(t->v[i].name);
  }
  free(t->v);
  *t = (struct gate_pins){0};
}

const char *gate_pins_find(const struct gate_pins *t, const uint8_t spki[static SHA256_SIZE]) {
  if (t->n == 0) {
    return NULL;
  }
  struct gate_pin key = {.name = NULL};
  memcpy(key.spki, spki, SHA256_SIZE);
  const struct gate_pin *found = bsearch(&key, t->v, t->n, sizeof *t->v, by_spki);
  return found == NULL ? NULL : found->name;
}

static parley_err pin_make(struct gate_pin *out, const char *name, const char *pin, struct errmsg *e) {
  const size_t name_size = name == NULL ? 0 : strlen(name);
  if (name_size == 0 || name_size > GATE_NAME_MAX) {
    return err_set(e, PARLEY_EINVAL, "name of a pinned party must have 1 to %d bytes", GATE_NAME_MAX);
  }
  const size_t prefix = strlen(PIN_PREFIX);
  if (pin == NULL || strncmp(pin, PIN_PREFIX, prefix) != 0 ||
      !base64_decode_fixed(out->spki, SHA256_SIZE, bytes_str(pin + prefix), true)) {
    return err_set(e, PARLEY_EINVAL, "link pin of %s must be \"sha256//\" and the base64 of 32 bytes", name);
  }
  out->name = strdup(name);
  return out->name == NULL ? err_set(e, PARLEY_ENOMEM, "out of memory for link pins") : PARLEY_OK;
}

/* One key is one party: with two names for it nobody could say who connected. */
static parley_err pins_unique(const struct gate_pins *t, struct errmsg *e) {
  for (size_t i = 1; i < t->n; i++) {
    if (memcmp(t->v[i - 1].spki, t->v[i].spki, SHA256_SIZE) == 0 && strcmp(t->v[i - 1].name, t->v[i].name) != 0) {
      return err_set(e, PARLEY_ECONFLICT, "%s and %s have the same link pin", t->v[i - 1].name, t->v[i].name);
    }
  }
  return PARLEY_OK;
}

parley_err gate_pins_make(struct gate_pins *out, const char *const *names, const char *const *pins, size_t n,
                          struct errmsg *e) {
  *out = (struct gate_pins){0};
  if (n > GATE_PINS_MAX) {
    return err_set(e, PARLEY_ELIMIT, "%zu link pins are more than the gate takes (%d)", n, GATE_PINS_MAX);
  }
  if (n == 0) {
    return PARLEY_OK;
  }
  out->v = calloc(n, sizeof *out->v);
  if (out->v == NULL) {
    return err_set(e, PARLEY_ENOMEM, "out of memory for link pins");
  }
  for (; out->n < n; out->n++) {
    const parley_err err = pin_make(&out->v[out->n], names[out->n], pins[out->n], e);
    if (err != PARLEY_OK) {
      gate_pins_free(out);
      return err;
    }
  }
  qsort(out->v, out->n, sizeof *out->v, by_spki);
  const parley_err err = pins_unique(out, e);
  if (err != PARLEY_OK) {
    gate_pins_free(out);
  }
  return err;
}
