/*
 * Which bug is switched on; empty but in the simulator's own build.
 */
#include "base/plant.h"

#ifdef PARLEY_PLANTS

#include <string.h>

#define PLANT_NAME(name) #name,
static const char *const names[] = {"", PLANTS(PLANT_NAME)};

static enum plant on = PLANT_none;

bool plant_is(enum plant p) { return on == p; }

const char *plant_name(size_t i) { return i > 0 && i < PLANT_count ? names[i] : NULL; }

bool plant_choose(const char *name) {
  for (size_t i = 1; i < PLANT_count; i++)
    if (!strcmp(names[i], name)) {
      on = (enum plant)i;
      return true;
    }
  return false;
}

#endif
