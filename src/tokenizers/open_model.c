/* tokenizer.model, SentencePiece's own file, as transformers reads it beside a tokenizer_config.json. */
#include "tokenizers/sentencepiece.h"
#include "tokenizers/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

/* A ▁ is put where the whole text begins, once; in the legacy way before every stretch between added tokens. */
static triad_status read_spaces(tokenizer *t, const sentencepiece_model *model, json_object *config, triad_error *err)
{
    bool prefix = model->dummy_prefix, legacy = false;
    triad_status status = TRIAD_OK;
    if (config != NULL) {
        status = json_get_bool(config, "add_prefix_space", &prefix, err);
        if (status == TRIAD_OK) status = json_get_bool(config, "legacy", &legacy, err);
        if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    }
    t->spaces = !prefix ? METASPACE_NEVER : legacy ? METASPACE_ALWAYS : METASPACE_FIRST;
    return status;
}

static triad_status read_class(json_object *config, triad_error *err)
{
    static const char *const known[] = {"LlamaTokenizer", "LlamaTokenizerFast", "TokenizersBackend",
                                        "PreTrainedTokenizerFast"};
    const char *class = "LlamaTokenizer";
    if (config != NULL) {
        const triad_status status = json_get_string(config, "tokenizer_class", &class, err);
        if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(class, known[i]) == 0) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "tokenizer_config.json: tokenizer.model with tokenizer_class \"%.80s\" is not supported", class);
}

static triad_status read_all(tokenizer *t, const sentencepiece_model *model, json_object *config, triad_error *err)
{
    static const special_name names[] = {{"unk_token", "<unk>", false},
                                         {"bos_token", "<s>", false},
                                         {"eos_token", "</s>", false},
                                         {"pad_token", NULL, false}};
    const char *bos = "<s>", *eos = "</s>";
    triad_status status = read_class(config, err);
    if (status == TRIAD_OK) status = sentencepiece_build(t, model->piece, model->count, err);
    if (status == TRIAD_OK) status = read_spaces(t, model, config, err);
    if (status == TRIAD_OK) status = tokenizer_config_add(t, config, names, sizeof names / sizeof *names, err);
    if (status == TRIAD_OK) status = tokenizer_config_token(config, "bos_token", &bos, err);
    if (status == TRIAD_OK) status = tokenizer_config_token(config, "eos_token", &eos, err);
    if (status == TRIAD_OK) status = tokenizer_config_end(t, config, "add_bos_token", true, bos, false, err);
    if (status == TRIAD_OK) status = tokenizer_config_end(t, config, "add_eos_token", false, eos, true, err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_parse_model(tokenizer **tokens, const void *bytes, size_t size, const char *config,
                                   size_t config_size, triad_error *err)
{
    *tokens = NULL;
    json_object *root = NULL;
    tokenizer *t = NULL;
    sentencepiece_model model = {0};
    triad_status status = tokenizer_config_read(&root, config, config_size, err);
    if (status == TRIAD_OK) status = sentencepiece_parse(&model, bytes, size, err);
    if (status == TRIAD_OK) status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = read_all(t, &model, root, err);
    json_object_put(root);
    free(model.piece);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    *tokens = t;
    return TRIAD_OK;
}
