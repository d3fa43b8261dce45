/* The verdict in words and the published claims, judged from the figures by rules that are printed beside them. */
#include "experiment/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXTS = 64, MAX_MEMBERS = 8192 /* agents against each other are many */ };
static const double ALPHA = 0.05, CEILING = 0.995, ROUNDING = 1e-9;

typedef struct judge {
    const claims_input *in;
    triad_arena *arena;
    bool failed;
    const char *over;                                      /* what the intervals resample: "words and seeds" */
    const figure_row *action, *untrained, *words, *random; /* against what stands for language; NULL: not there */
    const figure_row *seeds;                               /* agents against each other */
    const figure_row *training, *beyond, *gap, *family;    /* differences */
} judge;

static const char *keep(judge *j, const char *text)
{
    if (text == NULL) j->failed = true;
    return text != NULL ? text : "";
}
#define SAY(...) keep(j, arena_format(j->arena, __VA_ARGS__))

static const char *number(judge *j, double value)
{
    if (!isfinite(value)) return "undefined";
    return SAY("%s%.2f", value < -0.004999 ? "−" : "", fabs(value));
}

static const char *signed_number(judge *j, double value)
{
    if (!isfinite(value)) return "undefined";
    if (fabs(value) < 0.0005) return "0.000";
    return SAY("%s%.3f", value < 0 ? "−" : "+", fabs(value));
}

static const char *with_interval(judge *j, const report_estimate *e)
{
    if (!isfinite(e->low) || !isfinite(e->high)) return number(j, e->value);
    return SAY("%s [%s, %s]", number(j, e->value), number(j, e->low), number(j, e->high));
}

/* The agents' value with the interval for these very words. */
static const char *over_sentences(judge *j, int reading)
{
    const report_span *span = &j->action->row.sentences[reading];
    const report_estimate e = {
        j->action->row.estimate[reading].value, span->low, span->high, NAN, {NAN, NAN, NAN}, {NAN, NAN, NAN}};
    return with_interval(j, &e);
}

static const char *signed_interval(judge *j, const report_estimate *e)
{
    if (!isfinite(e->low) || !isfinite(e->high)) return signed_number(j, e->value);
    return SAY("%s [%s, %s]", signed_number(j, e->value), signed_number(j, e->low), signed_number(j, e->high));
}

static const figure_row *find(const figure_row *rows, size_t count, const char *kind, const char *x)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].kind, kind) == 0 && (x == NULL || (rows[i].x != NULL && strcmp(rows[i].x, x) == 0)))
            return &rows[i];
    return NULL;
}

/* ---- the tests behind the words */

static size_t count_seeds(const claims_input *in)
{
    size_t seeds = 0;
    for (size_t i = 0; i < in->agents; i++) seeds += in->agent[i].role == REPORT_AGENT;
    return seeds;
}

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Holm over a row's members: how many of them reject the relabel null at 5 %. -1: it was not computed for all. */
static int rejecting_in(const figure_row *row, int reading, size_t *members)
{
    double p[MAX_MEMBERS];
    *members = row != NULL ? (row->row.members > 0 ? row->row.members : 1) : 0;
    if (row == NULL || *members > MAX_MEMBERS) return -1;
    for (size_t i = 0; i < *members; i++) {
        p[i] = row->row.members > 0 ? row->member[i].p_relabel[reading] : row->row.estimate[reading].relabel.p;
        if (!isfinite(p[i])) return -1;
    }
    qsort(p, *members, sizeof *p, rising);
    int rejected = 0;
    while ((size_t)rejected < *members && p[rejected] * (double)(*members - (size_t)rejected) <= ALPHA + ROUNDING)
        rejected++;
    return rejected;
}

static int rejecting(const judge *j, int reading, size_t *members)
{
    return rejecting_in(j->action, reading, members);
}

static double least_p(size_t draws)
{
    return 1 / ((double)draws + 1);
}

/* Even if every draw lay below, Holm over the members could not reject at 5 %. draws 0: no null, or not known. */
static bool too_few(size_t draws, size_t members)
{
    return draws > 0 && (double)members * least_p(draws) > ALPHA + ROUNDING;
}

static bool few_relabellings(const judge *j, int reading)
{
    size_t members;
    return rejecting(j, reading, &members) >= 0 && too_few(j->action->draws[reading].relabel, members);
}

/* Above shuffled sentences: p at most 5 %, or where so few draws can't show that, above every one of them. Not drawn:
 * taken for granted. */
static bool related(const judge *j, int reading)
{
    const double p = j->action->row.estimate[reading].iid.p;
    const size_t draws = j->action->draws[reading].iid;
    return !(p > ALPHA) || (too_few(draws, 1) && p <= least_p(draws) + ROUNDING);
}

/* Where consistently renamed words come out right as well as can be, no value could be better: the reading is blind. */
static bool at_ceiling(const judge *j, int reading)
{
    return j->action != NULL && j->action->row.estimate[reading].relabel.mean > CEILING;
}

static bool all_reject(const judge *j, int reading)
{
    size_t agents;
    const int rejected = rejecting(j, reading, &agents);
    return rejected > 0 && (size_t)rejected == agents;
}

/* 1: the whole interval lies above 0, -1: below it, 0: it can't be told from none. What prints as 0.000 is nothing. */
static int sign_of(const report_estimate *difference)
{
    return difference->low >= 0.0005 ? 1 : difference->high <= -0.0005 ? -1 : 0;
}

static bool training_adds(const judge *j, int reading)
{
    return j->training != NULL && sign_of(&j->training->row.estimate[reading]) > 0;
}

/* Does the interval over sentences (or without one the value) meet the published band? The words are the publication's
 * own: that others might bring the value elsewhere does not make it meet the band. */
static int against_band(const judge *j, int reading)
{
    const double value = j->action->row.estimate[reading].value;
    const report_span *span = &j->action->row.sentences[reading];
    const double low = isfinite(span->low) ? span->low : value, high = isfinite(span->high) ? span->high : value;
    if (high < j->in->low) return -1;
    if (low > j->in->high) return 1;
    return 0;
}

static const char *const READINGS[REPORT_READINGS] = {"retrieval", "overlap of neighbourhoods"};
static const char *const BY[3] = {"stays below", "reaches", "lies above"};

/* ---- verdict */

/* What a member of the action row is: an agent, or where several decoders stand for language an agent beside one of
 * them. */
static const char *members_word(const judge *j, bool many)
{
    if (j->action->x != NULL && strcmp(j->action->x, DECODERS) == 0)
        return many ? "pairs of agent and decoder" : "pair of agent and decoder";
    return many ? "agents" : "agent";
}

static const char *some_reject(judge *j, int reading)
{
    size_t members;
    const int rejected = rejecting(j, reading, &members);
    return SAY("%d of %zu %s", rejected, members, members_word(j, true));
}

/* The reading that does not carry the verdict, where the other one does. */
static const char *other_reading(judge *j, int reading)
{
    size_t members;
    const int rejected = rejecting(j, reading, &members);
    if (at_ceiling(j, reading)) return "the other reading can't tell, because renamed words reach its ceiling";
    if (rejected < 0) return "the other reading can't tell, because its relabel null was not drawn";
    if (few_relabellings(j, reading)) return "the other reading can't tell, because its relabel null has too few draws";
    if (rejected > 0) return SAY("in the other reading only %s show it", some_reject(j, reading));
    return "in the other reading shared words explain what aligns";
}

/* Why neither reading can tell which word is which. */
static const char *unknown(judge *j)
{
    if (at_ceiling(j, 0) || at_ceiling(j, 1))
        return "Consistently renamed words align perfectly too: at this level the reading can't tell which word is "
               "which.";
    if (few_relabellings(j, 0) || few_relabellings(j, 1))
        return "The relabel null has too few draws to be rejected, whatever the data: nothing can be said about which "
               "word is which.";
    return "Without the relabel null nothing can be said about which word is which.";
}

static const char *judgement(judge *j)
{
    bool semantic[2], adds[2], known[2], partly[2];
    for (int r = 0; r < 2; r++) {
        size_t members;
        const int rejected = rejecting(j, r, &members);
        known[r] = rejected >= 0 && !at_ceiling(j, r) && !few_relabellings(j, r);
        semantic[r] = known[r] && all_reject(j, r);
        partly[r] = known[r] && rejected > 0;
        adds[r] = training_adds(j, r);
    }
    if (!related(j, 0) && !related(j, 1))
        return "In neither reading does every one of them lie above shuffled sentences: the study shows no relation "
               "that would need an explanation.";
    if (!known[0] && !known[1]) return unknown(j);
    if (semantic[0] && semantic[1])
        return adds[0] || adds[1] ? "In both readings it matters which word is which, and training adds to it: part of "
                                    "the alignment is about meaning."
                                  : "In both readings it matters which word is which, but training adds nothing to it "
                                    "that this study can tell from the untrained twins.";
    if (semantic[0] || semantic[1]) {
        const int r = semantic[0] ? 0 : 1;
        return SAY("%s does it matter which word is which%s; %s.", r == 0 ? "Only by retrieval" : "Only by overlap",
                   adds[r] ? ", and training adds to that" : ", though training adds nothing to it",
                   other_reading(j, 1 - r));
    }
    const char *by = adds[0] && adds[1] ? "both readings" : READINGS[adds[0] ? 0 : 1];
    if (partly[0] || partly[1])
        return SAY("Whether it matters which word is which differs between the agents (%s%s%s%s%s reject that it does "
                   "not); %s.",
                   partly[0] ? "by retrieval " : "", partly[0] ? some_reject(j, 0) : "",
                   partly[0] && partly[1] ? ", " : "", partly[1] ? "by overlap " : "",
                   partly[1] ? some_reject(j, 1) : "",
                   adds[0] || adds[1] ? SAY("training adds to the alignment by %s", by)
                                      : "training adds nothing that this study can see");
    if (adds[0] || adds[1])
        return SAY("Training adds to it by %s, but consistently renamed words align as well: no shared meaning of "
                   "words is shown, only shared sentence structure.",
                   by);
    return "Neither training nor which word is which adds anything that this study can see: shared words explain what "
           "aligns.";
}

static const char *headline(judge *j)
{
    if (j->action == NULL)
        return "The study holds no agent beside a language model: it has nothing to say about action and language.";
    const report_estimate *a = j->action->row.estimate;
    const char *first = SAY("Instructions as the agents and %s represent them align at precision@%d = %s by retrieval "
                            "and %s by overlap of neighbourhoods",
                            j->in->primary, j->in->k, number(j, a[0].value), number(j, a[1].value));
    const char *second = "";
    if (j->untrained != NULL && j->words != NULL)
        second = SAY("; networks that never learned reach %s and %s, a bag of words %s and %s",
                     number(j, j->untrained->row.estimate[0].value), number(j, j->untrained->row.estimate[1].value),
                     number(j, j->words->row.estimate[0].value), number(j, j->words->row.estimate[1].value));
    else if (j->untrained != NULL)
        second = SAY("; networks that never learned reach %s and %s", number(j, j->untrained->row.estimate[0].value),
                     number(j, j->untrained->row.estimate[1].value));
    else if (j->words != NULL)
        second = SAY("; a bag of words reaches %s and %s", number(j, j->words->row.estimate[0].value),
                     number(j, j->words->row.estimate[1].value));
    return SAY("%s%s. %s", first, second, judgement(j));
}

/* "with 9 draws p is at least 0.100, by Holm over 3 agents 0.300: no agent": why none can be rejected. */
static const char *few_words(judge *j, int reading)
{
    size_t members;
    (void)rejecting(j, reading, &members);
    const size_t draws = j->action->draws[reading].relabel;
    const char *many = members > 1 ? SAY(", by Holm over %zu %s %.3f", members, members_word(j, true),
                                         fmin(1, (double)members * least_p(draws)))
                                   : "";
    return SAY("with %zu draw%s p is at least %.3f%s: no %s", draws, draws == 1 ? "" : "s", least_p(draws), many,
               members_word(j, false));
}

/* How far from chance to the agents' value another row comes, in percent. */
static const char *way(judge *j, const report_estimate *agents, const report_estimate *other)
{
    const double share = (other->value - agents->chance) / (agents->value - agents->chance);
    if (!isfinite(share) || agents->value - agents->chance < 0.02) return number(j, other->value);
    return SAY("%s (%.0f %% of the way from chance)", number(j, other->value), 100 * share);
}

/* What shuffled sentences say. */
static void add_relation(judge *j, int r, triad_text *t)
{
    const report_estimate *a = &j->action->row.estimate[r];
    const size_t draws = j->action->draws[r].iid;
    if (!isfinite(a->iid.mean)) return;
    triad_text_addf(t, " Shuffled sentences give %.3f ± %.3f: ", a->iid.mean, a->iid.sd);
    if (a->iid.p <= ALPHA)
        triad_text_add(t, "that there is a relation at all is not in doubt.");
    else if (related(j, r))
        triad_text_addf(t, "not one of %zu draws comes up to the agents, but with so few p can't be less than %.2f.",
                        draws, least_p(draws));
    else
        triad_text_addf(t, "that there is a relation at all is in doubt (p = %.2f).", a->iid.p);
}

/* What renamed words say. */
static void add_renaming(judge *j, int r, triad_text *t)
{
    const report_estimate *a = &j->action->row.estimate[r];
    size_t agents;
    const int rejected = rejecting(j, r, &agents);
    if (rejected < 0) return;
    triad_text_addf(t, " Words renamed consistently give %.3f ± %.3f", a->relabel.mean, a->relabel.sd);
    if (at_ceiling(j, r)) {
        triad_text_add(t, ", the ceiling: this reading can't tell which word is which.");
        return;
    }
    if (few_relabellings(j, r)) {
        triad_text_addf(t, "; %s could reject that at 5 %%, whatever the data.", few_words(j, r));
        return;
    }
    triad_text_addf(t, "; %s",
                    rejected == 0               ? SAY("no %s does better than that.", members_word(j, false))
                    : (size_t)rejected < agents ? SAY("%s %s better.", some_reject(j, r), rejected == 1 ? "does" : "do")
                    : agents > 1                ? SAY("every %s does better.", members_word(j, false))
                                                : "the agent does better.");
    /* Agents of different seeds surely share their words: where even they do not pass, passing is hard and failing says
     * little. */
    size_t pairs;
    const int passed = rejecting_in(j->seeds, r, &pairs);
    if (passed >= 0 && (size_t)passed < pairs && j->seeds->row.estimate[r].relabel.mean <= CEILING &&
        !too_few(j->seeds->draws[r].relabel, pairs))
        triad_text_addf(t,
                        " Agents that differ by their seed alone align at %s, with renamed words at %.3f: %d of %zu "
                        "pairs %s better, so this null has little to go by here.",
                        number(j, j->seeds->row.estimate[r].value), j->seeds->row.estimate[r].relabel.mean, passed,
                        pairs, passed == 1 ? "does" : "do");
}

/* "; with other words [0.71, 0.94]" */
static const char *over_words(judge *j, const report_estimate *e)
{
    if (j->in->words == NULL || j->in->words[0] == '\0' || !isfinite(e->low) || !isfinite(e->high)) return "";
    return SAY("; with other words it might be %s to %s", number(j, e->low), number(j, e->high));
}

static const char *reading_paragraph(judge *j, int r)
{
    const report_estimate *a = &j->action->row.estimate[r];
    triad_text t = {0};
    triad_text_addf(&t, "By %s, chance is %.3f and the agents reach %s, which %s the published %.2f–%.2f%s.",
                    READINGS[r], a->chance, over_sentences(j, r), BY[against_band(j, r) + 1], j->in->low, j->in->high,
                    over_words(j, a));
    if (j->untrained != NULL)
        triad_text_addf(&t, " Their untrained twins reach %s", way(j, a, &j->untrained->row.estimate[r]));
    if (j->untrained != NULL && j->words != NULL)
        triad_text_addf(&t, ", a bag of words %s.", way(j, a, &j->words->row.estimate[r]));
    else if (j->untrained != NULL)
        triad_text_add(&t, ".");
    else if (j->words != NULL)
        triad_text_addf(&t, " A bag of words reaches %s.", way(j, a, &j->words->row.estimate[r]));
    if (j->training != NULL) {
        const report_estimate *d = &j->training->row.estimate[r];
        triad_text_addf(&t, " Paired over %s, training changes precision by %s: %s.", j->over, signed_interval(j, d),
                        sign_of(d) > 0                          ? "it adds alignment"
                        : sign_of(d) < 0                        ? "it takes alignment away"
                        : isfinite(d->low) && d->low <= d->high ? "no difference that can be told from none"
                                                                : "without an interval that says little");
    }
    add_relation(j, r, &t);
    add_renaming(j, r, &t);
    const char *text = t.failed ? NULL : triad_arena_strdup(j->arena, t.bytes);
    triad_text_free(&t);
    return keep(j, text);
}

static const char *language_paragraph(judge *j)
{
    if (j->gap == NULL) return NULL;
    const figure_row *pair = find(j->in->figures->row, j->in->figures->rows, "language", NULL);
    return SAY("Two language models %salign at %s by retrieval and %s by overlap. Action and language lie %s and %s "
               "from that, paired over %s.",
               pair != NULL ? SAY("(%s) ", pair->row.label) : "",
               pair != NULL ? with_interval(j, &pair->row.estimate[0]) : "–",
               pair != NULL ? with_interval(j, &pair->row.estimate[1]) : "–",
               signed_interval(j, &j->gap->row.estimate[0]), signed_interval(j, &j->gap->row.estimate[1]), j->over);
}

/* ---- claims */

static report_claim claim(const char *id, const char *words, const char *rule)
{
    return (report_claim){id, words, rule, {REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE}, {"", ""}};
}

static report_claim claim_level(judge *j)
{
    report_claim c =
        claim("C1", SAY("Action aligns with language at precision@%d of %.2f–%.2f.", j->in->k, j->in->low, j->in->high),
              SAY("Reproduced when the interval of agents × %s over sentences meets the band.", j->in->primary));
    for (int r = 0; r < REPORT_READINGS; r++) {
        if (j->action == NULL || !isfinite(j->action->row.estimate[r].value)) {
            c.reason[r] = "no agent beside a language model";
            continue;
        }
        const int where = against_band(j, r);
        c.outcome[r] = where == 0 ? REPORT_REPRODUCED : REPORT_NOT_REPRODUCED;
        const char *control =
            j->untrained == NULL ? "" : SAY("; untrained twins: %s", number(j, j->untrained->row.estimate[r].value));
        c.reason[r] = SAY("%s %s%s", over_sentences(j, r),
                          where == 0  ? "meets the band"
                          : where > 0 ? "lies above the band"
                                      : "lies below the band",
                          control);
    }
    return c;
}

static report_claim claim_gap(judge *j)
{
    report_claim c = claim("C2", "Action and language align nearly as well as language models with each other.",
                           SAY("Reproduced when the paired difference lies above −%.2f with its whole interval, not "
                               "reproduced when it lies "
                               "below.",
                               j->in->margin));
    const figure_row *pair = find(j->in->figures->row, j->in->figures->rows, "language", NULL);
    for (int r = 0; r < REPORT_READINGS; r++) {
        if (j->gap == NULL || !isfinite(j->gap->row.estimate[r].value)) {
            c.reason[r] = "needs two language models of distinct lineage beside an agent";
            continue;
        }
        const report_estimate *d = &j->gap->row.estimate[r];
        const double low = isfinite(d->low) ? d->low : d->value, high = isfinite(d->high) ? d->high : d->value;
        c.outcome[r] = low > -j->in->margin     ? REPORT_REPRODUCED
                       : high <= -j->in->margin ? REPORT_NOT_REPRODUCED
                                                : REPORT_UNDECIDED;
        const char *control =
            j->untrained == NULL || pair == NULL
                ? ""
                : SAY("; untrained twins: %s beside the language models' %s",
                      number(j, j->untrained->row.estimate[r].value), number(j, pair->row.estimate[r].value));
        c.reason[r] = SAY("difference %s%s", signed_interval(j, d), control);
    }
    return c;
}

static report_claim claim_vision(judge *j)
{
    (void)j;
    report_claim c = claim("C3", "Action aligns with BLIP better than with CLIP.",
                           "Reproduced when the paired difference lies above 0 with its whole interval.");
    for (int r = 0; r < REPORT_READINGS; r++) c.reason[r] = "the study holds neither BLIP nor CLIP";
    return c;
}

static report_claim claim_family(judge *j)
{
    report_claim c = claim("C4", "Action aligns with decoder-only models better than with BERT.",
                           "Reproduced when the paired difference lies above 0 with its whole interval.");
    for (int r = 0; r < REPORT_READINGS; r++) {
        c.reason[r] = "the study holds no BERT";
        if (j->family != NULL && j->in->encoder != NULL)
            c.reason[r] = SAY("the study holds no BERT; decoders − %s, a sentence encoder: %s", j->in->encoder,
                              signed_interval(j, &j->family->row.estimate[r]));
    }
    return c;
}

static report_claim claim_meaning(judge *j)
{
    report_claim c = claim("C5", "What aligns is more than shared words.",
                           "Reproduced when the relabel null is rejected at 5 % for every agent (Holm over the "
                           "agents). Partialling out words is not part of this study.");
    for (int r = 0; r < REPORT_READINGS; r++) {
        size_t agents;
        const int rejected = rejecting(j, r, &agents);
        if (rejected < 0) {
            c.reason[r] = j->in->refused != NULL ? keep(j, triad_arena_strdup(j->arena, j->in->refused))
                          : j->action == NULL    ? "no agent beside a language model"
                                                 : "no relabel null was drawn";
            continue;
        }
        const report_estimate *a = &j->action->row.estimate[r];
        if (at_ceiling(j, r)) {
            c.reason[r] = SAY("renamed words reach %.3f ± %.3f: at its ceiling this reading can't tell",
                              a->relabel.mean, a->relabel.sd);
            continue;
        }
        if (few_relabellings(j, r)) {
            const bool all =
                isfinite(j->in->relabellings) && (double)j->action->draws[r].relabel + 1 >= j->in->relabellings;
            c.reason[r] = SAY("%s could reject it at 5 %%, whatever the data (%s)", few_words(j, r),
                              all ? "there are no more relabellings" : SAY("draw at least %zu", 20 * agents - 1));
            continue;
        }
        c.outcome[r] = rejected > 0 && (size_t)rejected == agents ? REPORT_REPRODUCED : REPORT_NOT_REPRODUCED;
        const size_t draws = j->action->draws[r].relabel;
        c.reason[r] =
            SAY("%s against %.3f ± %.3f under renaming; %s reject it (largest p %.3f, smallest possible %.3f)",
                number(j, a->value), a->relabel.mean, a->relabel.sd, some_reject(j, r), a->relabel.p,
                draws > 0 ? least_p(draws) : NAN);
    }
    return c;
}

/* ---- warnings */

static void warn(claims_output *out, const char *text)
{
    if (out->warnings < MAX_TEXTS) out->warning[out->warnings++] = text;
}

/* All agents below the bar in one sentence: what their spaces say about action is weak. */
static void warn_agents(judge *j, claims_output *out)
{
    triad_text t = {0};
    for (size_t i = 0; i < j->in->agents; i++) {
        const report_agent *agent = &j->in->agent[i];
        if (agent->role != REPORT_AGENT) continue;
        bool named = false;
        for (size_t l = 0; l <= agent->levels; l++) {
            const bool mean = l == agent->levels;
            const double success = mean ? agent->mean_success : agent->level[l].success;
            if (success >= (mean ? j->in->floor_mean : j->in->floor)) continue;
            if (named)
                triad_text_add(&t, ", ");
            else
                triad_text_addf(&t, "%s%s (", t.size > 0 ? "; " : "", agent->name);
            triad_text_addf(&t, "%s %.1f %%", mean ? "mean" : agent->level[l].level, 100 * success);
            named = true;
        }
        if (named) triad_text_add(&t, ")");
    }
    if (t.size > 0)
        warn(out, SAY("Below the bar of %.0f %% on each level and %.0f %% in the mean: %s. What such a space says "
                      "about action is weak.",
                      100 * j->in->floor, 100 * j->in->floor_mean, t.bytes));
    j->failed = j->failed || t.failed;
    triad_text_free(&t);
}

static void warn_null(judge *j, claims_output *out)
{
    const claims_input *in = j->in;
    if (in->refused != NULL)
        warn(out, SAY("The relabel null was refused: %s.", in->refused));
    else if (in->left_out > 0)
        warn(out, SAY("The relabel null leaves out %zu instructions whose renamed twin does not exist; its statistic "
                      "and its draws use the same rest.",
                      in->left_out));
    if (isfinite(in->relabellings) && in->relabellings < 100)
        warn(out, SAY("Only %.0f distinct relabellings exist: the relabel null can't be rejected strongly.",
                      in->relabellings));
}

static const char *choice_words(judge *j)
{
    return j->in->words[0] ? SAY("words (%s)", j->in->words) : "sentences";
}

static void warn_intervals(judge *j, claims_output *out)
{
    const claims_input *in = j->in;
    const size_t seeds = count_seeds(in);
    if (j->action == NULL || in->words == NULL) return;
    const char *choice = choice_words(j);
    if (seeds == 1)
        warn(out, SAY("Intervals cover the choice of %s. With one agent nothing is known about the variation between "
                      "seeds.",
                      choice));
    else if (seeds < 5)
        warn(out, SAY("Intervals cover the choice of %s and of seeds; %zu agents tell the variation between seeds only "
                      "roughly.",
                      choice, seeds));
}

triad_status claims_judge(claims_output *output, const claims_input *input, triad_arena *arena, triad_error *err)
{
    const study_figures *f = input->figures;
    const char *x = input->primary;
    judge made = {.in = input, .arena = arena}, *j = &made;
    const bool words = input->words != NULL && input->words[0];
    j->over =
        count_seeds(input) > 1 ? (words ? "words and seeds" : "sentences and seeds") : (words ? "words" : "sentences");
    j->action = find(f->row, f->rows, "action", x);
    j->untrained = find(f->row, f->rows, "untrained", x);
    j->words = find(f->row, f->rows, "words", x);
    j->random = find(f->row, f->rows, "random", x);
    j->seeds = find(f->row, f->rows, "seeds", NULL);
    j->training = find(f->difference, f->differences, "training", x);
    j->beyond = find(f->difference, f->differences, "beyond-words", x);
    j->gap = find(f->difference, f->differences, "language", NULL);
    j->family = find(f->difference, f->differences, "family", NULL);
    *output = (claims_output){.paragraph = TRIAD_NEW0(arena, const char *, MAX_TEXTS),
                              .warning = TRIAD_NEW0(arena, const char *, MAX_TEXTS),
                              .claim = TRIAD_NEW0(arena, report_claim, 5)};
    if (output->paragraph == NULL || output->warning == NULL || output->claim == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "verdict: out of memory");
    output->headline = headline(j);
    if (input->words != NULL)
        output->interval = SAY("over %s%s", choice_words(j), count_seeds(input) > 1 ? " and seeds" : "");
    for (int r = 0; r < REPORT_READINGS && j->action != NULL; r++)
        output->paragraph[output->paragraphs++] = reading_paragraph(j, r);
    const char *language = language_paragraph(j);
    if (language != NULL) output->paragraph[output->paragraphs++] = language;
    warn_agents(j, output);
    warn_null(j, output);
    warn_intervals(j, output);
    output->claim[output->claims++] = claim_level(j);
    output->claim[output->claims++] = claim_gap(j);
    output->claim[output->claims++] = claim_vision(j);
    output->claim[output->claims++] = claim_family(j);
    output->claim[output->claims++] = claim_meaning(j);
    return j->failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "verdict: out of memory") : TRIAD_OK;
}
