#include "cli/silence_text.h"

#include <string.h>

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

#define ATTEMPTS_SHOWN 3 /* of each party, the newest */

static void finding(const char *text) {
  if (text != NULL) out_text(text, 2);
}

static void print_witnesses(struct cli *c, const struct silence_result *r) {
  for (size_t i = 0; i < r->n_witnesses; i++)
    finding(arena_fmt(&c->arena, _("Existed: the statement existed at %s, says the neutral witness %s"),
                      out_time(c, r->witness[i].time), out_line(c, r->witness[i].name)));
  finding(arena_fmt(&c->arena, _("Where: entry %llu of the author's log, in a checkpoint over %llu entries"),
                    (unsigned long long)r->index, (unsigned long long)r->size));
}

static void print_attempts(struct cli *c, const struct silence_result *r, const char *party) {
  size_t all = 0, seen = 0;
  for (size_t i = 0; i < r->attempts.n; i++) all += strcmp(r->attempts.list[i].party, party) == 0;
  if (all == 0) return;
  finding(arena_fmt(&c->arena, _("Attempts, by the sender's own word (%zu in attempts.json, the newest here):"), all));
  for (size_t i = 0; i < r->attempts.n; i++) {
    const struct silence_attempt *t = &r->attempts.list[i];
    if (strcmp(t->party, party) != 0 || ++seen + ATTEMPTS_SHOWN <= all) continue;
    const char *text =
        arena_fmt(&c->arena, _("%s to %s, %lld times %s: %s"), out_time(c, t->first), out_time(c, t->last),
                  (long long)t->count, out_line(c, t->request), out_line(c, t->outcome));
    if (text != NULL) out_text(text, 6);
  }
}

static void print_silent(struct cli *c, const struct silence_result *r) {
  for (size_t i = 0; i < r->silent.n; i++) {
    const struct silence_party *p = &r->silent.list[i];
    if (p->size == 0)
      finding(arena_fmt(&c->arena, _("Silent: %s has cosigned nothing of this log, as far as this folder shows"),
                        p->party));
    else
      finding(arena_fmt(&c->arena,
                        _("Silent: %s has cosigned nothing of this log beyond its first %llu entries (at %s), as far "
                          "as this folder shows"),
                        p->party, (unsigned long long)p->size, out_time(c, p->time)));
    print_attempts(c, r, p->party);
  }
}

static void print_identities(const struct pack_result *r) {
  if (r->identified) {
    out_print("\n%s\n", _("Identities: the author and the silent parties have the keys that you know as theirs."));
    return;
  }
  out_print("\n%s\n",
            _("Consistent, but IDENTITIES ARE NOT ESTABLISHED: anybody can make such a folder with fresh keys.\n"
              "Compare these fingerprints with what each party told you over another channel, then give\n"
              "--card FILE or --fingerprint PARTY=F:"));
  for (size_t i = 0; i < r->n_parties; i++) {
    if (r->parties[i].anchored) continue;
    out_print("  %s\n", r->parties[i].name);
    out_fingerprint(r->parties[i].fingerprint, 4);
  }
}

void silence_print(struct cli *c, const struct silence_result *r) {
  char hex[65];
  const struct statement *s = &r->pack.statement;
  hex_encode(hex, BYTES(r->pack.id.b, sizeof r->pack.id.b));
  if (s->status != STATUS_ACTUAL)
    out_print("%s\n\n", s->status == STATUS_EXERCISE ? _("*** EXERCISE: this is not real ***")
                                                     : _("*** TEST: this is not real ***"));
  out_print("%s\n\n", _("EVIDENCE OF NON-DELIVERY. THIS IS NOT A PROOF OF DELIVERY."));
  out_field(c, 0, _("Statement"), hex);
  out_field(c, 0, _("Kind"), s->kind);
  out_field(c, 0, _("Forum"), r->pack.title);
  out_field(c, 0, _("From"), s->from);
  out_field(c, 0, _("Dated"), out_time(c, s->issued));
  out_field(c, 0, _("Precedence"), precedence_name(s->precedence));
  out_print("\n%s\n", _("What it shows:"));
  print_witnesses(c, r);
  print_silent(c, r);
  finding(
      _("It does not show that nothing arrived there: a machine that receives and does not answer looks the same."));
  if (r->pack.skew > r->pack.tolerance)
    out_print(_("\nWARNING: clock unverified: signed times differ from the statement's by up to %s, the charter\n"
                "tolerates %s.\n"),
              out_period(c, r->pack.skew), out_period(c, r->pack.tolerance));
  print_identities(&r->pack);
}

/* ---- JSON ---- */

static json_t *witnesses_json(const struct silence_result *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < r->n_witnesses; i++) {
    json_t *o = json_object();
    json_put_str(o, "witness", r->witness[i].name);
    json_put_time(o, "time", r->witness[i].time);
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *silent_json(const struct silence_result *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < r->silent.n; i++) {
    json_t *o = json_object();
    json_put_str(o, "party", r->silent.list[i].party);
    json_put_int(o, "size", (int64_t)r->silent.list[i].size);
    if (r->silent.list[i].size) json_put_time(o, "time", r->silent.list[i].time);
    json_object_set_new(o, "identified", json_boolean(r->pack.parties[i + 1].anchored));
    json_array_append_new(list, o);
  }
  return list;
}

json_t *silence_json(const struct silence_result *r) {
  json_t *o = json_object();
  json_put_str(o, "proves", "non-delivery");
  json_object_set_new(o, "delivered", json_false());
  json_put_hex(o, "id", r->pack.id.b, sizeof r->pack.id.b);
  json_put_str(o, "kind", r->pack.statement.kind);
  json_put_str(o, "from", r->pack.statement.from);
  json_put_time(o, "issued", r->pack.statement.issued);
  json_put_int(o, "index", (int64_t)r->index);
  json_put_int(o, "size", (int64_t)r->size);
  json_object_set_new(o, "witnesses", witnesses_json(r));
  json_object_set_new(o, "silent", silent_json(r));
  json_put_int(o, "attempts", (int64_t)r->attempts.n);
  json_object_set_new(o, "identified", json_boolean(r->pack.identified));
  return o;
}

int silence_report(struct cli *c, const struct pack *p, const char *where, const struct anchors *known) {
  struct silence_result r;
  struct errmsg e;
  const parley_err rc =
      silence_verify(&r, &c->arena, p, &(struct pack_known){.anchors = known->list, .n_anchors = known->n}, &e);
  if (rc != PARLEY_OK) {
    err_prefix(&e, rc, _("%s does not verify"), where);
    return cli_fail(c, rc, &e);
  }
  int code = r.pack.identified ? EXIT_DONE : EXIT_UNIDENTIFIED;
  if (!c->json) {
    out_print("%s\n\n", _("Every signature, hash and proof in this folder verifies."));
    silence_print(c, &r);
  } else if (out_json(c, silence_json(&r)) != EXIT_DONE) {
    code = EXIT_REFUSED;
  }
  silence_result_clear(&r);
  return code;
}
