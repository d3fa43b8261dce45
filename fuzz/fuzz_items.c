#include "fuzz.h"

#include "triad/items.h"

/* What was read is written and read back as it was. */
static void use_items(const triad_items *items)
{
    triad_error err;
    triad_items again;
    must(items->count > 0);
    char *tsv = triad_items_to_tsv(items);
    must(tsv != NULL);
    must(triad_items_parse(&again, tsv, strlen(tsv), "again", &err) == TRIAD_OK);
    must(again.count == items->count && again.factors == items->factors);
    for (size_t i = 0; i < items->count; i++) {
        must(items->id[i][0] && strcmp(again.id[i], items->id[i]) == 0 && strcmp(again.text[i], items->text[i]) == 0);
        for (size_t f = 0; f < items->factors; f++)
            must(strcmp(triad_items_cell(&again, i, (int)f), triad_items_cell(items, i, (int)f)) == 0);
    }
    for (size_t f = 0; f < items->factors; f++) must(triad_items_factor(items, items->factor[f]) == (int)f);
    triad_items copy;
    must(triad_items_create(&copy, items->count, (const char *const *)items->id, (const char *const *)items->text,
                            items->factors, (const char *const *)items->factor, (const char *const *)items->cell,
                            &err) == TRIAD_OK);
    char *same = triad_items_to_tsv(&copy);
    must(same != NULL && strcmp(tsv, same) == 0);
    free(same);
    free(tsv);
    triad_items_free(&copy);
    triad_items_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    triad_items items;
    triad_status status = triad_items_parse(&items, (const char *)data, size, "table", &err);
    if (status == TRIAD_OK)
        use_items(&items);
    else
        must_explain(status, &err);
    triad_items_free(&items);
    status = triad_items_parse_lines(&items, (const char *)data, size, "lines", &err);
    if (status == TRIAD_OK)
        use_items(&items);
    else
        must_explain(status, &err);
    triad_items_free(&items);
    return 0;
}
