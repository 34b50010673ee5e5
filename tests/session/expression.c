/* Expressions: values, precedence, errors with their column, and nonsense. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/expression.h"

static const struct {
    const char *name;
    double value;
} known[] = {{"a", 2},        {"b", 5},    {"val0_epoch/forces_mae", 0.25}, {"val0_epoch/energy_mae", 4},
             {"loss.f", 0.5}, {"odd", NAN}};
enum { KNOWN = sizeof known / sizeof *known };

static int resolve(void *context, const char *name, char *out, struct error *error) {
    (void)context;
    int ends = 0;
    for (int k = 0; k < KNOWN; k++) {
        const char *slash = strrchr(known[k].name, '/');
        if (!strcmp(name, known[k].name)) {
            strcpy(out, known[k].name);
            return 0;
        }
        if (slash && !strcmp(slash + 1, name)) {
            strcpy(out, known[k].name);
            ends++;
        }
    }
    return ends == 1 ? 0 : error ? error_set(error, ERROR_NAME, "no value \"%s\"", name) : ERROR_NAME;
}

static double value(void *context, const char *name) {
    (void)context;
    for (int k = 0; k < KNOWN; k++)
        if (!strcmp(name, known[k].name))
            return known[k].value;
    return NAN;
}

static struct series_store store;

static const struct series *series(void *context, const char *name) {
    (void)context;
    return series_find(&store, name);
}

static const struct expression_scope scope = {NULL, resolve, value, series};

static double of(const char *text) {
    struct expression *expression;
    struct error error = {0};
    cr_assert_eq(expression_new(&expression, text, &scope, &error), 0, "%s: %s", text, error.message);
    double out = expression_value(expression);
    expression_free(expression);
    return out;
}

Test(expression, values) {
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"1", 1},
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"2 - 3 - 4", -5},
        {"12 / 3 / 2", 2},
        {"2 ^ 3 ^ 2", 512},
        {"-2 ^ 2", -4},
        {"2 ^ -1", 0.5},
        {"--3", 3},
        {"1e-3 + .5", 0.501},
        {"a * b", 10},
        {"a/b", 0.4},
        {"a /b", 0.4},
        {"val0_epoch/forces_mae", 0.25},
        {"forces_mae", 0.25},
        {"val0_epoch/forces_mae/a", 0.125},
        {"forces_mae/a", 0.125},
        {"'val0_epoch/forces_mae'*4", 1},
        {"loss.f + 1", 1.5},
        {"a < b", 1},
        {"a <= 2 and b >= 5 and a == 2 and b != 4", 1},
        {"a > b or not a > b", 1},
        {"not a < b", 0},
        {"odd < 1", 0},
        {"odd == odd", 0},
        {"odd != 1", 0},
        {"odd or 1", 1},
        {"odd and 1", 0},
        {"nan(odd) + nan(a) + nan(1/0)", 2},
        {"abs(-3) + sqrt(16) + exp(0) + log(1) + log10(100)", 10},
        {"min(a, b) + max(a, b)", 7},
        {"min(3, 4)", 3},
        {"1 < 2 and 2 < 3", 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double got = of(cases[k].text);
        cr_expect(fabs(got - cases[k].want) < 1e-14, "%s: %g, not %g", cases[k].text, got, cases[k].want);
    }
}

Test(expression, histories) {
    for (int k = 0; k < 10; k++)
        series_add(&store, "a", k, (double)(k * k));
    cr_expect_eq(of("min(a, 3)"), 49);
    cr_expect_eq(of("max(a, 100)"), 81);
    cr_expect_eq(of("mean(a, 2)"), 72.5);
    cr_expect_eq(of("delta(a)"), 17);
    cr_expect_eq(of("delta(a, 9)"), 81);
    cr_expect(isnan(of("delta(a, 10)")));
    cr_expect(fabs(of("ema(a, 2)") - (81 + 64 * 0.5) / 1.5) < 1e-12, "%g", of("ema(a, 2)"));
    cr_expect_eq(of("ema(a, 1)"), 81);
    cr_expect(isnan(of("mean(b, 5)")), "nothing is known of it yet");
    series_free(&store);
}

Test(expression, mistakes_are_told_with_their_column) {
    static const struct {
        const char *text;
        int column;
        const char *word;
    } cases[] = {
        {"", 1, "ends where"},         {"1 +", 4, "ends where"},    {"(1", 3, "a ) is expected"},
        {"1 2", 3, "an operator"},     {"a + c", 5, "no value"},    {"mae", 1, "no value"},
        {"'a", 1, "quotation"},        {"mean(1, 2)", 6, "a name"}, {"mean(a)", 7, "a , and"},
        {"min(a, 1e99)", 5, "to 1e9"}, {"ema(a, 0)", 5, "length"},  {"ema(a, 1.5)", 5, "length"},
        {"min(a, b", 9, "a ) is"},     {"1 + * 2", 5, "a number,"}, {"1..2", 1, "no number"},
        {"a = 2", 3, "an operator"},   {"\x80", 1, "a number,"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct expression *expression = (struct expression *)1;
        struct error error = {0};
        char column[32];
        cr_expect_neq(expression_new(&expression, cases[k].text, &scope, &error), 0, "%s", cases[k].text);
        cr_expect_null(expression);
        snprintf(column, sizeof column, "column %d of", cases[k].column);
        cr_expect(strstr(error.message, column) && strstr(error.message, cases[k].word), "%s: %s", cases[k].text,
                  error.message);
    }
}

Test(expression, nonsense_neither_crashes_nor_hangs) {
    static const char *const parts[] = {"a",   "b",  "(",          ")",  "+",    "-",    "*",     "/", "^",
                                        "<",   "==", "and",        "or", "not",  "min(", "mean(", ",", "3",
                                        "1e9", "'",  "forces_mae", ".",  "nan(", " ",    "\t",    "e", "!"};
    unsigned seed = 12345;
    char text[2048];
    for (int k = 0; k < 20000; k++) {
        int length = 0, words = 0;
        text[0] = 0;
        do {
            seed = seed * 1664525u + 1013904223u;
            length += snprintf(text + length, sizeof text - (size_t)length, "%s",
                               parts[(seed >> 16) % (sizeof parts / sizeof *parts)]);
        } while (++words < 30 && (seed >> 8) % 12);
        struct expression *expression;
        struct error error = {0};
        if (!expression_new(&expression, text, &scope, &error))
            expression_value(expression);
        expression_free(expression);
    }
    char *deep = malloc(100001);
    memset(deep, '(', 100000);
    deep[100000] = 0;
    struct expression *expression;
    struct error error = {0};
    cr_expect_neq(expression_new(&expression, deep, &scope, &error), 0);
    memset(deep, '-', 100000);
    cr_expect_neq(expression_new(&expression, deep, &scope, &error), 0);
    free(deep);
}

/* Parsed from the left, what is long is deep: what evaluates it calls itself. */
Test(expression, what_is_too_long_is_refused) {
    enum { PIECES = 500000 };
    static const char *const pieces[] = {"1+", "2/", "1<", "a*"};
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        char *text = malloc(2 * PIECES + 2);
        struct expression *expression;
        struct error error = {0};
        for (size_t j = 0; j < PIECES; j++)
            memcpy(text + 2 * j, pieces[k], 2);
        strcpy(text + 2 * PIECES, "1");
        cr_expect_eq(expression_new(&expression, text, &scope, &error), ERROR_VALUE);
        cr_expect(strstr(error.message, k < 3 ? "too long" : "too many names"), "%s", error.message);
        strcpy(text + 2 * 1500, "1");
        error = (struct error){0};
        cr_assert_eq(expression_new(&expression, text, &scope, &error), 0, "%s", error.message);
        expression_value(expression);
        expression_free(expression);
        free(text);
    }
}
