/* Runs a stack. Each layer's weights are widened once; chunks of whole sentences pass through them one after the other.
 *
 * A tree is cut anywhere: its rows lie in the order of a walk that meets a prefix before what it begins, so that of the
 * rows before a cut only the ancestors of the next row are ever seen again. Their keys and values are carried over. */
#include "models/stack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "nn/forward.h"
#include "nn/products.h"

enum {
    CHUNK_FLOATS = 1 << 23, /* of scratch in a chunk, unless one sentence needs more */
    CHUNK_CONTEXTS = 8,     /* images whose keys and values are there at once */
    TILE = 32               /* rows of a tile of work that goes row by row */
};

/* A layer's weights in float. */
typedef struct widened {
    float *qkv, *o, *cross_q, *cross_kv, *cross_o, *up, *down;
    float *qkv_bias, *o_bias, *cross_q_bias, *cross_kv_bias, *cross_o_bias, *up_bias, *down_bias;
    float *attention_gain, *attention_shift, *cross_gain, *cross_shift, *ffn_gain, *ffn_shift;
} widened;

struct stack_pass {
    const stack *m;
    const stream *residual;
    const stack_rows *r;
    triad_pool *pool;
    float *x; /* of the residual stream */
    widened w;
    float *storage;      /* of all of w */
    float *a;            /* [chunk, d] normed rows; what attention gives */
    float *qkv;          /* [carried + chunk, 3 d] */
    float *middle;       /* [chunk, f] */
    float *cross_kv;     /* [contexts * context_rows, 2 d] */
    float **scratch;     /* [threads] scores of one head, or of a tree's row */
    uint32_t **ancestor; /* [threads] tree: offsets and lists of a tile */
    size_t carried;      /* tree: rows of qkv that hold the path to the chunk's first row */
    size_t chunk;        /* rows at most */
    bool crosses;
    size_t threads;
    /* of the chunk that runs */
    size_t first, rows, segment, segments;
    uint32_t context_first;
    const float *gain, *shift, *bias;
    float *out; /* of the running row loop */
};
typedef struct stack_pass pass;

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- row by row */
static size_t tiles(size_t rows)
{
    return (rows + TILE - 1) / TILE;
}

static size_t tile_rows(size_t rows, size_t tile)
{
    const size_t left = rows - tile * TILE;
    return left < TILE ? left : TILE;
}

/* out = norm(x of the chunk); out may be x itself. */
static void norm_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t d = s->m->width, at = tile * TILE;
    nn_norm_forward(s->out + at * d, s->x + (s->first + at) * d, s->gain, s->shift, s->m->epsilon,
                    tile_rows(s->rows, tile), d);
}

static void norm_chunk(pass *s, float *out, const float *gain, const float *shift)
{
    s->out = out;
    s->gain = gain;
    s->shift = shift;
    triad_parallel(s->pool, tiles(s->rows), norm_tile, s);
}

static void bias_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t d = s->m->width;
    float *x = s->x + (s->first + tile * TILE) * d;
    for (size_t r = 0; r < tile_rows(s->rows, tile); r++)
        for (size_t j = 0; j < d; j++) x[r * d + j] += s->bias[j];
}

/* x of the chunk += a w^T + bias */
static void add_product(pass *s, const float *a, size_t in, const float *w, const float *bias)
{
    const size_t d = s->m->width;
    s->bias = bias;
    triad_parallel(s->pool, tiles(s->rows), bias_tile, s);
    nn_gemm_pool(s->pool, false, true, s->rows, d, in, 1, a, in, w, in, 1, s->x + s->first * d, d);
}

static void activation_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t f = s->m->feed_forward, n = tile_rows(s->rows, tile) * f;
    float *y = s->middle + tile * TILE * f;
    switch (s->m->activation) {
    case STACK_GELU:
        nn_gelu_erf_forward(y, y, n);
        break;
    case STACK_GELU_TANH:
        nn_gelu_tanh_forward(y, y, n);
        break;
    case STACK_GELU_QUICK:
        nn_gelu_quick_forward(y, y, n);
        break;
    case STACK_RELU:
        nn_relu_forward(y, y, n);
        break;
    case STACK_SILU:
        nn_silu_forward(y, y, n);
        break;
    }
}

/* ---- attention */
static void attend_segment(void *context, size_t tile, int worker)
{
    const pass *s = context;
    const size_t d = s->m->width, head_dim = d / s->m->heads, column = tile % s->m->heads * head_dim;
    const size_t i = s->segment + tile / s->m->heads, from = s->r->first[i] - s->first;
    const size_t count = s->r->first[i + 1] - s->r->first[i];
    if (count == 0) return;
    const nn_segment segment = {.q_first = from, .q_count = count, .k_first = from, .k_count = count};
    const float *q = s->qkv + column;
    nn_attention_forward(s->a + column, d, s->scratch[worker], q, 3 * d, q + d, 3 * d, q + 2 * d, 3 * d, &segment, 1, 1,
                         head_dim, s->r->causal ? NN_CAUSAL : NN_FULL, 0, NULL);
}

static void attend_context(void *context, size_t tile, int worker)
{
    const pass *s = context;
    const size_t d = s->m->width, head_dim = d / s->m->heads, column = tile % s->m->heads * head_dim;
    const size_t i = s->segment + tile / s->m->heads, keys = s->r->context_rows;
    const nn_segment segment = {.q_first = s->r->first[i] - s->first,
                                .q_count = s->r->first[i + 1] - s->r->first[i],
                                .k_first = (s->r->of_segment[i] - s->context_first) * keys,
                                .k_count = keys};
    if (segment.q_count == 0) return;
    const float *k = s->cross_kv + column;
    nn_attention_forward(s->a + column, d, s->scratch[worker], s->qkv + column, d, k, 2 * d, k + d, 2 * d, &segment, 1,
                         1, head_dim, NN_FULL, 0, NULL);
}

/* Where the keys and values of a row of the tree lie: in the chunk, or on the path to its first row. */
static uint32_t place_of(const pass *s, uint32_t row)
{
    return row >= s->first ? (uint32_t)(s->carried + row - s->first) : s->r->tree->position[row];
}

static void attend_tree(void *context, size_t tile, int worker)
{
    const pass *s = context;
    const plan *p = s->r->tree;
    const size_t d = s->m->width, rows = tile_rows(s->rows, tile), head_dim = d / s->m->heads;
    uint32_t *offset = s->ancestor[worker], *list = offset + TILE + 1;
    offset[0] = 0;
    for (size_t r = 0; r < rows; r++) {
        /* From the row itself up to the root, written from the root down: the order of summation is the sentence's. */
        uint32_t at = (uint32_t)(s->first + tile * TILE + r);
        const uint32_t count = p->position[at] + 1;
        for (uint32_t i = count; i-- > 0; at = p->parent[at]) list[offset[r] + i] = place_of(s, at);
        offset[r + 1] = offset[r] + count;
    }
    const float *q = s->qkv + (s->carried + tile * TILE) * 3 * d;
    const nn_list_attention how = {.heads = s->m->heads,
                                   .kv_heads = s->m->heads,
                                   .key_dim = head_dim,
                                   .value_dim = head_dim,
                                   .key_step = head_dim,
                                   .value_step = head_dim,
                                   .scale = 1.0F / sqrtf((float)head_dim)};
    nn_attention_list_forward(&how, s->a + tile * TILE * d, d, q, 3 * d, s->qkv + d, 3 * d, s->qkv + 2 * d, 3 * d, list,
                              offset, 0, rows, s->scratch[worker]);
}

/* Keeps the keys and values of the ancestors of the row that comes next. */
static void carry(pass *s)
{
    const plan *p = s->r->tree;
    const size_t d = s->m->width, next = s->first + s->rows;
    if (next >= s->r->rows) return;
    for (uint32_t at = p->parent[next]; at != UINT32_MAX && at >= s->first; at = p->parent[at])
        memcpy(s->qkv + p->position[at] * 3 * d, s->qkv + place_of(s, at) * 3 * d, 3 * d * sizeof *s->qkv);
}

static void self_attention(pass *s)
{
    const size_t d = s->m->width;
    const float *in = s->x + s->first * d;
    if (s->m->pre_norm) {
        norm_chunk(s, s->a, s->w.attention_gain, s->w.attention_shift);
        in = s->a;
    }
    nn_linear_pool(s->pool, s->qkv + s->carried * 3 * d, 3 * d, in, d, s->w.qkv, s->w.qkv_bias, s->rows, d, 3 * d);
    if (s->r->tree != NULL) {
        triad_parallel(s->pool, tiles(s->rows), attend_tree, s);
        carry(s);
    } else {
        triad_parallel(s->pool, s->segments * s->m->heads, attend_segment, s);
    }
    add_product(s, s->a, d, s->w.o, s->w.o_bias);
    if (!s->m->pre_norm) norm_chunk(s, s->x + s->first * d, s->w.attention_gain, s->w.attention_shift);
}

static void cross_attention(pass *s)
{
    const size_t d = s->m->width, c = s->m->context_width, keys = s->r->context_rows;
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = s->segment; i < s->segment + s->segments; i++) {
        const uint32_t of = s->r->of_segment[i];
        if (of < least) least = of;
        if (of > most) most = of;
    }
    s->context_first = least;
    const size_t rows = (size_t)(most - least + 1) * keys;
    nn_linear_pool(s->pool, s->cross_kv, 2 * d, s->r->context + least * keys * c, c, s->w.cross_kv, s->w.cross_kv_bias,
                   rows, c, 2 * d);
    nn_linear_pool(s->pool, s->qkv, d, s->x + s->first * d, d, s->w.cross_q, s->w.cross_q_bias, s->rows, d, d);
    triad_parallel(s->pool, s->segments * s->m->heads, attend_context, s);
    add_product(s, s->a, d, s->w.cross_o, s->w.cross_o_bias);
    norm_chunk(s, s->x + s->first * d, s->w.cross_gain, s->w.cross_shift);
}

static void feed_forward(pass *s)
{
    const size_t d = s->m->width, f = s->m->feed_forward;
    const float *in = s->x + s->first * d;
    if (s->m->pre_norm) {
        norm_chunk(s, s->a, s->w.ffn_gain, s->w.ffn_shift);
        in = s->a;
    }
    nn_linear_pool(s->pool, s->middle, f, in, d, s->w.up, s->w.up_bias, s->rows, d, f);
    triad_parallel(s->pool, tiles(s->rows), activation_tile, s);
    add_product(s, s->middle, f, s->w.down, s->w.down_bias);
    if (!s->m->pre_norm) norm_chunk(s, s->x + s->first * d, s->w.ffn_gain, s->w.ffn_shift);
}

/* ---- a layer */
static triad_status widen(float *weight, float *bias, size_t out, const stack_weights *from, triad_pool *pool,
                          triad_error *err)
{
    triad_status status = checkpoint_widen(weight, from->weight, pool, err);
    if (status == TRIAD_OK && from->bias != NULL) return checkpoint_widen(bias, from->bias, pool, err);
    memset(bias, 0, out * sizeof *bias);
    return status;
}

static triad_status widen_layer(pass *s, const stack_layer *l, triad_error *err)
{
    const size_t d = s->m->width, f = s->m->feed_forward, c = s->m->context_width;
    widened *w = &s->w;
    const struct {
        float *weight, *bias;
        size_t out;
        const stack_weights *from;
    } list[] = {{w->qkv, w->qkv_bias, l->k.weight == NULL ? 3 * d : d, &l->q},
                {w->qkv + d * d, w->qkv_bias + d, d, &l->k},
                {w->qkv + 2 * d * d, w->qkv_bias + 2 * d, d, &l->v},
                {w->o, w->o_bias, d, &l->o},
                {w->attention_gain, w->attention_shift, d, &l->attention_norm},
                {w->up, w->up_bias, f, &l->up},
                {w->down, w->down_bias, d, &l->down},
                {w->ffn_gain, w->ffn_shift, d, &l->ffn_norm},
                {w->cross_q, w->cross_q_bias, d, &l->cross_q},
                {w->cross_kv, w->cross_kv_bias, d, &l->cross_k},
                {w->cross_kv + d * c, w->cross_kv_bias + d, d, &l->cross_v},
                {w->cross_o, w->cross_o_bias, d, &l->cross_o},
                {w->cross_gain, w->cross_shift, d, &l->cross_norm}};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < sizeof list / sizeof *list && status == TRIAD_OK; i++) {
        const bool cross = list[i].from >= &l->cross_q && list[i].from <= &l->cross_norm;
        if (list[i].from->weight == NULL || (cross && !s->crosses)) continue;
        status = widen(list[i].weight, list[i].bias, list[i].out, list[i].from, s->pool, err);
    }
    return status;
}

static void prefetch(const stack_layer *l)
{
    const stack_weights *const next[] = {&l->q,       &l->k,       &l->v,       &l->o,  &l->cross_q,
                                         &l->cross_k, &l->cross_v, &l->cross_o, &l->up, &l->down};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) checkpoint_prefetch(next[i]->weight);
}

/* The chunk that begins where the last one ended. */
static void next_chunk(pass *s)
{
    s->first += s->rows;
    s->segment += s->segments;
    if (s->r->tree != NULL) {
        const size_t left = s->r->rows - s->first;
        s->rows = left < s->chunk ? left : s->chunk;
        return;
    }
    s->rows = s->segments = 0;
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = s->segment; i < s->r->segments; i++) {
        const size_t count = s->r->first[i + 1] - s->r->first[i];
        if (s->crosses) {
            const uint32_t of = s->r->of_segment[i];
            least = of < least ? of : least;
            most = of > most ? of : most;
            if (s->segments > 0 && most - least >= CHUNK_CONTEXTS) break;
        }
        if (s->segments > 0 && s->rows + count > s->chunk) break;
        s->rows += count;
        s->segments++;
    }
}

triad_status stack_pass_layer(stack_pass *s, size_t i, triad_error *err)
{
    if (i + 1 < s->m->layers) prefetch(&s->m->layer[i + 1]);
    const triad_status status = widen_layer(s, &s->m->layer[i], err);
    if (status != TRIAD_OK) return status;
    s->first = s->rows = s->segment = s->segments = 0;
    for (next_chunk(s); s->rows > 0; next_chunk(s)) {
        self_attention(s);
        if (s->crosses) cross_attention(s);
        feed_forward(s);
        stream_rest(s->residual, s->first, s->rows);
    }
    return TRIAD_OK;
}

/* ---- memory */
static float *floats(size_t rows, size_t columns)
{
    size_t count, bytes;
    if (!triad_mul_size(&count, rows, columns) || !triad_mul_size(&bytes, count, sizeof(float)) ||
        !triad_add_size(&bytes, bytes, 127))
        return NULL;
    return aligned_alloc(64, bytes & ~(size_t)63);
}

static bool make_weights(pass *s)
{
    const size_t d = s->m->width, f = s->m->feed_forward, c = s->crosses ? s->m->context_width : 0;
    const size_t q = s->crosses ? d : 0;
    widened *w = &s->w;
    struct {
        float **at;
        size_t count;
    } const parts[] = {
        {&w->qkv, 3 * d * d}, {&w->o, d * d},        {&w->cross_q, q * d},       {&w->cross_kv, 2 * d * c},
        {&w->cross_o, q * d}, {&w->up, f * d},       {&w->down, f * d},          {&w->qkv_bias, 3 * d},
        {&w->o_bias, d},      {&w->cross_q_bias, d}, {&w->cross_kv_bias, 2 * d}, {&w->cross_o_bias, d},
        {&w->up_bias, f},     {&w->down_bias, d},    {&w->attention_gain, d},    {&w->attention_shift, d},
        {&w->cross_gain, d},  {&w->cross_shift, d},  {&w->ffn_gain, d},          {&w->ffn_shift, d}};
    size_t total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) total += (parts[i].count + 15) & ~(size_t)15;
    s->storage = floats(total, 1);
    if (s->storage == NULL) return false;
    size_t at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].at = s->storage + at;
        at += (parts[i].count + 15) & ~(size_t)15;
    }
    return true;
}

static bool make_scratch(pass *s)
{
    const size_t threads = s->threads;
    const size_t d = s->m->width, f = s->m->feed_forward, longest = s->r->longest;
    const size_t wanted = larger(larger(CHUNK_FLOATS / (5 * d + f), TILE), s->r->tree != NULL ? TILE : longest);
    s->chunk = s->r->rows < wanted ? s->r->rows : wanted;
    s->carried = s->r->tree != NULL ? longest : 0;
    const size_t keys = s->crosses ? larger(longest, s->r->context_rows) : longest;
    s->a = floats(s->chunk, d);
    s->qkv = floats(s->carried + s->chunk, 3 * d);
    s->middle = floats(s->chunk, f);
    s->cross_kv = s->crosses ? floats(CHUNK_CONTEXTS * s->r->context_rows, 2 * d) : NULL;
    s->scratch = calloc(threads, sizeof *s->scratch);
    s->ancestor = calloc(threads, sizeof *s->ancestor);
    if (s->a == NULL || s->qkv == NULL || s->middle == NULL || (s->crosses && s->cross_kv == NULL) ||
        s->scratch == NULL || s->ancestor == NULL)
        return false;
    for (size_t i = 0; i < threads; i++) {
        s->scratch[i] = s->r->tree != NULL ? floats(nn_attention_list_scratch(longest) + 1, 1) : floats(longest, keys);
        if (s->r->tree != NULL) s->ancestor[i] = malloc((TILE + 1 + (size_t)TILE * longest) * sizeof **s->ancestor);
        if (s->scratch[i] == NULL || (s->r->tree != NULL && s->ancestor[i] == NULL)) return false;
    }
    return true;
}

triad_status stack_pass_create(stack_pass **made, const stack *m, const stream *x, const stack_rows *rows,
                               triad_pool *pool, triad_error *err)
{
    stack_pass *s = calloc(1, sizeof *s);
    *made = s;
    if (s != NULL) {
        *s = (stack_pass){
            .m = m, .residual = x, .r = rows, .pool = pool, .x = x->data, .crosses = rows->context != NULL};
        s->threads = (size_t)triad_pool_threads(pool);
        if (make_weights(s) && make_scratch(s)) return TRIAD_OK;
    }
    stack_pass_free(s);
    *made = NULL;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu rows", rows->rows);
}

void stack_pass_free(stack_pass *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < s->threads; i++) {
        if (s->scratch != NULL) free(s->scratch[i]);
        if (s->ancestor != NULL) free(s->ancestor[i]);
    }
    free(s->scratch);
    free(s->ancestor);
    free(s->storage);
    free(s->a);
    free(s->qkv);
    free(s->middle);
    free(s->cross_kv);
    free(s);
}

/* ---- one norm alone */
typedef struct norm_job {
    float *x;
    size_t rows, width;
    const float *gain, *shift;
    double epsilon;
} norm_job;

static void norm_alone(void *context, size_t tile, int worker)
{
    (void)worker;
    const norm_job *job = context;
    float *x = job->x + tile * TILE * job->width;
    nn_norm_forward(x, x, job->gain, job->shift, job->epsilon, tile_rows(job->rows, tile), job->width);
}

triad_status stack_norm(float *x, size_t rows, size_t width, const stack_weights *norm, double epsilon,
                        triad_pool *pool, triad_error *err)
{
    float *gain = floats(2, width);
    if (gain == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    norm_job job = {.x = x, .rows = rows, .width = width, .gain = gain, .shift = gain + width, .epsilon = epsilon};
    const triad_status status = widen(gain, gain + width, width, norm, pool, err);
    if (status == TRIAD_OK) triad_parallel(pool, tiles(rows), norm_alone, &job);
    free(gain);
    return status;
}
