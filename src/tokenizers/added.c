#include "tokenizers/added.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizers/unicode.h"

static triad_status grow(void **items, size_t *capacity, size_t count, size_t size, triad_error *err)
{
    if (count < *capacity) return TRIAD_OK;
    const size_t wanted = *capacity < 32 ? 64 : 2 * *capacity;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "added tokens: out of memory");
    *items = grown;
    *capacity = wanted;
    return TRIAD_OK;
}

static triad_status new_node(added *set, unsigned char byte, triad_error *err)
{
    void *items = set->node;
    const triad_status status = grow(&items, &set->node_capacity, set->nodes, sizeof *set->node, err);
    set->node = items;
    if (status != TRIAD_OK) return status;
    set->node[set->nodes++] = (added_node){.byte = byte, .token = -1};
    return TRIAD_OK;
}

static uint32_t step(const added *set, uint32_t node, unsigned char byte)
{
    uint32_t child = set->node[node].child;
    while (child != 0 && set->node[child].byte != byte) child = set->node[child].sibling;
    return child;
}

triad_status added_add(added *set, const added_token *token, triad_error *err)
{
    if (token->size == 0) return TRIAD_OK;
    if (token->size > 4096)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "added token: %zu bytes, more than 4096", token->size);
    triad_status status = set->nodes == 0 ? new_node(set, 0, err) : TRIAD_OK;
    uint32_t node = 0;
    for (size_t i = 0; i < token->size && status == TRIAD_OK; i++) {
        const unsigned char byte = (unsigned char)token->content[i];
        uint32_t child = step(set, node, byte);
        if (child == 0) {
            if (set->nodes >= (1U << 26)) return triad_fail(err, TRIAD_ERR_RANGE, -1, "added tokens: too many");
            child = (uint32_t)set->nodes;
            status = new_node(set, byte, err);
            if (status != TRIAD_OK) break;
            set->node[child].sibling = set->node[node].child;
            set->node[node].child = child;
        }
        node = child;
    }
    if (status != TRIAD_OK) return status;
    void *items = set->token;
    status = grow(&items, &set->token_capacity, set->tokens, sizeof *set->token, err);
    set->token = items;
    if (status != TRIAD_OK) return status;
    set->node[node].token = (int32_t)set->tokens;
    set->token[set->tokens++] = *token;
    return TRIAD_OK;
}

bool added_has(const added *set, const char *content, size_t size)
{
    if (set->nodes == 0 || size == 0) return false;
    uint32_t node = 0;
    for (size_t i = 0; i < size; i++)
        if ((node = step(set, node, (unsigned char)content[i])) == 0) return false;
    return set->node[node].token >= 0;
}

void added_free(added *set)
{
    free(set->token);
    free(set->node);
    memset(set, 0, sizeof *set);
}

static size_t character_before(const char *text, size_t at)
{
    do at--;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80);
    return at;
}

bool added_find(const added *set, const char *text, size_t size, size_t from, const added_token **token, size_t *start,
                size_t *end)
{
    if (set->nodes == 0) return false;
    for (size_t at = from; at < size; at++) {
        uint32_t node = 0;
        int32_t hit = -1;
        size_t stop = at;
        for (size_t i = at; i < size; i++) {
            node = step(set, node, (unsigned char)text[i]);
            if (node == 0) break;
            if (set->node[node].token >= 0) {
                hit = set->node[node].token;
                stop = i + 1;
            }
        }
        if (hit < 0) continue;
        const added_token *found = &set->token[hit];
        size_t bytes;
        if (found->single_word) {
            const bool word_before =
                at > 0 && unicode_is_word(unicode_at(text, character_before(text, at), size, &bytes));
            const bool word_behind = stop < size && unicode_is_word(unicode_at(text, stop, size, &bytes));
            if (word_before || word_behind) {
                at = stop - 1;
                continue;
            }
        }
        *start = at;
        *end = stop;
        while (found->lstrip && *start > from) {
            const size_t before = character_before(text, *start);
            if (!unicode_is_space(unicode_at(text, before, size, &bytes))) break;
            *start = before;
        }
        while (found->rstrip && *end < size && unicode_is_space(unicode_at(text, *end, size, &bytes))) *end += bytes;
        *token = found;
        return true;
    }
    return false;
}
