/* The wrappers for the usual losses and metrics: fixed lists of entries with names of their own. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "train/metric/metrics_entry.h"

enum { HAS_FORCES = 1, HAS_STRESS = 2, IS_LOSS = 4, HAS_IGNORE_NAN = 8 };

enum { MANAGER, EF_LOSS, EF_METRICS, EFS_LOSS, EFS_METRICS, E_LOSS, E_METRICS, TARGETS };

const struct option_target metrics_targets[] = {
    [MANAGER] = {"nequip.train.MetricsManager", "metrics"},
    [EF_LOSS] = {"nequip.train.EnergyForceLoss", NULL},
    [EF_METRICS] = {"nequip.train.EnergyForceMetrics", NULL},
    [EFS_LOSS] = {"nequip.train.EnergyForceStressLoss", NULL},
    [EFS_METRICS] = {"nequip.train.EnergyForceStressMetrics", NULL},
    [E_LOSS] = {"nequip.train.EnergyOnlyLoss", NULL},
    [E_METRICS] = {"nequip.train.EnergyOnlyMetrics", NULL},
};
const size_t metrics_target_count = TARGETS;

static const unsigned contents[TARGETS] = {
    [EF_LOSS] = HAS_FORCES | IS_LOSS,
    [EF_METRICS] = HAS_FORCES,
    [EFS_LOSS] = HAS_FORCES | HAS_STRESS | IS_LOSS | HAS_IGNORE_NAN,
    [EFS_METRICS] = HAS_FORCES | HAS_STRESS | HAS_IGNORE_NAN,
    [E_LOSS] = IS_LOSS,
    [E_METRICS] = 0,
};

int metrics_is_wrapper(size_t target) {
    return target != MANAGER;
}

/* What the metrics wrappers list: rmse and mae of each quantity, then the largest errors. */
struct wrapper_row {
    const char *name;
    enum predicted predicted;
    int per_atom;
    unsigned needs;
    const struct metric_kind *kind;
    double fallback; /* coefficient where no coeffs are given; 0 for null */
};

static const struct wrapper_row metric_rows[] = {
    {"total_energy_rmse", PREDICTED_ENERGY, 0, 0, &metric_rmse, 1},
    {"total_energy_mae", PREDICTED_ENERGY, 0, 0, &metric_mae, 0},
    {"per_atom_energy_rmse", PREDICTED_ENERGY, 1, 0, &metric_rmse, 0},
    {"per_atom_energy_mae", PREDICTED_ENERGY, 1, 0, &metric_mae, 0},
    {"forces_rmse", PREDICTED_FORCES, 0, HAS_FORCES, &metric_rmse, 1},
    {"forces_mae", PREDICTED_FORCES, 0, HAS_FORCES, &metric_mae, 0},
    {"stress_rmse", PREDICTED_STRESS, 0, HAS_STRESS, &metric_rmse, 1},
    {"stress_mae", PREDICTED_STRESS, 0, HAS_STRESS, &metric_mae, 0},
    {"total_energy_maxabserr", PREDICTED_ENERGY, 0, 0, &metric_max, 0},
    {"per_atom_energy_maxabserr", PREDICTED_ENERGY, 1, 0, &metric_max, 0},
    {"forces_maxabserr", PREDICTED_FORCES, 0, HAS_FORCES, &metric_max, 0},
    {"stress_maxabserr", PREDICTED_STRESS, 0, HAS_STRESS, &metric_max, 0},
};
enum { METRIC_ROWS = sizeof metric_rows / sizeof *metric_rows };

static int has(unsigned content, unsigned needs) {
    return (content & needs) == needs;
}

/* ---------------------------------------------------------------- options */

struct wrapper_options {
    const struct config_node *coefficients, *type_coefficients, *ignore_nan, *extra, *type_names;
    int per_atom_energy;
};

#define AT(member) offsetof(struct wrapper_options, member)
enum { EVERY, FOR_LOSS, FOR_FORCES, FOR_NAN, NOT_ENERGY_LOSS };
static const struct {
    int when;
    struct option option;
} option_rows[] = {
    {EVERY, {"extra_metrics", OPTION_NODE, 0, NULL, AT(extra), NULL, "more entries, as MetricsManager takes them"}},
    {EVERY, {"type_names", OPTION_NODE, 0, NULL, AT(type_names), NULL, "types of the atoms"}},
    {NOT_ENERGY_LOSS, {"coeffs", OPTION_NODE, 0, NULL, AT(coefficients), NULL, "weights in weighted_sum"}},
    {FOR_LOSS,
     {"per_atom_energy", OPTION_BOOL, 0, "true", AT(per_atom_energy), NULL, "divide energies by the number of atoms"}},
    {FOR_FORCES,
     {"per_type_forces_coeffs", OPTION_NODE, 0, NULL, AT(type_coefficients), NULL, "weights of the types' forces"}},
    {FOR_NAN, {"ignore_nan", OPTION_NODE, 0, NULL, AT(ignore_nan), NULL, "fields whose NaN labels are left out"}},
};
enum { OPTION_ROWS = sizeof option_rows / sizeof *option_rows };

static size_t options_for(size_t target, struct option out[OPTION_ROWS]) {
    unsigned content = contents[target];
    size_t count = 0;
    for (size_t k = 0; k < OPTION_ROWS; k++) {
        int when = option_rows[k].when;
        if ((when == FOR_LOSS && !(content & IS_LOSS)) || (when == FOR_FORCES && !has(content, IS_LOSS | HAS_FORCES)) ||
            (when == FOR_NAN && !(content & HAS_IGNORE_NAN)) || (when == NOT_ENERGY_LOSS && target == E_LOSS))
            continue;
        out[count++] = option_rows[k].option;
    }
    return count;
}

/* A map whose keys are all among names; NULL or null is an empty one. */
static int check_keys(const struct config_node *map, const char *what, const char *const *names, size_t count,
                      struct error *error) {
    if (!map || config_kind(map) == CONFIG_NULL || config_kind(map) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE, "%s must be a map, here is %s", what, config_kind_name(map));
    for (size_t k = 0; k < config_count(map); k++) {
        const char *key = config_key(map, k);
        size_t n = 0;
        while (n < count && strcmp(names[n], key) != 0)
            n++;
        if (n < count)
            continue;
        const struct config_node *place = config_key_node(map, k);
        const char *nearest = text_nearest(key, names, count);
        return config_error(place ? place : map, error, ERROR_NAME, "%s know no \"%s\"; the nearest is \"%s\"", what,
                            key, nearest ? nearest : names[0]);
    }
    return 0;
}

static int coefficient(double *out, const struct config_node *map, const char *key, struct error *error) {
    const struct config_node *value = config_get(map, key);
    *out = NAN;
    if (!value || config_kind(value) == CONFIG_NULL || config_kind(value) == CONFIG_DEFERRED)
        return 0;
    if (!config_is_number(value) || !isfinite(config_float(value)))
        return config_error(value, error, ERROR_TYPE, "a coefficient must be a finite number or null, here is %s",
                            config_is_number(value) ? config_text(value) : config_kind_name(value));
    *out = config_float(value);
    return 0;
}

static int ignored(int *out, const struct config_node *map, const char *field, struct error *error) {
    const struct config_node *value = config_get(map, field);
    *out = 0;
    if (!value)
        return 0;
    if (config_kind(value) != CONFIG_BOOL)
        return config_error(value, error, ERROR_TYPE, "ignore_nan says true or false for a field, here is %s",
                            config_kind_name(value));
    *out = config_bool(value);
    return 0;
}

/* ---------------------------------------------------------------- entries */

/* Metrics without options still have the common ones. */
static int add(struct metrics *metrics, struct entry *entry, size_t *capacity, struct error *error) {
    void *options = arena_alloc(metrics->arena, entry->kind->options_size);
    if (!options)
        return error_set(error, ERROR_MEMORY, "out of memory while reading metrics");
    entry->options = options;
    entry->reduction = entry->kind->reduction(options);
    entry->label = quantities[entry->predicted].name;
    entry->factor = 1;
    return metrics_add(metrics, entry, capacity, error);
}

static int read_loss(struct metrics *metrics, const struct wrapper_options *options, unsigned content,
                     const struct config_node *config, size_t *capacity, struct error *error) {
    static const char *const names[] = {"total_energy", "forces", "stress"};
    static const enum predicted predicted[] = {PREDICTED_ENERGY, PREDICTED_FORCES, PREDICTED_STRESS};
    size_t count = content & HAS_STRESS ? 3 : content & HAS_FORCES ? 2 : 1;
    int code = check_keys(options->coefficients, "coeffs", names, count, error);
    for (size_t k = 0; !code && k < count; k++) {
        struct entry entry = {.predicted = predicted[k], .kind = &metric_mse, .place = config, .coefficient = 1};
        entry.per_atom = k == 0 && options->per_atom_energy;
        entry.name = entry.per_atom ? "per_atom_energy_mse"
                                    : arena_format(metrics->arena, "%s_mse", quantities[predicted[k]].name);
        if (!entry.name)
            return error_set(error, ERROR_MEMORY, "out of memory while reading metrics");
        if (options->coefficients && count > 1) {
            if (config_kind(options->coefficients) == CONFIG_MAP && !config_get(options->coefficients, names[k]))
                return config_error(options->coefficients, error, ERROR_VALUE,
                                    "coeffs must name \"%s\" too (null leaves it out)", names[k]);
            code = coefficient(&entry.coefficient, options->coefficients, names[k], error);
        }
        if (!code)
            code = ignored(&entry.ignore_nan, options->ignore_nan, names[k], error);
        if (!code && predicted[k] == PREDICTED_FORCES && options->type_coefficients) {
            entry.per_type = 1;
            code = metrics_read_types(metrics, &entry, options->type_coefficients, error);
        }
        if (!code)
            code = add(metrics, &entry, capacity, error);
    }
    return code;
}

static int read_metrics(struct metrics *metrics, const struct wrapper_options *options, unsigned content,
                        const struct config_node *config, size_t *capacity, struct error *error) {
    const char *names[METRIC_ROWS];
    size_t count = 0;
    for (size_t k = 0; k < METRIC_ROWS; k++)
        if (has(content, metric_rows[k].needs))
            names[count++] = metric_rows[k].name;
    int code = check_keys(options->coefficients, "coeffs", names, count, error);
    for (size_t k = 0; !code && k < METRIC_ROWS; k++) {
        const struct wrapper_row *row = &metric_rows[k];
        if (!has(content, row->needs))
            continue;
        struct entry entry = {.name = row->name,
                              .predicted = row->predicted,
                              .per_atom = row->per_atom,
                              .kind = row->kind,
                              .place = config,
                              .coefficient = row->fallback > 0 ? row->fallback : NAN};
        if (options->coefficients)
            code = coefficient(&entry.coefficient, options->coefficients, row->name, error);
        if (!code)
            code = ignored(&entry.ignore_nan, options->ignore_nan, quantities[row->predicted].name, error);
        if (!code)
            code = add(metrics, &entry, capacity, error);
    }
    return code;
}

int metrics_read_wrapper(struct metrics *metrics, size_t target, const struct config_node *config, size_t *capacity,
                         struct error *error) {
    static const char *const fields[] = {"total_energy", "forces", "stress"};
    struct option rows[OPTION_ROWS];
    struct wrapper_options options;
    size_t count = options_for(target, rows);
    unsigned content = contents[target];
    int code = options_read(rows, count, config, NULL, &options, metrics->arena, error);
    if (!code)
        code = check_keys(options.ignore_nan, "ignore_nan", fields, 3, error);
    if (code)
        return code;
    if (content & IS_LOSS)
        return read_loss(metrics, &options, content, config, capacity, error);
    return read_metrics(metrics, &options, content, config, capacity, error);
}
