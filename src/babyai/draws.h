/* The generator's draws, made some time before they are wanted: a block of outputs in a row costs far less than as many
 * single ones. What is left over when an episode is made is not used up: draws_end gives back the generator as if every
 * draw had been made alone. */
#ifndef TRIAD_BABYAI_DRAWS_H
#define TRIAD_BABYAI_DRAWS_H

#include "base/rng.h"

enum { DRAWS_BLOCK = 16, DRAWS_WORDS = 2 * (DRAWS_BLOCK + 1) };

/* Place 0 holds the output that a first half was taken from before, places 1 to DRAWS_BLOCK those ahead. */
typedef struct draws {
    unsigned __int128 state[DRAWS_BLOCK + 1], inc; /* state[i]: the generator's after output i */
    uint32_t word[DRAWS_WORDS];                    /* halves of the outputs, in the order in which they are used */
    unsigned at;                                   /* the next half to use */
} draws;

void draws_begin(draws *d, const triad_pcg64 *rng);
void draws_end(const draws *d, triad_pcg64 *rng);
/* Drops what has been used and makes as many outputs again. */
void draws_refill(draws *d);

/* At least `words` (up to 2 * DRAWS_BLOCK - 2) halves lie ahead, in order. */
static inline const uint32_t *draws_ahead(draws *d, unsigned words)
{
    if (d->at + words > DRAWS_WORDS) draws_refill(d);
    return d->word + d->at;
}

/* Generator.integers(0, below), below >= 1. */
static inline int draws_below(draws *d, int below)
{
    const uint32_t n = (uint32_t)below;
    if (n == 1) return 0;
    uint64_t product = (uint64_t)*draws_ahead(d, 1) * n;
    d->at++;
    if (__builtin_expect((uint32_t)product < n, false)) {
        const uint32_t threshold = -n % n;
        while ((uint32_t)product < threshold) {
            product = (uint64_t)*draws_ahead(d, 1) * n;
            d->at++;
        }
    }
    return (int)(product >> 32);
}

/* Generator.uniform(0, 1): a whole output; a half that waits goes on waiting. */
double draws_uniform(draws *d);

#endif
