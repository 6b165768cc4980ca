/*
 * The local API: disclosing a statement to third parties (docs/protocol.md, "Disclosure"): who may, the notice to its
 * author where that is the rule, and what a disclosed pack holds besides the receipt.
 */
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "node/reject.h"
#include "record/disclosure.h"

/* ---- who may ---- */

static parley_err may_disclose(struct node *n, const struct row *row, const struct statement *s, struct errmsg *e) {
  struct hash notice;
  bool addressed = false;
  const bool free_here = !strcmp(charter_cited(n, row->forum, s)->disclosure, "free");
  for (size_t i = 0; i < s->n_to; i++) addressed |= !strcmp(s->to[i], n->own.name);
  if (row->ours || (addressed && (s->tlp == TLP_CLEAR || (free_here && s->tlp != TLP_RED)))) return PARLEY_OK;
  if (!addressed)
    return err_set(e, PARLEY_EREFUSED, "only its author and its addressees disclose a statement; %s is neither",
                   n->own.name);
  if (answer_find(n, ANSWER_DISCLOSED, &row->id, n->own.name, &notice, NULL) == PARLEY_OK) return PARLEY_OK;
  return err_set(e, PARLEY_EREFUSED,
                 "it is marked %s%s, so that %s must be told before it is disclosed: --override REASONS tells them, "
                 "signed, and then discloses it",
                 tlp_name(s->tlp), free_here ? "" : " and the charter makes disclosure a matter of consent", s->from);
}

/* ---- which files ---- */

/* ?files=all (default), none, or numbers joined by dots. */
static parley_err parse_files(bool *disclosed, const char *query, const struct statement *s, struct errmsg *e) {
  const char *at = query ? strstr(query, "files=") : NULL;
  const size_t n = at ? strcspn(at + 6, "&") : 0;
  for (size_t i = 0; i < s->n_attach; i++) disclosed[i] = !at || bytes_is(BYTES(at + 6, n), "all");
  if (!at || bytes_is(BYTES(at + 6, n), "all") || bytes_is(BYTES(at + 6, n), "none")) return PARLEY_OK;
  for (const char *p = at + 6, *end = p + n; p < end; p++) {
    const size_t k = strcspn(p, ".&");
    uint64_t i;
    if (!dec_decode(&i, BYTES(p, k)) || i >= s->n_attach)
      return err_set(e, PARLEY_ENOTFOUND, "that statement has no file number %.*s; it has %zu", (int)k, p, s->n_attach);
    disclosed[i] = true;
    p += k;
  }
  return PARLEY_OK;
}

static struct copy *bulk_copy(const struct row *row) {
  return row_copy(row, true, NULL, NULL);
}

static parley_err files_are_here(const struct row *row, const struct statement *s, const bool *disclosed,
                                 struct errmsg *e) {
  struct copy *copy = bulk_copy(row);
  for (size_t i = 0; i < s->n_attach; i++)
    if (disclosed[i] && (!copy || copy_size(copy) < s->bulk_size))
      return err_set(e, PARLEY_ECONFLICT, "the files have not arrived whole yet; disclose it then, or --without-files");
  return PARLEY_OK;
}

/* What its author did wrong shows only when a disclosure is verified; by then a notice would have been sent for nothing. */
static parley_err files_fit(const struct statement *s, const struct plain *p, const bool *disclosed, struct errmsg *e) {
  if (p->n_files != s->n_attach)
    return err_set(e, PARLEY_ECONFLICT, "its body names %zu files, but %zu are attached: no disclosure of it verifies",
                   p->n_files, s->n_attach);
  for (size_t i = 0; i < s->n_attach; i++)
    if (disclosed[i] && age_file_size(s->n_to + 1, p->files[i].size) != s->attach[i].size)
      return err_set(e, PARLEY_ECONFLICT,
                     "file %zu has not the size that its body says and would not verify; disclose it --without-files",
                     i);
  return PARLEY_OK;
}

/* ---- what is disclosed ---- */

struct disclosure {
  struct node *n;
  struct local_found *f;
  bool files[STATEMENT_ATTACH_MAX];
  size_t n_files;
  struct buf text, range, reject_text; /* wiped */
  struct plain plain;
  struct errmsg sealing; /* why it is not sealed as laid down; "" */
};

static void disclosure_clear(struct disclosure *d) {
  plain_clear(&d->plain);
  buf_free(&d->text);
  buf_free(&d->range);
  buf_free(&d->reject_text);
}

/* Of the rejection that the receipt carries, where we may. */
static void take_rejection(struct disclosure *d) {
  for (size_t i = 0; i < d->f->s.n_to && !d->reject_text.n; i++) {
    struct hash id;
    struct row row;
    struct arena a = {0};
    struct bytes entry;
    struct statement s = {0};
    struct dsse env;
    if (answer_find_any(d->n, ANSWER_REJECT, &d->f->row.id, d->f->s.to[i], &id, NULL) || row_get(d->n, &id, &row, NULL))
      continue;
    if (row_entry(d->n, &row, &a, &entry, NULL) || statement_parse(&s, &a, entry, &env, NULL) ||
        may_disclose(d->n, &row, &s, NULL) || row_text(d->n, &s, &d->reject_text, NULL))
      buf_clear(&d->reject_text);
    statement_clear(&s);
    row_clear(&row);
    arena_free(&a);
  }
}

static parley_err take_range(struct disclosure *d, struct errmsg *e) {
  struct copy *copy = bulk_copy(&d->f->row);
  for (size_t i = 0; i < d->f->s.n_attach; i++) d->n_files += d->files[i];
  if (!d->n_files) return PARLEY_OK;
  struct hash root;
  const parley_err r = copy_root(copy, d->f->s.bulk_size, &root, e);
  if (r) return r;
  if (!hash_eq(&root, &d->f->s.bulk_root))
    return err_set(e, PARLEY_ECONFLICT,
                   "its files do not stand in the tree that it names and would not verify; disclose it "
                   "--without-files");
  return disclosure_range(&d->range, &d->f->s, d->files, copy_source(copy), e);
}

static parley_err take_all(struct disclosure *d, const char *query, json_t **files, struct errmsg *e) {
  const struct statement *s = &d->f->s;
  parley_err r = d->f->parsed ? PARLEY_OK : err_set(e, PARLEY_EREFUSED, "it is malformed: nothing is proved with it");
  if (!r && !s->sealed.p) r = err_set(e, PARLEY_EREFUSED, "%s is open: its receipt shows all of it", s->kind);
  if (!r) r = parse_files(d->files, query, s, e);
  if (!r) r = row_text(d->n, s, &d->text, e);
  if (!r) r = plain_parse(&d->plain, buf_view(&d->text), e);
  if (!r) r = files_fit(s, &d->plain, d->files, e);
  if (!r) r = files_are_here(&d->f->row, s, d->files, e);
  if (!r) r = take_range(d, e);
  if (r) return r;
  r = reject_check_sealing(d->n, d->f, buf_view(&d->text), &d->plain, &d->sealing);
  if (r != PARLEY_EVERIFY) d->sealing.text[0] = '\0';
  if (r == PARLEY_ENOMEM) return err_set(e, r, "out of memory");
  take_rejection(d);
  const struct disclosed parts = {.body = buf_view(&d->text),
                                  .reject_body = buf_view(&d->reject_text),
                                  .has_range = d->n_files > 0,
                                  .range = buf_view(&d->range)};
  return receipt_build(d->n, &d->f->row, &parts, files, e);
}

static json_t *attached(const struct disclosure *d) {
  json_t *list = json_array();
  for (size_t i = 0; i < d->f->s.n_attach && i < d->plain.n_files; i++) {
    if (!d->files[i]) continue;
    json_t *o = json_object();
    json_put_int(o, "n", (int64_t)i);
    json_put_str(o, "name", d->plain.files[i].name);
    json_put_str(o, "clear", disclosure_clear_name(i, d->plain.files[i].name).text);
    json_put_str(o, "sealed", disclosure_sealed_name(i).text);
    json_put_int(o, "clear_size", (int64_t)d->plain.files[i].size);
    json_put_int(o, "sealed_size", (int64_t)d->f->s.attach[i].size);
    json_array_append_new(list, o);
  }
  return list;
}

/* The rule comes last: who is refused by it alone may go on after a notice. */
static parley_err disclose(struct disclosure *d, const char *query, json_t **out, struct errmsg *e) {
  json_t *files = NULL;
  parley_err r = take_all(d, query, &files, e);
  if (!r) r = may_disclose(d->n, &d->f->row, &d->f->s, e);
  if (r) {
    json_decref(files);
    return r;
  }
  *out = json_object();
  json_put_hex(*out, "id", d->f->row.id.b, 32);
  json_object_set_new(*out, "files", files);
  json_object_set_new(*out, "attached", attached(d));
  if (d->sealing.text[0]) json_put_str(*out, "sealing", d->sealing.text);
  return PARLEY_OK;
}

void local_disclosure(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  json_t *o = NULL;
  if (!local_find(c, &f, out)) return;
  struct disclosure d = {.n = c->n, .f = &f};
  parley_err r = disclose(&d, c->query, &o, &e);
  disclosure_clear(&d);
  local_found_clear(&f);
  if (r)
    answer_err(c, out, r, &e);
  else
    answer_json(out, 200, o);
}

/* A notice that no disclosure follows would be worth nothing: everything but the rule is checked first. */
static parley_err notify(struct node_call *c, struct local_found *f, struct errmsg *e) {
  struct disclosure d = {.n = c->n, .f = f};
  json_t *files = NULL;
  parley_err r = take_all(&d, c->query, &files, e);
  json_decref(files);
  disclosure_clear(&d);
  if (!r && may_disclose(c->n, &f->row, &f->s, NULL) == PARLEY_OK)
    r = err_set(e, PARLEY_ECONFLICT, "it may be disclosed as it is; nobody has to be told (again)");
  return r ? r : local_answer_take(c, f, ANSWER_DISCLOSED, e);
}

void local_disclosed(struct node_call *c, struct node_response *out) {
  struct local_found f;
  struct errmsg e = {{0}};
  if (!local_find(c, &f, out)) return;
  parley_err r = notify(c, &f, &e);
  local_found_clear(&f);
  if (r) answer_err(c, out, r, &e);
}
