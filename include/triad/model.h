/* Models: checkpoints of the language families, run a layer at a time.
 *
 * A checkpoint is mapped, never loaded whole: every sentence goes through layer i before layer i + 1 is touched, so
 * each weight is read and widened once. Identical sentences are computed once, and in a causal model each distinct
 * prefix. */
#ifndef TRIAD_MODEL_H
#define TRIAD_MODEL_H

#include "triad/base.h"
#include "triad/image.h"

typedef struct triad_model triad_model;

typedef enum triad_model_kind {
    TRIAD_DECODER, /* causal: a token's states depend on its prefix alone */
    TRIAD_ENCODER, /* bidirectional */
    TRIAD_DUAL     /* a text tower beside an image tower: CLIP, BLIP */
} triad_model_kind;

typedef struct triad_model_info {
    triad_model_kind kind;
    const char *family;    /* "llama", "bert" */
    const char *container; /* "gguf" or "hf" (a folder of the Hugging Face kind) */
    const char *name;      /* last part of the path: no folder of the machine */
    size_t layers;         /* L: hidden states 0 … L */
    size_t width;          /* d of every hidden state */
    size_t vocabulary;     /* rows of the token embedding: ids are below it */
    size_t max_tokens;     /* longest sentence that the model has positions for */
    size_t projected;      /* width of `projected`; 0: there is none */
    bool has_raw;          /* decoders: the last residual before its norm is there */
    bool has_tokenizer;
    bool reduced;        /* some weight is narrower than F32 */
    const char *pooling; /* the family's convention: "mean-nofirst", "mean", "cls", "eos", … */
    /* TRIAD_DUAL: the image tower, whose hidden states are 0 … image_layers; else 0. `projected` is of both. */
    size_t image_layers, image_width;
    size_t image_tokens; /* of an image: its class token and its patches, row by row */
    size_t image_side;   /* pixels of a side of what the tower sees */
    bool reads_images;   /* BLIP: the text tower can read an image beside a sentence */
    bool matches;        /* BLIP: triad_model_match says how well they go together */
} triad_model_info;

/* path: a folder with config.json and model.safetensors, a .gguf file, or a repository of the Hugging Face cache (see
 * triad/hub.h). What is not implemented is refused by name
 * (TRIAD_ERR_UNSUPPORTED), never computed wrongly. A checkpoint without a tokenizer opens: see has_tokenizer. */
TRIAD_NODISCARD triad_status triad_model_open(triad_model **model, const char *path, triad_error *err);
void triad_model_close(triad_model *model);
/* Valid as long as the model. */
const triad_model_info *triad_model_describe(const triad_model *model);

/* Token ids of n sentences, one after the other. */
typedef struct triad_tokens {
    size_t sentences;
    size_t *offsets; /* [sentences + 1]: sentence i is ids[offsets[i]] … ids[offsets[i + 1]] */
    int32_t *ids;
} triad_tokens; /* zero-initialise; triad_tokens_free */

/* With the special tokens that the checkpoint's own tokenizer adds; cut as the family does where a sentence is longer
 * than the model's positions (encoders), refused otherwise (decoders). Errors name the sentence. */
TRIAD_NODISCARD triad_status triad_model_tokenize(const triad_model *model, triad_tokens *tokens,
                                                  const char *const *sentences, size_t n, triad_error *err);
/* Copies; offsets[0] must be 0 and offsets must not fall. */
TRIAD_NODISCARD triad_status triad_tokens_create(triad_tokens *tokens, size_t sentences, const size_t *offsets,
                                                 const int32_t *ids, triad_error *err);
void triad_tokens_free(triad_tokens *tokens);

/* One finished layer. Distinct sentences (encoders) or prefixes (decoders) have one row each, so tokens share rows. */
typedef struct triad_states {
    const char *layer; /* "0" … "L", "raw", "projected" */
    bool of_sentences; /* projected: a row for each sentence instead of each token */
    size_t width;
    const float *rows; /* [any, width] */
    const size_t *row; /* [tokens], or [sentences] where of_sentences: the row of each */
} triad_states;

/* Called in order 0 … L - 1, raw, L, projected. What it is handed lives until it returns. An error ends the run. */
typedef triad_status (*triad_states_fn)(void *context, const triad_states *states, triad_error *err);

typedef struct triad_run_options {
    size_t memory;        /* bytes of hidden states beyond which they lie in a mapped file; 0: 1 GiB */
    size_t chunk;         /* rows that go through a block at once; 0: what memory allows */
    const char *scratch;  /* folder of that file; NULL: TMPDIR, else /var/tmp */
    bool apart;           /* compute every sentence by itself, shared prefixes again (for benchmarks) */
    const char *state;    /* file that keeps the last finished layer's output, so that a killed run goes on; NULL: none.
                           * It stays: the caller removes it when what it made of the layers is safe. */
    const char *state_of; /* what else the caller's own results depend on: another text, another run */
    /* Called before anything is computed where the state says that layers 0 … layers are done: `each` won't be called
     * for them. An error TRIAD_ERR_NOT_FOUND (the caller's part is lost) starts from the beginning. NULL: never goes
     * on.
     */
    triad_status (*resume)(void *context, size_t layers, triad_error *err);
} triad_run_options;

/* Hidden states of all tokens with the meaning that transformers gives them: 0 is the embedding, i < L the output of
 * block i, L of a decoder its final norm's output. The same bytes for any pool and any order of the sentences, run at
 * once or resumed. options NULL: all zero. */
TRIAD_NODISCARD triad_status triad_model_run(const triad_model *model, const triad_tokens *tokens,
                                             const triad_run_options *options, triad_pool *pool,
                                             triad_progress *progress, triad_states_fn each, void *context,
                                             triad_error *err);

/* What the text tower wants where the tokenizer gives something else: BLIP's captioning models begin with [DEC] instead
 * of [CLS]. Leaves the ids of other models as they are. */
void triad_model_prompt(const triad_model *model, triad_tokens *tokens);
/* Index of the token whose state stands for a sentence by the family's convention: CLIP's end of text (the first token
 * where a sentence has none, as transformers does it), the first token of the others. */
TRIAD_NODISCARD triad_status triad_model_summary_token(const triad_model *model, const int32_t *ids, size_t count,
                                                       size_t *index, triad_error *err);

/* ---- images (TRIAD_DUAL; TRIAD_ERR_UNSUPPORTED for others) */

/* Hands over image `index`, which the receiver frees. Called from the workers of the pool, several at once, in any
 * order, once for each image of a run. */
typedef triad_status (*triad_image_fn)(void *context, size_t index, triad_image *image, triad_error *err);
typedef struct triad_images {
    size_t count;
    triad_image_fn read;
    void *context;
} triad_images;

/* pixels [3, image_side, image_side]: an image as preprocessor_config.json has it resized, cropped and normalised. */
TRIAD_NODISCARD triad_status triad_model_pixels(const triad_model *model, const triad_image *image, float *pixels,
                                                triad_error *err);

/* Hidden states of all images, layers 0 … image_layers as transformers' hidden_states, then, for BLIP, `normed` (its
 * last_hidden_state: the last layer behind a norm) and, where the model projects, `projected` (rows of length 1).
 * Token t of image i is states->row[i * image_tokens + t]. An image's rows are the same bytes whatever the other images
 * and the pool. */
TRIAD_NODISCARD triad_status triad_model_run_images(const triad_model *model, const triad_images *images,
                                                    triad_pool *pool, triad_progress *progress, triad_states_fn each,
                                                    void *context, triad_error *err);

/* BLIP: hidden states of sentences that are read together with an image each, image_of[s] of images. Layers 0 … L. */
TRIAD_NODISCARD triad_status triad_model_run_beside(const triad_model *model, const triad_tokens *tokens,
                                                    const size_t *image_of, const triad_images *images,
                                                    triad_pool *pool, triad_progress *progress, triad_states_fn each,
                                                    void *context, triad_error *err);

/* BLIP: scores [images, sentences], the probability that image and sentence belong together. */
TRIAD_NODISCARD triad_status triad_model_match(const triad_model *model, const triad_tokens *tokens,
                                               const triad_images *images, float *scores, triad_pool *pool,
                                               triad_progress *progress, triad_error *err);

#endif
