/* Memory for arrays of many megabytes. */
#ifndef TRIAD_BASE_LARGE_H
#define TRIAD_BASE_LARGE_H

#include <stddef.h>

/* count * size bytes, uninitialised, for free(); NULL when the product overflows or memory is out. From 4 MiB on
 * aligned to huge pages and asking for them: the first touch of a gigabyte then takes 512 faults instead of 262,144. */
void *triad_alloc_large(size_t count, size_t size);

#endif
