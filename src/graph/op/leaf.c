#include "graph/op/leaf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/op/narrowing.h"

/* ---------------------------------------------------------------- one value everywhere */

static struct node *narrow_fill(const struct narrowing *n, struct node *node) {
    return node_fill(n->graph, node->dtype, node->dim, node->rows, narrow_layout(n, node),
                     ((const struct fill_attr *)node->attr)->value);
}

static const struct narrow_rule fill_rule = {.make = narrow_fill};
const struct op op_fill = {OP_NAME(fill), .narrow = &fill_rule, .traits = OP_ANY_SHAPE};

struct node *node_fill(struct graph *graph, enum dtype dtype, enum dim dim, int rows, const struct layout *layout,
                       double value) {
    struct fill_attr attr = {value};
    return node_make(graph, &op_fill, dtype, dim, rows, layout, NULL, 0, &attr, sizeof attr);
}

int node_is_fill(const struct node *node, double *value) {
    if (node->op != &op_fill)
        return 0;
    if (value)
        *value = ((const struct fill_attr *)node->attr)->value;
    return 1;
}

struct node *graph_fill(struct graph *graph, enum dtype dtype, const struct node *like, double value) {
    return node_fill(graph, dtype, like->dim, like->rows, like->layout, value);
}

struct node *node_zero_like(struct graph *graph, const struct node *like) {
    return graph_fill(graph, like->dtype, like, 0);
}

int graph_is_zero(const struct node *node) {
    double value;
    return node_is_fill(node, &value) && value == 0;
}

/* ---------------------------------------------------------------- errors */

struct node *graph_fail(struct graph *graph, const char *format, ...) {
    if (!graph->error.code) {
        char message[512];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        error_set(&graph->error, ERROR_STATE, "%s%s%s", graph->nmodules ? graph->modules[graph->nmodules - 1] : "",
                  graph->nmodules ? ": " : "", message);
    }
    return node_fill(graph, F64, DIM_STATIC, 1, layout_plain(graph, 1), 0);
}

struct node *graph_no_memory(struct graph *graph) {
    error_memory(&graph->error);
    return node_fill(graph, F64, DIM_STATIC, 1, layout_plain(graph, 1), 0);
}

/* ---------------------------------------------------------------- inputs, parameters, constants */

const struct op op_input = {OP_NAME(input), .data = DATA_INPUT};
const struct op op_param = {OP_NAME(param), .data = DATA_PARAM, .traits = OP_ANY_SHAPE};
const struct op op_const = {OP_NAME(const), .data = DATA_CONSTANT, .traits = OP_ANY_SHAPE};

/* The name as the graph holds it: equal names are one pointer, so that attributes compare as bytes. */
static const char *intern_name(struct graph *graph, const struct op *op, const char *name) {
    for (int k = 0; k < graph->nnodes; k++) {
        const struct node *node = graph->nodes[k];
        if (node->op != op)
            continue;
        const char *other = op == &op_input ? ((const struct input_attr *)node->attr)->name
                                            : ((const struct param_attr *)node->attr)->name;
        if (!strcmp(other, name))
            return other;
    }
    const char *copy = arena_string(graph->arena, name);
    return copy ? copy : "";
}

struct node *graph_input(struct graph *graph, const char *name, enum dtype dtype, enum dim dim, int rows, int cols) {
    struct input_attr attr = {intern_name(graph, &op_input, name)};
    return node_make(graph, &op_input, dtype, dim, rows, layout_plain(graph, cols), NULL, 0, &attr, sizeof attr);
}

struct node *node_input_like(struct graph *graph, const char *name, const struct node *like) {
    struct input_attr attr = {intern_name(graph, &op_input, name)};
    return node_make(graph, &op_input, like->dtype, like->dim, like->rows, like->layout, NULL, 0, &attr, sizeof attr);
}

struct node *graph_param(struct graph *graph, const char *name, enum dtype dtype, size_t offset, int rows, int cols) {
    struct param_attr attr = {offset, intern_name(graph, &op_param, name)};
    return node_make(graph, &op_param, dtype, DIM_STATIC, rows, layout_plain(graph, cols), NULL, 0, &attr, sizeof attr);
}

struct node *graph_const(struct graph *graph, enum dtype dtype, int rows, int cols, const double *values) {
    size_t count = (size_t)rows * (size_t)cols;
    for (size_t k = 0; k <= count; k++)
        if (k == count && count) {
            return node_fill(graph, dtype, DIM_STATIC, rows, layout_plain(graph, cols), values[0]);
        } else if (k == count || values[k] != values[0]) {
            break;
        }
    return node_make(graph, &op_const, dtype, DIM_STATIC, rows, layout_plain(graph, cols), NULL, 0, values,
                     count * sizeof *values);
}
