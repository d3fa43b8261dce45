#include "base/progress_format.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void progress_count(char *text, size_t size, double count)
{
    static const char suffix[] = " kMGT";
    int power = 0;
    for (double least = 9999.5; count >= least && power < 4; least = 999.5) {
        count /= 1000;
        power++;
    }
    if (power == 0)
        snprintf(text, size, count < 10 && count != (double)(int)count ? "%.1f" : "%.0f", count);
    else
        snprintf(text, size, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, suffix[power]);
}

void progress_time(char *text, size_t size, double seconds)
{
    if (!(seconds >= 0)) seconds = 0;
    if (seconds > 3.6e6) {
        snprintf(text, size, "%.0f days", seconds / 86400);
        return;
    }
    const int whole = (int)(seconds + 0.5), hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0)
        snprintf(text, size, "%d:%02d:%02d", hours, minutes, whole % 60);
    else
        snprintf(text, size, "%d:%02d", minutes, whole % 60);
}

/* Copies at most `columns` code points without control bytes. */
static void fit(char *text, size_t size, const char *words, size_t columns)
{
    size_t used = 0, seen = 0;
    for (; *words != 0 && used + 1 < size; words++) {
        const unsigned char byte = (unsigned char)*words;
        if ((byte & 0xc0) != 0x80 && seen++ == columns) break;
        text[used++] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
    text[used] = 0;
}

/* "1.2M/2.9M steps, 1900 steps/s, 12:34 left" and the note. */
static void add_figures(triad_text *line, const progress_figures *figures)
{
    char count[32], total[32], rate[32], time[32];
    progress_count(count, sizeof count, figures->done);
    progress_count(total, sizeof total, figures->total);
    if (figures->total > 0)
        triad_text_addf(line, "%s/%s %s", count, total, figures->unit);
    else
        triad_text_addf(line, "%s %s", count, figures->unit);
    if (figures->rate > 0) {
        progress_count(rate, sizeof rate, figures->rate);
        triad_text_addf(line, ", %s %s/s", rate, figures->unit);
        if (figures->total > figures->done) {
            progress_time(time, sizeof time, (figures->total - figures->done) / figures->rate);
            triad_text_addf(line, ", %s left", time);
        }
    }
    if (figures->note != NULL && figures->note[0] != 0) triad_text_addf(line, "; %s", figures->note);
}

static double share(const progress_figures *figures)
{
    if (!(figures->total > 0)) return 0;
    const double part = figures->done / figures->total;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

void progress_bar(char *text, size_t size, const progress_figures *figures, size_t columns)
{
    enum { CELLS = 20 };
    triad_text line = {0};
    triad_text_addf(&line, "%s ", figures->label);
    if (figures->total > 0) {
        char bar[CELLS + 1];
        const int full = (int)(share(figures) * CELLS);
        for (int i = 0; i < CELLS; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
        bar[CELLS] = 0;
        triad_text_addf(&line, "[%s] %3.0f %%  ", bar, 100 * share(figures));
    }
    add_figures(&line, figures);
    fit(text, size, line.bytes != NULL ? line.bytes : "", columns);
    triad_text_free(&line);
}

void progress_plain(char *text, size_t size, const progress_figures *figures, bool ended)
{
    triad_text line = {0};
    triad_text_addf(&line, "%s: ", figures->label);
    if (ended) {
        char count[32], rate[32], time[32];
        progress_count(count, sizeof count, figures->done);
        progress_time(time, sizeof time, figures->elapsed);
        triad_text_addf(&line, "done, %s %s in %s", count, figures->unit, time);
        if (figures->rate > 0) {
            progress_count(rate, sizeof rate, figures->rate);
            triad_text_addf(&line, " (%s %s/s)", rate, figures->unit);
        }
        if (figures->note != NULL && figures->note[0] != 0) triad_text_addf(&line, "; %s", figures->note);
    } else {
        if (figures->total > 0) triad_text_addf(&line, "%.0f %%, ", 100 * share(figures));
        add_figures(&line, figures);
    }
    fit(text, size, line.bytes != NULL ? line.bytes : "", size);
    triad_text_free(&line);
}
