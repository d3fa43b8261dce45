/* BabyAI (Chevalier-Boisvert et al. 2019), seed for seed as Farama Minigrid 3.1.0 plays it. */
#ifndef TRIAD_BABYAI_H
#define TRIAD_BABYAI_H

#include "triad/base.h"
#include "triad/items.h"

enum {
    BABYAI_VIEW = 7,
    BABYAI_OBSERVATION = BABYAI_VIEW * BABYAI_VIEW * 3,
    BABYAI_MISSION_MAX = 512,
    BABYAI_ACTIONS = 7
};

typedef enum babyai_action {
    BABYAI_LEFT,
    BABYAI_RIGHT,
    BABYAI_FORWARD,
    BABYAI_PICKUP,
    BABYAI_DROP,
    BABYAI_TOGGLE,
    BABYAI_DONE
} babyai_action;

/* ---- levels */
typedef struct babyai_level babyai_level; /* immutable, static */
size_t babyai_level_count(void);
const babyai_level *babyai_level_at(size_t index);
/* "GoToLocal", "BabyAI-GoToLocal-v0"; NULL when unknown. */
const babyai_level *babyai_level_find(const char *name);
const char *babyai_level_name(const babyai_level *level); /* short */

/* What a level's instructions are made of. */
enum {
    BABYAI_SAYS_GO_TO = 1,
    BABYAI_SAYS_PICK_UP = 2,
    BABYAI_SAYS_OPEN = 4,
    BABYAI_SAYS_PUT_NEXT = 8,
    BABYAI_SAYS_AND = 16,
    BABYAI_SAYS_THEN = 32,
    BABYAI_SAYS_AFTER = 64 /* "A and B", "A, then B", "A after you B" */
};
typedef struct babyai_level_info {
    char id[48];                  /* "BabyAI-GoToLocal-v0" */
    int columns, rows;            /* of rooms */
    int room_size;                /* side of a room, its walls included; neighbours share a wall */
    int width, height;            /* of the grid, in cells */
    unsigned says;                /* BABYAI_SAYS_… */
    int max_steps;                /* 0: by the instruction, steps_per_action for each thing to be reached */
    int steps_per_action;         /* room_size^2 * rows * columns; "put next" counts twice, other actions once */
    int fewest_steps, most_steps; /* that the limit can be */
} babyai_level_info;
babyai_level_info babyai_level_describe(const babyai_level *level);

/* ---- one environment */
typedef struct babyai_env babyai_env;
TRIAD_NODISCARD triad_status babyai_create(babyai_env **env, const babyai_level *level, triad_error *err);
void babyai_free(babyai_env *env);
/* A new generator from seed, as reset(seed=…); TRIAD_ERR_GENERATION where the reference would never finish. */
TRIAD_NODISCARD triad_status babyai_reset_seed(babyai_env *env, uint64_t seed, triad_error *err);
/* The same as on an environment that has never been reset: what a new one would play. In the reference, and so by
 * babyai_reset_seed, an environment of Synth, SynthS5R2, SynthLoc or SynthSeq remembers an earlier episode's locked
 * room, and one seed in twenty gives another episode then. */
TRIAD_NODISCARD triad_status babyai_reset_fresh(babyai_env *env, uint64_t seed, triad_error *err);
/* The next episode of the same generator, as reset(). */
TRIAD_NODISCARD triad_status babyai_reset(babyai_env *env, triad_error *err);
/* reward may be NULL. Stepping on after the end goes on, as in the reference. */
void babyai_step(babyai_env *env, babyai_action action, double *reward, bool *terminated, bool *truncated);
/* image [7, 7, 3]: view column, view row, (type, colour, state). */
void babyai_observe(const babyai_env *env, uint8_t image[BABYAI_OBSERVATION], uint8_t *direction);
/* The whole grid [width, height, 3]: column, row, (type, colour, state), the agent as (10, 0, direction): what
 * Minigrid's FullyObsWrapper gives. Sizes: babyai_level_describe. */
void babyai_observe_whole(const babyai_env *env, uint8_t *grid);
/* The agent's column, row and direction (0 right, 1 down, 2 left, 3 up), and what it carries as (type, colour, state):
 * (1, 0, 0) is nothing. */
void babyai_where(const babyai_env *env, int *x, int *y, int *direction, uint8_t carried[3]);
const babyai_level *babyai_env_level(const babyai_env *env);
const char *babyai_mission(const babyai_env *env); /* valid until the next reset */
int babyai_max_steps(const babyai_env *env);
int babyai_steps(const babyai_env *env);

/* ---- the expert */
typedef struct babyai_bot babyai_bot;
/* Plans for the episode that env is in now; env must have been reset. */
TRIAD_NODISCARD triad_status babyai_bot_create(babyai_bot **bot, babyai_env *env, triad_error *err);
void babyai_bot_free(babyai_bot *bot);
/* Forgets all and plans for env's new episode: no allocation. */
TRIAD_NODISCARD triad_status babyai_bot_restart(babyai_bot *bot, babyai_env *env, triad_error *err);
/* taken: the action really executed last, -1 at first. TRIAD_ERR_NOT_FOUND etc. where the reference raises,
 * TRIAD_ERR_GENERATION where it loops for ever. */
TRIAD_NODISCARD triad_status babyai_bot_act(babyai_bot *bot, int taken, babyai_action *action, triad_error *err);

/* ---- one successful episode of the expert */
typedef struct babyai_episode {
    uint64_t seed;
    const babyai_level *level;
    char mission[BABYAI_MISSION_MAX];
    size_t steps, capacity;
    uint8_t *action;      /* [steps] */
    uint8_t *direction;   /* [steps]: of the observation before the action */
    uint8_t *observation; /* [steps, 7, 7, 3] */
} babyai_episode;         /* zero-initialise; arrays grow and are kept between calls */
/* A fresh environment of `level` reset with seed, solved by the expert. *solved false: the bot failed (not an error).
 * env and bot are scratch of that level, made on first use when *env is NULL, and kept by the caller. */
TRIAD_NODISCARD triad_status babyai_demonstrate(babyai_episode *episode, bool *solved, babyai_env **env,
                                                babyai_bot **bot, const babyai_level *level, uint64_t seed,
                                                triad_error *err);
/* The same episode from its recorded actions [steps], without the expert: fills mission, observations and directions.
 */
TRIAD_NODISCARD triad_status babyai_replay(babyai_episode *episode, babyai_env **env, const babyai_level *level,
                                           uint64_t seed, const uint8_t *action, size_t steps, triad_error *err);
void babyai_episode_free(babyai_episode *episode);

/* ---- many environments at once
 *
 *     babyai_batch_create(&batch, n, levels, seeds, &err);
 *     babyai_batch_reset(batch, pool, &io, &err);                  io.observation: the first ones
 *     for (;;) {
 *         … write io.action …
 *         babyai_batch_step(batch, pool, &io, &err);
 *     }
 *
 * The caller owns every buffer; nothing is allocated after creation. Environments are independent: levels may be mixed,
 * and environment i draws from its own generator alone, so that one step of the batch is n babyai_step's, to the bit,
 * whatever the pool (NULL: in the caller) and whatever stands beside it.
 *
 * An episode that ends is followed at once by the next (Gymnasium's AutoresetMode.SAME_STEP): reward, terminated and
 * truncated are those of the step that ended it, observation and direction the first of the new episode, and what the
 * ended one showed last goes to final_observation and final_direction where the caller wants it. The new episode is
 * what reset() without a seed would give in the reference: environment i plays what Minigrid's plays after
 * reset(seed=seeds[i]), episode after episode, as in a SyncVectorEnv. The mission of an environment changes only then.
 * Terminated and truncated can both be set: the instruction was carried out with the last step that was left. */
typedef struct babyai_batch babyai_batch;
typedef struct babyai_io {
    const uint8_t *action; /* [n] babyai_action; read by step alone */
    uint8_t *observation;  /* [n, 7, 7, 3] as babyai_observe */
    uint8_t *direction;    /* [n] */
    float *reward;         /* [n] 0, or 1 - 0.9 steps / max_steps where the instruction has been carried out */
    uint8_t *terminated;   /* [n] 0 or 1: carried out, or spoilt (strict levels: reward 0) */
    uint8_t *truncated;    /* [n] 0 or 1: max_steps are over */
    /* Either may be NULL. Written only where terminated or truncated is set: the last observation of the episode that
     * ended (what a value function is bootstrapped from after a truncation). */
    uint8_t *final_observation; /* [n, 7, 7, 3] */
    uint8_t *final_direction;   /* [n] */
} babyai_io;
/* Environment i is of levels[i], with a generator seeded by seeds[i]; reset comes next. The arrays are copied. */
TRIAD_NODISCARD triad_status babyai_batch_create(babyai_batch **batch, size_t n, const babyai_level *const *levels,
                                                 const uint64_t *seeds, triad_error *err);
void babyai_batch_free(babyai_batch *batch);
size_t babyai_batch_count(const babyai_batch *batch);
/* The next episode of every environment: its first observation and direction; the other buffers are not touched. */
TRIAD_NODISCARD triad_status babyai_batch_reset(babyai_batch *batch, triad_pool *pool, const babyai_io *io,
                                                triad_error *err);
/* One action each. TRIAD_ERR_RANGE, and nothing is done, where an action is none (position: its index).
 * TRIAD_ERR_GENERATION where an environment has no episode, because the reference would draw for ever (position: the
 * first such one; of all levels only SynthS5R2 is known to do so): all others have done their step, this one stands
 * still, and its observation says nothing, until it is restarted. */
TRIAD_NODISCARD triad_status babyai_batch_step(babyai_batch *batch, triad_pool *pool, const babyai_io *io,
                                               triad_error *err);
/* Environment i alone begins anew as reset(seed=seed): its observation and direction are written. */
TRIAD_NODISCARD triad_status babyai_batch_restart(babyai_batch *batch, size_t i, uint64_t seed, const babyai_io *io,
                                                  triad_error *err);
/* Until the environment's next episode begins. */
const char *babyai_batch_mission(const babyai_batch *batch, size_t i);
/* Environment i itself, borrowed: to look at it, to render it, to let the expert plan for it. */
babyai_env *babyai_batch_env(babyai_batch *batch, size_t i);

/* ---- pixels (reference, section 11): Minigrid's get_frame at any tile size */
/* Sizes of a frame [height, width, 3] with tiles of that many pixels: of the whole grid, or of what the agent sees. */
void babyai_frame_size(const babyai_env *env, int tile, bool agent_view, size_t *height, size_t *width);
/* rgb [height, width, 3]. highlight: what the agent sees stands out in the whole grid. */
TRIAD_NODISCARD triad_status babyai_render(const babyai_env *env, int tile, bool highlight, bool agent_view,
                                           uint8_t *rgb, triad_error *err);
/* The same for frame after frame, of any environments: what a cell looks like is drawn once and kept. tile from 1 to
 * 512. One thread at a time. */
typedef struct babyai_renderer babyai_renderer;
TRIAD_NODISCARD triad_status babyai_renderer_create(babyai_renderer **renderer, int tile, triad_error *err);
void babyai_renderer_free(babyai_renderer *renderer);
TRIAD_NODISCARD triad_status babyai_renderer_draw(babyai_renderer *renderer, const babyai_env *env, bool highlight,
                                                  bool agent_view, uint8_t *rgb, triad_error *err);

/* ---- language */
/* Every word that a BabyAI mission can hold, in a fixed order: the agents' vocabulary. Missions are split at blanks,
 * and a comma is a word of its own. */
size_t babyai_word_count(void);
const char *babyai_word_at(size_t index);
int babyai_word_index(const char *word, size_t bytes); /* -1: not a BabyAI word */
/* All instructions of the levels in sorted order, each once, from the levels' rules (not sampled); id = text. Factors:
 * verb
 * ("go to", "pick up", "open", "put next to"), article, colour, object, location ("left", "right", "front", "behind"),
 * article2, colour2, object2, location2, group; a cell is "" where the sentence says nothing. Two sentences share a
 * group when they differ in articles only, or in which of two things is put next to the other. Tables that hold
 * sentences of more than one clause have article3 … as far as needed, then join ("then", "after", "and", "and then",
 * …), verb2 … before group. TRIAD_ERR_RANGE where there are more than 10^5. */
TRIAD_NODISCARD triad_status babyai_sentences(triad_items *items, const babyai_level *const *levels, size_t count,
                                              triad_error *err);
/* The same table of given sentences, in their order; TRIAD_ERR_FORMAT (position: index) where one is not BabyAI's. */
TRIAD_NODISCARD triad_status babyai_sentences_parse(triad_items *items, const char *const *text, size_t count,
                                                    triad_error *err);
/* The first n different missions of the levels, met by resetting fresh environments, the levels turn about, with seeds
 * from first_seed on; sorted. TRIAD_ERR_RANGE where 1000 n + 10^6 resets do not bring n. */
TRIAD_NODISCARD triad_status babyai_sentences_sample(triad_items *items, const babyai_level *const *levels,
                                                     size_t count, size_t n, uint64_t first_seed, triad_error *err);

/* The sentences with their content words (verbs, colours, nouns, places) renamed one to one by nonce words drawn from
 * seed; ids and factors stay, so that they pair with the originals. */
TRIAD_NODISCARD triad_status babyai_cipher(triad_items *out, const triad_items *items, uint64_t seed, triad_error *err);

/* ---- demonstration files: safetensors, see docs/babyai.md
 * n successful demonstrations a level, by seeds from first_seed on (each level begins there), skipped ones counted in
 * *failed (may be NULL). Seeds may not cross 10^9, 2 * 10^9 or 3 * 10^9, the borders of training, validation, test and
 * scenes. compact leaves out observations and directions. Any pool gives the same bytes. Memory: 24 bytes an episode
 * and two a step (observations are made again while they are written), whatever their number. TRIAD_ERR_RANGE where the
 * expert solves none of the first 1000 seeds or less than one in a hundred. */
TRIAD_NODISCARD triad_status babyai_demos_write(const char *path, const babyai_level *const *levels, size_t level_count,
                                                size_t n, uint64_t first_seed, bool compact, triad_pool *pool,
                                                triad_progress *progress, size_t *failed, triad_error *err);

/* A demonstration file, full or compact, checked as a whole when it is opened; episodes are read or replayed one by
 * one. */
typedef struct babyai_demos babyai_demos;
TRIAD_NODISCARD triad_status babyai_demos_open(babyai_demos **demos, const char *path, triad_error *err);
void babyai_demos_close(babyai_demos *demos);
size_t babyai_demos_count(const babyai_demos *demos);
size_t babyai_demos_steps(const babyai_demos *demos); /* of all episodes together */
size_t babyai_demos_level_count(const babyai_demos *demos);
const babyai_level *babyai_demos_level_at(const babyai_demos *demos, size_t index);
uint64_t babyai_demos_seed(const babyai_demos *demos, size_t episode);
/* Episode `index`, observations included. env is scratch as in babyai_demonstrate (compact files only; freed and made
 * anew where the level changes). */
TRIAD_NODISCARD triad_status babyai_demos_read(const babyai_demos *demos, size_t index, babyai_episode *episode,
                                               babyai_env **env, triad_error *err);

#endif
