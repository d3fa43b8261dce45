/* Sentences in a cipher: the words that mean something in the world are renamed, one to one, by words that no language
 * has; grammar words stay. What a reader of the cipher can know is the structure, not the meaning. */
#include "babyai/level.h"
#include "base/arena.h"
#include "base/rng.h"

#include <string.h>

enum { CIPHER_BYTES = 8 };

static const char *const CONTENT[] = {
    "go",  "pick", "open", "put",  "red",    "green", "blue",  "purple", "yellow", "grey",
    "box", "ball", "key",  "door", "object", "left",  "right", "front",  "behind",
};
enum { CONTENT_COUNT = sizeof CONTENT / sizeof CONTENT[0] };

/* Three syllables, the last in u: a shape that English does not have. */
static void draw_word(triad_pcg64 *rng, char word[CIPHER_BYTES])
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    for (int i = 0; i < 6; i++)
        word[i] = i == 5  ? 'u'
                  : i % 2 ? vowels[triad_pcg64_integers(rng, 0, sizeof vowels - 1)]
                          : consonants[triad_pcg64_integers(rng, 0, sizeof consonants - 1)];
    word[6] = 0;
}

static void draw_cipher(char cipher[CONTENT_COUNT][CIPHER_BYTES], uint64_t seed)
{
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, seed);
    for (int i = 0; i < CONTENT_COUNT; i++) {
        bool fresh;
        do {
            draw_word(&rng, cipher[i]);
            fresh = true;
            for (int j = 0; j < i; j++) fresh = fresh && strcmp(cipher[i], cipher[j]) != 0;
        } while (!fresh);
    }
}

/* One text, word by word; NULL when memory is out. */
static char *encipher(triad_arena *memory, const char *text, const char cipher[CONTENT_COUNT][CIPHER_BYTES])
{
    char *out = triad_arena_alloc(memory, strlen(text) * CIPHER_BYTES + 1, 1);
    if (!out) return NULL;
    char *to = out;
    for (const char *at = text; *at;) {
        const size_t bytes = strcspn(at, " ,");
        const char *word = at;
        size_t written = bytes;
        for (int i = 0; i < CONTENT_COUNT; i++)
            if (strlen(CONTENT[i]) == bytes && memcmp(CONTENT[i], at, bytes) == 0) {
                word = cipher[i];
                written = strlen(word);
            }
        memcpy(to, word, written);
        to += written;
        at += bytes;
        if (*at) *to++ = *at++;
    }
    *to = 0;
    return out;
}

triad_status babyai_cipher(triad_items *out, const triad_items *items, uint64_t seed, triad_error *err)
{
    *out = (triad_items){0};
    char cipher[CONTENT_COUNT][CIPHER_BYTES];
    draw_cipher(cipher, seed);
    triad_arena memory = {0};
    char **text = TRIAD_NEW(&memory, char *, items->count + 1);
    bool enough = text != NULL;
    for (size_t i = 0; enough && i < items->count; i++) {
        text[i] = encipher(&memory, items->text[i], (const char(*)[CIPHER_BYTES])cipher);
        enough = text[i] != NULL;
    }
    const triad_status status =
        enough ? triad_items_create(out, items->count, (const char *const *)items->id, (const char *const *)text,
                                    items->factors, (const char *const *)items->factor,
                                    (const char *const *)items->cell, err)
               : triad_fail(err, TRIAD_ERR_MEMORY, -1, "cipher: no memory for %zu sentences", items->count);
    triad_arena_free(&memory);
    return status;
}
