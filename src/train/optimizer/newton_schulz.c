#include "train/optimizer/newton_schulz.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "train/optimizer/optimizer_kinds.h"

float newton_schulz_round(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return x;
    bits += 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* c [m, n] = a [m, k] b [k, n] */
TRAIN_CLONES
static void multiply(size_t m, size_t n, size_t k, const float *restrict a, const float *restrict b,
                     float *restrict c) {
    memset(c, 0, m * n * sizeof *c);
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++) {
            float factor = a[i * k + l];
#pragma omp simd
            for (size_t j = 0; j < n; j++)
                c[i * n + j] += factor * b[l * n + j];
        }
}

static void transpose(size_t rows, size_t cols, const float *restrict x, float *restrict out) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[j * rows + i] = x[i * cols + j];
}

/* x, or the sum, becomes own * x + product, with the one rounding or the two. */
static void add_product(const struct newton_schulz *how, size_t count, double own, float *x, double scale,
                        const float *product, float *out) {
    for (size_t k = 0; k < count; k++)
        out[k] = how->adds
                     ? newton_schulz_round(newton_schulz_round((float)own * x[k]) + newton_schulz_round(product[k]))
                     : newton_schulz_round((float)own * x[k] + (float)scale * product[k]);
}

/* x [r, c] with r <= c */
static void iterate(const struct newton_schulz *how, size_t r, size_t c, float *x, float *scratch) {
    float *across = scratch, *product = across + r * c, *gram = product + r * c, *sum = gram + r * r;
    float *scaled = sum + r * r;
    for (int k = 0; k < how->steps; k++) {
        transpose(r, c, x, across);
        multiply(r, r, c, x, across, gram);
        for (size_t i = 0; i < r * r; i++) {
            gram[i] = newton_schulz_round(gram[i]);
            scaled[i] = how->adds ? newton_schulz_round((float)how->c * gram[i]) : gram[i];
        }
        multiply(r, r, r, scaled, gram, product);
        add_product(how, r * r, how->b, gram, how->c, product, sum);
        multiply(r, c, r, sum, x, product);
        add_product(how, r * c, how->a, x, 1, product, x);
    }
}

void newton_schulz(const struct newton_schulz *how, int rows, int cols, float *x, float *scratch) {
    size_t r = (size_t)rows, c = (size_t)cols, count = r * c;
    double square = 0;
    for (size_t k = 0; k < count; k++) {
        x[k] = newton_schulz_round(x[k]);
        square += (double)x[k] * (double)x[k];
    }
    float norm = newton_schulz_round((float)sqrt(square)), eps = (float)how->eps;
    if (how->adds)
        norm = newton_schulz_round(norm + eps);
    else if (norm < newton_schulz_round(eps))
        norm = newton_schulz_round(eps);
    for (size_t k = 0; k < count; k++)
        x[k] = newton_schulz_round(x[k] / norm);
    if (r <= c) {
        iterate(how, r, c, x, scratch);
        return;
    }
    float *turned = scratch;
    transpose(r, c, x, turned);
    iterate(how, c, r, turned, scratch + count);
    transpose(c, r, turned, x);
}

size_t newton_schulz_scratch(int rows, int cols) {
    size_t least = (size_t)(rows < cols ? rows : cols), count = (size_t)rows * (size_t)cols;
    return 3 * count + 3 * least * least;
}
