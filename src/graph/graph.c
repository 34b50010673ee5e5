#include "graph/node.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum dtype node_dtype(const struct node *node) {
    return node->dtype;
}

enum dim node_dim(const struct node *node) {
    return node->dim;
}

int node_rows(const struct node *node) {
    return node->rows;
}

const struct layout *node_layout(const struct node *node) {
    return node->layout;
}

int node_cols(const struct node *node) {
    return node->layout->cols;
}

struct graph *graph_new(void) {
    struct graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        return NULL;
    graph->arena = arena_new();
    graph->nbuckets = 1024;
    graph->buckets = calloc(graph->nbuckets, sizeof *graph->buckets);
    if (!graph->arena || !graph->buckets) {
        graph_free(graph);
        return NULL;
    }
    return graph;
}

void graph_free(struct graph *graph) {
    if (!graph)
        return;
    arena_free(graph->arena);
    free(graph->nodes);
    free(graph->buckets);
    free(graph->layouts);
    free(graph->modules);
    free(graph);
}

int graph_error(const struct graph *graph, struct error *error) {
    int code = graph->error.code ? error_set(error, graph->error.code, "%s", graph->error.message) : 0;
    return arena_result(graph->arena, code, error);
}

static int grow(void **array, int *capacity, int count, size_t size) {
    if (count < *capacity)
        return 0;
    int more = *capacity ? 2 * *capacity : 64;
    void *bigger = realloc(*array, (size_t)more * size);
    if (!bigger)
        return -1;
    *array = bigger;
    *capacity = more;
    return 0;
}

void graph_push_module(struct graph *graph, const char *path) {
    if (grow((void **)&graph->modules, &graph->module_capacity, graph->nmodules, sizeof *graph->modules)) {
        error_set(&graph->error, ERROR_MEMORY, "out of memory");
        return;
    }
    const char *copy = arena_string(graph->arena, path);
    graph->modules[graph->nmodules++] = copy ? copy : "";
}

void graph_pop_module(struct graph *graph) {
    if (graph->nmodules)
        graph->nmodules--;
}

/* ---------------------------------------------------------------- layouts */

const struct layout *layout_intern(struct graph *graph, const struct block *blocks, int nblocks) {
    for (int k = 0; k < graph->nlayouts; k++)
        if (graph->layouts[k]->nblocks == nblocks &&
            !memcmp(graph->layouts[k]->blocks, blocks, (size_t)nblocks * sizeof *blocks))
            return graph->layouts[k];
    struct layout *layout = arena_alloc(graph->arena, sizeof *layout);
    struct block *copy = arena_copy(graph->arena, blocks, (size_t)(nblocks ? nblocks : 1) * sizeof *blocks);
    int *offset = arena_alloc(graph->arena, (size_t)(nblocks + 1) * sizeof *offset);
    if (!layout || !copy || !offset ||
        grow((void **)&graph->layouts, &graph->layout_capacity, graph->nlayouts, sizeof *graph->layouts)) {
        static const struct layout none;
        error_set(&graph->error, ERROR_MEMORY, "out of memory");
        return &none;
    }
    layout->nblocks = nblocks;
    for (int b = 0; b < nblocks; b++) {
        offset[b] = layout->cols;
        layout->cols += blocks[b].mid * blocks[b].mul;
    }
    layout->blocks = copy;
    layout->offset = offset;
    graph->layouts[graph->nlayouts++] = layout;
    return layout;
}

const struct layout *layout_plain(struct graph *graph, int cols) {
    return layout_intern(graph, &(struct block){1, cols}, 1);
}

/* ---------------------------------------------------------------- nodes */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash ^= value;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        hash = mix(hash, word);
    }
    for (; size; size--, p++)
        hash = mix(hash, *p);
    return hash;
}

static int rehash(struct graph *graph) {
    size_t more = 4 * graph->nbuckets;
    struct node **buckets = calloc(more, sizeof *buckets);
    if (!buckets)
        return -1;
    for (int k = 0; k < graph->nnodes; k++) {
        struct node *node = graph->nodes[k];
        node->chain = buckets[node->hash % more];
        buckets[node->hash % more] = node;
    }
    free(graph->buckets);
    graph->buckets = buckets;
    graph->nbuckets = more;
    return 0;
}

struct node *node_make(struct graph *graph, const struct op *op, enum dtype dtype, enum dim dim, int rows,
                       const struct layout *layout, struct node *const *inputs, int ninputs, const void *attr,
                       size_t attr_size) {
    uint64_t hash =
        mix(mix(mix((uintptr_t)op, (uint64_t)dtype), (uint64_t)dim * 1000003u + (uint64_t)rows), (uintptr_t)layout);
    hash = mix_bytes(hash, attr, attr_size);
    for (int k = 0; k < ninputs; k++)
        hash = mix(hash, (uint64_t)inputs[k]->id + 1);
    for (struct node *node = graph->buckets[hash % graph->nbuckets]; node; node = node->chain)
        if (node->hash == hash && node->op == op && node->dtype == dtype && node->dim == dim && node->rows == rows &&
            node->layout == layout && node->ninputs == ninputs && node->attr_size == attr_size &&
            (!ninputs || !memcmp(node->inputs, inputs, (size_t)ninputs * sizeof *inputs)) &&
            (!attr_size || !memcmp(node->attr, attr, attr_size))) {
            graph->repeats++;
            return node;
        }

    static struct node *no_inputs[1];
    struct node *node = arena_alloc(graph->arena, sizeof *node);
    struct node **in = ninputs ? arena_copy(graph->arena, inputs, (size_t)ninputs * sizeof *inputs) : no_inputs;
    const void *copy = attr_size ? arena_copy(graph->arena, attr, attr_size) : "";
    if (!node || !in || !copy || grow((void **)&graph->nodes, &graph->capacity, graph->nnodes, sizeof *graph->nodes) ||
        ((size_t)graph->nnodes > 2 * graph->nbuckets && rehash(graph))) {
        static const struct layout none = {0};
        static const struct op nothing = {.name = "nothing"};
        static struct node fallback;
        fallback.op = &nothing;
        fallback.layout = &none;
        error_set(&graph->error, ERROR_MEMORY, "out of memory");
        return graph->nnodes ? graph->nodes[0] : &fallback;
    }
    *node = (struct node){
        .op = op,
        .dtype = dtype,
        .dim = dim,
        .rows = dim == DIM_STATIC ? rows : 0,
        .layout = layout,
        .ninputs = ninputs,
        .inputs = in,
        .attr = copy,
        .attr_size = attr_size,
        .module = graph->nmodules ? graph->modules[graph->nmodules - 1] : "",
        .id = graph->nnodes,
        .derived = graph->deriving > 0,
        .hash = hash,
    };
    node->chain = graph->buckets[hash % graph->nbuckets];
    graph->buckets[hash % graph->nbuckets] = node;
    graph->nodes[graph->nnodes++] = node;
    return node;
}

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
    error_set(&graph->error, ERROR_MEMORY, "out of memory");
    return node_fill(graph, F64, DIM_STATIC, 1, layout_plain(graph, 1), 0);
}

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

int node_same_shape(const struct node *a, const struct node *b) {
    return a->dim == b->dim && a->rows == b->rows && a->layout == b->layout;
}

struct node *node_zero_like(struct graph *graph, const struct node *like) {
    return graph_fill(graph, like->dtype, like, 0);
}

void node_slot(const struct node *node, struct slot *out) {
    memset(out, 0, sizeof *out);
    out->dim = node->dim;
    out->rows = node->rows;
    out->layout = node->layout;
}

/* ---------------------------------------------------------------- leaves */

const struct op op_input = {OP_NAME(input)};
const struct op op_param = {OP_NAME(param)};
const struct op op_const = {OP_NAME(const)};
const struct op op_fill = {OP_NAME(fill)};

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

struct node *graph_fill(struct graph *graph, enum dtype dtype, const struct node *like, double value) {
    return node_fill(graph, dtype, like->dim, like->rows, like->layout, value);
}

int graph_is_zero(const struct node *node) {
    double value;
    return node_is_fill(node, &value) && value == 0;
}

/* ---------------------------------------------------------------- differentiation */

/* Adjoints collected for one node before they are summed. */
struct pending {
    struct node **parts;
    int count, capacity;
};

static int pending_add(struct pending *pending, struct node *part) {
    if (grow((void **)&pending->parts, &pending->capacity, pending->count, sizeof *pending->parts))
        return -1;
    pending->parts[pending->count++] = part;
    return 0;
}

int graph_grad(struct graph *graph, struct node *y, struct node *seed, struct node *const *wrt, int nwrt,
               struct node **out) {
    /* what stands for a node that could not be made has no place in the graph */
    if (arena_result(graph->arena, graph->error.code, &graph->error)) {
        for (int k = 0; k < nwrt; k++)
            out[k] = wrt[k];
        return graph->error.code;
    }
    int top = y->id + 1; /* nodes up to y: what comes after cannot feed it */
    struct pending *pending = calloc((size_t)top, sizeof *pending);
    char *active = calloc((size_t)top, 1); /* depends on some wrt */
    int modules = graph->nmodules;
    graph->deriving++;
    if (!pending || !active ||
        grow((void **)&graph->modules, &graph->module_capacity, modules, sizeof *graph->modules)) {
        error_set(&graph->error, ERROR_MEMORY, "out of memory");
        goto out;
    }
    for (int k = 0; k < nwrt; k++)
        if (wrt[k]->id < top)
            active[wrt[k]->id] = 1;
    for (int id = 0; id < top; id++)
        for (int k = 0; k < graph->nodes[id]->ninputs; k++)
            active[id] |= active[graph->nodes[id]->inputs[k]->id];

    if (!seed)
        seed = graph_fill(graph, y->dtype, y, 1);
    if (!node_same_shape(seed, y) || seed->dtype != y->dtype) {
        graph_fail(graph, "the seed of a gradient has another shape than what is differentiated");
        goto out;
    }
    if (active[y->id] && pending_add(&pending[y->id], seed))
        goto memory;

    for (int id = y->id; id >= 0; id--) {
        struct node *node = graph->nodes[id];
        if (!pending[id].count)
            continue;
        struct node *adjoint = pending[id].parts[0];
        graph->modules[graph->nmodules++] = node->module; /* room was made above */
        for (int k = 1; k < pending[id].count; k++)
            adjoint = graph_add(graph, adjoint, pending[id].parts[k]);
        graph->nmodules--;
        pending[id].parts[0] = adjoint;
        pending[id].count = 1;
        double value;
        if (node_is_fill(adjoint, &value) && value == 0)
            continue;
        if (!node->op->grad)
            continue;
        graph->modules[graph->nmodules++] = node->module;
        for (int k = 0; k < node->ninputs; k++) {
            if (!active[node->inputs[k]->id])
                continue;
            struct node *part = node->op->grad(graph, node, adjoint, k);
            if (part && pending_add(&pending[node->inputs[k]->id], part)) {
                graph->nmodules--;
                goto memory;
            }
        }
        graph->nmodules--;
    }
    for (int k = 0; k < nwrt; k++)
        out[k] = wrt[k]->id < top && pending[wrt[k]->id].count ? pending[wrt[k]->id].parts[0]
                                                               : node_zero_like(graph, wrt[k]);
    goto out;

memory:
    error_set(&graph->error, ERROR_MEMORY, "out of memory");
out:
    graph->deriving--;
    graph->nmodules = modules;
    for (int id = 0; pending && id < top; id++)
        free(pending[id].parts);
    free(pending);
    free(active);
    if (graph->error.code)
        for (int k = 0; k < nwrt; k++)
            out[k] = node_zero_like(graph, wrt[k]);
    return graph->error.code;
}
