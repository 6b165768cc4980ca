/*
 * What a new version of a charter changes, in plain words.
 */
#include <stdio.h>
#include <string.h>

#include "cli/forum.h"
#include "cli/output.h"
#include "cli/text.h"

static const json_t *member_of(const json_t *charter, const char *name) {
  const json_t *list = json_object_get(charter, "members");
  for (size_t i = 0; i < json_array_size(list); i++)
    if (strcmp(json_text(json_array_get(list, i), "name"), name) == 0) return json_array_get(list, i);
  return NULL;
}

static size_t joins(struct cli *c, const json_t *was, const json_t *now) {
  const json_t *list = json_object_get(now, "members");
  size_t k = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *m = json_array_get(list, i), *before = member_of(was, json_text(m, "name"));
    const char *name = out_line(c, json_text(m, "name")), *role = json_text(m, "role");
    if (before == NULL) {
      out_print(_("  - %s joins as %s\n"), name, role);
      k++;
      continue;
    }
    if (strcmp(role, json_text(before, "role")) != 0) {
      out_print(_("  - %s is %s from now on, no longer %s\n"), name, role, json_text(before, "role"));
      k++;
    }
    if (strcmp(json_text(m, "card"), json_text(before, "card")) != 0) {
      out_print(_("  - %s is named with its newer card\n"), name);
      k++;
    }
  }
  return k;
}

static size_t leaves(struct cli *c, const json_t *was, const json_t *now) {
  const json_t *list = json_object_get(was, "members");
  size_t k = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *name = json_text(json_array_get(list, i), "name");
    if (member_of(now, name) != NULL) continue;
    out_print(_("  - %s leaves: nothing more of it is taken, and nothing is sent to it\n"), out_line(c, name));
    k++;
  }
  return k;
}

/* A value as people read it: strings without their quotes, the rest as JSON. */
static const char *spelled(struct cli *c, const json_t *v) {
  struct buf text = {0};
  if (v == NULL) return _("none");
  if (json_is_string(v)) return out_line(c, json_string_value(v));
  json_t *o = json_object();
  if (o == NULL || json_object_set(o, "v", (json_t *)(uintptr_t)v) != 0 || !json_write(&text, o)) {
    json_decref(o);
    buf_free(&text);
    return "";
  }
  json_decref(o);
  const char *s = arena_cstr(&c->arena, BYTES(text.p + 5, text.n - 6)); /* {"v":…} */
  buf_free(&text);
  return s != NULL ? out_line(c, s) : "";
}

static size_t rules(struct cli *c, const json_t *was, const json_t *now) {
  static const char *const names[] = {"title",
                                      "languages",
                                      "legal",
                                      "fields",
                                      "adoption",
                                      "threshold",
                                      "quorum",
                                      "ack_seconds",
                                      "heartbeat_seconds",
                                      "clock_tolerance_seconds",
                                      "attachment_max",
                                      "bytes_per_day",
                                      "bytes_total",
                                      "disclosure",
                                      "retention_days",
                                      "forms",
                                      "procedures",
                                      "witnesses",
                                      "closed"};
  size_t k = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *a = json_object_get(was, names[i]), *b = json_object_get(now, names[i]);
    if (a == b || (a != NULL && b != NULL && json_equal(a, b))) continue;
    out_print(_("  - %s: %s, until now %s\n"), names[i], spelled(c, b), spelled(c, a));
    k++;
  }
  return k;
}

void forum_print_changes(struct cli *c, const json_t *was, const json_t *now) {
  out_heading(_("What it changes"));
  const size_t k = joins(c, was, now) + leaves(c, was, now) + rules(c, was, now);
  if (k == 0) out_print("  %s\n", _("nothing but its signatures"));
}
