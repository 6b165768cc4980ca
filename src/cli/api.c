#include "cli/api.h"

#include <string.h>

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- answers ---- */

static parley_err code_by_name(const char *name) {
  for (int code = PARLEY_EINVAL; code <= PARLEY_EEVIDENCE; code++)
    if (strcmp(err_name((parley_err)code), name) == 0) return (parley_err)code;
  return PARLEY_EREFUSED;
}

static parley_err read_error(const struct local_answer *answer, struct errmsg *e) {
  json_t *o = NULL;
  parley_err rc = PARLEY_EREFUSED;
  if (json_parse(&o, buf_view(&answer->body), 65536, NULL) == PARLEY_OK && json_text(o, "message")[0] != '\0')
    rc = err_set(e, code_by_name(json_text(o, "error")), "%s", json_text(o, "message"));
  else
    err_set(e, rc, _("the node answered with HTTP status %u and no explanation; see what parleyd logs"),
            answer->status);
  json_decref(o);
  return rc;
}

static parley_err read_answer(json_t **out, const struct local_answer *answer, struct errmsg *e) {
  if (answer->status < 200 || answer->status > 299) return read_error(answer, e);
  if (answer->body.n == 0) return PARLEY_OK;
  const parley_err rc = json_parse(out, buf_view(&answer->body), HTTP_RESPONSE_MAX, e);
  return rc == PARLEY_OK ? rc : err_prefix(e, rc, "%s", _("the node's answer"));
}

/* ---- requests ---- */

static parley_err socket_path(const struct cli *c, char out[static HOME_PATH_MAX], struct errmsg *e) {
  const parley_err rc = cli_need_home(c, e);
  if (rc != PARLEY_OK) return rc;
  return home_path(&c->home, out, "parleyd.sock")
             ? PARLEY_OK
             : err_set(e, PARLEY_ELIMIT, _("the path of the home is too long: %s"), c->home.dir);
}

parley_err api_call(struct cli *c, json_t **answer, const char *method, const char *path, json_t *body,
                    struct errmsg *e) {
  char sock[HOME_PATH_MAX];
  struct buf text = {0};
  struct local_answer got = {0};
  json_t *o = NULL;
  parley_err rc = socket_path(c, sock, e);
  if (rc == PARLEY_OK && body != NULL && (!json_write(&text, body) || !buf_ok(&text)))
    rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  json_decref(body);
  if (rc == PARLEY_OK)
    rc = local_request(&got, sock, method, path, text.n > 0 ? "application/json" : NULL, buf_view(&text), -1, 0, -1,
                       NULL, NULL, e);
  if (rc == PARLEY_OK) rc = read_answer(&o, &got, e);
  local_answer_free(&got);
  buf_free(&text);
  if (answer != NULL)
    *answer = o;
  else
    json_decref(o);
  return rc;
}

parley_err api_get(struct cli *c, json_t **answer, const char *path, struct errmsg *e) {
  return api_call(c, answer, "GET", path, NULL, e);
}

static parley_err transfer(struct cli *c, const char *method, const char *path, int in, uint64_t size, int out,
                           http_progress progress, void *ctx, struct errmsg *e) {
  char sock[HOME_PATH_MAX];
  struct local_answer got = {0};
  parley_err rc = socket_path(c, sock, e);
  if (rc == PARLEY_OK)
    rc = local_request(&got, sock, method, path, in >= 0 ? "application/octet-stream" : NULL, BYTES_NONE, in, size, out,
                       progress, ctx, e);
  if (rc == PARLEY_OK && (got.status < 200 || got.status > 299)) rc = read_error(&got, e);
  local_answer_free(&got);
  return rc;
}

parley_err api_put_file(struct cli *c, const char *path, int fd, uint64_t size, http_progress progress, void *ctx,
                        struct errmsg *e) {
  return transfer(c, "PUT", path, fd, size, -1, progress, ctx, e);
}

parley_err api_get_file(struct cli *c, const char *path, int fd, http_progress progress, void *ctx, struct errmsg *e) {
  return transfer(c, "GET", path, -1, 0, fd, progress, ctx, e);
}

/* What counterparts are told is plain text: its first line is the reason. */
static parley_err read_refusal(const struct local_answer *answer, struct errmsg *e) {
  struct bytes rest = buf_view(&answer->body), line;
  if (rest.n == 0 || rest.p[0] == '{' || !bytes_line(&rest, &line) || rest.n > 0) return read_error(answer, e);
  return err_set(e, PARLEY_EREFUSED, "%.*s", (int)line.n, (const char *)line.p);
}

parley_err api_bytes(struct cli *c, struct buf *out, unsigned *status, const char *method, const char *path,
                     struct bytes body, struct errmsg *e) {
  char sock[HOME_PATH_MAX];
  struct local_answer got = {0};
  parley_err rc = socket_path(c, sock, e);
  if (rc == PARLEY_OK)
    rc = local_request(&got, sock, method, path, body.n > 0 ? "application/octet-stream" : NULL, body, -1, 0, -1, NULL,
                       NULL, e);
  if (status != NULL) *status = rc == PARLEY_OK ? got.status : 0;
  if (rc == PARLEY_OK && got.status != 200) rc = read_refusal(&got, e);
  buf_free(out);
  *out = got.body;
  return rc;
}

/* ---- parts of requests ---- */

parley_err api_path(struct cli *c, const char **out, const char *before, const char *id, const char *after,
                    struct errmsg *e) {
  const size_t n = strlen(id);
  if (n < 8 || n > 64 || strspn(id, "0123456789abcdef") != n)
    return err_set(e, PARLEY_EINVAL,
                   _("\"%.70s\" is no id: ids are 64 digits (0-9, a-f), of which the first 8 will do"), id);
  *out = arena_fmt(&c->arena, "%s%s%s", before, id, after);
  return *out != NULL ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory"));
}

const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

parley_err api_put_basis(struct cli *c, json_t *o, const char *path, struct errmsg *e) {
  (void)c;
  struct buf data = {0};
  if (path == NULL) return PARLEY_OK;
  const parley_err rc = file_read(&data, path, BASIS_MAX, e);
  if (rc != PARLEY_OK) return rc;
  json_t *basis = json_object();
  const bool ok = basis != NULL && json_put_str(basis, "name", base_name(path)) &&
                  json_put_b64(basis, "data", data.p, data.n) &&
                  json_object_set_new(o, "basis", json_incref(basis)) == 0;
  json_decref(basis);
  buf_free(&data);
  return ok ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, _("out of memory, or the name of %s is not valid UTF-8"), path);
}
