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
/* What there is to see right after a phase, in lines: sizes of the batch, predictions, terms, norms of gradients. */
void trainer_brought(const struct trainer *trainer, enum phase done, struct text *out);
/* A value of the batch under way by the name under which it will be logged ("train_loss_step/forces_mae"); 0 where
 * there is none yet. */
int trainer_under_way(const struct trainer *trainer, const char *name, double *value);
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

/* What `optimizer`, `scheduler` or a layer of the training module ("ema", "config") is at, in lines. */
int trainer_describe(const struct trainer *trainer, const char *what, struct text *out, struct error *error);
/* Names that trainer_describe takes now; NULL behind the last. */
const char *trainer_described(const struct trainer *trainer, size_t k);

/* The last value of everything that was logged, by its full name ("val0_epoch/forces_mae"). */
size_t trainer_metrics(const struct trainer *trainer);
const char *trainer_metric_name(const struct trainer *trainer, size_t k);
int trainer_metric(const struct trainer *trainer, const char *name, double *value); /* 1 if it is there */
/* Why one of an epoch is NaN or infinite; "": it is a number, or nobody knows. */
const char *trainer_metric_why(const struct trainer *trainer, const char *name);

/* Names of all that is, or will be, logged: terms of the loss, metrics of training, validation and test, and whatever
 * else was. */
void trainer_columns(const struct trainer *trainer, void (*add)(void *context, const char *name), void *context);

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

/* Changes that are remembered.  A change is made between batches; it leaves one line in the audit log, which is part of
 * the state (so checkpoints hold it, and going back in time takes lines away) and is kept as audit.log in the folder of
 * the run.  The same config, data and audit log (trainer_options.replay) give the same run, bit for bit.  The words are
 * those of a command:
 *   set NAME VALUE               a setting; null is NaN
 *   strategy NAME [KEY=VALUE...] another training module: the model goes on, and what both keep (the optimizer's
 *                                moments, an average); what is new begins as at a fresh start.  Keys are those of the
 *                                module, optimizer.* and lr_scheduler.* included; ~KEY takes one away.
 *   optimizer NAME [KEY=VALUE...]  another optimizer; the learning rate stays unless it is given
 *   freeze PATTERN, unfreeze PATTERN   parameters whose name, or any parts of it between dots, match
 *   reinit PATTERN [SEED]        these weights as they are drawn at a start; their moments zero, an average the same
 * What became of the state is told in report (may be NULL).  After an error nothing has changed. */
int trainer_change(struct trainer *trainer, int count, const char *const *words, struct text *report,
                   struct error *error);
const char *trainer_change_name(size_t k); /* "set", "strategy", ...; NULL behind the last */
/* The config as it was given, with the changes of `strategy` and `optimizer` made since. */
const struct config *trainer_given(const struct trainer *trainer);
/* The model that such a config asks for, with the statistics of this run's data; the config is checked as at a start.
 * The caller frees it. */
int trainer_draft(const struct trainer *trainer, const struct config *config, struct model **out, struct error *error);

/* Points to go back to.  A point is a copy of all that belongs to the state, taken between batches. */
struct trainer_point;
int trainer_point_new(struct trainer_point **out, struct trainer *trainer, struct error *error);
void trainer_point_free(struct trainer_point *point);
int64_t trainer_point_batch(const struct trainer_point *point); /* batches that were accepted before it */
size_t trainer_point_size(const struct trainer_point *point);   /* bytes */
int64_t trainer_accepted(const struct trainer *trainer);        /* batches so far, of all epochs */
/* To the state after `batch` batches (not before the point), by training on from the point, with the changes that were
 * made on the way: the same bits as then.  metrics.csv and audit.log are cut back; what is cut off the former is kept
 * in metrics.csv.cut.  A batch under way is given up.  On an error the run is where it was. */
int trainer_point_return(struct trainer *trainer, const struct trainer_point *point, int64_t batch,
                         struct error *error);

/* Values logged last before the point was taken, by name. */
size_t trainer_point_metrics(const struct trainer_point *point);
const char *trainer_point_metric_name(const struct trainer_point *point, size_t k);
int trainer_point_metric(const struct trainer_point *point, const char *name, double *value); /* 1 if it is there */

/* A branch: what the next batches bring, as things are or after a change.  It is run aside: nothing is written or told,
 * and in the end, or on an error, the run is where it was, to the bit. */
struct trainer_branch;
struct trainer_branch_options {
    int64_t batches; /* fewer where training ends before, or a batch makes what is not finite */
    int count;       /* of the words of a change, as trainer_change takes them; 0: none */
    const char *const *words;
    int validate; /* the validation sets are evaluated at its end */
    /* Asked between phases with the batches so far; where it says so all is given up, ERROR_INTERRUPT.  May be NULL. */
    int (*give_up)(void *context, int64_t batches);
    void *context;
};
/* report: what the change made of the state; may be NULL. */
int trainer_branch_new(struct trainer_branch **out, struct trainer *trainer,
                       const struct trainer_branch_options *options, struct text *report, struct error *error);
void trainer_branch_free(struct trainer_branch *branch);
int64_t trainer_branch_batches(const struct trainer_branch *branch);
const char *trainer_branch_ended(const struct trainer_branch *branch); /* why before its time; "" if it did not */
const struct trainer_point *trainer_branch_end(const struct trainer_branch *branch);
/* The loss of its batches: terms and their weighted sum, by name. */
size_t trainer_branch_values(const struct trainer_branch *branch);
const char *trainer_branch_value_name(const struct trainer *trainer, size_t k);
double trainer_branch_value(const struct trainer_branch *branch, int64_t batch, size_t k);

/* Entry k of the state dict at points a and b, both seen from `from`; a point that is NULL is now. */
struct trainer_apart {
    double norm;             /* of its numbers at `from`: the square, as all of these are, so that they add up */
    double moved_a, moved_b; /* the way from there */
    double along;            /* the product of both ways */
    double apart;            /* the way from a to b */
};
void trainer_apart(const struct trainer *trainer, int k, const struct trainer_point *from,
                   const struct trainer_point *a, const struct trainer_point *b, struct trainer_apart *out);

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

/* A frame by itself, with the weights that evaluation sees. */
struct trainer_frame {
    const struct frame *frame;
    int64_t index;       /* in its set */
    double loss;         /* the weighted sum of the terms of the loss */
    double terms[32];    /* their weighted shares of it */
    double energy_error; /* predicted minus label, eV/atom; NaN without a label */
    double forces_rmse;  /* eV/A */
    int worst_atom;      /* the one whose force is furthest off, -1 without labels */
    double worst_error;  /* by how much, eV/A */
};
/* All frames of a set, in order; freed by free(). */
int trainer_frames(struct trainer *trainer, enum data_role role, size_t set, struct trainer_frame **out, size_t *count,
                   struct error *error);
/* Labels of a set and what the model says, with the weights that evaluation sees: components of forces (eV/A) with the
 * type of their atom, or energies (eV/atom, type -1).  Frames without the label are passed over. */
int trainer_parity(struct trainer *trainer, enum data_role role, size_t set, int forces,
                   void (*add)(void *context, int type, double reference, double predicted), void *context,
                   struct error *error);
size_t trainer_terms(const struct trainer *trainer); /* of the loss */
const char *trainer_term_name(const struct trainer *trainer, size_t k);

/* Norms of parameters (not of buffers): of the values, of the gradient of the last batch and of the change that its
 * step brought. */
struct trainer_norms {
    size_t numbers, frozen; /* how many there are, and how many of them are frozen */
    unsigned dtypes;        /* 1 << dtype, of those there are */
    double norm, gradient, update;
};
enum norm_kind { NORM_WEIGHTS = 1, NORM_GRADIENT = 2, NORM_UPDATE = 4, NORM_ALL = 7 };
/* Of an entry of the state dict (model_parameter's k); of all under the path of a module, "" being the whole model. */
void trainer_parameter(const struct trainer *trainer, int k, struct trainer_norms *out);
void trainer_norms(const struct trainer *trainer, const char *path, unsigned which, struct trainer_norms *out);
double norms_ratio(const struct trainer_norms *norms); /* of the change to the values */
/* Names under which trainer_get has them: norm.NAME, grad.NAME and update.NAME (the ratio), NAME being the path of a
 * module, or an end of it that no other has.  Parameters are found by the same names, but not listed. */
void trainer_norm_names(const struct trainer *trainer, void (*call)(void *context, const char *name), void *context);
/* The numbers of an entry, or of its gradient; freed by free().  Returns how many, 0 if out of memory. */
size_t trainer_values(const struct trainer *trainer, int k, int gradient, double **out);

/* The batch under way, or the last one, or, before any, the first frames of the training data, through a program that
 * keeps every value: calls for each result of the module of this path, as numbers, in the order of the program.  State,
 * gradients and metrics stay as they are. */
struct instruction_info;
int trainer_results(struct trainer *trainer, const char *path,
                    void (*call)(void *context, const struct instruction_info *info, const double *values,
                                 size_t count),
                    void *context, struct error *error);

/* Times of training steps and evaluations on the batches of an epoch, joined before the clock starts, after some that
 * are not counted; the state is put back.  Instructions are timed as well: see trainer_time_program. */
struct trainer_bench {
    int repeats;
    double *step, *eval; /* [repeats] seconds; the caller's */
    double atoms, edges; /* of a batch, mean */
};
int trainer_bench(struct trainer *trainer, struct trainer_bench *bench, struct error *error);

/* The programs of a training step (loss, gradients) and of an evaluation, for looking at; NULL before the first. */
struct program;
struct program *trainer_program(const struct trainer *trainer);
struct program *trainer_eval_program(const struct trainer *trainer);
/* Runs one of them so many times on that batch, with the weights of training as they are; program_instruction and
 * graph/run/profile.h then tell where the time went.  Nothing of the state changes.  ERROR_STATE while a batch is under
 * way. */
int trainer_time_program(struct trainer *trainer, int evaluation, int runs, struct error *error);

#endif
