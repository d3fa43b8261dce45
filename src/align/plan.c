#include "align/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const OVERLAP_NAMES[ALIGN_OVERLAP_KINDS] = {"mutual_knn", "mutual_knn_frac", "jaccard_knn",
                                                               "cycle_knn"};
static const char *const CCA_NAMES[] = {"mean", "r2", "svcca99", "pwcca_x", "pwcca_y"};
static const char *const SHAPE_NAMES[] = {"similarity", "dist2", "dist", "angular", "disparity", "size_and_shape"};
static const char *const TIE_NAMES[ALIGN_TIES] = {"expected", "optimistic", "pessimistic"};
static const char *const WAY_NAMES[] = {"xy", "yx", "mean"};

static const struct {
    const char *name;
    align_matrix_kind kind;
} KERNELS[] = {
    {"cka_linear", ALIGN_GRAM},
    {"cka_linear_debiased", ALIGN_GRAM_U},
    {"cka_rbf_median/0.5", ALIGN_RBF_HALF},
    {"cka_rbf_median/1.0", ALIGN_RBF_ONE},
    {"cka_rbf_median_debiased/0.5", ALIGN_RBF_HALF_U},
    {"cka_rbf_median_debiased/1.0", ALIGN_RBF_ONE_U},
    {"cka_rbf_unit_sigma1", ALIGN_RBF_UNIT},
};

static const struct {
    const char *name;
    align_matrix_kind first;
} RDMS[] = {{"cosine", ALIGN_COSINE},
            {"correlation", ALIGN_CORRELATION},
            {"euclidean", ALIGN_EUCLIDEAN},
            {"sqeuclidean", ALIGN_SQEUCLIDEAN}};

/* How two RDMs are compared: the family, and which of a kind's three forms it takes. */
static const struct {
    const char *name;
    align_family family;
    unsigned form;
} COMPARISONS[] = {
    {"pearson", ALIGN_FAMILY_MATRIX, 1}, {"spearman", ALIGN_FAMILY_MATRIX, 2}, {"rho_a", ALIGN_FAMILY_RHO, 2},
    {"tau_a", ALIGN_FAMILY_TAU_A, 0},    {"tau_b", ALIGN_FAMILY_TAU_B, 0},     {"cosine", ALIGN_FAMILY_MATRIX, 0},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- names and patterns */

/* pattern is the name's beginning, cut at a '/'; a part "*" stands for any. */
static bool matches(const char *name, const char *pattern)
{
    for (;;) {
        const size_t part = strcspn(pattern, "/"), other = strcspn(name, "/");
        const bool any = part == 1 && pattern[0] == '*';
        if (!any && (part != other || strncmp(pattern, name, part) != 0)) return false;
        if (pattern[part] == '\0') return true;
        if (name[other] == '\0') return false;
        pattern += part + 1;
        name += other + 1;
    }
}

typedef struct builder {
    align_plan *plan;
    const char *const *patterns;
    size_t pattern_count;
    bool *used; /* [pattern_count] */
    size_t capacity;
    bool failed;
} builder;

static void offer(builder *b, const align_spec *spec)
{
    bool wanted = false;
    for (size_t i = 0; i < b->pattern_count; i++)
        if (matches(spec->name, b->patterns[i])) b->used[i] = wanted = true;
    if (!wanted || b->failed) return;
    align_plan *plan = b->plan;
    if (plan->count == b->capacity) {
        b->capacity = b->capacity ? 2 * b->capacity : 64;
        align_spec *grown = realloc(plan->spec, b->capacity * sizeof *grown);
        if (grown == NULL) {
            b->failed = true;
            return;
        }
        plan->spec = grown;
    }
    plan->spec[plan->count++] = *spec;
}

/* ---- the catalogue */

static void offer_overlap(builder *b)
{
    const align_plan *plan = b->plan;
    for (unsigned kind = 0; kind < ALIGN_OVERLAP_KINDS; kind++)
        for (unsigned centred = 0; centred < (kind == ALIGN_OVERLAP_PLAIN ? 2 : 1); centred++)
            for (size_t q = 0; q < plan->ks; q++) {
                align_spec spec = {.family = centred ? ALIGN_FAMILY_CENTRED : ALIGN_FAMILY_OVERLAP,
                                   .variant = kind,
                                   .k = plan->k[q],
                                   .q = q,
                                   .drawn = true,
                                   .chance = NAN};
                if (kind == ALIGN_OVERLAP_PLAIN || kind == ALIGN_OVERLAP_FRAC)
                    spec.chance = spec.k < plan->n ? (double)spec.k / (double)(plan->n - 1) : NAN;
                snprintf(spec.name, sizeof spec.name, "%s%s/%zu", OVERLAP_NAMES[kind], centred ? "_centered" : "",
                         spec.k);
                offer(b, &spec);
            }
    for (size_t q = 0; q < plan->ks; q++) {
        align_spec spec = {.family = ALIGN_FAMILY_CKNNA, .k = plan->k[q], .q = q, .chance = NAN};
        snprintf(spec.name, sizeof spec.name, "cknna/%zu", spec.k);
        if (spec.k >= 2) offer(b, &spec);
    }
}

static void offer_matrices(builder *b)
{
    for (size_t i = 0; i < COUNT(KERNELS); i++) {
        align_spec spec = {.family = ALIGN_FAMILY_MATRIX, .variant = KERNELS[i].kind, .drawn = true};
        spec.chance = align_is_unbiased(KERNELS[i].kind) ? 0 : NAN;
        snprintf(spec.name, sizeof spec.name, "%s", KERNELS[i].name);
        offer(b, &spec);
    }
    for (size_t i = 0; i < COUNT(RDMS); i++)
        for (size_t c = 0; c < COUNT(COMPARISONS); c++) {
            align_spec spec = {.family = COMPARISONS[c].family, .variant = RDMS[i].first + COMPARISONS[c].form};
            spec.drawn = spec.family == ALIGN_FAMILY_MATRIX || spec.family == ALIGN_FAMILY_RHO;
            spec.chance = spec.family == ALIGN_FAMILY_MATRIX && COMPARISONS[c].form == 0 ? NAN : 0;
            snprintf(spec.name, sizeof spec.name, "rsa/%s/%s", RDMS[i].name, COMPARISONS[c].name);
            offer(b, &spec);
        }
}

/* Correlations of what the controls leave of two tables of distances. */
static void offer_partial(builder *b, const triad_align_options *options)
{
    for (size_t i = 0; options->control_count > 0 && i < COUNT(RDMS); i++)
        for (unsigned form = 0; form < 2; form++) {
            align_spec spec = {
                .family = ALIGN_FAMILY_MATRIX, .variant = align_residual_kind(RDMS[i].first, form == 1), .drawn = true};
            snprintf(spec.name, sizeof spec.name, "rsa_partial/%s/%s", RDMS[i].name, form ? "spearman" : "pearson");
            offer(b, &spec);
        }
}

/* Column by column, and of several columns all together. */
static void offer_words(builder *b, const triad_align_options *options)
{
    const size_t count = options->word_count;
    for (unsigned i = 0; i < count + (count > 1); i++) {
        align_spec spec = {.family = ALIGN_FAMILY_WORDS, .variant = i, .chance = 0.5, .drawn = true};
        snprintf(spec.name, sizeof spec.name, "leave_two_words/%.40s/%zu", i < count ? options->words[i] : "together",
                 options->cap ? options->cap : 64);
        offer(b, &spec);
    }
}

static void offer_r2(builder *b)
{
    for (unsigned way = 0; way < COUNT(WAY_NAMES) && b->plan->protocol[0].kind != ALIGN_INSAMPLE; way++) {
        align_spec spec = {.family = ALIGN_FAMILY_R2, .way = way};
        snprintf(spec.name, sizeof spec.name, "map_r2/%s/%s", b->plan->protocol[0].name, WAY_NAMES[way]);
        offer(b, &spec);
    }
}

static void offer_linear(builder *b)
{
    for (unsigned i = 0; i < COUNT(CCA_NAMES); i++) {
        align_spec spec = {.family = ALIGN_FAMILY_CCA, .variant = i, .chance = NAN};
        snprintf(spec.name, sizeof spec.name, "cca/%s", CCA_NAMES[i]);
        offer(b, &spec);
    }
    for (unsigned i = 0; i < COUNT(SHAPE_NAMES); i++) {
        align_spec spec = {.family = ALIGN_FAMILY_SHAPE, .variant = i, .chance = NAN};
        snprintf(spec.name, sizeof spec.name, "procrustes/%s", SHAPE_NAMES[i]);
        offer(b, &spec);
    }
}

/* The chance that a random order puts the right row among the first k; folds are as equal as can be. */
static double chance_of(size_t n, size_t k, bool test)
{
    if (!test) return k < n ? (double)k / (double)n : 1;
    double sum = 0;
    for (size_t f = 0; f < ALIGN_FOLDS; f++) {
        const size_t pool = n / ALIGN_FOLDS + (f < n % ALIGN_FOLDS);
        sum += k < pool ? (double)k : (double)pool;
    }
    return n > 0 ? sum / (double)n : NAN;
}

static void offer_retrieval(builder *b)
{
    const align_plan *plan = b->plan;
    for (unsigned p = 0; p < plan->protocols; p++)
        for (unsigned test = 0; test < (plan->protocol[p].kind == ALIGN_INSAMPLE ? 1 : 2); test++)
            for (unsigned way = 0; way < COUNT(WAY_NAMES); way++)
                for (unsigned csls = 0; csls < 2; csls++)
                    for (size_t q = 0; q < plan->ks; q++)
                        for (unsigned tie = 0; tie < ALIGN_TIES; tie++) {
                            align_spec spec = {.family = ALIGN_FAMILY_RETRIEVAL,
                                               .variant = p,
                                               .k = plan->k[q],
                                               .q = q,
                                               .test = test,
                                               .csls = csls,
                                               .way = way,
                                               .tie = (align_tie)tie};
                            spec.drawn = p == 0 && !csls && plan->protocol[0].kind == ALIGN_STRICT &&
                                         plan->protocol[0].map == ALIGN_PROCRUSTES;
                            spec.chance = chance_of(plan->n, spec.k, test);
                            snprintf(spec.name, sizeof spec.name, "retrieval/%s/%s/%s/%s/%zu/%s",
                                     plan->protocol[p].name, test ? "test" : "all", WAY_NAMES[way],
                                     csls ? "csls" : "nn", spec.k, TIE_NAMES[tie]);
                            offer(b, &spec);
                        }
}

static void list_protocols(align_plan *plan, const triad_align_options *options)
{
    static const align_protocol fixed[] = {{.kind = ALIGN_STRICT, .cap = 64, .name = "strict64"},
                                           {.kind = ALIGN_STRICT, .name = "strict"},
                                           {.kind = ALIGN_VLCA, .name = "vlca"},
                                           {.kind = ALIGN_INSAMPLE, .name = "insample"},
                                           {.kind = ALIGN_PAD, .name = "pad"}};
    static const char *const kinds[] = {"strict", "vlca", "insample", "pad"}, *const maps[] = {"", "-ridge", "-cca"};
    align_protocol own = {.kind = options->protocol, .map = options->map};
    if (own.kind == ALIGN_STRICT && options->cap) {
        own.cap = options->cap;
        snprintf(own.name, sizeof own.name, "strict%zu%s", options->cap % 1000000000, maps[options->map]);
    } else {
        snprintf(own.name, sizeof own.name, "%s%s", kinds[options->protocol], maps[options->map]);
    }
    plan->protocol[plan->protocols++] = own;
    for (size_t i = 0; i < COUNT(fixed); i++)
        if (strcmp(fixed[i].name, own.name) != 0) plan->protocol[plan->protocols++] = fixed[i];
}

static void note_needs(align_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        align_protocol *protocol = &plan->protocol[spec->family == ALIGN_FAMILY_RETRIEVAL ? spec->variant : 0];
        switch (spec->family) {
        case ALIGN_FAMILY_OVERLAP:
            plan->overlaps |= 1U << spec->variant;
            break;
        case ALIGN_FAMILY_CENTRED:
            plan->centred_overlaps |= 1U << spec->variant;
            break;
        case ALIGN_FAMILY_CKNNA:
            plan->overlaps |= 1U << ALIGN_OVERLAP_PLAIN;
            break;
        case ALIGN_FAMILY_MATRIX:
        case ALIGN_FAMILY_RHO:
        case ALIGN_FAMILY_TAU_A:
        case ALIGN_FAMILY_TAU_B:
            plan->matrices |= 1U << spec->variant;
            break;
        case ALIGN_FAMILY_CCA:
            plan->cca = true;
            break;
        case ALIGN_FAMILY_SHAPE:
            plan->shape = true;
            break;
        case ALIGN_FAMILY_RETRIEVAL:
            plan->retrieval = true;
            if (spec->csls)
                *(spec->test ? &protocol->csls_test : &protocol->csls_all) = true;
            else
                *(spec->test ? &protocol->nn_test : &protocol->nn_all) = true;
            plan->basis |= protocol->kind == ALIGN_VLCA;
            break;
        case ALIGN_FAMILY_R2:
            plan->retrieval = plan->protocol[0].r2 = true;
            plan->basis |= plan->protocol[0].kind == ALIGN_VLCA;
            break;
        case ALIGN_FAMILY_WORDS:
            break;
        }
    }
    plan->basis |= plan->cca;
    plan->matrices |= align_kinds_of_residuals(plan->matrices);
    plan->raw = plan->cca || plan->matrices >> ALIGN_CORRELATION & 7;
}

triad_status triad_align_protocol_named(triad_align_options *options, const char *name, triad_error *err)
{
    static const char *const kinds[] = {"strict", "vlca", "insample", "pad"};
    for (unsigned i = 0; i < COUNT(kinds); i++)
        if (strcmp(name, kinds[i]) == 0) {
            options->protocol = (triad_align_protocol)i;
            options->cap = 0;
            return TRIAD_OK;
        }
    if (strncmp(name, "strict", 6) == 0 && name[6] != '0' && strspn(name + 6, "0123456789") == strlen(name) - 6 &&
        strlen(name) < 12) {
        options->protocol = ALIGN_STRICT;
        options->cap = (size_t)strtoul(name + 6, NULL, 10);
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                      "protocol %.40s: wants strict64 (or any number), strict, vlca, insample or pad", name);
}

triad_status align_plan_create(align_plan *plan, const triad_align_options *options, size_t n, triad_error *err)
{
    *plan = (align_plan){.n = n, .ks = options->ks};
    if (options->ks > ALIGN_MAX_KS) return triad_fail(err, TRIAD_ERR_RANGE, -1, "k: at most %d values", ALIGN_MAX_KS);
    for (size_t q = 0; q < options->ks; q++) {
        plan->k[q] = options->k[q];
        if (plan->k[q] < 1 || (q > 0 && plan->k[q] <= plan->k[q - 1]))
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "k: must be positive and ascending");
        if (plan->k[q] < n) plan->usable = q + 1;
    }
    list_protocols(plan, options);

    char own[64];
    static const char *const ways[] = {"*", "xy", "yx"};
    snprintf(own, sizeof own, "retrieval/%s/all/%s/nn/*/expected", plan->protocol[0].name,
             ways[options->direction < COUNT(ways) ? options->direction : 0]);
    const char *const usual[] = {own,
                                 "mutual_knn_frac",
                                 "mutual_knn",
                                 "cka_linear_debiased",
                                 "rsa/cosine/spearman",
                                 "leave_two_words",
                                 "rsa_partial/cosine/spearman"};
    const bool asked = options->measures != NULL && options->measure_count > 0;
    const size_t defaults = COUNT(usual) - (options->control_count == 0);
    builder b = {.plan = plan,
                 .patterns = asked ? options->measures : usual,
                 .pattern_count = asked ? options->measure_count : defaults};
    b.used = calloc(b.pattern_count, sizeof *b.used);
    if (b.used == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    offer_overlap(&b);
    offer_matrices(&b);
    offer_partial(&b, options);
    offer_linear(&b);
    offer_retrieval(&b);
    offer_r2(&b);
    offer_words(&b, options);
    triad_status status = b.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory") : TRIAD_OK;
    for (size_t i = 0; status == TRIAD_OK && asked && i < b.pattern_count; i++)
        if (!b.used[i])
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                "measure %s: there is none of that name (try mutual_knn_frac, cka_linear_debiased, "
                                "rsa/cosine/spearman, cca, procrustes, retrieval/strict64)",
                                b.patterns[i]);
    free(b.used);
    note_needs(plan);
    if (status != TRIAD_OK) align_plan_free(plan);
    return status;
}

triad_status align_plan_rest(align_plan *rest, size_t **place, const align_plan *plan, triad_error *err)
{
    *rest = (align_plan){.n = plan->n, .ks = plan->ks, .usable = plan->usable, .protocols = plan->protocols};
    memcpy(rest->k, plan->k, sizeof rest->k);
    rest->spec = malloc((plan->count + 1) * sizeof *rest->spec);
    *place = malloc((plan->count + 1) * sizeof **place);
    if (rest->spec == NULL || *place == NULL) {
        free(*place);
        *place = NULL;
        align_plan_free(rest);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    }
    for (size_t p = 0; p < plan->protocols; p++) {
        rest->protocol[p] = (align_protocol){
            .kind = plan->protocol[p].kind, .map = plan->protocol[p].map, .cap = plan->protocol[p].cap};
        memcpy(rest->protocol[p].name, plan->protocol[p].name, sizeof rest->protocol[p].name);
    }
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->spec[i].drawn) {
            (*place)[rest->count] = i;
            rest->spec[rest->count++] = plan->spec[i];
        }
    note_needs(rest);
    return TRIAD_OK;
}

void align_plan_free(align_plan *plan)
{
    free(plan->spec);
    *plan = (align_plan){0};
}

bool align_plan_allows(const align_plan *plan, const align_spec *spec, const char **reason)
{
    const char *unused;
    if (reason == NULL) reason = &unused;
    switch (spec->family) {
    case ALIGN_FAMILY_CKNNA:
        *reason = plan->n < 4               ? "fewer than 4 sentences"
                  : spec->q >= plan->usable ? "not more than k sentences"
                                            : "no neighbours in common to compare";
        return plan->n >= 4 && spec->q < plan->usable;
    case ALIGN_FAMILY_OVERLAP:
    case ALIGN_FAMILY_CENTRED:
        *reason = "not more than k sentences";
        return spec->q < plan->usable;
    case ALIGN_FAMILY_RETRIEVAL:
        *reason = plan->n < ALIGN_LEAST_FOR_RETRIEVAL ? "fewer than 10 sentences" : "fewer than k sentences";
        return plan->n >= ALIGN_LEAST_FOR_RETRIEVAL && spec->k <= plan->n;
    case ALIGN_FAMILY_R2:
        *reason = plan->n < ALIGN_LEAST_FOR_RETRIEVAL ? "fewer than 10 sentences" : "a side does not vary";
        return plan->n >= ALIGN_LEAST_FOR_RETRIEVAL;
    case ALIGN_FAMILY_WORDS:
        *reason = "no two sentences differ in a word of the column alone";
        return true;
    case ALIGN_FAMILY_MATRIX:
    case ALIGN_FAMILY_RHO:
    case ALIGN_FAMILY_TAU_A:
    case ALIGN_FAMILY_TAU_B:
        if (align_is_unbiased((align_matrix_kind)spec->variant) && plan->n < 4) {
            *reason = "fewer than 4 sentences";
            return false;
        }
        *reason = spec->variant >= ALIGN_RESIDUALS ? "the controls leave nothing of a side"
                  : spec->variant >= ALIGN_CORRELATION && spec->variant <= ALIGN_CORRELATION_RANKS
                      ? "a side has fewer than 3 columns, or all its distances are equal"
                  : align_is_rdm((align_matrix_kind)spec->variant) ? "all distances of a side are equal"
                                                                   : "a side does not vary";
        return true;
    case ALIGN_FAMILY_CCA:
        *reason = spec->variant >= 3
                      ? "several canonical correlations are 1 (more dimensions than sentences), or a side does not vary"
                      : "a side does not vary";
        return true;
    case ALIGN_FAMILY_SHAPE:
        *reason = "a side does not vary";
        return true;
    }
    return true;
}
