#include "babyai/rooms.h"

#include <string.h>

enum { PLACE_TRIES = 1001, CONNECT_TRIES = 5001, POSE_CHECK = 64 };

const uint8_t ROOMS_COLOURS[COLOUR_COUNT] = {COLOUR_BLUE,   COLOUR_GREEN, COLOUR_GREY,
                                             COLOUR_PURPLE, COLOUR_RED,   COLOUR_YELLOW};

int rooms_neighbour(const maker *m, int column, int row, int side)
{
    const int i = column + direction_x((unsigned)side), j = row + direction_y((unsigned)side);
    return i < 0 || j < 0 || i >= m->columns || j >= m->rows ? -1 : j * m->columns + i;
}

/* A line of cells that are all wall, or wall where rooms meet. Lines are written in whole, one after the other, each
 * over what the one before wrote too much. */
_Static_assert((int)SIDE_MAX <= (int)LINE_MAX, "a line of the grid fits");

typedef struct wall_lines {
    uint8_t code[2][LINE_MAX], id[2][LINE_MAX]; /* [the line itself lies between rooms] */
    uint32_t taken[2];
} wall_lines;

static wall_lines plan_lines(int length, int step)
{
    wall_lines lines;
    memset(lines.code[0], CODE_EMPTY, LINE_MAX);
    memset(lines.id[0], ID_NONE, LINE_MAX);
    memset(lines.code[1], CODE_WALL, LINE_MAX);
    memset(lines.id[1], ID_WALL, LINE_MAX);
    lines.taken[0] = 0;
    lines.taken[1] = (1U << length) - 1;
    for (int i = 0; i < length; i += step) {
        lines.code[0][i] = CODE_WALL;
        lines.id[0][i] = ID_WALL;
        lines.taken[0] |= 1U << i;
    }
    return lines;
}

static void draw_walls(maker *m)
{
    babyai_env *env = m->env;
    const int side = env->side, width = env->width, height = env->height, step = m->room_size - 1;
    const wall_lines down = plan_lines(height, step), across = width == height ? down : plan_lines(width, step);
    for (int x = 0, next = 0; x < width; x++) {
        const int between = x == next;
        next += between ? step : 0;
        memcpy(env->by_column + x * side, down.code[between], LINE_MAX);
        memcpy(env->world->ids + x * side, down.id[between], LINE_MAX);
        m->taken[x] = down.taken[between];
    }
    for (int y = 0, next = 0; y < height; y++) {
        const int between = y == next;
        next += between ? step : 0;
        memcpy(env->by_row + y * side, across.code[between], LINE_MAX);
    }
}

void rooms_put(maker *m, int x, int y, uint8_t id)
{
    env_put(m->env, x, y, id);
    m->taken[x] |= 1U << y;
    m->shunned[x] |= 1U << y;
}

/* The agent has come to a place. */
static void shun_agent(maker *m)
{
    const int x = m->env->x, y = m->env->y;
    memcpy(m->shunned, m->taken, sizeof m->shunned);
    m->shunned[x - 1] |= 1U << y;
    m->shunned[x] |= 7U << (y - 1);
    m->shunned[x + 1] |= 1U << y;
}

void rooms_begin(maker *m)
{
    babyai_env *env = m->env;
    draw_walls(m);
    env->world->on_grid = 0;
    env->world->box_with_key = env->world->key_in_box = ID_NONE;
    m->next_id = ID_FIRST;
    m->placed = 0;
    m->locked_room = -1;
    memset(m->room, 0, sizeof m->room);
    for (int r = 0; r < m->columns * m->rows; r++) m->joined[r] = (uint16_t)(1U << r);
    const int step = m->room_size - 1;
    for (int j = 0; j < m->rows; j++)
        for (int i = 0; i < m->columns; i++) {
            room *here = room_at(m, i, j);
            const int left = i * step, top = j * step;
            if (i < m->columns - 1) {
                here->door_at[0] = position_of(left + step, top + 1 + draw(m, step - 1));
                room_at(m, i + 1, j)->door_at[2] = here->door_at[0];
            }
            if (j < m->rows - 1) {
                here->door_at[1] = position_of(left + 1 + draw(m, step - 1), top + step);
                room_at(m, i, j + 1)->door_at[3] = here->door_at[1];
            }
        }
    /* Things placed before the agent keep clear of this spot, though it is not where the agent will stand. */
    env->x = (uint8_t)(m->columns / 2 * step + m->room_size / 2);
    env->y = (uint8_t)(m->rows / 2 * step + m->room_size / 2);
    env->direction = 0;
    shun_agent(m);
}

/* A cell of the room, its walls included in the draw, that is not in `taken`. Most tries fail, which no processor can
 * foresee: several are looked at together. */
static made draw_cell(maker *m, int column, int row, const uint32_t *taken, int *x, int *y)
{
    enum { TOGETHER = 4 };
    const int left = column * (m->room_size - 1), top = row * (m->room_size - 1);
    const uint32_t n = (uint32_t)m->room_size;
    for (int tries = 0; tries < PLACE_TRIES;) {
        const uint32_t *word = draws_ahead(&m->draws, 2 * TOGETHER);
        int cx[TOGETHER], cy[TOGETHER];
        unsigned good = 0, doubtful = tries + TOGETHER > PLACE_TRIES; /* doubtful: a draw may have to be repeated */
#pragma GCC unroll 4
        for (int i = 0; i < TOGETHER; i++) {
            const uint64_t px = (uint64_t)word[2 * i] * n, py = (uint64_t)word[2 * i + 1] * n;
            doubtful |= ((uint32_t)px < n) | ((uint32_t)py < n);
            cx[i] = left + (int)(px >> 32);
            cy[i] = top + (int)(py >> 32);
            good |= (~taken[cx[i]] >> cy[i] & 1) << i;
        }
        if (__builtin_expect(doubtful != 0, false)) {
            cx[0] = left + draw(m, m->room_size);
            cy[0] = top + draw(m, m->room_size);
            good = ~taken[cx[0]] >> cy[0] & 1;
            tries++;
        } else {
            const unsigned used = good ? 1 + (unsigned)__builtin_ctz(good) : TOGETHER;
            m->draws.at += 2 * used;
            tries += (int)used;
        }
        if (good == 0) continue;
        *x = cx[__builtin_ctz(good)];
        *y = cy[__builtin_ctz(good)];
        return MADE;
    }
    return TIMED_OUT;
}

static uint32_t placed_bit(int kind, int colour)
{
    return 1U << (6 * (kind - KIND_KEY) + colour);
}

made rooms_add_object(maker *m, int column, int row, int kind, int colour, int *id)
{
    if (kind == ANY) kind = KIND_KEY + draw(m, 3); /* key, ball, box */
    if (colour == ANY) colour = ROOMS_COLOURS[draw(m, COLOUR_COUNT)];
    int x, y;
    MAKE(draw_cell(m, column, row, m->shunned, &x, &y));
    const int made_id = m->next_id++;
    m->env->world->code[made_id] = cell_code((cell_kind)kind, (cell_colour)colour);
    rooms_put(m, x, y, (uint8_t)made_id);
    m->placed |= placed_bit(kind, colour);
    if (id) *id = made_id;
    return MADE;
}

/* A door or a passage leads from the room to its neighbour. */
static void join(maker *m, int column, int row, int side, uint8_t door)
{
    const int here = row * m->columns + column, there = rooms_neighbour(m, column, row, side);
    m->room[here].door[side] = door;
    m->room[there].door[(side + 2) % SIDES] = door;
    const unsigned together = m->joined[here] | m->joined[there];
    for (unsigned left = together; left; left &= left - 1) m->joined[__builtin_ctz(left)] = (uint16_t)together;
}

made rooms_add_door(maker *m, int column, int row, int side, int colour, int locked, int *id)
{
    room *here = room_at(m, column, row);
    if (side == ANY) {
        int tries = 0;
        do {
            if (tries++ == TRIES_ENDLESS) return STUCK;
            side = draw(m, SIDES);
        } while (rooms_neighbour(m, column, row, side) < 0 || here->door[side] != DOOR_NONE);
    }
    if (colour == ANY) colour = ROOMS_COLOURS[draw(m, COLOUR_COUNT)];
    if (locked == ANY) locked = draw_bool(m);
    here->locked = locked;
    const int made_id = m->next_id++;
    m->env->world->code[made_id] = cell_code(locked ? KIND_DOOR_LOCKED : KIND_DOOR_CLOSED, (cell_colour)colour);
    rooms_put(m, position_x(here->door_at[side]), position_y(here->door_at[side]), (uint8_t)made_id);
    join(m, column, row, side, (uint8_t)made_id);
    if (id) *id = made_id;
    return MADE;
}

void rooms_remove_wall(maker *m, int column, int row, int side)
{
    const int step = m->room_size - 1, left = column * step, top = row * step;
    for (int i = 1; i < step; i++) {
        const int x = side == 0 ? left + step : side == 2 ? left : left + i;
        const int y = side == 1 ? top + step : side == 3 ? top : top + i;
        env_clear(m->env, x, y);
        m->taken[x] &= ~(1U << y);
    }
    shun_agent(m);
    join(m, column, row, side, DOOR_PASSAGE);
}

/* Whether the agent may stand in cell (x, y) looking that way: a cell in front that is free or a wall. */
static bool pose_fits(const babyai_env *env, int x, int y, unsigned direction)
{
    return env_id(env, x + direction_x(direction), y + direction_y(direction)) <= ID_WALL;
}

static bool some_pose_fits(const maker *m, int column, int row)
{
    const int left = column * (m->room_size - 1), top = row * (m->room_size - 1);
    for (int x = left; x < left + m->room_size; x++)
        for (int y = top; y < top + m->room_size; y++)
            for (unsigned d = 0; d < 4; d++)
                if (env_id(m->env, x, y) == ID_NONE && pose_fits(m->env, x, y, d)) return true;
    return false;
}

made rooms_place_agent(maker *m, int column, int row)
{
    if (column == ANY) column = draw(m, m->columns);
    if (row == ANY) row = draw(m, m->rows);
    for (int tries = 0; tries < TRIES_ENDLESS; tries++) {
        if (tries == POSE_CHECK && !some_pose_fits(m, column, row)) return STUCK;
        int x, y;
        MAKE(draw_cell(m, column, row, m->taken, &x, &y));
        m->env->x = (uint8_t)x;
        m->env->y = (uint8_t)y;
        m->env->direction = (uint8_t)draw(m, 4);
        if (!pose_fits(m->env, x, y, m->env->direction)) continue;
        shun_agent(m);
        return MADE;
    }
    return STUCK;
}

static bool all_connected(const maker *m)
{
    return m->joined[0] == (1U << m->columns * m->rows) - 1;
}

made rooms_connect_all(maker *m, int without)
{
    uint8_t colours[COLOUR_COUNT];
    int colour_count = 0;
    for (int i = 0; i < COLOUR_COUNT; i++)
        if (ROOMS_COLOURS[i] != without) colours[colour_count++] = ROOMS_COLOURS[i];
    for (int tries = 0; tries < CONNECT_TRIES; tries++) {
        if (all_connected(m)) return MADE;
        const int i = draw(m, m->columns), j = draw(m, m->rows), side = draw(m, SIDES);
        const int next = rooms_neighbour(m, i, j, side);
        const room *here = room_at(m, i, j);
        if (next < 0 || here->door[side] != DOOR_NONE || here->locked || m->room[next].locked) continue;
        MAKE(rooms_add_door(m, i, j, side, colours[draw(m, colour_count)], false, NULL));
    }
    return TIMED_OUT;
}

made rooms_add_distractors(maker *m, int column, int row, int n, bool unique, int *ids)
{
    for (int added = 0; added < n;) {
        const int colour = ROOMS_COLOURS[draw(m, COLOUR_COUNT)];
        const int kind = KIND_KEY + draw(m, 3);
        if (unique && m->placed & placed_bit(kind, colour)) continue;
        const int i = column == ANY ? draw(m, m->columns) : column;
        const int j = row == ANY ? draw(m, m->rows) : row;
        MAKE(rooms_add_object(m, i, j, kind, colour, ids ? &ids[added] : NULL));
        added++;
    }
    return MADE;
}

/* Of a grid whose lines are bytes of a word: x * 8 + y. */
static bool small_reachable(const maker *m, uint64_t passable, uint64_t wanted)
{
    uint64_t reached = 1ULL << (8 * m->env->x + m->env->y);
    for (;;) {
        const uint64_t from = reached & passable; /* not on the outer wall, so that nothing wraps around */
        const uint64_t now = reached | from << 8 | from >> 8 | from << 1 | from >> 1;
        if (!(wanted & ~now)) return true;
        if (now == reached) return false;
        reached = now;
    }
}

/* Of any grid, a line a word: grown until nothing changes. */
static bool large_reachable(const maker *m, const uint32_t *passable, const uint32_t *wanted)
{
    const int width = m->env->width;
    uint32_t reached[SIDE_MAX] = {0};
    reached[m->env->x] = 1U << m->env->y;
    for (bool grew = true; grew;) {
        grew = false;
        for (int pass = 0; pass < 2; pass++)
            for (int k = 1; k < width - 1; k++) {
                const int x = pass ? width - 1 - k : k;
                uint32_t now = reached[x] | ((reached[x - 1] & passable[x - 1]) | (reached[x + 1] & passable[x + 1]));
                for (uint32_t was = 0; now != was;) {
                    was = now;
                    const uint32_t from = now & passable[x];
                    now |= from << 1 | from >> 1;
                }
                grew |= now != reached[x];
                reached[x] = now;
            }
    }
    for (int x = 0; x < width; x++)
        if (wanted[x] & ~reached[x]) return false;
    return true;
}

bool rooms_all_reachable(const maker *m)
{
    const babyai_world *world = m->env->world;
    const int width = m->env->width;
    uint32_t passable[SIDE_MAX], wanted[SIDE_MAX] = {0};
    for (int x = 0; x < width; x++) passable[x] = ~m->taken[x];
    for (uint64_t left = world->on_grid >> ID_FIRST << ID_FIRST; left; left &= left - 1) {
        const int id = __builtin_ctzll(left), x = position_x(world->at[id]);
        const uint32_t bit = 1U << position_y(world->at[id]);
        wanted[x] |= bit;
        if (kind_is_door(code_kind(world->code[id]))) passable[x] |= bit;
    }
    if (m->env->side > 8) return large_reachable(m, passable, wanted);
    uint64_t free = 0, all = 0;
    for (int x = 0; x < width; x++) {
        free |= (uint64_t)(passable[x] & 0xff) << (8 * x);
        all |= (uint64_t)wanted[x] << (8 * x);
    }
    return small_reachable(m, free, all);
}
