/* Some vectors over all parameters at once: each stretch of them is fetched from memory once. */
#include "train/core/vector.h"

#include <stdlib.h>
#include <string.h>

#include "train/core/clones.h"
#include "train/core/dot.h"

enum { BLOCK = 1024 };

struct vector_job {
    const struct vectors *vectors;
    const double *weights;
    void *const *out;
    double (*products)[VECTORS_MOST][VECTORS_MOST]; /* [members] */
};

void vector_stretch(size_t count, int member, int members, size_t *begin, size_t *end) {
    size_t lines = (count + 15) / 16; /* whole cache lines to each member */
    *begin = 16 * (lines * (size_t)member / (size_t)members);
    *end = 16 * (lines * (size_t)(member + 1) / (size_t)members);
    *end = *end < count ? *end : count;
    *begin = *begin < *end ? *begin : *end;
}

static void run_products(void *context, int member, int members) {
    const struct vector_job *job = context;
    const struct vectors *v = job->vectors;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t begin, end;
        vector_stretch(v->counts[d], member, members, &begin, &end);
        /* each stretch of the gradients is fetched from memory once */
        for (size_t at = begin; at < end; at += BLOCK) {
            size_t to = end - at < BLOCK ? end : at + BLOCK;
            for (int i = 0; i < v->count; i++)
                for (int j = 0; j <= i; j++)
                    job->products[member][i][j] += dot((enum dtype)d, v->part[i][d], v->part[j][d], at, to);
        }
    }
}

int vectors_products(struct team *team, const struct vectors *vectors, double *products) {
    int n = vectors->count, members = team_size(team);
    struct vector_job job = {.vectors = vectors};
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
TRAIN_CLONES
static void add_f32(size_t count, double w, const float *restrict x, double *restrict sums) {
    for (size_t k = 0; k < count; k++)
        sums[k] += w * (double)x[k];
}

TRAIN_CLONES
static void add_f64(size_t count, double w, const double *restrict x, double *restrict sums) {
    for (size_t k = 0; k < count; k++)
        sums[k] += w * x[k];
}

TRAIN_CLONES
static void narrow(size_t count, const double *restrict sums, float *restrict out) {
    for (size_t k = 0; k < count; k++)
        out[k] = (float)sums[k];
}

static void run_sum(void *context, int member, int members) {
    const struct vector_job *job = context;
    const struct vectors *v = job->vectors;
    double sums[BLOCK];
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t begin, end;
        vector_stretch(v->counts[d], member, members, &begin, &end);
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

void vectors_sum(struct team *team, const struct vectors *vectors, const double *weights,
                 void *const out[DTYPE_COUNT]) {
    struct vector_job job = {.vectors = vectors, .weights = weights, .out = out};
    team_run(team, run_sum, &job);
}
