/* An agent's vocabulary, and instructions as indices into it. */
#ifndef TRIAD_AGENT_WORDS_H
#define TRIAD_AGENT_WORDS_H

#include "base/arena.h"
#include "triad/base.h"

typedef struct agent_words {
    size_t count;
    char **word; /* [count], in the agent's order */
    bool whole;  /* each is a whole instruction: a symbol without words */
    triad_arena arena;
} agent_words;

/* BabyAI's whole list: what every agent is made with. */
TRIAD_NODISCARD triad_status agent_words_babyai(agent_words *words, triad_error *err);
enum { AGENT_WORDS_MOST = 10000 };
/* Takes copies. Refuses empty and repeated words, words with blanks that are not whole instructions, and too many. */
TRIAD_NODISCARD triad_status agent_words_set(agent_words *words, const char *const *list, size_t count, bool whole,
                                             triad_error *err);
void agent_words_free(agent_words *words);

/* Whole instructions: one index. Else splits at blanks; a comma is a word of its own where the vocabulary has one and
 * is passed over where it has not. index [POLICY_MAX_WORDS]. Fails on an unknown word (named), on an empty instruction
 * and on one that is too long. */
TRIAD_NODISCARD triad_status agent_words_encode(const agent_words *words, const char *text, uint32_t *index,
                                                size_t *count, triad_error *err);

#endif
