/* Training batches as a file, so that another implementation of the policy can be timed on the very same ones. */
#include "bench/bench_batches.h"

#include "formats/safetensors.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARRAYS = 9, NAME_BYTES = 40 };

/* The arrays of piece `piece` of batch `batch` as tensors named BATCH.PIECE.ARRAY. */
static size_t name_arrays(tensor_view *views, char (*names)[NAME_BYTES], const policy_input *input, size_t batch,
                          size_t piece)
{
    const struct {
        const char *name;
        const void *data;
        size_t count;
    } arrays[ARRAYS] = {
        {"word_offset", input->word_offset, input->instructions + 1},
        {"word", input->word, input->word_offset[input->instructions]},
        {"episode_instruction", input->episode_instruction, input->episodes},
        {"episode_offset", input->episode_offset, input->episodes + 1},
        {"token_offset", input->token_offset, input->steps + 1},
        {"visible", input->visible, input->steps},
        {"bag_offset", input->bag_offset, input->tokens + 1},
        {"bag", input->bag, input->bag_offset[input->tokens]},
        {"target", input->target, input->steps},
    };
    for (size_t a = 0; a < ARRAYS; a++) {
        snprintf(names[a], NAME_BYTES, "%zu.%zu.%s", batch, piece, arrays[a].name);
        views[a] = (tensor_view){
            .name = names[a], .dtype = TENSOR_I32, .rank = 1, .shape = {arrays[a].count}, .data = arrays[a].data};
    }
    return ARRAYS;
}

triad_status bench_batches_write(const char *path, const agent_batch *batches, size_t count,
                                 const policy_layout *layout, triad_error *err)
{
    const size_t most = count * BATCH_PIECES * ARRAYS;
    tensor_view *views = calloc(most, sizeof *views);
    char(*names)[NAME_BYTES] = calloc(most, sizeof *names);
    triad_status status = TRIAD_OK;
    if (!views || !names) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench train: out of memory");
    size_t filled = 0;
    for (size_t b = 0; b < count && !status; b++)
        for (size_t p = 0; p < BATCH_PIECES; p++)
            if (batches[b].piece[p].input.steps)
                filled += name_arrays(views + filled, names + filled, &batches[b].piece[p].input, b, p);
    if (!status) {
        const policy_config *config = &layout->config;
        char text[400];
        snprintf(text, sizeof text,
                 "{\"width\": %zu, \"heads\": %zu, \"feed_forward\": %zu, \"encoder_layers\": %zu, \"cell_layers\": "
                 "%zu, \"memory_layers\": %zu, \"recall_layers\": %zu, \"window\": %zu, \"instruction\": %zu, "
                 "\"words\": %zu}",
                 config->width, config->heads, config->feed_forward, config->encoder_layers, config->cell_layers,
                 config->memory_layers, config->recall_layers, config->window, config->instruction, config->words);
        const safetensors_pair pairs[] = {{"format", "triad.batches"}, {"config", text}};
        status = safetensors_write(path, views, filled, pairs, 2, err);
    }
    free(views);
    free(names);
    return status;
}
