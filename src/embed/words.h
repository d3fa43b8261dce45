/* The words of sentences and the tokens that spell them. */
#ifndef TRIAD_EMBED_WORDS_H
#define TRIAD_EMBED_WORDS_H

#include "triad/items.h"
#include "triad/model.h"

typedef struct embed_occurrence {
    size_t from, to; /* tokens of all sentences: [from, to), at least one */
} embed_occurrence;

/* Words are what stands between white space, each once, in sorted order of their bytes. */
typedef struct embed_words {
    triad_items items;            /* id and text: the word */
    size_t *first;                /* [words + 1] where each one's occurrences begin */
    embed_occurrence *occurrence; /* by word, then by sentence and place */
} embed_words;                    /* zero-initialise; embed_words_free */

/* tokens: what the model's tokenizer gave for the items' texts. Where a word ends is found by tokenizing the sentence
 * up to there; a tokenizer whose tokens reach across white space, or a sentence that was cut, is refused. */
TRIAD_NODISCARD triad_status embed_words_find(embed_words *words, const triad_model *model, const triad_items *items,
                                              const triad_tokens *tokens, triad_error *err);
void embed_words_free(embed_words *words);

#endif
