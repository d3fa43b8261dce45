#include "babyai/draws.h"

#include <string.h>

/* The output that the half before `at` belongs to. */
static unsigned current(const draws *d)
{
    return (d->at - 1) / 2;
}

/* Makes the outputs `from` to DRAWS_BLOCK. Two chains of double steps run side by side: a single one would wait for
 * each of its products. */
static void fill(draws *d, unsigned from)
{
    const unsigned __int128 step = TRIAD_PCG64_MULTIPLIER, inc = d->inc, two_steps = step * step,
                            two_incs = (step + 1) * inc;
    unsigned __int128 before = d->state[from - 1], last = before * step + inc;
    for (unsigned i = from; i <= DRAWS_BLOCK; i++) {
        const uint64_t output = triad_pcg64_output(last);
        memcpy(&d->word[2 * i], &output, sizeof output);
        d->state[i] = last;
        const unsigned __int128 next = before * two_steps + two_incs;
        before = last;
        last = next;
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
    const unsigned gone = current(d);
    unsigned kept = 0;
    for (unsigned i = gone; i <= DRAWS_BLOCK; i++, kept++) {
        d->state[kept] = d->state[i];
        d->word[2 * kept] = d->word[2 * i];
        d->word[2 * kept + 1] = d->word[2 * i + 1];
    }
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
