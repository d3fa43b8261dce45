/* The words of a column as classes for colours. */
#ifndef TRIAD_REPORT_CLASSES_H
#define TRIAD_REPORT_CLASSES_H

#include "base/arena.h"

typedef struct report_factor {
    const char *name; /* of the column */
    size_t classes;
    const char *const *class_name; /* [classes] by letters; "" is an empty cell */
    const uint32_t *class_of;      /* [n] */
} report_factor;

/* cell [n]; class names are the cells' own texts, borrowed, all else lies in the arena. Where there are more than
 * `most` words (0: no bound) the most frequent ones have classes of their own, and the last class, REPORT_OTHER, is the
 * rest. */
TRIAD_NODISCARD triad_status report_factor_make(report_factor *factor, const char *name, const char *const *cell,
                                                size_t n, size_t most, triad_arena *arena, triad_error *err);
extern const char REPORT_OTHER[];

enum { REPORT_COLOURS = 10 }; /* from here on they come again, and shapes have to tell */
/* What the class is drawn in: names of colours get these colours. */
const char *report_class_colour(const report_factor *factor, size_t class);

#endif
