/*
 * The bytes of a file on a simulated disk, in sectors. Equal sectors of all files of all disks are one block in memory: 193
 * members keep 193 copies of each other's logs, which would be 10 GB otherwise. When memory is out the process ends with 3, as
 * `sim` says.
 */
#ifndef PARLEY_TESTS_SIM_SECTORS_H
#define PARLEY_TESTS_SIM_SECTORS_H

#include <stddef.h>

struct sector;

/* Begins as {0}. Zero wherever nothing was written. */
struct sectors {
  struct sector **at; /* NULL: zeros */
  size_t n, cap;
};

void sectors_read(const struct sectors *s, size_t at, void *p, size_t n);
void sectors_write(struct sectors *s, size_t at, const void *p, size_t n);
void sectors_zero(struct sectors *s, size_t at, size_t n);
/* *to, which is {0}, has the same bytes. */
void sectors_copy(struct sectors *to, const struct sectors *from);
void sectors_free(struct sectors *s); /* it is {0} again */

#endif
