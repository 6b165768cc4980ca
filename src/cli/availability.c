/*
 * parley availability: each line's provable record in a month, both directions apart, and the proof of each gap.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/time.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define GAPS_SHOWN 10

static long long number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

/* "99.87 %", never rounded up to 100. */
static const char *share(struct cli *c, long long part, long long whole) {
  const long long hundredths = whole > 0 ? part * 10000 / whole : 0;
  return arena_fmt(&c->arena, "%lld.%02lld %%", hundredths / 100, hundredths % 100);
}

/* ---- printing ---- */

static void print_gap(struct cli *c, const json_t *g) {
  const char *missed = arena_fmt(
      &c->arena, text_n("%lld heartbeat missed", "%lld heartbeats missed", (unsigned long)number(g, "missed")),
      number(g, "missed"));
  const char *to = json_is_true(json_object_get(g, "open")) ? _("still open") : out_when(c, g, "to");
  out_print("      %s – %s: %s", out_when(c, g, "from"), to, missed != NULL ? missed : "");
  if (number(g, "not_running") > 0)
    out_print(_(" (our own node did not run for %s of it)"), out_period(c, number(g, "not_running")));
  out_print("\n");
}

static void print_direction(struct cli *c, const char *label, const json_t *d) {
  out_print("    %s\n", label);
  if (json_object_get(d, "seconds") == NULL) {
    out_field(c, 6, _("Line up"), _("nothing is known yet"));
    return;
  }
  const char *since =
      arena_fmt(&c->arena, _("%s since %s"), share(c, number(d, "up"), number(d, "seconds")), out_when(c, d, "from"));
  out_field(c, 6, _("Line up"), since);
  if (json_object_get(d, "delay_median") != NULL)
    out_field(c, 6, _("Delay"),
              arena_fmt(&c->arena, _("median %s, worst %s"), out_period(c, number(d, "delay_median")),
                        out_period(c, number(d, "delay_worst"))));
  out_field(c, 6, _("Missed"),
            arena_fmt(&c->arena, text_n("%lld heartbeat", "%lld heartbeats", (unsigned long)number(d, "missed")),
                      number(d, "missed")));
  const json_t *gaps = json_object_get(d, "gaps");
  for (size_t i = 0; i < json_array_size(gaps) && i < GAPS_SHOWN; i++) print_gap(c, json_array_get(gaps, i));
  if (number(d, "gaps_in_all") > GAPS_SHOWN)
    out_print(_("      … and %lld more (--json, --out)\n"), number(d, "gaps_in_all") - GAPS_SHOWN);
}

static bool wanted(const struct args *a, const json_t *member) {
  const char *party = args_value(a, "party");
  return party == NULL || strcmp(party, json_text(member, "party")) == 0;
}

static void print_forum(struct cli *c, const struct args *a, const json_t *f) {
  size_t i;
  json_t *m;
  out_print(_("\nForum %s (%.12s), a heartbeat every %s\n"), out_line(c, json_text(f, "title")), json_text(f, "forum"),
            out_period(c, number(f, "heartbeat_seconds")));
  json_array_foreach(json_object_get(f, "members"), i, m) {
    if (!wanted(a, m)) continue;
    out_print("  %s\n", out_line(c, json_text(m, "party")));
    print_direction(c, _("We to them (their cosignatures of our log)"), json_object_get(m, "to_them"));
    print_direction(c, _("They to us (our cosignatures of theirs)"), json_object_get(m, "to_us"));
  }
}

/* ---- --out: the proof of each gap ---- */

static parley_err make_dir(const char *path, struct errmsg *e) {
  if (mkdir(path, 0755) == 0 || errno == EEXIST) return PARLEY_OK;
  return err_set(e, PARLEY_EIO, _("%s: it cannot be made: %s"), path, strerror(errno));
}

static parley_err write_note(struct cli *c, const char *dir, const char *party, const char *way, size_t i,
                             const char *when, const json_t *gap, struct errmsg *e) {
  const char *text = json_text(gap, when);
  char path[HOME_PATH_MAX];
  (void)c;
  if (text[0] == '\0') return PARLEY_OK;
  const int n = snprintf(path, sizeof path, "%s/%s.%s.%zu.%s", dir, party, way, i, when);
  if (n < 0 || (size_t)n >= sizeof path) return err_set(e, PARLEY_EINVAL, _("%s: the path is too long"), dir);
  return file_write(path, bytes_str(text), 0644, e);
}

static parley_err write_direction(struct cli *c, const char *dir, const char *party, const char *way, const json_t *d,
                                  size_t *count, struct errmsg *e) {
  size_t i;
  json_t *g;
  json_array_foreach(json_object_get(d, "gaps"), i, g) {
    parley_err r = write_note(c, dir, party, way, i, "before", g, e);
    if (!r) r = write_note(c, dir, party, way, i, "after", g, e);
    if (r) return r;
    (*count)++;
  }
  return PARLEY_OK;
}

static parley_err write_proofs(struct cli *c, const struct args *a, const char *dir, const json_t *forums,
                               size_t *count, struct errmsg *e) {
  size_t i, k;
  json_t *f, *m;
  json_array_foreach(forums, i, f) {
    char at[HOME_PATH_MAX];
    const int n = snprintf(at, sizeof at, "%s/%.12s", dir, json_text(f, "forum"));
    if (n < 0 || (size_t)n >= sizeof at) return err_set(e, PARLEY_EINVAL, _("%s: the path is too long"), dir);
    parley_err r = make_dir(at, e);
    json_array_foreach(json_object_get(f, "members"), k, m) {
      if (!wanted(a, m)) continue;
      if (!r) r = write_direction(c, at, json_text(m, "party"), "to-them", json_object_get(m, "to_them"), count, e);
      if (!r) r = write_direction(c, at, json_text(m, "party"), "to-us", json_object_get(m, "to_us"), count, e);
    }
    if (r) return r;
  }
  return PARLEY_OK;
}

/* ---- the verb ---- */

static bool month_valid(const char *s) {
  return strlen(s) == 7 && strspn(s, "0123456789") == 4 && s[4] == '-' && strspn(s + 5, "0123456789") == 2;
}

static int run(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  char now[TIME_TEXT_SIZE];
  size_t proofs = 0;
  time_format(now, c->now);
  now[7] = '\0';
  const char *month = args_value(a, "month"), *out = args_value(a, "out"), *party = args_value(a, "party");
  if (month == NULL) month = now;
  if (!month_valid(month)) return cli_usage(c, _("\"%.20s\" is no month; write it like 2026-11"), month);
  if (party != NULL && !party_name_valid(party)) return cli_usage(c, _("\"%.80s\" is no party's name"), party);
  const char *path = arena_fmt(&c->arena, "/v1/availability/%s", month);
  if (path == NULL) return cli_no_memory(c);
  parley_err rc = api_get(c, &o, path, &e);
  if (!rc && out != NULL) rc = make_dir(out, &e);
  if (!rc && out != NULL) rc = write_proofs(c, a, out, json_object_get(o, "forums"), &proofs, &e);
  if (rc != PARLEY_OK) {
    json_decref(o);
    return cli_fail(c, rc, &e);
  }
  if (c->json) return out_json(c, o);
  const json_t *forums = json_object_get(o, "forums");
  out_field(c, 0, _("Month"), month);
  for (size_t i = 0; i < json_array_size(forums); i++) print_forum(c, a, json_array_get(forums, i));
  if (json_array_size(forums) == 0) out_print("%s\n", _("No forum is in force here."));
  if (out != NULL)
    out_print(text_n("\nThe cosignatures around %zu gap are in %s.\n",
                     "\nThe cosignatures around %zu gaps are in %s.\n", (unsigned long)proofs),
              proofs, out_line(c, out));
  json_decref(o);
  return EXIT_DONE;
}

static const struct option options[] = {
    {"month", "YYYY-MM", N_("which month (default: this one, UTC)"), false},
    {"party", "PARTY", N_("only the line to that party"), false},
    {"out", "DIR", N_("write the cosignatures around each gap there, as notes"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_availability = {
    .name = "availability",
    .usage = N_("[--month YYYY-MM] [--party PARTY] [--out DIR]"),
    .summary = N_("show how well each line held, provably"),
    .about =
        N_("Shows for each counterpart, each direction apart, how much of the month is covered by cosignatures, how "
           "long they let themselves be waited for, and each gap with the heartbeats missed in it. A gap is bounded "
           "by two signed and dated cosignatures; whoever says that there was one between them can show it. Time in "
           "which our own node did not run is told apart and not held against the other side."),
    .options = options,
    .examples = {"parley availability", "parley availability --month 2026-11 --party ncc.ru.example --out gaps"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
