#include "base/arena.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

/* Memory that was rewound is poisoned, so that AddressSanitizer sees a pointer that outlived its mark. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum { ALIGNMENT = 64, DEFAULT_BLOCK = 1 << 20 };

struct triad_arena_block {
    struct triad_arena_block *previous;
    struct triad_arena_block *spare; /* a block that a rewind gave back: taken before memory is asked for anew */
    size_t capacity, offset;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void triad_arena_init(triad_arena *arena, size_t block_size)
{
    *arena = (triad_arena){.block_size = block_size};
}

static void block_free(triad_arena_block *block)
{
    if (block == NULL) return;
    block_free(block->spare); /* a spare block has none of its own */
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->capacity);
    free(block);
}

void triad_arena_free(triad_arena *arena)
{
    if (arena == NULL) return;
    while (arena->head != NULL) {
        triad_arena_block *previous = arena->head->previous;
        block_free(arena->head);
        arena->head = previous;
    }
    arena->used = arena->peak = 0;
}

/* Makes a block with room for `bytes` the head. */
static bool add_block(triad_arena *arena, size_t bytes)
{
    triad_arena_block *block = arena->head != NULL ? arena->head->spare : NULL;
    if (block != NULL && block->capacity >= bytes) {
        arena->head->spare = NULL;
    } else {
        size_t capacity = arena->block_size != 0 ? arena->block_size : DEFAULT_BLOCK;
        if (capacity < bytes) capacity = bytes;
        size_t total;
        if (!triad_add_size(&total, capacity, sizeof *block + ALIGNMENT - 1)) return false;
        total -= total % ALIGNMENT;
        block = aligned_alloc(ALIGNMENT, total);
        if (block == NULL) return false;
        block->capacity = total - sizeof *block;
        ASAN_POISON_MEMORY_REGION(block->bytes, block->capacity);
    }
    block->offset = 0;
    block->spare = NULL;
    block->previous = arena->head;
    arena->head = block;
    return true;
}

void *triad_arena_alloc(triad_arena *arena, size_t count, size_t size)
{
    size_t bytes, rounded;
    if (!triad_mul_size(&bytes, count, size)) return NULL;
    if (!triad_add_size(&rounded, bytes, ALIGNMENT - 1)) return NULL;
    rounded -= rounded % ALIGNMENT;
    if (rounded == 0) rounded = ALIGNMENT; /* nothing still has an address of its own */
    if (arena->head == NULL || arena->head->capacity - arena->head->offset < rounded) {
        if (!add_block(arena, rounded)) return NULL;
    }
    void *result = arena->head->bytes + arena->head->offset;
    arena->head->offset += rounded;
    arena->used += rounded;
    if (arena->used > arena->peak) arena->peak = arena->used;
    ASAN_UNPOISON_MEMORY_REGION(result, bytes);
    return result;
}

void *triad_arena_zalloc(triad_arena *arena, size_t count, size_t size)
{
    void *result = triad_arena_alloc(arena, count, size);
    if (result != NULL) memset(result, 0, count * size);
    return result;
}

char *triad_arena_strndup(triad_arena *arena, const char *text, size_t bytes)
{
    size_t total;
    if (!triad_add_size(&total, bytes, 1)) return NULL;
    char *copy = triad_arena_alloc(arena, total, 1);
    if (copy == NULL) return NULL;
    if (bytes > 0) memcpy(copy, text, bytes);
    copy[bytes] = 0;
    return copy;
}

char *triad_arena_strdup(triad_arena *arena, const char *text)
{
    return triad_arena_strndup(arena, text, strlen(text));
}

triad_arena_mark triad_arena_save(const triad_arena *arena)
{
    return (triad_arena_mark){arena->head, arena->head != NULL ? arena->head->offset : 0, arena->used};
}

void triad_arena_rewind(triad_arena *arena, triad_arena_mark mark)
{
    /* A mark from before the first block keeps that block, empty: a loop that saves and rewinds allocates once. */
    triad_arena_block *largest = NULL;
    while (arena->head != NULL && arena->head != mark.block && (mark.block != NULL || arena->head->previous != NULL)) {
        triad_arena_block *gone = arena->head;
        arena->head = gone->previous;
        if (gone->spare != NULL) {
            block_free(gone->spare);
            gone->spare = NULL;
        }
        if (largest == NULL || gone->capacity > largest->capacity) {
            block_free(largest);
            largest = gone;
        } else {
            block_free(gone);
        }
    }
    arena->used = mark.used;
    if (arena->head == NULL) return;
    arena->head->offset = mark.offset;
    ASAN_POISON_MEMORY_REGION(arena->head->bytes + mark.offset, arena->head->capacity - mark.offset);
    if (largest == NULL) return;
    if (arena->head->spare != NULL && arena->head->spare->capacity >= largest->capacity) {
        block_free(largest);
        return;
    }
    block_free(arena->head->spare);
    ASAN_POISON_MEMORY_REGION(largest->bytes, largest->capacity);
    arena->head->spare = largest;
}
