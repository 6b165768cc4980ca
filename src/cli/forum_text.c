/*
 * A charter in plain words, from the JSON of its payload (docs/protocol.md, "Charter").
 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/forum.h"
#include "cli/output.h"
#include "cli/text.h"

parley_err forum_get(struct cli *c, json_t **out, const char *id, struct errmsg *e) {
  const char *path;
  const parley_err rc = api_path(c, &path, "/v1/forums/", id, "", e);
  return rc == PARLEY_OK ? api_get(c, out, path, e) : rc;
}

static int64_t number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

/* The strings of an array with commas between them. */
static const char *joined(struct cli *c, const json_t *list) {
  const char *s = "";
  for (size_t i = 0; i < json_array_size(list) && s != NULL; i++) {
    const char *item = json_string_value(json_array_get(list, i));
    s = arena_fmt(&c->arena, "%s%s%s", s, i > 0 ? ", " : "", item != NULL ? item : "");
  }
  return s != NULL ? s : "";
}

const char *forum_state(struct cli *c, const json_t *forum) {
  const char *state = json_text(forum, "state");
  if (strcmp(state, "in_force") == 0) return _("in force");
  if (strcmp(state, "left") == 0) return _("left: we are no longer a member");
  if (strcmp(state, "replaced") == 0) return _("replaced by a later version");
  if (strcmp(state, "conflict") == 0) return _("complete, but another version is too, and neither replaces the other");
  if (strcmp(state, "proposed") == 0) return _("waits for our signature");
  const char *s = arena_fmt(&c->arena, _("waits for %s"), joined(c, json_object_get(forum, "missing")));
  return s != NULL ? s : state;
}

static void print_members(struct cli *c, const json_t *forum) {
  const json_t *list = json_object_get(forum, "members");
  out_heading(_("Members"));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *m = json_array_get(list, i);
    const bool is_signed = json_is_true(json_object_get(m, "signed"));
    out_print("  %s (%s), %s\n", out_line(c, json_text(m, "party")), out_line(c, json_text(m, "role")),
              is_signed ? _("has signed") : _("has not signed yet"));
  }
}

static const char *adoption(struct cli *c, const json_t *charter) {
  const char *how = json_text(charter, "adoption");
  if (strcmp(how, "threshold") == 0)
    return arena_fmt(&c->arena,
                     text_n("when %lld member agrees; quorum %lld", "when %lld members agree; quorum %lld",
                            (unsigned long)number(charter, "threshold")),
                     (long long)number(charter, "threshold"), (long long)number(charter, "quorum"));
  return arena_fmt(&c->arena, _("by %s; quorum %lld"), how, (long long)number(charter, "quorum"));
}

static void print_times(struct cli *c, const json_t *charter) {
  static const char *const names[] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
  const json_t *ack = json_object_get(charter, "ack_seconds");
  out_heading(_("Times"));
  for (size_t i = 0; i < 4; i++) {
    const char *within = arena_fmt(&c->arena, _("acknowledged within %s"), out_period(c, number(ack, names[i])));
    out_field(c, 2, names[i], within);
  }
  out_field(c, 2, _("Heartbeat"),
            arena_fmt(&c->arena, _("every %s each side shows that its line is up"),
                      out_period(c, number(charter, "heartbeat_seconds"))));
  out_field(c, 2, _("Clocks"),
            arena_fmt(&c->arena, _("may differ by %s"), out_period(c, number(charter, "clock_tolerance_seconds"))));
}

static void print_limits(struct cli *c, const json_t *charter) {
  const int64_t days = number(charter, "retention_days");
  out_heading(_("Limits"));
  out_field(c, 2, _("One file"), out_size(c, (uint64_t)number(charter, "attachment_max")));
  out_field(c, 2, _("Each member"),
            arena_fmt(&c->arena, _("%s a day, %s in all"), out_size(c, (uint64_t)number(charter, "bytes_per_day")),
                      out_size(c, (uint64_t)number(charter, "bytes_total"))));
  out_field(c, 2, _("Disclosure"),
            strcmp(json_text(charter, "disclosure"), "free") == 0 ? _("each member may disclose")
                                                                  : _("only with the consent of the others"));
  out_field(c, 2, _("Kept"), days == 0 ? _("for good; nothing is deleted") : out_period(c, days * 86400));
}

/* The names of an object's members. */
static const char *keys(struct cli *c, json_t *o) {
  const char *s = "", *key;
  json_t *value;
  json_object_foreach(o, key, value) {
    s = arena_fmt(&c->arena, "%s%s%s", s, s[0] != '\0' ? ", " : "", key);
    if (s == NULL) return "";
  }
  return s;
}

static void print_rules(struct cli *c, const json_t *charter) {
  const json_t *witnesses = json_object_get(charter, "witnesses");
  out_heading(_("Rules"));
  out_field(c, 2, _("Character"), json_text(charter, "legal"));
  out_field(c, 2, _("Fields"), joined(c, json_object_get(charter, "fields")));
  out_field(c, 2, _("Languages"), joined(c, json_object_get(charter, "languages")));
  out_field(c, 2, _("Adoption"), adoption(c, charter));
  out_field(c, 2, _("Forms"), keys(c, json_object_get(charter, "forms")));
  out_field(c, 2, _("Procedures"), keys(c, json_object_get(charter, "procedures")));
  if (json_array_size(witnesses) > 0) out_field(c, 2, _("Witnesses"), joined(c, witnesses));
}

static void print_problems(struct cli *c, const json_t *list) {
  if (json_array_size(list) == 0) return;
  out_heading(_("What stands against it"));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *s = json_string_value(json_array_get(list, i));
    out_print("  - %s\n", out_line(c, s));
  }
}

void forum_print(struct cli *c, const json_t *forum) {
  const json_t *charter = json_object_get(forum, "charter");
  out_field(c, 0, _("Forum"), json_text(forum, "title"));
  out_field(c, 0, _("Id"), json_text(forum, "forum"));
  if (strcmp(json_text(forum, "version"), json_text(forum, "forum")) != 0)
    out_field(c, 0, _("Version"), json_text(forum, "version"));
  out_field(c, 0, _("State"), forum_state(c, forum));
  out_field(c, 0, _("Proposed by"), json_text(forum, "proposed_by"));
  print_members(c, forum);
  if (charter != NULL && json_object_get(forum, "in_force") != NULL)
    forum_print_changes(c, json_object_get(forum, "in_force"), charter);
  forum_print_versions(c, forum);
  if (charter != NULL) {
    print_rules(c, charter);
    print_times(c, charter);
    print_limits(c, charter);
  }
  print_problems(c, json_object_get(forum, "problems"));
}
