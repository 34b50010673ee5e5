/* The best checkpoint of a training, which what follows `train` in `run` evaluates: as with NequIP it is that of the
 * first ModelCheckpoint, and a run that could have none is refused, before it trains where that can be known. */
#include <string.h>

#include "train/run/best.h"
#include "train/run/trainer_internal.h"

const char callbacks_best_wanted[] =
    "what `run` has after train evaluates the best checkpoint of the first ModelCheckpoint";

/* Whether something follows `train`. */
static int is_wanted(const char *const *runs, size_t nruns) {
    for (size_t k = 0; k + 1 < nruns; k++)
        if (!strcmp(runs[k], "train"))
            return 1;
    return 0;
}

static int is_wanted_of(const struct trainer *trainer) {
    return is_wanted((const char *const *)trainer->position.runs, trainer->position.nruns);
}

static const struct callback *find_writer(const struct callbacks *callbacks) {
    for (int k = 0; k < callbacks->count; k++)
        if (callbacks->list[k].kind->writes_checkpoints)
            return &callbacks->list[k];
    return NULL;
}

int best_add_keeper(struct trainer *trainer, const struct config_node *place, struct error *error) {
    if (!is_wanted_of(trainer) || find_writer(&trainer->callbacks))
        return 0;
    for (size_t k = 0; k < callback_kind_count; k++)
        if (callback_kinds[k]->check_best)
            return callbacks_add(&trainer->callbacks, callback_kinds[k], place, trainer->arena, error);
    return 0;
}

int best_check(const struct callbacks *callbacks, const struct trainer_settings *settings, const char *const *runs,
               size_t nruns, const struct config_node *place, struct error *error) {
    const char *what = callbacks_best_wanted;
    if (!is_wanted(runs, nruns))
        return 0;
    if (settings->fast_dev_run)
        return config_error(config_get(place, "fast_dev_run"), error, ERROR_VALUE,
                            "%s, and with fast_dev_run none is kept: run has to be [train]", what);
    if (!settings->enable_checkpointing)
        return config_error(config_get(place, "enable_checkpointing"), error, ERROR_VALUE,
                            "%s, and none is kept where this is false: true keeps the newest, and `run: [train]` "
                            "evaluates nothing",
                            what);
    const struct callback *keeper = callbacks_keeper(callbacks), *writer = find_writer(callbacks);
    if (keeper)
        return keeper->kind->check_best(keeper, NULL, error);
    if (writer)
        return config_error(writer->config, error, ERROR_VALUE,
                            "%s, and beside this callback Lightning adds none: it has to be among the callbacks", what);
    return 0;
}

int best_check_reached(const struct trainer *trainer, struct error *error) {
    const struct callback *keeper = callbacks_keeper(&trainer->callbacks);
    if (!is_wanted_of(trainer) || trainer->origin.path || !keeper)
        return 0;
    return keeper->kind->check_best(keeper, trainer, error);
}

int best_find(const struct trainer *trainer, const char **path, struct error *error) {
    const struct cursor *cursor = cursor_of(trainer);
    *path = "";
    if (!cursor->trained || !trainer->folder.path)
        return 0;
    *path = callbacks_best(trainer);
    if (**path)
        return 0;
    return error_set(error, ERROR_STATE,
                     "%s, and it has kept none: the training is in %s/last.safetensors, whose weights `run=[%s]` with "
                     "--init evaluates",
                     callbacks_best_wanted, trainer->folder.path, trainer->position.runs[cursor->run]);
}
