/* Inside src/graph: nodes, ops, and what a kernel is given. */
#ifndef FETTLE_GRAPH_NODE_H
#define FETTLE_GRAPH_NODE_H

#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/team.h"
#include "graph/graph.h"

enum { MAX_SLOTS = 4 };

struct node {
    const struct op *op;
    enum dtype dtype;
    enum dim dim;
    int rows; /* static rows, else 0 */
    const struct layout *layout;
    int ninputs;
    struct node **inputs;
    const void *attr; /* of the op; compared as bytes, so every byte of it is defined */
    size_t attr_size;
    const char *module;
    int id;      /* inputs have smaller ones */
    int derived; /* made by differentiation */
    uint64_t hash;
    struct node *chain; /* next in its hash bucket */
};

struct graph {
    struct arena *arena;
    struct node **nodes;
    int nnodes, capacity;
    struct node **buckets;
    size_t nbuckets;
    const struct layout **layouts;
    int nlayouts, layout_capacity;
    const char **modules; /* stack */
    int nmodules, module_capacity;
    int deriving; /* within graph_grad */
    int repeats;  /* nodes that were asked for and existed already */
    struct error error;
};

/* ---------------------------------------------------------------- ops */

/* An operand in memory. */
struct operand {
    void *data;
    long rows;
    const struct layout *layout;
    enum dtype dtype;
};

/* Rows of a target by the rows of a source that point to it (the inverse of an index array). */
struct inverse {
    int *row;    /* [target rows + 1] */
    int *member; /* [source rows], ascending within a row */
};

struct kernel_args {
    const struct node *node;
    struct operand out;
    const struct operand *in;
    const struct topology *topology;
    const struct inverse *inverse; /* [INDEX_COUNT] those the program needs */
    const int *split[DIM_COUNT];   /* [members + 1] which rows of a dimension a member owns */
    int member, members;
    struct team *team;
    void *scratch; /* this member's, op->scratch bytes */
};

typedef void kernel(const struct kernel_args *args);

enum op_id {
#define OP_GIVEN(name) ID_##name,
#define OP_COMPUTED OP_GIVEN
#include "graph/op_list.h"
    OP_COUNT
};

struct op {
    const char *name;
    enum op_id id;
    /* The adjoint of input k, given that of the node; NULL where the derivative is zero. */
    struct node *(*grad)(struct graph *graph, struct node *node, struct node *adjoint, int input);
    size_t (*scratch)(const struct kernel_args *args); /* bytes each member needs; may be NULL */
    double (*flops)(const struct kernel_args *args);   /* may be NULL */
    int needs_inverse;                                 /* uses args->inverse of attr_index */
    int rowwise; /* row r of the result needs row r only of inputs of its dimension (DIM_PAIRS alone: tensor products)
                  */
};

#define OP_NAME(op) .name = #op, .id = ID_##op /* begins the definition of op_<op> */
#define OP_GIVEN(name) extern const struct op op_##name;
#define OP_COMPUTED OP_GIVEN
#include "graph/op_list.h"
extern const struct op *const op_table[OP_COUNT]; /* by id */

/* The node itself, or an equal one made before.  attr is copied. */
struct node *node_make(struct graph *graph, const struct op *op, enum dtype dtype, enum dim dim, int rows,
                       const struct layout *layout, struct node *const *inputs, int ninputs, const void *attr,
                       size_t attr_size);
const struct layout *layout_intern(struct graph *graph, const struct block *blocks, int nblocks);
const struct layout *layout_plain(struct graph *graph, int cols);
/* Both record the first error and return a node to go on with. */
struct node *graph_no_memory(struct graph *graph);
struct node *graph_fail(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

int node_is_fill(const struct node *node, double *value);
/* One value everywhere in a shape that no node has yet. */
struct node *node_fill(struct graph *graph, enum dtype dtype, enum dim dim, int rows, const struct layout *layout,
                       double value);
struct node *node_zero_like(struct graph *graph, const struct node *like);
int node_same_shape(const struct node *a, const struct node *b);

struct input_attr {
    const char *name; /* interned in the graph's arena by content: see graph_input */
};
struct param_attr {
    size_t offset;
    const char *name;
};
struct fill_attr {
    double value;
};
struct index_attr {
    enum index_kind index;
    int pad;
};
struct add_attr {
    int count, pad;
    double factor[];
};

/* ---------------------------------------------------------------- multilinear forms
 *
 * A form F is linear in each of its slots.  A node of the form with role r is sum over terms of factor * dF/d(slot r),
 * a tensor in the shape of slot r; its inputs are, term by term, the other slots in ascending order.  The derivative of
 * such a node with respect to the input in slot s is the same form with role s and the adjoint in slot r: each form is
 * closed under differentiation. */
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
/* The same with several terms: inputs are nterms * (nslots - 1) nodes. */
struct node *form_terms(struct graph *graph, const struct op *op, const struct form_attr *like, int nterms,
                        const double *factors, struct node *const *inputs);
struct node *form_grad(struct graph *graph, struct node *node, struct node *adjoint, int input);
int op_is_form(const struct op *op);
void node_slot(const struct node *node, struct slot *out);

/* Input of term t that stands in slot s. */
static inline int form_input(const struct form_attr *attr, int term, int slot) {
    return term * (attr->nslots - 1) + slot - (slot > attr->role);
}

/* ---------------------------------------------------------------- helpers for kernels */

/* Waits for the other members, in the middle of a kernel; all of them must call it. */
static inline void team_wait(const struct kernel_args *args) {
    if (args->members > 1)
        team_barrier(args->team, args->member);
}

static inline void rows_of(const struct kernel_args *args, enum dim dim, long rows, long *begin, long *end) {
    if (dim != DIM_STATIC) {
        *begin = args->split[dim][args->member];
        *end = args->split[dim][args->member + 1];
    } else {
        *begin = rows * args->member / args->members;
        *end = rows * (args->member + 1) / args->members;
    }
}

#endif
