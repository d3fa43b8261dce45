/* Frames in RGB (reference, section 11): each tile drawn at three times its size, averaged down.
 *
 * A tile depends on its cell's code, on the agent in it and on whether it is seen; frames have few different ones, so
 * each is drawn once and copied. Doubles in exactly this order, without contraction: truncation shows the last
 * bit. */
#include "babyai/render.h"

#include "babyai/env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_MAX = 512, SCALE = 3, VARIANTS = 256 * 5 * 2 };

typedef struct colour {
    uint8_t rgb[3];
} colour;

static const colour COLOURS[COLOUR_COUNT] = {{{255, 0, 0}},    {{0, 255, 0}},   {{0, 0, 255}},
                                             {{112, 39, 195}}, {{255, 255, 0}}, {{100, 100, 100}}};
static const colour BLACK = {{0, 0, 0}}, AGENT = {{255, 0, 0}}, LINES = {{100, 100, 100}};

/* The picture of one tile at n = SCALE * tile, [n, n, 3]. */
typedef struct canvas {
    uint8_t *pixels;
    int n;
} canvas;

static void paint(const canvas *c, int px, int py, colour with)
{
    memcpy(c->pixels + 3 * ((size_t)py * (size_t)c->n + (size_t)px), with.rgb, 3);
}

static double centre(const canvas *c, int pixel)
{
    return (pixel + 0.5) / c->n;
}

static void rectangle(const canvas *c, double x0, double x1, double y0, double y1, colour with)
{
    for (int py = 0; py < c->n; py++) {
        const double y = centre(c, py);
        if (y < y0 || y > y1) continue;
        for (int px = 0; px < c->n; px++) {
            const double x = centre(c, px);
            if (x >= x0 && x <= x1) paint(c, px, py, with);
        }
    }
}

static void circle(const canvas *c, double cx, double cy, double r, colour with)
{
    for (int py = 0; py < c->n; py++)
        for (int px = 0; px < c->n; px++) {
            const double dx = centre(c, px) - cx, dy = centre(c, py) - cy;
            if (dx * dx + dy * dy <= r * r) paint(c, px, py, with);
        }
}

/* A triangle that points in the agent's direction. Its corners are single floats in the reference, and so is what is
 * computed of them alone: some samples lie so near an edge that this decides (tiles of 100 and 200 pixels). */
static void agent(const canvas *c, unsigned direction)
{
    static const float v0[2] = {0, 0x1.3d70a4p-1f}, v1[2] = {0.75f, 0x1.3d70a4p-2f},
                       a[2] = {0x1.eb851ep-4f, 0x1.851eb8p-3f};
    const double turn = 0.5 * M_PI * direction, cosine = cos(-turn), sine = sin(-turn);
    const float dot00 = v0[0] * v0[0] + v0[1] * v0[1], dot01 = v0[0] * v1[0] + v0[1] * v1[1],
                dot11 = v1[0] * v1[0] + v1[1] * v1[1];
    const float scale = 1 / (dot00 * dot11 - dot01 * dot01);
    for (int py = 0; py < c->n; py++)
        for (int px = 0; px < c->n; px++) {
            const double x = centre(c, px) - 0.5, y = centre(c, py) - 0.5;
            const double p[2] = {0.5 + x * cosine - y * sine - (double)a[0],
                                 0.5 + y * cosine + x * sine - (double)a[1]};
            const double dot02 = (double)v0[0] * p[0] + (double)v0[1] * p[1],
                         dot12 = (double)v1[0] * p[0] + (double)v1[1] * p[1];
            const double u = ((double)dot11 * dot02 - (double)dot01 * dot12) * (double)scale,
                         v = ((double)dot00 * dot12 - (double)dot01 * dot02) * (double)scale;
            if (u >= 0 && v >= 0 && u + v < 1) paint(c, px, py, AGENT);
        }
}

static colour darker(colour c)
{
    for (int i = 0; i < 3; i++) c.rgb[i] = (uint8_t)(0.45 * c.rgb[i]);
    return c;
}

static void thing(const canvas *c, uint8_t code)
{
    if (code_kind(code) <= KIND_EMPTY) return;
    const colour k = COLOURS[code_colour(code)];
    switch (code_kind(code)) {
    case KIND_WALL:
        rectangle(c, 0, 1, 0, 1, k);
        break;
    case KIND_DOOR_OPEN:
        rectangle(c, 0.88, 1.00, 0.00, 1.00, k);
        rectangle(c, 0.92, 0.96, 0.04, 0.96, BLACK);
        break;
    case KIND_DOOR_LOCKED:
        rectangle(c, 0.00, 1.00, 0.00, 1.00, k);
        rectangle(c, 0.06, 0.94, 0.06, 0.94, darker(k));
        rectangle(c, 0.52, 0.75, 0.50, 0.56, k);
        break;
    case KIND_DOOR_CLOSED:
        rectangle(c, 0.00, 1.00, 0.00, 1.00, k);
        rectangle(c, 0.04, 0.96, 0.04, 0.96, BLACK);
        rectangle(c, 0.08, 0.92, 0.08, 0.92, k);
        rectangle(c, 0.12, 0.88, 0.12, 0.88, BLACK);
        circle(c, 0.75, 0.50, 0.08, k);
        break;
    case KIND_KEY:
        rectangle(c, 0.50, 0.63, 0.31, 0.88, k);
        rectangle(c, 0.38, 0.50, 0.59, 0.66, k);
        rectangle(c, 0.38, 0.50, 0.81, 0.88, k);
        circle(c, 0.56, 0.28, 0.190, k);
        circle(c, 0.56, 0.28, 0.064, BLACK);
        break;
    case KIND_BALL:
        circle(c, 0.5, 0.5, 0.31, k);
        break;
    case KIND_BOX:
        rectangle(c, 0.12, 0.88, 0.12, 0.88, k);
        rectangle(c, 0.18, 0.82, 0.18, 0.82, BLACK);
        rectangle(c, 0.16, 0.84, 0.47, 0.53, k);
        break;
    case KIND_UNSEEN:
    case KIND_EMPTY:
        break;
    }
}

triad_status babyai_draw_tile(uint8_t code, unsigned agent_direction, bool highlight, int tile, uint8_t *rgb)
{
    const canvas c = {.n = SCALE * tile, .pixels = malloc(3 * (size_t)(SCALE * tile) * (size_t)(SCALE * tile))};
    if (!c.pixels) return TRIAD_ERR_MEMORY;
    const size_t bytes = 3 * (size_t)c.n * (size_t)c.n;
    memset(c.pixels, 0, bytes);
    rectangle(&c, 0, 0.031, 0, 1, LINES);
    rectangle(&c, 0, 1, 0, 0.031, LINES);
    thing(&c, code);
    if (agent_direction != NO_AGENT) agent(&c, agent_direction);
    if (highlight)
        for (size_t i = 0; i < bytes; i++) c.pixels[i] = (uint8_t)(c.pixels[i] + 0.30 * (255 - c.pixels[i]));
    for (int y = 0; y < tile; y++)
        for (int x = 0; x < tile; x++)
            for (int channel = 0; channel < 3; channel++) {
                double row[SCALE];
                for (int k = 0; k < SCALE; k++) {
                    const uint8_t *p =
                        c.pixels + 3 * ((size_t)(SCALE * y + k) * (size_t)c.n + (size_t)(SCALE * x)) + channel;
                    row[k] = (p[0] + p[3] + p[6]) / 3.0;
                }
                rgb[3 * (y * tile + x) + channel] = (uint8_t)((row[0] + row[1] + row[2]) / 3.0);
            }
    free(c.pixels);
    return TRIAD_OK;
}

struct babyai_renderer {
    int tile;
    uint8_t *tiles;          /* drawn tiles, one behind the other */
    int16_t known[VARIANTS]; /* which of them, -1: not drawn */
    int drawn, capacity;
};

/* A picture under way. */
typedef struct frame {
    babyai_renderer *with;
    size_t width; /* tiles */
    uint8_t *rgb;
} frame;

/* The tile [tile, tile, 3] in this state, drawn if it never was; NULL: no memory. */
static const uint8_t *find_tile(babyai_renderer *r, uint8_t code, unsigned agent_direction, bool highlight)
{
    const size_t bytes = 3 * (size_t)r->tile * (size_t)r->tile;
    int16_t *known = &r->known[(code * 5U + agent_direction) * 2 + highlight];
    if (*known < 0) {
        if (r->drawn == r->capacity) {
            const int capacity = r->capacity ? 2 * r->capacity : 16;
            uint8_t *grown = realloc(r->tiles, (size_t)capacity * bytes);
            if (!grown) return NULL;
            r->tiles = grown;
            r->capacity = capacity;
        }
        if (babyai_draw_tile(code, agent_direction, highlight, r->tile, r->tiles + (size_t)r->drawn * bytes) !=
            TRIAD_OK)
            return NULL;
        *known = (int16_t)r->drawn++;
    }
    return r->tiles + (size_t)*known * bytes;
}

static bool place_tile(const frame *f, size_t x, size_t y, uint8_t code, unsigned agent_direction, bool highlight)
{
    if (code_kind(code) == KIND_UNSEEN) code = CODE_EMPTY;
    const size_t tile = (size_t)f->with->tile, row = 3 * tile;
    const uint8_t *from = find_tile(f->with, code, agent_direction, highlight);
    if (!from) return false;
    uint8_t *to = f->rgb + (y * tile * f->width + x) * row;
    for (size_t i = 0; i < tile; i++) memcpy(to + i * f->width * row, from + i * row, row);
    return true;
}

void babyai_frame_size(const babyai_env *env, int tile, bool agent_view, size_t *height, size_t *width)
{
    const size_t pixels = tile > 0 ? (size_t)tile : 0;
    *height = (agent_view ? (size_t)BABYAI_VIEW : env->height) * pixels;
    *width = (agent_view ? (size_t)BABYAI_VIEW : env->width) * pixels;
}

/* The view with what the agent carries in its own cell; unseen cells are drawn empty. */
static bool render_view(const frame *f, const babyai_env *env, uint64_t seen)
{
    uint64_t columns[BABYAI_VIEW];
    babyai_view_codes(env, columns);
    for (size_t i = 0; i < BABYAI_VIEW; i++)
        for (size_t j = 0; j < BABYAI_VIEW; j++) {
            const bool own = i == 3 && j == 6, visible = seen >> (8 * i + j) & 1;
            uint8_t code = CODE_EMPTY;
            if (visible) code = (uint8_t)(columns[i] >> (8 * j));
            if (own) code = CODE_EMPTY;
            if (own && env->carrying != ID_NONE) code = env->hand;
            if (!place_tile(f, i, j, code, own ? 3 : NO_AGENT, visible)) return false;
        }
    return true;
}

static bool render_world(const frame *f, const babyai_env *env, uint64_t seen, bool highlight)
{
    uint32_t lit[SIDE_MAX] = {0};
    for (uint64_t left = highlight ? seen : 0; left; left &= left - 1) {
        const int bit = __builtin_ctzll(left);
        int x, y;
        view_to_world(env, bit >> 3, bit & 7, &x, &y);
        lit[y] |= 1U << x;
    }
    for (int y = 0; y < env->height; y++)
        for (int x = 0; x < env->width; x++) {
            const unsigned direction = x == env->x && y == env->y ? env->direction : (unsigned)NO_AGENT;
            if (!place_tile(f, (size_t)x, (size_t)y, env_code(env, x, y), direction, lit[y] >> x & 1)) return false;
        }
    return true;
}

triad_status babyai_renderer_create(babyai_renderer **made, int tile, triad_error *err)
{
    *made = NULL;
    if (tile < 1 || tile > TILE_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "frame: a tile of %d pixels (1 to %d)", tile, TILE_MAX);
    babyai_renderer *r = calloc(1, sizeof *r);
    if (!r) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "frame: no memory");
    r->tile = tile;
    for (int i = 0; i < VARIANTS; i++) r->known[i] = -1;
    *made = r;
    return TRIAD_OK;
}

void babyai_renderer_free(babyai_renderer *renderer)
{
    if (!renderer) return;
    free(renderer->tiles);
    free(renderer);
}

triad_status babyai_renderer_draw(babyai_renderer *renderer, const babyai_env *env, bool highlight, bool agent_view,
                                  uint8_t *rgb, triad_error *err)
{
    if (!env->ready)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "frame: the environment has no episode (reset it first)");
    const frame f = {.with = renderer, .rgb = rgb, .width = agent_view ? (size_t)BABYAI_VIEW : env->width};
    const uint64_t seen = babyai_visible(env);
    if (agent_view ? render_view(&f, env, seen) : render_world(&f, env, seen, highlight)) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "frame: no memory for tiles of %d pixels", renderer->tile);
}

triad_status babyai_render(const babyai_env *env, int tile, bool highlight, bool agent_view, uint8_t *rgb,
                           triad_error *err)
{
    babyai_renderer *renderer;
    triad_status status = babyai_renderer_create(&renderer, tile, err);
    if (status == TRIAD_OK) status = babyai_renderer_draw(renderer, env, highlight, agent_view, rgb, err);
    babyai_renderer_free(renderer);
    return status;
}
