/* CLIP and BLIP: what goes beyond their recorded states. */
#include "formats/support.h"

#include <math.h>
#include <sys/stat.h>

#include <cblas.h>

#include "formats/json.h"
#include "models/preprocess.h"
#include "triad/model.h"

#define CLIP "models/checkpoints/clip-legacy-dicts"
#define ITM "models/checkpoints/blip-itm"
#define CAPTION "models/checkpoints/blip-caption-bf16"
#define BERT "models/checkpoints/st-mean"

static triad_model *opened(const char *path)
{
    triad_model *model;
    expect_success(triad_model_open(&model, path, err));
    return model;
}

/* ---- images that are made up: each from its number */
static triad_status draw(void *context, size_t index, triad_image *image, triad_error *err)
{
    const size_t *order = context, number = order != NULL ? order[index] : index;
    const triad_status status = triad_image_create(image, 20 + number % 7, 31 - number % 5, err);
    for (size_t i = 0; status == TRIAD_OK && i < 3 * image->height * image->width; i++)
        image->rgb[i] = (uint8_t)((i * (number + 3) * 37 + i * i * number) >> 2);
    return status;
}

/* The rows of every layer, one after the other. */
typedef struct kept {
    size_t tokens, units; /* rows of a layer of tokens, and of `projected` */
    size_t count;         /* numbers so far */
    char layers[80];      /* their names */
    float *rows;
} kept;

static triad_status keep(void *context, const triad_states *states, triad_error *err)
{
    (void)err;
    kept *k = context;
    const size_t rows = states->of_sentences ? k->units : k->tokens, d = states->width;
    k->rows = realloc(k->rows, (k->count + rows * d) * sizeof *k->rows);
    for (size_t r = 0; r < rows; r++)
        memcpy(k->rows + k->count + r * d, states->rows + states->row[r] * d, d * sizeof *k->rows);
    k->count += rows * d;
    strcat(strcat(k->layers, states->layer), " ");
    return TRIAD_OK;
}

static kept look(const triad_model *model, size_t count, const size_t *order, triad_pool *pool)
{
    kept k = {.units = count, .tokens = count * triad_model_describe(model)->image_tokens};
    const triad_images images = {.count = count, .read = draw, .context = (void *)order};
    expect_success(triad_model_run_images(model, &images, pool, NULL, keep, &k, err));
    return k;
}

static void what_they_are(void **state)
{
    (void)state;
    triad_model *model = opened(CLIP);
    const triad_model_info *info = triad_model_describe(model);
    assert_int_equal(info->kind, TRIAD_DUAL);
    assert_string_equal(info->family, "clip");
    assert_string_equal(info->pooling, "eos");
    assert_int_equal(info->image_side, 19);
    assert_int_equal(info->image_tokens, 3 * 3 + 1);
    assert_int_equal(info->projected, 20);
    assert_false(info->reads_images || info->matches);
    triad_model_close(model);
    model = opened(ITM);
    info = triad_model_describe(model);
    assert_string_equal(info->pooling, "cls");
    assert_true(info->reads_images && info->matches);
    triad_model_close(model);
    model = opened(CAPTION);
    info = triad_model_describe(model);
    assert_string_equal(info->pooling, "mean-nofirst");
    assert_int_equal(info->projected, 0);
    assert_true(info->reads_images && !info->matches && info->reduced);
    triad_model_close(model);
}

/* The same bytes for any pool, any order and any company of the images. */
static void images_stand_alone(void **state)
{
    (void)state;
    static const char *const paths[] = {CLIP, ITM, CAPTION};
    static const char *const layers[] = {"0 1 2 projected ", "0 1 2 normed projected ", "0 1 2 normed "};
    enum { N = 37 };
    for (size_t m = 0; m < 3; m++) {
        triad_model *model = opened(paths[m]);
        const triad_model_info *info = triad_model_describe(model);
        size_t order[N];
        for (size_t i = 0; i < N; i++) order[i] = (i * 11 + 5) % N;
        kept plain = look(model, N, NULL, NULL), turned = look(model, N, order, NULL), alone;
        assert_string_equal(plain.layers, layers[m]);
        const size_t d = info->image_tokens * info->image_width;
        for (size_t layer = 0; layer <= info->image_layers; layer++)
            for (size_t i = 0; i < N; i++)
                assert_memory_equal(turned.rows + (layer * N + i) * d, plain.rows + (layer * N + order[i]) * d,
                                    d * sizeof(float));
        static const size_t just[] = {23};
        alone = look(model, 1, just, NULL);
        for (size_t layer = 0; layer <= info->image_layers; layer++)
            assert_memory_equal(alone.rows + layer * d, plain.rows + (layer * N + 23) * d, d * sizeof(float));
        for (int threads = 2; threads <= 3; threads++) {
            triad_pool *pool;
            expect_success(triad_pool_create(&pool, threads, err));
            kept shared = look(model, N, NULL, pool);
            assert_int_equal(shared.count, plain.count);
            assert_memory_equal(shared.rows, plain.rows, plain.count * sizeof(float));
            free(shared.rows);
            triad_pool_free(pool);
        }
        free(plain.rows);
        free(turned.rows);
        free(alone.rows);
        triad_model_close(model);
    }
}

/* ---- sentences */
static const char *const TEXTS[] = {"go to the red ball",
                                    "go to the red box",
                                    "pick up a key",
                                    "go",
                                    "go to the red ball",
                                    "open the green door",
                                    "put the red ball next to the key"};
enum { SENTENCES = 7 };

static triad_tokens tokens_of(const triad_model *model, const size_t *order)
{
    const char *texts[SENTENCES];
    for (size_t i = 0; i < SENTENCES; i++) texts[i] = TEXTS[order != NULL ? order[i] : i];
    triad_tokens tokens;
    expect_success(triad_model_tokenize(model, &tokens, texts, SENTENCES, err));
    triad_model_prompt(model, &tokens);
    return tokens;
}

/* With of: beside images. */
static kept read_text(const triad_model *model, const triad_tokens *tokens, const size_t *of, triad_pool *pool)
{
    kept k = {.units = tokens->sentences, .tokens = tokens->offsets[tokens->sentences]};
    const triad_images images = {.count = 3, .read = draw};
    if (of != NULL)
        expect_success(triad_model_run_beside(model, tokens, of, &images, pool, NULL, keep, &k, err));
    else
        expect_success(triad_model_run(model, tokens, NULL, pool, NULL, keep, &k, err));
    return k;
}

/* Text, and text beside images: the same bytes for any pool and any order of the sentences. */
static void sentences_stand_alone(void **state)
{
    (void)state;
    static const char *const paths[] = {CLIP, ITM, CAPTION};
    static const size_t order[SENTENCES] = {3, 6, 0, 5, 1, 4, 2};
    for (size_t m = 0; m < 6; m++) {
        triad_model *model = opened(paths[m / 2]);
        const triad_model_info *info = triad_model_describe(model);
        const bool beside = m % 2 == 1;
        size_t of[SENTENCES], of_turned[SENTENCES];
        for (size_t i = 0; i < SENTENCES; i++) {
            of[i] = i % 3;
            of_turned[i] = order[i] % 3;
        }
        triad_tokens tokens = tokens_of(model, NULL), turned = tokens_of(model, order);
        if (beside && !info->reads_images) {
            triad_tokens_free(&tokens);
            triad_tokens_free(&turned);
            triad_model_close(model);
            continue;
        }
        kept plain = read_text(model, &tokens, beside ? of : NULL, NULL);
        for (int threads = 2; threads <= 3; threads++) {
            triad_pool *pool;
            expect_success(triad_pool_create(&pool, threads, err));
            kept shared = read_text(model, &tokens, beside ? of : NULL, pool);
            assert_int_equal(shared.count, plain.count);
            assert_memory_equal(shared.rows, plain.rows, plain.count * sizeof(float));
            free(shared.rows);
            triad_pool_free(pool);
        }
        kept other = read_text(model, &turned, beside ? of_turned : NULL, NULL);
        const size_t total = plain.tokens, d = info->width;
        for (size_t layer = 0; layer <= info->layers; layer++)
            for (size_t i = 0; i < SENTENCES; i++)
                assert_memory_equal(other.rows + (layer * total + turned.offsets[i]) * d,
                                    plain.rows + (layer * total + tokens.offsets[order[i]]) * d,
                                    (turned.offsets[i + 1] - turned.offsets[i]) * d * sizeof(float));
        const size_t behind = (info->layers + 1) * total * d;
        assert_int_equal(plain.count, behind + (beside ? 0 : SENTENCES * info->projected));
        for (size_t i = 0; i < SENTENCES && !beside; i++)
            assert_memory_equal(other.rows + behind + i * info->projected,
                                plain.rows + behind + order[i] * info->projected, info->projected * sizeof(float));
        free(plain.rows);
        free(other.rows);
        triad_tokens_free(&tokens);
        triad_tokens_free(&turned);
        triad_model_close(model);
    }
}

/* Without shared prefixes, and with the hidden states in a file. */
static void runs_agree(void **state)
{
    (void)state;
    static const char *const paths[] = {CLIP, ITM, CAPTION};
    for (size_t m = 0; m < 3; m++) {
        triad_model *model = opened(paths[m]);
        triad_tokens tokens = tokens_of(model, NULL);
        const triad_run_options apart = {.apart = true}, spilled = {.memory = 1};
        kept plain = read_text(model, &tokens, NULL, NULL), other = {.tokens = plain.tokens, .units = plain.units},
             mapped = other;
        expect_success(triad_model_run(model, &tokens, &apart, NULL, NULL, keep, &other, err));
        expect_success(triad_model_run(model, &tokens, &spilled, NULL, NULL, keep, &mapped, err));
        assert_memory_equal(mapped.rows, plain.rows, plain.count * sizeof(float));
        assert_int_equal(other.count, plain.count);
        for (size_t i = 0; i < plain.count; i++)
            assert_true(fabsf(other.rows[i] - plain.rows[i]) <= 1e-5F * (1 + fabsf(plain.rows[i])));
        free(plain.rows);
        free(other.rows);
        free(mapped.rows);
        triad_tokens_free(&tokens);
        triad_model_close(model);
    }
}

/* More rows than go through a layer at once: where the tree is cut, the path to the next row is carried over. */
static void trees_are_cut(void **state)
{
    (void)state;
    triad_model *model = opened(CLIP);
    const size_t d = triad_model_describe(model)->width, layers = triad_model_describe(model)->layers;
    enum { MANY = 1100, LENGTH = 77 };
    size_t *offsets = calloc(MANY + 1, sizeof *offsets);
    int32_t *ids = malloc(MANY * LENGTH * sizeof *ids);
    for (size_t s = 0; s < MANY; s++) {
        for (size_t i = 0; i < LENGTH; i++)
            ids[s * LENGTH + i] = (int32_t)(i < s % 30 ? 7 + i : 100 + (s * 131 + i * i * 7 + s * s) % 400);
        offsets[s + 1] = (s + 1) * LENGTH;
    }
    triad_tokens all;
    expect_success(triad_tokens_create(&all, MANY, offsets, ids, err));
    kept whole = read_text(model, &all, NULL, NULL);
    for (size_t s = 0; s < MANY; s += 49) {
        triad_tokens one;
        expect_success(triad_tokens_create(&one, 1, offsets, ids + s * LENGTH, err));
        kept alone = read_text(model, &one, NULL, NULL);
        for (size_t layer = 0; layer <= layers; layer++)
            for (size_t j = 0; j < LENGTH * d; j++) {
                const float x = alone.rows[layer * LENGTH * d + j], y = whole.rows[(layer * MANY + s) * LENGTH * d + j];
                if (!(fabsf(x - y) <= 1e-5F * (1 + fabsf(x))))
                    fail_msg("sentence %zu, layer %zu: %g alone, %g among others", s, layer, (double)x, (double)y);
            }
        free(alone.rows);
        triad_tokens_free(&one);
    }
    free(whole.rows);
    triad_tokens_free(&all);
    free(offsets);
    free(ids);
    triad_model_close(model);
}

/* Scores of all pairs are those of each pair, and those of 1 image agree with those of 3. */
static void pairs_are_scored(void **state)
{
    (void)state;
    triad_model *model = opened(ITM);
    triad_tokens tokens = tokens_of(model, NULL);
    const triad_images images = {.count = 3, .read = draw};
    float all[3 * SENTENCES], one[SENTENCES];
    expect_success(triad_model_match(model, &tokens, &images, all, NULL, NULL, err));
    for (size_t i = 0; i < 3 * SENTENCES; i++) assert_true(all[i] > 0 && all[i] < 1);
    for (size_t i = 0; i < 3; i++) {
        const triad_images single = {.count = 1, .read = draw, .context = &i};
        expect_success(triad_model_match(model, &tokens, &single, one, NULL, NULL, err));
        assert_memory_equal(one, all + i * SENTENCES, sizeof one);
    }
    for (size_t i = 0; i < 3; i++) assert_true(all[i * SENTENCES] == all[i * SENTENCES + 4]); /* equal sentences */
    triad_tokens_free(&tokens);
    triad_model_close(model);
}

/* ---- refusals */
static triad_status no_image(void *context, size_t index, triad_image *image, triad_error *err)
{
    (void)context;
    *image = (triad_image){0};
    return triad_fail(err, TRIAD_ERR_IO, -1, "picture %zu: lost", index);
}

static void requests_are_refused(void **state)
{
    (void)state;
    kept k = {0};
    triad_image image;
    expect_success(triad_image_create(&image, 9, 9, err));
    memset(image.rgb, 0, 3 * 9 * 9);
    float pixels[3 * 24 * 24], scores[64];
    const triad_images images = {.count = 3, .read = draw}, none = {.read = draw},
                       lost = {.count = 3, .read = no_image};
    const size_t of[] = {0, 1, 2, 0, 1, 2, 3};
    triad_model *model = opened(BERT);
    expect_failure(triad_model_run_images(model, &images, NULL, NULL, keep, &k, err), TRIAD_ERR_UNSUPPORTED,
                   "reads text only");
    expect_failure(triad_model_pixels(model, &image, pixels, err), TRIAD_ERR_UNSUPPORTED, "how it sees");
    triad_model_close(model);
    model = opened(CLIP);
    triad_tokens tokens = tokens_of(model, NULL);
    expect_failure(triad_model_match(model, &tokens, &images, scores, NULL, NULL, err), TRIAD_ERR_UNSUPPORTED,
                   "does not read images");
    expect_failure(triad_model_run_beside(model, &tokens, of, &images, NULL, NULL, keep, &k, err),
                   TRIAD_ERR_UNSUPPORTED, "does not read images");
    expect_failure(triad_model_run_images(model, &none, NULL, NULL, keep, &k, err), TRIAD_ERR_ARGUMENT,
                   "not one image");
    expect_failure(triad_model_run_images(model, &lost, NULL, NULL, keep, &k, err), TRIAD_ERR_IO, "picture 0: lost");
    triad_tokens_free(&tokens);
    triad_model_close(model);
    model = opened(CAPTION);
    tokens = tokens_of(model, NULL);
    expect_failure(triad_model_match(model, &tokens, &images, scores, NULL, NULL, err), TRIAD_ERR_UNSUPPORTED,
                   "no head that matches");
    expect_failure(triad_model_run_beside(model, &tokens, of, &images, NULL, NULL, keep, &k, err), TRIAD_ERR_ARGUMENT,
                   "there is no image 3 of 3");
    tokens.ids[2] = 100000;
    expect_failure(triad_model_run_beside(model, &tokens, of, &images, NULL, NULL, keep, &k, err), TRIAD_ERR_RANGE,
                   "id 100000");
    triad_tokens_free(&tokens);
    triad_model_close(model);
    triad_image_free(&image);
    assert_null(k.rows);
}

/* A checkpoint of the data folder with one file changed: `from` in the text becomes `to`. */
static void changed(const char *folder, const char *file, const char *from, const char *to, triad_status status,
                    const char *words)
{
    static const char *const files[] = {"config.json", "preprocessor_config.json", "model.safetensors",
                                        "tokenizer.json", "tokenizer_config.json"};
    char *made = scratch("model");
    assert_int_equal(mkdir(made, 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char source[300], target[400];
        snprintf(source, sizeof source, "%s/%s", folder, files[i]);
        snprintf(target, sizeof target, "%s/%s", made, files[i]);
        size_t size;
        char *bytes = (char *)slurp(source, &size);
        if (strcmp(files[i], file) == 0) {
            bytes = realloc(bytes, size + strlen(to) + 1);
            bytes[size] = 0;
            char *at = strstr(bytes, from);
            if (at == NULL) fail_msg("%s does not hold %s", file, from);
            memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
            memcpy(at, to, strlen(to));
            size = strlen(bytes);
        }
        put_file(target, bytes, size);
        free(bytes);
    }
    triad_model *model;
    if (status == TRIAD_OK) {
        expect_success(triad_model_open(&model, made, err));
        triad_model_close(model);
    } else {
        expect_failure(triad_model_open(&model, made, err), status, words);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char target[400];
        snprintf(target, sizeof target, "%s/%s", made, files[i]);
        unlink(target);
    }
    rmdir(made);
    free(made);
}

static void files_are_judged(void **state)
{
    (void)state;
    const char *config = "config.json", *prep = "preprocessor_config.json";
    changed(CLIP, config, "\"model_type\": \"clip\"", "\"model_type\": \"clip\"", TRIAD_OK, "");
    /* What looks alike is refused by name. */
    static const char *const alike[] = {"siglip", "chinese_clip", "blip-2", "instructblip", "altclip", "clipseg"};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        char to[60];
        snprintf(to, sizeof to, "\"model_type\": \"%s\"", alike[i]);
        changed(CLIP, config, "\"model_type\": \"clip\"", to, TRIAD_ERR_UNSUPPORTED, alike[i]);
    }
    changed(CLIP, config, "\"num_attention_heads\": 3", "\"num_attention_heads\": 7", TRIAD_ERR_FORMAT,
            "not a multiple of 7 heads");
    changed(CLIP, config, "\"num_attention_heads\": 3", "\"hidden_act\": \"mish\"", TRIAD_ERR_UNSUPPORTED, "mish");
    changed(CLIP, config, "\"num_attention_heads\": 5", "\"num_attention_heads\": 5, \"num_channels\": 4",
            TRIAD_ERR_UNSUPPORTED, "4 channels");
    changed(CLIP, config, "\"num_attention_heads\": 3", "\"layer_norm_eps\": 2.0", TRIAD_ERR_RANGE, "layer_norm_eps");
    changed(CLIP, config, "\"projection_dim\": 20", "\"projection_dim\": 21", TRIAD_ERR_FORMAT, "text_projection");
    changed(ITM, config, "\"patch_size\": 8", "\"patch_size\": 80", TRIAD_ERR_RANGE, "a patch of 80");
    changed(ITM, config, "\"patch_size\": 8", "\"patch_size\": 6", TRIAD_ERR_FORMAT, "patch_embedding");
    changed(ITM, config, "\"num_attention_heads\": 4", "\"position_embedding_type\": \"relative_key\"",
            TRIAD_ERR_UNSUPPORTED, "relative_key");
    changed(CAPTION, config, "\"bos_token_id\": ", "\"bos_token_id\": 9", TRIAD_ERR_RANGE, "bos_token_id");
    changed(ITM, prep, "BlipImageProcessor", "SiglipImageProcessor", TRIAD_ERR_UNSUPPORTED, "SiglipImageProcessor");
    changed(ITM, prep, "BlipImageProcessor", "BlipImageProcessorFast", TRIAD_OK, "");
    changed(ITM, prep, "\"do_resize\": true", "\"do_pad\": true", TRIAD_ERR_UNSUPPORTED, "do_pad");
    changed(ITM, prep, "\"do_resize\": true", "\"do_center_crop\": true", TRIAD_ERR_FORMAT, "without a crop_size");
    changed(ITM, prep, "\"resample\": 3", "\"resample\": 6", TRIAD_ERR_RANGE, "resample");
    changed(ITM, prep, "\"height\": 24", "\"height\": 0", TRIAD_ERR_RANGE, "size");
    changed(ITM, prep, "\"height\": 24", "\"longest_edge\": 24", TRIAD_ERR_UNSUPPORTED, "other keys");
    changed(CLIP, prep, "0.26862954", "0.0", TRIAD_ERR_FORMAT, "image_std");
    changed(CLIP, prep, "\"crop_size\": 19", "\"crop_size\": [19]", TRIAD_ERR_FORMAT, "crop_size");
    changed(CLIP, prep, "\"crop_size\": 19", "\"crop_size\": {\"height\": 19}", TRIAD_ERR_FORMAT, "crop_size");
}

/* A size that becomes another than the model's is an error of the image. */
static void pixels_fit(void **state)
{
    (void)state;
    preprocess how;
    json_object *config;
    triad_image image;
    float pixels[3 * 8 * 8];
    expect_success(triad_image_create(&image, 4, 12, err));
    for (size_t i = 0; i < 3 * 4 * 12; i++) image.rgb[i] = (uint8_t)(i * 5);
    static const char *const texts[] = {
        "{\"do_center_crop\": false, \"size\": 8}",                                            /* 8 x 24 */
        "{\"size\": {\"shortest_edge\": 8, \"longest_edge\": 16}, \"do_center_crop\": false}", /* 5 x 16 */
        "{\"do_resize\": false, \"do_center_crop\": false}",                                   /* 4 x 12 */
        "{\"size\": [8, 8], \"crop_size\": 9}",                                                /* 9 x 9 */
        "{\"size\": 8, \"crop_size\": {\"height\": 8, \"width\": 8}}",
        "{\"size\": [8, 8], \"do_center_crop\": false, \"do_normalize\": false, \"do_rescale\": false, \"resample\": "
        "0}"};
    static const char *const becomes[] = {
        "becomes 24 x 8", "becomes 16 x 5", "becomes 12 x 4", "becomes 9 x 9", NULL, NULL};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect_success(json_read(&config, texts[i], strlen(texts[i]), err));
        expect_success(preprocess_read(&how, config, PREPROCESS_CLIP, err));
        json_object_put(config);
        if (becomes[i] != NULL)
            expect_failure(preprocess_run(pixels, 8, &how, &image, err), TRIAD_ERR_ARGUMENT, becomes[i]);
        else
            expect_success(preprocess_run(pixels, 8, &how, &image, err));
    }
    /* The last one only picks pixels: the first is the image's own. */
    for (size_t c = 0; c < 3; c++) assert_true(pixels[c * 64] == (float)image.rgb[c]);
    triad_image_free(&image);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_are),
        cmocka_unit_test(images_stand_alone),
        cmocka_unit_test(sentences_stand_alone),
        cmocka_unit_test(runs_agree),
        cmocka_unit_test(trees_are_cut),
        cmocka_unit_test(pairs_are_scored),
        cmocka_unit_test(requests_are_refused),
        cmocka_unit_test(files_are_judged),
        cmocka_unit_test(pixels_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
