#include "experiment/yaml_schema.h"

#include "base/checked.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct loader {
    yaml_document_t document;
    const char *name;
    triad_arena *arena;
    yaml_places *places;
    triad_error *err;
    char key[96]; /* of the member at hand: "agents.seeds[2]" */
} loader;

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

__attribute__((format(printf, 3, 4))) static triad_status refuse(const loader *l, const yaml_node_t *node,
                                                                 const char *format, ...)
{
    char why[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return triad_fail(l->err, TRIAD_ERR_FORMAT, (int64_t)line_of(node), "%s:%zu: %s%s%s", l->name, line_of(node),
                      l->key, l->key[0] ? ": " : "", why);
}

static triad_status no_memory(const loader *l)
{
    return triad_fail(l->err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", l->name);
}

static triad_status remember(const loader *l, const void *member, const yaml_node_t *node)
{
    yaml_places *places = l->places;
    if (places == NULL) return TRIAD_OK;
    if (places->count == places->capacity) {
        const size_t more = places->capacity ? 2 * places->capacity : 64;
        yaml_place *grown = TRIAD_NEW(l->arena, yaml_place, more);
        if (grown == NULL) return no_memory(l);
        if (places->count > 0) memcpy(grown, places->place, places->count * sizeof *grown);
        places->place = grown;
        places->capacity = more;
    }
    places->place[places->count++] = (yaml_place){member, line_of(node)};
    return TRIAD_OK;
}

size_t yaml_line(const yaml_places *places, const void *member)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->place[i].member == member) return places->place[i].line;
    return 0;
}

/* ---- scalars */

static const char *kind_words(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE    ? "a block of keys"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a single value";
}

static triad_status scalar(const loader *l, const yaml_node_t *node, const char **text, size_t *size,
                           const char *wanted)
{
    if (node->type != YAML_SCALAR_NODE) return refuse(l, node, "is %s (give %s)", kind_words(node), wanted);
    *text = (const char *)node->data.scalar.value;
    *size = node->data.scalar.length;
    if (memchr(*text, 0, *size) != NULL) return refuse(l, node, "holds a zero byte (give %s)", wanted);
    return TRIAD_OK;
}

static triad_status load_text(const loader *l, const yaml_field *field, const yaml_node_t *node, const char **value)
{
    const char *text;
    size_t size;
    const triad_status bad = scalar(l, node, &text, &size, "a text");
    if (bad != TRIAD_OK) return bad;
    if (size == 0) return refuse(l, node, "is empty (give a text, or leave the key out)");
    if (field->max > 0 && (double)size > field->max)
        return refuse(l, node, "has %zu bytes (at most %.0f)", size, field->max);
    *value = triad_arena_strndup(l->arena, text, size);
    return *value != NULL ? TRIAD_OK : no_memory(l);
}

static triad_status load_choice(const loader *l, const yaml_field *field, const yaml_node_t *node, const char **value)
{
    const char *text;
    size_t size;
    const triad_status bad = scalar(l, node, &text, &size, "one of its names");
    if (bad != TRIAD_OK) return bad;
    size_t count = 0;
    for (; field->choices[count] != NULL; count++)
        if (strcmp(text, field->choices[count]) == 0) {
            *value = field->choices[count];
            return TRIAD_OK;
        }
    char names[200] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", field->choices[i]);
    }
    return refuse(l, node, "'%.40s' is not known (one of: %s)", text, names);
}

static triad_status load_int(const loader *l, const yaml_field *field, const yaml_node_t *node, int64_t *value)
{
    const char *text;
    size_t size;
    const triad_status bad = scalar(l, node, &text, &size, "a whole number");
    if (bad != TRIAD_OK) return bad;
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (size == 0 || *end != '\0' || (text[0] != '-' && (text[0] < '0' || text[0] > '9')))
        return refuse(l, node, "'%.40s' is not a whole number", text);
    if (errno != 0 || (double)number < field->min || (double)number > field->max)
        return refuse(l, node, "%.40s is out of range (%.0f to %.0f)", text, field->min, field->max);
    *value = number;
    return TRIAD_OK;
}

static triad_status load_real(const loader *l, const yaml_field *field, const yaml_node_t *node, double *value)
{
    const char *text;
    size_t size;
    const triad_status bad = scalar(l, node, &text, &size, "a number");
    if (bad != TRIAD_OK) return bad;
    char *end = NULL;
    const double number = strtod(text, &end);
    if (size == 0 || *end != '\0' || !isfinite(number) || strspn(text, "+-.0123456789eE") != size)
        return refuse(l, node, "'%.40s' is not a number", text);
    if (number < field->min || number > field->max)
        return refuse(l, node, "%.40s is out of range (%g to %g)", text, field->min, field->max);
    *value = number;
    return TRIAD_OK;
}

static triad_status load_bool(const loader *l, const yaml_node_t *node, bool *value)
{
    const char *text;
    size_t size;
    const triad_status bad = scalar(l, node, &text, &size, "true or false");
    if (bad != TRIAD_OK) return bad;
    *value = strcmp(text, "true") == 0;
    if (*value || strcmp(text, "false") == 0) return TRIAD_OK;
    return refuse(l, node, "'%.40s' is neither true nor false", text);
}

/* ---- blocks and lists */

static triad_status load_mapping(loader *l, const yaml_field *fields, yaml_node_t *node, char *target);

static triad_status load_entry(loader *l, const yaml_field *field, yaml_node_t *node, char *at)
{
    switch (field->kind) {
    case YAML_TEXT:
    case YAML_TEXTS:
        return load_text(l, field, node, (const char **)(void *)at);
    case YAML_CHOICE:
    case YAML_CHOICES:
        return load_choice(l, field, node, (const char **)(void *)at);
    case YAML_INT:
    case YAML_INTS:
        return load_int(l, field, node, (int64_t *)(void *)at);
    case YAML_REAL:
    case YAML_REALS:
        return load_real(l, field, node, (double *)(void *)at);
    case YAML_BOOL:
        return load_bool(l, node, (bool *)at);
    case YAML_BLOCK:
    case YAML_STRUCTS:
        return load_mapping(l, field->fields, node, at);
    }
    return TRIAD_OK;
}

static size_t entry_size(const yaml_field *field)
{
    switch (field->kind) {
    case YAML_TEXTS:
    case YAML_CHOICES:
        return sizeof(const char *);
    case YAML_INTS:
        return sizeof(int64_t);
    case YAML_REALS:
        return sizeof(double);
    case YAML_STRUCTS:
        return field->size;
    default:
        return 0; /* not a list */
    }
}

static triad_status load_list(loader *l, const yaml_field *field, yaml_node_t *node, char *target)
{
    if (node->type != YAML_SEQUENCE_NODE) return refuse(l, node, "is %s (give a list: [a, b])", kind_words(node));
    const size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start),
                 size = entry_size(field);
    if (count == 0) return refuse(l, node, "is an empty list (give an entry, or leave the key out)");
    if (count > YAML_MAX_LIST) return refuse(l, node, "has %zu entries (at most %d)", count, YAML_MAX_LIST);
    char *entries = triad_arena_zalloc(l->arena, count, size);
    if (entries == NULL) return no_memory(l);
    const size_t key = strlen(l->key);
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *entry = yaml_document_get_node(&l->document, node->data.sequence.items.start[i]);
        snprintf(l->key + key, sizeof l->key - key, "[%zu]", i + 1);
        triad_status bad = load_entry(l, field, entry, entries + i * size);
        if (bad == TRIAD_OK) bad = remember(l, entries + i * size, entry);
        if (bad != TRIAD_OK) return bad;
    }
    l->key[key] = '\0';
    memcpy(target + field->offset, &entries, sizeof entries);
    memcpy(target + field->count_offset, &count, sizeof count);
    return TRIAD_OK;
}

static triad_status unknown_key(loader *l, const yaml_field *fields, const yaml_node_t *key)
{
    const char *names[64] = {NULL};
    size_t count = 0;
    for (; fields[count].key != NULL && count < 64; count++) names[count] = fields[count].key;
    const char *text = (const char *)key->data.scalar.value, *near = triad_nearest_name(text, names, count);
    if (near != NULL) return refuse(l, key, "unknown key '%.40s' (did you mean '%s'?)", text, near);
    char all[240] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    return refuse(l, key, "unknown key '%.40s' (known here: %s)", text, all);
}

static triad_status load_mapping(loader *l, const yaml_field *fields, yaml_node_t *node, char *target)
{
    if (node->type != YAML_MAPPING_NODE) return refuse(l, node, "is %s (give a block of keys)", kind_words(node));
    uint64_t seen = 0;
    const size_t above = strlen(l->key);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&l->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&l->document, pair->value);
        if (key->type != YAML_SCALAR_NODE) return refuse(l, key, "a key is %s (give a name)", kind_words(key));
        size_t f = 0;
        while (fields[f].key != NULL && strcmp(fields[f].key, (const char *)key->data.scalar.value) != 0) f++;
        if (fields[f].key == NULL) return unknown_key(l, fields, key);
        snprintf(l->key + above, sizeof l->key - above, "%s%s", above ? "." : "", fields[f].key);
        if (seen >> f & 1) return refuse(l, key, "is given twice (leave one out)");
        seen |= (uint64_t)1 << f;
        char *member = target + fields[f].offset;
        /* A block has no member of its own: its keys have. */
        triad_status bad = fields[f].kind == YAML_BLOCK ? TRIAD_OK : remember(l, member, value);
        if (bad == TRIAD_OK)
            bad = entry_size(&fields[f]) > 0 ? load_list(l, &fields[f], value, target)
                                             : load_entry(l, &fields[f], value, member);
        if (bad != TRIAD_OK) return bad;
        l->key[above] = '\0';
    }
    for (size_t f = 0; fields[f].key != NULL; f++)
        if (fields[f].required && !(seen >> f & 1)) return refuse(l, node, "the key '%s' is missing", fields[f].key);
    return TRIAD_OK;
}

/* ---- the document */

/* libyaml resolves aliases into shared nodes, which would let a small file unfold into a huge one: refused by its
 * events. */
static triad_status scan(loader *l, const char *bytes, size_t size)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return no_memory(l);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    triad_status status = TRIAD_OK;
    int documents = 0;
    for (bool end = false; !end && status == TRIAD_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            const size_t line = parser.problem_mark.line + 1;
            status = parser.error == YAML_MEMORY_ERROR
                         ? no_memory(l)
                         : triad_fail(l->err, TRIAD_ERR_FORMAT, (int64_t)line, "%s:%zu: not YAML: %s", l->name, line,
                                      parser.problem != NULL ? parser.problem : "unreadable");
            break;
        }
        const size_t line = event.start_mark.line + 1;
        if (event.type == YAML_ALIAS_EVENT)
            status = triad_fail(l->err, TRIAD_ERR_FORMAT, (int64_t)line, "%s:%zu: an alias (write the value out)",
                                l->name, line);
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            status = triad_fail(l->err, TRIAD_ERR_FORMAT, (int64_t)line,
                                "%s:%zu: a second document (one file, one study)", l->name, line);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

triad_status yaml_load(void *target, const yaml_field *fields, const char *bytes, size_t size, const char *name,
                       triad_arena *arena, yaml_places *places, triad_error *err)
{
    loader l = {.name = name, .arena = arena, .places = places, .err = err};
    if (size == 0) bytes = ""; /* of an empty file that is mapped there are none */
    triad_status status = scan(&l, bytes, size);
    if (status != TRIAD_OK) return status;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return no_memory(&l);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    if (!yaml_parser_load(&parser, &l.document)) {
        const size_t line = parser.problem_mark.line + 1;
        status = triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)line, "%s:%zu: not YAML: %s", name, line,
                            parser.problem != NULL ? parser.problem : "unreadable");
    } else {
        yaml_node_t *root = yaml_document_get_root_node(&l.document);
        status = root != NULL ? load_mapping(&l, fields, root, target)
                              : triad_fail(err, TRIAD_ERR_FORMAT, 1,
                                           "%s:1: the file is empty (see experiments/quick.yaml)", name);
        yaml_document_delete(&l.document);
    }
    yaml_parser_delete(&parser);
    return status;
}
