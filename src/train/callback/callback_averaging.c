/* WeightAveraging and EMAWeightAveraging, by Lightning's definitions: an average of the weights is taken up after
 * steps, or after epochs.  Validation sees it, and checkpoints hold it as the model's weights, those of training beside
 * it; once training is over it is what the run has brought.  The weights of training stay where they are: nothing is
 * ever swapped.  A training module that keeps an average of its own has that averaged as well, as one more of
 * Lightning's buffers; only tests see what comes of it. */
#include <string.h>

#include "base/team.h"
#include "train/callback/average_rule.h"
#include "train/callback/callback_kinds.h"
#include "train/core/state.h"
#include "train/run/composition.h"
#include "train/run/run.h"
#include "train/run/trainer.h"

/* When it takes up the weights. */
struct averaging_options {
    const struct config_node *avg_fn, *multi_avg_fn, *starting_step, *starting_epoch;
    double decay;
    int64_t every;
    int use_buffers;
    /* What these come to. */
    struct average_rule rule;
    int64_t first_step, first_epoch; /* from 0; first_epoch -1: never after epochs */
};

struct averaging {
    struct variable *weights[DTYPE_COUNT];    /* whole slabs: buffers too; NULL where nothing is trained */
    struct variable *of_average[DTYPE_COUNT]; /* of the training module's average; NULL where it keeps none */
    struct variable *averaged;                /* weights so far */
    struct variable *step;                    /* optimizer steps when that was last done after a batch */
    struct variable *epochs;                  /* up to the one after which it was last done; 0: none */
    struct variable *kept; /* the weights now are those of a checkpoint that was kept, for a test of them */
};

#define AT(member) offsetof(struct averaging_options, member)
#define DEVICE                                                                                                         \
    { "device", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted; there is no memory but the processor's" }
#define BUFFERS                                                                                                        \
    { "use_buffers", OPTION_BOOL, 0, "true", AT(use_buffers), NULL, "buffers are averaged too, else copied" }
static const struct option plain_rows[] = {
    DEVICE,
    BUFFERS,
    {"avg_fn", OPTION_NODE, 0, NULL, AT(avg_fn), NULL,
     "torch.optim.swa_utils.get_ema_avg_fn or get_swa_avg_fn; null: all weights count the same"},
    {"multi_avg_fn", OPTION_NODE, 0, NULL, AT(multi_avg_fn), NULL,
     "torch.optim.swa_utils.get_ema_multi_avg_fn or get_swa_multi_avg_fn, instead of avg_fn"},
};
static const struct option ema_rows[] = {
    DEVICE,
    BUFFERS,
    {"decay", OPTION_FLOAT, 0, "0.999", AT(decay), NULL, "how much of the average an update keeps, in [0, 1]"},
    {"update_every_n_steps", OPTION_INT, 0, "1", AT(every), NULL, "steps from one to the next; 0: not after steps"},
    {"update_starting_at_step", OPTION_NODE, 0, NULL, AT(starting_step), NULL, "the first step, from 0; null: 0"},
    {"update_starting_at_epoch", OPTION_NODE, 0, NULL, AT(starting_epoch), NULL,
     "the first epoch, from 0, after which it is done too; null: not after epochs"},
    {"avg_fn", OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL,
     "decay says which average it is; WeightAveraging takes avg_fn"},
    {"multi_avg_fn", OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL,
     "decay says which average it is; WeightAveraging takes multi_avg_fn"},
};

/* ---------------------------------------------------------------- options */

static int check_plain(const void *given, const struct config_node *config, struct error *error) {
    struct averaging_options *how = (struct averaging_options *)given;
    (void)config;
    int both = config_kind(how->avg_fn) != CONFIG_NULL && config_kind(how->multi_avg_fn) != CONFIG_NULL;
    if (both)
        return config_error(how->multi_avg_fn, error, ERROR_VALUE,
                            "avg_fn and multi_avg_fn exclude each other: both say which average it is");
    how->every = 1;
    how->first_epoch = -1;
    int by_lerp = config_kind(how->multi_avg_fn) != CONFIG_NULL;
    int code = average_rule_read(&how->rule, by_lerp ? how->multi_avg_fn : how->avg_fn,
                                 by_lerp ? "multi_avg_fn" : "avg_fn", by_lerp, error);
    if (!code && how->rule.by_lerp && !how->rule.decays && how->use_buffers)
        code = config_error(how->multi_avg_fn, error, ERROR_VALUE,
                            "this function does not divide whole numbers, which NequIP has among its buffers: "
                            "use_buffers: false leaves them out, and avg_fn: null is the same average");
    return code;
}

static int read_start(const struct config_node *node, const char *name, int64_t *out, struct error *error) {
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_whole(node, out))
        return config_error(node, error, ERROR_TYPE, "%s: a whole number, or null, is expected", name);
    *out = *out < 0 ? 0 : *out;
    return 0;
}

static int check_ema(const void *given, const struct config_node *config, struct error *error) {
    struct averaging_options *how = (struct averaging_options *)given;
    how->first_epoch = -1;
    how->rule = (struct average_rule){.decays = 1, .decay = how->decay};
    int code = average_rule_check_decay(how->decay, config_get(config, "decay"), error);
    if (!code)
        code = read_start(how->starting_step, "update_starting_at_step", &how->first_step, error);
    if (!code)
        code = read_start(how->starting_epoch, "update_starting_at_epoch", &how->first_epoch, error);
    return code;
}

static int keeps_average(const struct composition *composition) {
    for (int k = 0; k < composition->nlayers; k++)
        if (composition->layers[k].kind->average)
            return 1;
    return 0;
}

static int fits(const struct callback *callback, const struct composition *composition, struct error *error) {
    const struct averaging *own = callback->own;
    const struct layer *layer = composition_claimant((struct composition *)composition, CLAIM_EVALUATION);
    const char *name = callback->kind->target.target;
    if (layer && layer->kind->files_hold_evaluation)
        return config_error(
            callback->config, error, ERROR_VALUE,
            "%s, and the layer '%s' of %s, both claim %s: one of them must go (in Lightning each validation "
            "leaves a mixture of both, from which training goes on)",
            name, layer->kind->name, composition->kind->target.target, claim_name(CLAIM_EVALUATION));
    if (own->weights[F32] && keeps_average(composition) != (own->of_average[F32] != NULL))
        return config_error(callback->config, error, ERROR_STATE,
                            "%s averages the average of the training module as well: that one cannot come or go while "
                            "the run goes on",
                            name);
    return 0;
}

/* ---------------------------------------------------------------- state */

static struct variable *add(struct callback *callback, struct trainer *trainer, const char *what, enum state_type type,
                            size_t count, int big, struct error *error) {
    char name[96];
    snprintf(name, sizeof name, "%s%s", callback->prefix, what);
    return state_add(trainer_state(trainer), name, type, count, big, error);
}

static void copy(struct variable *to, const struct variable *from) {
    size_t size = from->count * state_type_size(from->type);
    if (!size)
        return;
    memcpy(to->data, from->data, size);
    memcpy(to->next, from->data, size);
}

/* It begins as what it is an average of. */
static void start(const struct averaging *own, const struct trainer *trainer) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        copy(own->weights[d], run_weights(trainer)->parameters[d]);
        if (own->of_average[d])
            copy(own->of_average[d], run_module_average(trainer, (enum dtype)d));
    }
}

/* What somebody may not expect of Lightning. */
static void tell_tests(const struct callback *callback, struct trainer *trainer) {
    const struct config_node *runs = config_get(trainer_config(trainer), "run");
    int trained = 0, tests = 0;
    for (size_t k = 0; config_kind(runs) == CONFIG_LIST && k < config_count(runs); k++) {
        tests |= trained && !strcmp(config_text(config_at(runs, k)), "test");
        trained |= !strcmp(config_text(config_at(runs, k)), "train");
    }
    if (tests && callbacks_of(trainer, &callback_model_checkpoint))
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s: the test takes the weights of training that the best checkpoint has, as in Lightning; the "
                     "average is what the file holds as the model's, and what `fettle eval` takes from it",
                     callback->kind->target.target);
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct averaging *own = callback->own;
    if (!trainer_trains(trainer))
        return 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        enum state_type type = d == F32 ? STATE_F32 : STATE_F64;
        size_t count = model_slab_size(trainer_model(trainer), (enum dtype)d);
        if (!(own->weights[d] =
                  add(callback, trainer, d == F32 ? "weights.f32" : "weights.f64", type, count, 1, error)))
            return ERROR_MEMORY;
        if (run_module_average(trainer, (enum dtype)d) &&
            !(own->of_average[d] =
                  add(callback, trainer, d == F32 ? "average.f32" : "average.f64", type, count, 1, error)))
            return ERROR_MEMORY;
    }
    if (!(own->averaged = add(callback, trainer, "averaged", STATE_I64, 1, 0, error)) ||
        !(own->step = add(callback, trainer, "step", STATE_I64, 1, 0, error)) ||
        !(own->epochs = add(callback, trainer, "epochs", STATE_I64, 1, 0, error)) ||
        !(own->kept = add(callback, trainer, "kept", STATE_I64, 1, 0, error)))
        return ERROR_MEMORY;
    own->averaged->range = own->step->range = own->epochs->range = &state_counter;
    own->kept->range = &state_flag;
    start(own, trainer);
    tell_tests(callback, trainer);
    return 0;
}

static int64_t *integer(const struct variable *variable) {
    return variable->data;
}

static int check_state(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct averaging *own = callback->own;
    const struct cursor *cursor = run_cursor(trainer);
    if (!own->averaged)
        return 0;
    if (*integer(own->step) > cursor->step)
        return state_refuse(own->step, error, "is %lld, after %lld steps", (long long)*integer(own->step),
                            (long long)cursor->step);
    if (*integer(own->epochs) > cursor->epoch + 1)
        return state_refuse(own->epochs, error, "is %lld, in epoch %lld (from 0 on)", (long long)*integer(own->epochs),
                            (long long)cursor->epoch);
    return 0;
}

static void begins(const struct callback *callback, struct trainer *trainer) {
    const struct averaging *own = callback->own;
    if (own->weights[F32])
        start(own, trainer);
}

/* ---------------------------------------------------------------- the average */

struct job {
    const struct averaging_options *how;
    const struct averaging *own;
    const struct trainer *trainer;
};

/* What the batch under way has written, or what stands. */
static const void *now(const struct variable *variable) {
    return variable->written ? variable->next : variable->data;
}

static void take_up(const struct job *job, struct variable *mean, const struct variable *from, enum dtype dtype,
                    size_t trainable, int member, int members) {
    size_t begin = mean->count * (size_t)member / (size_t)members;
    size_t end = mean->count * (size_t)(member + 1) / (size_t)members, parted = trainable;
    int64_t before = *integer(job->own->averaged);
    if (job->how->use_buffers || parted > end)
        parted = end;
    if (parted < begin)
        parted = begin;
    average_rule_apply(&job->how->rule, dtype, before, mean->data, now(from), mean->next, begin, parted);
    average_rule_apply(&job->how->rule, dtype, 0, NULL, now(from), mean->next, parted, end); /* copied */
}

static void run_job(void *context, int member, int members) {
    const struct job *job = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t trainable = model_trainable_size(trainer_model(job->trainer), (enum dtype)d);
        take_up(job, job->own->weights[d], run_weights(job->trainer)->parameters[d], (enum dtype)d, trainable, member,
                members);
        /* all of that average are buffers, as torch sees it */
        if (job->own->of_average[d])
            take_up(job, job->own->of_average[d], run_module_average(job->trainer, (enum dtype)d), (enum dtype)d, 0,
                    member, members);
    }
}

/* Into `next`. */
static void average(const struct callback *callback, struct trainer *trainer) {
    struct averaging *own = callback->own;
    struct job job = {callback->options, own, trainer};
    team_run(trainer_team(trainer), run_job, &job);
    ++*integer(own->averaged);
}

static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct averaging_options *how = callback->options;
    struct averaging *own = callback->own;
    int64_t step = run_cursor(trainer)->step;
    (void)error;
    if (step <= *integer(own->step) || how->every <= 0 || step - 1 < how->first_step || (step - 1) % how->every)
        return 0;
    average(callback, trainer);
    *integer(own->step) = step;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        own->weights[d]->written = 1;
        if (own->of_average[d])
            own->of_average[d]->written = 1;
    }
    return 0;
}

static int epoch_end(struct callback *callback, struct trainer *trainer, const double *loss, struct error *error) {
    const struct averaging_options *how = callback->options;
    struct averaging *own = callback->own;
    int64_t epoch = run_cursor(trainer)->epoch;
    (void)loss;
    (void)error;
    if (how->first_epoch < 0 || epoch < how->first_epoch || epoch < *integer(own->epochs))
        return 0;
    average(callback, trainer);
    *integer(own->epochs) = epoch + 1;
    for (int d = 0; d < DTYPE_COUNT; d++) { /* no batch is under way */
        memcpy(own->weights[d]->data, own->weights[d]->next,
               own->weights[d]->count * state_type_size(own->weights[d]->type));
        if (own->of_average[d])
            memcpy(own->of_average[d]->data, own->of_average[d]->next,
                   own->of_average[d]->count * state_type_size(own->of_average[d]->type));
    }
    return 0;
}

static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    const struct averaging *own = callback->own;
    (void)error;
    if (moment == MOMENT_TRAIN_END && !*integer(own->averaged) && run_cursor(trainer)->step)
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s has taken up no weights, by the steps and epochs that it was given: validation saw those of "
                     "the start, and they are what is left of the run",
                     callback->kind->target.target);
    return 0;
}

/* ---------------------------------------------------------------- who sees it */

static struct variable *average_variable(const struct callback *callback, enum dtype dtype, int of_average) {
    const struct averaging *own = callback->own;
    return of_average ? own->of_average[dtype] : own->weights[dtype];
}

/* Lightning swaps for validations, and tests what training has left, or a checkpoint with its weights of training. */
static const void *evaluation(const struct callback *callback, const struct trainer *trainer, enum data_role role,
                              enum dtype dtype) {
    const struct averaging *own = callback->own;
    if (!own->weights[dtype])
        return NULL;
    if (role == ROLE_VAL)
        return own->weights[dtype]->data;
    if (!run_cursor(trainer)->trained || *integer(own->kept))
        return NULL;
    return own->of_average[dtype] ? own->of_average[dtype]->data : own->weights[dtype]->data;
}

static void weights_read(const struct callback *callback, struct trainer *trainer) {
    const struct averaging *own = callback->own;
    (void)trainer;
    if (own->kept)
        *integer(own->kept) = 1;
}

#define HOOKS                                                                                                          \
    .options_size = sizeof(struct averaging_options), .private_size = sizeof(struct averaging), .fits = fits,          \
    .open = open_callback, .check_state = check_state, .begins = begins, .batch_end = batch_end,                       \
    .epoch_end = epoch_end, .judge = judge, .average = average_variable, .evaluation = evaluation,                     \
    .weights_read = weights_read

const struct callback_kind callback_weight_averaging = {
    .target = {"lightning.pytorch.callbacks.WeightAveraging", "weight_averaging"},
    .help = "validation sees an average of the weights after each step, and files hold it",
    .options = plain_rows,
    .noptions = sizeof plain_rows / sizeof *plain_rows,
    .check = check_plain,
    HOOKS,
};

const struct callback_kind callback_ema_weight_averaging = {
    .target = {"lightning.pytorch.callbacks.EMAWeightAveraging", "ema_weight_averaging"},
    .help = "validation sees a moving average of the weights, and files hold it",
    .options = ema_rows,
    .noptions = sizeof ema_rows / sizeof *ema_rows,
    .check = check_ema,
    HOOKS,
};
