/* Which statistics a config asks for. */
#include <string.h>
#include "data/format/extxyz_parts.h"
#include "data/set/stats_parts.h"

struct stats_manager_options {
    const struct config_node *metrics, *loader;
    struct option_strings type_names;
};

static const struct option manager_options[] = {
    {"dataloader_kwargs", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct stats_manager_options, loader), NULL,
     "arguments of the data loader that differ from the training set's"},
    {"type_names", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct stats_manager_options, type_names), NULL,
     "names of the model's types, for statistics by type"},
    {"metrics", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct stats_manager_options, metrics), NULL,
     "list of {field, metric, per_type, ignore_nan, name}"}};

struct item_options {
    const struct config_node *field, *metric;
    int per_type, ignore_nan;
    const char *name;
};

static const struct option item_options[] = {
    {"field", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct item_options, field), NULL,
     "a field's name, or a modifier"},
    {"metric", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct item_options, metric), NULL, "Mean, ..."},
    {"per_type", OPTION_BOOL, 0, "false", offsetof(struct item_options, per_type), NULL, "by type of atom"},
    {"ignore_nan", OPTION_BOOL, 0, "false", offsetof(struct item_options, ignore_nan), NULL, "leave out NaN"},
    {"name", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct item_options, name), NULL, "its name"}};

struct stats_modifier_options {
    const char *field;
    double factor;
};

static const struct option modifier_options[] = {{"field", OPTION_STRING, OPTION_REQUIRED, NULL,
                                                  offsetof(struct stats_modifier_options, field), NULL,
                                                  "a field of frames"},
                                                 {"factor", OPTION_FLOAT, OPTION_NULLABLE, "1.0",
                                                  offsetof(struct stats_modifier_options, factor), NULL, "a factor"}};

struct metric_options {
    int absolute, squared, unbiased;
};

static const struct option spread_options[] = {
    {"squared", OPTION_BOOL, 0, "false", offsetof(struct metric_options, squared), NULL, "the variance"},
    {"unbiased", OPTION_BOOL, 0, "true", offsetof(struct metric_options, unbiased), NULL, "divided by n - 1"}};
static const struct option extreme_options[] = {
    {"abs", OPTION_BOOL, 0, "false", offsetof(struct metric_options, absolute), NULL, "of absolute values"}};

static int read_field(struct stats_item *item, const struct config_node *node, struct arena *arena,
                      struct error *error) {
    static const struct option_target targets[] = {{"nequip.data.PerAtomModifier", "PerAtomModifier"},
                                                   {"nequip.data.NumNeighbors", "NumNeighbors"},
                                                   {"nequip.data.EdgeLengths", "EdgeLengths"},
                                                   {"nequip.data.BaseModifier", "BaseModifier"},
                                                   {"fettle.data.PaddedNumNeighbors", NULL}};
    struct stats_modifier_options options = {.factor = 1};
    size_t index;
    if (config_kind(node) == CONFIG_STRING) {
        item->field = arena_string(arena, config_text(node));
        return item->field ? 0 : error_memory(error);
    }
    int code = options_target(node, "a field of a statistic", targets, 5, &index, error);
    if (code)
        return code;
    if (index == 1 || index == 2 || index == 4) {
        item->source = index == 1 ? SOURCE_NUM_NEIGHBORS : index == 2 ? SOURCE_EDGE_LENGTHS : SOURCE_PADDED_NEIGHBORS;
        return options_read(NULL, 0, node, NULL, NULL, arena, error);
    }
    code = options_read(modifier_options, index == 0 ? 2 : 1, node, NULL, &options, arena, error);
    item->source = index == 0 ? SOURCE_PER_ATOM : SOURCE_FIELD;
    item->field = options.field;
    item->factor = index == 0 && config_is_number(config_get(node, "factor")) ? options.factor : 1;
    const struct xyz_known *known = code ? NULL : xyz_known(item->field);
    if (!code && index == 0 && known && known->per_atom)
        code = config_error(config_get(node, "field"), error, ERROR_VALUE, "%s is a field of atoms, not of frames",
                            item->field);
    return code;
}

static int read_metric(struct stats_item *item, const struct config_node *node, struct arena *arena,
                       struct error *error) {
    static const struct option_target targets[] = {{"nequip.data.Mean", "Mean"},
                                                   {"nequip.data.MeanAbsolute", "MeanAbsolute"},
                                                   {"nequip.data.RootMeanSquare", "RootMeanSquare"},
                                                   {"nequip.data.StandardDeviation", "StandardDeviation"},
                                                   {"nequip.data.Max", "Max"},
                                                   {"nequip.data.Min", "Min"},
                                                   {"nequip.data.Count", "Count"}};
    struct metric_options options = {0};
    size_t index;
    int code =
        options_target(node, "a metric of a statistic", targets, sizeof targets / sizeof *targets, &index, error);
    if (code)
        return code;
    item->metric = (enum stats_metric)index;
    if (item->metric == METRIC_STD)
        code = options_read(spread_options, 2, node, NULL, &options, arena, error);
    else
        code = options_read(extreme_options, item->metric == METRIC_MAX || item->metric == METRIC_MIN, node, NULL,
                            &options, arena, error);
    item->absolute = options.absolute;
    item->squared = options.squared;
    item->unbiased = options.unbiased;
    return code;
}

/* "forces" with RootMeanSquare is "F_rms". */
static char *default_name(const struct stats_item *item, struct arena *arena) {
    static const char *const short_names[][2] = {{"total_energy", "E"},
                                                 {"atomic_energy", "Ei"},
                                                 {"forces", "F"},
                                                 {"magmom", "M"},
                                                 {"charges", "Q"},
                                                 {"polarization", "pol"},
                                                 {"born_effective_charges", "Z*"},
                                                 {"dielectric_tensor", "\xce\xb5"}};
    static const char *const plain[] = {"mean", "mean_abs", "rms", "std", "max", "min", "count"};
    int neighbours = item->source == SOURCE_NUM_NEIGHBORS || item->source == SOURCE_PADDED_NEIGHBORS;
    const char *field = neighbours                            ? "num_neighbors"
                        : item->source == SOURCE_EDGE_LENGTHS ? "edge_lengths"
                                                              : item->field;
    for (size_t k = 0; k < sizeof short_names / sizeof *short_names; k++)
        if (strcmp(field, short_names[k][0]) == 0)
            field = short_names[k][1];
    const char *metric = plain[item->metric];
    if (item->metric == METRIC_STD && item->squared)
        metric = "var";
    if (item->absolute)
        metric = item->metric == METRIC_MAX ? "absmax" : "absmin";
    return arena_format(arena, "%s%s_%s", item->source == SOURCE_PER_ATOM ? "per_atom_" : "", field, metric);
}

static int read_item(struct stats *stats, const struct config_node *node, struct error *error) {
    struct item_options options = {0};
    struct stats_item *item = &stats->items[stats->count];
    int code = options_read(item_options, sizeof item_options / sizeof *item_options, node, NULL, &options,
                            stats->arena, error);
    if (code)
        return code;
    item->factor = 1;
    if ((code = read_field(item, options.field, stats->arena, error)) ||
        (code = read_metric(item, options.metric, stats->arena, error)))
        return code;
    item->per_type = options.per_type;
    item->ignore_nan = options.ignore_nan;
    item->name = options.name ? options.name : default_name(item, stats->arena);
    if (!item->name)
        return error_memory(error);
    for (size_t k = 0; k < stats->count; k++)
        if (strcmp(stats->items[k].name, item->name) == 0)
            return config_error(node, error, ERROR_VALUE,
                                "a second statistic of the name %s: give it a name of its own", item->name);
    const struct xyz_known *known = item->source == SOURCE_FIELD ? xyz_known(item->field) : NULL;
    if (item->per_type && (item->source == SOURCE_PER_ATOM || (known && !known->per_atom)))
        return config_error(node, error, ERROR_VALUE, "%s: per_type is for fields of atoms or edges only", item->name);
    stats->count++;
    return 0;
}

static const struct stats_item common_items[] = {
    {.name = "num_neighbors_mean", .source = SOURCE_NUM_NEIGHBORS},
    {.name = "per_type_num_neighbors_mean", .source = SOURCE_NUM_NEIGHBORS, .per_type = 1},
    {.name = "per_atom_energy_mean", .source = SOURCE_PER_ATOM, .field = "total_energy"},
    {.name = "forces_rms", .field = "forces", .metric = METRIC_RMS},
    {.name = "per_type_forces_rms", .field = "forces", .metric = METRIC_RMS, .per_type = 1}};

static const struct stats_item energy_items[] = {
    {.name = "num_neighbors_mean", .source = SOURCE_NUM_NEIGHBORS},
    {.name = "per_type_num_neighbors_mean", .source = SOURCE_NUM_NEIGHBORS, .per_type = 1},
    {.name = "per_atom_energy_mean", .source = SOURCE_PER_ATOM, .field = "total_energy"},
    {.name = "per_atom_energy_std",
     .source = SOURCE_PER_ATOM,
     .field = "total_energy",
     .metric = METRIC_STD,
     .unbiased = 1},
    {.name = "total_energy_std", .field = "total_energy", .metric = METRIC_STD, .unbiased = 1}};

static int take_items(struct stats *stats, const struct stats_item *items, size_t count, struct error *error) {
    stats->items = arena_copy(stats->arena, items, count * sizeof *items);
    if (!stats->items)
        return error_memory(error);
    stats->count = count;
    for (size_t k = 0; k < count; k++)
        stats->items[k].factor = 1;
    return 0;
}

int stats_read(struct stats *stats, const struct config_node *config, struct error *error) {
    static const struct option_target targets[] = {
        {"nequip.data.CommonDataStatisticsManager", "CommonDataStatisticsManager"},
        {"nequip.data.EnergyOnlyDataStatisticsManager", "EnergyOnlyDataStatisticsManager"},
        {"nequip.data.DataStatisticsManager", "DataStatisticsManager"}};
    struct stats_manager_options options = {0};
    struct loader_settings loader;
    size_t index, rows = sizeof manager_options / sizeof *manager_options;
    int code = options_target(config, "a statistics manager", targets, 3, &index, error);
    if (!code)
        code = options_read(manager_options, index == 2 ? rows : rows - 1, config, NULL, &options, stats->arena, error);
    loader_settings_default(&loader);
    if (!code)
        code = loader_settings_read(&loader, options.loader, stats->arena, error);
    if (code)
        return code;
    stats->loader = options.loader;
    if (options.type_names.count > TYPES_MOST)
        return config_error(config_get(config, "type_names"), error, ERROR_VALUE, "%d types: at most %d are possible",
                            options.type_names.count, TYPES_MOST);
    stats->ntypes = options.type_names.count;
    stats->type_names = (const char *const *)options.type_names.values;
    if (index == 0)
        code = take_items(stats, common_items, sizeof common_items / sizeof *common_items, error);
    else if (index == 1)
        code = take_items(stats, energy_items, sizeof energy_items / sizeof *energy_items, error);
    else if (config_kind(options.metrics) != CONFIG_LIST || config_count(options.metrics) == 0)
        code = config_error(options.metrics, error, ERROR_TYPE, "a list of statistics is expected");
    else {
        stats->items = arena_alloc(stats->arena, config_count(options.metrics) * sizeof *stats->items);
        if (!stats->items)
            return error_memory(error);
        for (size_t k = 0; k < config_count(options.metrics) && !code; k++)
            code = read_item(stats, config_at(options.metrics, k), error);
    }
    int deferred = config_kind(config_get(config, "type_names")) == CONFIG_DEFERRED;
    for (size_t k = 0; k < stats->count && !code && !deferred; k++)
        if (stats->items[k].per_type && stats->ntypes < 1)
            code =
                config_error(config, error, ERROR_NAME, "type_names is missing, which %s needs", stats->items[k].name);
    return code;
}
