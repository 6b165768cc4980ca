#include "cli/fork_text.h"

#include <string.h>

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- JSON ---- */

static json_t *tree_json(const struct fork_result *r, size_t i) {
  json_t *o = json_object();
  if (o != NULL && json_put_int(o, "size", (int64_t)r->size[i]) && json_put_b64(o, "root", r->root[i].b, 32)) return o;
  json_decref(o);
  return NULL;
}

static bool put_role(json_t *o, const char *name, const struct fork_party *p, const size_t card[static 2]) {
  json_t *v = json_array();
  bool ok = v != NULL;
  for (size_t i = 0; ok && i < 2; i++)
    ok = json_array_append_new(v, json_integer((json_int_t)p->who.cards[card[i]]->serial)) == 0;
  ok = ok && json_object_set(o, name, v) == 0;
  json_decref(v);
  return ok;
}

static json_t *party_json(const struct fork_party *p) {
  json_t *o = json_object(), *as = json_array();
  bool ok = o != NULL && as != NULL && json_put_str(o, "party", p->who.name) &&
            json_put_hex(o, "fingerprint", p->who.fingerprint, SHA256_SIZE) &&
            json_object_set_new(o, "identified", json_boolean(p->who.anchored)) == 0;
  if (p->log) ok = ok && json_array_append_new(as, json_string("log")) == 0 && put_role(o, "log_cards", p, p->log_card);
  if (p->mirror)
    ok = ok && json_array_append_new(as, json_string("mirror")) == 0 && put_role(o, "mirror_cards", p, p->mirror_card);
  ok = ok && json_object_set(o, "as", as) == 0;
  json_decref(as);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static json_t *fork_json(const struct fork_result *r) {
  json_t *o = json_object(), *parties = json_array();
  bool ok =
      o != NULL && parties != NULL && json_object_set_new(o, "verified", json_true()) == 0 &&
      json_put_str(o, "proves", "two histories") &&
      json_object_set_new(o, "identified", json_boolean(r->identified)) == 0 && json_put_str(o, "origin", r->origin) &&
      json_put_str(o, "log_of", r->author) && json_put_hex(o, "forum", r->forum, SHA256_SIZE) &&
      json_put_int(o, "epoch", (int64_t)r->epoch) && json_object_set_new(o, "bulk", json_boolean(r->bulk)) == 0 &&
      json_object_set_new(o, "first", tree_json(r, 0)) == 0 && json_object_set_new(o, "second", tree_json(r, 1)) == 0;
  if (r->size[0] < r->size[1]) ok = ok && json_put_b64(o, "first_in_second", r->prefix.b, 32);
  for (size_t i = 0; ok && i < r->n_parties; i++) ok = json_array_append_new(parties, party_json(&r->parties[i])) == 0;
  ok = ok && json_object_set(o, "convicted", parties) == 0;
  json_decref(parties);
  if (ok) return o;
  json_decref(o);
  return NULL;
}

/* ---- plain words ---- */

static const char *tree_text(struct cli *c, uint64_t size, const struct hash *root) {
  struct buf text = {0};
  base64_encode(&text, BYTES(root->b, sizeof root->b), true);
  const char *s =
      buf_ok(&text)
          ? arena_fmt(&c->arena, text_n("%llu entry, root %.*s", "%llu entries, root %.*s", (unsigned long)size),
                      (unsigned long long)size, (int)text.n, (const char *)text.p)
          : NULL;
  buf_free(&text);
  return s;
}

static void print_party(struct cli *c, const struct fork_result *r, const struct fork_party *p) {
  if (p->log)
    out_text(arena_fmt(&c->arena, _("%s signed both, with the key of its log. Its log can have had only one history."),
                       p->who.name),
             2);
  if (p->mirror)
    out_text(arena_fmt(&c->arena,
                       _("%s signed both as a mirror: that it durably holds this log of %s, at %s with the first root, "
                         "at %s with the second. It cannot have held both."),
                       p->who.name, r->author, out_time(c, p->cosigned[0]), out_time(c, p->cosigned[1])),
             2);
}

static void print_meaning(const struct fork_result *r) {
  out_print("\n%s\n", _("What it means:"));
  out_text(
      _("No accident of line or disk makes such a pair: it takes the signing key, used on two different histories. "
        "Either somebody showed different parties different records, or a machine was set back to an old copy and "
        "went on from there, or the key is in other hands. Which of them, and which history is true, this proof "
        "does not say."),
      2);
  if (!r->bulk) out_text(_("What was delivered under either history stays proved by its receipts."), 2);
}

static void print_identities(const struct fork_result *r) {
  if (r->identified) {
    out_print("\n%s\n", r->n_parties == 1 ? _("Identity: these are the keys that you know as theirs.")
                                          : _("Identities: these are the keys that you know as theirs."));
    return;
  }
  out_print("\n%s\n",
            _("The proof holds, but IDENTITY IS NOT ESTABLISHED: anybody can make such a pair with fresh keys.\n"
              "Compare the fingerprint with what they told you over another channel, then give\n"
              "--card FILE or --fingerprint PARTY=F:"));
  for (size_t i = 0; i < r->n_parties; i++) {
    const struct pack_party *who = &r->parties[i].who;
    if (who->anchored) continue;
    if (who->n_cards > 1)
      out_print(_("  %s, the first of its %zu cards\n"), who->name, who->n_cards);
    else
      out_print("  %s\n", who->name);
    out_fingerprint(who->fingerprint, 4);
  }
}

static void fork_print(struct cli *c, const struct fork_result *r) {
  char hex[65];
  hex_encode(hex, BYTES(r->forum, SHA256_SIZE));
  out_print("%s\n\n", _("PROOF OF TWO HISTORIES: two signed states of one log that cannot both be true."));
  out_field(c, 0, _("Log of"), r->author);
  out_field(c, 0, _("Forum"), hex);
  out_field(c, 0, _("Log"), r->origin);
  out_field(c, 0, _("First"), tree_text(c, r->size[0], &r->root[0]));
  out_field(c, 0, _("Second"), tree_text(c, r->size[1], &r->root[1]));
  if (r->size[0] < r->size[1]) out_field(c, 0, _("Within it"), tree_text(c, r->size[0], &r->prefix));
  out_print("\n%s\n", _("Who signed both:"));
  for (size_t i = 0; i < r->n_parties; i++) print_party(c, r, &r->parties[i]);
  print_meaning(r);
  print_identities(r);
}

/* An anchor of the command line that names nobody here is most likely misspelt. */
static void warn_unused(const struct anchors *known, const struct fork_result *r) {
  for (size_t i = 0; i < known->n_given; i++) {
    bool used = false;
    for (size_t k = 0; k < r->n_parties; k++) used = used || strcmp(r->parties[k].who.name, known->list[i].party) == 0;
    if (!used) out_note(_("parley verify: %s is not who is convicted here\n"), known->list[i].party);
  }
}

int fork_report(struct cli *c, const struct pack *p, const char *where, const struct anchors *known) {
  struct fork_result r;
  struct errmsg e;
  const struct pack_known k = {.anchors = known->list, .n_anchors = known->n};
  const parley_err rc = fork_verify(&r, &c->arena, p, &k, &e);
  if (rc != PARLEY_OK) {
    err_prefix(&e, rc, _("%s does not verify"), where);
    return cli_fail(c, rc, &e);
  }
  const int code = r.identified ? EXIT_EVIDENCE : EXIT_UNIDENTIFIED;
  warn_unused(known, &r);
  if (!c->json)
    fork_print(c, &r);
  else if (out_json(c, fork_json(&r)) != EXIT_DONE)
    return EXIT_REFUSED;
  return code;
}
