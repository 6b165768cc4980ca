/*
 * parley keys: every key of this home and the cards of the counterparts, how old they are, and what to do about them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encoding.h"
#include "base/time.h"
#include "cli/api.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text.h"

#define DAY INT64_C(86400)
#define SOON (30 * DAY) /* a card that expires within this time is to be renewed */
#define OLD (730 * DAY) /* and keys of this age are to be replaced */
#define CARDS_MAX 256
#define KEYS_MAX 16

struct key_row {
  const char *name; /* "log", "seal:duty" */
  const char *id;   /* the beginning of what names it elsewhere */
  const char *file; /* below keys/, without .age */
  uint64_t serial;  /* of the first card that names it */
  int64_t since;
  bool here, protected;
};

struct keys {
  struct cli *c;
  struct card *cards[CARDS_MAX]; /* newest first */
  size_t n_cards;
  struct key_row rows[KEYS_MAX];
  size_t n;
  json_t *node; /* GET /v1/cards; NULL: no node runs */
  json_t *advice;
};

/* ---- own keys ---- */

static parley_err add_card(void *ctx, struct bytes envelope, struct errmsg *e) {
  struct keys *k = ctx;
  struct cli *c = k->c;
  struct card *card = arena_alloc(&c->arena, sizeof *card);
  const struct bytes kept = arena_copy(&c->arena, envelope);
  if (card == NULL || kept.p == NULL) return err_set(e, PARLEY_ENOMEM, _("out of memory"));
  if (k->n_cards == CARDS_MAX) return PARLEY_OK;
  k->cards[k->n_cards] = card;
  const parley_err rc = card_parse(card, &c->arena, kept, NULL, NULL, e);
  k->n_cards += rc == PARLEY_OK;
  return rc;
}

static bool there(const struct cli *c, const char *file, const char *end) {
  char name[128], path[HOME_PATH_MAX];
  struct stat st;
  snprintf(name, sizeof name, "keys/%s%s", file, end);
  return home_path(&c->home, path, name) && stat(path, &st) == 0;
}

typedef bool (*has_key)(const struct card *card, const struct card *newest, size_t which);

static bool same_statement(const struct card *a, const struct card *b, size_t i) {
  (void)i;
  return memcmp(a->statement, b->statement, 32) == 0;
}

static bool same_log(const struct card *a, const struct card *b, size_t i) {
  (void)i;
  return memcmp(a->log, b->log, 32) == 0;
}

static bool same_mirror(const struct card *a, const struct card *b, size_t i) {
  (void)i;
  return memcmp(a->mirror, b->mirror, 32) == 0;
}

static bool same_rotation(const struct card *a, const struct card *b, size_t i) {
  (void)i;
  return memcmp(a->rotation, b->rotation, 32) == 0;
}

static bool same_seal(const struct card *a, const struct card *b, size_t i) {
  for (size_t k = 0; k < a->n_seal; k++)
    if (memcmp(a->seal[k].recipient, b->seal[i].recipient, X25519_SIZE) == 0) return true;
  return false;
}

static bool same_link(const struct card *a, const struct card *b, size_t i) {
  for (size_t k = 0; k < a->n_link; k++)
    if (strcmp(a->link[k], b->link[i]) == 0) return true;
  return false;
}

static void add_row(struct keys *k, const char *name, const char *id, const char *file, has_key same, size_t which) {
  const struct card *newest = k->cards[0], *first = newest;
  for (size_t i = 1; i < k->n_cards && same(k->cards[i], newest, which); i++) first = k->cards[i];
  if (k->n == KEYS_MAX) return;
  const bool open = there(k->c, file, ""), sealed = there(k->c, file, ".age");
  k->rows[k->n++] =
      (struct key_row){name, id, file, first->serial, first->not_before + DAY, open || sealed, !open && sealed};
}

static const char *short_hex(struct cli *c, const uint8_t pub[static 32]) {
  char keyid[65];
  ed25519_keyid(keyid, pub);
  return arena_fmt(&c->arena, "%.16s", keyid);
}

static const char *short_recipient(struct cli *c, const uint8_t pub[static X25519_SIZE]) {
  struct buf text = {0};
  age_recipient_write(&text, pub);
  const char *s = arena_fmt(&c->arena, "%.16s", buf_ok(&text) ? buf_cstr(&text) : "?");
  buf_free(&text);
  return s;
}

static void collect(struct keys *k) {
  struct cli *c = k->c;
  const struct card *card = k->cards[0];
  add_row(k, "statement", short_hex(c, card->statement), "statement.pem", same_statement, 0);
  add_row(k, "log", short_hex(c, card->log), "log.pem", same_log, 0);
  add_row(k, "mirror", short_hex(c, card->mirror), "mirror.pem", same_mirror, 0);
  add_row(k, "rotation", short_hex(c, card->rotation), "rotation", same_rotation, 0);
  for (size_t i = 0; i < card->n_seal; i++)
    add_row(k, arena_fmt(&c->arena, "seal:%s", card->seal[i].label), short_recipient(c, card->seal[i].recipient),
            arena_fmt(&c->arena, "seal.%s.txt", card->seal[i].label), same_seal, i);
  const bool next = there(c, "link.next.cert.pem", "");
  add_row(k, "link", arena_fmt(&c->arena, "%.16s", card->link[next && card->n_link > 1] + strlen("sha256//")),
          "link.key.pem", same_link, next && card->n_link > 1);
  if (next)
    add_row(k, "link (next)", arena_fmt(&c->arena, "%.16s", card->link[0] + strlen("sha256//")), "link.next.key.pem",
            same_link, 0);
}

/* ---- what to do ---- */

__attribute__((format(printf, 2, 3))) static void advise(struct keys *k, const char *fmt, ...) {
  char text[600];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  json_array_append_new(k->advice, json_string(text));
}

static void advise_own(struct keys *k) {
  struct cli *c = k->c;
  const struct card *card = k->cards[0];
  const int64_t left = card->not_after - c->now;
  if (left < 0)
    advise(k, _("Your card expired on %s: make the next one now (parley card renew); nobody sends to you meanwhile."),
           out_time(c, card->not_after));
  else if (left < SOON)
    advise(k, _("Your card expires in %s: make the next one (parley card renew)."), out_period(c, left));
  for (size_t i = 0; i < k->n; i++) {
    const struct key_row *r = &k->rows[i];
    if (strcmp(r->name, "rotation") == 0) {
      if (r->here)
        advise(k,
               _("The rotation key lies on this machine: move keys/%s.age to a safe, on a medium of its own, its "
                 "passphrase elsewhere."),
               r->file);
    } else if (!r->here) {
      advise(k, _("keys/%s is not here. If it is lost, replace it: parley card renew --replace %s"), r->file, r->name);
    } else if (c->now - r->since > OLD) {
      advise(k, _("The key %s is %s old: replace it with the next card (--replace %s)."), r->name,
             out_period(c, c->now - r->since), r->name);
    }
  }
  if (there(c, "before/log.pem", "") || there(c, "before/log.pem", ".age"))
    advise(k, "%s",
           _("The log key before is still needed until each log has a checkpoint under both; parleyd removes it "
             "then."));
}

static void advise_about(struct keys *k, const json_t *p) {
  struct cli *c = k->c;
  const char *party = json_text(p, "party");
  const json_t *cards = json_object_get(p, "cards"), *newest = json_array_get(cards, json_array_size(cards) - 1);
  int64_t until;
  if (json_object_get(p, "void_serial") != NULL)
    advise(k,
           _("Two different cards of %s with serial %lld are signed with its rotation key: neither counts. Tell %s by "
             "telephone or note that this key is in two hands."),
           party, (long long)json_integer_value(json_object_get(p, "void_serial")), party);
  if (time_parse(&until, bytes_str(json_text(newest, "not_after"))) && until < c->now)
    advise(k, _("The card of %s expired on %s: nothing is sent to it before it has a new one. Remind it."), party,
           out_time(c, until));
  if (json_is_false(json_object_get(p, "has_ours")))
    advise(k, _("%s does not have your newest card yet%s%s"), party, json_text(p, "why")[0] != '\0' ? ": " : ".",
           json_text(p, "why"));
}

static void advise_all(struct keys *k) {
  size_t i;
  const json_t *p;
  advise_own(k);
  json_array_foreach(json_object_get(k->node, "parties"), i, p) advise_about(k, p);
  if (k->node == NULL) advise(k, "%s", _("No node runs here: which counterparts have your newest card is not known."));
}

/* ---- showing ---- */

static const char *where(const struct key_row *r) {
  if (!r->here) return strcmp(r->name, "rotation") == 0 ? _("not here, as it should be") : _("not here");
  return r->protected ? _("here, protected") : _("here");
}

static void print_own(struct keys *k) {
  struct cli *c = k->c;
  const struct card *card = k->cards[0];
  struct table t = {.columns = 5};
  out_print(_("%s, card of serial %llu, valid until %s\n"), card->name, (unsigned long long)card->serial,
            out_time(c, card->not_after));
  out_fingerprint(card->fingerprint, 2);
  table_add(&t, _("KEY"));
  table_add(&t, _("ID"));
  table_add(&t, _("SINCE CARD"));
  table_add(&t, _("AGE"));
  table_add(&t, _("FILE"));
  for (size_t i = 0; i < k->n; i++) {
    const struct key_row *r = &k->rows[i];
    const int64_t age = c->now > r->since ? c->now - r->since : 0;
    table_add(&t, r->name);
    table_add(&t, r->id);
    table_add(&t, arena_fmt(&c->arena, "%llu", (unsigned long long)r->serial));
    table_add(&t, out_period(c, age - age % DAY ? age - age % DAY : age - age % 60));
    table_add(&t, where(r));
  }
  out_print("\n");
  table_print(c, &t);
}

static void print_parties(struct keys *k) {
  struct cli *c = k->c;
  struct table t = {.columns = 4};
  size_t i;
  const json_t *p, *list = json_object_get(k->node, "parties");
  if (json_array_size(list) == 0) return;
  table_add(&t, _("COUNTERPART"));
  table_add(&t, _("CARD"));
  table_add(&t, _("VALID UNTIL"));
  table_add(&t, _("HAS YOUR CARD"));
  json_array_foreach(list, i, p) {
    const json_t *cards = json_object_get(p, "cards"), *newest = json_array_get(cards, json_array_size(cards) - 1);
    table_add(&t, out_line(c, json_text(p, "party")));
    table_add(&t, arena_fmt(&c->arena, "%lld", (long long)json_integer_value(json_object_get(newest, "serial"))));
    table_add(&t, arena_fmt(&c->arena, "%.10s", out_line(c, json_text(newest, "not_after"))));
    table_add(&t, json_is_true(json_object_get(p, "has_ours")) ? _("it has") : _("not yet"));
  }
  out_print("\n");
  table_print(c, &t);
}

static void print_advice(struct keys *k) {
  size_t i;
  const json_t *line;
  if (json_array_size(k->advice) == 0) {
    out_print("\n%s\n", _("Nothing to do."));
    return;
  }
  out_print("\n%s\n", _("To do:"));
  json_array_foreach(k->advice, i, line) out_text(json_string_value(line), 2);
}

static json_t *row_json(const struct cli *c, const struct key_row *r) {
  json_t *o = json_object();
  const bool ok = o != NULL && json_put_str(o, "key", r->name) && json_put_str(o, "id", r->id) &&
                  json_put_int(o, "since_serial", (int64_t)r->serial) && json_put_time(o, "since", r->since) &&
                  json_put_int(o, "age_days", (c->now - r->since) / DAY) && json_put_str(o, "file", r->file) &&
                  json_object_set_new(o, "here", json_boolean(r->here)) == 0 &&
                  json_object_set_new(o, "protected", json_boolean(r->protected)) == 0;
  if (ok) return o;
  json_decref(o);
  return NULL;
}

static int print_json(struct keys *k) {
  const struct card *card = k->cards[0];
  json_t *o = json_object(), *rows = json_array();
  bool ok = o != NULL && json_put_str(o, "party", card->name) && json_put_int(o, "serial", (int64_t)card->serial) &&
            json_put_hex(o, "fingerprint", card->fingerprint, SHA256_SIZE) &&
            json_put_time(o, "not_after", card->not_after);
  for (size_t i = 0; i < k->n && ok; i++) ok = json_array_append_new(rows, row_json(k->c, &k->rows[i])) == 0;
  ok = ok && json_object_set(o, "keys", rows) == 0 && json_object_set(o, "advice", k->advice) == 0;
  if (ok && k->node != NULL)
    ok = json_object_set(o, "counterparts", json_object_get(k->node, "parties")) == 0 &&
         json_object_set(o, "forums", json_object_get(k->node, "forums")) == 0;
  json_decref(rows);
  if (ok) return out_json(k->c, o);
  json_decref(o);
  return cli_no_memory(k->c);
}

static int run(struct cli *c, const struct args *a) {
  struct keys k = {.c = c};
  struct card own;
  struct errmsg e;
  (void)a;
  parley_err rc = cli_need_home(c, &e);
  if (rc == PARLEY_OK) rc = cli_own_card(c, &own, &e);
  if (rc == PARLEY_OK) rc = add_card(&k, own.envelope, &e);
  if (rc == PARLEY_OK) rc = home_cards_before(&c->home, add_card, &k, &e);
  if (rc == PARLEY_OK && (rc = api_get(c, &k.node, "/v1/cards", &e)) == PARLEY_EUNREACHABLE) rc = PARLEY_OK;
  if (rc != PARLEY_OK) return cli_fail(c, rc, &e);
  k.advice = json_array();
  int code = EXIT_DONE;
  if (k.advice == NULL) {
    code = cli_no_memory(c);
  } else {
    collect(&k);
    advise_all(&k);
    if (c->json) {
      code = print_json(&k);
    } else {
      print_own(&k);
      print_parties(&k);
      print_advice(&k);
    }
  }
  json_decref(k.advice);
  json_decref(k.node);
  return code;
}

static const struct option no_options[] = {{NULL, NULL, NULL, false}};

const struct verb verb_keys = {
    .name = "keys",
    .usage = "",
    .summary = N_("show all keys, their age, and what to do about them"),
    .about =
        N_("Shows each key of this home: since which card it is in use, how old it is, whether its file is here and "
           "protected; the cards of the counterparts, and who has your newest one; and what is to be done. Works "
           "without a running node, too."),
    .options = no_options,
    .examples = {"parley keys", "parley keys --json"},
    .run = run,
};
