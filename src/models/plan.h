/* Which rows a run computes. In a causal model a row is a distinct prefix: the sentences form a tree of tokens in which
 * a node attends to its ancestors. Otherwise it is a token of a distinct sentence. Both follow from the set of
 * sentences alone, so that their order can't change a byte. */
#ifndef TRIAD_MODELS_PLAN_H
#define TRIAD_MODELS_PLAN_H

#include "triad/model.h"

typedef struct plan {
    size_t rows;
    int32_t *token;       /* [rows] */
    uint32_t *position;   /* [rows] */
    uint32_t *parent;     /* [rows] shared or not: row of the prefix without its last token; UINT32_MAX: none */
    uint32_t longest;     /* tokens of the longest sentence */
    size_t distinct;      /* sentences that differ */
    uint32_t *first;      /* [distinct + 1] not shared: rows first[s] … first[s + 1] - 1 are distinct sentence s */
    size_t *row_of_token; /* [tokens of the input] */
    size_t *distinct_of;  /* [sentences of the input] */
    size_t *sample;       /* [distinct] a sentence of the input that it stands for */
} plan;                   /* zero-initialise; plan_free */

/* share: sentences that begin alike share rows (causal models). Refuses ids outside [0, vocabulary) and sentences of
 * more than max_tokens. */
TRIAD_NODISCARD triad_status plan_create(plan *made, const triad_tokens *tokens, bool share, size_t vocabulary,
                                         size_t max_tokens, triad_error *err);
void plan_free(plan *made);

#endif
