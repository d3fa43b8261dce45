#include "fuzz.h"

#include "formats/json.h"

static void use_members(json_object *object)
{
    json_object_object_foreach(object, key, member)
    {
        int64_t integer;
        double real;
        bool boolean;
        const char *text;
        triad_error err;
        triad_status status = json_want_int(object, key, 0, 1000, &integer, &err);
        if (status != TRIAD_OK)
            must_explain(status, &err);
        else
            must(integer >= 0 && integer <= 1000);
        (void)!json_get_real(object, key, &real, &err);
        (void)!json_get_bool(object, key, &boolean, &err);
        status = json_want_string(object, key, &text, &err);
        if (status != TRIAD_OK) must_explain(status, &err);
        if (json_find(object, key, json_type_object)) use_members(member);
    }
}

/* What prints reads back, and prints the same. */
static void print_and_read(json_object *root, bool pretty)
{
    triad_error err;
    json_object *again;
    char *text = json_to_text(root, pretty);
    must(text != NULL);
    must(json_read(&again, text, strlen(text), &err) == TRIAD_OK);
    char *second = json_to_text(again, pretty);
    must(second != NULL && strcmp(text, second) == 0);
    json_object_put(again);
    free(second);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    json_object *root;
    const triad_status status = json_read(&root, (const char *)data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(root == NULL);
        return 0;
    }
    if (json_object_is_type(root, json_type_object)) use_members(root);
    print_and_read(root, false);
    print_and_read(root, true);
    json_object_put(root);
    return 0;
}
