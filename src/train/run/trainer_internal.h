/* Inside of the trainer: its parts. */
#ifndef FETTLE_TRAIN_RUN_TRAINER_INTERNAL_H
#define FETTLE_TRAIN_RUN_TRAINER_INTERNAL_H

#include "base/arena.h"
#include "train/run/audit.h"
#include "train/run/batches.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/evaluate.h"
#include "train/run/logging.h"
#include "train/run/resume.h"
#include "train/run/retool.h"
#include "train/run/run.h"
#include "train/run/run_folder.h"
#include "train/run/run_weights.h"
#include "train/run/schedule.h"
#include "train/run/trainer.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"

enum { CHANGE_WORDS = 64 }; /* of a change, at most */

struct trainer {
    struct arena *arena;
    struct trainer_options how;
    struct trainer_settings options;
    struct team *team;
    struct state *state;
    struct datamodule *data;
    struct model *model;
    struct run_configs configs;
    struct run_origin origin;
    struct run_folder folder;
    struct run_weights weights;
    struct run_evaluation evaluation;
    struct run_batches batches;
    struct run_log log;
    struct run_position position;
    struct run_audit audit;
    struct composition composition;
    struct optimizer optimizer;
    struct schedule schedule;
    struct callbacks callbacks;
};

static inline struct cursor *cursor_of(const struct trainer *trainer) {
    return trainer->position.cursor->data;
}

/* After the state was put back (a batch given up, a snapshot, a checkpoint): what stands outside of it follows. */
void trainer_sync(struct trainer *trainer);

/* Where `train` stands in `run`; -1: nowhere. */
int64_t trainer_train_entry(const struct trainer *trainer);

/* Frames have the types of the model, neighbours, and what the metrics ask for */
int trainer_check_data(const struct trainer *trainer, struct error *error);
/* What stands under the training module, opened; used by retool.c */
int trainer_open_optimizer(struct trainer *trainer, const struct module_options *module, struct error *error);
int trainer_open_terms(struct trainer *trainer,
                       struct error *error); /* a gradient for each term, where one is wanted */

#endif
