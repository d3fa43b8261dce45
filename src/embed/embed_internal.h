/* What the kinds of sources share. */
#ifndef TRIAD_EMBED_INTERNAL_H
#define TRIAD_EMBED_INTERNAL_H

#include "embed/embed.h"
#include "triad/model.h"

typedef enum source_kind { SOURCE_MODEL, SOURCE_AGENT, SOURCE_LEXICAL, SOURCE_RANDOM } source_kind;

typedef struct embed_job {
    const char *source;
    char *name; /* without any folder */
    source_kind kind;
    const triad_items *items;
    triad_embed_options options;  /* no member but partial is NULL */
    char *pools[EMBED_MAX_POOLS]; /* of options.pool */
    size_t pool_count;
    size_t width; /* of a model's hidden states */
    triad_pool *pool;
    triad_progress *progress;
} embed_job;

/* Checks the options and finds out what the source is; items are left to the caller. embed_job_free also after a
 * failure. */
TRIAD_NODISCARD triad_status embed_job_create(embed_job *job, const char *source, const triad_embed_options *options,
                                              triad_pool *pool, triad_progress *progress, triad_error *err);
void embed_job_free(embed_job *job);
/* A space without layers over a copy of the items; source is "PREFIX:NAME". */
TRIAD_NODISCARD triad_status embed_begin(triad_space *space, const embed_job *job, const char *prefix, const char *pool,
                                         const char *kind, triad_error *err);
/* Whether --layers takes this one; last is the name of the layer that "last" means. */
bool embed_wants(const char *layers, const char *name, const char *last);
/* Refuses names in --layers that are not among the layers [count]. */
TRIAD_NODISCARD triad_status embed_check_layers(const char *layers, const char *const *names, size_t count,
                                                triad_error *err);

/* spaces [job->pool_count], zeroed. */
TRIAD_NODISCARD triad_status embed_model(triad_space *spaces, embed_job *job, triad_error *err);
/* The same for a model that is open; how (NULL: defaults) is what the run is told beside what the job says. */
TRIAD_NODISCARD triad_status embed_with_model(triad_space *spaces, embed_job *job, const triad_model *model,
                                              const triad_run_options *how, triad_error *err);
TRIAD_NODISCARD triad_status embed_agent(triad_space *space, const embed_job *job, triad_error *err);
/* Features of words, job->name being theirs: bow, length, factors. */
TRIAD_NODISCARD triad_status embed_lexical(triad_space *space, const embed_job *job, triad_error *err);
TRIAD_NODISCARD triad_status embed_random(triad_space *space, const embed_job *job, triad_error *err);

#endif
