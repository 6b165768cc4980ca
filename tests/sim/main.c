/*
 * sim: plays the runs of a range of seeds, or of one, and stops at the first that breaks an invariant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unistd.h>

#include "base/plant.h"
#include "sim.h"

static const char usage[] =
    "usage: sim --seeds FROM-TO [option...]\n"
    "       sim --seed S [option...]\n"
    "       sim --minutes M [option...]\n"
    "       sim --plant list\n"
    "\n"
    "Plays real nodes on real stores over failing disks, networks and clocks, one run a seed, and checks after every "
    "step\n"
    "that nothing promised is lost.\n"
    "\n"
    "  --figures     at the end, one line of JSON: what the runs cost (nothing is verified from memory then)\n"
    "  --trace       write every event to standard output; the same seed writes the same bytes\n"
    "  --minutes M   fresh seeds until the time is over; a seed that fails is printed, and the next one played\n"
    "  --parties N   nodes in the forum, 2 to 193 (2, or 3 in every fourth run)\n"
    "  --steps K     client operations before everything heals (as the seed says)\n"
    "  --hours H, --days D   simulated time before everything heals, with statements and faults spread over it\n"
    "  --backup      set one node back to an old snapshot in every run (else in every 16th)\n"
    "  --liar        one of three or more members shows two histories of its log and lies in every run (else in every "
    "4th)\n"
    "  --no-faults   disks, networks, clocks and counterparts without a fault\n"
    "  --plant NAME  with a bug on purpose in the node: some seed must fail; --plant list names them all\n"
    "  --unsafe      stores that do not sync: some seed must fail\n"
    "  --disk N      instead of chance: one short run for every N-th operation of the first party's disk, which fails\n"
    "                there (an input or output error, or full; once, or until everything heals)\n"
    "  --disk-at KIND:K   one such run: io, io-lasting, full or full-lasting, from operation K on\n"
    "\n"
    "Exit status: 0 every invariant held; 1 one did not, named in a line \"seed S step N invariant NAME: sentence\";\n"
    "2 wrong usage; 3 a run could not be made (out of memory).\n"
    "\n"
    "  sim --seeds 1-1000\n"
    "  sim --seed 17 --trace | tail\n";

struct range {
  uint64_t from, to;
  unsigned minutes; /* 0: the whole range */
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
  else if (!strcmp(arg, "--figures"))
    sim_reckon_each = true;
  else if (!strcmp(arg, "--liar"))
    o->liar = true;
  else if (!strcmp(arg, "--no-faults"))
    o->no_faults = true;
  else if (!strcmp(arg, "--unsafe"))
    o->unsafe = true;
  else
    return false;
  return true;
}

static const char *const kinds[] = {"", "io", "io-lasting", "full", "full-lasting"}; /* as enum fault_kind */

static bool disk_at(struct sim_options *o, const char *s) {
  for (unsigned k = 1; s && k < sizeof kinds / sizeof *kinds; k++) {
    const size_t n = strlen(kinds[k]);
    if (strncmp(s, kinds[k], n) || s[n] != ':') continue;
    o->disk_fault = k;
    return number(&o->disk_from, s + n + 1, '\0', NULL) && o->disk_from > 0;
  }
  return false;
}

static bool parse(int argc, char **argv, struct sim_options *o, struct range *r, unsigned *disk) {
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
    } else if (!strcmp(arg, "--hours")) {
      if (o->hours || !small(&o->hours, value, 1, 100000)) return false;
    } else if (!strcmp(arg, "--days")) {
      if (o->hours || !small(&o->hours, value, 1, 4000)) return false;
      o->hours *= 24;
    } else if (!strcmp(arg, "--minutes")) {
      if (have || !small(&r->minutes, value, 1, 100000)) return false;
      r->from = (uint64_t)time(NULL) * 1000;
      r->to = UINT64_MAX;
      have = true;
    } else if (!strcmp(arg, "--plant")) {
      if (!value || !plant_choose(value)) return false;
    } else if (!strcmp(arg, "--disk")) {
      if (!small(disk, value, 1, 100000)) return false;
    } else if (!strcmp(arg, "--disk-at")) {
      if (!disk_at(o, value)) return false;
    } else {
      return false;
    }
  }
  return have;
}

/* ---- a line of progress, on a terminal ---- */

static bool on_terminal;
static time_t begun;

static void progress(const struct sim_options *o, int64_t now_ms, uint64_t step) {
  fprintf(stderr, "\r\033[Kseed %llu: day %lld, hour %lld, step %llu, %lld s", (unsigned long long)o->seed,
          (long long)(now_ms / 86400000), (long long)(now_ms / 3600000 % 24), (unsigned long long)step,
          (long long)(time(NULL) - begun));
}

static void clear_progress(void) {
  if (on_terminal) fputs("\r\033[K", stderr);
}

/* ---- playing ---- */

enum { HOLDS, VIOLATED, USAGE, TROUBLE }; /* exit status */

/* Says why, when an invariant did not hold or the run could not be made. */
static int play(const struct sim_options *o, struct sim_result *r) {
  char at[64] = "";
  if (o->disk_fault)
    snprintf(at, sizeof at, " --disk-at %s:%llu", kinds[o->disk_fault], (unsigned long long)o->disk_from);
  if (!sim_run(o, r) && !r->violated) {
    fprintf(stderr, "sim: seed %llu%s: %s\n", (unsigned long long)o->seed, at, r->sentence);
    return TROUBLE;
  }
  if (r->violated) clear_progress();
  if (r->violated)
    printf("seed %llu%s step %llu invariant %s: %s\n", (unsigned long long)o->seed, at, (unsigned long long)r->step,
           r->invariant, r->sentence);
  return r->violated ? VIOLATED : HOLDS;
}

/* Every step-th operation of the disk in turn, until the run ends before it. */
static int play_disk(struct sim_options *o, unsigned step) {
  struct sim_result r;
  int status = HOLDS;
  for (o->disk_fault = 1; o->disk_fault < sizeof kinds / sizeof *kinds && !status; o->disk_fault++) {
    unsigned runs = 0;
    for (o->disk_from = 1; !(status = play(o, &r)) && r.disk_failed; o->disk_from += step) runs++;
    if (!status)
      printf("disk %s: %u runs held, the last from operation %llu on\n", kinds[o->disk_fault], runs,
             (unsigned long long)o->disk_from);
  }
  return status;
}

static void add(struct sim_result *sum, const struct sim_result *r) {
  sum->statements += r->statements;
  sum->deliveries += r->deliveries;
  sum->crashes += r->crashes;
  sum->requests += r->requests;
  sum->bytes += r->bytes;
  sum->simulated_ms += r->simulated_ms;
}

/* Stops at the first that fails; where seeds are explored, all that fail are printed. */
static int play_range(struct sim_options *o, const struct range *range, unsigned disk) {
  struct sim_result r, sum = {0};
  int worst = HOLDS;
  uint64_t played = 0;
  for (o->seed = range->from;; o->seed++) {
    const int status = disk > 0 ? play_disk(o, disk) : play(o, &r);
    if (status == TROUBLE || (status && !range->minutes)) return status;
    if (status) worst = status;
    played++;
    if (disk == 0) add(&sum, &r);
    if (o->seed == range->to || (range->minutes && time(NULL) - begun >= (time_t)range->minutes * 60)) break;
    if (on_terminal) progress(o, 0, 0);
  }
  clear_progress();
  if (!o->trace && disk == 0)
    printf("%llu seeds %s: %llu statements, %llu crashes, %llu requests, %.1f simulated days\n",
           (unsigned long long)played, worst ? "played" : "held", (unsigned long long)sum.statements,
           (unsigned long long)sum.crashes, (unsigned long long)sum.requests, (double)sum.simulated_ms / 86400000);
  if (sim_reckon_each)
    printf("{\"statements\":%llu,\"deliveries\":%llu,\"bytes\":%llu,\"signatures\":%llu,\"verifications\":%llu,"
           "\"requests\":%llu,\"cpu_ms\":%.0f}\n",
           (unsigned long long)sum.statements, (unsigned long long)sum.deliveries, (unsigned long long)sum.bytes,
           (unsigned long long)sim_signatures, (unsigned long long)sim_verifications, (unsigned long long)sum.requests,
           1000.0 * (double)clock() / CLOCKS_PER_SEC);
  return worst;
}

int main(int argc, char **argv) {
  struct sim_options o = {0};
  struct range range = {0};
  unsigned disk = 0;
  if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    fputs(usage, stdout);
    return HOLDS;
  }
  if (argc == 3 && !strcmp(argv[1], "--plant") && !strcmp(argv[2], "list")) {
    for (size_t i = 1; plant_name(i); i++) puts(plant_name(i));
    return HOLDS;
  }
  if (!parse(argc, argv, &o, &range, &disk)) {
    fputs(usage, stderr);
    return USAGE;
  }
  begun = time(NULL);
  on_terminal = isatty(STDERR_FILENO) && !o.trace;
  if (on_terminal) sim_on_progress = progress;
  return play_range(&o, &range, disk);
}
