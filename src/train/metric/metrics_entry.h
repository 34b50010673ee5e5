/* Inside src/train: an entry of a metrics manager, and the kinds of metric. */
#ifndef FETTLE_TRAIN_METRICS_ENTRY_H
#define FETTLE_TRAIN_METRICS_ENTRY_H

#include "config/options.h"
#include "model/evaluator.h"
#include "train/metric/metrics.h"

/* How the element losses of a batch become one number. */
enum reduction { REDUCE_MEAN, REDUCE_ROOT_MEAN, REDUCE_SUM, REDUCE_MAX };

/* Of a column of predictions and labels: a spread is the sum of the squared deviations from the mean. */
struct moments {
    double mean, label_mean, spread, label_spread, together;
    double squares, absolute; /* sums over prediction - label */
    double label_absolute, label_least, label_most;
};
enum { MOMENTS = sizeof(struct moments) / sizeof(double) };
void moments_begin(struct moments *moments);
void moments_add(struct moments *moments, double prediction, double label, int64_t rows); /* rows: this one included */

struct metric_kind {
    struct option_target target; /* "nequip.train.MeanSquaredError", "mse" */
    const char *label;           /* in automatic names: "mse" */
    const char *help;
    const struct option *options;
    size_t noptions, options_size;
    int rowwise;      /* looks at a whole row of labels (a force), not at each number alone */
    int most_columns; /* numbers in a row at most, 0 for any; with ignore_nan each number is a row */
    /* Ranges, and what is derived from the options; may be NULL. */
    int (*check)(void *options, const struct config_node *config, struct arena *arena, struct error *error);
    enum reduction (*reduction)(const void *options);
    /* loss[c] of each number of a row, from difference = prediction - label and the labels. */
    void (*row)(const void *options, int cols, const double *difference, const double *label, double *loss);
    /* The same in a graph; difference and label are [rows, cols].  NULL where it cannot be a loss. */
    struct node *(*emit)(const void *options, struct graph *graph, struct node *difference, struct node *label);
    /* In place of reduction, row and emit: the value from the moments of each column. */
    double (*value)(const void *options, int cols, const struct moments *moments, int64_t rows);
    int each_number; /* for moments: there is one column, that of all numbers */
};

/* What torchmetrics takes for every metric: distribution over processes and caching. */
#define COMMON_METRIC_OPTIONS                                                                                          \
    {"compute_on_cpu", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "it always is"},                                 \
        {"dist_sync_on_step", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "there is one process"},                  \
        {"sync_on_compute", OPTION_BOOL, OPTION_IGNORED, "true", 0, NULL, "there is one process"},                     \
        {"process_group", OPTION_NODE, OPTION_NULLABLE | OPTION_IGNORED, NULL, 0, NULL, "there is one process"},       \
        {"dist_sync_fn", OPTION_NODE, OPTION_NULLABLE | OPTION_IGNORED, NULL, 0, NULL, "there is one process"},        \
        {"distributed_available_fn", OPTION_NODE, OPTION_NULLABLE | OPTION_IGNORED, NULL, 0, NULL,                     \
         "there is one process"},                                                                                      \
    {                                                                                                                  \
        "compute_with_cache", OPTION_BOOL, OPTION_IGNORED, "true", 0, NULL, "the value is the same"                    \
    }

void metric_square_row(const void *options, int cols, const double *difference, const double *label, double *loss);
struct node *metric_square_emit(const void *options, struct graph *graph, struct node *difference, struct node *label);
void metric_absolute_row(const void *options, int cols, const double *difference, const double *label, double *loss);
struct node *metric_absolute_emit(const void *options, struct graph *graph, struct node *difference,
                                  struct node *label);

extern const struct metric_kind *const metric_kinds[];
extern const size_t metric_kind_count;
extern const struct metric_kind metric_mse, metric_mae, metric_rmse, metric_max, metric_huber, metric_stratified;
/* metrics_torchmetrics.c */
extern const struct metric_kind torch_mse, torch_mae, torch_mape, torch_smape, torch_wmape, torch_log, torch_log_cosh,
    torch_cosine, torch_r2, torch_explained, torch_relative, torch_pearson, torch_concordance, torch_normalized;

/* A quantity that the model predicts. */
struct metric_quantity {
    const char *name;
    const char *abbreviation; /* in automatic names */
    int per_atom, cols;
};
extern const struct metric_quantity quantities[PREDICTIONS];

struct entry {
    const char *name;
    const struct metric_kind *kind;
    const void *options;
    enum reduction reduction;
    enum predicted predicted;
    const char *label; /* the field with the labels */
    int per_atom;      /* PerAtomModifier: divided by the number of atoms, ... */
    double factor;     /* ... and times this */
    int has_factor;
    int ignore_nan, per_type;
    const double *type_coefficients; /* [types]; NULL: all equal */
    double coefficient;              /* as configured; NaN for null */
    size_t first_value;              /* with per_type: of the first type */
    size_t first_slot;               /* accumulators: one, or one a type, each of `width` numbers */
    size_t width;                    /* 1, or those of the moments */
    double *alone;                   /* [width] of one batch; NULL without moments */
    const struct config_node *place; /* while it is being built */
};

struct metrics {
    struct arena *arena;
    struct entry *entries;
    size_t nentries;
    size_t nslots, nvalues; /* without the weighted sum */
    const char **names;     /* [nvalues + 1] */
    int ntypes;
    const char *const *type_names;
    const char **labels; /* fields that must be labelled */
    size_t nlabels;
    struct state *own; /* where there is no run to keep the state */
    struct variable *sum, *count, *coefficients;
};

/* Reads the config into metrics->entries.  type_names NULL: only names, types and ranges are checked. */
int metrics_read(struct metrics *metrics, const struct config_node *config, struct error *error);
/* One entry from a map of the list `metrics` (or `extra_metrics`). */
int metrics_read_entry(struct metrics *metrics, struct entry *entry, const struct config_node *map,
                       struct error *error);
/* Coefficients by type, aligned with type_names; NULL if types are not known yet. */
int metrics_read_types(struct metrics *metrics, struct entry *entry, const struct config_node *map,
                       struct error *error);
int metrics_add(struct metrics *metrics, const struct entry *entry, size_t *capacity, struct error *error);

/* The wrappers (metrics_wrappers.c): which entries they stand for. */
int metrics_is_wrapper(size_t target);
int metrics_read_wrapper(struct metrics *metrics, size_t target, const struct config_node *config, size_t *capacity,
                         struct error *error);
extern const struct option_target metrics_targets[]; /* the manager first, then the wrappers */
extern const size_t metrics_target_count;

#endif
