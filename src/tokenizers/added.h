/* Added tokens: spellings that are cut out of a text before anything else looks at it. */
#ifndef TRIAD_TOKENIZERS_ADDED_H
#define TRIAD_TOKENIZERS_ADDED_H

#include "triad/base.h"

typedef struct added_token {
    const char *content; /* borrowed */
    size_t size;
    int32_t id;
    bool single_word, lstrip, rstrip;
} added_token;

typedef struct added_node {
    unsigned char byte;
    int32_t token;           /* -1: no token ends here */
    uint32_t child, sibling; /* 0: none */
} added_node;

/* A trie; node 0 is the root. Zero-initialise, added_free. */
typedef struct added {
    added_token *token;
    added_node *node;
    size_t tokens, nodes, token_capacity, node_capacity;
} added;

TRIAD_NODISCARD triad_status added_add(added *set, const added_token *token, triad_error *err);
/* Whether a token is spelled so. */
bool added_has(const added *set, const char *content, size_t size);
void added_free(added *set);

/* The next token in text[from, size), leftmost and then longest. *start, *end include white space that the token takes
 * with it; false: there is none. */
bool added_find(const added *set, const char *text, size_t size, size_t from, const added_token **token, size_t *start,
                size_t *end);

#endif
