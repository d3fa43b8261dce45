/* The agent: a transformer policy whose instruction enters as one vector, trained by behavioural cloning. */
#ifndef TRIAD_AGENT_H
#define TRIAD_AGENT_H

#include "triad/babyai.h"

typedef struct triad_agent triad_agent;

TRIAD_NODISCARD triad_status triad_agent_open(triad_agent **agent, const char *path, triad_error *err);
void triad_agent_close(triad_agent *agent);
size_t triad_agent_instruction_size(const triad_agent *agent); /* numbers in the one vector */
int triad_agent_encoder_layers(const triad_agent *agent);      /* L: layers 0 … L */

/* Embeds sentences. words: mean of word embeddings; hidden[l] (l = 0 … L): mean over the words of the encoder's layer
 * l; instruction: the one vector. Each is [n, width], any pointer may be NULL. An unknown word is an error that names
 * it. */
typedef struct triad_agent_embedding {
    float *words;       /* [n, width] */
    float **hidden;     /* [L + 1] of [n, width] */
    float *instruction; /* [n, instruction size] */
} triad_agent_embedding;
size_t triad_agent_width(const triad_agent *agent);
TRIAD_NODISCARD triad_status triad_agent_embed(const triad_agent *agent, const char *const *sentences, size_t n,
                                               const triad_agent_embedding *out, triad_pool *pool, triad_error *err);

/* What the policy makes of sentences and sight together: its state at the first step of an episode, behind every layer
 * that sees (its cell layers, read-out, cross, memory and recall layers), averaged over TRIAD_FUSED_SCENES scenes that
 * are the same for every sentence and every agent. fused[l] [n, width], l below triad_agent_fused_layers; entries may
 * be NULL. A sentence's row does not depend on the others; any pool gives the same bytes. */
enum { TRIAD_FUSED_SCENES = 64 };
size_t triad_agent_fused_layers(const triad_agent *agent);
TRIAD_NODISCARD triad_status triad_agent_embed_fused(const triad_agent *agent, const char *const *sentences, size_t n,
                                                     float *const *fused, triad_pool *pool, triad_error *err);

/* One episode's memory. instruction [instruction size] may be any vector, from triad_agent_embed or from elsewhere. */
typedef struct triad_agent_session triad_agent_session;
TRIAD_NODISCARD triad_status triad_agent_begin(triad_agent_session **session, const triad_agent *agent,
                                               const float *instruction, triad_error *err);
/* The same under a sentence. An agent with cross layers asks the sentence's words while it acts: it begins in no other
 * way, and triad_agent_begin refuses it. */
TRIAD_NODISCARD triad_status triad_agent_begin_sentence(triad_agent_session **session, const triad_agent *agent,
                                                        const char *sentence, triad_error *err);
void triad_agent_end(triad_agent_session *session);
/* Most probable action, which is taken to be executed next; logits [7] may be NULL. Asks for no memory. */
babyai_action triad_agent_act(triad_agent_session *session, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                              float *logits);

/* What stands for an episode's mission while an agent is trained: the mission in words; a symbol of its own for each
 * whole mission; another mission of the same levels, by a fixed bijection; the mission of an episode drawn at random.
 */
typedef enum triad_instructions { TRIAD_WORDS, TRIAD_OPAQUE, TRIAD_MISWIRED, TRIAD_SHUFFLED } triad_instructions;
#define TRIAD_INSTRUCTIONS "words|opaque|miswired|shuffled"
bool triad_instructions_find(triad_instructions *mode, const char *name);

/* What came of a training run. */
typedef struct triad_train_report {
    uint64_t updates, steps; /* in all, those before an interruption too */
    double tflop;
    bool was_finished; /* it was resumed from the end: nothing was left to do */
    bool stopped;      /* early, at the success rate that was asked for */
    double success;    /* mean over the levels in the last validation of this call; below 0: there was none */
    /* Opaque: the instruction that was met least, "" otherwise. Its symbol is learnt from its own episodes alone. */
    char rarest[BABYAI_MISSION_MAX];
    uint64_t rarest_episodes;
} triad_train_report;

/* Training on endless fresh demonstrations (levels) or on those of a file. */
typedef struct triad_train_options {
    const babyai_level *const *levels;
    const double *shares; /* [levels] of episodes; NULL: the recipe's, or with demos each as often as it is there */
    size_t level_count;
    const char *demos; /* a file of demonstrations, in a new order each pass; then levels must be none. Without a budget
                          (tflop and steps 0) four passes are made */
    triad_instructions instructions;
    const triad_items *hold_out; /* NULL, or a table with the columns verb, colour and object: missions that ask for
                                    one of its combinations are never trained on, and evaluated apart */
    uint64_t seed;               /* weights, order and demonstrations (seeds below 10^9) */
    double tflop;       /* budget, counted batch by batch as 2mnk of unpadded tokens, forward + backward; 0: by steps */
    uint64_t steps;     /* budget in demonstration steps when tflop is 0; both 0: the recipe's for these levels */
    size_t batch_steps; /* 0: the recipe's */
    double learning_rate; /* its highest; 0: the recipe's */
    double dropout;       /* rate on what each half of a layer adds to the residual, while learning; 0: none */
    /* DAgger (Ross, Gordon & Bagnell 2011): share of the episodes in which the learner acts, as it stands when they are
     * played, for at most a random 0 to 2 times the expert's steps; then the expert acts on to the end. Learnt is what
     * the expert would do up to the learner's first step astray, and what it does after it took over. The learner's
     * acting counts in tflop. Needs levels. 0: the expert acts in all. */
    double dagger;
    /* The network; 0: the recipe's. instruction: numbers in the one vector. */
    int width, heads, feed_forward, encoder_layers, cell_layers, memory_layers, recall_layers, window, instruction;
    int cross_layers; /* in which the step asks the instruction's words (cross-attention); 0: it reaches the policy as
                         one vector alone */
    const char *from; /* an agent of the same network to start from; NULL: the seed's random parameters */
    size_t validations, validation_episodes; /* on seeds from 10^9, spread over the budget; episodes a level */
    double stop_at;                          /* end once every level's success in a validation reaches this; 0: never */
    const char *agent_path; /* AGENT; beside it AGENT.log.jsonl, AGENT.step-0 (untrained), AGENT.step-N (N = 4096,
                               16384, …), AGENT.checkpoint */
    bool resume; /* go on from AGENT.checkpoint where there is one; one of other options is refused by the option's name
                  */
    uint64_t checkpoint_every; /* updates; 0: 500. With dagger it is an option like the others: what the learner has
                                  acted ahead is forgotten at a checkpoint */
} triad_train_options;
/* The recipe that meets the agent's bar for whatever levels are named then (docs/agent.md), 10 validations on 200
 * episodes. */
triad_train_options triad_train_defaults(void);
/* report may be NULL. Byte for byte the same agent for any pool and after any interruption. A loss that is not finite
 * is TRIAD_ERR_NUMERIC and names the step and the last good checkpoint. */
TRIAD_NODISCARD triad_status triad_agent_train(const triad_train_options *options, triad_train_report *report,
                                               triad_pool *pool, triad_progress *progress, triad_error *err);

/* What the instructions ask for: "go to", "pick up", "open", "put next to", with ", by place" where an object is named
 * by its place; "A and B", "A, then B", "A after B" where there are several clauses. */
typedef struct triad_eval_kind {
    char name[32];
    size_t episodes, solved;
    double success, wilson_low, wilson_high;
    double mean_steps, mean_steps_bot; /* over the episodes that the agent solved */
} triad_eval_kind;
enum { TRIAD_EVAL_KINDS = 12 };

typedef struct triad_eval_result {
    const babyai_level *level;
    size_t episodes, solved, solved_foreign, solved_in_time; /* in time: within 1.5 times the bot's steps */
    double success, wilson_low, wilson_high, success_foreign, success_in_time;
    double mean_steps, mean_steps_bot; /* over the episodes that the agent solved */
    size_t kinds;                      /* that the episodes are of */
    triad_eval_kind kind[TRIAD_EVAL_KINDS];
    /* Of the combinations that training kept out, and of the others; NaN where there are none. */
    size_t episodes_unseen, solved_unseen;
    double success_unseen, unseen_low, unseen_high, success_seen;
} triad_eval_result;
/* Argmax on n episodes of each level, seeds from first_seed on (test: 2 * 10^9; seeds without an environment are passed
 * over); results [level_count]. Foreign: also under another episode's instruction of the same level, given up after 64
 * steps; success_foreign is NaN where that was not asked for or no instruction differs. Means are NaN where nothing was
 * solved. Any pool gives the same bytes. */
TRIAD_NODISCARD triad_status triad_agent_evaluate(const triad_agent *agent, const babyai_level *const *levels,
                                                  size_t level_count, size_t n, uint64_t first_seed, bool foreign,
                                                  triad_eval_result *results, triad_pool *pool,
                                                  triad_progress *progress, triad_error *err);

#endif
