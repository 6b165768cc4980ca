/*
 * C2SP tlog-policy: does a checkpoint carry the signatures that a policy demands? A signature of any key of the policy,
 * needed for the quorum or not, that does not verify refuses the note (signed-note: Signatures).
 */
#include "formats/text.h"
#include "formats/tlog_policy.h"

#define MEMBERS_MAX (POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX)

static parley_err check_logs(const struct tlog_policy *p, const struct note *n, struct bytes origin, struct errmsg *e) {
  bool is_signed = false, known = false;
  for (size_t i = 0; i < p->n_logs; i++) {
    const bool named = bytes_is(origin, p->logs[i].name);
    const parley_err err = note_verify(n, &p->logs[i], NULL, NULL, e);
    if (err && err != PARLEY_ENOTFOUND) return err;
    known |= named;
    is_signed |= named && !err;
  }
  if (is_signed) return PARLEY_OK;
  char show[TEXT_SHOW_SIZE];
  return err_set(e, PARLEY_EVERIFY,
                 known ? "the checkpoint is not signed by its log %s"
                       : "the checkpoint is of %s, which is no log of the policy",
                 text_show(show, origin));
}

/* Decides every witness and group; witnessed[i] belongs to members[i]. */
static parley_err decide(const struct tlog_policy *p, const struct note *n, bool witnessed[static MEMBERS_MAX],
                         struct errmsg *e) {
  size_t votes[MEMBERS_MAX] = {0};
  for (size_t i = 0; i < p->n_members; i++) {
    const struct policy_member *m = &p->members[i];
    if (m->threshold > 0) {
      witnessed[i] = votes[i] >= m->threshold;
    } else {
      const parley_err err = note_verify(n, &m->key, NULL, NULL, e);
      if (err && err != PARLEY_ENOTFOUND) return err;
      witnessed[i] = !err;
    }
    if (witnessed[i] && m->group != POLICY_NO_GROUP) votes[m->group]++;
  }
  return PARLEY_OK;
}

static parley_err missing_witness(const struct policy_member *m, struct errmsg *e) {
  char show[TEXT_SHOW_SIZE];
  return err_set(e, PARLEY_EVERIFY, "the cosignature of witness %s (%s) is missing", text_show(show, m->name),
                 m->key.name);
}

/* Names the group and the first of its members that is missing. */
static parley_err missing_group(const struct tlog_policy *p, size_t group, const bool witnessed[static MEMBERS_MAX],
                                struct errmsg *e) {
  size_t members = 0, have = 0, first = MEMBERS_MAX;
  for (size_t i = 0; i < p->n_members; i++) {
    if (p->members[i].group != group) continue;
    members++;
    have += witnessed[i];
    if (!witnessed[i] && first == MEMBERS_MAX) first = i;
  }
  char name[TEXT_SHOW_SIZE], absent[TEXT_SHOW_SIZE];
  return err_set(e, PARLEY_EVERIFY, "group %s needs %zu of its %zu members and has %zu; %s is missing",
                 text_show(name, p->members[group].name), p->members[group].threshold, members, have,
                 text_show(absent, first < MEMBERS_MAX ? p->members[first].name : BYTES_NONE));
}

parley_err tlog_policy_check(const struct tlog_policy *p, const struct note *n, struct errmsg *e) {
  struct checkpoint c;
  parley_err err = checkpoint_parse(&c, n->text, e);
  if (err) return err;
  err = check_logs(p, n, c.origin, e);
  if (err) return err;
  bool witnessed[MEMBERS_MAX] = {false};
  err = decide(p, n, witnessed, e);
  if (err || !p->quorum) return err;
  const size_t quorum = (size_t)(p->quorum - p->members);
  if (witnessed[quorum]) return PARLEY_OK;
  return p->quorum->threshold == 0 ? missing_witness(p->quorum, e) : missing_group(p, quorum, witnessed, e);
}
