#include "graph/graph.h"
#include "graph/graph_internal.h"

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

int graph_grow(void **array, int *capacity, int count, size_t size) {
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
    if (graph_grow((void **)&graph->modules, &graph->module_capacity, graph->nmodules, sizeof *graph->modules)) {
        error_memory(&graph->error);
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
        graph_grow((void **)&graph->layouts, &graph->layout_capacity, graph->nlayouts, sizeof *graph->layouts)) {
        static const struct layout none;
        error_memory(&graph->error);
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

/* Stands for the first node of all, if there is no memory for it. */
static struct node *nothing(struct graph *graph, const struct op *op) {
    static const struct layout layout;
    static const double attr[8];
    graph->nothing = (struct node){.op = op, .layout = &layout, .attr = attr};
    return &graph->nothing;
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
    if (!node || !in || !copy ||
        graph_grow((void **)&graph->nodes, &graph->capacity, graph->nnodes, sizeof *graph->nodes) ||
        ((size_t)graph->nnodes > 2 * graph->nbuckets && rehash(graph))) {
        error_memory(&graph->error);
        return graph->nnodes ? graph->nodes[0] : nothing(graph, op);
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

struct node *node_remake(struct graph *graph, const struct node *node, struct node *const *inputs) {
    return node_make(graph, node->op, node->dtype, node->dim, node->rows, node->layout, inputs, node->ninputs,
                     node->attr, node->attr_size);
}

int graph_mark(const struct node *node, int mark, int *marks) {
    if (marks[node->id])
        return 0;
    marks[node->id] = mark;
    int count = 1;
    for (int k = 0; k < node->ninputs; k++)
        count += graph_mark(node->inputs[k], mark, marks);
    return count;
}

int node_same_shape(const struct node *a, const struct node *b) {
    return a->dim == b->dim && a->rows == b->rows && a->layout == b->layout;
}
