#include "tokenizers/wordpiece.h"

#include <stdlib.h>
#include <string.h>

static size_t characters(const char *word, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += ((unsigned char)word[i] & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

triad_status wordpiece_encode(const wordpiece *model, bpe_scratch *scratch, const char *word, size_t size,
                              tokenizer_ids *ids, triad_error *err)
{
    if (size == 0) return TRIAD_OK;
    if (characters(word, size) > model->longest_word) return tokenizer_push(ids, model->unknown, err);
    const size_t prefix = strlen(model->prefix);
    if (scratch->spellings < prefix + size) {
        char *grown = realloc(scratch->spelling, prefix + size);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        scratch->spelling = grown;
        scratch->spellings = prefix + size;
    }
    /* Continuations are looked up behind the prefix, in place. */
    char *spelling = scratch->spelling;
    const size_t first = ids->count;
    for (size_t at = 0; at < size;) {
        const size_t lead = at == 0 ? 0 : prefix;
        memcpy(spelling, model->prefix, lead);
        size_t end = size;
        if (lead + end - at > model->words->longest)
            end = at + (model->words->longest > lead ? model->words->longest - lead : 0);
        while (end > at && end < size && ((unsigned char)word[end] & 0xc0) == 0x80) end--;
        memcpy(spelling + lead, word + at, end - at);
        int32_t id = -1;
        while (end > at && (id = vocab_find(model->words, spelling, lead + end - at)) < 0) {
            end--;
            while (end > at && ((unsigned char)word[end] & 0xc0) == 0x80) end--;
        }
        if (id < 0) {
            ids->count = first;
            return tokenizer_push(ids, model->unknown, err);
        }
        const triad_status status = tokenizer_push(ids, id, err);
        if (status != TRIAD_OK) return status;
        at = end;
    }
    return TRIAD_OK;
}
