#include "tokenizers/normalise.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizers/unicode.h"

static void add_code(triad_text *out, int32_t code)
{
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t size = utf8proc_encode_char(code, bytes);
    if (size > 0) triad_text_add_bytes(out, bytes, (size_t)size);
}

static triad_status compose(triad_text *out, const char *text, size_t size, normaliser_kind kind, triad_error *err)
{
    utf8proc_option_t options = UTF8PROC_STABLE;
    options |= kind == NORMALISE_NFC || kind == NORMALISE_NFKC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
    if (kind == NORMALISE_NFKC || kind == NORMALISE_NFKD) options |= UTF8PROC_COMPAT;
    utf8proc_uint8_t *done = NULL;
    const utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &done, options);
    if (length < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: Unicode normalisation: %s", utf8proc_errmsg(length));
    triad_text_add_bytes(out, done, (size_t)length);
    free(done);
    return TRIAD_OK;
}

static void add_lower(triad_text *out, int32_t code)
{
    /* The one character whose lower case is two; no context (final sigma) counts. */
    if (code == 0x130) {
        triad_text_add(out, "i\xcc\x87");
        return;
    }
    add_code(out, unicode_lower(code));
}

static void lowercase(triad_text *out, const char *text, size_t size)
{
    for (size_t at = 0, bytes; at < size; at += bytes) {
        const int32_t code = unicode_at(text, at, size, &bytes);
        add_lower(out, code);
    }
}

static void strip_accents(triad_text *out, const char *text, size_t size)
{
    for (size_t at = 0, bytes; at < size; at += bytes) {
        const int32_t code = unicode_at(text, at, size, &bytes);
        if (!unicode_old_is_nonspacing(code)) triad_text_add_bytes(out, text + at, bytes);
    }
}

/* 2B920 is the tokenizers package's own reading of 2B820. */
static bool is_chinese(int32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static bool is_dropped(int32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r') return false;
    return c == 0 || c == 0xfffd || unicode_old_is_other(c);
}

static void bert_clean(triad_text *out, const normaliser *step, const char *text, size_t size)
{
    for (size_t at = 0, bytes; at < size; at += bytes) {
        const int32_t code = unicode_at(text, at, size, &bytes);
        if (step->clean && is_dropped(code)) continue;
        if (step->clean && unicode_is_space(code))
            triad_text_add_bytes(out, " ", 1);
        else if (step->chinese && is_chinese(code)) {
            triad_text_add_bytes(out, " ", 1);
            triad_text_add_bytes(out, text + at, bytes);
            triad_text_add_bytes(out, " ", 1);
        } else {
            triad_text_add_bytes(out, text + at, bytes);
        }
    }
}

static triad_status replace(const normaliser *step, pattern_scratch *scratch, triad_text *out, const char *text,
                            size_t size, triad_error *err)
{
    size_t at = 0;
    while (at < size) {
        bool found = false;
        size_t start = size, end = size;
        if (step->string != NULL) {
            const char *hit =
                step->string_size > 0 ? memmem(text + at, size - at, step->string, step->string_size) : NULL;
            if (hit != NULL) {
                found = true;
                start = (size_t)(hit - text);
                end = start + step->string_size;
            }
        } else {
            const triad_status status =
                pattern_find(step->expression, scratch, text, size, at, &found, &start, &end, err);
            if (status != TRIAD_OK) return status;
        }
        if (!found) break;
        triad_text_add_bytes(out, text + at, start - at);
        triad_text_add_bytes(out, step->content, step->content_size);
        at = end;
    }
    triad_text_add_bytes(out, text + at, size - at);
    return TRIAD_OK;
}

static void empty(triad_text *text)
{
    text->size = 0;
    if (text->bytes != NULL) text->bytes[0] = 0;
}

/* out and spare change places, so that out holds the latest text. */
static void swap(triad_text *out, triad_text *spare)
{
    const triad_text held = *out;
    *out = *spare;
    *spare = held;
    empty(spare);
}

static triad_status bert(const normaliser *step, triad_text *out, triad_text *spare, triad_error *err)
{
    bert_clean(spare, step, out->bytes, out->size);
    swap(out, spare);
    if (step->strip && out->size > 0) {
        const triad_status status = compose(spare, out->bytes, out->size, NORMALISE_NFD, err);
        if (status != TRIAD_OK) return status;
        swap(out, spare);
        strip_accents(spare, out->bytes, out->size);
        swap(out, spare);
    }
    if (step->lowercase) {
        lowercase(spare, out->bytes, out->size);
        swap(out, spare);
    }
    return TRIAD_OK;
}

triad_status normalise(const normaliser *step, size_t steps, pattern_scratch *scratch, const char *text, size_t size,
                       triad_text *out, triad_text *spare, triad_error *err)
{
    empty(out);
    empty(spare);
    triad_text_add_bytes(out, text, size);
    for (size_t i = 0; i < steps && out->size > 0; i++) {
        triad_status status = TRIAD_OK;
        switch (step[i].kind) {
        case NORMALISE_NFC:
        case NORMALISE_NFD:
        case NORMALISE_NFKC:
        case NORMALISE_NFKD:
            status = compose(spare, out->bytes, out->size, step[i].kind, err);
            break;
        case NORMALISE_LOWERCASE:
            lowercase(spare, out->bytes, out->size);
            break;
        case NORMALISE_STRIP_ACCENTS:
            strip_accents(spare, out->bytes, out->size);
            break;
        case NORMALISE_PREPEND:
            triad_text_add_bytes(spare, step[i].content, step[i].content_size);
            triad_text_add_bytes(spare, out->bytes, out->size);
            break;
        case NORMALISE_REPLACE:
            status = replace(&step[i], scratch, spare, out->bytes, out->size, err);
            break;
        case NORMALISE_BERT:
            status = bert(&step[i], out, spare, err);
            break;
        }
        if (status != TRIAD_OK) return status;
        if (step[i].kind != NORMALISE_BERT) swap(out, spare);
    }
    if (out->failed || spare->failed) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    return TRIAD_OK;
}
