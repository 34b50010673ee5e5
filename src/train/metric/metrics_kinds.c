/* The metrics: what each makes of predictions and labels. */
#include "train/metric/metrics_entry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct metric_kind *const metric_kinds[] = {
    &metric_mse,        &metric_mae,     &metric_rmse,    &metric_max,        &metric_huber,
    &metric_stratified, &torch_mse,      &torch_mae,      &torch_mape,        &torch_smape,
    &torch_wmape,       &torch_log,      &torch_log_cosh, &torch_cosine,      &torch_r2,
    &torch_explained,   &torch_relative, &torch_pearson,  &torch_concordance, &torch_normalized,
};
const size_t metric_kind_count = sizeof metric_kinds / sizeof *metric_kinds;

/* What torchmetrics takes for every metric: distribution over processes and caching. */
struct common_options {
    int ignored;
};

static const struct option common_rows[] = {COMMON_METRIC_OPTIONS};

static enum reduction mean(const void *options) {
    (void)options;
    return REDUCE_MEAN;
}

static enum reduction root_mean(const void *options) {
    (void)options;
    return REDUCE_ROOT_MEAN;
}

static enum reduction largest(const void *options) {
    (void)options;
    return REDUCE_MAX;
}

/* ---------------------------------------------------------------- squares and absolute values */

void metric_square_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options, (void)label;
    for (int c = 0; c < cols; c++)
        loss[c] = difference[c] * difference[c];
}

struct node *metric_square_emit(const void *options, struct graph *graph, struct node *difference, struct node *label) {
    (void)options, (void)label;
    return graph_mul(graph, difference, difference);
}

void metric_absolute_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options, (void)label;
    for (int c = 0; c < cols; c++)
        loss[c] = fabs(difference[c]);
}

struct node *metric_absolute_emit(const void *options, struct graph *graph, struct node *difference,
                                  struct node *label) {
    (void)options, (void)label;
    return graph_unary(graph, UNARY_ABS, difference, 0);
}

#define COMMON                                                                                                         \
    .options = common_rows, .noptions = sizeof common_rows / sizeof *common_rows,                                      \
    .options_size = sizeof(struct common_options)

const struct metric_kind metric_mse = {
    .target = {"nequip.train.MeanSquaredError", "mse"},
    .label = "mse",
    .help = "mean of the squared differences",
    COMMON,
    .reduction = mean,
    .row = metric_square_row,
    .emit = metric_square_emit,
};

const struct metric_kind metric_rmse = {
    .target = {"nequip.train.RootMeanSquaredError", "rmse"},
    .label = "rmse",
    .help = "root of the mean of the squared differences",
    COMMON,
    .reduction = root_mean,
    .row = metric_square_row,
    .emit = metric_square_emit,
};

const struct metric_kind metric_mae = {
    .target = {"nequip.train.MeanAbsoluteError", "mae"},
    .label = "mae",
    .help = "mean of the absolute differences",
    COMMON,
    .reduction = mean,
    .row = metric_absolute_row,
    .emit = metric_absolute_emit,
};

const struct metric_kind metric_max = {
    .target = {"nequip.train.MaximumAbsoluteError", "max_ae"},
    .label = "max_ae",
    .help = "the largest absolute difference",
    COMMON,
    .reduction = largest,
    .row = metric_absolute_row,
    .emit = metric_absolute_emit,
};

/* ---------------------------------------------------------------- Huber (Ann. Math. Statist. 35, 73) */

struct huber_options {
    int ignored;
    double delta;
    const char *reduction;
};

static double huber(double x, double delta) {
    double size = fabs(x);
    return size < delta ? 0.5 * (x * x) : delta * (size - 0.5 * delta);
}

static enum reduction huber_reduction(const void *options) {
    return strcmp(((const struct huber_options *)options)->reduction, "sum") == 0 ? REDUCE_SUM : REDUCE_MEAN;
}

static void huber_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    double delta = ((const struct huber_options *)options)->delta;
    (void)label;
    for (int c = 0; c < cols; c++)
        loss[c] = huber(difference[c], delta);
}

static struct node *huber_emit(const void *options, struct graph *graph, struct node *difference, struct node *label) {
    double delta = ((const struct huber_options *)options)->delta;
    (void)label;
    if (isinf(delta))
        return graph_scale(graph, graph_mul(graph, difference, difference), 0.5);
    return graph_scale(graph, graph_unary(graph, UNARY_HUBER, graph_scale(graph, difference, 1 / delta), 0),
                       delta * delta);
}

static const struct option huber_rows[] = {
    {"delta", OPTION_FLOAT, OPTION_POSITIVE, "1.0", offsetof(struct huber_options, delta), NULL,
     "where the square goes over into a line, in the field's units"},
    {"reduction", OPTION_STRING, 0, "mean", offsetof(struct huber_options, reduction), "mean|sum",
     "mean or sum over the numbers"},
    COMMON_METRIC_OPTIONS,
};

const struct metric_kind metric_huber = {
    .target = {"nequip.train.HuberLoss", "huber"},
    .label = "huber",
    .help = "square for small differences, line for large ones",
    .options = huber_rows,
    .noptions = sizeof huber_rows / sizeof *huber_rows,
    .options_size = sizeof(struct huber_options),
    .reduction = huber_reduction,
    .row = huber_row,
    .emit = huber_emit,
};

/* ---------------------------------------------------------------- Huber by strata of the label's length
 * (the conditional Huber loss of MACE, arXiv 2401.00096) */

struct stratified_options {
    int ignored;
    const struct config_node *delta_dict; /* not to be used after check */
    const char *reduction;
    int count;
    double *bound, *delta; /* [count]; a row belongs to the last stratum whose bound its label reaches */
};

static enum reduction stratified_reduction(const void *options) {
    return strcmp(((const struct stratified_options *)options)->reduction, "sum") == 0 ? REDUCE_SUM : REDUCE_MEAN;
}

static int stratified_check(void *options, const struct config_node *config, struct arena *arena, struct error *error) {
    struct stratified_options *stratified = options;
    const struct config_node *map = stratified->delta_dict;
    size_t count = config_count(map);
    if (config_kind(map) != CONFIG_MAP || count == 0)
        return config_error(map ? map : config, error, ERROR_TYPE,
                            "delta_dict must be a map from lower bounds to deltas");
    stratified->bound = arena_alloc(arena, (count + 1) * sizeof(double));
    stratified->delta = arena_alloc(arena, (count + 1) * sizeof(double));
    if (!stratified->bound || !stratified->delta)
        return error_set(error, ERROR_MEMORY, "out of memory while reading a metric");
    for (size_t k = 0; k < count; k++) {
        const struct config_node *place = config_key_node(map, k), *value = config_at(map, k);
        char *end;
        double bound = strtod(config_key(map, k), &end);
        if (*end || end == config_key(map, k) || isnan(bound))
            return config_error(place ? place : map, error, ERROR_TYPE,
                                "a lower bound must be a number, here is \"%s\"", config_key(map, k));
        if (!config_is_number(value) || !(config_float(value) > 0))
            return config_error(value, error, ERROR_TYPE, "a delta must be a number above 0, here is %s",
                                config_kind_name(value));
        /* below the first bound: squares alone */
        if (k == 0 && bound > 0) {
            stratified->bound[stratified->count] = 0;
            stratified->delta[stratified->count++] = INFINITY;
        }
        if (k > 0 && bound <= stratified->bound[stratified->count - 1])
            return config_error(place ? place : map, error, ERROR_VALUE, "lower bounds must ascend: %g stands after %g",
                                bound, stratified->bound[stratified->count - 1]);
        stratified->bound[stratified->count] = bound;
        stratified->delta[stratified->count++] = config_float(value);
    }
    stratified->delta_dict = NULL;
    if (stratified->count < 2)
        return config_error(map, error, ERROR_VALUE, "delta_dict needs two strata: with one delta, use HuberLoss");
    return 0;
}

static void stratified_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    const struct stratified_options *stratified = options;
    double square = 0;
    for (int c = 0; c < cols; c++)
        square += label[c] * label[c];
    double length = sqrt(square);
    int k = stratified->count - 1;
    while (k >= 0 && !(length >= stratified->bound[k]))
        k--;
    for (int c = 0; c < cols; c++)
        loss[c] = k < 0 ? 0 : huber(difference[c], stratified->delta[k]);
}

/* 1 where length >= bound, else 0. */
static struct node *reaches(struct graph *graph, struct node *length, double bound) {
    struct node *below = graph_unary(graph, UNARY_STEP, graph_neg(graph, length), -bound);
    return graph_offset(graph, graph_neg(graph, below), 1);
}

/* delta^2 H(x / delta) with a delta for each row, and x^2/2 in the rows where delta is infinite. */
static struct node *stratified_emit(const void *options, struct graph *graph, struct node *difference,
                                    struct node *label) {
    const struct stratified_options *stratified = options;
    struct node *square = graph_sum(graph, graph_mul(graph, label, label), AXIS_BLOCKS | AXIS_MID | AXIS_MUL);
    struct node *length = graph_unary(graph, UNARY_POWER, square, 0.5);
    struct node *one = graph_fill(graph, F64, length, 1);
    struct node *free = graph_fill(graph, F64, length, 0), *inverse = free, *scale = free;
    struct node *reached = one;
    for (int k = 0; k < stratified->count; k++) {
        struct node *next = k + 1 < stratified->count ? reaches(graph, length, stratified->bound[k + 1])
                                                      : graph_fill(graph, F64, length, 0);
        struct node *here = graph_sub(graph, reached, next);
        double delta = stratified->delta[k];
        if (isinf(delta)) {
            free = graph_add(graph, free, here);
        } else {
            inverse = graph_add(graph, inverse, graph_scale(graph, here, 1 / delta));
            scale = graph_add(graph, scale, graph_scale(graph, here, delta * delta));
        }
        reached = next;
    }
    struct node *bent = graph_unary(graph, UNARY_HUBER, graph_mul(graph, difference, inverse), 0);
    struct node *squares = graph_mul(graph, difference, difference);
    return graph_add(graph, graph_mul(graph, bent, scale), graph_mul(graph, squares, graph_scale(graph, free, 0.5)));
}

static const struct option stratified_rows[] = {
    {"delta_dict", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct stratified_options, delta_dict), NULL,
     "lower bounds of the label's length, and the delta from there on"},
    {"reduction", OPTION_STRING, 0, "mean", offsetof(struct stratified_options, reduction), "mean|sum",
     "mean or sum over the numbers"},
    COMMON_METRIC_OPTIONS,
};

const struct metric_kind metric_stratified = {
    .target = {"nequip.train.StratifiedHuberForceLoss", "stratified_huber"},
    .label = "stratified huber",
    .help = "Huber with a delta that depends on how large the labelled force is",
    .options = stratified_rows,
    .noptions = sizeof stratified_rows / sizeof *stratified_rows,
    .options_size = sizeof(struct stratified_options),
    .rowwise = 1,
    .check = stratified_check,
    .reduction = stratified_reduction,
    .row = stratified_row,
    .emit = stratified_emit,
};
