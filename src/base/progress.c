#include "base/progress.h"

#include "base/progress_format.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two drawings on a terminal, between two lines elsewhere, and between two points of the rate. */
static const double DRAW_EVERY = 0.1, LINE_EVERY = 30, RATE_OVER = 20;

enum { TEXT_BYTES = 512 };

typedef struct task {
    bool running;
    char label[128], unit[32], note[256];
    double total, done, first; /* first: what was done when the first report came, which took no time of ours */
    double start;
    bool reported;
    /* A part of it: from `part_from` on, `part` units, of the total of the task within (0: it has not begun). */
    bool parted;
    double part, part_from, part_total;
    /* The rate is taken between now and a point 20 to 40 seconds ago. */
    double old_time, old_done, middle_time, middle_done;
} task;

struct triad_progress {
    FILE *stream;
    bool terminal;
    pthread_mutex_t lock; /* a room may report from a tile */
    double shown;
    task now;
    bool aside; /* `left` stands aside */
    task left;
    double left_at;
};

double triad_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

triad_progress *triad_progress_create(FILE *stream, bool quiet)
{
    if (quiet || stream == NULL) return NULL;
    triad_progress *progress = calloc(1, sizeof *progress);
    if (progress == NULL) return NULL;
    progress->stream = stream;
    const char *kind = getenv("TERM");
    progress->terminal = isatty(fileno(stream)) && !(kind != NULL && strcmp(kind, "dumb") == 0);
    pthread_mutex_init(&progress->lock, NULL);
    return progress;
}

static size_t columns(const triad_progress *progress)
{
    struct winsize window;
    if (ioctl(fileno(progress->stream), TIOCGWINSZ, &window) != 0 || window.ws_col < 20) return 79;
    return (size_t)window.ws_col - 1; /* the last column would wrap on some terminals */
}

static progress_figures figures_of(const triad_progress *progress, double now)
{
    const double elapsed = now - progress->now.old_time;
    const double rate =
        progress->now.reported && elapsed > 1e-3 ? (progress->now.done - progress->now.old_done) / elapsed : 0;
    return (progress_figures){.label = progress->now.label,
                              .unit = progress->now.unit,
                              .note = progress->now.note,
                              .total = progress->now.total,
                              .done = progress->now.done,
                              .rate = rate > 0 ? rate : 0,
                              .elapsed = now - progress->now.start};
}

static void draw(triad_progress *progress, double now)
{
    char text[TEXT_BYTES];
    const progress_figures figures = figures_of(progress, now);
    if (progress->terminal) {
        progress_bar(text, sizeof text, &figures, columns(progress));
        fprintf(progress->stream, "\r%s\033[K", text);
    } else {
        progress_plain(text, sizeof text, &figures, false);
        fprintf(progress->stream, "%s\n", text);
    }
    fflush(progress->stream);
    progress->shown = now;
}

static void finish(triad_progress *progress, const char *note)
{
    if (!progress->now.running) return;
    const double now = triad_now();
    progress->now.running = false;
    if (progress->aside) return;
    snprintf(progress->now.note, sizeof progress->now.note, "%s", note != NULL ? note : "");
    progress_figures figures = figures_of(progress, now);
    const double done = progress->now.done - progress->now.first;
    figures.rate = figures.elapsed > 1e-3 && done > 0 ? done / figures.elapsed : 0; /* over the whole task */
    char text[TEXT_BYTES];
    progress_plain(text, sizeof text, &figures, true);
    fprintf(progress->stream, progress->terminal ? "\r%s\033[K\n" : "%s\n", text);
    fflush(progress->stream);
}

static void wipe(triad_progress *progress)
{
    if (!progress->now.running || !progress->terminal) return;
    fputs("\r\033[K", progress->stream);
    fflush(progress->stream);
}

void triad_progress_free(triad_progress *progress)
{
    if (progress == NULL) return;
    wipe(progress); /* of a task that was left by an error */
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

void triad_progress_begin(triad_progress *progress, const char *label, const char *unit, double total)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    if (progress->now.running && progress->now.parted && progress->now.part_total == 0) {
        progress->now.part_total = total > 0 ? total : INFINITY;
        pthread_mutex_unlock(&progress->lock);
        return;
    }
    finish(progress, NULL);
    const double now = triad_now();
    progress->now.parted = false;
    snprintf(progress->now.label, sizeof progress->now.label, "%s", label);
    snprintf(progress->now.unit, sizeof progress->now.unit, "%s", unit);
    progress->now.note[0] = 0;
    progress->now.total = total > 0 ? total : 0;
    progress->now.done = progress->now.first = progress->now.old_done = progress->now.middle_done = 0;
    progress->now.start = progress->now.old_time = progress->now.middle_time = now;
    progress->now.reported = false;
    progress->now.running = true;
    if (progress->terminal || !progress->aside) draw(progress, now);
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_update(triad_progress *progress, double done, const char *note)
{
    if (progress == NULL || pthread_mutex_trylock(&progress->lock) != 0) return;
    if (progress->now.running) {
        const double now = triad_now();
        if (progress->now.parted) {
            done = progress->now.part_from +
                   (progress->now.part_total > 0 ? progress->now.part * done / progress->now.part_total : 0);
            note = NULL;
        }
        if (!progress->now.reported && progress->now.total > 0 && done > 0.01 * progress->now.total &&
            now - progress->now.start < 1) {
            /* A resumed task starts in the middle. */
            progress->now.first = progress->now.old_done = progress->now.middle_done = done;
        }
        progress->now.reported = true;
        progress->now.done = done;
        if (now - progress->now.middle_time > RATE_OVER) {
            progress->now.old_time = progress->now.middle_time;
            progress->now.old_done = progress->now.middle_done;
            progress->now.middle_time = now;
            progress->now.middle_done = done;
        }
        if (now - progress->shown >= (progress->terminal ? DRAW_EVERY : LINE_EVERY)) {
            snprintf(progress->now.note, sizeof progress->now.note, "%s", note != NULL ? note : "");
            draw(progress, now);
        }
    }
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_part(triad_progress *progress, double share)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    if (progress->now.parted) progress->now.done = progress->now.part_from + progress->now.part;
    progress->now.parted = true;
    progress->now.part_from = progress->now.done;
    progress->now.part = share;
    progress->now.part_total = 0;
    pthread_mutex_unlock(&progress->lock);
}

/* The end of the task within a part is not the task's. */
static bool leave_part(triad_progress *progress)
{
    if (!progress->now.parted || progress->now.part_total == 0) return false;
    progress->now.done = progress->now.part_from + progress->now.part;
    progress->now.parted = false;
    return true;
}

void triad_progress_end(triad_progress *progress, const char *note)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    if (!leave_part(progress)) finish(progress, note);
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_leave(triad_progress *progress)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    if (!leave_part(progress)) {
        wipe(progress);
        progress->now.running = false;
    }
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_say(triad_progress *progress, const char *line)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    wipe(progress);
    fprintf(progress->stream, "%s\n", line);
    fflush(progress->stream);
    if (progress->now.running && progress->terminal) draw(progress, triad_now());
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_aside(triad_progress *progress)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    progress->aside = true;
    progress->left = progress->now;
    progress->left_at = triad_now();
    progress->now.running = false;
    pthread_mutex_unlock(&progress->lock);
}

void triad_progress_return(triad_progress *progress)
{
    if (progress == NULL) return;
    pthread_mutex_lock(&progress->lock);
    const double away = triad_now() - progress->left_at;
    progress->now = progress->left;
    progress->now.start += away;
    progress->now.old_time += away;
    progress->now.middle_time += away;
    progress->aside = false;
    if (progress->terminal && progress->now.running) draw(progress, triad_now());
    pthread_mutex_unlock(&progress->lock);
}
