#include "cli/commands.h"

/* A command is declared in commands.h and gets its line in the table, in the order in which a user meets them. */

const cli_command CLI_COMMANDS[] = {
    {"run", "the whole study, from instructions to the report", cmd_run},
    {"levels", "every BabyAI level: rooms, instructions, step limit", cmd_levels},
    {"sentences", "the instructions of levels with their factors, as a table", cmd_sentences},
    {"play", "a level in the terminal, played or watched", cmd_play},
    {"render", "a frame or an episode of a level, as PNG or GIF", cmd_render},
    {"demos", "demonstrations by the expert, as a file", cmd_demos},
    {"train", "an agent that learns to follow instructions, from the expert's demonstrations", cmd_train},
    {"eval", "how well an agent follows instructions, by level", cmd_eval},
    {"pull", "a model from the Hugging Face hub into its cache", cmd_pull},
    {"info", "what a file holds, and whether it is sound", cmd_info},
    {"tokenize", "the token ids of each sentence", cmd_tokenize},
    {"embed", "a space: what a model, an agent or a baseline makes of sentences", cmd_embed},
    {"align", "how alike two spaces are, how sure we are, and against which nulls", cmd_align},
    {"map", "a space for the eye: principal components, t-SNE, trees", cmd_map},
    {"multiverse", "the same question under every combination of the protocol's choices", cmd_multiverse},
    {"report", "the page of a finished study", cmd_report},
    {"bench", "measures this machine: environments, training, models, alignment", cmd_bench},
    {NULL, NULL, NULL}, /* the end */
};
const size_t CLI_COMMAND_COUNT = sizeof CLI_COMMANDS / sizeof *CLI_COMMANDS - 1;
