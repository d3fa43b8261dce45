#include "formats/utf8.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

bool utf8_valid(const char *bytes, size_t size, size_t *bad)
{
    size_t at = 0;
    while (at < size) {
        /* Eight ASCII bytes at a time: what nearly all files hold. */
        uint64_t eight;
        if (size - at >= sizeof eight &&
            (memcpy(&eight, bytes + at, sizeof eight), (eight & 0x8080808080808080U) == 0)) {
            at += sizeof eight;
            continue;
        }
        if ((unsigned char)bytes[at] < 0x80) {
            at++;
            continue;
        }
        const size_t left = size - at;
        utf8proc_int32_t code;
        const utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, left < 4 ? (utf8proc_ssize_t)left : 4, &code);
        if (used <= 0) {
            if (bad) *bad = at;
            return false;
        }
        at += (size_t)used;
    }
    if (bad) *bad = size;
    return true;
}
