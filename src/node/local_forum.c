/*
 * The local API's forums: proposing a charter, looking at it, accepting it (docs/local-api.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_load.h"
#include "node/call.h"
#include "node/forks.h"
#include "node/observed.h"

/* ---- views ---- */

static json_t *forum_json(struct node *n, const struct proposal *p) {
  json_t *o = json_object(), *members = json_array();
  json_put_hex(o, "forum", p->forum, SHA256_SIZE);
  json_put_hex(o, "version", p->digest, SHA256_SIZE);
  json_put_str(o, "title", p->charter.title);
  json_put_str(o, "state", version_state(n, p));
  for (size_t i = 0; i < p->charter.n_members; i++) {
    const struct charter_member *m = &p->charter.members[i];
    json_t *v = json_object();
    json_put_str(v, "party", m->name);
    json_put_str(v, "role", member_role_name(m->role));
    json_object_set_new(v, "signed", json_boolean(p->signed_by[i]));
    json_array_append_new(members, v);
  }
  json_object_set_new(o, "members", members);
  json_put_str(o, "proposed_by", p->from);
  json_object_set_new(o, "missing", version_missing(n, p));
  json_object_set_new(o, "versions", versions_json(n, p));
  const char *why = "";
  for (const struct proposal_push *w = p->pushes; w; w = w->next)
    if (w->lane.why[0]) why = w->lane.why;
  json_put_str(o, "why", why);
  return o;
}

/* Of a forum the version in force; of one that we may join the version that would admit us. NULL: neither is our business. */
static const struct proposal *shown_of(const struct node *n, const struct proposal *first) {
  const struct proposal *now = version_in_force(n, first);
  if (!now) return first;
  if (forum_find(n, first->forum) || charter_member(&now->charter, n->own.name)) return now;
  for (const struct proposal *p = n->proposals; p; p = p->next)
    if (p->placed && !p->complete && !memcmp(p->forum, first->forum, SHA256_SIZE) &&
        charter_member(&p->charter, n->own.name))
      return p;
  return NULL;
}

void local_forums(struct node_call *c, struct node_response *out) {
  json_t *o = json_object(), *list = json_array();
  for (const struct proposal *p = c->n->proposals; p; p = p->next) {
    if (!p->placed || p->charter.n_replaces > 0) continue;
    const struct proposal *shown = shown_of(c->n, p);
    if (shown) json_array_append_new(list, forum_json(c->n, shown));
  }
  json_object_set_new(o, "forums", list);
  answer_json(out, 200, o);
}

/* By the digits of a forum, which stand for its version in force, or of any version. */
static struct proposal *find(struct node_call *c, struct node_response *out) {
  struct errmsg e;
  struct proposal *found = NULL;
  size_t len = strlen(c->path), count = 0;
  for (struct proposal *p = c->n->proposals; p; p = p->next) {
    char hex[65];
    hex_encode(hex, BYTES(p->digest, SHA256_SIZE));
    if (p->placed && len >= 8 && len <= 64 && !strncmp(hex, c->path, len)) found = p, count++;
  }
  struct proposal *now = count == 1 && found->charter.n_replaces == 0 ? version_in_force(c->n, found) : NULL;
  if (count == 1) return now ? now : found;
  parley_err r = count ? err_set(&e, PARLEY_ECONFLICT, "forum %s is ambiguous; give more digits", c->path)
                       : err_set(&e, PARLEY_ENOTFOUND,
                                 "no forum \"%.70s\" here; give at least 8 digits (parley forum list)", c->path);
  answer_err(c, out, r, &e);
  return NULL;
}

/* ---- accepting ---- */

/* What the acceptance rests on (a note verbale, a cabinet decision) is kept beside the proposal and never leaves this node. */
static parley_err basis_parse(const struct node_call *c, json_t **out, struct errmsg *e) {
  static const char *const members[] = {"basis", NULL}, *const inner[] = {"name", "data", NULL};
  json_t *q = NULL, *basis = NULL;
  const char *name, *data;
  struct buf raw = {0};
  uint8_t digest[SHA256_SIZE];
  *out = NULL;
  if (!c->body.n) return PARLEY_OK;
  parley_err r = json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, e);
  r = r ? r : json_only(q, "", members, e);
  if (!r && json_object_get(q, "basis")) {
    r = json_get_obj(&basis, q, "", "basis", e);
    r = r ? r : json_only(basis, "basis", inner, e);
    r = r ? r : json_get_str(&name, basis, "basis", "name", e);
    r = r ? r : json_get_str(&data, basis, "basis", "data", e);
    if (!r && !base64_decode(&raw, bytes_str(data), true))
      r = buf_ok(&raw) ? err_set(e, PARLEY_EINVAL, "basis.data: not base64")
                       : err_set(e, PARLEY_ENOMEM, "out of memory");
    if (!r) {
      sha256(digest, buf_view(&raw));
      json_put_hex(basis, "sha256", digest, sizeof digest);
      *out = json_incref(basis);
    }
  }
  buf_free(&raw);
  json_decref(q);
  return r;
}

static void basis_key(struct buf *k, const struct proposal *p) {
  buf_str(k, "basis/");
  buf_add(k, p->digest, SHA256_SIZE);
}

static parley_err basis_store(struct node *n, const struct proposal *p, const json_t *basis, struct errmsg *e) {
  struct buf k = {0}, v = {0};
  if (!basis) return PARLEY_OK;
  basis_key(&k, p);
  parley_err r =
      json_write(&v, basis) && buf_ok(&k) ? store_begin(n->env.store, e) : err_set(e, PARLEY_ENOMEM, "out of memory");
  if (!r) {
    r = store_put(n->env.store, STORE_META, buf_view(&k), buf_view(&v), e);
    if (!r)
      r = store_commit(n->env.store, e);
    else
      store_rollback(n->env.store);
  }
  buf_free(&k);
  buf_free(&v);
  return r;
}

/* Adds {"name","sha256"} of the basis to the view of a forum. */
static void basis_show(struct node_call *c, const struct proposal *p, json_t *o) {
  struct buf k = {0};
  struct bytes v;
  json_t *basis = NULL;
  basis_key(&k, p);
  if (buf_ok(&k) && store_get(c->n->env.store, STORE_META, buf_view(&k), &c->arena, &v, NULL) == PARLEY_OK &&
      json_parse(&basis, v, STORE_VALUE_MAX, NULL) == PARLEY_OK) {
    json_object_del(basis, "data");
    json_object_set_new(o, "basis", basis);
  }
  buf_free(&k);
}

/* Beside an open version, the charter that it would change. */
static void put_in_force(struct node *n, const struct proposal *p, json_t *o) {
  const struct proposal *now = p->complete ? NULL : version_in_force(n, p);
  json_t *charter = NULL;
  if (now && json_parse(&charter, now->charter.payload, CHARTER_SIZE_MAX, NULL)) json_lose();
  if (charter) json_object_set_new(o, "in_force", charter);
}

void local_forum(struct node_call *c, struct node_response *out) {
  struct proposal *p = find(c, out);
  if (!p) return;
  json_t *o = forum_json(c->n, p), *charter = NULL;
  if (json_parse(&charter, p->charter.payload, CHARTER_SIZE_MAX, NULL)) json_lose(); /* it has been read before */
  if (charter) json_object_set_new(o, "charter", charter);
  json_object_set_new(o, "envelope",
                      p->n_signed ? json_stringn((const char *)p->envelope.p, p->envelope.n) : json_string(""));
  json_object_set_new(o, "problems", proposal_problems(c->n, &p->charter));
  put_in_force(c->n, p, o);
  json_object_set_new(o, "proofs", forks_list(c->n, p->forum));
  json_object_set_new(o, "observed", observed_json(c->n, p->forum, 100));
  basis_show(c, p, o);
  answer_json(out, 200, o);
}

void local_forum_accept(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  struct proposal *p = find(c, out);
  if (!p) return;
  json_t *problems = proposal_problems(c->n, &p->charter);
  parley_err r = call_reserve(c, &e);
  if (!r && json_lost()) r = err_set(&e, PARLEY_ENOMEM, "out of memory"); /* of the problems, perhaps */
  if (!r && json_array_size(problems))
    r = err_set(&e, PARLEY_EREFUSED, "cannot accept: %s", json_string_value(json_array_get(problems, 0)));
  json_decref(problems);
  if (!r && strcmp(version_state(c->n, p), "proposed"))
    r = err_set(&e, PARLEY_ECONFLICT, "there is nothing to sign: our signature stands there, or is not needed");
  json_t *basis = NULL;
  r = r ? r : basis_parse(c, &basis, &e);
  r = r ? r : basis_store(c->n, p, basis, &e);
  r = r ? r : proposal_sign(c->n, p, &e);
  json_decref(basis);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  node_log_line(c->n, 6, "charter “%s” accepted", p->charter.title);
  answer_done(c, 200, "forum", p->digest, version_state(c->n, p), out);
}

/* ---- proposing ---- */

static parley_err list_into(const json_t *q, const char *name, size_t max, char *out, size_t width, size_t *count,
                            struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, q, "", name, max, e);
  if (r || !list) return r;
  *count = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *s = json_string_value(json_array_get(list, i));
    if (!s || strlen(s) >= width)
      return err_set(e, PARLEY_EINVAL, "%s[%zu]: a string of less than %zu bytes", name, i, width);
    snprintf(out + width * (*count)++, width, "%s", s);
  }
  return PARLEY_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct charter_member *)a)->name, ((const struct charter_member *)b)->name);
}

/* "party" or "party:role"; who founds a forum is not suspended in it. */
static parley_err parse_member(const char *text, size_t i, char party[static PARTY_NAME_MAX + 1],
                               enum member_role *role, struct errmsg *e) {
  const size_t n = text ? strcspn(text, ":") : 0;
  *role = ROLE_MEMBER;
  if (n == 0 || n > PARTY_NAME_MAX)
    return err_set(e, PARLEY_EINVAL, "members[%zu]: must be the name of a party, and perhaps :role", i);
  snprintf(party, PARTY_NAME_MAX + 1, "%.*s", (int)n, text);
  if (text[n] && (!member_role_parse(role, text + n + 1) || *role == ROLE_SUSPENDED))
    return err_set(e, PARLEY_EINVAL, "members[%zu]: \"%.40s\" is none of member, chair, observer, relay", i,
                   text + n + 1);
  return PARLEY_OK;
}

static parley_err parse_members(struct node *n, const json_t *q, struct charter *ch, struct arena *a,
                                struct errmsg *e) {
  json_t *list;
  parley_err r = json_get_arr(&list, q, "", "members", 1, FORUM_MEMBERS_MAX, e);
  if (r) return r;
  ch->members = arena_alloc(a, (json_array_size(list) + 1) * sizeof *ch->members);
  if (!ch->members) return err_set(e, PARLEY_ENOMEM, "out of memory");
  for (size_t i = 0; i <= json_array_size(list); i++) {
    const bool other = i < json_array_size(list);
    char name[PARTY_NAME_MAX + 1];
    enum member_role role;
    r = parse_member(other ? json_string_value(json_array_get(list, i)) : n->own.name, i, name, &role, e);
    if (r) return r;
    const struct card *card = node_card(n, name);
    if (!card)
      return err_set(e, PARLEY_ENOTFOUND,
                     "members[%zu]: the card of %s is not pinned here; pin it first (parley trust)", i, name);
    if (other && !strcmp(name, n->own.name)) continue;
    r = card_check_time(card, node_wall(n), e);
    if (r) return r;
    struct charter_member *m = &ch->members[ch->n_members++];
    snprintf(m->name, sizeof m->name, "%s", name);
    m->role = role;
    memcpy(m->fingerprint, card->fingerprint, SHA256_SIZE);
  }
  qsort(ch->members, ch->n_members, sizeof *ch->members, by_name);
  for (size_t i = 1; i < ch->n_members; i++)
    if (!strcmp(ch->members[i].name, ch->members[i - 1].name))
      return err_set(e, PARLEY_EINVAL, "members: %s stands twice", ch->members[i].name);
  return PARLEY_OK;
}

static parley_err pin_form(struct charter *ch, const struct form *f, struct errmsg *e) {
  if (ch->n_forms == CHARTER_DIGESTS_MAX) return err_set(e, PARLEY_ELIMIT, "forms: at most %d", CHARTER_DIGESTS_MAX);
  struct charter_pin *p = &ch->forms[ch->n_forms++];
  snprintf(p->name, sizeof p->name, "%s", form_kind(f));
  memcpy(p->digest, form_digest(f), SHA256_SIZE);
  return PARLEY_OK;
}

/* Without a list every form at hand is pinned; of a kind that is there twice the first, as home/forms.c puts them. */
static parley_err parse_forms(struct node *n, const json_t *q, struct charter *ch, struct errmsg *e) {
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, q, "", "forms", CHARTER_DIGESTS_MAX, e);
  for (size_t i = 0; !r && !list && i < n->env.n_forms; i++) {
    const struct form *f = n->env.forms[i];
    if (node_form_at_hand(n, form_kind(f)) == f) r = pin_form(ch, f, e);
  }
  for (size_t i = 0; !r && list && i < json_array_size(list); i++) {
    const char *kind = json_string_value(json_array_get(list, i));
    const struct form *f = kind ? node_form_at_hand(n, kind) : NULL;
    r = f ? pin_form(ch, f, e)
          : err_set(e, PARLEY_ENOTFOUND, "forms[%zu]: there is no form \"%.48s\" at hand", i,
                    kind ? kind : "(not a string)");
  }
  return r;
}

static parley_err parse_times(const json_t *q, struct charter *ch, struct errmsg *e) {
  json_t *ack = json_object_get(q, "ack_seconds");
  parley_err r = PARLEY_OK;
  if (ack && !json_is_object(ack)) return err_set(e, PARLEY_EINVAL, "ack_seconds: an object such as {\"FLASH\": 600}");
  for (int p = 0; ack && !r && p < PRECEDENCE_COUNT; p++)
    r = json_get_int_opt(&ch->ack_seconds[p], ack, "ack_seconds", precedence_name((enum precedence)p), 60, 2592000, e);
  r = r ? r : json_get_int_opt(&ch->heartbeat_seconds, q, "", "heartbeat_seconds", 60, 86400, e);
  r = r ? r : json_get_int_opt(&ch->clock_tolerance_seconds, q, "", "clock_tolerance_seconds", 1, 86400, e);
  r = r ? r : json_get_int_opt(&ch->attachment_max, q, "", "attachment_max", 0, INT64_C(1) << 40, e);
  r = r ? r : json_get_int_opt(&ch->bytes_per_day, q, "", "bytes_per_day", 1, INT64_C(1) << 50, e);
  r = r ? r : json_get_int_opt(&ch->bytes_total, q, "", "bytes_total", 1, INT64_C(1) << 50, e);
  return r;
}

static parley_err parse_witnesses(const json_t *q, struct charter *ch, struct errmsg *e) {
  const size_t most = sizeof ch->witnesses / sizeof *ch->witnesses;
  json_t *list = NULL;
  parley_err r = json_get_arr_opt(&list, q, "", "witnesses", most, e);
  for (size_t i = 0; !r && list && i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    r = vkey_parse(&ch->witnesses[i], bytes_str(text ? text : ""), e);
    if (r) err_prefix(e, r, "witnesses[%zu]", i);
    ch->n_witnesses = i + 1;
  }
  return r;
}

static parley_err parse_charter(struct node *n, const json_t *q, struct charter *ch, struct arena *a,
                                struct errmsg *e) {
  static const char *const members[] = {"title",          "members",           "legal",
                                        "fields",         "languages",         "forms",
                                        "ack_seconds",    "heartbeat_seconds", "clock_tolerance_seconds",
                                        "attachment_max", "bytes_per_day",     "bytes_total",
                                        "disclosure",     "witnesses",         NULL};
  const char *title, *legal = ch->legal, *disclosure = ch->disclosure;
  parley_err r = json_only(q, "", members, e);
  r = r ? r : json_get_str(&title, q, "", "title", e);
  r = r ? r : json_get_str_opt(&legal, q, "", "legal", e);
  r = r ? r : json_get_str_opt(&disclosure, q, "", "disclosure", e);
  if (!r && (strlen(title) >= sizeof ch->title || strlen(legal) >= sizeof ch->legal ||
             strlen(disclosure) >= sizeof ch->disclosure))
    r = err_set(e, PARLEY_EINVAL, "title, legal or disclosure: too long");
  if (r) return r;
  snprintf(ch->title, sizeof ch->title, "%s", title);
  if (legal != ch->legal) snprintf(ch->legal, sizeof ch->legal, "%s", legal);
  if (disclosure != ch->disclosure) snprintf(ch->disclosure, sizeof ch->disclosure, "%s", disclosure);
  if (!ch->n_fields) snprintf(ch->fields[ch->n_fields++], sizeof ch->fields[0], "cyber");
  if (!ch->n_languages) snprintf(ch->languages[ch->n_languages++], sizeof ch->languages[0], "en");
  r = list_into(q, "fields", 3, ch->fields[0], sizeof ch->fields[0], &ch->n_fields, e);
  r = r ? r : list_into(q, "languages", 8, ch->languages[0], sizeof ch->languages[0], &ch->n_languages, e);
  r = r ? r : parse_members(n, q, ch, a, e);
  r = r ? r : parse_forms(n, q, ch, e);
  r = r ? r : parse_times(q, ch, e);
  r = r ? r : parse_witnesses(q, ch, e);
  ch->quorum = (int64_t)ch->n_members;
  n->env.random(n->env.ctx, ch->nonce, sizeof ch->nonce);
  return r;
}

void local_forum_propose(struct node_call *c, struct node_response *out) {
  struct errmsg e = {{0}};
  struct node *n = c->n;
  struct charter *ch = arena_alloc(&c->arena, 2 * sizeof *ch);
  struct buf payload = {0}, envelope = {0};
  struct proposal *p = NULL;
  json_t *q = NULL;
  parley_err r = ch ? call_reserve(c, &e) : err_set(&e, PARLEY_ENOMEM, "out of memory");
  r = r ? r : json_parse(&q, buf_view(&c->body), NODE_BODY_MAX, &e);
  if (!r) {
    charter_defaults(ch);
    r = parse_charter(n, q, ch, &c->arena, &e);
  }
  r = r ? r : charter_payload(&payload, ch, &e);
  r = r ? r : charter_parse(&ch[1], &c->arena, buf_view(&payload), &e); /* our own rules bind us first */
  r = r ? r : charter_sign_own(n, buf_view(&payload), &envelope, &e);
  r = r ? r : proposal_take(n, buf_view(&envelope), NULL, &p, &e);
  buf_free(&payload);
  buf_free(&envelope);
  json_decref(q);
  if (r) {
    answer_err(c, out, r, &e);
    return;
  }
  answer_done(c, 201, "forum", p->digest, version_state(n, p), out);
}
