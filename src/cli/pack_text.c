#include "cli/pack_text.h"

#include "base/encoding.h"
#include "cli/output.h"
#include "cli/text.h"

/* ---- plain words ---- */

/* One finding, wrapped. */
static void finding(const char *text) {
  if (text != NULL) out_text(text, 2);
}

/* "", or " (under card 2 of 3)" where a party has several in the pack. */
static const char *under(struct cli *c, const struct pack_party *p, size_t card) {
  const char *text =
      p->n_cards > 1 ? arena_fmt(&c->arena, _(" (under its card %zu of %zu)"), card + 1, p->n_cards) : "";
  return text != NULL ? text : "";
}

static void print_party(struct cli *c, const struct pack_result *r, const struct pack_party *p) {
  finding(arena_fmt(&c->arena, _("Delivered: the machine of %s durably held the statement at %s%s"), p->name,
                    out_time(c, p->delivered), under(c, p, p->card)));
  if (r->statement.n_attach == 0) return;
  if (p->files_delivered != 0)
    finding(arena_fmt(&c->arena, _("Files delivered: the machine of %s durably held them at %s"), p->name,
                      out_time(c, p->files_delivered)));
  else
    finding(arena_fmt(&c->arena, _("Files: that %s holds them is not in this pack"), p->name));
}

/* Who else it is addressed to: nobody is to take the pack for a proof of more than it is. */
static void print_not_covered(struct cli *c, const struct pack_result *r) {
  const char *names = "";
  if (r->n_covered + 1 == r->n_parties) return;
  for (size_t i = 1; i < r->n_parties && names != NULL; i++)
    if (!r->parties[i].covered)
      names = arena_fmt(&c->arena, "%s%s%s", names, names[0] != '\0' ? ", " : "", r->parties[i].name);
  if (names != NULL)
    finding(arena_fmt(&c->arena, _("NOTHING HERE about the delivery to: %s (they are addressees, too)"), names));
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

/* ---- a rejection ---- */

static const char *ground_words(enum ground g) {
  switch (g) {
  case GROUND_UNREADABLE: return _("unreadable (its key does not open it, or what it opens to is not what was signed)");
  case GROUND_SEALING: return _("sealing (it is not sealed so that it could be proved to others)");
  case GROUND_FORM: return _("form (it breaks the form of its kind)");
  case GROUND_LANGUAGE: return _("language (not a language of the charter)");
  case GROUND_FILES: return _("files (one is missing, does not open or is not what the text says)");
  }
  return "";
}

static void print_dispute(struct cli *c, const struct pack_result *r) {
  switch (r->dispute) {
  case DISPUTE_ENDED:
    finding(arena_fmt(&c->arena, _("Dispute: ended, for %s acknowledged it after that"), r->reject.from));
    break;
  case DISPUTE_VOID:
    finding(arena_fmt(&c->arena,
                      _("Dispute: none, for %s had acknowledged it before, and the rejection counts for nothing"),
                      r->reject.from));
    break;
  case DISPUTE_OPEN: finding(_("Dispute: open, as far as this pack shows")); break;
  case DISPUTE_NONE: break;
  }
}

static void print_finding(struct cli *c, const struct pack_disclosed *d) {
  switch (d->finding) {
  case FINDING_CONTRADICTED: finding(_("Ground: contradicted by what is disclosed")); break;
  case FINDING_BORNE_OUT:
    finding(d->why[0] != '\0'
                ? arena_fmt(&c->arena, _("Ground: BORNE OUT by what is disclosed: %s"), out_line(c, d->why))
                : _("Ground: BORNE OUT by what is disclosed"));
    break;
  case FINDING_OPEN: finding(_("Ground: neither contradicted nor borne out by what is disclosed")); break;
  }
}

static void print_reject(struct cli *c, const struct pack_result *r) {
  const struct pack_disclosed *d = &r->disclosed;
  if (!r->has_reject) return;
  finding(arena_fmt(&c->arena,
                    _("Rejected: by %s, “%s”, dated %s, held by %s at %s (not accepted as it is; not agreed, delivery "
                      "stands)"),
                    r->reject.from, out_line(c, r->reject.officer), out_time(c, r->reject.issued), r->statement.from,
                    out_time(c, r->reject_delivered)));
  if (d->reject) {
    finding(arena_fmt(&c->arena, _("Ground given: %s"), ground_words(d->ground)));
    if (d->reasons != NULL) finding(arena_fmt(&c->arena, _("Reasons given: “%s”"), out_line(c, d->reasons)));
    print_finding(c, d);
  }
  print_dispute(c, r);
}

/* ---- what is disclosed ---- */

static void print_readers(struct cli *c, const struct pack_result *r, const struct pack_reader *readers,
                          const char *words) {
  for (size_t i = 0; i + 1 < r->n_parties; i++)
    finding(arena_fmt(&c->arena, words, readers[i].card->name, readers[i].seal->label,
                      (unsigned long long)readers[i].card->serial));
}

/* A file is sealed for itself, but nearly always to the keys that the text is sealed to. */
static bool same_readers(const struct pack_result *r, size_t n) {
  bool same = true;
  for (size_t i = 0; i < r->n_parties; i++)
    same = same && r->disclosed.file_readers[n][i].seal == r->disclosed.readers[i].seal;
  return same;
}

static void print_file(struct cli *c, const struct pack_result *r, size_t n) {
  const struct plain_file *f = &r->disclosed.text.files[n];
  const char *name = out_line(c, f->name), *size = out_size(c, f->size);
  if (!r->disclosed.file[n])
    finding(arena_fmt(&c->arena, _("File %zu: “%s” is not disclosed"), n, name));
  else if (same_readers(r, n))
    finding(arena_fmt(&c->arena, _("File %zu: “%s”, %s, is what was attached, readable with the same keys"), n, name,
                      size));
  else {
    finding(arena_fmt(&c->arena, _("File %zu: “%s”, %s, is what was attached"), n, name, size));
    print_readers(c, r, r->disclosed.file_readers[n],
                  _("Readable: %s was able to read this file (desk “%s”, card serial %llu)"));
  }
}

static void print_disclosed(struct cli *c, const struct pack_result *r) {
  if (!r->disclosed.body) return;
  finding(_("Disclosed: body.json is the text that was signed and sealed"));
  print_readers(c, r, r->disclosed.readers, _("Readable: %s was able to read the text (desk “%s”, card serial %llu)"));
  for (size_t n = 0; n < r->statement.n_attach; n++) print_file(c, r, n);
}

static void print_identities(const struct pack_result *r) {
  if (r->identified) {
    out_print("\n%s\n",
              r->n_covered + 1 == r->n_parties
                  ? _("Identities: author and addressees have the keys that you know as theirs.")
                  : _("Identities: the author, and the addressees that this is about, have the keys that you know as "
                      "theirs."));
    return;
  }
  out_print("\n%s\n",
            _("Consistent, but IDENTITIES ARE NOT ESTABLISHED: anybody can make a whole pack with fresh keys.\n"
              "Compare these fingerprints with what each party told you over another channel, then give\n"
              "--card FILE or --fingerprint PARTY=F:"));
  for (size_t i = 0; i < r->n_parties; i++) {
    if (r->parties[i].anchored || (i > 0 && !r->parties[i].covered)) continue;
    if (r->parties[i].n_cards > 1)
      out_print(_("  %s, the first of its %zu cards\n"), r->parties[i].name, r->parties[i].n_cards);
    else
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
  finding(arena_fmt(&c->arena, _("Sent: %s signed this statement and put it on its record%s"), s->from,
                    under(c, &r->parties[0], r->parties[0].card)));
  for (size_t i = 0; i < r->n_parties; i++)
    if (r->parties[i].covered) print_party(c, r, &r->parties[i]);
  print_not_covered(c, r);
  print_ack(c, r);
  print_reject(c, r);
  print_disclosed(c, r);
  finding(_("The times are those that the two sides signed."));
  if (r->skew > r->tolerance)
    out_print(_("\nWARNING: clock unverified: signed times differ from the statement's by up to %s, the charter\n"
                "tolerates %s.\n"),
              out_period(c, r->skew), out_period(c, r->tolerance));
  print_identities(r);
}
