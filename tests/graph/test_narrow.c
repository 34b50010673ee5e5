/* Narrowing: what nobody reads is not made, and nothing else changes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/cases.h"
#include "graph/op/form.h"
#include "graph/run/program.h"

enum { CHANNELS = 3, BESSELS = 4, MOST = 4096 };

/* A layer of a small model: features of l 0 and 1, radial weights by a linear layer of the parameters "x3", a tensor
 * product of five paths, mixing, and a product of gates with one block; what is read of it in the end is block
 * `read`. */
static struct node *layer(struct graph *graph, struct node **x, int read, struct node **product) {
    static const struct block features[] = {{1, CHANNELS}, {3, CHANNELS}};
    static const struct block middle[] = {{1, 2 * CHANNELS}, {3, 2 * CHANNELS}, {3, CHANNELS}};
    static const struct tp_path paths[] = {{0, 0, 0, 0, 0, 0, 1},
                                           {0, 1, 0, 1, 3, 1, 0},
                                           {1, 2, 0, 4, 6, 1, 0},
                                           {1, 1, 3, 0, 9, 0, 1},
                                           {1, 0, 3, 13, 12, 1, 0}};
    static const struct remap_entry split[] = {
        {0, 0, 0, 0, 0, 0, 3, 1}, {0, 0, 3, 1, 0, 0, 3, 1}, {0, 0, 6, 1, 1, 0, 3, 1}, {0, 0, 9, 1, 2, 0, 3, 1}};
    struct block row = {1, 15};
    struct linear_path whole = {0, 0, 0, 0.5};
    struct node *f = graph_remap(graph, x[0], features, 2, split, 4);
    struct node *w = graph_linear(graph, x[1], x[3], &row, 1, &whole, 1);
    *product = graph_tensor_product(graph, f, x[2], w, middle, 3, paths, 5);
    static const struct block mixed[] = {{1, 4}, {3, 4}, {3, 2}};
    static const struct linear_path mix[] = {{0, 0, 0, 1}, {1, 1, 24, 0.5}, {2, 1, 48, 0.25}, {2, 2, 60, 1}};
    struct node *y = graph_linear(graph, *product, x[4], mixed, 3, mix, 4);
    static const struct block gates[] = {{1, 4}, {1, 4}, {1, 2}};
    static const struct remap_entry open[] = {
        {0, 0, 0, 0, 0, 0, 4, 1}, {0, 0, 0, 1, 0, 0, 4, -1}, {0, 0, 1, 2, 0, 0, 2, 1}};
    struct node *gate = graph_unary(graph, UNARY_SILU, graph_remap(graph, y, gates, 3, open, 3), 0);
    y = graph_add(graph, graph_mul(graph, y, gate), graph_scale(graph, y, 0.1));
    struct remap_entry take = {read, -1, 0, 0, -1, 0, mixed[read].mul, 1};
    return graph_remap(graph, y, &mixed[read], 1, &take, 1);
}

struct outcome {
    int paths, columns;
    double values[MOST]; /* a sum of squares, then its derivatives by all inputs */
};

static void run(int read, int narrow, struct outcome *out) {
    struct graph *graph = graph_new();
    struct topology *topology = case_topology(0);
    struct node *x[] = {
        graph_input(graph, "x0", F64, DIM_ATOMS, 0, 12), graph_input(graph, "x1", F64, DIM_PAIRS, 0, BESSELS),
        graph_input(graph, "x2", F64, DIM_PAIRS, 0, 16), graph_input(graph, "x3", F64, DIM_STATIC, 1, 60),
        graph_input(graph, "x4", F64, DIM_STATIC, 1, 66)};
    struct node *product, *y = layer(graph, x, read, &product), *outputs[6];
    if (narrow)
        graph_narrow(graph, (struct node * *[]){&y}, 1);
    outputs[0] = graph_sum(graph, graph_mul(graph, y, y), AXIS_ALL);
    graph_grad(graph, outputs[0], NULL, x, 5, outputs + 1);
    out->paths = out->columns = -1;
    for (int k = 0; k < graph->nnodes; k++) {
        const struct form_attr *attr = graph->nodes[k]->attr;
        if (graph->nodes[k]->op == &op_tensor_product && attr->role == 3 && (graph->nodes[k] != product || !narrow)) {
            out->paths = attr->npaths;
            out->columns = attr->slots[2].layout->cols;
        }
    }

    struct program *program;
    struct error error = {0};
    cr_assert_eq(program_build(&program, graph, outputs, 6, NULL, &error), 0, "%s", error.message);
    double *numbers[5];
    const void *inputs[5] = {0};
    for (int k = 0; k < 5; k++) {
        long count = (x[k]->dim == DIM_STATIC ? x[k]->rows : topology->dim[x[k]->dim]) * node_cols(x[k]);
        numbers[k] = malloc((size_t)count * sizeof(double));
        for (long i = 0; i < count; i++)
            numbers[k][i] = sin(1.0 + 1.7 * (double)i + 0.4 * k);
    }
    for (int k = 0; k < program_inputs(program); k++)
        inputs[k] = numbers[program_input_name(program, k)[1] - '0'];
    struct program_binding binding = {.topology = topology, .inputs = inputs};
    cr_assert_eq(program_run(program, NULL, &binding, &error), 0, "%s", error.message);
    double *to = out->values;
    for (int k = 0; k < 6; k++) {
        long rows;
        int cols;
        const double *from = program_output(program, k, &rows, &cols);
        for (long i = 0; i < rows * cols; i++)
            *to++ = from[i];
    }
    for (int k = 0; k < 5; k++)
        free(numbers[k]);
    program_free(program);
    case_topology_free(topology);
    graph_free(graph);
}

Test(narrow, dead_paths_go_and_nothing_else_changes) {
    static const int paths[] = {2, 5, 3}; /* those that end in what is read, or open its gate */
    for (int read = 0; read < 3; read++) {
        struct outcome *all = calloc(1, sizeof *all), *narrow = calloc(1, sizeof *narrow);
        run(read, 0, all);
        run(read, 1, narrow);
        cr_expect_eq(all->paths, 5);
        if (read != 1)
            cr_expect_eq(narrow->paths, paths[read], "%d paths", narrow->paths);
        if (read != 1)
            cr_expect_eq(narrow->columns, paths[read] * CHANNELS, "%d columns", narrow->columns);
        cr_expect_gt(fabs(all->values[0]), 1e-3);
        for (int k = 0; k < MOST; k++)
            cr_assert_float_eq(narrow->values[k], all->values[k], 1e-12 * (1 + fabs(all->values[0])), "number %d", k);
        free(all);
        free(narrow);
    }
}

/* Where everything is read the nodes stay the same ones. */
Test(narrow, whole_nodes_stay) {
    struct graph *graph = graph_new();
    struct node *x = graph_input(graph, "x0", F32, DIM_ATOMS, 0, 4), *y = graph_unary(graph, UNARY_TANH, x, 0),
                *kept = y;
    struct node *none = NULL;
    graph_narrow(graph, (struct node * *[]){&y, &none}, 2);
    cr_expect_eq(y, kept);
    cr_expect_null(none);
    graph_free(graph);
}
