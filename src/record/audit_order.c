/*
 * What of a tile is judged in the order of the log: the card in force, the parts of the charter; and its claims, which
 * are put aside.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "record/audit_state.h"

void audit_order_begin(struct audit *a, uint32_t log, struct audit_order *o) {
  (void)a, (void)log;
  *o = (struct audit_order){0};
}

/* ---- the card in force ---- */

/* The cards that a forum.card brings; *last gets the one in force from it on. */
static parley_err learn(struct audit *a, uint32_t log, uint64_t index, struct bytes entry, const struct card **last,
                        struct errmsg *e) {
  struct arena mem = {0};
  struct statement s = {0};
  struct dsse d;
  parley_err err = statement_parse(&s, &mem, entry, &d, NULL);
  const json_t *list = err ? NULL : json_object_get(s.body, "cards");
  for (size_t i = 0; i < json_array_size(list); i++) {
    struct buf envelope = {0};
    struct errmsg why = {{0}};
    struct card c;
    bool unproved;
    base64_decode(&envelope, bytes_str(json_string_value(json_array_get(list, i))), true);
    err = buf_ok(&envelope) ? audit_cards_add(&a->cards, buf_view(&envelope), false, &why) : PARLEY_ENOMEM;
    if (!err) err = card_parse(&c, &mem, buf_view(&envelope), NULL, &unproved, &why);
    if (!err) *last = audit_card_by_fingerprint(&a->cards, c.name, c.fingerprint);
    buf_free(&envelope);
    if (err == PARLEY_ENOMEM) break;
    if (err)
      audit_found(a, log, AUDIT_CARD, 0, index, audit_ask, "entry %llu brings a card that does not verify: %s",
                  (unsigned long long)index, why.text);
  }
  statement_clear(&s);
  arena_free(&mem);
  return err == PARLEY_ENOMEM ? audit_no_memory(e) : PARLEY_OK;
}

/* Signed by a card that was not known when the tile was checked. */
static parley_err check_late(struct audit *a, uint32_t log, struct audit_tile *t, unsigned at, struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  const uint64_t index = t->n * TILE_WIDTH + at;
  struct arena mem = {0};
  struct statement s = {0};
  struct dsse d;
  struct errmsg why = {{0}};
  const struct card *card = NULL;
  parley_err err = statement_parse(&s, &mem, t->entry[at], &d, &why);
  if (!err) card = audit_card_by_keyid(&a->cards, l->party, d.sigs[0].keyid);
  if (card) {
    l->n.signatures++;
    err = audit_entry_verify(t->entry[at], card, &why);
    if (!err) t->signer[at] = card;
  }
  if (!err && !card)
    audit_found(a, log, AUDIT_STATEMENT, 0, index, audit_ask,
                "entry %llu is signed with a key of no card of %s at hand", (unsigned long long)index, l->party);
  else if (err && err != PARLEY_ENOMEM)
    audit_found(a, log, AUDIT_STATEMENT, 0, index, audit_ask, "entry %llu: %s", (unsigned long long)index, why.text);
  statement_clear(&s);
  arena_free(&mem);
  return err == PARLEY_ENOMEM ? audit_no_memory(e) : PARLEY_OK;
}

/* brought: the card that this very entry puts in force, or NULL. */
static void check_force(struct audit *a, uint32_t log, struct audit_order *o, const struct audit_tile *t, unsigned at,
                        const struct card *brought) {
  const struct card *by = t->signer[at];
  const uint64_t index = t->n * TILE_WIDTH + at;
  if (!by) return;
  if (brought && !memcmp(brought->statement, by->statement, sizeof by->statement))
    o->in_force = brought;
  else if (!o->in_force)
    o->in_force = by;
  else if (memcmp(o->in_force->statement, by->statement, sizeof by->statement) != 0)
    audit_found(
        a, log, AUDIT_STATEMENT, 0, index, audit_ask,
        "entry %llu is signed with the key of the card of serial %llu, while that of serial %llu is in force there",
        (unsigned long long)index, (unsigned long long)by->serial, (unsigned long long)o->in_force->serial);
}

/* ---- the charter in the log ---- */

static parley_err take_part(struct audit *a, uint32_t log, struct audit_order *o, uint64_t index,
                            const struct audit_event *v, struct errmsg *e) {
  if (v->first == 0) {
    buf_clear(&o->charter);
    o->next_part = 0;
    o->parts = v->count;
  } else if (o->parts == 0) {
    return PARLEY_OK; /* its beginning was not read */
  }
  const bool fits = v->first == o->next_part && v->count == o->parts && o->charter.n + v->data.n <= CHARTER_SIZE_MAX;
  if (!fits) {
    audit_found(a, log, AUDIT_CHARTER, 0, index, audit_ask,
                "entry %llu is part %llu of a charter, where part %llu should stand", (unsigned long long)index,
                (unsigned long long)v->first, (unsigned long long)o->next_part);
    o->parts = 0;
    return PARLEY_OK;
  }
  buf_bytes(&o->charter, v->data);
  if (++o->next_part < o->parts) return PARLEY_OK;
  o->parts = 0;
  return audit_version_take(a, log, o, index, e);
}

void audit_order_end(struct audit *a, uint32_t log, struct audit_order *o) {
  if (o->parts > 0)
    audit_found(a, log, AUDIT_CHARTER, 0, a->out->logs[log].size, audit_ask,
                "the log ends in the middle of a charter: %llu of %llu parts", (unsigned long long)o->next_part,
                (unsigned long long)o->parts);
}

/* ---- events ---- */

static parley_err put_aside(struct audit *a, uint32_t log, uint64_t index, const struct audit_event *v,
                            struct errmsg *e) {
  struct audit_log *l = &a->out->logs[log];
  char bulk[ORIGIN_MAX + 1];
  if (v->kind == EVENT_TREE) {
    const uint32_t about = audit_log_number(a, v->text);
    if (about == AUDIT_NO_LOG) {
      l->n.beyond++;
      return PARLEY_OK;
    }
    return audit_claim_add(
        a,
        &(struct audit_claim){
            .log = about, .by = log, .size = v->size, .at = index, .root = v->root, .about = v->about},
        e);
  }
  log_origin(bulk, l->party, l->forum, l->epoch, true);
  struct audit_file f = {
      .log = audit_log_number(a, bulk), .by = log, .at = index, .first = v->first, .count = v->count, .size = v->size};
  memcpy(f.sha256, v->root.b, sizeof f.sha256);
  if (f.log != AUDIT_NO_LOG && f.first + f.count <= a->out->logs[f.log].size) return audit_file_add(a, &f, e);
  l->n.beyond++;
  return PARLEY_OK;
}

static parley_err take_event(struct audit *a, uint32_t log, struct audit_order *o, struct audit_tile *t,
                             const struct audit_event *v, const struct card **brought, struct errmsg *e) {
  const uint64_t index = t->n * TILE_WIDTH + v->at;
  switch (v->kind) {
  case EVENT_PROBLEM:
    audit_found(a, log, v->about, 0, index, audit_ask, "entry %llu: %s", (unsigned long long)index, v->text);
    return PARLEY_OK;
  case EVENT_UNKNOWN_KEY: return check_late(a, log, t, v->at, e);
  case EVENT_CARDS: return learn(a, log, index, t->entry[v->at], brought, e);
  case EVENT_PART: return take_part(a, log, o, index, v, e);
  case EVENT_TREE:
  case EVENT_FILE: return put_aside(a, log, index, v, e);
  }
  return PARLEY_OK;
}

parley_err audit_order_tile(struct audit *a, uint32_t log, struct audit_order *o, struct audit_tile *t,
                            struct errmsg *e) {
  if (a->out->logs[log].bulk) return audit_files_tile(a, log, o, t, e);
  const struct audit_event *v = t->events;
  for (unsigned i = 0; i < t->width; i++) {
    const struct card *brought = NULL;
    for (; v && v->at == i; v = v->next) {
      const parley_err err = take_event(a, log, o, t, v, &brought, e);
      if (err) return err;
    }
    check_force(a, log, o, t, i, brought);
  }
  return PARLEY_OK;
}
