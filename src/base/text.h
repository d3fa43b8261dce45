/* A growing string. After a failed allocation it stays as it was and failed is set: check once, at the end. */
#ifndef TRIAD_BASE_TEXT_H
#define TRIAD_BASE_TEXT_H

#include "triad/base.h"

typedef struct triad_text {
    char *bytes; /* ends in a 0 that size does not count; NULL when nothing was added */
    size_t size, capacity;
    bool failed;
} triad_text;

void triad_text_add(triad_text *text, const char *words);
void triad_text_add_bytes(triad_text *text, const void *bytes, size_t size);
void triad_text_addf(triad_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void triad_text_free(triad_text *text);

/* The name nearest to word by edit distance (at most a third of its letters away), or NULL: "did you mean …". */
const char *triad_nearest_name(const char *word, const char *const *names, size_t count);

#endif
