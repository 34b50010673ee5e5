/* Whose a folder is: before a run writes anything it takes the lock of its folder, and makes sure that the folder holds
 * no results but its own. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/lock.h"
#include "train/run/callback.h"
#include "train/run/logging.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

static const char lock_file[] = "run.lock", last_file[] = "last.safetensors", metrics_file[] = "metrics.csv";

/* ---------------------------------------------------------------- folders and their locks */

/* Length of what is there of a path: folders below it are made, and go again where nothing was written. */
static size_t existing(const char *path) {
    char copy[PATH_MAX];
    size_t size = (size_t)snprintf(copy, sizeof copy, "%s", path);
    while (size && size < sizeof copy && !file_exists(copy)) {
        while (size && copy[size - 1] != '/')
            size--;
        while (size > 1 && copy[size - 1] == '/')
            size--;
        copy[size] = 0;
    }
    return size;
}

static int claim_folder(struct folder_claim *claim, const char *folder, const char *lock_path, const char *what,
                        int *own, struct error *error) {
    *claim = (struct folder_claim){.folder = strdup(folder), .existing = existing(folder)};
    if (!claim->folder)
        return error_memory(error);
    int code = file_make_directories(folder, error);
    return code ? code : lock_take(&claim->lock, lock_path, LOCK_BY_KERNEL, what, own, error);
}

static void release(struct folder_claim *claim) {
    lock_release(claim->lock);
    if (claim->folder)
        file_remove_empty(claim->folder, claim->existing);
    free(claim->folder);
    *claim = (struct folder_claim){0};
}

void run_claim_release(struct trainer *trainer) {
    while (trainer->folder.nclaims)
        release(&trainer->folder.claims[--trainer->folder.nclaims]);
    release(&trainer->folder.claim);
}

static int add_claim(struct trainer *trainer, const char *folder, const char *lock_path, const char *what,
                     struct error *error) {
    struct folder_claim claim;
    int own = 0;
    if (trainer->folder.nclaims == MAX_CLAIMS)
        return 0;
    int code = claim_folder(&claim, folder, lock_path, what, &own, error);
    if (code) {
        release(&claim);
        /* a run that this process will close, or this one: it is asked again when something is written */
        if (own && error)
            memset(error, 0, sizeof *error);
        return own ? 0 : code;
    }
    trainer->folder.claims[trainer->folder.nclaims++] = claim;
    return 0;
}

int run_claim_has(const struct trainer *trainer, const char *folder) {
    size_t size = trainer->folder.path ? strlen(trainer->folder.path) : 0;
    return size && !strncmp(folder, trainer->folder.path, size) && (folder[size] == '/' || !folder[size]);
}

static int has_claim(const struct trainer *trainer, const char *lock_path) {
    for (int k = 0; k < trainer->folder.nclaims; k++)
        if (!strcmp(lock_name(trainer->folder.claims[k].lock), lock_path))
            return 1;
    return 0;
}

int run_claim_also(struct trainer *trainer, const char *folder, struct error *error) {
    char lock_path[PATH_MAX];
    if (!trainer->folder.path || run_claim_has(trainer, folder))
        return 0;
    int code = file_join(folder, lock_file, lock_path, error);
    return code || has_claim(trainer, lock_path) ? code : add_claim(trainer, folder, lock_path, folder, error);
}

int run_claim_file(struct trainer *trainer, const char *path, struct error *error) {
    char lock_path[PATH_MAX], folder[PATH_MAX];
    if (!trainer->folder.path || run_claim_has(trainer, path))
        return 0;
    if (snprintf(lock_path, sizeof lock_path, "%s.lock", path) >= (int)sizeof lock_path)
        return error_set(error, ERROR_IO, "the path %.60s... is too long", path);
    if (has_claim(trainer, lock_path))
        return 0;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    return add_claim(trainer, slash ? folder : ".", lock_path, path, error);
}

/* ---------------------------------------------------------------- what a folder holds */

/* *rows: whether there is more than a header. */
static int has_rows(const char *path, int *rows, struct error *error) {
    *rows = 0;
    FILE *stream = fopen(path, "re");
    if (!stream)
        return errno == ENOENT ? 0
                               : error_set(error, error_of_system(errno), "cannot read %s: %s", path, strerror(errno));
    int c;
    errno = 0;
    while ((c = fgetc(stream)) != EOF && c != '\n')
        ;
    *rows = c != EOF && fgetc(stream) != EOF;
    int code =
        ferror(stream) ? error_set(error, error_of_system(errno), "cannot read %s: %s", path, strerror(errno)) : 0;
    fclose(stream);
    return code;
}

struct held { /* results */
    int last, rows;
    char path[PATH_MAX]; /* of last.safetensors */
};

static int look_at(const char *folder, struct held *out, struct error *error) {
    char metrics[PATH_MAX];
    struct stat status;
    int code = file_join(folder, last_file, out->path, error);
    if (!code)
        code = file_join(folder, metrics_file, metrics, error);
    if (code)
        return code;
    out->last = !lstat(out->path, &status);
    if (!out->last && errno != ENOENT)
        return error_set(error, error_of_system(errno), "cannot look at %s: %s", out->path, strerror(errno));
    return has_rows(metrics, &out->rows, error);
}

static int refuse(const char *folder, const struct held *held, struct error *error) {
    const char *what = held->last ? held->rows ? "last.safetensors and rows of metrics.csv" : "last.safetensors"
                                  : "rows of metrics.csv";
    if (held->last)
        return error_set(error, ERROR_STATE,
                         "%s holds a run already (%s): --resume %s goes on with it, --force puts the new run in its "
                         "place, and another folder (-o) keeps both",
                         folder, what, held->path);
    return error_set(error, ERROR_STATE,
                     "%s holds a run already (%s, and no last.safetensors for --resume): --force puts the new run in "
                     "its place, and another folder (-o) keeps both",
                     folder, what);
}

/* Whether results of some run lie there; a folder of data may have a metrics.csv too. */
static int is_run(const char *folder) {
    char resolved[PATH_MAX];
    struct held held;
    return !file_join(folder, "resolved.yaml", resolved, NULL) && file_exists(resolved) &&
           !look_at(folder, &held, NULL) && (held.last || held.rows);
}

/* Whether a checkpoint belongs to the run whose folder this is: it lies there, or it lies in no other run's folder and
 * says no other run. */
static int is_of(const char *folder, const struct held *held, const char *checkpoint, const struct safetensors *file) {
    char here[PATH_MAX], path[PATH_MAX];
    struct safetensors *own = NULL;
    if (!realpath(folder, here) || !realpath(checkpoint, path))
        return 0;
    size_t size = strlen(here);
    if (!strncmp(path, here, size) && path[size] == '/')
        return 1;
    for (int up = 0; up < 2; up++) { /* ModelCheckpoint's files lie one folder below */
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            break;
        *slash = 0;
        if (is_run(path))
            return 0;
    }
    if (!held->last || safetensors_read(&own, held->path, NULL))
        return 1;
    const char *a = safetensors_metadata(own, "run"), *b = safetensors_metadata(file, "run");
    int same = !a || !b || !strcmp(a, b);
    safetensors_free(own);
    return same;
}

int run_claim_lock(struct trainer *trainer, struct error *error) {
    char lock_path[PATH_MAX];
    trainer->folder.fresh = 1;
    trainer->folder.went_back = trainer->origin.path != NULL;
    if (!trainer->folder.path)
        return 0;
    if (!*trainer->folder.path)
        return error_set(error, ERROR_VALUE, "the folder of a run cannot have an empty name");
    int code = file_join(trainer->folder.path, lock_file, lock_path, error);
    return code ? code
                : claim_folder(&trainer->folder.claim, trainer->folder.path, lock_path, trainer->folder.path, NULL,
                               error);
}

int run_claim(struct trainer *trainer, struct error *error) {
    struct held held;
    if (trainer->origin.file) {
        const char *run = safetensors_metadata(trainer->origin.file, "run");
        snprintf(trainer->folder.identity, sizeof trainer->folder.identity, "%s", run ? run : "");
    }
    int code = trainer->folder.path ? look_at(trainer->folder.path, &held, error) : 0;
    if (code || !trainer->folder.path || (!held.last && !held.rows))
        return code;
    if (trainer->origin.file && is_of(trainer->folder.path, &held, trainer->origin.path, trainer->origin.file))
        trainer->folder.fresh = 0;
    else if (trainer->how.force)
        trainer->folder.replaces = 1;
    else if (trainer->origin.file)
        return error_set(error, ERROR_STATE,
                         "%s holds another run than %s: name another folder (-o), or --force puts this run in its "
                         "place",
                         trainer->folder.path, trainer->origin.path);
    else
        return refuse(trainer->folder.path, &held, error);
    return 0;
}

/* ---------------------------------------------------------------- whose a checkpoint is */

/* Of everything that makes a run what it is before its first batch, so that the same run has the same files. */
int run_claim_identify(struct trainer *trainer, struct error *error) {
    static const char *const sections[] = {"data", "training_module"};
    struct text yaml = {0};
    uint64_t hash = 0;
    if (*trainer->folder.identity)
        return 0;
    for (int k = 0; k < 2; k++)
        config_write_yaml(config_get(config_root(trainer->configs.resolved), sections[k]), &yaml);
    if (yaml.failed) {
        text_free(&yaml);
        return error_memory(error);
    }
    hash = hash_bytes(hash, yaml.data, yaml.size);
    hash = hash_bytes(hash, trainer->origin.fingerprint, strlen(trainer->origin.fingerprint));
    for (int d = 0; d < DTYPE_COUNT; d++)
        hash = hash_bytes(hash, trainer->weights.parameters[d]->data,
                          trainer->weights.parameters[d]->count * dtype_size((enum dtype)d));
    snprintf(trainer->folder.identity, sizeof trainer->folder.identity, "%016llx", (unsigned long long)hash);
    text_free(&yaml);
    return 0;
}

/* Of a run that is told by its identity.  A file that cannot be read is nobody's; where memory runs out it is not
 * known.
 */
static int find_run(const char *identity, const char *path, int *ours, int64_t *batches, struct error *error) {
    struct safetensors *file;
    struct error why = {0};
    struct stat status;
    *ours = 0;
    if (safetensors_read(&file, path, &why)) {
        int readable = !access(path, R_OK) && !stat(path, &status) && S_ISREG(status.st_mode);
        int unknown = why.code == ERROR_MEMORY || (why.code == ERROR_IO && readable);
        return unknown ? error_set(error, why.code, "%s", why.message) : 0;
    }
    const char *run = safetensors_metadata(file, "run");
    const struct tensor *accepted = safetensors_find(file, "state.loop.cursor.accepted");
    *ours = run && *identity && !strcmp(run, identity) && accepted && accepted->size == sizeof(int64_t);
    if (*ours && batches)
        memcpy(batches, accepted->data, sizeof *batches);
    safetensors_free(file);
    return 0;
}

int run_claim_wrote(const struct trainer *trainer, const char *path, int *ours, int64_t *batches, struct error *error) {
    return find_run(trainer->folder.identity, path, ours, batches, error);
}

/* ---------------------------------------------------------------- putting a run in the place of another */

struct removal {
    const char *identity;
    int files;
};

static void remove_kept(void *context, const char *path) {
    struct removal *removal = context;
    int ours;
    if (!find_run(removal->identity, path, &ours, NULL, NULL) && ours && !unlink(path))
        removal->files++;
}

int run_claim_replace(struct trainer *trainer, struct error *error) {
    static const char *const names[] = {metrics_file,    "metrics.csv.cut", "audit.log",  "run.log",
                                        "resolved.yaml", "config.yaml",     "branch.log", last_file};
    struct removal removal = {0};
    struct safetensors *last = NULL;
    char path[PATH_MAX];
    if (!trainer->folder.replaces)
        return 0;
    int code = file_join(trainer->folder.path, last_file, path, error);
    if (!code && !safetensors_read(&last, path, NULL)) {
        removal.identity = safetensors_metadata(last, "run");
        if (removal.identity)
            callbacks_each_kept(last, trainer->folder.path, remove_kept, &removal);
    }
    safetensors_free(last);
    for (size_t k = 0; !code && k < sizeof names / sizeof *names; k++) {
        if ((code = file_join(trainer->folder.path, names[k], path, error)) || run_folder_is_source(trainer, path))
            continue;
        if (!unlink(path))
            removal.files++;
        else if (errno != ENOENT)
            code = error_set(error, error_of_system(errno), "cannot remove %s: %s", path, strerror(errno));
    }
    if (!code)
        trainer_tell(trainer, EVENT_NOTICE, "the run that %s held is gone: %d of its files were removed",
                     trainer->folder.path, removal.files);
    trainer->folder.replaces = 0;
    return code;
}
