/* Every op, once.  A new op is a line here and a struct op in the file of its kind. */
#include "graph/node.h"

const struct op *const op_table[] = {
    /* leaves */
    &op_input,
    &op_param,
    &op_const,
    &op_fill,
    /* elementwise */
    &op_lincomb,
    &op_mul,
    &op_cast,
    &op_sum,
    &op_spread,
    &op_max,
    &op_argmax,
    &op_unary,
    /* structure */
    &op_reshape,
    &op_remap,
    &op_gather,
    &op_scatter,
    &op_pairs_to_centres,
    &op_centres_to_pairs,
    /* multilinear */
    &op_linear,
    &op_typed_linear,
    &op_fold,
    &op_couple,
    &op_tensor_product,
};
const int op_count = sizeof op_table / sizeof *op_table;
