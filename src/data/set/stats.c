#include "data/set/stats.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/text.h"
#include "data/set/stats_parts.h"
#include "data/transform/transform_parts.h"

int stats_new(struct stats **out, const struct config_node *config, struct error *error) {
    *out = NULL;
    struct stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return error_memory(error);
    stats->arena = arena_new();
    int code = stats->arena ? arena_result(stats->arena, stats_read(stats, config, error), error) : error_memory(error);
    if (code)
        stats_free(stats);
    else
        *out = stats;
    return code;
}

int stats_check(const struct config_node *config, struct error *error) {
    struct stats *stats;
    int code = stats_new(&stats, config, error);
    if (!code)
        stats_free(stats);
    return code;
}

void stats_free(struct stats *stats) {
    if (!stats)
        return;
    arena_free(stats->arena);
    free(stats);
}

static void accumulate(const struct stats_item *item, struct stats_accumulator *to, double value) {
    if (item->ignore_nan && isnan(value))
        return;
    if (item->metric == METRIC_MEAN_ABS || item->absolute)
        value = fabs(value);
    else if (item->metric == METRIC_RMS)
        value = value * value;
    to->count++;
    long double delta = value - to->mean;
    to->mean += delta / to->count;
    to->m2 += delta * (value - to->mean);
    /* a NaN stays, as it does in torch */
    if (!(value <= to->max))
        to->max = isnan(to->max) ? to->max : value;
    if (!(value >= to->min))
        to->min = isnan(to->min) ? to->min : value;
}

static double result(const struct stats_item *item, const struct stats_accumulator *from) {
    switch (item->metric) {
    case METRIC_MEAN:
    case METRIC_MEAN_ABS:
        return from->count ? (double)from->mean : NAN;
    case METRIC_RMS:
        return from->count ? (double)sqrtl(from->mean) : NAN;
    case METRIC_STD: {
        int64_t denominator = item->unbiased ? from->count - 1 : from->count;
        long double variance = denominator > 0 ? from->m2 / denominator : NAN;
        return (double)(item->squared ? variance : sqrtl(variance));
    }
    case METRIC_MAX:
        return from->max;
    case METRIC_MIN:
        return from->min;
    case METRIC_COUNT:
        break;
    }
    return (double)from->count;
}

static int prepare(struct stats *stats, struct stats_item *item, struct error *error) {
    struct arena *arena = stats->arena;
    int edges = item->source == SOURCE_EDGE_LENGTHS, n = stats->ntypes;
    item->nvalues = !item->per_type ? 1 : edges ? n * n : n;
    size_t count = (size_t)item->nvalues;
    item->accumulators = arena_alloc(arena, count * sizeof *item->accumulators);
    item->values = arena_alloc(arena, count * sizeof *item->values);
    item->labels = arena_alloc(arena, count * sizeof *item->labels);
    if (!item->accumulators || !item->values || !item->labels)
        return error_memory(error);
    for (int k = 0; k < item->nvalues; k++) {
        item->accumulators[k] = (struct stats_accumulator){.max = -INFINITY, .min = INFINITY};
        if (item->per_type && edges)
            item->labels[k] = arena_format(arena, "%s_%s", stats->type_names[k / n], stats->type_names[k % n]);
        else if (item->per_type)
            item->labels[k] = stats->type_names[k];
    }
    return arena_failed(arena) ? error_memory(error) : 0;
}

static int add_field(const struct stats *stats, const struct stats_item *item, const struct frame *frame,
                     struct error *error) {
    char label[300], available[400];
    const struct field *field = frame_field(frame, item->field);
    if (!field)
        return error_set(error, ERROR_DATA, "%s has no %s, which the statistic %s needs (it has %s)",
                         frame_label(frame, label, sizeof label), item->field, item->name,
                         transform_available(frame, available, sizeof available));
    if (field->per_atom ? item->source == SOURCE_PER_ATOM : item->per_type)
        return error_set(error, ERROR_DATA, "%s: %s is a field of the %s, which the statistic %s cannot use",
                         frame_label(frame, label, sizeof label), item->field, field->per_atom ? "atoms" : "frame",
                         item->name);
    double reciprocal = item->source == SOURCE_PER_ATOM ? 1.0 / frame->atoms : 1;
    for (int row = 0; row < (field->per_atom ? frame->atoms : 1); row++) {
        int slot = item->per_type ? frame->types[row] : 0;
        if (slot < 0 || slot >= (item->per_type ? stats->ntypes : 1))
            return error_set(error, ERROR_STATE, "%s: atom %d (%s) is of no type that the statistic %s knows",
                             frame_label(frame, label, sizeof label), row, frame->symbols[row], item->name);
        for (int c = 0; c < field->cols; c++)
            accumulate(item, &item->accumulators[slot],
                       field->values[(size_t)row * (size_t)field->cols + (size_t)c] * reciprocal * item->factor);
    }
    return 0;
}

static int check_pairs(const struct stats *stats, const struct stats_item *item, const struct frame *frame,
                       struct error *error) {
    char label[300];
    if (frame->npairs < 0)
        return error_set(error, ERROR_STATE,
                         "%s has no neighbour list, which the statistic %s needs: a NeighborListTransform is missing",
                         frame_label(frame, label, sizeof label), item->name);
    for (int i = 0; item->per_type && i < frame->atoms; i++)
        if (frame->types[i] < 0 || frame->types[i] >= stats->ntypes)
            return error_set(error, ERROR_STATE, "%s: atom %d (%s) is of no type that the statistic %s knows",
                             frame_label(frame, label, sizeof label), i, frame->symbols[i], item->name);
    return 0;
}

static int grow(struct stats_padding *padding, size_t atoms) {
    if (atoms <= padding->capacity)
        return 0;
    int *counts = realloc(padding->counts, 2 * atoms * sizeof *counts);
    padding->counts = counts ? counts : padding->counts;
    int *slots = realloc(padding->slots, 2 * atoms * sizeof *slots);
    padding->slots = slots ? slots : padding->slots;
    padding->capacity = counts && slots ? 2 * atoms : padding->capacity;
    return counts && slots ? 0 : -1;
}

/* The count of each atom; or, padded, kept until the batch ends. */
static int add_neighbours(const struct stats *stats, struct stats_item *item, const struct frame *frame,
                          struct error *error) {
    struct stats_padding *padding = item->source == SOURCE_PADDED_NEIGHBORS ? &item->padding : NULL;
    int code = check_pairs(stats, item, frame, error);
    if (code)
        return code;
    int *counts = calloc((size_t)frame->atoms + 1, sizeof *counts);
    if (!counts || (padding && grow(padding, padding->atoms + (size_t)frame->atoms))) {
        free(counts);
        return error_memory(error);
    }
    for (int p = 0; p < frame->npairs; p++) {
        counts[frame->pair_i[p]]++;
        if (!frame->directed)
            counts[frame->pair_j[p]]++;
    }
    for (int i = 0; i < frame->atoms; i++) {
        int slot = item->per_type ? frame->types[i] : 0;
        if (!padding) {
            accumulate(item, &item->accumulators[slot], counts[i]);
            continue;
        }
        if (counts[i])
            padding->counts[padding->found++] = counts[i];
        padding->slots[padding->atoms++] = slot;
    }
    free(counts);
    return 0;
}

/* What NequIP 0.19.1 makes of a batch: atoms without neighbours are left out of the counts, and as many zeros stand at
 * the end, so that atoms behind such a one have the count of another. */
static void end_batch(struct stats_item *item) {
    struct stats_padding *padding = &item->padding;
    for (size_t i = 0; i < padding->atoms; i++)
        accumulate(item, &item->accumulators[padding->slots[i]], i < padding->found ? padding->counts[i] : 0);
    padding->atoms = padding->found = 0;
}

static int add_lengths(const struct stats *stats, const struct stats_item *item, const struct frame *frame,
                       struct error *error) {
    int code = check_pairs(stats, item, frame, error);
    for (int p = 0; p < frame->npairs && !code; p++) {
        int i = frame->pair_i[p], j = frame->pair_j[p];
        const int *s = &frame->pair_shift[3 * p];
        double r2 = 0;
        for (int c = 0; c < 3; c++) {
            double r = frame->pos[3 * j + c] - frame->pos[3 * i + c] + s[0] * frame->cell[c] +
                       s[1] * frame->cell[3 + c] + s[2] * frame->cell[6 + c];
            r2 += r * r;
        }
        int n = stats->ntypes, a = item->per_type ? frame->types[i] : 0, b = item->per_type ? frame->types[j] : 0;
        accumulate(item, &item->accumulators[a * n + b], sqrt(r2));
        if (!frame->directed)
            accumulate(item, &item->accumulators[b * n + a], sqrt(r2));
    }
    return code;
}

int stats_loader(struct stats *stats, const struct loader_settings *settings, int64_t count, struct loader *out,
                 struct error *error) {
    struct loader_settings own = *settings;
    int code = loader_settings_read(&own, stats->loader, stats->arena, error);
    loader_init(out, count, &own);
    return code ? code : loader_settings_fit(&own, count, stats->loader, error);
}

int stats_compute(struct stats *stats, const struct dataset *dataset, const struct loader_settings *settings,
                  uint64_t seed, struct error *error) {
    struct loader loader;
    struct loader_streams streams;
    int code = stats_loader(stats, settings, (int64_t)dataset->count, &loader, error);
    for (size_t k = 0; k < stats->count && !code; k++)
        code = prepare(stats, &stats->items[k], error);
    if (code)
        return code;
    int64_t *order = malloc(((size_t)loader_drawn(&loader) + 1) * sizeof *order);
    if (!order)
        return error_memory(error);
    loader_streams_init(&streams, seed);
    loader_whole(&loader, &streams, order);
    int64_t used = loader_drawn(&loader);
    if (loader.settings.drop_last)
        used = loader_batches(&loader) * loader.settings.batch_size;
    for (int64_t f = 0; f < used && !code && !(code = interrupt_check(error)); f++) {
        const struct frame *frame = dataset->frames[order[f]];
        for (size_t k = 0; k < stats->count && !code; k++) {
            struct stats_item *item = &stats->items[k];
            if (item->source == SOURCE_NUM_NEIGHBORS || item->source == SOURCE_PADDED_NEIGHBORS)
                code = add_neighbours(stats, item, frame, error);
            else if (item->source == SOURCE_EDGE_LENGTHS)
                code = add_lengths(stats, item, frame, error);
            else
                code = add_field(stats, item, frame, error);
            if (!code && item->source == SOURCE_PADDED_NEIGHBORS &&
                ((f + 1) % loader.settings.batch_size == 0 || f + 1 == used))
                end_batch(item);
        }
    }
    free(order);
    for (size_t k = 0; k < stats->count; k++) {
        free(stats->items[k].padding.counts);
        free(stats->items[k].padding.slots);
        stats->items[k].padding = (struct stats_padding){0};
    }
    if (!code)
        code = dataset_check(dataset, error);
    for (size_t k = 0; k < stats->count && !code; k++)
        for (int v = 0; v < stats->items[k].nvalues; v++)
            stats->items[k].values[v] = result(&stats->items[k], &stats->items[k].accumulators[v]);
    return code;
}

size_t stats_count(const struct stats *stats) {
    return stats->count;
}

const char *stats_name(const struct stats *stats, size_t k) {
    return stats->items[k].name;
}

/* NaN would go on into the model without a word. */
static int check_values(const struct stats_item *item, const char *name, int first, int count, struct error *error) {
    for (int k = first; k < first + count; k++)
        if (isnan(item->values[k]))
            return error_set(error, ERROR_DATA, "the statistic %s%s%s is not a number: %s", name,
                             item->per_type && count > 1 ? " of type " : "",
                             item->per_type && count > 1 ? item->labels[k] : "",
                             item->accumulators[k].count > 1 ? "there is a NaN among the training set's labels"
                                                             : "the training set has too few values for it");
    return 0;
}

static int unknown(const struct stats *stats, const char *name, struct error *error) {
    const char **names = malloc((stats->count + 1) * sizeof *names);
    if (!names)
        return error_memory(error);
    for (size_t k = 0; k < stats->count; k++)
        names[k] = stats->items[k].name;
    const char *near = text_nearest(name, names, stats->count);
    free(names);
    return error_set(error, ERROR_NAME, "there is no statistic '%s' of the training data%s", name, DID_YOU_MEAN(near));
}

int stats_get(const struct stats *stats, const char *name, struct config_statistic *out, struct error *error) {
    memset(out, 0, sizeof *out);
    for (size_t k = 0; k < stats->count; k++) {
        const struct stats_item *item = &stats->items[k];
        size_t length = strlen(item->name);
        if (!item->values)
            continue;
        if (strcmp(item->name, name) == 0) {
            out->value = item->values[0];
            if (item->per_type) {
                out->count = item->nvalues;
                out->names = item->labels;
                out->values = item->values;
            }
            return check_values(item, name, 0, item->nvalues, error);
        }
        if (!item->per_type || strncmp(item->name, name, length) != 0 || name[length] != '_')
            continue;
        for (int v = 0; v < item->nvalues; v++)
            if (strcmp(item->labels[v], name + length + 1) == 0) {
                out->value = item->values[v];
                return check_values(item, name, v, 1, error);
            }
    }
    return unknown(stats, name, error);
}
