/* The metrics of torchmetrics that give one number for a field.  Those of single numbers may be a loss; those made of
 * moments (a correlation, a share of the variance) are monitored only. */
#include <math.h>
#include <string.h>

#include "train/metric/metrics_entry.h"

static const double smallest = 1.17e-06; /* what torchmetrics divides by at least */

/* torchmetrics has an output for each column if it is told so: NequIP can take one number only. */
#define OUTPUTS                                                                                                        \
    { "num_outputs", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct torch_options, outputs), NULL, "1" }

struct torch_options {
    int64_t outputs, adjusted;
    int squared;
    const char *choice; /* multioutput, normalization or reduction */
};

static int check_outputs(void *options, const struct config_node *config, struct arena *arena, struct error *error) {
    (void)arena;
    if (((const struct torch_options *)options)->outputs == 1)
        return 0;
    return config_error(config_get(config, "num_outputs"), error, ERROR_VALUE,
                        "num_outputs must be 1: the outcome of a metric is one number");
}

static enum reduction mean(const void *options) {
    (void)options;
    return REDUCE_MEAN;
}

#define TORCH(name) .target = {"torchmetrics." name, "torchmetrics.regression." name}, .label = name "()"
#define ROWS(rows) .options = rows, .noptions = sizeof rows / sizeof *rows, .options_size = sizeof(struct torch_options)

/* ---------------------------------------------------------------- of single numbers */

static const struct option plain_rows[] = {COMMON_METRIC_OPTIONS};
static const struct option outputs_rows[] = {OUTPUTS, COMMON_METRIC_OPTIONS};
static const struct option squared_rows[] = {
    {"squared", OPTION_BOOL, 0, "true", offsetof(struct torch_options, squared), NULL, "false: the root"},
    OUTPUTS,
    COMMON_METRIC_OPTIONS,
};

static enum reduction squared_or_root(const void *options) {
    return ((const struct torch_options *)options)->squared ? REDUCE_MEAN : REDUCE_ROOT_MEAN;
}

const struct metric_kind torch_mse = {
    TORCH("MeanSquaredError"),  ROWS(squared_rows),           .help = "mean of the squared differences, or its root",
    .check = check_outputs,     .reduction = squared_or_root, .row = metric_square_row,
    .emit = metric_square_emit,
};

const struct metric_kind torch_mae = {
    TORCH("MeanAbsoluteError"),   ROWS(outputs_rows), .help = "mean of the absolute differences",
    .check = check_outputs,       .reduction = mean,  .row = metric_absolute_row,
    .emit = metric_absolute_emit,
};

static void percentage_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options;
    for (int c = 0; c < cols; c++)
        loss[c] = fabs(difference[c]) / fmax(fabs(label[c]), smallest);
}

/* |difference| / max(size, smallest) */
static struct node *over(struct graph *graph, struct node *difference, struct node *size) {
    struct node *above = graph_unary(graph, UNARY_RELU, graph_offset(graph, size, -smallest), 0);
    struct node *inverse = graph_unary(graph, UNARY_POWER, graph_offset(graph, above, smallest), -1);
    return graph_mul(graph, graph_unary(graph, UNARY_ABS, difference, 0), inverse);
}

static struct node *percentage_emit(const void *options, struct graph *graph, struct node *difference,
                                    struct node *label) {
    (void)options;
    return over(graph, difference, graph_unary(graph, UNARY_ABS, label, 0));
}

const struct metric_kind torch_mape = {
    TORCH("MeanAbsolutePercentageError"),
    ROWS(plain_rows),
    .help = "mean of the differences over the label's size",
    .reduction = mean,
    .row = percentage_row,
    .emit = percentage_emit,
};

static void symmetric_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options;
    for (int c = 0; c < cols; c++)
        loss[c] = 2 * fabs(difference[c]) / fmax(fabs(label[c]) + fabs(label[c] + difference[c]), smallest);
}

static struct node *symmetric_emit(const void *options, struct graph *graph, struct node *difference,
                                   struct node *label) {
    (void)options;
    struct node *prediction = graph_add(graph, label, difference);
    struct node *size =
        graph_add(graph, graph_unary(graph, UNARY_ABS, label, 0), graph_unary(graph, UNARY_ABS, prediction, 0));
    return graph_scale(graph, over(graph, difference, size), 2);
}

const struct metric_kind torch_smape = {
    TORCH("SymmetricMeanAbsolutePercentageError"),
    ROWS(plain_rows),
    .help = "mean of the differences over the mean size of label and prediction",
    .reduction = mean,
    .row = symmetric_row,
    .emit = symmetric_emit,
};

static void log_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options;
    for (int c = 0; c < cols; c++) {
        double ratio = log1p(label[c] + difference[c]) - log1p(label[c]);
        loss[c] = ratio * ratio;
    }
}

static struct node *log_emit(const void *options, struct graph *graph, struct node *difference, struct node *label) {
    (void)options;
    struct node *one_more = graph_offset(graph, label, 1);
    struct node *ratio = graph_sub(graph, graph_unary(graph, UNARY_LOG, graph_add(graph, one_more, difference), 0),
                                   graph_unary(graph, UNARY_LOG, one_more, 0));
    return graph_mul(graph, ratio, ratio);
}

const struct metric_kind torch_log = {
    TORCH("MeanSquaredLogError"),
    ROWS(plain_rows),
    .help = "mean of the squared differences of log(1 + x), for numbers above -1",
    .reduction = mean,
    .row = log_row,
    .emit = log_emit,
};

static void log_cosh_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    (void)options, (void)label;
    for (int c = 0; c < cols; c++)
        loss[c] = fabs(difference[c]) + log1p(exp(-2 * fabs(difference[c]))) - M_LN2;
}

static struct node *log_cosh_emit(const void *options, struct graph *graph, struct node *difference,
                                  struct node *label) {
    (void)options, (void)label;
    /* softplus, shifted by log 2 */
    return graph_sub(graph, graph_unary(graph, UNARY_SSP, graph_scale(graph, difference, 2), 0), difference);
}

const struct metric_kind torch_log_cosh = {
    TORCH("LogCoshError"), ROWS(outputs_rows),     .help = "mean of log cosh of the differences",
    .most_columns = 1,     .check = check_outputs, .reduction = mean,
    .row = log_cosh_row,   .emit = log_cosh_emit,
};

/* ---------------------------------------------------------------- of a vector and its label */

static const struct option cosine_rows[] = {
    {"reduction", OPTION_STRING, 0, "sum", offsetof(struct torch_options, choice), "sum|mean", "over the vectors"},
    COMMON_METRIC_OPTIONS,
};

static enum reduction cosine_reduction(const void *options) {
    return strcmp(((const struct torch_options *)options)->choice, "sum") == 0 ? REDUCE_SUM : REDUCE_MEAN;
}

/* A sum counts it once, a mean for each component alike.  (torchmetrics takes it in single precision.) */
static void cosine_row(const void *options, int cols, const double *difference, const double *label, double *loss) {
    double product = 0, p2 = 0, t2 = 0;
    for (int c = 0; c < cols; c++) {
        double t = label[c], p = label[c] + difference[c];
        product += p * t;
        p2 += p * p;
        t2 += t * t;
    }
    for (int c = 0; c < cols; c++)
        loss[c] = c > 0 && cosine_reduction(options) == REDUCE_SUM ? 0 : product / (sqrt(p2) * sqrt(t2));
}

const struct metric_kind torch_cosine = {
    TORCH("CosineSimilarity"),
    ROWS(cosine_rows),
    .help = "cosine of the angle between prediction and label",
    .rowwise = 1,
    .reduction = cosine_reduction,
    .row = cosine_row,
};

/* ---------------------------------------------------------------- of moments */

static const struct option average_rows[] = {
    {"multioutput", OPTION_STRING, 0, "uniform_average", offsetof(struct torch_options, choice),
     "uniform_average|variance_weighted", "how columns become one number"},
    {"adjusted", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct torch_options, adjusted), NULL,
     "number of regressors that the score is adjusted for"},
    COMMON_METRIC_OPTIONS,
};

/* The columns' scores, averaged; spread: what each column's is weighted by. */
static double averaged(const struct torch_options *options, int cols, const double *scores, const double *spread) {
    int weighted = strcmp(options->choice, "variance_weighted") == 0;
    double sum = 0, weights = 0;
    for (int c = 0; c < cols; c++) {
        sum += weighted ? spread[c] * scores[c] : scores[c];
        weights += weighted ? spread[c] : 1;
    }
    return sum / weights;
}

static double r2_value(const void *given, int cols, const struct moments *m, int64_t rows) {
    const struct torch_options *options = given;
    enum { MOST = 9 };
    static const double negligible = 1e-4; /* labels that are as good as constant, and errors that are none */
    double scores[MOST], spread[MOST];
    if (rows < 2)
        return NAN;
    for (int c = 0; c < cols; c++) {
        spread[c] = m[c].label_spread;
        scores[c] = m[c].squares <= negligible ? 1 : spread[c] <= negligible ? 0 : 1 - m[c].squares / spread[c];
    }
    double score = averaged(options, cols, scores, spread);
    double n = (double)rows, regressors = (double)options->adjusted;
    return regressors > 0 && regressors < n - 1 ? 1 - (1 - score) * (n - 1) / (n - regressors - 1) : score;
}

const struct metric_kind torch_r2 = {
    TORCH("R2Score"),
    ROWS(average_rows),
    .help = "1 - squared differences over the labels' variance; NaN for fewer than two labels",
    .most_columns = 3,
    .value = r2_value,
};

static const struct option explained_rows[] = {
    {"multioutput", OPTION_STRING, 0, "uniform_average", offsetof(struct torch_options, choice),
     "uniform_average|variance_weighted", "how columns become one number"},
    COMMON_METRIC_OPTIONS,
};

static double explained_value(const void *given, int cols, const struct moments *m, int64_t rows) {
    enum { MOST = 9 };
    double scores[MOST], spread[MOST], n = (double)rows;
    for (int c = 0; c < cols; c++) {
        double offset = m[c].label_mean - m[c].mean, error = m[c].squares / n - offset * offset;
        spread[c] = m[c].label_spread / n;
        scores[c] = error == 0 ? 1 : spread[c] == 0 ? 0 : 1 - error / spread[c];
    }
    return rows ? averaged(given, cols, scores, spread) : NAN;
}

const struct metric_kind torch_explained = {
    TORCH("ExplainedVariance"),
    ROWS(explained_rows),
    .help = "1 - variance of the differences over that of the labels",
    .value = explained_value,
};

static double relative_value(const void *given, int cols, const struct moments *m, int64_t rows) {
    (void)cols;
    double ratio = m->squares / fmax(m->label_spread, 0x1p-52);
    return !rows ? NAN : ((const struct torch_options *)given)->squared ? ratio : sqrt(ratio);
}

const struct metric_kind torch_relative = {
    TORCH("RelativeSquaredError"),
    ROWS(squared_rows),
    .help = "squared differences over the labels' variance, or the root",
    .most_columns = 1,
    .check = check_outputs,
    .value = relative_value,
};

static double correlation(const struct moments *m, int64_t rows) {
    if (rows < 2 || !(m->spread > 0 && m->label_spread > 0))
        return NAN;
    return fmax(-1, fmin(1, m->together / sqrt(m->spread * m->label_spread)));
}

static double pearson_value(const void *options, int cols, const struct moments *m, int64_t rows) {
    (void)options, (void)cols;
    return correlation(m, rows);
}

const struct metric_kind torch_pearson = {
    TORCH("PearsonCorrCoef"),
    ROWS(outputs_rows),
    .help = "correlation of predictions and labels; NaN where either is constant",
    .most_columns = 1,
    .check = check_outputs,
    .value = pearson_value,
};

static double concordance_value(const void *options, int cols, const struct moments *m, int64_t rows) {
    (void)options, (void)cols;
    double free = (double)rows - 1, p = m->spread / free, t = m->label_spread / free, offset = m->mean - m->label_mean;
    return 2 * correlation(m, rows) * sqrt(p) * sqrt(t) / (p + t + offset * offset);
}

const struct metric_kind torch_concordance = {
    TORCH("ConcordanceCorrCoef"),
    ROWS(outputs_rows),
    .help = "correlation that an offset or a factor lowers",
    .most_columns = 1,
    .check = check_outputs,
    .value = concordance_value,
};

static const struct option normalized_rows[] = {
    {"normalization", OPTION_STRING, 0, "mean", offsetof(struct torch_options, choice), "mean|range|std|l2",
     "what of the labels it is divided by"},
    OUTPUTS,
    COMMON_METRIC_OPTIONS,
};

static double normalized_value(const void *given, int cols, const struct moments *m, int64_t rows) {
    (void)cols;
    const char *by = ((const struct torch_options *)given)->choice;
    double n = (double)rows, size = m->label_mean;
    if (strcmp(by, "range") == 0)
        size = m->label_most - m->label_least;
    else if (strcmp(by, "std") == 0)
        size = sqrt(m->label_spread / n);
    else if (strcmp(by, "l2") == 0)
        size = sqrt(m->label_spread + n * m->label_mean * m->label_mean);
    return sqrt(m->squares / n) / size;
}

const struct metric_kind torch_normalized = {
    TORCH("NormalizedRootMeanSquaredError"),
    ROWS(normalized_rows),
    .help = "root of the mean of the squared differences, over the size of the labels",
    .each_number = 1,
    .check = check_outputs,
    .value = normalized_value,
};

static double weighted_value(const void *options, int cols, const struct moments *m, int64_t rows) {
    (void)options, (void)cols, (void)rows;
    return m->absolute / fmax(m->label_absolute, smallest);
}

const struct metric_kind torch_wmape = {
    TORCH("WeightedMeanAbsolutePercentageError"),
    ROWS(plain_rows),
    .help = "sum of the differences over the sum of the labels' sizes",
    .each_number = 1,
    .value = weighted_value,
};

/* ---------------------------------------------------------------- */

void moments_begin(struct moments *m) {
    *m = (struct moments){.label_least = INFINITY, .label_most = -INFINITY};
}

void moments_add(struct moments *m, double prediction, double label, int64_t rows) {
    double n = (double)rows, p = prediction - m->mean, t = label - m->label_mean;
    m->mean += p / n;
    m->label_mean += t / n;
    m->spread += p * (prediction - m->mean);
    m->label_spread += t * (label - m->label_mean);
    m->together += p * (label - m->label_mean);
    m->squares += (prediction - label) * (prediction - label);
    m->absolute += fabs(prediction - label);
    m->label_absolute += fabs(label);
    m->label_least = fmin(m->label_least, label);
    m->label_most = fmax(m->label_most, label);
}
