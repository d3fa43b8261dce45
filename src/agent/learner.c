#include "agent/learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 16384 /* numbers */, ARENA_BLOCK = 64 << 20 };

struct learner_tile {
    size_t first, count;
    const policy_tensor *like; /* decay and rate */
    double square;             /* of the gradient */
};

static void *block(size_t size)
{
    float *made = aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64);
    if (made) memset(made, 0, size * sizeof(float));
    return made;
}

static bool cut(agent_learner *learner)
{
    const policy_layout *layout = learner->layout;
    learner->tile = calloc(layout->size / TILE + layout->tensors + 1, sizeof *learner->tile);
    if (!learner->tile) return false;
    for (size_t t = 0; t < layout->tensors;) {
        size_t last = t;
        const policy_tensor *like = &layout->tensor[t];
        while (last + 1 < layout->tensors && layout->tensor[last + 1].decay == like->decay &&
               layout->tensor[last + 1].rate == like->rate)
            last++;
        const size_t first = layout->tensor[t].offset;
        const size_t end = last + 1 < layout->tensors ? layout->tensor[last + 1].offset : layout->size;
        for (size_t at = first; at < end; at += TILE) {
            const size_t count = end - at < TILE ? end - at : TILE;
            learner->tile[learner->tiles++] = (learner_tile){at, count, like, 0};
        }
        t = last + 1;
    }
    return true;
}

triad_status learner_create(agent_learner *learner, const policy_layout *layout, int workers, triad_error *err)
{
    memset(learner, 0, sizeof *learner);
    learner->layout = layout;
    learner->workers = workers;
    learner->params = block(layout->size);
    learner->first = block(layout->size);
    learner->second = block(layout->size);
    bool ok = learner->params && learner->first && learner->second;
    for (size_t p = 0; p < BATCH_PIECES; p++) {
        learner->gradient[p] = block(layout->size);
        ok = ok && learner->gradient[p];
    }
    learner->arena = calloc((size_t)workers, sizeof *learner->arena);
    ok = ok && learner->arena && cut(learner);
    for (int w = 0; ok && w < workers; w++) triad_arena_init(&learner->arena[w], ARENA_BLOCK);
    if (ok) return TRIAD_OK;
    learner_free(learner);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "training: out of memory");
}

void learner_free(agent_learner *learner)
{
    free(learner->params);
    free(learner->first);
    free(learner->second);
    for (size_t p = 0; p < BATCH_PIECES; p++) free(learner->gradient[p]);
    for (int w = 0; learner->arena && w < learner->workers; w++) triad_arena_free(&learner->arena[w]);
    free(learner->arena);
    free(learner->tile);
    memset(learner, 0, sizeof *learner);
}

/* ---- one update */

typedef struct update_work {
    agent_learner *learner;
    const agent_batch *batch;
    demo_stream *stream;
    float scale; /* of the loss, then of the gradient */
    policy_result result[BATCH_PIECES];
    bool failed[BATCH_PIECES];
    uint64_t update;
    nn_adamw_options adamw;
    double weight_decay;
} update_work;

/* Pieces first: they are the long tiles. */
static void pass_tile(void *context, size_t tile, int worker)
{
    update_work *work = context;
    agent_learner *learner = work->learner;
    if (tile >= BATCH_PIECES) {
        demo_stream_fill(work->stream, tile - BATCH_PIECES, worker);
        return;
    }
    const policy_input *input = &work->batch->piece[tile].input;
    if (input->steps == 0) return;
    triad_arena *arena = &learner->arena[worker];
    const triad_arena_mark mark = triad_arena_save(arena);
    work->failed[tile] = !policy_pass(&work->result[tile], NULL, learner->gradient[tile], learner->params,
                                      learner->layout, input, work->scale, arena);
    triad_arena_rewind(arena, mark);
}

/* The pieces' gradients, summed in their order into the first one's. */
static void sum_tile(void *context, size_t index, int worker)
{
    (void)worker;
    update_work *work = context;
    agent_learner *learner = work->learner;
    learner_tile *tile = &learner->tile[index];
    float *sum = learner->gradient[0] + tile->first;
    for (size_t p = 1; p < BATCH_PIECES; p++) {
        if (work->batch->piece[p].input.steps == 0) continue;
        float *other = learner->gradient[p] + tile->first;
        nn_add(sum, other, tile->count);
        memset(other, 0, tile->count * sizeof *other);
    }
    tile->square = nn_norm2(sum, tile->count);
}

static void move_tile(void *context, size_t index, int worker)
{
    (void)worker;
    update_work *work = context;
    agent_learner *learner = work->learner;
    const learner_tile *tile = &learner->tile[index];
    nn_adamw_options options = work->adamw;
    options.weight_decay = tile->like->decay ? work->weight_decay : 0;
    options.learning_rate *= tile->like->rate;
    nn_adamw(learner->params + tile->first, learner->first + tile->first, learner->second + tile->first,
             learner->gradient[0] + tile->first, tile->count, &options, work->update, work->scale);
    memset(learner->gradient[0] + tile->first, 0, tile->count * sizeof(float));
}

triad_status learner_update(agent_learner *learner, const agent_batch *batch, demo_stream *stream, size_t fill,
                            uint64_t update, const learner_options *options, learner_report *report, triad_pool *pool,
                            triad_error *err)
{
    update_work work = {
        .learner = learner, .batch = batch, .stream = stream, .scale = 1 / (float)batch->labelled, .update = update};
    triad_parallel(pool, BATCH_PIECES + fill, pass_tile, &work);
    const triad_status status = fill ? demo_stream_filled(stream, fill, err) : TRIAD_OK;
    if (status) return status;

    double loss = 0;
    size_t correct = 0;
    for (size_t p = 0; p < BATCH_PIECES; p++) {
        if (work.failed[p]) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "training: out of memory");
        loss += work.result[p].loss;
        correct += work.result[p].correct;
    }
    triad_parallel(pool, learner->tiles, sum_tile, &work);
    double square = 0;
    for (size_t t = 0; t < learner->tiles; t++) square += learner->tile[t].square;
    *report = (learner_report){loss / (double)batch->labelled, (double)correct / (double)batch->labelled, sqrt(square)};
    if (!isfinite(loss)) return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "the loss is not finite");
    if (!isfinite(square)) return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "the gradient is not finite");

    work.scale = report->gradient_norm > options->clip ? (float)(options->clip / report->gradient_norm) : 1;
    work.adamw = (nn_adamw_options){
        .learning_rate = options->learning_rate, .beta1 = options->beta1, .beta2 = options->beta2, .epsilon = 1e-8};
    work.weight_decay = options->weight_decay;
    triad_parallel(pool, learner->tiles, move_tile, &work);
    return TRIAD_OK;
}
