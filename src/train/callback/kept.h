/* Inside of ModelCheckpoint: its books, the names of its files, and the files. */
#ifndef FETTLE_TRAIN_KEPT_H
#define FETTLE_TRAIN_KEPT_H

#include <limits.h>
#include "train/run/callback.h"
#include "train/run/run.h"

struct keep_options {
    const char *monitor, *mode, *dirpath, *filename;
    const struct config_node *save_last, *at_epoch_end, *by_steps, *by_time, *every_n_epochs;
    int64_t save_top_k;
    int auto_insert, versions, weights_only, on_exception;
    double seconds; /* of train_time_interval; negative: none */
};

struct keep {
    struct variable *books;
    int told;       /* that the metric is missing */
    double checked; /* the clock when train_time_interval was last over; 0: not yet */
};

/* ---------------------------------------------------------------- kept_books.c */

/* As lines: "place FOLDER", "best NAME", "last NAME", "gone NAME" (it has made room for the checkpoint that is being
 * written, and is removed after that), "newest NAME" (written last), "step N" (at which that was), "deferred"
 * (something is to be kept once the next validation is over), "kept SCORE NAME" from the oldest on.  Names are without
 * their ending. */
struct kept_entry {
    double score;
    const char *name;
};

struct books {
    const char *place, *best, *last, *gone, *newest; /* "": none */
    int64_t step;
    int deferred;
    struct kept_entry *kept;
    size_t count;
    char *text; /* what the names point into */
};

int books_read(struct books *books, const struct keep *keep, struct error *error);
int books_parse(struct books *books, const char *text, size_t size, struct error *error);
int books_write(const struct books *books, struct trainer *trainer, struct keep *keep, struct error *error);
int books_clear(struct trainer *trainer, struct keep *keep, struct error *error);
void books_free(struct books *books);
int books_have(const struct books *books, const char *name); /* among the kept */
int books_add(struct books *books, double score, const char *name, struct error *error);
void books_drop(struct books *books, size_t k);
size_t books_worst(const struct books *books, int is_max); /* of those that are as bad the oldest */
size_t books_best(const struct books *books, int is_max);
int books_better(double a, double b, int is_max);

/* ---------------------------------------------------------------- kept_names.c */

/* A name of a file below a folder: no way out of it, nothing that a terminal would obey. */
int kept_name_is_below(const char *name);
/* The name that a filename comes to now.  NULL or "": {epoch}-{step}. */
int kept_name(const struct trainer *trainer, const char *filename, int auto_insert, struct text *out,
              struct error *error);
/* Whether each format in it is one that kept_name knows. */
int kept_name_check(const char *filename, const struct config_node *place, struct error *error);

/* ---------------------------------------------------------------- kept_files.c */

extern const char kept_ending[]; /* ".safetensors" */
int kept_path(const char *folder, const char *name, char path[PATH_MAX], struct error *error);
void kept_folder(const struct callback *callback, const struct trainer *trainer, char out[PATH_MAX]);
/* The folder as the books have it: one in the run's folder moves with it. */
void kept_place(const struct trainer *trainer, const char *folder, char out[PATH_MAX]);
void kept_remove(const struct trainer *trainer, const char *folder, const char *name); /* where it is this run's */
/* The name, or with the first number behind it that is not taken; replaces: one that the new file may take the place
 * of. */
int kept_free_name(const struct callback *callback, const struct trainer *trainer, const struct books *books,
                   const char *folder, const char *name, const char *replaces, struct text *out, struct error *error);
/* Writes a checkpoint with these books in it; where that fails the state's are as they were. */
int kept_save(struct callback *callback, struct trainer *trainer, struct books *books, const char *folder,
              const char *name, char path[PATH_MAX], struct error *error);
/* last as a link beside the file it points to. */
int kept_link(struct trainer *trainer, const char *folder, const char *name, const char *last, struct error *error);

#endif
