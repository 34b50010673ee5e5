/* StochasticWeightAveraging (arXiv 1803.05407), by Lightning's definitions: from an epoch on the rate goes to another
 * one within some epochs, whatever scheduler there was, and the weights as they are at the beginning of each epoch are
 * averaged.  At the end of the last epoch the average takes the place of the weights. */
#include <string.h>

#include "train/callback/average_rule.h"
#include "train/callback/callback_kinds.h"
#include "train/run/run.h"
#include "train/scheduler/scheduler_kind.h"

struct swa_options {
    struct option_floats rates;
    const struct config_node *start, *average;
    int64_t annealing_epochs;
    const char *strategy;
    struct average_rule rule; /* that of avg_fn */
};

struct swa {
    int64_t first; /* epoch; from 0 */
    struct variable *weights[DTYPE_COUNT];
    struct variable *averaged; /* weights so far */
    struct variable *epochs;   /* up to the one whose beginning was averaged last; 0: none */
    struct variable *steps;    /* of the schedule, the first one included; 0: it has not begun */
};

#define AT(member) offsetof(struct swa_options, member)
static const struct option options[] = {
    {"swa_lrs", OPTION_FLOAT_LIST, OPTION_REQUIRED | OPTION_POSITIVE, NULL, AT(rates), NULL,
     "the rate that is gone to, or one for each parameter group"},
    {"swa_epoch_start", OPTION_NODE, 0, NULL, AT(start), NULL,
     "the epoch that it begins with, from 1, or a fraction of max_epochs"},
    {"annealing_epochs", OPTION_INT, OPTION_NONNEGATIVE, "10", AT(annealing_epochs), NULL, "epochs until that rate"},
    {"annealing_strategy", OPTION_STRING, 0, "cos", AT(strategy), "cos|linear", "the curve"},
    {"avg_fn", OPTION_NODE, 0, NULL, AT(average), NULL,
     "torch.optim.swa_utils.get_ema_avg_fn or get_swa_avg_fn; null: all weights count the same"},
    {"device", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted; there is no memory but the processor's"},
};

static double fraction_of(const struct swa_options *how) {
    return config_kind(how->start) == CONFIG_FLOAT ? config_float(how->start) : 0.8;
}

static int is_count(const struct swa_options *how) {
    return config_kind(how->start) == CONFIG_INT;
}

static const struct config_node *place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    struct swa_options *how = (struct swa_options *)given;
    enum config_kind kind = config_kind(how->start);
    if (kind == CONFIG_INT
            ? config_int(how->start) < 1
            : kind != CONFIG_NULL && kind != CONFIG_DEFERRED &&
                  (kind != CONFIG_FLOAT || !(config_float(how->start) >= 0 && config_float(how->start) <= 1)))
        return config_error(how->start, error, ERROR_VALUE,
                            "swa_epoch_start: a whole number from 1, or a fraction from 0.0 to 1.0, is expected");
    for (int k = 0; k < how->rates.count; k++)
        if (!(how->rates.values[k] > 0))
            return config_error(place(config, "swa_lrs"), error, ERROR_VALUE, "swa_lrs must be more than 0");
    return average_rule_read(&how->rule, how->average, "avg_fn", 0, error);
}

/* The epoch it begins with.  max_epochs: -1 for no limit. */
static int find_first(struct callback *callback, int64_t epochs, struct error *error) {
    const struct swa_options *how = callback->options;
    struct swa *own = callback->own;
    const struct config_node *where = place(callback->config, "swa_epoch_start");
    if (!is_count(how) && epochs < 0)
        return config_error(where, error, ERROR_VALUE,
                            "a fraction of max_epochs is expected to be known, and max_epochs is -1: give "
                            "swa_epoch_start as a number of epochs");
    int64_t start = is_count(how) ? config_int(how->start) : (int64_t)((double)epochs * fraction_of(how));
    own->first = start > 1 ? start - 1 : 0;
    if (epochs > 0 && own->first >= epochs)
        return config_error(where, error, ERROR_VALUE,
                            "training ends after %lld epochs: nothing would be averaged from epoch %lld on",
                            (long long)epochs, (long long)start);
    return 0;
}

static struct variable *add(struct callback *callback, struct trainer *trainer, const char *what, enum state_type type,
                            size_t count, int big, struct error *error) {
    char name[96];
    snprintf(name, sizeof name, "%s%s", callback->prefix, what);
    return state_add(trainer_state(trainer), name, type, count, big, error);
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct swa_options *how = callback->options;
    struct swa *own = callback->own;
    int groups = run_optimizer(trainer)->groups.count;
    if (!trainer_trains(trainer))
        return 0;
    if (callbacks_of(trainer, &callback_swa) != callback)
        return config_error(callback->config, error, ERROR_VALUE, "one StochasticWeightAveraging is possible");
    if (!how->rates.scalar && how->rates.count != groups)
        return config_error(place(callback->config, "swa_lrs"), error, ERROR_VALUE,
                            "swa_lrs needs one number, or one for each parameter group (there %s %d), here are %d",
                            groups == 1 ? "is" : "are", groups, how->rates.count);
    int code = find_first(callback, run_settings(trainer)->max_epochs, error);
    if (code)
        return code;
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (!(own->weights[d] =
                  add(callback, trainer, d == F32 ? "weights.f32" : "weights.f64", d == F32 ? STATE_F32 : STATE_F64,
                      model_trainable_size(trainer_model(trainer), (enum dtype)d), 1, error)))
            return ERROR_MEMORY;
    if (!(own->averaged = add(callback, trainer, "averaged", STATE_I64, 1, 0, error)) ||
        !(own->epochs = add(callback, trainer, "epochs", STATE_I64, 1, 0, error)) ||
        !(own->steps = add(callback, trainer, "steps", STATE_I64, 1, 0, error)))
        return ERROR_MEMORY;
    own->averaged->range = own->epochs->range = own->steps->range = &state_counter;
    return 0;
}

static int64_t *integer(const struct variable *variable) {
    return variable->data;
}

static int check_state(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct swa *own = callback->own;
    (void)trainer;
    if (!own->averaged || (*integer(own->averaged) > 0) == (*integer(own->steps) > 0))
        return 0;
    return state_refuse(own->averaged, error, "has %lld weights averaged, and a schedule of %lld steps",
                        (long long)*integer(own->averaged), (long long)*integer(own->steps));
}

/* ---------------------------------------------------------------- the schedule */

static int has_taken_over(const struct callback *callback) {
    const struct swa *own = callback->own;
    return own->steps && *integer(own->steps) > 0;
}

static int schedule(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct swa_options *how = callback->options;
    struct swa *own = callback->own;
    double *lr = run_optimizer(trainer)->lr->data;
    int64_t count = ++*integer(own->steps);
    (void)error;
    for (int g = 0; g < run_optimizer(trainer)->groups.count; g++) {
        int which = how->rates.scalar ? 0 : g < how->rates.count ? g : how->rates.count - 1;
        double target = how->rates.values[which];
        lr[2 * g] = scheduler_swa_rate(lr[2 * g], target, count, how->annealing_epochs, !strcmp(how->strategy, "cos"));
    }
    return 0;
}

/* ---------------------------------------------------------------- the average */

static void average(const struct callback *callback, const struct trainer *trainer) {
    const struct swa_options *how = callback->options;
    struct swa *own = callback->own;
    int64_t before = (*integer(own->averaged))++;
    for (int d = 0; d < DTYPE_COUNT; d++)
        average_rule_apply(&how->rule, (enum dtype)d, before, own->weights[d]->data,
                           run_weights(trainer)->parameters[d]->data, own->weights[d]->data, 0, own->weights[d]->count);
}

static int is_within(const struct trainer *trainer, const struct swa *own, int64_t epoch) {
    double most = run_limit(trainer, LENGTH_EPOCHS);
    return epoch >= own->first && (most < 0 || (double)epoch < most);
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct swa *own = callback->own;
    int64_t epoch = run_cursor(trainer)->epoch;
    int code = 0;
    if (!is_within(trainer, own, epoch) || *integer(own->epochs) > epoch)
        return 0;
    if (!has_taken_over(callback))
        code = schedule(callback, trainer, error); /* the first step, as torch's schedulers make it when they begin */
    average(callback, trainer);
    *integer(own->epochs) = epoch + 1;
    state_sync(trainer_state(trainer));
    return code;
}

/* Where the epoch was the last one. */
static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    struct swa *own = callback->own;
    double most = run_limit(trainer, LENGTH_EPOCHS);
    (void)error;
    if (moment != MOMENT_TRAIN_END || !*integer(own->averaged) ||
        (most >= 0 && (double)run_cursor(trainer)->epochs != most))
        return 0;
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (own->weights[d]->count)
            memcpy(run_weights(trainer)->parameters[d]->data, own->weights[d]->data,
                   own->weights[d]->count * dtype_size((enum dtype)d));
    state_sync(trainer_state(trainer));
    return 0;
}

static struct variable *average_variable(const struct callback *callback, enum dtype dtype, int of_average) {
    return of_average ? NULL : ((const struct swa *)callback->own)->weights[dtype];
}

const struct callback_kind callback_swa = {
    .target = {"lightning.pytorch.callbacks.StochasticWeightAveraging", "swa"},
    .help = "averages the weights of the last epochs",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct swa_options),
    .private_size = sizeof(struct swa),
    .check = check,
    .open = open_callback,
    .check_state = check_state,
    .epoch_begin = epoch_begin,
    .takes_schedule = has_taken_over,
    .schedule = schedule,
    .judge = judge,
    .average = average_variable,
};
