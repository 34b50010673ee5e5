#include "model/emit/build.h"

#include <string.h>

void build_uniform(struct build *build, struct state_entry *entry, double low, double high) {
    if (entry->parameter.dtype == F64)
        random_uniform_f64(build->random, entry->values, entry->parameter.numel, low, high);
    else
        random_uniform_f32(build->random, entry->values, entry->parameter.numel, low, high);
}

void build_normal(struct build *build, struct state_entry *entry) {
    if (entry->parameter.dtype == F64)
        random_normal_f64(build->random, entry->values, entry->parameter.numel);
    else
        random_normal_f32(build->random, entry->values, entry->parameter.numel);
}

int build_type(const struct build *build, const char *name) {
    for (int k = 0; k < build->ntypes; k++)
        if (strcmp(build->type_names[k], name) == 0)
            return k;
    return -1;
}

int build_deferred(const struct config_node *node) {
    if (config_kind(node) == CONFIG_DEFERRED)
        return 1;
    for (size_t k = 0; k < config_count(node); k++)
        if (build_deferred(config_at(node, k)))
            return 1;
    return 0;
}

static int unknown_type(struct build *build, const struct config_node *key, const char *name) {
    const char *nearest = text_nearest(name, build->type_names, (size_t)build->ntypes);
    return config_error(key, build->error, ERROR_NAME, "unknown type \"%s\"%s", name, DID_YOU_MEAN(nearest));
}

int build_per_type(struct build *build, const struct config_node *node, const char *name, struct per_type *out) {
    *out = (struct per_type){0, NULL};
    if (!node || config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    int is_map = config_kind(node) == CONFIG_MAP;
    if (!is_map && !config_is_number(node))
        return config_error(node, build->error, ERROR_TYPE,
                            "%s is %s: expected a number, or a map with a number for each type", name,
                            config_kind_name(node));
    int count = is_map ? build->ntypes : 1;
    char *seen = arena_alloc(build->scratch, (size_t)count);
    double *values = arena_alloc(build->arena, (size_t)count * sizeof *values);
    if (!values || !seen)
        return error_memory(build->error);
    if (!is_map)
        values[0] = config_float(node);
    for (size_t k = 0; is_map && k < config_count(node); k++) {
        const struct config_node *value = config_at(node, k);
        int type = build_type(build, config_key(node, k));
        if (type < 0)
            return unknown_type(build, config_key_node(node, k), config_key(node, k));
        if (!config_is_number(value) && config_kind(value) != CONFIG_DEFERRED)
            return config_error(value, build->error, ERROR_TYPE, "expected a number, not %s", config_kind_name(value));
        values[type] = config_is_number(value) ? config_float(value) : 0;
        seen[type] = 1;
    }
    for (int t = 0; is_map && t < count; t++)
        if (!seen[t])
            return config_error(node, build->error, ERROR_VALUE, "%s lacks the type \"%s\"", name,
                                build->type_names[t]);
    *out = (struct per_type){count, values};
    return 0;
}

static int read_cutoff(struct build *build, const struct config_node *node, double r_max, double *out) {
    if (!config_is_number(node))
        return config_error(node, build->error, ERROR_TYPE, "a cutoff is %s: expected a number",
                            config_kind_name(node));
    *out = config_float(node);
    if (!(*out > 0 && *out <= r_max))
        return config_error(node, build->error, ERROR_VALUE,
                            "a cutoff of %g: expected more than 0 and at most r_max, %g", *out, r_max);
    return 0;
}

int build_cutoffs(struct build *build, const struct config_node *node, double r_max, double *out, int *symmetric) {
    int n = build->ntypes, code = 0;
    for (int k = 0; k < n * n; k++)
        out[k] = r_max;
    *symmetric = 1;
    if (config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(node) != CONFIG_MAP)
        return config_error(node, build->error, ERROR_TYPE, "per_edge_type_cutoff is %s: expected a map by type",
                            config_kind_name(node));
    for (size_t k = 0; !code && k < config_count(node); k++) {
        const struct config_node *row = config_at(node, k);
        int i = build_type(build, config_key(node, k));
        if (i < 0)
            return unknown_type(build, config_key_node(node, k), config_key(node, k));
        if (config_kind(row) != CONFIG_MAP) {
            code = read_cutoff(build, row, r_max, &out[i * n]);
            for (int j = 1; j < n; j++)
                out[i * n + j] = out[i * n];
            continue;
        }
        for (size_t m = 0; !code && m < config_count(row); m++) {
            int j = build_type(build, config_key(row, m));
            if (j < 0)
                return unknown_type(build, config_key_node(row, m), config_key(row, m));
            code = read_cutoff(build, config_at(row, m), r_max, &out[i * n + j]);
        }
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            *symmetric = *symmetric && out[i * n + j] == out[j * n + i];
    return code;
}
