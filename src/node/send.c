/*
 * Sending statements from the local API.
 */
#include "node/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "forum/fields.h"

/* ---- checking a request ---- */

static parley_err parse_to(struct node *n, const json_t *q, struct send_request *r, struct arena *a, struct errmsg *e) {
  json_t *to = NULL;
  const struct charter *ch = &r->forum->charter;
  parley_err err = json_get_arr_opt(&to, q, "", "to", STATEMENT_TO_MAX, e);
  size_t count = to ? json_array_size(to) : 0;
  if (err) return err;
  if (!count && ch->n_members != 2)
    return err_set(e, PARLEY_EINVAL, "to: “%s” has %zu members; name the addressees", ch->title, ch->n_members);
  r->s.to = arena_alloc(a, (count ? count : 1) * sizeof *r->s.to);
  if (!r->s.to) return err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!count) {
    const bool second = !strcmp(ch->members[0].name, n->own.name);
    snprintf(r->s.to[r->s.n_to++], sizeof *r->s.to, "%s", ch->members[second].name);
    return PARLEY_OK;
  }
  for (size_t i = 0; i < count; i++) {
    const char *name = json_string_value(json_array_get(to, i));
    if (!name || !charter_member(ch, name))
      return err_set(e, PARLEY_ENOTFOUND, "to[%zu]: %s is no member of “%s” (parley forum show)", i,
                     name ? name : "(not a string)", ch->title);
    if (!strcmp(name, n->own.name)) return err_set(e, PARLEY_EINVAL, "to[%zu]: %s is the sender", i, name);
    for (size_t k = 0; k < i; k++)
      if (!strcmp(r->s.to[k], name)) return err_set(e, PARLEY_EINVAL, "to[%zu]: %s stands twice", i, name);
    snprintf(r->s.to[r->s.n_to++], sizeof *r->s.to, "%s", name);
  }
  return PARLEY_OK;
}

/* Whether anything that we say counts. */
static parley_err may_write(const struct node *n, const struct forum *f, struct errmsg *e) {
  if (f->gone) return err_set(e, PARLEY_ECONFLICT, "we are no longer a member of “%s”", f->charter.title);
  if (!charter_closed_find(&f->charter, n->own.name, f->log.epoch)) return PARLEY_OK;
  return err_set(
      e, PARLEY_ECONFLICT,
      "the charter of “%s” closes our log: what we say in it would count for nothing. parley recover opens the "
      "next epoch",
      f->charter.title);
}

static parley_err may_speak(const struct node *n, const struct forum *f, struct errmsg *e) {
  const struct charter_member *me = charter_member(&f->charter, n->own.name);
  parley_err r = may_write(n, f, e);
  if (!r && me && !member_role_speaks(me->role))
    r = err_set(e, PARLEY_EREFUSED, "our role in “%s” is %s: what we send would count for nothing", f->charter.title,
                member_role_name(me->role));
  return r;
}

static parley_err parse_kind(struct node *n, const json_t *q, struct send_request *r, struct errmsg *e) {
  const char *kind;
  const struct charter *ch = &r->forum->charter;
  parley_err err = json_get_str(&kind, q, "", "kind", e);
  if (err) return err;
  if (!kind_valid(kind) || !charter_form(ch, kind)) {
    struct buf known = {0};
    for (size_t i = 0; i < ch->n_forms; i++) buf_fmt(&known, "%s%s", i ? ", " : "", ch->forms[i].name);
    const char *list = buf_cstr(&known);
    err = err_set(e, PARLEY_EINVAL, "kind: \"%.48s\" is not in force in “%.100s”; there are: %.200s", kind, ch->title,
                  list ? list : "");
    buf_free(&known);
    return err;
  }
  snprintf(r->kind, sizeof r->kind, "%s", kind);
  const struct form *form = node_form(n, ch, kind);
  if (!form) return err_set(e, PARLEY_ENOTFOUND, "the form %s that the charter pins is not at hand here", kind);
  err = json_get_obj(&r->body, q, "", "body", e);
  return err ? err : form_check(form, r->body, e);
}

static parley_err parse_words(const json_t *q, struct statement *s, struct errmsg *e) {
  const char *precedence = NULL, *tlp = NULL, *status = "actual", *desk = "duty", *lang = NULL;
  parley_err err = json_get_str(&precedence, q, "", "precedence", e);
  err = err ? err : json_get_str(&tlp, q, "", "tlp", e);
  err = err ? err : json_get_str_opt(&status, q, "", "status", e);
  err = err ? err : json_get_str_opt(&desk, q, "", "desk", e);
  err = err ? err : json_get_str_opt(&lang, q, "", "lang", e);
  if (err) return err;
  if (!precedence_parse(&s->precedence, precedence))
    return err_set(e, PARLEY_EINVAL, "precedence: \"%.40s\" is none of FLASH, IMMEDIATE, PRIORITY, ROUTINE",
                   precedence);
  if (!tlp_parse(&s->tlp, tlp))
    return err_set(e, PARLEY_EINVAL, "tlp: \"%.40s\" is none of clear, green, amber, amber+strict, red", tlp);
  if (!status_parse(&s->status, status))
    return err_set(e, PARLEY_EINVAL, "status: \"%.40s\" is none of actual, exercise, test", status);
  if (strlen(desk) > SEAL_LABEL_MAX)
    return err_set(e, PARLEY_EINVAL, "desk: \"%.40s\" is longer than any label (%d bytes)", desk, SEAL_LABEL_MAX);
  if (lang && (strlen(lang) >= sizeof s->lang || !lang_valid(lang)))
    return err_set(e, PARLEY_EINVAL, "lang: \"%.40s\" is no language tag such as en or ru", lang);
  snprintf(s->desk, sizeof s->desk, "%s", desk);
  if (lang) snprintf(s->lang, sizeof s->lang, "%s", lang);
  return json_object_get(q, "answer_by") ? json_get_time(&s->answer_by, q, "", "answer_by", e) : PARLEY_OK;
}

static parley_err parse_refs(struct node *n, const json_t *q, struct statement *s, struct errmsg *e) {
  json_t *re = NULL;
  struct row row;
  const char *thread = NULL;
  parley_err err = json_get_arr_opt(&re, q, "", "re", STATEMENT_RE_MAX, e);
  err = err ? err : json_get_str_opt(&thread, q, "", "thread", e);
  for (size_t i = 0; !err && re && i < json_array_size(re); i++) {
    const char *id = json_string_value(json_array_get(re, i));
    err = id ? row_find(n, id, &row, e) : err_set(e, PARLEY_EINVAL, "re[%zu]: not a string", i);
    if (!err) {
      memcpy(s->re[s->n_re++], row.id.b, 32);
      row_clear(&row);
    }
  }
  if (!err && thread) {
    err = row_find(n, thread, &row, e);
    if (!err) {
      s->has_thread = true;
      memcpy(s->thread, row.id.b, 32);
      row_clear(&row);
    }
  }
  return err;
}

static parley_err parse_files(const json_t *q, struct send_request *r, struct errmsg *e) {
  json_t *files = NULL;
  parley_err err = json_get_arr_opt(&files, q, "", "files", STATEMENT_ATTACH_MAX, e);
  for (size_t i = 0; !err && files && i < json_array_size(files); i++) {
    const json_t *o = json_array_get(files, i);
    struct plain_file *f = &r->files[r->n_files++];
    const char *name, *type;
    int64_t size;
    char path[32];
    snprintf(path, sizeof path, "files[%zu]", i);
    err = json_get_str(&name, o, path, "name", e);
    err = err ? err : json_get_str(&type, o, path, "type", e);
    err = err ? err : json_get_int(&size, o, path, "size", 0, INT64_C(1) << 40, e);
    err = err ? err : json_get_hex(f->sha256, SHA256_SIZE, o, path, "sha256", e);
    if (err) return err;
    if (!*name || strlen(name) >= sizeof f->name || strchr(name, '/') || strlen(type) >= sizeof f->type)
      return err_set(e, PARLEY_EINVAL, "%s.name: a base name of 1 to 255 bytes without '/'", path);
    if (size > r->forum->charter.attachment_max)
      return err_set(e, PARLEY_ELIMIT, "%s: \"%.100s\" has %lld bytes; the charter allows %lld a file", path, name,
                     (long long)size, (long long)r->forum->charter.attachment_max);
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->type, sizeof f->type, "%s", type);
    f->size = (uint64_t)size;
  }
  return err;
}

parley_err send_parse(struct node *n, const json_t *q, struct send_request *out, struct arena *a, struct errmsg *e) {
  static const char *const members[] = {"kind", "forum", "to",     "precedence", "tlp",  "status", "answer_by",
                                        "desk", "lang",  "thread", "re",         "body", "files",  NULL};
  const char *forum = "";
  *out = (struct send_request){0};
  parley_err r = json_only(q, "", members, e);
  r = r ? r : json_get_str_opt(&forum, q, "", "forum", e);
  r = r ? r : forum_by_text(&out->forum, n, forum, e);
  r = r ? r : may_speak(n, out->forum, e);
  r = r ? r : parse_to(n, q, out, a, e);
  r = r ? r : parse_words(q, &out->s, e);
  r = r ? r : parse_kind(n, q, out, e);
  r = r ? r : parse_refs(n, q, &out->s, e);
  r = r ? r : parse_files(q, out, e);
  return r;
}

/* ---- sealing and queueing ---- */

parley_err send_queue(struct node *n, struct forum *f, struct statement *s, const char *kind, const struct plain *p,
                      struct submission **out, struct errmsg *e) {
  const parley_err gone = may_write(n, f, e);
  if (gone) return gone;
  struct sealing *sealing = calloc(1, sizeof *sealing);
  if (!sealing) return err_set(e, PARLEY_ENOMEM, "out of memory");
  compose_common(n, f, s, kind);
  sealing->s = *s;
  memcpy(sealing->seed, p->seed, SEED_SIZE);
  sealing->s.to = arena_alloc(&sealing->arena, s->n_to * sizeof *s->to);
  parley_err r = sealing->s.to ? PARLEY_OK : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) memcpy(sealing->s.to, s->to, s->n_to * sizeof *s->to);
  if (!r) r = compose_recipients(n, s, &sealing->recipients, &sealing->n_recipients, &sealing->arena, e);
  if (!r) r = plain_write(&sealing->text, p, e);
  if (!r) r = vectors_take(n, f, &sealing->s, false, &sealing->arena, e);
  if (r) {
    vectors_give_back(f, &sealing->s);
    sealing_free(sealing);
    return r;
  }
  return compose_submit_sealing(n, f, sealing, out, e);
}

static void attach_call(struct node_call *c, struct submission *sub) {
  sub->call = c;
  sub->wait_s = (int)query_int(c->query, "wait", 0);
  c->submission = sub;
}

parley_err send_sealed(struct node_call *c, struct forum *f, struct statement *s, const char *kind, json_t *body,
                       struct errmsg *e) {
  struct plain p = {.body = body};
  struct submission *sub;
  c->n->env.random(c->n->env.ctx, p.seed, sizeof p.seed);
  parley_err r = call_reserve(c, e);
  if (!r) r = send_queue(c->n, f, s, kind, &p, &sub, e);
  if (!r) attach_call(c, sub);
  plain_clear(&p);
  return r;
}

void local_send(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  struct send_request r = {0};
  json_t *q = NULL;
  parley_err err = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  err = err ? err : send_parse(c->n, q, &r, &c->arena, &e);
  if (!err && r.n_files)
    err = draft_create(c, q, &r, out, &e);
  else if (!err)
    err = send_sealed(c, r.forum, &r.s, r.kind, json_incref(r.body), &e);
  json_decref(q);
  if (err) answer_err(c, out, err, &e);
}
