/* M-ConFIG (arXiv 2408.11104, algorithm 1): ConFIG on running averages of the terms' gradients.  Each step computes the
 * gradient of one term only, in turn, so that it costs what a step of the weighted sum costs.
 *
 * With m_k the averages (decay beta1, bias corrected by the number of times term k was seen) and g their ConFIG
 * combination, the second moment is that of the gradient which a plain Adam would have had to see to arrive at g:
 * s = beta2 s + (1 - beta2) ((f - beta1 f') / (1 - beta1))^2 with f = g (1 - beta1^t), f' the f before.  The step is
 * g / (sqrt(s / (1 - beta2^t)) + eps), times the learning rate: the optimizer below must be plain SGD.  What comes out
 * is a step and no gradient any more, so nobody else may clip it.  Until every term was seen once nothing moves. */
#include <math.h>
#include <string.h>

#include "train/core/vector.h"
#include "train/metric/metrics.h"
#include "train/optimizer/optimizer.h"
#include "train/run/programs.h"
#include "train/run/run.h"
#include "train/technique/conflict_free_weights.h"
#include "train/technique/technique.h"

struct mconfig_options {
    struct option_floats betas;
    double eps, norm_eps;
};

enum { TURN, STEPS, SEEN }; /* steps in all; steps that moved; then how often each term was seen */

struct mconfig {
    struct variable *average[MAX_TERMS][DTYPE_COUNT], *pseudo[DTYPE_COUNT], *second[DTYPE_COUNT];
    struct variable *counts; /* [SEEN + terms] */
};

static const struct option options[] = {
    {"betas", OPTION_FLOAT_LIST, 0, "[0.9, 0.999]", offsetof(struct mconfig_options, betas), NULL,
     "decay of the running averages of gradients and of the second moment"},
    {"eps", OPTION_FLOAT, OPTION_NONNEGATIVE, "1.0e-8", offsetof(struct mconfig_options, eps), NULL,
     "added to the root of the second moment"},
    {"norm_eps", OPTION_FLOAT, OPTION_POSITIVE, "1.0e-8", offsetof(struct mconfig_options, norm_eps), NULL,
     "least norm that a gradient is divided by"},
};

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    const struct mconfig_options *how = given;
    const struct config_node *betas = config_get(module, "betas"), *optimizer = config_get(module, "optimizer");
    const struct config_node *momentum = config_get(optimizer, "momentum");
    const struct optimizer_kind *kind;
    if (how->betas.count != 2)
        return config_error(betas, error, ERROR_VALUE, "betas are two numbers, here are %d", how->betas.count);
    for (int k = 0; k < 2; k++)
        if (!(how->betas.values[k] >= 0 && how->betas.values[k] < 1))
            return config_error(betas, error, ERROR_VALUE, "betas must be at least 0 and below 1, here is %g",
                                how->betas.values[k]);
    if (settings->gradient_clip_val > 0)
        return config_error(module, error, ERROR_VALUE,
                            "the layers 'base' and 'mconfig' both claim %s: what 'mconfig' hands on is a step, whose "
                            "size its moments bound; leave out trainer.gradient_clip_val",
                            claim_name(CLAIM_CLIP));
    if (trainer_settings_accumulate(settings))
        return config_error(module, error, ERROR_VALUE,
                            "the layer 'mconfig' takes the gradient of another term each batch: "
                            "accumulate_grad_batches must be 1, without a GradientAccumulationScheduler");
    if (config_kind(optimizer) != CONFIG_MAP)
        return 0; /* nothing is trained, or it is missed later */
    int code = optimizer_find(&kind, optimizer, error);
    if (code)
        return code;
    if (strcmp(optimizer_name(kind), "SGD"))
        return config_error(config_get(optimizer, "_target_"), error, ERROR_VALUE,
                            "the layer 'mconfig' claims %s: it has moments of its own, so the optimizer must be "
                            "torch.optim.SGD, not %s",
                            claim_name(CLAIM_STEP), kind->target.target);
    if (config_is_number(momentum) && config_float(momentum) > 0)
        return config_error(momentum, error, ERROR_VALUE,
                            "the layer 'mconfig' has moments of its own: SGD must have no momentum");
    return 0;
}

static int add(struct variable *out[DTYPE_COUNT], struct trainer *trainer, const char *what, struct error *error) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        char name[96];
        snprintf(name, sizeof name, "mconfig.%s.%s", what, d == F32 ? "f32" : "f64");
        out[d] = state_add(trainer_state(trainer), name, d == F32 ? STATE_F32 : STATE_F64,
                           model_trainable_size(trainer_model(trainer), (enum dtype)d), 1, error);
        if (!out[d])
            return ERROR_MEMORY;
    }
    return 0;
}

static int open_layer(struct layer *layer, struct trainer *trainer, struct error *error) {
    struct mconfig *own = layer->own;
    size_t terms = run_loss(trainer) ? metrics_nterms(run_loss(trainer)) : 0;
    int code = 0;
    for (size_t k = 0; !code && k < terms; k++) {
        char name[32];
        snprintf(name, sizeof name, "average.%zu", k);
        code = add(own->average[k], trainer, name, error);
    }
    if (!code)
        code = add(own->pseudo, trainer, "pseudo", error);
    if (!code)
        code = add(own->second, trainer, "second", error);
    if (!code &&
        !(own->counts = state_add(trainer_state(trainer), "mconfig.counts", STATE_I64, SEEN + terms, 0, error)))
        code = ERROR_MEMORY;
    if (!code)
        own->counts->range = &state_counter;
    return code;
}

/* Whose turn it is, among the terms that have a coefficient. */
static int turn(const struct mconfig *own, const struct trainer *trainer) {
    const int64_t *counts = own->counts->data;
    const int *active;
    int count = run_terms(trainer, &active);
    return active[counts[TURN] % count];
}

static void weigh(const struct layer *layer, const struct trainer *trainer, double *coefficients) {
    int now = turn(layer->own, trainer);
    for (int k = 0; k < (int)metrics_nterms(run_loss(trainer)); k++)
        coefficients[k] = k == now;
}

/* ---------------------------------------------------------------- sums over all parameters, by the team */

struct mconfig_job {
    struct trainer *trainer;
    struct mconfig *own;
    int term;
    double beta1, beta2, eps;
    double grown, corrected; /* 1 - beta1^t; 1 - beta2^t */
};

static void run_average(void *context, int member, int members) {
    const struct mconfig_job *job = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *average = job->own->average[job->term][d];
        size_t begin, end;
        vector_stretch(model_trainable_size(trainer_model(job->trainer), (enum dtype)d), member, members, &begin, &end);
        if (d == F32) {
            const float *restrict g = run_weights(job->trainer)->grads[d], *restrict old = average->data;
            float *restrict new = average->next, keep = (float)job->beta1, take = (float)(1 - job->beta1);
            for (size_t k = begin; k < end; k++)
                new[k] = keep *old[k] + take *g[k];
        } else {
            const double *restrict g = run_weights(job->trainer)->grads[d], *restrict old = average->data;
            double *restrict new = average->next;
            for (size_t k = begin; k < end; k++)
                new[k] = job->beta1 *old[k] + (1 - job->beta1) * g[k];
        }
    }
}

static void run_moment(void *context, int member, int members) {
    const struct mconfig_job *job = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *pseudo = job->own->pseudo[d], *second = job->own->second[d];
        void *grads = run_weights(job->trainer)->grads[d];
        size_t begin, end;
        vector_stretch(model_trainable_size(trainer_model(job->trainer), (enum dtype)d), member, members, &begin, &end);
        for (size_t k = begin; k < end; k++) {
            double g = d == F32 ? ((float *)grads)[k] : ((double *)grads)[k];
            double before = d == F32 ? ((float *)pseudo->data)[k] : ((double *)pseudo->data)[k];
            double s = d == F32 ? ((float *)second->data)[k] : ((double *)second->data)[k];
            double now = g * job->grown, fake = (now - job->beta1 * before) / (1 - job->beta1);
            s = job->beta2 * s + (1 - job->beta2) * fake * fake;
            g /= sqrt(s / job->corrected) + job->eps;
            if (d == F32) {
                ((float *)pseudo->next)[k] = (float)now;
                ((float *)second->next)[k] = (float)s;
                ((float *)grads)[k] = (float)g;
            } else {
                ((double *)pseudo->next)[k] = now;
                ((double *)second->next)[k] = s;
                ((double *)grads)[k] = g;
            }
        }
    }
}

static int combine(struct layer *layer, struct trainer *trainer, struct error *error) {
    const struct mconfig_options *how = layer->options;
    struct mconfig *own = layer->own;
    const int *active;
    int64_t *counts = own->counts->data;
    int n = run_terms(trainer, &active), all = 1;
    double products[MAX_TERMS * MAX_TERMS], coefficients[MAX_TERMS], weights[MAX_TERMS], grown[MAX_TERMS];
    struct mconfig_job job = {.trainer = trainer,
                              .own = own,
                              .term = turn(own, trainer),
                              .beta1 = how->betas.values[0],
                              .beta2 = how->betas.values[1],
                              .eps = how->eps};
    team_run(trainer_team(trainer), run_average, &job);
    counts[TURN]++;
    counts[SEEN + job.term]++;
    struct vectors averages = {.count = n};
    for (int d = 0; d < DTYPE_COUNT; d++) {
        averages.counts[d] = model_trainable_size(trainer_model(trainer), (enum dtype)d);
        own->average[job.term][d]->written = averages.counts[d] > 0;
        memset(run_weights(trainer)->grads[d], 0, averages.counts[d] * dtype_size((enum dtype)d));
    }
    for (int i = 0; i < n; i++) {
        int term = active[i];
        coefficients[i] = metrics_coefficient(run_loss(trainer), (size_t)term);
        grown[i] = 1 - pow(job.beta1, (double)counts[SEEN + term]);
        all &= counts[SEEN + term] > 0;
        for (int d = 0; d < DTYPE_COUNT; d++) {
            const struct variable *average = own->average[term][d];
            averages.part[i][d] = average->written ? average->next : average->data;
        }
    }
    if (!all)
        return 0;
    if (vectors_products(trainer_team(trainer), &averages, products))
        return error_memory(error);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            products[i * n + j] /= grown[i] * grown[j];
    if (n == 1)
        weights[0] = coefficients[0];
    else if (conflict_free_weights(n, products, coefficients, how->norm_eps, weights))
        return error_set(error, ERROR_NUMERIC, "M-ConFIG: the gradients of the loss terms are not finite");
    for (int i = 0; i < n; i++)
        weights[i] /= grown[i];
    vectors_sum(trainer_team(trainer), &averages, weights, run_weights(trainer)->grads);
    double t = (double)++counts[STEPS];
    job.grown = 1 - pow(job.beta1, t);
    job.corrected = 1 - pow(job.beta2, t);
    team_run(trainer_team(trainer), run_moment, &job);
    for (int d = 0; d < DTYPE_COUNT; d++)
        own->pseudo[d]->written = own->second[d]->written = averages.counts[d] > 0;
    return 0;
}

static double get_steps(const struct layer *layer) {
    return (double)((const int64_t *)((const struct mconfig *)layer->own)->counts->data)[STEPS];
}

static const struct layer_setting settings[] = {{.name = "mconfig_steps", .get = get_steps}};

const struct technique technique_mconfig = {
    .name = "mconfig",
    .claims = CLAIM_BACKWARD | CLAIM_CLIP | CLAIM_STEP,
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct mconfig_options),
    .private_size = sizeof(struct mconfig),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .check = check,
    .open = open_layer,
    .weigh = weigh,
    .combine = combine,
};
