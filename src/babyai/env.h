/* The state of one environment. Nothing here is allocated after creation. */
#ifndef TRIAD_BABYAI_ENV_H
#define TRIAD_BABYAI_ENV_H

#include "babyai/grammar.h"
#include "base/rng.h"

enum {
    SIDE_MAX = 22, /* 3 rooms of 8 that share walls */
    ID_NONE = 0,   /* an empty cell */
    ID_WALL = 1,
    ID_FIRST = 2,
    ID_COUNT = 64, /* the largest level (Unlock) has 41 objects and doors */
    LINE_MAX = 24, /* bytes of a line of the grid as the generator writes it: so many may be written behind a grid */
    MATCH_MAX = 32 /* "a grey object" matches 24 walls and at most 5 objects; elsewhere at most 21 */
};

/* A position as x << 8 | y: orders like the scan of the grid, column by column. */
typedef uint16_t position;
enum { POSITION_NONE = 0xffff }; /* (-1, -1) */
static inline position position_of(int x, int y)
{
    return (position)(x << 8 | y);
}
static inline int position_x(position p)
{
    return p >> 8;
}
static inline int position_y(position p)
{
    return p & 0xff;
}

/* A description and what it matched. The list of objects and that of positions agree only until the first drop
 * (reference, section 8): positions are those after the latest drop, in scan order, without what was then off the grid.
 */
typedef struct description {
    uint8_t noun, colour, place; /* noun, cell_colour, place */
    uint8_t objects, positions;  /* lengths */
    uint64_t set;                /* bit id: the object is in the list (bit ID_WALL: walls are) */
    uint8_t object[MATCH_MAX];
    position at[MATCH_MAX];
} description;

typedef struct clause {
    uint8_t verb;
    bool strict;
    description a, b; /* b: VERB_PUT_NEXT's fixed object */
} clause;

/* One or two parts; each a clause or two joined by "and". Part p holds clause[2p] and clause[2p + 1]. */
typedef struct instruction {
    uint8_t sequence;
    uint8_t parts;
    uint8_t clauses[2];
    /* verifier */
    bool first_done;    /* of a sequence: the part that comes first */
    bool done[CLAUSES]; /* inside an "and" */
    int32_t since[2];   /* the step at which the part is verified for the first time */
    clause clause[CLAUSES];
} instruction;

/* What an episode is made of besides the grid: needed when it begins, and when something happens in it. */
typedef struct babyai_world {
    triad_pcg64 rng;
    uint8_t *ids;               /* id of (x, y) at x * side + y; inside store */
    uint64_t on_grid;           /* bit id */
    bool has_locked_room;       /* LevelGen's memory of a locked room outlives resets */
    uint8_t locked_x, locked_y; /* its top left corner */
    uint8_t ids_used;           /* ids below this are of this episode */
    uint8_t box_with_key, key_in_box;
    uint32_t rejects;         /* attempts discarded by the latest reset */
    uint64_t reject_timeouts; /* bit i: attempt i ran out of tries (else it was rejected); first 64 */
    uint8_t code[ID_COUNT];   /* of objects */
    position at[ID_COUNT];    /* the reference's cur_pos */
    instruction instruction;
    char mission[BABYAI_MISSION_MAX];
    uint8_t store[];
} babyai_world;

/* What every step needs, in one cache line, and the grid's codes behind it: the environments of a batch stand side by
 * side in as little memory as can be, their worlds elsewhere. */
struct babyai_env {
    union {
        struct {
            uint8_t *by_row; /* code of (x, y) at y * side + x; inside store, with the slack that views need around */
            uint8_t *by_column; /* code of (x, y) at x * side + y */
        };
        uint8_t *plane[2]; /* [direction & 1]: the one in which what lies ahead is a strip */
    };
    babyai_world *world;
    const babyai_level *level;
    uint64_t
        awaited; /* a cell that an unfinished "go to" wants to be faced: bit env_awaited_bit (others may share it) */
    int32_t steps, max_steps; /* without an episode: max_steps is out of reach */
    uint8_t side, width, height;
    uint8_t x, y, direction;
    uint8_t carrying; /* id */
    uint8_t hand;     /* code of what is carried, CODE_EMPTY: nothing */
    bool careful;     /* every step asks the verifier: of strict levels, and where there is no episode */
    bool moved;       /* some object was lifted, put or destroyed since the descriptions' positions were made */
    bool first_look;  /* start_carrying: the first observation shows what is no longer so */
    bool ready;       /* there is an episode */
    uint8_t store[];
};
_Static_assert(sizeof(babyai_env) <= 64, "what every step needs fits a cache line");

static inline uint8_t env_id(const babyai_env *env, int x, int y)
{
    return env->world->ids[x * env->side + y];
}
static inline uint8_t env_code(const babyai_env *env, int x, int y)
{
    return env->by_column[x * env->side + y];
}
static inline void env_show(babyai_env *env, int x, int y, uint8_t code)
{
    env->by_column[x * env->side + y] = code;
    env->by_row[y * env->side + x] = code;
}
/* Puts an object on the grid. */
static inline void env_put(babyai_env *env, int x, int y, uint8_t id)
{
    env->world->ids[x * env->side + y] = id;
    env->world->at[id] = position_of(x, y);
    env->world->on_grid |= 1ULL << id;
    env_show(env, x, y, env->world->code[id]);
}
/* Clears a cell; the object that stood there, if any, leaves the grid and keeps its recorded position. */
static inline void env_clear(babyai_env *env, int x, int y)
{
    env->world->on_grid &= ~(1ULL << env->world->ids[x * env->side + y]);
    env->world->ids[x * env->side + y] = ID_NONE;
    env_show(env, x, y, CODE_EMPTY);
}

static inline uint64_t env_awaited_bit(int x, int y)
{
    return 1ULL << ((8 * x + y) & 63);
}

static inline int direction_x(unsigned direction)
{
    return (int)(direction == 0) - (int)(direction == 2);
}
static inline int direction_y(unsigned direction)
{
    return (int)(direction == 1) - (int)(direction == 3);
}

/* Bytes of an environment and of its world, multiples of 64. */
size_t babyai_env_bytes(const babyai_level *level);
size_t babyai_world_bytes(const babyai_level *level);
/* Prepares zeroed, 64-byte aligned memory of those sizes. */
void babyai_env_init(babyai_env *env, babyai_world *world, const babyai_level *level);

/* generate.c: a new episode from env->world->rng. */
triad_status babyai_generate(babyai_env *env, triad_error *err);

/* describe.c */
/* Objects and positions that match now, the agent's pose included. */
void babyai_match(const babyai_env *env, description *what);
void babyai_describe(description *what, noun kind, cell_colour colour, place where);
/* After a drop: positions of the objects that the description follows. */
void babyai_refresh(babyai_env *env);
/* The sentence of env's instruction, as the reference words it; matches have been made. */
void babyai_word_mission(babyai_env *env);

/* verify.c */
typedef enum verdict { VERDICT_GOES_ON, VERDICT_SUCCESS, VERDICT_FAILURE } verdict;
void babyai_verifier_reset(babyai_env *env);
/* held: what was carried before this step. */
verdict babyai_verify(babyai_env *env, babyai_action action, uint8_t held);
/* Sets env->awaited by what is still to be done. */
void babyai_await(babyai_env *env);

/* observe.c */
/* The seen cells of the view: bit 8 * column + row. */
uint64_t babyai_visible(const babyai_env *env);
/* The view's codes, view column by view column (stride 8), sight not applied: row 6 is the agent's. */
void babyai_view_codes(const babyai_env *env, uint64_t columns[BABYAI_VIEW]);
/* A view's first byte in env->plane[direction & 1], and what leads from one view column to the next. The seven bytes of
 * a column run away from the agent (directions 0 and 1) or towards it. */
static inline const uint8_t *view_strips(const babyai_env *env, unsigned direction, ptrdiff_t *step)
{
    static const int8_t aside[4] = {-3, 3, 3, -3}, ahead[4] = {0, 0, -6, -6};
    const bool odd = direction & 1;
    const ptrdiff_t side = env->side;
    *step = aside[direction] < 0 ? side : -side;
    return env->plane[odd] + ((odd ? env->x : env->y) + aside[direction]) * side + (odd ? env->y : env->x) +
           ahead[direction];
}

/* What babyai_observe writes, of n environments: images [n, 7, 7, 3], directions [n]. */
void babyai_look(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions);

/* World cell of a view cell. */
static inline void view_to_world(const babyai_env *env, int column, int row, int *x, int *y)
{
    const int fx = direction_x(env->direction), fy = direction_y(env->direction);
    *x = env->x + fx * (6 - row) - fy * (column - 3);
    *y = env->y + fy * (6 - row) + fx * (column - 3);
}

#endif
