/* What an agent has made of the sentences: its words, its encoder's layers, the one vector that drives it, and its
 * states where sentence and sight have met. */
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

/* Names of the layers in their order: "words", the encoder's, "instruction", "fused.0" …; NULL: memory is out. The
 * caller frees names and text. */
static const char **name_layers(char (**text)[32], size_t encoder, size_t fused)
{
    const char **names = malloc((encoder + fused + 2) * sizeof *names);
    *text = malloc((encoder + fused) * sizeof **text);
    if (names == NULL || *text == NULL) return NULL;
    names[0] = "words";
    for (size_t i = 0; i < encoder; i++) {
        snprintf((*text)[i], sizeof **text, "%zu", i);
        names[1 + i] = (*text)[i];
    }
    names[1 + encoder] = "instruction";
    for (size_t i = 0; i < fused; i++) {
        snprintf((*text)[encoder + i], sizeof **text, "fused.%zu", i);
        names[2 + encoder + i] = (*text)[encoder + i];
    }
    return names;
}

static triad_status run(triad_space *space, const embed_job *job, const triad_agent *agent, triad_error *err)
{
    const size_t width = triad_agent_width(agent), layers = (size_t)triad_agent_encoder_layers(agent) + 1,
                 fusing = triad_agent_fused_layers(agent);
    char(*text)[32];
    const char **names = name_layers(&text, layers, fusing);
    float **hidden = calloc(layers, sizeof *hidden), **fused = calloc(fusing, sizeof *fused);
    triad_agent_embedding out = {.hidden = hidden};
    triad_status status = TRIAD_OK;
    if (names == NULL || hidden == NULL || fused == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    if (status == TRIAD_OK) status = embed_check_layers(job->options.layers, names, layers + fusing + 2, err);
    if (status == TRIAD_OK) status = embed_begin(space, job, "agent", "instruction", "agent", err);
    if (status == TRIAD_OK) status = add(space, job, "words", width, &out.words, err);
    for (size_t i = 0; i < layers && status == TRIAD_OK; i++)
        status = add(space, job, names[1 + i], width, &hidden[i], err);
    if (status == TRIAD_OK)
        status = add(space, job, "instruction", triad_agent_instruction_size(agent), &out.instruction, err);
    bool sees = false;
    for (size_t i = 0; i < fusing && status == TRIAD_OK; i++) {
        status = add(space, job, names[2 + layers + i], width, &fused[i], err);
        sees = sees || fused[i] != NULL;
    }
    const char *const *sentences = (const char *const *)job->items->text;
    if (status == TRIAD_OK) status = triad_agent_embed(agent, sentences, job->items->count, &out, job->pool, err);
    if (status == TRIAD_OK && sees)
        status = triad_agent_embed_fused(agent, sentences, job->items->count, fused, job->pool, err);
    free(hidden);
    free(fused);
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
