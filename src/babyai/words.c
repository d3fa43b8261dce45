/* Every word of every mission. Missions are split at blanks; a comma is a word of its own. The order never changes:
 * trained agents refer to it. */
#include "triad/babyai.h"

#include <string.h>

static const char *const WORDS[] = {
    "go",   "to",     "pick",   "up",    "open", "put",  "next",   "the",  "a",      "red",  "green",
    "blue", "purple", "yellow", "grey",  "box",  "ball", "key",    "door", "object", "on",   "your",
    "left", "right",  "in",     "front", "of",   "you",  "behind", "and",  ",",      "then", "after",
};
enum { WORD_COUNT = sizeof WORDS / sizeof WORDS[0] };

size_t babyai_word_count(void)
{
    return WORD_COUNT;
}

const char *babyai_word_at(size_t index)
{
    return index < WORD_COUNT ? WORDS[index] : NULL;
}

int babyai_word_index(const char *word, size_t bytes)
{
    for (int i = 0; i < WORD_COUNT; i++)
        if (strlen(WORDS[i]) == bytes && memcmp(WORDS[i], word, bytes) == 0) return i;
    return -1;
}
