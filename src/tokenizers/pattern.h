/* Regular expressions as tokenizer files hold them (Oniguruma's Ruby dialect), run by PCRE2 with limits. */
#ifndef TRIAD_TOKENIZERS_PATTERN_H
#define TRIAD_TOKENIZERS_PATTERN_H

#include "triad/base.h"

typedef struct pattern pattern;

/* Refuses what the two dialects do not share. */
TRIAD_NODISCARD triad_status pattern_create(pattern **compiled, const char *expression, size_t size, triad_error *err);
void pattern_free(pattern *compiled);

/* Working memory of matching, for one thread. */
typedef struct pattern_scratch pattern_scratch;
TRIAD_NODISCARD triad_status pattern_scratch_create(pattern_scratch **scratch, triad_error *err);
void pattern_scratch_free(pattern_scratch *scratch);

/* PCRE2's tables are older than utf8proc's: *known is text [size] with every character that only utf8proc knows
 * replaced by another of the same category and size; text itself where there is none, else held by scratch until the
 * next call. */
TRIAD_NODISCARD triad_status pattern_known(pattern_scratch *scratch, const char *text, size_t size, const char **known,
                                           triad_error *err);

/* The next match that is not empty in text[from, size), a text of its own as far as anchors and looks around go.
 * *found false: there is none. text is valid UTF-8. */
TRIAD_NODISCARD triad_status pattern_find(const pattern *compiled, pattern_scratch *scratch, const char *text,
                                          size_t size, size_t from, bool *found, size_t *start, size_t *end,
                                          triad_error *err);

#endif
