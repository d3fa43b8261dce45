#include "babyai/draws.h"

#include <string.h>

/* The output that the half before `at` belongs to. */
static unsigned current(const draws *d)
{
    return (d->at - 1) / 2;
}

static void fill(draws *d, unsigned from)
{
    triad_pcg64 rng = {.state = d->state[from - 1], .inc = d->inc};
    for (unsigned i = from; i <= DRAWS_BLOCK; i++) {
        const uint64_t output = triad_pcg64_next64(&rng);
        d->state[i] = rng.state;
        memcpy(&d->word[2 * i], &output, sizeof output);
    }
}

void draws_begin(draws *d, const triad_pcg64 *rng)
{
    d->state[0] = rng->state;
    d->inc = rng->inc;
    d->word[0] = 0;
    d->word[1] = rng->buffered;
    d->at = rng->has_buffered ? 1 : 2;
    fill(d, 1);
}

void draws_end(const draws *d, triad_pcg64 *rng)
{
    rng->state = d->state[current(d)];
    rng->has_buffered = d->at % 2;
    rng->buffered = d->word[2 * current(d) + 1];
}

void draws_refill(draws *d)
{
    const unsigned gone = current(d), kept = DRAWS_BLOCK + 1 - gone;
    memmove(d->state, d->state + gone, kept * sizeof *d->state);
    memmove(d->word, d->word + 2 * gone, 2 * kept * sizeof *d->word);
    d->at -= 2 * gone;
    fill(d, kept);
}

double draws_uniform(draws *d)
{
    if (current(d) == DRAWS_BLOCK) draws_refill(d);
    const unsigned i = current(d) + 1;
    uint64_t output;
    memcpy(&output, &d->word[2 * i], sizeof output);
    d->word[2 * i + 1] = d->word[2 * i - 1]; /* the half that waits, or was used last, moves behind it */
    d->at += 2;
    return (double)(output >> 11) * 0x1p-53;
}
