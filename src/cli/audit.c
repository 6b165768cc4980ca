/*
 * parley audit: checks everything that is stored, again, from its bytes.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/audit_bundle.h"
#include "cli/audit_mirror.h"
#include "cli/audit_report.h"
#include "cli/audit_sources.h"
#include "cli/envelope.h"
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
static parley_err load_keys(struct cli *c, const struct card *own, struct home_keys *keys, bool needed,
                            struct errmsg *e) {
  const parley_err rc = home_keys_load(keys, &c->home, own, home_passphrase, NULL, e);
  if (rc == PARLEY_OK || needed) return rc;
  out_note(_("parley audit: the bodies are not checked, since the keys cannot be read: %s\n"), e->text);
  return PARLEY_OK;
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

/* What one audit needs, gathered before it begins. */
struct inputs {
  struct audit_from home;
  struct home_keys keys;
  struct card own;
  struct bytes *cards; /* the home's, then those of --card */
  size_t n_cards;
  struct audit_mirror *mirror;
  struct audit_bundle *bundle;
  struct audit_source source;
  const char **origins;
  uint8_t forum[SHA256_SIZE];
};

static parley_err add_cards(struct cli *c, const struct args *a, struct inputs *in, struct errmsg *e) {
  const char *path;
  for (size_t i = 0; (path = args_nth(a, "card", i)) != NULL; i++) {
    struct card card;
    const parley_err rc = card_read(c, &card, path, e);
    if (rc != PARLEY_OK) return rc;
    struct bytes *grown = realloc(in->cards, (in->n_cards + 1) * sizeof *grown);
    if (grown == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
    in->cards = grown;
    in->cards[in->n_cards++] = card.envelope;
  }
  return PARLEY_OK;
}

static parley_err list_origins(const struct args *a, struct inputs *in, struct errmsg *e) {
  size_t n = 0;
  while (args_nth(a, "origin", n) != NULL) n++;
  in->origins = calloc(n + 1, sizeof *in->origins);
  if (in->origins == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  for (size_t i = 0; i < n; i++) {
    in->origins[i] = args_nth(a, "origin", i);
    if (strlen(in->origins[i]) > ORIGIN_MAX)
      return err_set(e, PARLEY_EINVAL, _("an origin has at most %d bytes"), ORIGIN_MAX);
  }
  return PARLEY_OK;
}

/* Who names the logs to look for needs no home; a mirror that is open to all needs no key. */
static parley_err gather(struct cli *c, const struct args *a, struct inputs *in, struct errmsg *e) {
  const char *mirror = args_value(a, "mirror"), *bundle = args_value(a, "bundle");
  const bool home = (mirror == NULL && bundle == NULL) || home_exists(&c->home),
             keys = !args_flag(a, "no-bodies") || mirror != NULL;
  const bool own_logs = mirror == NULL || args_nth(a, "origin", 0) == NULL;
  parley_err rc = list_origins(a, in, e);
  if (rc == PARLEY_OK && own_logs && bundle == NULL) rc = cli_need_home(c, e);
  if (rc == PARLEY_OK && home) rc = audit_home_cards(c, &in->cards, &in->n_cards, e);
  if (rc == PARLEY_OK && home) rc = cli_own_card(c, &in->own, e);
  if (rc == PARLEY_OK) rc = add_cards(c, a, in, e);
  if (rc == PARLEY_OK && home && keys) rc = load_keys(c, &in->own, &in->keys, mirror != NULL, e);
  if (rc == PARLEY_OK && own_logs && home) rc = audit_from_home(&in->home, c, e);
  in->source = in->home.source;
  if (rc == PARLEY_OK && bundle != NULL) {
    rc = audit_bundle_open(&in->bundle, c, bundle, home ? &in->home.source : NULL, e);
    if (rc == PARLEY_OK) in->source = audit_bundle_source(in->bundle);
  }
  if (rc != PARLEY_OK || mirror == NULL) return rc;
  const struct audit_mirror_options o = {.where = mirror,
                                         .cards = in->cards,
                                         .n_cards = in->n_cards,
                                         .keys = home ? &in->keys : NULL,
                                         .home = own_logs && home ? &in->home.source : NULL,
                                         .origins = in->origins};
  rc = audit_mirror_open(&in->mirror, c, &o, e);
  if (rc == PARLEY_OK) in->source = audit_mirror_source(in->mirror);
  return rc;
}

static void inputs_free(struct inputs *in) {
  audit_bundle_close(in->bundle);
  audit_mirror_close(in->mirror);
  audit_from_end(&in->home);
  home_keys_free(&in->keys);
  free(in->cards);
  free(in->origins);
}

static int run(struct cli *c, const struct args *a) {
  struct audit_options o = {.self = ""};
  struct inputs in = {.keys.link_fd = -1};
  struct errmsg e;
  const char *forum = args_value(a, "forum");
  if (read_since(&o, args_value(a, "since"), &e) != PARLEY_OK) return cli_usage(c, "%s", e.text);
  if (forum != NULL && (strlen(forum) < 8 || strlen(forum) > 64))
    return cli_usage(c, _("--forum takes 8 digits of its id, or more"));
  if (args_value(a, "origin") != NULL && args_value(a, "mirror") == NULL)
    return cli_usage(c, _("--origin names a log of a --mirror"));
  if (args_value(a, "bundle") != NULL && args_value(a, "mirror") != NULL)
    return cli_usage(c, _("either --bundle or --mirror"));
  parley_err rc = gather(c, a, &in, &e);
  if (rc == PARLEY_OK && forum != NULL) rc = find_forum(&in.source, forum, in.forum, &e);
  o.self = in.own.name;
  o.cards = in.cards;
  o.n_cards = in.n_cards;
  o.forum = forum != NULL ? in.forum : NULL;
  if (!args_flag(a, "no-bodies")) o.seal = in.keys.seal, o.n_seal = in.keys.n_seal;
  const int code = rc == PARLEY_OK ? audit(c, &in.source, &o) : cli_fail(c, rc, &e);
  inputs_free(&in);
  return code;
}

static const struct option options[] = {
    {"forum", N_("F"), N_("only this forum: its id, or 8 digits of it"), false},
    {"since", N_("WHEN"), N_("only entries from then on: a time, a day or an index"), false},
    {"mirror", N_("P|URL"), N_("what a party holds, or an open mirror, not this home"), false},
    {"origin", N_("LOG"), N_("with --mirror: this log; without it all that this home knows"), true},
    {"bundle", N_("FILE"), N_("what a bundle carries, instead of this home"), false},
    {"card", N_("FILE"), N_("a card that you have from the party itself"), true},
    {"no-bodies", NULL, N_("do not open sealed bodies, and so need no key"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_audit = {
    .name = "audit",
    .usage =
        N_("[--forum F] [--since WHEN] [--mirror P|URL [--origin LOG]… | --bundle FILE] [--card FILE]… [--no-bodies]"),
    .summary = N_("check again everything that is stored"),
    .about =
        N_("Hashes every entry, compares every tile, and verifies every signature, cosignature and root that is "
           "stored, beside the running node or without it; with --mirror what somebody else holds. Each problem is "
           "told in one line, with what to do."),
    .options = options,
    .examples = {"parley audit", "parley audit --mirror ncc.ru.example --since 2026-01-01"},
    .exits = EXIT_BIT(EXIT_NOT_REACHED) | EXIT_BIT(EXIT_EVIDENCE),
    .run = run,
};
