/*
 * Words of the charter that its writer and its parser share.
 */
#ifndef PARLEY_FORUM_CHARTER_NAMES_H
#define PARLEY_FORUM_CHARTER_NAMES_H

#include "forum/charter.h"

extern const char *const charter_roles[ROLE_COUNT];

#endif
