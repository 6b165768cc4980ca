/*
 * One run: time as a queue of events, chance as one generator, and the three acts: everything breaks, everything heals,
 * nothing may be missing.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define CALM_LIMIT_MS (60 * 60 * 1000) /* after the last fault everything must have arrived by then */
#define CHECK_MS 10000
#define EVENTS_MAX 200000 /* a short run of two that does not end by then spins */
#define PROGRESS_STEPS 20000

sim_progress sim_on_progress;

/* ---- faults ---- */

static void cut_link(struct world *w) {
  const unsigned a = (unsigned)below(w, w->n), b = (a + 1 + (unsigned)below(w, w->n - 1)) % w->n;
  const bool both = one_in(w, 2);
  const int64_t ms = (int64_t)below(w, one_in(w, 4) ? 600000 : 60000);
  w->link_cut[a][b] = true;
  w->link_cut[b][a] |= both;
  trace(w, "link %u-%u cut%s for %lld ms", a, b, both ? " both ways" : "", (long long)ms);
  at(w, w->now_ms + ms, EV_LINK, a * SIM_HOMES_MAX + b);
  if (both) at(w, w->now_ms + ms, EV_LINK, b * SIM_HOMES_MAX + a);
}

static void jump_clock(struct home *h) {
  struct world *w = h->w;
  const int64_t s = (int64_t)below(w, 14400) - 7200;
  h->wall_offset_s += one_in(w, 2) ? s : s / 60;
  trace(w, "%s clock now off by %lld s", h->name, (long long)h->wall_offset_s);
}

static void fill_disk(struct home *h) {
  struct world *w = h->w;
  const uint64_t room = below(w, 60000);
  fault_disk_set_room(h->disk, room);
  trace(w, "%s disk has room for %llu bytes", h->name, (unsigned long long)room);
  at(w, w->now_ms + 1000 + (int64_t)below(w, 120000), EV_ROOM, h->number);
}

static void disturb_disk(struct home *h) {
  struct world *w = h->w;
  const uint64_t n = 1 + below(w, 90);
  if (one_in(w, 3)) {
    fault_disk_fail_at(h->disk, n);
    trace(w, "%s disk fails once, %llu operations from now", h->name, (unsigned long long)n);
  } else {
    fault_disk_cut_at(h->disk, n);
    trace(w, "%s power fails %llu operations from now", h->name, (unsigned long long)n);
  }
}

static void disturb_signer(struct home *h) {
  struct world *w = h->w;
  const uint64_t n = 1 + below(w, 4);
  if (one_in(w, 4)) {
    h->save_fail = n;
  } else {
    h->save_death = n;
    h->save_death_after = one_in(w, 2);
  }
  trace(w, "%s signer's memory: trouble %llu saves from now", h->name, (unsigned long long)n);
}

static void fault(struct world *w) {
  struct home *h = &w->homes[below(w, w->n)];
  if (w->calm || !w->faults_left) return;
  w->faults_left--;
  switch (below(w, 10)) {
  case 0:
  case 1:
  case 2: disturb_disk(h); break;
  case 3: disturb_signer(h); break;
  case 4:
  case 5: cut_link(w); break;
  case 6: jump_clock(h); break;
  case 7: fill_disk(h); break;
  case 8:
    if (h->up) home_crash(h, one_in(w, 2));
    break;
  default:
    if (!h->up) break;
    home_stop(h);
    if (one_in(w, 2) && !h->liar) home_renew(h);
    at(w, w->now_ms + (int64_t)below(w, 5000), EV_START, h->number);
  }
  at(w, w->now_ms + 1000 + (int64_t)below(w, (uint64_t)w->fault_pause_ms), EV_FAULT, 0);
}

/* ---- acts ---- */

static unsigned bounded(uint64_t x, unsigned least, unsigned most) {
  return x < least ? least : x > most ? most : (unsigned)x;
}

/* A day or a year: what happens is spread over it, and seldom. */
static void temper_long(struct world *w, bool rough) {
  const uint64_t hours = w->o.hours, ms = hours * 3600000;
  w->heartbeat_s = (int64_t[]){1800, 3600, 3600, 7200}[below(w, 4)];
  w->ops_left = bounded(hours * w->n / 4, 60, 4000);
  w->faults_left = rough ? bounded(hours * w->n / 8, 30, 1500) : 0;
  w->op_pause_ms = (int64_t)(2 * ms * w->n / w->ops_left);
  if (rough) w->fault_pause_ms = (int64_t)(2 * ms / w->faults_left);
  w->lose /= 8;
  w->repeat /= 8;
  w->tear /= 8;
  w->late /= 8;
}

static void temper(struct world *w) {
  const bool rough = !one_in(w, 8) && !w->o.no_faults;
  w->lose = rough ? (unsigned)below(w, 150) : 0;
  w->repeat = rough ? (unsigned)below(w, 100) : 0;
  w->tear = rough ? (unsigned)below(w, 80) : 0;
  w->late = rough ? (unsigned)below(w, 80) : 0;
  w->latency_ms = 1 + (int64_t)below(w, one_in(w, 3) ? 2000 : 150);
  w->heartbeat_s = (int64_t[]){60, 120, 300, 600}[below(w, 4)];
  w->faults_left = rough ? (unsigned)below(w, 14) : 0;
  w->ops_left = w->o.steps ? w->o.steps : 16 + (unsigned)below(w, 22);
  w->backup = w->o.backup || (w->o.seed % 16 == 0 && !w->o.no_faults);
  if (w->has_liar) w->backup = false;
  w->memory_too = one_in(w, 2);
  w->recovers = one_in(w, 2);
  w->memory_lost = w->recovers && !w->memory_too && one_in(w, 2);
  w->op_pause_ms = 30000;
  w->fault_pause_ms = 90000;
  if (w->o.hours) temper_long(w, rough);
}

/* The one fault is the disk's. */
static void temper_calm(struct world *w) {
  w->lose = w->repeat = w->tear = w->late = 0;
  w->latency_ms = 20;
  w->heartbeat_s = 60;
  w->faults_left = 0;
  w->ops_left = w->o.steps ? w->o.steps : 14;
  w->backup = false;
}

static bool begin(struct world *w) {
  temper(w);
  if (w->o.disk_fault) temper_calm(w);
  w->now_ms = 1000;
  for (unsigned i = 0; i < w->n; i++)
    if (!home_make(w, i)) return false;
  if (w->has_liar && !liar_make(w)) return false;
  if (forum_is_agreed(w) && !forum_agreed(w)) return false;
  fault_disk_fail_from(w->homes[0].disk, (enum fault_kind)w->o.disk_fault, w->o.disk_from);
  trace(w, "seed %llu: %u parties, %u operations, %u faults, lose %u repeat %u tear %u late %u, latency %lld ms%s",
        (unsigned long long)w->o.seed, w->n, w->ops_left, w->faults_left, w->lose, w->repeat, w->tear, w->late,
        (long long)w->latency_ms, w->backup ? ", an old backup" : "");
  for (unsigned i = 0; i < w->total && !violated(w); i++) {
    if (w->n <= SIM_PARTIES_PROPOSED)
      home_start(&w->homes[i]);
    else /* not all at once: the first of them open their logs while others are still down */
      at(w, w->now_ms + (int64_t)i * 300 + (int64_t)below(w, 300), EV_START, i);
    at(w, w->now_ms + 100 + (int64_t)below(w, w->o.hours ? (uint64_t)w->op_pause_ms : 2000), EV_CLIENT, i);
  }
  if (w->faults_left) at(w, w->now_ms + (int64_t)below(w, 60000), EV_FAULT, 0);
  if (w->backup) at(w, w->now_ms + (int64_t)below(w, 400000), EV_SAVE, 0);
  amend_begin(w);
  carrier_begin(w);
  return true;
}

static void dispatch(struct world *w, const struct event *ev) {
  struct home *h = &w->homes[ev->which < w->total ? ev->which : 0];
  switch (ev->kind) {
  case EV_WAKE: home_wake(h, ev->at); break;
  case EV_ARRIVE:
  case EV_PIECE:
  case EV_ANSWER:
  case EV_GIVE_UP: network_event(w, ev); break;
  case EV_CLIENT: workload_event(h); break;
  case EV_DRAFT: draft_event(w, ev->which); break;
  case EV_FAULT: fault(w); break;
  case EV_START:
    if (!h->up) home_start(h);
    break;
  case EV_ROOM:
    fault_disk_set_room(h->disk, FAULT_NEVER);
    trace(w, "%s disk has room again", h->name);
    break;
  case EV_LINK:
    if (carrier_instead(w, (unsigned)(ev->which / SIM_HOMES_MAX), (unsigned)(ev->which % SIM_HOMES_MAX))) break;
    w->link_cut[ev->which / SIM_HOMES_MAX][ev->which % SIM_HOMES_MAX] = false;
    break;
  case EV_SAVE: home_save(h); break;
  case EV_SET_BACK: home_set_back(h); break;
  case EV_AMEND: amend_event(w); break;
  case EV_RECOVER: recovery_event(w); break;
  case EV_CARRIER: carrier_event(w); break;
  }
}

/* Runs until the time, or until the queue is empty or something is violated. */
static void run_until(struct world *w, int64_t ms) {
  while (!violated(w) && w->heap_n && w->heap[0].at <= ms) {
    const struct event ev = queue_pop(w);
    w->now_ms = ev.at;
    if (++w->step > w->events_max) {
      violation(w, "I8", "the run has had %llu events and does not end", (unsigned long long)w->events_max);
      return;
    }
    if (sim_on_progress && w->step % PROGRESS_STEPS == 0) sim_on_progress(&w->o, w->now_ms, w->step);
    dispatch(w, &ev);
  }
  if (!violated(w) && ms > w->now_ms) w->now_ms = ms;
}

static void heal(struct world *w) {
  trace(w, "everything heals");
  w->calm = true;
  w->result->disk_failed = fault_disk_failed(w->homes[0].disk);
  fault_disk_fail_from(w->homes[0].disk, FAULT_HEALED, 0);
  w->lose = w->repeat = w->tear = w->late = 0;
  memset(w->link_cut, 0, sizeof w->link_cut);
  for (unsigned i = 0; i < w->total; i++) {
    struct home *h = &w->homes[i];
    fault_disk_set_room(h->disk, FAULT_NEVER);
    fault_disk_fail_at(h->disk, FAULT_NEVER);
    fault_disk_cut_at(h->disk, FAULT_NEVER);
    h->save_death = h->save_fail = DEATH_NEVER;
    if (!h->up) at(w, w->now_ms + 10 + (int64_t)below(w, 1000), EV_START, i);
  }
}

/* The client's operations end with the last one of any home; a run whose forum never opens goes on a while all the same. */
static void first_act(struct world *w) {
  if (w->o.hours) run_until(w, w->now_ms + (int64_t)w->o.hours * 3600000);
  while (!w->o.hours && !violated(w) && w->ops_left && w->now_ms < 40 * 60 * 1000) run_until(w, w->now_ms + 1000);
  bool waits = w->backup && !w->homes[0].set_back;
  const int64_t limit = w->now_ms + 60 * 60 * 1000;
  while (!violated(w) && waits && w->now_ms < limit) {
    run_until(w, w->now_ms + 1000);
    waits = !w->homes[0].set_back;
  }
}

static void until_reached(struct world *w, int64_t limit) {
  char why[256] = "";
  while (!violated(w) && !ending_reached(w, why, sizeof why)) {
    if (w->now_ms >= limit) {
      violation(w, "I5", "long after the last fault: %s", why);
      return;
    }
    amend_settle(w);
    run_until(w, w->now_ms + CHECK_MS);
  }
}

static void second_act(struct world *w) {
  heal(w);
  const int64_t limit = w->now_ms + CALM_LIMIT_MS + 2 * w->heartbeat_s * 1000;
  run_until(w, w->now_ms + 5000);
  workload_open_forum(w);
  while (!violated(w) && !workload_forum_open(w) && w->now_ms < limit) {
    run_until(w, w->now_ms + 2000);
    workload_open_forum(w);
    amend_settle(w);
  }
  const bool nudge = one_in(w, 2); /* else nothing new may be needed for what is old to arrive */
  for (unsigned i = 0; i < w->n && nudge && !violated(w); i++)
    if (!w->homes[i].liar) workload_send(&w->homes[i], false);
  until_reached(w, limit);
  if (w->recovers && w->homes[0].set_back && !violated(w)) { /* what recovered can be used */
    workload_send(&w->homes[0], one_in(w, 2));
    until_reached(w, w->now_ms + CALM_LIMIT_MS + 2 * w->heartbeat_s * 1000);
  }
}

/* The lines fall silent: after what is still due, heartbeats add nothing to any log. */
static void third_act(struct world *w) {
  struct node_log_view v;
  uint64_t before = 0, after = 0;
  const int64_t window = w->o.hours ? w->heartbeat_s + 300 : 2 * w->heartbeat_s;
  run_until(w, w->now_ms + (window + 120) * 1000);
  for (unsigned i = 0; i < w->n && !violated(w); i++)
    for (size_t k = 0; k < 2 && !w->homes[i].liar && node_log_at(w->homes[i].node, k, &v); k++) before += v.size;
  memset(w->renewed, 0, sizeof w->renewed);
  run_until(w, w->now_ms + window * 1000);
  for (unsigned i = 0; i < w->n && !violated(w); i++)
    for (size_t k = 0; k < 2 && !w->homes[i].liar && node_log_at(w->homes[i].node, k, &v); k++) after += v.size;
  if (before != after)
    violation(w, "I8", "idle lines do not fall silent: %llu entries in two heartbeats",
              (unsigned long long)(after - before));
  if (!violated(w)) ending_check_heartbeats(w);
  if (!violated(w)) ending_check(w);
}

static void world_free(struct world *w) {
  for (size_t i = 0; i < w->n_lies; i++) buf_free(&w->lies[i]);
  for (unsigned i = 0; i < w->total; i++) {
    if (w->homes[i].up) home_stop(&w->homes[i]);
    home_free(&w->homes[i]);
  }
  network_free(w);
  clients_free(w);
  receipts_free(w);
  free(w->claims);
  free(w->claim_table);
  free(w->heap);
}

static struct form *find_form(void) {
  struct form *f = NULL;
  for (unsigned long i = 0; i < embedded_forms_count; i++)
    if (!strcmp(embedded_forms[i].kind, "incident.notice"))
      form_parse(&f, BYTES(embedded_forms[i].data, embedded_forms[i].size), NULL);
  return f;
}

bool sim_run(const struct sim_options *o, struct sim_result *out) {
  *out = (struct sim_result){0};
  struct world *w = calloc(1, sizeof *w);
  struct form *form = find_form();
  if (w && form) {
    w->o = *o;
    w->result = out;
    w->n = w->total = o->parties ? o->parties : o->seed % 4 == 1 || o->seed % 8 == 3 || o->liar ? 3 : 2;
    w->has_liar = !o->no_faults && !o->disk_fault && w->n > 2 && (o->liar || o->seed % 4 == 1);
    w->events_max = EVENTS_MAX + (uint64_t)w->n * w->n * 4000 * (1 + o->hours / 2);
    w->random = o->seed * 0x9e3779b97f4a7c15 + 0x1234567;
    w->form = form;
    fault_seed_sqlite((uint32_t)chance(w));
    if (!begin(w)) w->failed = true;
    first_act(w);
    second_act(w);
    third_act(w);
    trace(w, "end%s", out->violated ? ": violated" : "");
    out->statements = w->sent_n;
    out->simulated_ms = w->now_ms;
    for (size_t i = 0; i < w->sent_n; i++)
      for (unsigned k = 0; k < w->n && w->sent[i].accepted; k++) out->deliveries += homes_has(&w->sent[i].to, k);
    world_free(w);
  }
  const bool ok = w && form && !w->failed;
  if (!ok && !out->violated) snprintf(out->sentence, sizeof out->sentence, "the run could not be made: out of memory");
  form_free(form);
  free(w);
  return ok;
}
