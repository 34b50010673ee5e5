/* The folder of the run: the config as given and as resolved, metrics.csv, run.log; last.safetensors. */
#ifndef FETTLE_TRAIN_RUN_RUN_FOLDER_H
#define FETTLE_TRAIN_RUN_RUN_FOLDER_H

#include <stdint.h>
#include "train/run/callback.h"

struct trainer;

/* A folder that this run writes to: nobody else does. */
struct lock;
struct folder_claim {
    struct lock *lock;
    char *folder;
    size_t existing; /* so much of its name was there before */
};
enum { MAX_CLAIMS = MAX_CALLBACKS };

/* The folder of the run, and what it is allowed to do there. */
struct run_folder {
    char *path;                             /* NULL: nothing is written */
    struct folder_claim claim;              /* of it */
    struct folder_claim claims[MAX_CLAIMS]; /* of other folders that callbacks write to */
    int nclaims;
    int fresh;            /* it held nothing of this run when it was opened */
    int replaces;         /* it holds another run, which goes */
    char identity[17];    /* of the run: its checkpoints carry it, and a run that goes on from one keeps it */
    int went_back;        /* there may be files of batches that are still to come */
    int confined;         /* callbacks write below it only */
    uint64_t kept;        /* run_folder_mark of what last.safetensors holds */
    int keeps;            /* it has been written */
    double saved, saving; /* when last.safetensors was written, and how long that took */
};

/* The config as given and as resolved, metrics.csv, run.log; last.safetensors. */
int run_folder_open(struct trainer *trainer, int resumed, struct error *error);
/* Whether path is the file that the config was read from: it stays as its author wrote it. */
int run_folder_is_source(const struct trainer *trainer, const char *path);
/* The one gate for files that callbacks write: called with each path before it is opened; makes the folders above.
 * ERROR_STATE where the run is confined to its folder (trainer_confine), and path lies elsewhere. */
int run_folder_prepare(struct trainer *trainer, const char *path, struct error *error);
int run_folder_is_fresh(const struct trainer *trainer);  /* it held nothing of this run when it was opened */
int run_folder_went_back(const struct trainer *trainer); /* there may be files of batches still to come */
void run_folder_close(struct trainer *trainer);
void run_folder_note(struct trainer *trainer, const char *text);   /* a line of run.log */
uint64_t run_folder_mark(const struct trainer *trainer);           /* tells the state of now from others of this run */
int run_folder_last(struct trainer *trainer, struct error *error); /* nothing in a fast_dev_run */
/* The same, and rows of metrics.csv that could not be written must be now. */
int run_folder_end(struct trainer *trainer, struct error *error);

#endif
