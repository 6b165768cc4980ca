/*
 * Bugs on purpose, for the simulator alone: a checker that finds nothing proves nothing (docs/simulation.md). Where one stands, the code
 * says PLANTED(its name); in every program but `sim` that is the constant 0, and nothing of it is compiled in. `sim --plant NAME` switches
 * one on for a whole process.
 */
#ifndef PARLEY_BASE_PLANT_H
#define PARLEY_BASE_PLANT_H

#ifdef PARLEY_PLANTS

#include <stdbool.h>
#include <stddef.h>

/* In the order of docs/simulation.md, which says what each does wrong. */
#define PLANTS(X)                                                                                                      \
  X(cosign_before_sync)                                                                                                \
  X(commit_without_sync)                                                                                               \
  X(forget_signed_root)                                                                                                \
  X(sign_without_memory)                                                                                               \
  X(sign_while_unready)                                                                                                \
  X(publish_before_commit)                                                                                             \
  X(keep_tree_of_failed_batch)                                                                                         \
  X(skip_entry_of_failed_intake)                                                                                       \
  X(drop_held_line)                                                                                                    \
  X(forget_concerns_at_restart)                                                                                        \
  X(forget_order_at_restart)                                                                                           \
  X(forget_pending_checkpoint)                                                                                         \
  X(accept_stale_card)                                                                                                 \
  X(never_try_again)                                                                                                   \
  X(never_renew)                                                                                                       \
  X(covered_by_the_one_before)                                                                                         \
  X(skip_consistency_check)                                                                                            \
  X(go_on_with_forked_log)                                                                                             \
  X(deliver_without_verifying)                                                                                         \
  X(keep_first_of_rival_cards)

#define PLANT_ENUM(name) PLANT_##name,
enum plant { PLANT_none, PLANTS(PLANT_ENUM) PLANT_count };

#define PLANTED(name) (plant_is(PLANT_##name))

bool plant_is(enum plant p);
/* Names from 1 on; NULL at the end. */
const char *plant_name(size_t i);
/* From here on that one alone; false when there is none of that name. */
bool plant_choose(const char *name);

#else
#define PLANTED(name) 0
#endif

#endif
