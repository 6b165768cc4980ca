/*
 * Texts for people: each goes through _() so that translators can replace it (gettext, domain "parley").
 */
#ifndef PARLEY_CLI_TEXT_H
#define PARLEY_CLI_TEXT_H

#include <libintl.h>

#define _(s) gettext(s)
#define N_(s) s /* marked here, translated where it is printed */

#endif
