/* Runs for the tests of the trainer: a reference case in a folder of its own, opened, trained, compared. */
#ifndef TEST_TRAIN_RUNS_H
#define TEST_TRAIN_RUNS_H

#include "reference.h"
#include "train/run/composition.h"
#include "train/run/trainer.h"

/* Enters a new empty folder, which goes with the process (or with the next one entered). */
void folder_enter(void);
/* Enters a new folder that holds the files of tests/reference/train/NAME.  Each test is a process of its own. */
void case_enter(const char *name);

/* What the run said while it went on. */
struct heard {
    int rows, epochs, checkpoints, stops, notices;
    char stop[512], checkpoint[512], notices_said[4096]; /* a line each */
};

struct start {
    const char *output, *init, *resume, *replay;
    int force, threads;
    size_t memory;
    struct heard *heard;
    const char *overrides[24]; /* as on the command line; NULL ends */
};
/* config.yaml of this folder, with overrides. */
int case_try(struct trainer **out, const struct start *start, struct error *error);
struct trainer *case_open(const struct start *start);
int case_check(const struct start *start, struct error *error);
/* trainer_check_names of it. */
int case_names(const struct start *start, void (*add)(void *context, const char *name), void *context,
               struct error *error);
void start_add(struct start *start, const char *override);
/* The case ema_adam under composition_kinds[k], with an optimizer that suits it. */
void start_add_technique(struct start *start, size_t k);
void case_run(struct trainer *trainer);
void case_steps(struct trainer *trainer, int count);
void file_copy(const char *from, const char *to);
/* A metric of a validation now, with the weights that it sees, or the raw ones. */
double case_validation(struct trainer *trainer, int raw, const char *name);
void files_equal(const char *a, const char *b);
/* Names of the files below a folder, sorted, each with a blank behind it. */
const char *files_below(const char *folder);

/* A metrics.csv in memory. */
struct table {
    size_t columns, rows;
    char **names;
    char **cells; /* [rows][columns]; "" where empty */
    char *data;
};
struct table table_read(const char *path);
void table_free(struct table *table);
/* The cell in a row, "" without such a column. */
const char *table_cell(const struct table *table, size_t row, const char *name);
/* The same rows in the same order, the same columns, numbers equal to `tolerance` relative to the larger of theirs and
 * 1e-3. */
void table_compare(const struct table *got, const struct table *want, double tolerance);

/* Every weight, and average, of the second file against the first. */
void weights_compare(const char *got, const char *want, double tolerance);

#endif
