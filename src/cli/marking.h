/*
 * What a traffic light marking (TLP) says.
 */
#ifndef PARLEY_CLI_MARKING_H
#define PARLEY_CLI_MARKING_H

/* "amber: for those who need to know, …", translated; tlp itself where it is none. */
const char *marking_words(const char *tlp);

#endif
