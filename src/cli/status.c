/*
 * parley status: each counterpart, what is waiting and why; with --probe, what is wrong on the line to one of them.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/probe_text.h"
#include "cli/proof.h"
#include "cli/status_witness.h"
#include "cli/text.h"

#define WAITING_SHOWN 5

static long long number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

/* "2021-05-07 10:00:00 UTC (2 minutes ago)" */
static const char *ago(struct cli *c, const json_t *o, const char *member) {
  int64_t t;
  const char *text = json_text(o, member);
  if (text[0] == '\0') return _("never");
  if (!time_parse(&t, bytes_str(text))) return text;
  int64_t s = c->now - t;
  if (s < 5) return arena_fmt(&c->arena, _("%s (just now)"), out_time(c, t));
  s = s >= 86400 ? s - s % 86400 : s >= 3600 ? s - s % 3600 : s >= 60 ? s - s % 60 : s;
  return arena_fmt(&c->arena, _("%s (%s ago)"), out_time(c, t), out_period(c, s));
}

/* How many, and the ids of the first few. */
static const char *waiting(struct cli *c, const json_t *list) {
  const size_t n = json_array_size(list);
  const char *s = arena_fmt(&c->arena, "%zu:", n);
  for (size_t i = 0; i < n && i < WAITING_SHOWN && s != NULL; i++) {
    const char *id = json_string_value(json_array_get(list, i));
    s = arena_fmt(&c->arena, "%s %.12s", s, id != NULL ? id : "?");
  }
  return n > WAITING_SHOWN && s != NULL ? arena_fmt(&c->arena, "%s …", s) : s;
}

static void print_waiting(struct cli *c, const json_t *f) {
  const json_t *list = json_object_get(f, "waiting");
  const size_t n = json_array_size(list);
  const char *why = json_text(f, "why");
  const json_t *disputed = json_object_get(f, "disputed");
  if (json_array_size(disputed) > 0) out_field(c, 4, _("Disputed"), waiting(c, disputed));
  if (n > 0) out_field(c, 4, _("Waiting"), waiting(c, list));
  if (why[0] != '\0') out_field(c, 4, _("Why"), why);
  if (json_object_get(f, "next_attempt") != NULL) out_field(c, 4, _("Next attempt"), out_when(c, f, "next_attempt"));
  if (n == 0 && why[0] == '\0') out_field(c, 4, _("Waiting"), _("nothing"));
}

/* "99.87 % of the last day, 1 heartbeat missed" */
static void print_up(struct cli *c, const char *label, const json_t *d) {
  const long long seconds = number(d, "seconds"), missed = number(d, "missed");
  if (seconds <= 0) return;
  const long long share = number(d, "up") * 10000 / seconds;
  const char *text = arena_fmt(&c->arena, _("up %lld.%02lld %% of the last %s"), share / 100, share % 100,
                               out_period(c, seconds >= 3600 ? seconds - seconds % 3600 : seconds));
  if (missed > 0 && text != NULL)
    text =
        arena_fmt(&c->arena, text_n("%s, %lld heartbeat missed", "%s, %lld heartbeats missed", (unsigned long)missed),
                  text, missed);
  out_field(c, 4, label, text);
}

/* Whether it answers, and by whom it is reached where it does not. */
static void print_line(struct cli *c, const json_t *f) {
  const char *through = json_text(f, "through"), *theirs = json_text(f, "theirs_through");
  if (json_object_get(f, "down_since") != NULL)
    out_field(c, 4, _("Line"), arena_fmt(&c->arena, _("to them down since %s"), ago(c, f, "down_since")));
  if (through[0] != '\0') out_field(c, 4, _("Reached"), arena_fmt(&c->arena, _("through %s"), out_line(c, through)));
  if (theirs[0] != '\0') out_field(c, 4, _("Reach us"), arena_fmt(&c->arena, _("through %s"), out_line(c, theirs)));
}

static void print_forum(struct cli *c, const json_t *f) {
  const char *title = json_text(f, "title");
  if (title[0] != '\0')
    out_print(_("  Forum %s (%.12s)\n"), out_line(c, title), json_text(f, "forum"));
  else
    out_print(_("  Forum %.12s\n"), json_text(f, "forum"));
  out_field(c, 4, _("Our log"),
            arena_fmt(&c->arena, _("%lld in all, %lld signed, %lld held by them"), number(f, "ours"),
                      number(f, "ours_signed"), number(f, "ours_held")));
  out_field(c, 4, _("Their log"), arena_fmt(&c->arena, _("%lld held by us"), number(f, "theirs")));
  if (number(f, "bulk_ours") > 0)
    out_field(c, 4, _("Our files"),
              arena_fmt(&c->arena,
                        text_n("%lld part in all, %lld held by them", "%lld parts in all, %lld held by them",
                               (unsigned long)number(f, "bulk_ours")),
                        number(f, "bulk_ours"), number(f, "bulk_held")));
  print_line(c, f);
  print_up(c, _("Line out"), json_object_get(f, "to_them"));
  print_up(c, _("Line in"), json_object_get(f, "to_us"));
  print_waiting(c, f);
}

static void print_clock(struct cli *c, const json_t *peer) {
  const long long offset = number(peer, "clock_offset");
  if (json_text(peer, "clock_warning")[0] != '\0')
    out_print(_("  WARNING: clock: %s\n"), out_line(c, json_text(peer, "clock_warning")));
  if (json_object_get(peer, "clock_offset") == NULL || (offset > -2 && offset < 2)) return;
  out_field(c, 2, _("Clock"),
            arena_fmt(&c->arena, offset > 0 ? _("%s ahead of ours") : _("%s behind ours"),
                      out_period(c, offset > 0 ? offset : -offset)));
}

static void print_peer(struct cli *c, const json_t *peer) {
  const json_t *forums = json_object_get(peer, "forums");
  out_print("\n%s\n", out_line(c, json_text(peer, "party")));
  out_field(c, 2, _("Last heard"), ago(c, peer, "last_heard"));
  out_field(c, 2, _("They to us"), ago(c, peer, "inbound"));
  out_field(c, 2, _("We to them"), ago(c, peer, "outbound"));
  print_clock(c, peer);
  if (json_array_size(forums) == 0) out_print("  %s\n", _("No forum in force with them."));
  for (size_t i = 0; i < json_array_size(forums); i++) print_forum(c, json_array_get(forums, i));
}

/* Logs of ours that sign nothing: the one thing that must not be overlooked. */
static void print_stopped(struct cli *c, const json_t *logs) {
  for (size_t i = 0; i < json_array_size(logs); i++) {
    const json_t *l = json_array_get(logs, i);
    const bool stopped = json_is_true(json_object_get(l, "stopped"));
    if (!stopped && (json_text(l, "why")[0] == '\0' || !json_is_true(json_object_get(l, "own")))) continue;
    out_print(stopped ? _("\nWARNING: signing has stopped for %s\n") : _("\nWaits: %s\n"),
              out_line(c, json_text(l, "origin")));
    out_print("  %s\n", out_line(c, json_text(l, "why")));
  }
}

/* What the open mirror holds for others. */
static void print_open(struct cli *c, const json_t *logs) {
  size_t i;
  json_t *l;
  if (json_array_size(logs) > 0) out_print("\n%s\n", _("Open mirror"));
  json_array_foreach(logs, i, l) {
    out_print("  %s\n", out_line(c, json_text(l, "origin")));
    if (json_is_true(json_object_get(l, "forked")))
      out_field(c, 4, _("WARNING"), _("it has signed two histories; nothing more of it is taken"));
    out_field(c, 4, _("Held"),
              arena_fmt(&c->arena, _("%lld entries, %lld cosigned, %lld pending"), number(l, "held"),
                        number(l, "cosigned"), number(l, "pending")));
    out_field(c, 4, _("Cosigned"), ago(c, l, "cosigned_at"));
  }
}

static void print_status(struct cli *c, const json_t *o) {
  const json_t *peers = json_object_get(o, "peers");
  out_field(c, 0, _("Party"), json_text(o, "party"));
  out_field(c, 0, _("Version"), json_text(o, "version"));
  out_field(c, 0, _("Forums"), arena_fmt(&c->arena, "%lld", number(o, "forums")));
  if (json_object_get(o, "store_bytes") != NULL)
    out_field(c, 0, _("Store"), out_size(c, (uint64_t)number(o, "store_bytes")));
  if (number(o, "gate_refused") > 0)
    out_field(c, 0, _("Gate"),
              arena_fmt(&c->arena,
                        text_n("%lld connection refused", "%lld connections refused",
                               (unsigned long)number(o, "gate_refused")),
                        number(o, "gate_refused")));
  print_stopped(c, json_object_get(o, "logs"));
  proofs_print(c, json_object_get(o, "proofs"));
  if (json_array_size(peers) == 0) out_print("\n%s\n", _("No counterpart yet. Pin one with: parley trust CARD.json"));
  for (size_t i = 0; i < json_array_size(peers); i++) print_peer(c, json_array_get(peers, i));
  status_witnesses(c, json_object_get(o, "witnesses"));
  print_open(c, json_object_get(o, "open_logs"));
  observed_print(c, json_object_get(o, "observed"));
}

/* ---- --probe ---- */

static const char *step_label(const char *step) {
  static const struct {
    const char *step, *label;
  } labels[] = {{"proxy", N_("Proxy")},
                {"name", N_("Name")},
                {"ipv4", N_("IPv4")},
                {"ipv6", N_("IPv6")},
                {"connect", N_("Connection")},
                {"tls", N_("TLS")},
                {"certificate", N_("Their key")},
                {"our_certificate", N_("Our key")},
                {"answer", N_("Answer")},
                {"clock", N_("Clock")},
                {"large_request", N_("Much there")},
                {"large_answer", N_("Much back")},
                {"idle", N_("Kept lines")}};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
    if (strcmp(labels[i].step, step) == 0) return _(labels[i].label);
  return step;
}

static const char *result_word(const char *result) {
  if (strcmp(result, "ok") == 0) return _("works");
  if (strcmp(result, "failed") == 0) return _("FAILED");
  if (strcmp(result, "warning") == 0) return _("WARNING");
  return _("not tried");
}

static void print_probe(struct cli *c, const json_t *o) {
  size_t i;
  json_t *step;
  out_text(probe_sentence(c, o), 0);
  out_print("\n");
  json_array_foreach(json_object_get(o, "steps"), i, step) {
    const char *text = probe_detail(json_text(step, "text")), *result = result_word(json_text(step, "result"));
    out_field(c, 2, step_label(json_text(step, "step")),
              text[0] != '\0' ? arena_fmt(&c->arena, "%s: %s", result, text) : result);
  }
}

static int probe(struct cli *c, const char *party) {
  json_t *o = NULL;
  struct errmsg e;
  if (!party_name_valid(party)) return cli_usage(c, _("\"%.80s\" is no party's name"), party);
  const char *path = arena_fmt(&c->arena, "/v1/probe?party=%s", party);
  if (path == NULL) return cli_no_memory(c);
  if (!c->json && c->terminal) out_note(_("Probing %s; this may take half a minute.\n"), party);
  const parley_err rc = api_call(c, &o, "POST", path, NULL, &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  const int code = strcmp(json_text(o, "verdict"), "broken") == 0 ? EXIT_NOT_REACHED : EXIT_DONE;
  if (c->json) {
    const int written = out_json(c, o);
    return written == EXIT_DONE ? code : written;
  }
  print_probe(c, o);
  json_decref(o);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  json_t *o = NULL;
  struct errmsg e;
  const char *party = args_value(a, "probe");
  if (party != NULL) return probe(c, party);
  const parley_err rc = api_get(c, &o, "/v1/status", &e);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  if (c->json) return out_json(c, o);
  print_status(c, o);
  json_decref(o);
  return EXIT_DONE;
}

static const struct option options[] = {{"probe", "PARTY", N_("ask that node now, and say what is wrong"), false},
                                        {NULL, NULL, NULL, false}};

const struct verb verb_status = {
    .name = "status",
    .usage = N_("[--probe PARTY]"),
    .summary = N_("show each counterpart, and what is waiting and why"),
    .about = N_("Shows for each counterpart when it was last heard, each direction apart, how far each log is held, "
                "what is waiting and why, and clocks that differ."),
    .options = options,
    .examples = {"parley status", "parley status --probe ncc.ru.example"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED),
    .run = run,
};
