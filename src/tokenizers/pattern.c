#include "tokenizers/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tokenizers/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#ifdef TRIAD_FUZZED
enum { MATCH_LIMIT = 20 * 1000 };
#else
enum { MATCH_LIMIT = 50 * 1000 * 1000 };
#endif
enum { DEPTH_LIMIT = 100 * 1000, HEAP_LIMIT_KIB = 64 * 1024, MAX_EXPRESSION = 1 << 16 };

struct pattern {
    pcre2_code *code;
};
struct pattern_scratch {
    pcre2_match_data *data;
    pcre2_match_context *limits;
    pcre2_code *unassigned; /* \p{Cn}, made when it is first wanted */
    triad_text known;
    /* What stands in for characters of a category and a size. */
    struct {
        char bytes[4];
        bool sought, found;
    } stand_in[UTF8PROC_CATEGORY_CO + 1][5];
};

/* PCRE2's \s takes in U+180E, which lost White_Space in Unicode 6.3; so the class is spelled out. */
#define SPACES "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

static triad_status refuse(triad_error *err, const char *expression, size_t size, size_t at, const char *what)
{
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, (int64_t)at,
                      "tokenizer: the expression \"%.*s\" has %s, which is not supported",
                      (int)(size < 120 ? size : 120), expression, what);
}

/* Rewrites Ruby's dialect to PCRE2's where both have the construct, refuses it where they differ in meaning. */
static triad_status translate(triad_text *out, const char *expression, size_t size, triad_error *err)
{
    bool in_class = false, class_start = false;
    for (size_t at = 0; at < size; at++) {
        const char c = expression[at];
        const bool first_in_class = class_start;
        class_start = false;
        if (c == 0) return refuse(err, expression, size, at, "a NUL");
        if (c == '\\') {
            if (++at == size) return refuse(err, expression, size, at, "a lone backslash at its end");
            const char e = expression[at];
            if (e == 's') {
                triad_text_add(out, in_class ? SPACES : "[" SPACES "]");
            } else if (e == 'S') {
                if (in_class) return refuse(err, expression, size, at, "\\S inside a class");
                triad_text_add(out, "[^" SPACES "]");
            } else if (e == 'p' || e == 'P') {
                /* \p{L}, \p{^L}: copied whole. */
                const char *close =
                    at + 1 < size && expression[at + 1] == '{' ? memchr(expression + at, '}', size - at) : NULL;
                if (close == NULL) return refuse(err, expression, size, at, "\\p without {…}");
                const size_t end = (size_t)(close - expression);
                triad_text_add(out, "\\");
                triad_text_add_bytes(out, expression + at, end - at + 1);
                at = end;
            } else if (strchr("rntfvd", e) != NULL || (!(e >= '0' && e <= '9') && !(e >= 'a' && e <= 'z') &&
                                                       !(e >= 'A' && e <= 'Z') && (unsigned char)e < 0x80)) {
                /* \v is a vertical tab in Ruby and a class in PCRE2. */
                if (e == 'v')
                    triad_text_add(out, "\\x0b");
                else
                    triad_text_add_bytes(out, expression + at - 1, 2);
            } else {
                const char escape[] = {'\\', e, 0};
                return refuse(err, expression, size, at, escape);
            }
            continue;
        }
        if (in_class) {
            if (c == '[') return refuse(err, expression, size, at, "a class inside a class");
            if (c == '&' && at + 1 < size && expression[at + 1] == '&')
                return refuse(err, expression, size, at, "&& inside a class");
            if (c == '^' && first_in_class)
                class_start = true;
            else if (c == ']' && first_in_class)
                return refuse(err, expression, size, at, "an empty class");
            else if (c == ']')
                in_class = false;
        } else if (c == '[') {
            in_class = class_start = true;
        } else if (c == '}' && at + 1 < size && expression[at + 1] == '+') {
            return refuse(err, expression, size, at, "{…}+");
        } else if (c == '(' && at + 2 < size && expression[at + 1] == '?' &&
                   strchr(":=!i", expression[at + 2]) == NULL) {
            return refuse(err, expression, size, at, "a group other than (?:, (?=, (?! and (?i:");
        } else if (c == '(' && at + 1 < size && expression[at + 1] == '*') {
            return refuse(err, expression, size, at, "(*");
        }
        triad_text_add_bytes(out, &c, 1);
    }
    return TRIAD_OK;
}

triad_status pattern_create(pattern **compiled, const char *expression, size_t size, triad_error *err)
{
    *compiled = NULL;
    if (size > MAX_EXPRESSION)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer: an expression of %zu bytes, more than %d", size,
                          (int)MAX_EXPRESSION);
    triad_text text = {0};
    triad_status status = translate(&text, expression, size, err);
    if (status == TRIAD_OK && text.failed) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    if (status == TRIAD_OK && text.size == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: an empty expression");
    if (status != TRIAD_OK) {
        triad_text_free(&text);
        return status;
    }
    int code;
    PCRE2_SIZE where;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pattern *made = calloc(1, sizeof *made);
    if (context == NULL || made == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    } else {
        /* Ruby's ^ and $ are those of lines, and its lines end in \n. */
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        made->code =
            pcre2_compile((PCRE2_SPTR)text.bytes, text.size,
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &where, context);
        if (made->code == NULL) {
            PCRE2_UCHAR reason[128];
            pcre2_get_error_message(code, reason, sizeof reason);
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: bad expression \"%.*s\": %s",
                                (int)(size < 200 ? size : 200), expression, (const char *)reason);
        } else {
            /* Without executable memory the interpreter gives the same matches, only slower. Fuzzing compiles an
             * expression for every input, and watches the interpreter's reads. */
#ifndef TRIAD_FUZZED
            (void)pcre2_jit_compile(made->code, PCRE2_JIT_COMPLETE);
#endif
        }
    }
    pcre2_compile_context_free(context);
    triad_text_free(&text);
    if (status != TRIAD_OK) {
        pattern_free(made);
        return status;
    }
    *compiled = made;
    return TRIAD_OK;
}

void pattern_free(pattern *compiled)
{
    if (compiled == NULL) return;
    pcre2_code_free(compiled->code);
    free(compiled);
}

triad_status pattern_scratch_create(pattern_scratch **scratch, triad_error *err)
{
    pattern_scratch *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->data = pcre2_match_data_create(1, NULL);
        made->limits = pcre2_match_context_create(NULL);
    }
    if (made == NULL || made->data == NULL || made->limits == NULL) {
        pattern_scratch_free(made);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    }
    pcre2_set_match_limit(made->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(made->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(made->limits, HEAP_LIMIT_KIB);
    *scratch = made;
    return TRIAD_OK;
}

void pattern_scratch_free(pattern_scratch *scratch)
{
    if (scratch == NULL) return;
    pcre2_match_data_free(scratch->data);
    pcre2_match_context_free(scratch->limits);
    pcre2_code_free(scratch->unassigned);
    triad_text_free(&scratch->known);
    free(scratch);
}

static bool next_unassigned(pattern_scratch *scratch, const char *text, size_t size, size_t from, size_t *start)
{
    if (pcre2_match(scratch->unassigned, (PCRE2_SPTR)text, size, from, PCRE2_NO_UTF_CHECK, scratch->data,
                    scratch->limits) < 0)
        return false;
    *start = pcre2_get_ovector_pointer(scratch->data)[0];
    return true;
}

/* Writes over the character at place one of its category and size that PCRE2 knows; leaves it where there is none.
 * From the top down: expressions spell out low ranges. The search is long, so its outcome is kept. */
static void stand_in(pattern_scratch *scratch, char *place, utf8proc_category_t category, size_t bytes)
{
    static const int32_t top[] = {0, 0x7f, 0x7ff, 0xffff, 0x10ffff};
    const size_t kind = (size_t)category;
    if (!scratch->stand_in[kind][bytes].sought) {
        scratch->stand_in[kind][bytes].sought = true;
        for (int32_t code = top[bytes]; code > top[bytes - 1]; code--) {
            if (utf8proc_category(code) != category) continue;
            utf8proc_uint8_t other[4];
            size_t start;
            utf8proc_encode_char(code, other);
            if (next_unassigned(scratch, (const char *)other, bytes, 0, &start)) continue;
            memcpy(scratch->stand_in[kind][bytes].bytes, other, bytes);
            scratch->stand_in[kind][bytes].found = true;
            break;
        }
    }
    if (scratch->stand_in[kind][bytes].found) memcpy(place, scratch->stand_in[kind][bytes].bytes, bytes);
}

triad_status pattern_known(pattern_scratch *scratch, const char *text, size_t size, const char **known,
                           triad_error *err)
{
    *known = text;
    bool ascii = true;
    for (size_t i = 0; i < size && ascii; i++) ascii = (unsigned char)text[i] < 0x80;
    if (ascii) return TRIAD_OK;
    if (scratch->unassigned == NULL) {
        int code;
        PCRE2_SIZE where;
        scratch->unassigned =
            pcre2_compile((PCRE2_SPTR) "\\p{Cn}", PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code, &where, NULL);
        if (scratch->unassigned == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        (void)pcre2_jit_compile(scratch->unassigned, PCRE2_JIT_COMPLETE);
    }
    size_t at = 0, bytes;
    while (next_unassigned(scratch, text, size, at, &at)) {
        const utf8proc_category_t category = unicode_category(unicode_at(text, at, size, &bytes));
        if (category != UTF8PROC_CATEGORY_CN) {
            if (*known == text) {
                scratch->known.size = 0;
                triad_text_add_bytes(&scratch->known, text, size);
                if (scratch->known.failed) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
                *known = scratch->known.bytes;
            }
            stand_in(scratch, scratch->known.bytes + at, category, bytes);
        }
        at += bytes;
    }
    return TRIAD_OK;
}

triad_status pattern_find(const pattern *compiled, pattern_scratch *scratch, const char *text, size_t size, size_t from,
                          bool *found, size_t *start, size_t *end, triad_error *err)
{
    *found = false;
    if (from >= size) return TRIAD_OK;
    uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    int matched = pcre2_match(compiled->code, (PCRE2_SPTR)text, size, from, options, scratch->data, scratch->limits);
    if (matched == PCRE2_ERROR_JIT_STACKLIMIT)
        matched = pcre2_match(compiled->code, (PCRE2_SPTR)text, size, from, options | PCRE2_NO_JIT, scratch->data,
                              scratch->limits);
    if (matched == PCRE2_ERROR_NOMATCH) return TRIAD_OK;
    if (matched < 0) {
        PCRE2_UCHAR reason[128];
        pcre2_get_error_message(matched, reason, sizeof reason);
        return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)from, "tokenizer: splitting a text of %zu bytes: %s", size,
                          (const char *)reason);
    }
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(scratch->data);
    *found = true;
    *start = span[0];
    *end = span[1];
    return TRIAD_OK;
}
