/* What a sentence-transformers folder puts behind the transformer: modules.json, pooling, dense layers, normalisation.
 */
#ifndef TRIAD_MODELS_MODULES_H
#define TRIAD_MODELS_MODULES_H

#include "models/checkpoint.h"

typedef enum pooling { POOL_CLS, POOL_MAX, POOL_MEAN, POOL_MEAN_SQRT, POOL_WEIGHTED, POOL_LAST, POOL_KINDS } pooling;

typedef enum module_kind { MODULE_POOL, MODULE_DENSE, MODULE_NORMALIZE } module_kind;

typedef struct module {
    module_kind kind;
    pooling mode[POOL_KINDS]; /* concatenated in this order */
    size_t modes;
    checkpoint file; /* dense */
    float *weight;   /* [out, in], owned */
    float *bias;     /* [out], owned; NULL: none */
    size_t in, out;
    bool tanh; /* else the identity */
} module;

enum { MODULES_MAX = 16 };

typedef struct modules {
    module step[MODULES_MAX];
    size_t count;      /* 0: not such a folder */
    size_t width;      /* of what comes out */
    size_t widest;     /* of anything on the way */
    size_t max_tokens; /* max_seq_length of sentence_bert_config.json; 0: not said */
} modules;             /* zero-initialise; modules_close */

/* Reads what the folder lists behind a transformer of this width; leaves count 0 where there is no modules.json. */
TRIAD_NODISCARD triad_status modules_open(modules *list, const char *folder, size_t width, triad_error *err);
void modules_close(modules *list);
/* "mean", "cls", "last": the one pooling that our own poolings know, "mean" otherwise. */
const char *modules_pooling(const modules *list);

/* out [width] from the tokens' rows: rows[row[0]], … of `width_in` numbers, count > 0. scratch: 2 * widest doubles. */
void modules_apply(const modules *list, float *out, const float *rows, const size_t *row, size_t count, size_t width_in,
                   double *scratch);

#endif
