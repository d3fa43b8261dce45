#include "formats/support.h"

#include <math.h>
#include <sys/stat.h>

#include <cblas.h>

#include "base/text.h"
#include "embed/embed.h"
#include "formats/json.h"

#define LLAMA "models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf"
#define ST "models/checkpoints/st-mean"
#define BERT "models/checkpoints/bert-gamma-beta"

static const char *const TEXTS[] = {"go to the red ball", "Pick up a key, then open a door!", "go", "open the door",
                                    "go to the red ball"};
static const char *const IDS[] = {"a", "b", "c", "d", "e"};
enum { COUNT = 5 };

static triad_items items_of(size_t n, const size_t *order)
{
    const char *ids[16], *texts[16];
    for (size_t i = 0; i < n; i++) {
        ids[i] = IDS[order == NULL ? i : order[i]];
        texts[i] = TEXTS[order == NULL ? i : order[i]];
    }
    triad_items items;
    expect_success(triad_items_create(&items, n, ids, texts, 0, NULL, NULL, err));
    return items;
}

static triad_space embedded(const char *source, const char *layers, const char *pool, uint64_t seed)
{
    triad_items items = items_of(COUNT, NULL);
    const triad_embed_options options = {.layers = layers, .pool = pool, .seed = seed};
    triad_space space;
    expect_success(triad_embed(&space, source, &items, &options, NULL, NULL, err));
    triad_items_free(&items);
    return space;
}

static void refuse(const char *source, const char *layers, const char *pool, const char *unit, triad_status status,
                   const char *words)
{
    triad_items items = items_of(COUNT, NULL);
    const triad_embed_options options = {.layers = layers, .pool = pool, .unit = unit};
    triad_space space;
    expect_failure(triad_embed(&space, source, &items, &options, NULL, NULL, err), status, words);
    triad_items_free(&items);
}

static float at(const triad_space *space, const char *layer, size_t row, size_t column)
{
    const triad_layer *l = triad_space_find(space, layer);
    assert_non_null(l);
    assert_true(row < l->n && column < l->d);
    return l->data[row * l->d + column];
}

static void bag_of_words(void **state)
{
    (void)state;
    triad_space space = embedded("baseline:bow", NULL, NULL, 0);
    /* a ball door go key open pick red the then to up */
    assert_int_equal(triad_space_find(&space, "0")->d, 12);
    static const float wanted[COUNT][12] = {{0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0},
                                            {2, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1},
                                            {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0},
                                            {0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0},
                                            {0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0}};
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < 12; j++)
            if (at(&space, "0", i, j) != wanted[i][j])
                fail_msg("row %zu, column %zu is %g", i, j, (double)at(&space, "0", i, j));
    assert_string_equal(space.source, "baseline:bow");
    assert_string_equal(space.kind, "baseline");
    triad_space_free(&space);
}

static void random_baseline(void **state)
{
    (void)state;
    triad_space one = embedded("baseline:random", "all", "default", 7),
                other = embedded("baseline:random", "0", NULL, 8);
    const triad_layer *l = triad_space_find(&one, "0");
    assert_int_equal(l->d, 128);
    double sum = 0, square = 0;
    for (size_t i = 0; i < COUNT * 128; i++) {
        sum += l->data[i];
        square += (double)l->data[i] * l->data[i];
    }
    assert_true(fabs(sum / (COUNT * 128)) < 0.15 && fabs(square / (COUNT * 128) - 1) < 0.2);
    assert_memory_not_equal(l->data, triad_space_find(&other, "0")->data, 128 * sizeof(float));
    /* The same text under another id is another row; a row follows its id wherever it stands. */
    assert_memory_not_equal(l->data, l->data + 4 * 128, 128 * sizeof(float));
    triad_items items = items_of(2, (const size_t[]){3, 1});
    const triad_embed_options options = {.seed = 7};
    triad_space part;
    expect_success(triad_embed(&part, "baseline:random", &items, &options, NULL, NULL, err));
    assert_memory_equal(triad_space_find(&part, "0")->data, l->data + 3 * 128, 128 * sizeof(float));
    triad_items_free(&items);
    triad_space_free(&part);
    triad_space_free(&one);
    triad_space_free(&other);
}

/* Every pooling against the tokens themselves. */
static void pools(const char *source)
{
    triad_space tokens = embedded(source, "all", "tokens", 0);
    assert_string_equal(tokens.pool, "tokens");
    assert_non_null(tokens.offsets);
    assert_int_equal(tokens.offsets[COUNT], tokens.tokens);
    static const char *const names[] = {"mean", "mean-nofirst", "last", "cls"};
    for (size_t p = 0; p < 4; p++) {
        triad_space space = embedded(source, "1", names[p], 0);
        assert_int_equal(space.layers, 1);
        const triad_layer *l = triad_space_find(&space, "1");
        for (size_t i = 0; i < COUNT; i++) {
            const size_t first = (size_t)tokens.offsets[i], count = (size_t)tokens.offsets[i + 1] - first;
            size_t from = p == 1 && count > 1 ? 1 : p == 2 ? count - 1 : 0, to = p == 3 ? 1 : count;
            for (size_t j = 0; j < l->d; j++) {
                double sum = 0;
                for (size_t t = from; t < to; t++) sum += at(&tokens, "1", first + t, j);
                if (l->data[i * l->d + j] != (float)(sum / (double)(to - from)))
                    fail_msg("%s, pool %s, row %zu, column %zu", source, names[p], i, j);
            }
        }
        triad_space_free(&space);
    }
    triad_space_free(&tokens);
}

static void poolings(void **state)
{
    (void)state;
    pools(LLAMA);
    pools(ST);
}

/* Several poolings of one pass are the spaces of several passes. */
static void pools_at_once(void **state)
{
    (void)state;
    triad_items items = items_of(COUNT, NULL);
    triad_embed_options options = {.layers = "all", .pool = "mean,last,tokens"};
    triad_space spaces[EMBED_MAX_POOLS];
    size_t made;
    static const char *const names[] = {"mean", "last", "tokens"};
    expect_success(triad_embed_pools(spaces, &made, LLAMA, &items, &options, NULL, NULL, err));
    assert_int_equal(made, 3);
    for (size_t i = 0; i < made; i++) {
        triad_space one = embedded(LLAMA, "all", names[i], 0);
        assert_string_equal(spaces[i].pool, names[i]);
        assert_int_equal(spaces[i].layers, one.layers);
        for (size_t k = 0; k < one.layers; k++)
            assert_memory_equal(spaces[i].layer[k].data, one.layer[k].data,
                                one.layer[k].n * one.layer[k].d * sizeof(float));
        triad_space_free(&one);
        triad_space_free(&spaces[i]);
    }
    options.pool = "mean,mean";
    expect_failure(triad_embed_pools(spaces, &made, LLAMA, &items, &options, NULL, NULL, err), TRIAD_ERR_ARGUMENT,
                   "named twice");
    options.pool = "mean,";
    expect_failure(triad_embed_pools(spaces, &made, LLAMA, &items, &options, NULL, NULL, err), TRIAD_ERR_UNSUPPORTED,
                   "unknown");
    triad_items_free(&items);
}

/* A word's row is the mean over where it stands of its tokens' mean: checked against the tokens themselves. */
static void words_of(const char *source, bool ends)
{
    static const char *const texts[] = {"go  to the red ball", "the ball", "red red"}, *const ids[] = {"1", "2", "3"};
    static const char *const sorted[] = {"ball", "go", "red", "the", "to"};
    triad_items items;
    expect_success(triad_items_create(&items, 3, ids, texts, 0, NULL, NULL, err));
    triad_embed_options options = {.layers = "all", .unit = "word"};
    triad_space space, tokens;
    expect_success(triad_embed(&space, source, &items, &options, NULL, NULL, err));
    assert_string_equal(space.unit, "word");
    assert_string_equal(space.pool, "mean");
    assert_int_equal(space.items.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(space.items.id[i], sorted[i]);
        assert_string_equal(space.items.text[i], sorted[i]);
    }
    options.unit = "sentence";
    options.pool = "tokens";
    expect_success(triad_embed(&tokens, source, &items, &options, NULL, NULL, err));
    assert_null(triad_space_find(&space, "projected"));
    const triad_layer *w = triad_space_find(&space, "1"), *t = triad_space_find(&tokens, "1");
    assert_int_equal(w->d, t->d);
    options.unit = "word";
    options.pool = "last";
    triad_space last;
    expect_success(triad_embed(&last, source, &items, &options, NULL, NULL, err));
    /* "ball" ends two sentences: the mean of the tokens before what closes them. */
    const triad_layer *l = triad_space_find(&last, "1");
    const size_t a = (size_t)tokens.offsets[1] - (ends ? 2 : 1), b = (size_t)tokens.offsets[2] - (ends ? 2 : 1);
    for (size_t j = 0; j < l->d; j++) {
        const double mean = (t->data[a * t->d + j] + (double)t->data[b * t->d + j]) / 2;
        assert_true(fabs(mean - l->data[j]) <= 1e-6 * (1 + fabs(mean)));
    }
    triad_space_free(&space);
    triad_space_free(&tokens);
    triad_space_free(&last);
    triad_items_free(&items);
}

static void words(void **state)
{
    (void)state;
    words_of(LLAMA, false);
    words_of(ST, true);
}

static void layers_by_name(void **state)
{
    (void)state;
    triad_space space = embedded(LLAMA, "all", NULL, 0);
    static const char *const names[] = {"0", "1", "2", "raw"};
    assert_int_equal(space.layers, 4);
    for (size_t i = 0; i < 4; i++) assert_string_equal(space.layer[i].name, names[i]);
    assert_string_equal(space.pool, "mean-nofirst");
    assert_string_equal(space.kind, "decoder");
    assert_string_equal(space.source, "gguf:gguf-llama-q4_0.gguf");
    assert_string_equal(triad_space_last(&space)->name, "2");
    triad_space_free(&space);
    space = embedded(LLAMA, "raw,last", NULL, 0);
    assert_int_equal(space.layers, 2);
    triad_space_free(&space);

    space = embedded(ST, NULL, NULL, 0);
    assert_int_equal(space.layers, 1);
    assert_string_equal(space.layer[0].name, "projected");
    assert_string_equal(space.pool, "projected");
    assert_string_equal(space.kind, "encoder");
    double length = 0;
    for (size_t j = 0; j < space.layer[0].d; j++)
        length += (double)at(&space, "projected", 1, j) * at(&space, "projected", 1, j);
    assert_true(fabs(length - 1) < 1e-5);
    triad_space_free(&space);
    space = embedded(ST, "all", NULL, 0);
    assert_int_equal(space.layers, 4);
    assert_string_equal(space.pool, "mean");
    assert_string_equal(triad_space_last(&space)->name, "projected");
    triad_space_free(&space);
    /* A pooling that is asked for is of hidden states. */
    space = embedded(ST, "last", "cls", 0);
    assert_string_equal(space.layer[0].name, "2");
    assert_string_equal(space.pool, "cls");
    triad_space_free(&space);
    space = embedded(BERT, "last", NULL, 0);
    assert_string_equal(space.layer[0].name, "3");
    assert_string_equal(space.pool, "mean");
    triad_space_free(&space);
}

static void refuses(void **state)
{
    (void)state;
    refuse("baseline:magic", NULL, NULL, NULL, TRIAD_ERR_NOT_FOUND, "baseline:magic");
    refuse("models/absent", NULL, NULL, NULL, TRIAD_ERR_NOT_FOUND, "models/absent");
    refuse("models/tokenizers/gpt2", NULL, NULL, NULL, TRIAD_ERR_NOT_FOUND, "models/tokenizers/gpt2: ");
    refuse("models/checkpoints/st-mean/config.json", NULL, NULL, NULL, TRIAD_ERR_FORMAT, "");
    refuse(LLAMA, "3", NULL, NULL, TRIAD_ERR_NOT_FOUND, "layer \"3\"");
    refuse(LLAMA, "0,projected", NULL, NULL, TRIAD_ERR_NOT_FOUND, "it has 0, 1, 2, raw");
    refuse(LLAMA, "0,", NULL, NULL, TRIAD_ERR_NOT_FOUND, "layer \"\"");
    refuse(LLAMA, "", NULL, NULL, TRIAD_ERR_ARGUMENT, "layers");
    refuse(LLAMA, NULL, "projected", NULL, TRIAD_ERR_ARGUMENT, "projects nothing");
    refuse(LLAMA, NULL, "eos", NULL, TRIAD_ERR_ARGUMENT, "only CLIP");
    refuse(LLAMA, NULL, NULL, "letter", TRIAD_ERR_UNSUPPORTED, "letter");
    refuse(LLAMA, NULL, "cls", "word", TRIAD_ERR_ARGUMENT, "words are pooled by mean");
    refuse("baseline:bow", NULL, NULL, "word", TRIAD_ERR_UNSUPPORTED, "only models");
    refuse(LLAMA, NULL, "mean,last", NULL, TRIAD_ERR_ARGUMENT, "one space has one pooling");
    refuse(LLAMA, NULL, "mean,", NULL, TRIAD_ERR_ARGUMENT, "one space has one pooling");
    refuse(ST, "0", "projected", NULL, TRIAD_ERR_ARGUMENT, "leaves none");
    refuse("baseline:bow", "1", NULL, NULL, TRIAD_ERR_NOT_FOUND, "layer \"1\"");
    refuse("baseline:random", NULL, "mean", NULL, TRIAD_ERR_ARGUMENT, "nothing to pool");
    triad_space space;
    triad_items none = {0}, blank;
    expect_failure(triad_embed(&space, "baseline:bow", &none, NULL, NULL, NULL, err), TRIAD_ERR_ARGUMENT,
                   "none to embed");
    const char *const id[] = {"x"}, *const text[] = {" , "};
    expect_success(triad_items_create(&blank, 1, id, text, 0, NULL, NULL, err));
    expect_failure(triad_embed(&space, "baseline:bow", &blank, NULL, NULL, NULL, err), TRIAD_ERR_ARGUMENT, "no word");
    triad_items_free(&blank);
}

static void probes(void **state)
{
    (void)state;
    size_t layers;
    const char *pooling;
    expect_success(triad_embed_probe(LLAMA, &layers, &pooling, err));
    assert_int_equal(layers, 4);
    assert_string_equal(pooling, "mean-nofirst");
    expect_success(triad_embed_probe(ST, &layers, NULL, err));
    assert_int_equal(layers, 4);
    expect_success(triad_embed_probe("baseline:bow", NULL, NULL, err));
    expect_failure(triad_embed_probe("models/absent", NULL, NULL, err), TRIAD_ERR_NOT_FOUND, "models/absent");
    expect_failure(triad_embed_probe("models/tokenizers/gpt2", NULL, NULL, err), TRIAD_ERR_NOT_FOUND, "config.json");
}

/* ---- the commands */
static int command(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int command(char *out, size_t size, const char *format, ...)
{
    char line[2048];
    int at = snprintf(line, sizeof line, "%s ", getenv("TRIAD_BIN"));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, arguments);
    va_end(arguments);
    FILE *pipe = popen(line, "r");
    const size_t got = fread(out, 1, size - 1, pipe);
    out[got] = 0;
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void commands(void **state)
{
    (void)state;
    char out[65536], *path = scratch("space.safetensors"), *other = scratch("other.safetensors"),
                     *list = scratch("sentences.txt");
    put_file(list, "go to the red ball\nopen a door\n", 31);
    assert_int_equal(
        command(out, sizeof out, "embed " LLAMA " --sentences %s --layers 0,raw -o %s --quiet", list, path), 0);
    assert_non_null(strstr(out, "2 items of gguf:gguf-llama-q4_0.gguf, pool mean-nofirst, 2 layers: 0 raw"));
    assert_int_equal(command(out, sizeof out,
                             "embed " LLAMA " --sentences %s --layers 0 --layers raw -o %s --json --threads 3", list,
                             other),
                     0);
    json_object *root = NULL;
    expect_success(json_read(&root, out, strlen(out), err));
    assert_int_equal(json_object_array_length(json_find(root, "layers", json_type_array)), 2);
    json_object_put(root);
    size_t a, b;
    unsigned char *x = slurp(path, &a), *y = slurp(other, &b);
    assert_int_equal(a, b);
    assert_memory_equal(x, y, a);
    free(x);
    free(y);
    triad_space space;
    expect_success(triad_space_read(&space, path, err));
    assert_int_equal(space.items.count, 2);
    triad_space_free(&space);
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s --layers 9 -o %s 2>&1", list, path), 1);
    assert_non_null(strstr(out, "triad: "));
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s 2>&1", list), 2);
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s -o %s --pool sum 2>&1", list, path), 2);
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s -o %s --pool last,last 2>&1", list, path),
                     2);
    assert_non_null(strstr(out, "--pool: 'last' is given twice (name each once)"));
    assert_int_equal(command(out, sizeof out, "embed " BERT "/model.safetensors --sentences %s -o %s 2>&1", list, path),
                     1);
    assert_non_null(strstr(out, "not an agent but a model's weights (name the folder they lie in)"));
    assert_int_equal(command(out, sizeof out, "tokenize nowhere.gguf --sentences %s 2>&1", list), 1);
    assert_string_equal(out, "triad: nowhere.gguf: no such file (check the path)\n");
    assert_int_equal(command(out, sizeof out, "embed models/absent --sentences %s -o %s 2>&1", list, path), 1);

    /* What a run left that was killed while it wrote the space is in nobody's way. */
    char *left = scratch("space.safetensors.partial"), *nowhere = scratch("none/space.safetensors");
    put_file(left, "half", 4);
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s -o %s --quiet 2>&1", list, path), 0);
    assert_int_equal(access(left, F_OK), -1);
    /* Neither are layers that a killed run with other options kept; all of them go, and the folder with them. */
    char *kept = scratch("space.safetensors.layers"), *stale = scratch("space.safetensors.layers/layer-0-raw");
    assert_int_equal(mkdir(kept, 0777), 0);
    put_file(stale, "half", 4);
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s -o %s --quiet 2>&1", list, path), 0);
    assert_int_equal(access(kept, F_OK), -1);
    /* A run that fails before it has kept anything leaves no folder. */
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s --layers 9 -o %s 2>&1", list, path), 1);
    assert_int_equal(access(kept, F_OK), -1);
    free(kept);
    free(stale);
    /* A place that can't be written is refused before anything is computed. */
    assert_int_equal(command(out, sizeof out, "embed " LLAMA " --sentences %s -o %s 2>&1", list, nowhere), 1);
    assert_non_null(strstr(out, "its folder does not exist (make it first)\n"));
    assert_null(strstr(out, "layers"));
    free(left);
    free(nowhere);

    assert_int_equal(command(out, sizeof out, "tokenize " BERT " --sentences %s", list), 0);
    const size_t lines = (size_t)(strchr(out, '\n') - out);
    assert_true(lines > 5 && strncmp(out, "2 ", 2) == 0 && out[strlen(out) - 1] == '\n');
    assert_int_equal(command(out, sizeof out, "tokenize " BERT " --sentences %s --json", list), 0);
    expect_success(json_read(&root, out, strlen(out), err));
    assert_int_equal(json_object_array_length(json_find(root, "sentences", json_type_array)), 2);
    json_object_put(root);
    assert_int_equal(command(out, sizeof out, "tokenize models --sentences %s 2>&1", list), 1);
    assert_non_null(strstr(out, "triad: models: "));
    scrap(list);
    scrap(path);
    scrap(other);
}

/* The space does not fit on the disk: what was computed stays, the same command goes on behind it, and with room it
 * ends in the bytes of a run that was never stopped. */
static void full_disks(void **state)
{
    (void)state;
    char out[4096], limited[1024], *path = scratch("full.safetensors"), *other = scratch("roomy.safetensors"),
                                   *list = scratch("items.tsv"), *kept = scratch("full.safetensors.layers"),
                                   *first = scratch("full.safetensors.layers/layer-0-0"),
                                   *last = scratch("full.safetensors.layers/layer-0-2");
    triad_text items = {0};
    triad_text_add(&items, "id\ttext\n");
    for (size_t i = 0; i < 400; i++) triad_text_addf(&items, "%zu\tgo to\n", i);
    put_file(list, items.bytes, items.size);
    triad_text_free(&items);
    assert_int_equal(
        command(out, sizeof out, "embed " LLAMA " --sentences %s --layers all -o %s --quiet 2>&1", list, other), 0);
    assert_non_null(strstr(out, "4 layers: 0 1 2 raw\n")); /* in this order, whichever was computed first */
    size_t size, again;
    unsigned char *whole = slurp(other, &size);
    struct stat before[2], after[2];
    for (int turn = 0; turn < 2; turn++) {
        /* sh counts in blocks of 512 bytes. */
        snprintf(limited, sizeof limited,
                 "trap '' XFSZ; ulimit -f %zu; exec %s embed " LLAMA " --sentences %s --layers all -o %s --quiet 2>&1",
                 size / 512 - 1, getenv("TRIAD_BIN"), list, path);
        FILE *pipe = popen(limited, "r");
        assert_non_null(pipe);
        out[fread(out, 1, sizeof out - 1, pipe)] = 0;
        assert_int_equal(WEXITSTATUS(pclose(pipe)), 1);
        assert_non_null(strstr(out, "full.safetensors: "));
        assert_int_equal(access(path, F_OK), -1);
        struct stat *seen = turn == 0 ? before : after;
        assert_int_equal(stat(first, &seen[0]), 0);
        assert_int_equal(stat(last, &seen[1]), 0);
    }
    assert_true(before[0].st_mtim.tv_nsec == after[0].st_mtim.tv_nsec); /* taken as it was */
    assert_true(before[1].st_mtim.tv_nsec != after[1].st_mtim.tv_nsec); /* only the last layer was computed again */
    assert_int_equal(
        command(out, sizeof out, "embed " LLAMA " --sentences %s --layers all -o %s --quiet 2>&1", list, path), 0);
    unsigned char *resumed = slurp(path, &again);
    assert_int_equal(again, size);
    assert_memory_equal(resumed, whole, size);
    assert_int_equal(access(kept, F_OK), -1);
    free(whole);
    free(resumed);
    free(kept);
    free(first);
    free(last);
    scrap(list);
    scrap(path);
    scrap(other);
}

/* A folder that holds one .gguf and no configuration is that file. */
static void folders_of_one_gguf(void **state)
{
    (void)state;
    char out[4096], *folder = scratch("folder"), *file = scratch("folder/tiny.gguf"),
                    *second = scratch("folder/other.gguf"), *list = scratch("one.txt"),
                    *path = scratch("one.safetensors");
    size_t size;
    unsigned char *bytes = slurp(LLAMA, &size);
    assert_int_equal(mkdir(folder, 0777), 0);
    put_file(file, bytes, size);
    put_file(list, "go to the red ball\n", 19);
    assert_int_equal(command(out, sizeof out, "embed %s --sentences %s -o %s --quiet 2>&1", folder, list, path), 0);
    assert_non_null(strstr(out, "1 items of gguf:"));
    assert_int_equal(command(out, sizeof out, "tokenize %s --sentences %s 2>&1", folder, list), 0);
    assert_int_equal(command(out, sizeof out, "info %s 2>&1", folder), 0);
    put_file(second, bytes, size);
    assert_int_equal(command(out, sizeof out, "embed %s --sentences %s -o %s 2>&1", folder, list, path), 1);
    assert_non_null(
        strstr(out, "the folder holds no config.json (save_pretrained writes one; of several .gguf name one)"));
    free(bytes);
    scrap(file);
    scrap(second);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
    scrap(list);
    scrap(path);
}

/* An agent that has hardly learnt: its layers are there, its words are BabyAI's. */
static void agents(void **state)
{
    (void)state;
    char out[4096], *agent = scratch("agent"), *beside = NULL;
    assert_int_equal(command(out, sizeof out, "train --levels GoToRedBall --steps 64 -o %s --quiet", agent), 0);
    triad_items items;
    static const char *const texts[] = {"go to the red ball", "open a door"}, *const odd[] = {"go to the red ball",
                                                                                              "hug a flamingo"};
    expect_success(triad_items_create(&items, 2, texts, texts, 0, NULL, NULL, err));
    triad_embed_options options = triad_embed_defaults();
    triad_space space;
    expect_success(triad_embed(&space, agent, &items, &options, NULL, NULL, err));
    assert_int_equal(space.layers, 1);
    assert_string_equal(space.layer[0].name, "instruction");
    assert_string_equal(space.kind, "agent");
    assert_true(strncmp(space.source, "agent:", 6) == 0 && strchr(space.source, '/') == NULL);
    triad_space_free(&space);
    options.layers = "all";
    expect_success(triad_embed(&space, agent, &items, &options, NULL, NULL, err));
    size_t layers;
    const char *pooling;
    expect_success(triad_embed_probe(agent, &layers, &pooling, err));
    assert_int_equal(space.layers, layers);
    assert_string_equal(pooling, "instruction");
    assert_string_equal(space.layer[0].name, "words");
    assert_string_equal(triad_space_last(&space)->name, "instruction");
    triad_space_free(&space);
    options.layers = "9";
    expect_failure(triad_embed(&space, agent, &items, &options, NULL, NULL, err), TRIAD_ERR_NOT_FOUND,
                   "it has words, 0");
    options = (triad_embed_options){.pool = "mean"};
    expect_failure(triad_embed(&space, agent, &items, &options, NULL, NULL, err), TRIAD_ERR_ARGUMENT,
                   "leave --pool out");
    triad_items_free(&items);
    expect_success(triad_items_create(&items, 2, odd, odd, 0, NULL, NULL, err));
    expect_failure(triad_embed(&space, agent, &items, NULL, NULL, NULL, err), TRIAD_ERR_NOT_FOUND, "hug");
    triad_items_free(&items);
    static const char *const parts[] = {".log.jsonl", ".step-0", ".checkpoint"};
    for (size_t i = 0; i < 3; i++) {
        if (asprintf(&beside, "%s%s", agent, parts[i]) > 0) scrap(beside);
    }
    scrap(agent);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bag_of_words),   cmocka_unit_test(random_baseline), cmocka_unit_test(poolings),
        cmocka_unit_test(layers_by_name), cmocka_unit_test(refuses),         cmocka_unit_test(probes),
        cmocka_unit_test(commands),       cmocka_unit_test(full_disks),      cmocka_unit_test(folders_of_one_gguf),
        cmocka_unit_test(agents),         cmocka_unit_test(pools_at_once),   cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
