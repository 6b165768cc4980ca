#include "cli/pack_text.h"

static json_t *cards_json(const struct pack_party *p) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < p->n_cards; i++) {
    json_t *o = json_object();
    ok = o != NULL && json_put_int(o, "serial", (int64_t)p->cards[i]->serial) &&
         json_put_hex(o, "fingerprint", p->cards[i]->fingerprint, SHA256_SIZE) &&
         json_object_set_new(o, "established", json_boolean(i >= p->established)) == 0 &&
         json_array_append(list, o) == 0;
    json_decref(o);
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *party_json(const struct pack_party *p) {
  json_t *o = json_object();
  bool ok = o != NULL && json_put_str(o, "party", p->name) &&
            json_put_str(o, "role", p->addressee ? "addressee" : "author") &&
            json_put_hex(o, "fingerprint", p->fingerprint, SHA256_SIZE) &&
            json_object_set_new(o, "cards", cards_json(p)) == 0 &&
            json_object_set_new(o, "identified", json_boolean(p->anchored)) == 0;
  if (p->addressee) ok = ok && json_object_set_new(o, "covered", json_boolean(p->covered)) == 0;
  if (!p->addressee || p->covered) ok = ok && json_put_int(o, "signed_under", (int64_t)p->cards[p->card]->serial);
  if (p->delivered != 0) ok = ok && json_put_time(o, "delivered", p->delivered);
  if (p->files_delivered != 0) ok = ok && json_put_time(o, "files_delivered", p->files_delivered);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static json_t *answer_json(const struct statement *s, const struct hash *id, int64_t delivered) {
  json_t *o = json_object();
  if (o != NULL && json_put_hex(o, "id", id->b, 32) && json_put_str(o, "from", s->from) &&
      json_put_str(o, "officer", s->officer) && json_put_time(o, "issued", s->issued) &&
      json_put_time(o, "delivered", delivered))
    return o;
  json_decref(o);
  return NULL;
}

static json_t *reject_json(const struct pack_result *r) {
  static const char *const disputes[] = {"none", "open", "ended", "void"}, *const findings[] = {"open", "contradicted",
                                                                                                "borne out"};
  const struct pack_disclosed *d = &r->disclosed;
  json_t *o = answer_json(&r->reject, &r->reject_id, r->reject_delivered);
  bool ok = o != NULL && json_put_str(o, "dispute", disputes[r->dispute]);
  if (ok && d->reject) {
    ok = json_put_str(o, "ground", ground_name(d->ground)) && json_put_str(o, "finding", findings[d->finding]);
    if (d->reasons != NULL) ok = ok && json_put_str(o, "reasons", d->reasons);
    if (d->why[0] != '\0') ok = ok && json_put_str(o, "why", d->why);
  }
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static json_t *readers_json(const struct pack_result *r, const struct pack_reader *readers) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < r->n_parties; i++) {
    json_t *o = json_object();
    ok = o != NULL && json_put_str(o, "party", readers[i].card->name) &&
         json_put_str(o, "desk", readers[i].seal->label) &&
         json_put_int(o, "serial", (int64_t)readers[i].card->serial) && json_array_append(list, o) == 0;
    json_decref(o);
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *disclosed_json(const struct pack_result *r) {
  const struct pack_disclosed *d = &r->disclosed;
  json_t *o = json_object(), *files = json_array();
  bool ok = o != NULL && files != NULL && json_object_set_new(o, "readers", readers_json(r, d->readers)) == 0;
  for (size_t n = 0; ok && n < r->statement.n_attach; n++) {
    json_t *f = json_object();
    ok = f != NULL && json_put_str(f, "name", d->text.files[n].name) &&
         json_put_int(f, "size", (int64_t)d->text.files[n].size) &&
         json_object_set_new(f, "disclosed", json_boolean(d->file[n])) == 0 &&
         (!d->file[n] || json_object_set_new(f, "readers", readers_json(r, d->file_readers[n])) == 0) &&
         json_array_append(files, f) == 0;
    json_decref(f);
  }
  ok = ok && json_object_set(o, "files", files) == 0;
  json_decref(files);
  if (ok) return o;
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
  if (r->has_ack) ok = ok && json_object_set_new(o, "ack", answer_json(&r->ack, &r->ack_id, r->ack_delivered)) == 0;
  if (r->has_reject) ok = ok && json_object_set_new(o, "reject", reject_json(r)) == 0;
  if (r->disclosed.body) ok = ok && json_object_set_new(o, "disclosed", disclosed_json(r)) == 0;
  ok = ok && json_object_set_new(o, "files_pending", json_boolean(r->files_pending)) == 0 &&
       json_put_int(o, "skew_seconds", r->skew) && json_put_int(o, "tolerance_seconds", r->tolerance) &&
       json_object_set_new(o, "clock_unverified", json_boolean(r->skew > r->tolerance)) == 0;
  json_decref(parties);
  if (ok) return o;
  json_decref(o);
  return NULL;
}
