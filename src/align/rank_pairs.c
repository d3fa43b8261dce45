/* Ranks of a table of pairs: two rounds of buckets that are cut evenly over the range, then short insertion sorts. No
 * comparison sort of all values, and each bucket fits a near cache. */
#include "align/gram.h"
#include "align/ranks.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNKS = 32,   /* runs of rows with as many pairs each */
    BUCKET = 1024, /* values of a bucket, if they are spread evenly */
    BUCKETS_MOST = 1 << 16,
    GROUP = 64,  /* buckets ranked in one tile */
    CROWDED = 32 /* values in one place of the second round from where on radix sort is faster */
};

typedef struct entry {
    double value;
    uint64_t at; /* place in the table */
} entry;

typedef struct ranking {
    double *table;
    size_t n, pairs, buckets;
    double least, scale;      /* bucket = (value - least) * scale */
    size_t first[CHUNKS + 1]; /* row */
    double low[CHUNKS], high[CHUNKS];
    size_t *count; /* [CHUNKS, buckets], then where each chunk's part of a bucket begins */
    size_t *start; /* [buckets + 1] */
    entry *sorted; /* [pairs] by bucket */
    atomic_bool failed;
} ranking;

static size_t bucket_of(const ranking *r, double value)
{
    const size_t bucket = (size_t)((value - r->least) * r->scale);
    return bucket < r->buckets ? bucket : r->buckets - 1;
}

static void find_range(void *context, size_t chunk, int worker)
{
    (void)worker;
    ranking *r = context;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = r->first[chunk]; i < r->first[chunk + 1]; i++) {
        const double *row = r->table + i * r->n;
        for (size_t j = 0; j < i; j++) {
            low = row[j] < low ? row[j] : low;
            high = row[j] > high ? row[j] : high;
        }
    }
    r->low[chunk] = low;
    r->high[chunk] = high;
}

static void count_buckets(void *context, size_t chunk, int worker)
{
    (void)worker;
    ranking *r = context;
    size_t *count = r->count + chunk * r->buckets;
    for (size_t i = r->first[chunk]; i < r->first[chunk + 1]; i++)
        for (size_t j = 0; j < i; j++) count[bucket_of(r, r->table[i * r->n + j])]++;
}

static void deal_out(void *context, size_t chunk, int worker)
{
    (void)worker;
    ranking *r = context;
    size_t *next = r->count + chunk * r->buckets;
    for (size_t i = r->first[chunk]; i < r->first[chunk + 1]; i++)
        for (size_t j = 0; j < i; j++) {
            const double value = r->table[i * r->n + j];
            r->sorted[next[bucket_of(r, value)]++] = (entry){value, i * r->n + j};
        }
}

static void insertion_sort(entry *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const entry own = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1].value > own.value; at--) values[at] = values[at - 1];
        values[at] = own;
    }
}

typedef struct sort_room {
    entry *moved;
    align_keyed *keyed;
    uint32_t *place;
    size_t size;
} sort_room;

static bool fit_room(sort_room *room, size_t count)
{
    if (count <= room->size) return true;
    free(room->moved);
    free(room->keyed);
    free(room->place);
    room->size = 2 * count;
    room->moved = malloc(room->size * sizeof *room->moved);
    room->keyed = malloc(2 * room->size * sizeof *room->keyed);
    room->place = malloc((room->size + 1) * sizeof *room->place);
    if (room->moved && room->keyed && room->place) return true;
    room->size = 0;
    return false;
}

/* Sorts a bucket by value. */
static bool sort_bucket(entry *values, size_t count, sort_room *room)
{
    double low = values[0].value, high = low;
    for (size_t i = 1; i < count; i++) {
        low = values[i].value < low ? values[i].value : low;
        high = values[i].value > high ? values[i].value : high;
    }
    if (low == high) return true;
    if (count <= CROWDED) {
        insertion_sort(values, count);
        return true;
    }
    if (count >= UINT32_MAX || !fit_room(room, count)) return false;
    const double scale = (double)count / (high - low);
    uint32_t *place = room->place, most = 0;
    if (isfinite(scale)) {
        memset(place, 0, (count + 1) * sizeof *place);
        for (size_t i = 0; i < count; i++) {
            const size_t p = (size_t)((values[i].value - low) * scale);
            place[p < count ? p : count - 1]++;
        }
        for (size_t p = 0, at = 0; p < count; p++) {
            const uint32_t here = place[p];
            most = here > most ? here : most;
            place[p] = (uint32_t)at;
            at += here;
        }
    }
    if (isfinite(scale) && most <= CROWDED) {
        for (size_t i = 0; i < count; i++) {
            const size_t p = (size_t)((values[i].value - low) * scale);
            room->moved[place[p < count ? p : count - 1]++] = values[i];
        }
        insertion_sort(room->moved, count);
        memcpy(values, room->moved, count * sizeof *values);
        return true;
    }
    /* uneven, or many ties */
    for (size_t i = 0; i < count; i++) room->keyed[i] = (align_keyed){align_key_of(values[i].value), i};
    const align_keyed *sorted = align_sort_keyed(room->keyed, room->keyed + room->size, count);
    memcpy(room->moved, values, count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = room->moved[sorted[i].index];
    return true;
}

static void rank_group(void *context, size_t group, int worker)
{
    (void)worker;
    ranking *r = context;
    sort_room room = {0};
    const double middle = 0.5 * ((double)r->pairs + 1);
    for (size_t b = group * GROUP; b < r->buckets && b < (group + 1) * GROUP; b++) {
        entry *values = r->sorted + r->start[b];
        const size_t count = r->start[b + 1] - r->start[b];
        if (count == 0) continue;
        if (!sort_bucket(values, count, &room)) {
            atomic_store(&r->failed, true);
            break;
        }
        for (size_t i = 0; i < count;) {
            size_t j = i;
            while (j < count && values[j].value == values[i].value) j++;
            const double rank = (double)r->start[b] + 0.5 * (double)(i + 1 + j) - middle;
            for (; i < j; i++) r->table[values[i].at] = rank;
        }
    }
    free(room.moved);
    free(room.keyed);
    free(room.place);
}

triad_status align_rank_pairs(double *table, size_t n, align_room *room, triad_pool *pool, triad_error *err)
{
    align_room own = {0};
    if (n < 2) return TRIAD_OK;
    ranking r = {.table = table, .n = n, .pairs = n * (n - 1) / 2};
    atomic_init(&r.failed, false);
    for (size_t c = 0, row = 0; c <= CHUNKS; c++) { /* chunk c ends where its share of the pairs does */
        while (row < n && row * (row - 1) / 2 * CHUNKS < c * r.pairs) row++;
        r.first[c] = c == CHUNKS ? n : row;
    }
    triad_parallel(pool, CHUNKS, find_range, &r);
    double low = INFINITY, high = -INFINITY;
    for (size_t c = 0; c < CHUNKS; c++) {
        low = fmin(low, r.low[c]);
        high = fmax(high, r.high[c]);
    }
    r.least = low;
    r.buckets = 1;
    while (r.buckets < BUCKETS_MOST && r.buckets * BUCKET < r.pairs) r.buckets *= 2;
    r.scale = (double)r.buckets / (high - low);
    if (!(high > low) || !isfinite(r.scale)) { /* all equal, or a range that no bucket can be cut from */
        r.buckets = 1;
        r.scale = 0;
    }
    r.count = calloc(CHUNKS * r.buckets, sizeof *r.count);
    r.start = malloc((r.buckets + 1) * sizeof *r.start);
    r.sorted = align_room_take(room ? room : &own, r.pairs, sizeof *r.sorted);
    triad_status status = r.count && r.start && r.sorted ? TRIAD_OK : TRIAD_ERR_MEMORY;
    if (status == TRIAD_OK) {
        triad_parallel(pool, CHUNKS, count_buckets, &r);
        size_t at = 0;
        for (size_t b = 0; b < r.buckets; b++) {
            r.start[b] = at;
            for (size_t c = 0; c < CHUNKS; c++) {
                const size_t here = r.count[c * r.buckets + b];
                r.count[c * r.buckets + b] = at;
                at += here;
            }
        }
        r.start[r.buckets] = at;
        triad_parallel(pool, CHUNKS, deal_out, &r);
        triad_parallel(pool, (r.buckets + GROUP - 1) / GROUP, rank_group, &r);
        if (atomic_load(&r.failed)) status = TRIAD_ERR_MEMORY;
    }
    free(r.count);
    free(r.start);
    free(own.memory);
    return status == TRIAD_OK ? status : triad_fail(err, status, -1, "ranks: out of memory");
}
