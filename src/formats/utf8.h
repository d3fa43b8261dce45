/* Validation of text that comes from files. */
#ifndef TRIAD_FORMATS_UTF8_H
#define TRIAD_FORMATS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when bytes are well-formed UTF-8 (no surrogates, nothing overlong, at most U+10FFFF); 0 bytes are allowed.
 * *bad (may be NULL) is the offset of the first byte that is not, else size. */
bool utf8_valid(const char *bytes, size_t size, size_t *bad);

#endif
