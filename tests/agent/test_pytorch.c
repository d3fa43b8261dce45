/* Recorded PyTorch runs of the policy (tools/agent_golden.py), one of the variant in which steps ask words: forward,
 * gradients, three AdamW steps. */
#include "agent/learner.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "support.h"

#include <cblas.h>
#include <math.h>

typedef struct recorded {
    safetensors *file;
    policy_layout layout;
    agent_batch batch; /* all of it in the first piece */
} recorded;

static void *numbers(const recorded *at, const char *name, tensor_dtype dtype, size_t *count)
{
    const tensor_view *view = safetensors_find(at->file, name);
    if (!view) fail_msg("%s is missing", name);
    assert_int_equal(view->dtype, dtype);
    *count = tensor_count(view);
    void *copy = malloc(view->bytes);
    assert_non_null(copy);
    memcpy(copy, view->data, view->bytes);
    return copy;
}

static uint32_t *integers(const recorded *at, const char *name, size_t *count)
{
    int64_t *wide = numbers(at, name, TENSOR_I64, count);
    uint32_t *narrow = calloc(*count, sizeof *narrow);
    assert_non_null(narrow);
    for (size_t i = 0; i < *count; i++) narrow[i] = (uint32_t)wide[i];
    free(wide);
    return narrow;
}

static void open_recorded(recorded *at, const char *path)
{
    memset(at, 0, sizeof *at);
    triad_error err;
    if (safetensors_open(&at->file, path, &err)) fail_msg("%s", err.text);
    const char *text = safetensors_metadata(at->file, "config");
    json_object *object;
    assert_int_equal(json_read(&object, text, strlen(text), NULL), TRIAD_OK);
    policy_config config = {0};
    size_t *const fields[] = {&config.width,       &config.heads,         &config.feed_forward,  &config.encoder_layers,
                              &config.cell_layers, &config.memory_layers, &config.recall_layers, &config.window,
                              &config.instruction, &config.words};
    static const char *const NAMES[] = {"width",       "heads",         "feed_forward",  "encoder_layers",
                                        "cell_layers", "memory_layers", "recall_layers", "window",
                                        "instruction", "words"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        int64_t value;
        assert_int_equal(json_want_int(object, NAMES[i], 0, 1000, &value, NULL), TRIAD_OK);
        *fields[i] = (size_t)value;
    }
    int64_t cross_layers = 0;
    if (json_object_object_get_ex(object, "cross_layers", NULL))
        assert_int_equal(json_want_int(object, "cross_layers", 1, 8, &cross_layers, NULL), TRIAD_OK);
    config.cross_layers = (size_t)cross_layers;
    json_object_put(object);
    assert_int_equal(policy_check(&config, NULL), TRIAD_OK);
    policy_lay_out(&at->layout, &config);

    batch_piece *piece = &at->batch.piece[0];
    size_t words, instructions, episodes, episodes_more, steps_more, steps_again, tokens_more, rows, steps;
    piece->word_offset = integers(at, "input.word_offset", &instructions);
    piece->word = integers(at, "input.word", &words);
    piece->episode_instruction = integers(at, "input.episode_instruction", &episodes);
    piece->episode_offset = integers(at, "input.episode_offset", &episodes_more);
    piece->token_offset = integers(at, "input.token_offset", &steps_more);
    piece->bag_offset = integers(at, "input.bag_offset", &tokens_more);
    piece->bag = integers(at, "input.bag", &rows);
    piece->visible = integers(at, "input.visible", &steps_again);
    piece->target = (int32_t *)integers(at, "input.target", &steps);
    assert_int_equal(steps_more, steps + 1);
    assert_int_equal(steps_again, steps);
    assert_int_equal(episodes_more, episodes + 1);
    piece->input = (policy_input){.instructions = instructions - 1,
                                  .word_offset = piece->word_offset,
                                  .word = piece->word,
                                  .episodes = episodes,
                                  .episode_instruction = piece->episode_instruction,
                                  .episode_offset = piece->episode_offset,
                                  .steps = steps,
                                  .token_offset = piece->token_offset,
                                  .visible = piece->visible,
                                  .tokens = tokens_more - 1,
                                  .bag_offset = piece->bag_offset,
                                  .bag = piece->bag,
                                  .target = piece->target};
    at->batch.steps = at->batch.labelled = steps;
    /* Every tensor of the table is in the record, and nothing else. */
    assert_int_equal(safetensors_count(at->file), 3 * at->layout.tensors + 9 + 3);
}

static void close_recorded(recorded *at)
{
    batch_free(&at->batch);
    safetensors_close(at->file);
}

static float *block(const recorded *at, const char *prefix)
{
    float *made = calloc(at->layout.size, sizeof *made);
    assert_non_null(made);
    for (size_t t = 0; t < at->layout.tensors; t++) {
        const policy_tensor *tensor = &at->layout.tensor[t];
        char name[80];
        snprintf(name, sizeof name, "%s%s", prefix, tensor->name);
        const tensor_view *view;
        triad_error err;
        if (safetensors_want(&view, at->file, name, TENSOR_F32, tensor->rank, tensor->shape, &err))
            fail_msg("%s", err.text);
        memcpy(made + tensor->offset, view->data, view->bytes);
    }
    return made;
}

static double apart(const float *x, const float *y, const float *origin, size_t n)
{
    double square = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        const double at = origin ? (double)origin[i] : 0;
        square += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        size += ((double)y[i] - at) * ((double)y[i] - at);
    }
    return sqrt(square / size);
}

static void check_forward_and_gradients(const char *path)
{
    recorded at;
    open_recorded(&at, path);
    const policy_input *input = &at.batch.piece[0].input;
    float *params = block(&at, "start."), *expected = block(&at, "gradient."),
          *gradient = calloc(at.layout.size, sizeof *gradient);
    float *logits = calloc(input->steps * POLICY_ACTIONS, sizeof *logits);
    size_t count;
    float *logits_expected = numbers(&at, "logits", TENSOR_F32, &count),
          *loss = numbers(&at, "loss", TENSOR_F32, &count);
    assert_true(gradient && logits);
    triad_arena arena = {0};
    policy_result result;
    assert_true(policy_pass(&result, logits, gradient, params, &at.layout, input, 1 / (float)input->steps, &arena));
    assert_true(apart(logits, logits_expected, NULL, input->steps * POLICY_ACTIONS) < 1e-5);
    assert_true(fabs(result.loss / (double)input->steps - (double)*loss) < 1e-5 * (double)*loss);
    for (size_t t = 0; t < at.layout.tensors; t++) {
        const policy_tensor *tensor = &at.layout.tensor[t];
        const double error = apart(gradient + tensor->offset, expected + tensor->offset, NULL, tensor->count);
        if (!(error < 1e-4)) fail_msg("%s: relative error %.3g", tensor->name, error);
    }
    triad_arena_free(&arena);
    free(params);
    free(expected);
    free(gradient);
    free(logits);
    free(logits_expected);
    free(loss);
    close_recorded(&at);
}

/* What the steps moved, against what they should have moved. A coordinate whose gradient is near zero is moved by its
 * sign alone, so a tensor's movement agrees less closely than its gradient. */
static void check_three_steps(const char *path)
{
    recorded at;
    open_recorded(&at, path);
    agent_learner learner;
    assert_int_equal(learner_create(&learner, &at.layout, 1, NULL), TRIAD_OK);
    float *start = block(&at, "start."), *expected = block(&at, "after.");
    memcpy(learner.params, start, at.layout.size * sizeof *start);
    size_t count;
    float *norm = numbers(&at, "norm", TENSOR_F32, &count);
    assert_int_equal(count, 3);
    const learner_options options = {
        .learning_rate = 1e-3, .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.98, .clip = 1};
    for (uint64_t step = 1; step <= 3; step++) {
        learner_report report;
        assert_int_equal(learner_update(&learner, &at.batch, NULL, 0, step, &options, &report, NULL, NULL), TRIAD_OK);
        assert_true(fabs(report.gradient_norm - (double)norm[step - 1]) < 1e-4 * report.gradient_norm);
    }
    for (size_t t = 0; t < at.layout.tensors; t++) {
        const policy_tensor *tensor = &at.layout.tensor[t];
        const double error =
            apart(learner.params + tensor->offset, expected + tensor->offset, start + tensor->offset, tensor->count);
        if (!(error < 2e-3)) fail_msg("%s: relative error of the movement %.3g", tensor->name, error);
    }
    free(start);
    free(expected);
    free(norm);
    learner_free(&learner);
    close_recorded(&at);
}

static const char *const RECORDS[] = {"agent/policy.safetensors", "agent/policy_cross.safetensors"};

static void forward_and_gradients(void **state)
{
    (void)state;
    for (size_t r = 0; r < 2; r++) check_forward_and_gradients(RECORDS[r]);
}

static void three_steps_of_adamw(void **state)
{
    (void)state;
    for (size_t r = 0; r < 2; r++) check_three_steps(RECORDS[r]);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_and_gradients),
        cmocka_unit_test(three_steps_of_adamw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
