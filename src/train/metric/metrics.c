#include "train/metric/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/set/oddities.h"
#include "train/core/state.h"
#include "train/metric/metrics_entry.h"

/* ---------------------------------------------------------------- making */

static size_t slots_of(const struct metrics *metrics, const struct entry *entry) {
    return entry->per_type ? (size_t)metrics->ntypes : 1;
}

/* Columns that moments are taken of. */
static int columns_of(const struct entry *entry) {
    return entry->kind->each_number || entry->ignore_nan ? 1 : quantities[entry->predicted].cols;
}

/* Where values and accumulators of each entry lie, the values' names, the labels. */
static int lay_out(struct metrics *metrics, struct error *error) {
    struct arena *arena = metrics->arena;
    for (size_t k = 0; k < metrics->nentries; k++) {
        struct entry *entry = &metrics->entries[k];
        size_t slots = slots_of(metrics, entry);
        entry->place = NULL; /* the config may go */
        entry->first_slot = metrics->nslots;
        entry->first_value = metrics->nvalues;
        entry->width = 1;
        if (entry->kind->value) {
            entry->width = (size_t)columns_of(entry) * MOMENTS;
            entry->alone = arena_alloc(arena, entry->width * sizeof *entry->alone);
        }
        metrics->nslots += slots * entry->width;
        metrics->nvalues += entry->per_type ? slots + 1 : 1;
    }
    metrics->names = arena_alloc(arena, (metrics->nvalues + 1) * sizeof *metrics->names);
    metrics->labels = arena_alloc(arena, metrics->nentries * sizeof *metrics->labels);
    if (!metrics->names || !metrics->labels)
        return error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    size_t value = 0;
    for (size_t k = 0; k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        for (int t = 0; entry->per_type && t < metrics->ntypes; t++)
            metrics->names[value++] = arena_format(arena, "%s_%s", entry->name, metrics->type_names[t]);
        metrics->names[value++] = entry->name;
        size_t n = 0;
        while (n < metrics->nlabels && strcmp(metrics->labels[n], entry->label) != 0)
            n++;
        if (n == metrics->nlabels)
            metrics->labels[metrics->nlabels++] = entry->label;
    }
    metrics->names[value] = "weighted_sum";
    if (arena_failed(arena))
        return error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    return 0;
}

static int add_variable(struct variable **out, struct state *state, const char *prefix, const char *name,
                        enum state_type type, size_t count, struct arena *arena, struct error *error) {
    const char *full = arena_format(arena, "%s%s", prefix, name);
    struct error problem = {0};
    *out = full ? state_add(state, full, type, count, 0, &problem) : NULL;
    if (*out)
        return 0;
    return error_set(error, full ? problem.code : ERROR_MEMORY, "%s",
                     full ? problem.message : "out of memory while making metrics");
}

static int add_variables(struct metrics *metrics, struct state *state, const char *prefix, struct error *error) {
    struct arena *arena = metrics->arena;
    int code = add_variable(&metrics->sum, state, prefix, "sum", STATE_F64, metrics->nslots, arena, error);
    if (code)
        return code;
    code = add_variable(&metrics->count, state, prefix, "count", STATE_I64, metrics->nslots, arena, error);
    if (!code)
        code = add_variable(&metrics->coefficients, state, prefix, "coefficients", STATE_F64, metrics->nentries, arena,
                            error);
    if (!code) {
        metrics->count->range = &state_counter;
        metrics->coefficients->range = &state_nullable;
    }
    if (code && metrics->count)
        state_remove(state, metrics->count->name);
    if (code)
        state_remove(state, metrics->sum->name);
    return code;
}

int metrics_new(struct metrics **out, const struct config_node *config, int ntypes, const char *const *type_names,
                struct state *state, const char *prefix, struct error *error) {
    struct arena *arena = arena_new();
    struct metrics *metrics = arena ? arena_alloc(arena, sizeof *metrics) : NULL;
    int code = 0;
    double *values = NULL;
    if (!metrics) {
        arena_free(arena);
        return error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    }
    metrics->arena = arena;
    metrics->ntypes = ntypes;
    const char **names = arena_alloc(arena, ((size_t)ntypes + 1) * sizeof *names);
    for (int t = 0; names && t < ntypes; t++)
        names[t] = arena_string(arena, type_names[t]);
    metrics->type_names = names;
    if (arena_failed(arena))
        code = error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    if (!code)
        code = metrics_read(metrics, config, error);
    if (!code)
        code = lay_out(metrics, error);
    if (!code && !state && !(state = metrics->own = state_new()))
        code = error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    values = code ? NULL : arena_alloc(arena, metrics->nentries * sizeof *values);
    if (!code && !values)
        code = error_set(error, ERROR_MEMORY, "out of memory while making metrics");
    for (size_t k = 0; !code && k < metrics->nentries; k++)
        values[k] = metrics->entries[k].coefficient;
    if (!code)
        code = add_variables(metrics, state, prefix, error);
    if ((code = arena_result(arena, code, error))) {
        metrics_free(metrics);
        return code;
    }
    metrics_set_coefficients(metrics, values, NULL);
    metrics_reset(metrics);
    *out = metrics;
    return 0;
}

int metrics_check(const struct config_node *config, int as_loss, struct error *error) {
    struct metrics metrics = {.arena = arena_new()};
    if (!metrics.arena)
        return error_set(error, ERROR_MEMORY, "out of memory while checking metrics");
    int code = arena_result(metrics.arena, metrics_read(&metrics, config, error), error);
    for (size_t k = 0; !code && as_loss && k < metrics.nentries; k++)
        if (!metrics.entries[k].kind->emit)
            code = config_error(metrics.entries[k].place, error, ERROR_VALUE,
                                "%s is monitored only: as a term of a loss it has no gradient here",
                                metrics.entries[k].kind->target.target);
    arena_free(metrics.arena);
    return code;
}

void metrics_free(struct metrics *metrics) {
    if (!metrics)
        return;
    state_free(metrics->own);
    arena_free(metrics->arena);
}

/* ---------------------------------------------------------------- what there is */

int metrics_has_weighted_sum(const struct metrics *metrics) {
    for (size_t k = 0; k < metrics->nentries; k++)
        if (!isnan(metrics_coefficient(metrics, k)))
            return 1;
    return 0;
}

size_t metrics_count(const struct metrics *metrics) {
    return metrics->nvalues + (size_t)metrics_has_weighted_sum(metrics);
}

size_t metrics_max_count(const struct metrics *metrics) {
    return metrics->nvalues + 1;
}

const char *metrics_name(const struct metrics *metrics, size_t k) {
    return metrics->names[k];
}

size_t metrics_nterms(const struct metrics *metrics) {
    return metrics->nentries;
}

const char *metrics_term_name(const struct metrics *metrics, size_t k) {
    return metrics->entries[k].name;
}

size_t metrics_term_value(const struct metrics *metrics, size_t k) {
    const struct entry *entry = &metrics->entries[k];
    return entry->first_value + (entry->per_type ? (size_t)metrics->ntypes : 0);
}

int metrics_find_term(const struct metrics *metrics, const char *name) {
    for (size_t k = 0; k < metrics->nentries; k++)
        if (strcmp(metrics->entries[k].name, name) == 0)
            return (int)k;
    return -1;
}

double metrics_coefficient(const struct metrics *metrics, size_t k) {
    const double *coefficients = metrics->coefficients->data;
    return coefficients[k];
}

int metrics_set_coefficients(struct metrics *metrics, const double *values, struct error *error) {
    double *coefficients = metrics->coefficients->data, total = 0;
    for (size_t k = 0; k < metrics->nentries; k++) {
        if (isinf(values[k]))
            return error_set(error, ERROR_VALUE, "the coefficient of \"%s\" is infinite", metrics->entries[k].name);
        if (!isnan(values[k]))
            total += values[k];
    }
    for (size_t k = 0; k < metrics->nentries; k++)
        coefficients[k] = total > 0 ? values[k] / total : NAN;
    return 0;
}

size_t metrics_nfields(const struct metrics *metrics) {
    return metrics->nlabels;
}

const char *metrics_field(const struct metrics *metrics, size_t k) {
    return metrics->labels[k];
}

int metrics_predicts(const struct metrics *metrics, const char *field) {
    for (size_t k = 0; k < metrics->nentries; k++)
        if (strcmp(quantities[metrics->entries[k].predicted].name, field) == 0)
            return 1;
    return 0;
}

int metrics_needs_derivatives(const struct metrics *metrics) {
    return metrics_predicts(metrics, "forces") || metrics_predicts(metrics, "stress") ||
           metrics_predicts(metrics, "virial");
}

/* ---------------------------------------------------------------- labels */

static void add_place(const struct frame *frame, struct text *out) {
    if (frame->source && frame->source[0])
        text_format(out, "frame %ld of %s", frame->ordinal, frame->source);
    else
        text_format(out, "frame %ld", frame->ordinal);
}

static int missing_label(const struct frame *frame, const char *label, struct error *error) {
    struct text message = {0};
    add_place(frame, &message);
    text_format(&message, " has no \"%s\", which the metrics compare with; it has ", label);
    for (int k = 0; k < frame->nfields; k++)
        text_format(&message, "%s%s", k ? ", " : "", frame->fields[k].name);
    if (frame->nfields == 0)
        text_add(&message, "no labels at all");
    oddities_hint(frame, label, &message);
    int code = error_set(error, ERROR_DATA, "%s", message.data ? message.data : "a frame lacks a label");
    text_free(&message);
    return code;
}

static int bad_label(const struct frame *frame, const struct field *field, size_t at, struct error *error) {
    struct text message = {0};
    add_place(frame, &message);
    text_format(&message, ": \"%s\" is %s", field->name, isnan(field->values[at]) ? "NaN" : "infinite");
    if (field->per_atom)
        text_format(&message, " for atom %zu", at / (size_t)field->cols);
    if (isnan(field->values[at]))
        text_add(&message, " (ignore_nan leaves such labels out)");
    int code = error_set(error, ERROR_DATA, "%s", message.data ? message.data : "a label is not a number");
    text_free(&message);
    return code;
}

int metrics_check_frame(const struct metrics *metrics, const struct frame *frame, struct error *error) {
    for (size_t k = 0; k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        const struct metric_quantity *quantity = &quantities[entry->predicted];
        const struct field *field = frame_field(frame, entry->label);
        if (!field)
            return missing_label(frame, entry->label, error);
        if (!field->per_atom != !quantity->per_atom || field->cols != quantity->cols) {
            struct text place = {0};
            add_place(frame, &place);
            int code = error_set(error, ERROR_DATA, "%s: \"%s\" has %d numbers %s, not %d %s as %s has",
                                 place.data ? place.data : "a frame", field->name, field->cols,
                                 field->per_atom ? "an atom" : "in all", quantity->cols,
                                 quantity->per_atom ? "an atom" : "in all", quantity->name);
            text_free(&place);
            return code;
        }
        size_t numbers = (field->per_atom ? (size_t)frame->atoms : 1) * (size_t)field->cols;
        for (size_t i = 0; i < numbers; i++)
            if (isinf(field->values[i]) || (isnan(field->values[i]) && !entry->ignore_nan))
                return bad_label(frame, field, i, error);
    }
    return 0;
}

int metrics_has_labels(const struct metrics *metrics, size_t term, const struct batch *batch) {
    const struct entry *entry = &metrics->entries[term];
    const struct field *field = batch_field(batch, entry->label);
    size_t numbers = field ? (size_t)(field->per_atom ? batch->atoms : batch->frames) * (size_t)field->cols : 0;
    if (!entry->ignore_nan)
        return 1;
    for (size_t k = 0; k < numbers; k++)
        if (!isnan(field->values[k]))
            return 1;
    return 0;
}

int metrics_minds(const struct metrics *metrics, const char *field, double value) {
    for (size_t k = 0; k < metrics->nentries; k++)
        if (!strcmp(metrics->entries[k].label, field) &&
            (isinf(value) || (isnan(value) && !metrics->entries[k].ignore_nan)))
            return 1;
    return 0;
}

/* ---------------------------------------------------------------- numbers */

static const double *predicted_values(const struct prediction *prediction, enum predicted which) {
    switch (which) {
    case PREDICTED_ENERGY:
        return prediction->total_energy;
    case PREDICTED_ATOMIC:
        return prediction->atomic_energy;
    case PREDICTED_FORCES:
        return prediction->forces;
    case PREDICTED_STRESS:
        return prediction->stress;
    default:
        return prediction->virial;
    }
}

/* What a batch gives for one accumulator: the sum of the losses (or the largest) over so many numbers. */
struct tally {
    double sum;
    int64_t count;
};

enum { MAX_COLS = 9 };

/* A row as it is compared, by unit, factor and number of atoms. */
static void compared(const struct entry *entry, const struct batch *batch, int r, const double *p, const double *t,
                     double *prediction, double *label) {
    int cols = quantities[entry->predicted].cols;
    double inverse = entry->per_atom ? 1 / batch->num_atoms[r] : 1;
    for (int c = 0; c < cols; c++) {
        prediction[c] = p[c];
        label[c] = t[c];
        if (entry->per_atom) {
            prediction[c] *= inverse;
            label[c] *= inverse;
        }
        if (entry->has_factor) {
            prediction[c] *= entry->factor;
            label[c] *= entry->factor;
        }
    }
}

/* Adds a batch to the moments of an accumulator; rows that it has so far.  type -1: all rows. */
static void add_moments(const struct entry *entry, const struct batch *batch, const double *values,
                        const double *labels, int type, struct moments *moments, int64_t *rows) {
    const struct metric_quantity *quantity = &quantities[entry->predicted];
    int total = quantity->per_atom ? batch->atoms : batch->frames, cols = quantity->cols, columns = columns_of(entry);
    double prediction[MAX_COLS], label[MAX_COLS];
    for (int r = 0; r < total; r++) {
        if (type >= 0 && batch->topology.index[INDEX_TYPE][r] != type)
            continue;
        const double *t = labels + (size_t)r * (size_t)cols;
        compared(entry, batch, r, values + (size_t)r * (size_t)cols, t, prediction, label);
        for (int c = 0; c < cols; c++) {
            if (entry->ignore_nan && isnan(t[c]))
                continue;
            *rows += c == 0 || columns == 1;
            moments_add(&moments[columns == 1 ? 0 : c], prediction[c], label[c], *rows);
        }
    }
}

/* type -1: all rows. */
static struct tally tally_rows(const struct entry *entry, const struct batch *batch, const double *values,
                               const double *labels, int type) {
    const struct metric_quantity *quantity = &quantities[entry->predicted];
    int rows = quantity->per_atom ? batch->atoms : batch->frames, cols = quantity->cols;
    int largest = entry->reduction == REDUCE_MAX;
    struct tally tally = {largest ? -INFINITY : 0, 0};
    double prediction[MAX_COLS], difference[MAX_COLS], label[MAX_COLS], loss[MAX_COLS];
    for (int r = 0; r < rows; r++) {
        if (type >= 0 && batch->topology.index[INDEX_TYPE][r] != type)
            continue;
        const double *p = values + (size_t)r * (size_t)cols, *t = labels + (size_t)r * (size_t)cols;
        compared(entry, batch, r, p, t, prediction, label);
        for (int c = 0; c < cols; c++)
            difference[c] = prediction[c] - label[c];
        entry->kind->row(entry->options, cols, difference, label, loss);
        for (int c = 0; c < cols; c++) {
            if (entry->ignore_nan && isnan(t[c]))
                continue;
            tally.count++;
            if (!largest)
                tally.sum += loss[c];
            else if (loss[c] > tally.sum || isnan(loss[c]))
                tally.sum = loss[c];
        }
    }
    return tally;
}

/* torchmetrics' running mean: the mean is updated, and kept as mean * count. */
static void accumulate(enum reduction reduction, const struct tally *tally, double *sum, int64_t *count) {
    if (tally->count == 0)
        return;
    if (reduction == REDUCE_MAX) {
        if (tally->sum > *sum || isnan(tally->sum))
            *sum = tally->sum;
        *count += tally->count;
        return;
    }
    double n = (double)tally->count, mean = *count ? *sum / (double)*count : 0;
    double delta = tally->sum / n - mean;
    *count += tally->count;
    mean += delta * n / (double)*count;
    *sum = mean * (double)*count;
}

static double value_of(enum reduction reduction, double sum, int64_t count) {
    switch (reduction) {
    case REDUCE_MEAN:
        return count ? sum / (double)count : NAN;
    case REDUCE_ROOT_MEAN:
        return count ? sqrt(sum / (double)count) : NAN;
    default:
        return sum;
    }
}

static double start_of(enum reduction reduction) {
    return reduction == REDUCE_MAX ? -INFINITY : 0;
}

/* The entry's own value from those of its types: over the types that are present, or over all. */
static double over_types(const struct metrics *metrics, const struct entry *entry, const double *values, int all) {
    double sum = 0, weights = 0;
    for (int t = 0; t < metrics->ntypes; t++) {
        double weight = entry->type_coefficients ? entry->type_coefficients[t] : 1;
        if (!all && isnan(values[t]))
            continue;
        sum += weight * values[t];
        weights += weight;
    }
    return weights > 0 ? sum / weights : NAN;
}

static double weighted_sum(const struct metrics *metrics, const double *values) {
    double sum = 0;
    for (size_t k = 0; k < metrics->nentries; k++)
        if (!isnan(metrics_coefficient(metrics, k)))
            sum += values[metrics_term_value(metrics, k)] * metrics_coefficient(metrics, k);
    return sum;
}

/* Predictions and labels of an entry, or an error that says what is missing. */
static int find_values(const struct entry *entry, const struct batch *batch, const struct prediction *prediction,
                       const double **values, const double **labels, struct error *error) {
    const struct metric_quantity *quantity = &quantities[entry->predicted];
    const struct field *field = batch_field(batch, entry->label);
    *values = predicted_values(prediction, entry->predicted);
    if (!*values)
        return error_set(error, ERROR_STATE, "the model gives no %s, which \"%s\" compares", quantity->name,
                         entry->name);
    if (!field)
        return error_set(error, ERROR_DATA, "the batch has no \"%s\", which \"%s\" compares with", entry->label,
                         entry->name);
    if (!field->per_atom != !quantity->per_atom || field->cols != quantity->cols)
        return error_set(error, ERROR_DATA, "the batch's \"%s\" has not the shape of %s", entry->label, quantity->name);
    *labels = field->values;
    return 0;
}

int metrics_update(struct metrics *metrics, const struct batch *batch, const struct prediction *prediction,
                   double *step_values, struct error *error) {
    double *sum = metrics->sum->data;
    int64_t *count = metrics->count->data;
    const double *values, *labels;
    /* all that is needed first: a batch is counted as a whole or not at all */
    for (size_t k = 0; k < metrics->nentries; k++) {
        int code = find_values(&metrics->entries[k], batch, prediction, &values, &labels, error);
        if (code)
            return code;
    }
    for (size_t k = 0; k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        size_t slots = slots_of(metrics, entry);
        find_values(entry, batch, prediction, &values, &labels, NULL);
        for (size_t s = 0; s < slots && entry->kind->value; s++) {
            size_t at = entry->first_slot + s * entry->width;
            int type = entry->per_type ? (int)s : -1, columns = columns_of(entry);
            struct moments *alone = (struct moments *)(void *)entry->alone;
            int64_t rows = 0;
            add_moments(entry, batch, values, labels, type, (struct moments *)(void *)&sum[at], &count[at]);
            if (!step_values)
                continue;
            for (int c = 0; c < columns; c++)
                moments_begin(&alone[c]);
            add_moments(entry, batch, values, labels, type, alone, &rows);
            step_values[entry->first_value + s] = entry->kind->value(entry->options, columns, alone, rows);
        }
        for (size_t s = 0; s < slots && !entry->kind->value; s++) {
            struct tally tally = tally_rows(entry, batch, values, labels, entry->per_type ? (int)s : -1);
            double alone = start_of(entry->reduction);
            int64_t alone_count = 0;
            accumulate(entry->reduction, &tally, &alone, &alone_count);
            accumulate(entry->reduction, &tally, &sum[entry->first_slot + s], &count[entry->first_slot + s]);
            if (step_values)
                step_values[entry->first_value + s] = value_of(entry->reduction, alone, alone_count);
        }
        if (step_values && entry->per_type)
            step_values[entry->first_value + slots] = over_types(metrics, entry, step_values + entry->first_value, 0);
    }
    if (step_values && metrics_has_weighted_sum(metrics))
        step_values[metrics->nvalues] = weighted_sum(metrics, step_values);
    return 0;
}

static double slot_value(const struct entry *entry, const double *sum, int64_t count) {
    if (!entry->kind->value)
        return value_of(entry->reduction, *sum, count);
    return entry->kind->value(entry->options, columns_of(entry), (const struct moments *)(const void *)sum, count);
}

void metrics_compute(const struct metrics *metrics, double *values) {
    const double *sum = metrics->sum->data;
    const int64_t *count = metrics->count->data;
    for (size_t k = 0; k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        size_t slots = slots_of(metrics, entry);
        for (size_t s = 0; s < slots; s++)
            values[entry->first_value + s] = slot_value(entry, &sum[entry->first_slot + s * entry->width],
                                                        count[entry->first_slot + s * entry->width]);
        if (entry->per_type)
            values[entry->first_value + slots] = over_types(metrics, entry, values + entry->first_value, 1);
    }
    if (metrics_has_weighted_sum(metrics))
        values[metrics->nvalues] = weighted_sum(metrics, values);
}

void metrics_reset(struct metrics *metrics) {
    double *sum = metrics->sum->data;
    int64_t *count = metrics->count->data;
    for (size_t k = 0; k < metrics->nentries; k++) {
        const struct entry *entry = &metrics->entries[k];
        for (size_t s = 0; s < slots_of(metrics, entry); s++) {
            size_t at = entry->first_slot + s * entry->width;
            for (size_t n = 0; n < entry->width; n++) {
                sum[at + n] = start_of(entry->reduction);
                count[at + n] = 0;
            }
            for (int c = 0; c < columns_of(entry) && entry->kind->value; c++)
                moments_begin((struct moments *)(void *)&sum[at] + c);
        }
    }
}
