/* What a parsed GGUF is made of: gguf.c fills it, gguf_open.c joins the files of a split model. */
#ifndef TRIAD_FORMATS_GGUF_INTERNAL_H
#define TRIAD_FORMATS_GGUF_INTERNAL_H

#include "base/arena.h"
#include "base/file.h"
#include "formats/gguf.h"

typedef struct pair {
    const char *key; /* ends in 0 */
    uint32_t kind;   /* of the value, or of the array's elements */
    bool array;
    size_t count;                  /* elements; 1 for a single value */
    const unsigned char *data;     /* the first element */
    const unsigned char **strings; /* [count] where each string's length stands; NULL for other kinds */
} pair;

struct gguf {
    triad_mapping mapping;
    triad_arena arena;
    size_t pairs, tensors;
    pair *pair;          /* [pairs] in the file's order */
    pair **by_key;       /* [pairs] sorted */
    tensor_view *tensor; /* [tensors] in the file's order */
    const tensor_view **by_name;
    size_t split_number, split_count; /* which file of a split model this is; count 0 or 1: of none */
    gguf **part;                      /* [split_count - 1] the other files of a split model; NULL: of none */
};

/* As gguf_parse, one file of a split model too. */
TRIAD_NODISCARD triad_status gguf_parse_part(gguf **out, const void *bytes, size_t size, triad_error *err);

#endif
