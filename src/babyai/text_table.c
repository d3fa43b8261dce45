#include "babyai/text_table.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash(const char *text, size_t bytes)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < bytes; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
    return h ^ h >> 32;
}

static size_t length_of(const text_table *table, size_t index)
{
    return (size_t)(table->offset[index + 1] - table->offset[index]) - table->terminated;
}

/* The slot of a text: where it is, or where it would go. */
static size_t find_slot(const text_table *table, const char *text, size_t bytes)
{
    size_t at = hash(text, bytes) & (table->slots - 1);
    while (table->slot[at]) {
        const size_t index = table->slot[at] - 1;
        if (length_of(table, index) == bytes && memcmp(table->text + table->offset[index], text, bytes) == 0) break;
        at = (at + 1) & (table->slots - 1);
    }
    return at;
}

static bool grow_slots(text_table *table)
{
    const size_t slots = table->slots ? 2 * table->slots : 256;
    uint32_t *fresh = calloc(slots, sizeof *fresh);
    if (!fresh) return false;
    free(table->slot);
    table->slot = fresh;
    table->slots = slots;
    for (size_t i = 0; i < table->count; i++)
        table->slot[find_slot(table, table->text + table->offset[i], length_of(table, i))] = (uint32_t)(i + 1);
    return true;
}

static bool grow_texts(text_table *table, size_t bytes)
{
    if (table->count + 2 > table->offset_capacity) {
        const size_t capacity = table->offset_capacity ? 2 * table->offset_capacity : 256;
        int64_t *grown = realloc(table->offset, capacity * sizeof *grown);
        if (!grown) return false;
        grown[0] = 0;
        table->offset = grown;
        table->offset_capacity = capacity;
    }
    const size_t needed = (size_t)table->offset[table->count] + bytes;
    if (needed <= table->text_capacity) return true;
    size_t capacity = table->text_capacity ? table->text_capacity : 4096;
    while (capacity < needed) capacity *= 2;
    char *grown = realloc(table->text, capacity);
    if (!grown) return false;
    table->text = grown;
    table->text_capacity = capacity;
    return true;
}

int64_t text_table_add(text_table *table, const char *text)
{
    const size_t bytes = strlen(text);
    if (2 * (table->count + 1) > table->slots && !grow_slots(table)) return -1;
    const size_t at = find_slot(table, text, bytes);
    if (table->slot[at]) return (int64_t)table->slot[at] - 1;
    if (!grow_texts(table, bytes + 1)) return -1;
    memcpy(table->text + table->offset[table->count], text, bytes + table->terminated);
    table->offset[table->count + 1] = table->offset[table->count] + (int64_t)(bytes + table->terminated);
    table->slot[at] = (uint32_t)++table->count;
    return (int64_t)table->count - 1;
}

void text_table_free(text_table *table)
{
    free(table->text);
    free(table->offset);
    free(table->slot);
    *table = (text_table){0};
}
