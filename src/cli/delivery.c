#include "cli/delivery.h"

#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

#define WAIT_STEP 20 /* seconds of one request: a node that went away is noticed */

/* ---- waiting ---- */

static bool has(const json_t *o, const char *member) { return json_object_get(o, member) != NULL; }
static int64_t number(const json_t *o, const char *member) { return json_integer_value(json_object_get(o, member)); }

static bool party_done(const json_t *party) {
  return has(party, "delivered") && (!has(party, "files_total") || has(party, "files_delivered"));
}

static bool all_done(const json_t *row) {
  const json_t *list = json_object_get(row, "delivery");
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!party_done(json_array_get(list, i))) return false;
  return json_array_size(list) > 0;
}

/* Of the addressees the one whose files have come least far, as bytes of file_bytes. */
static uint64_t bytes_held(const json_t *row, uint64_t file_bytes) {
  const json_t *list = json_object_get(row, "delivery");
  double least = 1;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *p = json_array_get(list, i);
    const double total = (double)number(p, "files_total");
    const double part = total > 0 ? (double)number(p, "files_held") / total : 1;
    if (part < least) least = part;
  }
  return (uint64_t)(least * (double)file_bytes);
}

static parley_err wait_once(struct cli *c, json_t **answer, const char *id, int64_t seconds, struct errmsg *e) {
  const char *path = arena_fmt(&c->arena, "/v1/statements/%s?wait=%lld", id, (long long)seconds);
  if (path == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  return api_get(c, answer, path, e);
}

static parley_err wait_all(struct cli *c, const char *id, int64_t wait_s, uint64_t file_bytes, struct errmsg *e) {
  const int64_t until = mono_ms() + wait_s * 1000;
  struct progress p;
  progress_begin(&p, c, _("delivering"), file_bytes);
  parley_err rc = PARLEY_OK;
  for (bool over = wait_s == 0; rc == PARLEY_OK && !over;) {
    json_t *answer = NULL;
    const int64_t left = (until - mono_ms() + 999) / 1000, step = p.on ? 1 : WAIT_STEP;
    rc = wait_once(c, &answer, id, left < 1 ? 1 : left < step ? left : step, e);
    over = rc != PARLEY_OK || all_done(answer) || mono_ms() >= until;
    if (!over) progress_at(&p, bytes_held(answer, file_bytes));
    json_decref(answer);
  }
  progress_end(&p);
  return rc;
}

parley_err delivery_wait(struct cli *c, struct outcome *out, const char *id, int64_t wait_s, uint64_t file_bytes,
                         struct errmsg *e) {
  *out = (struct outcome){0};
  const char *path;
  parley_err rc = api_path(c, &path, "/v1/statements/", id, "", e);
  if (rc == PARLEY_OK) rc = wait_all(c, id, wait_s, file_bytes, e);
  if (rc == PARLEY_OK) rc = api_get(c, &out->row, path, e);
  out->delivered = rc == PARLEY_OK && all_done(out->row);
  return rc;
}

/* ---- why not yet ---- */

/* The object of an array whose member is text; NULL when there is none. */
static const json_t *pick(const json_t *list, const char *member, const char *text) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (strcmp(json_text(json_array_get(list, i), member), text) == 0) return json_array_get(list, i);
  return NULL;
}

/* "why" and "next_attempt" of GET /v1/status, into the addressee's object. */
static void add_reason(const json_t *status, const char *forum, json_t *party) {
  const json_t *peer = pick(json_object_get(status, "peers"), "party", json_text(party, "party"));
  const json_t *f = pick(json_object_get(peer, "forums"), "forum", forum);
  if (json_text(f, "why")[0] != '\0') json_put_str(party, "why", json_text(f, "why"));
  if (has(f, "next_attempt")) json_put_str(party, "next_attempt", json_text(f, "next_attempt"));
}

static void add_reasons(struct cli *c, json_t *row) {
  json_t *status = NULL, *list = json_object_get(row, "delivery");
  if (api_get(c, &status, "/v1/status", NULL) == PARLEY_OK)
    for (size_t i = 0; i < json_array_size(list); i++)
      if (!party_done(json_array_get(list, i))) add_reason(status, json_text(row, "forum"), json_array_get(list, i));
  json_decref(status);
}

/* ---- printing ---- */

static void print_files(struct cli *c, const json_t *party) {
  if (!has(party, "files_total")) return;
  if (has(party, "files_delivered"))
    out_print(_("  %s: files delivered at %s\n"), json_text(party, "party"), out_when(c, party, "files_delivered"));
  else
    out_print(
        text_n("  %s: files pending, %lld of %lld part is there\n",
               "  %s: files pending, %lld of %lld parts are there\n", (unsigned long)number(party, "files_total")),
        json_text(party, "party"), (long long)number(party, "files_held"), (long long)number(party, "files_total"));
}

static void print_party(struct cli *c, const json_t *party) {
  const char *name = json_text(party, "party");
  if (has(party, "delivered")) {
    if (has(party, "via"))
      out_print(_("  %s: delivered at %s, through %s\n"), name, out_when(c, party, "delivered"),
                out_line(c, json_text(party, "via")));
    else
      out_print(_("  %s: delivered at %s\n"), name, out_when(c, party, "delivered"));
    print_files(c, party);
  } else {
    out_print(_("  %s: not delivered yet\n"), name);
  }
  if (party_done(party)) return;
  if (has(party, "why")) out_print("    %s\n", out_line(c, json_text(party, "why")));
  if (has(party, "next_attempt")) out_print(_("    next attempt at %s\n"), out_when(c, party, "next_attempt"));
}

static void print_parties(struct cli *c, const json_t *row) {
  const json_t *list = json_object_get(row, "delivery");
  for (size_t i = 0; i < json_array_size(list); i++) print_party(c, json_array_get(list, i));
}

static int lost(struct cli *c, const char *id, const struct errmsg *why) {
  struct errmsg e;
  err_set(&e, PARLEY_EUNREACHABLE, _("statement %s was accepted and stays so, but then: %s"), id, why->text);
  return cli_fail(c, PARLEY_EUNREACHABLE, &e);
}

static int print_outcome_json(struct cli *c, const char *id, const json_t *row) {
  json_t *o = json_object(), *list = json_object_get(row, "delivery");
  if (o != NULL && json_put_str(o, "id", id) && json_put_str(o, "state", json_text(row, "state")) &&
      (list == NULL || json_object_set(o, "delivery", list) == 0))
    return out_json(c, o);
  json_decref(o);
  return cli_no_memory(c);
}

int delivery_report(struct cli *c, const char *id, int64_t wait_s, uint64_t file_bytes) {
  struct outcome out;
  struct errmsg e;
  if (!c->json) out_print(_("Accepted: %s\n"), id);
  fflush(stdout);
  if (delivery_wait(c, &out, id, wait_s, file_bytes, &e) != PARLEY_OK) return lost(c, id, &e);
  const bool late = !out.delivered && wait_s > 0;
  int code = late ? EXIT_NOT_REACHED : EXIT_DONE;
  if (late) add_reasons(c, out.row);
  if (c->json && print_outcome_json(c, id, out.row) != EXIT_DONE) code = EXIT_REFUSED;
  if (!c->json && wait_s > 0) print_parties(c, out.row);
  if (!c->json && wait_s == 0) out_print("%s\n", _("Not waiting for delivery; parley show tells how far it has come."));
  if (late)
    out_note(_("parley %s: not delivered to all within %s. The node keeps trying by itself; parley status shows how it "
               "goes.\n"),
             c->verb->name, out_period(c, wait_s));
  json_decref(out.row);
  return code;
}

/* ---- for show ---- */

static const char *files_state(struct cli *c, const json_t *party) {
  if (has(party, "files_delivered")) return out_when(c, party, "files_delivered");
  if (number(party, "files_held") == number(party, "files_total")) return _("all parts are there");
  const long long held = number(party, "files_held"), total = number(party, "files_total");
  return arena_fmt(
      &c->arena,
      text_n("pending, %lld of %lld part is there", "pending, %lld of %lld parts are there", (unsigned long)total),
      held, total);
}

static void print_rejection(struct cli *c, const json_t *party) {
  const json_t *o = json_object_get(party, "rejection");
  if (o == NULL) return;
  const char *ground = has(o, "ground") ? json_text(o, "ground") : _("not readable here");
  out_field(c, 4, _("Rejected"),
            arena_fmt(&c->arena,
                      json_is_true(json_object_get(party, "disputed"))
                          ? _("%s by %s (ground: %s): disputed")
                          : _("%s by %s (ground: %s): no longer, it was acknowledged since"),
                      out_when(c, o, "issued"), json_text(o, "officer"), ground));
  out_field(c, 4, _("Reasons"), json_text(o, "reasons"));
  out_field(c, 4, _("Rejection"), json_text(o, "id"));
}

void delivery_print(struct cli *c, const json_t *party, bool received) {
  out_print("  %s\n", json_text(party, "party"));
  /* Of what came in we know our own part only. */
  const bool unknown = received && !has(party, "delivered");
  out_field(c, 4, _("Delivered"),
            has(party, "via")         ? arena_fmt(&c->arena, _("%s, through %s"), out_when(c, party, "delivered"),
                                                  out_line(c, json_text(party, "via")))
            : has(party, "delivered") ? out_when(c, party, "delivered")
            : unknown                 ? _("not known here")
                                      : _("not yet"));
  if (has(party, "files_total")) out_field(c, 4, _("Files"), files_state(c, party));
  const char *read = unknown ? _("not known here") : _("not acknowledged yet");
  if (has(party, "read"))
    read = arena_fmt(&c->arena, _("%s, acknowledged by %s (received, not agreed)"), out_when(c, party, "read"),
                     json_text(party, "officer"));
  out_field(c, 4, _("Read"), read);
  print_rejection(c, party);
}
