/* The best checkpoint of a training, which what follows `train` in `run` evaluates: as with NequIP it is that of the
 * first ModelCheckpoint, and a run that could have none is refused, before it trains where that can be known. */
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/print.h"

#include "train/kept.h"

/* Whether something follows `train`. */
static int is_wanted(const char *const *runs, size_t nruns) {
    for (size_t k = 0; k + 1 < nruns; k++)
        if (!strcmp(runs[k], "train"))
            return 1;
    return 0;
}

static const struct callback *keeper(const struct callbacks *callbacks) {
    for (int k = 0; k < callbacks->count; k++)
        if (callbacks->list[k].kind == &callback_model_checkpoint)
            return &callbacks->list[k];
    return NULL;
}

int best_add_keeper(struct trainer *trainer, const struct config_node *place, struct error *error) {
    struct callbacks *callbacks = &trainer->callbacks;
    if (!is_wanted(trainer->runs, trainer->nruns))
        return 0;
    for (int k = 0; k < callbacks->count; k++)
        if (callbacks->list[k].kind->writes_checkpoints)
            return 0;
    return callbacks_add(callbacks, &callback_model_checkpoint, place, trainer->arena, error);
}

/* ---------------------------------------------------------------- whether there can be one */

static const char what[] = "what `run` has after train evaluates the best checkpoint of the first ModelCheckpoint";

__attribute__((format(printf, 3, 4))) static int keeps_no_best(const struct callback *callback, struct error *error,
                                                               const char *format, ...) {
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    print_to_v(why, sizeof why, format, arguments);
    va_end(arguments);
    return config_error(callback->config, error, ERROR_VALUE, "%s, which keeps none: %s", what, why);
}

static int check_options(const struct callback *callback, struct error *error) {
    const struct keep_options *how = callback->options;
    if (how->save_top_k == 0)
        return keeps_no_best(callback, error, "save_top_k is 0");
    if (!keep_epochs(how) && !keep_steps(how) && how->seconds < 0)
        return keeps_no_best(callback, error, "every_n_epochs is 0, and nothing else says when");
    return 0;
}

int best_check(const struct callbacks *callbacks, const struct trainer_settings *settings, const char *const *runs,
               size_t nruns, const struct config_node *place, struct error *error) {
    const struct config_node *node;
    if (!is_wanted(runs, nruns))
        return 0;
    if (settings->fast_dev_run) {
        node = config_get(place, "fast_dev_run");
        return config_error(node, error, ERROR_VALUE, "%s, and with fast_dev_run none is kept: run has to be [train]",
                            what);
    }
    if (!settings->enable_checkpointing) {
        node = config_get(place, "enable_checkpointing");
        return config_error(node, error, ERROR_VALUE,
                            "%s, and none is kept where this is false: true keeps the newest, and `run: [train]` "
                            "evaluates nothing",
                            what);
    }
    const struct callback *callback = keeper(callbacks);
    if (callback)
        return check_options(callback, error);
    for (int k = 0; k < callbacks->count; k++)
        if (callbacks->list[k].kind->writes_checkpoints)
            return config_error(callbacks->list[k].config, error, ERROR_VALUE,
                                "%s, and beside this callback Lightning adds none: it has to be among the callbacks",
                                what);
    return 0;
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    double multiple = (double)(a / x) * (double)b;
    return multiple < 0x1p62 ? a / x * b : INT64_MAX;
}

int best_check_reached(const struct trainer *trainer, struct error *error) {
    const struct callback *callback = keeper(&trainer->callbacks);
    if (!is_wanted(trainer->runs, trainer->nruns) || trainer->resume || !callback)
        return 0;
    const struct keep_options *how = callback->options;
    double most_epochs = trainer->length[LENGTH_EPOCHS], most_steps = trainer->length[LENGTH_STEPS];
    double batches = (double)trainer_batches(trainer);
    most_epochs = most_epochs < 0 ? INFINITY : most_epochs;
    most_steps = most_steps < 0 ? INFINITY : most_steps;
    /* each epoch has a step, and each step a batch */
    if (most_epochs * batches < most_steps)
        most_steps = most_epochs * batches;
    if (most_steps < most_epochs)
        most_epochs = most_steps;
    int64_t epochs = keep_epochs(how), steps = keep_steps(how);
    if (steps > 0 && (double)steps > most_steps)
        return keeps_no_best(callback, error, "its looks are %lld steps apart, and the run has %.0f at most",
                             (long long)steps, most_steps);
    int64_t validated = trainer->options.check_val_every_n_epoch;
    if (epochs > 0 && validated > 1 && !callbacks_judge_at_epoch_end(trainer, how->at_epoch_end, 1))
        epochs = common_multiple(epochs, validated);
    if (epochs > 0 && (double)epochs > most_epochs)
        return keeps_no_best(callback, error, "its looks are %lld epochs apart, and the run has %.0f at most",
                             (long long)epochs, most_epochs);
    return 0;
}

/* ---------------------------------------------------------------- which it is */

static const char *best_of(const struct callback *callback, const struct trainer *trainer) {
    static _Thread_local char path[PATH_MAX];
    const struct keep_options *how = callback->options;
    const struct keep *keep = callback->own;
    const char *best = "";
    char folder[PATH_MAX];
    struct books books;
    double score = NAN;
    *path = 0;
    if (books_read(&books, keep, NULL))
        return path;
    kept_folder(callback, trainer, folder);
    /* of those that are still there, should somebody have removed the best */
    for (size_t k = 0; k < books.count; k++) {
        const struct kept_entry *entry = &books.kept[k];
        int better = !how->monitor || isnan(score) || books_better(entry->score, score, !strcmp(how->mode, "max"));
        if (better && !kept_path(folder, entry->name, path, NULL) && !access(path, R_OK)) {
            best = entry->name;
            score = entry->score;
        }
    }
    if (!*best || kept_path(folder, best, path, NULL))
        *path = 0;
    books_free(&books);
    return path;
}

const char *best_path(const struct trainer *trainer) {
    const struct callback *callback = keeper(&trainer->callbacks);
    return callback ? best_of(callback, trainer) : "";
}

int best_find(const struct trainer *trainer, const char **path, struct error *error) {
    *path = "";
    if (!cursor_of(trainer)->trained || !trainer->output)
        return 0;
    *path = best_path(trainer);
    if (**path)
        return 0;
    return error_set(error, ERROR_STATE,
                     "%s, and it has kept none: the training is in %s/last.safetensors, whose weights `run=[%s]` with "
                     "--init evaluates",
                     what, trainer->output, trainer->runs[cursor_of(trainer)->run]);
}
