#include "formats/json.h"

#include "base/file.h"
#include "formats/utf8.h"

#include <json-c/printbuf.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* json-c builds the tree; this scan before it refuses what json-c lets through even in strict mode: NaN and Infinity,
 * loose numbers, control bytes in strings, 0 bytes in keys (its keys are C strings), depth without a position. It
 * counts what the tree must hold, which is how a key that occurs twice is found: json-c keeps only the last. */
typedef struct scan {
    const char *bytes;
    size_t size, at;
    size_t members, objects;
    bool pairs; /* a string may hold a surrogate pair, \ud83d\ude00 */
} scan;

static triad_status bad(const scan *s, const char *why, triad_error *err)
{
    size_t line = 1;
    for (size_t i = 0; i < s->at; i++) line += s->bytes[i] == '\n';
    return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)s->at, "JSON, byte %zu, line %zu: %s", s->at, line, why);
}

static bool digit(const scan *s)
{
    return s->at < s->size && s->bytes[s->at] >= '0' && s->bytes[s->at] <= '9';
}

static bool is(const scan *s, char c)
{
    return s->at < s->size && s->bytes[s->at] == c;
}

static triad_status scan_string(scan *s, bool *zero, triad_error *err)
{
    *zero = false;
    for (s->at++; s->at < s->size; s->at++) {
        const unsigned char c = (unsigned char)s->bytes[s->at];
        if (c == '"') {
            s->at++;
            return TRIAD_OK;
        }
        if (c < 0x20) return bad(s, "a control byte inside a string", err);
        if (c == '\\') {
            s->at++;
            if (s->size - s->at > 4 && memcmp(s->bytes + s->at, "u0000", 5) == 0) *zero = true;
            if (s->size - s->at > 2 && s->bytes[s->at] == 'u' && (s->bytes[s->at + 1] | 32) == 'd') s->pairs = true;
            if (s->at == s->size) break;
        }
    }
    return bad(s, "a string without an end", err);
}

static triad_status scan_number(scan *s, triad_error *err)
{
    if (is(s, '-')) s->at++;
    if (!digit(s)) return bad(s, "not a number", err);
    if (is(s, '0')) {
        s->at++;
        if (digit(s)) return bad(s, "a number with a leading zero", err);
    }
    while (digit(s)) s->at++;
    if (is(s, '.')) {
        s->at++;
        if (!digit(s)) return bad(s, "a number without digits behind its point", err);
        while (digit(s)) s->at++;
    }
    if (is(s, 'e') || is(s, 'E')) {
        s->at++;
        if (is(s, '+') || is(s, '-')) s->at++;
        if (!digit(s)) return bad(s, "a number without digits in its exponent", err);
        while (digit(s)) s->at++;
    }
    return TRIAD_OK;
}

static bool scan_word(scan *s)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        const size_t length = strlen(WORDS[i]);
        if (s->size - s->at >= length && memcmp(s->bytes + s->at, WORDS[i], length) == 0) {
            s->at += length;
            return true;
        }
    }
    return false;
}

static triad_status scan_all(scan *s, triad_error *err)
{
    int depth = 0;
    bool zero = false;
    while (s->at < s->size) {
        const char c = s->bytes[s->at];
        triad_status status = TRIAD_OK;
        switch (c) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case ',':
            s->at++;
            break;
        case '{':
        case '[':
            if (++depth > JSON_MAX_DEPTH) return bad(s, "nested more than 64 deep", err);
            s->objects += c == '{';
            s->at++;
            break;
        case '}':
        case ']':
            depth--;
            s->at++;
            break;
        case ':':
            if (zero) return bad(s, "a 0 byte inside a key", err);
            s->members++;
            s->at++;
            break;
        case '"':
            status = scan_string(s, &zero, err);
            break;
        default:
            if (c == '-' || (c >= '0' && c <= '9'))
                status = scan_number(s, err);
            else if (!scan_word(s))
                return bad(s, "neither a value nor punctuation", err);
        }
        if (status != TRIAD_OK) return status;
    }
    return TRIAD_OK;
}

static size_t count_members(json_object *value)
{
    size_t count = 0;
    if (json_object_is_type(value, json_type_object)) {
        count = (size_t)json_object_object_length(value);
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            count += count_members(member);
        }
    } else if (json_object_is_type(value, json_type_array)) {
        const size_t length = json_object_array_length(value);
        for (size_t i = 0; i < length; i++) count += count_members(json_object_array_get_idx(value, i));
    }
    return count;
}

/* The four hex digits of \uXXXX at bytes, or -1. */
static int32_t escaped(const char *bytes, size_t left)
{
    int32_t code = 0;
    if (left < 6 || bytes[0] != '\\' || bytes[1] != 'u') return -1;
    for (int i = 2; i < 6; i++) {
        const char c = bytes[i], lower = (char)(c | 32);
        if (c >= '0' && c <= '9')
            code = code * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return code;
}

/* json-c 0.16 takes U+1D800, once it has put it together, for half of a pair, and so every plane's D8 to DF. So pairs
 * are spelled out in UTF-8 before it sees them; what is no pair stays. NULL: out of memory. */
static char *spell_pairs(const char *bytes, size_t *size)
{
    char *out = malloc(*size + 1);
    size_t used = 0;
    for (size_t at = 0; out != NULL && at < *size;) {
        const int32_t high = escaped(bytes + at, *size - at),
                      low = high >= 0xd800 && high < 0xdc00 ? escaped(bytes + at + 6, *size - at - 6) : -1;
        if (low >= 0xdc00 && low < 0xe000) {
            const uint32_t code = 0x10000 + ((uint32_t)(high & 0x3ff) << 10) + (uint32_t)(low & 0x3ff);
            out[used++] = (char)(0xf0 | code >> 18);
            out[used++] = (char)(0x80 | (code >> 12 & 63));
            out[used++] = (char)(0x80 | (code >> 6 & 63));
            out[used++] = (char)(0x80 | (code & 63));
            at += 12;
            continue;
        }
        const size_t step = bytes[at] == '\\' && at + 1 < *size ? 2 : 1; /* an escaped backslash begins nothing */
        memcpy(out + used, bytes + at, step);
        used += step;
        at += step;
    }
    *size = used;
    return out;
}

/* The tree, of what the scan has let through. */
static triad_status build(json_object **root, scan *s, triad_error *err)
{
    const char *bytes = s->bytes;
    const size_t size = s->size;
    json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 2);
    if (tokener == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "JSON: out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    *root = json_tokener_parse_ex(tokener, bytes, (int)size);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_continue) { /* a number ends only where something follows it */
        *root = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
        end = size;
    }
    json_tokener_free(tokener);
    if (error != json_tokener_success) {
        json_object_put(*root);
        *root = NULL;
        s->at = end < size ? end : size;
        return bad(s,
                   error == json_tokener_continue || error == json_tokener_error_parse_eof
                       ? "the document has no end"
                       : json_tokener_error_desc(error),
                   err);
    }
    for (; end < size; end++)
        if (strchr(" \t\n\r", bytes[end]) == NULL || bytes[end] == 0) {
            s->at = end;
            json_object_put(*root);
            *root = NULL;
            return bad(s, "something follows the document", err);
        }
    if (count_members(*root) != s->members) {
        json_object_put(*root);
        *root = NULL;
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "JSON: an object has the same key twice");
    }
    return TRIAD_OK;
}

triad_status json_read(json_object **root, const char *bytes, size_t size, triad_error *err)
{
    *root = NULL;
    if (size == 0) return triad_fail(err, TRIAD_ERR_FORMAT, 0, "JSON: empty");
    if (size >= INT_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "JSON: %zu bytes are too many (at most 2^31 - 2)", size);
    scan s = {.bytes = bytes, .size = size};
    if (!utf8_valid(bytes, size, &s.at)) return bad(&s, "not UTF-8", err);
    s.at = 0;
    triad_status status = scan_all(&s, err);
    if (status != TRIAD_OK) return status;
    /* An object takes a kilobyte in json-c, and three bytes in a hostile file. */
    if (s.objects > size / 8 + 1024)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "JSON: %zu objects in %zu bytes are too many", s.objects, size);

    char *spelled = NULL;
    if (s.pairs) {
        spelled = spell_pairs(bytes, &size);
        if (spelled == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "JSON: out of memory");
        bytes = s.bytes = spelled;
        s.size = size;
    }
    status = build(root, &s, err);
    free(spelled);
    return status;
}

triad_status json_read_file(json_object **root, const char *path, size_t limit, triad_error *err)
{
    *root = NULL;
    char *text;
    size_t size;
    triad_status status = triad_read_whole(&text, &size, path, limit, err);
    if (status != TRIAD_OK) return status;
    status = json_read(root, text, size, err);
    free(text);
    return status == TRIAD_OK ? status : triad_fail_in(err, path);
}

/* The shortest decimal that reads back as value; always with a point or an exponent, so that it stays a real. */
static void print_shortest(char text[40], double value)
{
    int precision = fabs(value) < 0x1p-1022 ? 1 : 15; /* 15 digits are exact unless the number is subnormal */
    for (; precision <= 17; precision++) {
        snprintf(text, 40, "%.*g", precision, value);
        if (strtod(text, NULL) == value) break;
    }
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.'; /* a host program's locale */
    if (strpbrk(text, ".e") == NULL) strcat(text, ".0");
}

static int print_real(json_object *value, struct printbuf *out, int level, int flags)
{
    (void)level;
    (void)flags;
    const double number = json_object_get_double(value);
    char text[40] = "null";
    if (isfinite(number)) print_shortest(text, number);
    return printbuf_memappend(out, text, (int)strlen(text));
}

json_object *json_new_real(double value)
{
    if (!isfinite(value)) return NULL;
    json_object *real = json_object_new_double(value);
    if (real) json_object_set_serializer(real, print_real, NULL, NULL);
    return real;
}

/* Reals that were made or read by json-c itself print as ours do. */
static void set_printers(json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_double:
        json_object_set_serializer(value, print_real, NULL, NULL);
        break;
    case json_type_object: {
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            set_printers(member);
        }
        break;
    }
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) set_printers(json_object_array_get_idx(value, i));
        break;
    default:
        break;
    }
}

char *json_to_text(json_object *root, bool pretty)
{
    set_printers(root);
    size_t size;
    const char *text = json_object_to_json_string_length(
        root,
        JSON_C_TO_STRING_NOSLASHESCAPE |
            (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN),
        &size);
    if (text == NULL) return NULL;
    char *copy = malloc(size + 2);
    if (copy == NULL) return NULL;
    memcpy(copy, text, size);
    if (pretty) copy[size++] = '\n';
    copy[size] = 0;
    return copy;
}

triad_status json_write_file(const char *path, json_object *root, triad_error *err)
{
    char *text = json_to_text(root, true);
    if (text == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    const triad_status status = triad_write_whole(path, text, strlen(text), err);
    free(text);
    return status;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case json_type_null:
        return "null";
    case json_type_boolean:
        return "a boolean";
    case json_type_double:
        return "a real number";
    case json_type_int:
        return "an integer";
    case json_type_object:
        return "an object";
    case json_type_array:
        return "an array";
    case json_type_string:
        return "a string";
    }
    return "unknown";
}

static triad_status wrong_type(json_object *member, const char *key, const char *wanted, triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: is %s, not %s", key, type_name(json_object_get_type(member)),
                      wanted);
}

/* 1: *member is there; 0: absent or null. */
static bool present(json_object *object, const char *key, json_object **member)
{
    *member = NULL;
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, key, member) &&
           *member != NULL;
}

static triad_status missing(const char *key, triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: missing", key);
}

triad_status json_get_int(json_object *object, const char *key, int64_t min, int64_t max, int64_t *value,
                          triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return TRIAD_OK;
    if (!json_object_is_type(member, json_type_int)) return wrong_type(member, key, "an integer", err);
    /* json-c saturates: whatever sits at the end of the range may have been anything beyond it. */
    const int64_t number = json_object_get_int64(member);
    if (number < min || number > max || number == INT64_MAX || number == INT64_MIN)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: %s lies outside [%lld, %lld]", key,
                          json_object_get_string(member), (long long)min, (long long)max);
    *value = number;
    return TRIAD_OK;
}

triad_status json_want_int(json_object *object, const char *key, int64_t min, int64_t max, int64_t *value,
                           triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return missing(key, err);
    return json_get_int(object, key, min, max, value, err);
}

triad_status json_get_real(json_object *object, const char *key, double *value, triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return TRIAD_OK;
    if (!json_object_is_type(member, json_type_double) && !json_object_is_type(member, json_type_int))
        return wrong_type(member, key, "a number", err);
    const double number = json_object_get_double(member);
    if (!isfinite(number)) return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: too large for a double", key);
    *value = number;
    return TRIAD_OK;
}

triad_status json_want_real(json_object *object, const char *key, double *value, triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return missing(key, err);
    return json_get_real(object, key, value, err);
}

triad_status json_get_bool(json_object *object, const char *key, bool *value, triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return TRIAD_OK;
    if (!json_object_is_type(member, json_type_boolean)) return wrong_type(member, key, "a boolean", err);
    *value = json_object_get_boolean(member) != 0;
    return TRIAD_OK;
}

triad_status json_get_string(json_object *object, const char *key, const char **value, triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return TRIAD_OK;
    if (!json_object_is_type(member, json_type_string)) return wrong_type(member, key, "a string", err);
    const char *text = json_object_get_string(member);
    if (strlen(text) != (size_t)json_object_get_string_len(member))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: holds a 0 byte", key);
    *value = text;
    return TRIAD_OK;
}

triad_status json_want_string(json_object *object, const char *key, const char **value, triad_error *err)
{
    json_object *member;
    if (!present(object, key, &member)) return missing(key, err);
    return json_get_string(object, key, value, err);
}

json_object *json_find(json_object *object, const char *key, json_type type)
{
    json_object *member;
    return present(object, key, &member) && json_object_is_type(member, type) ? member : NULL;
}
