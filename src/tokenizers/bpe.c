#include "tokenizers/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

/* Bytes that GPT-2 shows as themselves: printable ASCII and Latin-1 without the soft hyphen. The other 68 take U+0100
 * onward in increasing order. */
static bool shown(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

size_t bpe_byte_character(unsigned char byte, char out[2])
{
    unsigned code = byte;
    if (!shown(byte)) {
        code = 0x100;
        for (unsigned b = 0; b < byte; b++) code += shown(b) ? 0 : 1;
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xc0 | (code >> 6));
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
}

triad_status bpe_create(bpe *model, triad_arena *arena, const vocab *words, size_t count, bool byte_level,
                        const char *suffix, triad_error *err)
{
    memset(model, 0, sizeof *model);
    if (count > VOCAB_MAX_ID)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "merges: %zu, more than %d", count, (int)VOCAB_MAX_ID);
    model->words = words;
    model->byte_level = byte_level;
    model->suffix = suffix;
    model->unknown = -1;
    model->slots = 16;
    while (model->slots < 2 * count + 2) model->slots *= 2;
    model->merge = TRIAD_NEW(arena, bpe_merge, model->slots);
    if (model->merge == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "merges: out of memory for %zu", count);
    for (size_t i = 0; i < model->slots; i++) model->merge[i].rank = UINT32_MAX;

    const size_t suffix_size = strlen(suffix);
    if (suffix_size > 32) return triad_fail(err, TRIAD_ERR_RANGE, -1, "end_of_word_suffix: longer than 32 bytes");
    for (unsigned b = 0; b < 256; b++) {
        char spelling[2 + 32];
        const size_t size = bpe_byte_character((unsigned char)b, spelling);
        model->byte_id[b] = vocab_find(words, spelling, size);
        memcpy(spelling + size, suffix, suffix_size);
        model->last_id[b] = vocab_find(words, spelling, size + suffix_size);
        char hex[8];
        snprintf(hex, sizeof hex, "<0x%02X>", b);
        model->fallback_id[b] = vocab_find(words, hex, 6);
    }
    return TRIAD_OK;
}

static size_t merge_place(const bpe *model, uint64_t pair)
{
    size_t at = (size_t)((pair * 0x9e3779b97f4a7c15ULL) >> 32) & (model->slots - 1);
    while (model->merge[at].rank != UINT32_MAX && model->merge[at].pair != pair) at = (at + 1) & (model->slots - 1);
    return at;
}

static uint64_t pair_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

triad_status bpe_add_merge(bpe *model, const char *left, size_t left_size, const char *right, size_t right_size,
                           triad_error *err)
{
    const int32_t a = vocab_find(model->words, left, left_size), b = vocab_find(model->words, right, right_size);
    char whole[VOCAB_MAX_TOKEN + 1];
    int32_t id = -1;
    if (left_size + right_size <= VOCAB_MAX_TOKEN) {
        memcpy(whole, left, left_size);
        memcpy(whole + left_size, right, right_size);
        id = vocab_find(model->words, whole, left_size + right_size);
    }
    if (a < 0 || b < 0 || id < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)model->merges,
                          "merge %zu: \"%.*s\" + \"%.*s\" or its parts are not in the vocabulary", model->merges,
                          (int)(left_size < 60 ? left_size : 60), left, (int)(right_size < 60 ? right_size : 60),
                          right);
    return bpe_add_pair(model, a, b, id, err);
}

triad_status bpe_add_pair(bpe *model, int32_t left, int32_t right, int32_t whole, triad_error *err)
{
    if (2 * (model->merges + 1) > model->slots)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "merges: more than announced");
    const size_t at = merge_place(model, pair_of(left, right));
    /* A pair that is listed twice keeps its last rank, as a map does. */
    model->merge[at] = (bpe_merge){.pair = pair_of(left, right), .rank = (uint32_t)model->merges, .id = whole};
    model->merges++;
    return TRIAD_OK;
}

static const bpe_merge *merge_of(const bpe *model, int32_t left, int32_t right)
{
    const bpe_merge *merge = &model->merge[merge_place(model, pair_of(left, right))];
    return merge->rank == UINT32_MAX ? NULL : merge;
}

void bpe_scratch_free(bpe_scratch *scratch)
{
    free(scratch->symbol);
    free(scratch->heap);
    free(scratch->spelling);
    memset(scratch, 0, sizeof *scratch);
}

triad_status tokenizer_push(tokenizer_ids *ids, int32_t id, triad_error *err)
{
    if (ids->count == ids->capacity) {
        const size_t capacity = ids->capacity < 32 ? 64 : 2 * ids->capacity;
        int32_t *grown = realloc(ids->id, capacity * sizeof *grown);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "token ids: out of memory");
        ids->id = grown;
        ids->capacity = capacity;
    }
    ids->id[ids->count++] = id;
    return TRIAD_OK;
}

static triad_status reserve(bpe_scratch *scratch, size_t bytes, triad_error *err)
{
    /* At most a symbol a byte; a candidate for each pair at the start and two for each merge. */
    if (scratch->symbols < bytes) {
        bpe_symbol *symbol = realloc(scratch->symbol, bytes * sizeof *symbol);
        if (symbol == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        scratch->symbol = symbol;
        scratch->symbols = bytes;
    }
    if (scratch->heaps < 3 * bytes) {
        bpe_candidate *heap = realloc(scratch->heap, 3 * bytes * sizeof *heap);
        if (heap == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        scratch->heap = heap;
        scratch->heaps = 3 * bytes;
    }
    return TRIAD_OK;
}

static bool before(const bpe_candidate *a, const bpe_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(bpe_candidate *heap, size_t *count, bpe_candidate item)
{
    size_t at = (*count)++;
    while (at > 0 && before(&item, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = item;
}

static bpe_candidate heap_pop(bpe_candidate *heap, size_t *count)
{
    const bpe_candidate top = heap[0], last = heap[--*count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= *count) break;
        if (child + 1 < *count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &last)) break;
        heap[at] = heap[child];
        at = child;
    }
    if (*count > 0) heap[at] = last;
    return top;
}

static void consider(const bpe *model, bpe_scratch *scratch, size_t *heaps, int32_t at)
{
    const bpe_symbol *symbol = &scratch->symbol[at];
    if (symbol->next < 0) return;
    const bpe_merge *merge = merge_of(model, symbol->id, scratch->symbol[symbol->next].id);
    if (merge != NULL)
        heap_push(scratch->heap, heaps, (bpe_candidate){.rank = merge->rank, .at = (uint32_t)at, .id = merge->id});
}

static void merge_all(const bpe *model, bpe_scratch *scratch, size_t count)
{
    bpe_symbol *symbol = scratch->symbol;
    for (size_t i = 0; i < count; i++) {
        symbol[i].previous = (int32_t)i - 1;
        symbol[i].next = i + 1 < count ? (int32_t)i + 1 : -1;
    }
    size_t heaps = 0;
    for (size_t i = 0; i + 1 < count; i++) consider(model, scratch, &heaps, (int32_t)i);
    while (heaps > 0) {
        const bpe_candidate best = heap_pop(scratch->heap, &heaps);
        bpe_symbol *left = &symbol[best.at];
        if (left->id < 0 || left->next < 0) continue;
        bpe_symbol *right = &symbol[left->next];
        /* Either half may have become another token since the candidate was found. */
        const bpe_merge *merge = merge_of(model, left->id, right->id);
        if (merge == NULL || merge->id != best.id) continue;
        left->id = merge->id;
        left->next = right->next;
        right->id = -1;
        if (left->next >= 0) symbol[left->next].previous = (int32_t)best.at;
        if (left->previous >= 0) consider(model, scratch, &heaps, left->previous);
        consider(model, scratch, &heaps, (int32_t)best.at);
    }
}

/* The piece in the vocabulary's alphabet: as it is, or byte by byte in GPT-2's. */
static int32_t whole_piece(const bpe *model, bpe_scratch *scratch, const char *piece, size_t size, triad_status *status,
                           triad_error *err)
{
    *status = TRIAD_OK;
    if (!model->byte_level) return vocab_find(model->words, piece, size);
    if (size > model->words->longest) return -1;
    if (scratch->spellings < 2 * size) {
        char *grown = realloc(scratch->spelling, 2 * size);
        if (grown == NULL) {
            *status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
            return -1;
        }
        scratch->spelling = grown;
        scratch->spellings = 2 * size;
    }
    size_t length = 0;
    for (size_t i = 0; i < size; i++) length += bpe_byte_character((unsigned char)piece[i], scratch->spelling + length);
    return vocab_find(model->words, scratch->spelling, length);
}

static size_t byte_symbols(const bpe *model, bpe_scratch *scratch, const char *piece, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        const unsigned char byte = (unsigned char)piece[i];
        int32_t id = i + 1 == size ? model->last_id[byte] : model->byte_id[byte];
        if (id < 0) id = model->unknown;
        if (id >= 0) scratch->symbol[count++].id = id;
    }
    return count;
}

static size_t character_symbols(const bpe *model, bpe_scratch *scratch, const char *piece, size_t size)
{
    const size_t suffix = strlen(model->suffix);
    size_t count = 0;
    bool unknown_before = false;
    for (size_t at = 0; at < size;) {
        utf8proc_int32_t code;
        const utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)piece + at, (utf8proc_ssize_t)(size - at), &code);
        const size_t bytes = step > 0 ? (size_t)step : 1;
        char last[4 + 32];
        int32_t id;
        if (at + bytes == size && suffix > 0) {
            memcpy(last, piece + at, bytes);
            memcpy(last + bytes, model->suffix, suffix);
            id = vocab_find(model->words, last, bytes + suffix);
        } else {
            id = vocab_find(model->words, piece + at, bytes);
        }
        bool fallback = id < 0 && model->byte_fallback;
        for (size_t i = 0; fallback && i < bytes; i++) fallback = model->fallback_id[(unsigned char)piece[at + i]] >= 0;
        if (fallback) {
            for (size_t i = 0; i < bytes; i++)
                scratch->symbol[count++].id = model->fallback_id[(unsigned char)piece[at + i]];
        } else if (id >= 0) {
            scratch->symbol[count++].id = id;
        } else if (model->unknown >= 0 && !(model->fuse_unknown && unknown_before)) {
            scratch->symbol[count++].id = model->unknown;
        }
        unknown_before = !fallback && id < 0;
        at += bytes;
    }
    return count;
}

triad_status bpe_encode(const bpe *model, bpe_scratch *scratch, const char *piece, size_t size, tokenizer_ids *ids,
                        triad_error *err)
{
    if (size == 0) return TRIAD_OK;
    if (size > INT32_MAX / 4)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: a piece of %zu bytes is too long", size);
    if (model->ignore_merges) {
        triad_status status;
        const int32_t id = whole_piece(model, scratch, piece, size, &status, err);
        if (status != TRIAD_OK) return status;
        if (id >= 0) return tokenizer_push(ids, id, err);
    }
    const triad_status status = reserve(scratch, size, err);
    if (status != TRIAD_OK) return status;
    const size_t count =
        model->byte_level ? byte_symbols(model, scratch, piece, size) : character_symbols(model, scratch, piece, size);
    if (count == 0) return TRIAD_OK;
    merge_all(model, scratch, count);
    for (int32_t i = 0; i >= 0; i = scratch->symbol[i].next) {
        const triad_status pushed = tokenizer_push(ids, scratch->symbol[i].id, err);
        if (pushed != TRIAD_OK) return pushed;
    }
    return TRIAD_OK;
}
