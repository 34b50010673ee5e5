#include "session/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct series *series) {
    size_t capacity = series->capacity ? 2 * series->capacity : 64;
    int64_t *steps = realloc(series->steps, capacity * sizeof *steps);
    if (steps)
        series->steps = steps;
    double *values = steps ? realloc(series->values, capacity * sizeof *values) : NULL;
    if (!values)
        return -1;
    series->values = values;
    series->capacity = capacity;
    return 0;
}

static struct series *find(const struct series_store *store, const char *name) {
    for (size_t k = 0; k < store->count; k++)
        if (!strcmp(store->list[k]->name, name))
            return store->list[k];
    return NULL;
}

const struct series *series_find(const struct series_store *store, const char *name) {
    return find(store, name);
}

static struct series *insert(struct series_store *store, const char *name) {
    if (store->count == store->capacity) {
        size_t capacity = store->capacity ? 2 * store->capacity : 32;
        struct series **list = realloc(store->list, capacity * sizeof *list);
        if (!list)
            return NULL;
        store->list = list;
        store->capacity = capacity;
    }
    struct series *series = calloc(1, sizeof *series);
    if (series && !(series->name = strdup(name))) {
        free(series);
        series = NULL;
    }
    if (series)
        store->list[store->count++] = series;
    return series;
}

int series_add(struct series_store *store, const char *name, int64_t step, double value) {
    struct series *series = find(store, name);
    if (!series && !(series = insert(store, name)))
        return -1;
    if (series->count == series->capacity && grow(series))
        return -1;
    series->steps[series->count] = step;
    series->values[series->count++] = value;
    return 0;
}

void series_cut(struct series_store *store, int64_t step) {
    for (size_t k = 0; k < store->count; k++)
        while (store->list[k]->count && store->list[k]->steps[store->list[k]->count - 1] > step)
            store->list[k]->count--;
}

void series_free(struct series_store *store) {
    for (size_t k = 0; k < store->count; k++) {
        free(store->list[k]->name);
        free(store->list[k]->steps);
        free(store->list[k]->values);
        free(store->list[k]);
    }
    free(store->list);
    memset(store, 0, sizeof *store);
}

void series_smooth(const struct series *series, double keep, double *out) {
    double sum = 0, weight = 0;
    for (size_t k = 0; k < series->count; k++) {
        double value = series->values[k];
        if (!isnan(value)) {
            sum = keep * sum + (1 - keep) * value;
            weight = keep * weight + (1 - keep);
        }
        out[k] = weight > 0 ? sum / weight : NAN;
    }
}
