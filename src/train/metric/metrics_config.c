/* From a config to the entries of a metrics manager. */
#include <math.h>
#include <string.h>
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"

const struct metric_quantity quantities[PREDICTIONS] = {
    [PREDICTED_ENERGY] = {"total_energy", "E", 0, 1}, [PREDICTED_ATOMIC] = {"atomic_energy", "Ei", 1, 1},
    [PREDICTED_FORCES] = {"forces", "F", 1, 3},       [PREDICTED_STRESS] = {"stress", "stress", 0, 9},
    [PREDICTED_VIRIAL] = {"virial", "virial", 0, 9},
};

/* What NequIP shortens in automatic names, besides what the model predicts. */
static const struct {
    const char *name, *abbreviation;
} abbreviations[] = {
    {"magmom", "M"},
    {"charges", "Q"},
    {"polarization", "pol"},
    {"born_effective_charges", "Z*"},
    {"dielectric_tensor", "\xce\xb5"},
};

static const char *abbreviate(const char *field) {
    for (int k = 0; k < PREDICTIONS; k++)
        if (strcmp(quantities[k].name, field) == 0)
            return quantities[k].abbreviation;
    for (size_t k = 0; k < sizeof abbreviations / sizeof *abbreviations; k++)
        if (strcmp(abbreviations[k].name, field) == 0)
            return abbreviations[k].abbreviation;
    return field;
}

static int find_quantity(enum predicted *out, const char *name, const struct config_node *place, struct error *error) {
    const char *names[PREDICTIONS];
    for (int k = 0; k < PREDICTIONS; k++) {
        names[k] = quantities[k].name;
        if (strcmp(names[k], name) == 0) {
            *out = (enum predicted)k;
            return 0;
        }
    }
    const char *nearest = text_nearest(name, names, PREDICTIONS);
    if (nearest)
        return config_error(place, error, ERROR_NAME, "the model predicts no \"%s\"; did you mean \"%s\"?", name,
                            nearest);
    return config_error(place, error, ERROR_NAME,
                        "the model predicts no \"%s\", only total_energy, atomic_energy, forces, stress and virial",
                        name);
}

/* ---------------------------------------------------------------- fields and modifiers */

enum modifier { PER_ATOM, MAPPED, PLAIN, EDGE_LENGTHS, NUM_NEIGHBORS, MODIFIERS };
static const struct option_target modifier_targets[MODIFIERS] = {
    [PER_ATOM] = {"nequip.data.PerAtomModifier", "per_atom"},
    [MAPPED] = {"nequip.data.MappedFieldModifier", "mapped"},
    [PLAIN] = {"nequip.data.BaseModifier", NULL},
    [EDGE_LENGTHS] = {"nequip.data.EdgeLengths", NULL},
    [NUM_NEIGHBORS] = {"nequip.data.NumNeighbors", NULL},
};

struct modifier_options {
    const char *field, *pred_field, *target_field;
    double factor;
};

#define MODIFIER(member) offsetof(struct modifier_options, member)
static const struct option field_rows[] = {
    {"field", OPTION_STRING, OPTION_REQUIRED, NULL, MODIFIER(field), NULL, "the field"},
    {"factor", OPTION_FLOAT, OPTION_NULLABLE, NULL, MODIFIER(factor), NULL, "multiplies the values, as for units"},
};
static const struct option mapped_rows[] = {
    {"pred_field", OPTION_STRING, OPTION_REQUIRED, NULL, MODIFIER(pred_field), NULL, "what the model predicts"},
    {"target_field", OPTION_STRING, OPTION_REQUIRED, NULL, MODIFIER(target_field), NULL, "the label to compare with"},
};

static int read_modifier(struct metrics *metrics, struct entry *entry, const struct config_node *node,
                         const char **automatic, struct error *error) {
    struct modifier_options options;
    size_t which;
    int code = options_target(node, "field modifier", modifier_targets, MODIFIERS, &which, error);
    if (code)
        return code;
    if (which == EDGE_LENGTHS || which == NUM_NEIGHBORS)
        return config_error(node, error, ERROR_VALUE,
                            "%s is for statistics: predictions and labels have the same neighbours",
                            modifier_targets[which].target);
    if (which == MAPPED)
        code = options_read(mapped_rows, 2, node, NULL, &options, metrics->arena, error);
    else
        code = options_read(field_rows, which == PER_ATOM ? 2 : 1, node, NULL, &options, metrics->arena, error);
    if (code)
        return code;
    if (which == MAPPED) {
        code = find_quantity(&entry->predicted, options.pred_field, config_get(node, "pred_field"), error);
        entry->label = options.target_field;
        *automatic = arena_format(metrics->arena, "pred_%s_label_%s", abbreviate(options.pred_field),
                                  abbreviate(options.target_field));
        return code;
    }
    code = find_quantity(&entry->predicted, options.field, config_get(node, "field"), error);
    entry->label = options.field;
    *automatic = abbreviate(options.field);
    if (code || which == PLAIN)
        return code;
    if (quantities[entry->predicted].per_atom)
        return config_error(config_get(node, "field"), error, ERROR_VALUE,
                            "PerAtomModifier is for fields of a frame; \"%s\" has a row for each atom", options.field);
    const struct config_node *factor = config_get(node, "factor");
    entry->per_atom = 1;
    entry->has_factor = factor && config_kind(factor) != CONFIG_NULL;
    entry->factor = entry->has_factor ? options.factor : 1;
    *automatic = arena_format(metrics->arena, "per_atom_%s", abbreviate(options.field));
    return 0;
}

static int read_field(struct metrics *metrics, struct entry *entry, const struct config_node *map,
                      const char **automatic, struct error *error) {
    const struct config_node *node = config_get(map, "field");
    if (config_kind(node) == CONFIG_MAP)
        return read_modifier(metrics, entry, node, automatic, error);
    if (!node || config_kind(node) == CONFIG_NULL)
        return config_error(node ? node : map, error, ERROR_VALUE,
                            "a metric needs a field: total_energy, forces, stress, or a modifier with its _target_");
    if (config_kind(node) != CONFIG_STRING)
        return config_error(node, error, ERROR_TYPE, "a field must be a name or a modifier, here is %s",
                            config_kind_name(node));
    entry->label = arena_string(metrics->arena, config_text(node));
    if (!entry->label)
        return error_set(error, ERROR_MEMORY, "out of memory while reading a metric");
    *automatic = abbreviate(entry->label);
    return find_quantity(&entry->predicted, entry->label, node, error);
}

/* ---------------------------------------------------------------- the metric itself */

/* The others of torchmetrics' for regression. */
static int check_known(const struct config_node *node, struct error *error) {
    static const char ranks[] = "ranks all values of an epoch, which are not kept; PearsonCorrCoef correlates them",
                      distributions[] = "compares distributions or events, which energies and forces are not",
                      distance[] = "grows with the number of frames; MeanAbsoluteError and MeanSquaredError do not";
    static const struct {
        const char *name, *why;
    } refused[] = {{"SpearmanCorrCoef", ranks},
                   {"KendallRankCorrCoef", ranks},
                   {"KLDivergence", distributions},
                   {"JensenShannonDivergence", distributions},
                   {"ContinuousRankedProbabilityScore", distributions},
                   {"CriticalSuccessIndex", distributions},
                   {"TweedieDevianceScore", distributions},
                   {"MinkowskiDistance", distance}};
    const struct config_node *target = config_kind(node) == CONFIG_MAP ? config_get(node, "_target_") : NULL;
    const char *text = config_kind(target) == CONFIG_STRING ? config_text(target) : "", *last = strrchr(text, '.');
    for (size_t k = 0; last && !strncmp(text, "torchmetrics.", 13) && k < sizeof refused / sizeof *refused; k++)
        if (!strcmp(last + 1, refused[k].name))
            return config_error(target, error, ERROR_VALUE, "torchmetrics.%s is not computed here: it %s",
                                refused[k].name, refused[k].why);
    return 0;
}

static int read_metric(struct metrics *metrics, struct entry *entry, const struct config_node *node,
                       struct error *error) {
    size_t index;
    int code = check_known(node, error);
    if (!code)
        code = options_kind(node, "metric", metric_kinds, metric_kind_count, &index, error);
    if (code)
        return code;
    const struct metric_kind *kind = metric_kinds[index];
    void *options = arena_alloc(metrics->arena, kind->options_size);
    if (!options)
        return error_set(error, ERROR_MEMORY, "out of memory while reading a metric");
    code = options_read(kind->options, kind->noptions, node, NULL, options, metrics->arena, error);
    if (!code && kind->check)
        code = kind->check(options, node, metrics->arena, error);
    entry->kind = kind;
    entry->options = options;
    if (!code && kind->reduction)
        entry->reduction = kind->reduction(options);
    return code;
}

int metrics_read_types(struct metrics *metrics, struct entry *entry, const struct config_node *map,
                       struct error *error) {
    if (config_kind(map) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE,
                            "per-type coefficients are a map from type names to numbers above 0, here is %s",
                            config_kind_name(map));
    for (size_t k = 0; k < config_count(map); k++) {
        const struct config_node *value = config_at(map, k), *key = config_key_node(map, k);
        if (config_kind(value) == CONFIG_DEFERRED)
            continue;
        if (!config_is_number(value) || !(config_float(value) > 0) || isinf(config_float(value)))
            return config_error(value, error, ERROR_VALUE, "the coefficient of type \"%s\" must be a number above 0",
                                config_key(map, k));
        int known = !metrics->type_names;
        for (int t = 0; !known && t < metrics->ntypes; t++)
            known = strcmp(metrics->type_names[t], config_key(map, k)) == 0;
        if (known)
            continue;
        const char *nearest = text_nearest(config_key(map, k), metrics->type_names, (size_t)metrics->ntypes);
        return config_error(key ? key : value, error, ERROR_NAME, "the model has no type \"%s\"%s", config_key(map, k),
                            DID_YOU_MEAN(nearest));
    }
    if (!metrics->type_names)
        return 0;
    double *coefficients = arena_alloc(metrics->arena, ((size_t)metrics->ntypes + 1) * sizeof *coefficients);
    if (!coefficients)
        return error_set(error, ERROR_MEMORY, "out of memory while reading a metric");
    for (int t = 0; t < metrics->ntypes; t++) {
        const struct config_node *value = config_get(map, metrics->type_names[t]);
        if (!value)
            return config_error(map, error, ERROR_VALUE,
                                "per-type coefficients must name every type: \"%s\" is missing",
                                metrics->type_names[t]);
        coefficients[t] = config_float(value);
    }
    entry->type_coefficients = coefficients;
    return 0;
}

struct entry_options {
    const struct config_node *field, *metric, *type_coefficients;
    const char *name;
    double coefficient;
    int per_type, ignore_nan;
};

#define ENTRY(member) offsetof(struct entry_options, member)
static const struct option entry_rows[] = {
    {"metric", OPTION_NODE, OPTION_REQUIRED, NULL, ENTRY(metric), NULL, "the metric, with its _target_"},
    {"field", OPTION_NODE, 0, NULL, ENTRY(field), NULL, "what it is about: a name or a modifier"},
    {"coeff", OPTION_FLOAT, OPTION_NULLABLE, NULL, ENTRY(coefficient), NULL, "weight in weighted_sum"},
    {"name", OPTION_STRING, OPTION_NULLABLE, NULL, ENTRY(name), NULL, "its name in the log"},
    {"per_type", OPTION_BOOL, 0, "false", ENTRY(per_type), NULL, "one value for each type, then their mean"},
    {"per_type_coeffs", OPTION_NODE, 0, NULL, ENTRY(type_coefficients), NULL, "weights of the types in that mean"},
    {"ignore_nan", OPTION_BOOL, 0, "false", ENTRY(ignore_nan), NULL, "leave out labels that are NaN"},
};

int metrics_read_entry(struct metrics *metrics, struct entry *entry, const struct config_node *map,
                       struct error *error) {
    struct entry_options options;
    const char *automatic = "";
    *entry = (struct entry){.coefficient = NAN, .factor = 1, .place = map};
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE, "an entry must be a map with field and metric, here is %s",
                            config_kind_name(map));
    int code =
        options_read(entry_rows, sizeof entry_rows / sizeof *entry_rows, map, NULL, &options, metrics->arena, error);
    if (!code)
        code = read_field(metrics, entry, map, &automatic, error);
    if (!code)
        code = read_metric(metrics, entry, options.metric, error);
    if (code)
        return code;
    const struct config_node *coefficient = config_get(map, "coeff");
    if (coefficient && config_kind(coefficient) != CONFIG_NULL)
        entry->coefficient = options.coefficient;
    entry->name = options.name ? options.name : arena_format(metrics->arena, "%s_%s", automatic, entry->kind->label);
    if (!entry->name)
        return error_set(error, ERROR_MEMORY, "out of memory while reading a metric");
    entry->per_type = options.per_type;
    entry->ignore_nan = options.ignore_nan;
    const struct metric_quantity *quantity = &quantities[entry->predicted];
    if (entry->per_type && !quantity->per_atom)
        return config_error(config_get(map, "per_type"), error, ERROR_VALUE,
                            "per_type is for fields with a row for each atom; \"%s\" belongs to the frame",
                            quantity->name);
    if (entry->kind->rowwise && (quantity->cols > 3 || entry->ignore_nan))
        return config_error(map, error, ERROR_VALUE, "%s is for vectors such as forces%s", entry->kind->target.target,
                            entry->ignore_nan ? ", all of them labelled: ignore_nan does not go with it" : "");
    if (entry->kind->most_columns && quantity->cols > entry->kind->most_columns && !entry->ignore_nan)
        return config_error(map, error, ERROR_VALUE,
                            "%s compares rows of %d numbers at most, \"%s\" has %d: with ignore_nan: true each number "
                            "counts alone",
                            entry->kind->target.target, entry->kind->most_columns, quantity->name, quantity->cols);
    if (options.type_coefficients && !entry->per_type)
        return config_error(options.type_coefficients, error, ERROR_VALUE, "per_type_coeffs need per_type: true");
    if (options.type_coefficients)
        return metrics_read_types(metrics, entry, options.type_coefficients, error);
    return 0;
}

/* ---------------------------------------------------------------- the manager */

int metrics_add(struct metrics *metrics, const struct entry *entry, size_t *capacity, struct error *error) {
    for (size_t k = 0; k < metrics->nentries; k++)
        if (strcmp(metrics->entries[k].name, entry->name) == 0)
            return config_error(entry->place, error, ERROR_NAME,
                                "there are two metrics of the name \"%s\": give one of them another with `name`",
                                entry->name);
    if (strlen(entry->name) > METRIC_NAME_MOST)
        return config_error(entry->place, error, ERROR_NAME,
                            "a metric's name has %d bytes at most, \"%.40s...\" has %zu: give it another with `name`",
                            METRIC_NAME_MOST, entry->name, strlen(entry->name));
    for (const char *c = entry->name; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return config_error(config_get(entry->place, "name") ? config_get(entry->place, "name") : entry->place,
                                error, ERROR_NAME, "the name of a metric has no control characters in it");
    if (strcmp(entry->name, "weighted_sum") == 0)
        return config_error(entry->place, error, ERROR_NAME, "the name \"weighted_sum\" is taken by the weighted sum");
    if (metrics->nentries == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 16;
        struct entry *entries = arena_alloc(metrics->arena, more * sizeof *entries);
        if (!entries)
            return error_set(error, ERROR_MEMORY, "out of memory while reading metrics");
        if (metrics->nentries)
            memcpy(entries, metrics->entries, metrics->nentries * sizeof *entries);
        metrics->entries = entries;
        *capacity = more;
    }
    metrics->entries[metrics->nentries++] = *entry;
    return 0;
}

static int read_list(struct metrics *metrics, const struct config_node *list, size_t *capacity, struct error *error) {
    if (config_kind(list) != CONFIG_LIST)
        return config_error(list, error, ERROR_TYPE, "metrics must be a list, here is %s", config_kind_name(list));
    for (size_t k = 0; k < config_count(list); k++) {
        struct entry entry;
        int code = metrics_read_entry(metrics, &entry, config_at(list, k), error);
        if (!code)
            code = metrics_add(metrics, &entry, capacity, error);
        if (code)
            return code;
    }
    return 0;
}

struct manager_options {
    const struct config_node *metrics, *type_names;
};

static const struct option manager_rows[] = {
    {"metrics", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct manager_options, metrics), NULL, "the entries"},
    /* NequIP passes the model's own in any case */
    {"type_names", OPTION_NODE, 0, NULL, offsetof(struct manager_options, type_names), NULL, "types of the atoms"},
};

int metrics_read(struct metrics *metrics, const struct config_node *config, struct error *error) {
    size_t target, capacity = 0;
    struct manager_options options;
    int code = options_target(config, "loss or metrics", metrics_targets, metrics_target_count, &target, error);
    if (code)
        return code;
    if (metrics_is_wrapper(target)) {
        code = metrics_read_wrapper(metrics, target, config, &capacity, error);
        const struct config_node *extra = config_get(config, "extra_metrics");
        if (!code && extra && config_kind(extra) != CONFIG_NULL)
            code = read_list(metrics, extra, &capacity, error);
    } else {
        code = options_read(manager_rows, sizeof manager_rows / sizeof *manager_rows, config, NULL, &options,
                            metrics->arena, error);
        if (!code)
            code = read_list(metrics, config_get(config, "metrics"), &capacity, error);
    }
    if (!code && metrics->nentries == 0)
        code = config_error(config, error, ERROR_VALUE, "there is no metric in the list");
    return code;
}
