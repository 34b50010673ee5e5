/* LossCoefficientScheduler, LinearLossCoefficientScheduler and LossCoefficientMonitor, by NequIP's definitions.  The
 * coefficients themselves are state of the loss, so that a batch given up, or a rewind, puts them back. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/callback/loss_coefficients.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/programs.h"
#include "train/run/run.h"

int loss_coefficients_read(const struct config_node *map, const struct metrics *loss, int nullable, double *values,
                           struct error *error) {
    size_t n = metrics_nterms(loss);
    double total = 0;
    for (size_t k = 0; k < n; k++)
        values[k] = NAN;
    if (config_kind(map) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE, "a map of loss terms and their coefficients is expected, not %s",
                            config_kind_name(map));
    for (size_t k = 0; k < config_count(map); k++) {
        const struct config_node *value = config_at(map, k);
        int term = metrics_find_term(loss, config_key(map, k));
        if (term < 0) {
            const char *names[MAX_TERMS], *near;
            size_t count = n < MAX_TERMS ? n : MAX_TERMS;
            for (size_t j = 0; j < count; j++)
                names[j] = metrics_term_name(loss, j);
            near = text_nearest(config_key(map, k), names, count);
            return config_error(config_key_node(map, k), error, ERROR_NAME, "the loss has no term '%.100s'%s",
                                config_key(map, k), DID_YOU_MEAN(near));
        }
        if (nullable && config_kind(value) == CONFIG_NULL)
            continue;
        if (!config_is_number(value) || !isfinite(config_float(value)))
            return config_error(value, error, ERROR_TYPE, "a coefficient is a finite number%s",
                                nullable ? " or null" : "");
        total += values[term] = config_float(value);
    }
    /* NequIP would go on without any loss */
    if (!(total > 0 && isfinite(total)))
        return config_error(map, error, ERROR_VALUE, "the coefficients must add up to more than 0, not %g", total);
    return 0;
}

/* ---------------------------------------------------------------- by epochs */

struct epochs_options {
    const struct config_node *schedule;
};

static const struct option schedule_rows[] = {
    {"schedule", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct epochs_options, schedule), NULL,
     "epoch: {term: coefficient}; a term that is left out becomes null"},
};

static int epoch_of(const char *key, int64_t *out) {
    char *end;
    errno = 0;
    long long value = strtoll(key, &end, 10);
    *out = value;
    return errno || end == key || *end || value < 0 ? -1 : 0;
}

static int check_schedule(const void *given, const struct config_node *config, struct error *error) {
    const struct config_node *schedule = ((const struct epochs_options *)given)->schedule;
    if (config_kind(schedule) != CONFIG_MAP)
        return config_error(loss_option_place(config, "schedule"), error, ERROR_TYPE,
                            "a map of epochs is expected, not %s", config_kind_name(schedule));
    for (size_t k = 0; k < config_count(schedule); k++) {
        int64_t epoch, other;
        if (epoch_of(config_key(schedule, k), &epoch))
            return config_error(config_key_node(schedule, k), error, ERROR_VALUE,
                                "an epoch is a whole number from 0, not '%.60s'", config_key(schedule, k));
        for (size_t j = 0; j < k; j++)
            if (!epoch_of(config_key(schedule, j), &other) && other == epoch)
                return config_error(config_key_node(schedule, k), error, ERROR_NAME, "epoch %lld stands here twice",
                                    (long long)epoch);
    }
    return 0;
}

static int check_schedule_terms(const void *given, const struct config_node *config, const struct metrics *loss,
                                struct error *error) {
    const struct config_node *schedule = ((const struct epochs_options *)given)->schedule;
    double values[MAX_TERMS];
    int code = 0;
    (void)config;
    for (size_t k = 0; !code && k < config_count(schedule); k++)
        code = loss_coefficients_read(config_at(schedule, k), loss, 1, values, error);
    return code;
}

static int schedule_epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct config_node *schedule = ((const struct epochs_options *)callback->options)->schedule;
    for (size_t k = 0; k < config_count(schedule); k++) {
        double values[MAX_TERMS];
        int64_t epoch;
        if (epoch_of(config_key(schedule, k), &epoch) || epoch != run_cursor(trainer)->epoch)
            continue;
        int code = loss_coefficients_read(config_at(schedule, k), run_loss(trainer), 1, values, error);
        return code ? code : metrics_set_coefficients(run_loss(trainer), values, error);
    }
    return 0;
}

const struct callback_kind callback_loss_coefficient_scheduler = {
    .target = {"nequip.train.callbacks.LossCoefficientScheduler", "loss_coefficients"},
    .help = "sets the loss coefficients at given epochs",
    .options = schedule_rows,
    .noptions = sizeof schedule_rows / sizeof *schedule_rows,
    .options_size = sizeof(struct epochs_options),
    .check = check_schedule,
    .check_loss = check_schedule_terms,
    .epoch_begin = schedule_epoch_begin,
};

/* ---------------------------------------------------------------- along a line */

struct linear_coefficients_options {
    const struct config_node *final;
    int64_t start, length;
};

struct linear_coefficients {
    struct variable *captured; /* [1 + terms]: whether, then the coefficients at the start */
};

static const struct option linear_rows[] = {
    {"final_coeffs", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct linear_coefficients_options, final), NULL,
     "{term: coefficient} at the end; a term that is left out becomes null"},
    {"transition_epochs", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL,
     offsetof(struct linear_coefficients_options, length), NULL, "epochs that the change takes"},
    {"start_epoch", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct linear_coefficients_options, start), NULL,
     "epoch whose coefficients are the start"},
};

static int check_linear(const void *given, const struct config_node *config, struct error *error) {
    const struct linear_coefficients_options *how = given;
    if (how->start > INT64_MAX - how->length)
        return config_error(loss_option_place(config, "start_epoch"), error, ERROR_VALUE,
                            "so many epochs cannot be counted");
    if (config_kind(how->final) == CONFIG_MAP && !config_count(how->final))
        return config_error(loss_option_place(config, "final_coeffs"), error, ERROR_VALUE, "no coefficients are given");
    return 0;
}

static int check_linear_terms(const void *given, const struct config_node *config, const struct metrics *loss,
                              struct error *error) {
    double values[MAX_TERMS];
    (void)config;
    return loss_coefficients_read(((const struct linear_coefficients_options *)given)->final, loss, 0, values, error);
}

static int open_linear(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct linear_coefficients *linear = callback->own;
    char name[96];
    if (!run_loss(trainer))
        return 0;
    snprintf(name, sizeof name, "%scaptured", callback->prefix);
    linear->captured =
        state_add(trainer_state(trainer), name, STATE_F64, 1 + metrics_nterms(run_loss(trainer)), 0, error);
    if (!linear->captured)
        return ERROR_MEMORY;
    linear->captured->range = &state_nullable;
    return 0;
}

static int linear_epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct linear_coefficients_options *how = callback->options;
    double *captured = ((struct linear_coefficients *)callback->own)->captured->data, *first = captured + 1;
    double last[MAX_TERMS], now[MAX_TERMS], total = 0;
    size_t n = metrics_nterms(run_loss(trainer));
    int64_t epoch = run_cursor(trainer)->epoch;
    int code = loss_coefficients_read(how->final, run_loss(trainer), 0, last, error);
    if (code)
        return code;
    if (epoch == how->start && !captured[0]) {
        for (size_t k = 0; k < n; k++) {
            first[k] = metrics_coefficient(run_loss(trainer), k);
            if (!isnan(last[k]) && isnan(first[k]))
                return error_set(error, ERROR_STATE,
                                 "LinearLossCoefficientScheduler: at its start, epoch %lld, the coefficient of '%s' is "
                                 "null: there is nothing to go on from",
                                 (long long)epoch, metrics_term_name(run_loss(trainer), k));
        }
        captured[0] = 1;
    }
    if (epoch <= how->start || epoch > how->start + how->length)
        return 0;
    if (!captured[0])
        return error_set(error, ERROR_STATE,
                         "LinearLossCoefficientScheduler: epoch %lld is past its start, epoch %lld, whose coefficients "
                         "it has not seen",
                         (long long)epoch, (long long)how->start);
    for (size_t k = 0; k < n; k++)
        total += isnan(last[k]) ? 0 : last[k];
    double alpha = (double)(epoch - how->start) / (double)how->length;
    for (size_t k = 0; k < n; k++)
        now[k] = isnan(last[k]) ? NAN : first[k] + alpha * (last[k] / total - first[k]);
    return metrics_set_coefficients(run_loss(trainer), now, error);
}

const struct callback_kind callback_linear_loss_coefficient_scheduler = {
    .target = {"nequip.train.callbacks.LinearLossCoefficientScheduler", "linear_loss_coefficients"},
    .help = "moves the loss coefficients along a line over some epochs",
    .options = linear_rows,
    .noptions = sizeof linear_rows / sizeof *linear_rows,
    .options_size = sizeof(struct linear_coefficients_options),
    .private_size = sizeof(struct linear_coefficients),
    .check = check_linear,
    .check_loss = check_linear_terms,
    .open = open_linear,
    .epoch_begin = linear_epoch_begin,
};
