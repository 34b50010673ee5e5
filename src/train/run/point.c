/* Points in a run's time to go back to: copies of all that belongs to the state. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "train/core/state.h"
#include "train/run/audit.h"
#include "train/run/csv_log.h"
#include "train/run/loggers.h"
#include "train/run/logging.h"
#include "train/run/point.h"
#include "train/run/retool.h"
#include "train/run/run_folder.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

struct trainer_point {
    struct snapshot *state;
    struct log_history history;
    int64_t accepted;
    int tools; /* which training module and optimizer there were */
    double seconds;
    char *rows; /* metrics.csv as it was, unless that is long: a point may be returned to from before it */
};

enum { LONG_FILE = 1 << 20 };

static char *metrics_path(const struct trainer *trainer) {
    char *path = NULL;
    return trainer->folder.path && trainer->log.csv && asprintf(&path, "%s/metrics.csv", trainer->folder.path) >= 0
               ? path
               : NULL;
}

static char *read_rows(const struct trainer *trainer) {
    char *path = metrics_path(trainer), *rows = NULL;
    struct error ignored = {0};
    struct stat status;
    size_t size;
    if (path && !stat(path, &status) && status.st_size <= LONG_FILE && file_read(path, &rows, &size, &ignored))
        rows = NULL;
    free(path);
    return rows;
}

static int copy_history(struct log_history *to, const struct log_history *from) {
    *to = (struct log_history){.names = calloc(from->count + 1, sizeof *to->names),
                               .values = calloc(from->count + 1, sizeof *to->values),
                               .capacity = from->count + 1};
    if (!to->names || !to->values)
        return -1;
    for (; to->count < from->count; to->count++) {
        if (!(to->names[to->count] = strdup(from->names[to->count])))
            return -1;
        to->values[to->count] = from->values[to->count];
    }
    return 0;
}

void trainer_point_free(struct trainer_point *point) {
    if (!point)
        return;
    snapshot_free(point->state);
    history_free(&point->history);
    free(point->rows);
    free(point);
}

int trainer_point_new(struct trainer_point **out, struct trainer *trainer, struct error *error) {
    *out = NULL;
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, first");
    struct trainer_point *point = calloc(1, sizeof *point);
    if (point) {
        point->state = state_save(trainer->state);
        point->accepted = cursor_of(trainer)->accepted;
        point->tools = trainer->configs.exchanges;
        point->seconds = trainer_seconds(trainer);
        point->rows = read_rows(trainer);
    }
    if (!point || !point->state || copy_history(&point->history, &trainer->log.history)) {
        trainer_point_free(point);
        return error_set(error, ERROR_MEMORY, "out of memory for a copy of the state");
    }
    *out = point;
    return 0;
}

int64_t trainer_point_batch(const struct trainer_point *point) {
    return point->accepted;
}

size_t trainer_point_size(const struct trainer_point *point) {
    return snapshot_size(point->state);
}

size_t trainer_point_metrics(const struct trainer_point *point) {
    return point->history.count;
}

const char *trainer_point_metric_name(const struct trainer_point *point, size_t k) {
    return point->history.names[k];
}

int trainer_point_metric(const struct trainer_point *point, const char *name, double *value) {
    for (size_t k = 0; k < point->history.count; k++)
        if (!strcmp(point->history.names[k], name)) {
            *value = point->history.values[k];
            return 1;
        }
    return 0;
}

const void *point_weights(const struct trainer_point *point, enum dtype dtype) {
    return snapshot_data(point->state, dtype == F32 ? "model.f32" : "model.f64");
}

int64_t trainer_accepted(const struct trainer *trainer) {
    return cursor_of(trainer)->accepted;
}

int point_go_to(struct trainer *trainer, const struct trainer_point *point, struct error *error) {
    struct log_history history;
    int code;
    trainer_abandon(trainer);
    if (copy_history(&history, &point->history)) {
        history_free(&history);
        return error_memory(error);
    }
    if (point->tools != trainer->configs.exchanges) {
        /* another training module or optimizer since: the parts of then come back first */
        if ((code = retool_to(trainer, trainer->configs.before[point->tools], error))) {
            history_free(&history);
            return code;
        }
    }
    if ((code = state_restore(trainer->state, point->state, error))) {
        history_free(&history);
        return code;
    }
    /* the last gradient was another batch's; there is no last step either, as after a resume */
    for (int d = 0; d < DTYPE_COUNT; d++)
        memset(trainer->weights.grads[d], 0,
               model_slab_size(trainer->model, (enum dtype)d) * dtype_size((enum dtype)d));
    history_free(&trainer->log.history);
    trainer->log.history = history;
    trainer->position.seconds = point->seconds;
    if (trainer->position.started > 0)
        trainer->position.started = clock_seconds();
    trainer_sync(trainer);
    log_drop(trainer);
    trainer->callbacks.failed = 0;
    trainer->audit.replay_at = NULL;
    trainer->folder.went_back |= !trainer->position.aside;
    return 0;
}

static int write_rows(const char *path, const char *rows, struct error *error) {
    struct file_writer *writer;
    int code = file_writer_open_own(&writer, path, error);
    if (code)
        return code;
    fputs(rows, file_writer_stream(writer));
    return file_writer_commit(writer, error);
}

/* metrics.csv and audit.log as they were: cut back, or, where a later point is returned to, with its rows again. */
static int restore_files(struct trainer *trainer, const struct trainer_point *point, struct error *error) {
    char *path = metrics_path(trainer);
    int64_t have = trainer->log.csv ? csv_log_rows(trainer->log.csv) : 0, want = cursor_of(trainer)->rows;
    int code = 0;
    if (path && have > want) {
        code = csv_log_cut(trainer->log.csv, want, error);
    } else if (path && have < want) {
        struct csv_log *log;
        if (point->rows)
            code = write_rows(path, point->rows, error);
        if (!code && !(code = csv_log_open(&log, path, want, error))) {
            csv_log_free(trainer->log.csv);
            trainer->log.csv = log;
        }
    }
    if (path && !code)
        cursor_of(trainer)->rows = csv_log_rows(trainer->log.csv);
    if (!code)
        loggers_back(trainer);
    free(path);
    return code ? code : audit_write(trainer, error);
}

int trainer_point_return(struct trainer *trainer, const struct trainer_point *point, int64_t batch,
                         struct error *error) {
    struct trainer_point *now;
    enum phase done;
    size_t made;
    if (batch < point->accepted)
        return error_set(error, ERROR_STATE, "the copy of the state is of a later batch");
    trainer_abandon(trainer);
    int code = trainer_point_new(&now, trainer, error);
    if (code)
        return code;
    char *audit = strdup(trainer_audit(trainer));
    if (!audit)
        code = error_memory(error);
    if (!code && !(code = point_go_to(trainer, point, error)) && !(code = restore_files(trainer, point, error))) {
        made = strlen(trainer_audit(trainer));
        if (cursor_of(trainer)->accepted < batch && strlen(audit) > made)
            code = audit_replay_text(trainer, audit, made, error);
        while (!code && cursor_of(trainer)->accepted < batch && !trainer_done(trainer))
            if (trainer->position.open || !(code = interrupt_check(error)))
                code = trainer_advance(trainer, &done, error);
        /* what follows the last batch of an epoch belongs to it */
        while (!code && !trainer->position.open && !trainer_done(trainer) &&
               (trainer_phase(trainer) == PHASE_LOG || trainer_phase(trainer) == PHASE_VALIDATE ||
                trainer_phase(trainer) == PHASE_EPOCH_END || trainer_phase(trainer) == PHASE_CHECKPOINT) &&
               batch > point->accepted)
            code = trainer_advance(trainer, &done, error);
        trainer->audit.replay_at = NULL;
    }
    if (code) {
        struct error second = {0};
        if (!point_go_to(trainer, now, &second))
            restore_files(trainer, now, &second);
    } else {
        char text[96];
        snprintf(text, sizeof text, "back to batch %lld", (long long)batch);
        run_folder_note(trainer, text);
    }
    free(audit);
    trainer_point_free(now);
    return code;
}
