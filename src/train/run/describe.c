/* What the parts of a run are at, in words. */
#include <math.h>
#include <string.h>

#include "train/core/state.h"
#include "train/run/composition.h"
#include "train/run/describe.h"
#include "train/run/schedule.h"
#include "train/run/trainer_internal.h"
#include "train/run/update.h"
#include "train/scheduler/scheduler.h"

const char *trainer_described(const struct trainer *trainer, size_t k) {
    if (trainer->optimizer.kind && !k--)
        return "optimizer";
    if (trainer->schedule.scheduler && !k--)
        return "scheduler";
    return k < (size_t)trainer->composition.nlayers ? trainer->composition.layers[k].kind->name : NULL;
}

double optimizer_norm(const struct trainer *trainer, int slot) {
    struct variable *const *parts = trainer->optimizer.slot[slot];
    double sum = 0;
    for (int d = 0; d < DTYPE_COUNT; d++)
        for (size_t k = 0; k < parts[d]->count; k++) {
            double x = d == F32 ? (double)((const float *)parts[d]->data)[k] : ((const double *)parts[d]->data)[k];
            sum += x * x;
        }
    return sqrt(sum);
}

static void describe_optimizer(const struct trainer *trainer, struct text *out) {
    const struct optimizer *optimizer = &trainer->optimizer;
    const double *lr = optimizer->lr->data;
    text_format(out, "%s: %lld steps, lr %.6g (%.6g at the start)\n", optimizer->kind->target.target,
                (long long)*(int64_t *)optimizer->step->data, lr[0], lr[1]);
    for (int g = 1; g < optimizer->groups.count; g++)
        text_format(out, "  lr.pg%-15d %.6g (%.6g at the start)\n", g + 1, lr[2 * g], lr[2 * g + 1]);
    for (int s = 0; s < optimizer->slots; s++)
        text_format(out, "  %-20s norm %.6g\n", optimizer->kind->slot_names[s], optimizer_norm(trainer, s));
    const struct config_node *config = config_find(config_root(trainer->configs.resolved), "training_module.optimizer");
    for (size_t k = 0; k < config_count(config); k++)
        if (strcmp(config_key(config, k), "_target_") && strcmp(config_key(config, k), "lr")) {
            text_format(out, "  %-20s ", config_key(config, k));
            config_write_json(config_at(config, k), out);
            text_add(out, "\n");
        }
}

static void describe_scheduler(const struct trainer *trainer, struct text *out) {
    const struct schedule *schedule = &trainer->schedule;
    scheduler_describe(schedule->scheduler, out);
    if (out->size && out->data[out->size - 1] != '\n')
        text_add(out, "\n");
    text_format(out, "  steps every %s%lld %s%s%s\n", "", (long long)schedule->frequency,
                schedule->by_step ? "batches" : "epochs", schedule->monitor ? ", watches " : "",
                schedule->monitor ? schedule->monitor : "");
}

static void describe_layer(const struct layer *layer, struct text *out) {
    char number[32];
    text_format(out, "%s:\n", layer->kind->name);
    for (size_t k = 0; k < layer->kind->nsettings; k++) {
        const struct layer_setting *setting = &layer->kind->settings[k];
        if (!setting->each)
            text_format(out, "  %-24s %s\n", setting->name, text_double(number, setting->get(layer)));
    }
}

int trainer_describe(const struct trainer *trainer, const char *what, struct text *out, struct error *error) {
    if (!strcmp(what, "optimizer") && trainer->optimizer.kind)
        describe_optimizer(trainer, out);
    else if (!strcmp(what, "scheduler") && trainer->schedule.scheduler)
        describe_scheduler(trainer, out);
    else
        for (int l = 0;; l++) {
            if (l == trainer->composition.nlayers)
                return error_set(error, ERROR_STATE, "this run has no %s; it trains with %s", what,
                                 trainer->composition.kind->target.target);
            const struct layer *layer = &trainer->composition.layers[l];
            if (strcmp(what, layer->kind->name))
                continue;
            if (layer->kind->describe)
                layer->kind->describe(layer, out);
            else
                describe_layer(layer, out);
            break;
        }
    return out->failed ? error_memory(error) : 0;
}
