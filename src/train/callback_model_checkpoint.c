/* ModelCheckpoint, by Lightning's definitions; files are safetensors. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/trainer_internal.h"

struct keep_options {
    const char *monitor, *mode, *dirpath, *filename;
    const struct config_node *save_last, *at_epoch_end, *by_steps, *by_time;
    int64_t save_top_k, every_n_epochs;
    int auto_insert;
};

enum { MOST_KEPT = 64, PATH = 1024 };

struct kept {
    double score;
    char path[PATH];
};

struct keep {
    struct variable *count, *kept, *best; /* kept: array of struct kept, as bytes; best: a path */
};

static const struct option options[] = {
    {"dirpath", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, dirpath), NULL, "folder"},
    {"filename", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, filename), NULL,
     "name without ending; {epoch}, {step} and {METRIC} are filled in"},
    {"monitor", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct keep_options, monitor), NULL, "a metric"},
    {"mode", OPTION_STRING, 0, "min", offsetof(struct keep_options, mode), "min|max", "which way is better"},
    {"save_last", OPTION_NODE, 0, NULL, offsetof(struct keep_options, save_last), NULL, "keep the newest as last too"},
    {"save_top_k", OPTION_INT, 0, "1", offsetof(struct keep_options, save_top_k), NULL,
     "how many of the best; -1: all"},
    {"every_n_epochs", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "1",
     offsetof(struct keep_options, every_n_epochs), NULL, "epochs between looks"},
    {"auto_insert_metric_name", OPTION_BOOL, 0, "true", offsetof(struct keep_options, auto_insert), NULL,
     "name=value in file names"},
    {"verbose", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; checkpoints are always told of"},
    {"save_weights_only", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; everything is kept"},
    {"save_on_train_epoch_end", OPTION_NODE, 0, NULL, offsetof(struct keep_options, at_epoch_end), NULL,
     "judge at the end of an epoch, not of a validation; null: as validation comes"},
    {"enable_version_counter", OPTION_BOOL, OPTION_IGNORED, "true", 0, NULL, "accepted; names are taken as they are"},
    {"every_n_train_steps", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_steps), NULL,
     "null only: checkpoints are kept by epochs"},
    {"train_time_interval", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_time), NULL,
     "null only: checkpoints are kept by epochs"},
    {"save_on_exception", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; it has no meaning here"},
};

static const char *monitor(const void *given) {
    return ((const struct keep_options *)given)->monitor;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct keep_options *how = given;
    const struct config_node *other = config_kind(how->by_steps) == CONFIG_NULL ? how->by_time : how->by_steps;
    if (config_kind(other) != CONFIG_NULL && !(config_is_number(other) && config_float(other) == 0))
        return config_error(other, error, ERROR_VALUE, "checkpoints are kept by epochs: use every_n_epochs");
    if (how->save_top_k < -1)
        return config_error(config_get(config, "save_top_k"), error, ERROR_VALUE, "must be -1 or more");
    if (!how->monitor && how->save_top_k > 1)
        return config_error(config, error, ERROR_VALUE, "save_top_k: %lld needs a monitor to judge by",
                            (long long)how->save_top_k);
    return 0;
}

static const struct config_node *at_epoch_end(const void *given) {
    return ((const struct keep_options *)given)->at_epoch_end;
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    struct {
        struct variable **out;
        const char *name;
        enum state_type type;
        size_t count;
    } variables[] = {{&keep->count, "count", STATE_I64, 1},
                     {&keep->kept, "kept", STATE_U8, MOST_KEPT * sizeof(struct kept)},
                     {&keep->best, "best", STATE_U8, PATH}};
    for (int k = 0; k < 3; k++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", callback->prefix, variables[k].name);
        *variables[k].out = state_add(trainer->state, name, variables[k].type, variables[k].count, 0, error);
        if (!*variables[k].out)
            return ERROR_MEMORY;
    }
    return 0;
}

const char *model_checkpoint_best(const struct callback *callback) {
    return ((const struct keep *)callback->own)->best->data;
}

/* {epoch}, {step}, {val0_epoch/weighted_sum}, with a format as in {epoch:02d} or {loss:.3f}. */
static void file_name(const struct callback *callback, const struct trainer *trainer, struct text *out) {
    const struct keep_options *how = callback->options;
    const char *p = how->filename ? how->filename : "{epoch}-{step}";
    for (; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            text_add_bytes(out, p, 1);
            continue;
        }
        char name[256], format[16] = "";
        size_t n = (size_t)(end - p) - 1;
        snprintf(name, sizeof name, "%.*s", (int)n, p + 1);
        char *colon = strrchr(name, ':');
        if (colon) {
            *colon = 0;
            snprintf(format, sizeof format, "%.15s", colon + 1);
        }
        p = end;
        if (how->auto_insert)
            text_format(out, "%s=", name);
        int width = 0, digits = 6, whole = !strcmp(name, "epoch") || !strcmp(name, "step");
        double value = 0;
        const char *f = format;
        int zeros = *f == '0';
        while (isdigit((unsigned char)*f) && width < 20)
            width = 10 * width + *f++ - '0';
        if (*f == '.')
            digits = atoi(f + 1) % 20;
        if (!strcmp(name, "epoch"))
            value = (double)cursor_of(trainer)->epoch;
        else if (!strcmp(name, "step"))
            value = (double)cursor_of(trainer)->step;
        else
            trainer_metric(trainer, name, &value);
        if (whole)
            text_format(out, zeros ? "%0*lld" : "%*lld", width, (long long)value);
        else if (*format)
            text_format(out, "%*.*f", width, digits, value);
        else {
            char number[32];
            text_add(out, text_double(number, value));
        }
    }
}

static int path_of(const struct callback *callback, const struct trainer *trainer, const char *name, char path[PATH],
                   struct error *error) {
    const struct keep_options *how = callback->options;
    const char *root = trainer->options.default_root_dir ? trainer->options.default_root_dir : trainer->output;
    int n = how->dirpath ? snprintf(path, PATH, "%s/%s.safetensors", how->dirpath, name)
                         : snprintf(path, PATH, "%s/checkpoints/%s.safetensors", root, name);
    return n < PATH ? 0 : error_set(error, ERROR_IO, "the name of a checkpoint is too long: %.300s", name);
}

static int save_to(struct trainer *trainer, const char *path, struct error *error) {
    char above[PATH];
    int code = run_folder_allows(trainer, path, error);
    if (code)
        return code;
    snprintf(above, sizeof above, "%s", path);
    *strrchr(above, '/') = 0;
    code = file_make_directories(above, error);
    return code ? code : checkpoint_write(trainer, path, error);
}

static int compare(double a, double b, int is_max) {
    return is_max ? a > b : a < b;
}

static int judge(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    const struct keep_options *how = callback->options;
    const struct cursor *cursor = cursor_of(trainer);
    struct kept *kept = keep->kept->data;
    int64_t *count = keep->count->data, most = how->save_top_k < 0 ? MOST_KEPT : how->save_top_k;
    int is_max = !strcmp(how->mode, "max"), code = 0, saved = 0;
    if (!trainer->output || trainer->aside || (how->every_n_epochs && (cursor->epoch + 1) % how->every_n_epochs))
        return 0;
    most = most > MOST_KEPT ? MOST_KEPT : most;
    double score = 0;
    if (how->monitor && !trainer_metric(trainer, how->monitor, &score))
        return cursor->validated
                   ? error_set(error, ERROR_NAME, "ModelCheckpoint watches '%s', which is not logged", how->monitor)
                   : 0;
    if (how->monitor && isnan(score))
        score = is_max ? -INFINITY : INFINITY;
    int64_t worst = 0;
    for (int64_t k = 1; k < *count; k++)
        if (compare(kept[worst].score, kept[k].score, is_max))
            worst = k;
    char path[PATH] = "";
    /* without a monitor the newest replaces the one before; with one it must be better than the worst that is kept */
    int better = most > 0 && (*count < most || !how->monitor || compare(score, kept[worst].score, is_max));
    if (better) {
        struct text name = {0};
        file_name(callback, trainer, &name);
        code = name.failed ? error_set(error, ERROR_MEMORY, "out of memory")
                           : path_of(callback, trainer, name.data ? name.data : "", path, error);
        text_free(&name);
        if (code)
            return code;
        /* the books first: the checkpoint holds them */
        int64_t place = *count < most ? *count : worst, count_before = *count, best = 0;
        struct kept before = kept[place];
        char best_before[PATH], dropped[PATH] = "";
        memcpy(best_before, keep->best->data, PATH);
        if (*count == most)
            memcpy(dropped, kept[place].path, PATH);
        kept[place].score = score;
        memcpy(kept[place].path, path, PATH);
        *count += *count < most;
        for (int64_t k = 1; k < *count; k++)
            if (compare(kept[k].score, kept[best].score, is_max))
                best = k;
        memcpy(keep->best->data, kept[how->monitor ? best : place].path, PATH);
        if ((code = save_to(trainer, path, error))) { /* as if nothing had been tried */
            kept[place] = before;
            *count = count_before;
            memcpy(keep->best->data, best_before, PATH);
            return code;
        }
        saved = 1;
        int still = 0;
        for (int64_t k = 0; k < *count; k++)
            still |= !strcmp(kept[k].path, dropped);
        if (*dropped && !still)
            unlink(dropped);
        trainer_tell(trainer, EVENT_CHECKPOINT, "%s", path);
    }
    int last = config_bool(how->save_last) || !strcmp(config_text(how->save_last), "link");
    if (last && (saved || most == 0) && !(code = path_of(callback, trainer, "last", path, error)))
        code = save_to(trainer, path, error);
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
    .check = check,
    .open = open_callback,
    .judge = judge,
    .at_epoch_end = at_epoch_end,
};
