/*
 * Texts for people: each goes through _(), or text_n() where a number decides the form, so that translators can replace
 * it (domain "parley", docs/translating.md). What programs read is never translated: JSON, exit codes, protocol words.
 */
#ifndef PARLEY_CLI_TEXT_H
#define PARLEY_CLI_TEXT_H

#define _(s) text_of(s)
#define N_(s) s                  /* marked here, translated where it is printed */
#define NP_(one, many) one, many /* the same for text_n() */

/*
 * Opens the catalogue of the language that the environment asks for; without this call, and without a catalogue for it,
 * texts are in English. LANGUAGE counts before LC_ALL, LC_MESSAGES and LANG, unless the locale is plain "C" or "POSIX".
 */
void text_open(void);

/* The text in the chosen language. */
__attribute__((format_arg(1))) const char *text_of(const char *id);
__attribute__((format_arg(1), format_arg(2))) const char *text_n(const char *one, const char *many, unsigned long n);

#endif
