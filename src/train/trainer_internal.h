/* Inside of the trainer. */
#ifndef FETTLE_TRAIN_TRAINER_INTERNAL_H
#define FETTLE_TRAIN_TRAINER_INTERNAL_H

#include <stdio.h>
#include "base/arena.h"
#include "base/clock.h"
#include "data/batch.h"
#include "data/prefetch.h"
#include "graph/program.h"
#include "train/callback.h"
#include "train/composition.h"
#include "train/csv_log.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/scheduler.h"
#include "train/trainer.h"
#include "train/trainer_options.h"

enum { MAX_TERMS = 32, MAX_SETS = 32 };
enum length { LENGTH_EPOCHS, LENGTH_STEPS, LENGTH_TIME, LENGTHS };
enum { CHANGE_WORDS = 64 }; /* of a change, at most */

/* Where the loop stands; a state variable of integers, whose names and ranges stand in cursor.c. */
struct cursor {
    int64_t phase;   /* the next */
    int64_t run;     /* entry of `run` */
    int64_t epoch;   /* the one under way, or the last */
    int64_t epochs;  /* that are over */
    int64_t batch;   /* of this epoch: the one under way */
    int64_t step;    /* optimizer steps */
    int64_t stepped; /* batches that stepped, as Lightning counts for its loggers */
    int64_t window;  /* batches whose gradients are summed since the last step */
    int64_t should_stop;
    int64_t trained;    /* a training run is over */
    int64_t run_stage;  /* entries of `run` that are done */
    int64_t validated;  /* the last validation was in this epoch */
    int64_t epoch_open; /* an epoch's batches are under way */
    int64_t rows;       /* of metrics.csv */
    int64_t accepted;   /* batches, of all epochs */
};

/* What one batch gave, until it is logged: [metrics_max_count] of the loss and of the train_metrics. */
struct batch_values {
    double *loss, *metrics;
};

/* Values by name; of what was logged last each name stands once. */
struct history {
    size_t count, capacity;
    char **names;
    double *values;
};

struct train_program {
    struct graph *graph;
    struct program *program;
    int active[MAX_TERMS]; /* terms that it has */
    int nactive;
    int separate;        /* gradients of each term, else of the weighted sum */
    int ngrads;          /* parameters that it differentiates by */
    int *grad_parameter; /* [ngrads] */
    /* [entries of the state dict] What is differentiated depends on it: what does not has no gradient, as against one
     * of 0.  Where the terms' gradients are combined, all have one. */
    unsigned char *reached;
    int first_grad;      /* output number; train_program_gradients * ngrads of them follow */
    int prediction[5];   /* output number of a prediction, or -1 */
    const void **inputs; /* bound for each run */
    void **outputs;
};

struct eval_program {
    struct graph *graph;
    struct program *program;
    int prediction[5];
    const void **inputs;
};

enum { MAX_GROUPS = 16 };

/* Options by group; group 0 is of the parameters that no other has. */
struct param_groups {
    int count;
    void *options[MAX_GROUPS];
    const struct config_node *params[MAX_GROUPS];
    int (*in_first)(const struct parameter *p); /* or the second; NULL: params says */
    unsigned char *group;                       /* [entries of the state dict] */
};

/* Neighbours in a slab that take the same step. */
struct stretch {
    size_t begin, end;
    int entry; /* the first parameter's, of the state dict */
    int group, steps;
    int64_t step;
};

/* The optimizer with what it holds. */
struct optimizer {
    struct param_groups groups;
    const struct optimizer_kind *kind;
    void *options;
    int slots;
    struct variable *slot[OPTIMIZER_MAX_SLOTS][DTYPE_COUNT];
    struct variable *lr;      /* [groups][2]: now, initial */
    struct variable *step;    /* [1] */
    struct variable *skipped; /* [entries of the state dict]: steps in which a parameter had no gradient */
    struct variable *scalars; /* [kind->scalars], of each entry or of all; NULL without any */
    struct stretch *stretches[DTYPE_COUNT]; /* of the step under way */
    int nstretches[DTYPE_COUNT];
    enum dtype leading[MAX_GROUPS];
    char *scratch; /* [threads][scratch_size] */
    size_t scratch_size;
    void *own; /* of a kind that makes its steps itself */
};

struct schedule { /* the scheduler and when it steps */
    struct scheduler *scheduler;
    struct scheduler *more[MAX_GROUPS]; /* of groups 1 and on: each steers its own rate */
    const char *monitor, *name;         /* name: of the rate's column; NULL: the optimizer's */
    int64_t frequency;
    int by_step, strict, told; /* told: that the metric is missing */
};

/* A folder that this run writes to: nobody else does. */
struct lock;
struct folder_claim {
    struct lock *lock;
    char *folder;
    size_t existing; /* so much of its name was there before */
};
enum { MAX_CLAIMS = MAX_CALLBACKS };

struct retired {
    struct config *config;
    struct retired *next;
};

/* A random stream in the state: the words of the generator and how many of them are used up. */
struct kept_stream {
    struct variable *words, *position;
};

struct trainer {
    struct arena *arena;
    struct config *given, *config;
    char *output;
    struct folder_claim claim;              /* of output */
    struct folder_claim claims[MAX_CLAIMS]; /* of other folders that callbacks write to */
    int nclaims;
    int fresh;         /* output held nothing of this run when it was opened */
    int replaces;      /* output holds another run, which goes */
    char identity[17]; /* of the run: its checkpoints carry it, and a run that goes on from one keeps it */
    int went_back;     /* there may be files of batches that are still to come */
    struct trainer_options how;
    struct team *team;
    struct state *state;
    struct datamodule *data;
    struct model *model;
    void *slab[DTYPE_COUNT]; /* accepted parameters and buffers; variables "model.f32", "model.f64" */
    struct variable *parameters[DTYPE_COUNT];
    void *grads[DTYPE_COUNT];                 /* the gradient that the optimizer gets */
    void *term_grads[MAX_TERMS][DTYPE_COUNT]; /* where terms are kept apart */
    struct variable *window[DTYPE_COUNT];     /* sums over the batches of a window; NULL if each batch steps */
    struct trainer_settings options;
    double length[LENGTHS]; /* limits of training, in force; negative: none */
    struct composition composition;
    struct optimizer optimizer;
    struct schedule schedule;
    struct callbacks callbacks;

    struct metrics *loss, *train_metrics;
    struct metrics *val_metrics[MAX_SETS], *test_metrics[MAX_SETS];
    size_t nval, ntest;

    struct variable *cursor_variable;
    /* What orders of frames are drawn from (streams.c); the last two only where something is. */
    struct kept_stream random, random_evaluation, random_process;
    struct variable *workers;          /* [nval + ntest] persistent ones are there; NULL: it is all the same */
    struct variable *order;            /* of this epoch's frames */
    struct variable *frozen;           /* [entries of the state dict] */
    struct variable *batch_size;       /* from the next epoch on; NULL without training data */
    struct variable *epoch_batch_size; /* in this epoch; likewise */
    char fingerprint[17];              /* of the training data */
    const char *resume;                /* the checkpoint that the run goes on from; NULL: none */
    struct safetensors *resumed;       /* its contents, while the run is opened */
    struct variable *audit;            /* the text of the audit log, and a terminating zero */
    char *replay, *replay_at;          /* an audit log to make again, and its first line that is still to come */
    struct retired *retired;           /* configs that were in force before: nodes of theirs may be in use */
    const char **runs;
    size_t nruns;
    double started, seconds; /* of training: since the last start, and before it */
    int timed;               /* a callback counts these seconds: checkpoints have them */
    double validated;        /* the clock at the last validation, or when training started */
    uint64_t kept;           /* run_folder_mark of what last.safetensors holds */
    int keeps;               /* it has been written */
    double saved, saving;    /* when last.safetensors was written, and how long that took */

    struct batch *batch, *eval_batch;
    struct prefetch *ahead, *eval_ahead; /* the next of each */
    const struct frame **frames;         /* scratch */
    size_t nframes;
    struct train_program train;
    struct eval_program eval;
    struct prediction prediction;
    double coefficients[MAX_TERMS]; /* of the weighted sum, as the program gets them */
    struct batch_values values;
    double *computed; /* scratch: the values of whichever metrics are computed */
    double grad_norm, grad_scale, grad_limit;
    int open;               /* a transaction is open */
    int gradients;          /* that the batch under way has */
    int at_next;            /* they are those at the parameters' next */
    int aside;              /* what is done now will be taken back: nothing is written or told */
    int look_raw;           /* looks use the raw weights, whatever evaluation sees */
    int confined;           /* callbacks write below the run's folder only */
    int catches;            /* a batch that makes what is not finite is given up */
    struct config **givens; /* configs as given, before each exchange of parts; [tools] */
    int tools;              /* such exchanges so far */

    struct csv_log *csv;
    struct tensorboard_log *tensorboard; /* NULL where no logger asks for it */
    FILE *log;                           /* run.log */
    struct history history;
    struct history pending; /* values that are collected until the row is written */
    struct trainer_row row;
};

static inline struct cursor *cursor_of(const struct trainer *trainer) {
    return trainer->cursor_variable->data;
}

/* After the state was put back (a batch given up, a snapshot, a checkpoint): what stands outside of it follows. */
void trainer_sync(struct trainer *trainer);

/* Reports an event to the front end. */
void trainer_tell(struct trainer *trainer, enum trainer_event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* remarks.c: what the settings come to with these data: an error where Lightning refuses, notices where a person may
 * not expect it */
int remarks_make(struct trainer *trainer, struct error *error);

/* cursor.c */
int cursor_open(struct trainer *trainer, struct error *error);
int cursor_read_phase(struct trainer *trainer, const char *name, struct error *error);
int cursor_check_state(const struct trainer *trainer, struct error *error); /* once the phase is read */

/* trainer_check.c */
/* `run`: a name or a list of names. */
int config_runs(const struct config_node *root, struct arena *arena, const char ***runs, size_t *count,
                struct error *error);
struct schedule_options { /* what stands under lr_scheduler */
    const struct config_node *scheduler, *plateau;
    const char *monitor, *interval, *name;
    int64_t frequency;
    int strict;
};
const struct option *schedule_settings_rows(size_t *count);
/* For an optimizer of this kind (NULL: none) and so many parameter groups. */
int config_schedule(const struct config_node *config, const struct optimizer_kind *kind, int groups,
                    struct schedule_options *out, struct arena *arena, struct error *error);

/* run_claim.c: whose a folder is */
/* Takes the lock of the run's folder, before anything is read or written; ERROR_STATE where another process has it. */
int run_claim_lock(struct trainer *trainer, struct error *error);
/* Once the checkpoint is read that the run goes on from: ERROR_STATE where the folder holds results of another run. */
int run_claim(struct trainer *trainer, struct error *error);
/* The same for a folder elsewhere that a callback writes to; without effect where it is this run's already. */
int run_claim_also(struct trainer *trainer, const char *folder, struct error *error);
/* For a single file that is appended to. */
int run_claim_file(struct trainer *trainer, const char *path, struct error *error);
void run_claim_release(struct trainer *trainer);
int run_claim_has(const struct trainer *trainer, const char *folder); /* it lies in the run's folder */
/* Draws up the identity of a run that begins. */
int run_claim_identify(struct trainer *trainer, struct error *error);
/* *ours: the file is a checkpoint of this run; *batches (may be NULL): how many batches after its beginning. Fails
 * where memory runs out, or reading fails. */
int run_claim_wrote(const struct trainer *trainer, const char *path, int *ours, int64_t *batches, struct error *error);
/* Where the run takes the place of another: the files of that one go. */
int run_claim_replace(struct trainer *trainer, struct error *error);

/* run_folder.c: the config as given and as resolved, metrics.csv, run.log; last.safetensors. */
int run_folder_open(struct trainer *trainer, int resumed, struct error *error);
/* Whether path is the file that the config was read from: it stays as its author wrote it. */
int run_folder_is_source(const struct trainer *trainer, const char *path);
/* The one gate for files that callbacks write: called with each path before it is opened; makes the folders above.
 * ERROR_STATE where the run is confined to its folder (trainer_confine), and path lies elsewhere. */
int run_folder_prepare(struct trainer *trainer, const char *path, struct error *error);
void run_folder_close(struct trainer *trainer);
void run_folder_note(struct trainer *trainer, const char *text); /* a line of run.log */
uint64_t run_folder_mark(const struct trainer *trainer);         /* tells the state of now from others of this run */
int run_folder_last(struct trainer *trainer, struct error *error);
/* The same, and rows of metrics.csv that could not be written must be now. */
int run_folder_end(struct trainer *trainer, struct error *error);

/* programs.c */
int train_program_make(struct trainer *trainer, struct error *error); /* if the active terms have changed */
void train_program_free(struct trainer *trainer);
/* A step on trainer->batch: predictions, terms, then each gradient. */
int train_program_forward(struct trainer *trainer, struct error *error);
int train_program_loss(struct trainer *trainer, struct error *error);
int train_program_gradients(const struct trainer *trainer); /* how many: one, or one for each active term */
int train_program_backward(struct trainer *trainer, int gradient, struct error *error);
/* Instruction by instruction.  Gradients of before stay, as they do below. */
int train_program_time(struct trainer *trainer, int runs, struct error *error);
/* The same batch again, by a program that keeps every value; look is called before it goes. */
int train_program_inspect(struct trainer *trainer,
                          int (*look)(void *context, const struct program *program, struct error *error), void *context,
                          struct error *error);
int eval_program_make(struct trainer *trainer, struct error *error);
void eval_program_free(struct trainer *trainer);
/* Predictions for a batch with these parameters. */
int eval_program_run(struct trainer *trainer, const struct batch *batch, const void *const params[DTYPE_COUNT],
                     struct prediction *out, struct error *error);

/* schedule.c and param_groups.c */
int param_groups_read(const struct optimizer_kind *kind, const void *base, const struct config_node *config,
                      struct param_groups *out, struct arena *arena, struct error *error);
int param_groups_assign(struct param_groups *groups, const struct model *model, struct arena *arena,
                        struct error *error);
int schedule_open(struct trainer *trainer, const struct config_node *config, struct error *error);
/* Before training: an error if the scheduler ends before the run does, where the run's length is known. */
int schedule_lasts(struct trainer *trainer, const struct config_node *config, struct error *error);
int schedule_step(struct schedule *schedule, double metric, struct error *error); /* of all groups */
/* Whether the technique that runs backward steps the scheduler itself: at the end of every validation, the one before
 * training included, whatever its frequency says. */
int schedule_is_by_hand(struct trainer *trainer);
int schedule_by_hand(struct trainer *trainer, struct error *error); /* by what its metric was last */
/* The loop has come to a step or the end of an epoch.  plateau: those that judge by a metric; else the others. */
int schedule_advance(struct trainer *trainer, int by_step, int plateau, struct error *error);
void schedule_sync(struct schedule *schedule);
void schedule_free(struct schedule *schedule);
int parameters_match(const char *pattern, const char *name);

/* callback_accumulation.c: batches that are summed to a step, in this epoch and at most */
int64_t accumulation_now(const struct trainer *trainer);
int64_t accumulation_most(const struct trainer *trainer);
int accumulation_changes(const struct trainer *trainer); /* with the epochs */

/* update.c */
int optimizer_open(struct trainer *trainer, const struct config_node *config, struct error *error);
double update_norm(const struct trainer *trainer);                     /* of the gradient */
void update_clip(struct trainer *trainer, double limit, int by_value); /* sets grad_scale, grad_limit */
void update_accumulate(struct trainer *trainer);
int update_step(struct trainer *trainer, struct error *error);
/* The next step is the first of this entry of the state dict, in what is counted and kept for it alone. */
void optimizer_forget(struct optimizer *optimizer, int entry);

/* describe.c: the norm of what the optimizer keeps in a slot, over all parameters */
double optimizer_norm(const struct trainer *trainer, int slot);
/* norms.c: 1 and the value of norm.NAME, grad.NAME or update.NAME, where there is one */
int norms_value(const struct trainer *trainer, const char *name, double *value);

/* settings.c: gives a limit of the gradient a new value: 0 or more. */
int clip_value_set(struct variable *limit, double value, struct error *error);
extern const struct state_range gradient_limits;

/* Where `train` stands in `run`; -1: nowhere. */
int64_t trainer_train_entry(const struct trainer *trainer);
int trainer_trains(const struct trainer *trainer);

/* monitors.c: who watches a metric, and what becomes of it where that is never logged */
struct watcher {
    const char *who, *name;
    const struct config_node *config;
    int rests; /* where nothing is validated; else it is an error */
};
struct watcher watcher_schedule(const struct config_node *config, const char *monitor, int strict);
/* name: NULL where the kind watches nothing */
struct watcher watcher_callback(const struct callback *callback, const struct trainer_settings *how);
/* Before data is read: an error where a run that trains never logs it. */
int watcher_check(const struct watcher *watcher, const struct trainer_settings *how, struct error *error);
/* The same once the data are known, of all that watch; who rests is named. */
int monitors_check(struct trainer *trainer, const struct config_node *schedule, struct error *error);

/* evaluate.c: the parameters that evaluation sees */
void evaluation_params(const struct trainer *trainer, const void *params[DTYPE_COUNT]);
/* Those that looks use: these, or the raw ones where that was asked for. */
void look_params(const struct trainer *trainer, const void *params[DTYPE_COUNT]);
/* All sets of validation or test, at most `limit` batches of each (-1: as many as the settings say). */
int64_t evaluate_batches_of(const struct trainer *trainer, size_t set);                       /* in a validation */
int64_t evaluate_all_batches(const struct trainer *trainer, enum data_role role, size_t set); /* without a limit */
/* The sets are loaded anew: workers that persist are not there any more. */
void evaluate_begin(struct trainer *trainer);
int evaluate_has_batches(const struct trainer *trainer); /* there is anything to validate */
/* Logged under "val0_epoch/..." (log: to metrics.csv as well). */
int evaluate_role(struct trainer *trainer, enum data_role role, int64_t limit, int log, struct error *error);

/* logging.c */
int log_row(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values,
            struct error *error); /* remembers values for the next log_flush */
/* Whether the batch under way gets a row: every log_every_n_steps, and the last ones of a run that is to stop. */
int log_is_due(const struct trainer *trainer);
int log_value(struct trainer *trainer, const char *name, double value, struct error *error);
int log_flush(struct trainer *trainer, int64_t epoch, int64_t step, struct error *error);
void history_set(struct trainer *trainer, const char *name, double value);
void log_drop(struct trainer *trainer);
void history_free(struct history *history);

/* checkpoint.c */
int checkpoint_write(struct trainer *trainer, const char *path, struct error *error);
/* Weights and averages alone: for looking, testing and --init, not for going on. */
int checkpoint_write_weights(struct trainer *trainer, const char *path, struct error *error);
int checkpoint_init(struct trainer *trainer, const char *path, struct error *error); /* its weights alone */
/* All of it.  On an error the trainer is to be freed. */
int checkpoint_resume(struct trainer *trainer, const struct safetensors *file, struct error *error);
/* The weights (and averages) of a checkpoint of this run, nothing else: for testing with the best. */
int checkpoint_weights(struct trainer *trainer, const char *path, struct error *error);

/* audit.c */
int audit_add(struct trainer *trainer, int count, const char *const *words, struct error *error);
int audit_write(struct trainer *trainer, struct error *error); /* audit.log in the folder of the run */
int audit_replay_open(struct trainer *trainer, const char *path, struct error *error);
/* The changes of a log from `from` bytes on are still to come. */
int audit_replay_text(struct trainer *trainer, const char *log, size_t from, struct error *error);
/* Makes the changes whose place this is; called between batches. */
int audit_replay(struct trainer *trainer, struct error *error);
/* Whether bytes that were read are a log: lines that begin with a place, and a terminating zero; or nothing. */
int audit_check(const char *log, size_t size, struct error *error);
/* Calls with the words of each line of an audit log. */
int audit_each(const char *log, int (*call)(void *context, int count, const char *const *words, struct error *error),
               void *context, struct error *error);

/* finite.c: ERROR_NUMERIC, with the place, where the batch under way has made a NaN or an infinity */
int finite_check(struct trainer *trainer, struct error *error);

/* parameters.c */
int parameters_open(struct trainer *trainer, struct error *error);
int parameters_train(const struct trainer *trainer); /* there is one that is not frozen */
void parameters_sync(struct trainer *trainer);       /* the model's flags follow the state */
int parameters_check_state(const struct trainer *trainer, struct error *error);
int parameters_freeze(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error);
int parameters_reinit(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error);

/* retool.c: another training module or optimizer */
/* The overrides of a config that a change amounts to: 0, or an error; not for `set`. */
int retool_override(struct config *config, int count, const char *const *words, struct error *error);
int retool_to(struct trainer *trainer, const struct config *given, struct error *error); /* the parts it names */
int retool(struct trainer *trainer, int count, const char *const *words, struct text *report, struct error *error);

/* resume.c */
int resume_find(struct trainer *trainer, struct error *error); /* which checkpoint, if any */
int resume_read(struct trainer *trainer, struct error *error);
int resume_open(struct trainer *trainer, struct error *error);        /* brings the config up to it */
int resume_check(struct trainer *trainer, struct error *error);       /* config and data are those of the checkpoint */
void resume_fingerprint(const struct trainer *trainer, char out[17]); /* of the training data */

/* trainer.c: frames have the types of the model, neighbours, and what the metrics ask for */
int trainer_check_data(const struct trainer *trainer, struct error *error);
/* What stands under the training module, opened; used by retool.c */
int trainer_open_optimizer(struct trainer *trainer, const struct module_options *module, struct error *error);
int trainer_open_terms(struct trainer *trainer,
                       struct error *error); /* a gradient for each term, where one is wanted */

/* streams.c */
int streams_open(struct trainer *trainer, struct error *error);
int streams_resumed(struct trainer *trainer, struct error *error); /* the state was read from a checkpoint */
int streams_have(const struct trainer *trainer, const struct variable *variable); /* it is one of theirs */
/* As a set of this role finds them; kept after it has drawn. */
void streams_read(const struct trainer *trainer, enum data_role role, struct loader_streams *out);
void streams_keep(struct trainer *trainer, enum data_role role, const struct loader_streams *streams);

/* batches.c */
int batches_open(struct trainer *trainer, struct error *error);
int batches_check_state(const struct trainer *trainer, struct error *error);
struct loader batches_loader(const struct trainer *trainer);                      /* of this epoch */
int batches_set_size(struct trainer *trainer, double value, struct error *error); /* from the next epoch on */
void batches_begin_epoch(struct trainer *trainer);
int batches_load(struct trainer *trainer, int64_t k, struct error *error); /* batch k of the epoch */
int batches_join(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error);
/* Some batch to look at: the one under way, or the last; before any, the first frames of the training data. */
int batches_any(struct trainer *trainer, struct error *error);

/* point.c */
int point_go_to(struct trainer *trainer, const struct trainer_point *point, struct error *error); /* files apart */
const void *point_weights(const struct trainer_point *point, enum dtype dtype);                   /* the slab */

const char *loop_ends(const struct trainer *trainer); /* what ends training before the next epoch, or NULL */

/* length.c: limits of training, as settings */
const char *length_name(enum length which);
void length_open(struct trainer *trainer);                           /* as the config has them */
double length_get(const struct trainer *trainer, enum length which); /* NaN: no limit */
/* Where training was over and may go on now, it does: with its next epoch, or the next batch of one that was cut. */
int length_set(struct trainer *trainer, enum length which, double value, struct error *error);
/* The state was read from the checkpoint `resumed`. */
void length_resumed(struct trainer *trainer);

/* loop.c: the phases of one batch, for measuring as well */
int loop_gradients(struct trainer *trainer, struct error *error); /* forward, loss, backward */
int loop_combine(struct trainer *trainer, struct error *error);
int loop_update(struct trainer *trainer, struct error *error); /* clip, optimizer, average */
/* For an optimizer, within its step: the loss of the batch under way; the same, with the gradient as clipped, at the
 * weights that stand in the parameters' next.  What is logged of the batch is what was evaluated last. */
double loop_loss(const struct trainer *trainer);
int loop_evaluate(struct trainer *trainer, double *loss, struct error *error);

#endif
