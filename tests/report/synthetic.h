/* A study of made-up figures with every kind of entry that the page knows, gaps included. */
#ifndef TESTS_REPORT_SYNTHETIC_H
#define TESTS_REPORT_SYNTHETIC_H

#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SYN_SPACES = 10, SYN_K = 8, SYN_LAYERS = 32, SYN_LEVELS = 6, SYN_AGENTS = 6, SYN_POINTS = 40 };

typedef struct synthetic {
    report_study study;
    report_space space[SYN_SPACES];
    report_pair pair[SYN_SPACES * SYN_SPACES];
    report_row row[8], difference[3];
    double member[2][3];
    report_claim claim[5];
    report_choice choice[4];
    report_fact fact[5], control[4];
    report_chart k_chart[4], layer_chart[3];
    report_curve curve[7][6];
    double y[7][6][SYN_LAYERS], low[7][6][SYN_LAYERS], high[7][6][SYN_LAYERS], ks[SYN_K];
    char tick_text[SYN_LAYERS][8];
    const char *tick[SYN_LAYERS], *k_tick[SYN_K];
    report_success success[SYN_AGENTS][SYN_LEVELS];
    report_agent agent[SYN_AGENTS];
    triad_merge merge[SYN_SPACES];
    uint32_t leaf[SYN_SPACES];
    report_view view[3];
    report_factor factor[2];
    uint32_t class_of[2][SYN_POINTS];
    double placement[3][2 * SYN_POINTS];
    char sentence[SYN_POINTS][32];
    const char *sentences[SYN_POINTS];
} synthetic;

static inline report_estimate syn_estimate(double value, double half, double iid, double relabel, double p)
{
    return (report_estimate){value, value - half,        fmin(value + half, 1),
                             0.025, {0.001, iid, 0.008}, {p, relabel, 0.02}};
}

static inline void synthetic_make(synthetic *s)
{
    static const char *const names[SYN_SPACES] = {"agent 1",     "agent 2", "agent 3", "untrained 1", "untrained 2",
                                                  "untrained 3", "SmolLM2", "MiniLM",  "bow",         "random"};
    static const report_role roles[SYN_SPACES] = {REPORT_AGENT,     REPORT_AGENT,     REPORT_AGENT,   REPORT_UNTRAINED,
                                                  REPORT_UNTRAINED, REPORT_UNTRAINED, REPORT_DECODER, REPORT_ENCODER,
                                                  REPORT_WORDS,     REPORT_RANDOM};
    static const int ks[SYN_K] = {1, 3, 5, 10, 15, 20, 30, 50};
    static const char *const k_names[SYN_K] = {"1", "3", "5", "10", "15", "20", "30", "50"};
    memset(s, 0, sizeof *s);
    const report_null none = {NAN, NAN, NAN};
    for (int i = 0; i < SYN_SPACES; i++)
        s->space[i] = (report_space){names[i],
                                     i < 6 ? "agent:agent-1.safetensors" : "gguf:model & <co>.gguf",
                                     i < 6 ? "instruction" : "30",
                                     i < 6 ? "instruction" : "mean-nofirst",
                                     roles[i],
                                     i < 6 ? 128 : 576};
    size_t pairs = 0;
    for (size_t x = 0; x < SYN_SPACES; x++)
        for (size_t y = x + 1; y < SYN_SPACES; y++) {
            const double v = y == 9 ? 0.025 : 0.95 - 0.045 * (double)((x * 7 + y * 3) % 11);
            s->pair[pairs++] = (report_pair){x,
                                             y,
                                             {syn_estimate(v, 0.02, 0.03, v - 0.05, (x + y) % 3 ? 0.4 : 0.01),
                                              syn_estimate(v * 0.8, 0.015, 0.025, v * 0.78, (x + y) % 4 ? 0.3 : 0.01)}};
        }
    s->member[0][0] = 0.90, s->member[0][1] = 0.93, s->member[0][2] = 0.96;
    s->member[1][0] = 0.69, s->member[1][1] = 0.715, s->member[1][2] = 0.73;
    s->row[0] = (report_row){"agents × SmolLM2",
                             "mean of three seeds",
                             REPORT_AGENT,
                             {syn_estimate(0.93, 0.02, 0.03, 0.88, 0.01), syn_estimate(0.712, 0.012, 0.03, 0.69, 0.2)},
                             3,
                             {s->member[0], s->member[1]},
                             {{0.92, 0.94}, {0.705, 0.719}}};
    s->row[1] = (report_row){"agents × MiniLM",
                             NULL,
                             REPORT_AGENT,
                             {syn_estimate(0.88, 0.02, 0.03, 0.84, 0.03), syn_estimate(0.66, 0.012, 0.03, 0.64, 0.2)},
                             0,
                             {NULL, NULL},
                             {{NAN, NAN}, {NAN, NAN}}};
    s->row[2] = (report_row){"untrained × SmolLM2",
                             "the same seeds at step 0",
                             REPORT_UNTRAINED,
                             {syn_estimate(0.91, 0.02, 0.03, 0.9, 0.5), syn_estimate(0.70, 0.012, 0.03, 0.69, 0.5)},
                             0,
                             {NULL, NULL},
                             {{NAN, NAN}, {NAN, NAN}}};
    s->row[3] = (report_row){"bag of words × SmolLM2",
                             NULL,
                             REPORT_WORDS,
                             {syn_estimate(0.90, 0.02, 0.03, 0.9, 0.5), syn_estimate(0.71, 0.012, 0.03, 0.7, 0.5)},
                             0,
                             {NULL, NULL},
                             {{NAN, NAN}, {NAN, NAN}}};
    s->row[4] = (report_row){"random × SmolLM2",
                             NULL,
                             REPORT_RANDOM,
                             {syn_estimate(0.03, 0.01, 0.03, 0.03, 0.5), syn_estimate(0.025, 0.005, 0.03, 0.03, 0.5)},
                             0,
                             {NULL, NULL},
                             {{NAN, NAN}, {NAN, NAN}}};
    s->row[5] = (report_row){"SmolLM2 × MiniLM",
                             "two language models",
                             REPORT_DECODER,
                             {syn_estimate(0.97, 0.01, 0.03, 0.93, 0.01), {NAN, NAN, NAN, NAN, none, none}},
                             0,
                             {NULL, NULL},
                             {{NAN, NAN}, {NAN, NAN}}};
    s->difference[0] = (report_row){"trained − untrained, SmolLM2",
                                    NULL,
                                    REPORT_AGENT,
                                    {{0.02, 0.005, 0.035, NAN, none, none}, {0.012, -0.004, 0.028, NAN, none, none}},
                                    0,
                                    {NULL, NULL},
                                    {{NAN, NAN}, {NAN, NAN}}};
    s->difference[1] = (report_row){"trained − bag of words, SmolLM2",
                                    NULL,
                                    REPORT_WORDS,
                                    {{-0.23, -0.25, -0.2, NAN, none, none}, {0.002, -0.01, 0.014, NAN, none, none}},
                                    0,
                                    {NULL, NULL},
                                    {{NAN, NAN}, {NAN, NAN}}};
    s->claim[0] = (report_claim){"C1",
                                 "Action and language align at 0.70–0.73.",
                                 "Reproduced when the interval meets the band.",
                                 {REPORT_NOT_REPRODUCED, REPORT_REPRODUCED},
                                 {"0.93 [0.91, 0.95] lies above the band", "0.71 [0.70, 0.72]"}};
    s->claim[1] = (report_claim){"C3",
                                 "BLIP aligns better than CLIP.",
                                 "Needs both.",
                                 {REPORT_NOT_TESTABLE, REPORT_NOT_TESTABLE},
                                 {"no BLIP, no CLIP", "no BLIP, no CLIP"}};
    s->choice[0] =
        (report_choice){"Sentences", "all 595 instructions of six levels", "assumed", "the abstract names none"};
    s->choice[1] = (report_choice){"Behavioural cloning", "yes", "known", "abstract"};
    s->choice[2] = (report_choice){"k", "1 to 50, 15 in the headline", "swept", NULL};
    s->fact[0] = (report_fact){"instructions", "595"};
    s->fact[1] = (report_fact){"agents", "3 seeds, 25 TFLOP each"};
    s->fact[2] = (report_fact){"language models", "SmolLM2, MiniLM"};
    s->fact[3] = (report_fact){"nulls", "iid and relabel, 999 draws (retrieval 99)"};
    s->control[0] =
        (report_fact){"untrained twin",
                      "The same network and seed at step 0: what training adds to random features of shared words."};
    s->control[1] = (report_fact){"relabel null", "Colours, objects and places renamed consistently. It keeps every "
                                                  "shared word and asks whether it matters which word is which."};
    for (int k = 0; k < SYN_K; k++) s->ks[k] = ks[k], s->k_tick[k] = k_names[k];
    for (int l = 0; l < SYN_LAYERS; l++) {
        snprintf(s->tick_text[l], sizeof s->tick_text[l], "%d", l);
        s->tick[l] = l == SYN_LAYERS - 1 ? "raw" : s->tick_text[l];
    }
    static const report_role curve_roles[5] = {REPORT_AGENT, REPORT_UNTRAINED, REPORT_WORDS, REPORT_RANDOM,
                                               REPORT_ENCODER};
    static const char *const curve_names[5] = {"agents", "untrained", "bag of words", "random", "MiniLM"};
    for (int c = 0; c < 7; c++) {
        const bool layers = c >= 4;
        const size_t ticks = layers ? SYN_LAYERS : SYN_K;
        for (int j = 0; j < 5; j++) {
            for (size_t i = 0; i < ticks; i++) {
                const double x = layers ? 0.8 - 0.01 * (double)i : (double)ks[i] / (ks[i] + 6.0);
                s->y[c][j][i] = j == 3 ? (layers ? 0.02 : ks[i] / 595.0) : x - 0.02 * j;
                s->low[c][j][i] = s->y[c][j][i] - 0.02;
                s->high[c][j][i] = s->y[c][j][i] + 0.02;
            }
            s->curve[c][j] = (report_curve){curve_names[j],
                                            curve_roles[j],
                                            j == 1,
                                            s->y[c][j],
                                            layers ? NULL : s->low[c][j],
                                            layers ? NULL : s->high[c][j]};
        }
        s->y[c][4][3] = NAN;
        report_chart *chart = layers ? &s->layer_chart[c - 4] : &s->k_chart[c];
        *chart = (report_chart){layers ? "Layers of SmolLM2" : "Retrieval, against SmolLM2",
                                "A caption.",
                                layers ? "layer" : "k",
                                "precision",
                                ticks,
                                layers ? s->tick : s->k_tick,
                                layers ? NULL : s->ks,
                                5,
                                s->curve[c],
                                layers};
    }
    static const char *const levels[SYN_LEVELS] = {"GoToLocal",    "PickupLoc", "PickupDist",
                                                   "PutNextLocal", "OpenDoor",  "ActionObjDoor"};
    for (int a = 0; a < SYN_AGENTS; a++) {
        for (int l = 0; l < SYN_LEVELS; l++) {
            const double v = a < 3 ? 0.99 - 0.005 * l : 0.1 + 0.02 * l;
            s->success[a][l] = (report_success){levels[l],          a < 3 ? 1000 : 100, v,   v - 0.01,
                                                fmin(v + 0.008, 1), a < 3 ? 0.3 : NAN,  6.1, 5.9};
        }
        s->agent[a] = (report_agent){names[a], a < 3 ? REPORT_AGENT : REPORT_UNTRAINED, SYN_LEVELS, s->success[a],
                                     a < 3 ? 0.98 : 0.15};
    }
    /* A comb: each space joins all before it. */
    for (uint32_t i = 0; i < SYN_SPACES; i++) s->leaf[i] = i;
    for (uint32_t m = 0; m + 1 < SYN_SPACES; m++)
        s->merge[m] = (triad_merge){m == 0 ? 0 : m + 1, m == 0 ? 1 : SYN_SPACES + m - 1, 0.05 + 0.1 * m, m + 2};
    static const char *const verbs[] = {"go to", "pick <up>"}, *const colours[] = {"", "green", "red"};
    for (uint32_t i = 0; i < SYN_POINTS; i++) {
        snprintf(s->sentence[i], sizeof s->sentence[i], "sentence & %u", i);
        s->sentences[i] = s->sentence[i];
        s->class_of[0][i] = i % 2U;
        s->class_of[1][i] = i % 3U;
        for (int v = 0; v < 3; v++) {
            s->placement[v][2 * i] = v == 2 ? 1 : cos((double)i + v) * i;
            s->placement[v][2 * i + 1] = v == 2 ? 1 : sin((double)i + v) * i;
        }
    }
    s->factor[0] = (report_factor){"verb", 2, verbs, s->class_of[0]};
    s->factor[1] = (report_factor){"colour", 3, colours, s->class_of[1]};
    for (int v = 0; v < 3; v++)
        s->view[v] = (report_view){names[3 * v],    roles[3 * v],
                                   s->placement[v], s->placement[(v + 1) % 3],
                                   {0.41, 0.2},     {0.92, v == 2 ? NAN : 0.99}};
    static const char *const paragraphs[] = {
        "Untrained twins of the agents reach 0.91 and bag of words 0.90, so 98 % of the level needs no learning at "
        "all.",
        "Renaming the words consistently keeps 0.88: beyond shared words 0.05 remain."};
    static const char *const warnings[] = {"Agent 2 solves fewer than 95 % of PutNextLocal."};
    s->study = (report_study){
        .name = "quick",
        .title = "Do action and language arrive at the same meaning?",
        .created_by = "triad 0.1.0",
        .headline = "Action and language align at precision@15 = 0.93 by retrieval and 0.71 by overlap of "
                    "neighbourhoods, but networks that never learned reach nearly as much.",
        .paragraphs = 2,
        .paragraph = paragraphs,
        .band_low = 0.70,
        .band_high = 0.73,
        .k = 15,
        .interval = "over words (colour) and seeds",
        .over_words = true,
        .reading = {{"Retrieval", "retrieval/strict64/all/nn/15",
                     "After a Procrustes map that is fitted on other sentences, the right sentence is among the 15 "
                     "nearest of all."},
                    {"Overlap", "mutual_knn_frac/15",
                     "The share of a sentence's 15 nearest neighbours that both spaces have in common."}},
        .facts = 4,
        .fact = s->fact,
        .rows = 6,
        .row = s->row,
        .differences = 2,
        .difference = s->difference,
        .claims = 2,
        .claim = s->claim,
        .spaces = SYN_SPACES,
        .space = s->space,
        .pairs = pairs,
        .pair = s->pair,
        .k_charts = 4,
        .k_chart = s->k_chart,
        .layer_charts = 3,
        .layer_chart = s->layer_chart,
        .agents = SYN_AGENTS,
        .agent = s->agent,
        .choices = 3,
        .choice = s->choice,
        .controls = 2,
        .control = s->control,
        .warnings = 1,
        .warning = warnings,
        .tree = {{s->merge, s->leaf}, {NULL, NULL}},
        .maps = {.points = SYN_POINTS,
                 .of = 595,
                 .views = 3,
                 .factors = 2,
                 .text = s->sentences,
                 .view = s->view,
                 .factor = s->factor}};
}

#endif
