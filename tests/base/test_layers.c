/* A room includes only rooms on lower floors (and itself). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct room {
    const char *name;
    int floor;
} room;

static const room ROOMS[] = {
    {"cli", 8},    {"experiment", 7}, {"bench", 7},      {"report", 6},  {"inspect", 6},
    {"embed", 5},  {"align", 5},      {"space", 4},      {"agent", 4},   {"models", 4},
    {"babyai", 3}, {"nn", 3},         {"tokenizers", 3}, {"formats", 2}, {"base", 1},
};

/* Public headers whose room has another name. */
static const char *const HEADERS[][2] = {{"items", "formats"},   {"image", "formats"}, {"model", "models"},
                                         {"hub", "models"},      {"lexical", "space"}, {"map", "align"},
                                         {"multiverse", "align"}};

static const room *find_room(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof ROOMS / sizeof *ROOMS; i++)
        if (strlen(ROOMS[i].name) == length && strncmp(ROOMS[i].name, name, length) == 0) return &ROOMS[i];
    return NULL;
}

static const room *room_of_header(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++)
        if (strlen(HEADERS[i][0]) == length && strncmp(HEADERS[i][0], name, length) == 0)
            return find_room(HEADERS[i][1], strlen(HEADERS[i][1]));
    return find_room(name, length);
}

/* The room of an #include "…" line, NULL where the line is none. *known is false for a path that belongs to no room. */
static const room *included_room(const char *line, const room *own, bool *known)
{
    *known = true;
    line += strspn(line, " \t");
    if (*line++ != '#') return NULL;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7) != 0) return NULL;
    line += 7;
    line += strspn(line, " \t");
    if (*line++ != '"') return NULL;
    const size_t length = strcspn(line, "\"");
    const char *slash = memchr(line, '/', length);
    if (slash == NULL) return own; /* beside the file itself */
    const room *found = NULL;
    if (strncmp(line, "triad/", 6) == 0)
        found = room_of_header(slash + 1, strcspn(slash + 1, ".\""));
    else
        found = find_room(line, (size_t)(slash - line));
    *known = found != NULL;
    return found;
}

/* NULL, or what is wrong with the line in a file of that room. */
static const char *judge(const char *line, const room *own)
{
    bool known;
    const room *found = included_room(line, own, &known);
    if (!known) return "includes what belongs to no room";
    if (found == NULL || found == own || found->floor < own->floor) return NULL;
    return "includes a room on its own floor or above";
}

static int check_file(const char *path, const room *own, size_t *includes)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    int wrong = 0;
    while (getline(&line, &capacity, file) > 0) {
        *includes += strstr(line, "#include \"") != NULL;
        const char *why = judge(line, own);
        if (why == NULL) continue;
        line[strcspn(line, "\n")] = 0;
        print_error("%s: %s: %s\n", path, why, line);
        wrong++;
    }
    free(line);
    fclose(file);
    return wrong;
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0 || strcmp(dot, ".inc") == 0);
}

static void rooms(void **state)
{
    (void)state;
    const char *source = getenv("TRIAD_SOURCE");
    assert_non_null(source);
    char path[4096];
    int wrong = 0;
    size_t files = 0, includes = 0;
    snprintf(path, sizeof path, "%s/src", source);
    DIR *house = opendir(path);
    assert_non_null(house);
    for (struct dirent *entry; (entry = readdir(house)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        const room *own = find_room(entry->d_name, strlen(entry->d_name));
        if (own == NULL) {
            print_error("src/%s is no room of the house\n", entry->d_name);
            wrong++;
            continue;
        }
        snprintf(path, sizeof path, "%s/src/%s", source, entry->d_name);
        DIR *folder = opendir(path);
        assert_non_null(folder);
        for (struct dirent *file; (file = readdir(folder)) != NULL;) {
            if (!is_source(file->d_name)) continue;
            snprintf(path, sizeof path, "%s/src/%s/%s", source, own->name, file->d_name);
            wrong += check_file(path, own, &includes);
            files++;
        }
        closedir(folder);
    }
    closedir(house);

    snprintf(path, sizeof path, "%s/include/triad", source);
    DIR *headers = opendir(path);
    assert_non_null(headers);
    for (struct dirent *file; (file = readdir(headers)) != NULL;) {
        if (!is_source(file->d_name)) continue;
        const room *own = room_of_header(file->d_name, strcspn(file->d_name, "."));
        if (own == NULL) {
            print_error("include/triad/%s belongs to no room\n", file->d_name);
            wrong++;
            continue;
        }
        snprintf(path, sizeof path, "%s/include/triad/%s", source, file->d_name);
        wrong += check_file(path, own, &includes);
        files++;
    }
    closedir(headers);
    assert_int_equal(wrong, 0);
    assert_true(files > 20 && includes > 40); /* it did read them */
}

/* The judge itself can say no. */
static void judgement(void **state)
{
    (void)state;
    const room *babyai = find_room("babyai", 6), *base = find_room("base", 4), *agent = find_room("agent", 5);
    assert_null(judge("#include \"triad/items.h\"\n", babyai));
    assert_null(judge("#include \"triad/base.h\"\n", babyai));
    assert_null(judge("#include \"babyai/grid.h\"\n", babyai));
    assert_null(judge("#include \"grid.h\"\n", babyai));
    assert_null(judge("#include <stdio.h>\n", base));
    assert_null(judge("int x; /* \"space/x.h\" */\n", base));
    assert_null(judge("#include \"nn/nn.h\"\n", agent));
    assert_non_null(judge("#include \"triad/space.h\"\n", babyai));
    assert_non_null(judge("  #  include  \"nn/nn.h\"\n", babyai));
    assert_non_null(judge("#include \"formats/json.h\"\n", base));
    assert_non_null(judge("#include \"models/x.h\"\n", agent));
    assert_non_null(judge("#include \"triad/model.h\"\n", agent));
    assert_non_null(judge("#include \"../space/x.h\"\n", agent));
    assert_non_null(judge("#include \"elsewhere/x.h\"\n", agent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rooms), cmocka_unit_test(judgement)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
