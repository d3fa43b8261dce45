/* How progress reads, apart from clocks and streams. */
#ifndef TRIAD_BASE_PROGRESS_FORMAT_H
#define TRIAD_BASE_PROGRESS_FORMAT_H

#include "triad/base.h"

typedef struct progress_figures {
    const char *label, *unit, *note; /* note may be NULL */
    double total;                    /* 0: unknown */
    double done;
    double rate;    /* units a second; 0: not known yet */
    double elapsed; /* seconds */
} progress_figures;

/* 950, 12.3k, 4.56M, 7.89G */
void progress_count(char *text, size_t size, double count);
/* 0:07, 12:34, 1:02:03 */
void progress_time(char *text, size_t size, double seconds);
/* At most `columns` columns: label, bar, share, counts, rate, time left, note; what does not fit is cut off the end. */
void progress_bar(char *text, size_t size, const progress_figures *figures, size_t columns);
/* The same without a bar, for a log; done: the line that ends the task. */
void progress_plain(char *text, size_t size, const progress_figures *figures, bool ended);

#endif
