/* Where ModelCheckpoint's files lie, whose they are, and how they are written.  Only files that the books name, and
 * that are checkpoints of this run, are ever replaced or removed; whatever else has a name that is wanted keeps it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "train/callback/kept.h"
#include "train/run/callback.h"
#include "train/run/checkpoint.h"
#include "train/run/resume.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"

const char kept_ending[] = ".safetensors";

void kept_folder(const struct callback *callback, const struct trainer *trainer, char out[PATH_MAX]) {
    const struct keep_options *how = callback->options;
    const char *root = run_settings(trainer)->default_root_dir;
    const char *home = how->dirpath && how->dirpath[0] == '~' && strchr("/", how->dirpath[1]) ? getenv("HOME") : NULL;
    if (how->dirpath && *how->dirpath)
        snprintf(out, PATH_MAX, "%s%s", home ? home : "", how->dirpath + (home != NULL));
    else
        snprintf(out, PATH_MAX, "%s/checkpoints",
                 root && *root             ? root
                 : trainer_output(trainer) ? trainer_output(trainer)
                                           : ".");
}

void kept_place(const struct trainer *trainer, const char *folder, char out[PATH_MAX]) {
    if (trainer_output(trainer) && run_claim_has(trainer, folder))
        snprintf(out, PATH_MAX, "<output>%s", folder + strlen(trainer_output(trainer)));
    else
        snprintf(out, PATH_MAX, "%s", folder);
}

int kept_path(const char *folder, const char *name, char path[PATH_MAX], struct error *error) {
    int n = snprintf(path, PATH_MAX, "%s/%s%s", folder, name, kept_ending);
    return n < PATH_MAX ? 0 : error_set(error, ERROR_IO, "the name of a checkpoint is too long: %.300s", name);
}

void kept_remove(const struct trainer *trainer, const char *folder, const char *name) {
    char path[PATH_MAX];
    int ours;
    if (kept_path(folder, name, path, NULL) || run_claim_wrote(trainer, path, &ours, NULL, NULL) || !ours)
        return;
    if (resume_path(trainer) && file_same(path, resume_path(trainer)))
        return; /* what was asked for by name stays */
    unlink(path);
}

/* Whether another ModelCheckpoint of this run has kept a file of that name there. */
static int find_others(const struct callback *callback, const struct trainer *trainer, const char *folder,
                       const char *name, int *found, struct error *error) {
    *found = 0;
    for (int k = 0; !*found && k < run_callbacks(trainer)->count; k++) {
        const struct callback *other = &run_callbacks(trainer)->list[k];
        struct books books;
        char theirs[PATH_MAX];
        if (other == callback || other->kind != callback->kind)
            continue;
        kept_folder(other, trainer, theirs);
        if (strcmp(folder, theirs))
            continue;
        int code = books_read(&books, other->own, error);
        if (code)
            return code;
        *found = books_have(&books, name) || !strcmp(name, books.last);
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
    int ours, replaced = !strcmp(name, replaces), code = kept_path(folder, name, path, error);
    *taken = 0;
    if (code)
        return code;
    if (lstat(path, &status)) {
        *taken = how->versions && !replaced && books_have(books, name);
        return 0;
    }
    if (S_ISLNK(status.st_mode) && !strcmp(name, books->last) && replaced)
        return 0; /* our link */
    if ((code = run_claim_wrote(trainer, path, &ours, &batches, error)))
        return code;
    if (!ours)
        *taken = 1;
    else if (!replaced && how->versions)
        *taken = books_have(books, name) || !run_folder_went_back(trainer) || batches < run_cursor(trainer)->accepted;
    return *taken || replaced || !how->versions ? 0 : find_others(callback, trainer, folder, name, taken, error);
}

int kept_free_name(const struct callback *callback, const struct trainer *trainer, const struct books *books,
                   const char *folder, const char *name, const char *replaces, struct text *out, struct error *error) {
    int taken = 1, code = 0;
    text_add(out, name);
    for (int version = 1; !code && !out->failed; version++) {
        code = find_taken(callback, trainer, books, folder, out->data, replaces, &taken, error);
        if (code || !taken)
            break;
        text_clear(out);
        text_format(out, "%s-v%d", name, version);
    }
    return out->failed ? error_memory(error) : code;
}

static int save_to(const struct callback *callback, struct trainer *trainer, const char *folder, const char *name,
                   char path[PATH_MAX], struct error *error) {
    int weights_only = ((const struct keep_options *)callback->options)->weights_only;
    int code = kept_path(folder, name, path, error);
    if (!code)
        code = run_folder_prepare(trainer, path, error);
    if (!code)
        code = run_claim_also(trainer, folder, error);
    if (code)
        return code;
    return weights_only ? checkpoint_write_weights(trainer, path, error) : checkpoint_write(trainer, path, error);
}

int kept_save(struct callback *callback, struct trainer *trainer, struct books *books, const char *folder,
              const char *name, char path[PATH_MAX], struct error *error) {
    struct keep *keep = callback->own;
    size_t size = keep->books->count;
    char *before = malloc(size + 1);
    if (!before)
        return error_memory(error);
    if (size)
        memcpy(before, keep->books->data, size);
    books->step = run_cursor(trainer)->step;
    books->newest = name;
    int code = books_write(books, trainer, keep, error);
    if (!code && (code = save_to(callback, trainer, folder, name, path, error))) {
        struct error second = {0};
        if (!state_resize(trainer_state(trainer), keep->books, size, &second) && size)
            memcpy(keep->books->data, before, size);
    }
    free(before);
    return code;
}

int kept_link(struct trainer *trainer, const char *folder, const char *name, const char *last, struct error *error) {
    char path[PATH_MAX], target[PATH_MAX], above[PATH_MAX] = "";
    if (!strcmp(name, last))
        return 0; /* it is that file */
    int code = kept_path(folder, last, path, error);
    if (!code)
        code = run_folder_prepare(trainer, path, error);
    if (code)
        return code;
    for (const char *c = last; *c; c++)
        if (*c == '/' && strlen(above) + 4 < sizeof above)
            strcat(above, "../");
    if (snprintf(target, sizeof target, "%s%s%s", above, name, kept_ending) >= (int)sizeof target)
        return error_set(error, ERROR_IO, "the name of a checkpoint is too long: %.300s", name);
    if (unlink(path) && errno != ENOENT)
        return error_set(error, error_of_system(errno), "cannot replace %s: %s", path, strerror(errno));
    return symlink(target, path)
               ? error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno))
               : 0;
}
