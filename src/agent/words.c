#include "agent/words.h"

#include "agent/policy.h"
#include "triad/babyai.h"

#include <string.h>

triad_status agent_words_set(agent_words *words, const char *const *list, size_t count, bool whole, triad_error *err)
{
    memset(words, 0, sizeof *words);
    words->whole = whole;
    if (count == 0 || count > AGENT_WORDS_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: %zu %s (1 to %d)", count,
                          whole ? "instructions" : "words", AGENT_WORDS_MOST);
    words->word = TRIAD_NEW(&words->arena, char *, count ? count : 1);
    if (!words->word) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory");
    for (size_t i = 0; i < count; i++) {
        if (!*list[i] || strpbrk(list[i], whole ? "\t\n" : " \t\n")) {
            agent_words_free(words);
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocabulary: word %zu is empty or holds a blank", i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list[i], list[j]) == 0) {
                agent_words_free(words);
                return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocabulary: '%s' stands in it twice", list[i]);
            }
        }
        words->word[i] = triad_arena_strdup(&words->arena, list[i]);
        if (!words->word[i]) {
            agent_words_free(words);
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory");
        }
        words->count++;
    }
    return TRIAD_OK;
}

triad_status agent_words_babyai(agent_words *words, triad_error *err)
{
    const char *list[512];
    const size_t count = babyai_word_count();
    if (count > sizeof list / sizeof *list)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: %zu words are too many", count);
    for (size_t i = 0; i < count; i++) list[i] = babyai_word_at(i);
    return agent_words_set(words, list, count, false, err);
}

void agent_words_free(agent_words *words)
{
    triad_arena_free(&words->arena);
    words->count = 0;
    words->word = NULL;
}

static bool find(const agent_words *words, const char *text, size_t bytes, uint32_t *index)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strncmp(words->word[i], text, bytes) == 0 && words->word[i][bytes] == 0) {
            *index = (uint32_t)i;
            return true;
        }
    }
    return false;
}

triad_status agent_words_encode(const agent_words *words, const char *text, uint32_t *index, size_t *count,
                                triad_error *err)
{
    size_t filled = 0;
    if (words->whole) {
        if (!find(words, text, strlen(text), index))
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                              "'%.200s': the agent has no such instruction (it was trained on whole ones)", text);
        *count = 1;
        return TRIAD_OK;
    }
    for (const char *at = text; *at;) {
        size_t bytes = strcspn(at, " ,");
        const bool comma = bytes == 0 && *at == ',';
        if (comma) bytes = 1;
        uint32_t word;
        if (bytes == 0) {
            at++;
            continue;
        }
        const bool known = find(words, at, bytes, &word);
        if (!known && !comma)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                              "'%.200s': the agent has no word '%.*s' (its vocabulary is BabyAI's word list)", text,
                              bytes > 60 ? 60 : (int)bytes, at);
        if (known) {
            if (filled == POLICY_MAX_WORDS)
                return triad_fail(err, TRIAD_ERR_RANGE, -1, "'%.200s…': an instruction of more than %d words", text,
                                  POLICY_MAX_WORDS);
            index[filled++] = word;
        }
        at += bytes;
    }
    if (filled == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "'%.200s': an instruction without words", text);
    *count = filled;
    return TRIAD_OK;
}
