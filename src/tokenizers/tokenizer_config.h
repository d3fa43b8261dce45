/* tokenizer_config.json: what it says about special tokens, for folders without a tokenizer.json. */
#ifndef TRIAD_TOKENIZERS_CONFIG_H
#define TRIAD_TOKENIZERS_CONFIG_H

#include "formats/json.h"
#include "tokenizers/tokenizer_internal.h"

/* Parses the text; *root stays NULL where config is NULL. Refuses what is no object. */
TRIAD_NODISCARD triad_status tokenizer_config_read(json_object **root, const char *config, size_t size,
                                                   triad_error *err);

/* The spelling of a special token: a string or {"content": …}. Where the key is absent *spelling stays; where it is
 * null it becomes NULL. Borrowed. */
TRIAD_NODISCARD triad_status tokenizer_config_token(json_object *config, const char *key, const char **spelling,
                                                    triad_error *err);

typedef struct special_name {
    const char *key, *spelling; /* key of the config, and what the class takes without it (NULL: none) */
    bool lstrip;
} special_name;

/* Adds the tokens that added_tokens_decoder declares, then those that the keys name and the vocabulary holds, last
 * additional_special_tokens. config may be NULL. After the vocabulary and the normalisers. */
TRIAD_NODISCARD triad_status tokenizer_config_add(tokenizer *t, json_object *config, const special_name *names,
                                                  size_t count, triad_error *err);

/* The id of a spelling in the vocabulary or among the added tokens; -1. */
int32_t tokenizer_id_of(const tokenizer *t, const char *spelling);

/* The special token at one end: config[flag] (else by_default) decides whether, the spelling which. */
TRIAD_NODISCARD triad_status tokenizer_config_end(tokenizer *t, json_object *config, const char *flag, bool by_default,
                                                  const char *spelling, bool behind, triad_error *err);

#endif
