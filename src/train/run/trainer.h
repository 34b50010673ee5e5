/* A run: config, data, model, training module and the loop, as a resumable machine of phases. */
#ifndef FETTLE_TRAIN_RUN_TRAINER_H
#define FETTLE_TRAIN_RUN_TRAINER_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/error.h"
#include "base/team.h"
#include "base/text.h"
#include "config/node.h"
#include "data/module/datamodule.h"
#include "model/model.h"
#include "train/core/state.h"

struct trainer;

/* A batch goes load, forward, loss, backward (once, or for each term where the technique keeps gradients apart),
 * combine, clip, optimizer, average, log; the last batch of an epoch (or of a validation interval) is followed by
 * validate, and the epoch by epoch_end and checkpoint. */
enum phase {
    PHASE_START,    /* of the next entry of the config's `run` */
    PHASE_SANITY,   /* the validation before training */
    PHASE_EPOCH,    /* an epoch begins: the order of its frames is drawn */
    PHASE_LOAD,     /* frames are joined to a batch */
    PHASE_FORWARD,  /* predictions */
    PHASE_LOSS,     /* the terms of the loss, and metrics of the batch */
    PHASE_BACKWARD, /* a gradient */
    PHASE_COMBINE,  /* gradients of terms become one */
    PHASE_CLIP,
    PHASE_OPTIMIZER, /* new weights and moments, aside */
    PHASE_AVERAGE,   /* what techniques do after a step */
    PHASE_LOG,       /* the batch is accepted; its values are logged */
    PHASE_VALIDATE,
    PHASE_EPOCH_END, /* epoch values are logged, callbacks decide, schedulers step */
    PHASE_CHECKPOINT,
    PHASE_TEST, /* a `val` or `test` entry of `run` */
    PHASE_DONE,
    PHASE_COUNT
};
const char *phase_name(enum phase phase);

enum trainer_event {
    EVENT_ROW,        /* values were logged: trainer_row has them */
    EVENT_EPOCH,      /* an epoch ended */
    EVENT_CHECKPOINT, /* text: the file */
    EVENT_STOP,       /* training ended before its time; text: why */
    EVENT_NOTICE      /* text */
};

struct trainer_options {
    const char *output; /* folder of the run; NULL: nothing is written */
    const char *init;   /* weights to start from (safetensors); NULL: the seed's own */
    const char *resume; /* checkpoint to go on from; NULL: `ckpt_path` of the config, if any */
    int force;          /* a run that output holds already goes, instead of the new one being refused */
    const char *replay; /* an audit log whose changes are made again where they were made; NULL: none */
    int threads;        /* 0: team_default_size */
    size_t memory;      /* bytes of buffers beyond which work goes in chunks; 0: 1 GiB for steps, PROGRAM_MEMORY for
                           evaluation */
    void (*event)(void *context, enum trainer_event event, const char *text); /* may be NULL */
    void *context;
};

/* What a run reads of its config: the sections of config_context. */
extern const char *const trainer_sections[];

/* Names and types of everything in the config, data unread; statistics of the data may still be unknown. */
int trainer_check(const struct config_node *root, struct error *error);
/* The same, and calls for every name of a value that can be known by then: all that will be logged, and settings. */
int trainer_check_names(const struct config_node *root, void (*add)(void *context, const char *name), void *context,
                        struct error *error);

/* Reads data, builds the model, makes everything ready.  The config is copied.  On failure *out is NULL and nothing is
 * left behind. */
int trainer_open(struct trainer **out, const struct config *config, const struct trainer_options *options,
                 struct error *error);
void trainer_free(struct trainer *trainer);

/* Runs the next phase.  *done is the phase that was run; PHASE_DONE when nothing is left.  A phase that fails leaves
 * the run as it was before the batch. */
int trainer_advance(struct trainer *trainer, enum phase *done, struct error *error);
enum phase trainer_phase(const struct trainer *trainer); /* the next one */
/* Up to the end of the batch under way or of the next one (and what follows it at the end of an epoch); to the end of
 * the epoch; everything that `run` says.  ERROR_INTERRUPT if *stop became true: at a batch boundary, ready to go on. */
int trainer_step(struct trainer *trainer, struct error *error);
/* The same, but it is asked after each phase how to go on: with the next one; not now, 0, the next one waits; or the
 * batch under way, if there is one, is abandoned, ERROR_INTERRUPT. */
enum step_answer { STEP_ON, STEP_GIVE_UP, STEP_PAUSE };
int trainer_step_unless(struct trainer *trainer, enum step_answer (*ask)(void *context), void *context,
                        struct error *error);
int trainer_epoch(struct trainer *trainer, const atomic_int *stop, struct error *error);
int trainer_run(struct trainer *trainer, const atomic_int *stop, struct error *error);
/* Gives up the batch under way: the state is as before it. */
void trainer_abandon(struct trainer *trainer);
int trainer_done(const struct trainer *trainer);
/* A place to stop at: no batch is under way, and the next phase begins one or something larger. */
int trainer_at_boundary(const struct trainer *trainer);

int64_t trainer_epoch_now(const struct trainer *trainer);
int64_t trainer_global_step(const struct trainer *trainer); /* optimizer steps so far */
int64_t trainer_batch_now(const struct trainer *trainer);   /* batches of this epoch so far */
int64_t trainer_batches(const struct trainer *trainer);     /* batches of an epoch */
int64_t trainer_max_epochs(const struct trainer *trainer);  /* -1: no limit */
int64_t trainer_max_steps(const struct trainer *trainer);   /* -1: no limit */
/* Why nothing is left to train, and what would change that; NULL where something is, or nothing ever was. */
const char *trainer_over(const struct trainer *trainer);
/* Sets max_epochs, max_steps or max_time (s; negative: no limit) in a config; another name changes nothing. */
int length_override(struct config **config, const char *name, double value, struct error *error);
double trainer_seconds(const struct trainer *trainer);     /* of training so far */
const char *trainer_output(const struct trainer *trainer); /* NULL if nothing is written */

struct model *trainer_model(const struct trainer *trainer);
struct state *trainer_state(const struct trainer *trainer);
struct datamodule *trainer_data(const struct trainer *trainer);
struct team *trainer_team(const struct trainer *trainer);
const struct config_node *trainer_config(const struct trainer *trainer); /* resolved */
const char *trainer_strategy(const struct trainer *trainer);             /* "nequip.train.EMALightningModule" */

/* The last value of everything that was logged, by its full name ("val0_epoch/forces_mae"). */
size_t trainer_metrics(const struct trainer *trainer);
const char *trainer_metric_name(const struct trainer *trainer, size_t k);
int trainer_metric(const struct trainer *trainer, const char *name, double *value); /* 1 if it is there */
/* Why one of an epoch is NaN or infinite; "": it is a number, or nobody knows. */
const char *trainer_metric_why(const struct trainer *trainer, const char *name);

/* The row last logged: names and values. */
struct trainer_row {
    size_t count;
    const char *const *names;
    const double *values;
    int64_t epoch; /* -1: none */
    int64_t step;
};
const struct trainer_row *trainer_row(const struct trainer *trainer);

/* What may be changed while training: "lr", "ema_decay", "loss.NAME" (a coefficient; nan is null), ... */
size_t trainer_settings(const struct trainer *trainer);
const char *trainer_setting_name(const struct trainer *trainer, size_t k);
int trainer_get(const struct trainer *trainer, const char *name, double *value, struct error *error);
int trainer_set(struct trainer *trainer, const char *name, double value, struct error *error);

/* While it is on, callbacks write below the folder of the run only, whatever paths the config has: elsewhere is an
 * error.
 */
void trainer_confine(struct trainer *trainer, int on);
/* Whether a batch that makes a NaN or an infinity is given up with ERROR_NUMERIC and the place it comes from; off at
 * the start. */
void trainer_catch(struct trainer *trainer, int on);

/* The audit log, one line for each change; "" without any. */
const char *trainer_audit(const struct trainer *trainer);

/* Writes a checkpoint of the state at the last batch boundary.  A symbolic link of that name is replaced. */
int trainer_save(struct trainer *trainer, const char *path, struct error *error);
/* The same where the user names the file: a symbolic link is followed. */
int trainer_save_as(struct trainer *trainer, const char *path, struct error *error);

/* The run is about to end with an error, or was interrupted: callbacks keep what they were asked to keep then. */
int trainer_exception(struct trainer *trainer, struct error *error);
/* The same to last.safetensors in the folder of the run, if it has one. */
int trainer_keep(struct trainer *trainer, struct error *error);
/* Whether the run has gone on, or was changed, since that file was written last, or since it was opened; or
 * the file is gone. */
int trainer_unkept(const struct trainer *trainer);

/* Validation (or test) now, aside: with the weights that it sees, or, raw, with those of training.  Calls with each
 * metric of each set by its full name ("val0_epoch/forces_mae"); nothing is logged, no callback told. */
int trainer_evaluate(struct trainer *trainer, enum data_role role, int raw,
                     void (*add)(void *context, const char *name, double value), void *context, struct error *error);

/* Which weights trainer_frames and trainer_parity look with: those that validation and test see (at the start), or
 * those of training.  The run itself goes on as it would.  ERROR_STATE where the technique keeps no others. */
enum trainer_weights { WEIGHTS_ONLY, WEIGHTS_AVERAGED, WEIGHTS_RAW }; /* ONLY: both are the same */
int trainer_look_raw(struct trainer *trainer, int raw, struct error *error);
enum trainer_weights trainer_look_weights(const struct trainer *trainer);

/* The programs of a training step (loss, gradients) and of an evaluation, for looking at; NULL before the first. */
struct program;
struct program *trainer_program(const struct trainer *trainer);
struct program *trainer_eval_program(const struct trainer *trainer);

#endif
