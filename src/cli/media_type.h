/*
 * Media types of attachments, by the ending of the file's name.
 */
#ifndef PARLEY_CLI_MEDIA_TYPE_H
#define PARLEY_CLI_MEDIA_TYPE_H

/* Never NULL; application/octet-stream for what is not known. Capitals do not matter. */
const char *media_type(const char *file_name);

#endif
