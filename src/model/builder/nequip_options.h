/* The arguments of the NequIP builders, which share most. */
#ifndef FETTLE_MODEL_NEQUIP_OPTIONS_H
#define FETTLE_MODEL_NEQUIP_OPTIONS_H

#include "config/options.h"

struct nequip_options {
    /* PresetNequIPGNNModel */
    const char *preset;
    /* NequIPGNNModel */
    int64_t num_layers, l_max, radial_depth, radial_width;
    int parity;
    struct option_ints num_features;
    /* FullNequIPGNNModel */
    struct option_ints radial_depths, radial_widths; /* one a layer */
    struct option_strings hidden;                    /* irreps, one a layer */
    const struct config_node *harmonics;             /* irreps, or l_max; or: */
    const char *harmonics_text;
    /* all */
    double r_max;
    int64_t embed_features; /* 0: not given */
    const struct config_node *categories;
    int64_t readout_depth, readout_width; /* 0: not given */
    const char *readout_nonlinearity;
    const struct config_node *cutoffs;
    int64_t num_bessels;
    double cutoff_p;
    int bessel_trainable;
    const struct config_node *avg_num_neighbors, *scales, *shifts;
    int scales_trainable, shifts_trainable;
    const struct config_node *pair_potential;
    int derivatives, self_connection, learnable_shift, resnet;
    const char *nonlinearity_type;
    const struct config_node *nonlinearity_scalars, *nonlinearity_gates;
};

#define NEQUIP_ROW(name, type, flags, fallback, member, choices, help)                                                 \
    { name, type, flags, fallback, offsetof(struct nequip_options, member), choices, help }

/* Rows that all three builders have. */
#define NEQUIP_SHARED_ROWS                                                                                             \
    NEQUIP_ROW("r_max", OPTION_FLOAT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, r_max, NULL, "A; cutoff radius"),       \
        NEQUIP_ROW("categorical_graph_field_embed", OPTION_NODE, OPTION_NULLABLE, NULL, categories, NULL,              \
                   "list of {field, num_features, min, max, init}: integer fields of a frame to embed"),               \
        NEQUIP_ROW("readout_mlp_hidden_layers_depth", OPTION_INT, OPTION_NONNEGATIVE, "0", readout_depth, NULL,        \
                   "hidden layers of the readout"),                                                                    \
        NEQUIP_ROW("readout_mlp_hidden_layers_width", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, NULL,          \
                   readout_width, NULL, "their width; null: as many as the last layer's features"),                    \
        NEQUIP_ROW("readout_mlp_nonlinearity", OPTION_STRING, OPTION_NULLABLE, "silu", readout_nonlinearity, NULL,     \
                   "silu, mish, gelu, ssp, tanh, sigmoid, softplus or null"),                                          \
        NEQUIP_ROW("per_edge_type_cutoff", OPTION_NODE, OPTION_NULLABLE, NULL, cutoffs, NULL,                          \
                   "A; by type of the centre, then of the neighbour; at most r_max"),                                  \
        NEQUIP_ROW("num_bessels", OPTION_INT, OPTION_POSITIVE, "8", num_bessels, NULL, "radial basis functions"),      \
        NEQUIP_ROW("bessel_trainable", OPTION_BOOL, 0, "false", bessel_trainable, NULL,                                \
                   "whether their roots are trained"),                                                                 \
        NEQUIP_ROW("polynomial_cutoff_p", OPTION_FLOAT, OPTION_POSITIVE, "6", cutoff_p, NULL,                          \
                   "exponent of the cutoff function, at least 2"),                                                     \
        NEQUIP_ROW("avg_num_neighbors", OPTION_NODE, OPTION_REQUIRED, NULL, avg_num_neighbors, NULL,                   \
                   "normalises sums over edges; a number, or one for each type"),                                      \
        NEQUIP_ROW("per_type_energy_scales", OPTION_NODE, OPTION_NULLABLE, NULL, scales, NULL,                         \
                   "eV; a number, or one for each type"),                                                              \
        NEQUIP_ROW("per_type_energy_shifts", OPTION_NODE, OPTION_NULLABLE, NULL, shifts, NULL,                         \
                   "eV; a number, or one for each type"),                                                              \
        NEQUIP_ROW("per_type_energy_scales_trainable", OPTION_BOOL, OPTION_NULLABLE, "false", scales_trainable, NULL,  \
                   "whether scales are trained"),                                                                      \
        NEQUIP_ROW("per_type_energy_shifts_trainable", OPTION_BOOL, OPTION_NULLABLE, "false", shifts_trainable, NULL,  \
                   "whether shifts are trained"),                                                                      \
        NEQUIP_ROW("pair_potential", OPTION_NODE, OPTION_NULLABLE, NULL, pair_potential, NULL,                         \
                   "an additional term; see the pair potentials"),                                                     \
        NEQUIP_ROW("do_derivatives", OPTION_BOOL, 0, "true", derivatives, NULL, "forces and stress"),                  \
        NEQUIP_ROW("convnet_sc", OPTION_BOOL, 0, "true", self_connection, NULL, "self-connections"),                   \
        NEQUIP_ROW("learnable_shift", OPTION_BOOL, 0, "false", learnable_shift, NULL,                                  \
                   "self-connection or residual in the first layer too, so that the energy of an isolated atom is "    \
                   "learnt"),                                                                                          \
        NEQUIP_ROW("convnet_resnet", OPTION_BOOL, 0, "false", resnet, NULL, "residual connections"),                   \
        NEQUIP_ROW("convnet_nonlinearity_type", OPTION_STRING, 0, "gate", nonlinearity_type, "gate|norm",              \
                   "of the layers"),                                                                                   \
        NEQUIP_ROW("convnet_nonlinearity_scalars", OPTION_NODE, 0, "{e: silu, o: tanh}", nonlinearity_scalars, NULL,   \
                   "for even and odd scalars: silu, tanh, abs or ssp"),                                                \
        NEQUIP_ROW("convnet_nonlinearity_gates", OPTION_NODE, 0, "{e: silu, o: tanh}", nonlinearity_gates, NULL,       \
                   "for even and odd gates")

/* Rows that NequIPGNNModel and its presets have. */
#define NEQUIP_GNN_ROWS                                                                                                \
    NEQUIP_ROW("num_layers", OPTION_INT, OPTION_POSITIVE, "4", num_layers, NULL, "interaction layers"),                \
        NEQUIP_ROW("l_max", OPTION_INT, OPTION_NONNEGATIVE, "1", l_max, NULL, "largest rotation order"),               \
        NEQUIP_ROW("parity", OPTION_BOOL, 0, "true", parity, NULL, "features of both parities for each l"),            \
        NEQUIP_ROW("num_features", OPTION_INT_LIST, OPTION_POSITIVE, "32", num_features, NULL,                         \
                   "channels, for all l or one for each"),                                                             \
        NEQUIP_ROW("type_embed_num_features", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL, embed_features,     \
                   NULL, "size of the type embedding; null: the first of num_features"),                               \
        NEQUIP_ROW("radial_mlp_depth", OPTION_INT, OPTION_NONNEGATIVE, "1", radial_depth, NULL,                        \
                   "hidden layers of the radial MLP"),                                                                 \
        NEQUIP_ROW("radial_mlp_width", OPTION_INT, OPTION_POSITIVE, "128", radial_width, NULL, "their width")

#endif
