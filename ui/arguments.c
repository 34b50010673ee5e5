#include "arguments.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

static int find_long(const struct argument *options, size_t noptions, const char *name, size_t length) {
    for (size_t k = 0; k < noptions; k++)
        if (strlen(options[k].name) == length && strncmp(options[k].name, name, length) == 0)
            return (int)k;
    return -1;
}

static int unknown(const struct argument *options, size_t noptions, const char *word, struct error *error) {
    const char *names[ARGUMENTS_MAX_OPTIONS];
    char name[64];
    size_t length;

    for (size_t k = 0; k < noptions; k++)
        names[k] = options[k].name;
    word += strspn(word, "-");
    length = strcspn(word, "=");
    if (length >= sizeof name)
        length = sizeof name - 1;
    memcpy(name, word, length);
    name[length] = '\0';
    const char *nearest = length > 1 ? text_nearest(name, names, noptions) : NULL;
    if (nearest)
        return error_set(error, ERROR_USAGE, "no option --%s; did you mean --%s?", name, nearest);
    return error_set(error, ERROR_USAGE, "no option %s%s; --help lists them", length > 1 ? "--" : "-", name);
}

/* Fills one option from argv[*k]; moves *k on where the value is the next word. */
static int take(struct arguments *out, const struct argument *options, size_t noptions, int argc, char **argv, int *k,
                struct error *error) {
    const char *word = argv[*k], *value = NULL;
    int index = -1;

    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        index = find_long(options, noptions, word + 2, length);
        if (word[2 + length] == '=')
            value = word + 3 + length;
    } else {
        for (size_t o = 0; o < noptions; o++)
            if (options[o].letter && options[o].letter == word[1])
                index = (int)o;
        if (word[2])
            value = word + 2;
    }
    if (index < 0)
        return unknown(options, noptions, word, error);
    if (!options[index].value && value)
        return error_set(error, ERROR_USAGE, "--%s takes no value", options[index].name);
    if (options[index].value && !value) {
        if (*k + 1 >= argc)
            return error_set(error, ERROR_USAGE, "--%s needs a value (%s)", options[index].name, options[index].value);
        value = argv[++*k];
    }
    if (value && !*value && strcmp(options[index].value, "CMD")) /* "$DIR" with DIR unset; a command may be empty */
        return error_set(error, ERROR_USAGE, "--%s: an empty name", options[index].name);
    out->value[index] = value ? value : "";
    return 0;
}

int arguments_parse(struct arguments *out, const struct argument *options, size_t noptions, int low, int high, int argc,
                    char **argv, struct error *error) {
    int only_words = 0;

    memset(out, 0, sizeof *out);
    out->rest = calloc((size_t)argc + 1, sizeof *out->rest);
    if (!out->rest)
        return error_memory(error);
    for (int k = 0; k < argc; k++) {
        if (!only_words && strcmp(argv[k], "--") == 0) {
            only_words = 1;
        } else if (only_words || argv[k][0] != '-' || !argv[k][1]) {
            out->rest[out->count++] = argv[k];
        } else if (take(out, options, noptions, argc, argv, &k, error)) {
            return ERROR_USAGE;
        }
    }
    if (out->count < low)
        return error_set(error, ERROR_USAGE, "an argument is missing");
    if (high >= 0 && out->count > high)
        return error_set(error, ERROR_USAGE, "\"%s\" is one argument too many", out->rest[high]);
    return 0;
}

void arguments_free(struct arguments *arguments) {
    free(arguments->rest);
    arguments->rest = NULL;
}

int arguments_integer(const struct arguments *arguments, const struct argument *options, int index, long low, long high,
                      long *out, struct error *error) {
    const char *word = arguments->value[index];
    char *end = NULL;
    long value;

    if (!word)
        return 0;
    errno = 0;
    value = strtol(word, &end, 10);
    if (errno || end == word || *end || value < low || value > high)
        return error_set(error, ERROR_USAGE, "--%s is a whole number from %ld to %ld, not \"%s\"", options[index].name,
                         low, high, word);
    *out = value;
    return 0;
}

int arguments_memory(const struct arguments *arguments, const struct argument *options, int index, size_t *out,
                     struct error *error) {
    long value = -1;
    int code = arguments_integer(arguments, options, index, 0, 1 << 24, &value, error);

    *out = value < 0 ? 0 : value == 0 ? SIZE_MAX : (size_t)value << 20;
    return code;
}
