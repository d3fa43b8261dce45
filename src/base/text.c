#include "base/text.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the final 0. */
static bool reserve(triad_text *text, size_t more)
{
    if (text->failed) return false;
    size_t needed;
    if (!triad_add_size(&needed, text->size, more) || !triad_add_size(&needed, needed, 1)) {
        text->failed = true;
        return false;
    }
    if (needed <= text->capacity) return true;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed && triad_mul_size(&capacity, capacity, 2)) {
    }
    if (capacity < needed) capacity = needed;
    char *bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void triad_text_add_bytes(triad_text *text, const void *bytes, size_t size)
{
    if (!reserve(text, size)) return;
    if (size > 0) memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void triad_text_add(triad_text *text, const char *words)
{
    triad_text_add_bytes(text, words, strlen(words));
}

void triad_text_addf(triad_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        text->failed = true;
    } else if (reserve(text, (size_t)size)) {
        vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void triad_text_free(triad_text *text)
{
    if (text == NULL) return;
    free(text->bytes);
    *text = (triad_text){0};
}

enum { NAME_MAX_BYTES = 64 };

static unsigned char folded(char c)
{
    const unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
}

/* Edit distance in which a swap of neighbours counts as one (optimal string alignment); case is worth nothing. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t before[NAME_MAX_BYTES + 1], above[NAME_MAX_BYTES + 1], row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= m; j++) before[j] = above[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (folded(a[i - 1]) != folded(b[j - 1]));
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        memcpy(before, above, (m + 1) * sizeof *above);
        memcpy(above, row, (m + 1) * sizeof *above);
    }
    return above[m];
}

const char *triad_nearest_name(const char *word, const char *const *names, size_t count)
{
    const size_t length = strlen(word);
    if (length == 0 || length > NAME_MAX_BYTES) return NULL;
    const size_t allowed = length < 2 ? 0 : length < 6 ? 1 : length / 3;
    const char *nearest = NULL;
    size_t least = allowed + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t other = strlen(names[i]);
        if (other > NAME_MAX_BYTES) continue;
        const size_t d = distance(word, length, names[i], other);
        if (d < least) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}
