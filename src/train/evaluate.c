/* Validation and test: a pass over a data set with the weights that evaluation sees. */
#include <string.h>

#include "train/trainer_internal.h"

static int64_t batches_of(const struct trainer *trainer, enum data_role role, size_t set) {
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    const struct loader_settings *loader = datamodule_loader(trainer->data, role);
    int64_t size = loader->batch_size, count = (int64_t)data->count;
    return loader->drop_last ? count / size : (count + size - 1) / size;
}

void evaluation_params(const struct trainer *trainer, const void *params[DTYPE_COUNT]) {
    const struct layer *layer = composition_claimant((struct composition *)&trainer->composition, CLAIM_EVALUATION);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        params[d] = layer && layer->kind->evaluation ? layer->kind->evaluation(layer, (enum dtype)d) : NULL;
        if (!params[d])
            params[d] = trainer->parameters[d]->data;
    }
}

int evaluate_set(struct trainer *trainer, enum data_role role, size_t set, struct metrics *metrics, int64_t limit,
                 struct error *error) {
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    int64_t size = datamodule_loader(trainer->data, role)->batch_size, batches = batches_of(trainer, role, set);
    const void *params[DTYPE_COUNT];
    int code = eval_program_make(trainer, error);
    evaluation_params(trainer, params);
    if (limit >= 0 && limit < batches)
        batches = limit;
    for (int64_t b = 0; !code && b < batches; b++) {
        int64_t first = b * size, count = (int64_t)data->count - first;
        struct prediction prediction;
        code = batch_join(&trainer->eval_batch, (const struct frame *const *)data->frames + first,
                          (int)(count < size ? count : size), model_batch_options(trainer->model), error);
        if (!code)
            code = eval_program_run(trainer, trainer->eval_batch, params, &prediction, error);
        if (!code)
            code = metrics_update(metrics, trainer->eval_batch, &prediction, NULL, error);
        if (!code)
            code =
                callbacks_evaluated(trainer, &(struct evaluated){role, set, trainer->eval_batch, &prediction}, error);
    }
    return code;
}

int evaluate_role(struct trainer *trainer, enum data_role role, int64_t limit, int log, struct error *error) {
    size_t sets = role == ROLE_VAL ? trainer->nval : trainer->ntest;
    double limit_value = role == ROLE_VAL ? trainer->options.limit_val : trainer->options.limit_test;
    int is_count = role == ROLE_VAL ? trainer->options.limit_val_count : trainer->options.limit_test_count;
    int code = 0;
    for (size_t k = 0; !code && k < sets; k++) {
        struct metrics *metrics = role == ROLE_VAL ? trainer->val_metrics[k] : trainer->test_metrics[k];
        int64_t most = trainer_settings_limit(limit_value, is_count, batches_of(trainer, role, k));
        most = limit >= 0 && limit < most ? limit : most;
        metrics_reset(metrics);
        code = most ? evaluate_set(trainer, role, k, metrics, most, error) : 0;
        if (!code && most && log) {
            double values[256];
            char prefix[64];
            metrics_compute(metrics, values);
            snprintf(prefix, sizeof prefix, "%s%zu_epoch/", data_role_name(role), k);
            code = log_row(trainer, prefix, metrics, values, error);
        }
        metrics_reset(metrics);
    }
    return code;
}
