#include "cli/cli.h"

#include "base/machine.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/help.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 1024, THREADS_MOST = 4096, KEY_BASE = 0x1000, PROGRAM_NAMES = 64 };

/* ---- messages: one line each, whatever bytes the user typed */

static void print_line(const char *format, va_list arguments)
{
    char text[MESSAGE_BYTES];
    vsnprintf(text, sizeof text, format, arguments);
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f) *c = '?';
    /* A bar may stand on this line of the terminal. */
    fprintf(stderr, "%striad: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

int cli_fail(const triad_error *err)
{
    complain("%s", err->text);
    return CLI_FAILED;
}

int cli_usage_error(const cli_usage *usage, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    complain("%s: %s", usage->command, text);
    return CLI_USAGE;
}

/* ---- one parse */

typedef struct parse {
    cli_context *context;
    const cli_usage *usage;
    const cli_option *options;
    size_t option_count;
    bool *given; /* [option_count] */
    const char **positional;
    size_t positional_count;
    bool help;
    int stopped_at;              /* the word behind the last one that was looked at, when parsing failed */
    char message[MESSAGE_BYTES]; /* a usage error, "" when there is none */
} parse;

static error_t refuse(parse *state, const char *format, ...) __attribute__((format(printf, 2, 3)));
static error_t refuse(parse *state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state->message, sizeof state->message, format, arguments);
    va_end(arguments);
    return EINVAL;
}

static bool bounded(const cli_option *option)
{
    return option->min != 0 || option->max != 0;
}

static error_t set_int(parse *state, const cli_option *option, const char *text)
{
    errno = 0;
    char *end;
    const long long value = strtoll(text, &end, 10);
    const bool number = end != text && *end == 0 && !isspace((unsigned char)*text);
    const bool inside =
        errno == 0 && (!bounded(option) || ((double)value >= option->min && (double)value <= option->max));
    if (number && inside) {
        *(int64_t *)option->value = value;
        return 0;
    }
    const char *why = number ? "is out of range" : "is not a whole number";
    if (!bounded(option)) return refuse(state, "--%s: '%s' %s", option->name, text, why);
    if (option->max >= 0x1p62)
        return refuse(state, "--%s: '%s' %s (give one of at least %.0f)", option->name, text, why, option->min);
    return refuse(state, "--%s: '%s' %s (give one from %.0f to %.0f)", option->name, text, why, option->min,
                  option->max);
}

static error_t set_real(parse *state, const cli_option *option, const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    const bool number = end != text && *end == 0 && !isspace((unsigned char)*text) && isfinite(value);
    if (number && (!bounded(option) || (value >= option->min && value <= option->max))) {
        *(double *)option->value = value;
        return 0;
    }
    const char *why = number ? "is out of range" : "is not a number";
    if (!bounded(option)) return refuse(state, "--%s: '%s' %s", option->name, text, why);
    if (!(option->max < 1e300))
        return refuse(state, "--%s: '%s' %s (give one of at least %g)", option->name, text, why, option->min);
    return refuse(state, "--%s: '%s' %s (give one from %g to %g)", option->name, text, why, option->min, option->max);
}

static error_t set_seed(parse *state, const char *text)
{
    errno = 0;
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != 0 || errno != 0)
        return refuse(state, "--seed: '%s' is not a seed (give a whole number from 0 to 18446744073709551615)", text);
    state->context->seed = value;
    return 0;
}

/* The choice "a|b|c" that equals text; NULL, with a message, when there is none. */
static const char *find_choice(parse *state, const cli_option *option, const char *text)
{
    triad_arena *memory = &state->context->memory;
    const size_t length = strlen(text);
    const char *names[PROGRAM_NAMES];
    size_t count = 0;
    triad_text all = {0};
    for (const char *at = option->choices; *at != 0 && count < PROGRAM_NAMES;) {
        const size_t n = strcspn(at, "|");
        const char *name = triad_arena_strndup(memory, at, n);
        if (name == NULL) break;
        if (n == length && strcmp(name, text) == 0) {
            triad_text_free(&all);
            return name;
        }
        triad_text_addf(&all, "%s%s", count == 0 ? "" : ", ", name);
        names[count++] = name;
        at += n + (at[n] == '|');
    }
    const char *near = triad_nearest_name(text, names, count);
    if (near != NULL)
        refuse(state, "--%s: '%s' is not one of its values (did you mean %s?)", option->name, text, near);
    else
        refuse(state, "--%s: '%s' is not one of its values (give %s%s)", option->name, text, count > 1 ? "one of " : "",
               all.bytes != NULL ? all.bytes : "another");
    triad_text_free(&all);
    return NULL;
}

static error_t add_to_list(parse *state, const cli_option *option, const char *text, bool first)
{
    cli_list *list = option->value;
    if (first) *list = (cli_list){0}; /* what is given replaces the default */
    size_t more = 1;
    for (const char *c = text; *c != 0; c++) more += *c == ',';
    const char **names = TRIAD_NEW(&state->context->memory, const char *, list->count + more);
    char *copy = triad_arena_strdup(&state->context->memory, text);
    if (names == NULL || copy == NULL) return refuse(state, "--%s: out of memory", option->name);
    if (list->count > 0) memcpy(names, list->names, list->count * sizeof *names);
    size_t count = list->count;
    for (char *at = copy;;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) *comma = 0;
        if (*at == 0) return refuse(state, "--%s: '%s' holds an empty name (write a,b,c)", option->name, text);
        const char *name = option->choices != NULL ? find_choice(state, option, at) : at;
        if (name == NULL) return EINVAL;
        names[count++] = name;
        if (comma == NULL) break;
        at = comma + 1;
    }
    *list = (cli_list){count, names};
    return 0;
}

static error_t set_option(parse *state, size_t index, const char *text)
{
    const cli_option *option = &state->options[index];
    const bool first = !state->given[index];
    state->given[index] = true;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return 0;
    case CLI_STRING:
        *(const char **)option->value = text;
        return 0;
    case CLI_INT:
        return set_int(state, option, text);
    case CLI_REAL:
        return set_real(state, option, text);
    case CLI_LIST:
        return add_to_list(state, option, text, first);
    case CLI_CHOICE: {
        const char *name = find_choice(state, option, text);
        if (name == NULL) return EINVAL;
        *(const char **)option->value = name;
        return 0;
    }
    }
    return EINVAL;
}

static error_t set_common(parse *state, int which, const char *text)
{
    switch (which) {
    case CLI_COMMON_JSON:
        state->context->json = true;
        return 0;
    case CLI_COMMON_QUIET:
        state->context->quiet = true;
        return 0;
    case CLI_COMMON_HELP:
        state->help = true;
        return 0;
    case CLI_COMMON_SEED:
        return set_seed(state, text);
    default: {
        int64_t threads = 0;
        const cli_option option = {
            .name = "threads", .kind = CLI_INT, .value = &threads, .min = 1, .max = THREADS_MOST};
        const error_t failure = set_int(state, &option, text);
        if (failure == 0) state->context->threads = (int)threads;
        return failure;
    }
    }
}

/* argp knows an option by its letter, or by a number behind all letters. */
static int key_of(const cli_option *option, size_t index)
{
    return option->letter != 0 ? option->letter : KEY_BASE + (int)index;
}

/* The command's options, then the common ones. */
static const cli_option *option_at(const parse *state, size_t index)
{
    return index < state->option_count ? &state->options[index] : &CLI_COMMON[index - state->option_count];
}

static error_t on_key(int key, char *text, struct argp_state *argp)
{
    parse *state = argp->input;
    if (key == ARGP_KEY_ARG) {
        state->positional[state->positional_count++] = text;
        return 0;
    }
    if (key == ARGP_KEY_ERROR) state->stopped_at = argp->next;
    const size_t total = state->option_count + CLI_COMMON_OPTIONS;
    for (size_t i = 0; i < total; i++) {
        if (key != key_of(option_at(state, i), i)) continue;
        return i < state->option_count ? set_option(state, i, text)
                                       : set_common(state, (int)(i - state->option_count), text);
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- what is wrong with an option that getopt refused */

static bool diagnose_long(parse *state, const char *word, bool is_last)
{
    const size_t length = strcspn(word, "=");
    const size_t total = state->option_count + CLI_COMMON_OPTIONS;
    const char *names[PROGRAM_NAMES];
    size_t count = 0, prefixed = 0;
    const cli_option *option = NULL, *other = NULL;
    for (size_t i = 0; i < total && count < PROGRAM_NAMES; i++) {
        const cli_option *candidate = option_at(state, i);
        names[count++] = candidate->name;
        if (strncmp(candidate->name, word, length) != 0) continue;
        if (candidate->name[length] == 0) { /* exact */
            option = candidate;
            prefixed = 1;
            break;
        }
        other = option;
        option = candidate;
        prefixed++;
    }
    if (prefixed > 1) {
        refuse(state, "--%.*s: may be --%s or --%s (write it out)", (int)length, word, other->name, option->name);
    } else if (prefixed == 0) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)length, word);
        const char *near = triad_nearest_name(name, names, count);
        if (near != NULL)
            refuse(state, "--%s: unknown option (did you mean --%s?)", name, near);
        else
            refuse(state, "--%s: unknown option (triad %s --help lists them)", name, state->usage->command);
    } else if (option->kind == CLI_FLAG && word[length] == '=') {
        refuse(state, "--%s: takes no value (leave out '%s')", option->name, word + length);
    } else if (option->kind != CLI_FLAG && word[length] == 0 && is_last) {
        refuse(state, "--%s: needs a value (give %s)", option->name,
               option->argument != NULL ? option->argument : "one");
    } else {
        return false;
    }
    return true;
}

static bool diagnose_letters(parse *state, const char *letters, bool is_last)
{
    const size_t total = state->option_count + CLI_COMMON_OPTIONS;
    for (; *letters != 0; letters++) {
        const cli_option *option = NULL;
        for (size_t i = 0; i < total && option == NULL; i++)
            if (option_at(state, i)->letter == *letters) option = option_at(state, i);
        if (option == NULL) {
            refuse(state, "-%c: unknown option (triad %s --help lists them)", *letters, state->usage->command);
            return true;
        }
        if (option->kind == CLI_FLAG) continue;
        if (letters[1] != 0 || !is_last) return false; /* the rest, or the next word, is its value */
        refuse(state, "-%c: needs a value (give %s)", *letters, option->argument != NULL ? option->argument : "one");
        return true;
    }
    return false;
}

static bool diagnose(parse *state, int argc, char **argv, int index)
{
    if (index < 1 || index >= argc || argv[index][0] != '-') return false;
    const bool is_last = index == argc - 1;
    if (argv[index][1] == '-') return diagnose_long(state, argv[index] + 2, is_last);
    return diagnose_letters(state, argv[index] + 1, is_last);
}

/* ---- the parse as a whole */

static error_t run_argp(parse *state, int argc, char **argv)
{
    const size_t total = state->option_count + CLI_COMMON_OPTIONS;
    struct argp_option *table = TRIAD_NEW0(&state->context->memory, struct argp_option, total + 1);
    if (table == NULL) return ENOMEM;
    for (size_t i = 0; i < total; i++) {
        const cli_option *option = option_at(state, i);
        table[i] = (struct argp_option){.name = option->name,
                                        .key = key_of(option, i),
                                        .arg = option->kind == CLI_FLAG ? NULL : "VALUE",
                                        .doc = option->help};
    }
    const struct argp parser = {.options = table, .parser = on_key};
    argp_err_exit_status = CLI_USAGE;
    const error_t failure = argp_parse(&parser, argc, argv, ARGP_SILENT, NULL, state);
    if (failure == 0 || state->message[0] != 0 || failure == ENOMEM) return failure;
    /* getopt stands behind a long option that it refused, and on the word of a refused letter. */
    const int next = state->stopped_at;
    if (!diagnose(state, argc, argv, next - 1) && !diagnose(state, argc, argv, next))
        refuse(state, "the options can't be understood (triad %s --help lists them)", state->usage->command);
    return failure;
}

static void check_complete(parse *state)
{
    for (size_t i = 0; i < state->option_count; i++) {
        const cli_option *option = &state->options[i];
        if (!option->required || state->given[i]) continue;
        refuse(state, "--%s is missing (give --%s %s)", option->name, option->name,
               option->argument != NULL ? option->argument : "");
        return;
    }
    const cli_usage *usage = state->usage;
    const char *arguments = usage->arguments != NULL ? usage->arguments : "";
    if (state->positional_count < usage->min_positional)
        refuse(state, "too few arguments (usage: triad %s %s)", usage->command, arguments);
    else if (state->positional_count > usage->max_positional)
        refuse(state, "'%s' is one argument too many (usage: triad %s%s%s)", state->positional[usage->max_positional],
               usage->command, *arguments != 0 ? " " : "", arguments);
    for (size_t i = 0; i < state->positional_count && state->message[0] == 0; i++)
        if (state->positional[i][0] == 0)
            refuse(state, "an argument is empty (a variable without a value? usage: triad %s %s)", usage->command,
                   arguments);
}

int cli_parse(cli_context *context, const cli_usage *usage, const cli_option *options, size_t option_count, int argc,
              char **argv, const char ***positional, size_t *count)
{
    parse state = {.context = context, .usage = usage, .options = options, .option_count = option_count};
    state.given = TRIAD_NEW0(&context->memory, bool, option_count);
    state.positional = TRIAD_NEW0(&context->memory, const char *, (size_t)argc + 1);
    error_t failure = ENOMEM;
    if (state.given != NULL && state.positional != NULL) failure = run_argp(&state, argc, argv);
    if (failure == ENOMEM) {
        complain("%s: out of memory", usage->command);
        return CLI_FAILED;
    }
    if (failure == 0 && state.help) {
        help_command(stdout, usage, options, option_count);
        return CLI_DONE;
    }
    if (failure == 0) check_complete(&state);
    if (state.message[0] != 0) return cli_usage_error(usage, "%s", state.message);

    if (context->threads == 0) context->threads = triad_machine_threads();
    if (triad_pool_create(&context->pool, context->threads, &context->error) != TRIAD_OK)
        return cli_fail(&context->error);
    context->progress = triad_progress_create(stderr, context->quiet);
    if (positional != NULL) *positional = state.positional;
    if (count != NULL) *count = state.positional_count;
    return CLI_GO;
}

void cli_context_free(cli_context *context)
{
    triad_progress_free(context->progress);
    triad_pool_free(context->pool);
    triad_arena_free(&context->memory);
    *context = (cli_context){0};
}

int cli_print_json(json_object *root)
{
    char *text = root != NULL ? json_to_text(root, true) : NULL;
    json_object_put(root);
    if (text == NULL) {
        complain("stdout: out of memory for the JSON document");
        return CLI_FAILED;
    }
    const size_t length = strlen(text);
    fwrite(text, 1, length, stdout); /* the stream remembers a failure; cli_main reports it */
    if (length == 0 || text[length - 1] != '\n') fputc('\n', stdout);
    free(text);
    return ferror(stdout) ? CLI_FAILED : CLI_DONE;
}
