/* OnExceptionCheckpoint: a checkpoint where the run is interrupted or ends with an error. */
#include <string.h>
#include <unistd.h>

#include "train/callback/callback_kinds.h"
#include "train/callback/kept.h"
#include "train/run/checkpoint.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"

struct exception_options {
    const char *dirpath, *filename;
};

static const struct option options[] = {
    {"dirpath", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct exception_options, dirpath), NULL, "folder"},
    {"filename", OPTION_STRING, 0, "on_exception", offsetof(struct exception_options, filename), NULL,
     "name without ending"},
};

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct exception_options *how = given;
    if (kept_name_is_below(how->filename))
        return 0;
    return config_error(config_get(config, "filename"), error, ERROR_VALUE,
                        "filename is a name below dirpath: it is not empty, does not begin with /, and has no .. and "
                        "no control characters in it");
}

static int exception(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct exception_options *how = callback->options;
    char path[PATH_MAX];
    int ours = 1;
    if (!trainer_output(trainer) || run_is_aside(trainer))
        return 0;
    int code = kept_path(how->dirpath, how->filename, path, error);
    if (!code && !access(path, F_OK) && !(code = run_claim_wrote(trainer, path, &ours, NULL, error)) && !ours)
        code = error_set(error, ERROR_STATE, "OnExceptionCheckpoint: %s is not this run's: it stays", path);
    if (!code)
        code = run_folder_prepare(trainer, path, error);
    if (!code && !(code = checkpoint_write(trainer, path, error)))
        trainer_tell(trainer, EVENT_CHECKPOINT, "%s", path);
    return code;
}

/* Nothing has gone wrong. */
static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    const struct exception_options *how = callback->options;
    (void)error;
    if (moment == MOMENT_TRAIN_END && trainer_output(trainer) && !run_is_aside(trainer))
        kept_remove(trainer, how->dirpath, how->filename);
    return 0;
}

const struct callback_kind callback_on_exception = {
    .target = {"lightning.pytorch.callbacks.OnExceptionCheckpoint", "on_exception_checkpoint"},
    .help = "keeps a checkpoint where the run is interrupted or ends with an error",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct exception_options),
    .writes_checkpoints = 1,
    .is_last = 1,
    .check = check,
    .exception = exception,
    .judge = judge,
};
