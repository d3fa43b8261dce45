#include "agent/batch.h"

#include "agent/grow.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

bool batch_take(agent_batch *batch, const demonstration *demo)
{
    if (!agent_grow(&batch->demo, &batch->capacity, batch->episodes + 1, sizeof *batch->demo)) return false;
    batch->demo[batch->episodes++] = demo;
    batch->steps += demo->steps;
    batch->labelled += demo->labelled;
    return true;
}

void batch_clear(agent_batch *batch)
{
    batch->episodes = 0;
    batch->steps = batch->labelled = 0;
}

/* A step's share of the memory layers against a token's share of the cell layers, roughly. */
static size_t cost(const demonstration *demo)
{
    return demo->tokens * 3 + demo->steps * 4;
}

static int by_cost(const void *a, const void *b)
{
    const demonstration *x = *(const demonstration *const *)a, *y = *(const demonstration *const *)b;
    if (cost(x) != cost(y)) return cost(x) > cost(y) ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static int compare_words(const demonstration *x, const demonstration *y)
{
    const size_t common = x->words < y->words ? x->words : y->words;
    for (size_t w = 0; w < common; w++)
        if (x->word[w] != y->word[w]) return x->word[w] < y->word[w] ? -1 : 1;
    return x->words == y->words ? 0 : x->words < y->words ? -1 : 1;
}

static int by_words(const void *a, const void *b)
{
    const demonstration *x = *(const demonstration *const *)a, *y = *(const demonstration *const *)b;
    const int order = compare_words(x, y);
    if (order) return order;
    return x->number < y->number ? -1 : 1;
}

/* demo [count], sorted by words. */
static bool pack(batch_piece *piece, const demonstration *const *demo, size_t count, double dropout, uint64_t mask_seed)
{
    size_t words = 0, steps = 0, tokens = 0, rows = 0;
    for (size_t e = 0; e < count; e++) {
        words += demo[e]->words;
        steps += demo[e]->steps;
        tokens += demo[e]->tokens;
        rows += demo[e]->token_bag[demo[e]->tokens];
    }
    /* Arrays of one kind of item share a capacity, so each is grown from the same old one. */
    size_t instructions = piece->instruction_capacity, episodes = piece->episode_capacity,
           episodes_too = piece->episode_capacity, steps_too = piece->step_capacity, steps_again = piece->step_capacity;
    if (!agent_grow(&piece->word_offset, &piece->instruction_capacity, count + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->episode_instruction, &instructions, count + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->episode_offset, &episodes, count + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->mask, &episodes_too, count + 1, sizeof(uint64_t)) ||
        !agent_grow(&piece->word, &piece->word_capacity, words, sizeof(uint32_t)) ||
        !agent_grow(&piece->token_offset, &piece->step_capacity, steps + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->target, &steps_too, steps + 1, sizeof(int32_t)) ||
        !agent_grow(&piece->visible, &steps_again, steps + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->bag_offset, &piece->token_capacity, tokens + 1, sizeof(uint32_t)) ||
        !agent_grow(&piece->bag, &piece->bag_capacity, rows, sizeof(uint32_t)))
        return false;
    piece->episode_capacity = episodes;

    policy_input *input = &piece->input;
    *input = (policy_input){.word_offset = piece->word_offset,
                            .word = piece->word,
                            .episode_instruction = piece->episode_instruction,
                            .episode_offset = piece->episode_offset,
                            .token_offset = piece->token_offset,
                            .visible = piece->visible,
                            .bag_offset = piece->bag_offset,
                            .bag = piece->bag,
                            .target = piece->target,
                            .dropout = dropout,
                            .mask = piece->mask};
    piece->word_offset[0] = piece->episode_offset[0] = piece->token_offset[0] = 0;
    piece->bag_offset[0] = 0;
    size_t bag = 0;
    for (size_t e = 0; e < count; e++) {
        const demonstration *from = demo[e];
        if (e == 0 || compare_words(demo[e - 1], from) != 0) {
            const uint32_t first = piece->word_offset[input->instructions];
            memcpy(piece->word + first, from->word, from->words * sizeof *from->word);
            piece->word_offset[++input->instructions] = first + (uint32_t)from->words;
        }
        piece->episode_instruction[e] = (uint32_t)input->instructions - 1;
        uint64_t state = mask_seed ^ from->number * 0x9e3779b97f4a7c15ULL;
        piece->mask[e] = triad_splitmix64(&state);
        for (size_t s = 0; s < from->steps; s++) {
            piece->target[input->steps + s] = from->action[s] == DEMONSTRATION_UNLABELLED ? -1 : from->action[s];
            piece->visible[input->steps + s] = from->step_visible[s];
            piece->token_offset[input->steps + s + 1] = (uint32_t)input->tokens + from->step_token[s + 1];
        }
        for (size_t t = 0; t < from->tokens; t++)
            piece->bag_offset[input->tokens + t + 1] = (uint32_t)bag + from->token_bag[t + 1];
        const size_t filled = from->token_bag[from->tokens];
        for (size_t b = 0; b < filled; b++) piece->bag[bag + b] = from->bag[b];
        bag += filled;
        input->steps += from->steps;
        input->tokens += from->tokens;
        piece->episode_offset[++input->episodes] = (uint32_t)input->steps;
    }
    return true;
}

bool batch_pack(agent_batch *batch, const policy_layout *layout)
{
    const demonstration **dealt = malloc((batch->episodes + 1) * sizeof *dealt);
    size_t *piece_of = malloc((batch->episodes + 1) * sizeof *piece_of);
    bool ok = dealt && piece_of;
    size_t load[BATCH_PIECES] = {0};
    batch->flops = 0;
    if (ok) {
        qsort(batch->demo, batch->episodes, sizeof *batch->demo, by_cost);
        for (size_t e = 0; e < batch->episodes; e++) {
            size_t least = 0;
            for (size_t p = 1; p < BATCH_PIECES; p++)
                if (load[p] < load[least]) least = p;
            load[least] += cost(batch->demo[e]);
            piece_of[e] = least;
        }
    }
    for (size_t p = 0; ok && p < BATCH_PIECES; p++) {
        size_t count = 0;
        for (size_t e = 0; e < batch->episodes; e++)
            if (piece_of[e] == p) dealt[count++] = batch->demo[e];
        qsort(dealt, count, sizeof *dealt, by_words);
        ok = pack(&batch->piece[p], dealt, count, batch->dropout, batch->mask_seed);
        if (ok) batch->flops += policy_flops(layout, &batch->piece[p].input);
    }
    free(dealt);
    free(piece_of);
    return ok;
}

void batch_free(agent_batch *batch)
{
    for (size_t p = 0; p < BATCH_PIECES; p++) {
        batch_piece *piece = &batch->piece[p];
        free(piece->word_offset);
        free(piece->word);
        free(piece->episode_instruction);
        free(piece->episode_offset);
        free(piece->token_offset);
        free(piece->visible);
        free(piece->bag_offset);
        free(piece->bag);
        free(piece->target);
        free(piece->mask);
    }
    free(batch->demo);
    memset(batch, 0, sizeof *batch);
}
