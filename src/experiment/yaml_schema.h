/* YAML into structs by a table of fields, with the file and line in every error. Lists are never empty.
 *
 * libyaml composes the document; here its nodes are matched with the table. Unknown and repeated keys, wrong types,
 * numbers out of range, aliases and further documents are refused. */
#ifndef TRIAD_EXPERIMENT_YAML_SCHEMA_H
#define TRIAD_EXPERIMENT_YAML_SCHEMA_H

#include "base/arena.h"
#include "triad/base.h"

typedef enum yaml_kind {
    YAML_TEXT,    /* const char *, not empty, at most max bytes where max > 0 */
    YAML_CHOICE,  /* const char *: one of `choices` */
    YAML_INT,     /* int64_t in [min, max] */
    YAML_REAL,    /* double in [min, max] */
    YAML_BOOL,    /* bool: true or false */
    YAML_TEXTS,   /* const char **, count at count_offset (size_t); as YAML_TEXT each */
    YAML_CHOICES, /* const char **, count at count_offset */
    YAML_INTS,    /* int64_t *, count at count_offset */
    YAML_REALS,   /* double *, count at count_offset */
    YAML_BLOCK,   /* a block of keys by `fields`, whose offsets count from the struct that holds the block */
    YAML_STRUCTS  /* a pointer to structs of `size` bytes by `fields`, count at count_offset */
} yaml_kind;

enum { YAML_MAX_LIST = 10000 };

typedef struct yaml_field {
    const char *key; /* NULL ends a table */
    yaml_kind kind;
    size_t offset, count_offset;
    double min, max;
    const char *const *choices; /* NULL-terminated */
    const struct yaml_field *fields;
    size_t size;
    bool required;
} yaml_field;

/* Where a value stood: looked up by the address of the member that it went to. */
typedef struct yaml_place {
    const void *member;
    size_t line;
} yaml_place;
typedef struct yaml_places {
    yaml_place *place;
    size_t count, capacity;
} yaml_places;

/* Fills *target (preset with the defaults) from size bytes; strings and lists live in the arena, and so do the places
 * (may be NULL). name is the file's, for messages: "NAME:LINE: KEY: why". */
TRIAD_NODISCARD triad_status yaml_load(void *target, const yaml_field *fields, const char *bytes, size_t size,
                                       const char *name, triad_arena *arena, yaml_places *places, triad_error *err);
/* 0: the member was not given. */
size_t yaml_line(const yaml_places *places, const void *member);

#endif
