/* Progress of long work: a bar with rate and time left on a terminal, sparse lines elsewhere, nothing when
 * quiet. Reporting is cheap (rooms may call it per batch); drawing is limited in rate. */
#ifndef TRIAD_BASE_PROGRESS_H
#define TRIAD_BASE_PROGRESS_H

#include "triad/base.h"

#include <stdio.h>

/* stream is usually stderr; quiet makes every call a no-op. NULL when memory is out (NULL is legal everywhere). */
triad_progress *triad_progress_create(FILE *stream, bool quiet);
void triad_progress_free(triad_progress *progress);

/* A task of total units (0: unknown), e.g. ("train agent 1", "steps", 2900000). Tasks follow one another. */
void triad_progress_begin(triad_progress *progress, const char *label, const char *unit, double total);
/* note (may be NULL) is shown behind the figures: "loss 0.21, accuracy 0.93". */
void triad_progress_update(triad_progress *progress, double done, const char *note);
void triad_progress_end(triad_progress *progress, const char *note);

/* Ends a task that failed: its bar goes, and no line says that it is done. */
void triad_progress_leave(triad_progress *progress);
/* A line of its own above the bar, as "align: nulls take about 3:20". */
void triad_progress_say(triad_progress *progress, const char *line);

/* Until the next part, end or leave, a task that begins is `share` units of the task that runs, with neither a bar nor
 * a line of its own. What the part before lacked of its share counts as done. */
void triad_progress_part(triad_progress *progress, double share);

/* A task that stands aside for others (a validation while an agent is trained) until the return: their bars take its
 * place, they leave no line behind, and their time is not the task's. Asides are not nested. */
void triad_progress_aside(triad_progress *progress);
void triad_progress_return(triad_progress *progress);

/* Seconds on a clock that only goes forward: for logs and progress, never for decisions about bytes. */
double triad_now(void);

#endif
