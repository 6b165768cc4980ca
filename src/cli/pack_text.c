#include "cli/pack_text.h"

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- plain words ---- */

/* One finding, wrapped. */
static void finding(const char *text) {
  if (text != NULL) out_text(text, 2);
}

static void print_party(struct cli *c, const struct pack_result *r, const struct pack_party *p) {
  finding(arena_fmt(&c->arena, _("Delivered: the machine of %s durably held the statement at %s"), p->name,
                    out_time(c, p->delivered)));
  if (r->statement.n_attach == 0) return;
  if (p->files_delivered != 0)
    finding(arena_fmt(&c->arena, _("Files delivered: the machine of %s durably held them at %s"), p->name,
                      out_time(c, p->files_delivered)));
  else
    finding(arena_fmt(&c->arena, _("Files: that %s holds them is not in this pack"), p->name));
}

static void print_ack(struct cli *c, const struct pack_result *r) {
  if (!r->has_ack) {
    finding(_("Read: nothing in this pack says that anybody has read it"));
    return;
  }
  finding(arena_fmt(
      &c->arena, _("Read: acknowledged for %s by “%s”, dated %s, held by %s at %s (received, not agreed)"), r->ack.from,
      out_line(c, r->ack.officer), out_time(c, r->ack.issued), r->statement.from, out_time(c, r->ack_delivered)));
}

static void print_identities(const struct pack_result *r) {
  if (r->identified) {
    out_print("\n%s\n", _("Identities: author and addressees have the keys that you know as theirs."));
    return;
  }
  out_print("\n%s\n",
            _("Consistent, but IDENTITIES ARE NOT ESTABLISHED: anybody can make a whole pack with fresh keys.\n"
              "Compare these fingerprints with what each party told you over another channel, then give\n"
              "--card FILE or --fingerprint PARTY=F:"));
  for (size_t i = 0; i < r->n_parties; i++) {
    if (r->parties[i].anchored) continue;
    out_print("  %s\n", r->parties[i].name);
    out_fingerprint(r->parties[i].fingerprint, 4);
  }
}

void pack_print(struct cli *c, const struct pack_result *r) {
  char hex[65];
  const struct statement *s = &r->statement;
  hex_encode(hex, BYTES(r->id.b, 32));
  if (s->status != STATUS_ACTUAL)
    out_print("%s\n\n", s->status == STATUS_EXERCISE ? _("*** EXERCISE: this is not real ***")
                                                     : _("*** TEST: this is not real ***"));
  out_field(c, 0, _("Statement"), hex);
  out_field(c, 0, _("Kind"), s->kind);
  out_field(c, 0, _("Forum"), r->title);
  out_field(c, 0, _("From"), s->from);
  out_field(c, 0, _("Dated"), out_time(c, s->issued));
  out_field(c, 0, _("Precedence"), precedence_name(s->precedence));
  out_field(c, 0, _("TLP"), tlp_name(s->tlp));
  out_print("\n%s\n", _("What it proves:"));
  finding(arena_fmt(&c->arena, _("Sent: %s signed this statement and put it on its record"), s->from));
  for (size_t i = 0; i < r->n_parties; i++)
    if (r->parties[i].addressee) print_party(c, r, &r->parties[i]);
  print_ack(c, r);
  finding(_("The times are those that the two sides signed."));
  if (r->skew > r->tolerance)
    out_print(_("\nWARNING: clock unverified: signed times differ from the statement's by up to %s, the charter\n"
                "tolerates %s.\n"),
              out_period(c, r->skew), out_period(c, r->tolerance));
  print_identities(r);
}

/* ---- JSON ---- */

static json_t *party_json(const struct pack_party *p) {
  json_t *o = json_object();
  bool ok = o != NULL && json_put_str(o, "party", p->name) &&
            json_put_str(o, "role", p->addressee ? "addressee" : "author") &&
            json_put_hex(o, "fingerprint", p->fingerprint, SHA256_SIZE) &&
            json_object_set_new(o, "identified", json_boolean(p->anchored)) == 0;
  if (p->delivered != 0) ok = ok && json_put_time(o, "delivered", p->delivered);
  if (p->files_delivered != 0) ok = ok && json_put_time(o, "files_delivered", p->files_delivered);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static json_t *ack_json(const struct pack_result *r) {
  json_t *o = json_object();
  if (o != NULL && json_put_hex(o, "id", r->ack_id.b, 32) && json_put_str(o, "from", r->ack.from) &&
      json_put_str(o, "officer", r->ack.officer) && json_put_time(o, "issued", r->ack.issued) &&
      json_put_time(o, "delivered", r->ack_delivered))
    return o;
  json_decref(o);
  return NULL;
}

static bool put_statement(json_t *o, const struct statement *s) {
  return json_put_hex(o, "forum", s->forum, SHA256_SIZE) && json_put_str(o, "from", s->from) &&
         json_put_str(o, "kind", s->kind) && json_put_str(o, "status", status_name(s->status)) &&
         json_put_time(o, "issued", s->issued) && json_put_str(o, "precedence", precedence_name(s->precedence)) &&
         json_put_str(o, "tlp", tlp_name(s->tlp)) && json_put_int(o, "files", (int64_t)s->n_attach);
}

json_t *pack_json(const struct pack_result *r) {
  json_t *o = json_object(), *parties = json_array();
  bool ok = o != NULL && json_object_set_new(o, "verified", json_true()) == 0 &&
            json_object_set_new(o, "identified", json_boolean(r->identified)) == 0 &&
            json_put_hex(o, "id", r->id.b, 32) && put_statement(o, &r->statement) && json_put_str(o, "title", r->title);
  for (size_t i = 0; ok && i < r->n_parties; i++) ok = json_array_append_new(parties, party_json(&r->parties[i])) == 0;
  ok = ok && json_object_set(o, "parties", parties) == 0;
  if (r->has_ack) ok = ok && json_object_set_new(o, "ack", ack_json(r)) == 0;
  ok = ok && json_object_set_new(o, "files_pending", json_boolean(r->files_pending)) == 0 &&
       json_put_int(o, "skew_seconds", r->skew) && json_put_int(o, "tolerance_seconds", r->tolerance) &&
       json_object_set_new(o, "clock_unverified", json_boolean(r->skew > r->tolerance)) == 0;
  json_decref(parties);
  if (ok) return o;
  json_decref(o);
  return NULL;
}
