#include <string.h>

#include "forum/answer.h"
#include "forum/fields.h"
#include "forum/statement_lists.h"

static parley_err parse_kind(struct statement *s, const json_t *top, struct errmsg *e) {
  const char *status;
  parley_err err = fields_text(s->kind, sizeof s->kind, top, "", "kind", e);
  if (err == PARLEY_OK && !kind_valid(s->kind))
    err = err_set(e, PARLEY_EINVAL, "kind: must be lower-case words joined by dots");
  if (err == PARLEY_OK) err = json_get_str(&status, top, "", "status", e);
  if (err == PARLEY_OK && !status_parse(&s->status, status))
    err = err_set(e, PARLEY_EINVAL, "status: must be actual, exercise or test");
  return err;
}

static parley_err parse_head(struct statement *s, const json_t *top, struct errmsg *e) {
  parley_err err = json_get_hex(s->forum, SHA256_SIZE, top, "", "forum", e);
  if (err == PARLEY_OK) err = json_get_hex(s->charter, SHA256_SIZE, top, "", "charter", e);
  if (err == PARLEY_OK) err = fields_party(s->from, sizeof s->from, top, "", "from", e);
  if (err == PARLEY_OK) err = parse_kind(s, top, e);
  if (err == PARLEY_OK) err = json_get_time(&s->issued, top, "", "issued", e);
  if (err == PARLEY_OK) err = json_get_b64(s->nonce, sizeof s->nonce, top, "", "nonce", e);
  s->has_thread = json_object_get(top, "thread") != NULL;
  if (err == PARLEY_OK && s->has_thread) err = json_get_hex(s->thread, SHA256_SIZE, top, "", "thread", e);
  return err == PARLEY_OK ? statement_parse_re(s, top, e) : err;
}

static parley_err parse_handling(struct statement *s, const json_t *top, struct errmsg *e) {
  const char *text;
  parley_err err = json_get_str(&text, top, "", "precedence", e);
  if (err == PARLEY_OK && !precedence_parse(&s->precedence, text))
    err = err_set(e, PARLEY_EINVAL, "precedence: must be FLASH, IMMEDIATE, PRIORITY or ROUTINE");
  if (err == PARLEY_OK) err = json_get_str(&text, top, "", "tlp", e);
  if (err == PARLEY_OK && !tlp_parse(&s->tlp, text))
    err = err_set(e, PARLEY_EINVAL, "tlp: must be clear, green, amber, amber+strict or red");
  if (err == PARLEY_OK && json_object_get(top, "answer_by") != NULL) {
    err = json_get_time(&s->answer_by, top, "", "answer_by", e);
    if (err == PARLEY_OK && s->answer_by == 0)
      err = err_set(e, PARLEY_EINVAL, "answer_by: no deadline stands at the start of 1970; leave it out");
  }
  return err;
}

static parley_err parse_desk(struct statement *s, const json_t *top, struct errmsg *e) {
  strcpy(s->desk, "duty");
  parley_err err = fields_text_opt(s->desk, sizeof s->desk, top, "", "desk", e);
  if (err == PARLEY_OK && !seal_label_valid(s->desk)) err = err_set(e, PARLEY_EINVAL, "desk: must be of a-z 0-9 -");
  return err;
}

static parley_err parse_text(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  parley_err err = fields_text(s->lang, sizeof s->lang, top, "", "lang", e);
  if (err == PARLEY_OK && !lang_valid(s->lang))
    err = err_set(e, PARLEY_EINVAL, "lang: must be a language tag such as en or ru");
  if (err == PARLEY_OK) err = statement_parse_body(s, a, top, e);
  if (err == PARLEY_OK) err = statement_parse_attach(s, top, e);
  if (err == PARLEY_OK) err = fields_text_opt(s->officer, sizeof s->officer, top, "", "officer", e);
  if (err == PARLEY_OK && !fields_is_line(s->officer))
    err = err_set(e, PARLEY_EINVAL, "officer: must be one line without control characters");
  return err;
}

/* docs/protocol.md, "Kinds of this version". */
static parley_err check_kind(const struct statement *s, struct errmsg *e) {
  const bool to_nobody = strcmp(s->kind, "forum.charter") == 0 || strcmp(s->kind, "forum.card") == 0 ||
                         strcmp(s->kind, "forum.epoch") == 0;
  if (to_nobody && s->n_to > 0)
    return err_set(e, PARLEY_EINVAL, "to: must be empty in a %s", s->kind);
  const enum answer what = answer_of(s->kind);
  if (what == ANSWER_NONE) return PARLEY_OK;
  if (s->n_re != 1) return err_set(e, PARLEY_EINVAL, "re: %s names the one statement that it is about", s->kind);
  return s->officer[0] != '\0' ? PARLEY_OK
                               : err_set(e, PARLEY_EINVAL, "officer: is missing; %s names the officer's role", s->kind);
}

static parley_err parse_payload(struct statement *s, struct arena *a, const json_t *top, struct errmsg *e) {
  const char *const names[] = {"forum", "charter",    "from",   "kind",        "status", "issued", "nonce",   "thread",
                               "re",    "precedence", "tlp",    "answer_by",   "to",     "desk",   "heard",   "held",
                               "lang",  "body",       "sealed", "body_sha256", "attach", "bulk",   "officer", NULL};
  parley_err err = fields_order(top, "", names, e);
  if (err == PARLEY_OK) err = parse_head(s, top, e);
  if (err == PARLEY_OK) err = parse_handling(s, top, e);
  if (err == PARLEY_OK) err = statement_parse_to(s, a, top, e);
  if (err == PARLEY_OK) err = parse_desk(s, top, e);
  if (err == PARLEY_OK) err = statement_parse_heard(s, a, top, e);
  if (err == PARLEY_OK) err = statement_parse_held(s, a, top, e);
  if (err == PARLEY_OK) err = parse_text(s, a, top, e);
  return err == PARLEY_OK ? check_kind(s, e) : err;
}

static parley_err parse_json(json_t **top, struct bytes *sealed, struct arena *a, struct bytes payload,
                             struct errmsg *e) {
  struct bytes rest, taken;
  if (statement_take_sealed(&rest, &taken, a, payload)) {
    parley_err err = json_parse(top, rest, ENTRY_MAX, e);
    if (err != PARLEY_OK) return err;
    const json_t *member = json_object_get(*top, "sealed");
    if (json_is_string(member) && json_string_length(member) == 0) {
      *sealed = taken;
      return PARLEY_OK;
    }
    json_decref(*top); /* it was a member of something inside */
  }
  return json_parse(top, payload, ENTRY_MAX, e);
}

parley_err statement_parse(struct statement *out, struct arena *a, struct bytes entry, struct dsse *envelope,
                           struct errmsg *e) {
  struct dsse d = {0};
  json_t *top = NULL;
  *out = (struct statement){0};
  parley_err err = fields_envelope(&d, a, entry, ENTRY_MAX, STATEMENT_TYPE, e);
  if (err == PARLEY_OK) err = parse_json(&top, &out->sealed, a, d.payload, e);
  if (err == PARLEY_OK) err = parse_payload(out, a, top, e);
  json_decref(top);
  if (err != PARLEY_OK) {
    statement_clear(out);
    return err_prefix(e, err, "statement");
  }
  if (envelope != NULL) *envelope = d;
  return PARLEY_OK;
}
