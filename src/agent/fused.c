/* Sentences and sight together: the policy's states in scenes that are the same for every sentence. */
#include "agent/agent_file.h"
#include "agent/features.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 4 /* sentences */ };

/* The scenes: first observations of the single-room levels turn about, seeds from 3 * 10^9, which nobody learns from.
 */
static const char *const LEVELS[] = {"GoToLocal",    "PickupLoc", "PickupDist",
                                     "PutNextLocal", "OpenDoor",  "ActionObjDoor"};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof *LEVELS };
#define FIRST_SEED 3000000000ULL

/* Tokens of the scenes once for each of TILE sentences, one after the other. */
typedef struct scenes {
    uint32_t token_offset[TILE * TRIAD_FUSED_SCENES + 1], visible[TILE * TRIAD_FUSED_SCENES];
    uint32_t step_row[TILE * TRIAD_FUSED_SCENES];
    uint32_t *bag_offset, *bag;
} scenes;

typedef struct fused_work {
    const triad_agent *agent;
    const scenes *scenes;
    const char *const *sentences; /* [n] */
    const float *instruction;     /* [n, z] */
    size_t n;
    float *const *fused;
    bool *failed; /* [tiles] */
} fused_work;

size_t triad_agent_fused_layers(const triad_agent *agent)
{
    return policy_fused_layers(&agent->layout.config);
}

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embedding: out of memory");
}

static triad_status look(uint8_t image[BABYAI_OBSERVATION], uint8_t *direction, size_t scene, triad_error *err)
{
    babyai_env *env;
    triad_status status = babyai_create(&env, babyai_level_find(LEVELS[scene % LEVEL_COUNT]), err);
    if (status) return status;
    status = babyai_reset_seed(env, FIRST_SEED + scene, err);
    if (!status) babyai_observe(env, image, direction);
    babyai_free(env);
    return status;
}

static triad_status make_scenes(scenes *made, triad_error *err)
{
    made->bag_offset = calloc((size_t)TILE * TRIAD_FUSED_SCENES * FEATURE_MAX_TOKENS + 1, sizeof *made->bag_offset);
    made->bag = calloc((size_t)TILE * TRIAD_FUSED_SCENES * FEATURE_MAX_BAG, sizeof *made->bag);
    if (!made->bag_offset || !made->bag) return out_of_memory(err);
    uint32_t tokens = 0, rows = 0;
    size_t step = 0;
    for (uint32_t copy = 0; copy < TILE; copy++) {
        for (size_t scene = 0; scene < TRIAD_FUSED_SCENES; scene++, step++) {
            uint8_t image[BABYAI_OBSERVATION], direction;
            uint32_t count, token_bag[FEATURE_MAX_TOKENS + 1];
            uint16_t bag[FEATURE_MAX_BAG];
            feature_odometer odometer;
            const triad_status status = look(image, &direction, scene, err);
            if (status) return status;
            feature_start(&odometer);
            feature_observe(&odometer, image, direction, &count, &made->visible[step], token_bag, bag);
            for (uint32_t t = 0; t < count; t++) made->bag_offset[tokens + t + 1] = rows + token_bag[t + 1];
            for (uint32_t b = 0; b < token_bag[count]; b++) made->bag[rows + b] = bag[b];
            tokens += count;
            rows += token_bag[count];
            made->token_offset[step + 1] = tokens;
            made->step_row[step] = copy;
        }
    }
    return TRIAD_OK;
}

/* The words of sentences [from, to), for the cross layers: each sentence by itself, so that it is the same in any
 * company. */
static bool lay_words(policy_words *words, const fused_work *work, size_t from, size_t to, triad_arena *arena)
{
    const policy_layout *layout = &work->agent->layout;
    const size_t n = to - from;
    uint32_t *offset = TRIAD_NEW(arena, uint32_t, n + 1), *row = TRIAD_NEW(arena, uint32_t, n),
             *step = TRIAD_NEW(arena, uint32_t, n + 1), *word = TRIAD_NEW(arena, uint32_t, n * POLICY_MAX_WORDS);
    if (!offset || !row || !step || !word) return false;
    offset[0] = step[0] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count;
        /* Embedding has taken every sentence already. */
        if (agent_words_encode(&work->agent->words, work->sentences[from + i], word + offset[i], &count, NULL))
            return false;
        offset[i + 1] = offset[i] + (uint32_t)count;
        row[i] = (uint32_t)i;
        step[i + 1] = (uint32_t)((i + 1) * TRIAD_FUSED_SCENES);
    }
    float *state = TRIAD_NEW(arena, float, offset[n] * layout->config.width);
    *words = (policy_words){n, offset, state, row, step};
    for (size_t i = 0; state && i < n; i++) {
        const uint32_t alone[] = {0, offset[i + 1] - offset[i]};
        if (!policy_instruct(NULL, NULL, NULL, state + offset[i] * layout->config.width, work->agent->params, layout, 1,
                             alone, word + offset[i], arena))
            return false;
    }
    return state != NULL;
}

static bool fuse_some(const fused_work *work, size_t from, size_t to, triad_arena *arena)
{
    const policy_layout *layout = &work->agent->layout;
    const float *params = work->agent->params;
    const size_t d = layout->config.width, count = to - from, steps = count * TRIAD_FUSED_SCENES,
                 layers = policy_fused_layers(&layout->config);
    float *film = TRIAD_NEW(arena, float, count * layout->norms * 2 * d), *token = TRIAD_NEW(arena, float, count *d);
    float **state = TRIAD_NEW(arena, float *, layers);
    bool ok = film && token && state;
    for (size_t l = 0; ok && l < layers; l++) ok = (state[l] = TRIAD_NEW(arena, float, steps *d)) != NULL;
    if (!ok) return false;
    policy_modulate(film, token, work->instruction + from * layout->config.instruction, params, layout, count);
    const scenes *made = work->scenes;
    const policy_tokens tokens = {steps, made->token_offset, made->visible, made->bag_offset, made->bag};
    policy_words words;
    if (layout->config.cross_layers && !lay_words(&words, work, from, to, arena)) return false;
    if (!policy_fuse(state, params, layout, film, token, made->step_row, &tokens, &words, arena)) return false;
    for (size_t l = 0; l < layers; l++) {
        if (!work->fused[l]) continue;
        for (size_t i = 0; i < count; i++)
            for (size_t c = 0; c < d; c++) {
                double sum = 0;
                for (size_t s = 0; s < TRIAD_FUSED_SCENES; s++)
                    sum += (double)state[l][(i * TRIAD_FUSED_SCENES + s) * d + c];
                work->fused[l][(from + i) * d + c] = (float)(sum / TRIAD_FUSED_SCENES);
            }
    }
    return true;
}

static void fuse_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    fused_work *work = context;
    const size_t from = tile * TILE, to = from + TILE < work->n ? from + TILE : work->n;
    triad_arena arena = {0};
    work->failed[tile] = !fuse_some(work, from, to, &arena);
    triad_arena_free(&arena);
}

triad_status triad_agent_embed_fused(const triad_agent *agent, const char *const *sentences, size_t n,
                                     float *const *fused, triad_pool *pool, triad_error *err)
{
    if (n == 0) return TRIAD_OK;
    const size_t tiles = (n + TILE - 1) / TILE;
    float *instruction = calloc(n, agent->layout.config.instruction * sizeof *instruction);
    bool *failed = calloc(tiles, sizeof *failed);
    scenes *made = calloc(1, sizeof *made);
    triad_status status = instruction && failed && made ? make_scenes(made, err) : out_of_memory(err);
    if (!status)
        status =
            triad_agent_embed(agent, sentences, n, &(triad_agent_embedding){.instruction = instruction}, pool, err);
    if (!status) {
        fused_work work = {agent, made, sentences, instruction, n, fused, failed};
        triad_parallel(pool, tiles, fuse_tile, &work);
        for (size_t t = 0; t < tiles && !status; t++)
            if (failed[t]) status = out_of_memory(err);
    }
    if (made) {
        free(made->bag_offset);
        free(made->bag);
    }
    free(made);
    free(failed);
    free(instruction);
    return status;
}
