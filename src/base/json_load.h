/*
 * jansson's reader, made safe where memory runs out: by itself it drops what finds no place in its buffer, and gives back
 * another document, calls a good one malformed, or ends the process.
 */
#ifndef PARLEY_BASE_JSON_LOAD_H
#define PARLEY_BASE_JSON_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"

/* NULL with *no_memory, or NULL with *je when jansson refuses the text. Duplicate members are refused. */
json_t *json_load_text(struct bytes text, json_error_t *je, bool *no_memory);

#endif
