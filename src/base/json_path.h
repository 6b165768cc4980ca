/*
 * Where in a JSON text something went wrong: a position becomes a path such as "body.sector[2]". For json_parse only.
 */
#ifndef PARLEY_BASE_JSON_PATH_H
#define PARLEY_BASE_JSON_PATH_H

#include "base/json.h"

#define JSON_PATH_SIZE 256

/*
 * Writes the path of the value or member at byte `position` of text, which need not be well-formed after it; paths
 * that do not fit are cut. False when an array or object deeper than JSON_DEPTH_MAX opens before position: then the
 * path names it.
 */
bool json_path_at(char path[static JSON_PATH_SIZE], struct bytes text, size_t position);

/* Appends ".name" (or "name" at the top) or "[index]" to the path that ends at `end`; returns the new end. */
size_t json_path_name(char path[static JSON_PATH_SIZE], size_t end, struct bytes name);
size_t json_path_index(char path[static JSON_PATH_SIZE], size_t end, size_t index);

#endif
