/*
 * C2SP tlog-policy: reading a policy file. Names are opaque octets; checking a note against it is in policy_check.c.
 */
#include "formats/tlog_policy.h"

#include <string.h>

#include "base/encoding.h"
#include "formats/text.h"

/* ---- words ---- */

/* Takes the next word of a line; words are separated by spaces and tabs only. */
static bool word_next(struct bytes *line, struct bytes *word) {
  size_t i = 0, end;
  while (i < line->n && (line->p[i] == ' ' || line->p[i] == '\t')) i++;
  for (end = i; end < line->n && line->p[end] != ' ' && line->p[end] != '\t';) end++;
  *word = BYTES(line->p + i, end - i);
  *line = BYTES(line->p + end, line->n - end);
  return word->n > 0;
}

static bool word_last(struct bytes line) {
  struct bytes word;
  return !word_next(&line, &word);
}

/* tlog-policy: Character set. */
static bool octets_valid(struct bytes in) {
  for (size_t i = 0; i < in.n; i++) {
    const uint8_t c = in.p[i];
    if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) return false;
  }
  return true;
}

/* ---- names: one name space for witnesses and groups ---- */

static struct policy_member *find(struct tlog_policy *p, struct bytes name) {
  for (size_t i = 0; i < p->n_members; i++)
    if (bytes_eq(p->members[i].name, name)) return &p->members[i];
  return NULL;
}

static parley_err define(struct tlog_policy *p, struct bytes name, struct policy_member **out, struct errmsg *e) {
  char show[TEXT_SHOW_SIZE];
  if (bytes_is(name, "none")) return err_set(e, PARLEY_EINVAL, "the name \"none\" is reserved");
  if (find(p, name)) return err_set(e, PARLEY_EINVAL, "the name \"%s\" is defined twice", text_show(show, name));
  *out = &p->members[p->n_members++];
  (*out)->name = name;
  (*out)->group = POLICY_NO_GROUP;
  return PARLEY_OK;
}

static parley_err find_defined(struct tlog_policy *p, struct bytes name, struct policy_member **out, struct errmsg *e) {
  char show[TEXT_SHOW_SIZE];
  *out = find(p, name);
  return *out ? PARLEY_OK
              : err_set(e, PARLEY_EINVAL, "\"%s\" is not defined on an earlier line", text_show(show, name));
}

/* ---- lines ---- */

static parley_err key_of_type(struct vkey *out, struct bytes text, uint8_t type, struct errmsg *e) {
  const parley_err err = vkey_parse(out, text, e);
  if (err) return err;
  if (out->type != type)
    return err_set(e, PARLEY_EINVAL, "the key has type 0x%02x; logs need 0x01 and witnesses 0x04", out->type);
  return PARLEY_OK;
}

/* An optional URL, whose meaning is the application's, and nothing after it. */
static bool url_then_end(struct bytes line) {
  struct bytes url;
  word_next(&line, &url);
  return word_last(line);
}

static parley_err parse_log(struct tlog_policy *p, struct bytes line, struct errmsg *e) {
  struct bytes key;
  if (!word_next(&line, &key) || !url_then_end(line))
    return err_set(e, PARLEY_EINVAL, "a log line is \"log <vkey> [<url>]\"");
  if (p->n_logs == POLICY_LOGS_MAX) return err_set(e, PARLEY_ELIMIT, "more than %d logs", POLICY_LOGS_MAX);
  struct vkey *k = &p->logs[p->n_logs];
  const parley_err err = key_of_type(k, key, NOTE_ED25519, e);
  if (err) return err;
  for (size_t i = 0; i < p->n_logs; i++)
    if (memcmp(p->logs[i].pub, k->pub, sizeof k->pub) == 0)
      return err_set(e, PARLEY_EINVAL, "the key of %s stands on two log lines", p->logs[i].name);
  p->n_logs++;
  return PARLEY_OK;
}

static parley_err parse_witness(struct tlog_policy *p, struct bytes line, struct errmsg *e) {
  struct bytes name, key;
  if (!word_next(&line, &name) || !word_next(&line, &key) || !url_then_end(line))
    return err_set(e, PARLEY_EINVAL, "a witness line is \"witness <name> <vkey> [<url>]\"");
  if (p->n_witnesses == POLICY_WITNESSES_MAX)
    return err_set(e, PARLEY_ELIMIT, "more than %d witnesses", POLICY_WITNESSES_MAX);
  struct vkey k;
  parley_err err = key_of_type(&k, key, NOTE_COSIGNATURE, e);
  if (err) return err;
  for (size_t i = 0; i < p->n_members; i++)
    if (p->members[i].threshold == 0 && memcmp(p->members[i].key.pub, k.pub, sizeof k.pub) == 0)
      return err_set(e, PARLEY_EINVAL, "the key of %s stands on two witness lines", p->members[i].key.name);
  struct policy_member *m;
  err = define(p, name, &m, e);
  if (err) return err;
  m->key = k;
  p->n_witnesses++;
  return PARLEY_OK;
}

static parley_err add_members(struct tlog_policy *p, struct bytes line, size_t group, size_t *n, struct errmsg *e) {
  struct bytes name;
  for (*n = 0; word_next(&line, &name); (*n)++) {
    struct policy_member *m;
    const parley_err err = find_defined(p, name, &m, e);
    if (err) return err;
    char show[TEXT_SHOW_SIZE];
    if (m->group != POLICY_NO_GROUP)
      return err_set(e, PARLEY_EINVAL, "\"%s\" is a group member twice", text_show(show, name));
    m->group = group;
  }
  return PARLEY_OK;
}

static parley_err parse_group(struct tlog_policy *p, struct bytes line, struct errmsg *e) {
  struct bytes name, rule;
  if (!word_next(&line, &name) || !word_next(&line, &rule) || word_last(line))
    return err_set(e, PARLEY_EINVAL, "a group line is \"group <name> all|any|<k> <name>...\"");
  if (p->n_groups == POLICY_GROUPS_MAX) return err_set(e, PARLEY_ELIMIT, "more than %d groups", POLICY_GROUPS_MAX);
  /* Members first: a group must not find its own name. */
  size_t n;
  parley_err err = add_members(p, line, p->n_members, &n, e);
  if (err) return err;
  uint64_t k = 1;
  if (bytes_is(rule, "all"))
    k = n;
  else if (!bytes_is(rule, "any") && !dec_decode(&k, rule))
    return err_set(e, PARLEY_EINVAL, "a group needs \"all\", \"any\" or a decimal number before its members");
  if (k < 1 || k > n) return err_set(e, PARLEY_EINVAL, "the threshold of a group of %zu is not within 1 to %zu", n, n);
  struct policy_member *group;
  err = define(p, name, &group, e);
  if (err) return err;
  group->threshold = (size_t)k;
  p->n_groups++;
  return PARLEY_OK;
}

static parley_err parse_quorum(struct tlog_policy *p, struct bytes line, struct errmsg *e) {
  struct bytes name;
  if (!word_next(&line, &name) || !word_last(line))
    return err_set(e, PARLEY_EINVAL, "a quorum line is \"quorum <name>\" or \"quorum none\"");
  if (p->has_quorum) return err_set(e, PARLEY_EINVAL, "a second quorum line");
  p->has_quorum = true;
  if (bytes_is(name, "none")) return PARLEY_OK;
  struct policy_member *m;
  const parley_err err = find_defined(p, name, &m, e);
  if (!err) p->quorum = m;
  return err;
}

static parley_err parse_line(struct tlog_policy *p, struct bytes line, struct errmsg *e) {
  struct bytes word;
  if (!word_next(&line, &word) || word.p[0] == '#') return PARLEY_OK;
  if (bytes_is(word, "log")) return parse_log(p, line, e);
  if (bytes_is(word, "witness")) return parse_witness(p, line, e);
  if (bytes_is(word, "group")) return parse_group(p, line, e);
  if (bytes_is(word, "quorum")) return parse_quorum(p, line, e);
  return err_set(e, PARLEY_EINVAL, "a line starts with log, witness, group, quorum or #");
}

parley_err tlog_policy_parse(struct tlog_policy **out, struct arena *a, struct bytes in, struct errmsg *e) {
  if (in.n > TLOG_POLICY_MAX) return err_set(e, PARLEY_ELIMIT, "the policy has more than %d bytes", TLOG_POLICY_MAX);
  if (!octets_valid(in)) return err_set(e, PARLEY_EINVAL, "the policy has a control character");
  struct tlog_policy *p = arena_alloc(a, sizeof *p);
  const struct bytes text = arena_copy(a, in); /* names point into it */
  if (!p || !text.p) return err_set(e, PARLEY_ENOMEM, "out of memory for a policy");
  struct bytes rest = text, line;
  for (size_t number = 1; bytes_line(&rest, &line); number++) {
    const parley_err err = parse_line(p, line, e);
    if (err) return err_prefix(e, err, "line %zu of the policy", number);
  }
  if (rest.n > 0) return err_set(e, PARLEY_EINVAL, "the last line of the policy does not end in a newline");
  if (!p->has_quorum) return err_set(e, PARLEY_EINVAL, "the policy has no quorum line");
  *out = p;
  return PARLEY_OK;
}

/* ---- writing ---- */

static void write_key_line(struct buf *out, const char *start, const struct vkey *k) {
  buf_str(out, start);
  vkey_write(out, k);
  buf_str(out, "\n");
}

void tlog_policy_write(struct buf *out, const struct vkey *log, const struct vkey *witnesses, size_t n) {
  write_key_line(out, "log ", log);
  for (size_t i = 0; i < n; i++) {
    buf_fmt(out, "witness w%zu ", i + 1);
    write_key_line(out, "", &witnesses[i]);
  }
  if (n > 1) {
    buf_str(out, "group all-addressees all");
    for (size_t i = 0; i < n; i++) buf_fmt(out, " w%zu", i + 1);
    buf_str(out, "\n");
  }
  buf_fmt(out, "quorum %s\n", n == 0 ? "none" : n == 1 ? "w1" : "all-addressees");
}
