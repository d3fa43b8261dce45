#include "tokenizers/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

triad_status tokenizer_config_read(json_object **root, const char *config, size_t size, triad_error *err)
{
    *root = NULL;
    if (config == NULL) return TRIAD_OK;
    const triad_status status = json_read(root, config, size, err);
    if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    if (json_object_is_type(*root, json_type_object)) return TRIAD_OK;
    json_object_put(*root);
    *root = NULL;
    return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer_config.json: not an object");
}

triad_status tokenizer_config_token(json_object *config, const char *key, const char **spelling, triad_error *err)
{
    json_object *value = NULL;
    if (config == NULL || !json_object_object_get_ex(config, key, &value)) return TRIAD_OK;
    if (value == NULL) {
        *spelling = NULL;
        return TRIAD_OK;
    }
    if (json_object_is_type(value, json_type_object)) return json_want_string(value, "content", spelling, err);
    const triad_status status = json_get_string(config, key, spelling, err);
    return status == TRIAD_OK ? status : triad_fail_in(err, "tokenizer_config.json");
}

int32_t tokenizer_id_of(const tokenizer *t, const char *spelling)
{
    const size_t size = strlen(spelling);
    const int32_t id = vocab_find(&t->words, spelling, size);
    if (id >= 0) return id;
    const added *const sets[] = {&t->raw, &t->normalised};
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sets[s]->tokens; i++)
            if (sets[s]->token[i].size == size && memcmp(sets[s]->token[i].content, spelling, size) == 0)
                return sets[s]->token[i].id;
    return -1;
}

/* What an object says about a token beside its spelling. */
typedef struct flags {
    bool single_word, lstrip, rstrip, normalized;
} flags;

static triad_status read_flags(json_object *item, flags *of, triad_error *err)
{
    bool special = false;
    triad_status status = json_get_bool(item, "single_word", &of->single_word, err);
    if (status == TRIAD_OK) status = json_get_bool(item, "lstrip", &of->lstrip, err);
    if (status == TRIAD_OK) status = json_get_bool(item, "rstrip", &of->rstrip, err);
    if (status == TRIAD_OK) status = json_get_bool(item, "special", &special, err);
    of->normalized = !special;
    return status == TRIAD_OK ? json_get_bool(item, "normalized", &of->normalized, err) : status;
}

static triad_status add_declared(tokenizer *t, json_object *table, triad_error *err)
{
    triad_status status = TRIAD_OK;
    json_object_object_foreach(table, key, item)
    {
        if (status != TRIAD_OK) break;
        char *end;
        const long long id = strtoll(key, &end, 10);
        json_object *content =
            json_object_is_type(item, json_type_object) ? json_find(item, "content", json_type_string) : NULL;
        if (content == NULL || *key == 0 || *end != 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "tokenizer_config.json: added_tokens_decoder holds \"%.40s\", which is no token", key);
        flags of = {0};
        status = read_flags(item, &of, err);
        if (status == TRIAD_OK)
            status =
                tokenizer_add_token(t, json_object_get_string(content), (size_t)json_object_get_string_len(content), id,
                                    of.single_word, of.lstrip, of.rstrip, of.normalized, err);
    }
    return status;
}

/* Where the vocabulary holds it and nothing has added it yet. */
static triad_status add_named(tokenizer *t, const char *spelling, flags of, triad_error *err)
{
    const size_t size = strlen(spelling);
    const int32_t id = vocab_find(&t->words, spelling, size);
    if (id < 0 || added_has(&t->raw, spelling, size) || added_has(&t->normalised, spelling, size)) return TRIAD_OK;
    return tokenizer_add_token(t, spelling, size, id, of.single_word, of.lstrip, of.rstrip, of.normalized, err);
}

static triad_status add_list(tokenizer *t, json_object *config, const char *key, triad_error *err)
{
    json_object *list = json_find(config, key, json_type_array);
    triad_status status = TRIAD_OK;
    for (size_t i = 0; list != NULL && i < json_object_array_length(list) && status == TRIAD_OK; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        json_object *content =
            json_object_is_type(item, json_type_object) ? json_find(item, "content", json_type_string) : item;
        flags of = {0};
        if (content == NULL || !json_object_is_type(content, json_type_string))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer_config.json: %s holds what is no token", key);
        if (content != item) status = read_flags(item, &of, err);
        if (status == TRIAD_OK) status = add_named(t, json_object_get_string(content), of, err);
    }
    return status;
}

triad_status tokenizer_config_add(tokenizer *t, json_object *config, const special_name *names, size_t count,
                                  triad_error *err)
{
    json_object *declared = config == NULL ? NULL : json_find(config, "added_tokens_decoder", json_type_object);
    triad_status status = declared == NULL ? TRIAD_OK : add_declared(t, declared, err);
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        const char *spelling = names[i].spelling;
        json_object *value = NULL;
        flags of = {.lstrip = names[i].lstrip};
        status = tokenizer_config_token(config, names[i].key, &spelling, err);
        if (status == TRIAD_OK && config != NULL && json_object_object_get_ex(config, names[i].key, &value) &&
            json_object_is_type(value, json_type_object))
            status = read_flags(value, &of, err);
        if (status == TRIAD_OK && spelling != NULL) status = add_named(t, spelling, of, err);
    }
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    for (size_t i = 0; i < 2 && status == TRIAD_OK && config != NULL; i++) status = add_list(t, config, lists[i], err);
    return status;
}

triad_status tokenizer_config_end(tokenizer *t, json_object *config, const char *flag, bool by_default,
                                  const char *spelling, bool behind, triad_error *err)
{
    bool wanted = by_default;
    if (config != NULL) {
        const triad_status status = json_get_bool(config, flag, &wanted, err);
        if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    }
    if (!wanted || spelling == NULL) return TRIAD_OK;
    const int32_t id = tokenizer_id_of(t, spelling);
    if (id < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: %s is wanted and \"%.60s\" is not in the vocabulary",
                          flag, spelling);
    return tokenizer_add_special(t, behind, id, err);
}
