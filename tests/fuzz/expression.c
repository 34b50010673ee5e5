/* Expressions of stop points, over names that have values and histories. */
#include "session/expression.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common.h"

static struct series_store store;
static const char *const names[] = {
    "lr", "epoch", "step", "batch", "val0_epoch/forces_mae", "train_loss_step/weighted_sum", "a/b", "norm.layer0"};

static int resolve(void *context, const char *name, char *out, struct error *error) {
    (void)context;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const char *slash = strrchr(names[k], '/');
        if (!strcmp(names[k], name) || (slash && !strcmp(slash + 1, name))) {
            snprintf(out, 256, "%s", names[k]);
            return 0;
        }
    }
    return error_set(error, ERROR_NAME, "no value \"%s\"", name);
}

static double value(void *context, const char *name) {
    (void)context;
    return (double)strlen(name) - 4;
}

static const struct series *series(void *context, const char *name) {
    (void)context;
    return series_find(&store, name);
}

static void history(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
}

void fuzz_open(void) {
    for (int k = 0; k < 100; k++) {
        series_add(&store, "lr", k, 0.01 / (k + 1));
        series_add(&store, "val0_epoch/forces_mae", k, k % 7 ? k : NAN);
    }
}

void fuzz_input(const uint8_t *data, size_t size) {
    static const struct expression_scope scope = {NULL, resolve, value, series};
    struct expression *expression;
    struct error error = {0};
    char *text = fuzz_text(data, size);
    int histories = 0, code = expression_new(&expression, text, &scope, &error);
    fuzz_told(code, &error);
    if (!code) {
        expression_value(expression);
        expression_histories(expression, history, &histories);
        if (strcmp(expression_text(expression), text))
            fuzz_fail("the text of '%s' is '%s'", text, expression_text(expression));
        expression_free(expression);
    }
    free(text);
}
