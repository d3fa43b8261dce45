/* SentencePiece's BPE: the adjacent pair whose concatenation is the piece of the highest score is merged first. */
#ifndef TRIAD_TOKENIZERS_SENTENCEPIECE_H
#define TRIAD_TOKENIZERS_SENTENCEPIECE_H

#include "tokenizers/tokenizer_internal.h"

/* Kinds of pieces, as tokenizer.model and tokenizer.ggml.token_type number them. */
enum { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER_DEFINED, PIECE_UNUSED, PIECE_BYTE };

typedef struct sentencepiece_piece {
    const char *bytes; /* borrowed, not 0-terminated, UTF-8 */
    size_t size;
    float score;
    int type;
} sentencepiece_piece;

typedef struct sentencepiece_model {
    sentencepiece_piece *piece; /* [count]; bytes borrowed from the file */
    size_t count;
    bool dummy_prefix; /* a ▁ is put before a text */
} sentencepiece_model; /* zero-initialise; free(piece) */

/* A tokenizer.model: protocol buffers, ModelProto of sentencepiece_model.proto. Refuses by name what is not its BPE
 * without normalisation tables. bytes must outlive the model. */
TRIAD_NODISCARD triad_status sentencepiece_parse(sentencepiece_model *model, const void *bytes, size_t size,
                                                 triad_error *err);

/* Vocabulary, merges and added tokens of t from the pieces, whose ids are their places. */
TRIAD_NODISCARD triad_status sentencepiece_build(tokenizer *t, const sentencepiece_piece *piece, size_t count,
                                                 triad_error *err);

#endif
