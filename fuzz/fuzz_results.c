#include "fuzz.h"

#include "experiment/internal.h"

/* A study's results become a page or one line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    json_object *root;
    if (json_read(&root, (const char *)data, size, &err) != TRIAD_OK) return 0;
    if (json_object_is_type(root, json_type_object)) {
        triad_text html = {0};
        const triad_status status = study_page(&html, root, &err);
        if (status != TRIAD_OK) must_explain(status, &err);
        must(status != TRIAD_OK || strstr(html.bytes, "</html>") != NULL);
        triad_text_free(&html);
    }
    json_object_put(root);
    return 0;
}
