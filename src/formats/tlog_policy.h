/*
 * The inside of struct tlog_policy, for its reader (tlog_policy.c) and its checker (policy_check.c) only.
 */
#ifndef PARLEY_FORMATS_TLOG_POLICY_H
#define PARLEY_FORMATS_TLOG_POLICY_H

#include "formats/tlog.h"

#define POLICY_LOGS_MAX 64
#define POLICY_WITNESSES_MAX 256
#define POLICY_GROUPS_MAX 64
#define POLICY_NO_GROUP ((size_t)-1)

/* A witness or a group. Members stand before their group, so one pass in order decides all of them. */
struct policy_member {
  struct bytes name;
  size_t threshold; /* 0: a witness; else how many members of this group have to witness */
  struct vkey key;  /* of a witness */
  size_t group;     /* index of the one group that it is a member of, or POLICY_NO_GROUP */
};

struct tlog_policy {
  size_t n_logs, n_members, n_witnesses, n_groups;
  bool has_quorum;
  const struct policy_member *quorum; /* NULL: "none" */
  struct vkey logs[POLICY_LOGS_MAX];
  struct policy_member members[POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX];
};

#endif
