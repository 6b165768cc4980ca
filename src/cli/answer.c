#include "cli/answer.h"

#include <string.h>

#include "cli/api.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/answer.h"

parley_err answer_post(struct cli *c, const char **id, const char *to, const char *tail, const char *officer, json_t *o,
                       struct errmsg *e) {
  json_t *answer = NULL;
  const char *path = NULL;
  parley_err rc = api_path(c, &path, "/v1/statements/", to, tail, e);
  if (rc == PARLEY_OK && (o == NULL || !json_put_str(o, "officer", officer)))
    rc = err_set(e, PARLEY_EINVAL, _("out of memory, or an option is not valid UTF-8"));
  if (rc == PARLEY_OK) rc = api_call(c, &answer, "POST", path, json_incref(o), e);
  json_decref(o);
  if (rc == PARLEY_OK) *id = arena_strdup(&c->arena, json_text(answer, "id"));
  if (rc == PARLEY_OK && *id == NULL) rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  json_decref(answer);
  return rc;
}

parley_err answer_reasons(struct cli *c, const char **out, const char *value, struct errmsg *e) {
  struct buf text = {0};
  parley_err rc = PARLEY_OK;
  *out = value;
  if (strcmp(value, "-") == 0) {
    rc = file_read(&text, "/dev/stdin", REASONS_MAX + 1, e);
    if (rc == PARLEY_OK && text.n > 0 && text.p[text.n - 1] == '\n') text.n--;
    if (rc == PARLEY_OK) *out = arena_cstr(&c->arena, buf_view(&text));
    buf_free(&text);
  }
  if (rc != PARLEY_OK) return err_prefix(e, rc, _("the reasons"));
  if (*out == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  const size_t n = strlen(*out);
  if (n > 0 && n <= REASONS_MAX) return PARLEY_OK;
  return err_set(e, PARLEY_EINVAL, _("the reasons have %zu bytes; 1 to %d are possible"), n, REASONS_MAX);
}
