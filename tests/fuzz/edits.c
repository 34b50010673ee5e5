#include "edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t edits_size(enum edits_type type) {
    return type == EDITS_U8 ? 1 : type == EDITS_I32 || type == EDITS_F32 ? 4 : 8;
}

/* ---------------------------------------------------------------- making them */

static void put(const struct edits_array *array, size_t k, const char *value) {
    char *to = (char *)array->data + k * edits_size(array->type);
    int64_t whole = strtoll(value, NULL, 0);
    int32_t half = (int32_t)whole;
    double real = strtod(value, NULL);
    float single = (float)real;
    switch (array->type) {
    case EDITS_U8:
        *(uint8_t *)to = (uint8_t)whole;
        break;
    case EDITS_I32:
        memcpy(to, &half, sizeof half);
        break;
    case EDITS_I64:
        memcpy(to, &whole, sizeof whole);
        break;
    case EDITS_F32:
        memcpy(to, &single, sizeof single);
        break;
    case EDITS_F64:
        memcpy(to, &real, sizeof real);
        break;
    }
}

static void put_word(const struct edits_array *array, size_t k, const char *value) {
    int64_t whole = strtoll(value, NULL, 0);
    if (k < array->count * edits_size(array->type) / sizeof whole)
        memcpy((char *)array->data + k * sizeof whole, &whole, sizeof whole);
}

/* One line is cut into words; where there are more, they stay in the last. */
static int split(char *line, char *words[EDITS_WORDS + 1]) {
    int count = 0;
    while (line && count < EDITS_WORDS + 1) {
        words[count++] = line;
        line = count < EDITS_WORDS + 1 ? strchr(line, ' ') : NULL;
        if (line)
            *line++ = 0;
    }
    return count;
}

static int edit(const struct edits_array *arrays, size_t count, int nwords, char **words) {
    int word = nwords == 4 && !strcmp(words[1], "word");
    if (nwords != 3 && !word)
        return 0;
    for (size_t k = 0; k < count; k++) {
        char *end;
        if (strcmp(arrays[k].name, words[0]))
            continue;
        size_t index = strtoul(words[word ? 2 : 1], &end, 10);
        if (*end || end == words[word ? 2 : 1])
            return 0;
        if (word)
            put_word(&arrays[k], index, words[3]);
        else if (index < arrays[k].count)
            put(&arrays[k], index, words[2]);
        return 1;
    }
    return 0;
}

void edits_apply(char *text, const struct edits_array *arrays, size_t count,
                 void (*other)(void *context, int nwords, char **words), void *context) {
    for (char *line; (line = strsep(&text, "\n"));) {
        char *words[EDITS_WORDS + 1];
        int nwords = split(line, words);
        if (edit(arrays, count, nwords, words) || !other)
            continue;
        for (int k = EDITS_WORDS; k < nwords; k++) /* the rest as one word */
            words[k][-1] = ' ';
        other(context, nwords < EDITS_WORDS ? nwords : EDITS_WORDS, words);
    }
}

/* ---------------------------------------------------------------- libFuzzer's mutations */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static struct {
    struct edits_array *arrays;
    size_t count;
    const char *const *verbs;
    size_t nverbs;
    uint64_t random; /* splitmix64 */
} offered;

void edits_offer(const struct edits_array *arrays, size_t count, const char *const *verbs, size_t nverbs) {
    offered.arrays = malloc(count * sizeof *arrays);
    if (offered.arrays)
        memcpy(offered.arrays, arrays, count * sizeof *arrays);
    offered.count = offered.arrays ? count : 0;
    offered.verbs = verbs;
    offered.nverbs = nverbs;
}

static size_t below(size_t n) {
    uint64_t z = offered.random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % n);
}

static void add_number(char *out, size_t size) {
    static const char *const odd[] = {"0",
                                      "1",
                                      "-1",
                                      "2",
                                      "3",
                                      "5",
                                      "8",
                                      "64",
                                      "100",
                                      "65536",
                                      "nan",
                                      "inf",
                                      "-inf",
                                      "-1e300",
                                      "1e-300",
                                      "0.5",
                                      "1e9",
                                      "2147483647",
                                      "-2147483648",
                                      "4294967296",
                                      "1152921504606846976",
                                      "-0.0",
                                      "0x7ff00000",
                                      "9223372036854775807",
                                      "-9223372036854775808"};
    if (below(4))
        snprintf(out, size, "%s", odd[below(sizeof odd / sizeof *odd)]);
    else
        snprintf(out, size, "%d", (int)below(below(2) ? 16 : 1u << below(31)) - (int)below(3));
}

static int new_line(char *out, size_t size) {
    const struct edits_array *array = &offered.arrays[below(offered.count)];
    char number[32], value[32];
    add_number(value, sizeof value);
    if (offered.nverbs && !below(4)) {
        const char *verb = offered.verbs[below(offered.nverbs)], *name = strstr(verb, "%s"), *end = strstr(verb, "%d");
        return snprintf(out, size, "%.*s%s%.*s%s\n",
                        (int)(name  ? name - verb
                              : end ? end - verb
                                    : (long)strlen(verb)),
                        verb, name ? array->name : "", name && end ? (int)(end - name - 2) : 0, name ? name + 2 : "",
                        end ? value : "");
    }
    snprintf(number, sizeof number, "%zu", below(below(2) ? 4 : array->count + 1));
    return snprintf(out, size, "%s %s%s %s\n", array->name, below(8) ? "" : "word ", number, value);
}

/* Lines are added, taken away and drawn anew; the rest is libFuzzer's. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    char line[256];
    offered.random = seed;
    if (!offered.count || !below(4))
        return LLVMFuzzerMutate(data, size, most);
    size_t at = size ? below(size + 1) : 0, end;
    while (at > 0 && data[at - 1] != '\n')
        at--;
    for (end = at; end < size && data[end] != '\n';)
        end++;
    end += end < size;
    int gone = at < end && below(2), added = size == 0 || !gone || below(2);
    size_t length = 0;
    if (added) {
        int wanted = new_line(line, sizeof line);
        length = wanted > 0 && (size_t)wanted < sizeof line ? (size_t)wanted : 0;
    }
    size_t rest = gone ? end : at;
    if (at + length + (size - rest) > most)
        return LLVMFuzzerMutate(data, size, most);
    memmove(data + at + length, data + rest, size - rest);
    memcpy(data + at, line, length);
    return at + length + size - rest;
}
