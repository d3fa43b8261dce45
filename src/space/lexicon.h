/* What the files of lexical features share. */
#ifndef TRIAD_SPACE_LEXICON_H
#define TRIAD_SPACE_LEXICON_H

#include "triad/lexical.h"

/* Code points of valid UTF-8. */
size_t lexicon_characters(const char *text);

#endif
