/* What there is to know of an op.  The passes over graphs and the programs ask its traits and rules, never its name.  A
 * new op is a row of op_list.h, a struct op with its rules, and the function of graph.h that makes its nodes, which is
 * the rule of its shape; where it computes something, kernel_<name> too, in the file of kernel/ that is named as its
 * own. */
#ifndef FETTLE_GRAPH_OP_OP_H
#define FETTLE_GRAPH_OP_OP_H

#include "graph/graph_internal.h"

enum op_id {
#define OP_GIVEN(name) ID_##name,
#define OP_COMPUTED OP_GIVEN
#include "graph/op/op_list.h"
    OP_COUNT
};

/* Where the numbers of a node come from. */
enum op_data {
    DATA_COMPUTED, /* a kernel */
    DATA_INPUT,    /* the caller; attr: struct input_attr */
    DATA_PARAM,    /* a slab of parameters; attr: struct param_attr */
    DATA_CONSTANT, /* attr: one double each */
    DATA_VIEW      /* they are those of the operand */
};

enum op_trait {
    OP_SUM = 1,        /* a linear combination of its operands, all of its own shape; attr: struct add_attr */
    OP_TERMS = 2,      /* a form (form.h); nodes of it that differ in their terms only may become one */
    OP_COLUMNS = 4,    /* linear in its one operand, row by row: could be done to the terms of a sum instead */
    OP_ALL_ROWS = 8,   /* needs all rows of its operand at once: nothing comes of a part of them */
    OP_OWN_ROWS = 16,  /* row r of the result needs row r only of operands of its dimension ... */
    OP_OWN_PAIRS = 32, /* ... if that is the pairs */
    OP_AGAIN = 64,     /* rather made again, from its operand, than kept for long */
    OP_ANY_SHAPE = 128 /* a static matrix of it has the same numbers, in the same order, whatever its shape */
};

struct narrow_rule; /* narrowing.h */
struct kernel_args; /* kernel_args.h */

struct op {
    const char *name;
    enum op_id id;
    enum op_data data;
    unsigned traits; /* enum op_trait */
    /* The adjoint of input k, given that of the node.  It may return NULL where the derivative is zero; NULL itself
     * where all are. */
    struct node *(*derivative)(struct graph *graph, struct node *node, struct node *adjoint, int input);
    const struct narrow_rule *narrow; /* NULL: all of it is made, or nothing */
    /* The index array (enum index_kind) whose inverse the kernel uses, args->inverse[it], which is to have at least so
     * many rows; NULL: none. */
    int (*inverse)(const struct node *node, int *least_rows);
    size_t (*scratch)(const struct kernel_args *args); /* bytes that each member needs; may be NULL */
    double (*flops)(const struct kernel_args *args);   /* may be NULL */
};

#define OP_NAME(op) .name = #op, .id = ID_##op /* begins the definition of op_<op> */

#define OP_GIVEN(name) extern const struct op op_##name;
#define OP_COMPUTED OP_GIVEN
#include "graph/op/op_list.h"
extern const struct op *const op_table[OP_COUNT]; /* by id */

static inline int op_has(const struct node *node, unsigned traits) {
    return (node->op->traits & traits) != 0;
}

#endif
