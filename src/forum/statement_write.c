#include <stdio.h>
#include <string.h>

#include "forum/fields.h"
#include "forum/statement.h"
#include "forum/write.h"

static void open_list(struct buf *out, const char *name) {
  write_name(out, name);
  buf_u8(out, '[');
}

static void open_item(struct buf *out) {
  write_comma(out);
  buf_u8(out, '{');
}

static void put_head(struct buf *out, const struct statement *s) {
  write_hex(out, "forum", s->forum, SHA256_SIZE);
  write_hex(out, "charter", s->charter, SHA256_SIZE);
  write_str(out, "from", s->from);
  write_str(out, "kind", s->kind);
  write_str(out, "status", status_name(s->status));
  write_time(out, "issued", s->issued);
  write_b64(out, "nonce", BYTES(s->nonce, sizeof s->nonce));
}

static void put_place(struct buf *out, const struct statement *s) {
  if (s->has_thread) write_hex(out, "thread", s->thread, SHA256_SIZE);
  if (s->n_re > 0) {
    open_list(out, "re");
    for (size_t i = 0; i < s->n_re; i++) write_hex_item(out, s->re[i], SHA256_SIZE);
    buf_u8(out, ']');
  }
  write_str(out, "precedence", precedence_name(s->precedence));
  write_str(out, "tlp", tlp_name(s->tlp));
  if (s->answer_by != 0) write_time(out, "answer_by", s->answer_by);
  open_list(out, "to");
  for (size_t i = 0; i < s->n_to; i++) {
    write_comma(out);
    write_quote(out, s->to[i]);
  }
  buf_u8(out, ']');
  if (s->desk[0] != '\0' && strcmp(s->desk, "duty") != 0) write_str(out, "desk", s->desk);
}

static void put_heard(struct buf *out, const struct statement *s) {
  if (s->n_heard == 0) return;
  open_list(out, "heard");
  for (size_t i = 0; i < s->n_heard; i++) {
    open_item(out);
    write_str(out, "party", s->heard[i].party);
    write_int(out, "epoch", s->heard[i].epoch);
    write_int(out, "size", s->heard[i].size);
    write_b64(out, "root", BYTES(s->heard[i].root.b, 32));
    buf_u8(out, '}');
  }
  buf_u8(out, ']');
}

static void put_held(struct buf *out, const struct statement *s) {
  if (s->n_held == 0) return;
  open_list(out, "held");
  for (size_t i = 0; i < s->n_held; i++) {
    open_item(out);
    write_str(out, "origin", s->held[i].origin);
    write_int(out, "size", s->held[i].size);
    write_b64(out, "root", BYTES(s->held[i].root.b, 32));
    write_str(out, "line", s->held[i].line);
    buf_u8(out, '}');
  }
  buf_u8(out, ']');
}

static void put_text(struct buf *out, const struct statement *s) {
  write_str(out, "lang", s->lang);
  if (s->sealed.p == NULL) {
    write_name(out, "body");
    json_write(out, s->body);
    return;
  }
  write_b64(out, "sealed", s->sealed);
  write_hex(out, "body_sha256", s->body_sha256, SHA256_SIZE);
}

static void put_attach(struct buf *out, const struct statement *s) {
  if (!s->has_bulk) return;
  open_list(out, "attach");
  for (size_t i = 0; i < s->n_attach; i++) {
    open_item(out);
    write_hex(out, "sha256", s->attach[i].sha256, SHA256_SIZE);
    write_int(out, "size", s->attach[i].size);
    write_int(out, "first", s->attach[i].first);
    write_int(out, "count", s->attach[i].count);
    buf_u8(out, '}');
  }
  buf_str(out, "],\"bulk\":{");
  write_int(out, "size", s->bulk_size);
  write_b64(out, "root", BYTES(s->bulk_root.b, 32));
  buf_u8(out, '}');
}

/* What would be written wrong or not at all; everything else is judged by statement_parse. */
static parley_err check_writable(const struct statement *s, struct errmsg *e) {
  bool open = kind_is_open(s->kind);
  if (open && (s->body == NULL || s->sealed.p != NULL))
    return err_set(e, PARLEY_EINVAL, "body: a statement of kind %s has an open body and no sealed one", s->kind);
  if (!open && (s->body != NULL || s->sealed.p == NULL))
    return err_set(e, PARLEY_EINVAL, "sealed: a statement of kind %s has a sealed body and no open one", s->kind);
  if (s->n_attach > 0 && !s->has_bulk) return err_set(e, PARLEY_EINVAL, "bulk: is missing; it stands with attach");
  if (s->n_re > STATEMENT_RE_MAX || s->n_to > STATEMENT_TO_MAX || s->n_heard > STATEMENT_HEARD_MAX ||
      s->n_held > STATEMENT_HELD_MAX || s->n_attach > STATEMENT_ATTACH_MAX)
    return err_set(e, PARLEY_ELIMIT, "re, to, heard, held or attach has more elements than a statement may have");
  return PARLEY_OK;
}

parley_err statement_payload(struct buf *out, const struct statement *s, struct errmsg *e) {
  parley_err err = check_writable(s, e);
  if (err != PARLEY_OK) return err;
  buf_u8(out, '{');
  put_head(out, s);
  put_place(out, s);
  put_heard(out, s);
  put_held(out, s);
  put_text(out, s);
  put_attach(out, s);
  if (s->officer[0] != '\0') write_str(out, "officer", s->officer);
  buf_u8(out, '}');
  return buf_ok(out) ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory while writing a statement");
}
