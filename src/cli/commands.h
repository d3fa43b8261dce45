/* The commands, each in its own file cmd_NAME.c. */
#ifndef TRIAD_CLI_COMMANDS_H
#define TRIAD_CLI_COMMANDS_H

#include "cli/cli.h"

int cmd_run(cli_context *context, int argc, char **argv);
int cmd_levels(cli_context *context, int argc, char **argv);
int cmd_sentences(cli_context *context, int argc, char **argv);
int cmd_play(cli_context *context, int argc, char **argv);
int cmd_render(cli_context *context, int argc, char **argv);
int cmd_demos(cli_context *context, int argc, char **argv);
int cmd_train(cli_context *context, int argc, char **argv);
int cmd_eval(cli_context *context, int argc, char **argv);
int cmd_pull(cli_context *context, int argc, char **argv);
int cmd_info(cli_context *context, int argc, char **argv);
int cmd_tokenize(cli_context *context, int argc, char **argv);
int cmd_embed(cli_context *context, int argc, char **argv);
int cmd_align(cli_context *context, int argc, char **argv);
int cmd_multiverse(cli_context *context, int argc, char **argv);
int cmd_map(cli_context *context, int argc, char **argv);
int cmd_report(cli_context *context, int argc, char **argv);
int cmd_bench(cli_context *context, int argc, char **argv);

#endif
