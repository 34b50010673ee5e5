#include "e3/wigner.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static long double factorial(int n) {
    long double value = 1;
    for (int k = 2; k <= n; k++)
        value *= k;
    return value;
}

/* <j1 m1 j2 m2 | j m1+m2>, Condon-Shortley phases (Racah's sum; e.g. Edmonds, Angular Momentum in Quantum Mechanics).
 */
static long double clebsch_gordan(int j1, int m1, int j2, int m2, int j) {
    int m = m1 + m2;
    if (abs(m) > j)
        return 0;
    long double sum = 0;
    for (int k = 0; k <= j1 + j2 - j; k++) {
        int a = j1 - m1 - k, b = j2 + m2 - k, c = j - j2 + m1 + k, d = j - j1 - m2 + k;
        if (a < 0 || b < 0 || c < 0 || d < 0)
            continue;
        long double term =
            1 / (factorial(k) * factorial(j1 + j2 - j - k) * factorial(a) * factorial(b) * factorial(c) * factorial(d));
        sum += k % 2 ? -term : term;
    }
    long double triangle =
        factorial(j + j1 - j2) * factorial(j - j1 + j2) * factorial(j1 + j2 - j) / factorial(j1 + j2 + j + 1);
    long double ends = factorial(j + m) * factorial(j - m) * factorial(j1 - m1) * factorial(j1 + m1) *
                       factorial(j2 - m2) * factorial(j2 + m2);
    return sqrtl((2 * j + 1) * triangle) * sqrtl(ends) * sum;
}

/* Row m of the unitary matrix from the real basis to the complex one has up to two entries, at |m| and -|m|; the
 * factor (-i)^l makes the coupled coefficients real. This is e3nn's real basis: for l = 1 the order x, y, z with y as
 * the polar axis. */
static double complex basis_entry(int l, int m, int column) {
    static const double complex phases[] = {1, -I, -1, I};
    double complex phase = phases[l % 4];
    double half = 1 / sqrt(2.0);
    int sign = m > 0 && m % 2 ? -1 : 1;
    if (m == 0)
        return column == 0 ? phase : 0;
    if (column == abs(m))
        return phase * (sign * half);
    if (column == -abs(m))
        return phase * (m < 0 ? -I * half : I * (sign * half));
    return 0;
}

int wigner_3j(int l1, int l2, int l3, double *out) {
    if (l1 < 0 || l2 < 0 || l3 < 0 || l1 > WIGNER_MAX_L || l2 > WIGNER_MAX_L || l3 > WIGNER_MAX_L ||
        l3 < abs(l1 - l2) || l3 > l1 + l2)
        return -1;
    int d1 = 2 * l1 + 1, d2 = 2 * l2 + 1, d3 = 2 * l3 + 1;
    size_t size = (size_t)d1 * (size_t)d2 * (size_t)d3;
    memset(out, 0, size * sizeof *out);
    for (int m1 = -l1; m1 <= l1; m1++)
        for (int m2 = -l2; m2 <= l2; m2++) {
            int m3 = m1 + m2;
            if (abs(m3) > l3)
                continue;
            double coefficient = (double)clebsch_gordan(l1, m1, l2, m2, l3);
            /* only the columns +-m of each basis matter; for m = 0 both are the same */
            for (int s1 = -1; s1 <= (m1 ? 1 : -1); s1 += 2)
                for (int s2 = -1; s2 <= (m2 ? 1 : -1); s2 += 2)
                    for (int s3 = -1; s3 <= (m3 ? 1 : -1); s3 += 2) {
                        int c1 = s1 * abs(m1), c2 = s2 * abs(m2), c3 = s3 * abs(m3);
                        double complex term =
                            basis_entry(l1, m1, c1) * basis_entry(l2, m2, c2) * conj(basis_entry(l3, m3, c3));
                        out[((l1 + c1) * d2 + l2 + c2) * d3 + l3 + c3] += creal(term) * coefficient;
                    }
        }
    double norm = 0;
    for (size_t k = 0; k < size; k++)
        norm += out[k] * out[k];
    norm = sqrt(norm);
    for (size_t k = 0; k < size; k++)
        out[k] = fabs(out[k]) < 1e-14 * norm ? 0 : out[k] / norm;
    return 0;
}
