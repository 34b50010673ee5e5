/* The graph: what a model computes, as nodes of a small set of ops that is closed under differentiation.
 *
 * Every node is one tensor of one dtype.  Its first dimension ("rows") is atoms, pairs or frames (bound for each
 * batch) or static; what stands in a row is a list of blocks, block b having mid x mul numbers (mid = 2l+1 components
 * of an irrep, mul channels).  A plain matrix [rows, cols] is one block 1 x cols.  In memory a block is contiguous
 * over all rows, [rows][mid][mul], and the blocks follow each other: a linear layer over an irrep is one GEMM.
 *
 * Functions return the new node, or an equal one that was there before (hash-consing).  Nodes live as long as the
 * graph.  A call whose operands do not fit sets the graph's sticky error and returns a harmless node, so emitting
 * code checks once, with graph_error. */
#ifndef FETTLE_GRAPH_GRAPH_H
#define FETTLE_GRAPH_GRAPH_H

#include <stddef.h>
#include "base/dtype.h"
#include "base/error.h"
#include "graph/topology.h"

struct graph;

struct block {
    int mid, mul;
};

struct layout {
    int nblocks;
    int cols; /* sum of mid * mul */
    const struct block *blocks;
    const int *offset; /* [nblocks] columns before each block */
};

struct node; /* opaque outside src/graph, but for these: */
enum dtype node_dtype(const struct node *node);
enum dim node_dim(const struct node *node);
int node_rows(const struct node *node); /* static rows; 0 where the dimension is symbolic */
const struct layout *node_layout(const struct node *node);
int node_cols(const struct node *node);

struct graph *graph_new(void);
void graph_free(struct graph *graph);
int graph_error(const struct graph *graph, struct error *error); /* 0 if all went well so far */

/* Nodes made from now on belong to the module of this path ("model.func.layer0_convnet.conv.tp_scatter"); those
 * made by graph_grad belong to the module whose node they differentiate.  Nest with push and pop. */
void graph_push_module(struct graph *graph, const char *path);
void graph_pop_module(struct graph *graph);

/* ---------------------------------------------------------------- leaves */

/* An array that the caller binds by name for each run; plain [rows, cols], rows static only if dim is DIM_STATIC. */
struct node *graph_input(struct graph *graph, const char *name, enum dtype dtype, enum dim dim, int rows, int cols);
/* Numbers [offset, offset + numel) of the parameter slab of this dtype, as a static [rows, cols] matrix. */
struct node *graph_param(struct graph *graph, const char *name, enum dtype dtype, size_t offset, int rows, int cols);
struct node *graph_const(struct graph *graph, enum dtype dtype, int rows, int cols, const double *values);
/* One value everywhere, in the shape of `like` but of this dtype. */
struct node *graph_fill(struct graph *graph, enum dtype dtype, const struct node *like, double value);

/* ---------------------------------------------------------------- elementwise */

/* Sum, product with broadcasting: rows (static 1), number of blocks (1 block), mid and mul (1) may each be 1 where
 * the other operand has more.  The dtypes must agree. */
struct node *graph_add(struct graph *graph, struct node *a, struct node *b);
struct node *graph_sub(struct graph *graph, struct node *a, struct node *b);
struct node *graph_mul(struct graph *graph, struct node *a, struct node *b);
struct node *graph_scale(struct graph *graph, struct node *a, double factor);
struct node *graph_offset(struct graph *graph, struct node *a, double constant);
struct node *graph_neg(struct graph *graph, struct node *a);
struct node *graph_cast(struct graph *graph, struct node *a, enum dtype dtype);

/* f(x), f one of these; p is its parameter.  The derivative of unary(kind, order) is unary(kind, order + 1). */
enum unary_kind {
    UNARY_SILU,
    UNARY_TANH,
    UNARY_SIGMOID,
    UNARY_MISH,
    UNARY_GELU, /* x Phi(x), exact */
    UNARY_SSP,  /* softplus(x) - log 2 */
    UNARY_ABS,
    UNARY_RELU,
    UNARY_EXP,
    UNARY_LOG,
    UNARY_SIN,
    UNARY_COS,
    UNARY_SINC,   /* sin(pi x) / (pi x), 1 at 0 */
    UNARY_POWER,  /* x^p */
    UNARY_CUTOFF, /* polynomial cutoff of exponent p: 0 for x >= 1 */
    UNARY_HUBER,  /* x^2/2 for |x| < 1, |x| - 1/2 beyond */
    UNARY_STEP,   /* 1 for x > p, else 0; derivative 0 */
    UNARY_FINITE, /* 1 where x is not NaN, else 0; derivative 0 */
    UNARY_NAN0,   /* x, but 0 where x is NaN; derivative FINITE */
    UNARY_COUNT
};
struct node *graph_unary(struct graph *graph, enum unary_kind kind, struct node *a, double p);

/* Sum over what `axes` names (the dimension becomes 1); graph_spread is its transpose: a repeated to the shape of
 * `like`. */
enum axes { AXIS_ROWS = 1, AXIS_BLOCKS = 2, AXIS_MID = 4, AXIS_MUL = 8, AXIS_ALL = 15 };
struct node *graph_sum(struct graph *graph, struct node *a, unsigned axes);
struct node *graph_spread(struct graph *graph, struct node *a, const struct node *like);
/* The largest number of all, [1, 1] (its derivative is 1 at the first largest, 0 elsewhere). */
struct node *graph_max(struct graph *graph, struct node *a);

/* A static plain matrix seen as [rows, cols]; no data moves. */
struct node *graph_reshape(struct graph *graph, struct node *a, int rows, int cols);

/* ---------------------------------------------------------------- structure */

/* Copies of channel ranges: for each entry, out[dst_block][dst_mid][dst_mul + k] += factor * a[src...][src_mul + k],
 * k < count.  What no entry writes is 0.  mid = -1 stands for all components (the blocks' mid must agree). */
struct remap_entry {
    int src_block, src_mid, src_mul;
    int dst_block, dst_mid, dst_mul;
    int count;
    double factor;
};
struct node *graph_remap(struct graph *graph, struct node *a, const struct block *blocks, int nblocks,
                         const struct remap_entry *entries, int nentries);

/* out[r] = table[index[r]], and its transpose out[index[r]] += a[r] (out has `dim` rows, or `rows` if static). */
struct node *graph_gather(struct graph *graph, struct node *table, enum index_kind index);
struct node *graph_scatter(struct graph *graph, struct node *a, enum index_kind index, enum dim dim, int rows);
/* Sum over the edges of a centre of its pairs' rows: [pairs, c] -> [atoms, c]; and its transpose. */
struct node *graph_pairs_to_centres(struct graph *graph, struct node *a);
struct node *graph_centres_to_pairs(struct graph *graph, struct node *a);

/* ---------------------------------------------------------------- multilinear forms */

/* Linear layer on irreps: out[block_out] += scale * a[block_in] . W[w_offset ...], W row-major (mul_in, mul_out); mid
 * must agree.  w: static, numel as the spec needs. */
struct linear_path {
    int in, out; /* blocks */
    int w_offset;
    double scale;
};
struct node *graph_linear(struct graph *graph, struct node *a, struct node *w, const struct block *out_blocks,
                          int nout_blocks, const struct linear_path *paths, int npaths);
/* The same with weights chosen for each row: w is [types, numel], row index[r] serves row r. */
struct node *graph_typed_linear(struct graph *graph, struct node *a, struct node *w, enum index_kind index,
                                const struct block *out_blocks, int nout_blocks, const struct linear_path *paths,
                                int npaths);

/* Folds node attributes into weights: out[t, out_offset + u*mul_out + k] = scale * sum_v
 * a[t, v] W[w_offset + (u*attrs + v)*mul_out + k], v < attrs, of the columns a_offset + v of a [types, n]. */
struct fold_path {
    int mul_in, mul_out, attrs, a_offset;
    int w_offset, out_offset;
    double scale;
};
struct node *graph_fold(struct graph *graph, struct node *a, struct node *w, int out_cols,
                        const struct fold_path *paths, int npaths);

/* Sparse bilinear form on plain operands: out[r, k] = sum over entries coefficient * a[r, i] * b[r, j]. */
struct couple_entry {
    int i, j, k;
    double coefficient;
};
struct node *graph_couple(struct graph *graph, struct node *a, struct node *b, int out_cols,
                          const struct couple_entry *entries, int nentries);

/* Tensor product and sum over edges:
 *   out[centre][path block][m3, c] += s * w[pair, w_offset + c] * sum_m1 M[pair, m_offset + m1*d3 + m3] x[other][m1, c]
 * x: [atoms, ...]; M: plain [pairs, nm], the harmonics contracted with the couplings; w: plain [pairs, nw]; a path
 * writes its own channel range [out_mul, out_mul + mul) of block out.  s = sign^odd of the edge (odd = l2 mod 2).
 * identity paths (l2 = 0; d1 = d3): M[m_offset] alone multiplies the unit matrix. */
enum { TENSOR_PRODUCT_MOST = 23 }; /* components of a block: l up to 11 */
struct tp_path {
    int in, out; /* blocks of x and of the result */
    int out_mul; /* first channel in block out */
    int m_offset, w_offset;
    int odd, identity;
};
struct node *graph_tensor_product(struct graph *graph, struct node *x, struct node *m, struct node *w,
                                  const struct block *out_blocks, int nout_blocks, const struct tp_path *paths,
                                  int npaths);

/* ---------------------------------------------------------------- narrowing */

/* Replaces each *outputs[k] (NULL is passed over) by an equal node, made without the blocks that nobody reads: linear
 * layers, products and radial weights of paths that end in such blocks, and whatever feeds only them.  Nodes of which
 * everything is read stay as they are. */
void graph_narrow(struct graph *graph, struct node **const *outputs, int noutputs);

/* ---------------------------------------------------------------- differentiation */

/* out[k] = the derivative of sum(y * seed) by wrt[k], in the shape of wrt[k]; seed NULL is 1 everywhere; a zero
 * fill where y does not depend on wrt[k].  May be repeated on its own result. */
int graph_grad(struct graph *graph, struct node *y, struct node *seed, struct node *const *wrt, int nwrt,
               struct node **out);
int graph_is_zero(const struct node *node); /* a fill of 0: what a gradient is that does not exist */

#endif
