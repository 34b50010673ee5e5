#include "base/print.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* Whatever is printed, it is what C's own printf gives, but for a NaN. */
#define SAME(format, ...)                                                                                              \
    do {                                                                                                               \
        char want[600], got[600];                                                                                      \
        int length = snprintf(want, sizeof want, format, __VA_ARGS__);                                                 \
        cr_expect_eq(print_to(got, sizeof got, format, __VA_ARGS__), length, "%s", format);                            \
        cr_expect_str_eq(got, want, "%s: '%s', not '%s'", format, got, want);                                          \
    } while (0)

Test(print, is_as_c_has_it) {
    SAME("%d|%5d|%-5d|%05d|%+d|% d|%i", 3, 4, 5, 6, 7, 8, -9);
    SAME("%ld %lld %jd %zu %td", -1L, -2LL, (intmax_t)-3, (size_t)4, (ptrdiff_t)-5);
    SAME("%u %lu %llu %ju %x %#lX %o", 1u, 2ul, ~0ull, (uintmax_t)4, 255u, 256ul, 8u);
    SAME("%016llx %hhd %hd %c %%", 0xdeadbeefull, 300, 70000, 'c');
    SAME("%s|%10s|%-10s|%.2s|%*s|%-*s|%.*s|%*.*s", "a", "b", "c", "def", 6, "g", 6, "h", 2, "ijk", -5, 1, "lm");
    SAME("%.*s|%.s|%.0f|%#.0f", -1, "whole", "none", 2.5, 3.0);
    SAME("%g %e %f %a %G %10.3g|%-10.3g|%+.2e %.15g", 1e-5, 1.5, 2.25, 1.0, 1e20, 3.14159, 2.71828, -1e-300, 0.1);
    SAME("%f", 1e308);
    SAME("%.*g %*.*f %p", 3, 1.23456, 12, 2, 9.876, (void *)0);
    SAME("%g %5g %-5g| %g", INFINITY, -INFINITY, INFINITY, -0.0);
    SAME("%Lg", (long double)1.5);
}

Test(print, a_nan_has_no_sign) {
    char out[64];
    double odd = copysign(NAN, -1);
    print_to(out, sizeof out, "%g %f|%8.3g|%-8.2e|%+g|%08.1f", odd, -odd, odd, odd, odd, odd);
    cr_expect_str_eq(out, "nan nan|     nan|nan     |nan|     nan");
}

Test(print, what_there_is_no_room_for_is_cut) {
    char out[6] = "xxxxx";
    cr_expect_eq(print_to(out, sizeof out, "ab%dcd%s", 12, "ef"), 8);
    cr_expect_str_eq(out, "ab12c");
    cr_expect_eq(print_to(out, 3, "%g", 0.125), 5);
    cr_expect_str_eq(out, "0.");
    cr_expect_eq(print_to(NULL, 0, "%s-%g", "abc", 1.5), 7);
}

/* Everything that makes text prints so, and no word of a person's loses anything. */
Test(print, text_and_errors) {
    struct text text = {0};
    struct error error = {0};
    text_format(&text, "%s %.3g", "run-nan.xyz", copysign(NAN, -1));
    cr_expect_str_eq(text.data, "run-nan.xyz nan");
    error_set(&error, ERROR_VALUE, "not %g", copysign(NAN, -1));
    cr_expect_str_eq(error.message, "not nan");
    text_free(&text);
}

Test(print, a_point_in_every_locale) {
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE", "fa_IR"};
    char out[64];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (!setlocale(LC_NUMERIC, names[k]))
            continue;
        cr_expect_eq(print_to(out, sizeof out, "%.2f, %g", 1234.5, 0.5), 12);
        cr_expect_str_eq(out, "1234.50, 0.5");
    }
}
