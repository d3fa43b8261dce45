/* Files of demonstrations, read: everything is checked when the file is opened, before anything is believed. */
#include "babyai/demos_read.h"

#include "babyai/cell.h"
#include "babyai/demonstrate.h"
#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>

struct babyai_demos {
    safetensors *file;
    const babyai_level **levels;
    size_t level_count, episodes, steps, missions;
    const unsigned char *start, *seed, *offsets, *level, *mission, *text, *action, *direction,
        *observation; /* maybe unaligned */
};

static int64_t long_at(const unsigned char *array, size_t i)
{
    int64_t value;
    memcpy(&value, array + 8 * i, 8);
    return value;
}
static int32_t int_at(const unsigned char *array, size_t i)
{
    int32_t value;
    memcpy(&value, array + 4 * i, 4);
    return value;
}

static triad_status want(const babyai_demos *d, const unsigned char **data, size_t *length, const char *name,
                         tensor_dtype dtype, size_t expected, triad_error *err)
{
    const tensor_view *tensor;
    const size_t shape[] = {expected, BABYAI_VIEW, BABYAI_VIEW, 3};
    const int rank = strcmp(name, "observation") == 0 ? 4 : 1;
    const triad_status status = safetensors_want(&tensor, d->file, name, dtype, rank, shape, err);
    if (status != TRIAD_OK) return status;
    *data = tensor->data;
    if (length) *length = tensor->shape[0];
    return TRIAD_OK;
}

static triad_status read_levels(babyai_demos *d, triad_error *err)
{
    const char *format = safetensors_metadata(d->file, "format"), *names = safetensors_metadata(d->file, "levels");
    if (!format || strcmp(format, "triad.demos") != 0 || !names)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "it holds no demonstrations (its metadata's format is not triad.demos)");
    size_t most = 1;
    for (const char *c = names; *c; c++) most += *c == ',';
    d->levels = calloc(most, sizeof *d->levels);
    if (!d->levels) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "no memory for %zu levels", most);
    for (const char *at = names;;) {
        const size_t bytes = strcspn(at, ",");
        char name[64] = "";
        if (bytes < sizeof name) memcpy(name, at, bytes);
        if (bytes >= sizeof name || !(d->levels[d->level_count++] = babyai_level_find(name)))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "it names a level '%.*s', which does not exist",
                              bytes > 60 ? 60 : (int)bytes, at);
        if (at[bytes] == 0) return TRIAD_OK;
        at += bytes + 1;
    }
}

/* Offsets that begin at 0, rise and end at `end`. */
static bool are_offsets(const unsigned char *array, size_t count, size_t end)
{
    if (long_at(array, 0) != 0 || long_at(array, count) != (int64_t)end) return false;
    for (size_t i = 0; i < count; i++)
        if (long_at(array, i + 1) <= long_at(array, i)) return false;
    return true;
}

/* Whether an observation of BabyAI can hold this (type, colour, state). */
static bool is_cell(const unsigned char triple[3])
{
    const unsigned type = triple[0], colour = triple[1], state = triple[2];
    switch (type) {
    case 0: /* unseen */
    case 1: /* empty */
        return colour == 0 && state == 0;
    case 2: /* wall */
        return colour == COLOUR_GREY && state == 0;
    case 4: /* door */
        return colour < COLOUR_COUNT && state < 3;
    case 5: /* key, ball, box */
    case 6:
    case 7:
        return colour < COLOUR_COUNT && state == 0;
    default:
        return false;
    }
}

static triad_status check(const babyai_demos *d, size_t text_bytes, triad_error *err)
{
    if (!are_offsets(d->start, d->episodes, d->steps))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "its episode_start is not a list of beginnings");
    if (!are_offsets(d->offsets, d->missions, text_bytes))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "its mission_offsets are not a list of beginnings");
    for (size_t i = 0; i < d->missions; i++)
        if (long_at(d->offsets, i + 1) - long_at(d->offsets, i) >= BABYAI_MISSION_MAX)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "its mission %zu is too long", i);
    for (size_t i = 0; i < text_bytes; i++)
        if (d->text[i] < 0x20 || d->text[i] > 0x7e)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "its mission_text is not text");
    for (size_t e = 0; e < d->episodes; e++) {
        const int32_t level = int_at(d->level, e), mission = int_at(d->mission, e);
        if (level < 0 || (size_t)level >= d->level_count || mission < 0 || (size_t)mission >= d->missions ||
            long_at(d->seed, e) < 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)e,
                              "its episode %zu names a level, mission or seed that is not there", e);
    }
    for (size_t s = 0; s < d->steps; s++)
        if (d->action[s] >= BABYAI_ACTIONS || (d->direction && d->direction[s] >= 4))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)s, "its step %zu has an action or direction out of range",
                              s);
    for (size_t i = 0; d->observation && i < d->steps * BABYAI_OBSERVATION; i += 3)
        if (!is_cell(d->observation + i))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)(i / BABYAI_OBSERVATION),
                              "its step %zu sees (%u, %u, %u), which BabyAI does not have", i / BABYAI_OBSERVATION,
                              d->observation[i], d->observation[i + 1], d->observation[i + 2]);
    return TRIAD_OK;
}

static triad_status open_tensors(babyai_demos *d, triad_error *err)
{
    size_t starts, offsets, text_bytes;
    triad_status s = read_levels(d, err);
    if (s == TRIAD_OK) s = want(d, &d->start, &starts, "episode_start", TENSOR_I64, SIZE_MAX, err);
    if (s == TRIAD_OK) s = want(d, &d->offsets, &offsets, "mission_offsets", TENSOR_I64, SIZE_MAX, err);
    if (s == TRIAD_OK) s = want(d, &d->text, &text_bytes, "mission_text", TENSOR_U8, SIZE_MAX, err);
    if (s == TRIAD_OK) s = want(d, &d->action, &d->steps, "action", TENSOR_U8, SIZE_MAX, err);
    if (s != TRIAD_OK) return s;
    if (starts < 1 || offsets < 1) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "its lists of beginnings are empty");
    d->episodes = starts - 1;
    d->missions = offsets - 1;
    s = want(d, &d->seed, NULL, "seed", TENSOR_I64, d->episodes, err);
    if (s == TRIAD_OK) s = want(d, &d->level, NULL, "level", TENSOR_I32, d->episodes, err);
    if (s == TRIAD_OK) s = want(d, &d->mission, NULL, "mission", TENSOR_I32, d->episodes, err);
    if (s == TRIAD_OK && safetensors_find(d->file, "observation")) {
        s = want(d, &d->observation, NULL, "observation", TENSOR_U8, d->steps, err);
        if (s == TRIAD_OK) s = want(d, &d->direction, NULL, "direction", TENSOR_U8, d->steps, err);
    }
    return s == TRIAD_OK ? check(d, text_bytes, err) : s;
}

/* Takes over the file, or the reason that there is none. */
static triad_status open_file(babyai_demos **demos, safetensors *file, triad_status status, triad_error *err)
{
    *demos = NULL;
    if (status != TRIAD_OK) return status;
    babyai_demos *d = calloc(1, sizeof *d);
    if (!d) {
        safetensors_close(file);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "no memory");
    }
    d->file = file;
    status = open_tensors(d, err);
    if (status == TRIAD_OK)
        *demos = d;
    else
        babyai_demos_close(d);
    return status;
}

triad_status babyai_demos_open(babyai_demos **demos, const char *path, triad_error *err)
{
    safetensors *file;
    const triad_status opened = safetensors_open(&file, path, err);
    const triad_status status = open_file(demos, file, opened, err);
    if (status != TRIAD_OK) triad_fail_in(err, path);
    return status;
}

triad_status babyai_demos_parse(babyai_demos **demos, const void *bytes, size_t size, triad_error *err)
{
    safetensors *file;
    const triad_status opened = safetensors_parse(&file, bytes, size, err);
    return open_file(demos, file, opened, err);
}

void babyai_demos_close(babyai_demos *demos)
{
    if (!demos) return;
    if (demos->file) safetensors_close(demos->file);
    free(demos->levels);
    free(demos);
}

size_t babyai_demos_level_count(const babyai_demos *demos)
{
    return demos->level_count;
}

const babyai_level *babyai_demos_level_at(const babyai_demos *demos, size_t index)
{
    return demos->levels[index];
}

uint64_t babyai_demos_seed(const babyai_demos *demos, size_t episode)
{
    return (uint64_t)long_at(demos->seed, episode);
}

size_t babyai_demos_count(const babyai_demos *demos)
{
    return demos->episodes;
}

size_t babyai_demos_steps(const babyai_demos *demos)
{
    return demos->steps;
}

triad_status babyai_demos_read(const babyai_demos *d, size_t index, babyai_episode *episode, babyai_env **env,
                               triad_error *err)
{
    if (index >= d->episodes)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "demonstrations: episode %zu of %zu", index, d->episodes);
    const babyai_level *level = d->levels[int_at(d->level, index)];
    const size_t begin = (size_t)long_at(d->start, index), steps = (size_t)long_at(d->start, index + 1) - begin;
    const uint64_t seed = (uint64_t)long_at(d->seed, index);
    const size_t mission = (size_t)int_at(d->mission, index);
    const size_t text = (size_t)long_at(d->offsets, mission), bytes = (size_t)long_at(d->offsets, mission + 1) - text;
    if (d->observation) {
        const triad_status status = babyai_episode_reserve(episode, steps, err);
        if (status != TRIAD_OK) return status;
        episode->seed = seed;
        episode->level = level;
        episode->steps = steps;
        memcpy(episode->action, d->action + begin, steps);
        memcpy(episode->direction, d->direction + begin, steps);
        memcpy(episode->observation, d->observation + begin * BABYAI_OBSERVATION, steps * BABYAI_OBSERVATION);
        memcpy(episode->mission, d->text + text, bytes);
        episode->mission[bytes] = 0;
        return TRIAD_OK;
    }
    if (*env && babyai_env_level(*env) != level) {
        babyai_free(*env);
        *env = NULL;
    }
    const triad_status status = babyai_replay(episode, env, level, seed, d->action + begin, steps, err);
    if (status == TRIAD_OK &&
        (strlen(episode->mission) != bytes || memcmp(episode->mission, d->text + text, bytes) != 0))
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)index,
                          "demonstrations: episode %zu says '%.*s' where its seed says '%.160s'", index,
                          bytes > 160 ? 160 : (int)bytes, (const char *)d->text + text, episode->mission);
    return status;
}
