/* Random observations packed as the policy's input: for tests that need no world. */
#ifndef TESTS_AGENT_SYNTHETIC_H
#define TESTS_AGENT_SYNTHETIC_H

#include "agent/features.h"
#include "agent/policy.h"
#include "base/rng.h"

#include <string.h>

enum {
    SYNTHETIC_STEPS = 64,
    SYNTHETIC_TOKENS = SYNTHETIC_STEPS * FEATURE_MAX_TOKENS,
    SYNTHETIC_BAG = SYNTHETIC_STEPS * FEATURE_MAX_BAG
};

typedef struct synthetic {
    uint32_t word_offset[9], word[8 * 12], instruction[8], episode[9], token[SYNTHETIC_STEPS + 1],
        visible[SYNTHETIC_STEPS], bag_offset[SYNTHETIC_TOKENS + 1], bag[SYNTHETIC_BAG];
    int32_t target[SYNTHETIC_STEPS];
    uint64_t mask[8];
    policy_input input;
} synthetic;

__attribute__((unused)) static void synthetic_image(triad_pcg64 *rng, uint8_t image[BABYAI_OBSERVATION])
{
    for (int cell = 0; cell < FEATURE_CELLS; cell++) {
        const int64_t kind = triad_pcg64_integers(rng, 0, 10);
        image[cell * 3] = (uint8_t)(kind == 0 ? triad_pcg64_integers(rng, 4, 8) : kind < 3 ? 0 : kind < 5 ? 2 : 1);
        image[cell * 3 + 1] = (uint8_t)triad_pcg64_integers(rng, 0, 6);
        image[cell * 3 + 2] = (uint8_t)(image[cell * 3] == 4 ? triad_pcg64_integers(rng, 0, 3) : 0);
    }
}

/* episodes (at most 8) of lengths 1, 2, 3, …: several lie beyond a window of 3; two share an instruction. */
__attribute__((unused)) static void synthetic_fill(synthetic *made, size_t episodes, size_t words, uint64_t seed)
{
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, seed);
    memset(made, 0, sizeof *made);
    policy_input *input = &made->input;
    *input = (policy_input){.word_offset = made->word_offset,
                            .word = made->word,
                            .episode_instruction = made->instruction,
                            .episode_offset = made->episode,
                            .token_offset = made->token,
                            .visible = made->visible,
                            .bag_offset = made->bag_offset,
                            .bag = made->bag,
                            .target = made->target,
                            .mask = made->mask};
    uint32_t bag = 0;
    for (size_t e = 0; e < episodes; e++) {
        if (e != 1) { /* episode 1 shares the instruction of episode 0 */
            const size_t i = input->instructions++;
            const uint32_t count = (uint32_t)triad_pcg64_integers(&rng, 2, 12);
            for (uint32_t w = 0; w < count; w++)
                made->word[made->word_offset[i] + w] = (uint32_t)triad_pcg64_integers(&rng, 0, (int64_t)words);
            made->word_offset[i + 1] = made->word_offset[i] + count;
        }
        made->instruction[e] = (uint32_t)input->instructions - 1;
        made->mask[e] = 1000 + e;
        feature_odometer odometer;
        feature_start(&odometer);
        for (size_t s = 0; s <= e; s++) {
            uint8_t image[BABYAI_OBSERVATION];
            uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
            uint16_t rows[FEATURE_MAX_BAG];
            synthetic_image(&rng, image);
            feature_observe(&odometer, image, (uint8_t)triad_pcg64_integers(&rng, 0, 4), &tokens, &visible, token_bag,
                            rows);
            const size_t step = input->steps++;
            made->visible[step] = visible;
            for (uint32_t t = 0; t < tokens; t++) {
                for (uint32_t b = token_bag[t]; b < token_bag[t + 1]; b++) made->bag[bag++] = rows[b];
                made->bag_offset[++input->tokens] = bag;
            }
            made->token[step + 1] = (uint32_t)input->tokens;
            made->target[step] = (int32_t)triad_pcg64_integers(&rng, 0, POLICY_ACTIONS);
            feature_act(&odometer, (babyai_action)made->target[step]);
        }
        made->episode[++input->episodes] = (uint32_t)input->steps;
    }
}

#endif
