/* What an agent has made of the sentences: its words, its encoder's layers, the one vector that drives it. */
#include "embed/embed_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triad/agent.h"

static triad_status add(triad_space *space, const embed_job *job, const char *name, size_t width, float **data,
                        triad_error *err)
{
    *data = NULL;
    if (!embed_wants(job->options.layers, name, "instruction")) return TRIAD_OK;
    return triad_space_add_layer(space, name, job->items->count, width, data, err);
}

static triad_status run(triad_space *space, const embed_job *job, const triad_agent *agent, triad_error *err)
{
    const size_t width = triad_agent_width(agent), layers = (size_t)triad_agent_encoder_layers(agent) + 1;
    float **hidden = calloc(layers, sizeof *hidden);
    char(*text)[24] = malloc(layers * sizeof *text);
    const char **names = malloc((layers + 2) * sizeof *names);
    triad_agent_embedding out = {.hidden = hidden};
    triad_status status = TRIAD_OK;
    if (hidden == NULL || text == NULL || names == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    } else {
        names[0] = "words";
        for (size_t i = 0; i < layers; i++) {
            snprintf(text[i], sizeof *text, "%zu", i);
            names[i + 1] = text[i];
        }
        names[layers + 1] = "instruction";
        status = embed_check_layers(job->options.layers, names, layers + 2, err);
    }
    if (status == TRIAD_OK) status = embed_begin(space, job, job->items, "agent", "instruction", "agent", err);
    if (status == TRIAD_OK) status = add(space, job, "words", width, &out.words, err);
    for (size_t i = 0; i < layers && status == TRIAD_OK; i++) status = add(space, job, text[i], width, &hidden[i], err);
    if (status == TRIAD_OK)
        status = add(space, job, "instruction", triad_agent_instruction_size(agent), &out.instruction, err);
    if (status == TRIAD_OK)
        status =
            triad_agent_embed(agent, (const char *const *)job->items->text, job->items->count, &out, job->pool, err);
    free(hidden);
    free(text);
    free(names);
    return status;
}

triad_status embed_agent(triad_space *space, const embed_job *job, triad_error *err)
{
    /* Its layers are means over words and the instruction is one vector: there is nothing left to pool. */
    if (strcmp(job->options.pool, "default") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "pooling %s: an agent's layers have their own (leave --pool out)", job->options.pool);
    triad_agent *agent = NULL;
    triad_status status = triad_agent_open(&agent, job->source, err);
    if (status == TRIAD_OK) status = run(space, job, agent, err);
    triad_agent_close(agent);
    return status;
}
