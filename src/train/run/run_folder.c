/* The folder of a run: what it leaves, whatever the config says. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "train/run/audit.h"
#include "train/run/callback.h"
#include "train/run/checkpoint.h"
#include "train/run/csv_log.h"
#include "train/run/cursor.h"
#include "train/run/loggers.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

static int write_config(const struct trainer *trainer, const char *name, const struct config *config,
                        struct error *error) {
    struct file_writer *writer;
    struct text text = {0};
    char path[PATH_MAX];
    config_write_yaml(config_root(config), &text);
    int code = text.failed ? error_memory(error) : file_join(trainer->folder.path, name, path, error);
    if (!code && !(code = file_writer_open_own(&writer, path, error))) {
        if (text.size)
            fwrite(text.data, 1, text.size, file_writer_stream(writer));
        code = file_writer_commit(writer, error);
    }
    text_free(&text);
    return code;
}

int run_folder_is_fresh(const struct trainer *trainer) {
    return trainer->folder.fresh;
}

int run_folder_went_back(const struct trainer *trainer) {
    return trainer->folder.went_back;
}

int run_folder_is_source(const struct trainer *trainer, const char *path) {
    struct error place = {0};
    config_error(config_root(trainer->configs.given), &place, ERROR_VALUE, "%s", ""); /* for the name of the file */
    return *place.file && file_same(place.file, path);
}

int run_folder_open(struct trainer *trainer, int resumed, struct error *error) {
    char path[PATH_MAX];
    if (!trainer->folder.path)
        return 0;
    int64_t from = resumed ? cursor_of(trainer)->stepped : trainer->folder.replaces ? 0 : -1;
    int code = run_claim_replace(trainer, error);
    if (!code)
        code = file_join(trainer->folder.path, "config.yaml", path, error);
    if (!code && !run_folder_is_source(trainer, path))
        code = write_config(trainer, "config.yaml", trainer->configs.given, error);
    if (!code)
        code = write_config(trainer, "resolved.yaml", trainer->configs.resolved, error);
    if (!code && !trainer->options.fast_dev_run &&
        !(code = file_join(trainer->folder.path, "metrics.csv", path, error)))
        code = csv_log_open(&trainer->log.csv, path, resumed ? cursor_of(trainer)->rows : -1, error);
    if (!code && !trainer->options.fast_dev_run)
        code = loggers_open(trainer, from, error);
    if (!code && !(code = file_join(trainer->folder.path, "run.log", path, error)) &&
        !(trainer->log.file = file_append_stream(path)))
        code = error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno));
    return code ? code : audit_write(trainer, error);
}

static int allows(const struct trainer *trainer, const char *path, struct error *error) {
    if (!trainer->folder.confined || (trainer->folder.path && file_is_below(path, trainer->folder.path)))
        return 0;
    return error_set(error, ERROR_STATE,
                     "%s is not written: it lies outside of the run's folder, and a session file whose folder is not "
                     "trusted (`trust`) has the run go on; `continue` writes it",
                     path);
}

int run_folder_prepare(struct trainer *trainer, const char *path, struct error *error) {
    char above[4096];
    int code = allows(trainer, path, error);
    if (code)
        return code;
    if (snprintf(above, sizeof above, "%s", path) >= (int)sizeof above)
        return error_set(error, ERROR_IO, "the path %.60s... is too long", path);
    char *slash = strrchr(above, '/');
    if (!slash || slash == above)
        return 0;
    *slash = 0;
    return file_make_directories(above, error);
}

void run_folder_close(struct trainer *trainer) {
    if (trainer->log.file)
        fclose(trainer->log.file);
    trainer->log.file = NULL;
    loggers_close(trainer);
    csv_log_free(trainer->log.csv);
    trainer->log.csv = NULL;
}

void run_folder_note(struct trainer *trainer, const char *text) {
    char when[32];
    struct tm parts;
    time_t now = time(NULL);
    if (!trainer->log.file || trainer->position.aside || !localtime_r(&now, &parts))
        return;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    struct text shown = {0};
    text_add_shown(&shown, text, strlen(text));
    fprintf(trainer->log.file, "%s  %s\n", when, shown.data ? shown.data : "");
    fflush(trainer->log.file); /* a log that cannot be written does not end a training */
    text_free(&shown);
}

void trainer_confine(struct trainer *trainer, int on) {
    trainer->folder.confined = on;
}

static int rows_wait(const struct trainer *trainer) {
    return trainer->log.csv && !trainer->position.aside && csv_log_waits(trainer->log.csv);
}

uint64_t run_folder_mark(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    const int64_t place[] = {cursor->accepted, cursor->step, cursor->epochs};
    const char *audit = trainer_audit(trainer);
    return hash_bytes(hash_bytes(0, place, sizeof place), audit, strlen(audit));
}

static int write_last(struct trainer *trainer, struct error *error) {
    char path[PATH_MAX];
    if (!trainer->folder.path || trainer->position.aside)
        return 0;
    double start = clock_seconds();
    int code = file_join(trainer->folder.path, "last.safetensors", path, error);
    if (!code)
        code = checkpoint_write(trainer, path, error);
    if (!code) {
        trainer->folder.kept = run_folder_mark(trainer);
        trainer->folder.keeps = 1;
    }
    trainer->folder.saved = clock_seconds();
    trainer->folder.saving = trainer->folder.saved - start;
    return code;
}

/* A fast_dev_run only tries whether all works: nothing of it is kept, unless somebody asks for that. */
int run_folder_last(struct trainer *trainer, struct error *error) {
    if (!trainer->options.fast_dev_run)
        return write_last(trainer, error);
    if (!trainer->position.aside)
        trainer->folder.kept = run_folder_mark(trainer);
    return 0;
}

static int finish(struct trainer *trainer, int code, struct error *error) {
    return !code && rows_wait(trainer) ? csv_log_write(trainer->log.csv, error) : code;
}

int run_folder_end(struct trainer *trainer, struct error *error) {
    return finish(trainer, run_folder_last(trainer, error), error);
}

int trainer_unkept(const struct trainer *trainer) {
    char path[PATH_MAX];
    int lost =
        trainer->folder.keeps && !file_join(trainer->folder.path, "last.safetensors", path, NULL) && !file_exists(path);
    return lost || rows_wait(trainer) || run_folder_mark(trainer) != trainer->folder.kept;
}

int trainer_exception(struct trainer *trainer, struct error *error) {
    return trainer->position.open ? 0 : callbacks_exception(trainer, error);
}

int trainer_keep(struct trainer *trainer, struct error *error) {
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, before saving");
    return finish(trainer, write_last(trainer, error), error);
}
