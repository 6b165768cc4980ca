/*
 * parley fsck: mends what an audit finds, where it can be mended, in the store of a node at rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "cli/audit_mirror.h"
#include "cli/audit_sources.h"
#include "cli/output.h"
#include "cli/text.h"
#include "record/audit_repair.h"

struct problem {
  enum audit_kind kind;
  unsigned level;
  uint64_t index;
  char origin[ORIGIN_MAX + 1];
  char what[256];
  bool mended;
};

struct fsck {
  struct cli *c;
  struct store *store;
  struct card own;
  struct bytes *cards;
  size_t n_cards;
  struct home_keys keys;
  bool has_keys;

  struct problem *list;
  size_t n, cap;
  uint64_t tiles, entries, rows; /* mended */
  bool lost;                     /* memory ran out */
};

/* ---- looking ---- */

static void keep(void *ctx, const struct audit_problem *p) {
  struct fsck *f = ctx;
  if (f->n == f->cap) {
    const size_t cap = f->cap == 0 ? 64 : 2 * f->cap;
    struct problem *grown = realloc(f->list, cap * sizeof *grown);
    if (grown == NULL) {
      f->lost = true;
      return;
    }
    f->list = grown;
    f->cap = cap;
  }
  struct problem *x = &f->list[f->n++];
  *x = (struct problem){.kind = p->kind, .level = p->level, .index = p->index};
  snprintf(x->origin, sizeof x->origin, "%s", p->origin);
  snprintf(x->what, sizeof x->what, "%s", p->what);
}

static parley_err look(struct fsck *f, struct audit_result *out, struct errmsg *e) {
  const struct audit_source s = audit_store_source(f->store);
  const struct audit_options o = {
      .self = f->own.name, .cards = f->cards, .n_cards = f->n_cards, .threads = 1, .problem = keep, .ctx = f};
  f->n = 0;
  const parley_err rc = audit_run(out, &s, &o, e);
  return rc == PARLEY_OK && f->lost ? err_set(e, PARLEY_ENOMEM, _("out of memory")) : rc;
}

/* ---- mending ---- */

static parley_err end(struct fsck *f, parley_err rc, struct errmsg *e) {
  if (rc == PARLEY_OK) return store_commit(f->store, e);
  if (store_in_transaction(f->store)) store_rollback(f->store);
  return rc;
}

static bool fatal(parley_err rc) {
  return rc == PARLEY_EIO || rc == PARLEY_EFULL || rc == PARLEY_ENOMEM || rc == PARLEY_EBUSY;
}

/* From the lowest level up: each is made from the one below it. */
static parley_err mend_tiles(struct fsck *f, struct errmsg *e) {
  for (unsigned level = 0; level < 6; level++)
    for (size_t i = 0; i < f->n; i++) {
      struct problem *p = &f->list[i];
      if (p->kind != AUDIT_TILE || p->level != level || p->mended) continue;
      parley_err rc = store_begin(f->store, e);
      if (rc == PARLEY_OK) rc = end(f, repair_tile(f->store, p->origin, level, p->index, e), e);
      if (fatal(rc)) return rc;
      p->mended = rc == PARLEY_OK;
      f->tiles += p->mended;
    }
  return PARLEY_OK;
}

static parley_err put_entry(struct fsck *f, struct problem *p, struct bytes entry, struct errmsg *e) {
  const parley_err rc = store_begin(f->store, e);
  return rc != PARLEY_OK ? rc : end(f, repair_entry(f->store, p->origin, p->index, entry, e), e);
}

/* One entry from one mirror; what fits the tree is the entry, whoever gives it. */
static parley_err fetch_one(struct fsck *f, struct audit_mirror *m, struct problem *p, struct errmsg *e) {
  const struct audit_source s = audit_mirror_source(m);
  struct buf name = {0}, page = {0};
  struct bytes rest, item = BYTES_NONE;
  const unsigned at = (unsigned)(p->index % 256);
  uint32_t number;
  uint64_t size = 0;
  parley_err rc = audit_store_find(f->store, p->origin, &number, &size, e);
  const uint64_t from = p->index - at, width = size - from < 256 ? size - from : 256;
  buf_fmt(&name, "entries/%llu/%llu/%s", (unsigned long long)(p->index / 256), (unsigned long long)width, p->origin);
  const char *text = buf_cstr(&name);
  if (rc == PARLEY_OK) rc = text != NULL ? s.get(s.ctx, text, &page, e) : err_set(e, PARLEY_ENOMEM, _("out of memory"));
  rest = buf_view(&page);
  for (unsigned i = 0; rc == PARLEY_OK && i <= at; i++)
    if (!audit_item(&rest, &item)) item = BYTES_NONE;
  if (rc == PARLEY_OK)
    rc = item.p != NULL ? put_entry(f, p, item, e) : err_set(e, PARLEY_ENOTFOUND, _("the entry is not there either"));
  buf_free(&name);
  buf_free(&page);
  return rc;
}

static parley_err fetch_from(struct fsck *f, const char *party, struct errmsg *e) {
  struct audit_mirror *m;
  const struct audit_mirror_options o = {
      .where = party, .cards = f->cards, .n_cards = f->n_cards, .keys = f->has_keys ? &f->keys : NULL};
  struct errmsg why;
  if (audit_mirror_open(&m, f->c, &o, &why) != PARLEY_OK) return PARLEY_OK;
  for (size_t i = 0; i < f->n; i++) {
    struct problem *p = &f->list[i];
    if (p->kind != AUDIT_ENTRY || p->mended) continue;
    const parley_err rc = fetch_one(f, m, p, &why);
    if (fatal(rc)) {
      audit_mirror_close(m);
      return err_set(e, rc, "%s", why.text);
    }
    p->mended = rc == PARLEY_OK;
    f->entries += p->mended;
    if (rc == PARLEY_EUNREACHABLE) {
      out_note(_("parley fsck: %s is not reached: %s\n"), party, why.text);
      break;
    }
  }
  audit_mirror_close(m);
  return PARLEY_OK;
}

static bool wants_entries(const struct fsck *f) {
  for (size_t i = 0; i < f->n; i++)
    if (f->list[i].kind == AUDIT_ENTRY && !f->list[i].mended) return true;
  return false;
}

/* Every counterpart in turn: the author and all members hold the log. */
static parley_err fetch_entries(struct fsck *f, struct errmsg *e) {
  struct errmsg why;
  if (!wants_entries(f)) return PARLEY_OK;
  f->has_keys = home_keys_load(&f->keys, &f->c->home, &f->own, home_passphrase, NULL, &why) == PARLEY_OK;
  if (!f->has_keys)
    out_note(_("parley fsck: nothing can be fetched, since the link key cannot be read: %s\n"), why.text);
  for (size_t i = 0; f->has_keys && i < f->n_cards && wants_entries(f); i++) {
    struct arena a = {0};
    struct card c;
    bool unproved;
    parley_err rc = PARLEY_OK;
    if (card_parse(&c, &a, f->cards[i], NULL, &unproved, NULL) == PARLEY_OK && strcmp(c.name, f->own.name) != 0)
      rc = fetch_from(f, c.name, e);
    arena_free(&a);
    if (rc != PARLEY_OK) return rc;
  }
  return PARLEY_OK;
}

static bool has_row_problem(const struct fsck *f, const char *origin) {
  for (size_t i = 0; i < f->n; i++)
    if (f->list[i].kind == AUDIT_ROW && (f->list[i].origin[0] == '\0' || strcmp(f->list[i].origin, origin) == 0))
      return true;
  return false;
}

static parley_err mend_rows(struct fsck *f, const struct audit_result *r, struct errmsg *e) {
  parley_err rc = PARLEY_OK;
  for (size_t i = 0; rc == PARLEY_OK && i < r->n_logs; i++) {
    const struct audit_log *l = &r->logs[i];
    if (l->bulk || !has_row_problem(f, l->origin)) continue;
    uint64_t changed = 0;
    rc = store_begin(f->store, e);
    if (rc != PARLEY_OK) return rc;
    rc = repair_unreadable_rows(f->store, &changed, e);
    if (rc == PARLEY_OK) rc = repair_rows(f->store, l->origin, f->own.name, &changed, e);
    rc = end(f, rc, e);
    if (rc == PARLEY_OK) f->rows += changed;
  }
  return rc;
}

/* ---- telling ---- */

static void tell(const struct fsck *f, json_t *list) {
  for (size_t i = 0; i < f->n; i++) {
    const struct problem *p = &f->list[i];
    if (list != NULL) {
      json_t *o = json_object();
      json_put_str(o, "kind", audit_kind_name(p->kind));
      json_put_str(o, "origin", p->origin);
      json_put_int(o, "index", (int64_t)p->index);
      json_put_str(o, "what", p->what);
      json_array_append_new(list, o);
    } else {
      out_print("%s%s%s: %s\n", p->origin, p->origin[0] != '\0' ? ": " : "", audit_kind_name(p->kind),
                out_line(f->c, p->what));
    }
  }
}

static int report(struct fsck *f, bool repaired, uint64_t before, const struct audit_result *r) {
  const int code = r->forked ? EXIT_EVIDENCE : r->all.problems > 0 ? EXIT_REFUSED : EXIT_DONE;
  if (f->c->json) {
    json_t *o = json_object(), *list = json_array();
    tell(f, list);
    json_object_set_new(o, "repaired", json_boolean(repaired));
    json_put_int(o, "before", (int64_t)before);
    json_put_int(o, "tiles", (int64_t)f->tiles);
    json_put_int(o, "entries", (int64_t)f->entries);
    json_put_int(o, "rows", (int64_t)f->rows);
    json_object_set_new(o, "left", list);
    const int written = out_json(f->c, o);
    return written == EXIT_DONE ? code : written;
  }
  tell(f, NULL);
  if (repaired)
    out_print(_("Mended: %llu tiles, %llu entries, %llu rows.\n"), (unsigned long long)f->tiles,
              (unsigned long long)f->entries, (unsigned long long)f->rows);
  if (r->all.problems == 0)
    out_print("%s\n", _("Everything that is stored holds."));
  else if (!repaired)
    out_print("%s\n", _("Nothing was changed. parley fsck --repair mends what can be mended."));
  else
    out_print("%s\n", _("What is listed above could not be mended. Keep a copy of the store; parley audit says what to "
                        "do, and an entry that a counterpart holds comes back when it can be reached."));
  return code;
}

static parley_err repair(struct fsck *f, struct audit_result *r, struct errmsg *e) {
  parley_err rc = mend_tiles(f, e);
  if (rc == PARLEY_OK) rc = fetch_entries(f, e);
  if (rc == PARLEY_OK) rc = mend_tiles(f, e); /* those whose entries have come back */
  if (rc == PARLEY_OK) rc = mend_rows(f, r, e);
  audit_result_free(r);
  return rc == PARLEY_OK ? look(f, r, e) : rc;
}

static int run(struct cli *c, const struct args *a) {
  struct fsck f = {.c = c, .keys.link_fd = -1};
  struct audit_result r = {0};
  struct errmsg e;
  uint64_t before = 0;
  const bool mend = args_flag(a, "repair");
  parley_err rc = cli_need_home(c, &e);
  if (rc == PARLEY_OK) rc = home_store_open(&f.store, c, &e);
  if (rc == PARLEY_OK) rc = cli_own_card(c, &f.own, &e);
  if (rc == PARLEY_OK) rc = audit_home_cards(c, &f.cards, &f.n_cards, &e);
  if (rc == PARLEY_OK) rc = look(&f, &r, &e);
  before = r.all.problems;
  if (rc == PARLEY_OK && mend && before > 0) rc = repair(&f, &r, &e);
  const int code = rc == PARLEY_OK ? report(&f, mend && before > 0, before, &r) : cli_fail(c, rc, &e);
  audit_result_free(&r);
  home_keys_free(&f.keys);
  if (f.store != NULL) store_close(f.store);
  free(f.cards);
  free(f.list);
  return code;
}

static const struct option options[] = {
    {"repair", NULL, N_("mend what can be mended; without it nothing is changed"), false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_fsck = {
    .name = "fsck",
    .usage = N_("[--repair]"),
    .summary = N_("mend a damaged store, of a node that is stopped"),
    .about = N_("Looks for damage as parley audit does, and with --repair mends it: hashes are made anew from the "
                "entries, entries are fetched from the counterparts that hold them, rows are made anew from the logs. "
                "The signer's memory is never touched. parleyd must be stopped."),
    .options = options,
    .examples = {"parley fsck", "parley fsck --repair"},
    .exits = EXIT_BIT(EXIT_EVIDENCE),
    .run = run,
};
