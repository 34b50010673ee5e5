/* A look at single frames and at the numbers of single parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/callback.h"
#include "train/run/evaluate.h"
#include "train/run/look.h"
#include "train/run/programs.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

/* ---------------------------------------------------------------- frames */

/* Errors that every potential has, whatever its loss: NaN where there is no label. */
static void plain_errors(struct trainer_frame *out, const struct batch *batch, const struct prediction *prediction) {
    const struct field *energy = batch_field(batch, "total_energy"), *forces = batch_field(batch, "forces");
    out->energy_error = out->forces_rmse = out->worst_error = NAN;
    out->worst_atom = -1;
    if (energy && prediction->total_energy)
        out->energy_error = (prediction->total_energy[0] - energy->values[0]) / batch->atoms;
    if (!forces || !prediction->forces)
        return;
    double sum = 0;
    for (int a = 0; a < batch->atoms; a++) {
        double square = 0;
        for (int x = 0; x < 3; x++) {
            double d = prediction->forces[3 * a + x] - forces->values[3 * a + x];
            square += d * d;
        }
        sum += square;
        if (!(sqrt(square) <= out->worst_error)) {
            out->worst_error = sqrt(square);
            out->worst_atom = a;
        }
    }
    out->forces_rmse = sqrt(sum / (3.0 * batch->atoms));
}

static int look_at(struct trainer *trainer, struct metrics *loss, const struct frame *frame,
                   const void *const params[DTYPE_COUNT], struct trainer_frame *out, struct error *error) {
    struct prediction prediction;
    double *values = trainer->evaluation.computed;
    int code = interrupt_check(error);
    if (!code)
        code = batch_join(&trainer->evaluation.batch, &frame, 1, model_batch_options(trainer->model), error);
    if (!code)
        code = eval_program_run(trainer, trainer->evaluation.batch, params, &prediction, error);
    if (code)
        return code;
    static const char *const fields[] = {"forces", "stress", "virial", "total_energy"};
    const void *const have[] = {prediction.forces, prediction.stress, prediction.virial, prediction.total_energy};
    for (int k = 0; k < 4; k++)
        if (metrics_predicts(loss, fields[k]) && !have[k])
            return error_set(error, ERROR_STATE, "the loss needs %s, which no metric of validation or test has",
                             fields[k]);
    if ((code = metrics_update(loss, trainer->evaluation.batch, &prediction, values, error)))
        return code;
    out->frame = frame;
    out->loss = 0;
    for (size_t k = 0; k < metrics_nterms(loss) && k < MAX_TERMS; k++) {
        double coefficient = metrics_coefficient(trainer->evaluation.loss, k);
        out->terms[k] = isnan(coefficient) ? 0 : coefficient * values[metrics_term_value(loss, k)];
        out->loss += out->terms[k];
    }
    plain_errors(out, trainer->evaluation.batch, &prediction);
    return 0;
}

int trainer_parity(struct trainer *trainer, enum data_role role, size_t set, int forces,
                   void (*add)(void *context, int type, double reference, double predicted), void *context,
                   struct error *error) {
    const void *params[DTYPE_COUNT];
    struct prediction prediction;
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it first");
    if (set >= datamodule_count(trainer->data, role))
        return error_set(error, ERROR_STATE, "there is no %s data set %zu", data_role_name(role), set);
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    int code = eval_program_make(trainer, error);
    look_params(trainer, params);
    for (size_t k = 0; !code && k < data->count; k++) {
        const struct frame *frame = data->frames[k];
        const char *name = forces ? "forces" : "total_energy";
        const struct field *label = frame_field(frame, name);
        if (!label)
            continue;
        code = interrupt_check(error);
        if (!code)
            code = batch_join(&trainer->evaluation.batch, &frame, 1, model_batch_options(trainer->model), error);
        if (!code)
            code = eval_program_run(trainer, trainer->evaluation.batch, params, &prediction, error);
        if (code)
            break;
        const double *predicted = forces ? prediction.forces : prediction.total_energy;
        if (!predicted)
            return error_set(error, ERROR_STATE, "no metric of validation or test has %s", name);
        for (int a = 0; forces && a < 3 * frame->atoms; a++)
            add(context, frame->types[a / 3], label->values[a], predicted[a]);
        if (!forces)
            add(context, -1, label->values[0] / frame->atoms, predicted[0] / frame->atoms);
    }
    return code;
}

int trainer_frames(struct trainer *trainer, enum data_role role, size_t set, struct trainer_frame **out, size_t *count,
                   struct error *error) {
    const struct config_node *config = config_find(config_root(trainer->configs.resolved), "training_module.loss");
    struct metrics *loss = NULL;
    const void *params[DTYPE_COUNT];
    *out = NULL;
    *count = 0;
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it first");
    if (set >= datamodule_count(trainer->data, role) || !trainer->evaluation.loss)
        return error_set(error, ERROR_STATE, "there is no %s data set %zu, or no loss", data_role_name(role), set);
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    struct trainer_frame *frames = calloc(data->count + 1, sizeof *frames);
    int code = frames ? 0 : error_memory(error);
    if (!code)
        code =
            metrics_new(&loss, config, model_ntypes(trainer->model), model_type_names(trainer->model), NULL, "", error);
    if (!code)
        code = eval_program_make(trainer, error);
    look_params(trainer, params);
    for (size_t k = 0; !code && k < data->count; k++) {
        frames[k].index = (int64_t)k;
        code = look_at(trainer, loss, data->frames[k], params, &frames[k], error);
    }
    metrics_free(loss);
    if (code) {
        free(frames);
        return code;
    }
    *out = frames;
    *count = data->count;
    return 0;
}

size_t trainer_terms(const struct trainer *trainer) {
    return trainer->evaluation.loss ? metrics_nterms(trainer->evaluation.loss) : 0;
}

const char *trainer_term_name(const struct trainer *trainer, size_t k) {
    return metrics_term_name(trainer->evaluation.loss, k);
}

/* ---------------------------------------------------------------- parameters */

static double at(const void *slab, enum dtype dtype, size_t k) {
    return dtype == F32 ? (double)((const float *)slab)[k] : ((const double *)slab)[k];
}

size_t trainer_values(const struct trainer *trainer, int k, int gradient, double **out) {
    const struct parameter *p = model_parameter(trainer->model, k);
    const void *slab = gradient ? trainer->weights.grads[p->dtype] : trainer->weights.parameters[p->dtype]->data;
    if (!(*out = malloc((p->numel + 1) * sizeof **out)))
        return 0;
    for (size_t j = 0; j < p->numel; j++)
        (*out)[j] = at(slab, p->dtype, p->offset + j);
    return p->numel;
}

/* ---------------------------------------------------------------- names */

static void add_columns(const struct metrics *metrics, const char *prefix, void (*add)(void *context, const char *name),
                        void *context) {
    char name[256];
    for (size_t k = 0; metrics && k < metrics_count(metrics); k++) {
        snprintf(name, sizeof name, "%s%s", prefix, metrics_name(metrics, k));
        add(context, name);
    }
}

static int is_column(const char *name) {
    static const char *const prefixes[] = {"train_loss_", "train_metric_", "val", "test"};
    for (int k = 0; k < 4; k++)
        if (!strncmp(name, prefixes[k], strlen(prefixes[k])))
            return 1;
    return 0;
}

struct columns {
    const struct trainer *trainer;
    void (*add)(void *context, const char *name);
    void *context;
};

static int add_unlogged(void *given, const char *name) {
    const struct columns *columns = given;
    double value;
    if (!trainer_metric(columns->trainer, name, &value))
        columns->add(columns->context, name);
    return 0;
}

void trainer_columns(const struct trainer *trainer, void (*add)(void *context, const char *name), void *context) {
    char prefix[64];
    add_columns(trainer->evaluation.loss, "train_loss_step/", add, context);
    add_columns(trainer->evaluation.loss, "train_loss_epoch/", add, context);
    add_columns(trainer->evaluation.train_metrics, "train_metric_step/", add, context);
    add_columns(trainer->evaluation.train_metrics, "train_metric_epoch/", add, context);
    for (size_t k = 0; k < trainer->evaluation.nval; k++) {
        snprintf(prefix, sizeof prefix, "val%zu_epoch/", k);
        add_columns(trainer->evaluation.val_metrics[k], prefix, add, context);
    }
    for (size_t k = 0; k < trainer->evaluation.ntest; k++) {
        snprintf(prefix, sizeof prefix, "test%zu_epoch/", k);
        add_columns(trainer->evaluation.test_metrics[k], prefix, add, context);
    }
    for (size_t k = 0; k < trainer->log.history.count; k++)
        if (!is_column(trainer->log.history.names[k]))
            add(context, trainer->log.history.names[k]);
    struct columns columns = {trainer, add, context};
    callbacks_logs(&trainer->callbacks, &(struct callback_scope){.optimizer = trainer->optimizer.kind,
                                                                 .groups = trainer->optimizer.groups.count,
                                                                 .loss = trainer->evaluation.loss,
                                                                 .scheduler = trainer->schedule.name,
                                                                 .add = add_unlogged,
                                                                 .context = &columns});
}
