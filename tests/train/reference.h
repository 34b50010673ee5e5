/* Reading the reference files of this folder (see make_reference.py), and small helpers for tests of src/train. */
#ifndef TEST_TRAIN_REFERENCE_H
#define TEST_TRAIN_REFERENCE_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "config/node.h"

struct lines {
    char *data;
    char **line;
    size_t count;
};

static inline struct lines lines_read(const char *path) {
    struct lines lines = {0};
    struct error error = {0};
    size_t size;
    cr_assert_eq(file_read(path, &lines.data, &size, &error), 0, "%s", error.message);
    lines.line = calloc(size + 1, sizeof *lines.line);
    char *save = NULL;
    for (char *line = strtok_r(lines.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        lines.line[lines.count++] = line;
    return lines;
}

static inline void lines_free(struct lines *lines) {
    free(lines->line);
    free(lines->data);
}

/* Numbers of a line into out; how many there were. */
static inline size_t numbers_read(const char *text, double *out, size_t most) {
    size_t count = 0;
    char *end;
    for (; count < most; text = end) {
        double value = strtod(text, &end);
        if (end == text)
            break;
        out[count++] = value;
    }
    return count;
}

static inline struct config *config_of(const char *yaml) {
    struct config *config = NULL;
    struct error error = {0};
    cr_assert_eq(config_parse(&config, "test.yaml", yaml, strlen(yaml), &error), 0, "%s: %s", yaml, error.message);
    return config;
}

static inline void expect_near(double value, double wanted, double relative, const char *what) {
    if (isnan(wanted) || isinf(wanted))
        cr_expect((isnan(value) && isnan(wanted)) || value == wanted, "%s: %.17g, not %.17g", what, value, wanted);
    else
        cr_expect(fabs(value - wanted) <= relative * fabs(wanted), "%s: %.17g, not %.17g (off by %.2g)", what, value,
                  wanted, fabs(value / wanted - 1));
}

#endif
