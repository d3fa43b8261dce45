#include "align/relabel.h"

#include "align/cells.h"
#include "align/statistics.h"
#include "base/arena.h"
#include "base/rng.h"
#include "triad/lexical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A vocabulary: the distinct words of a column and of its twin, in sorted order. */
typedef struct vocabulary {
    const char *name; /* of the column */
    size_t words;
    const char **word;
    uint32_t *class; /* [words]: the lowest word with which it can be exchanged */
} vocabulary;

struct align_relabel {
    triad_arena arena;
    size_t n, columns, vocabularies;
    uint32_t *cell;     /* [n, columns] word numbers */
    uint32_t *vocab_of; /* [columns] */
    bool *fixed;        /* [vocabularies] its words stay as they are */
    vocabulary *vocab;
    uint32_t *sorted;   /* [n] rows in order of their cells */
    uint8_t *inside;    /* [n] in the closed subset */
    size_t count;       /* of the subset */
    uint32_t *subset;   /* [count] */
    uint32_t *position; /* [n] place in the subset */
    triad_lexicon lexicon;
    const size_t *rows; /* of the items, while words are looked at */
};

static int compare_cells(const uint32_t *a, const uint32_t *b, size_t columns)
{
    for (size_t c = 0; c < columns; c++)
        if (a[c] != b[c]) return a[c] < b[c] ? -1 : 1;
    return 0;
}

/* The row with these cells; n when there is none. */
static size_t find_row(const align_relabel *relabel, const uint32_t *cells)
{
    size_t low = 0, high = relabel->n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order =
            compare_cells(relabel->cell + relabel->sorted[middle] * relabel->columns, cells, relabel->columns);
        if (order == 0) return relabel->sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return relabel->n;
}

/* Row with words a and b of vocabulary v exchanged; n when there is none. */
static size_t swapped_row(const align_relabel *relabel, size_t row, size_t v, uint32_t a, uint32_t b, uint32_t *cells,
                          bool *touched)
{
    *touched = false;
    for (size_t c = 0; c < relabel->columns; c++) {
        uint32_t word = relabel->cell[row * relabel->columns + c];
        if (relabel->vocab_of[c] == v && (word == a || word == b)) {
            word = word == a ? b : a;
            *touched = true;
        }
        cells[c] = word;
    }
    return *touched ? find_row(relabel, cells) : row;
}

static int by_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef struct sort_context {
    const uint32_t *cell;
    size_t columns;
} sort_context;

static int by_cells(const void *a, const void *b, void *data)
{
    const sort_context *context = data;
    return compare_cells(context->cell + *(const uint32_t *)a * context->columns,
                         context->cell + *(const uint32_t *)b * context->columns, context->columns);
}

/* Columns whose words say how, not what: they tell rows apart and are not renamed. */
static bool stays(const char *factor)
{
    static const char *const names[] = {"verb", "verb2", "article", "article2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(factor, names[i]) == 0) return true;
    return false;
}

static bool is_renamed(const char *factor, const align_renaming *renaming)
{
    for (size_t i = 0; i < renaming->count; i++)
        if (strcmp(renaming->columns[i], factor) == 0) return true;
    return renaming->count == 0 && !stays(factor);
}

static triad_status number_words(align_relabel *relabel, const triad_items *items, const size_t *rows,
                                 const align_renaming *renaming, triad_error *err)
{
    triad_arena *arena = &relabel->arena;
    const size_t n = relabel->n;
    uint32_t *column = TRIAD_NEW(arena, uint32_t, items->factors + 1);
    relabel->vocab_of = TRIAD_NEW(arena, uint32_t, items->factors + 1);
    relabel->vocab = TRIAD_NEW0(arena, vocabulary, items->factors + 1);
    relabel->fixed = TRIAD_NEW0(arena, bool, items->factors + 1);
    if (!column || !relabel->vocab_of || !relabel->vocab || !relabel->fixed) goto memory;
    for (size_t f = 0; f < items->factors; f++) {
        if (strcmp(items->factor[f], "group") == 0)
            continue; /* says which rows are near-duplicates, not which words they hold */
        size_t v = relabel->vocabularies;
        for (size_t c = 0; c < relabel->columns; c++)
            if (align_twins(items->factor[column[c]], items->factor[f])) v = relabel->vocab_of[c];
        if (v == relabel->vocabularies) {
            relabel->vocabularies++;
            relabel->vocab[v].name = triad_arena_strdup(arena, items->factor[f]);
            if (relabel->vocab[v].name == NULL) goto memory;
            relabel->fixed[v] = true;
        }
        if (is_renamed(items->factor[f], renaming)) relabel->fixed[v] = false;
        relabel->vocab_of[relabel->columns] = (uint32_t)v;
        column[relabel->columns++] = (uint32_t)f;
    }
    relabel->cell = TRIAD_NEW(arena, uint32_t, n * relabel->columns + 1);
    if (relabel->cell == NULL) goto memory;
    for (size_t v = 0; v < relabel->vocabularies; v++) {
        vocabulary *vocab = &relabel->vocab[v];
        size_t total = 0;
        const char **word = TRIAD_NEW(arena, const char *, n * relabel->columns + 1);
        if (word == NULL) goto memory;
        for (size_t c = 0; c < relabel->columns; c++)
            for (size_t i = 0; relabel->vocab_of[c] == v && i < n; i++)
                word[total++] = triad_items_cell(items, rows[i], (int)column[c]);
        qsort(word, total, sizeof *word, by_words);
        for (size_t i = 0; i < total; i++)
            if (i == 0 || strcmp(word[i], word[i - 1]) != 0) word[vocab->words++] = word[i];
        vocab->word = word;
        for (size_t c = 0; c < relabel->columns; c++)
            for (size_t i = 0; relabel->vocab_of[c] == v && i < n; i++) {
                const char *cell = triad_items_cell(items, rows[i], (int)column[c]);
                const char **at = bsearch(&cell, word, vocab->words, sizeof *word, by_words);
                relabel->cell[i * relabel->columns + c] = (uint32_t)(at - word);
            }
    }
    relabel->sorted = TRIAD_NEW(arena, uint32_t, n + 1);
    if (relabel->sorted == NULL) goto memory;
    for (size_t i = 0; i < n; i++) relabel->sorted[i] = (uint32_t)i;
    sort_context context = {relabel->cell, relabel->columns};
    qsort_r(relabel->sorted, n, sizeof *relabel->sorted, by_cells, &context);
    return TRIAD_OK;
memory:
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "relabel null: out of memory");
}

static int by_hash(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Whether exchanging the two words only renames the words of the texts: the table rows x words, its rows moved, is the
 * same table with its columns moved. Columns are told by a random hash of their counts. room [2 words] */
static bool only_renames(const align_relabel *relabel, size_t v, uint32_t a, uint32_t b, uint32_t *cells,
                         uint64_t *room)
{
    const triad_lexicon *lexicon = &relabel->lexicon;
    memset(room, 0, 2 * lexicon->words * sizeof *room);
    for (size_t i = 0; i < relabel->n; i++) {
        bool touched;
        const size_t to = swapped_row(relabel, i, v, a, b, cells, &touched);
        if (to == relabel->n) continue;
        for (size_t side = 0; side < 2; side++) {
            uint64_t state = (side ? to : i) + 1;
            const uint64_t mark = triad_splitmix64(&state);
            const size_t row = relabel->rows[i];
            for (size_t t = lexicon->offset[row]; t < lexicon->offset[row + 1]; t++)
                room[side * lexicon->words + lexicon->token[t]] += mark;
        }
    }
    qsort(room, lexicon->words, sizeof *room, by_hash);
    qsort(room + lexicon->words, lexicon->words, sizeof *room, by_hash);
    return memcmp(room, room + lexicon->words, lexicon->words * sizeof *room) == 0;
}

/* Words a and b are exchangeable where 9 in 10 of the rows that hold either have their counterpart. The empty word
 * stays. */
static bool exchangeable(const align_relabel *relabel, size_t v, uint32_t a, uint32_t b, uint32_t *cells)
{
    size_t holding = 0, closed = 0;
    for (size_t i = 0; i < relabel->n; i++) {
        bool touched;
        const size_t to = swapped_row(relabel, i, v, a, b, cells, &touched);
        if (!touched) continue;
        holding++;
        closed += to < relabel->n;
    }
    return holding > 0 && 10 * closed >= 9 * holding;
}

triad_status align_relabel_create(align_relabel **out, const triad_items *items, const size_t *rows, size_t n,
                                  const align_renaming *renaming, char reason[160], triad_error *err)
{
    *out = NULL;
    reason[0] = '\0';
    align_relabel *relabel = calloc(1, sizeof *relabel);
    if (relabel == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "relabel null: out of memory");
    relabel->n = n;
    relabel->rows = rows;
    uint64_t *hashes = NULL;
    triad_status status = number_words(relabel, items, rows, renaming, err);
    if (status == TRIAD_OK && renaming->vocabulary) status = triad_lexicon_create(&relabel->lexicon, items, err);
    if (status != TRIAD_OK) goto out;
    if (relabel->columns == 0) {
        snprintf(reason, 160, "the sentences have no factor columns");
        goto out;
    }
    for (size_t i = 1; i < n; i++)
        if (compare_cells(relabel->cell + relabel->sorted[i - 1] * relabel->columns,
                          relabel->cell + relabel->sorted[i] * relabel->columns, relabel->columns) == 0) {
            snprintf(reason, 160, "two sentences have the same factors, \"%.50s\" for one",
                     items->text[rows[relabel->sorted[i]]]);
            goto out;
        }
    triad_arena *arena = &relabel->arena;
    uint32_t *cells = TRIAD_NEW(arena, uint32_t, relabel->columns);
    relabel->inside = TRIAD_NEW(arena, uint8_t, n);
    relabel->subset = TRIAD_NEW(arena, uint32_t, n);
    relabel->position = TRIAD_NEW0(arena, uint32_t, n);
    if (renaming->vocabulary) hashes = TRIAD_NEW(arena, uint64_t, 2 * relabel->lexicon.words + 1);
    bool enough = cells && relabel->inside && relabel->subset && relabel->position && (hashes || !renaming->vocabulary);
    size_t exchanges = 0;
    for (size_t v = 0; enough && v < relabel->vocabularies; v++) {
        vocabulary *vocab = &relabel->vocab[v];
        vocab->class = TRIAD_NEW(arena, uint32_t, vocab->words);
        if (vocab->class == NULL) {
            enough = false;
            break;
        }
        for (uint32_t b = 0; b < vocab->words; b++) {
            vocab->class[b] = b;
            for (uint32_t a = 0; a < b && !relabel->fixed[v] && vocab->word[b][0] != '\0'; a++)
                if (vocab->class[a] == a && vocab->word[a][0] != '\0' && exchangeable(relabel, v, a, b, cells) &&
                    (!renaming->vocabulary || only_renames(relabel, v, a, b, cells, hashes))) {
                    vocab->class[b] = a;
                    exchanges++;
                    break;
                }
        }
    }
    if (!enough) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "relabel null: out of memory");
        goto out;
    }
    if (exchanges == 0) {
        snprintf(reason, 160, "no two words of a factor can be exchanged");
        goto out;
    }
    /* Exchanges of a class's first word with each other one generate all its permutations: what is closed under them is
     * closed. */
    memset(relabel->inside, 1, n);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t v = 0; v < relabel->vocabularies; v++)
            for (uint32_t b = 0; b < relabel->vocab[v].words; b++) {
                const uint32_t a = relabel->vocab[v].class[b];
                for (size_t i = 0; a != b && i < n; i++) {
                    bool touched;
                    if (!relabel->inside[i]) continue;
                    const size_t to = swapped_row(relabel, i, v, a, b, cells, &touched);
                    if (to == n || !relabel->inside[to]) {
                        relabel->inside[i] = 0;
                        changed = true;
                    }
                }
            }
    }
    for (size_t i = 0; i < n; i++)
        if (relabel->inside[i]) {
            relabel->position[i] = (uint32_t)relabel->count;
            relabel->subset[relabel->count++] = (uint32_t)i;
        }
    if (10 * relabel->count < 9 * n) {
        snprintf(reason, 160, "only %zu of %zu sentences are closed under renaming (90 %% are needed)", relabel->count,
                 n);
        goto out;
    }
    triad_lexicon_free(&relabel->lexicon);
    relabel->rows = NULL;
    *out = relabel;
    return TRIAD_OK;
out:
    align_relabel_free(relabel);
    return status;
}

void align_relabel_free(align_relabel *relabel)
{
    if (relabel == NULL) return;
    triad_lexicon_free(&relabel->lexicon);
    triad_arena_free(&relabel->arena);
    free(relabel);
}

const uint32_t *align_relabel_rows(const align_relabel *relabel, size_t *count)
{
    *count = relabel->count;
    return relabel->subset;
}

/* Words of vocabulary v that trade places with word a, a being the lowest of them. */
static size_t class_size(const vocabulary *vocab, uint32_t a)
{
    size_t members = 0;
    for (uint32_t b = 0; b < vocab->words; b++) members += vocab->class[b] == a;
    return members;
}

double align_relabel_count(const align_relabel *relabel)
{
    double total = 1;
    for (size_t v = 0; v < relabel->vocabularies; v++)
        for (uint32_t a = 0; a < relabel->vocab[v].words; a++)
            for (size_t i = 2, members = class_size(&relabel->vocab[v], a); i <= members && total < 1e15; i++)
                total *= (double)i;
    return total < 1e15 ? total : 1e15;
}

size_t align_relabel_word_pairs(const align_relabel *relabel)
{
    size_t pairs = 0;
    for (size_t v = 0; v < relabel->vocabularies; v++)
        for (uint32_t a = 0; a < relabel->vocab[v].words; a++) {
            const size_t members = class_size(&relabel->vocab[v], a);
            pairs += members * (members ? members - 1 : 0) / 2;
        }
    return pairs;
}

void align_relabel_describe(const align_relabel *relabel, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t v = 0; v < relabel->vocabularies; v++)
        for (uint32_t a = 0; a < relabel->vocab[v].words; a++) {
            const size_t members = class_size(&relabel->vocab[v], a);
            if (members < 2 || used >= size) continue;
            const int wrote =
                snprintf(text + used, size - used, "%s%.40s %zu", used ? ", " : "", relabel->vocab[v].name, members);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
}

size_t align_relabel_draws(const align_relabel *relabel, size_t wanted)
{
    const double count = align_relabel_count(relabel);
    return count - 1 <= (double)wanted ? (size_t)count - 1 : wanted;
}

/* Permutation number `code` (from 0, the identity) of shuffle [count]; what is left of the code after count! of them.
 */
static uint64_t permutation_of(size_t *shuffle, size_t count, uint64_t code)
{
    for (size_t i = 0; i < count; i++) shuffle[i] = i;
    for (size_t i = count; i > 1; i--) {
        const size_t j = i - 1 - (size_t)(code % i), last = shuffle[i - 1];
        code /= i;
        shuffle[i - 1] = shuffle[j];
        shuffle[j] = last;
    }
    return code;
}

triad_status align_relabel_draw(const align_relabel *relabel, uint32_t *order, uint64_t seed, uint64_t draw,
                                size_t wanted, triad_error *err)
{
    triad_status status = TRIAD_ERR_MEMORY;
    triad_pcg64 rng;
    const bool every = align_relabel_count(relabel) - 1 <= (double)wanted;
    uint64_t code = draw + 1;
    align_stream_seed(&rng, seed, ALIGN_STREAM_RELABEL, draw);
    triad_arena scratch = {0};
    uint32_t **renamed = TRIAD_NEW0(&scratch, uint32_t *, relabel->vocabularies);
    uint32_t *cells = TRIAD_NEW(&scratch, uint32_t, relabel->columns);
    if (renamed == NULL || cells == NULL) goto out;
    for (size_t v = 0; v < relabel->vocabularies; v++) {
        const vocabulary *vocab = &relabel->vocab[v];
        renamed[v] = TRIAD_NEW(&scratch, uint32_t, vocab->words);
        size_t *shuffle = TRIAD_NEW(&scratch, size_t, vocab->words);
        uint32_t *members = TRIAD_NEW(&scratch, uint32_t, vocab->words);
        if (renamed[v] == NULL || shuffle == NULL || members == NULL) goto out;
        for (uint32_t a = 0; a < vocab->words; a++) {
            size_t count = 0;
            for (uint32_t b = a; b < vocab->words; b++)
                if (vocab->class[b] == a) members[count++] = b;
            if (every) {
                code = permutation_of(shuffle, count, code);
            } else {
                for (size_t i = 0; i < count; i++) shuffle[i] = i;
                if (count > 1) triad_pcg64_shuffle(&rng, shuffle, count);
            }
            for (size_t i = 0; i < count; i++) renamed[v][members[i]] = members[shuffle[i]];
        }
    }
    for (size_t i = 0; i < relabel->count; i++) {
        const uint32_t *row = relabel->cell + relabel->subset[i] * relabel->columns;
        for (size_t c = 0; c < relabel->columns; c++) cells[c] = renamed[relabel->vocab_of[c]][row[c]];
        order[i] = relabel->position[find_row(relabel, cells)];
    }
    status = TRIAD_OK;
out:
    triad_arena_free(&scratch);
    return status == TRIAD_OK ? status : triad_fail(err, status, -1, "relabel null: out of memory");
}

bool align_relabel_moves(const align_relabel *relabel, const char *column)
{
    for (size_t v = 0; v < relabel->vocabularies; v++) {
        if (strcmp(relabel->vocab[v].name, column) != 0) continue;
        for (uint32_t a = 0; a < relabel->vocab[v].words; a++)
            if (class_size(&relabel->vocab[v], a) > 1) return true;
    }
    return false;
}
