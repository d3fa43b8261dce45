#include "base/text.h"
#include "cli/cli.h"
#include "cli/help.h"

#include <cblas.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MOST = 64 };

/* A stream that the parent closed must not become the next file that we open: it gets one that can't be written. */
static void hold_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) (void)open("/dev/null", O_RDONLY);
}

static const char *nearest_command(const char *word)
{
    const char *names[NAMES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < CLI_COMMAND_COUNT && count < NAMES_MOST; i++) names[count++] = CLI_COMMANDS[i].name;
    return triad_nearest_name(word, names, count);
}

static int unknown_command(const char *word)
{
    triad_error err;
    const bool is_option = word[0] == '-';
    const char *near = is_option ? NULL : nearest_command(word);
    if (is_option)
        triad_fail(&err, TRIAD_ERR_ARGUMENT, -1,
                   "%s: options stand behind the command (triad --help lists the commands)", word);
    else if (near != NULL)
        triad_fail(&err, TRIAD_ERR_ARGUMENT, -1, "%s: unknown command (did you mean %s?)", word, near);
    else
        triad_fail(&err, TRIAD_ERR_ARGUMENT, -1, "%s: unknown command (triad --help lists them)", word);
    cli_fail(&err);
    return CLI_USAGE;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        triad_error err;
        triad_fail(&err, TRIAD_ERR_ARGUMENT, -1, "no command given (triad --help lists them)");
        cli_fail(&err);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_program(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("triad %s\n", TRIAD_VERSION);
        return CLI_DONE;
    }
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (strcmp(argv[1], CLI_COMMANDS[i].name) != 0) continue;
        cli_context context = {0};
        const int status = CLI_COMMANDS[i].run(&context, argc - 1, argv + 1);
        cli_context_free(&context);
        return status;
    }
    return unknown_command(argv[1]);
}

int cli_main(int argc, char **argv)
{
    hold_standard_streams();
    /* A file beyond the limit fails as a full disk does, in one line; it does not kill. Interrupts, hang-ups and
     * broken pipes end the program as they find it: files are whole or not there. */
    signal(SIGXFSZ, SIG_IGN);
    /* Results must not depend on how BLAS cuts its work: threads are above it. */
    openblas_set_num_threads(1);

    int status = dispatch(argc, argv);

    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        triad_error err;
        triad_fail(&err, TRIAD_ERR_IO, -1, "stdout: can't be written: %s",
                   errno != 0 ? strerror(errno) : "no room or no reader");
        cli_fail(&err);
        if (status == CLI_DONE) status = CLI_FAILED;
    }
    return status;
}
