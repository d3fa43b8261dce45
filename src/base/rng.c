#include "base/rng.h"

#include <math.h>

/* SeedSequence after O'Neill's seed_seq_fe ("Developing a seed_seq Alternative", 2015), with NumPy's constants. */
enum { POOL = 4 };

typedef struct seed_pool {
    uint32_t word[POOL];
    uint32_t hash; /* the running multiplier of hashmix */
} seed_pool;

static uint32_t hashmix(seed_pool *pool, uint32_t value)
{
    value ^= pool->hash;
    pool->hash *= 0x931e8875U;
    value *= pool->hash;
    return value ^ (value >> 16);
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    const uint32_t result = 0xca01f9ddU * x - 0x4973f715U * y;
    return result ^ (result >> 16);
}

static void seed_pool_fill(seed_pool *pool, const uint32_t *words, size_t count)
{
    pool->hash = 0x43b0d7e5U;
    for (size_t i = 0; i < POOL; i++) pool->word[i] = hashmix(pool, i < count ? words[i] : 0);
    for (size_t source = 0; source < POOL; source++)
        for (size_t target = 0; target < POOL; target++)
            if (source != target) pool->word[target] = mix(pool->word[target], hashmix(pool, pool->word[source]));
    for (size_t i = POOL; i < count; i++)
        for (size_t target = 0; target < POOL; target++)
            pool->word[target] = mix(pool->word[target], hashmix(pool, words[i]));
}

void triad_pcg64_seed_words(triad_pcg64 *rng, const uint32_t *words, size_t count)
{
    seed_pool pool;
    seed_pool_fill(&pool, words, count);

    uint64_t state[4] = {0};
    uint32_t hash = 0x8b51f9ddU;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t value = pool.word[i % POOL] ^ hash;
        hash *= 0x58f38dedU;
        value *= hash;
        value ^= value >> 16;
        state[i / 2] |= (uint64_t)value << (32 * (i % 2));
    }

    const unsigned __int128 start = (unsigned __int128)state[0] << 64 | state[1];
    const unsigned __int128 stream = (unsigned __int128)state[2] << 64 | state[3];
    *rng = (triad_pcg64){.inc = stream << 1 | 1};
    (void)triad_pcg64_next64(rng);
    rng->state += start;
    (void)triad_pcg64_next64(rng);
}

void triad_pcg64_seed(triad_pcg64 *rng, uint64_t seed)
{
    const uint32_t words[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    triad_pcg64_seed_words(rng, words, words[1] != 0 ? 2 : 1);
}

double triad_pcg64_normal(triad_pcg64 *rng)
{
    const double radius = sqrt(-2.0 * log(1.0 - triad_pcg64_uniform(rng))); /* 1 - u is never 0 */
    return radius * cos(6.283185307179586477 * triad_pcg64_uniform(rng));
}

void triad_pcg64_shuffle(triad_pcg64 *rng, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)triad_pcg64_integers(rng, 0, (int64_t)i);
        const size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

uint64_t triad_splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}
