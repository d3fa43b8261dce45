/* Spaces of images and of scenes. */
#include "formats/support.h"

#include <math.h>

#include <cblas.h>
#include <png.h>

#include "embed/embed.h"
#include "embed/scenes.h"
#include "triad/image.h"
#include "triad/model.h"

#define CLIP "models/checkpoints/clip-legacy-dicts"
#define ITM "models/checkpoints/blip-itm"
#define CAPTION "models/checkpoints/blip-caption-bf16"
#define BERT "models/checkpoints/st-mean"

/* A PNG of this shade, in a scratch file of its own; the caller scraps it. */
static char *picture(const char *name, unsigned shade)
{
    char *path = scratch(name);
    unsigned char pixels[12 * 9 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(shade + i * (shade % 7));
    png_image image = {.version = PNG_IMAGE_VERSION, .width = 12, .height = 9, .format = PNG_FORMAT_RGB};
    assert_int_not_equal(png_image_write_to_file(&image, path, 0, pixels, 0, NULL), 0);
    return path;
}

static const triad_layer *layer(const triad_space *space, const char *name)
{
    const triad_layer *l = triad_space_find(space, name);
    if (l == NULL) fail_msg("no layer %s", name);
    return l;
}

static void images_become_rows(void **state)
{
    (void)state;
    char *paths[3] = {picture("a ball.png", 10), picture("b.png", 90), picture("c.x.png", 200)};
    const triad_embed_options all = {.layers = "all"}, mean = {.layers = "2", .pool = "mean"},
                              tokens = {.layers = "2,0", .pool = "tokens"},
                              patches = {.layers = "2", .pool = "mean-nofirst"};
    triad_space space, other;
    expect_success(triad_embed_images(&space, CLIP, (const char *const *)paths, 3, &all, NULL, NULL, err));
    assert_int_equal(space.layers, 4);
    assert_string_equal(space.source, "hf:clip-legacy-dicts:images");
    assert_string_equal(space.kind, "dual");
    assert_string_equal(triad_space_last(&space)->name, "projected");
    const char *name = space.items.id[0] + strlen(space.items.id[0]) - 6;
    assert_string_equal(name, "a ball");
    assert_string_equal(space.items.text[2] + strlen(space.items.text[2]) - 3, "c.x");
    /* Each by itself gives the same row. */
    for (size_t i = 0; i < 3; i++) {
        expect_success(triad_embed_images(&other, CLIP, (const char *const *)&paths[i], 1, NULL, NULL, NULL, err));
        assert_int_equal(other.layers, 1);
        assert_string_equal(other.pool, "projected");
        const triad_layer *l = layer(&space, "projected");
        assert_memory_equal(layer(&other, "projected")->data, l->data + i * l->d, l->d * sizeof(float));
        double square = 0;
        for (size_t j = 0; j < l->d; j++) square += (double)l->data[i * l->d + j] * (double)l->data[i * l->d + j];
        assert_true(fabs(square - 1) < 1e-5);
        triad_space_free(&other);
    }
    /* Poolings are means of the tokens: class token first, then the patches. */
    triad_space whole, averaged, rest;
    expect_success(triad_embed_images(&whole, CLIP, (const char *const *)paths, 3, &tokens, NULL, NULL, err));
    expect_success(triad_embed_images(&averaged, CLIP, (const char *const *)paths, 3, &mean, NULL, NULL, err));
    expect_success(triad_embed_images(&rest, CLIP, (const char *const *)paths, 3, &patches, NULL, NULL, err));
    assert_int_equal(whole.layers, 2);
    assert_int_equal(whole.tokens, 3 * 10);
    assert_int_equal(whole.offsets[3], 30);
    const triad_layer *t = layer(&whole, "2");
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < t->d; j++) {
            double sum = 0;
            for (size_t k = 1; k < 10; k++) sum += t->data[(i * 10 + k) * t->d + j];
            const double first = t->data[i * 10 * t->d + j];
            assert_true(first == (double)layer(&space, "2")->data[i * t->d + j]);
            assert_true(fabs((sum + first) / 10 - layer(&averaged, "2")->data[i * t->d + j]) < 1e-5);
            assert_true(fabs(sum / 9 - layer(&rest, "2")->data[i * t->d + j]) < 1e-5);
        }
    triad_space_free(&whole);
    triad_space_free(&averaged);
    triad_space_free(&rest);
    triad_space_free(&space);
    expect_success(triad_embed_images(&space, CAPTION, (const char *const *)paths, 3, &all, NULL, NULL, err));
    assert_int_equal(space.layers, 3); /* nothing is projected */
    assert_string_equal(triad_space_last(&space)->name, "2");
    triad_space_free(&space);
    for (size_t i = 0; i < 3; i++) scrap(paths[i]);
}

static void refuse(const char *source, const char *const *paths, size_t count, const char *layers, const char *pool,
                   triad_status status, const char *words)
{
    const triad_embed_options options = {.layers = layers, .pool = pool};
    triad_space space;
    expect_failure(triad_embed_images(&space, source, paths, count, &options, NULL, NULL, err), status, words);
    assert_int_equal(space.layers, 0);
}

static void requests_are_refused(void **state)
{
    (void)state;
    char *paths[3] = {picture("a.png", 10), picture("b.png", 20), NULL};
    const char *const list[] = {paths[0], paths[1]}, *const twice[] = {paths[0], paths[0]}, *const none[] = {"no.png"};
    refuse(BERT, list, 2, NULL, NULL, TRIAD_ERR_UNSUPPORTED, "reads text only");
    refuse("baseline:bow", list, 2, NULL, NULL, TRIAD_ERR_UNSUPPORTED, "only models of text and images");
    refuse(CLIP, list, 0, NULL, NULL, TRIAD_ERR_ARGUMENT, "none to embed");
    refuse(CLIP, none, 1, NULL, NULL, TRIAD_ERR_NOT_FOUND, "no.png");
    refuse(CLIP, twice, 2, NULL, NULL, TRIAD_ERR_FORMAT, "same id");
    refuse(CLIP, list, 2, "3", NULL, TRIAD_ERR_NOT_FOUND, "it has 0, 1, 2, projected");
    refuse(CLIP, list, 2, "raw", NULL, TRIAD_ERR_NOT_FOUND, "it has 0, 1, 2, projected");
    refuse(CLIP, list, 2, NULL, "eos", TRIAD_ERR_ARGUMENT, "pooling eos");
    refuse(CLIP, list, 2, NULL, "last", TRIAD_ERR_ARGUMENT, "pooling last");
    refuse(CLIP, list, 2, NULL, "loudest", TRIAD_ERR_UNSUPPORTED, "unknown");
    refuse(CAPTION, list, 2, NULL, "projected", TRIAD_ERR_ARGUMENT, "projects nothing");
    refuse(CLIP, list, 2, "1", "projected", TRIAD_ERR_ARGUMENT, "leaves none");
    scrap(paths[0]);
    scrap(paths[1]);
}

/* Text by the same model: eos for CLIP alone. */
static void text_has_its_poolings(void **state)
{
    (void)state;
    const char *const texts[] = {"go to the red ball", "go", "pick up a key"};
    triad_items items;
    expect_success(triad_items_create(&items, 3, texts, texts, 0, NULL, NULL, err));
    const triad_embed_options all = {.layers = "all"}, eos = {.layers = "1", .pool = "eos"},
                              last = {.layers = "1", .pool = "last"};
    triad_space space, picked, ending;
    expect_success(triad_embed(&space, CLIP, &items, &all, NULL, NULL, err));
    assert_string_equal(space.pool, "eos");
    assert_string_equal(space.kind, "dual");
    assert_int_equal(space.layers, 4);
    assert_string_equal(triad_space_last(&space)->name, "projected");
    expect_success(triad_embed(&picked, CLIP, &items, &eos, NULL, NULL, err));
    expect_success(triad_embed(&ending, CLIP, &items, &last, NULL, NULL, err));
    const triad_layer *l = layer(&space, "1");
    assert_memory_equal(layer(&picked, "1")->data, l->data, l->n * l->d * sizeof(float));
    /* The template puts the end of text last. */
    assert_memory_equal(layer(&ending, "1")->data, l->data, l->n * l->d * sizeof(float));
    triad_space_free(&space);
    triad_space_free(&picked);
    triad_space_free(&ending);
    expect_failure(triad_embed(&space, ITM, &items, &eos, NULL, NULL, err), TRIAD_ERR_ARGUMENT, "only CLIP");
    expect_success(triad_embed(&space, ITM, &items, NULL, NULL, NULL, err));
    assert_string_equal(space.pool, "projected");
    triad_space_free(&space);
    expect_success(triad_embed(&space, CAPTION, &items, NULL, NULL, NULL, err));
    assert_string_equal(space.pool, "mean-nofirst");
    assert_string_equal(triad_space_last(&space)->name, "2");
    triad_space_free(&space);
    triad_items_free(&items);
}

/* ---- scenes */
static const char *const MISSIONS[] = {"go to the red ball", "fly to the moon", "open the red door",
                                       "go to a green key"};
enum { MISSION_COUNT = 4 };

static triad_items missions(const size_t *order)
{
    const char *texts[MISSION_COUNT];
    for (size_t i = 0; i < MISSION_COUNT; i++) texts[i] = MISSIONS[order != NULL ? order[i] : i];
    triad_items items;
    expect_success(triad_items_create(&items, MISSION_COUNT, texts, texts, 0, NULL, NULL, err));
    return items;
}

static void scenes_fulfil_their_instructions(void **state)
{
    (void)state;
    triad_items items = missions(NULL);
    scenes found = {0}, shared = {0};
    expect_success(scenes_find(&found, &items, NULL, 0, NULL, NULL, err));
    triad_pool *pool;
    expect_success(triad_pool_create(&pool, 3, err));
    expect_success(scenes_find(&shared, &items, NULL, 0, pool, NULL, err));
    triad_pool_free(pool);
    assert_memory_equal(found.count, shared.count, MISSION_COUNT * sizeof *found.count);
    for (size_t i = 0; i < MISSION_COUNT; i++) {
        assert_int_equal(found.count[i], i == 1 ? 0 : SCENES_PER_ITEM);
        for (size_t k = 0; k < found.count[i]; k++) {
            const scene *s = &found.scene[i * SCENES_PER_ITEM + k];
            assert_true(s->seed >= SCENES_FIRST_SEED && (k == 0 || s->seed > s[-1].seed));
            assert_true(s->seed == shared.scene[i * SCENES_PER_ITEM + k].seed);
            const babyai_level_info info = babyai_level_describe(s->level);
            assert_true(info.rows * info.columns <= 2); /* what one room can show is shown in one */
            babyai_episode episode = {0};
            babyai_env *env = NULL;
            babyai_bot *bot = NULL;
            bool solved;
            expect_success(babyai_demonstrate(&episode, &solved, &env, &bot, s->level, s->seed, err));
            assert_true(solved);
            assert_string_equal(episode.mission, MISSIONS[i]);
            triad_image image;
            expect_success(scene_render(&image, s, err));
            assert_int_equal(image.height, (size_t)info.height * SCENES_TILE);
            assert_int_equal(image.width, (size_t)info.width * SCENES_TILE);
            /* It is the environment's frame at the end of that episode. */
            unsigned char *frame = malloc(3 * image.height * image.width);
            expect_success(babyai_render(env, SCENES_TILE, true, false, frame, err));
            assert_memory_equal(frame, image.rgb, 3 * image.height * image.width);
            free(frame);
            triad_image_free(&image);
            babyai_episode_free(&episode);
            babyai_bot_free(bot);
            babyai_free(env);
        }
    }
    scenes_free(&found);
    scenes_free(&shared);
    triad_items_free(&items);
}

static void scenes_become_rows(void **state)
{
    (void)state;
    static const size_t order[] = {3, 2, 1, 0};
    triad_items items = missions(NULL), turned = missions(order);
    const triad_embed_options all = {.layers = "all"};
    size_t met[MISSION_COUNT];
    triad_space space, other;
    triad_pool *pool;
    expect_success(triad_pool_create(&pool, 2, err));
    expect_success(triad_embed_scenes(&space, CLIP, &items, NULL, 0, met, &all, NULL, NULL, err));
    expect_success(triad_embed_scenes(&other, CLIP, &turned, NULL, 0, NULL, &all, pool, NULL, err));
    triad_pool_free(pool);
    assert_int_equal(met[0], 8);
    assert_int_equal(met[1], 0);
    assert_int_equal(space.items.count, 3);
    assert_string_equal(space.source, "hf:clip-legacy-dicts:scenes");
    for (size_t i = 0; i < space.layers; i++) {
        const triad_layer *a = &space.layer[i], *b = &other.layer[i];
        for (size_t r = 0; r < 3; r++) {
            assert_string_equal(space.items.id[r], other.items.id[2 - r]);
            assert_memory_equal(a->data + r * a->d, b->data + (2 - r) * b->d, a->d * sizeof(float));
        }
    }
    /* A row is the mean over its scenes. */
    scenes found = {0};
    expect_success(scenes_find(&found, &items, NULL, 0, NULL, NULL, err));
    char *paths[SCENES_PER_ITEM];
    for (size_t k = 0; k < SCENES_PER_ITEM; k++) {
        triad_image image;
        expect_success(scene_render(&image, &found.scene[k], err));
        char name[20];
        snprintf(name, sizeof name, "scene-%zu.png", k);
        paths[k] = scratch(name);
        png_image out = {.version = PNG_IMAGE_VERSION,
                         .width = (png_uint_32)image.width,
                         .height = (png_uint_32)image.height,
                         .format = PNG_FORMAT_RGB};
        assert_int_not_equal(png_image_write_to_file(&out, paths[k], 0, image.rgb, 0, NULL), 0);
        triad_image_free(&image);
    }
    triad_space single;
    expect_success(
        triad_embed_images(&single, CLIP, (const char *const *)paths, SCENES_PER_ITEM, &all, NULL, NULL, err));
    const triad_layer *l = layer(&single, "projected");
    for (size_t j = 0; j < l->d; j++) {
        double sum = 0;
        for (size_t k = 0; k < SCENES_PER_ITEM; k++) sum += l->data[k * l->d + j];
        assert_true(fabs(sum / SCENES_PER_ITEM - layer(&space, "projected")->data[j]) < 1e-6);
    }
    for (size_t k = 0; k < SCENES_PER_ITEM; k++) scrap(paths[k]);
    triad_space_free(&single);
    scenes_free(&found);
    triad_space_free(&space);
    triad_space_free(&other);
    const triad_embed_options tokens = {.pool = "tokens"};
    expect_failure(triad_embed_scenes(&space, CLIP, &items, NULL, 0, NULL, &tokens, NULL, NULL, err),
                   TRIAD_ERR_ARGUMENT, "scenes are averaged");
    const babyai_level *door = babyai_level_find("PickupLoc");
    expect_failure(triad_embed_scenes(&space, CLIP, &items, &door, 1, met, NULL, NULL, NULL, err), TRIAD_ERR_NOT_FOUND,
                   "not one of the 4 instructions");
    expect_failure(triad_embed_scenes(&space, BERT, &items, NULL, 0, met, NULL, NULL, NULL, err), TRIAD_ERR_UNSUPPORTED,
                   "reads text only");
    const babyai_level *local = babyai_level_find("GoToLocal");
    expect_success(triad_embed_scenes(&space, CLIP, &items, &local, 1, met, NULL, NULL, NULL, err));
    assert_int_equal(met[0], 8);
    assert_int_equal(met[2], 0);
    assert_int_equal(space.items.count, 2);
    triad_space_free(&space);
    triad_items_free(&items);
    triad_items_free(&turned);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_become_rows),    cmocka_unit_test(requests_are_refused),
        cmocka_unit_test(text_has_its_poolings), cmocka_unit_test(scenes_fulfil_their_instructions),
        cmocka_unit_test(scenes_become_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
