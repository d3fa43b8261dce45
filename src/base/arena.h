/* A marked arena: many allocations, one owner, freed together or back to a mark. */
#ifndef TRIAD_BASE_ARENA_H
#define TRIAD_BASE_ARENA_H

#include "triad/base.h"

typedef struct triad_arena_block triad_arena_block;

/* Zero-initialise, or triad_arena_init to choose the block size. Grows by blocks; pointers stay valid
 * until the arena is rewound past them or freed. Not thread-safe: one arena a worker. */
typedef struct triad_arena {
    triad_arena_block *head;
    size_t block_size; /* bytes; 0 means 1 MiB */
    size_t used, peak; /* bytes handed out now, and at most */
} triad_arena;

typedef struct triad_arena_mark {
    triad_arena_block *block;
    size_t offset, used;
} triad_arena_mark;

void triad_arena_init(triad_arena *arena, size_t block_size);
void triad_arena_free(triad_arena *arena);

/* count * size bytes, 64-byte aligned, uninitialised; NULL when the product overflows or memory is out. */
void *triad_arena_alloc(triad_arena *arena, size_t count, size_t size);
void *triad_arena_zalloc(triad_arena *arena, size_t count, size_t size); /* zeroed */
char *triad_arena_strdup(triad_arena *arena, const char *text);
char *triad_arena_strndup(triad_arena *arena, const char *text, size_t bytes);

triad_arena_mark triad_arena_save(const triad_arena *arena);
void triad_arena_rewind(triad_arena *arena, triad_arena_mark mark);

#define TRIAD_NEW(arena, type, count) ((type *)triad_arena_alloc((arena), (count), sizeof(type)))
#define TRIAD_NEW0(arena, type, count) ((type *)triad_arena_zalloc((arena), (count), sizeof(type)))

#endif
