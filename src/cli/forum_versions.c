/*
 * The versions of a forum's charter, for people; and their envelopes as files.
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/forum.h"
#include "cli/output.h"
#include "cli/text.h"
#include "forum/charter.h"

static const char *names(struct cli *c, const json_t *list) {
  const char *s = "";
  for (size_t i = 0; i < json_array_size(list) && s != NULL; i++) {
    const char *item = json_string_value(json_array_get(list, i));
    s = arena_fmt(&c->arena, "%s%s%s", s, i > 0 ? ", " : "", item != NULL ? item : "");
  }
  return s != NULL ? s : "";
}

static const char *state_of(const json_t *v) {
  const char *state = json_text(v, "state");
  if (strcmp(state, "in_force") == 0) return _("in force");
  if (strcmp(state, "left") == 0) return _("in force, without us");
  if (strcmp(state, "replaced") == 0) return _("replaced");
  if (strcmp(state, "conflict") == 0) return _("complete, but it does not hold");
  if (strcmp(state, "proposed") == 0) return _("waits for our signature");
  return _("waits for others");
}

static void print_rivals(struct cli *c, const json_t *v) {
  const json_t *list = json_object_get(v, "rivals");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *r = json_array_get(list, i), *both = json_object_get(r, "signed_both");
    out_print(_("    in conflict with %.12s: neither replaces the other\n"), json_text(r, "version"));
    if (json_array_size(both) > 0) out_print(_("    signed both: %s\n"), names(c, both));
  }
}

void forum_print_versions(struct cli *c, const json_t *forum) {
  const json_t *list = json_object_get(forum, "versions");
  bool conflict = false;
  if (json_array_size(list) < 2) return;
  out_heading(_("Versions"));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *v = json_array_get(list, i), *missing = json_object_get(v, "missing");
    out_print("  %.12s  %s\n", json_text(v, "version"), state_of(v));
    out_print(_("    signed by %s\n"), names(c, json_object_get(v, "signed")));
    if (json_array_size(missing) > 0) out_print(_("    waits for %s\n"), names(c, missing));
    print_rivals(c, v);
    conflict = conflict || strcmp(json_text(v, "state"), "conflict") == 0;
  }
  if (conflict)
    out_print("\n%s\n",
              _("Of two versions that do not replace each other neither holds; the one before them is in force. A new "
                "version mends it: parley forum amend replaces both."));
}

const char *forum_awaits(const json_t *forum) {
  const json_t *list = json_object_get(forum, "versions");
  const char *found = NULL;
  for (size_t i = 0; i < json_array_size(list); i++)
    if (strcmp(json_text(json_array_get(list, i), "state"), "proposed") == 0) {
      if (found != NULL) return NULL;
      found = json_text(json_array_get(list, i), "version");
    }
  return found;
}

parley_err forum_write_envelope(struct cli *c, const char *version, const char *path, struct errmsg *e) {
  json_t *o = NULL;
  parley_err rc = forum_get(c, &o, version, e);
  const char *text = rc == PARLEY_OK ? json_text(o, "envelope") : "";
  if (rc == PARLEY_OK && text[0] == '\0')
    rc = err_set(e, PARLEY_EREFUSED, _("nobody has signed that version yet, so there is no envelope to write"));
  if (rc == PARLEY_OK) rc = file_write(path, bytes_str(text), 0644, e);
  json_decref(o);
  return rc;
}

parley_err forum_take_file(struct cli *c, const char *path, const char **version, struct errmsg *e) {
  struct buf data = {0}, answer = {0};
  unsigned status = 0;
  json_t *o = NULL;
  parley_err rc = file_read(&data, path, CHARTER_SIZE_MAX, e);
  if (rc == PARLEY_OK) rc = api_bytes(c, &answer, &status, "POST", "/v1/versions", buf_view(&data), e);
  if (rc == PARLEY_OK) rc = json_parse(&o, buf_view(&answer), 65536, e);
  if (rc == PARLEY_OK) *version = arena_strdup(&c->arena, json_text(o, "version"));
  if (rc == PARLEY_OK && *version == NULL) rc = err_set(e, PARLEY_ENOMEM, _("out of memory"));
  json_decref(o);
  buf_free(&data);
  buf_free(&answer);
  return rc;
}
