/* An endless stream of demonstrations, already turned into what the policy sees.
 *
 * Fresh ones: demonstration k is a function of (seed, levels, shares, k) alone: its level is drawn by the shares from a
 * stream keyed by seed and k, its environment's seed is k's image under a permutation of [0, 10^9) keyed by seed, so
 * that none repeats. Of a file: each episode once a pass, each pass in an order of its own keyed by seed and pass.
 * Those that the expert does not solve and those that are kept out are passed over. They are made ahead, in blocks that
 * workers fill as tiles.
 *
 * With roll-outs (rollout.h) a share of them, drawn by seed and k, is acted by the learner as it stands when the block
 * is filled, and labelled by the expert; those of a block act in step. Block b is then a function of (seed, levels,
 * shares, b, the learner's parameters): who fills the same blocks at the same updates gets the same ones. */
#ifndef TRIAD_AGENT_STREAM_H
#define TRIAD_AGENT_STREAM_H

#include "agent/telling.h"
#include "triad/babyai.h"

enum { DEMONSTRATION_UNLABELLED = 255 };

typedef struct demonstration {
    bool solved;
    uint64_t number; /* k */
    size_t level;    /* index into the levels; of a file 0 */
    size_t words, steps, tokens;
    uint32_t *word;        /* [words] */
    uint32_t *step_token;  /* [steps + 1] */
    uint8_t *step_visible; /* [steps] how many of a step's tokens, the first ones, are in sight */
    uint32_t *token_bag;   /* [tokens + 1] */
    uint16_t *bag;         /* rows of the feature table */
    uint8_t *action;       /* [steps] the expert's; DEMONSTRATION_UNLABELLED: not to be imitated */
    size_t labelled;       /* steps to be imitated */
    size_t step_capacity, visible_capacity, action_capacity, token_capacity, bag_capacity, word_capacity;
} demonstration;

typedef struct demo_stream demo_stream;
typedef struct demo_stream_options {
    const babyai_level *const *levels;
    const double *shares; /* [levels], positive; need not sum to 1 */
    size_t level_count;
    const babyai_demos *file; /* NULL: fresh ones; else levels and shares play no part */
    uint64_t seed;
    uint64_t first;     /* the first demonstration that is wanted */
    size_t batch_steps; /* the steps that are taken between two refills: sizes the store */
    const agent_words *words;
    const agent_telling *telling; /* NULL: every agent is told the mission */
    double rollouts;              /* share of the episodes in which the learner acts; 0 where there is a file */
    const triad_agent *learner;   /* who acts in them: must not change while blocks are filled */
    int workers;
} demo_stream_options;

/* levels, shares, file, words, telling and learner are borrowed. */
TRIAD_NODISCARD triad_status demo_stream_create(demo_stream **stream, const demo_stream_options *options,
                                                triad_error *err);
void demo_stream_free(demo_stream *stream);

/* Blocks that may be filled now, at most `limit`; fill each as one tile with demo_stream_fill, on any worker, then call
 * demo_stream_filled with that number, which reports what went wrong in them. */
size_t demo_stream_wanted(const demo_stream *stream, size_t limit);
void demo_stream_fill(demo_stream *stream, size_t tile, int worker);
TRIAD_NODISCARD triad_status demo_stream_filled(demo_stream *stream, size_t tiles, triad_error *err);

/* The next solved demonstration, valid until blocks are filled again after demo_stream_release; NULL: fill first. */
const demonstration *demo_stream_next(demo_stream *stream);
/* What was taken may be overwritten. */
void demo_stream_release(demo_stream *stream);
uint64_t
demo_stream_position(const demo_stream *stream); /* the number of the next one: where a resumed stream starts */
/* Forgets what was made ahead: as a stream that starts at its position. */
void demo_stream_restart(demo_stream *stream);
/* Operations (policy_flops counts them) that the learner's acting has taken since this was last asked. */
uint64_t demo_stream_spent(demo_stream *stream);

/* The environment's seed of demonstration k: below 10^9. */
uint64_t demo_seed(uint64_t seed, uint64_t k);

#endif
