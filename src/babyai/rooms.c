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

static void draw_walls(maker *m)
{
    babyai_env *env = m->env;
    const int side = env->side, width = env->width, height = env->height, step = m->room_size - 1;
    const size_t cells = (size_t)side * (size_t)side;
    memset(env->world->ids, ID_NONE, cells);
    memset(env->by_column, CODE_EMPTY, cells);
    memset(env->by_row, CODE_EMPTY, cells);
    for (int x = 0; x < width; x += step) {
        memset(env->world->ids + x * side, ID_WALL, (size_t)height);
        memset(env->by_column + x * side, CODE_WALL, (size_t)height);
        for (int y = 0; y < height; y++) env->by_row[y * side + x] = CODE_WALL;
    }
    for (int y = 0; y < height; y += step) {
        memset(env->by_row + y * side, CODE_WALL, (size_t)width);
        for (int x = 0; x < width; x++) {
            env->world->ids[x * side + y] = ID_WALL;
            env->by_column[x * side + y] = CODE_WALL;
        }
    }
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
}

/* A free cell of the room, its walls included in the draw. agent_apart: at least that far from the agent (Manhattan);
 * 0 when the agent has no place yet. */
static made draw_cell(maker *m, int column, int row, int agent_apart, int *x, int *y)
{
    const babyai_env *env = m->env;
    const int left = column * (m->room_size - 1), top = row * (m->room_size - 1);
    for (int tries = 0; tries < PLACE_TRIES; tries++) {
        const int cx = left + draw(m, m->room_size), cy = top + draw(m, m->room_size);
        if (env_id(env, cx, cy) != ID_NONE) continue;
        const int dx = cx - env->x, dy = cy - env->y;
        if ((dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy) < agent_apart) continue;
        *x = cx;
        *y = cy;
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
    MAKE(draw_cell(m, column, row, 2, &x, &y));
    const int made_id = m->next_id++;
    m->env->world->code[made_id] = cell_code((cell_kind)kind, (cell_colour)colour);
    env_put(m->env, x, y, (uint8_t)made_id);
    m->placed |= placed_bit(kind, colour);
    if (id) *id = made_id;
    return MADE;
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
    env_put(m->env, position_x(here->door_at[side]), position_y(here->door_at[side]), (uint8_t)made_id);
    here->door[side] = (uint8_t)made_id;
    m->room[rooms_neighbour(m, column, row, side)].door[(side + 2) % SIDES] = (uint8_t)made_id;
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
    }
    room_at(m, column, row)->door[side] = DOOR_PASSAGE;
    m->room[rooms_neighbour(m, column, row, side)].door[(side + 2) % SIDES] = DOOR_PASSAGE;
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
        MAKE(draw_cell(m, column, row, 0, &x, &y));
        m->env->x = (uint8_t)x;
        m->env->y = (uint8_t)y;
        m->env->direction = (uint8_t)draw(m, 4);
        if (pose_fits(m->env, x, y, m->env->direction)) return MADE;
    }
    return STUCK;
}

static bool all_connected(const maker *m)
{
    const int count = m->columns * m->rows;
    unsigned reached = 1, before = 0;
    while (reached != before) {
        before = reached;
        for (int r = 0; r < count; r++)
            if (reached >> r & 1)
                for (int side = 0; side < SIDES; side++)
                    if (m->room[r].door[side] != DOOR_NONE)
                        reached |= 1U << rooms_neighbour(m, r % m->columns, r / m->columns, side);
    }
    return reached == (1U << count) - 1;
}

made rooms_connect_all(maker *m, int without)
{
    uint8_t colours[COLOUR_COUNT];
    int colour_count = 0;
    for (int i = 0; i < COLOUR_COUNT; i++)
        if (ROOMS_COLOURS[i] != without) colours[colour_count++] = ROOMS_COLOURS[i];
    bool connected = all_connected(m);
    for (int tries = 0; tries < CONNECT_TRIES; tries++) {
        if (connected) return MADE;
        const int i = draw(m, m->columns), j = draw(m, m->rows), side = draw(m, SIDES);
        const int next = rooms_neighbour(m, i, j, side);
        const room *here = room_at(m, i, j);
        if (next < 0 || here->door[side] != DOOR_NONE || here->locked || m->room[next].locked) continue;
        MAKE(rooms_add_door(m, i, j, side, colours[draw(m, colour_count)], false, NULL));
        connected = all_connected(m);
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

bool rooms_all_reachable(const maker *m)
{
    /* A row of the grid is a word: what is passable, what is reached, grown until nothing changes. */
    const babyai_env *env = m->env;
    const int width = env->width, height = env->height;
    uint32_t passable[SIDE_MAX], wanted[SIDE_MAX], reached[SIDE_MAX] = {0};
    for (int y = 0; y < height; y++) {
        passable[y] = wanted[y] = 0;
        const uint8_t *row = env->by_row + y * env->side;
        for (int x = 0; x < width; x++) {
            const cell_kind kind = code_kind(row[x]);
            passable[y] |= (uint32_t)(kind == KIND_EMPTY || kind_is_door(kind)) << x;
            wanted[y] |= (uint32_t)(kind > KIND_WALL) << x;
        }
    }
    reached[env->y] = 1U << env->x;
    for (bool grew = true; grew;) {
        grew = false;
        for (int pass = 0; pass < 2; pass++)
            for (int k = 1; k < height - 1; k++) {
                const int y = pass ? height - 1 - k : k;
                uint32_t now = reached[y] | ((reached[y - 1] & passable[y - 1]) | (reached[y + 1] & passable[y + 1]));
                for (uint32_t was = 0; now != was;) {
                    was = now;
                    const uint32_t from = now & passable[y];
                    now |= from << 1 | from >> 1;
                }
                grew |= now != reached[y];
                reached[y] = now;
            }
    }
    for (int y = 0; y < height; y++)
        if (wanted[y] & ~reached[y]) return false;
    return true;
}
