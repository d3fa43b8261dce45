/* The words of sentences, and the features that they give. */
#include "space/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/checked.h"
#include "base/text.h"
#include "formats/utf8.h"
#include "tokenizers/unicode.h"

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "lexicon: out of memory");
}

/* ---- words */

typedef struct found {
    triad_text letters; /* all words lower-cased, each with a 0 behind it */
    size_t *start;      /* [count] */
    size_t count, capacity;
} found;

static triad_status add_word(found *all, const char *text, size_t size, triad_error *err)
{
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity == 0 ? 1024 : 2 * all->capacity;
        size_t *start = realloc(all->start, capacity * sizeof *start);
        if (start == NULL) return out_of_memory(err);
        all->start = start;
        all->capacity = capacity;
    }
    all->start[all->count++] = all->letters.size;
    for (size_t at = 0, bytes; at < size; at += bytes) {
        utf8proc_uint8_t lower[4];
        const utf8proc_ssize_t length =
            utf8proc_encode_char(utf8proc_tolower(unicode_at(text, at, size, &bytes)), lower);
        triad_text_add_bytes(&all->letters, lower, (size_t)length);
    }
    triad_text_add_bytes(&all->letters, "", 1);
    return all->letters.failed ? out_of_memory(err) : TRIAD_OK;
}

static triad_status add_words(found *all, const char *text, size_t item, triad_error *err)
{
    const size_t size = strlen(text);
    if (!utf8_valid(text, size, NULL))
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)item, "item %zu: its text is not UTF-8 (convert the file)",
                          item + 1);
    triad_status status = TRIAD_OK;
    for (size_t at = 0, bytes; at < size && status == TRIAD_OK;) {
        size_t from = SIZE_MAX, to = 0;
        for (; at < size; at += bytes) {
            const int32_t code = unicode_at(text, at, size, &bytes);
            if (unicode_is_space(code)) break;
            if (unicode_is_punctuation(code)) continue;
            if (from == SIZE_MAX) from = at;
            to = at + bytes;
        }
        if (from != SIZE_MAX) status = add_word(all, text + from, to - from, err);
        if (at < size) at += bytes;
    }
    return status;
}

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef struct owned {
    triad_text letters;
    triad_arena arena;
} owned;

triad_status triad_lexicon_create(triad_lexicon *lexicon, const triad_items *items, triad_error *err)
{
    *lexicon = (triad_lexicon){.n = items->count};
    owned *own = lexicon->storage = calloc(1, sizeof *own);
    found all = {0};
    triad_status status = TRIAD_OK;
    if (own) lexicon->offset = TRIAD_NEW0(&own->arena, size_t, items->count + 1);
    if (lexicon->offset == NULL) status = out_of_memory(err);
    for (size_t i = 0; i < items->count && status == TRIAD_OK; i++) {
        status = add_words(&all, items->text[i], i, err);
        lexicon->offset[i + 1] = all.count;
    }
    if (status == TRIAD_OK && all.count == 0)
        status =
            triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "items: their texts hold no word (a word is letters or digits)");
    if (status == TRIAD_OK && all.count > UINT32_MAX) status = out_of_memory(err);
    if (status == TRIAD_OK) {
        lexicon->word = TRIAD_NEW(&own->arena, const char *, all.count);
        lexicon->token = TRIAD_NEW(&own->arena, uint32_t, all.count);
        if (lexicon->word == NULL || lexicon->token == NULL) status = out_of_memory(err);
    }
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < all.count; i++) lexicon->word[i] = all.letters.bytes + all.start[i];
        qsort(lexicon->word, all.count, sizeof *lexicon->word, by_letters);
        for (size_t i = 0; i < all.count; i++)
            if (i == 0 || strcmp(lexicon->word[i], lexicon->word[lexicon->words - 1]) != 0)
                lexicon->word[lexicon->words++] = lexicon->word[i];
        for (size_t i = 0; i < all.count; i++) {
            const char *word = all.letters.bytes + all.start[i];
            const char **at = bsearch(&word, lexicon->word, lexicon->words, sizeof word, by_letters);
            lexicon->token[i] = (uint32_t)(at - lexicon->word);
        }
    }
    if (own) own->letters = all.letters;
    free(all.start);
    if (status != TRIAD_OK) triad_lexicon_free(lexicon);
    return status;
}

void triad_lexicon_free(triad_lexicon *lexicon)
{
    if (lexicon == NULL) return;
    owned *own = lexicon->storage;
    if (own) {
        triad_text_free(&own->letters);
        triad_arena_free(&own->arena);
        free(own);
    }
    *lexicon = (triad_lexicon){0};
}

size_t lexicon_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xc0U) != 0x80U;
    return count;
}

/* ---- features */

static triad_status make_room(float **values, size_t n, size_t width, triad_error *err)
{
    size_t count;
    if (!triad_mul_size(&count, n, width)) return out_of_memory(err);
    *values = calloc(count ? count : 1, sizeof **values);
    return *values ? TRIAD_OK : out_of_memory(err);
}

static triad_status count_words(float **values, size_t *width, const triad_items *items, triad_error *err)
{
    triad_lexicon lexicon;
    triad_status status = triad_lexicon_create(&lexicon, items, err);
    if (status == TRIAD_OK) status = make_room(values, lexicon.n, lexicon.words, err);
    if (status == TRIAD_OK) *width = lexicon.words;
    for (size_t i = 0; status == TRIAD_OK && i < lexicon.n; i++)
        for (size_t t = lexicon.offset[i]; t < lexicon.offset[i + 1]; t++)
            (*values)[i * lexicon.words + lexicon.token[t]] += 1;
    triad_lexicon_free(&lexicon);
    return status;
}

static triad_status measure_lengths(float **values, size_t *width, const triad_items *items, triad_error *err)
{
    triad_lexicon lexicon;
    triad_status status = triad_lexicon_create(&lexicon, items, err);
    if (status == TRIAD_OK) status = make_room(values, lexicon.n, *width = 2, err);
    for (size_t i = 0; status == TRIAD_OK && i < lexicon.n; i++) {
        (*values)[2 * i] = (float)(lexicon.offset[i + 1] - lexicon.offset[i]);
        (*values)[2 * i + 1] = (float)lexicon_characters(items->text[i]);
    }
    triad_lexicon_free(&lexicon);
    return status;
}

/* One column a factor and a word of it, in sorted order. */
static triad_status mark_factors(float **values, size_t *width, const triad_items *items, triad_error *err)
{
    const size_t n = items->count, factors = items->factors;
    if (factors == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "items: have no factor columns (triad sentences writes some)");
    const char **word = malloc((n * factors + 1) * sizeof *word);
    size_t *words = calloc(factors, sizeof *words), total = 0;
    triad_status status = word && words ? TRIAD_OK : out_of_memory(err);
    for (size_t f = 0; status == TRIAD_OK && f < factors; f++) {
        const char **of = word + f * n;
        for (size_t i = 0; i < n; i++) of[i] = triad_items_cell(items, i, (int)f);
        qsort(of, n, sizeof *of, by_letters);
        for (size_t i = 0; i < n; i++)
            if (i == 0 || strcmp(of[i], of[words[f] - 1]) != 0) of[words[f]++] = of[i];
        total += words[f];
    }
    if (status == TRIAD_OK) status = make_room(values, n, *width = total, err);
    for (size_t f = 0, first = 0; status == TRIAD_OK && f < factors; first += words[f++])
        for (size_t i = 0; i < n; i++) {
            const char *cell = triad_items_cell(items, i, (int)f);
            const char **at = bsearch(&cell, word + f * n, words[f], sizeof cell, by_letters);
            (*values)[i * total + first + (size_t)(at - (word + f * n))] = 1;
        }
    free(word);
    free(words);
    return status;
}

triad_status triad_lexical_features(float **values, size_t *width, const char *name, const triad_items *items,
                                    triad_error *err)
{
    *values = NULL;
    *width = 0;
    if (strcmp(name, "bow") == 0) return count_words(values, width, items, err);
    if (strcmp(name, "length") == 0) return measure_lengths(values, width, items, err);
    if (strcmp(name, "factors") == 0) return mark_factors(values, width, items, err);
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "features %.60s: unknown (one of bow, length, factors)", name);
}
