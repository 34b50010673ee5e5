#include "graph/op/form.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"

void node_slot(const struct node *node, struct slot *out) {
    memset(out, 0, sizeof *out);
    out->dim = node->dim;
    out->rows = node->rows;
    out->layout = node->layout;
}

struct node *form_terms(struct graph *graph, const struct op *op, const struct form_attr *like, int nterms,
                        const double *factors, struct node *const *inputs) {
    size_t paths = (size_t)like->npaths * (size_t)like->path_size;
    size_t size = sizeof *like + (size_t)nterms * sizeof(double) + paths;
    struct form_attr *attr = calloc(1, size);
    if (!attr)
        return graph_no_memory(graph);
    memcpy(attr, like, sizeof *attr);
    attr->nterms = nterms;
    memcpy(attr + 1, factors, (size_t)nterms * sizeof *factors);
    memcpy((char *)(attr + 1) + (size_t)nterms * sizeof(double), form_paths(like), paths);
    const struct slot *shape = &attr->slots[attr->role];
    struct node *node = node_make(graph, op, inputs[0]->dtype, shape->dim, shape->rows, shape->layout, inputs,
                                  nterms * (attr->nslots - 1), attr, size);
    free(attr);
    return node;
}

struct node *form_node(struct graph *graph, const struct op *op, int role, int nslots, const struct slot *shape,
                       int index, const void *paths, int npaths, int path_size, struct node *const *slots) {
    size_t bytes = (size_t)npaths * (size_t)path_size;
    struct form_attr *attr = calloc(1, sizeof *attr + sizeof(double) + bytes);
    if (!attr)
        return graph_no_memory(graph);
    attr->role = role;
    attr->nslots = nslots;
    attr->nterms = 1;
    attr->index = index;
    attr->npaths = npaths;
    attr->path_size = path_size;
    for (int s = 0; s < nslots; s++)
        attr->slots[s] = shape[s];
    double one = 1;
    memcpy(attr + 1, &one, sizeof one);
    if (bytes)
        memcpy((double *)(attr + 1) + 1, paths, bytes);

    struct node *inputs[MAX_SLOTS], *node;
    int n = 0, zero = 0;
    for (int s = 0; s < nslots; s++)
        if (s != role) {
            double value;
            inputs[n++] = slots[s];
            zero |= node_is_fill(slots[s], &value) && value == 0;
            if (slots[s]->dtype != slots[!role]->dtype) {
                free(attr);
                return graph_fail(graph, "%s: operands of different dtypes", op->name);
            }
        }
    if (zero) {
        node = node_fill(graph, inputs[0]->dtype, shape[role].dim, shape[role].rows, shape[role].layout, 0);
    } else {
        node = form_terms(graph, op, attr, 1, &one, inputs);
    }
    free(attr);
    return node;
}

struct node *form_of(struct graph *graph, const struct op *op, struct node *const *operands, int n,
                     const struct layout *layout, int index, const void *paths, int npaths, int path_size) {
    struct slot shape[MAX_SLOTS];
    struct node *slots[MAX_SLOTS] = {0};
    for (int k = 0; k < n; k++) {
        node_slot(operands[k], &shape[k]);
        slots[k] = operands[k];
    }
    shape[n] = shape[0];
    shape[n].layout = layout;
    return form_node(graph, op, n, n + 1, shape, index, paths, npaths, path_size, slots);
}

int form_is_plain(const struct node *node, int role) {
    const struct form_attr *attr = node->attr;
    return attr->role == role && attr->nterms == 1 && form_factors(attr)[0] == 1;
}

struct node *form_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    const struct form_attr *attr = node->attr;
    int term = input / (attr->nslots - 1), position = input % (attr->nslots - 1);
    int role = position + (position >= attr->role);
    struct node *slots[MAX_SLOTS] = {0};
    for (int s = 0; s < attr->nslots; s++)
        if (s == attr->role)
            slots[s] = adjoint;
        else if (s != role)
            slots[s] = node->inputs[form_input(attr, term, s)];
    struct node *part = form_node(graph, node->op, role, attr->nslots, attr->slots, attr->index, form_paths(attr),
                                  attr->npaths, attr->path_size, slots);
    return graph_scale(graph, part, form_factors(attr)[term]);
}
