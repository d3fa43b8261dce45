#include "tokenizers/sentencepiece.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/utf8.h"

/* A piece has a handful of characters; its cuts are looked up one by one. */
enum { MAX_PIECE = 1024 };

/* ---- protocol buffers: tag, then a varint, 8 bytes, a length with its bytes, or 4 bytes */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct message {
    const unsigned char *at, *end, *start;
    triad_error *err;
} message;

typedef struct field {
    uint64_t number, value; /* value: of a varint */
    int wire;
    const unsigned char *bytes; /* 4, 8 or `size` of them */
    size_t size;
} field;

static triad_status broken(const message *m, const char *why)
{
    return triad_fail(m->err, TRIAD_ERR_FORMAT, m->at - m->start, "tokenizer.model, byte %zu: %s",
                      (size_t)(m->at - m->start), why);
}

static triad_status take_varint(message *m, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end) return broken(m, "the file ends inside a number");
        const unsigned char byte = *m->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return TRIAD_OK;
    }
    return broken(m, "a number longer than 10 bytes");
}

/* The next field; m->at < m->end. */
static triad_status take_field(message *m, field *f)
{
    uint64_t tag, size = 0;
    triad_status status = take_varint(m, &tag);
    if (status != TRIAD_OK) return status;
    *f = (field){.number = tag >> 3, .wire = (int)(tag & 7)};
    if (f->number == 0) return broken(m, "a field numbered 0");
    switch (f->wire) {
    case WIRE_VARINT:
        return take_varint(m, &f->value);
    case WIRE_64:
        size = 8;
        break;
    case WIRE_32:
        size = 4;
        break;
    case WIRE_BYTES:
        status = take_varint(m, &size);
        if (status != TRIAD_OK) return status;
        break;
    default:
        return broken(m, "a field of unknown kind (is it a SentencePiece model?)");
    }
    if (size > (uint64_t)(m->end - m->at)) return broken(m, "a field that is longer than the file");
    f->bytes = m->at;
    f->size = (size_t)size;
    m->at += size;
    return TRIAD_OK;
}

static message inside(const message *outer, const field *f)
{
    return (message){.at = f->bytes, .end = f->bytes + f->size, .start = outer->start, .err = outer->err};
}

/* SentencePiece: 1 piece, 2 score, 3 type. */
static triad_status read_piece(message *m, sentencepiece_piece *piece)
{
    *piece = (sentencepiece_piece){.bytes = "", .type = PIECE_NORMAL};
    field f;
    while (m->at < m->end) {
        const triad_status status = take_field(m, &f);
        if (status != TRIAD_OK) return status;
        if (f.number == 1 && f.wire == WIRE_BYTES) {
            piece->bytes = (const char *)f.bytes;
            piece->size = f.size;
        } else if (f.number == 2 && f.wire == WIRE_32) {
            memcpy(&piece->score, f.bytes, sizeof piece->score);
        } else if (f.number == 3 && f.wire == WIRE_VARINT) {
            if (f.value < PIECE_NORMAL || f.value > PIECE_BYTE) return broken(m, "a piece of unknown type");
            piece->type = (int)f.value;
        }
    }
    return TRIAD_OK;
}

/* TrainerSpec: 3 model_type (1 unigram, 2 BPE, 3 word, 4 char). */
static triad_status read_trainer(message *m)
{
    static const char *const names[] = {"", "unigram", "BPE", "word", "char"};
    uint64_t type = 1;
    field f;
    while (m->at < m->end) {
        const triad_status status = take_field(m, &f);
        if (status != TRIAD_OK) return status;
        if (f.number == 3 && f.wire == WIRE_VARINT) type = f.value;
    }
    if (type == 2) return TRIAD_OK;
    return triad_fail(m->err, TRIAD_ERR_UNSUPPORTED, -1, "tokenizer.model: a %s model is not supported (BPE is)",
                      type < sizeof names / sizeof *names && type > 0 ? names[type] : "strange");
}

/* NormalizerSpec: 2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape_whitespaces. */
static triad_status read_normaliser(message *m, sentencepiece_model *model)
{
    field f;
    while (m->at < m->end) {
        const triad_status status = take_field(m, &f);
        if (status != TRIAD_OK) return status;
        if (f.number == 2 && f.wire == WIRE_BYTES && f.size > 0)
            return triad_fail(m->err, TRIAD_ERR_UNSUPPORTED, -1,
                              "tokenizer.model: its normalisation table is not supported (identity is)");
        if (f.number == 3 && f.wire == WIRE_VARINT) model->dummy_prefix = f.value != 0;
        if (f.number == 5 && f.wire == WIRE_VARINT && f.value == 0)
            return triad_fail(m->err, TRIAD_ERR_UNSUPPORTED, -1,
                              "tokenizer.model: escape_whitespaces off is not supported");
    }
    return TRIAD_OK;
}

triad_status sentencepiece_parse(sentencepiece_model *model, const void *bytes, size_t size, triad_error *err)
{
    memset(model, 0, sizeof *model);
    model->dummy_prefix = true;
    const unsigned char *start = bytes;
    message m = {.at = start, .end = start + size, .start = start, .err = err};
    /* ModelProto: 1 pieces, 2 trainer_spec, 3 normalizer_spec. The pieces are counted before they are kept. */
    field f;
    size_t pieces = 0;
    bool trained = false;
    triad_status status = TRIAD_OK;
    while (m.at < m.end && status == TRIAD_OK) {
        status = take_field(&m, &f);
        if (status == TRIAD_OK && f.number == 1 && f.wire == WIRE_BYTES) pieces++;
    }
    if (status != TRIAD_OK) return status;
    if (pieces == 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "tokenizer.model: it holds no pieces (is it a SentencePiece model?)");
    if (pieces > VOCAB_MAX_ID)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokenizer.model: %zu pieces, more than %d", pieces,
                          (int)VOCAB_MAX_ID);
    model->piece = calloc(pieces, sizeof *model->piece);
    if (model->piece == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer.model: out of memory");
    m.at = start;
    while (m.at < m.end && status == TRIAD_OK) {
        status = take_field(&m, &f);
        if (status != TRIAD_OK || f.wire != WIRE_BYTES) continue;
        message part = inside(&m, &f);
        if (f.number == 1) {
            status = read_piece(&part, &model->piece[model->count++]);
        } else if (f.number == 2) {
            trained = true;
            status = read_trainer(&part);
        } else if (f.number == 3) {
            status = read_normaliser(&part, model);
        }
    }
    if (status == TRIAD_OK && !trained)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer.model: it does not say how it was trained");
    if (status == TRIAD_OK) return TRIAD_OK;
    free(model->piece);
    memset(model, 0, sizeof *model);
    return status;
}

/* ---- merges: every cut of a piece into two pieces */
typedef struct cut {
    float score;
    int32_t whole, left, right;
    uint32_t left_size, right_size; /* characters */
} cut;

/* The best score first; of equal scores the smaller id; of one piece's cuts the shorter left half. */
static int by_score(const void *a, const void *b)
{
    const cut *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->whole != y->whole) return x->whole < y->whole ? -1 : 1;
    if (x->left_size != y->left_size) return x->left_size < y->left_size ? -1 : 1;
    return x->right_size < y->right_size ? -1 : x->right_size > y->right_size;
}

/* Counts the cuts of all pieces; fills them in where out is not NULL. */
static size_t find_cuts(const vocab *words, const sentencepiece_piece *piece, size_t count, cut *out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (piece[i].type != PIECE_NORMAL) continue;
        const int32_t whole = vocab_find(words, piece[i].bytes, piece[i].size);
        if (whole != (int32_t)i) continue; /* spelled again further on */
        uint32_t characters = 0, before = 0;
        for (size_t at = 0; at < piece[i].size; at++) characters += ((unsigned char)piece[i].bytes[at] & 0xc0) != 0x80;
        for (size_t at = 1; at < piece[i].size; at++) {
            if (((unsigned char)piece[i].bytes[at] & 0xc0) == 0x80) continue;
            before++;
            const int32_t left = vocab_find(words, piece[i].bytes, at);
            if (left < 0) continue;
            const int32_t right = vocab_find(words, piece[i].bytes + at, piece[i].size - at);
            if (right < 0) continue;
            if (out != NULL)
                out[found] = (cut){.score = piece[i].score,
                                   .whole = whole,
                                   .left = left,
                                   .right = right,
                                   .left_size = before,
                                   .right_size = characters - before};
            found++;
        }
    }
    return found;
}

static triad_status add_merges(tokenizer *t, const sentencepiece_piece *piece, size_t count, triad_error *err)
{
    const size_t cuts = find_cuts(&t->words, piece, count, NULL);
    cut *list = malloc((cuts + 1) * sizeof *list);
    if (list == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory for %zu merges", cuts);
    (void)find_cuts(&t->words, piece, count, list);
    qsort(list, cuts, sizeof *list, by_score);
    triad_status status = bpe_create(&t->pairs, &t->arena, &t->words, cuts, false, "", err);
    for (size_t i = 0; i < cuts && status == TRIAD_OK; i++)
        status = bpe_add_pair(&t->pairs, list[i].left, list[i].right, list[i].whole, err);
    free(list);
    return status;
}

triad_status sentencepiece_build(tokenizer *t, const sentencepiece_piece *piece, size_t count, triad_error *err)
{
    triad_status status = vocab_create(&t->words, &t->arena, count, err);
    int32_t unknown = -1;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        if (piece[i].size > MAX_PIECE)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)i, "tokenizer: piece %zu has %zu bytes, more than %d", i,
                              piece[i].size, (int)MAX_PIECE);
        if (!utf8_valid(piece[i].bytes, piece[i].size, NULL))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "tokenizer: piece %zu is not UTF-8", i);
        if (!isfinite(piece[i].score))
            return triad_fail(err, TRIAD_ERR_NUMERIC, (int64_t)i, "tokenizer: the score of piece %zu is no number", i);
        if (piece[i].type == PIECE_UNKNOWN && unknown < 0) unknown = (int32_t)i;
        status = vocab_add(&t->words, &t->arena, piece[i].bytes, piece[i].size, (int64_t)i, err);
    }
    if (status == TRIAD_OK) status = vocab_finish(&t->words, &t->arena, err);
    if (status == TRIAD_OK) status = add_merges(t, piece, count, err);
    if (status != TRIAD_OK) return status;
    t->pairs.byte_fallback = true;
    t->pairs.fuse_unknown = true;
    t->pairs.unknown = unknown;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        const vocab_entry *entry = vocab_at(&t->words, (int32_t)i);
        if (entry != NULL && piece[i].type >= PIECE_UNKNOWN && piece[i].type <= PIECE_USER_DEFINED)
            status = tokenizer_add_token(t, entry->bytes, entry->size, entry->id, false, false, false, false, err);
    }
    return status;
}
