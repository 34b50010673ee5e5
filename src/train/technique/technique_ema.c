/* Exponential moving average of the weights, as NequIP's EMALightningModule keeps it: the first update copies; update
 * n then uses decay_n = min(decay, (1 + n) / (10 + n)). Evaluation sees the average; the raw weights stay where they
 * are, so nothing is ever swapped. */
#include <math.h>
#include <string.h>

#include "train/run/run.h"
#include "train/technique/technique.h"

struct ema_options {
    double decay;
};

struct ema {
    struct variable *weights[DTYPE_COUNT]; /* whole slabs: buffers ride along */
    struct variable *updates, *decay;
};

static const struct option options[] = {
    {"ema_decay", OPTION_FLOAT, 0, "0.999", offsetof(struct ema_options, decay), NULL,
     "how much of the average an update keeps, in [0, 1]"},
};

static int check_decay(double decay, struct error *error) {
    if (decay >= 0 && decay <= 1)
        return 0;
    return error_set(error, ERROR_VALUE, "ema_decay must lie in [0, 1], not %g", decay);
}

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    struct error why = {0};
    (void)settings;
    if (check_decay(((const struct ema_options *)given)->decay, &why))
        return config_error(config_get(module, "ema_decay"), error, ERROR_VALUE, "%s", why.message);
    return 0;
}

static int ema_open(struct layer *layer, struct trainer *trainer, struct error *error) {
    static const char *const names[] = {"ema.weights.f32", "ema.weights.f64"};
    struct ema *ema = layer->own;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_slab_size(trainer_model(trainer), (enum dtype)d);
        ema->weights[d] =
            state_add(trainer_state(trainer), names[d], d == F32 ? STATE_F32 : STATE_F64, count, 1, error);
        if (!ema->weights[d])
            return ERROR_MEMORY;
        memcpy(ema->weights[d]->data, run_weights(trainer)->parameters[d]->data, count * dtype_size((enum dtype)d));
    }
    ema->updates = state_add(trainer_state(trainer), "ema.num_updates", STATE_I64, 1, 0, error);
    ema->decay = state_add(trainer_state(trainer), "ema.decay", STATE_F64, 1, 0, error);
    if (!ema->updates || !ema->decay)
        return ERROR_MEMORY;
    static const struct state_range share = {0, 1, 0};
    ema->updates->range = &state_counter;
    ema->decay->range = &share;
    *(int64_t *)ema->updates->data = 1; /* the copy counts */
    *(double *)ema->decay->data = ((struct ema_options *)layer->options)->decay;
    state_sync(trainer_state(trainer));
    return 0;
}

struct job {
    struct trainer *trainer;
    struct ema *ema;
    double keep;
};

static void run_job(void *context, int member, int members) {
    const struct job *job = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(trainer_model(job->trainer), (enum dtype)d);
        size_t begin = count * (size_t)member / (size_t)members, end = count * (size_t)(member + 1) / (size_t)members;
        struct variable *weights = job->ema->weights[d], *parameters = run_weights(job->trainer)->parameters[d];
        const void *from = parameters->written ? parameters->next : parameters->data;
        if (d == F32) {
            const float *restrict p = from, *restrict old = weights->data;
            float *restrict new = weights->next, keep = (float)job->keep, take = (float)(1 - job->keep);
            for (size_t k = begin; k < end; k++)
                new[k] = old[k] * keep + p[k] * take;
        } else {
            const double *restrict p = from, *restrict old = weights->data;
            double *restrict new = weights->next, keep = job->keep, take = 1 - job->keep;
            for (size_t k = begin; k < end; k++)
                new[k] = old[k] * keep + p[k] * take;
        }
    }
}

static double effective(const struct ema *ema) {
    double n = (double)*(int64_t *)ema->updates->data;
    return fmin(*(double *)ema->decay->data, (1 + n) / (10 + n));
}

static void after_step(struct layer *layer, struct trainer *trainer) {
    struct ema *ema = layer->own;
    struct job job = {trainer, ema, effective(ema)};
    team_run(trainer_team(trainer), run_job, &job);
    for (int d = 0; d < DTYPE_COUNT; d++)
        ema->weights[d]->written = model_trainable_size(trainer_model(trainer), (enum dtype)d) > 0;
    ++*(int64_t *)ema->updates->data;
}

static const void *evaluation(const struct layer *layer, enum dtype dtype) {
    return ((const struct ema *)layer->own)->weights[dtype]->data;
}

static double get_decay(const struct layer *layer) {
    return *(double *)((const struct ema *)layer->own)->decay->data;
}

static int set_decay(struct layer *layer, double value, struct error *error) {
    int code = check_decay(value, error);
    if (!code)
        *(double *)((struct ema *)layer->own)->decay->data = value;
    return code;
}

static double get_effective(const struct layer *layer) {
    return effective(layer->own);
}

static double get_updates(const struct layer *layer) {
    return (double)*(int64_t *)((const struct ema *)layer->own)->updates->data;
}

/* Distance of the average from the raw weights, and the norm of these; over all that is trained. */
static void measure(const struct layer *layer, double *distance, double *norm) {
    const struct ema *ema = layer->own;
    double apart = 0, size = 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *weights = ema->weights[d], *parameters = run_weights(layer->trainer)->parameters[d];
        const void *average = weights->written ? weights->next : weights->data;
        const void *raw = parameters->written ? parameters->next : parameters->data;
        size_t count = model_trainable_size(trainer_model(layer->trainer), (enum dtype)d);
        for (size_t k = 0; k < count; k++) {
            double a = d == F32 ? (double)((const float *)average)[k] : ((const double *)average)[k];
            double p = d == F32 ? (double)((const float *)raw)[k] : ((const double *)raw)[k];
            apart += (a - p) * (a - p);
            size += p * p;
        }
    }
    *distance = sqrt(apart);
    *norm = sqrt(size);
}

static double get_distance(const struct layer *layer) {
    double distance, norm;
    measure(layer, &distance, &norm);
    return distance;
}

static double get_relative_distance(const struct layer *layer) {
    double distance, norm;
    measure(layer, &distance, &norm);
    return norm > 0 ? distance / norm : 0;
}

static const struct layer_setting settings[] = {
    {.name = "ema_decay", .get = get_decay, .set = set_decay},
    {.name = "ema_effective_decay", .get = get_effective},
    {.name = "ema_updates", .get = get_updates},
    {.name = "ema_distance", .get = get_distance},
    {.name = "ema_relative_distance", .get = get_relative_distance},
};

static void describe(const struct layer *layer, struct text *out) {
    double distance, norm;
    measure(layer, &distance, &norm);
    text_format(out, "ema_decay %.6g, now %.6g after %.0f updates\n", get_decay(layer), get_effective(layer),
                get_updates(layer));
    text_format(out, "the average is %.6g away from the raw weights, %.3g of their norm\n", distance,
                norm > 0 ? distance / norm : 0);
    text_add(out, "training works on the raw weights, validation and test see the average; neither is ever swapped\n");
}

static struct variable *average(const struct layer *layer, enum dtype dtype) {
    return ((const struct ema *)layer->own)->weights[dtype];
}

const struct technique technique_ema = {
    .name = "ema",
    .claims = CLAIM_EVALUATION,
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct ema_options),
    .private_size = sizeof(struct ema),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .describe = describe,
    .check = check,
    .open = ema_open,
    .after_step = after_step,
    .evaluation = evaluation,
    .average = average,
};
