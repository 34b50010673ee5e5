/* Another model for the data of a run, built aside. */
#include "train/run/trainer.h"
#include "train/run/trainer_draft.h"
#include "train/run/trainer_internal.h"

const struct config *trainer_given(const struct trainer *trainer) {
    return trainer->configs.given;
}

int trainer_draft(const struct trainer *trainer, const struct config *config, struct model **out, struct error *error) {
    struct config *resolved = config_copy(config);
    struct config_context context = {.sections = trainer_sections,
                                     .output_dir = trainer->folder.path,
                                     .statistic = datamodule_statistic,
                                     .statistic_context = trainer->data};
    int code = resolved ? config_resolve(resolved, &context, error) : error_memory(error);
    *out = NULL;
    if (!code)
        code = trainer_check(config_root(resolved), error);
    if (!code)
        code = model_build(out, config_find(config_root(resolved), "training_module.model"), error);
    config_free(resolved);
    return code;
}
