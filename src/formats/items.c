#include "triad/items.h"

#include "base/checked.h"
#include "base/file.h"
#include "formats/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 20, FACTORS_MAX = 1000 };

/* How messages name a row: lines of a file are counted from 1, rows of a table that a program made too. */
typedef struct origin {
    const char *name, *unit;
    size_t first;
} origin;

/* The strings lie behind the arrays of pointers in one block; returns where they begin, NULL when memory is out. */
static char *allocate(triad_items *items, size_t count, size_t factors, size_t bytes)
{
    size_t pointers, size, cells;
    *items = (triad_items){.count = count, .factors = factors};
    if (!triad_mul_size(&cells, count, factors) || !triad_mul_size(&pointers, count, 2) ||
        !triad_add_size(&pointers, pointers, factors) || !triad_add_size(&pointers, pointers, cells) ||
        !triad_mul_size(&size, pointers, sizeof(char *)) || !triad_add_size(&size, size, bytes))
        return NULL;
    char **block = malloc(size ? size : 1);
    if (block == NULL) return NULL;
    items->storage = block;
    items->id = block;
    items->text = items->id + count;
    items->factor = items->text + count;
    items->cell = items->factor + factors;
    return (char *)(items->cell + cells);
}

static triad_status bad_row(const origin *from, size_t row, triad_error *err, const char *why)
{
    const size_t number = row + from->first;
    return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)number, "%s, %s %zu: %s", from->name, from->unit, number, why);
}

/* NULL: the text may stand in a cell. */
static const char *why_not(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            return *c == '\t' ? "a tab inside a text" : *c == '\n' ? "a newline inside a text" : "a control byte";
    return utf8_valid(text, strlen(text), NULL) ? NULL : "not UTF-8";
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const triad_items *items = context;
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const int order = strcmp(items->id[x], items->id[y]);
    return order ? order : x < y ? -1 : x > y;
}

static triad_status check_unique(const triad_items *items, const origin *from, triad_error *err)
{
    size_t *order = calloc(items->count, sizeof *order);
    if (order == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", from->name);
    for (size_t i = 0; i < items->count; i++) order[i] = i;
    qsort_r(order, items->count, sizeof *order, compare_rows, (void *)(uintptr_t)items);
    /* The pair that a reader meets first. */
    size_t first = 0, second = SIZE_MAX;
    for (size_t i = 1; i < items->count; i++)
        if (strcmp(items->id[order[i - 1]], items->id[order[i]]) == 0 && order[i] < second) {
            first = order[i - 1];
            second = order[i];
        }
    free(order);
    if (second == SIZE_MAX) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)(second + from->first), "%s, %ss %zu and %zu: the same id %s",
                      from->name, from->unit, first + from->first, second + from->first, items->id[second]);
}

static triad_status check(const triad_items *items, const origin *from, triad_error *err)
{
    if (items->count == 0) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: holds no sentence", from->name);
    if (items->factors > FACTORS_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, 1, "%s: %zu factors are too many (at most 1,000)", from->name,
                          items->factors);
    for (size_t f = 0; f < items->factors; f++) {
        const char *name = items->factor[f];
        const char *why = why_not(name);
        if (why == NULL && *name == 0) why = "a column without a name";
        if (why == NULL && (strcmp(name, "id") == 0 || strcmp(name, "text") == 0)) why = "a second column id or text";
        for (size_t other = 0; why == NULL && other < f; other++)
            if (strcmp(name, items->factor[other]) == 0) why = "two columns of the same name";
        if (why) return triad_fail(err, TRIAD_ERR_FORMAT, 1, "%s, column %zu: %s", from->name, f + 3, why);
    }
    for (size_t i = 0; i < items->count; i++) {
        const char *why = items->id[i][0] == 0     ? "the id is empty"
                          : items->text[i][0] == 0 ? "the text is empty"
                                                   : why_not(items->id[i]);
        if (why == NULL && items->text[i] != items->id[i]) why = why_not(items->text[i]);
        for (size_t f = 0; why == NULL && f < items->factors; f++) why = why_not(items->cell[i * items->factors + f]);
        if (why) return bad_row(from, i, err, why);
    }
    return check_unique(items, from, err);
}

static triad_status finish(triad_items *items, const origin *from, triad_error *err)
{
    const triad_status status = check(items, from, err);
    if (status != TRIAD_OK) triad_items_free(items);
    return status;
}

/* Steps past the UTF-8 byte order mark that some editors write. */
static void skip_mark(const char **text, size_t *size)
{
    if (*size >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
        *text += 3;
        *size -= 3;
    }
}

/* A line without its end; *text moves behind it. */
static size_t line_length(const char *text, size_t size, size_t *next)
{
    const char *end = memchr(text, '\n', size);
    size_t length = end ? (size_t)(end - text) : size;
    *next = end ? length + 1 : size;
    if (length && text[length - 1] == '\r') length--;
    return length;
}

static size_t count_tabs(const char *text, size_t size)
{
    size_t tabs = 0;
    for (size_t i = 0; i < size; i++) tabs += text[i] == '\t';
    return tabs;
}

static bool is_header(const char *text, size_t size)
{
    size_t next;
    const size_t length = line_length(text, size, &next);
    return length >= 7 && memcmp(text, "id\ttext", 7) == 0 && (length == 7 || text[7] == '\t');
}

/* Cuts a line into cells, in place: each ends in a 0. */
static void split(char *line, size_t length, char **cells, size_t count)
{
    line[length] = 0;
    for (size_t i = 0; i < count; i++) {
        cells[i] = line;
        line = strchr(line, '\t');
        if (line == NULL) break;
        *line++ = 0;
    }
}

/* Lines counted and looked through before anything is allocated for them. columns 0: a plain text. */
static triad_status survey(const char *text, size_t size, size_t columns, const origin *from, size_t *lines,
                           triad_error *err)
{
    *lines = 0;
    for (size_t next; size; text += next, size -= next, ++*lines) {
        const size_t length = line_length(text, size, &next);
        const size_t number = *lines + 1;
        if (length == 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)number, "%s, line %zu: a blank line", from->name, number);
        if (memchr(text, 0, length))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)number, "%s, line %zu: a 0 byte", from->name, number);
        if (columns && count_tabs(text, length) + 1 != columns)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)number,
                              "%s, line %zu: %zu cells, where the header has %zu", from->name, number,
                              count_tabs(text, length) + 1, columns);
    }
    return TRIAD_OK;
}

static triad_status too_much(triad_items *items, const char *name, triad_error *err)
{
    *items = (triad_items){0};
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", name);
}

triad_status triad_items_parse(triad_items *items, const char *tsv, size_t size, const char *name, triad_error *err)
{
    *items = (triad_items){0};
    const origin from = {name, "line", 2};
    skip_mark(&tsv, &size);
    if (!is_header(tsv, size))
        return triad_fail(err, TRIAD_ERR_FORMAT, 1, "%s, line 1: the header does not begin with id, tab, text", name);
    size_t next, lines;
    const size_t columns = count_tabs(tsv, line_length(tsv, size, &next)) + 1;
    triad_status status = survey(tsv, size, columns, &from, &lines, err);
    if (status != TRIAD_OK) return status;

    const size_t factors = columns - 2;
    char *bytes = allocate(items, lines - 1, factors, size + 1);
    char **cells = calloc(columns, sizeof *cells);
    if (bytes == NULL || cells == NULL) {
        free(cells);
        triad_items_free(items);
        return too_much(items, name, err);
    }
    memcpy(bytes, tsv, size);
    for (size_t line = 0; line < lines; line++, bytes += next, size -= next) {
        split(bytes, line_length(bytes, size, &next), cells, columns);
        if (line) {
            items->id[line - 1] = cells[0];
            items->text[line - 1] = cells[1];
        }
        char **target = line ? items->cell + (line - 1) * factors : items->factor;
        for (size_t f = 0; f < factors; f++) target[f] = cells[2 + f];
    }
    free(cells);
    return finish(items, &from, err);
}

triad_status triad_items_parse_lines(triad_items *items, const char *text, size_t size, const char *name,
                                     triad_error *err)
{
    *items = (triad_items){0};
    const origin from = {name, "line", 1};
    skip_mark(&text, &size);
    size_t lines, next;
    triad_status status = survey(text, size, 0, &from, &lines, err);
    if (status != TRIAD_OK) return status;
    char *bytes = allocate(items, lines, 0, size + 1);
    if (bytes == NULL) return too_much(items, name, err);
    memcpy(bytes, text, size);
    for (size_t line = 0; line < lines; line++, bytes += next, size -= next) {
        const size_t length = line_length(bytes, size, &next);
        bytes[length] = 0;
        items->id[line] = items->text[line] = bytes;
    }
    return finish(items, &from, err);
}

triad_status triad_items_read(triad_items *items, const char *path, triad_error *err)
{
    *items = (triad_items){0};
    char *text;
    size_t size;
    triad_status status = triad_read_whole(&text, &size, path, FILE_MAX, err);
    if (status != TRIAD_OK) return status;
    const char *start = text;
    size_t left = size;
    skip_mark(&start, &left);
    const size_t length = strlen(path);
    const bool table = (length >= 4 && strcmp(path + length - 4, ".tsv") == 0) || is_header(start, left);
    status =
        table ? triad_items_parse(items, text, size, path, err) : triad_items_parse_lines(items, text, size, path, err);
    free(text);
    return status;
}

static char *copy(char **end, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *start = memcpy(*end, text, size);
    *end += size;
    return start;
}

triad_status triad_items_create(triad_items *items, size_t count, const char *const *id, const char *const *text,
                                size_t factors, const char *const *factor, const char *const *cell, triad_error *err)
{
    *items = (triad_items){0};
    const origin from = {"items", "row", 1};
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += strlen(id[i]) + strlen(text[i]) + 2;
    for (size_t i = 0; i < factors; i++) bytes += strlen(factor[i]) + 1;
    for (size_t i = 0; i < count * factors; i++) bytes += strlen(cell[i]) + 1;
    char *end = allocate(items, count, factors, bytes);
    if (end == NULL) return too_much(items, from.name, err);
    for (size_t i = 0; i < count; i++) {
        items->id[i] = copy(&end, id[i]);
        items->text[i] = copy(&end, text[i]);
    }
    for (size_t i = 0; i < factors; i++) items->factor[i] = copy(&end, factor[i]);
    for (size_t i = 0; i < count * factors; i++) items->cell[i] = copy(&end, cell[i]);
    return finish(items, &from, err);
}

char *triad_items_to_tsv(const triad_items *items)
{
    size_t bytes = sizeof "id\ttext\n";
    for (size_t f = 0; f < items->factors; f++) bytes += strlen(items->factor[f]) + 1;
    for (size_t i = 0; i < items->count; i++) bytes += strlen(items->id[i]) + strlen(items->text[i]) + 2;
    for (size_t i = 0; i < items->count * items->factors; i++) bytes += strlen(items->cell[i]) + 1;
    char *tsv = malloc(bytes);
    if (tsv == NULL) return NULL;
    char *end = stpcpy(tsv, "id\ttext");
    for (size_t f = 0; f < items->factors; f++) {
        *end++ = '\t';
        end = stpcpy(end, items->factor[f]);
    }
    *end++ = '\n';
    for (size_t i = 0; i < items->count; i++) {
        end = stpcpy(end, items->id[i]);
        *end++ = '\t';
        end = stpcpy(end, items->text[i]);
        for (size_t f = 0; f < items->factors; f++) {
            *end++ = '\t';
            end = stpcpy(end, items->cell[i * items->factors + f]);
        }
        *end++ = '\n';
    }
    *end = 0;
    return tsv;
}

triad_status triad_items_write(const triad_items *items, const char *path, triad_error *err)
{
    const origin from = {path, "line", 2};
    const triad_status status = check(items, &from, err);
    if (status != TRIAD_OK) return status;
    char *tsv = triad_items_to_tsv(items);
    if (tsv == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    const triad_status written = triad_write_whole(path, tsv, strlen(tsv), err);
    free(tsv);
    return written;
}

void triad_items_free(triad_items *items)
{
    if (items == NULL) return;
    free(items->storage);
    *items = (triad_items){0};
}

int triad_items_factor(const triad_items *items, const char *name)
{
    for (size_t f = 0; f < items->factors; f++)
        if (strcmp(items->factor[f], name) == 0) return (int)f;
    return -1;
}
