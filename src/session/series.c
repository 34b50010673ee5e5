#include "session/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of each four points of the older half the lowest and the highest stay, in their order: no spike is lost, however long
 * the run.  NaN, which is drawn as such, counts as lowest. */
static void thin_out(struct series *series) {
    size_t half = series->count / 8 * 4, kept = 0;
    for (size_t k = 0; k < half; k += 4) {
        size_t low = k, high = k;
        for (size_t j = k + 1; j < k + 4; j++) {
            double value = series->values[j];
            if (isnan(value) || value < series->values[low])
                low = j;
            if (value > series->values[high] || isnan(series->values[high]))
                high = j;
        }
        size_t first = low < high ? low : high, second = low < high ? high : low;
        second = first == second ? k + 3 : second; /* all alike */
        for (int last = 0; last < 2; last++) {
            series->steps[kept] = series->steps[last ? second : first];
            series->values[kept++] = series->values[last ? second : first];
        }
    }
    memmove(series->steps + kept, series->steps + half, (series->count - half) * sizeof *series->steps);
    memmove(series->values + kept, series->values + half, (series->count - half) * sizeof *series->values);
    series->count -= half - kept;
}

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
    if (series->count == SERIES_MOST)
        thin_out(series);
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
