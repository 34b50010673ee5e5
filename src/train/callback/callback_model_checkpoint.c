/* ModelCheckpoint, by Lightning's definitions; files are safetensors.
 *
 * What it has kept stands in its books, a text that belongs to the state: names are those of files below dirpath, so
 * that a folder can be moved or copied with its run. */
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/print.h"
#include "train/callback/callback_kinds.h"
#include "train/callback/kept.h"
#include "train/core/duration.h"
#include "train/run/evaluate.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"

static const char alias[] = "callback.model_checkpoint.";

static const struct option options[] = {
    {"dirpath", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, dirpath), NULL, "folder"},
    {"filename", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, filename), NULL,
     "name without ending; {epoch}, {step} and {METRIC} are filled in"},
    {"monitor", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, monitor), NULL, "a metric"},
    {"mode", OPTION_STRING, 0, "min", offsetof(struct keep_options, mode), "min|max", "which way is better"},
    {"save_last", OPTION_NODE, 0, NULL, offsetof(struct keep_options, save_last), NULL,
     "keep the newest as last too; link: a link to it"},
    {"save_top_k", OPTION_INT, 0, "1", offsetof(struct keep_options, save_top_k), NULL,
     "how many of the best; -1: all"},
    {"every_n_epochs", OPTION_NODE, 0, NULL, offsetof(struct keep_options, every_n_epochs), NULL,
     "epochs between looks; null: 1; 0: never"},
    {"auto_insert_metric_name", OPTION_BOOL, 0, "true", offsetof(struct keep_options, auto_insert), NULL,
     "name=value in file names"},
    {"verbose", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; checkpoints are always told of"},
    {"save_weights_only", OPTION_BOOL, 0, "false", offsetof(struct keep_options, weights_only), NULL,
     "weights and averages alone: such a file is for testing and --init, no run goes on with it"},
    {"save_on_train_epoch_end", OPTION_NODE, 0, NULL, offsetof(struct keep_options, at_epoch_end), NULL,
     "judge at the end of an epoch, not of a validation; null: as validation comes"},
    {"enable_version_counter", OPTION_BOOL, 0, "true", offsetof(struct keep_options, versions), NULL,
     "a name that is taken gets -v1, -v2, ...; false: the run's own file of that name is replaced"},
    {"every_n_train_steps", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_steps), NULL,
     "optimizer steps between looks; null, 0: none; excludes the two others"},
    {"train_time_interval", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_time), NULL,
     "datetime.timedelta between looks, taken after batches; excludes the two others"},
    {"save_on_exception", OPTION_BOOL, 0, "false", offsetof(struct keep_options, on_exception), NULL,
     "keep a checkpoint where the run is interrupted, or ends with an error"},
};

static const char *monitor(const void *given) {
    return ((const struct keep_options *)given)->monitor;
}

static int rests(const void *given, const struct trainer_settings *how) {
    (void)given;
    (void)how;
    return 1;
}

/* A count that may be null; fallback where it is. */
static int64_t count_of(const struct config_node *node, int64_t fallback) {
    return config_kind(node) == CONFIG_INT ? config_int(node) : fallback;
}

static int64_t steps_between(const struct keep_options *how) {
    return count_of(how->by_steps, 0);
}

/* Where nothing else says when, each epoch is looked at. */
static int64_t epochs_between(const struct keep_options *how) {
    int others = config_kind(how->by_steps) != CONFIG_NULL || how->seconds >= 0;
    return count_of(how->every_n_epochs, others ? 0 : 1);
}

static int check_count(const struct config_node *node, const char *name, struct error *error) {
    if (config_kind(node) == CONFIG_NULL || (config_kind(node) == CONFIG_INT && config_int(node) >= 0))
        return 0;
    return config_error(node, error, ERROR_VALUE, "%s: a whole number of 0 or more is expected, or null", name);
}

/* When it looks. */
static int check_times(struct keep_options *how, const struct config_node *config, struct error *error) {
    int code = check_count(how->every_n_epochs, "every_n_epochs", error);
    how->seconds = -1;
    if (!code)
        code = check_count(how->by_steps, "every_n_train_steps", error);
    if (code)
        return code;
    if (config_kind(how->by_time) != CONFIG_NULL) {
        if (config_kind(how->by_time) != CONFIG_MAP || !config_get(how->by_time, "_target_"))
            return config_error(how->by_time, error, ERROR_TYPE,
                                "a datetime.timedelta is expected, as in {_target_: datetime.timedelta, minutes: 30}");
        if ((code = duration_read(how->by_time, "train_time_interval", &how->seconds, error)))
            return code;
    }
    if ((steps_between(how) > 0) + (epochs_between(how) > 0) + (how->seconds >= 0) > 1)
        return config_error(config, error, ERROR_VALUE,
                            "every_n_train_steps, train_time_interval and every_n_epochs exclude each other: a second "
                            "ModelCheckpoint can have another of them");
    const struct config_node *at_end = how->at_epoch_end;
    if (config_kind(at_end) != CONFIG_NULL && config_kind(at_end) != CONFIG_BOOL)
        return config_error(at_end, error, ERROR_TYPE, "true, false or null is expected, not %s",
                            config_kind_name(at_end));
    return 0;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    struct keep_options *how = (struct keep_options *)given;
    const struct config_node *last = how->save_last;
    int code = check_times(how, config, error);
    if (code)
        return code;
    if (config_kind(last) != CONFIG_NULL && config_kind(last) != CONFIG_BOOL && strcmp(config_text(last), "link") != 0)
        return config_error(last, error, ERROR_VALUE, "true, false, null or link is expected, not '%.60s'",
                            config_text(last));
    if (how->save_top_k < -1)
        return config_error(config_get(config, "save_top_k"), error, ERROR_VALUE, "must be -1 or more");
    if (!how->monitor && how->save_top_k > 1)
        return config_error(config, error, ERROR_VALUE, "save_top_k: %lld needs a monitor to judge by",
                            (long long)how->save_top_k);
    if (how->filename && *how->filename && !kept_name_is_below(how->filename))
        return config_error(config_get(config, "filename"), error, ERROR_VALUE,
                            "filename is a name below dirpath: it does not begin with /, and has no .. and no control "
                            "characters in it");
    for (const char *c = how->dirpath ? how->dirpath : ""; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return config_error(config_get(config, "dirpath"), error, ERROR_VALUE,
                                "dirpath has a control character in it");
    return kept_name_check(how->filename, config_get(config, "filename"), error);
}

static void each_kept(const struct safetensors *file, const char *output, void (*call)(void *context, const char *path),
                      void *context) {
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *tensor = safetensors_at(file, k);
        struct books books;
        char folder[PATH_MAX], path[PATH_MAX];
        if (strncmp(tensor->name, "state.", 6) || strncmp(tensor->name + 6, alias, sizeof alias - 1) ||
            !text_ends_with(tensor->name, ".books") || books_parse(&books, tensor->data, tensor->size, NULL))
            continue;
        size_t inside = strncmp(books.place, "<output>", 8) ? 0 : 8; /* kept_place */
        snprintf(folder, sizeof folder, "%s%s", inside ? output : "", books.place + inside);
        for (size_t j = 0; j < books.count + 2; j++) {
            const char *name = j < books.count ? books.kept[j].name : j == books.count ? books.last : books.gone;
            if (*name && !kept_path(folder, name, path, NULL))
                call(context, path);
        }
        books_free(&books);
    }
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    char name[96], folder[PATH_MAX];
    snprintf(name, sizeof name, "%sbooks", callback->prefix);
    keep->books = state_add(trainer_state(trainer), name, STATE_U8, 0, 0, error);
    if (!keep->books)
        return ERROR_MEMORY;
    kept_folder(callback, trainer, folder);
    return trainer_trains(trainer) ? run_claim_also(trainer, folder, error) : 0;
}

static const char *best_kept(const struct callback *callback, const struct trainer *trainer) {
    static _Thread_local char path[PATH_MAX];
    const struct keep_options *how = callback->options;
    const struct keep *keep = callback->own;
    const char *best = "";
    char folder[PATH_MAX];
    struct books books;
    double score = NAN;
    *path = 0;
    if (books_read(&books, keep, NULL))
        return path;
    kept_folder(callback, trainer, folder);
    /* of those that are still there, should somebody have removed the best */
    for (size_t k = 0; k < books.count; k++) {
        const struct kept_entry *entry = &books.kept[k];
        int better = !how->monitor || isnan(score) || books_better(entry->score, score, !strcmp(how->mode, "max"));
        if (better && !kept_path(folder, entry->name, path, NULL) && !access(path, R_OK)) {
            best = entry->name;
            score = entry->score;
        }
    }
    if (!*best || kept_path(folder, best, path, NULL))
        *path = 0;
    books_free(&books);
    return path;
}

/* ---------------------------------------------------------------- whether there will be a best */

__attribute__((format(printf, 3, 4))) static int keeps_no_best(const struct callback *callback, struct error *error,
                                                               const char *format, ...) {
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    print_to_v(why, sizeof why, format, arguments);
    va_end(arguments);
    return config_error(callback->config, error, ERROR_VALUE, "%s, which keeps none: %s", callbacks_best_wanted, why);
}

static int check_options(const struct callback *callback, struct error *error) {
    const struct keep_options *how = callback->options;
    if (how->save_top_k == 0)
        return keeps_no_best(callback, error, "save_top_k is 0");
    if (!epochs_between(how) && !steps_between(how) && how->seconds < 0)
        return keeps_no_best(callback, error, "every_n_epochs is 0, and nothing else says when");
    return 0;
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    double multiple = (double)(a / x) * (double)b;
    return multiple < 0x1p62 ? a / x * b : INT64_MAX;
}

/* Where nothing is validated, there is no later moment. */
static int keeps_at_epoch_end(const struct keep_options *how, const struct trainer *trainer) {
    int left_open = config_kind(how->at_epoch_end) != CONFIG_BOOL;
    const struct trainer_settings *settings = run_settings(trainer);
    return callbacks_judge_at_epoch_end(settings, how->at_epoch_end) ||
           (left_open && settings->check_val_every_n_epoch == 1 && !evaluate_has_batches(trainer));
}

static int check_reached(const struct callback *callback, const struct trainer *trainer, struct error *error) {
    const struct keep_options *how = callback->options;
    double most_epochs = run_limit(trainer, LENGTH_EPOCHS), most_steps = run_limit(trainer, LENGTH_STEPS);
    double batches = (double)trainer_batches(trainer);
    most_epochs = most_epochs < 0 ? INFINITY : most_epochs;
    most_steps = most_steps < 0 ? INFINITY : most_steps;
    /* each epoch has a step, and each step a batch */
    if (most_epochs * batches < most_steps)
        most_steps = most_epochs * batches;
    if (most_steps < most_epochs)
        most_epochs = most_steps;
    int64_t epochs = epochs_between(how), steps = steps_between(how);
    if (steps > 0 && (double)steps > most_steps)
        return keeps_no_best(callback, error, "its looks are %lld steps apart, and the run has %.0f at most",
                             (long long)steps, most_steps);
    int64_t validated = run_settings(trainer)->check_val_every_n_epoch;
    if (epochs > 0 && validated > 1 && !keeps_at_epoch_end(how, trainer))
        epochs = common_multiple(epochs, validated);
    if (epochs > 0 && (double)epochs > most_epochs)
        return keeps_no_best(callback, error, "its looks are %lld epochs apart, and the run has %.0f at most",
                             (long long)epochs, most_epochs);
    return 0;
}

static int check_best(const struct callback *callback, const struct trainer *trainer, struct error *error) {
    return trainer ? check_reached(callback, trainer, error) : check_options(callback, error);
}

/* ---------------------------------------------------------------- keeping */

/* What is being decided: the books, and where files go. */
struct keeping {
    struct callback *callback;
    struct trainer *trainer;
    struct books books;
    char folder[PATH_MAX], place[PATH_MAX];
};

static int keeping_begin(struct keeping *k, struct callback *callback, struct trainer *trainer, struct error *error) {
    k->callback = callback;
    k->trainer = trainer;
    kept_folder(callback, trainer, k->folder);
    kept_place(trainer, k->folder, k->place);
    int code = books_read(&k->books, callback->own, error);
    k->books.place = code ? NULL : k->place;
    return code;
}

static int is_max(const struct keep_options *how) {
    return !strcmp(how->mode, "max");
}

/* "epoch" and "step" are what is counted, whatever was logged. */
static int find_score(const struct keep_options *how, const struct trainer *trainer, double *score) {
    const struct cursor *cursor = run_cursor(trainer);
    *score = 0;
    if (how->monitor && !strcmp(how->monitor, "epoch"))
        *score = (double)cursor->epoch;
    else if (how->monitor && !strcmp(how->monitor, "step"))
        *score = (double)cursor->step;
    else if (how->monitor && !trainer_metric(trainer, how->monitor, score))
        return 0;
    if (isnan(*score))
        *score = is_max(how) ? -INFINITY : INFINITY;
    return 1;
}

/* Among the best, or the newest; *saved: it was. */
static int save_best(struct keeping *k, double score, int *saved, struct error *error) {
    const struct keep_options *how = k->callback->options;
    struct books *books = &k->books;
    int full = how->save_top_k > 0 && books->count >= (size_t)how->save_top_k;
    size_t worst = books_worst(books, is_max(how));
    struct text wanted = {0}, name = {0};
    char path[PATH_MAX];
    if (how->save_top_k == 0 || (full && how->monitor && !books_better(score, books->kept[worst].score, is_max(how))))
        return 0;
    /* without a monitor a name that is no other takes the place of the one before, as many as are to be kept */
    const char *replaces = !how->monitor ? books->best : full ? books->kept[worst].name : "";
    const char *gone = full ? books->kept[worst].name : "";
    int code = kept_name(k->trainer, how->filename, how->auto_insert, &wanted, error);
    if (!code)
        code = kept_free_name(k->callback, k->trainer, books, k->folder, wanted.data, replaces, &name, error);
    if (!code && full)
        books_drop(books, worst);
    if (!code)
        code = books_add(books, score, name.data, error);
    if (code)
        goto out;
    books->best = how->monitor ? books->kept[books_best(books, is_max(how))].name : name.data;
    books->gone = *gone && strcmp(gone, name.data) ? gone : "";
    if ((code = kept_save(k->callback, k->trainer, books, k->folder, name.data, path, error)))
        goto out;
    if (*books->gone)
        kept_remove(k->trainer, k->folder, books->gone);
    books->gone = "";
    *saved = 1;
    trainer_tell(k->trainer, EVENT_CHECKPOINT, "%s", path);
    code = books_write(books, k->trainer, k->callback->own, error);
out:
    text_free(&wanted);
    text_free(&name);
    return code;
}

static int keeps_last(const struct keep_options *how) {
    return config_bool(how->save_last) || !strcmp(config_text(how->save_last), "link");
}

/* The newest under the name last: written once more, or a link to it. */
static int save_last(struct keeping *k, struct error *error) {
    const struct keep_options *how = k->callback->options;
    struct books *books = &k->books;
    int links = !strcmp(config_text(how->save_last), "link") && *books->newest && how->save_top_k != 0;
    struct text name = {0};
    struct stat status;
    char path[PATH_MAX];
    const char *before = books->last;
    if (!keeps_last(how))
        return 0;
    int code = kept_free_name(k->callback, k->trainer, books, k->folder, "last", before, &name, error);
    if (!code)
        code = kept_path(k->folder, name.data, path, error);
    if (!code) {
        books->last = name.data;
        if (!links && !lstat(path, &status) && S_ISLNK(status.st_mode))
            unlink(path); /* it was a link: what it points to stays */
        if (links && !(code = kept_link(k->trainer, k->folder, books->newest, name.data, error)))
            code = books_write(books, k->trainer, k->callback->own, error);
        else if (!links)
            code = kept_save(k->callback, k->trainer, books, k->folder, name.data, path, error);
    }
    if (!code && *before && strcmp(before, name.data))
        kept_remove(k->trainer, k->folder, before);
    text_free(&name);
    return code;
}

/* always: last is brought up to date whether there is something new among the best or not. */
static int keep_now(struct keeping *keeping, int always, struct error *error) {
    const struct keep_options *how = keeping->callback->options;
    struct trainer *trainer = keeping->trainer;
    struct keep *keep = keeping->callback->own;
    double score;
    int saved = 0, code = 0;
    if (find_score(how, trainer, &score))
        code = save_best(keeping, score, &saved, error);
    else if (run_cursor(trainer)->validated && !keep->told++)
        trainer_tell(trainer, EVENT_NOTICE, "ModelCheckpoint keeps nothing: '%s' has not been logged", how->monitor);
    if (code || !(saved || always))
        return code;
    /* names of the books point into what was written before */
    struct keeping again;
    if ((code = keeping_begin(&again, keeping->callback, trainer, error)))
        return code;
    code = save_last(&again, error);
    books_free(&again.books);
    return code;
}

/* ---------------------------------------------------------------- times */

static int set_deferred(struct keeping *k, int on, struct error *error) {
    if (k->books.deferred == on)
        return 0;
    k->books.deferred = on;
    return books_write(&k->books, k->trainer, k->callback->own, error);
}

/* Whether it is time after a batch. */
static int is_due(const struct keep_options *how, struct keep *keep, const struct trainer *trainer) {
    int64_t every = steps_between(how);
    int due = every > 0 && run_cursor(trainer)->step % every == 0;
    if (how->seconds >= 0) {
        double now = clock_seconds();
        if (keep->checked <= 0)
            keep->checked = run_started(trainer);
        if (now - keep->checked >= how->seconds) {
            keep->checked = now;
            due = 1;
        }
    }
    return due;
}

static int validation_follows(const struct trainer *trainer) {
    const struct cursor *cursor = run_cursor(trainer);
    int64_t epochs = run_settings(trainer)->check_val_every_n_epoch;
    return cursor->batch + 1 >= trainer_batches(trainer) && evaluate_has_batches(trainer) &&
           (!epochs || (cursor->epoch + 1) % epochs == 0);
}

/* A metric of the last validation would be an old one where the next is about to come. */
static int after_batch(struct keeping *k, int at_epoch_end, struct error *error) {
    const struct keep_options *how = k->callback->options;
    double score;
    if (!find_score(how, k->trainer, &score) || (how->monitor && !at_epoch_end && validation_follows(k->trainer)))
        return set_deferred(k, 1, error);
    return k->books.step == run_cursor(k->trainer)->step ? 0 : keep_now(k, 1, error);
}

static int after_validation(struct keeping *k, struct error *error) {
    int64_t epochs = epochs_between(k->callback->options);
    if (!k->books.deferred)
        return epochs > 0 && (run_cursor(k->trainer)->epoch + 1) % epochs == 0 ? keep_now(k, 0, error) : 0;
    int code = set_deferred(k, 0, error);
    return code ? code : keep_now(k, 1, error);
}

static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    const struct keep_options *how = callback->options;
    int at_epoch_end = keeps_at_epoch_end(how, trainer);
    int64_t epochs = epochs_between(how);
    struct keeping k;
    if (!trainer_output(trainer) || run_is_aside(trainer) ||
        (moment == MOMENT_BATCH && !is_due(how, callback->own, trainer)))
        return 0;
    int code = keeping_begin(&k, callback, trainer, error);
    if (code)
        return code;
    int done = k.books.step == run_cursor(trainer)->step; /* nothing has changed since */
    switch (moment) {
    case MOMENT_BATCH:
        code = after_batch(&k, at_epoch_end, error);
        break;
    case MOMENT_VALIDATION:
        code = done || at_epoch_end ? 0 : after_validation(&k, error);
        break;
    case MOMENT_EPOCH:
        if (!done && at_epoch_end && epochs > 0 && (run_cursor(trainer)->epoch + 1) % epochs == 0)
            code = keep_now(&k, 0, error);
        break;
    case MOMENT_TRAIN_END:
        code = *k.books.newest ? 0 : save_last(&k, error);
        break;
    }
    books_free(&k.books);
    return code;
}

static int exception(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct keep_options *how = callback->options;
    struct text wanted = {0}, name = {0};
    char path[PATH_MAX];
    struct keeping k;
    if (!how->on_exception || !trainer_output(trainer) || run_is_aside(trainer) || run_settings(trainer)->fast_dev_run)
        return 0;
    int code = keeping_begin(&k, callback, trainer, error);
    if (code || k.books.step == run_cursor(trainer)->step)
        goto out;
    if (!(code = kept_name(trainer, how->filename, how->auto_insert, &wanted, error)) &&
        !(code = kept_free_name(callback, trainer, &k.books, k.folder, wanted.data, wanted.data, &name, error)))
        code = kept_save(callback, trainer, &k.books, k.folder, name.data, path, error);
    if (!code) {
        trainer_tell(trainer, EVENT_CHECKPOINT, "%s", path);
        code = save_last(&k, error);
    }
out:
    text_free(&wanted);
    text_free(&name);
    if (k.books.text)
        books_free(&k.books);
    return code;
}

/* The books go on where the files are: in the folder of then, or in a copy of the run's folder. */
static int resumed(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    char folder[PATH_MAX], place[PATH_MAX];
    struct books books;
    int code = books_read(&books, keep, error);
    if (code || !trainer_output(trainer))
        goto out;
    kept_folder(callback, trainer, folder);
    kept_place(trainer, folder, place);
    int moved = strcmp(books.place, place) || (run_folder_is_fresh(trainer) && run_claim_has(trainer, folder));
    if (*books.place && moved) {
        if (books.count)
            trainer_tell(trainer, EVENT_NOTICE,
                         "ModelCheckpoint begins its books anew in %s: the %zu that the run had kept are in another "
                         "folder%s%s%s, and stay there",
                         folder, books.count, strcmp(books.place, place) ? " (" : "",
                         strcmp(books.place, place) ? books.place : "", strcmp(books.place, place) ? ")" : "");
        code = books_clear(trainer, keep, error);
    } else if (*books.gone) {
        kept_remove(trainer, folder, books.gone); /* a kill came before that */
        books.gone = "";
        code = books_write(&books, trainer, keep, error);
    }
out:
    if (books.text)
        books_free(&books);
    return code;
}

const struct callback_kind callback_model_checkpoint = {
    .target = {"lightning.pytorch.callbacks.ModelCheckpoint", "model_checkpoint"},
    .help = "keeps the best checkpoints",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct keep_options),
    .private_size = sizeof(struct keep),
    .monitor = monitor,
    .rests = rests,
    .watches_counts = 1,
    .writes_checkpoints = 1,
    .is_last = 1,
    .check = check,
    .open = open_callback,
    .resumed = resumed,
    .judge = judge,
    .exception = exception,
    .best = best_kept,
    .check_best = check_best,
    .each_kept = each_kept,
};
