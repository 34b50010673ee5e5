/* The arguments of the program, one a line. */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>
#include "common.h"

enum { MOST = 64, THREADS = 2, MEMORY = 3 };
static const struct argument options[] = {{"output", 'o', "DIR", ""}, {"init", 0, "WEIGHTS", ""},
                                          {"threads", 0, "N", ""},    {"memory", 0, "MB", ""},
                                          {"batch", 'b', NULL, ""},   {"execute", 'x', "COMMAND", ""}};

void fuzz_open(void) {
}

void fuzz_input(const uint8_t *data, size_t size) {
    size_t count = sizeof options / sizeof *options;
    struct arguments arguments = {0};
    struct error error = {0};
    char *text = fuzz_text(data, size), *rest = text, *words[MOST + 1];
    int nwords = 0;
    for (char *word; nwords < MOST && (word = strsep(&rest, "\n"));)
        words[nwords++] = word;
    words[nwords] = NULL;
    int code = arguments_parse(&arguments, options, count, 0, -1, nwords, words, &error);
    fuzz_told(code, &error);
    if (!code) {
        long threads = 0;
        size_t memory = 0;
        fuzz_told(arguments_integer(&arguments, options, THREADS, 1, 1024, &threads, &error), &error);
        fuzz_told(arguments_memory(&arguments, options, MEMORY, &memory, &error), &error);
    }
    arguments_free(&arguments);
    free(text);
}
