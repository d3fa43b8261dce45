/* Pairs of spaces whose truth is known. */
#ifndef TRIAD_BENCH_SIMULATE_H
#define TRIAD_BENCH_SIMULATE_H

#include "triad/space.h"

/* Sentences "VERB COLOUR OBJECT", every combination; a sentence is the sum of its words' vectors and noise of its own.
 * A word's vector in either space of the pair is sqrt(shared) times a common idea of few dimensions, turned into the
 * space, plus sqrt(1 - shared) times a vector of the space's own. Verbs are the same in every draw; colours and objects
 * are drawn anew: which word is which carries from one space to the other by `shared` alone. */
typedef struct simulated_grammar {
    size_t verbs, colours, objects, d[2];
    double shared, noise;
} simulated_grammar;
TRIAD_NODISCARD triad_status simulate_grammar(triad_space pair[2], const simulated_grammar *grammar, uint64_t seed,
                                              uint64_t draw, triad_error *err);

/* n rows drawn independently: a common vector of few dimensions, turned into either space (the same turns in every
 * draw), and noise. */
typedef struct simulated_rows {
    size_t n, common, d[2];
    double noise;
} simulated_rows;
TRIAD_NODISCARD triad_status simulate_rows(triad_space pair[2], const simulated_rows *rows, uint64_t seed,
                                           uint64_t draw, triad_error *err);

#endif
