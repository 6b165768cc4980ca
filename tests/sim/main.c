/*
 * sim: plays the runs of a range of seeds, or of one, and stops at the first that breaks an invariant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

static const char usage[] =
    "usage: sim --seeds FROM-TO [option...]\n"
    "       sim --seed S [option...]\n"
    "\n"
    "Plays real nodes on real stores over failing disks, networks and clocks, one run a seed, and checks after every "
    "step\n"
    "that nothing promised is lost.\n"
    "\n"
    "  --trace       write every event to standard output; the same seed writes the same bytes\n"
    "  --parties N   nodes in the forum, 2 to 8 (2)\n"
    "  --steps K     client operations before everything heals (as the seed says)\n"
    "  --backup      set one node back to an old snapshot in every run (else in every 16th)\n"
    "  --unsafe      stores that do not sync: some seed must fail\n"
    "\n"
    "Exit status: 0 every invariant held; 1 one did not, named in a line \"seed S step N invariant NAME: sentence\";\n"
    "2 wrong usage.\n"
    "\n"
    "  sim --seeds 1-1000\n"
    "  sim --seed 17 --trace | tail\n";

struct range {
  uint64_t from, to;
};

static bool number(uint64_t *out, const char *s, char end, const char **rest) {
  char *stop;
  if (*s < '0' || *s > '9') return false;
  errno = 0;
  *out = strtoull(s, &stop, 10);
  if (errno || *stop != end) return false;
  if (rest) *rest = stop + 1;
  return true;
}

static bool small(unsigned *out, const char *s, unsigned min, unsigned max) {
  uint64_t x;
  if (!s || !number(&x, s, '\0', NULL) || x < min || x > max) return false;
  *out = (unsigned)x;
  return true;
}

static bool seeds(struct range *r, const char *s) {
  return s && number(&r->from, s, '-', &s) && number(&r->to, s, '\0', NULL) && r->from <= r->to;
}

static bool flag(const char *arg, struct sim_options *o) {
  if (!strcmp(arg, "--trace"))
    o->trace = stdout;
  else if (!strcmp(arg, "--backup"))
    o->backup = true;
  else if (!strcmp(arg, "--unsafe"))
    o->unsafe = true;
  else
    return false;
  return true;
}

static bool parse(int argc, char **argv, struct sim_options *o, struct range *r) {
  bool have = false;
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (flag(arg, o)) continue;
    const char *value = i + 1 < argc ? argv[++i] : NULL;
    if (!strcmp(arg, "--seeds")) {
      if (have || !seeds(r, value)) return false;
      have = true;
    } else if (!strcmp(arg, "--seed")) {
      if (have || !value || !number(&r->from, value, '\0', NULL)) return false;
      r->to = r->from;
      have = true;
    } else if (!strcmp(arg, "--parties")) {
      if (!small(&o->parties, value, 2, SIM_PARTIES_MAX)) return false;
    } else if (!strcmp(arg, "--steps")) {
      if (!small(&o->steps, value, 1, 100000)) return false;
    } else {
      return false;
    }
  }
  return have;
}

int main(int argc, char **argv) {
  struct sim_options o = {.parties = 2};
  struct sim_result r, sum = {0};
  struct range range;
  if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    fputs(usage, stdout);
    return 0;
  }
  if (!parse(argc, argv, &o, &range)) {
    fputs(usage, stderr);
    return 2;
  }
  for (uint64_t seed = range.from;; seed++) {
    o.seed = seed;
    if (!sim_run(&o, &r) && !r.violated) {
      fprintf(stderr, "sim: seed %llu: %s\n", (unsigned long long)seed, r.sentence);
      return 1;
    }
    if (r.violated) {
      printf("seed %llu step %llu invariant %s: %s\n", (unsigned long long)seed, (unsigned long long)r.step,
             r.invariant, r.sentence);
      return 1;
    }
    sum.statements += r.statements;
    sum.crashes += r.crashes;
    sum.requests += r.requests;
    if (seed == range.to) break;
  }
  if (!o.trace)
    printf("%llu seeds held: %llu statements, %llu crashes, %llu requests\n",
           (unsigned long long)(range.to - range.from + 1), (unsigned long long)sum.statements,
           (unsigned long long)sum.crashes, (unsigned long long)sum.requests);
  return 0;
}
