/* ModelCheckpoint, by Lightning's definitions; files are safetensors.
 *
 * What it has kept stands in its books, a text that belongs to the state: names are those of files below dirpath, so
 * that a folder can be moved or copied with its run.  Only files that the books name, and that are checkpoints of this
 * run, are ever replaced or removed; whatever else has a name that is wanted keeps it. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/trainer_internal.h"

struct keep_options {
    const char *monitor, *mode, *dirpath, *filename;
    const struct config_node *save_last, *at_epoch_end, *by_steps, *by_time, *every_n_epochs;
    int64_t save_top_k;
    int auto_insert, versions;
};

struct keep {
    struct variable *books;
    int told; /* that the metric is missing */
};

static const char ending[] = ".safetensors", alias[] = "callback.model_checkpoint.", in_output[] = "<output>";

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
    {"save_weights_only", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; everything is kept"},
    {"save_on_train_epoch_end", OPTION_NODE, 0, NULL, offsetof(struct keep_options, at_epoch_end), NULL,
     "judge at the end of an epoch, not of a validation; null: as validation comes"},
    {"enable_version_counter", OPTION_BOOL, 0, "true", offsetof(struct keep_options, versions), NULL,
     "a name that is taken gets -v1, -v2, ...; false: the run's own file of that name is replaced"},
    {"every_n_train_steps", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_steps), NULL,
     "null only: checkpoints are kept by epochs"},
    {"train_time_interval", OPTION_NODE, 0, NULL, offsetof(struct keep_options, by_time), NULL,
     "null only: checkpoints are kept by epochs"},
    {"save_on_exception", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; it has no meaning here"},
};

static const char *monitor(const void *given) {
    return ((const struct keep_options *)given)->monitor;
}

/* A name of a file below a folder: no way out of it, nothing that a terminal would obey. */
static int is_below(const char *name) {
    if (!*name || *name == '/')
        return 0;
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
            return 0;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return 0;
    return 1;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct keep_options *how = given;
    const struct config_node *other = config_kind(how->by_steps) == CONFIG_NULL ? how->by_time : how->by_steps;
    if (config_kind(other) != CONFIG_NULL && !(config_is_number(other) && config_float(other) == 0))
        return config_error(other, error, ERROR_VALUE, "checkpoints are kept by epochs: use every_n_epochs");
    if (config_kind(how->every_n_epochs) != CONFIG_NULL &&
        (config_kind(how->every_n_epochs) != CONFIG_INT || config_int(how->every_n_epochs) < 0))
        return config_error(how->every_n_epochs, error, ERROR_VALUE,
                            "every_n_epochs: a whole number of 0 or more is expected, or null");
    if (how->save_top_k < -1)
        return config_error(config_get(config, "save_top_k"), error, ERROR_VALUE, "must be -1 or more");
    if (!how->monitor && how->save_top_k > 1)
        return config_error(config, error, ERROR_VALUE, "save_top_k: %lld needs a monitor to judge by",
                            (long long)how->save_top_k);
    if (how->filename && *how->filename && !is_below(how->filename))
        return config_error(config_get(config, "filename"), error, ERROR_VALUE,
                            "filename is a name below dirpath: it does not begin with /, and has no .. and no control "
                            "characters in it");
    for (const char *c = how->dirpath ? how->dirpath : ""; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return config_error(config_get(config, "dirpath"), error, ERROR_VALUE,
                                "dirpath has a control character in it");
    return 0;
}

static const struct config_node *at_epoch_end(const void *given) {
    return ((const struct keep_options *)given)->at_epoch_end;
}

/* ---------------------------------------------------------------- the books */

/* As lines: "place FOLDER", "best NAME", "last NAME", "gone NAME" (it has made room for the checkpoint that is being
 * written, and is removed after that), "kept SCORE NAME" from the oldest on.  Names are without their ending. */
struct entry {
    double score;
    const char *name;
};

struct books {
    const char *place, *best, *last, *gone; /* "": none */
    struct entry *kept;
    size_t count;
    char *text; /* what the names point into */
};

static void books_free(struct books *books) {
    free(books->kept);
    free(books->text);
    *books = (struct books){0};
}

static int books_bad(const char *line, struct error *error) {
    return error_set(error, ERROR_DATA,
                     "the checkpoint's books of ModelCheckpoint have a line that cannot be: '%.100s'", line);
}

static int is_kept(const struct books *books, const char *name) {
    for (size_t k = 0; k < books->count; k++)
        if (!strcmp(books->kept[k].name, name))
            return 1;
    return 0;
}

static int books_line(struct books *books, char *line, struct error *error) {
    struct {
        const char *key;
        const char **to;
    } keys[] = {{"best ", &books->best}, {"last ", &books->last}, {"gone ", &books->gone}};
    if (!strncmp(line, "place ", 6)) {
        books->place = line + 6;
        return 0;
    }
    for (int k = 0; k < 3; k++)
        if (!strncmp(line, keys[k].key, 5) && is_below(line + 5)) {
            *keys[k].to = line + 5;
            return 0;
        }
    char *name = strncmp(line, "kept ", 5) ? NULL : strchr(line + 5, ' ');
    if (!name || !is_below(name + 1) || is_kept(books, name + 1))
        return books_bad(line, error);
    double score = text_to_double(line + 5, (size_t)(name - line) - 5);
    struct entry *more = isnan(score) ? NULL : realloc(books->kept, (books->count + 1) * sizeof *more);
    if (!more)
        return isnan(score) ? books_bad(line, error) : error_set(error, ERROR_MEMORY, "out of memory");
    books->kept = more;
    books->kept[books->count++] = (struct entry){score, name + 1};
    return 0;
}

static int books_parse(struct books *books, const char *text, size_t size, struct error *error) {
    *books = (struct books){.place = "", .best = "", .last = "", .gone = "", .text = malloc(size + 1)};
    if (!books->text)
        return error_set(error, ERROR_MEMORY, "out of memory");
    if (size)
        memcpy(books->text, text, size);
    books->text[size] = 0;
    int code =
        strlen(books->text) == size && (!size || books->text[size - 1] == '\n') ? 0 : books_bad(books->text, error);
    for (char *line = books->text, *end; !code && *line && (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        code = books_line(books, line, error);
    }
    if (!code && *books->best && !is_kept(books, books->best))
        code = books_bad(books->best, error);
    if (code)
        books_free(books);
    return code;
}

static int books_read(struct books *books, const struct keep *keep, struct error *error) {
    return books_parse(books, keep->books->data, keep->books->count, error);
}

static int put_text(struct trainer *trainer, struct keep *keep, const char *data, size_t size, struct error *error) {
    int code = state_resize(trainer->state, keep->books, size, error);
    if (!code && size)
        memcpy(keep->books->data, data, size);
    return code;
}

static int books_write(const struct books *books, struct trainer *trainer, struct keep *keep, struct error *error) {
    struct text text = {0};
    char number[32];
    text_format(&text, "place %s\n", books->place);
    if (*books->best)
        text_format(&text, "best %s\n", books->best);
    if (*books->last)
        text_format(&text, "last %s\n", books->last);
    if (*books->gone)
        text_format(&text, "gone %s\n", books->gone);
    for (size_t k = 0; k < books->count; k++)
        text_format(&text, "kept %s %s\n", text_double(number, books->kept[k].score), books->kept[k].name);
    int code = text.failed ? error_set(error, ERROR_MEMORY, "out of memory")
                           : put_text(trainer, keep, text.data, text.size, error);
    text_free(&text);
    return code;
}

/* ---------------------------------------------------------------- places */

static void folder_of(const struct callback *callback, const struct trainer *trainer, char out[PATH_MAX]) {
    const struct keep_options *how = callback->options;
    const char *root = trainer->options.default_root_dir;
    if (how->dirpath && *how->dirpath)
        snprintf(out, PATH_MAX, "%s", how->dirpath);
    else
        snprintf(out, PATH_MAX, "%s/checkpoints", root && *root ? root : trainer->output ? trainer->output : ".");
}

/* The folder as the books have it: one in the run's folder moves with it. */
static void place_of(const struct trainer *trainer, const char *folder, char out[PATH_MAX]) {
    if (trainer->output && run_claim_has(trainer, folder))
        snprintf(out, PATH_MAX, "%s%s", in_output, folder + strlen(trainer->output));
    else
        snprintf(out, PATH_MAX, "%s", folder);
}

static int path_of(const char *folder, const char *name, char path[PATH_MAX], struct error *error) {
    int n = snprintf(path, PATH_MAX, "%s/%s%s", folder, name, ending);
    return n < PATH_MAX ? 0 : error_set(error, ERROR_IO, "the name of a checkpoint is too long: %.300s", name);
}

void model_checkpoint_each(const struct safetensors *file, const char *output,
                           void (*call)(void *context, const char *path), void *context) {
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *tensor = safetensors_at(file, k);
        struct books books;
        char folder[PATH_MAX], path[PATH_MAX];
        if (strncmp(tensor->name, "state.", 6) || strncmp(tensor->name + 6, alias, sizeof alias - 1) ||
            !text_ends_with(tensor->name, ".books") || books_parse(&books, tensor->data, tensor->size, NULL))
            continue;
        size_t inside = strncmp(books.place, in_output, sizeof in_output - 1) ? 0 : sizeof in_output - 1;
        snprintf(folder, sizeof folder, "%s%s", inside ? output : "", books.place + inside);
        for (size_t j = 0; j < books.count + 2; j++) {
            const char *name = j < books.count ? books.kept[j].name : j == books.count ? books.last : books.gone;
            if (*name && !path_of(folder, name, path, NULL))
                call(context, path);
        }
        books_free(&books);
    }
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    char name[96], folder[PATH_MAX];
    snprintf(name, sizeof name, "%sbooks", callback->prefix);
    keep->books = state_add(trainer->state, name, STATE_U8, 0, 0, error);
    if (!keep->books)
        return ERROR_MEMORY;
    folder_of(callback, trainer, folder);
    return trainer_trains(trainer) ? run_claim_also(trainer, folder, error) : 0;
}

const char *model_checkpoint_best(const struct callback *callback, const struct trainer *trainer) {
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
    folder_of(callback, trainer, folder);
    /* of those that are still there, should somebody have removed the best */
    for (size_t k = 0; k < books.count; k++) {
        const struct entry *entry = &books.kept[k];
        int better =
            !how->monitor || isnan(score) || (strcmp(how->mode, "max") ? entry->score < score : entry->score > score);
        if (better && !path_of(folder, entry->name, path, NULL) && !access(path, R_OK)) {
            best = entry->name;
            score = entry->score;
        }
    }
    if (!*best || path_of(folder, best, path, NULL))
        *path = 0;
    books_free(&books);
    return path;
}

/* ---------------------------------------------------------------- files */

static void remove_ours(const struct trainer *trainer, const char *folder, const char *name) {
    char path[PATH_MAX];
    struct stat a, b;
    int ours;
    if (path_of(folder, name, path, NULL) || run_claim_wrote(trainer, path, &ours, NULL, NULL) || !ours)
        return;
    if (trainer->resume && !stat(path, &a) && !stat(trainer->resume, &b) && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return; /* what was asked for by name stays */
    unlink(path);
}

/* Whether another ModelCheckpoint of this run has kept a file of that name there. */
static int find_others(const struct callback *callback, const struct trainer *trainer, const char *folder,
                       const char *name, int *found, struct error *error) {
    *found = 0;
    for (int k = 0; !*found && k < trainer->callbacks.count; k++) {
        const struct callback *other = &trainer->callbacks.list[k];
        struct books books;
        char theirs[PATH_MAX];
        if (other == callback || other->kind != callback->kind)
            continue;
        folder_of(other, trainer, theirs);
        if (strcmp(folder, theirs))
            continue;
        int code = books_read(&books, other->own, error);
        if (code)
            return code;
        *found = is_kept(&books, name) || !strcmp(name, books.last);
        books_free(&books);
    }
    return 0;
}

/* Whether a file of that name must stay.  replaces: a name of the books that the new file takes the place of ("":
 * none). A run that went back finds files of its own that it is going to write again. */
static int find_taken(const struct callback *callback, const struct trainer *trainer, const struct books *books,
                      const char *folder, const char *name, const char *replaces, int *taken, struct error *error) {
    const struct keep_options *how = callback->options;
    char path[PATH_MAX];
    struct stat status;
    int64_t batches = 0;
    int ours, replaced = !strcmp(name, replaces), code = path_of(folder, name, path, error);
    *taken = 0;
    if (code)
        return code;
    if (lstat(path, &status)) {
        *taken = how->versions && !replaced && is_kept(books, name);
        return 0;
    }
    if (S_ISLNK(status.st_mode) && !strcmp(name, books->last) && replaced)
        return 0; /* our link */
    if ((code = run_claim_wrote(trainer, path, &ours, &batches, error)))
        return code;
    if (!ours)
        *taken = 1;
    else if (!replaced && how->versions)
        *taken = is_kept(books, name) || !trainer->went_back || batches < cursor_of(trainer)->accepted;
    return *taken || replaced || !how->versions ? 0 : find_others(callback, trainer, folder, name, taken, error);
}

/* The name, or with the first number behind it that is not taken. */
static int free_name(const struct callback *callback, const struct trainer *trainer, const struct books *books,
                     const char *folder, const char *name, const char *replaces, struct text *out,
                     struct error *error) {
    int taken = 1, code = 0;
    text_add(out, name);
    for (int version = 1; !code && !out->failed; version++) {
        code = find_taken(callback, trainer, books, folder, out->data, replaces, &taken, error);
        if (code || !taken)
            break;
        text_clear(out);
        text_format(out, "%s-v%d", name, version);
    }
    return out->failed ? error_set(error, ERROR_MEMORY, "out of memory") : code;
}

/* {epoch}, {step}, {val0_epoch/weighted_sum}, with a format as in {epoch:02d} or {loss:.3f}. */
static void file_name(const struct callback *callback, const struct trainer *trainer, struct text *out) {
    const struct keep_options *how = callback->options;
    const char *p = how->filename && *how->filename ? how->filename : "{epoch}-{step}";
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

static int save_to(struct trainer *trainer, const char *folder, const char *name, char path[PATH_MAX],
                   struct error *error) {
    int code = path_of(folder, name, path, error);
    if (!code)
        code = run_folder_prepare(trainer, path, error);
    if (!code)
        code = run_claim_also(trainer, folder, error);
    return code ? code : checkpoint_write(trainer, path, error);
}

/* last as a link beside the file it points to. */
static int link_to(struct trainer *trainer, const char *folder, const char *name, const char *last,
                   struct error *error) {
    char path[PATH_MAX], target[PATH_MAX], above[PATH_MAX] = "";
    int code = path_of(folder, last, path, error);
    if (!code)
        code = run_folder_prepare(trainer, path, error);
    if (code)
        return code;
    for (const char *c = last; *c; c++)
        if (*c == '/' && strlen(above) + 4 < sizeof above)
            strcat(above, "../");
    if (snprintf(target, sizeof target, "%s%s%s", above, name, ending) >= (int)sizeof target)
        return error_set(error, ERROR_IO, "the name of a checkpoint is too long: %.300s", name);
    if (unlink(path) && errno != ENOENT)
        return error_set(error, error_of_system(errno), "cannot replace %s: %s", path, strerror(errno));
    return symlink(target, path)
               ? error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno))
               : 0;
}

/* ---------------------------------------------------------------- judging */

static int better(double a, double b, int is_max) {
    return is_max ? a > b : a < b;
}

static size_t worst_of(const struct books *books, int is_max) {
    size_t worst = 0;
    for (size_t k = 1; k < books->count; k++)
        if (better(books->kept[worst].score, books->kept[k].score, is_max))
            worst = k;
    return worst;
}

static int add_entry(struct books *books, double score, const char *name, struct error *error) {
    for (size_t k = 0; k < books->count; k++)
        if (!strcmp(books->kept[k].name, name)) { /* replaced without a version */
            books->kept[k].score = score;
            return 0;
        }
    struct entry *more = realloc(books->kept, (books->count + 1) * sizeof *more);
    if (!more)
        return error_set(error, ERROR_MEMORY, "out of memory");
    books->kept = more;
    books->kept[books->count++] = (struct entry){score, name};
    return 0;
}

static void drop_entry(struct books *books, size_t k) {
    memmove(books->kept + k, books->kept + k + 1, (books->count - k - 1) * sizeof *books->kept);
    books->count--;
}

/* Writes a checkpoint with these books in it; where that fails the state's are as they were. */
static int save_with(struct trainer *trainer, struct keep *keep, const struct books *books, const char *folder,
                     const char *name, char path[PATH_MAX], struct error *error) {
    size_t size = keep->books->count;
    char *before = malloc(size + 1);
    if (!before)
        return error_set(error, ERROR_MEMORY, "out of memory");
    memcpy(before, keep->books->data, size);
    int code = books_write(books, trainer, keep, error);
    if (!code && (code = save_to(trainer, folder, name, path, error))) {
        struct error second = {0};
        put_text(trainer, keep, before, size, &second);
    }
    free(before);
    return code;
}

/* Among the best, or the newest; *saved: its name in `name`. */
static int save_best(struct callback *callback, struct trainer *trainer, struct books *books, const char *folder,
                     double score, struct text *name, int *saved, struct error *error) {
    const struct keep_options *how = callback->options;
    int is_max = !strcmp(how->mode, "max"), full = how->save_top_k > 0 && books->count >= (size_t)how->save_top_k;
    size_t worst = worst_of(books, is_max), best = 0;
    struct text wanted = {0};
    char path[PATH_MAX];
    if (how->save_top_k == 0 || (full && how->monitor && !better(score, books->kept[worst].score, is_max)))
        return 0;
    const char *gone = full ? books->kept[worst].name : "";
    file_name(callback, trainer, &wanted);
    int code = wanted.failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
    if (!code && !is_below(wanted.data ? wanted.data : ""))
        code = error_set(error, ERROR_VALUE, "ModelCheckpoint: '%.200s' is no name of a file below dirpath",
                         wanted.data ? wanted.data : "");
    if (!code)
        code = free_name(callback, trainer, books, folder, wanted.data, gone, name, error);
    text_free(&wanted);
    if (code)
        return code;
    if (full)
        drop_entry(books, worst);
    if ((code = add_entry(books, score, name->data, error)))
        return code;
    for (size_t k = 1; k < books->count; k++)
        if (better(books->kept[k].score, books->kept[best].score, is_max))
            best = k;
    books->best = how->monitor ? books->kept[best].name : name->data;
    books->gone = *gone && strcmp(gone, name->data) ? gone : "";
    if ((code = save_with(trainer, callback->own, books, folder, name->data, path, error)))
        return code;
    if (*books->gone)
        remove_ours(trainer, folder, books->gone);
    books->gone = "";
    *saved = 1;
    trainer_tell(trainer, EVENT_CHECKPOINT, "%s", path);
    return books_write(books, trainer, callback->own, error);
}

static int save_last(struct callback *callback, struct trainer *trainer, struct books *books, const char *folder,
                     const char *saved, struct error *error) {
    const struct keep_options *how = callback->options;
    int linked = *saved && !strcmp(config_text(how->save_last), "link");
    struct text name = {0};
    struct stat status;
    char path[PATH_MAX];
    const char *before = books->last;
    int code = free_name(callback, trainer, books, folder, "last", before, &name, error);
    if (!code)
        code = path_of(folder, name.data, path, error);
    if (!code) {
        books->last = name.data;
        if (!linked && !lstat(path, &status) && S_ISLNK(status.st_mode))
            unlink(path); /* it was a link: what it points to stays */
        if (linked && !(code = link_to(trainer, folder, saved, name.data, error)))
            code = books_write(books, trainer, callback->own, error);
        else if (!linked)
            code = save_with(trainer, callback->own, books, folder, name.data, path, error);
    }
    if (!code && *before && strcmp(before, name.data))
        remove_ours(trainer, folder, before);
    text_free(&name);
    return code;
}

static int judge(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    const struct keep_options *how = callback->options;
    const struct cursor *cursor = cursor_of(trainer);
    const struct config_node *every = how->every_n_epochs;
    int64_t epochs = config_kind(every) == CONFIG_INT ? config_int(every) : 1;
    char folder[PATH_MAX], place[PATH_MAX];
    struct books books;
    struct text name = {0};
    double score = 0;
    int saved = 0;
    if (!trainer->output || trainer->aside || epochs < 1 || (cursor->epoch + 1) % epochs)
        return 0;
    if (how->monitor && !trainer_metric(trainer, how->monitor, &score)) {
        if (cursor->validated && !keep->told++)
            trainer_tell(trainer, EVENT_NOTICE, "ModelCheckpoint keeps nothing: '%s' has not been logged",
                         how->monitor);
        return 0;
    }
    if (how->monitor && isnan(score))
        score = strcmp(how->mode, "max") ? INFINITY : -INFINITY;
    int code = books_read(&books, keep, error);
    if (code)
        return code;
    folder_of(callback, trainer, folder);
    place_of(trainer, folder, place);
    books.place = place;
    code = save_best(callback, trainer, &books, folder, score, &name, &saved, error);
    int last = config_bool(how->save_last) || !strcmp(config_text(how->save_last), "link");
    if (!code && last && (saved || how->save_top_k == 0))
        code = save_last(callback, trainer, &books, folder, saved ? name.data : "", error);
    text_free(&name);
    books_free(&books);
    return code;
}

/* The books go on where the files are: in the folder of then, or in a copy of the run's folder. */
static int resumed(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct keep *keep = callback->own;
    char folder[PATH_MAX], place[PATH_MAX];
    struct books books;
    int code = books_read(&books, keep, error);
    if (code || !trainer->output)
        goto out;
    folder_of(callback, trainer, folder);
    place_of(trainer, folder, place);
    int moved = strcmp(books.place, place) || (trainer->fresh && run_claim_has(trainer, folder));
    if (*books.place && moved) {
        if (books.count)
            trainer_tell(trainer, EVENT_NOTICE,
                         "ModelCheckpoint begins its books anew in %s: the %zu that the run had kept are in another "
                         "folder%s%s%s, and stay there",
                         folder, books.count, strcmp(books.place, place) ? " (" : "",
                         strcmp(books.place, place) ? books.place : "", strcmp(books.place, place) ? ")" : "");
        code = put_text(trainer, keep, "", 0, error);
    } else if (*books.gone) {
        remove_ours(trainer, folder, books.gone); /* a kill came before that */
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
    .check = check,
    .open = open_callback,
    .resumed = resumed,
    .judge = judge,
    .at_epoch_end = at_epoch_end,
};
