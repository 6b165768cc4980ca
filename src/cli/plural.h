/*
 * Which of a language's plural forms a number takes (GNU gettext manual, "Plural forms").
 */
#ifndef PARLEY_CLI_PLURAL_H
#define PARLEY_CLI_PLURAL_H

/*
 * The value of a Plural-Forms expression, which a semicolon, a line feed or a NUL ends, for n. What is no expression or
 * nests too deep counts as English: n != 1. So does NULL.
 */
unsigned long plural_form(const char *expression, unsigned long n);

#endif
