/* Turns a source and items into a space.
 *
 * A source is
 *   an agent file                      layers words, 0 … L (its encoder), instruction
 *   a folder of the Hugging Face kind  layers 0 … L, raw (decoders), projected (sentence-transformers)
 *   a .gguf file                       the same
 *   baseline:bow                       layer 0: counts of lower-cased words, a column for each distinct word in sorted
 *                                      order
 *   baseline:length                    layer 0: words, characters
 *   baseline:factors                   layer 0: 1 for each cell that a sentence has in its factor columns
 *   baseline:random                    layer 0: 128 Gaussian numbers, keyed by seed and id
 */
#ifndef TRIAD_EMBED_H
#define TRIAD_EMBED_H

#include "triad/babyai.h"
#include "triad/space.h"

typedef struct triad_embed_options {
    const char *layers;  /* "last", "all", or names separated by commas: "0,15,raw" */
    const char *pool;    /* "default", "mean", "mean-nofirst", "last", "cls", "eos", "projected", "tokens"; several, in
                          * triad_embed_pools: "mean,last" */
    const char *unit;    /* "sentence", or "word" (models): a row for each distinct word of the sentences, its states'
                          * mean over where it occurs */
    uint64_t seed;       /* of baseline:random */
    const char *partial; /* models: a folder that keeps finished layers, so that a killed run goes on with the next one;
                          * made where it is missing, for triad_embed_forget to remove. NULL: none */
} triad_embed_options;   /* NULL members: the defaults */
/* last, default, sentence, 0. */
triad_embed_options triad_embed_defaults(void);

/* space's items are a copy. The same bytes for any pool; a sentence's row is the same in any order of the items. The
 * space's `source` is a name without any folder: "gguf:FILE", "hf:FOLDER", "agent:FILE", "baseline:bow". */
TRIAD_NODISCARD triad_status triad_embed(triad_space *space, const char *source, const triad_items *items,
                                         const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                                         triad_error *err);

/* Removes what runs have kept in a folder `partial`, and the folder unless something else lies in it: to be called when
 * the spaces are written, so that a failed write costs one layer's work. NULL and a missing folder are fine. */
void triad_embed_forget(const char *partial);

/* Whether there is such a pooling. */
bool triad_embed_pooling(const char *name);

/* A space for each of the poolings that options->pool lists, in its order, from one pass through the model; spaces
 * [EMBED_MAX_POOLS], *count of them made. */
enum { EMBED_MAX_POOLS = 8 };
TRIAD_NODISCARD triad_status triad_embed_pools(triad_space *spaces, size_t *count, const char *source,
                                               const triad_items *items, const triad_embed_options *options,
                                               triad_pool *pool, triad_progress *progress, triad_error *err);

/* The same by the image tower of CLIP or BLIP: layers 0 … L of that tower, projected; poolings cls (the default for
 * them), mean, mean-nofirst (the patches), projected, tokens. Items are the files, a PNG each: id and text are the
 * file's name without folder and ending, source ends in ":images". */
TRIAD_NODISCARD triad_status triad_embed_images(triad_space *space, const char *source, const char *const *paths,
                                                size_t count, const triad_embed_options *options, triad_pool *pool,
                                                triad_progress *progress, triad_error *err);

/* The same for BabyAI's instructions, each the mean over 8 scenes in which it has just been fulfilled: the last frames
 * of the expert's episodes (the whole grid, tiles of 28 pixels) by seeds from 3 * 10^9 on. level_count 0: levels that
 * can say the items, those with few rooms first. met [items] (may be NULL): how many scenes were found for each; items
 * with none are left out of the space. source ends in ":scenes". */
TRIAD_NODISCARD triad_status triad_embed_scenes(triad_space *space, const char *source, const triad_items *items,
                                                const babyai_level *const *levels, size_t level_count, size_t *met,
                                                const triad_embed_options *options, triad_pool *pool,
                                                triad_progress *progress, triad_error *err);

/* Opens and validates a source without computing: what triad_embed would refuse before its first sentence is refused
 * here. Any pointer may be NULL; *pooling is what "default" means for it (static storage). */
TRIAD_NODISCARD triad_status triad_embed_probe(const char *source, size_t *layers, const char **pooling,
                                               triad_error *err);

#endif
