/* The passes, declared for each precision by policy.h: REAL is the number, POLICY the name. No include guard, on
 * purpose. All are single-threaded, take their scratch from the arena and leave it there; false: memory is out. */

/* The words of instructions, for the cross layers: who asks them, and what. */
typedef struct POLICY(words) {
    size_t instructions;
    const uint32_t *offset;     /* [instructions + 1] rows of state */
    const REAL *state;          /* [words, d] behind the encoder's final norm */
    const uint32_t *row;        /* [instructions] its row of film; never decreasing */
    const uint32_t *step_first; /* [instructions + 1] the steps that ask each: one after the other, at least one */
} POLICY(words);

/* Sentences -> vectors. words: as policy_input's; out may have NULLs. Each [instructions, d]:
 * words: mean of the word embeddings; hidden[l], l = 0 … encoder layers (hidden or its entries may be NULL): mean over
 * the words of the residual after layer l, the last one behind the final norm; z [instructions, config.instruction].
 * state [words, d]: each word's behind the final norm. */
bool POLICY(instruct)(REAL *words, REAL *const *hidden, REAL *z, REAL *state, const REAL *params,
                      const policy_layout *layout, size_t instructions, const uint32_t *word_offset,
                      const uint32_t *word, triad_arena *arena);

/* z [n, config.instruction] -> film [n, norms * 2 d] and token [n, d]. */
void POLICY(modulate)(REAL *film, REAL *token, const REAL *z, const REAL *params, const policy_layout *layout,
                      size_t n);

/* Tokens of n steps -> the read-out's vectors, step_vector [steps, d], and the tokens as they were read, seen
 * [tokens, d]. step_row [steps], never decreasing: which row of film and token is the step's. */
bool POLICY(see)(REAL *step_vector, REAL *seen, const REAL *params, const policy_layout *layout, const REAL *film,
                 const REAL *token, const uint32_t *step_row, const policy_tokens *tokens, triad_arena *arena);

/* The cross layers: the steps' vectors, x [steps, d], ask the words of their instructions, in place. */
bool POLICY(cross)(REAL *x, const REAL *params, const policy_layout *layout, const REAL *film, const uint32_t *step_row,
                   size_t steps, const POLICY(words) * words, triad_arena *arena);

/* What memory made of the steps, x [steps, d], asks the same tokens once more, in place. */
bool POLICY(recall)(REAL *x, const REAL *seen, const REAL *params, const policy_layout *layout, const REAL *film,
                    const uint32_t *step_row, const policy_tokens *tokens, triad_arena *arena);

/* The state of steps that each begin an episode, behind every layer in turn: fused[l] [steps, d], the global token
 * behind the cell layers, the read-out, the cross layers, the memory layers and the recall layers: policy_fused_layers
 * of them. words: read where there are cross layers. */
bool POLICY(fuse)(REAL *const *fused, const REAL *params, const policy_layout *layout, const REAL *film,
                  const REAL *token, const uint32_t *step_row, const policy_tokens *tokens, const POLICY(words) * words,
                  triad_arena *arena);

/* A whole pass. logits [steps, 7] may be NULL. gradient (block of layout->size, added to) may be NULL: forward only.
 * The gradient is that of scale * the loss's sum over the steps. */
bool POLICY(pass)(policy_result *result, REAL *logits, REAL *gradient, const REAL *params, const policy_layout *layout,
                  const policy_input *input, REAL scale, triad_arena *arena);
