#include "support.h"

#include "triad/items.h"

static triad_status parse(triad_items *items, const char *text, triad_error *err)
{
    char *copy = (char *)cut((const unsigned char *)text, strlen(text));
    const triad_status status = triad_items_parse(items, copy, strlen(text), "t.tsv", err);
    free(copy);
    return status;
}

static void refuse(const char *text, const char *words)
{
    triad_items items;
    expect_failure(parse(&items, text, err), TRIAD_ERR_FORMAT, words);
    assert_null(items.storage);
}

static const char TABLE[] =
    "id\ttext\tverb\tcolour\ngo to the red ball\tgo to the red ball\tgo to\tred\nx\tpick up \xc3\xbc\tpick up\t\n";

static void tables_are_read(void **state)
{
    (void)state;
    triad_items items;
    expect_success(parse(&items, TABLE, err));
    assert_int_equal(items.count, 2);
    assert_int_equal(items.factors, 2);
    assert_string_equal(items.id[1], "x");
    assert_string_equal(items.text[1], "pick up \xc3\xbc");
    assert_string_equal(items.factor[1], "colour");
    assert_int_equal(triad_items_factor(&items, "colour"), 1);
    assert_int_equal(triad_items_factor(&items, "id"), -1);
    assert_string_equal(triad_items_cell(&items, 0, 1), "red");
    assert_string_equal(triad_items_cell(&items, 1, 1), "");
    char *tsv = triad_items_to_tsv(&items);
    assert_string_equal(tsv, TABLE);
    free(tsv);
    triad_items_free(&items);
    triad_items_free(&items);
    triad_items_free(NULL);

    expect_success(parse(&items, "\xef\xbb\xbfid\ttext\r\na\tb\r\nc\td", err)); /* a mark, CRLF, no last newline */
    assert_int_equal(items.count, 2);
    assert_int_equal(items.factors, 0);
    assert_string_equal(items.text[0], "b");
    assert_string_equal(items.text[1], "d");
    triad_items_free(&items);
}

static void errors_name_lines(void **state)
{
    (void)state;
    refuse("", "line 1: the header");
    refuse("text\tid\n", "line 1: the header");
    refuse("id\ttexts\n", "line 1: the header");
    refuse("id text\n", "line 1: the header");
    refuse("id\ttext\n", "holds no sentence");
    refuse("id\ttext\t\na\tb\tc\n", "column 3: a column without a name");
    refuse("id\ttext\tid\na\tb\tc\n", "column 3: a second column id or text");
    refuse("id\ttext\tv\tv\na\tb\tc\td\n", "column 4: two columns of the same name");
    refuse("id\ttext\na\tb\n\nc\td\n", "line 3: a blank line");
    refuse("id\ttext\na\tb\n\n", "line 3: a blank line");
    refuse("id\ttext\na\tb\nc\n", "line 3: 1 cells, where the header has 2");
    refuse("id\ttext\na\tb\tc\n", "line 2: 3 cells");
    refuse("id\ttext\n\tb\n", "line 2: the id is empty");
    refuse("id\ttext\na\t\n", "line 2: the text is empty");
    refuse("id\ttext\na\tb\rc\n", "line 2: a control byte");
    refuse("id\ttext\tv\na\tb\t\x1b[2J\n", "line 2: a control byte");
    refuse("id\ttext\na\tb\nc\t\xff\n", "line 3: not UTF-8");
    refuse("id\ttext\tv\na\tb\t\xc3\n", "line 2: not UTF-8");
    refuse("id\ttext\t\xff\na\tb\tc\n", "column 3: not UTF-8");
    refuse("id\ttext\nb\t1\na\t2\nb\t3\na\t4\n", "lines 2 and 4: the same id b");
    char wide[2100] = "id\ttext";
    size_t size = 7;
    for (int i = 0; i < 1001; i++) size += (size_t)sprintf(wide + size, "\t");
    memcpy(wide + size, "\na\tb", 5);
    triad_items items;
    char *many = malloc(2 * size + 1);
    memcpy(many, wide, size + 4);
    memcpy(many + size + 4, wide + 7, size - 7);
    expect_failure(triad_items_parse(&items, many, 2 * size - 3, "t.tsv", err), TRIAD_ERR_RANGE, "1001 factors");
    free(many);
    expect_failure(triad_items_parse(&items, "id\ttext\na\tb\0\n", 14, "t.tsv", err), TRIAD_ERR_FORMAT,
                   "line 2: a 0 byte");
    triad_error error;
    assert_int_equal(parse(&items, "id\ttext\na\tb\nc\n", &error), TRIAD_ERR_FORMAT);
    assert_int_equal(error.position, 3);
    assert_int_equal(parse(&items, "id\ttext\na\tb\na\tb\n", &error), TRIAD_ERR_FORMAT);
    assert_int_equal(error.position, 3);
}

static void plain_texts_are_read(void **state)
{
    (void)state;
    char *path = scratch("words.txt");
    triad_items items;
    put_file(path, "go to the ball\r\nopen the door\n", 30);
    expect_success(triad_items_read(&items, path, err));
    assert_int_equal(items.count, 2);
    assert_int_equal(items.factors, 0);
    assert_string_equal(items.text[0], "go to the ball");
    assert_string_equal(items.id[1], "open the door");
    triad_items_free(&items);

    static const struct {
        const char *text, *words;
    } BAD[] = {{"a\n\nb\n", "line 2: a blank line"},
               {"a\nb\nc\nb\na\n", "lines 2 and 4: the same id b"},
               {"a\tb\n", "line 1: a tab inside a text"},
               {"a\n\xff\n", "line 2: not UTF-8"},
               {"", "holds no sentence"},
               {"a\n\r\n", "line 2: a blank line"},
               {"a\x01\n", "line 1: a control byte"}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        put_file(path, BAD[i].text, strlen(BAD[i].text));
        expect_failure(triad_items_read(&items, path, err), TRIAD_ERR_FORMAT, BAD[i].words);
    }
    put_file(path, TABLE, sizeof TABLE - 1); /* a table under another name is a table */
    expect_success(triad_items_read(&items, path, err));
    assert_int_equal(items.factors, 2);
    triad_items_free(&items);
    scrap(path);

    path = scratch("words.tsv"); /* and a .tsv without header is no text */
    put_file(path, "a\n", 2);
    expect_failure(triad_items_read(&items, path, err), TRIAD_ERR_FORMAT, "line 1: the header");
    scrap(path);
    expect_failure(triad_items_read(&items, "formats/absent.tsv", err), TRIAD_ERR_NOT_FOUND, "absent.tsv");
    triad_items_free(&items);
}

static void tables_are_made_and_written(void **state)
{
    (void)state;
    const char *id[] = {"a", "b"}, *text[] = {"go", "stay"}, *factor[] = {"verb"}, *cell[] = {"go", ""};
    triad_items items, back;
    expect_success(triad_items_create(&items, 2, id, text, 1, factor, cell, err));
    char *path = scratch("made.tsv");
    expect_success(triad_items_write(&items, path, err));
    expect_success(triad_items_read(&back, path, err));
    assert_int_equal(back.count, 2);
    assert_string_equal(triad_items_cell(&back, 0, 0), "go");
    assert_string_equal(back.text[1], "stay");
    triad_items_free(&back);

    char *kept = items.text[0], tab[] = "a\tb", newline[] = "a\nb";
    items.text[0] = tab;
    expect_failure(triad_items_write(&items, path, err), TRIAD_ERR_FORMAT, "line 2: a tab inside a text");
    items.text[0] = newline;
    expect_failure(triad_items_write(&items, path, err), TRIAD_ERR_FORMAT, "line 2: a newline inside a text");
    items.text[0] = kept;
    expect_failure(triad_items_write(&items, "/nowhere/x.tsv", err), TRIAD_ERR_IO, "nowhere");
    triad_items_free(&items);
    scrap(path);

    expect_failure(triad_items_create(&items, 2, (const char *[]){"a", "a"}, text, 0, NULL, NULL, err),
                   TRIAD_ERR_FORMAT, "rows 1 and 2: the same id a");
    expect_failure(triad_items_create(&items, 2, id, (const char *[]){"x", "y\n"}, 0, NULL, NULL, err),
                   TRIAD_ERR_FORMAT, "row 2: a newline");
    expect_failure(triad_items_create(&items, 2, id, text, 1, (const char *[]){"text"}, cell, err), TRIAD_ERR_FORMAT,
                   "column 3");
    expect_failure(triad_items_create(&items, 0, NULL, NULL, 0, NULL, NULL, err), TRIAD_ERR_FORMAT,
                   "holds no sentence");
    assert_null(items.storage);
}

/* A table that ends anywhere is refused, or is whole rows of what was there. */
static void cuts_do_no_harm(void **state)
{
    (void)state;
    for (size_t part = 0; part < sizeof TABLE - 1; part++) {
        char *copy = (char *)cut((const unsigned char *)TABLE, part);
        triad_items items;
        triad_error error = {0};
        if (triad_items_parse(&items, copy, part, "cut", &error) == TRIAD_OK)
            triad_items_free(&items);
        else
            assert_int_not_equal(error.text[0], 0);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_read),      cmocka_unit_test(errors_name_lines),
        cmocka_unit_test(plain_texts_are_read), cmocka_unit_test(tables_are_made_and_written),
        cmocka_unit_test(cuts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
