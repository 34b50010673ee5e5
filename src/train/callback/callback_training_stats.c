/* TrainingStatsMonitor: what weights, gradients and moments are like, for each parameter, by NequIP's definitions and
 * names.  As Lightning's results do, every row until the end of the epoch repeats what was last looked at. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/run/run.h"

struct stats_options {
    int64_t every;
    int weights, gradients, moments;
};

enum { STATS = 13 };

struct stats {
    struct variable *steps; /* optimizer steps so far */
    struct variable *shown; /* [entries of the state dict][STATS]; NaN and not seen: see seen */
    struct variable *seen;  /* likewise: whether it was looked at in this epoch */
};

#define AT(member) offsetof(struct stats_options, member)
static const struct option options[] = {
    {"log_freq", OPTION_INT, OPTION_POSITIVE, "100", AT(every), NULL, "optimizer steps between looks"},
    {"log_weights", OPTION_BOOL, 0, "true", AT(weights), NULL, "look at the weights, as they are before the step"},
    {"log_gradients", OPTION_BOOL, 0, "true", AT(gradients), NULL, "look at the gradients, before they are clipped"},
    {"log_optimizer_states", OPTION_BOOL, 0, "true", AT(moments), NULL, "look at Adam's moments, before the step"},
};

static const char *const names[STATS] = {"weights.min",
                                         "weights.max",
                                         "weights.mean",
                                         "weights.std",
                                         "weights.absmin",
                                         "weights.absmax",
                                         "gradients.absmax",
                                         "gradients.rms",
                                         "optimizer.exp_avg.absmax",
                                         "optimizer.exp_avg.rms",
                                         "optimizer.sqrt_exp_avg_sq.min",
                                         "optimizer.sqrt_exp_avg_sq.max",
                                         "optimizer.sqrt_exp_avg_sq.mean"};
enum { WEIGHTS = 0, GRADIENTS = 6, MOMENTS = 8 };

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct stats *own = callback->own;
    size_t count = STATS * (size_t)model_nparameters(trainer_model(trainer));
    char name[96];
    snprintf(name, sizeof name, "%ssteps", callback->prefix);
    own->steps = state_add(trainer_state(trainer), name, STATE_I64, 1, 0, error);
    snprintf(name, sizeof name, "%sshown", callback->prefix);
    own->shown = own->steps ? state_add(trainer_state(trainer), name, STATE_F64, count, 0, error) : NULL;
    snprintf(name, sizeof name, "%sseen", callback->prefix);
    own->seen = own->shown ? state_add(trainer_state(trainer), name, STATE_U8, count, 0, error) : NULL;
    if (!own->seen)
        return ERROR_MEMORY;
    own->steps->range = &state_counter;
    own->seen->range = &state_flag;
    return 0;
}

/* ---------------------------------------------------------------- numbers */

struct summary {
    double min, max, mean, std, absmin, absmax, rms;
};

static double number(const void *slab, const struct parameter *p, size_t k) {
    return p->dtype == F32 ? (double)((const float *)slab)[p->offset + k] : ((const double *)slab)[p->offset + k];
}

/* root: of the square roots of the numbers. */
static struct summary summarize(const void *slab, const struct parameter *p, int root) {
    struct summary s = {INFINITY, -INFINITY, 0, 0, INFINITY, 0, 0};
    size_t count = p->numel;
    int bad = 0;
    for (size_t k = 0; k < count; k++) {
        double x = root ? sqrt(number(slab, p, k)) : number(slab, p, k);
        bad |= isnan(x);
        s.min = fmin(s.min, x);
        s.max = fmax(s.max, x);
        s.absmin = fmin(s.absmin, fabs(x));
        s.absmax = fmax(s.absmax, fabs(x));
        s.mean += x / (double)count;
        s.rms += x * x / (double)count;
    }
    for (size_t k = 0; k < count; k++) {
        double x = (root ? sqrt(number(slab, p, k)) : number(slab, p, k)) - s.mean;
        s.std += x * x;
    }
    s.rms = sqrt(s.rms);
    s.std = count > 1 ? sqrt(s.std / (double)(count - 1)) : NAN;
    if (bad)
        s = (struct summary){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return s;
}

static void keep(struct stats *own, int entry, int first, int count, const double *values) {
    size_t at = (size_t)entry * STATS + (size_t)first;
    memcpy((double *)own->shown->data + at, values, (size_t)count * sizeof *values);
    memset((unsigned char *)own->seen->data + at, 1, (size_t)count);
}

static void look_at_gradient(const struct trainer *trainer, struct stats *own, int entry, const struct parameter *p) {
    struct summary s = summarize(run_weights(trainer)->grads[p->dtype], p, 0);
    if (run_has_gradient(trainer, entry))
        keep(own, entry, GRADIENTS, 2, (const double[]){s.absmax, s.rms});
}

static int slot_of(const struct optimizer *optimizer, const char *name) {
    for (int k = 0; k < optimizer->slots; k++)
        if (!strcmp(optimizer->kind->slot_names[k], name))
            return k;
    return -1;
}

/* Of kinds with both moments, once there are any. */
static void look_at_moments(const struct trainer *trainer, struct stats *own, int entry, const struct parameter *p) {
    const struct optimizer *optimizer = run_optimizer(trainer);
    int first = slot_of(optimizer, "exp_avg"), second = slot_of(optimizer, "exp_avg_sq");
    /* of this parameter, the one under way among them */
    int64_t steps = *(const int64_t *)optimizer->step->data - ((const int64_t *)optimizer->skipped->data)[entry];
    if (first < 0 || second < 0 || steps < 2 || !run_has_gradient(trainer, entry))
        return;
    struct summary a = summarize(optimizer->slot[first][p->dtype]->data, p, 0);
    struct summary b = summarize(optimizer->slot[second][p->dtype]->data, p, 1);
    keep(own, entry, MOMENTS, 5, (const double[]){a.absmax, a.rms, b.min, b.max, b.mean});
}

static void look(const struct stats_options *how, const struct trainer *trainer, struct stats *own, int stepped) {
    for (int k = 0; k < model_nparameters(trainer_model(trainer)); k++) {
        const struct parameter *p = model_parameter(trainer_model(trainer), k);
        if (p->is_buffer || p->frozen || !p->numel)
            continue;
        if (how->gradients)
            look_at_gradient(trainer, own, k, p);
        if (stepped && how->weights) {
            struct summary s = summarize(run_weights(trainer)->parameters[p->dtype]->data, p, 0);
            keep(own, k, WEIGHTS, 6, (const double[]){s.min, s.max, s.mean, s.std, s.absmin, s.absmax});
        }
        if (stepped && how->moments)
            look_at_moments(trainer, own, k, p);
    }
}

/* ---------------------------------------------------------------- rows */

static int log_them(const struct stats *own, struct trainer *trainer, struct error *error) {
    const double *shown = own->shown->data;
    const unsigned char *seen = own->seen->data;
    int code = 0;
    for (size_t k = 0; !code && k < own->shown->count; k++) {
        char name[512];
        if (!seen[k])
            continue;
        snprintf(name, sizeof name, "training_stats.%s/model.sole_model.%s", names[k % STATS],
                 model_parameter(trainer_model(trainer), (int)(k / STATS))->name);
        code = log_value(trainer, name, shown[k], error);
    }
    return code;
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct stats *own = callback->own;
    (void)trainer;
    (void)error;
    memset(own->seen->data, 0, own->seen->count);
    return 0;
}

/* The step is made, aside: weights and moments still are those of before. */
static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct stats_options *how = callback->options;
    struct stats *own = callback->own;
    int64_t *steps = own->steps->data;
    int stepped = run_cursor(trainer)->window == 0;
    if (*steps % how->every == 0)
        look(how, trainer, own, stepped);
    *steps += stepped;
    return stepped && log_is_due(trainer) ? log_them(own, trainer, error) : 0;
}

const struct callback_kind callback_training_stats = {
    .target = {"nequip.train.callbacks.TrainingStatsMonitor", "training_stats"},
    .help = "logs what weights, gradients and moments are like",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct stats_options),
    .private_size = sizeof(struct stats),
    .open = open_callback,
    .epoch_begin = epoch_begin,
    .batch_end = batch_end,
};
