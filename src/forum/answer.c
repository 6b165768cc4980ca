#include "forum/answer.h"

#include <string.h>

#include "forum/fields.h"

static const char *const kinds[] = {"", "ack", "reject", "notice.disclosed"};
static const char *const grounds[] = {"unreadable", "sealing", "form", "language", "files"};

#define KINDS (sizeof kinds / sizeof *kinds)
#define GROUNDS (sizeof grounds / sizeof *grounds)

enum answer answer_of(const char *kind) {
  for (size_t i = 1; i < KINDS; i++)
    if (strcmp(kinds[i], kind) == 0) return (enum answer)i;
  return ANSWER_NONE;
}

const char *answer_kind(enum answer what) { return kinds[what]; }

const char *ground_name(enum ground g) { return grounds[g]; }

bool ground_parse(enum ground *out, const char *s) {
  for (size_t i = 0; i < GROUNDS; i++)
    if (strcmp(grounds[i], s) == 0) {
      *out = (enum ground)i;
      return true;
    }
  return false;
}

static parley_err parse_ground(struct answer_body *out, const json_t *body, struct errmsg *e) {
  const char *ground;
  parley_err err = json_get_str(&ground, body, "body", "ground", e);
  if (err == PARLEY_OK && !ground_parse(&out->ground, ground))
    err = err_set(e, PARLEY_EINVAL, "body.ground: \"%.40s\" is none of unreadable, sealing, form, language, files",
                  ground);
  return err;
}

/* Optional but in a notice of disclosure, which says nothing else. */
static parley_err parse_reasons(struct answer_body *out, enum answer what, const json_t *body, struct errmsg *e) {
  parley_err err = json_get_str_opt(&out->reasons, body, "body", "reasons", e);
  if (err != PARLEY_OK) return err;
  if (out->reasons == NULL && what == ANSWER_DISCLOSED) return err_set(e, PARLEY_EINVAL, "body.reasons: is missing");
  if (out->reasons == NULL) return PARLEY_OK;
  const size_t n = strlen(out->reasons);
  return n > 0 && n <= REASONS_MAX
             ? PARLEY_OK
             : err_set(e, PARLEY_EINVAL, "body.reasons: has %zu bytes, allowed are 1 to %d", n, REASONS_MAX);
}

parley_err answer_body_parse(struct answer_body *out, enum answer what, const json_t *body, struct errmsg *e) {
  static const char *const ack[] = {"note", NULL}, *const reject[] = {"ground", "reasons", NULL},
                           *const disclosed[] = {"reasons", NULL};
  const char *const *names = what == ANSWER_ACK ? ack : what == ANSWER_REJECT ? reject : disclosed;
  *out = (struct answer_body){0};
  parley_err err = fields_order(body, "body", names, e);
  if (err == PARLEY_OK && what == ANSWER_ACK) return json_get_str_opt(&out->reasons, body, "body", "note", e);
  if (err == PARLEY_OK && what == ANSWER_REJECT) err = parse_ground(out, body, e);
  return err == PARLEY_OK ? parse_reasons(out, what, body, e) : err;
}

json_t *answer_body_make(enum answer what, enum ground ground, const char *reasons) {
  json_t *body = json_object();
  bool ok = body != NULL && (what != ANSWER_REJECT || json_put_str(body, "ground", ground_name(ground)));
  ok = ok && (reasons == NULL || json_put_str(body, what == ANSWER_ACK ? "note" : "reasons", reasons));
  if (ok) return body;
  json_decref(body);
  return NULL;
}
