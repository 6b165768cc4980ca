/*
 * parley audit: checks everything that is stored, again, from its bytes.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/audit_report.h"
#include "cli/audit_sources.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- options ---- */

/* An index, or a time, or a day. */
static parley_err read_since(struct audit_options *o, const char *text, struct errmsg *e) {
  char whole[TIME_TEXT_SIZE];
  if (text == NULL) return PARLEY_OK;
  if (dec_decode(&o->since_index, bytes_str(text))) {
    o->has_since_index = true;
    return PARLEY_OK;
  }
  if (strlen(text) == 10) {
    memcpy(whole, text, 10);
    memcpy(whole + 10, "T00:00:00Z", 11);
    text = whole;
  }
  o->has_since_time = time_parse(&o->since_time, bytes_str(text));
  return o->has_since_time
             ? PARLEY_OK
             : err_set(
                   e, PARLEY_EINVAL,
                   _("--since takes a time like 2021-05-07T10:00:00Z, a day or the index of an entry, not \"%.80s\""),
                   text);
}

/* The forum with that beginning of its id among the logs of the source. */
static parley_err find_forum(const struct audit_source *s, const char *text, uint8_t out[static SHA256_SIZE],
                             struct errmsg *e) {
  struct buf logs = {0};
  struct bytes rest, line;
  bool found = false, several = false;
  parley_err rc = s->get(s->ctx, "logs", &logs, e);
  rest = buf_view(&logs);
  while (rc == PARLEY_OK && bytes_line(&rest, &line)) {
    char party[PARTY_NAME_MAX + 1], hex[65];
    uint8_t forum[SHA256_SIZE];
    uint64_t epoch;
    bool bulk;
    const size_t end = bytes_find(line, 0, ' ');
    if (end == (size_t)-1 || !log_origin_parse(party, forum, &epoch, &bulk, BYTES(line.p, end))) continue;
    hex_encode(hex, BYTES(forum, sizeof forum));
    if (strncmp(hex, text, strlen(text)) != 0) continue;
    several = several || (found && memcmp(out, forum, sizeof forum) != 0);
    found = true;
    memcpy(out, forum, sizeof forum);
  }
  buf_free(&logs);
  if (rc != PARLEY_OK) return rc;
  if (several) return err_set(e, PARLEY_ECONFLICT, _("forum \"%.64s\" is ambiguous; give more digits"), text);
  return found ? PARLEY_OK : err_set(e, PARLEY_ENOTFOUND, _("no log of forum \"%.64s\" is held here"), text);
}

/* ---- seal keys ---- */

/* Without them the bodies are not looked at; the rest is. */
static void load_seal_keys(struct cli *c, struct home_keys *keys, struct audit_options *o) {
  struct card own;
  struct errmsg e;
  parley_err rc = cli_own_card(c, &own, &e);
  if (rc == PARLEY_OK) rc = home_keys_load(keys, &c->home, &own, home_passphrase, NULL, &e);
  if (rc != PARLEY_OK) {
    out_note(_("parley audit: the bodies are not checked, since the keys cannot be read: %s\n"), e.text);
    return;
  }
  o->seal = keys->seal;
  o->n_seal = keys->n_seal;
}

/* ---- running ---- */

static unsigned other_cores(void) {
  const long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 8 ? 7 : n > 1 ? (unsigned)n - 1 : 0;
}

static int audit(struct cli *c, const struct audit_source *s, struct audit_options *o) {
  struct audit_report report;
  struct audit_result result;
  struct errmsg e;
  audit_report_begin(&report, c);
  o->problem = audit_report_problem;
  o->progress = audit_report_progress;
  o->ctx = &report;
  o->threads = other_cores();
  const parley_err rc = audit_run(&result, s, o, &e);
  const int code = rc == PARLEY_OK ? audit_report_end(&report, &result) : 0;
  audit_report_drop(&report);
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  audit_result_free(&result);
  return code;
}

static int run(struct cli *c, const struct args *a) {
  struct audit_options o = {.self = ""};
  struct audit_from from = {0};
  struct home_keys keys = {.link_fd = -1};
  struct bytes *cards = NULL;
  struct card own;
  struct errmsg e;
  uint8_t forum[SHA256_SIZE];
  int code = EXIT_DONE;
  const char *name = args_value(a, "forum");
  if (read_since(&o, args_value(a, "since"), &e) != PARLEY_OK) return cli_usage(c, "%s", e.text);
  if (name != NULL && (strlen(name) < 8 || strlen(name) > 64))
    return cli_usage(c, _("--forum takes 8 digits of its id, or more"));
  parley_err rc = audit_from_home(&from, c, &e);
  if (rc == PARLEY_OK) rc = cli_own_card(c, &own, &e);
  if (rc == PARLEY_OK) rc = audit_home_cards(c, &cards, &o.n_cards, &e);
  if (rc == PARLEY_OK && name != NULL) rc = find_forum(&from.source, name, forum, &e);
  if (rc != PARLEY_OK) {
    code = cli_fail(c, rc, &e);
  } else {
    o.self = own.name;
    o.cards = cards;
    o.forum = name != NULL ? forum : NULL;
    if (!args_flag(a, "no-bodies")) load_seal_keys(c, &keys, &o);
    code = audit(c, &from.source, &o);
  }
  home_keys_free(&keys);
  free(cards);
  audit_from_end(&from);
  return code;
}

static const struct option options[] = {
    {"forum", N_("F"), N_("only this forum: its id, or 8 digits of it"), false},
    {"since", N_("T"), N_("only entries from a time, a day or an index on; trees and roots are checked whole"), false},
    {"no-bodies", NULL, N_("do not open sealed bodies, and so need no key"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_audit = {
    .name = "audit",
    .usage = N_("[--forum F] [--since T] [--no-bodies]"),
    .summary = N_("check again everything that is stored"),
    .about = N_("Hashes every entry, compares every tile, and verifies every signature, cosignature and root that is "
                "stored, beside the running node or without it. Each problem is told in one line, with what to do."),
    .options = options,
    .examples = {"parley audit", "parley audit --forum 3f9a01c2 --since 2026-01-01"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED) | EXIT_BIT(EXIT_EVIDENCE),
    .run = run,
};
