/*
 * parley bundle show: what is in a bundle, and whether it holds together. Needs no node; what it says of signatures
 * rests on the cards in the bundle itself, which anybody can make.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/bundle_file.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

#define CARDS_SHOWN_MAX 512
#define FAULTS_MAX 1000

struct shown_card {
  char name[PARTY_NAME_MAX + 1];
  uint8_t log[32], mirror[32];
};

struct showing {
  struct cli *c;
  struct bundle_reader r;
  struct bundle_head head;
  struct buf data;
  struct shown_card *cards;
  size_t n_cards;
  char origin[ORIGIN_MAX + 1]; /* of the log being read; "" none */
  uint8_t digest[SHA256_SIZE];
  struct checkpoint checkpoint; /* its origin is not used */
  bool has_checkpoint;
  uint64_t next; /* entry that should come */
  json_t *log;   /* of the list below */
  json_t *logs, *cards_list, *charters, *faults;
  uint64_t n_faults;
};

static parley_err refuse(struct errmsg *e, const char *why) { return err_set(e, PARLEY_EVERIFY, "%s", why); }

static void fault(struct showing *s, const char *name, const struct errmsg *why) {
  if (s->n_faults++ >= FAULTS_MAX) return;
  json_t *o = json_object();
  json_put_str(o, "name", out_line(s->c, name));
  json_put_str(o, "reason", why->text);
  json_array_append_new(s->faults, o);
}

/* ---- cards and charters ---- */

static parley_err show_card(struct showing *s, struct errmsg *e) {
  struct arena a = {0};
  struct card card;
  bool unproved;
  char fingerprint[2 * SHA256_SIZE + 1];
  parley_err rc = card_parse(&card, &a, buf_view(&s->data), NULL, &unproved, e);
  if (rc == PARLEY_OK && (strcmp(card.name, s->r.name.party) != 0 || card.serial != s->r.name.serial))
    rc = refuse(e, _("it is another card than its name says"));
  if (rc == PARLEY_OK) {
    if (s->n_cards < CARDS_SHOWN_MAX) {
      struct shown_card *k = &s->cards[s->n_cards++];
      snprintf(k->name, sizeof k->name, "%s", card.name);
      memcpy(k->log, card.log, sizeof k->log);
      memcpy(k->mirror, card.mirror, sizeof k->mirror);
    }
    json_t *o = json_object();
    hex_encode(fingerprint, BYTES(card.fingerprint, SHA256_SIZE));
    json_put_str(o, "party", card.name);
    json_put_int(o, "serial", (int64_t)card.serial);
    json_put_str(o, "fingerprint", fingerprint);
    json_array_append_new(s->cards_list, o);
  }
  arena_free(&a);
  return rc;
}

static parley_err show_charter(struct showing *s, struct errmsg *e) {
  struct arena a = {0};
  struct dsse d;
  uint8_t digest[SHA256_SIZE];
  struct charter *ch = arena_alloc(&a, sizeof *ch);
  parley_err rc = ch != NULL ? dsse_parse(&d, &a, buf_view(&s->data), CHARTER_SIZE_MAX, e)
                             : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK) rc = charter_parse(ch, &a, d.payload, e);
  if (rc == PARLEY_OK) sha256(digest, d.payload);
  if (rc == PARLEY_OK && memcmp(digest, s->r.name.digest, SHA256_SIZE) != 0)
    rc = refuse(e, _("it is another charter than its name says"));
  if (rc == PARLEY_OK) {
    json_t *o = json_object();
    json_put_hex(o, "digest", digest, SHA256_SIZE);
    json_put_str(o, "title", ch->title);
    json_put_int(o, "signatures", (int64_t)d.n);
    json_put_int(o, "members", (int64_t)ch->n_members);
    json_array_append_new(s->charters, o);
  }
  arena_free(&a);
  return rc;
}

/* ---- logs ---- */

static parley_err show_origin(struct showing *s, struct errmsg *e) {
  struct bytes rest = buf_view(&s->data), line;
  uint8_t digest[SHA256_SIZE];
  s->origin[0] = '\0';
  s->has_checkpoint = false;
  if (!bytes_line(&rest, &line) || rest.n || line.n == 0 || line.n > ORIGIN_MAX || memchr(line.p, '\0', line.n) != NULL)
    return refuse(e, _("it is no origin of a log"));
  sha256(digest, line);
  if (memcmp(digest, s->r.name.digest, SHA256_SIZE) != 0)
    return refuse(e, _("its folder is not the digest of the origin"));
  memcpy(s->digest, digest, SHA256_SIZE);
  snprintf(s->origin, sizeof s->origin, "%.*s", (int)line.n, (const char *)line.p);
  s->log = json_object();
  json_put_str(s->log, "origin", s->origin);
  json_object_set_new(s->log, "cosigned", json_array());
  json_array_append_new(s->logs, s->log);
  return PARLEY_OK;
}

/* By whichever card of the party in the bundle: OK, ENOTFOUND (none of them), EVERIFY. */
static parley_err verify(const struct showing *s, const struct note *note, const char *party, bool mirror,
                         struct errmsg *e) {
  struct vkey key;
  char name[PARTY_NAME_MAX + 8];
  parley_err rc = PARLEY_ENOTFOUND;
  snprintf(name, sizeof name, "%s/mirror", party);
  for (size_t i = 0; rc == PARLEY_ENOTFOUND && i < s->n_cards; i++) {
    const struct shown_card *k = &s->cards[i];
    if (strcmp(k->name, party) != 0) continue;
    rc = vkey_make(&key, mirror ? name : s->origin, mirror ? NOTE_COSIGNATURE : NOTE_ED25519,
                   mirror ? k->mirror : k->log, e);
    if (rc == PARLEY_OK) rc = note_verify(note, &key, NULL, NULL, e);
  }
  return rc;
}

static parley_err read_note(struct showing *s, struct note *note, struct checkpoint *c, struct arena *a,
                            struct errmsg *e) {
  parley_err rc = note_parse(note, a, buf_view(&s->data), e);
  if (rc == PARLEY_OK) rc = checkpoint_parse(c, note->text, e);
  if (rc == PARLEY_OK && !bytes_is(c->origin, s->origin)) rc = refuse(e, _("it is of another log"));
  return rc;
}

static const char *author(struct showing *s) {
  const char *slash = strchr(s->origin, '/');
  const char *name =
      arena_cstr(&s->c->arena, BYTES(s->origin, slash ? (size_t)(slash - s->origin) : strlen(s->origin)));
  return name != NULL ? name : "";
}

static parley_err show_checkpoint(struct showing *s, struct errmsg *e) {
  struct arena a = {0};
  struct note note;
  parley_err rc = read_note(s, &note, &s->checkpoint, &a, e);
  if (rc == PARLEY_OK) rc = verify(s, &note, author(s), false, e);
  const bool known = rc != PARLEY_ENOTFOUND;
  if (rc == PARLEY_ENOTFOUND) rc = PARLEY_OK;
  s->has_checkpoint = rc == PARLEY_OK;
  s->next = UINT64_MAX;
  if (rc == PARLEY_OK) {
    json_put_int(s->log, "size", (int64_t)s->checkpoint.size);
    json_object_set_new(s->log, "signed", json_boolean(known));
  }
  arena_free(&a);
  return rc;
}

static parley_err show_entries(struct showing *s, struct errmsg *e) {
  if (!s->has_checkpoint) return refuse(e, _("the checkpoint of its log does not stand before it"));
  if (s->next != UINT64_MAX && s->r.name.start != s->next)
    return refuse(e, _("it does not go on from the entries before it"));
  parley_err rc = bundle_entries_walk(&s->r.name, buf_view(&s->data), s->origin, s->checkpoint.size,
                                      &s->checkpoint.root, NULL, NULL, e);
  if (rc != PARLEY_OK) return rc;
  if (s->next == UINT64_MAX) json_put_int(s->log, "from", (int64_t)s->r.name.start);
  s->next = s->r.name.end;
  json_put_int(s->log, "to", (int64_t)s->next);
  const int64_t before = json_integer_value(json_object_get(s->log, "bytes"));
  json_put_int(s->log, "bytes", before + (int64_t)s->data.n);
  return PARLEY_OK;
}

static parley_err show_cosigned(struct showing *s, struct errmsg *e) {
  struct arena a = {0};
  struct note note;
  struct checkpoint c;
  parley_err rc = read_note(s, &note, &c, &a, e);
  if (rc == PARLEY_OK) rc = verify(s, &note, s->r.name.party, true, e);
  const bool known = rc == PARLEY_OK;
  if (rc == PARLEY_ENOTFOUND) rc = PARLEY_OK;
  if (rc == PARLEY_OK) {
    json_t *o = json_object();
    json_put_str(o, "party", s->r.name.party);
    json_put_int(o, "size", (int64_t)c.size);
    json_object_set_new(o, "verified", json_boolean(known));
    json_array_append_new(json_object_get(s->log, "cosigned"), o);
  }
  arena_free(&a);
  return rc;
}

/* ---- the walk ---- */

static parley_err show_one(struct showing *s, struct errmsg *e) {
  const enum bundle_kind kind = s->r.name.kind;
  if (kind == BUNDLE_HEAD) return refuse(e, _("a bundle has this once, at its beginning"));
  if (kind == BUNDLE_CARD) return show_card(s, e);
  if (kind == BUNDLE_CHARTER) return show_charter(s, e);
  if (kind == BUNDLE_ORIGIN) return show_origin(s, e);
  if (s->origin[0] == '\0' || memcmp(s->digest, s->r.name.digest, SHA256_SIZE) != 0)
    return refuse(e, _("the origin of its log does not stand before it"));
  return kind == BUNDLE_CHECKPOINT ? show_checkpoint(s, e)
         : kind == BUNDLE_ENTRIES  ? show_entries(s, e)
                                   : show_cosigned(s, e);
}

static parley_err show_all(struct showing *s, struct errmsg *e) {
  struct progress p;
  struct errmsg why;
  enum bundle_step step;
  progress_begin(&p, s->c, _("checking"), s->r.size);
  while ((step = bundle_next(&s->r, &why)) < BUNDLE_OVER) {
    parley_err rc = step == BUNDLE_REFUSED ? PARLEY_EREFUSED : bundle_data(&s->r, &s->data, &why);
    if (rc == PARLEY_EIO || rc == PARLEY_ENOMEM) {
      step = BUNDLE_FAILED;
      break;
    }
    if (rc == PARLEY_OK) rc = show_one(s, &why);
    if (rc != PARLEY_OK) fault(s, s->r.block.name, &why);
    progress_at(&p, s->r.at);
  }
  progress_end(&p);
  if (step == BUNDLE_FAILED) return err_set(e, PARLEY_EIO, "%s", why.text);
  if (step == BUNDLE_CUT) fault(s, base_name(s->r.path), &why);
  return PARLEY_OK;
}

/* ---- the report ---- */

static void print_log(struct showing *s, const json_t *log) {
  struct cli *c = s->c;
  size_t i;
  const json_t *o;
  out_print("  %s\n", out_line(c, json_text(log, "origin")));
  const json_t *to = json_object_get(log, "to");
  if (to != NULL)
    out_print(_("    entries %llu to %llu of %llu, %s\n"),
              (unsigned long long)json_integer_value(json_object_get(log, "from")),
              (unsigned long long)json_integer_value(to) - 1,
              (unsigned long long)json_integer_value(json_object_get(log, "size")),
              out_size(c, (uint64_t)json_integer_value(json_object_get(log, "bytes"))));
  else if (json_object_get(log, "size") != NULL)
    out_print(_("    no entries; it has %llu\n"), (unsigned long long)json_integer_value(json_object_get(log, "size")));
  json_array_foreach(json_object_get(log, "cosigned"), i, o)
      out_print(json_is_true(json_object_get(o, "verified"))
                    ? _("    cosigned by %s, %llu entries\n")
                    : _("    said to be cosigned by %s, %llu entries (no card of it here)\n"),
                json_text(o, "party"), (unsigned long long)json_integer_value(json_object_get(o, "size")));
}

static int report_text(struct showing *s) {
  struct cli *c = s->c;
  size_t i;
  const json_t *o;
  char hex[2 * SHA256_SIZE + 1];
  hex_encode(hex, BYTES(s->head.forum, SHA256_SIZE));
  out_field(c, 0, _("from"), s->head.from);
  out_field(c, 0, _("for"), s->head.to);
  out_field(c, 0, _("forum"), hex);
  out_field(c, 0, _("made"), out_time(c, s->head.time));
  out_field(c, 0, _("size"), out_size(c, s->r.size));
  json_array_foreach(s->charters, i, o)
      out_print(_("  charter “%s”, signed by %llu of %llu\n"), out_line(c, json_text(o, "title")),
                (unsigned long long)json_integer_value(json_object_get(o, "signatures")),
                (unsigned long long)json_integer_value(json_object_get(o, "members")));
  json_array_foreach(s->cards_list, i, o)
      out_print(_("  card of %s, serial %llu, fingerprint %.9s…\n"), json_text(o, "party"),
                (unsigned long long)json_integer_value(json_object_get(o, "serial")), json_text(o, "fingerprint"));
  json_array_foreach(s->logs, i, o) print_log(s, o);
  if (s->n_faults > 0) out_print(_("What does not hold, and would be refused:\n"));
  json_array_foreach(s->faults, i, o)
      out_print("  %s: %s\n", json_text(o, "name"), out_line(c, json_text(o, "reason")));
  if (s->n_faults == 0)
    out_print(_(
        "It holds together. Whether the keys are those of these parties only a node can say that has pinned them.\n"));
  return s->n_faults > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static int report(struct showing *s) {
  char time[TIME_TEXT_SIZE];
  if (!s->c->json) return report_text(s);
  json_t *o = json_object();
  time_format(time, s->head.time);
  const bool ok = o != NULL && json_put_str(o, "from", s->head.from) && json_put_str(o, "for", s->head.to) &&
                  json_put_hex(o, "forum", s->head.forum, SHA256_SIZE) && json_put_str(o, "time", time) &&
                  json_put_int(o, "bytes", (int64_t)s->r.size) && json_object_set(o, "charters", s->charters) == 0 &&
                  json_object_set(o, "cards", s->cards_list) == 0 && json_object_set(o, "logs", s->logs) == 0 &&
                  json_put_int(o, "refused_count", (int64_t)s->n_faults) &&
                  json_object_set(o, "refused", s->faults) == 0;
  if (!ok) {
    json_decref(o);
    return cli_no_memory(s->c);
  }
  const int code = out_json(s->c, o);
  return code == EXIT_DONE && s->n_faults > 0 ? EXIT_REFUSED : code;
}

static int run(struct cli *c, const struct args *a) {
  struct showing s = {.c = c,
                      .r = {.fd = -1},
                      .cards = arena_alloc(&c->arena, CARDS_SHOWN_MAX * sizeof *s.cards),
                      .logs = json_array(),
                      .cards_list = json_array(),
                      .charters = json_array(),
                      .faults = json_array()};
  struct errmsg e;
  parley_err rc = s.cards != NULL ? bundle_open(&s.r, a->arg[0], &e) : err_set(&e, PARLEY_ENOMEM, _("out of memory"));
  if (rc == PARLEY_OK) rc = bundle_begin(&s.r, &s.head, &e);
  if (rc == PARLEY_OK) rc = show_all(&s, &e);
  const int code = rc == PARLEY_OK ? report(&s) : cli_fail(c, rc, &e);
  bundle_close(&s.r);
  buf_free(&s.data);
  json_decref(s.logs);
  json_decref(s.cards_list);
  json_decref(s.charters);
  json_decref(s.faults);
  return code;
}

static const struct option options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_bundle_show = {
    .name = "bundle show",
    .usage = N_("FILE"),
    .summary = N_("say what is in such a file"),
    .about = N_("Says what the bundle FILE carries: from whom and for whom, of each log which entries and whose "
                "cosignatures, and whether it holds together. Needs no node, and changes nothing."),
    .options = options,
    .examples = {"parley bundle show to-us.bundle", "parley bundle show to-us.bundle --json"},
    .min_args = 1,
    .max_args = 1,
    .exits = 0,
    .run = run,
};
