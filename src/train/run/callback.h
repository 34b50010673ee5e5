/* Callbacks of lightning.Trainer: const entries, one file each (callback_NAME.c), listed in callback_table.c. */
#ifndef FETTLE_TRAIN_RUN_CALLBACK_H
#define FETTLE_TRAIN_RUN_CALLBACK_H

#include "base/arena.h"
#include "config/options.h"
#include "data/module/datamodule.h"
#include "model/file/safetensors.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/run/trainer.h"

struct trainer;
struct trainer_settings;
struct callback;
struct composition;

/* A batch of a validation or a test, evaluated. */
struct evaluated {
    enum data_role role;
    size_t set;
    const struct batch *batch;
    const struct prediction *prediction;
};

/* What names of logged values depend on, and where they go: add is not 0 where memory runs out. */
struct optimizer_kind;
struct callback_scope {
    const struct optimizer_kind *optimizer; /* NULL: none */
    int groups;                             /* of its parameters */
    const char *scheduler;                  /* its own name in columns; NULL: none */
    const struct metrics *loss;             /* NULL: none */
    int (*add)(void *context, const char *name);
    void *context;
};

/* When callbacks judge.  After a batch: it is accepted and logged, the validation that follows it is still to come. */
enum moment { MOMENT_BATCH, MOMENT_VALIDATION, MOMENT_EPOCH, MOMENT_TRAIN_END };

struct callback_kind {
    struct option_target target; /* "lightning.pytorch.callbacks.EarlyStopping" */
    const char *help;
    const char *ignored; /* accepted for the config's sake; it has no meaning here, for this reason; NULL: it has */
    const char *refused; /* known, and not to be had here, for this reason; NULL: it is */
    const struct option *options;
    size_t noptions, options_size, private_size;
    /* The metric it watches, for the check that such a metric exists; NULL: none. */
    const char *(*monitor)(const void *options);
    /* Whether it rests where nothing is validated; else, or where this is NULL, such a metric is an error. */
    int (*rests)(const void *options, const struct trainer_settings *how);
    /* Names that others may watch, of what it logs; its options are read, no more. */
    int (*logs)(const struct callback *callback, const struct callback_scope *scope);
    int watches_counts; /* "epoch" and "step" are metrics for it */
    int (*check)(const void *options, const struct config_node *config, struct error *error);
    /* Names of the loss's terms among the options, before data is read. */
    int (*check_loss)(const void *options, const struct config_node *config, const struct metrics *loss,
                      struct error *error);
    int (*open)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* Its state was read from a checkpoint, in lengths and ranges as declared, and nothing was done with it yet: an
     * error where it cannot be (state_refuse).  Elastic variables may be of any length here. */
    int (*check_state)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* Its state was taken from a checkpoint, and all of that is checked: what no longer fits the run goes. */
    int (*resumed)(struct callback *callback, struct trainer *trainer, struct error *error);
    int (*epoch_begin)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* A batch is loaded and its transaction open: what is changed here holds for the batch and goes with it. */
    int (*batch_loaded)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* Before a batch is accepted, with rates as they were for it. */
    int (*batch_begin)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* A batch is about to be accepted: its values stand in trainer->evaluation.values, its row is not written yet. */
    int (*batch_end)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* An epoch of training is over, its row is not written yet; loss: the values of metrics_compute. */
    int (*epoch_end)(struct callback *callback, struct trainer *trainer, const double *loss, struct error *error);
    int (*evaluated)(struct callback *callback, struct trainer *trainer, const struct evaluated *what,
                     struct error *error);
    int wants_predictions; /* all that the model gives, whatever the metrics need */
    /* The state is at a boundary: what is written now goes on right behind it.  Where it fails it is asked again. */
    int (*judge)(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error);
    /* Whether it steers the rate now, instead of the run's scheduler; and a step of that, after each epoch. */
    int (*takes_schedule)(const struct callback *callback);
    int (*schedule)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* Training begins or goes on, in this process. */
    int (*train_begin)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* The run is about to end with an error, or was interrupted. */
    int (*exception)(struct callback *callback, struct trainer *trainer, struct error *error);
    /* Whether it goes with a training module: asked before data is read, and before a run is given another one. */
    int (*fits)(const struct callback *callback, const struct composition *composition, struct error *error);
    /* The average of the weights that it keeps, a whole slab or its beginning; of_average: of the training module's
     * average.  NULL: none. */
    struct variable *(*average)(const struct callback *callback, enum dtype dtype, int of_average);
    /* It has evaluation see other weights, and files hold its average as the model's.  Of a set of this role, now;
     * NULL: those that the training module chooses. */
    const void *(*evaluation)(const struct callback *callback, const struct trainer *trainer, enum data_role role,
                              enum dtype dtype);
    /* The weights of training were read from a checkpoint to be tested, and its state with them, if that was there. */
    void (*weights_read)(const struct callback *callback, struct trainer *trainer);
    /* A checkpoint was read whose run had it not: it begins with the weights of then. */
    void (*begins)(const struct callback *callback, struct trainer *trainer);
    /* How many batches it has summed to a step in this epoch, or, where epoch is -1, at most; NULL: that is not its
     * business. */
    int64_t (*accumulates)(const struct callback *callback, int64_t epoch);
    int writes_checkpoints;
    int ends_training; /* it may end training before its time, by rules that a resumed run may change */
    /* It keeps checkpoints: the path of the best that is there, "" if none; calls with the path of each that the state
     * in a checkpoint of a run in the folder `output` names. */
    const char *(*best)(const struct callback *callback, const struct trainer *trainer);
    /* For a run that evaluates that one: an error where its options keep none; where trainer is given, and its data are
     * known, in a run of these lengths. */
    int (*check_best)(const struct callback *callback, const struct trainer *trainer, struct error *error);
    void (*each_kept)(const struct safetensors *file, const char *output, void (*call)(void *context, const char *path),
                      void *context);
    int is_last; /* its turn comes after all that are not, wherever it stands in the list */
};

struct callback {
    const struct callback_kind *kind;
    void *options, *own;
    char prefix[64]; /* of its state: "callback.softadapt.0."; another for each that watches another metric */
    const struct config_node *config;
};

enum { MAX_CALLBACKS = 32 };

struct callbacks {
    int count, nignored;
    int failed; /* from 1: the one that could not judge, for want of room for a file, say; it is to be asked again */
    enum moment failed_at;
    const struct callback_kind *ignored[MAX_CALLBACKS]; /* those that have no meaning here */
    struct callback list[MAX_CALLBACKS];
};

extern const struct callback_kind *const callback_kinds[];
extern const size_t callback_kind_count;

/* config: the list under trainer.callbacks, NULL for none. Opening adds the state. */
int callbacks_read(struct callbacks *out, const struct config_node *config, struct arena *arena, struct error *error);
/* One more, with the defaults of its kind; place: of errors. */
int callbacks_add(struct callbacks *callbacks, const struct callback_kind *kind, const struct config_node *place,
                  struct arena *arena, struct error *error);
int callbacks_open(struct callbacks *callbacks, struct trainer *trainer, struct error *error);
/* Names that others may watch, of what they log; not 0 where adding fails. */
int callbacks_logs(const struct callbacks *callbacks, const struct callback_scope *scope);
/* The first of a kind; NULL: none. */
struct callback *callbacks_of(struct trainer *trainer, const struct callback_kind *kind);
/* The one that has taken over the schedule; NULL: none has. */
struct callback *callbacks_scheduler(struct trainer *trainer);
/* The one that has evaluation see other weights; NULL: none has. */
const struct callback *callbacks_evaluation(const struct trainer *trainer);
int callbacks_fit(const struct callbacks *callbacks, const struct composition *composition, struct error *error);
/* The kind that a _target_ names, by the full name, its last part or the alias; NULL: none. */
const struct callback_kind *callback_kind_named(const char *target);
/* Batches that are summed to a step, in this epoch and at most; whether that changes with the epochs. */
int64_t callbacks_accumulate(const struct trainer *trainer);
int64_t callbacks_accumulate_most(const struct trainer *trainer);
int callbacks_change_accumulation(const struct trainer *trainer);
/* The one whose state has this name; NULL: none. */
const struct callback *callbacks_owner(const struct callbacks *callbacks, const char *name);
int callbacks_check_state(struct trainer *trainer, struct error *error);
int callbacks_resumed(struct trainer *trainer, struct error *error);
int callbacks_epoch_begin(struct trainer *trainer, struct error *error);
int callbacks_batch_loaded(struct trainer *trainer, struct error *error);
int callbacks_batch_begin(struct trainer *trainer, struct error *error);
int callbacks_batch_end(struct trainer *trainer, struct error *error);
int callbacks_epoch_end(struct trainer *trainer, const double *loss, struct error *error);
int callbacks_evaluated(struct trainer *trainer, const struct evaluated *what, struct error *error);
int callbacks_want_predictions(const struct trainer *trainer);
int callbacks_train_begin(struct trainer *trainer, struct error *error);
int callbacks_judge(struct trainer *trainer, enum moment moment, struct error *error);
/* Whether one judges at the end of epochs, else after validations; said: what its options say, null leaves it to how
 * often is validated. */
int callbacks_judge_at_epoch_end(const struct trainer_settings *how, const struct config_node *said);
int callbacks_exception(struct trainer *trainer, struct error *error);

/* The callback whose best checkpoint is evaluated after training: the first that keeps any; NULL: none. */
const struct callback *callbacks_keeper(const struct callbacks *callbacks);
const char *callbacks_best(const struct trainer *trainer); /* its path, of those that are still there; "": none */
extern const char callbacks_best_wanted[];                 /* how messages begin that tell of it */
/* Calls with the path of each checkpoint that is kept, by what a checkpoint of a run in the folder `output` says. */
void callbacks_each_kept(const struct safetensors *file, const char *output,
                         void (*call)(void *context, const char *path), void *context);

#endif
