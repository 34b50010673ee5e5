#include "graph/cases.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- leaves */

static struct node *leaf(struct graph *graph, enum dtype dtype, struct case_inputs *in, enum dim dim, int rows,
                         int cols) {
    static const char *const names[] = {"x0", "x1", "x2", "x3"};
    struct node *x = graph_input(graph, names[in->count], dtype, dim, rows, cols);
    in->x[in->count++] = x;
    return x;
}

/* A plain leaf cut into blocks, as features are. */
static struct node *blocks(struct graph *graph, enum dtype dtype, struct case_inputs *in, enum dim dim, int rows,
                           const struct block *shape, int nshape) {
    struct remap_entry entries[64];
    int cols = 0, n = 0;
    for (int b = 0; b < nshape; b++)
        for (int m = 0; m < shape[b].mid; m++) {
            entries[n++] = (struct remap_entry){0, 0, cols, b, m, 0, shape[b].mul, 1};
            cols += shape[b].mul;
        }
    return graph_remap(graph, leaf(graph, dtype, in, dim, rows, cols), shape, nshape, entries, n);
}

static const struct block features[] = {{1, 20}, {3, 17}, {1, 5}, {5, 3}};

/* ---------------------------------------------------------------- cases */

#define CASE(name) static struct node *name(struct graph *graph, enum dtype dtype, struct case_inputs *in)

CASE(add_blocks) {
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *b = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    return graph_sub(graph, graph_scale(graph, a, 0.7), graph_offset(graph, graph_mul(graph, b, b), 0.3));
}

CASE(mul_equal) {
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *b = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    return graph_mul(graph, a, b);
}

CASE(mul_gates) {
    struct block scalars[] = {{1, 20}, {1, 17}, {1, 5}, {1, 3}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *b = blocks(graph, dtype, in, DIM_ATOMS, 0, scalars, 4);
    return graph_mul(graph, b, a);
}

CASE(mul_rows) {
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *b = leaf(graph, dtype, in, DIM_ATOMS, 0, 1);
    return graph_mul(graph, a, b);
}

CASE(mul_into_one) /* what is summed over all blocks, the last of which has one column */
{
    struct block shape[] = {{3, 4}, {1, 1}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, shape, 2);
    struct node *b = leaf(graph, dtype, in, DIM_ATOMS, 0, 1);
    return graph_mul(graph, a, b);
}

CASE(mul_scalar) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 6);
    struct node *b = leaf(graph, dtype, in, DIM_STATIC, 1, 1);
    return graph_mul(graph, a, b);
}

CASE(mul_outer) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 1);
    struct node *b = leaf(graph, dtype, in, DIM_STATIC, 1, 8);
    return graph_mul(graph, a, b);
}

CASE(cast) {
    struct node *a = leaf(graph, dtype, in, DIM_ATOMS, 0, 5);
    struct node *b = graph_mul(graph, graph_cast(graph, a, F64), graph_cast(graph, a, F64));
    return graph_cast(graph, b, dtype);
}

CASE(sum_all) {
    struct node *a = leaf(graph, dtype, in, DIM_ATOMS, 0, 3);
    return graph_sum(graph, graph_mul(graph, a, a), AXIS_ALL);
}

CASE(sum_mid) {
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    return graph_sum(graph, graph_mul(graph, a, a), AXIS_MID);
}

CASE(sum_columns) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 7);
    return graph_sum(graph, graph_mul(graph, a, a), AXIS_MUL);
}

CASE(spread) {
    struct node *a = leaf(graph, dtype, in, DIM_STATIC, 1, 1);
    struct node *b = leaf(graph, dtype, in, DIM_ATOMS, 0, 6);
    return graph_mul(graph, graph_spread(graph, a, b), b);
}

CASE(spread_channels) {
    struct block scalars[] = {{1, 20}, {1, 17}, {1, 5}, {1, 3}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *b = blocks(graph, dtype, in, DIM_ATOMS, 0, scalars, 4);
    return graph_mul(graph, graph_spread(graph, b, a), a);
}

CASE(largest) {
    struct node *a = leaf(graph, dtype, in, DIM_ATOMS, 0, 3);
    return graph_max(graph, graph_mul(graph, a, a));
}

CASE(reshape) {
    struct node *a = leaf(graph, dtype, in, DIM_STATIC, 4, 6);
    return graph_reshape(graph, graph_mul(graph, a, a), 3, 8);
}

static struct node *unary_of(struct graph *graph, enum dtype dtype, struct case_inputs *in, enum unary_kind kind,
                             double low, double high, double p) {
    in->low = low;
    in->high = high;
    return graph_unary(graph, kind, leaf(graph, dtype, in, DIM_ATOMS, 0, 9), p);
}

CASE(silu) {
    return unary_of(graph, dtype, in, UNARY_SILU, -6, 6, 0);
}
CASE(tanh_) {
    return unary_of(graph, dtype, in, UNARY_TANH, -3, 3, 0);
}
CASE(sigmoid) {
    return unary_of(graph, dtype, in, UNARY_SIGMOID, -5, 5, 0);
}
CASE(mish) {
    return unary_of(graph, dtype, in, UNARY_MISH, -4, 4, 0);
}
CASE(gelu) {
    return unary_of(graph, dtype, in, UNARY_GELU, -3, 3, 0);
}
CASE(ssp) {
    return unary_of(graph, dtype, in, UNARY_SSP, -4, 4, 0);
}
CASE(abs_) {
    return unary_of(graph, dtype, in, UNARY_ABS, 0.2, 2, 0);
}
CASE(relu) {
    return unary_of(graph, dtype, in, UNARY_RELU, 0.2, 2, 0);
}
CASE(exp_) {
    return unary_of(graph, dtype, in, UNARY_EXP, -2, 2, 0);
}
CASE(log_) {
    return unary_of(graph, dtype, in, UNARY_LOG, 0.5, 4, 0);
}
CASE(sin_) {
    return unary_of(graph, dtype, in, UNARY_SIN, -3, 3, 0);
}
CASE(cos_) {
    return unary_of(graph, dtype, in, UNARY_COS, -3, 3, 0);
}
CASE(sinc) {
    return unary_of(graph, dtype, in, UNARY_SINC, 0.02, 4, 0);
}
CASE(root) {
    return unary_of(graph, dtype, in, UNARY_POWER, 0.5, 3, 0.5);
}
CASE(reciprocal) {
    return unary_of(graph, dtype, in, UNARY_POWER, 0.5, 3, -1);
}
CASE(power) {
    return unary_of(graph, dtype, in, UNARY_POWER, 0.5, 3, 2.3);
}
CASE(cutoff) {
    return unary_of(graph, dtype, in, UNARY_CUTOFF, 0.05, 0.95, 6);
}
CASE(cutoff_half) {
    return unary_of(graph, dtype, in, UNARY_CUTOFF, 0.05, 0.95, 4.5);
}
CASE(huber) {
    return unary_of(graph, dtype, in, UNARY_HUBER, 0.05, 0.9, 0);
}
CASE(huber_far) {
    return unary_of(graph, dtype, in, UNARY_HUBER, 1.1, 3, 0);
}
CASE(step) {
    return unary_of(graph, dtype, in, UNARY_STEP, -1, 1, 0.1);
}
CASE(finite_) {
    return unary_of(graph, dtype, in, UNARY_FINITE, -1, 1, 0);
}
CASE(nan0) {
    return unary_of(graph, dtype, in, UNARY_NAN0, -1, 1, 0);
}

CASE(remap) {
    static const struct block to[] = {{3, 20}, {1, 9}};
    static const struct remap_entry entries[] = {{1, -1, 2, 0, -1, 4, 11, 0.7},
                                                 {1, -1, 2, 0, -1, 1, 5, -0.3},
                                                 {0, 0, 3, 1, 0, 2, 4, 2},
                                                 {3, 2, 0, 1, 0, 5, 3, 1}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    return graph_remap(graph, graph_mul(graph, a, a), to, 2, entries, 4);
}

CASE(gather_types) {
    struct node *table = leaf(graph, dtype, in, DIM_STATIC, 3, 4);
    return graph_gather(graph, graph_mul(graph, table, table), INDEX_TYPE);
}

CASE(gather_pairs) {
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    return graph_gather(graph, graph_mul(graph, a, a), INDEX_PAIR_J);
}

CASE(scatter_frames) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 9);
    return graph_scatter(graph, graph_mul(graph, a, a), INDEX_PAIR_FRAME, DIM_FRAMES, 0);
}

CASE(scatter_atoms) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 3);
    return graph_scatter(graph, graph_mul(graph, a, a), INDEX_PAIR_I, DIM_ATOMS, 0);
}

CASE(centres) {
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 2);
    return graph_pairs_to_centres(graph, graph_mul(graph, a, a));
}

CASE(pairs) {
    struct node *a = leaf(graph, dtype, in, DIM_ATOMS, 0, 2);
    return graph_centres_to_pairs(graph, graph_mul(graph, a, a));
}

CASE(linear) {
    static const struct block to[] = {{1, 18}, {3, 33}};
    static const struct linear_path paths[] = {{0, 0, 0, 0.5}, {2, 0, 360, 0.25}, {1, 1, 450, -0.7}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 1, 450 + 17 * 33);
    return graph_linear(graph, a, w, to, 2, paths, 3);
}

CASE(linear_wide) /* adjoints in several panels */
{
    static const struct block to[] = {{1, 50}};
    static const struct linear_path paths[] = {{0, 0, 0, 0.5}};
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 77);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 1, 77 * 50);
    return graph_linear(graph, a, w, to, 1, paths, 1);
}

CASE(linear_static) {
    static const struct block to[] = {{1, 5}};
    static const struct linear_path paths[] = {{0, 0, 0, 0.5}};
    struct node *a = leaf(graph, dtype, in, DIM_STATIC, 6, 4);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 4, 5);
    return graph_linear(graph, a, w, to, 1, paths, 1);
}

CASE(linear_unread) /* a block that no path writes, weights that no path reads */
{
    static const struct block to[] = {{1, 4}, {3, 6}};
    static const struct linear_path paths[] = {{1, 1, 3, 1}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 1, 120);
    return graph_linear(graph, a, w, to, 2, paths, 1);
}

CASE(typed_linear) /* with weights that no path reads */
{
    static const struct block to[] = {{1, 18}, {3, 7}};
    static const struct linear_path paths[] = {{0, 0, 0, 0.5}, {2, 0, 360, 0.25}, {1, 1, 461, -0.7}};
    struct node *a = blocks(graph, dtype, in, DIM_ATOMS, 0, features, 4);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 3, 461 + 17 * 7 + 3);
    return graph_typed_linear(graph, a, w, INDEX_TYPE, to, 2, paths, 3);
}

CASE(fold) {
    static const struct fold_path paths[] = {{4, 6, 3, 0, 0, 0, 0.5}, {2, 5, 2, 1, 72, 24, 0.3}};
    struct node *a = leaf(graph, dtype, in, DIM_STATIC, 3, 4);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 1, 72 + 20);
    return graph_fold(graph, a, w, 34, paths, 2);
}

/* More types, attributes and channels than a vector unit takes at a time. */
CASE(fold_wide) {
    static const struct fold_path paths[] = {{2, 86, 6, 0, 0, 0, 0.5}, {1, 19, 3, 1, 1032, 172, 0.3}};
    struct node *a = leaf(graph, dtype, in, DIM_STATIC, 5, 6);
    struct node *w = leaf(graph, dtype, in, DIM_STATIC, 1, 1032 + 57);
    return graph_fold(graph, a, w, 191, paths, 2);
}

CASE(couple) {
    static const struct couple_entry entries[] = {
        {0, 1, 0, 0.5}, {2, 0, 1, -1.5}, {1, 2, 0, 0.25}, {2, 2, 3, 1}, {0, 0, 3, 2}};
    struct node *a = leaf(graph, dtype, in, DIM_PAIRS, 0, 3);
    struct node *b = leaf(graph, dtype, in, DIM_PAIRS, 0, 3);
    return graph_couple(graph, a, b, 4, entries, 5);
}

static struct node *product(struct graph *graph, enum dtype dtype, struct case_inputs *in, const struct block *shape,
                            int nshape, const struct block *to, int nto, const struct tp_path *paths, int npaths,
                            int nm, int nw) {
    struct node *x = blocks(graph, dtype, in, DIM_ATOMS, 0, shape, nshape);
    struct node *m = leaf(graph, dtype, in, DIM_PAIRS, 0, nm);
    struct node *w = leaf(graph, dtype, in, DIM_PAIRS, 0, nw);
    return graph_tensor_product(graph, x, m, w, to, nto, paths, npaths);
}

CASE(tensor_product) {
    static const struct block shape[] = {{1, 35}, {3, 33}}, to[] = {{1, 68}, {3, 68}};
    static const struct tp_path paths[] = {
        /* in, out, out_mul, m, w, odd, identity */
        {0, 0, 0, 0, 0, 0, 1},    {0, 1, 0, 1, 35, 1, 0},   {1, 1, 35, 0, 70, 0, 1},
        {1, 0, 35, 4, 103, 1, 0}, {1, 1, 35, 7, 136, 1, 0},
    };
    return product(graph, dtype, in, shape, 2, to, 2, paths, 5, 16, 169);
}

CASE(tensor_product_l2) {
    static const struct block shape[] = {{1, 4}, {3, 5}, {5, 18}}, to[] = {{3, 24}, {5, 18}, {1, 18}};
    static const struct tp_path paths[] = {
        {2, 1, 0, 0, 0, 0, 0},   {2, 2, 0, 25, 18, 0, 0},  {2, 0, 0, 30, 36, 1, 0},
        {1, 1, 3, 45, 54, 1, 0}, {1, 0, 18, 60, 59, 0, 0}, {0, 1, 8, 69, 64, 0, 0},
    };
    return product(graph, dtype, in, shape, 3, to, 3, paths, 6, 74, 68);
}

CASE(tensor_product_wide) /* several vectors of channels, and some over */
{
    static const struct block shape[] = {{1, 70}, {3, 70}, {5, 70}}, to[] = {{1, 210}, {3, 210}, {5, 140}};
    static const struct tp_path paths[] = {
        {0, 0, 0, 0, 0, 0, 1},    {1, 0, 70, 1, 70, 1, 0},    {2, 0, 140, 4, 140, 0, 0}, {0, 1, 0, 9, 210, 1, 0},
        {1, 1, 70, 0, 280, 0, 1}, {1, 1, 140, 12, 350, 1, 0}, {0, 2, 0, 21, 420, 0, 0},  {2, 2, 70, 0, 490, 0, 1},
    };
    return product(graph, dtype, in, shape, 3, to, 3, paths, 8, 26, 560);
}

CASE(tensor_product_l3) {
    static const struct block shape[] = {{7, 9}, {3, 2}}, to[] = {{7, 9}, {5, 11}};
    static const struct tp_path paths[] = {{0, 0, 0, 0, 0, 1, 0}, {0, 1, 2, 49, 9, 0, 0}, {1, 1, 0, 84, 18, 1, 0}};
    return product(graph, dtype, in, shape, 2, to, 2, paths, 3, 99, 20);
}

CASE(tensor_product_l11) {
    static const struct block shape[] = {{15, 3}, {23, 2}}, to[] = {{15, 5}, {23, 5}};
    static const struct tp_path paths[] = {
        {0, 0, 0, 0, 0, 1, 0}, {0, 1, 0, 225, 3, 0, 0}, {1, 1, 3, 570, 6, 1, 0}, {1, 0, 3, 1099, 8, 0, 0}};
    return product(graph, dtype, in, shape, 2, to, 2, paths, 4, 1444, 10);
}

const struct op_case op_cases[] = {
    {"sums", "add", add_blocks, 2},
    {"a number everywhere", "fill", add_blocks, 2},
    {"product", "mul", mul_equal, 2},
    {"product with gates", "mul", mul_gates, 2},
    {"product with a number per row", "mul", mul_rows, 2},
    {"product summed into one column", "mul", mul_into_one, 2},
    {"product with a number", "mul", mul_scalar, 2},
    {"outer product", "mul", mul_outer, 2},
    {"cast", "cast", cast, 2},
    {"sum of all", "sum", sum_all, 2},
    {"sum over components", "sum", sum_mid, 2},
    {"sum over columns", "sum", sum_columns, 2},
    {"spread of a number", "spread", spread, 2},
    {"spread over components", "spread", spread_channels, 2},
    {"largest", "max", largest, 2},
    {"mask of the largest", "argmax", largest, 2},
    {"reshape", "reshape", reshape, 2},
    {"silu", "unary", silu, 2},
    {"tanh", "unary", tanh_, 2},
    {"sigmoid", "unary", sigmoid, 2},
    {"mish", "unary", mish, 2},
    {"gelu", "unary", gelu, 2},
    {"ssp", "unary", ssp, 2},
    {"abs", "unary", abs_, 2},
    {"relu", "unary", relu, 2},
    {"exp", "unary", exp_, 2},
    {"log", "unary", log_, 2},
    {"sin", "unary", sin_, 2},
    {"cos", "unary", cos_, 2},
    {"sinc", "unary", sinc, 2},
    {"square root", "unary", root, 2},
    {"reciprocal", "unary", reciprocal, 2},
    {"power", "unary", power, 2},
    {"cutoff", "unary", cutoff, 2},
    {"cutoff of exponent 4.5", "unary", cutoff_half, 2},
    {"huber", "unary", huber, 2},
    {"huber, far", "unary", huber_far, 2},
    {"step", "unary", step, 0},
    {"finite", "unary", finite_, 0},
    {"nan0", "unary", nan0, 2},
    {"remap", "remap", remap, 2},
    {"gather by type", "gather", gather_types, 2},
    {"gather to pairs", "gather", gather_pairs, 2},
    {"scatter to frames", "scatter", scatter_frames, 2},
    {"scatter to atoms", "scatter", scatter_atoms, 2},
    {"pairs to centres", "pairs_to_centres", centres, 2},
    {"centres to pairs", "centres_to_pairs", pairs, 2},
    {"linear", "linear", linear, 2},
    {"linear with many columns", "linear", linear_wide, 2},
    {"linear on a static matrix", "linear", linear_static, 2},
    {"linear with gaps", "linear", linear_unread, 2},
    {"typed linear", "typed_linear", typed_linear, 2},
    {"fold", "fold", fold, 2},
    {"fold, wide", "fold", fold_wide, 2},
    {"couple", "couple", couple, 2},
    {"tensor product, l 1", "tensor_product", tensor_product, 2},
    {"tensor product, l 2", "tensor_product", tensor_product_l2, 2},
    {"tensor product, wide", "tensor_product", tensor_product_wide, 2},
    {"tensor product, l 3", "tensor_product", tensor_product_l3, 2},
    {"tensor product, l 7 and 11", "tensor_product", tensor_product_l11, 2},
};
const int op_case_count = sizeof op_cases / sizeof *op_cases;

/* ---------------------------------------------------------------- topology */

static void add_edge(struct edge_rows *rows, int *fill, int at, int other, int pair, int sign) {
    int e = rows->row[at] + fill[at]++;
    rows->other[e] = other;
    rows->pair[e] = pair;
    rows->sign[e] = (signed char)sign;
}

struct topology *case_topology(int directed) {
    enum { ATOMS = 7, MOST = 64 };
    static const int frame_of[ATOMS] = {0, 0, 0, 0, 1, 1, 1}, type_of[ATOMS] = {0, 2, 1, 0, 2, 2, 0};
    static const int joined[][2] = {{0, 1}, {0, 2}, {1, 2}, {1, 3}, {2, 2}, {4, 5}, {4, 6}, {5, 6}, {5, 6}, {6, 6}};
    struct topology *t = calloc(1, sizeof *t);
    int n = sizeof joined / sizeof *joined, pairs = 0;
    for (int k = 0; k < INDEX_CATEGORY; k++)
        t->index[k] = calloc(MOST, sizeof(int));
    for (int k = 0; k < n; k++)
        for (int way = 0; way < (directed ? 2 : 1); way++) {
            int i = joined[k][way], j = joined[k][!way];
            t->index[INDEX_PAIR_I][pairs] = i;
            t->index[INDEX_PAIR_J][pairs] = j;
            t->index[INDEX_PAIR_TYPE][pairs] = 3 * type_of[i] + type_of[j];
            t->index[INDEX_PAIR_FRAME][pairs++] = frame_of[i];
        }
    memcpy(t->index[INDEX_TYPE], type_of, sizeof type_of);
    memcpy(t->index[INDEX_FRAME], frame_of, sizeof frame_of);
    t->types = 3;
    t->dim[DIM_ATOMS] = ATOMS;
    t->dim[DIM_PAIRS] = pairs;
    t->dim[DIM_FRAMES] = 2;
    t->edges = 2 * n;
    struct edge_rows *both[] = {&t->by_centre, &t->by_neighbour};
    for (int k = 0; k < 2; k++) {
        struct edge_rows *rows = both[k];
        int fill[ATOMS] = {0};
        rows->row = calloc(ATOMS + 1, sizeof(int));
        rows->other = calloc(MOST, sizeof(int));
        rows->pair = calloc(MOST, sizeof(int));
        rows->sign = calloc(MOST, 1);
        for (int pass = 0; pass < 2; pass++) {
            for (int p = 0; p < pairs; p++) {
                int i = t->index[INDEX_PAIR_I][p], j = t->index[INDEX_PAIR_J][p];
                for (int way = 0; way < (directed ? 1 : 2); way++) {
                    int centre = way ? j : i, neighbour = way ? i : j;
                    int at = k ? neighbour : centre, other = k ? centre : neighbour;
                    if (pass)
                        add_edge(rows, fill, at, other, p, way ? -1 : 1);
                    else
                        rows->row[at + 1]++;
                }
            }
            for (int a = 0; !pass && a < ATOMS; a++)
                rows->row[a + 1] += rows->row[a];
        }
    }
    return t;
}

void case_topology_free(struct topology *t) {
    for (int k = 0; k < INDEX_COUNT; k++)
        free(t->index[k]);
    struct edge_rows *both[] = {&t->by_centre, &t->by_neighbour};
    for (int k = 0; k < 2; k++) {
        free(both[k]->row);
        free(both[k]->other);
        free(both[k]->pair);
        free(both[k]->sign);
    }
    free(t);
}
