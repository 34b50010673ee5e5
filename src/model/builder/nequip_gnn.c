/* NequIPGNNModel and its presets: they turn a few numbers into the layers of a FullNequIPGNNModel. */
#include "model/builder/builder.h"
#include "model/builder/nequip_options.h"
#include "e3/irreps.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const struct option gnn_rows[] = {NEQUIP_GNN_ROWS, NEQUIP_SHARED_ROWS};
static const struct option preset_rows[] = {
    NEQUIP_ROW("preset", OPTION_STRING, OPTION_REQUIRED, NULL, preset, NULL, "S, M, L or XL"),
    NEQUIP_GNN_ROWS,
    NEQUIP_SHARED_ROWS,
};

enum { MAX_LAYERS = 1000 };

static int gnn_check(struct build *build, const void *given, const struct config_node *args) {
    const struct nequip_options *options = given;
    int64_t nl = options->num_features.count;
    if (options->num_layers > MAX_LAYERS)
        return config_error(args, build->error, ERROR_VALUE, "num_layers is %lld: expected at most %d",
                            (long long)options->num_layers, MAX_LAYERS);
    if (options->l_max > IRREP_MAX_L)
        return config_error(args, build->error, ERROR_VALUE, "l_max is %lld: expected at most %d",
                            (long long)options->l_max, IRREP_MAX_L);
    if (!options->num_features.scalar && nl > 0 && nl != options->l_max + 1)
        return config_error(config_get(args, "num_features"), build->error, ERROR_VALUE,
                            "num_features has %lld numbers: expected l_max + 1, which is %lld, or one number",
                            (long long)nl, (long long)options->l_max + 1);
    for (int64_t k = 0; k < nl; k++)
        if (options->num_features.values[k] > 65536)
            return config_error(config_get(args, "num_features"), build->error, ERROR_VALUE,
                                "num_features is %lld: expected at most 65536",
                                (long long)options->num_features.values[k]);
    return 0;
}

static int64_t features(const struct nequip_options *options, int64_t l) {
    return options->num_features.values[options->num_features.scalar ? 0 : l];
}

/* Fills what FullNequIPGNNModel needs. */
static int lay_out(struct build *build, const struct nequip_options *options, struct nequip_options *full) {
    struct text hidden = {0}, last = {0}, harmonics = {0};
    size_t layers = (size_t)options->num_layers;
    int code = 0;
    *full = *options;
    for (int64_t l = 0; l <= options->l_max; l++) {
        text_format(&harmonics, "%s1x%lld%c", l ? "+" : "", (long long)l, l % 2 ? 'o' : 'e');
        for (int p = 0; p < 2; p++)
            if (options->parity || p == l % 2)
                text_format(&hidden, "%s%lldx%lld%c", hidden.size ? "+" : "", (long long)features(options, l),
                            (long long)l, p ? 'o' : 'e');
    }
    text_format(&last, "%lldx0e", (long long)features(options, 0));
    const char **texts = arena_alloc(build->arena, layers * sizeof *texts);
    int64_t *depths = arena_alloc(build->arena, layers * sizeof *depths);
    int64_t *widths = arena_alloc(build->arena, layers * sizeof *widths);
    if (!texts || !depths || !widths || hidden.failed || last.failed || harmonics.failed) {
        code = error_memory(build->error);
        goto out;
    }
    const char *middle = arena_string(build->arena, hidden.data), *end = arena_string(build->arena, last.data);
    full->harmonics_text = arena_string(build->arena, harmonics.data);
    if (!middle || !end || !full->harmonics_text) {
        code = error_memory(build->error);
        goto out;
    }
    for (size_t k = 0; k < layers; k++) {
        texts[k] = k + 1 < layers ? middle : end;
        depths[k] = options->radial_depth;
        widths[k] = options->radial_width;
    }
    full->hidden = (struct option_strings){(int)layers, 0, texts};
    full->radial_depths = (struct option_ints){(int)layers, 0, depths};
    full->radial_widths = (struct option_ints){(int)layers, 0, widths};
    if (!full->embed_features)
        full->embed_features = features(options, 0);
out:
    text_free(&hidden);
    text_free(&last);
    text_free(&harmonics);
    return code;
}

static int gnn_build(struct build *build, const void *given, const struct config_node *args, struct module **out) {
    struct nequip_options full;
    int code = lay_out(build, given, &full);
    return code ? code : builder_call_with(build, &full_builder, &full, args, out);
}

static int gnn_check_all(struct build *build, const void *given, const struct config_node *args) {
    struct nequip_options full;
    int code = gnn_check(build, given, args);
    if (!code && ((const struct nequip_options *)given)->num_features.count > 0)
        code = lay_out(build, given, &full);
    else
        return code;
    return code ? code : full_builder.check(build, &full, args);
}

const struct builder nequip_gnn_builder = {
    .name = "NequIPGNNModel",
    .target = "nequip.model.NequIPGNNModel",
    .alias = "NequIPGNNModel",
    .options = gnn_rows,
    .noptions = sizeof gnn_rows / sizeof *gnn_rows,
    .size = sizeof(struct nequip_options),
    .check = gnn_check_all,
    .build = gnn_build,
    .help = "a NequIP model with the same features in every layer",
};

/* ---------------------------------------------------------------- presets */

struct preset {
    const char *name;
    int num_layers, l_max;
    int64_t num_features[5];
};

static const struct preset presets[] = {
    {"S", 2, 1, {128, 64}},
    {"M", 4, 2, {128, 64, 32}},
    {"L", 6, 3, {128, 64, 32, 32}},
    {"XL", 6, 4, {320, 96, 64, 32, 32}},
};

/* What the arguments do not say is the preset's. */
static int apply_preset(struct build *build, const struct nequip_options *options, const struct config_node *args,
                        struct nequip_options *out) {
    const struct preset *preset = NULL;
    for (size_t k = 0; k < sizeof presets / sizeof *presets; k++)
        if (strcasecmp(presets[k].name, options->preset) == 0)
            preset = &presets[k];
    if (!preset)
        return config_error(config_get(args, "preset"), build->error, ERROR_NAME,
                            "unknown preset \"%s\": expected S, M, L or XL", options->preset);
    *out = *options;
    if (!config_get(args, "num_layers"))
        out->num_layers = preset->num_layers;
    if (!config_get(args, "l_max"))
        out->l_max = preset->l_max;
    if (!config_get(args, "num_features")) {
        int64_t *values = arena_copy(build->arena, preset->num_features, sizeof preset->num_features);
        if (!values)
            return error_memory(build->error);
        out->num_features = (struct option_ints){preset->l_max + 1, 0, values};
    }
    if (!config_get(args, "parity"))
        out->parity = 0;
    if (!config_get(args, "type_embed_num_features"))
        out->embed_features = 32;
    if (!config_get(args, "radial_mlp_depth"))
        out->radial_depth = 1;
    if (!config_get(args, "radial_mlp_width"))
        out->radial_width = 128;
    return 0;
}

static int preset_check(struct build *build, const void *given, const struct config_node *args) {
    struct nequip_options options;
    const struct nequip_options *as_given = given;
    if (!as_given->preset) /* not known yet */
        return 0;
    int code = apply_preset(build, given, args, &options);
    return code ? code : gnn_check_all(build, &options, args);
}

static int preset_build(struct build *build, const void *given, const struct config_node *args, struct module **out) {
    struct nequip_options options;
    int code = apply_preset(build, given, args, &options);
    return code ? code : builder_call_with(build, &nequip_gnn_builder, &options, args, out);
}

const struct builder preset_builder = {
    .name = "PresetNequIPGNNModel",
    .target = "nequip.model.PresetNequIPGNNModel",
    .alias = "PresetNequIPGNNModel",
    .options = preset_rows,
    .noptions = sizeof preset_rows / sizeof *preset_rows,
    .size = sizeof(struct nequip_options),
    .check = preset_check,
    .build = preset_build,
    .help = "a NequIP model of a size with a name (S, M, L, XL); other arguments take precedence over the preset's, "
            "which are parity: false, type_embed_num_features: 32, radial_mlp_depth: 1, radial_mlp_width: 128",
};
