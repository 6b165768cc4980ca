/*
 * The simulator: N real nodes over real SQLite on failing disks, a failing network, wrong clocks and a restless clientele,
 * all from one seed (design section 8). One run is one seed; the same seed plays the same run to the last byte of its trace.
 */
#ifndef PARLEY_TESTS_SIM_SIM_H
#define PARLEY_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SIM_PARTIES_MAX 193
#define SIM_PARTIES_PROPOSED 8 /* larger forums were agreed on paper: the run begins with the complete charter */

struct sim_options {
  uint64_t seed;
  unsigned parties; /* 2 to SIM_PARTIES_MAX; 0: as the seed says */
  unsigned steps;   /* client operations before everything heals; 0: as the seed says */
  unsigned
      hours;   /* simulated time before everything heals, with statements and faults spread over it; 0: until steps */
  bool backup; /* set one node back to an old snapshot of its disk; without it every 16th seed does */
  bool liar;   /* one member shows two histories and lies; without it every fourth seed of three or more has one */
  bool no_faults; /* nothing breaks and nobody lies */
  bool unsafe;    /* stores with synchronous=OFF, which must not survive */
  FILE *trace;    /* NULL: none */
  /*
   * A short run in which nothing fails but the disk of the first party, from operation disk_from of its life on: an
   * enum fault_kind (fault_vfs.h). 0: none.
   */
  unsigned disk_fault;
  uint64_t disk_from;
};

struct sim_result {
  bool violated;
  uint64_t step;
  char invariant[24]; /* "I1" … */
  char sentence[512];
  uint64_t statements, crashes, requests; /* what the run was made of */
  uint64_t deliveries;                    /* statements times addressees */
  uint64_t bytes;                         /* of the requests and answers between nodes, bodies alone */
  int64_t simulated_ms;
  bool disk_failed; /* disk_fault has shown */
};

/* Called once in a while in a long run, for a line of progress; NULL: not. */
typedef void (*sim_progress)(const struct sim_options *o, int64_t now_ms, uint64_t step);
extern sim_progress sim_on_progress;

extern uint64_t sim_signatures, sim_verifications; /* of all runs so far; count.c */
extern bool sim_reckon_each; /* every verification, also of what was verified before: for figures */

/* False when the run could not be made (out of memory, a library failed); then sentence says why. */
bool sim_run(const struct sim_options *o, struct sim_result *out);

#endif
