/* Multilinear forms.
 *
 * A form F is linear in each of its slots.  A node of the form with role r is sum over terms of factor * dF/d(slot r),
 * a tensor in the shape of slot r; its inputs are, term by term, the other slots in ascending order.  The derivative of
 * such a node with respect to the input in slot s is the same form with role s and the adjoint in slot r: each form is
 * closed under differentiation. */
#ifndef FETTLE_GRAPH_OP_FORM_H
#define FETTLE_GRAPH_OP_FORM_H

#include "graph/op/op.h"

enum { MAX_SLOTS = 4 };

struct slot {
    enum dim dim;
    int rows;
    const struct layout *layout;
};

struct form_attr {
    int role, nslots, nterms;
    int index;  /* enum index_kind, or -1 */
    int npaths; /* of the size that the form says, after the factors */
    int path_size;
    struct slot slots[MAX_SLOTS];
    /* double factor[nterms]; then the paths */
};

static inline const double *form_factors(const struct form_attr *attr) {
    return (const double *)(attr + 1);
}

static inline const void *form_paths(const struct form_attr *attr) {
    return form_factors(attr) + attr->nterms;
}

/* The node of form op with this role; slots[role] is ignored.  shape: all slots' shapes. */
struct node *form_node(struct graph *graph, const struct op *op, int role, int nslots, const struct slot *shape,
                       int index, const void *paths, int npaths, int path_size, struct node *const *slots);
/* The form of n operands, for the slot behind theirs: a tensor of this layout with the rows of the first. */
struct node *form_of(struct graph *graph, const struct op *op, struct node *const *operands, int n,
                     const struct layout *layout, int index, const void *paths, int npaths, int path_size);
/* form_node with several terms: inputs are nterms * (nslots - 1) nodes. */
struct node *form_terms(struct graph *graph, const struct op *op, const struct form_attr *like, int nterms,
                        const double *factors, struct node *const *inputs);
/* Whether it is one term of this role, as a form begins: with the factor 1. */
int form_is_plain(const struct node *node, int role);
struct node *form_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input);
void node_slot(const struct node *node, struct slot *out);

/* Input of term t that stands in slot s. */
static inline int form_input(const struct form_attr *attr, int term, int slot) {
    return term * (attr->nslots - 1) + slot - (slot > attr->role);
}

#endif
