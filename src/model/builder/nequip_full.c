/* FullNequIPGNNModel: a NequIP model described layer by layer. */
#include "model/module/activation.h"
#include "model/builder/builder.h"
#include "model/module/modules.h"
#include "model/builder/nequip_options.h"
#include "model/module/pair_potential.h"
#include "e3/harmonics.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct option full_rows[] = {
    NEQUIP_ROW("radial_mlp_depth", OPTION_INT_LIST, OPTION_REQUIRED | OPTION_NONNEGATIVE, NULL, radial_depths, NULL,
               "hidden layers of the radial MLP, one number a layer"),
    NEQUIP_ROW("radial_mlp_width", OPTION_INT_LIST, OPTION_REQUIRED | OPTION_POSITIVE, NULL, radial_widths, NULL,
               "their width, one number a layer"),
    NEQUIP_ROW("feature_irreps_hidden", OPTION_STRING_LIST, OPTION_REQUIRED, NULL, hidden, NULL,
               "irreps of the features, one text a layer; the last only 0e"),
    NEQUIP_ROW("irreps_edge_sh", OPTION_NODE, OPTION_REQUIRED, NULL, harmonics, NULL,
               "irreps of the harmonics, or their largest l"),
    NEQUIP_ROW("type_embed_num_features", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, embed_features, NULL,
               "size of the type embedding"),
    NEQUIP_SHARED_ROWS,
};

enum { MAX_SIZE = 1 << 20 }; /* of anything that a person types: far above any use */

/* ---------------------------------------------------------------- reading arguments further */

/* Fields of a frame that NequIP can embed. */
static const char *const graph_fields[] = {"total_energy", "free_energy",  "stress",           "virial", "pbc",
                                           "cell",         "num_atoms",    "dataset",          "charge", "spin",
                                           "magmom",       "polarization", "dielectric_tensor"};

struct category_options {
    const char *field, *init;
    int64_t features, min, max;
};

static const struct option category_rows[] = {
    {"field", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct category_options, field), NULL, "integer field"},
    {"num_features", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct category_options, features),
     NULL, "size of the embedding"},
    {"min", OPTION_INT, OPTION_REQUIRED, NULL, offsetof(struct category_options, min), NULL, "smallest value"},
    {"max", OPTION_INT, OPTION_REQUIRED, NULL, offsetof(struct category_options, max), NULL, "largest value"},
    {"init", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct category_options, init), "uniform|zero|near_zero",
     "how weights begin; null: normal"},
};

static int read_categories(struct build *build, const struct config_node *list, struct category *out, int *count) {
    enum { MAX_CATEGORIES = 8 };
    *count = 0;
    if (!list || config_kind(list) == CONFIG_NULL || config_kind(list) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(list) != CONFIG_LIST)
        return config_error(list, build->error, ERROR_TYPE, "expected a list of maps, not %s", config_kind_name(list));
    if (config_count(list) > MAX_CATEGORIES)
        return config_error(list, build->error, ERROR_VALUE, "%zu fields: expected at most %d", config_count(list),
                            MAX_CATEGORIES);
    for (size_t k = 0; k < config_count(list); k++) {
        const struct config_node *node = config_at(list, k);
        struct category_options options;
        size_t nfields = sizeof graph_fields / sizeof *graph_fields, known = 0;
        if (config_kind(node) != CONFIG_MAP)
            return config_error(node, build->error, ERROR_TYPE, "expected a map, not %s", config_kind_name(node));
        int code = options_read(category_rows, sizeof category_rows / sizeof *category_rows, node, NULL, &options,
                                build->arena, build->error);
        if (code)
            return code;
        while (known < nfields && options.field && strcmp(graph_fields[known], options.field) != 0)
            known++;
        if (known == nfields) {
            const char *nearest = text_nearest(options.field, graph_fields, nfields);
            return config_error(node, build->error, ERROR_NAME, "\"%s\" is no field of a frame%s", options.field,
                                DID_YOU_MEAN(nearest));
        }
        if (options.max < options.min || options.max - options.min >= MAX_SIZE || options.features > MAX_SIZE ||
            options.min < -MAX_SIZE || options.max > MAX_SIZE)
            return config_error(node, build->error, ERROR_VALUE, "min %lld and max %lld: expected min <= max",
                                (long long)options.min, (long long)options.max);
        for (int j = 0; j < *count; j++)
            if (strcmp(out[j].field, options.field) == 0)
                return config_error(node, build->error, ERROR_VALUE, "the field \"%s\" stands twice", options.field);
        enum embed_init init = !options.init                          ? EMBED_NORMAL
                               : strcmp(options.init, "uniform") == 0 ? EMBED_UNIFORM
                               : strcmp(options.init, "zero") == 0    ? EMBED_ZERO
                                                                      : EMBED_NEAR_ZERO;
        out[(*count)++] =
            (struct category){options.field, (int)options.features, (int)options.min, (int)options.max, init};
    }
    return 0;
}

static int read_harmonics(struct build *build, const struct nequip_options *options, struct irreps *out) {
    const struct config_node *node = options->harmonics;
    if (options->harmonics_text)
        return irreps_parse(out, options->harmonics_text, build->arena, build->error);
    if (config_kind(node) == CONFIG_INT && config_int(node) >= 0 && config_int(node) <= HARMONICS_MAX_L + 1) {
        *out = irreps_harmonics((int)config_int(node), build->arena);
        return 0;
    }
    struct error inner = {0};
    if (config_kind(node) != CONFIG_STRING)
        return config_error(node, build->error, ERROR_TYPE,
                            "irreps_edge_sh: expected irreps such as 1x0e+1x1o, or an l from 0 to %d",
                            HARMONICS_MAX_L + 1);
    enum { MAX_COPIES = 1024 };
    if (irreps_parse(out, config_text(node), build->arena, &inner))
        return config_error(node, build->error, inner.code, "%s", inner.message);
    int polar = 1, axial = 1;
    for (int k = 0; k < out->count; k++) {
        struct irreps_entry entry = out->entries[k];
        if (entry.mul < 1 || entry.mul > MAX_COPIES)
            return config_error(node, build->error, ERROR_VALUE, "irreps_edge_sh: %d copies: expected 1 to %d",
                                entry.mul, MAX_COPIES);
        polar = polar && entry.ir.p == (entry.ir.l % 2 ? -1 : 1);
        axial = axial && entry.ir.p == 1;
    }
    if (out->count == 0 || (!polar && !axial))
        return config_error(node, build->error, ERROR_VALUE,
                            "irreps_edge_sh: expected the harmonics of a vector: 0e, 1o, 2e, ... or 0e, 1e, 2e, ...");
    return 0;
}

static int read_acts(struct build *build, const struct config_node *node, const char *name,
                     const struct activation **out) {
    static const char *const keys[] = {"e", "o"};
    static const char *const defaults[] = {"silu", "tanh"};
    for (int k = 0; k < 2; k++)
        out[k] = activation_find(defaults[k]);
    if (!node || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(node) != CONFIG_MAP)
        return config_error(node, build->error, ERROR_TYPE, "%s: expected a map with e and o", name);
    for (size_t k = 0; k < config_count(node); k++)
        if (strcmp(config_key(node, k), "e") != 0 && strcmp(config_key(node, k), "o") != 0)
            return config_error(config_key_node(node, k), build->error, ERROR_NAME,
                                "%s: unknown key \"%s\", not e or o", name, config_key(node, k));
    for (int k = 0; k < 2; k++) {
        const struct config_node *value = config_get(node, keys[k]);
        struct error inner = {0};
        if (!value)
            return config_error(node, build->error, ERROR_VALUE, "%s lacks \"%s\"", name, keys[k]);
        out[k] = activation_find(config_text(value));
        if (!out[k])
            return config_error(value, build->error, activation_unknown(config_text(value), &inner), "%s",
                                inner.message);
    }
    return 0;
}

/* Everything that the arguments say, read as far as it goes. */
struct nequip_plan {
    struct irreps harmonics, *hidden;
    struct category categories[8];
    int ncategories;
    struct convnet_options layer; /* shared by all layers */
    struct per_type scales, shifts;
};

static int check_layers(struct build *build, const struct nequip_options *options, const struct config_node *args,
                        struct nequip_plan *plan) {
    int layers = options->hidden.count;
    if (layers < 1)
        return config_error(args, build->error, ERROR_VALUE, "at least one layer is needed");
    if (options->radial_depths.count != layers || options->radial_widths.count != layers)
        return config_error(args, build->error, ERROR_VALUE,
                            "radial_mlp_depth, radial_mlp_width and feature_irreps_hidden have %d, %d and %d entries: "
                            "expected one a layer in each",
                            options->radial_depths.count, options->radial_widths.count, layers);
    plan->hidden = arena_alloc(build->arena, (size_t)layers * sizeof *plan->hidden);
    if (!plan->hidden)
        return error_memory(build->error);
    for (int k = 0; k < layers; k++) {
        struct error inner = {0};
        struct irreps *hidden = &plan->hidden[k];
        const struct config_node *place = config_get(args, "feature_irreps_hidden");
        place = place ? config_at(place, (size_t)k) : args;
        if (irreps_parse(hidden, options->hidden.values[k], build->arena, &inner))
            return config_error(place, build->error, inner.code, "%s", inner.message);
        for (int i = 0; i < hidden->count; i++)
            if (hidden->entries[i].mul < 1 || hidden->entries[i].mul > 65536)
                return config_error(place, build->error, ERROR_VALUE, "%d channels: expected 1 to 65536",
                                    hidden->entries[i].mul);
        if (options->radial_depths.values[k] > 100 || options->radial_widths.values[k] > 65536)
            return config_error(
                args, build->error, ERROR_VALUE, "a radial MLP of %lld layers of %lld: expected at most 100 of 65536",
                (long long)options->radial_depths.values[k], (long long)options->radial_widths.values[k]);
    }
    const struct irreps *last = &plan->hidden[layers - 1];
    if (irreps_l_max(last) != 0) {
        const struct config_node *place = config_get(args, "feature_irreps_hidden");
        return config_error(place ? place : args, build->error, ERROR_VALUE,
                            "the last layer has %s: expected scalars only, such as 32x0e",
                            options->hidden.values[layers - 1]);
    }
    return 0;
}

static int check_numbers(struct build *build, const struct nequip_options *options, const struct config_node *args) {
    if (!(options->cutoff_p >= 2 && options->cutoff_p <= 65536))
        return config_error(config_get(args, "polynomial_cutoff_p"), build->error, ERROR_VALUE,
                            "polynomial_cutoff_p is %g: expected at least 2%s", options->cutoff_p,
                            options->cutoff_p < 2 ? "" : ", and at most 65536");
    if (options->num_bessels > 65536 || options->embed_features > 65536 || options->readout_width > 65536 ||
        options->readout_depth > 100)
        return config_error(args, build->error, ERROR_VALUE,
                            "num_bessels, type_embed_num_features or the readout is too large: expected at most 65536 "
                            "(100 hidden layers)");
    const struct config_node *width = config_get(args, "readout_mlp_hidden_layers_width");
    if (options->readout_depth > 0 && config_kind(width) == CONFIG_INT && config_int(width) == 0)
        return config_error(width, build->error, ERROR_VALUE,
                            "readout_mlp_hidden_layers_width is 0: expected at least 1, or null for as many as the "
                            "last layer has features");
    if (options->learnable_shift && !options->self_connection && !options->resnet)
        return config_error(config_get(args, "learnable_shift"), build->error, ERROR_VALUE,
                            "learnable_shift needs convnet_sc or convnet_resnet");
    struct error inner = {0};
    if (mlp_check_nonlinearity(options->readout_nonlinearity, &inner))
        return config_error(config_get(args, "readout_mlp_nonlinearity"), build->error, inner.code, "%s",
                            inner.message);
    return 0;
}

static int read_plan(struct build *build, const struct nequip_options *options, const struct config_node *args,
                     struct nequip_plan *plan) {
    *plan = (struct nequip_plan){0};
    for (int k = 0; k < build->ntypes; k++)
        for (const char *c = build->type_names[k]; c == build->type_names[k] || *c; c++)
            if (!isalnum((unsigned char)*c))
                return config_error(args, build->error, ERROR_VALUE,
                                    "the type name \"%s\" has characters other than letters and digits",
                                    build->type_names[k]);
    int code = check_layers(build, options, args, plan);
    if (!code)
        code = check_numbers(build, options, args);
    if (!code)
        code = read_harmonics(build, options, &plan->harmonics);
    if (!code)
        code = read_categories(build, options->categories, plan->categories, &plan->ncategories);
    if (!code)
        code = read_acts(build, options->nonlinearity_scalars, "convnet_nonlinearity_scalars", plan->layer.scalar_acts);
    if (!code)
        code = read_acts(build, options->nonlinearity_gates, "convnet_nonlinearity_gates", plan->layer.gate_acts);
    if (!code)
        code = build_per_type(build, options->avg_num_neighbors, "avg_num_neighbors", &plan->layer.avg_num_neighbors);
    if (!code)
        code = build_per_type(build, options->scales, "per_type_energy_scales", &plan->scales);
    if (!code)
        code = build_per_type(build, options->shifts, "per_type_energy_shifts", &plan->shifts);
    for (int k = 0; !code && k < plan->layer.avg_num_neighbors.count; k++)
        if (!(plan->layer.avg_num_neighbors.values[k] > 0) && !build_deferred(options->avg_num_neighbors))
            code =
                config_error(options->avg_num_neighbors, build->error, ERROR_VALUE,
                             "avg_num_neighbors is %g: expected more than 0", plan->layer.avg_num_neighbors.values[k]);
    return code;
}

static int full_check(struct build *build, const void *given, const struct config_node *args) {
    const struct nequip_options *options = given;
    struct nequip_plan plan;
    struct module *unused;
    int symmetric, code = 0;
    if (options->hidden.count > 0 && build->ntypes > 0)
        code = read_plan(build, options, args, &plan);
    if (!code && options->cutoffs && build->ntypes > 0) {
        size_t count = (size_t)build->ntypes * (size_t)build->ntypes;
        double *table = arena_alloc(build->scratch, count * sizeof *table);
        code = table ? build_cutoffs(build, options->cutoffs, options->r_max, table, &symmetric)
                     : error_memory(build->error);
    }
    if (!code && options->pair_potential)
        code = pair_potential_build(build, options->pair_potential, 1, &unused);
    return code;
}

/* ---------------------------------------------------------------- building */

/* The error of a constructor, at the place of the arguments if it knows none. */
static int failed(struct build *build, const struct config_node *args) {
    if (!build->error->code)
        return error_memory(build->error);
    if (!build->error->line) {
        struct error without_place = *build->error;
        *build->error = (struct error){0};
        config_error(args, build->error, without_place.code, "%s", without_place.message);
    }
    return (int)build->error->code;
}

static int full_build(struct build *build, const void *given, const struct config_node *args, struct module **out) {
    const struct nequip_options *options = given;
    struct nequip_plan plan;
    int code = read_plan(build, options, args, &plan);
    if (code)
        return code;
    if (!plan.layer.avg_num_neighbors.count)
        return config_error(args, build->error, ERROR_VALUE, "avg_num_neighbors is null: expected a number");
    int attributes = (int)options->embed_features;
    build->ncategories = plan.ncategories;
    for (int k = 0; k < plan.ncategories; k++) {
        attributes += plan.categories[k].features;
        build->category_fields[k] = plan.categories[k].field;
        build->category_min[k] = plan.categories[k].min;
        build->category_max[k] = plan.categories[k].max;
    }
    plan.layer.bessels = (int)options->num_bessels;
    plan.layer.attributes = attributes;
    plan.layer.norm_nonlinearity = strcmp(options->nonlinearity_type, "norm") == 0;

    struct module *sequence = sequence_new(build);
    struct irreps_entry embedded = {attributes, {0, 1}};
    struct irreps features = irreps_new(&embedded, 1, build->arena);
    if (!module_add(build, sequence, "type_embed",
                    type_embed_new(build, (int)options->embed_features, plan.categories, plan.ncategories)) ||
        !module_add(build, sequence, "spharm", harmonics_new(build, &plan.harmonics)) ||
        !module_add(build, sequence, "edge_norm", edge_norm_new(build, options->r_max, options->cutoffs)) ||
        !module_add(build, sequence, "bessel_encode",
                    bessel_new(build, (int)options->num_bessels, options->bessel_trainable, options->cutoff_p)) ||
        !module_add(build, sequence, "factor", factor_new(build, 2 * M_PI / (options->r_max * options->r_max))))
        return failed(build, args);
    for (int k = 0; k < options->hidden.count; k++) {
        struct convnet_options layer = plan.layer;
        struct irreps next;
        char name[32];
        snprintf(name, sizeof name, "layer%d_convnet", k);
        layer.radial_depth = (int)options->radial_depths.values[k];
        layer.radial_width = (int)options->radial_widths.values[k];
        /* without them in the first layer, the energy of an isolated atom is its shift */
        layer.self_connection = options->self_connection && (k > 0 || options->learnable_shift);
        layer.resnet = options->resnet && (k > 0 || options->learnable_shift);
        if (!module_add(build, sequence, name,
                        convnet_new(build, &features, &plan.harmonics, &plan.hidden[k], &layer, &next)))
            return failed(build, args);
        features = next;
    }
    if (features.count != 1 || features.entries[0].ir.l != 0 || features.entries[0].ir.p != 1) {
        const struct config_node *place = config_get(args, "feature_irreps_hidden");
        return config_error(place ? config_at(place, config_count(place) - 1) : args, build->error, ERROR_VALUE,
                            "of %s paths reach more than one entry of even scalars: expected one, such as 32x0e",
                            options->hidden.values[options->hidden.count - 1]);
    }
    int width =
        options->readout_width ? (int)options->readout_width : irreps_dim(&plan.hidden[options->hidden.count - 1]);
    struct mlp_options readout = {features.entries[0].mul, 1, (int)options->readout_depth, width,
                                  options->readout_nonlinearity};
    if (!module_add(build, sequence, "per_atom_energy_readout", readout_new(build, &readout)) ||
        !module_add(
            build, sequence, "per_type_energy_scale_shift",
            scale_shift_new(build, &plan.scales, &plan.shifts, options->scales_trainable, options->shifts_trainable)))
        return failed(build, args);
    if (options->pair_potential) {
        struct module *potential;
        code = pair_potential_build(build, options->pair_potential, 0, &potential);
        if (code)
            return code;
        if (!module_add(build, sequence, "pair_potential", potential))
            return failed(build, args);
    }
    if (!module_add(build, sequence, "total_energy_sum", energy_sum_new(build)))
        return failed(build, args);
    *out = force_stress_new(build, sequence, options->derivatives);
    return *out ? 0 : failed(build, args);
}

const struct builder full_builder = {
    .name = "FullNequIPGNNModel",
    .target = "nequip.model.FullNequIPGNNModel",
    .alias = "FullNequIPGNNModel",
    .options = full_rows,
    .noptions = sizeof full_rows / sizeof *full_rows,
    .size = sizeof(struct nequip_options),
    .check = full_check,
    .build = full_build,
    .help = "a NequIP model described layer by layer",
};
