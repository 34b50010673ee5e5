/* Inside src/data: what the two halves of the statistics share. */
#ifndef FETTLE_DATA_SET_STATS_PARTS_H
#define FETTLE_DATA_SET_STATS_PARTS_H

#include "config/options.h"
#include "data/set/stats.h"

enum stats_source { SOURCE_FIELD, SOURCE_PER_ATOM, SOURCE_NUM_NEIGHBORS, SOURCE_PADDED_NEIGHBORS, SOURCE_EDGE_LENGTHS };
enum stats_metric { METRIC_MEAN, METRIC_MEAN_ABS, METRIC_RMS, METRIC_STD, METRIC_MAX, METRIC_MIN, METRIC_COUNT };

/* A sum over everything seen: Welford's, so that the spread of large numbers survives. */
struct stats_accumulator {
    int64_t count;
    long double mean, m2;
    double max, min;
};

/* Of the batch so far: the counts that are not 0, one after the other, and the slots of all atoms. */
struct stats_padding {
    int *counts, *slots;
    size_t found, atoms, capacity;
};

struct stats_item {
    const char *name;
    enum stats_source source;
    const char *field;
    double factor;
    enum stats_metric metric;
    int absolute, squared, unbiased; /* of Max and Min; of StandardDeviation */
    int per_type, ignore_nan;
    struct stats_accumulator *accumulators; /* one, or one a type (a pair of types for edges) */
    double *values;
    const char **labels; /* of the values of a per_type item */
    struct stats_padding padding;
    int nvalues;
};

struct stats {
    struct arena *arena;
    const struct config_node *loader; /* dataloader_kwargs */
    int ntypes;
    const char *const *type_names;
    size_t count;
    struct stats_item *items;
};

/* The items a config asks for. */
int stats_read(struct stats *stats, const struct config_node *config, struct error *error);

#endif
