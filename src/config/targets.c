/* The names that a `_target_` may have in Python: the packages offer a class in one place and define it in another,
 * and either way of writing it is the same class. */
#include "config/options.h"

#include <stdio.h>
#include <string.h>

/* Where a package offers classes, and its modules that define them (NequIP 0.19, Lightning 2.6, PyTorch 2.15). */
static const struct {
    const char *package, *modules;
} offers[] = {
    {"torch.optim",
     "_adafactor _muon adadelta adagrad adam adamax adamw asgd lbfgs nadam radam rmsprop rprop sgd sparse_adam"},
    {"torch.utils.data", "dataloader dataset distributed sampler"},
    {"lightning.pytorch", "trainer trainer.trainer"},
    {"lightning.pytorch.callbacks",
     "batch_size_finder callback checkpoint device_stats_monitor early_stopping finetuning "
     "gradient_accumulation_scheduler lambda_function lr_finder lr_monitor model_checkpoint model_summary "
     "on_exception_checkpoint prediction_writer progress progress.progress_bar progress.rich_progress "
     "progress.tqdm_progress pruning rich_model_summary spike stochastic_weight_avg throughput_monitor timer "
     "weight_averaging"},
    {"lightning.pytorch.loggers", "comet csv_logs litlogger logger mlflow tensorboard wandb"},
    {"nequip.data", "_sampler modifier stats stats_manager"},
    {"nequip.data.datamodule",
     "_3bpa_datamodule _ase_datamodule _base_datamodule coll_datamodule md22_datamodule rmd17_datamodule "
     "samd23_datamodule sgdml_datamodule tm23_datamodule water_datamodule"},
    {"nequip.data.dataset", "ase_dataset base_datasets hdf5_dataset lmdb_dataset npz_dataset test_data utils"},
    {"nequip.data.transforms", "cell_utils dataset neighborlist stress_utils type_mapper"},
    {"nequip.model", "modify_utils nequip_models pair_potential param_groups saved_models saved_models.checkpoint "
                     "saved_models.load_utils saved_models.package utils"},
    {"nequip.train", "config ema lightning metrics metrics_manager muon schedulefree simple_ddp"},
    {"nequip.train.callbacks",
     "loss_coeff_monitor loss_coeff_scheduler profiler softadapt tf32_scheduler training_stats wandb_watch write_xyz"},
};

/* Lightning is installed under two names. */
static const char other_lightning[] = "pytorch_lightning.", lightning[] = "lightning.pytorch.";

static int lists(const char *modules, const char *module, size_t size) {
    while (*modules) {
        size_t length = strcspn(modules, " ");
        if (length == size && !strncmp(modules, module, size))
            return 1;
        modules += length + (modules[length] == ' ');
    }
    return 0;
}

const char *options_public_name(const char *name, char *out, size_t size) {
    int other = !strncmp(name, other_lightning, sizeof other_lightning - 1);
    if (snprintf(out, size, "%s%s", other ? lightning : "", other ? name + sizeof other_lightning - 1 : name) >=
        (int)size)
        return name;
    char *class = strrchr(out, '.');
    for (size_t k = 0; class && k < sizeof offers / sizeof *offers; k++) {
        size_t length = strlen(offers[k].package);
        if (strncmp(out, offers[k].package, length) || out[length] != '.' || class <= out + length)
            continue;
        const char *module = out + length + 1;
        if (!lists(offers[k].modules, module, (size_t)(class - module)))
            continue;
        memmove(out + length, class, strlen(class) + 1);
        break;
    }
    return out;
}

int options_is_target(const char *name, const struct option_target *target) {
    char public[256];
    return !strcmp(name, target->target) || (target->alias && !strcmp(name, target->alias)) ||
           !strcmp(options_public_name(name, public, sizeof public), target->target);
}

int options_absent(const struct config_node *map, const struct option_absent *absent, size_t count,
                   struct error *error) {
    const struct config_node *node = config_get(map, "_target_");
    char name[256];
    const char *public = options_public_name(config_text(node), name, sizeof name);
    for (size_t k = 0; k < count; k++) {
        size_t size = strlen(absent[k].target);
        if (!strncmp(public, absent[k].target, size) && (absent[k].target[size - 1] == '.' || !public[size]))
            return config_error(node, error, ERROR_NAME, "\"%.120s\": %s", config_text(node), absent[k].why);
    }
    return 0;
}
