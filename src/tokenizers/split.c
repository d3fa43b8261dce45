#include "tokenizers/split.h"

#include <stdlib.h>

#include "tokenizers/unicode.h"

triad_status spans_push(spans *list, size_t start, size_t end, triad_error *err)
{
    if (start == end) return TRIAD_OK;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity < 16 ? 32 : 2 * list->capacity;
        span *grown = realloc(list->at, capacity * sizeof *grown);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        list->at = grown;
        list->capacity = capacity;
    }
    list->at[list->count++] = (span){start, end};
    return TRIAD_OK;
}

/* A match, or (inverted) what lies between matches, as the behaviour says. */
static triad_status cut(const splitter *step, bool matched, size_t start, size_t end, spans *out, triad_error *err)
{
    if (step->behaviour == SPLIT_REMOVED && matched != step->invert) return TRIAD_OK;
    return spans_push(out, start, end, err);
}

/* text is what the expressions see: see pattern_known. */
static triad_status by_pattern(const splitter *step, pattern_scratch *scratch, const char *text, span piece, spans *out,
                               triad_error *err)
{
    const char *subject = text + piece.start;
    const size_t size = piece.end - piece.start;
    size_t at = 0;
    while (at < size) {
        bool found;
        size_t start, end;
        triad_status status = pattern_find(step->expression, scratch, subject, size, at, &found, &start, &end, err);
        if (status != TRIAD_OK) return status;
        if (!found) break;
        status = cut(step, false, piece.start + at, piece.start + start, out, err);
        if (status == TRIAD_OK) status = cut(step, true, piece.start + start, piece.start + end, out, err);
        if (status != TRIAD_OK) return status;
        at = end;
    }
    return cut(step, false, piece.start + at, piece.end, out, err);
}

static bool ascii_punctuation(int32_t code)
{
    return (code >= 33 && code <= 47) || (code >= 58 && code <= 64) || (code >= 91 && code <= 96) ||
           (code >= 123 && code <= 126);
}

/* How a character is treated: joined to its neighbours, alone, or dropped. Runs of ALONE_RUN stay together. */
typedef enum part { JOINED, ALONE, ALONE_RUN, DROPPED } part;

static part part_of(const splitter *step, int32_t code)
{
    switch (step->kind) {
    case SPLIT_DIGITS:
        return !unicode_is_number(code) ? JOINED : step->individual ? ALONE : ALONE_RUN;
    case SPLIT_BERT:
        if (ascii_punctuation(code) || unicode_old_is_punctuation(code)) return ALONE;
        return unicode_is_space(code) ? DROPPED : JOINED;
    case SPLIT_SPACE:
        return unicode_is_space(code) ? DROPPED : JOINED;
    case SPLIT_PATTERN:
        break;
    }
    return JOINED;
}

static triad_status by_character(const splitter *step, const char *text, span piece, spans *out, triad_error *err)
{
    size_t start = piece.start;
    part running = JOINED;
    for (size_t at = piece.start, bytes; at < piece.end; at += bytes) {
        const part now = part_of(step, unicode_at(text, at, piece.end, &bytes));
        if (now == running && now != ALONE) continue;
        if (running != DROPPED) {
            const triad_status status = spans_push(out, start, at, err);
            if (status != TRIAD_OK) return status;
        }
        start = at;
        running = now;
    }
    return running == DROPPED ? TRIAD_OK : spans_push(out, start, piece.end, err);
}

triad_status split(const splitter *step, size_t steps, pattern_scratch *scratch, const char *text, span whole,
                   spans *out, spans *spare, triad_error *err)
{
    out->count = 0;
    triad_status status = spans_push(out, whole.start, whole.end, err);
    bool patterns = false;
    for (size_t i = 0; i < steps; i++) patterns = patterns || step[i].kind == SPLIT_PATTERN;
    const char *known = text;
    if (patterns && status == TRIAD_OK) status = pattern_known(scratch, text, whole.end, &known, err);
    for (size_t i = 0; i < steps && status == TRIAD_OK; i++) {
        spare->count = 0;
        for (size_t j = 0; j < out->count && status == TRIAD_OK; j++)
            status = step[i].kind == SPLIT_PATTERN ? by_pattern(&step[i], scratch, known, out->at[j], spare, err)
                                                   : by_character(&step[i], text, out->at[j], spare, err);
        const spans held = *out;
        *out = *spare;
        *spare = held;
    }
    return status;
}
