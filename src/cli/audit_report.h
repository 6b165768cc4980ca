/*
 * What parley audit tells: each problem as it is found, how far it has come, and at the end a table or one JSON object.
 */
#ifndef PARLEY_CLI_AUDIT_REPORT_H
#define PARLEY_CLI_AUDIT_REPORT_H

#include "base/json.h"
#include "cli/cli.h"
#include "record/audit.h"

struct audit_report {
  struct cli *c;
  json_t *problems; /* with --json */
  uint64_t told;
  bool bar, shown;
  int64_t last_ms;
};

#define AUDIT_TOLD_MAX 1000 /* problems; the others are only counted */

void audit_report_begin(struct audit_report *r, struct cli *c);
void audit_report_problem(void *ctx, const struct audit_problem *p);
void audit_report_progress(void *ctx, uint64_t done, uint64_t all);
/* Prints the summary and returns the exit code. */
int audit_report_end(struct audit_report *r, const struct audit_result *result);
void audit_report_drop(struct audit_report *r);

#endif
