#include "models/stack.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1024, MAX_WIDTH = 1 << 17 };

static triad_status get_size(json_object *o, const char *key, int64_t most, size_t *value, triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status = json_get_int(o, key, 1, most, &number, err);
    *value = (size_t)number;
    return status;
}

/* transformers has several names for the same curve. */
static triad_status read_activation(stack *m, json_object *config, triad_error *err)
{
    static const struct {
        const char *name;
        stack_activation activation;
    } known[] = {{"gelu", STACK_GELU},
                 {"gelu_python", STACK_GELU},
                 {"gelu_new", STACK_GELU_TANH},
                 {"gelu_fast", STACK_GELU_TANH},
                 {"gelu_accurate", STACK_GELU_TANH},
                 {"gelu_pytorch_tanh", STACK_GELU_TANH},
                 {"quick_gelu", STACK_GELU_QUICK},
                 {"relu", STACK_RELU},
                 {"silu", STACK_SILU},
                 {"swish", STACK_SILU}};
    const char *name = NULL;
    const triad_status status = json_get_string(config, "hidden_act", &name, err);
    if (status != TRIAD_OK || name == NULL) return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        m->activation = known[i].activation;
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: hidden_act \"%.60s\" is not supported", name);
}

triad_status stack_from_config(stack *m, json_object *config, triad_error *err)
{
    triad_status status = get_size(config, "hidden_size", MAX_WIDTH, &m->width, err);
    if (status == TRIAD_OK) status = get_size(config, "num_hidden_layers", MAX_LAYERS, &m->layers, err);
    if (status == TRIAD_OK) status = get_size(config, "num_attention_heads", MAX_WIDTH, &m->heads, err);
    if (status == TRIAD_OK) status = get_size(config, "intermediate_size", MAX_WIDTH, &m->feed_forward, err);
    if (status == TRIAD_OK) status = json_get_real(config, "layer_norm_eps", &m->epsilon, err);
    if (status == TRIAD_OK) status = read_activation(m, config, err);
    if (status != TRIAD_OK) return status;
    if (m->width % m->heads != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: hidden_size %zu is not a multiple of %zu heads", m->width,
                          m->heads);
    if (!(m->epsilon > 0 && m->epsilon < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: layer_norm_eps %g is out of range", m->epsilon);
    m->layer = calloc(m->layers, sizeof *m->layer);
    return m->layer != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
}

void stack_free(stack *m)
{
    free(m->layer);
    memset(m, 0, sizeof *m);
}

triad_status stack_take_linear(stack_weights *w, checkpoint *file, const char *prefix, const char *name, size_t out,
                               size_t in, bool bias, triad_error *err)
{
    triad_status status = checkpoint_take(&w->weight, file, true, out, in, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK && bias)
        status = checkpoint_take(&w->bias, file, true, 0, out, err, "%s%s.bias", prefix, name);
    return status;
}

triad_status stack_take_norm(stack_weights *w, checkpoint *file, const char *prefix, const char *name, size_t width,
                             triad_error *err)
{
    triad_status status = checkpoint_take(&w->weight, file, true, 0, width, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK) status = checkpoint_take(&w->bias, file, true, 0, width, err, "%s%s.bias", prefix, name);
    return status;
}
