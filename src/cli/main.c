#include "cli/cli.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fprintf(stderr, "triad: the command line is being built\n");
    return CLI_FAILED;
}
