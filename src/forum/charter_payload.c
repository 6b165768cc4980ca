#include <stdlib.h>
#include <string.h>

#include "forum/charter.h"
#include "forum/charter_parts.h"
#include "forum/fields.h"
#include "forum/write.h"

const char *const charter_roles[ROLE_COUNT] = {"member", "chair", "observer", "relay", "suspended"};

const char *member_role_name(enum member_role r) { return charter_roles[r]; }

bool member_role_parse(enum member_role *out, const char *s) {
  for (int r = 0; r < ROLE_COUNT; r++)
    if (strcmp(s, charter_roles[r]) == 0) return *out = (enum member_role)r, true;
  return false;
}

bool member_role_votes(enum member_role r) { return r == ROLE_MEMBER || r == ROLE_CHAIR; }

bool member_role_speaks(enum member_role r) { return r != ROLE_RELAY && r != ROLE_SUSPENDED; }

void charter_defaults(struct charter *c) {
  static const int64_t ack[PRECEDENCE_COUNT] = {600, 1800, 10800, 21600};
  memcpy(c->ack_seconds, ack, sizeof ack);
  c->heartbeat_seconds = 3600;
  c->clock_tolerance_seconds = 300;
  c->attachment_max = INT64_C(100) << 20;
  c->bytes_per_day = INT64_C(1) << 30;
  c->bytes_total = INT64_C(64) << 30;
  c->retention_days = 0;
  strcpy(c->legal, "political");
  strcpy(c->adoption, "consensus");
  strcpy(c->disclosure, "consent");
}

static void open_list(struct buf *out, const char *name) {
  write_name(out, name);
  buf_u8(out, '[');
}

static void open_object(struct buf *out, const char *name) {
  write_name(out, name);
  buf_u8(out, '{');
}

static void put_members(struct buf *out, const struct charter *c) {
  open_list(out, "members");
  for (size_t i = 0; i < c->n_members; i++) {
    write_comma(out);
    buf_u8(out, '{');
    write_str(out, "name", c->members[i].name);
    write_hex(out, "card", c->members[i].fingerprint, SHA256_SIZE);
    write_str(out, "role", charter_roles[c->members[i].role]);
    buf_u8(out, '}');
  }
  buf_u8(out, ']');
}

static void put_numbers(struct buf *out, const struct charter *c) {
  open_object(out, "ack_seconds");
  for (int p = 0; p < PRECEDENCE_COUNT; p++)
    write_int(out, precedence_name((enum precedence)p), (uint64_t)c->ack_seconds[p]);
  buf_u8(out, '}');
  write_int(out, "heartbeat_seconds", (uint64_t)c->heartbeat_seconds);
  write_int(out, "clock_tolerance_seconds", (uint64_t)c->clock_tolerance_seconds);
  write_int(out, "attachment_max", (uint64_t)c->attachment_max);
  write_int(out, "bytes_per_day", (uint64_t)c->bytes_per_day);
  write_int(out, "bytes_total", (uint64_t)c->bytes_total);
  write_str(out, "disclosure", c->disclosure);
  write_int(out, "retention_days", (uint64_t)c->retention_days);
}

static void put_pins(struct buf *out, const char *name, const struct charter_pin *pins, size_t n) {
  open_object(out, name);
  for (size_t i = 0; i < n; i++) write_hex(out, pins[i].name, pins[i].digest, SHA256_SIZE);
  buf_u8(out, '}');
}

static void put_witnesses(struct buf *out, const struct charter *c) {
  open_list(out, "witnesses");
  for (size_t i = 0; i < c->n_witnesses; i++) {
    struct buf text = {0};
    vkey_write(&text, &c->witnesses[i]);
    const char *s = buf_cstr(&text);
    write_comma(out);
    write_quote(out, s != NULL ? s : "");
    out->failed = out->failed || s == NULL;
    buf_free(&text);
  }
  buf_u8(out, ']');
}

static void put_head(struct buf *out, const struct charter *c) {
  write_str(out, "title", c->title);
  open_list(out, "languages");
  for (size_t i = 0; i < c->n_languages; i++) {
    write_comma(out);
    write_quote(out, c->languages[i]);
  }
  buf_u8(out, ']');
  write_b64(out, "nonce", BYTES(c->nonce, sizeof c->nonce));
  write_str(out, "legal", c->legal);
  open_list(out, "fields");
  for (size_t i = 0; i < c->n_fields; i++) {
    write_comma(out);
    write_quote(out, c->fields[i]);
  }
  buf_u8(out, ']');
}

static void write_all(struct buf *out, const struct charter *c) {
  buf_u8(out, '{');
  put_head(out, c);
  put_members(out, c);
  write_str(out, "adoption", c->adoption);
  if (strcmp(c->adoption, "threshold") == 0) write_int(out, "threshold", (uint64_t)c->threshold);
  write_int(out, "quorum", (uint64_t)c->quorum);
  put_numbers(out, c);
  put_pins(out, "forms", c->forms, c->n_forms);
  put_pins(out, "procedures", c->procedures, c->n_procedures);
  put_witnesses(out, c);
  charter_closed_write(out, c);
  open_list(out, "replaces");
  for (size_t i = 0; i < c->n_replaces; i++) write_hex_item(out, c->replaces[i], SHA256_SIZE);
  buf_str(out, "]}");
}

/* What was written is parsed again: the writer refuses whatever a reader would, with the same sentence. */
parley_err charter_payload(struct buf *out, const struct charter *c, struct errmsg *e) {
  size_t before = out->n;
  struct charter *again = malloc(sizeof *again);
  struct arena a = {0};
  parley_err err = PARLEY_ENOMEM;
  if (again != NULL) write_all(out, c);
  if (again != NULL && buf_ok(out))
    err = charter_parse(again, &a, BYTES(out->p + before, out->n - before), e);
  else
    err_set(e, err, "out of memory while writing a charter");
  if (err != PARLEY_OK) out->n = before;
  arena_free(&a);
  free(again);
  return err;
}
