/* LossCoefficientMonitor: the loss coefficients as columns "loss_coeff/TERM". */
#include <math.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/metric/metrics.h"
#include "train/run/programs.h"
#include "train/run/run.h"

struct monitor_options {
    const char *interval;
    int64_t frequency;
};

struct monitor {
    struct variable *shown; /* [terms] what the rows of this epoch's batches say; NaN: nothing yet */
};

static const struct option options[] = {
    {"interval", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct monitor_options, interval), "batch|epoch",
     "what it counts"},
    {"frequency", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct monitor_options, frequency),
     NULL, "intervals between two looks"},
};

static int by_batch(const struct callback *callback) {
    return !strcmp(((const struct monitor_options *)callback->options)->interval, "batch");
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct monitor *own = callback->own;
    char name[96];
    snprintf(name, sizeof name, "%sshown", callback->prefix);
    size_t n = run_loss(trainer) ? metrics_nterms(run_loss(trainer)) : 0;
    own->shown = state_add(trainer_state(trainer), name, STATE_F64, n, 0, error);
    return own->shown ? 0 : ERROR_MEMORY;
}

static int logs(const struct callback *callback, const struct callback_scope *scope) {
    char name[256];
    int failed = 0;
    (void)callback;
    for (size_t k = 0; !failed && scope->loss && k < metrics_nterms(scope->loss); k++) {
        snprintf(name, sizeof name, "loss_coeff/%s", metrics_term_name(scope->loss, k));
        failed = scope->add(scope->context, name);
    }
    return failed;
}

static int log_them(struct trainer *trainer, const double *values, struct error *error) {
    int code = 0;
    for (size_t k = 0; !code && k < metrics_nterms(run_loss(trainer)); k++) {
        char name[256];
        snprintf(name, sizeof name, "loss_coeff/%s", metrics_term_name(run_loss(trainer), k));
        if (!isnan(values[k]))
            code = log_value(trainer, name, values[k], error);
    }
    return code;
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    double *shown = ((struct monitor *)callback->own)->shown->data;
    (void)error;
    for (size_t k = 0; k < metrics_nterms(run_loss(trainer)); k++)
        shown[k] = NAN;
    return 0;
}

/* As Lightning's results do, every row until the end of the epoch repeats what was last looked at. */
static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    double *shown = ((struct monitor *)callback->own)->shown->data;
    const struct cursor *cursor = run_cursor(trainer);
    if (!by_batch(callback))
        return 0;
    for (size_t k = 0; cursor->step % how->frequency == 0 && k < metrics_nterms(run_loss(trainer)); k++) {
        double now = metrics_coefficient(run_loss(trainer), k);
        shown[k] = isnan(now) ? shown[k] : now;
    }
    return cursor->window == 0 && log_is_due(trainer) ? log_them(trainer, shown, error) : 0;
}

static int epoch_end(struct callback *callback, struct trainer *trainer, const double *loss, struct error *error) {
    const struct monitor_options *how = callback->options;
    double values[MAX_TERMS];
    (void)loss;
    if (by_batch(callback) || run_cursor(trainer)->epoch % how->frequency)
        return 0;
    for (size_t k = 0; k < metrics_nterms(run_loss(trainer)); k++)
        values[k] = metrics_coefficient(run_loss(trainer), k);
    return log_them(trainer, values, error);
}

const struct callback_kind callback_loss_coefficient_monitor = {
    .target = {"nequip.train.callbacks.LossCoefficientMonitor", "loss_coefficient_monitor"},
    .help = "logs the loss coefficients",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct monitor_options),
    .private_size = sizeof(struct monitor),
    .logs = logs,
    .open = open_callback,
    .epoch_begin = epoch_begin,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
};
