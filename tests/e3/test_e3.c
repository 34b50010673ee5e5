#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include "e3/harmonics.h"
#include "e3/irreps.h"
#include "e3/wigner.h"

static FILE *open_reference(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    return file;
}

/* ---------------------------------------------------------------- irreps */

static const char *printed(struct irreps irreps, struct text *text) {
    text_clear(text);
    irreps_print(&irreps, text);
    return text->data ? text->data : "";
}

static struct irreps parsed(const char *text, struct arena *arena) {
    struct irreps irreps;
    struct error error = {0};
    cr_assert_eq(irreps_parse(&irreps, text, arena, &error), 0, "%s", error.message);
    return irreps;
}

Test(irreps, algebra_of_e3nn) {
    struct arena *arena = arena_new();
    struct text text = {0};
    struct irreps a = parsed(" 5x0o + 3x0e+4x1o + 2x1e+1o ", arena);
    cr_expect_str_eq(printed(a, &text), "5x0o+3x0e+4x1o+2x1e+1x1o");
    cr_expect_eq(irreps_dim(&a), 5 + 3 + 12 + 6 + 3);
    cr_expect_eq(irreps_num(&a), 15);
    cr_expect_eq(irreps_l_max(&a), 1);
    struct irreps b = parsed("2o+1e+0e+1e", arena);
    int position[4];
    cr_expect_str_eq(printed(irreps_sort(&b, position, arena), &text), "1x0e+1x1e+1x1e+1x2o");
    cr_expect(position[0] == 3 && position[1] == 1 && position[2] == 0 && position[3] == 2);
    struct irreps c = parsed("2x1e+3x1e+0x2e+1e+4x0e+1e", arena);
    int group[6], first[6];
    cr_expect_str_eq(printed(irreps_simplify(&c, group, first, arena), &text), "6x1e+4x0e+1x1e");
    cr_expect(group[1] == 0 && first[1] == 2 && group[3] == 0 && first[3] == 5 && group[5] == 2 && first[5] == 0);
    cr_expect_str_eq(printed(irreps_harmonics(3, arena), &text), "1x0e+1x1o+1x2e+1x3o");
    struct irreps keep = parsed("1e+0e", arena);
    cr_expect_str_eq(printed(irreps_filter(&b, &keep, arena), &text), "1x1e+1x0e+1x1e");
    cr_expect_str_eq(printed(irreps_concat(&keep, &b, arena), &text), "1x1e+1x0e+1x2o+1x1e+1x0e+1x1e");
    cr_expect_str_eq(printed(parsed("", arena), &text), "");
    cr_expect(irreps_equal(&keep, &keep) && !irreps_equal(&keep, &b));
    text_free(&text);
    arena_free(arena);
}

Test(irreps, products) {
    struct irrep out[2 * IRREP_MAX_L + 1];
    char name[8];
    cr_assert_eq(irrep_product((struct irrep){1, -1}, (struct irrep){2, 1}, out), 3);
    cr_expect_str_eq(irrep_name(name, out[0]), "1o");
    cr_expect_str_eq(irrep_name(name, out[2]), "3o");
    struct arena *arena = arena_new();
    struct irreps a = parsed("4x0e", arena), b = parsed("0e+1o", arena);
    cr_expect(irreps_reach(&a, &b, (struct irrep){1, -1}));
    cr_expect(!irreps_reach(&a, &b, (struct irrep){1, 1}));
    arena_free(arena);
}

Test(irreps, refuses_what_is_none) {
    static const char *const bad[] = {"4x",    "x0e",   "4x1",         "0z",    "1e+",
                                      "1e 1o", "4x12e", "99999999x0e", "-1x0e", "4*1o"};
    struct arena *arena = arena_new();
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct irreps irreps;
        struct error error = {0};
        cr_expect_eq(irreps_parse(&irreps, bad[k], arena, &error), ERROR_VALUE, "%s", bad[k]);
        cr_expect(strstr(error.message, bad[k]) != NULL, "%s", error.message);
    }
    arena_free(arena);
}

/* ---------------------------------------------------------------- coupling coefficients */

Test(wigner, agrees_with_e3nn) {
    static double w[13 * 13 * 13];
    FILE *file = open_reference("couplings.txt");
    int l1, l2, l3, count = 0;
    double want;
    while (fscanf(file, "%d %d %d %lf", &l1, &l2, &l3, &want) == 4) {
        int d1 = 2 * l1 + 1, d2 = 2 * l2 + 1, d3 = 2 * l3 + 1;
        double sum = 0;
        cr_assert_eq(wigner_3j(l1, l2, l3, w), 0);
        for (int i = 0; i < d1; i++)
            for (int j = 0; j < d2; j++)
                for (int k = 0; k < d3; k++)
                    sum += w[(i * d2 + j) * d3 + k] * sin(1.3 * i + 0.5) * sin(0.7 * j + 1.1) * sin(2.1 * k + 0.2);
        cr_expect_float_eq(sum, want, 1e-13, "%d %d %d: %.16g, e3nn %.16g", l1, l2, l3, sum, want);
        count++;
    }
    fclose(file);
    cr_expect_eq(count, 175);
}

Test(wigner, refuses_what_does_not_couple) {
    double w[1];
    cr_expect_eq(wigner_3j(1, 1, 3, w), -1);
    cr_expect_eq(wigner_3j(-1, 1, 1, w), -1);
    cr_expect_eq(wigner_3j(WIGNER_MAX_L + 1, 0, WIGNER_MAX_L + 1, w), -1);
}

/* ---------------------------------------------------------------- harmonics */

Test(harmonics, agree_with_e3nn) {
    FILE *file = open_reference("harmonics.txt");
    double v[3], y[49], want;
    int lines = 0;
    while (fscanf(file, "%lf %lf %lf", &v[0], &v[1], &v[2]) == 3) {
        cr_assert_eq(harmonics_evaluate(6, v, y), 0);
        for (int k = 0; k < 49; k++) {
            cr_assert_eq(fscanf(file, "%lf", &want), 1);
            cr_expect_float_eq(y[k], want, 1e-13, "number %d: %.16g, e3nn %.16g", k, y[k], want);
        }
        lines++;
    }
    fclose(file);
    cr_expect_eq(lines, 5);
}

Test(harmonics, have_the_norm_of_components) {
    double v[3] = {0.2, -1.1, 0.4}, y[144];
    cr_assert_eq(harmonics_evaluate(HARMONICS_MAX_L + 1, v, y), 0);
    for (int l = 0; l <= HARMONICS_MAX_L + 1; l++) {
        double sum = 0;
        for (int k = l * l; k < (l + 1) * (l + 1); k++)
            sum += y[k] * y[k];
        cr_expect_float_eq(sum, 2 * l + 1, 1e-12);
    }
    double zero[3] = {0};
    cr_expect_eq(harmonics_evaluate(1, zero, y), -1);
}
