/* Reduction by pairs and triples: a vector gives way to a shorter one, its difference from multiples of the others, as
 * long as there is one (Nguyen, Stehle, ACM Trans. Algorithms 5, 46 (2009), for three dimensions). */
#include "data/frame/lattice.h"

#include <math.h>
#include <string.h>

static const double most_whole = 1125899906842624.0; /* 2^50: sums of such numbers are exact */

struct vectors {
    double start[9]; /* as they were: new ones are made from these, so that errors do not pile up */
    double now[9], whole[9];
};

static double product(const double *a, const double *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Vector a, less m times b and n times c (b and c may be a: then nothing of it). */
static int less(const struct vectors *v, int a, int b, double m, int c, double n, double *now, double *whole) {
    for (int d = 0; d < 3; d++) {
        whole[d] = v->whole[3 * a + d] - m * v->whole[3 * b + d] - n * v->whole[3 * c + d];
        if (!(fabs(whole[d]) < most_whole))
            return 0;
    }
    for (int x = 0; x < 3; x++) {
        long double sum = 0;
        for (int d = 0; d < 3; d++)
            sum += (long double)whole[d] * v->start[3 * d + x];
        now[x] = (double)sum;
    }
    return 1;
}

/* 1 if vector a has become shorter. */
static int try_less(struct vectors *v, int a, int b, double m, int c, double n) {
    double now[3], whole[3], before = product(&v->now[3 * a], &v->now[3 * a]);
    if ((m == 0 && n == 0) || !less(v, a, b, m, c, n, now, whole) || !(product(now, now) < before * (1 - 1e-9)))
        return 0;
    memcpy(&v->now[3 * a], now, sizeof now);
    memcpy(&v->whole[3 * a], whole, sizeof whole);
    return 1;
}

static int shorten_by_one(struct vectors *v, int a, int b) {
    double length = product(&v->now[3 * b], &v->now[3 * b]);
    return length > 0 && try_less(v, a, b, nearbyint(product(&v->now[3 * a], &v->now[3 * b]) / length), b, 0);
}

/* By two that are short already: the nearest of their sums is one of those around where the plane is met. */
static int shorten_by_two(struct vectors *v, int a, int b, int c) {
    const double *x = &v->now[3 * a], *y = &v->now[3 * b], *z = &v->now[3 * c];
    double yy = product(y, y), yz = product(y, z), zz = product(z, z), det = yy * zz - yz * yz;
    if (!(det > 0))
        return 0;
    double m = nearbyint((product(x, y) * zz - product(x, z) * yz) / det);
    double n = nearbyint((product(x, z) * yy - product(x, y) * yz) / det);
    for (int i = -1; i <= 1; i++)
        for (int j = -1; j <= 1; j++)
            if (try_less(v, a, b, m + i, c, n + j))
                return 1;
    return 0;
}

int lattice_reduce(double basis[9], int64_t whole[9], const unsigned char pbc[3]) {
    enum { ROUNDS = 1000 }; /* each shortens something; a factor of a hundred a round is common */
    struct vectors v = {.whole = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
    int shorter = 1, round = 0;
    memcpy(v.start, basis, sizeof v.start);
    memcpy(v.now, basis, sizeof v.now);
    for (; shorter && round < ROUNDS; round++) {
        shorter = 0;
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                if (a != b && pbc[a] && pbc[b])
                    shorter |= shorten_by_one(&v, a, b);
        for (int a = 0; a < 3 && !shorter && pbc[0] && pbc[1] && pbc[2]; a++)
            shorter |= shorten_by_two(&v, a, (a + 1) % 3, (a + 2) % 3);
    }
    if (shorter)
        return 0;
    for (int k = 0; k < 9; k++) {
        basis[k] = v.now[k];
        whole[k] = (int64_t)v.whole[k];
    }
    return 1;
}
