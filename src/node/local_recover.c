/*
 * The local API: POST /v1/recover {"forum"?, "role"?, "dry_run"?}. The answer comes when all is done, or found out.
 */
#include <string.h>

#include "base/json_load.h"
#include "node/call.h"
#include "node/recover.h"

void local_recover(struct node_call *c, struct node_response *out) {
  static const char *const members[] = {"forum", "role", "dry_run", NULL};
  struct errmsg e = {{0}};
  json_t *q = NULL;
  const char *forum = NULL, *role = NULL;
  parley_err r = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  if (!r) r = json_only(q, "", members, &e);
  if (!r) r = json_get_str_opt(&forum, q, "", "forum", &e);
  if (!r) r = json_get_str_opt(&role, q, "", "role", &e);
  const json_t *dry_run = r ? NULL : json_object_get(q, "dry_run");
  if (dry_run && !json_is_boolean(dry_run)) r = err_set(&e, PARLEY_EINVAL, "dry_run: must be true or false");
  if (!r && role && strcmp(role, "log") && strcmp(role, "mirror"))
    r = err_set(&e, PARLEY_EINVAL, "role: must be log or mirror");
  if (!r)
    r = recovery_begin(c->n, c, forum ? forum : "", !role || !strcmp(role, "log"), !role || !strcmp(role, "mirror"),
                       json_is_true(dry_run), &e);
  json_decref(q);
  if (r) answer_err(c, out, r, &e);
}
