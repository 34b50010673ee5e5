/* The modules a NequIP model is made of: how to make each, and how to apply those that act on a node. Names and
 * children are NequIP's and e3nn's. Constructors return NULL, with the build's error set, on failure. */
#ifndef FETTLE_MODEL_MODULES_H
#define FETTLE_MODEL_MODULES_H

#include "e3/irreps.h"
#include "model/emit/build.h"
#include "model/emit/emitter.h"

/* ---------------------------------------------------------------- linear.c, tensor_product.c */

/* The weights of a linear map on irreps, drawn normal; an empty buffer where nothing is connected (*weight NULL). */
int connected_weight(struct build *build, struct module *module, int numel, struct state_entry **weight);
/* Its mask "output_mask": 1 for the numbers of out whose irrep stands in in, so that a path may reach them. */
int reached_mask(struct build *build, struct module *module, const struct irreps *out, const struct irreps *in);

/* e3nn's Linear: all pairs of entries of equal irrep are connected. */
struct module *linear_new(struct build *build, const struct irreps *in, const struct irreps *out);
struct node *linear_apply(const struct module *module, struct emitter *emitter, struct node *x);

/* The product of features with the harmonics of an edge, weighted per pair, summed at the centre of the edge; only
 * products that `wanted` has. */
struct module *tp_scatter_new(struct build *build, const struct irreps *features, const struct irreps *harmonics,
                              const struct irreps *wanted);
struct node *tp_scatter_apply(const struct module *module, struct emitter *emitter, struct node *x,
                              struct node *weights);
int tp_scatter_weights(const struct module *module);              /* numbers per pair that it is given */
struct irreps tp_scatter_irreps_out(const struct module *module); /* sorted and simplified */

/* The product of features with scalar node attributes, all connected: the self-connection. */
struct module *self_connection_new(struct build *build, const struct irreps *features, int attributes,
                                   const struct irreps *out);
struct node *self_connection_apply(const struct module *module, struct emitter *emitter, struct node *x);

/* A tensor product without weights, for its text and its entries in the state dict. */
struct module *elementwise_product_new(struct build *build, const struct irreps *a, const struct irreps *b,
                                       const struct irreps *out, int paths);

/* ---------------------------------------------------------------- gate.c, norm_activation.c */

struct activation; /* see activation.h */

/* Scalars and gates through activations by parity ([0] even, [1] odd), gated entries times gates. */
struct module *gate_new(struct build *build, const struct irreps *scalars, const struct irreps *gated,
                        struct irrep gate, const struct activation *const scalar_acts[2],
                        const struct activation *const gate_acts[2]);
struct irreps gate_irreps_in(const struct module *module);  /* sorted and simplified */
struct irreps gate_irreps_out(const struct module *module); /* scalars, then gated */
struct node *gate_apply(const struct module *module, struct emitter *emitter, struct node *x);

/* Each irrep times f(norm) / norm. */
struct module *norm_activation_new(struct build *build, const struct irreps *irreps, const struct activation *act);
struct node *norm_activation_apply(const struct module *module, struct emitter *emitter, struct node *x);

/* ---------------------------------------------------------------- mlp.c */

struct mlp_options {
    int in, out, depth, width;
    const char *nonlinearity; /* "silu", ...; NULL is none at all */
};
struct module *mlp_new(struct build *build, const struct mlp_options *options);
struct node *mlp_apply(const struct module *module, struct emitter *emitter, struct node *x);
/* ScalarMLP: features to atomic energies (of the model's dtype). */
struct module *readout_new(struct build *build, const struct mlp_options *options);
/* 0, or an error that names the known ones. */
int mlp_check_nonlinearity(const char *name, struct error *error);

/* ---------------------------------------------------------------- type_embed.c */

enum embed_init { EMBED_NORMAL, EMBED_UNIFORM, EMBED_ZERO, EMBED_NEAR_ZERO };
struct category {
    const char *field;
    int features, min, max;
    enum embed_init init;
};
struct module *type_embed_new(struct build *build, int features, const struct category *categories, int ncategories);

/* ---------------------------------------------------------------- edge.c */

struct module *harmonics_new(struct build *build, const struct irreps *irreps);
/* cutoffs: NULL, or per_edge_type_cutoff. */
struct module *edge_norm_new(struct build *build, double r_max, const struct config_node *cutoffs);
struct module *bessel_new(struct build *build, int bessels, int trainable, double cutoff_p);
struct module *factor_new(struct build *build, double factor);
/* PolynomialCutoff, and its value at emitter->x, float64. */
struct module *cutoff_new(struct build *build, double p);
struct node *cutoff_apply(const struct module *module, struct emitter *emitter);

/* ---------------------------------------------------------------- interaction.c, convnet.c */

struct convnet_options {
    int radial_depth, radial_width;
    int bessels, attributes;
    int self_connection, resnet, norm_nonlinearity;
    const struct activation *scalar_acts[2], *gate_acts[2];
    struct per_type avg_num_neighbors;
};
struct module *interaction_new(struct build *build, const struct irreps *in, const struct irreps *harmonics,
                               const struct irreps *out, const struct convnet_options *options);
/* Features to features. */
struct node *interaction_apply(const struct module *module, struct emitter *emitter, struct node *x);
/* hidden: what the layer would have, if a path reaches it; *out: what it has. */
struct module *convnet_new(struct build *build, const struct irreps *in, const struct irreps *harmonics,
                           const struct irreps *hidden, const struct convnet_options *options, struct irreps *out);

/* ---------------------------------------------------------------- energies and outputs */

struct module *scale_shift_new(struct build *build, const struct per_type *scales, const struct per_type *shifts,
                               int scales_trainable, int shifts_trainable);
struct module *energy_sum_new(struct build *build);
struct module *sequence_new(struct build *build);
struct module *force_stress_new(struct build *build, struct module *func, int derivatives);
struct module *graph_model_new(struct build *build, struct module *model);

/* ---------------------------------------------------------------- pair_potential.c */

/* A map with the _target_ of a pair potential. With check, only names and types are looked at, and *out is NULL. */
int pair_potential_build(struct build *build, const struct config_node *config, int check, struct module **out);
struct module *zbl_new(struct build *build, const char *const *species, int count, const char *units, double cutoff_p,
                       const struct config_node *place);
struct lennard_jones_options {
    const struct config_node *sigma, *delta, *epsilon;
    int sigma_trainable, delta_trainable, epsilon_trainable;
    double exponent;
    int per_type;
    const char *style; /* "lj", "lj_repulsive_only", "repulsive" */
    double cutoff_p;
};
struct module *lennard_jones_new(struct build *build, const struct lennard_jones_options *options,
                                 const struct config_node *place);

#endif
