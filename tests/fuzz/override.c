/* Overrides of a good config, a line each. */
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "train/run/trainer.h"

static struct config *good;

void fuzz_open(void) {
    good = fuzz_config(NULL, 0);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct config *config = config_copy(good);
    struct config_context context = {.output_dir = "out"};
    struct error error = {0};
    char *text = fuzz_text(data, size), *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));)
        fuzz_told(config_override(config, line, &error), &error);
    free(text);
    int code = config_resolve(config, &context, &error);
    fuzz_told(code, &error);
    if (!code)
        fuzz_told(trainer_check(config_root(config), &error), &error);
    config_free(config);
}
