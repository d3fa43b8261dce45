/* Text to token ids, id for id as the model's own tokenizer gives them: byte-level BPE, SentencePiece's BPE and
 * WordPiece, from a tokenizer.json, a tokenizer.model, vocab.json with merges.txt, a vocab.txt, or the tables of a
 * GGUF.
 *
 * The way of a text (huggingface/tokenizers): added tokens are cut out, the rest is normalised, added tokens are cut
 * out again, the rest is split into pieces, the model turns each piece into ids, the template adds the special tokens.
 */
#ifndef TRIAD_TOKENIZERS_TOKENIZER_H
#define TRIAD_TOKENIZERS_TOKENIZER_H

#include "formats/gguf.h"
#include "triad/base.h"

typedef struct tokenizer tokenizer;

/* The tokenizer of a folder: tokenizer.json, else tokenizer.model, vocab.json with merges.txt, or vocab.txt
 * (WordPiece), these three with tokenizer_config.json where it is there. TRIAD_ERR_NOT_FOUND when the folder has none;
 * TRIAD_ERR_UNSUPPORTED names what is not implemented. */
TRIAD_NODISCARD triad_status tokenizer_open(tokenizer **tokens, const char *folder, triad_error *err);
/* The tables tokenizer.ggml.*; TRIAD_ERR_NOT_FOUND when the file has none. Copies all that it keeps. */
TRIAD_NODISCARD triad_status tokenizer_open_gguf(tokenizer **tokens, const gguf *file, triad_error *err);
/* The text of a tokenizer.json. */
TRIAD_NODISCARD triad_status tokenizer_parse_json(tokenizer **tokens, const char *bytes, size_t size, triad_error *err);
/* The text of a vocab.txt, a token a line; config: the text of a tokenizer_config.json, or NULL. */
TRIAD_NODISCARD triad_status tokenizer_parse_vocab(tokenizer **tokens, const char *bytes, size_t size,
                                                   const char *config, size_t config_size, triad_error *err);
/* A tokenizer.model of SentencePiece (BPE), and likewise. */
TRIAD_NODISCARD triad_status tokenizer_parse_model(tokenizer **tokens, const void *bytes, size_t size,
                                                   const char *config, size_t config_size, triad_error *err);
/* The texts of a vocab.json and its merges.txt (byte-level BPE of GPT-2, Qwen2 or CLIP), and likewise. */
TRIAD_NODISCARD triad_status tokenizer_parse_pairs(tokenizer **tokens, const char *words, size_t words_size,
                                                   const char *merges, size_t merges_size, const char *config,
                                                   size_t config_size, triad_error *err);
/* A folder, a .gguf, a tokenizer.json, a tokenizer.model, a vocab.json with merges.txt beside it, or a vocab.txt. */
TRIAD_NODISCARD triad_status tokenizer_open_path(tokenizer **tokens, const char *path, triad_error *err);
void tokenizer_close(tokenizer *tokens);

typedef struct tokenizer_ids {
    int32_t *id;
    size_t count, capacity;
} tokenizer_ids; /* zero-initialise; grows and is kept between calls; free(id) */

/* Appends the ids of one UTF-8 text, special tokens included. limit: at most so many ids, cut at the text's end and not
 * in what the template adds (0: no limit). Safe to call from several threads at once. */
TRIAD_NODISCARD triad_status tokenizer_encode(const tokenizer *tokens, tokenizer_ids *ids, const char *text,
                                              size_t size, size_t limit, triad_error *err);

/* Every id is below it. */
size_t tokenizer_size(const tokenizer *tokens);
/* The token's own spelling (in the vocabulary's alphabet), 0-terminated; NULL for an id that no token has. */
const char *tokenizer_spelling(const tokenizer *tokens, int32_t id);

#endif
