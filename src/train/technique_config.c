/* ConFIG: conflict-free inverse gradients (arXiv 2408.11104, equations 2 and 3), as NequIP's ConFIGLightningModule
 * combines the terms of a loss.
 *
 * With u_k the unit vectors of the terms' gradients g_k, x is the minimum-norm least-squares solution of u_k . x = b_k,
 * b the coefficients, and the result is (sum_k g_k . v) v with v = x / |x|.  x lies in the span of the u_k: x = sum_k
 * y_k u_k with G y = b, G the matrix of cosines.  So the solve is as small as the number of terms, in float64 whatever
 * the model's dtype, and the result is one weighted sum of the gradients.  What becomes of gradients that say the same,
 * or exactly the opposite, or nothing at all stands in config_sums.h.
 */
#include <math.h>
#include <string.h>

#include "train/config_sums.h"
#include "train/technique.h"
#include "train/trainer_internal.h"

struct config_options {
    double norm_eps;
    const struct config_node *clip_value;
    const char *clip_algorithm;
    int lsqr;
};

struct config {
    double clip;
    int by_value;
    int count; /* terms of the last step */
    double norm[MAX_TERMS], cosine[MAX_TERMS][MAX_TERMS], weight[MAX_TERMS], with_result[MAX_TERMS];
};

static const struct option options[] = {
    {"gradient_clip_val", OPTION_NODE, 0, NULL, offsetof(struct config_options, clip_value), NULL,
     "largest norm or component of the combined gradient"},
    {"gradient_clip_algorithm", OPTION_STRING, OPTION_NULLABLE, "norm", offsetof(struct config_options, clip_algorithm),
     "norm|value", "what gradient_clip_val limits"},
    {"lsqr", OPTION_BOOL, 0, "true", offsetof(struct config_options, lsqr), NULL,
     "accepted; the one solve here serves both"},
    {"norm_eps", OPTION_FLOAT, OPTION_POSITIVE, "1e-08", offsetof(struct config_options, norm_eps), NULL,
     "least norm that a gradient is divided by"},
};

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    const struct config_options *how = given;
    if (how->clip_value && (!config_is_number(how->clip_value) || config_float(how->clip_value) < 0))
        return config_error(how->clip_value, error, ERROR_TYPE, "a number of 0 or more is expected, or null");
    if (settings->gradient_clip_val > 0)
        return config_error(
            module, error, ERROR_VALUE,
            "the layers 'base' and 'config' would both clip the gradient: give gradient_clip_val to the "
            "training module, not to the trainer");
    if (settings->accumulate_grad_batches > 1)
        return config_error(module, error, ERROR_VALUE,
                            "the layer 'config' runs backward itself, once a batch: accumulate_grad_batches must be 1");
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

static int config_open(struct layer *layer, struct trainer *trainer, struct error *error) {
    (void)trainer;
    (void)error;
    const struct config_options *how = layer->options;
    struct config *config = layer->own;
    config->clip = how->clip_value ? config_float(how->clip_value) : 0;
    config->by_value = how->clip_algorithm && !strcmp(how->clip_algorithm, "value");
    return 0;
}

/* ---------------------------------------------------------------- the combination */

static int combine(struct layer *layer, struct trainer *trainer, struct error *error) {
    struct config *config = layer->own;
    const struct train_program *train = &trainer->train;
    int n = train->nactive;
    double products[MAX_TERMS * MAX_TERMS] = {0}, coefficients[MAX_TERMS] = {0};
    struct config_vectors gradients = {.count = n};
    for (int d = 0; d < DTYPE_COUNT; d++)
        gradients.counts[d] = model_trainable_size(trainer->model, (enum dtype)d);
    for (int i = 0; i < n; i++) {
        coefficients[i] = metrics_coefficient(trainer->loss, (size_t)train->active[i]);
        for (int d = 0; d < DTYPE_COUNT; d++)
            gradients.part[i][d] = trainer->term_grads[train->active[i]][d];
    }
    if (config_products(trainer->team, &gradients, products))
        return error_set(error, ERROR_MEMORY, "out of memory");
    config->count = n;
    if (n == 1)
        config->weight[0] = coefficients[0]; /* one term: the plain weighted gradient */
    else if (config_weights(n, products, coefficients, ((struct config_options *)layer->options)->norm_eps,
                            config->weight))
        return error_set(error, ERROR_NUMERIC, "ConFIG: the gradients of the loss terms are not finite");
    double result = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            result += config->weight[i] * config->weight[j] * products[i * n + j];
    for (int i = 0; i < n; i++) {
        double with = 0;
        config->norm[i] = sqrt(products[i * n + i]);
        for (int j = 0; j < n; j++) {
            double scale = sqrt(products[i * n + i] * products[j * n + j]);
            config->cosine[i][j] = scale > 0 ? products[i * n + j] / scale : 0;
            with += config->weight[j] * products[i * n + j];
        }
        double scale = config->norm[i] * sqrt(fmax(result, 0));
        config->with_result[i] = scale > 0 ? with / scale : 0;
    }
    config_sum(trainer->team, &gradients, config->weight, trainer->grads);
    return 0;
}

static void clip(struct layer *layer, struct trainer *trainer) {
    const struct config *config = layer->own;
    if (config->clip > 0)
        update_clip(trainer, config->clip, config->by_value);
}

const struct technique technique_config = {
    .name = "config",
    .claims = CLAIM_BACKWARD | CLAIM_CLIP,
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct config_options),
    .private_size = sizeof(struct config),
    .separate_gradients = 1,
    .schedules_by_hand = 1,
    .check = check,
    .open = config_open,
    .combine = combine,
    .clip = clip,
};
