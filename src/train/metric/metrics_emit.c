/* The terms of a loss as graph ops: what metrics_update computes, differentiable. */
#include <math.h>
#include <stdlib.h>
#include "train/metric/metrics_entry.h"

static struct node *predicted_node(const struct model_outputs *model, enum predicted which) {
    switch (which) {
    case PREDICTED_ENERGY:
        return model->total_energy;
    case PREDICTED_ATOMIC:
        return model->atomic_energy;
    case PREDICTED_FORCES:
        return model->forces;
    case PREDICTED_STRESS:
        return model->stress;
    default:
        return model->virial;
    }
}

static const unsigned COLUMNS = AXIS_BLOCKS | AXIS_MID | AXIS_MUL;

static struct node *reciprocal(struct graph *graph, struct node *a) {
    return graph_unary(graph, UNARY_POWER, a, -1);
}

/* 1 where a count is above 0. */
static struct node *present(struct graph *graph, struct node *count) {
    return graph_unary(graph, UNARY_STEP, count, 0);
}

/* 1 where a count is 0. */
static struct node *missing(struct graph *graph, struct node *count) {
    return graph_offset(graph, graph_neg(graph, present(graph, count)), 1);
}

/* A count, but 1 where it is 0: dividing by it keeps the gradient of an empty mean 0 instead of NaN */
static struct node *divisor(struct graph *graph, struct node *count) {
    return graph_add(graph, count, missing(graph, count));
}

/* 0 where a count is above 0, else NaN (no value at all). */
static struct node *nan_if_none(struct graph *graph, struct node *count) {
    struct node *sign = graph_offset(graph, graph_scale(graph, present(graph, count), 2), -1);
    return graph_neg(graph, graph_unary(graph, UNARY_LOG, sign, 0)); /* the logarithm's own NaN prints a sign */
}

/* 0 where a count is above 0, else -inf (the largest of nothing). */
static struct node *minus_inf_if_none(struct graph *graph, struct node *count) {
    return graph_unary(graph, UNARY_LOG, present(graph, count), 0);
}

/* Losses of one entry, number by number; those that are left out are 0. */
struct losses {
    struct node *each;   /* [rows, cols] */
    struct node *counts; /* [rows, 1] numbers of a row that count */
};

static int emit_losses(const struct entry *entry, struct graph *graph, const struct model_outputs *model,
                       struct losses *out, struct error *error) {
    const struct metric_quantity *quantity = &quantities[entry->predicted];
    enum dim dim = quantity->per_atom ? DIM_ATOMS : DIM_FRAMES;
    struct node *values = predicted_node(model, entry->predicted), *mask = NULL, *there = NULL;
    char name[128];
    if (!values)
        return error_set(error, ERROR_STATE, "the model gives no %s, which the loss term \"%s\" needs", quantity->name,
                         entry->name);
    snprintf(name, sizeof name, "target:%s", entry->label);
    struct node *labels = graph_input(graph, name, F64, dim, 0, quantity->cols);
    if (entry->ignore_nan) {
        mask = graph_unary(graph, UNARY_FINITE, labels, 0);
        labels = graph_unary(graph, UNARY_NAN0, labels, 0);
    }
    if (entry->predicted ==
        PREDICTED_STRESS) { /* a frame without a volume has none: its loss is NaN, and its gradient 0 */
        there = graph_unary(graph, UNARY_FINITE, values, 0);
        values = graph_unary(graph, UNARY_NAN0, values, 0);
    }
    if (entry->per_atom) {
        struct node *inverse = reciprocal(graph, graph_input(graph, "num_atoms", F64, DIM_FRAMES, 0, 1));
        values = graph_mul(graph, values, inverse);
        labels = graph_mul(graph, labels, inverse);
    }
    if (entry->has_factor) {
        values = graph_scale(graph, values, entry->factor);
        labels = graph_scale(graph, labels, entry->factor);
    }
    struct node *difference = graph_sub(graph, values, labels);
    if (mask)
        difference = graph_mul(graph, difference, mask);
    if (there)
        difference = graph_mul(graph, difference, there);
    out->each = entry->kind->emit(entry->options, graph, difference, labels);
    if (there) { /* what is left out for its label has no need of a volume */
        struct node *fine = mask ? graph_add(graph, there, missing(graph, mask)) : there;
        out->each = graph_add(graph, out->each, nan_if_none(graph, fine));
    }
    if (mask) {
        /* a loss of 0 at 0 is all kinds' own; the mask keeps that true of any to come */
        out->each = graph_mul(graph, out->each, mask);
        out->counts = graph_sum(graph, mask, COLUMNS);
    } else {
        struct node *rows = graph_sum(graph, out->each, COLUMNS);
        out->counts = graph_fill(graph, F64, rows, quantity->cols);
    }
    return 0;
}

static struct node *root(struct graph *graph, struct node *mean, struct node *count) {
    /* away from 0 where there is nothing, for the gradient's sake */
    return graph_unary(graph, UNARY_POWER, graph_add(graph, mean, missing(graph, count)), 0.5);
}

static struct node *emit_whole(const struct entry *entry, struct graph *graph, const struct losses *losses) {
    struct node *count = graph_sum(graph, losses->counts, AXIS_ALL);
    if (entry->reduction == REDUCE_MAX) {
        struct node *largest = graph_max(graph, losses->each);
        return entry->ignore_nan ? graph_add(graph, largest, minus_inf_if_none(graph, count)) : largest;
    }
    struct node *value = graph_sum(graph, losses->each, AXIS_ALL);
    if (entry->reduction == REDUCE_SUM)
        return value;
    if (!entry->ignore_nan) {
        value = graph_mul(graph, value, reciprocal(graph, count));
        return entry->reduction == REDUCE_ROOT_MEAN ? graph_unary(graph, UNARY_POWER, value, 0.5) : value;
    }
    value = graph_mul(graph, value, reciprocal(graph, divisor(graph, count)));
    if (entry->reduction == REDUCE_ROOT_MEAN)
        value = root(graph, value, count);
    return graph_add(graph, value, nan_if_none(graph, count));
}

/* A largest error counts even where it is the largest of nothing: NequIP's mean over types is then -inf. */
static int emit_largest_by_type(const struct metrics *metrics, const struct entry *entry, struct graph *graph,
                                const struct losses *losses, struct node **out, struct error *error) {
    size_t types = (size_t)metrics->ntypes;
    double *chosen = calloc(types + 1, sizeof *chosen), weights = 0;
    if (!chosen)
        return error_set(error, ERROR_MEMORY, "out of memory while emitting a loss");
    *out = NULL;
    for (size_t t = 0; t < types; t++) {
        double weight = entry->type_coefficients ? entry->type_coefficients[t] : 1;
        chosen[t] = 1;
        struct node *table = graph_const(graph, F64, (int)types, 1, chosen);
        chosen[t] = 0;
        struct node *mask = graph_gather(graph, table, INDEX_TYPE);
        struct node *count = graph_sum(graph, graph_mul(graph, losses->counts, mask), AXIS_ALL);
        struct node *largest = graph_max(graph, graph_mul(graph, losses->each, mask));
        largest = graph_scale(graph, graph_add(graph, largest, minus_inf_if_none(graph, count)), weight);
        *out = *out ? graph_add(graph, *out, largest) : largest;
        weights += weight;
    }
    *out = graph_scale(graph, *out, 1 / weights);
    free(chosen);
    return 0;
}

static int emit_by_type(const struct metrics *metrics, const struct entry *entry, struct graph *graph,
                        const struct losses *losses, struct node **out, struct error *error) {
    int types = metrics->ntypes;
    if (entry->reduction == REDUCE_MAX)
        return emit_largest_by_type(metrics, entry, graph, losses, out, error);
    struct node *rows = graph_sum(graph, losses->each, COLUMNS);
    struct node *sums = graph_scatter(graph, rows, INDEX_TYPE, DIM_STATIC, types);
    struct node *counts = graph_scatter(graph, losses->counts, INDEX_TYPE, DIM_STATIC, types);
    struct node *weights = graph_fill(graph, F64, sums, 1);
    if (entry->type_coefficients)
        weights = graph_const(graph, F64, types, 1, entry->type_coefficients);
    struct node *values = sums;
    if (entry->reduction != REDUCE_SUM) {
        values = graph_mul(graph, sums, reciprocal(graph, divisor(graph, counts)));
        if (entry->reduction == REDUCE_ROOT_MEAN)
            values = root(graph, values, counts);
        weights = graph_mul(graph, weights, present(graph, counts));
    }
    struct node *total = graph_sum(graph, weights, AXIS_ALL);
    struct node *mean = graph_mul(graph, graph_sum(graph, graph_mul(graph, values, weights), AXIS_ALL),
                                  reciprocal(graph, divisor(graph, total)));
    *out = entry->ignore_nan ? graph_add(graph, mean, nan_if_none(graph, total)) : mean;
    return 0;
}

int metrics_emit(const struct metrics *metrics, struct graph *graph, const struct model_outputs *model,
                 struct node **terms, struct error *error) {
    int code = 0;
    graph_push_module(graph, "loss");
    for (size_t k = 0; !code && k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        struct losses losses = {NULL, NULL};
        code = entry->kind->emit ? 0 : error_set(error, ERROR_STATE, "the metric \"%s\" has no gradient", entry->name);
        if (!code)
            code = emit_losses(entry, graph, model, &losses, error);
        if (!code && entry->per_type)
            code = emit_by_type(metrics, entry, graph, &losses, &terms[k], error);
        else if (!code)
            terms[k] = emit_whole(entry, graph, &losses);
    }
    graph_pop_module(graph);
    return code ? code : graph_error(graph, error);
}
