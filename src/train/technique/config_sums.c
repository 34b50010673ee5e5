#include "train/technique/config_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/optimizer/dot.h"
#include "train/optimizer/eigen.h"
#include "train/optimizer/optimizer_kinds.h"

/* An eigenvalue of the matrix of cosines below this times the largest counts as zero.  Gradients in float32 that are
 * multiples of each other but for rounding have one of 1e-15; a cosine of 1 - 1e-6 has one of 1e-6. */
#define CUTOFF 1e-13

/* ---------------------------------------------------------------- over all parameters, by the team */

enum { BLOCK = 1024 };

struct job {
    const struct config_vectors *vectors;
    const double *weights;
    void *const *out;
    double (*products)[CONFIG_MAX_TERMS][CONFIG_MAX_TERMS]; /* [members] */
};

static void stretch(size_t count, int member, int members, size_t *begin, size_t *end) {
    size_t lines = (count + 15) / 16; /* whole cache lines to each member */
    *begin = 16 * (lines * (size_t)member / (size_t)members);
    *end = 16 * (lines * (size_t)(member + 1) / (size_t)members);
    *end = *end < count ? *end : count;
    *begin = *begin < *end ? *begin : *end;
}

static void run_products(void *context, int member, int members) {
    const struct job *job = context;
    const struct config_vectors *v = job->vectors;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t begin, end;
        stretch(v->counts[d], member, members, &begin, &end);
        /* each stretch of the gradients is fetched from memory once */
        for (size_t at = begin; at < end; at += BLOCK) {
            size_t to = end - at < BLOCK ? end : at + BLOCK;
            for (int i = 0; i < v->count; i++)
                for (int j = 0; j <= i; j++)
                    job->products[member][i][j] += dot((enum dtype)d, v->part[i][d], v->part[j][d], at, to);
        }
    }
}

int config_products(struct team *team, const struct config_vectors *vectors, double *products) {
    int n = vectors->count, members = team_size(team);
    struct job job = {.vectors = vectors};
    job.products = calloc((size_t)members, sizeof *job.products);
    if (!job.products)
        return -1;
    team_run(team, run_products, &job);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int m = 0; m < members; m++)
                sum += job.products[m][i][j];
            products[i * n + j] = products[j * n + i] = sum;
        }
    free(job.products);
    return 0;
}

/* Terms that nearly cancel leave little: in float64 the rounding is that of the result, not of the terms. */
OPTIMIZER_CLONES
static void add_f32(size_t count, double w, const float *restrict x, double *restrict sums) {
    for (size_t k = 0; k < count; k++)
        sums[k] += w * (double)x[k];
}

OPTIMIZER_CLONES
static void add_f64(size_t count, double w, const double *restrict x, double *restrict sums) {
    for (size_t k = 0; k < count; k++)
        sums[k] += w * x[k];
}

OPTIMIZER_CLONES
static void narrow(size_t count, const double *restrict sums, float *restrict out) {
    for (size_t k = 0; k < count; k++)
        out[k] = (float)sums[k];
}

static void run_sum(void *context, int member, int members) {
    const struct job *job = context;
    const struct config_vectors *v = job->vectors;
    double sums[BLOCK];
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t begin, end;
        stretch(v->counts[d], member, members, &begin, &end);
        for (size_t at = begin; at < end; at += BLOCK) {
            size_t count = end - at < BLOCK ? end - at : BLOCK;
            memset(sums, 0, sizeof sums);
            for (int i = 0; i < v->count; i++)
                if (d == F32)
                    add_f32(count, job->weights[i], (const float *)v->part[i][d] + at, sums);
                else
                    add_f64(count, job->weights[i], (const double *)v->part[i][d] + at, sums);
            if (d == F32)
                narrow(count, sums, (float *)job->out[d] + at);
            else
                memcpy((double *)job->out[d] + at, sums, count * sizeof *sums);
        }
    }
}

void config_sum(struct team *team, const struct config_vectors *vectors, const double *weights,
                void *const out[DTYPE_COUNT]) {
    struct job job = {.vectors = vectors, .weights = weights, .out = out};
    team_run(team, run_sum, &job);
}

/* ---------------------------------------------------------------- the weights */

int config_weights(int count, const double *products, const double *coefficients, double eps, double *weights) {
    double norm[CONFIG_MAX_TERMS], y[CONFIG_MAX_TERMS];
    double g[CONFIG_MAX_TERMS * CONFIG_MAX_TERMS] = {0}, b[CONFIG_MAX_TERMS] = {0};
    double b_norm = 0, x_norm = 0, sum = 0;
    if (count < 1 || count > CONFIG_MAX_TERMS)
        return -1;
    for (int i = 0; i < count; i++) {
        norm[i] = fmax(sqrt(products[i * count + i]), eps);
        b_norm += coefficients[i] * coefficients[i];
    }
    b_norm = fmax(sqrt(b_norm), eps);
    for (int i = 0; i < count; i++) {
        b[i] = coefficients[i] / b_norm;
        for (int j = 0; j < count; j++)
            g[i * count + j] = products[i * count + j] / (norm[i] * norm[j]);
    }
    if (eigen_solve(count, g, b, CUTOFF, y))
        return -1;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            x_norm += y[i] * g[i * count + j] * y[j];
            sum += norm[i] * g[i * count + j] * y[j];
        }
    x_norm = fmax(sqrt(fmax(x_norm, 0)), eps);
    for (int i = 0; i < count; i++)
        weights[i] = sum / x_norm * y[i] / (x_norm * norm[i]);
    return 0;
}
