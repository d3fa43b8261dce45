#include "tokenizers/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "formats/utf8.h"
#include "tokenizers/unicode.h"

static const char METASPACE_MARK[] = "\xe2\x96\x81"; /* ▁, U+2581 */

triad_status tokenizer_new(tokenizer **made, triad_error *err)
{
    *made = calloc(1, sizeof **made);
    if (*made == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    triad_arena_init(&(*made)->arena, 0);
    return TRIAD_OK;
}

void tokenizer_close(tokenizer *t)
{
    if (t == NULL) return;
    for (size_t i = 0; i < t->normals; i++) pattern_free(t->normal[i].expression);
    for (size_t i = 0; i < t->cuts; i++) pattern_free(t->cut[i].expression);
    added_free(&t->raw);
    added_free(&t->normalised);
    triad_arena_free(&t->arena);
    free(t);
}

triad_status tokenizer_add_normaliser(tokenizer *t, const normaliser *step, triad_error *err)
{
    if (t->normals == TOKENIZER_MAX_STEPS) {
        pattern_free(step->expression);
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: more than %d normalisers", (int)TOKENIZER_MAX_STEPS);
    }
    t->normal[t->normals++] = *step;
    return TRIAD_OK;
}

triad_status tokenizer_add_splitter(tokenizer *t, splitter step, triad_error *err)
{
    if (t->cuts == TOKENIZER_MAX_STEPS) {
        pattern_free(step.expression);
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: more than %d pre-tokenizers", (int)TOKENIZER_MAX_STEPS);
    }
    t->cut[t->cuts++] = step;
    return TRIAD_OK;
}

triad_status tokenizer_add_pattern(tokenizer *t, const char *expression, size_t size, split_behaviour behaviour,
                                   bool invert, triad_error *err)
{
    splitter step = {.kind = SPLIT_PATTERN, .behaviour = behaviour, .invert = invert};
    const triad_status status = pattern_create(&step.expression, expression, size, err);
    return status != TRIAD_OK ? status : tokenizer_add_splitter(t, step, err);
}

triad_status tokenizer_add_token(tokenizer *t, const char *content, size_t size, int64_t id, bool single_word,
                                 bool lstrip, bool rstrip, bool through_normaliser, triad_error *err)
{
    if (id < 0 || id >= VOCAB_MAX_ID)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "added token \"%.60s\": id %lld is out of range", content,
                          (long long)id);
    triad_text normal = {0}, spare = {0};
    triad_status status = TRIAD_OK;
    if (through_normaliser && t->normals > 0) {
        pattern_scratch *scratch = NULL;
        status = pattern_scratch_create(&scratch, err);
        if (status == TRIAD_OK) status = normalise(t->normal, t->normals, scratch, content, size, &normal, &spare, err);
        pattern_scratch_free(scratch);
        content = normal.bytes;
        size = normal.size;
    }
    if (status == TRIAD_OK && size > 0) {
        const added_token token = {.content = triad_arena_strndup(&t->arena, content, size),
                                   .size = size,
                                   .id = (int32_t)id,
                                   .single_word = single_word,
                                   .lstrip = lstrip,
                                   .rstrip = rstrip};
        status = token.content == NULL ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory")
                                       : added_add(through_normaliser ? &t->normalised : &t->raw, &token, err);
    }
    triad_text_free(&normal);
    triad_text_free(&spare);
    return status;
}

triad_status tokenizer_add_special(tokenizer *t, bool behind, int64_t id, triad_error *err)
{
    size_t *count = behind ? &t->afters : &t->befores;
    if (*count == TOKENIZER_MAX_TEMPLATE || id < 0 || id >= VOCAB_MAX_ID)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: the template is too long or holds id %lld",
                          (long long)id);
    (behind ? t->after : t->before)[(*count)++] = (int32_t)id;
    return TRIAD_OK;
}

static void cover(tokenizer *t, int32_t id)
{
    if ((size_t)id >= t->size) t->size = (size_t)id + 1;
}

void tokenizer_finish(tokenizer *t)
{
    t->size = t->words.ids;
    for (size_t i = 0; i < t->raw.tokens; i++) cover(t, t->raw.token[i].id);
    for (size_t i = 0; i < t->normalised.tokens; i++) cover(t, t->normalised.token[i].id);
    for (size_t i = 0; i < t->befores; i++) cover(t, t->before[i]);
    for (size_t i = 0; i < t->afters; i++) cover(t, t->after[i]);
}

size_t tokenizer_size(const tokenizer *t)
{
    return t->size;
}

const char *tokenizer_spelling(const tokenizer *t, int32_t id)
{
    const vocab_entry *entry = vocab_at(&t->words, id);
    if (entry != NULL) return entry->bytes;
    for (size_t i = 0; i < t->raw.tokens; i++)
        if (t->raw.token[i].id == id) return t->raw.token[i].content;
    for (size_t i = 0; i < t->normalised.tokens; i++)
        if (t->normalised.token[i].id == id) return t->normalised.token[i].content;
    return NULL;
}

/* One encoding's working memory. */
typedef struct encoding {
    const tokenizer *t;
    tokenizer_ids *ids;
    pattern_scratch *matching;
    bpe_scratch model;
    triad_text normal, spare, marked;
    spans pieces, other;
} encoding;

/* SentencePiece's way with spaces, on one stretch between added tokens. */
static triad_status mark_spaces(encoding *e, const char *text, span *part, bool at_start, const char **marked,
                                triad_error *err)
{
    triad_text *out = &e->marked;
    out->size = 0;
    const size_t size = part->end - part->start;
    const char *from = text + part->start;
    const size_t mark = sizeof METASPACE_MARK - 1;
    const bool has_mark = from[0] == ' ' || (size >= mark && memcmp(from, METASPACE_MARK, mark) == 0);
    if (!has_mark && (e->t->spaces == METASPACE_ALWAYS || (e->t->spaces == METASPACE_FIRST && at_start)))
        triad_text_add_bytes(out, METASPACE_MARK, mark);
    for (size_t i = 0; i < size; i++)
        if (from[i] == ' ')
            triad_text_add_bytes(out, METASPACE_MARK, mark);
        else
            triad_text_add_bytes(out, from + i, 1);
    if (out->failed) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    *marked = out->bytes;
    *part = (span){0, out->size};
    return TRIAD_OK;
}

/* A stretch of normalised text without added tokens. at_start: it begins where the whole text begins. */
static triad_status encode_plain(encoding *e, const char *text, span part, bool at_start, triad_error *err)
{
    if (part.start == part.end) return TRIAD_OK;
    triad_status status = TRIAD_OK;
    if (e->t->spaces != METASPACE_NONE) status = mark_spaces(e, text, &part, at_start, &text, err);
    if (status == TRIAD_OK) status = split(e->t->cut, e->t->cuts, e->matching, text, part, &e->pieces, &e->other, err);
    for (size_t i = 0; i < e->pieces.count && status == TRIAD_OK; i++) {
        const char *piece = text + e->pieces.at[i].start;
        const size_t size = e->pieces.at[i].end - e->pieces.at[i].start;
        status = e->t->is_wordpiece ? wordpiece_encode(&e->t->pieces, &e->model, piece, size, e->ids, err)
                                    : bpe_encode(&e->t->pairs, &e->model, piece, size, e->ids, err);
    }
    return status;
}

static triad_status encode_normalised(encoding *e, const char *text, size_t size, bool at_start, triad_error *err)
{
    size_t at = 0;
    const added_token *token;
    size_t start, end;
    while (added_find(&e->t->normalised, text, size, at, &token, &start, &end)) {
        triad_status status = encode_plain(e, text, (span){at, start}, at_start && at == 0, err);
        if (status == TRIAD_OK) status = tokenizer_push(e->ids, token->id, err);
        if (status != TRIAD_OK) return status;
        at = end;
    }
    return encode_plain(e, text, (span){at, size}, at_start && at == 0, err);
}

static triad_status encode_raw(encoding *e, const char *text, size_t start, size_t end, triad_error *err)
{
    if (start == end) return TRIAD_OK;
    if (e->t->normals == 0) return encode_normalised(e, text + start, end - start, start == 0, err);
    const triad_status status =
        normalise(e->t->normal, e->t->normals, e->matching, text + start, end - start, &e->normal, &e->spare, err);
    return status != TRIAD_OK ? status : encode_normalised(e, e->normal.bytes, e->normal.size, start == 0, err);
}

triad_status tokenizer_encode(const tokenizer *t, tokenizer_ids *ids, const char *text, size_t size, size_t limit,
                              triad_error *err)
{
    size_t bad;
    if (!utf8_valid(text, size, &bad))
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)bad, "text: byte %zu is not UTF-8 (convert the file)", bad);
    if (limit > 0 && limit < t->befores + t->afters)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: %zu tokens have no room for the %zu of the template",
                          limit, t->befores + t->afters);
    encoding e = {.t = t, .ids = ids};
    triad_status status = pattern_scratch_create(&e.matching, err);
    for (size_t i = 0; i < t->befores && status == TRIAD_OK; i++) status = tokenizer_push(ids, t->before[i], err);
    const size_t first = ids->count;
    size_t at = 0, start, end;
    const added_token *token;
    while (status == TRIAD_OK && added_find(&t->raw, text, size, at, &token, &start, &end)) {
        status = encode_raw(&e, text, at, start, err);
        if (status == TRIAD_OK) status = tokenizer_push(ids, token->id, err);
        at = end;
    }
    if (status == TRIAD_OK) status = encode_raw(&e, text, at, size, err);
    if (limit > 0 && ids->count - first > limit - t->befores - t->afters)
        ids->count = first + limit - t->befores - t->afters;
    for (size_t i = 0; i < t->afters && status == TRIAD_OK; i++) status = tokenizer_push(ids, t->after[i], err);
    pattern_scratch_free(e.matching);
    bpe_scratch_free(&e.model);
    triad_text_free(&e.normal);
    triad_text_free(&e.spare);
    triad_text_free(&e.marked);
    free(e.pieces.at);
    free(e.other.at);
    return status;
}
