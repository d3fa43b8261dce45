#include "triad/base.h"

#include <stdio.h>
#include <string.h>

/* Text from hostile files must not reach a terminal as control sequences. */
static void clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f) *c = '?';
}

triad_status triad_fail(triad_error *err, triad_status code, int64_t position, const char *format, ...)
{
    if (err == NULL) return code;
    err->code = code;
    err->position = position;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    clean(err->text);
    return code;
}

triad_status triad_fail_in(triad_error *err, const char *prefix)
{
    if (err == NULL) return TRIAD_ERR_ARGUMENT;
    /* Whoever opened the file has named it already, or a file in the folder. */
    const size_t length = strlen(prefix);
    if (length > 0 && strncmp(err->text, prefix, length) == 0) {
        const char next = err->text[length];
        if (next == ':' || next == ',' || next == '/' || prefix[length - 1] == '/') return err->code;
    }
    char joined[sizeof err->text];
    snprintf(joined, sizeof joined, "%.200s: %.270s", prefix, err->text);
    memcpy(err->text, joined, sizeof joined);
    clean(err->text);
    return err->code;
}

const char *triad_status_name(triad_status code)
{
    switch (code) {
    case TRIAD_OK:
        return "ok";
    case TRIAD_ERR_MEMORY:
        return "out of memory";
    case TRIAD_ERR_IO:
        return "input or output failed";
    case TRIAD_ERR_FORMAT:
        return "bad format";
    case TRIAD_ERR_RANGE:
        return "out of range";
    case TRIAD_ERR_ARGUMENT:
        return "bad argument";
    case TRIAD_ERR_UNSUPPORTED:
        return "not supported";
    case TRIAD_ERR_NOT_FOUND:
        return "not found";
    case TRIAD_ERR_GENERATION:
        return "can't be generated";
    case TRIAD_ERR_NUMERIC:
        return "numeric failure";
    case TRIAD_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown";
}
