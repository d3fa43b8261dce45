/* Which measures are wanted, under the names by which results call them, and what they need of each space. */
#ifndef TRIAD_ALIGN_PLAN_H
#define TRIAD_ALIGN_PLAN_H

#include "align/matrices.h"
#include "align/neighbours.h"
#include "align/retrieval.h"
#include "triad/align.h"

typedef enum align_family {
    ALIGN_FAMILY_OVERLAP, /* variant: align_overlap_kind */
    ALIGN_FAMILY_CENTRED, /* overlap of centred spaces; variant: align_overlap_kind */
    ALIGN_FAMILY_CKNNA,
    ALIGN_FAMILY_MATRIX, /* variant: align_matrix_kind, of both sides */
    ALIGN_FAMILY_RHO,    /* rho_a of ranks; variant: align_matrix_kind */
    ALIGN_FAMILY_TAU_A,  /* variant: align_matrix_kind */
    ALIGN_FAMILY_TAU_B,
    ALIGN_FAMILY_CCA,       /* variant: place in align_cca */
    ALIGN_FAMILY_SHAPE,     /* variant: place in align_shape */
    ALIGN_FAMILY_RETRIEVAL, /* variant: number of the protocol */
    ALIGN_FAMILY_R2,        /* of the own protocol's map on held-out rows */
    ALIGN_FAMILY_WORDS      /* leave-two-words; variant: number of the options' column, word_count: together */
} align_family;

enum { ALIGN_PROTOCOLS = 6 };

typedef struct align_protocol {
    triad_align_protocol kind;
    triad_align_map map;
    size_t cap;                                /* of strict; 0: none */
    char name[24];                             /* "strict64", "strict64-ridge" */
    bool nn_all, nn_test, csls_all, csls_test; /* what is wanted of it */
    bool r2;
} align_protocol;

enum { ALIGN_WAY_XY, ALIGN_WAY_YX, ALIGN_WAY_MEAN };

typedef struct align_spec {
    char name[96];
    align_family family;
    unsigned variant;
    size_t k, q; /* k is number q of the ks */
    bool test, csls;
    unsigned way;
    align_tie tie;
    double chance; /* NaN where a measure has none */
    bool drawn;    /* the nulls draw it by sums, or by quick refits of the plan's own protocol; else it is measured
                      again on rows in another order */
} align_spec;

typedef struct align_plan {
    size_t n, ks, k[ALIGN_MAX_KS];
    size_t usable; /* the leading ks that are below n */
    size_t count;
    align_spec *spec;
    size_t protocols;
    align_protocol protocol[ALIGN_PROTOCOLS]; /* number 0 is the options' own */
    unsigned overlaps, centred_overlaps;      /* bits of align_overlap_kind */
    uint32_t matrices;                        /* bits of align_matrix_kind */
    bool cca, shape, basis, raw, retrieval;   /* raw: columns as they came */
} align_plan;

/* The measures of `options` on n sentences, the same and in the same order for any n; a name that matches none fails.
 */
enum { ALIGN_LEAST_FOR_RETRIEVAL = 10 };
TRIAD_NODISCARD triad_status align_plan_create(align_plan *plan, const triad_align_options *options, size_t n,
                                               triad_error *err);
void align_plan_free(align_plan *plan);

/* The measures that are not drawn; place [rest->count] tells where they stand in plan, the caller frees. */
TRIAD_NODISCARD triad_status align_plan_rest(align_plan *rest, size_t **place, const align_plan *plan,
                                             triad_error *err);

/* Whether n sentences are enough for the measure at all; reason (may be NULL) says why not, or why it may still be
 * undefined: static text. */
bool align_plan_allows(const align_plan *plan, const align_spec *spec, const char **reason);

#endif
