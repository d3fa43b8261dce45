/* The verdict's rules, on figures made for each of them. */
#include "experiment/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ACTION, UNTRAINED, WORDS, LANGUAGE, SEEDS, ROWS };
enum { TRAINING, GAP, FAMILY, DIFFERENCES };

typedef struct made {
    figure_row row[ROWS], difference[DIFFERENCES];
    figure_member member[3];
    study_figures figures;
    report_success success[2];
    report_agent agent[2];
    claims_input in;
    triad_arena arena;
    claims_output out;
} made;

static const report_null NONE = {NAN, NAN, NAN};

static void put(figure_row *row, const char *kind, const char *x, const char *label, double value, double half)
{
    *row = (figure_row){.kind = kind, .x = x, .row = {.label = label}, .draws = {{99, 99}, {999, 999}}};
    for (int r = 0; r < REPORT_READINGS; r++) {
        row->row.estimate[r] = (report_estimate){value, value - half, value + half, 0.025, NONE, NONE};
        row->row.sentences[r] = (report_span){value - half, value + half};
    }
}

/* Action at 0.72, twins at 0.60, words at 0.50, language models at 0.74; training +0.12, gap -0.02; all agents reject
 * the relabel null. */
static void make(made *m)
{
    *m = (made){0};
    put(&m->row[ACTION], "action", "A", "agents × A", 0.72, 0.01);
    put(&m->row[UNTRAINED], "untrained", "A", "untrained × A", 0.60, 0.01);
    put(&m->row[WORDS], "words", "A", "bag of words × A", 0.50, 0.01);
    put(&m->row[LANGUAGE], "language", "A", "A × B", 0.74, 0.01);
    put(&m->row[SEEDS], "seeds", NULL, "agents × agents", 0.80, 0.01);
    put(&m->difference[TRAINING], "training", "A", "trained − untrained", 0.12, 0.02);
    put(&m->difference[GAP], "language", NULL, "gap", -0.02, 0.01);
    put(&m->difference[FAMILY], "family", NULL, "decoders − encoders", 0.03, 0.01);
    m->row[ACTION].member = m->member;
    m->row[ACTION].row.members = 3;
    for (int r = 0; r < REPORT_READINGS; r++) {
        m->row[ACTION].row.estimate[r].iid = (report_null){0.001, 0.025, 0.01};
        m->row[ACTION].row.estimate[r].relabel = (report_null){0.01, 0.65, 0.02};
        for (int i = 0; i < 3; i++) m->member[i].p_relabel[r] = 0.01;
    }
    m->figures = (study_figures){.rows = ROWS, .differences = DIFFERENCES, .row = m->row, .difference = m->difference};
    m->success[0] = (report_success){"GoToLocal", 1000, 0.99, 0.98, 1, NAN, NAN, NAN};
    m->success[1] = (report_success){"OpenDoor", 1000, 0.98, 0.97, 0.99, NAN, NAN, NAN};
    m->agent[0] = (report_agent){"agent 1", REPORT_AGENT, 2, m->success, 0.985};
    m->agent[1] = (report_agent){"untrained 1", REPORT_UNTRAINED, 0, NULL, 0};
    m->in = (claims_input){.figures = &m->figures,
                           .agents = 2,
                           .agent = m->agent,
                           .low = 0.70,
                           .high = 0.73,
                           .margin = 0.05,
                           .floor = 0.95,
                           .floor_mean = 0.98,
                           .k = 15,
                           .primary = "A",
                           .encoder = "B",
                           .relabellings = 1e6,
                           .words = "colour, object"};
}

static void judge(made *m)
{
    triad_error err;
    assert_int_equal(claims_judge(&m->out, &m->in, &m->arena, &err), TRIAD_OK);
    assert_int_equal(m->out.claims, 5);
}

static void outcome(const made *m, int claim, report_outcome retrieval, report_outcome overlap)
{
    assert_int_equal(m->out.claim[claim].outcome[0], retrieval);
    assert_int_equal(m->out.claim[claim].outcome[1], overlap);
}

static void says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) fail_msg("'%s' does not say '%s'", text, words);
}

static void a_study_that_reproduces(void **state)
{
    (void)state;
    made m;
    make(&m);
    judge(&m);
    outcome(&m, 0, REPORT_REPRODUCED, REPORT_REPRODUCED);
    outcome(&m, 1, REPORT_REPRODUCED, REPORT_REPRODUCED);
    outcome(&m, 2, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    outcome(&m, 3, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    outcome(&m, 4, REPORT_REPRODUCED, REPORT_REPRODUCED);
    says(m.out.headline, "0.72 by retrieval and 0.72 by overlap");
    says(m.out.headline, "networks that never learned reach 0.60 and 0.60, a bag of words 0.50 and 0.50");
    says(m.out.headline, "part of the alignment is about meaning");
    says(m.out.paragraph[0], "reaches the published 0.70–0.73");
    says(m.out.paragraph[0], "0.60 (83 % of the way from chance)");
    says(m.out.paragraph[0], "every agent does better");
    says(m.out.claim[3].reason[0], "decoders − B, a sentence encoder: +0.030 [+0.020, +0.040]");
    assert_int_equal(m.out.warnings, 1); /* few seeds */
    says(m.out.warning[0], "Intervals cover the choice of words (colour, object). With one agent");
    assert_string_equal(m.out.interval, "over words (colour, object)");
    says(m.out.paragraph[0], "Paired over words, training changes precision by +0.120 [+0.100, +0.140]: it adds");
    triad_arena_free(&m.arena);
}

static void the_band_is_met_by_the_interval(void **state)
{
    (void)state;
    static const struct {
        double value, half;
        report_outcome outcome;
        const char *words;
    } cases[] = {
        {0.69, 0.02, REPORT_REPRODUCED, "meets the band"},
        {0.69, 0.005, REPORT_NOT_REPRODUCED, "lies below the band"},
        {0.75, 0.01, REPORT_NOT_REPRODUCED, "lies above the band"},
        {0.735, 0.01, REPORT_REPRODUCED, "meets the band"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        make(&m);
        report_estimate *e = &m.row[ACTION].row.estimate[1];
        e->value = cases[i].value, e->low = 0.1, e->high = 0.9; /* over words: not what the band is held against */
        m.row[ACTION].row.sentences[1] = (report_span){e->value - cases[i].half, e->value + cases[i].half};
        judge(&m);
        outcome(&m, 0, REPORT_REPRODUCED, cases[i].outcome);
        says(m.out.claim[0].reason[1], cases[i].words);
        says(m.out.paragraph[1], "; with other words it might be 0.10 to 0.90.");
        triad_arena_free(&m.arena);
    }
}

static void nearly_as_well_is_an_interval_above_the_margin(void **state)
{
    (void)state;
    made m;
    make(&m);
    m.difference[GAP].row.estimate[0].low = -0.051;
    judge(&m);
    outcome(&m, 1, REPORT_UNDECIDED, REPORT_REPRODUCED);
    m.difference[GAP].row.estimate[0] = (report_estimate){-0.07, -0.09, -0.05, NAN, NONE, NONE};
    m.difference[GAP].row.estimate[1] = (report_estimate){-0.07, NAN, NAN, NAN, NONE, NONE};
    judge(&m);
    outcome(&m, 1, REPORT_NOT_REPRODUCED, REPORT_NOT_REPRODUCED);
    triad_arena_free(&m.arena);
}

/* By Holm the smallest p is held against 5 % / 3, the next against 5 % / 2, the largest against 5 %. */
static void the_relabel_null_is_judged_by_holm(void **state)
{
    (void)state;
    made m;
    make(&m);
    m.member[0].p_relabel[0] = 0.049, m.member[1].p_relabel[0] = 0.016, m.member[2].p_relabel[0] = 0.024;
    m.member[0].p_relabel[1] = 0.049, m.member[1].p_relabel[1] = 0.016, m.member[2].p_relabel[1] = 0.026;
    judge(&m);
    outcome(&m, 4, REPORT_REPRODUCED, REPORT_NOT_REPRODUCED);
    says(m.out.claim[4].reason[1], "1 of 3 agents reject it");
    says(m.out.headline, "Only by retrieval does it matter which word is which, and training adds to that; in the "
                         "other reading only 1 of 3 agents show it.");
    triad_arena_free(&m.arena);
}

static void at_its_ceiling_a_reading_cannot_tell(void **state)
{
    (void)state;
    made m;
    make(&m);
    m.row[ACTION].row.estimate[0].relabel = (report_null){1, 1, 0};
    for (int i = 0; i < 3; i++) m.member[i].p_relabel[0] = 1;
    judge(&m);
    outcome(&m, 4, REPORT_NOT_TESTABLE, REPORT_REPRODUCED);
    says(m.out.claim[4].reason[0], "at its ceiling this reading can't tell");
    says(m.out.headline, "Only by overlap does it matter which word is which, and training adds to that; the other "
                         "reading can't tell, because renamed words reach its ceiling.");
    says(m.out.paragraph[0], "the ceiling: this reading can't tell which word is which");
    triad_arena_free(&m.arena);
}

static void shared_words_explain_what_training_and_names_do_not(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++) {
        for (int i = 0; i < 3; i++) m.member[i].p_relabel[r] = 0.4;
        m.difference[TRAINING].row.estimate[r] = (report_estimate){-0.03, -0.05, -0.01, NAN, NONE, NONE};
    }
    judge(&m);
    outcome(&m, 4, REPORT_NOT_REPRODUCED, REPORT_NOT_REPRODUCED);
    says(m.out.headline, "shared words explain what aligns");
    says(m.out.paragraph[1], "it takes alignment away");
    says(m.out.paragraph[1], "no agent does better than that");
    m.difference[TRAINING].row.estimate[1] = (report_estimate){0.03, 0.01, 0.05, NAN, NONE, NONE};
    judge(&m);
    says(m.out.headline,
         "Training adds to it by overlap of neighbourhoods, but consistently renamed words align as well");
    triad_arena_free(&m.arena);
}

static void what_was_not_measured_is_not_claimed(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++)
        for (int i = 0; i < 3; i++) m.member[i].p_relabel[r] = NAN;
    m.in.refused = "column colour is not closed";
    m.figures.differences = 0;
    judge(&m);
    outcome(&m, 1, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    outcome(&m, 4, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    says(m.out.claim[4].reason[0], "column colour is not closed");
    says(m.out.claim[3].reason[0], "the study holds no BERT");
    says(m.out.headline, "Without the relabel null nothing can be said");
    says(m.out.warning[0], "The relabel null was refused: column colour is not closed.");
    m.figures.rows = 0;
    judge(&m);
    outcome(&m, 0, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    says(m.out.headline, "no agent beside a language model");
    assert_int_equal(m.out.paragraphs, 0);
    triad_arena_free(&m.arena);
}

static void weak_agents_and_few_names_are_warned_of(void **state)
{
    (void)state;
    made m;
    make(&m);
    m.success[1].success = 0.9;
    m.agent[0].mean_success = 0.945;
    m.in.relabellings = 6;
    m.in.left_out = 5;
    judge(&m);
    assert_int_equal(m.out.warnings, 4);
    says(m.out.warning[0], "agent 1 (OpenDoor 90.0 %, mean 94.5 %). What");
    says(m.out.warning[1], "leaves out 5 instructions");
    says(m.out.warning[2], "Only 6 distinct relabellings exist");
    triad_arena_free(&m.arena);
}

/* One of three agents is neither "it matters" nor "shared words explain it". */
static void agents_that_differ_are_said_to(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++) m.member[1].p_relabel[r] = m.member[2].p_relabel[r] = 0.4;
    judge(&m);
    outcome(&m, 4, REPORT_NOT_REPRODUCED, REPORT_NOT_REPRODUCED);
    says(m.out.headline, "differs between the agents (by retrieval 1 of 3 agents, by overlap 1 of 3 agents reject that "
                         "it does not); training adds to the alignment by both readings.");
    says(m.out.paragraph[0], "1 of 3 agents does better.");
    triad_arena_free(&m.arena);
}

static void without_a_relation_there_is_nothing_to_explain(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++) {
        m.row[ACTION].row.estimate[r].iid.p = 0.3;
        for (int i = 0; i < 3; i++) m.member[i].p_relabel[r] = 0.4;
    }
    judge(&m);
    says(m.out.headline, "the study shows no relation");
    says(m.out.paragraph[0], "that there is a relation at all is in doubt");
    triad_arena_free(&m.arena);
}

/* Agents of other seeds share their words: when not even they reject it, the null is weak, and that is said. */
static void a_null_that_the_ceiling_does_not_reject_is_called_weak(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++) m.row[SEEDS].row.estimate[r].relabel = (report_null){0.3, 0.79, 0.01};
    judge(&m);
    says(m.out.paragraph[0], "Agents that differ by their seed alone align at 0.80, with renamed words at 0.790: 0 of "
                             "1 pairs do better, so this null has little to go by here.");
    m.row[SEEDS].row.estimate[0].relabel.p = 0.01;
    judge(&m);
    assert_null(strstr(m.out.paragraph[0], "seed alone"));
    m.row[SEEDS].row.estimate[0].relabel = (report_null){1, 1, 0}; /* at its ceiling it tells nothing of the null */
    judge(&m);
    assert_null(strstr(m.out.paragraph[0], "seed alone"));
    triad_arena_free(&m.arena);
}

/* With m draws p is at least 1 / (m + 1): that nothing was rejected says nothing where nothing could be. */
static void too_few_draws_are_not_taken_for_doubt(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int r = 0; r < REPORT_READINGS; r++) {
        m.row[ACTION].draws[r] = (figure_draws){9, 9};
        m.row[ACTION].row.estimate[r].iid.p = 0.1;
        m.row[ACTION].row.estimate[r].relabel.p = 0.1;
        for (int i = 0; i < 3; i++) m.member[i].p_relabel[r] = 0.1;
    }
    judge(&m);
    says(m.out.headline, "The relabel null has too few draws to be rejected, whatever the data: nothing can be said");
    says(m.out.paragraph[0], "not one of 9 draws comes up to the agents, but with so few p can't be less than 0.10.");
    says(m.out.paragraph[0],
         "with 9 draws p is at least 0.100, by Holm over 3 agents 0.300: no agent could reject that "
         "at 5 %, whatever the data.");
    assert_null(strstr(m.out.paragraph[0], "doubt"));
    outcome(&m, 4, REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE);
    says(m.out.claim[4].reason[0], "(draw at least 59)");
    /* All that exist were drawn. */
    m.in.relabellings = 10;
    judge(&m);
    says(m.out.claim[4].reason[0], "(there are no more relabellings)");
    /* A shuffle that comes up to the agents is a doubt with any number of draws. */
    m.row[ACTION].row.estimate[0].iid.p = 0.2;
    judge(&m);
    says(m.out.paragraph[0], "that there is a relation at all is in doubt (p = 0.20)");
    /* 59 draws suffice for three agents, 58 do not. */
    for (int few = 0; few < 2; few++) {
        const size_t draws = few ? 58 : 59;
        for (int r = 0; r < REPORT_READINGS; r++) {
            m.row[ACTION].draws[r] = (figure_draws){draws, draws};
            for (int i = 0; i < 3; i++) m.member[i].p_relabel[r] = 1 / (double)(draws + 1);
        }
        judge(&m);
        const report_outcome want = few ? REPORT_NOT_TESTABLE : REPORT_REPRODUCED;
        outcome(&m, 4, want, want);
    }
    /* One reading can't tell: the other one carries the verdict. */
    triad_arena_free(&m.arena);
    make(&m);
    m.row[ACTION].draws[0].relabel = 19;
    for (int i = 0; i < 3; i++) m.member[i].p_relabel[0] = 0.05;
    judge(&m);
    says(m.out.headline, "Only by overlap does it matter which word is which");
    says(m.out.headline, "the other reading can't tell, because its relabel null has too few draws");
    triad_arena_free(&m.arena);
}

/* Agents against each other are many pairs, too many for Holm with these draws: that is no weakness of the null. */
static void pairs_that_holm_cannot_reject_say_nothing_of_the_null(void **state)
{
    (void)state;
    made m;
    make(&m);
    figure_member pair[10] = {{0}};
    for (int i = 0; i < 10; i++) pair[i].p_relabel[0] = pair[i].p_relabel[1] = 0.01;
    m.row[SEEDS].member = pair;
    m.row[SEEDS].row.members = 10;
    for (int r = 0; r < REPORT_READINGS; r++) m.row[SEEDS].row.estimate[r].relabel = (report_null){0.01, 0.79, 0.01};
    judge(&m); /* 99 draws by retrieval: 10 / 100 */
    assert_null(strstr(m.out.paragraph[0], "seed alone"));
    says(m.out.paragraph[1], "0 of 10 pairs do better"); /* 999 by overlap, and 0.01 is not enough */
    triad_arena_free(&m.arena);
}

/* Nothing is added by a difference whose interval holds 0, nor by one that prints as 0.000. */
static void training_adds_only_what_can_be_told_from_nothing(void **state)
{
    (void)state;
    static const struct {
        double value, low, high;
        const char *headline, *paragraph;
    } cases[] = {
        {0.02, -0.001, 0.05, "training adds nothing to it", "no difference that can be told from none"},
        {0.02, 0.0, 0.05, "training adds nothing to it", "no difference that can be told from none"},
        {0.0003, 0.0001, 0.0004, "training adds nothing to it", "0.000 [0.000, 0.000]: no difference"},
        {1e-17, 1e-17, 1e-17, "training adds nothing to it", "no difference that can be told from none"},
        {0.02, 0.0006, 0.05, "training adds to it", "it adds alignment"},
        {-0.02, -0.03, -0.01, "training adds nothing to it", "it takes alignment away"},
        {0.02, NAN, NAN, "training adds nothing to it", "without an interval"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        make(&m);
        for (int r = 0; r < REPORT_READINGS; r++)
            m.difference[TRAINING].row.estimate[r] =
                (report_estimate){cases[i].value, cases[i].low, cases[i].high, NAN, NONE, NONE};
        judge(&m);
        says(m.out.headline, cases[i].headline);
        for (int r = 0; r < REPORT_READINGS; r++) says(m.out.paragraph[r], cases[i].paragraph);
        triad_arena_free(&m.arena);
    }
}

static void what_intervals_cover_is_said(void **state)
{
    (void)state;
    made m;
    make(&m);
    report_agent agents[3] = {m.agent[0], m.agent[0], m.agent[0]};
    m.in.agent = agents;
    m.in.agents = 3;
    judge(&m);
    assert_string_equal(m.out.interval, "over words (colour, object) and seeds");
    says(m.out.paragraph[2], "paired over words and seeds.");
    says(m.out.warning[0], "the choice of words (colour, object) and of seeds; 3 agents");
    m.in.words = "";
    judge(&m);
    assert_string_equal(m.out.interval, "over sentences and seeds");
    m.in.words = NULL;
    judge(&m);
    assert_null(m.out.interval);
    assert_int_equal(m.out.warnings, 0);
    triad_arena_free(&m.arena);
}

/* Members are agents beside decoders then: three of them may be one agent. */
static void several_decoders_do_not_make_more_agents(void **state)
{
    (void)state;
    made m;
    make(&m);
    m.in.primary = m.row[ACTION].x = m.row[UNTRAINED].x = m.row[WORDS].x = m.difference[TRAINING].x = DECODERS;
    judge(&m);
    says(m.out.claim[4].reason[0], "3 of 3 pairs of agent and decoder reject it");
    says(m.out.paragraph[0], "every pair of agent and decoder does better.");
    assert_int_equal(m.out.warnings, 1);
    says(m.out.warning[0], "With one agent nothing is known about the variation between seeds.");
    triad_arena_free(&m.arena);
}

/* Figures come back from JSON as they went in, gaps included. */
static void figures_survive_json(void **state)
{
    (void)state;
    made m;
    make(&m);
    for (int i = 0; i < 3; i++) m.member[i].name = "agent × A";
    static const double y[2] = {0.5, NAN}, x[2] = {1, 15};
    static const char *const ticks[2] = {"1", "15"};
    const report_curve curve = {"agents", REPORT_AGENT, true, y, NULL, NULL};
    report_chart chart = {.title = "t",
                          .x_label = "k",
                          .y_label = "precision",
                          .ticks = 2,
                          .tick = ticks,
                          .x = x,
                          .curves = 1,
                          .curve = &curve,
                          .band = true};
    m.figures.k_charts = 1;
    m.figures.k_chart = &chart;
    json_object *root = json_object_new_object();
    triad_error err;
    assert_int_equal(figures_to_json(&m.figures, root, &err), TRIAD_OK);
    study_figures back;
    assert_int_equal(figures_from_json(&back, root, &m.arena, &err), TRIAD_OK);
    assert_int_equal(back.rows, ROWS);
    assert_int_equal(back.differences, DIFFERENCES);
    assert_string_equal(back.row[ACTION].row.label, "agents × A");
    assert_true(back.row[ACTION].row.estimate[1].value == 0.72);
    assert_true(isnan(back.row[WORDS].row.estimate[0].relabel.p));
    assert_int_equal(back.row[ACTION].row.members, 3);
    assert_true(back.row[ACTION].member[2].p_relabel[1] == 0.01);
    assert_int_equal(back.row[ACTION].draws[1].relabel, 999);
    assert_int_equal(back.row[ACTION].draws[0].iid, 99);
    assert_true(back.row[ACTION].row.sentences[0].low == 0.71);
    assert_int_equal(back.k_charts, 1);
    assert_true(back.k_chart[0].curve[0].dashed && back.k_chart[0].band);
    assert_true(back.k_chart[0].curve[0].y[0] == 0.5 && isnan(back.k_chart[0].curve[0].y[1]) &&
                back.k_chart[0].curve[0].low == NULL);
    assert_true(back.k_chart[0].x[1] == 15);
    json_object_put(root);
    triad_arena_free(&m.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_that_reproduces),
        cmocka_unit_test(the_band_is_met_by_the_interval),
        cmocka_unit_test(nearly_as_well_is_an_interval_above_the_margin),
        cmocka_unit_test(the_relabel_null_is_judged_by_holm),
        cmocka_unit_test(at_its_ceiling_a_reading_cannot_tell),
        cmocka_unit_test(shared_words_explain_what_training_and_names_do_not),
        cmocka_unit_test(what_was_not_measured_is_not_claimed),
        cmocka_unit_test(weak_agents_and_few_names_are_warned_of),
        cmocka_unit_test(figures_survive_json),
        cmocka_unit_test(agents_that_differ_are_said_to),
        cmocka_unit_test(a_null_that_the_ceiling_does_not_reject_is_called_weak),
        cmocka_unit_test(without_a_relation_there_is_nothing_to_explain),
        cmocka_unit_test(too_few_draws_are_not_taken_for_doubt),
        cmocka_unit_test(pairs_that_holm_cannot_reject_say_nothing_of_the_null),
        cmocka_unit_test(training_adds_only_what_can_be_told_from_nothing),
        cmocka_unit_test(what_intervals_cover_is_said),
        cmocka_unit_test(several_decoders_do_not_make_more_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
