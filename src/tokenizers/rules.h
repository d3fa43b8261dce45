/* The splitting rules of the families, for files that hold a vocabulary and merges but no pipeline: the tables of a
 * GGUF, or vocab.json with merges.txt. */
#ifndef TRIAD_TOKENIZERS_RULES_H
#define TRIAD_TOKENIZERS_RULES_H

#include "tokenizers/tokenizer_internal.h"

enum { RULE_MAX_STEPS = 6 };

typedef struct split_rule {
    const char *name;                 /* as tokenizer.ggml.pre has it */
    bool nfc;                         /* the original normalises */
    bool ignore_merges;               /* a piece that is a token stays whole */
    bool adds_bos;                    /* where the file does not say */
    const char *step[RULE_MAX_STEPS]; /* expressions, matches isolated, one after another; up to a NULL */
} split_rule;

/* NULL: no rule has the name. */
const split_rule *split_rule_find(const char *name, size_t size);
/* Normaliser and splitters of the rule, in front of a byte-level model. */
TRIAD_NODISCARD triad_status split_rule_apply(tokenizer *t, const split_rule *rule, triad_error *err);
/* CLIP's: NFC, white space to one blank, lower case; what does not match vanishes; the last symbol carries </w>. */
TRIAD_NODISCARD triad_status clip_rule_apply(tokenizer *t, triad_error *err);

#endif
