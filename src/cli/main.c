/* The first thing that runs must run anywhere, to say so where the rest can't. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("arch=x86-64")
#endif

#include "base/machine.h"
#include "cli/cli.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static triad_error err;
    if (triad_machine_check(&err) != TRIAD_OK) {
        fprintf(stderr, "triad: %s\n", err.text);
        return CLI_FAILED;
    }
    return cli_main(argc, argv);
}
