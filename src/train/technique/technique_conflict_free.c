/* ConFIG: conflict-free inverse gradients (arXiv 2408.11104, equations 2 and 3), as NequIP's ConFIGLightningModule
 * combines the terms of a loss.
 *
 * With u_k the unit vectors of the terms' gradients g_k, x is the minimum-norm least-squares solution of u_k . x = b_k,
 * b the coefficients, and the result is (sum_k g_k . v) v with v = x / |x|.  x lies in the span of the u_k: x = sum_k
 * y_k u_k with G y = b, G the matrix of cosines.  So the solve is as small as the number of terms, in float64 whatever
 * the model's dtype, and the result is one weighted sum of the gradients.  What becomes of gradients that say the same,
 * or exactly the opposite, or nothing at all stands in conflict_free_weights.h.
 */
#include <math.h>
#include <string.h>

#include "base/print.h"
#include "train/core/vector.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/programs.h"
#include "train/run/run.h"
#include "train/run/settings.h"
#include "train/scheduler/scheduler.h"
#include "train/technique/conflict_free_weights.h"
#include "train/technique/technique.h"

struct conflict_free_options {
    double norm_eps;
    const struct config_node *clip_value;
    const char *clip_algorithm;
    int lsqr;
};

struct conflict_free {
    struct variable *clip; /* [1] */
    int by_value;
    int terms;
    struct variable *last; /* of the last step: norm, weight, with_result [terms], then cosine [terms][terms] */
};

/* Where things stand in `last`; NaN for a term that had no part in the step. */
enum { NORM, WEIGHT, WITH_RESULT, COSINE };

static double *last(const struct conflict_free *own, int what, int term, int other) {
    return (double *)own->last->data + what * own->terms + (what == COSINE ? term * own->terms + other : term);
}

static const struct option options[] = {
    {"gradient_clip_val", OPTION_NODE, 0, NULL, offsetof(struct conflict_free_options, clip_value), NULL,
     "largest norm or component of the combined gradient"},
    {"gradient_clip_algorithm", OPTION_STRING, OPTION_NULLABLE, "norm",
     offsetof(struct conflict_free_options, clip_algorithm), "norm|value", "what gradient_clip_val limits"},
    {"lsqr", OPTION_BOOL, 0, "true", offsetof(struct conflict_free_options, lsqr), NULL,
     "accepted; the one solve here serves both"},
    {"norm_eps", OPTION_FLOAT, OPTION_POSITIVE, "1e-08", offsetof(struct conflict_free_options, norm_eps), NULL,
     "least norm that a gradient is divided by"},
};

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    const struct conflict_free_options *how = given;
    if (how->clip_value && (!config_is_number(how->clip_value) || config_float(how->clip_value) < 0))
        return config_error(how->clip_value, error, ERROR_TYPE, "a number of 0 or more is expected, or null");
    if (settings->gradient_clip_val > 0)
        return config_error(
            module, error, ERROR_VALUE,
            "the layers 'base' and 'config' would both clip the gradient: give gradient_clip_val to the "
            "training module, not to the trainer");
    if (trainer_settings_accumulate(settings))
        return config_error(module, error, ERROR_VALUE,
                            "the layer 'config' runs backward itself, once a batch: accumulate_grad_batches must be 1, "
                            "without a GradientAccumulationScheduler");
    const struct config_node *schedule = config_get(module, "lr_scheduler");
    if (config_kind(schedule) != CONFIG_MAP)
        return 0;
    if (!scheduler_config_is_plateau(config_get(schedule, "scheduler")))
        return config_error(config_get(schedule, "scheduler"), error, ERROR_VALUE,
                            "the layer 'config' works with ReduceLROnPlateau only");
    const char *monitor = config_text(config_get(schedule, "monitor"));
    if (strncmp(monitor, "val", 3))
        return config_error(config_get(schedule, "monitor"), error, ERROR_VALUE,
                            "with the layer 'config' a scheduler can watch validation metrics only, not '%.100s'",
                            monitor);
    if (config_get(schedule, "interval") && strcmp(config_text(config_get(schedule, "interval")), "epoch"))
        return config_error(config_get(schedule, "interval"), error, ERROR_VALUE,
                            "with the layer 'config' a scheduler steps once an epoch");
    return 0;
}

static int open_layer(struct layer *layer, struct trainer *trainer, struct error *error) {
    const struct conflict_free_options *how = layer->options;
    struct conflict_free *own = layer->own;
    own->by_value = how->clip_algorithm && !strcmp(how->clip_algorithm, "value");
    own->terms = run_loss(trainer) ? (int)metrics_nterms(run_loss(trainer)) : 0;
    size_t count = (size_t)own->terms * (size_t)(COSINE + own->terms);
    own->clip = state_add(trainer_state(trainer), "config.gradient_clip_val", STATE_F64, 1, 0, error);
    own->last = state_add(trainer_state(trainer), "config.last", STATE_F64, count, 0, error);
    if (!own->clip || !own->last)
        return ERROR_MEMORY;
    own->clip->range = &gradient_limits;
    *(double *)own->clip->data = how->clip_value ? config_float(how->clip_value) : 0;
    for (size_t k = 0; k < count; k++)
        ((double *)own->last->data)[k] = NAN;
    return 0;
}

/* ---------------------------------------------------------------- the combination */

/* What is shown of a step; n terms, products of their gradients. */
static void remember(const struct conflict_free *own, const int *active, int n, const double *products,
                     const double *weights) {
    double result = 0;
    for (size_t k = 0; k < own->last->count; k++)
        ((double *)own->last->data)[k] = NAN;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            result += weights[i] * weights[j] * products[i * n + j];
    for (int i = 0; i < n; i++) {
        double with = 0, norm = sqrt(products[i * n + i]);
        for (int j = 0; j < n; j++) {
            double scale = norm * sqrt(products[j * n + j]);
            *last(own, COSINE, active[i], active[j]) = scale > 0 ? products[i * n + j] / scale : 0;
            with += weights[j] * products[i * n + j];
        }
        double scale = norm * sqrt(fmax(result, 0));
        *last(own, NORM, active[i], 0) = norm;
        *last(own, WEIGHT, active[i], 0) = weights[i];
        *last(own, WITH_RESULT, active[i], 0) = scale > 0 ? with / scale : 0;
    }
}

static int combine(struct layer *layer, struct trainer *trainer, struct error *error) {
    const int *active;
    int n = run_terms(trainer, &active);
    double products[MAX_TERMS * MAX_TERMS] = {0}, coefficients[MAX_TERMS] = {0}, weights[MAX_TERMS];
    struct vectors gradients = {.count = n};
    for (int d = 0; d < DTYPE_COUNT; d++)
        gradients.counts[d] = model_trainable_size(trainer_model(trainer), (enum dtype)d);
    for (int i = 0; i < n; i++) {
        coefficients[i] = metrics_coefficient(run_loss(trainer), (size_t)active[i]);
        for (int d = 0; d < DTYPE_COUNT; d++)
            gradients.part[i][d] = run_weights(trainer)->term_grads[active[i]][d];
    }
    if (vectors_products(trainer_team(trainer), &gradients, products))
        return error_memory(error);
    if (n == 1)
        weights[0] = coefficients[0]; /* one term: the plain weighted gradient */
    else if (conflict_free_weights(n, products, coefficients,
                                   ((struct conflict_free_options *)layer->options)->norm_eps, weights))
        return error_set(error, ERROR_NUMERIC, "ConFIG: the gradients of the loss terms are not finite");
    remember(layer->own, active, n, products, weights);
    vectors_sum(trainer_team(trainer), &gradients, weights, run_weights(trainer)->grads);
    return 0;
}

static double get_clip(const struct layer *layer) {
    return *(double *)((const struct conflict_free *)layer->own)->clip->data;
}

static int set_clip(struct layer *layer, double value, struct error *error) {
    return clip_value_set(((struct conflict_free *)layer->own)->clip, value, error);
}

static void clip(struct layer *layer, struct trainer *trainer) {
    if (get_clip(layer) > 0)
        update_clip(trainer, get_clip(layer), ((const struct conflict_free *)layer->own)->by_value);
}

static double get_norm(const struct layer *layer, int term, int other) {
    return *last(layer->own, NORM, term, other);
}

static double get_weight(const struct layer *layer, int term, int other) {
    return *last(layer->own, WEIGHT, term, other);
}

static double get_with_result(const struct layer *layer, int term, int other) {
    return *last(layer->own, WITH_RESULT, term, other);
}

static double get_cosine(const struct layer *layer, int term, int other) {
    return *last(layer->own, COSINE, term, other);
}

static const struct layer_setting settings[] = {
    {.name = "gradient_clip_val", .get = get_clip, .set = set_clip, .claim = CLAIM_CLIP},
    {.name = "config_norm", .each = 1, .get_at = get_norm},
    {.name = "config_weight", .each = 1, .get_at = get_weight},
    {.name = "config_cosine_result", .each = 1, .get_at = get_with_result},
    {.name = "config_cosine", .each = 2, .get_at = get_cosine},
};

/* A number, or a word where there is none. */
static void add_cell(struct text *out, int width, int digits, double value, const char *none) {
    char cell[32];
    if (digits < 0)
        print_to(cell, sizeof cell, "%.4g", value);
    else
        print_to(cell, sizeof cell, "%.*f", digits, value);
    text_format(out, " %*s", width, isnan(value) ? none : cell);
}

static void describe(const struct layer *layer, struct text *out) {
    const struct metrics *loss = run_loss(layer->trainer);
    const struct conflict_free *own = layer->own;
    int n = own->terms, known = 0, longest = 4;
    for (int i = 0; i < n; i++) {
        int length = (int)strlen(metrics_term_name(loss, (size_t)i));
        longest = length > longest ? length : longest;
        known |= !isnan(get_norm(layer, i, 0));
    }
    if (!known)
        text_add(out, "no step has been made yet\n");
    /* narrow enough for a pane */
    text_format(out, "%-*s %6s %9s %8s %7s\n", longest, "term", "coeff", "norm", "weight", "cos");
    for (int i = 0; i < n; i++) {
        text_format(out, "%-*s", longest, metrics_term_name(loss, (size_t)i));
        add_cell(out, 6, -1, metrics_coefficient(loss, (size_t)i), "null");
        add_cell(out, 9, -1, get_norm(layer, i, 0), "-");
        add_cell(out, 8, -1, get_weight(layer, i, 0), "-");
        add_cell(out, 7, 4, get_with_result(layer, i, 0), "-");
        text_add(out, "\n");
    }
    text_add(out, "a step is the sum of weight x gradient; norm: of a gradient, cos: of it with the step\n"
                  "cosines between gradients (below 0: in conflict):\n");
    for (int i = 0; i < n; i++) {
        text_format(out, "%-*s", longest, metrics_term_name(loss, (size_t)i));
        for (int j = 0; j < n; j++)
            add_cell(out, 8, 4, get_cosine(layer, i, j), "-");
        text_add(out, "\n");
    }
    if (get_clip(layer) > 0)
        text_format(out, "the combined gradient is clipped to a %s of %g\n",
                    own->by_value ? "largest component" : "norm", get_clip(layer));
}

const struct technique technique_conflict_free = {
    .name = "config",
    .claims = CLAIM_BACKWARD | CLAIM_CLIP,
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct conflict_free_options),
    .private_size = sizeof(struct conflict_free),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .separate_gradients = 1,
    .schedules_by_hand = 1,
    .describe = describe,
    .check = check,
    .open = open_layer,
    .combine = combine,
    .clip = clip,
};
