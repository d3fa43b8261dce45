/* NumPy's default generator, bit for bit: SeedSequence -> PCG64 (O'Neill 2014, XSL-RR 128/64),
 * Generator.integers by Lemire's method on 32-bit draws, Generator.uniform from 53 bits. */
#ifndef TRIAD_BASE_RNG_H
#define TRIAD_BASE_RNG_H

#include "triad/base.h"

typedef struct triad_pcg64 {
    unsigned __int128 state, inc;
    uint32_t buffered; /* the half of a 64-bit draw that is still to be used; stale when !has_buffered */
    bool has_buffered;
} triad_pcg64;

/* default_rng(seed). */
void triad_pcg64_seed(triad_pcg64 *rng, uint64_t seed);

/* default_rng of an integer given as little-endian 32-bit words, or of a list of such integers already
 * split (count >= 1). Keys of independent streams: {seed, purpose, index}. */
void triad_pcg64_seed_words(triad_pcg64 *rng, const uint32_t *words, size_t count);

#define TRIAD_PCG64_MULTIPLIER ((unsigned __int128)0x2360ED051FC65DA4ULL << 64 | 0x4385DF649FCCF645ULL)

/* What a generator that has come to this state gives out. */
static inline uint64_t triad_pcg64_output(unsigned __int128 state)
{
    const uint64_t x = (uint64_t)(state >> 64) ^ (uint64_t)state;
    const unsigned turn = (unsigned)(state >> 122);
    return (x >> turn) | (x << ((64 - turn) & 63));
}

static inline uint64_t triad_pcg64_next64(triad_pcg64 *rng)
{
    rng->state = rng->state * TRIAD_PCG64_MULTIPLIER + rng->inc;
    return triad_pcg64_output(rng->state);
}

static inline uint32_t triad_pcg64_next32(triad_pcg64 *rng)
{
    if (rng->has_buffered) {
        rng->has_buffered = false;
        return rng->buffered;
    }
    const uint64_t v = triad_pcg64_next64(rng);
    rng->buffered = (uint32_t)(v >> 32);
    rng->has_buffered = true;
    return (uint32_t)v;
}

/* Generator.integers(low, high): low <= result < high, high - low in [1, 2^32). No draw when high - low == 1. */
static inline int64_t triad_pcg64_integers(triad_pcg64 *rng, int64_t low, int64_t high)
{
    const uint32_t range = (uint32_t)(high - low - 1);
    if (range == 0) return low;
    const uint32_t excluded = range + 1;
    uint64_t m = (uint64_t)triad_pcg64_next32(rng) * excluded;
    if ((uint32_t)m < excluded) {
        const uint32_t threshold = (uint32_t)(0xffffffffU - range) % excluded;
        while ((uint32_t)m < threshold) m = (uint64_t)triad_pcg64_next32(rng) * excluded;
    }
    return low + (int64_t)(m >> 32);
}

/* Generator.uniform(0, 1). */
static inline double triad_pcg64_uniform(triad_pcg64 *rng)
{
    return (double)(triad_pcg64_next64(rng) >> 11) * 0x1p-53;
}

/* A standard normal by Box and Muller (not NumPy's ziggurat). */
double triad_pcg64_normal(triad_pcg64 *rng);

/* Fisher-Yates from the last element down, by triad_pcg64_integers (not NumPy's own order). */
void triad_pcg64_shuffle(triad_pcg64 *rng, size_t *order, size_t n);

/* One step of SplitMix64 (Steele et al. 2014): advances *state, returns the draw. */
uint64_t triad_splitmix64(uint64_t *state);

#endif
