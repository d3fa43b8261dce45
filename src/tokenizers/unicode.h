/* Character classes by utf8proc's tables, and what Unicode has added since. */
#ifndef TRIAD_TOKENIZERS_UNICODE_H
#define TRIAD_TOKENIZERS_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <utf8proc.h>

/* Categories and lower case up to Unicode 16. */
utf8proc_category_t unicode_category(int32_t code);
int32_t unicode_lower(int32_t code);

/* The code point at text[at] of valid UTF-8 that ends before size; *bytes is its length. */
static inline int32_t unicode_at(const char *text, size_t at, size_t size, size_t *bytes)
{
    utf8proc_int32_t code;
    const utf8proc_ssize_t step =
        utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(size - at), &code);
    *bytes = step > 0 ? (size_t)step : 1;
    return code;
}

/* The property White_Space. */
static inline bool unicode_is_space(int32_t code)
{
    if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13);
    if (code == 0x85) return true;
    const utf8proc_category_t category = utf8proc_category(code);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

static inline bool unicode_is_number(int32_t code)
{
    const utf8proc_category_t category = unicode_category(code);
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO;
}

static inline bool unicode_is_punctuation(int32_t code)
{
    const utf8proc_category_t category = unicode_category(code);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/* A letter, mark, decimal number or connector: \w. */
static inline bool unicode_is_word(int32_t code)
{
    const utf8proc_category_t category = unicode_category(code);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ND) || category == UTF8PROC_CATEGORY_PC;
}

/* The same by the older tables that BERT's vocabularies were made with: C*, P*, Mn. */
bool unicode_old_is_other(int32_t code);
bool unicode_old_is_punctuation(int32_t code);
bool unicode_old_is_nonspacing(int32_t code);

#endif
