/* Lennard-Jones and its relatives, on each directed edge half of the pair's energy:
 *   lj:                 2 epsilon (q^2 - q), q = (sigma / (r - delta))^n
 *   lj_repulsive_only:  the same shifted up by epsilon, up to the minimum at r = 2^(1/n) sigma + delta
 *   repulsive:          epsilon/2 (sigma (r - delta))^-n
 * times the polynomial cutoff. Parameters are tables by the pair of types, kept as their upper triangle. */
#include "model/module/modules.h"
#include "model/file/tensor_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPSILON, SIGMA, DELTA, TABLES };
enum lj_style { LJ_FULL, LJ_REPULSIVE_ONLY, LJ_REPULSIVE };

struct lennard_jones {
    int ntypes;
    enum lj_style style;
    double exponent;
    struct module *cutoff;
    struct state_entry *tables[TABLES];
};

static const char *const style_names[] = {"lj", "lj_repulsive_only", "repulsive"};

static void print_table(struct text *text, const char *name, const struct state_entry *entry) {
    double numbers[64];
    const struct parameter *p = &entry->parameter;
    double *values = p->numel <= 64 ? numbers : malloc(p->numel * sizeof *values);
    text_add(text, name);
    if (!values) {
        text->failed = 1;
        return;
    }
    for (size_t k = 0; k < p->numel; k++)
        values[k] = state_value(entry, k);
    tensor_print(values, p->shape[0], p->shape[1], p->dtype, text);
    if (values != numbers)
        free(values);
}

static void lennard_jones_repr(const struct module *module, struct text *text) {
    const struct lennard_jones *lj = module->data;
    text_format(text, "PairPotential(lj_style=%s | ", style_names[lj->style]);
    print_table(text, "σ=", lj->tables[SIGMA]);
    print_table(text, " δ=", lj->tables[DELTA]);
    print_table(text, " ε=", lj->tables[EPSILON]);
    text_format(text, " exp=%.1f)", lj->exponent);
}

/* The value for each pair: the upper triangle mirrored, negative numbers counting as 0. */
static struct node *by_pair(const struct lennard_jones *lj, struct emitter *emitter, int table) {
    struct graph *graph = emitter->graph;
    int n = lj->ntypes;
    struct block row = {1, n * n};
    struct remap_entry *entries = emit_alloc(emitter, (size_t)n * (size_t)n, sizeof *entries);
    if (!entries)
        return emitter->length;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            entries[i * n + j] = (struct remap_entry){0, 0, i < j ? i * n + j : j * n + i, 0, 0, i * n + j, 1, 1};
    struct node *full = graph_remap(graph, emit_state(graph, lj->tables[table]), &row, 1, entries, n * n);
    full = graph_reshape(graph, graph_unary(graph, UNARY_RELU, full, 0), n * n, 1);
    return graph_cast(graph, graph_gather(graph, full, INDEX_PAIR_TYPE), F64);
}

static void lennard_jones_emit(const struct module *module, struct emitter *emitter) {
    const struct lennard_jones *lj = module->data;
    struct graph *graph = emitter->graph;
    struct node *sigma = by_pair(lj, emitter, SIGMA), *epsilon = by_pair(lj, emitter, EPSILON);
    struct node *delta = by_pair(lj, emitter, DELTA);
    struct node *distance = graph_sub(graph, emitter->length, delta);
    struct node *energy;
    if (lj->style == LJ_REPULSIVE) {
        struct node *power = graph_unary(graph, UNARY_POWER, graph_mul(graph, sigma, distance), -lj->exponent);
        energy = graph_scale(graph, graph_mul(graph, epsilon, power), 0.5);
    } else {
        struct node *ratio = graph_mul(graph, sigma, graph_unary(graph, UNARY_POWER, distance, -1));
        struct node *q = graph_unary(graph, UNARY_POWER, ratio, lj->exponent);
        energy = graph_sub(graph, graph_mul(graph, q, q), q);
        energy = graph_scale(graph, graph_mul(graph, epsilon, energy), 2);
        if (lj->style == LJ_REPULSIVE_ONLY) {
            struct node *minimum = graph_scale(graph, sigma, pow(2, 1 / lj->exponent));
            struct node *beyond = graph_unary(graph, UNARY_STEP, graph_sub(graph, distance, minimum), 0);
            struct node *inside = graph_offset(graph, graph_neg(graph, beyond), 1);
            energy = graph_mul(graph, graph_add(graph, energy, epsilon), inside);
        }
    }
    struct node *cutoff = graph_cast(graph, cutoff_apply(lj->cutoff, emitter), emitter->dtype);
    emit_pair_energy(emitter, graph_mul(graph, graph_cast(graph, energy, emitter->dtype), cutoff));
}

static const struct module_class lennard_jones_class = {"LennardJones", NULL, lennard_jones_repr, lennard_jones_emit};
static const struct module_class param_class = {"_LJParam", NULL, NULL, NULL};

/* A number for all pairs, or a symmetric matrix. */
static int read_table(struct build *build, const struct config_node *node, const char *name, double *out) {
    int n = build->ntypes;
    size_t size = (size_t)n;
    if (config_is_number(node)) {
        for (int k = 0; k < n * n; k++)
            out[k] = config_float(node);
        return 0;
    }
    if (config_kind(node) != CONFIG_LIST || config_count(node) != size)
        return config_error(node, build->error, ERROR_TYPE, "%s: expected a number or a matrix of %d x %d numbers",
                            name, n, n);
    for (size_t i = 0; i < size; i++) {
        const struct config_node *row = config_at(node, i);
        if (config_kind(row) != CONFIG_LIST || config_count(row) != size)
            return config_error(row, build->error, ERROR_TYPE, "%s: expected a row of %d numbers", name, n);
        for (size_t j = 0; j < size; j++) {
            const struct config_node *value = config_at(row, j);
            if (!config_is_number(value))
                return config_error(value, build->error, ERROR_TYPE, "%s: expected a number, not %s", name,
                                    config_kind_name(value));
            out[i * size + j] = config_float(value);
        }
    }
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++)
            if (out[i * size + j] != out[j * size + i])
                return config_error(node, build->error, ERROR_VALUE, "%s is not symmetric", name);
    /* the upper triangle holds it all */
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++)
            out[i * size + j] = 0;
    return 0;
}

struct module *lennard_jones_new(struct build *build, const struct lennard_jones_options *options,
                                 const struct config_node *place) {
    static const char *const names[TABLES] = {"epsilon", "sigma", "delta"};
    const struct config_node *given[TABLES] = {options->epsilon, options->sigma, options->delta};
    const int trainable[TABLES] = {options->epsilon_trainable, options->sigma_trainable, options->delta_trainable};
    struct module *module = module_new(build, &lennard_jones_class, sizeof(struct lennard_jones));
    int n = build->ntypes, shape[] = {n, n};
    double *values = arena_alloc(build->scratch, (size_t)n * (size_t)n * sizeof *values);
    if (!module || !values) {
        error_memory(build->error);
        return NULL;
    }
    struct lennard_jones *lj = module->data;
    lj->ntypes = n;
    lj->exponent = options->exponent;
    for (int k = 0; k < 3; k++)
        if (strcmp(options->style, style_names[k]) == 0)
            lj->style = (enum lj_style)k;
    if (!options->per_type) {
        config_error(place, build->error, ERROR_VALUE, "lj_per_type must be true");
        return NULL;
    }
    for (int k = 0; k < TABLES; k++) {
        if (!given[k] && k == DELTA) {
            memset(values, 0, (size_t)n * (size_t)n * sizeof *values);
        } else if (!given[k]) {
            config_error(place, build->error, ERROR_VALUE, "lj_%s is missing: expected a number or a matrix", names[k]);
            return NULL;
        } else if (read_table(build, given[k], names[k], values)) {
            return NULL;
        }
        struct state_entry *entry = module_parameter(build, module, names[k], build->dtype, 2, shape);
        if (!entry)
            return NULL;
        entry->parameter.frozen = !trainable[k];
        for (size_t m = 0; m < entry->parameter.numel; m++)
            state_set(entry, m, values[m]);
        lj->tables[k] = entry;
    }
    lj->cutoff = cutoff_new(build, options->cutoff_p);
    if (!module_add(build, module, "cutoff", lj->cutoff) ||
        !module_add(build, module, "_param", module_new(build, &param_class, 0)))
        return NULL;
    return module;
}
