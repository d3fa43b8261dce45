#include "embed/words.h"

#include <stdlib.h>
#include <string.h>

typedef struct found {
    const char *text; /* in the items */
    size_t size;
    size_t sentence, place;
    embed_occurrence at;
} found;

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int by_word(const void *a, const void *b)
{
    const found *x = a, *y = b;
    const size_t shared = x->size < y->size ? x->size : y->size;
    const int order = memcmp(x->text, y->text, shared);
    if (order != 0) return order;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    if (x->sentence != y->sentence) return x->sentence < y->sentence ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static bool same(const found *x, const found *y)
{
    return x->size == y->size && memcmp(x->text, y->text, x->size) == 0;
}

/* ---- the words of all sentences, and the sentences up to the end of each */
typedef struct list {
    found *word;
    char **prefix; /* [count + 1]: the last is "" */
    size_t count;
} list;

static size_t words_of(const char *text, found *out, size_t sentence)
{
    size_t count = 0;
    for (const char *at = text; *at != 0;) {
        while (blank(*at)) at++;
        const char *start = at;
        while (*at != 0 && !blank(*at)) at++;
        if (at == start) break;
        if (out != NULL)
            out[count] = (found){.text = start, .size = (size_t)(at - start), .sentence = sentence, .place = count};
        count++;
    }
    return count;
}

static triad_status collect(list *all, const triad_items *items, triad_error *err)
{
    for (size_t i = 0; i < items->count; i++) all->count += words_of(items->text[i], NULL, i);
    all->word = malloc((all->count + 1) * sizeof *all->word);
    all->prefix = calloc(all->count + 1, sizeof *all->prefix);
    if (all->word == NULL || all->prefix == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    size_t at = 0;
    for (size_t i = 0; i < items->count; i++) at += words_of(items->text[i], all->word + at, i);
    for (size_t i = 0; i <= all->count; i++) {
        const found *w = &all->word[i];
        const char *text = i < all->count ? items->text[w->sentence] : "";
        all->prefix[i] = strndup(text, i < all->count ? (size_t)(w->text + w->size - text) : 0);
        if (all->prefix[i] == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    }
    return TRIAD_OK;
}

/* ---- their tokens */
/* Tokens that two sequences begin with alike. */
static size_t shared(const triad_tokens *a, size_t i, const triad_tokens *b, size_t j)
{
    const int32_t *x = a->ids + a->offsets[i], *y = b->ids + b->offsets[j];
    const size_t most_x = a->offsets[i + 1] - a->offsets[i], most_y = b->offsets[j + 1] - b->offsets[j];
    size_t n = 0;
    while (n < most_x && n < most_y && x[n] == y[n]) n++;
    return n;
}

/* A prefix's tokens but for those that end every sentence are the sentence's: they say where the word ends. */
static triad_status place_words(list *all, const triad_items *items, const triad_tokens *prefixes,
                                const triad_tokens *tokens, triad_error *err)
{
    const size_t empty = all->count, specials = prefixes->offsets[empty + 1] - prefixes->offsets[empty];
    size_t end = 0;
    for (size_t i = 0; i < all->count; i++) {
        found *w = &all->word[i];
        const size_t s = w->sentence;
        if (w->place == 0) end = shared(prefixes, empty, tokens, s); /* what begins every sentence */
        const size_t before = shared(prefixes, empty, tokens, s),
                     size = prefixes->offsets[i + 1] - prefixes->offsets[i];
        const size_t wanted = size - (specials > before ? specials - before : 0), got = shared(prefixes, i, tokens, s);
        if (got < wanted || wanted <= end)
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, (int64_t)s,
                              "item %zu: the tokenizer does not cut \"%.100s\" at its words (use --unit sentence)",
                              s + 1, items->text[s]);
        w->at = (embed_occurrence){tokens->offsets[s] + end, tokens->offsets[s] + wanted};
        end = wanted;
    }
    return TRIAD_OK;
}

/* ---- by word */
static triad_status arrange(embed_words *words, list *all, triad_error *err)
{
    qsort(all->word, all->count, sizeof *all->word, by_word);
    char **name = calloc(all->count + 1, sizeof *name);
    words->first = malloc((all->count + 1) * sizeof *words->first);
    words->occurrence = malloc((all->count + 1) * sizeof *words->occurrence);
    triad_status status = TRIAD_OK;
    size_t count = 0;
    if (name == NULL || words->first == NULL || words->occurrence == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    for (size_t i = 0; i < all->count && status == TRIAD_OK; i++) {
        words->occurrence[i] = all->word[i].at;
        if (i > 0 && same(&all->word[i - 1], &all->word[i])) continue;
        words->first[count] = i;
        name[count] = strndup(all->word[i].text, all->word[i].size);
        if (name[count++] == NULL) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    }
    if (status == TRIAD_OK && count == 0)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                            "embed: there is no word (--unit word needs sentences with letters or digits)");
    if (status == TRIAD_OK) {
        words->first[count] = all->count;
        const char *const *names = (const char *const *)name;
        status = triad_items_create(&words->items, count, names, names, 0, NULL, NULL, err);
    }
    for (size_t i = 0; i < count; i++) free(name[i]);
    free(name);
    return status;
}

triad_status embed_words_find(embed_words *words, const triad_model *model, const triad_items *items,
                              const triad_tokens *tokens, triad_error *err)
{
    list all = {0};
    triad_tokens prefixes = {0};
    triad_status status = collect(&all, items, err);
    if (status == TRIAD_OK)
        status = triad_model_tokenize(model, &prefixes, (const char *const *)all.prefix, all.count + 1, err);
    if (status == TRIAD_OK) status = place_words(&all, items, &prefixes, tokens, err);
    if (status == TRIAD_OK) status = arrange(words, &all, err);
    triad_tokens_free(&prefixes);
    for (size_t i = 0; i <= all.count && all.prefix != NULL; i++) free(all.prefix[i]);
    free(all.prefix);
    free(all.word);
    return status;
}

void embed_words_free(embed_words *words)
{
    triad_items_free(&words->items);
    free(words->first);
    free(words->occurrence);
    memset(words, 0, sizeof *words);
}
