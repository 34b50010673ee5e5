/* SoftAdapt (arXiv 1912.12355) as NequIP has it: the softmax of the terms' changes, weighted by the coefficients they
 * have.  An update takes the mean over the values since the last multiple of `frequency`, one step after it; with
 * frequency 1 that step never comes, so nothing is ever updated. */
#include <math.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/programs.h"
#include "train/run/run.h"

struct softadapt_options {
    double beta, eps;
    const char *interval;
    int64_t frequency;
};

struct softadapt {
    /* per term: values of the last batch or epoch, those before, sums of coefficients since the cycle began */
    struct variable *latest, *previous, *sums;
    struct variable *counts; /* whether there are previous ones; how many coefficients are summed */
};

static const struct option options[] = {
    {"beta", OPTION_FLOAT, OPTION_REQUIRED, NULL, offsetof(struct softadapt_options, beta), NULL,
     "how sharply a term that falls slowly is favoured"},
    {"interval", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct softadapt_options, interval), "batch|epoch",
     "what it counts"},
    {"frequency", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct softadapt_options, frequency),
     NULL, "intervals between updates; with 1 there are none, as in NequIP"},
    {"eps", OPTION_FLOAT, OPTION_POSITIVE, "1.0e-8", offsetof(struct softadapt_options, eps), NULL,
     "least number to divide by"},
};

static int by_batch(const struct callback *callback) {
    return !strcmp(((const struct softadapt_options *)callback->options)->interval, "batch");
}

static int add(struct variable **out, const struct callback *callback, struct trainer *trainer, const char *what,
               enum state_type type, size_t count, struct error *error) {
    char name[96];
    snprintf(name, sizeof name, "%s%s", callback->prefix, what);
    return (*out = state_add(trainer_state(trainer), name, type, count, 0, error)) ? 0 : ERROR_MEMORY;
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct softadapt *own = callback->own;
    size_t n = run_loss(trainer) ? metrics_nterms(run_loss(trainer)) : 0;
    int code = add(&own->latest, callback, trainer, "latest", STATE_F64, n, error);
    if (!code)
        code = add(&own->previous, callback, trainer, "previous", STATE_F64, n, error);
    if (!code)
        code = add(&own->sums, callback, trainer, "sums", STATE_F64, n, error);
    if (!code)
        code = add(&own->counts, callback, trainer, "counts", STATE_I64, 2, error);
    if (!code)
        own->counts->range = &state_counter;
    if (!code && ((const struct softadapt_options *)callback->options)->frequency == 1)
        trainer_tell(trainer, EVENT_NOTICE, "SoftAdapt with frequency 1 never updates the coefficients (as in NequIP)");
    return code;
}

static int check_loss(const void *given, const struct config_node *config, const struct metrics *loss,
                      struct error *error) {
    (void)given;
    for (size_t k = 0; k < metrics_nterms(loss); k++)
        if (isnan(metrics_coefficient(loss, k)))
            return config_error(config, error, ERROR_VALUE,
                                "SoftAdapt needs a coefficient for every term of the loss; that of '%s' is null",
                                metrics_term_name(loss, k));
    return 0;
}

/* Coefficients that the change of the terms' values asks for. */
static int adapted(const struct softadapt_options *how, const struct metrics *loss, const double *change, double *out,
                   struct error *error) {
    size_t n = metrics_nterms(loss);
    double squares = 0, sum = 0, total = 0;
    for (size_t k = 0; k < n; k++)
        squares += change[k] * change[k];
    double factor = how->beta / fmax(sqrt(squares), how->eps);
    for (size_t k = 0; k < n; k++)
        sum += out[k] = exp(factor * change[k]);
    sum += how->eps;
    for (size_t k = 0; k < n; k++)
        total += out[k] = out[k] / sum * metrics_coefficient(loss, k);
    for (size_t k = 0; k < n; k++) {
        out[k] /= total;
        if (!isfinite(out[k]))
            return error_set(error, ERROR_NUMERIC,
                             "SoftAdapt: the values of the loss's terms give no coefficient "
                             "for '%s'; is a value not finite, or beta too large?",
                             metrics_term_name(loss, k));
    }
    return 0;
}

static int update(struct callback *callback, struct trainer *trainer, int64_t step, struct error *error) {
    const struct softadapt_options *how = callback->options;
    const struct softadapt *own = callback->own;
    double *latest = own->latest->data, *previous = own->previous->data, *sums = own->sums->data;
    double change[MAX_TERMS], coefficients[MAX_TERMS];
    int64_t *seen = own->counts->data, *summed = seen + 1;
    size_t n = metrics_nterms(run_loss(trainer));
    for (size_t k = 0; k < n; k++)
        if (isnan(metrics_coefficient(run_loss(trainer), k)))
            return error_set(error, ERROR_STATE,
                             "SoftAdapt needs a coefficient for every term of the loss; that of '%s' has become null",
                             metrics_term_name(run_loss(trainer), k));
    if (step % how->frequency == 0) {
        memset(sums, 0, n * sizeof *sums);
        *summed = 0;
    }
    if (*seen) {
        for (size_t k = 0; k < n; k++)
            change[k] = latest[k] - previous[k];
        int code = adapted(how, run_loss(trainer), change, coefficients, error);
        if (code)
            return code;
        for (size_t k = 0; k < n; k++)
            sums[k] += coefficients[k];
        ++*summed;
    }
    memcpy(previous, latest, n * sizeof *latest);
    if (!*seen) {
        *seen = 1;
        return 0;
    }
    if (step % how->frequency != 1)
        return 0;
    for (size_t k = 0; k < n; k++)
        coefficients[k] = sums[k] / (double)*summed;
    return metrics_set_coefficients(run_loss(trainer), coefficients, error);
}

static int batch_loaded(struct callback *callback, struct trainer *trainer, struct error *error) {
    int64_t step = run_cursor(trainer)->step;
    return by_batch(callback) && step ? update(callback, trainer, step, error) : 0;
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    int64_t epoch = run_cursor(trainer)->epoch;
    return !by_batch(callback) && epoch ? update(callback, trainer, epoch, error) : 0;
}

static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    double *latest = ((struct softadapt *)callback->own)->latest->data;
    (void)error;
    for (size_t k = 0; by_batch(callback) && k < metrics_nterms(run_loss(trainer)); k++)
        latest[k] = run_loss_values(trainer)[metrics_term_value(run_loss(trainer), k)];
    return 0;
}

static int epoch_end(struct callback *callback, struct trainer *trainer, const double *loss, struct error *error) {
    double *latest = ((struct softadapt *)callback->own)->latest->data;
    (void)error;
    for (size_t k = 0; !by_batch(callback) && k < metrics_nterms(run_loss(trainer)); k++)
        latest[k] = loss[metrics_term_value(run_loss(trainer), k)];
    return 0;
}

const struct callback_kind callback_softadapt = {
    .target = {"nequip.train.callbacks.SoftAdapt", "softadapt"},
    .help = "favours the terms of the loss that fall slowly",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct softadapt_options),
    .private_size = sizeof(struct softadapt),
    .check_loss = check_loss,
    .open = open_callback,
    .epoch_begin = epoch_begin,
    .batch_loaded = batch_loaded,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
};
