/* The benchmarks of `triad bench`, each in its own file cmd_bench_NAME.c. */
#ifndef TRIAD_CLI_CMD_BENCH_H
#define TRIAD_CLI_CMD_BENCH_H

#include "cli/cli.h"

int cmd_bench_align(cli_context *context, int argc, char **argv);
int cmd_bench_babyai(cli_context *context, int argc, char **argv);
int cmd_bench_embed(cli_context *context, int argc, char **argv);
int cmd_bench_train(cli_context *context, int argc, char **argv);

/* Prints the results (taken over) as the JSON document of benchmark `bench`, or as a table with a row a result and a
 * column a member, named as the first result names them. */
int cli_print_bench(const cli_context *context, const char *bench, json_object *results);

#endif
