/* What the words of sentences alone say: counts, lengths, factors as numbers, and distances between sentences by them.
 * A likeness of two spaces that is gone once these are held constant was a likeness of words. */
#ifndef TRIAD_LEXICAL_H
#define TRIAD_LEXICAL_H

#include "triad/base.h"
#include "triad/items.h"

/* The lower-cased words of sentences: what stands between white space, without the punctuation at its ends ("ball,"
 * is "ball"). Fails where a text is not UTF-8 or no text holds a word. */
typedef struct triad_lexicon {
    size_t n;          /* sentences */
    size_t words;      /* distinct ones */
    const char **word; /* [words] in sorted order of their bytes */
    size_t *offset;    /* [n + 1] into token */
    uint32_t *token;   /* [offset[n]] numbers of words, sentence by sentence, in their order */
    void *storage;     /* owns all of it */
} triad_lexicon;
TRIAD_NODISCARD triad_status triad_lexicon_create(triad_lexicon *lexicon, const triad_items *items, triad_error *err);
void triad_lexicon_free(triad_lexicon *lexicon);

/* Features of every sentence, *values [items->count, *width], the caller frees:
 *   bow      how often each distinct word occurs, columns in sorted order
 *   length   words, characters (code points)
 *   factors  for each factor column and each word that occurs in it (sorted; an empty cell counts as a word), 1 where
 *            the sentence has it, else 0 */
TRIAD_NODISCARD triad_status triad_lexical_features(float **values, size_t *width, const char *name,
                                                    const triad_items *items, triad_error *err);

/* Distances of all pairs of sentences into out [n (n - 1) / 2]: (0, 1), (0, 2), …, (1, 2), … (scipy's pdist order).
 * Sentence i is row rows[i] of items (NULL: i). Names:
 *   bow              1 - cosine of the counts of words (0 between two sentences without words, 1 if only one has none)
 *   length           difference of the numbers of words
 *   length-characters
 *   edit-words       Levenshtein distance (insertions, deletions, substitutions at 1 each) over lower-cased words
 *   edit-characters  the same over the text's code points
 *   factors          share of the factor columns in which they differ
 *   factor:COLUMN    0 where both have the same cell in the column, else 1
 * A name that is none of these fails and lists them; so does `factors` without factor columns. The same bytes for any
 * pool. */
TRIAD_NODISCARD triad_status triad_lexical_distance(double *out, const char *name, const triad_items *items,
                                                    const size_t *rows, size_t n, triad_pool *pool, triad_error *err);
/* Whether a distance of that name could be made of the items; err (may be NULL) says why not. */
bool triad_lexical_knows(const char *name, const triad_items *items, triad_error *err);

#endif
