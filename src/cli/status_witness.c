#include "cli/status_witness.h"

#include "cli/output.h"
#include "cli/text.h"

static long long number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

static void print_one(struct cli *c, const json_t *w) {
  const char *title = json_text(w, "title"), *why = json_text(w, "why");
  out_print(_("\nWitness %s\n"), out_line(c, json_text(w, "witness")));
  out_print(_("  Forum %s (%.12s)\n"), out_line(c, title), json_text(w, "forum"));
  if (number(w, "size") > 0)
    out_field(c, 4, _("Cosigned"),
              arena_fmt(&c->arena, _("%lld of %lld entries signed, at %s"), number(w, "size"), number(w, "signed"),
                        out_when(c, w, "time")));
  else
    out_field(c, 4, _("Cosigned"), _("nothing yet"));
  if (!json_is_true(json_object_get(w, "configured"))) {
    out_field(c, 4, _("Why"), _("not configured here: add a line “witness = NAME URL” to parley.conf"));
    return;
  }
  out_field(c, 4, _("Address"), json_text(w, "url"));
  if (json_object_get(w, "failing_since") != NULL) out_field(c, 4, _("Fails since"), out_when(c, w, "failing_since"));
  if (why[0] != '\0') out_field(c, 4, _("Why"), why);
  if (json_object_get(w, "next_attempt") != NULL) out_field(c, 4, _("Next attempt"), out_when(c, w, "next_attempt"));
  if (number(w, "size") == 0) out_field(c, 4, _("Log key"), json_text(w, "log_vkey"));
}

void status_witnesses(struct cli *c, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) print_one(c, json_array_get(list, i));
}
