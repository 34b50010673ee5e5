#include "session/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"

static const double redraw_seconds = 0.1;
enum { MAX_FOLDERS = 1000 };

/* Batches since training began, whatever accumulation makes of them. */
static int64_t batches_done(const struct trainer *trainer) {
    return trainer_epoch_now(trainer) * trainer_batches(trainer) + trainer_batch_now(trainer);
}

void progress_begin(struct progress *progress, const struct trainer *trainer) {
    progress->begin = clock_seconds();
    progress->drawn = 0;
    progress->first_step = trainer_global_step(trainer);
    progress->first_batch = batches_done(trainer);
}

int progress_due(struct progress *progress) {
    double time = clock_seconds();

    if (time - progress->drawn < redraw_seconds)
        return 0;
    progress->drawn = time;
    return 1;
}

/* The share of the way to the end that a batch makes; batches that are left, or NaN where nobody knows. */
static double batches_left(const struct trainer *trainer) {
    double left = NAN;
    int64_t epochs = trainer_max_epochs(trainer), steps = trainer_max_steps(trainer);

    if (epochs >= 0)
        left = (double)(epochs * trainer_batches(trainer) - batches_done(trainer));
    if (steps >= 0) {
        double by_steps = (double)(steps - trainer_global_step(trainer));
        left = isnan(left) || by_steps < left ? by_steps : left;
    }
    return left < 0 ? 0 : left;
}

static void add_time(struct text *out, double seconds) {
    long whole = seconds < 1e8 ? lround(seconds) : 0;

    text_format(out, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

static void add_epoch(const struct trainer *trainer, int64_t epoch, struct text *out) {
    text_format(out, "epoch %" PRId64, epoch);
    if (trainer_max_epochs(trainer) >= 0)
        text_format(out, "/%" PRId64, trainer_max_epochs(trainer));
}

void progress_line(const struct progress *progress, const struct trainer *trainer, struct text *out) {
    int64_t done = batches_done(trainer) - progress->first_batch;
    double loss, elapsed = clock_seconds() - progress->begin, left = batches_left(trainer);

    add_epoch(trainer, trainer_epoch_now(trainer) + 1, out);
    text_format(out, "  batch %" PRId64 "/%" PRId64, trainer_batch_now(trainer), trainer_batches(trainer));
    if (trainer_metric(trainer, "train_loss_step/weighted_sum", &loss))
        text_format(out, "  loss %.4g", loss);
    if (done > 0) {
        double each = elapsed / (double)done;
        text_format(out, "  %.3g ms/batch", 1e3 * each);
        if (!isnan(left)) {
            text_add(out, "  ");
            add_time(out, left * each);
            text_add(out, " left");
        }
    }
}

/* Of the many metrics of a validation set, those a person looks at first. */
static int is_headline(const char *name) {
    const char *slash = strchr(name, '/');

    if (strncmp(name, "val", 3) != 0 || !slash)
        return 0;
    return strcmp(slash, "/weighted_sum") == 0 || (strstr(slash, "_mae") && !strstr(slash, "/total_energy"));
}

void progress_epoch(const struct trainer *trainer, struct text *out) {
    double value;
    int shown = 0;

    add_epoch(trainer, trainer_epoch_now(trainer) + 1, out);
    text_format(out, "  step %" PRId64, trainer_global_step(trainer));
    if (trainer_metric(trainer, "train_loss_epoch/weighted_sum", &value))
        text_format(out, "  loss %.4g", value);
    for (size_t k = 0; k < trainer_metrics(trainer) && shown < 4; k++) {
        const char *name = trainer_metric_name(trainer, k);
        if (is_headline(name) && trainer_metric(trainer, name, &value)) {
            text_format(out, "  %s %.4g", name, value);
            shown++;
        }
    }
}

void progress_place(const struct trainer *trainer, struct text *out) {
    add_epoch(trainer, trainer_epoch_now(trainer) + 1, out);
    text_format(out, ", batch %" PRId64 "/%" PRId64 ", step %" PRId64, trainer_batch_now(trainer),
                trainer_batches(trainer), trainer_global_step(trainer));
}

int progress_default_output(char **out, const char *wanted, struct error *error) {
    char stamp[64];
    time_t seconds = time(NULL);
    struct tm local;

    *out = NULL;
    localtime_r(&seconds, &local);
    strftime(stamp, sizeof stamp, "outputs/%Y-%m-%d/%H-%M-%S", &local);
    wanted = wanted ? wanted : stamp;
    for (int k = 1; k < MAX_FOLDERS; k++) {
        char *path, *slash;
        if (asprintf(&path, k > 1 ? "%s-%d" : "%s", wanted, k) < 0)
            return error_memory(error);
        int code = 0;
        if ((slash = strrchr(path, '/'))) {
            *slash = 0;
            code = file_make_directories(path, error);
            *slash = '/';
        }
        if (!code && !mkdir(path, 0777)) {
            *out = path;
            return 0;
        }
        int why = errno; /* ENOENT: another has just removed the empty folder above */
        if (!code && why != EEXIST && why != ENOENT)
            code = error_set(error, error_of_system(why), "cannot make the folder %s: %s", path, strerror(why));
        free(path);
        if (code)
            return code;
    }
    return error_set(error, ERROR_IO, "there are %d folders %s already", MAX_FOLDERS - 1, wanted);
}

void progress_discard_output(const char *output) {
    static const char *const files[] = {"config.yaml", "resolved.yaml", "metrics.csv", "run.log"};
    char path[PATH_MAX];

    for (size_t k = 0; output && k < sizeof files / sizeof *files; k++)
        if (!file_join(output, files[k], path, NULL))
            unlink(path);
    if (output)
        file_remove_empty(output, 0);
}
