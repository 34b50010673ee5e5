#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

Test(text, grows) {
    struct text text = {0};
    cr_expect_null(text.data);
    text_add(&text, "");
    cr_expect_str_eq(text.data, "");
    for (int k = 0; k < 1000; k++)
        text_format(&text, "%d,", k);
    text_add_bytes(&text, "a\0b", 3);
    cr_expect_eq(text.size, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    cr_expect_eq(text.data[text.size], 0);
    text_clear(&text);
    cr_expect_str_eq(text.data, "");
    text_free(&text);
    cr_expect_null(text.data);
}

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0, "0.0"},
    {-0.0, "-0.0"},
    {1, "1.0"},
    {0.1, "0.1"},
    {1e-6, "1e-06"},
    {1e-4, "0.0001"},
    {1e16, "1e+16"},
    {1e15, "1000000000000000.0"},
    {123456.75, "123456.75"},
    {5e-324, "5e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {-2.5e-10, "-2.5e-10"},
    {1.0 / 3, "0.3333333333333333"},
    {9007199254740993, "9007199254740992.0"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
    {NAN, "nan"},
};

Test(text, doubles_as_python_writes_them) {
    char out[32];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < sizeof doubles / sizeof *doubles; k++) {
            cr_expect_str_eq(text_double(out, doubles[k].value), doubles[k].text);
            if (isfinite(doubles[k].value))
                cr_expect_eq(text_to_double(out, strlen(out)), doubles[k].value, "%s", out);
        }
        if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) /* a decimal comma, where there is one */
            break;
    }
    cr_expect(isnan(text_to_double("1.5x", 4)));
    cr_expect(isnan(text_to_double("", 0)));
    cr_expect_eq(text_to_double("1.5x", 3), 1.5);
}

Test(text, nearest) {
    static const char *const names[] = {"num_layers", "num_features", "r_max", "lr", "torch.optim.Adam", "forces"};
    enum { COUNT = sizeof names / sizeof *names };
    cr_expect_str_eq(text_nearest("num_layer", names, COUNT), "num_layers");
    cr_expect_str_eq(text_nearest("NUM_FEATURES", names, COUNT), "num_features");
    cr_expect_str_eq(text_nearest("froces", names, COUNT), "forces");
    cr_expect_str_eq(text_nearest("Adam", names, COUNT), "torch.optim.Adam");
    cr_expect_null(text_nearest("zebra_crossing", names, COUNT));
    cr_expect_null(text_nearest("q", names, COUNT));
    cr_expect_null(text_nearest("", names, 0));
    char lengthy[500];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    cr_expect_null(text_nearest(lengthy, names, COUNT));
}

Test(arena, aligned_and_zeroed) {
    struct arena *arena = arena_new();
    size_t state = 1;
    for (int k = 0; k < 3000; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t size = (state >> 33) % (k % 100 ? 300 : 200000);
        unsigned char *memory = arena_alloc(arena, size);
        cr_assert_not_null(memory);
        cr_assert_eq((size_t)memory % (size >= 64 ? 64 : 16), 0);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(memory[i], 0);
        memset(memory, 0xa5, size);
    }
    cr_expect(arena_used(arena) > 0);
    cr_expect_str_eq(arena_string(arena, "abc"), "abc");
    cr_expect_str_eq(arena_format(arena, "%d %s", 7, "x"), "7 x");
    cr_expect_not(arena_failed(arena));
    cr_expect_null(arena_alloc(arena, (size_t)-1));
    cr_expect(arena_failed(arena));
    cr_expect_null(arena_alloc(arena, 1)); /* for ever */
    arena_free(arena);
    arena_free(NULL);
}

Test(error, first_one_wins) {
    struct error error = {0};
    char out[2048];
    cr_expect_eq(error_at(&error, ERROR_TYPE, "a.yaml", 3, 4, "bad %s", "thing"), ERROR_TYPE);
    cr_expect_eq(error_set(&error, ERROR_IO, "later"), ERROR_IO);
    cr_expect_str_eq(error_format(&error, out, sizeof out), "a.yaml:3:4: bad thing");
    error_prefix(&error, "reading %s: ", "it");
    cr_expect_str_eq(error_format(&error, out, sizeof out), "a.yaml:3:4: reading it: bad thing");
    cr_expect_eq(error_set(NULL, ERROR_VALUE, "nobody hears"), ERROR_VALUE);
    struct error none = {0};
    error_prefix(&none, "nothing: ");
    cr_expect_str_eq(none.message, "");
    char lengthy[3000];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    error_set(&none, ERROR_VALUE, "%s", lengthy);
    error_prefix(&none, "%s", lengthy);
    cr_expect_eq(strlen(none.message), sizeof none.message - 1);
    error_format(&none, out, 5);
    cr_expect_eq(strlen(out), 4);
}

static void keep(void *context, enum log_level level, const char *message) {
    text_format(context, "%d:%zu;", (int)level, strlen(message));
}

Test(log, level_and_length) {
    struct text seen = {0};
    char lengthy[5000];
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    log_message(LOG_ERROR, "nobody listens");
    log_set_sink(keep, &seen);
    unsetenv("FETTLE_LOG_LEVEL");
    unsetenv("_NEQUIP_LOG_LEVEL");
    cr_expect_eq(log_threshold(), LOG_INFO);
    log_message(LOG_DEBUG, "no");
    log_message(LOG_INFO, "%s", lengthy);
    setenv("_NEQUIP_LOG_LEVEL", "debug", 1);
    log_message(LOG_DEBUG, "yes");
    setenv("FETTLE_LOG_LEVEL", "ERROR", 1); /* ours before theirs */
    log_message(LOG_WARNING, "no");
    cr_expect_str_eq(seen.data, "1:4999;0:3;");
    log_set_sink(NULL, NULL);
    text_free(&seen);
}

/* What a terminal would obey, or not show, is told; all else stays as it is. */
Test(text, shown) {
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"loss 0.5\t\xc3\x85ngstr\xc3\xb6m\n", "loss 0.5\t\xc3\x85ngstr\xc3\xb6m\n"},
        {"\xf0\x9f\x98\x80\xe6\xbc\xa2", "\xf0\x9f\x98\x80\xe6\xbc\xa2"},
        {"\033]0;title\a\r", "\\x1b]0;title\\x07\\x0d"},
        {"\x7f\xc2\x9b"
         "31m",
         "\\x7f\\u009b31m"},
        {"\x9b"
         "31m \xff\xc3",
         "\\x9b31m \\xff\\xc3"},
        {"\xc0\xaf\xe0\x80\xaf\xed\xa0\x80", "\\xc0\\xaf\\xe0\\x80\\xaf\\xed\\xa0\\x80"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf",
         "a\\u202eb\\u2066\\u200b\\ufeff"},
        {"\xf3\xa0\x81\x81", "\\U000e0041"},
        {"back\\slash", "back\\slash"},
        {"", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct text once = {0}, twice = {0};
        char buffer[64];
        text_add_shown(&once, cases[k].text, strlen(cases[k].text));
        text_add(&once, "");
        text_add_shown(&twice, once.data, once.size);
        text_add(&twice, "");
        cr_expect_str_eq(once.data, cases[k].shown);
        cr_expect_str_eq(twice.data, cases[k].shown);
        cr_expect_str_eq(text_shown(buffer, sizeof buffer, cases[k].text), cases[k].shown);
        text_free(&once);
        text_free(&twice);
    }
    struct text zero = {0};
    char small[6];
    text_add_shown(&zero, "a\0b", 3);
    cr_expect_str_eq(zero.data, "a\\x00b");
    text_free(&zero);
    cr_expect_str_eq(text_shown(small, sizeof small, "abc\033"), "abc", "no half of what stands for a character");
}
