/*
 * jansson, made safe where memory runs out. Its reader by itself drops what finds no place in its buffer, and gives back
 * another document, calls a good one malformed, or ends the process. And who builds a value of fifty members looks at none
 * of the results: so the one who writes it is told that something of it was lost.
 */
#ifndef PARLEY_BASE_JSON_LOAD_H
#define PARLEY_BASE_JSON_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"

/* NULL with *no_memory, or NULL with *je when jansson refuses the text. Duplicate members are refused. */
json_t *json_load_text(struct bytes text, json_error_t *je, bool *no_memory);

/* Memory for a part of a value could not be had. */
void json_lose(void);
/* True when that happened in this thread since the last call, in jansson or by json_lose. */
bool json_lost(void);

#endif
