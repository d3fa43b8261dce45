/* Episodes recorded from the reference, replayed: one check a line.
 *
 *   babyai_parity FILE.tsv.gz
 *
 * Lines (tab separated): E a fresh reset; C the resets that follow it; R and F pseudo-random actions; K frames after
 * F's actions; B the expert; N the expert, overruled now and then. Every column is compared but the expert's bfs_steps.
 */
#include "babyai/bot.h"
#include "babyai/env.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    COLUMNS_MAX = 24,
    STEP_BYTES = BABYAI_OBSERVATION + 10,
    LINE_MAX_BYTES = 1 << 20,
    RECORDED_STEPS = 128,
    SHOWN = 20,
    NOISY_STEPS = 300,
    RANDOM_STEPS = 64
};
static const uint64_t FNV_START = 0xcbf29ce484222325;

typedef struct state {
    babyai_env *env;    /* E's, continued by C */
    babyai_env *played; /* after the 64 steps of F, for K */
    char played_level[64], played_seed[24];
    char level[64], seed[24];
    long passed, failed;
    char why[512];
} state;

static bool differ(state *s, const char *field, const char *ours, const char *theirs)
{
    snprintf(s->why, sizeof s->why, "%s is %.160s, recorded %.160s", field, ours, theirs);
    return false;
}

__attribute__((format(printf, 4, 5))) static bool same(state *s, const char *field, const char *theirs,
                                                       const char *format, ...)
{
    char ours[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ours, sizeof ours, format, arguments);
    va_end(arguments);
    return strcmp(ours, theirs) == 0 || differ(s, field, ours, theirs);
}

static uint64_t fnv(uint64_t h, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) h = (h ^ bytes[i]) * 0x100000001b3;
    return h;
}

static uint64_t splitmix(uint64_t *s)
{
    uint64_t z = *s += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static uint64_t grid_digest(const babyai_env *env)
{
    uint64_t h = FNV_START;
    for (int x = 0; x < env->width; x++)
        for (int y = 0; y < env->height; y++) {
            uint8_t triple[3];
            code_triple(env_code(env, x, y), triple);
            h = fnv(h, triple, 3);
        }
    return h;
}

static uint32_t step_digest(const babyai_env *env, double reward, bool terminated, bool truncated, uint64_t *chain)
{
    uint8_t bytes[STEP_BYTES];
    babyai_observe(env, bytes, bytes + BABYAI_OBSERVATION);
    memcpy(bytes + BABYAI_OBSERVATION + 1, &reward, 8);
    bytes[STEP_BYTES - 1] = (uint8_t)(terminated | truncated << 1);
    if (chain) *chain = fnv(*chain, bytes, STEP_BYTES);
    return (uint32_t)crc32(0, bytes, STEP_BYTES);
}

static bool frame_is(state *s, const char *field, const char *theirs, const babyai_env *env, int tile, bool highlight,
                     bool agent_view)
{
    if (strcmp(theirs, "-") == 0) return true;
    size_t height, width;
    babyai_frame_size(env, tile, agent_view, &height, &width);
    uint8_t *rgb = malloc(height * width * 3);
    triad_error err;
    if (!rgb || babyai_render(env, tile, highlight, agent_view, rgb, &err) != TRIAD_OK) {
        free(rgb);
        return differ(s, field, rgb ? err.text : "out of memory", theirs);
    }
    const uint32_t crc = (uint32_t)crc32(0, rgb, (unsigned)(height * width * 3));
    free(rgb);
    return same(s, field, theirs, "%08x", crc);
}

/* A fresh environment after its first reset; NULL, and s->why, when that fails. */
static babyai_env *fresh(state *s, char **f)
{
    const babyai_level *level = babyai_level_find(f[1]);
    triad_error err;
    babyai_env *env = NULL;
    if (!level) {
        snprintf(s->why, sizeof s->why, "no such level");
        return NULL;
    }
    if (babyai_create(&env, level, &err) != TRIAD_OK ||
        babyai_reset_seed(env, strtoull(f[2], NULL, 10), &err) != TRIAD_OK) {
        snprintf(s->why, sizeof s->why, "%.400s", err.text);
        babyai_free(env);
        return NULL;
    }
    return env;
}

static bool state_is(state *s, const babyai_env *env, char **rng)
{
    const uint64_t high = (uint64_t)(env->world->rng.state >> 64), low = (uint64_t)env->world->rng.state;
    return same(s, "pcg_hi", rng[0], "%016" PRIx64, high) && same(s, "pcg_lo", rng[1], "%016" PRIx64, low);
}

static bool check_fresh(state *s, char **f, int columns)
{
    if (columns != 19) return differ(s, "the number of columns", "19", "another");
    babyai_free(s->env);
    s->env = fresh(s, f);
    if (!s->env) return false;
    const babyai_env *env = s->env;
    snprintf(s->level, sizeof s->level, "%s", f[1]);
    snprintf(s->seed, sizeof s->seed, "%s", f[2]);
    char rejects[128] = "-";
    for (unsigned i = 0; i < env->world->rejects && i < 64; i++) {
        rejects[i] = env->world->reject_timeouts >> i & 1 ? 'T' : 'R';
        rejects[i + 1] = 0;
    }
    return same(s, "W", f[3], "%d", env->width) && same(s, "H", f[4], "%d", env->height) &&
           same(s, "max_steps", f[5], "%d", babyai_max_steps(env)) && same(s, "rejects", f[6], "%s", rejects) &&
           same(s, "mission", f[18], "%s", babyai_mission(env)) && same(s, "ax", f[7], "%d", env->x) &&
           same(s, "ay", f[8], "%d", env->y) && same(s, "adir", f[9], "%d", env->direction) &&
           same(s, "grid64", f[10], "%016" PRIx64, grid_digest(env)) &&
           same(s, "obs32", f[11], "%08x", step_digest(env, 0, false, false, NULL)) && state_is(s, env, f + 12) &&
           same(s, "has32", f[14], "%d", env->world->rng.has_buffered) && same(s, "u32", f[15], "%08x", env->world->rng.buffered) &&
           frame_is(s, "rgb8", f[16], env, 8, true, false) && frame_is(s, "rgb32", f[17], env, 32, true, false);
}

static bool check_continued(state *s, char **f, int columns)
{
    if (!s->env || strcmp(s->level, f[1]) || strcmp(s->seed, f[2])) return differ(s, "its E line", "missing", f[1]);
    triad_error err;
    const triad_status status = babyai_reset(s->env, &err);
    if (columns == 4 && strcmp(f[3], "HANG") == 0)
        return status == TRIAD_ERR_GENERATION || differ(s, "the reset", triad_status_name(status), "HANG");
    if (columns != 12) return differ(s, "the number of columns", "12", "another");
    if (status != TRIAD_OK) return differ(s, "the reset", err.text, "an episode");
    const babyai_env *env = s->env;
    return same(s, "mission", f[11], "%s", babyai_mission(env)) &&
           same(s, "grid64", f[4], "%016" PRIx64, grid_digest(env)) && same(s, "ax", f[5], "%d", env->x) &&
           same(s, "ay", f[6], "%d", env->y) && same(s, "adir", f[7], "%d", env->direction) &&
           same(s, "max_steps", f[8], "%d", babyai_max_steps(env)) && state_is(s, env, f + 9);
}

/* Compares a digest with the next eight digits of `recorded`. */
static bool digest_is(state *s, int step, uint32_t digest, const char *recorded)
{
    char ours[9], theirs[9], field[32];
    snprintf(ours, sizeof ours, "%08x", digest);
    snprintf(theirs, sizeof theirs, "%.8s", recorded);
    snprintf(field, sizeof field, "the digest of step %d", step);
    return strcmp(ours, theirs) == 0 || differ(s, field, ours, theirs);
}

static bool check_random(state *s, char **f, int columns)
{
    const bool forward = f[0][0] == 'F';
    babyai_env *env = fresh(s, f);
    bool ok = env != NULL;
    const bool hang = columns == 4 && strcmp(f[3], "HANG") == 0;
    if (!hang && (columns != 8 || strlen(f[5]) != RANDOM_STEPS || strlen(f[6]) != 8 * RANDOM_STEPS))
        ok = differ(s, "the line", "-", "malformed");
    uint64_t stream = strtoull(f[2], NULL, 10) + (forward ? 0x5DEECE66D : 0), chain = FNV_START;
    int done = 0;
    bool stuck = false;
    for (int step = 0; ok && !stuck && step < RANDOM_STEPS; step++) {
        const uint64_t z = splitmix(&stream);
        const int action = forward ? "22201345"[z % 8] - '0' : (int)(z % 7);
        double reward;
        bool terminated, truncated;
        babyai_step(env, (babyai_action)action, &reward, &terminated, &truncated);
        const uint32_t digest = step_digest(env, reward, terminated, truncated, &chain);
        if (!hang)
            ok = (f[5][step] - '0' == action || differ(s, "an action", "another", "-")) &&
                 digest_is(s, step, digest, f[6] + 8 * step);
        if (terminated || truncated) {
            triad_error err;
            done++;
            stuck = babyai_reset(env, &err) != TRIAD_OK;
        }
    }
    if (ok && hang) ok = stuck || differ(s, "the resets", "fine", "HANG");
    if (ok && !hang)
        ok = (!stuck || differ(s, "a reset", "an error", "fine")) && same(s, "n", f[3], "64") &&
             same(s, "ndone", f[4], "%d", done) && same(s, "chain64", f[7], "%016" PRIx64, chain);
    if (forward) {
        babyai_free(s->played);
        s->played = env;
        snprintf(s->played_level, sizeof s->played_level, "%s", f[1]);
        snprintf(s->played_seed, sizeof s->played_seed, "%s", f[2]);
    } else {
        babyai_free(env);
    }
    return ok;
}

static bool check_frames(state *s, char **f, int columns)
{
    if (columns != 6) return differ(s, "the number of columns", "6", "another");
    if (!s->played || strcmp(s->played_level, f[1]) || strcmp(s->played_seed, f[2]))
        return differ(s, "its F line", "missing", f[1]);
    return frame_is(s, "crc_hl", f[3], s->played, 8, true, false) &&
           frame_is(s, "crc_nohl", f[4], s->played, 8, false, false) &&
           frame_is(s, "crc_pov", f[5], s->played, 8, true, true);
}

/* The actions as digits; a run of four or more as "2*5,". */
static void run_lengths(char *out, const uint8_t *action, int count)
{
    if (count == 0) strcpy(out, "-");
    for (int i = 0; i < count;) {
        int j = i;
        while (j < count && action[j] == action[i]) j++;
        if (j - i >= 4)
            out += sprintf(out, "%d*%d,", action[i], j - i);
        else
            for (int k = i; k < j; k++) out += sprintf(out, "%d", action[i]);
        i = j;
    }
}

/* repr() of a reward. */
static void shortest(char *out, double value)
{
    if (value == 0) {
        strcpy(out, "0");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        sprintf(out, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    if (!strpbrk(out, ".en")) strcat(out, ".0");
}

static bool check_expert(state *s, char **f, int columns)
{
    const bool noisy = f[0][0] == 'N';
    if (columns != 12) return differ(s, "the number of columns", "12", "another");
    babyai_env *env = fresh(s, f);
    if (!env) return false;
    enum { ACTIONS_MAX = 1 << 16 };
    babyai_bot *bot = NULL;
    uint8_t *actions = malloc(ACTIONS_MAX);
    char *written = malloc(2 * ACTIONS_MAX);
    triad_error err = {0};
    uint64_t stream = strtoull(f[2], NULL, 10) + 0xB5297A4D, chain = FNV_START;
    const char *status = NULL, *text = "-";
    int count = 0, last = -1;
    double reward = 0;
    bool ok = actions && written && babyai_bot_create(&bot, env, &err) == TRIAD_OK;
    const bool any_end = strcmp(f[11], "Hang:cpu") == 0;
    if (!ok) snprintf(s->why, sizeof s->why, "the expert: %.400s", err.text);
    while (ok && !status) {
        babyai_action action;
        if (noisy && count >= NOISY_STEPS) {
            status = "trunc";
            break;
        }
        if (babyai_bot_act(bot, last, &action, &err) != TRIAD_OK) {
            status = babyai_bot_fault_of(bot) == BOT_FAULT_HANG ? "hang" : "exc";
            text = babyai_bot_fault_text(babyai_bot_fault_of(bot));
            break;
        }
        last = (int)action;
        if (noisy) {
            const uint64_t z = splitmix(&stream);
            if (z % 8 == 0) last = (int)((z >> 32) % 6);
        }
        bool terminated, truncated;
        babyai_step(env, (babyai_action)last, &reward, &terminated, &truncated);
        const uint32_t digest = step_digest(env, reward, terminated, truncated, &chain);
        if (!any_end && count < RECORDED_STEPS && (strcmp(f[7], "-") == 0 || strlen(f[7]) < 8 * ((size_t)count + 1)))
            ok = differ(s, "the expert", "going on", "at its end");
        else if (!any_end && count < RECORDED_STEPS)
            ok = digest_is(s, count, digest, f[7] + 8 * count);
        actions[count++] = (uint8_t)last;
        if (terminated || truncated) status = terminated ? reward > 0 ? "ok" : "fail" : "trunc";
        if (count == ACTIONS_MAX) ok = differ(s, "the expert", "endless", "finite");
    }
    if (ok && !any_end) {
        char earned[32];
        shortest(earned, reward);
        run_lengths(written, actions, count);
        ok = same(s, "status", f[3], "%s", status) && same(s, "n", f[4], "%d", count) &&
             same(s, "reward", f[5], "%s", earned) &&
             (strcmp(written, f[6]) == 0 || differ(s, "actions", written, f[6])) &&
             same(s, "chain64", f[8], "%016" PRIx64, chain) &&
             same(s, "bfs", f[9], "%" PRIu64, babyai_bot_searches(bot)) && same(s, "text", f[11], "%s", text);
    }
    free(actions);
    free(written);
    babyai_bot_free(bot);
    babyai_free(env);
    return ok;
}

static bool check(state *s, char **f, int columns)
{
    s->why[0] = 0;
    if (columns >= 4 && f[0][0] && !f[0][1]) {
        const bool hang = columns == 4 && strcmp(f[3], "HANG") == 0;
        switch (f[0][0]) {
        case 'E':
            if (hang) {
                babyai_env *env = fresh(s, f);
                babyai_free(env);
                return env == NULL;
            }
            return check_fresh(s, f, columns);
        case 'C':
            return check_continued(s, f, columns);
        case 'R':
        case 'F':
            return check_random(s, f, columns);
        case 'K':
            return check_frames(s, f, columns);
        case 'B':
        case 'N':
            return check_expert(s, f, columns);
        default:
            break;
        }
    }
    snprintf(s->why, sizeof s->why, "no such kind of line");
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "babyai_parity: give one FILE.tsv.gz\n");
        return 2;
    }
    gzFile file = gzopen(argv[1], "rb");
    char *line = malloc(LINE_MAX_BYTES), *copy = malloc(LINE_MAX_BYTES);
    if (!file || !line || !copy) {
        fprintf(stderr, "babyai_parity: %s: cannot be read\n", argv[1]);
        return 2;
    }
    state s = {0};
    while (gzgets(file, line, LINE_MAX_BYTES)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || line[0] == 0) continue;
        char *f[COLUMNS_MAX];
        int columns = 0;
        for (char *at = line; at && columns < COLUMNS_MAX; columns++) {
            f[columns] = at;
            at = strchr(at, '\t');
            if (at) *at++ = 0;
        }
        if (check(&s, f, columns)) {
            s.passed++;
        } else if (s.failed++ < SHOWN) {
            printf("FAILED %s %s %s: %s\n", f[0], columns > 1 ? f[1] : "", columns > 2 ? f[2] : "", s.why);
        }
    }
    int gz_error = 0;
    const char *message = gzerror(file, &gz_error);
    if (gz_error != Z_OK && gz_error != Z_STREAM_END) {
        printf("FAILED to read %s: %s\n", argv[1], message);
        s.failed++;
    }
    gzclose(file);
    free(line);
    free(copy);
    babyai_free(s.env);
    babyai_free(s.played);
    printf("%ld passed, %ld failed\n", s.passed, s.failed);
    return s.failed || !s.passed;
}
