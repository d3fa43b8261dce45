/* Strict JSON over json-c, with limits and errors that name the key. Refused beyond what json-c refuses, with the byte
 * and the line: bytes that are not UTF-8, NaN and Infinity, loose numbers, control bytes in strings, 0 bytes in keys,
 * keys that occur twice in an object, more than JSON_MAX_DEPTH levels, more objects than a document of that size
 * reasonably holds. */
#ifndef TRIAD_FORMATS_JSON_H
#define TRIAD_FORMATS_JSON_H

#include "triad/base.h"

#include <json-c/json.h>

enum { JSON_MAX_DEPTH = 64 };

/* Parses one strict UTF-8 document (nothing behind it but white space); *root is the caller's (json_object_put), NULL
 * for the document `null`. Integers beyond 64 bits are cut to the largest; json_want_int and json_get_int refuse those.
 */
TRIAD_NODISCARD triad_status json_read(json_object **root, const char *bytes, size_t size, triad_error *err);
TRIAD_NODISCARD triad_status json_read_file(json_object **root, const char *path, size_t limit, triad_error *err);
/* Pretty-printed, 17 significant digits at most and no more than needed, NaN and infinities as null, a final newline.
 */
TRIAD_NODISCARD triad_status json_write_file(const char *path, json_object *root, triad_error *err);
/* The same text, or without spaces and newline; the caller frees. Sets the printer of the tree's reals. */
char *json_to_text(json_object *root, bool pretty);
/* A double that prints in the shortest form that reads back as the same number; NaN or infinite: null. */
json_object *json_new_real(double value);

/* Members of an object. `want` fails with the key's name when the member is absent, of another type or out of
 * range; `get` leaves *value as it is when the member is absent or null and fails as `want` does otherwise. */
TRIAD_NODISCARD triad_status json_want_int(json_object *object, const char *key, int64_t min, int64_t max,
                                           int64_t *value, triad_error *err);
TRIAD_NODISCARD triad_status json_get_int(json_object *object, const char *key, int64_t min, int64_t max,
                                          int64_t *value, triad_error *err);
TRIAD_NODISCARD triad_status json_want_real(json_object *object, const char *key, double *value, triad_error *err);
TRIAD_NODISCARD triad_status json_get_real(json_object *object, const char *key, double *value, triad_error *err);
TRIAD_NODISCARD triad_status json_get_bool(json_object *object, const char *key, bool *value, triad_error *err);
TRIAD_NODISCARD triad_status json_want_string(json_object *object, const char *key, const char **value,
                                              triad_error *err);
TRIAD_NODISCARD triad_status json_get_string(json_object *object, const char *key, const char **value,
                                             triad_error *err);
/* NULL when absent or null or not of that type. Borrowed. */
json_object *json_find(json_object *object, const char *key, json_type type);

#endif
