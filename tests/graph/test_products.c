/* Products of matrices of many shapes, as linear layers make them, in every form of the kernels. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/kernel/kernels.h"
#include "graph/op/form.h"
#include "graph/run/program.h"

struct shape {
    int m, k, n;
};

/* Among them what the kernels' own loops take and what they leave to the library: rows, columns and sums that do not
 * come out even, one of each, and a few that are larger than a kernel takes in one piece. */
static const struct shape shapes[] = {{1, 1, 1},      {7, 5, 3},      {9, 8, 64},    {77, 33, 48},  {300, 64, 160},
                                      {130, 160, 64}, {65, 250, 272}, {40, 300, 16}, {501, 64, 50}, {203, 272, 33}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double *numbers(long count, unsigned *seed) {
    double *out = malloc((size_t)count * sizeof *out);
    for (long i = 0; i < count; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        out[i] = (double)(float)((double)(*seed >> 8) / (1 << 24) - 0.5);
    }
    return out;
}

static void *cast(const double *from, long count, enum dtype dtype) {
    void *to = malloc((size_t)count * sizeof(double));
    for (long i = 0; i < count; i++)
        if (dtype == F32)
            ((float *)to)[i] = (float)from[i];
        else
            ((double *)to)[i] = from[i];
    return to;
}

static void expect_like(const void *data, const double *expected, long count, enum dtype dtype, const char *what,
                        struct shape s) {
    double tolerance = dtype == F32 ? 1e-5 : 1e-13, scale = 1;
    for (long i = 0; i < count; i++)
        scale = fmax(scale, fabs(expected[i]));
    for (long i = 0; i < count; i++) {
        double value = dtype == F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
        cr_assert(fabs(value - expected[i]) <= tolerance * scale,
                  "%s of %d x %d by %d columns, %s: [%ld] is %.9g, not %.9g", what, s.m, s.k, s.n, dtype_name(dtype), i,
                  value, expected[i]);
    }
}

/* y = x W / 2, and with g for y's adjoint: g W^T / 2 and x^T g / 2. */
static void check(struct shape s, enum dtype dtype, int threads) {
    unsigned seed = 11;
    long mk = (long)s.m * s.k, kn = (long)s.k * s.n, mn = (long)s.m * s.n;
    double *x = numbers(mk, &seed), *w = numbers(kn, &seed), *g = numbers(mn, &seed);
    double *y = calloc((size_t)mn, sizeof *y), *dx = calloc((size_t)mk, sizeof *dx),
           *dw = calloc((size_t)kn, sizeof *dw);
    for (int i = 0; i < s.m; i++)
        for (int j = 0; j < s.k; j++)
            for (int l = 0; l < s.n; l++) {
                y[i * s.n + l] += 0.5 * x[i * s.k + j] * w[j * s.n + l];
                dx[i * s.k + j] += 0.5 * g[i * s.n + l] * w[j * s.n + l];
                dw[j * s.n + l] += 0.5 * x[i * s.k + j] * g[i * s.n + l];
            }

    struct graph *graph = graph_new();
    struct node *in[] = {graph_input(graph, "x", dtype, DIM_ATOMS, 0, s.k),
                         graph_input(graph, "w", dtype, DIM_STATIC, 1, (int)kn),
                         graph_input(graph, "g", dtype, DIM_ATOMS, 0, s.n)};
    struct block to = {1, s.n};
    struct linear_path path = {0, 0, 0, 0.5};
    struct node *out[3], *of[2];
    struct program *program;
    struct error error = {0};
    out[0] = graph_linear(graph, in[0], in[1], &to, 1, &path, 1);
    graph_grad(graph, out[0], in[2], in, 2, of);
    out[1] = of[0];
    out[2] = of[1];
    cr_assert_eq(program_build(&program, graph, out, 3, NULL, &error), 0, "%s", error.message);
    void *data[] = {cast(x, mk, dtype), cast(w, kn, dtype), cast(g, mn, dtype)};
    const void *inputs[3];
    for (int k = 0; k < program_inputs(program); k++)
        inputs[k] = data[strchr("xwg", program_input_name(program, k)[0]) - "xwg"];
    struct topology topology = {.dim = {[DIM_ATOMS] = s.m}};
    struct program_binding binding = {.topology = &topology, .inputs = inputs};
    struct team *team = team_new(threads);
    cr_assert_eq(program_run(program, team, &binding, &error), 0, "%s", error.message);
    expect_like(program_output(program, 0, NULL, NULL), y, mn, dtype, "x W", s);
    expect_like(program_output(program, 1, NULL, NULL), dx, mk, dtype, "g W^T", s);
    expect_like(program_output(program, 2, NULL, NULL), dw, kn, dtype, "x^T g", s);
    team_free(team);
    program_free(program);
    graph_free(graph);
    for (int k = 0; k < 3; k++)
        free(data[k]);
    double *all[] = {x, w, g, y, dx, dw};
    for (int k = 0; k < 6; k++)
        free(all[k]);
}

Test(products, of_any_shape_in_every_form) {
    static const char *const forms[] = {"portable", "avx2", "avx512"};
    for (int f = 0; f < 3; f++) {
        struct error error = {0};
        if (kernels_use(forms[f], &error))
            continue; /* not on this processor */
        for (int k = 0; k < SHAPES; k++)
            for (int threads = 1; threads <= 3; threads++) {
                check(shapes[k], F32, threads);
                check(shapes[k], F64, threads);
            }
    }
}
