/* The walk over the op table: every op has a case; every case agrees with finite differences to second order, in
 * float32 with float64, on any number of threads, with and without simplification; and no derivative of a derivative
 * leaves the table. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/cases.h"
#include "graph/kernel/unary_value.h"
#include "graph/kernel/kernel_set.h"
#include "graph/kernel/kernels.h"
#include "graph/op/functions.h"
#include "graph/run/program_look.h"

enum { MOST = 4096 };

/* A case with its inputs' numbers, and the functions built on it. */
struct setup {
    struct graph *graph;
    struct case_inputs in;
    struct topology *topology;
    long size[CASE_MAX_INPUTS];
    double *numbers[CASE_MAX_INPUTS];
    enum dtype dtype;
};

static double draw(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 24);
}

static long rows_in(const struct node *node, const struct topology *t) {
    return node->dim == DIM_STATIC ? node->rows : t->dim[node->dim];
}

static void setup(struct setup *s, enum dtype dtype, int directed) {
    memset(s, 0, sizeof *s);
    s->graph = graph_new();
    s->in.low = -1;
    s->in.high = 1;
    s->dtype = dtype;
    s->topology = case_topology(directed);
}

static void draw_numbers(struct setup *s) {
    unsigned seed = 7;
    for (int k = 0; k < s->in.count; k++) {
        s->size[k] = rows_in(s->in.x[k], s->topology) * node_cols(s->in.x[k]);
        s->numbers[k] = malloc((size_t)s->size[k] * sizeof(double));
        for (long i = 0; i < s->size[k]; i++)
            s->numbers[k][i] = (double)(float)(s->in.low + (s->in.high - s->in.low) * draw(&seed));
    }
}

static void teardown(struct setup *s) {
    for (int k = 0; k < s->in.count; k++)
        free(s->numbers[k]);
    case_topology_free(s->topology);
    graph_free(s->graph);
}

/* A fixed weight for every number of a tensor, so that its sum has a gradient of full rank. */
static struct node *seed_like(struct graph *graph, const struct node *like) {
    struct node *rows = graph_fill(graph, like->dtype, like, 0);
    (void)rows;
    /* w = a + b * column pattern: columns by a static remap of a constant row, rows alike */
    int cols = like->layout->cols;
    double values[MOST];
    for (int c = 0; c < cols; c++)
        values[c] = 0.3 + 0.7 * sin(1.0 + 2.3 * c);
    struct node *row = graph_const(graph, like->dtype, 1, cols, values);
    struct remap_entry entries[128];
    int n = 0, at = 0;
    for (int b = 0; b < like->layout->nblocks; b++)
        for (int m = 0; m < like->layout->blocks[b].mid; m++) {
            entries[n++] = (struct remap_entry){0, 0, at, b, m, 0, like->layout->blocks[b].mul, 1};
            at += like->layout->blocks[b].mul;
        }
    row = graph_remap(graph, row, like->layout->blocks, like->layout->nblocks, entries, n);
    return graph_spread(graph, row, like);
}

static struct node *weighted_sum(struct graph *graph, struct node *y) {
    if (!y->layout->cols)
        return graph_fill(graph, y->dtype, y, 0);
    struct node *product = graph_mul(graph, y, seed_like(graph, y));
    /* block by block to a plain row, then everything */
    struct node *parts = graph_sum(graph, product, AXIS_MID | AXIS_MUL);
    return graph_sum(graph, parts, AXIS_ROWS | AXIS_BLOCKS);
}

/* stages: how many stretches the program has, each run by itself; 0: it is run through. */
static void evaluate_in(struct setup *s, struct program *program, struct team *team, double **numbers, double *out,
                        long *sizes, int stages) {
    const void *inputs[CASE_MAX_INPUTS + 1] = {0};
    float *narrow[CASE_MAX_INPUTS] = {0};
    for (int k = 0; k < program_inputs(program); k++) {
        int which = program_input_name(program, k)[1] - '0';
        inputs[k] = numbers[which];
        if (s->dtype == F32) {
            narrow[k] = malloc((size_t)s->size[which] * sizeof(float));
            for (long i = 0; i < s->size[which]; i++)
                narrow[k][i] = (float)numbers[which][i];
            inputs[k] = narrow[k];
        }
    }
    struct program_binding binding = {.topology = s->topology, .inputs = inputs};
    struct error error = {0};
    int code = stages ? program_begin(program, team, &binding, &error) : program_run(program, team, &binding, &error);
    cr_assert_eq(code, 0, "%s", error.message);
    for (int stage = 0; stage < stages; stage++)
        cr_assert_eq(program_run_stage(program, stage, &error), 0);
    for (int k = 0; sizes[k] >= 0; k++) {
        long rows;
        int cols;
        const void *data = program_output(program, k, &rows, &cols);
        cr_assert_eq(rows * cols, sizes[k]);
        for (long i = 0; i < sizes[k]; i++)
            *out++ = s->dtype == F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
    }
    for (int k = 0; k < CASE_MAX_INPUTS; k++)
        free(narrow[k]);
}

static void evaluate(struct setup *s, struct program *program, struct team *team, double **numbers, double *out,
                     long *sizes) {
    evaluate_in(s, program, team, numbers, out, sizes, 0);
}

/* Builds y, L = sum(w y), dL/dx, L2 = sum(w2 dL/dx), dL2/dx. Returns how many outputs. */
static int build_all(struct setup *s, const struct op_case *c, struct node **out, long *sizes) {
    struct graph *graph = s->graph;
    struct node *y = c->build(graph, s->dtype, &s->in);
    draw_numbers(s);
    int n = 0;
    struct node *first[CASE_MAX_INPUTS], *second[CASE_MAX_INPUTS];
    struct node *l = weighted_sum(graph, y), *l2 = NULL;
    out[n++] = l;
    graph_grad(graph, l, NULL, s->in.x, s->in.count, first);
    for (int k = 0; k < s->in.count; k++) {
        out[n++] = first[k];
        struct node *part = weighted_sum(graph, first[k]);
        l2 = l2 ? graph_add(graph, l2, part) : part;
    }
    out[n++] = l2;
    graph_grad(graph, l2, NULL, s->in.x, s->in.count, second);
    for (int k = 0; k < s->in.count; k++)
        out[n++] = second[k];
    for (int k = 0; k < n; k++)
        sizes[k] = rows_in(out[k], s->topology) * node_cols(out[k]);
    sizes[n] = -1;
    struct error error = {0};
    cr_assert_eq(graph_error(graph, &error), 0, "%s: %s", c->name, error.message);
    return n;
}

static struct program *make(struct setup *s, struct node **out, int n, int inspect) {
    struct program *program;
    struct error error = {0};
    struct program_options options = {.inspect = inspect};
    int code = program_build(&program, s->graph, out, n, &options, &error);
    cr_assert_eq(code, 0, "%s", error.message);
    return program;
}

static void finite_differences(int which, int directed) {
    const struct op_case *c = &op_cases[which];
    struct setup s;
    struct node *out[2 * CASE_MAX_INPUTS + 2];
    long sizes[2 * CASE_MAX_INPUTS + 3];
    setup(&s, F64, directed);
    int n = build_all(&s, c, out, sizes);
    double *exact = calloc(64 * MOST, sizeof *exact), *value = calloc(64 * MOST, sizeof *value);
    struct program *all = make(&s, out, n, 0);
    evaluate(&s, all, NULL, s.numbers, exact, sizes);
    struct node *scalars[] = {out[0], out[1 + s.in.count]};
    long ones[] = {1, 1, -1};
    struct program *program = make(&s, scalars, 2, 0);

    long at1 = 1, at2 = 1;
    for (int k = 0; k < s.in.count; k++)
        at2 += s.size[k];
    at2++;
    unsigned seed = 3;
    for (int k = 0; c->derivatives && k < s.in.count; k++) {
        for (long i = 0; i < s.size[k]; i++) {
            if (s.size[k] > 40 && draw(&seed) * (double)s.size[k] > 40)
                continue; /* some forty of many */
            double h = 1e-3, keep = s.numbers[k][i], d[2] = {0, 0};
            static const double weight[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
            static const int steps[] = {-2, -1, 1, 2};
            for (int p = 0; p < 4; p++) {
                s.numbers[k][i] = keep + steps[p] * h;
                evaluate(&s, program, NULL, s.numbers, value, ones);
                d[0] += weight[p] * value[0] / h;
                d[1] += weight[p] * value[1] / h;
            }
            s.numbers[k][i] = keep;
            double e1 = exact[at1 + i], e2 = exact[at2 + i];
            cr_expect(fabs(d[0] - e1) < 1e-7 * (1 + fabs(e1)), "%s: dL/dx%d[%ld] is %.10g, by differences %.10g",
                      c->name, k, i, e1, d[0]);
            cr_expect(fabs(d[1] - e2) < 1e-6 * (1 + fabs(e2)), "%s: d2L/dx%d[%ld] is %.10g, by differences %.10g",
                      c->name, k, i, e2, d[1]);
        }
        at1 += s.size[k];
        at2 += s.size[k];
    }
    program_free(program);
    program_free(all);
    free(exact);
    free(value);
    teardown(&s);
}

Test(ops, finite_differences) {
    for (int k = 0; k < op_case_count; k++)
        finite_differences(k, 0);
}

Test(ops, finite_differences_directed) {
    for (int k = 0; k < op_case_count; k++)
        finite_differences(k, 1);
}

static void use_form(const char *form) {
    struct error error = {0};
    if (form)
        cr_assert_eq(kernels_use(form, &error), 0, "%s", error.message);
}

/* One case in float64 as built, and again in another way: the results must agree to rounding. form: the kernels of the
 * other way, the plainest standing against them.  memory: what it is computed in. */
static void agree_in(int which, enum dtype dtype, int inspect, int threads, double tolerance, const char *form,
                     size_t memory) {
    const struct op_case *c = &op_cases[which];
    struct setup s, t;
    struct node *out[2 * CASE_MAX_INPUTS + 2];
    long sizes[2 * CASE_MAX_INPUTS + 3];
    double *a = calloc(64 * MOST, sizeof *a), *b = calloc(64 * MOST, sizeof *b);
    use_form(form ? "portable" : NULL);
    setup(&s, F64, 0);
    int n = build_all(&s, c, out, sizes);
    struct program *program = make(&s, out, n, 0);
    evaluate(&s, program, NULL, s.numbers, a, sizes);
    program_free(program);

    use_form(form);
    setup(&t, dtype, 0);
    n = build_all(&t, c, out, sizes);
    program = make(&t, out, n, inspect);
    program_set_memory(program, memory);
    struct team *team = team_new(threads);
    evaluate(&t, program, team, t.numbers, b, sizes);
    program_free(program);
    team_free(team);

    for (long k = 0, at = 0; k < n; at += sizes[k++]) {
        double scale = 1e-3;
        for (long i = 0; i < sizes[k]; i++)
            scale = fmax(scale, fabs(a[at + i]));
        for (long i = 0; i < sizes[k]; i++)
            cr_expect(fabs(a[at + i] - b[at + i]) <= tolerance * scale, "%s: output %ld[%ld]: %.9g, not %.9g", c->name,
                      k, i, b[at + i], a[at + i]);
    }
    free(a);
    free(b);
    teardown(&s);
    teardown(&t);
}

static void agree(int which, enum dtype dtype, int inspect, int threads, double tolerance) {
    agree_in(which, dtype, inspect, threads, tolerance, NULL, SIZE_MAX);
}

Test(ops, float32_agrees) {
    for (int k = 0; k < op_case_count; k++)
        agree(k, F32, 0, 1, 2e-4);
}

Test(ops, inspection_build_agrees) {
    for (int k = 0; k < op_case_count; k++)
        agree(k, F64, 1, 1, 1e-12);
}

Test(ops, threads_agree) {
    for (int k = 0; k < op_case_count; k++) {
        agree(k, F64, 0, 2, 1e-12);
        agree(k, F64, 0, 5, 1e-12);
        agree(k, F32, 0, 3, 2e-4);
    }
}

Test(ops, chunks_agree) {
    for (int k = 0; k < op_case_count; k++) {
        agree_in(k, F64, 0, 1, 1e-12, NULL, 1);
        agree_in(k, F64, 0, 3, 1e-12, NULL, 1);
        agree_in(k, F32, 0, 2, 2e-4, NULL, 1);
    }
}

/* Values, first derivatives, what is made of them, second derivatives: each a stretch of its own, and all in one run.
 */
static void stretches(int which, enum dtype dtype, int threads) {
    struct setup s;
    struct node *out[2 * CASE_MAX_INPUTS + 2];
    long sizes[2 * CASE_MAX_INPUTS + 3], count = 0;
    int stages[2 * CASE_MAX_INPUTS + 2];
    double *a = calloc(64 * MOST, sizeof *a), *b = calloc(64 * MOST, sizeof *b);
    struct error error = {0};
    struct program *program;
    setup(&s, dtype, 0);
    int n = build_all(&s, &op_cases[which], out, sizes);
    for (int k = 0; k < n; k++) {
        stages[k] = k == 0 ? 1 : k <= s.in.count ? 0 : k == s.in.count + 1 ? 2 : 3;
        count += sizes[k];
    }
    struct team *team = team_new(threads);
    program = make(&s, out, n, 0);
    evaluate(&s, program, team, s.numbers, a, sizes);
    program_free(program);
    cr_assert_eq(program_build(&program, s.graph, out, n, &(struct program_options){.stages = stages}, &error), 0);
    for (int apart = 4; apart >= 0; apart -= 4) {
        memset(b, 0, (size_t)count * sizeof *b);
        evaluate_in(&s, program, team, s.numbers, b, sizes, apart);
        cr_expect_eq(memcmp(a, b, (size_t)count * sizeof *a), 0, "%s, %d threads, %s", op_cases[which].name, threads,
                     apart ? "in stretches" : "run through");
    }
    program_set_memory(program, 1);
    evaluate_in(&s, program, team, s.numbers, a, sizes, 4);
    evaluate_in(&s, program, team, s.numbers, b, sizes, 0);
    cr_expect_eq(memcmp(a, b, (size_t)count * sizeof *a), 0, "%s, %d threads, in chunks", op_cases[which].name,
                 threads);
    program_free(program);
    team_free(team);
    free(a);
    free(b);
    teardown(&s);
}

Test(ops, stretches_come_to_the_same_bits) {
    for (int k = 0; k < op_case_count; k++) {
        stretches(k, F64, 1);
        stretches(k, F64, 3);
        stretches(k, F32, 2);
    }
}

/* What a later stage needs only is not run before it. */
Test(ops, a_stage_brings_its_outputs_and_no_others) {
    double x[3] = {1, 2, 3}, doubled[3] = {0}, squared[3] = {0};
    struct graph *graph = graph_new();
    struct node *leaf = graph_input(graph, "x0", F64, DIM_STATIC, 1, 3);
    struct node *outputs[] = {graph_mul(graph, leaf, leaf), graph_scale(graph, leaf, 2)};
    struct topology topology = {0};
    struct program *program;
    struct error error = {0};
    const void *inputs[] = {x};
    void *to[] = {squared, doubled};
    struct program_options options = {.stages = (const int[]){1, 0}};
    cr_assert_eq(program_build(&program, graph, outputs, 2, &options, &error), 0, "%s", error.message);
    struct program_binding binding = {.topology = &topology, .inputs = inputs, .outputs = to};
    cr_assert_eq(program_begin(program, NULL, &binding, &error), 0, "%s", error.message);
    cr_assert_eq(program_run_stage(program, 0, &error), 0);
    cr_expect_eq(doubled[2], 6);
    cr_expect_eq(squared[2], 0);
    cr_assert_eq(program_run_stage(program, 1, &error), 0);
    cr_expect_eq(squared[2], 9);
    program_free(program);
    graph_free(graph);
}

Test(ops, forms_of_kernels_agree) {
    static const char *const forms[] = {"portable", "avx2", "avx512"};
    for (int f = 0; f < 3; f++) {
        struct error error = {0};
        if (kernels_use(forms[f], &error))
            continue; /* not on this processor */
        cr_expect_str_eq(kernels_name(), forms[f]);
        for (int k = 0; k < op_case_count; k++) {
            agree_in(k, F64, 0, 1, 1e-12, forms[f], SIZE_MAX);
            agree_in(k, F32, 0, 2, 2e-4, forms[f], SIZE_MAX);
        }
    }
    struct error error = {0};
    cr_expect_eq(kernels_use("avx1024", &error), ERROR_NAME);
    cr_expect(strstr(error.message, "avx512"), "%s", error.message);
}

Test(ops, every_op_has_a_case) {
    for (int k = 0; k < OP_COUNT; k++) {
        const struct op *op = op_table[k];
        cr_expect_eq(op->id, k, "the op %s", op->name);
        for (int d = 0; d < DTYPE_COUNT; d++)
            cr_expect_eq(kernels_active()->run[d][k] != NULL, op->data == DATA_COMPUTED, "the op %s", op->name);
        int found = op->data != DATA_COMPUTED && op->data != DATA_VIEW; /* leaves */
        for (int c = 0; c < op_case_count; c++)
            found |= !strcmp(op_cases[c].op, op->name);
        cr_expect(found, "no case for the op %s", op->name);
    }
}

Test(ops, every_unary_has_a_case) {
    int seen[UNARY_COUNT] = {0};
    for (int c = 0; c < op_case_count; c++) {
        struct setup s;
        setup(&s, F64, 0);
        op_cases[c].build(s.graph, F64, &s.in);
        for (int k = 0; k < s.graph->nnodes; k++)
            if (s.graph->nodes[k]->op == &op_unary)
                seen[((const struct unary_attr *)s.graph->nodes[k]->attr)->kind] = 1;
        teardown(&s);
    }
    for (int k = 0; k < UNARY_COUNT; k++)
        cr_expect(seen[k], "no case for unary %d", k);
}

Test(ops, closed_under_differentiation) {
    for (int c = 0; c < op_case_count; c++) {
        struct setup s;
        struct node *out[2 * CASE_MAX_INPUTS + 2];
        long sizes[2 * CASE_MAX_INPUTS + 3];
        setup(&s, F64, 0);
        build_all(&s, &op_cases[c], out, sizes);
        struct node *third[CASE_MAX_INPUTS]; /* and once more */
        graph_grad(s.graph, out[1 + s.in.count], NULL, s.in.x, s.in.count, third);
        for (int k = 0; k < s.graph->nnodes; k++) {
            int found = 0;
            for (int j = 0; j < OP_COUNT; j++)
                found |= op_table[j] == s.graph->nodes[k]->op;
            cr_expect(found, "%s: the op %s is not in the table", op_cases[c].name, s.graph->nodes[k]->op->name);
        }
        teardown(&s);
    }
}

/* The closed forms of the kernels against the power series, wherever there are both. */
Test(ops, unary_orders) {
    for (int kind = 0; kind < UNARY_COUNT; kind++)
        for (int order = 0; order <= 4; order++) {
            double x[64], y[64], p = kind == UNARY_CUTOFF ? 6 : 0.5;
            for (int i = 0; i < 64; i++)
                x[i] = 0.03 + 0.05 * i;
            struct graph *graph = graph_new();
            struct node *leaf = graph_input(graph, "x0", F64, DIM_STATIC, 1, 64);
            struct unary_attr attr = {(enum unary_kind)kind, order, p};
            struct node *node =
                node_make(graph, &op_unary, F64, DIM_STATIC, 1, node_layout(leaf), &leaf, 1, &attr, sizeof attr);
            struct kernel_args args = {.node = node,
                                       .out = {y, 1, node->layout, F64},
                                       .in = &(struct operand){x, 1, node->layout, F64},
                                       .members = 1};
            kernels_active()->run[F64][ID_unary](&args);
            for (int i = 0; i < 64; i++) {
                double want = unary_value((enum unary_kind)kind, order, p, x[i]);
                cr_expect(fabs(y[i] - want) < 1e-9 * (1 + fabs(want)), "kind %d order %d at %g: %.15g, not %.15g", kind,
                          order, x[i], y[i], want);
            }
            graph_free(graph);
        }
}

/* A sum of forms of two kinds, the second kind coming between two of the first: like is merged with like only. */
Test(simplify, merges_like_with_like) {
    struct setup s;
    struct node *out[1];
    long sizes[] = {0, -1};
    double value[2][256];
    for (int inspect = 0; inspect < 2; inspect++) {
        setup(&s, F64, 0);
        static const struct couple_entry first[] = {{0, 1, 0, 0.5}, {2, 0, 1, -1.5}},
                                         second[] = {{1, 1, 0, 2}, {2, 2, 1, 1}};
        struct node *a = graph_input(s.graph, "x0", F64, DIM_PAIRS, 0, 3),
                    *b = graph_input(s.graph, "x1", F64, DIM_PAIRS, 0, 3);
        s.in.x[0] = a;
        s.in.x[1] = b;
        s.in.count = 2;
        draw_numbers(&s);
        struct node *sum = graph_couple(s.graph, a, b, 2, first, 2);
        sum = graph_add(s.graph, sum, graph_couple(s.graph, a, b, 2, second, 2));
        sum = graph_add(s.graph, sum, graph_couple(s.graph, b, a, 2, first, 2));
        sum = graph_add(s.graph, sum, graph_couple(s.graph, b, a, 2, second, 2));
        sum = graph_add(s.graph, sum, graph_scale(s.graph, graph_couple(s.graph, a, a, 2, first, 2), 0.7));
        out[0] = sum;
        sizes[0] = 2 * s.topology->dim[DIM_PAIRS];
        struct program *program = make(&s, out, 1, inspect);
        evaluate(&s, program, NULL, s.numbers, value[inspect], sizes);
        if (!inspect)
            cr_expect_leq(program_instructions(program), 3);
        program_free(program);
        for (long k = 0; inspect && k < sizes[0]; k++)
            cr_expect_float_eq(value[0][k], value[1][k], 1e-12);
        teardown(&s);
    }
}
