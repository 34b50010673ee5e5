/* Branches: run aside, they leave nothing behind; kept, they come to the bits that were compared. */
#include "runs.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "train/core/state.h"
#include "train/run/branch.h"
#include "train/run/change.h"
#include "train/run/composition.h"
#include "train/run/norms.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

/* Everything in the folder of the run, and beside it, by name, size and time of the last change. */
static uint64_t files(void) {
    static const char *const names[] = {"out/metrics.csv",      "out/audit.log",       "out/run.log",
                                        "out/last.safetensors", "out/metrics.csv.cut", "kept"};
    uint64_t sum = 0;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct stat status = {0};
        if (!stat(names[k], &status)) {
            int64_t what[] = {(int64_t)k, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
            sum = hash_bytes(sum, what, sizeof what);
        }
    }
    return sum;
}

/* How far the weights of now are from the end of a branch. */
static double apart(const struct trainer *trainer, const struct trainer_branch *branch) {
    double sum = 0;
    for (int k = 0; k < model_nparameters(trainer_model(trainer)); k++) {
        struct trainer_apart out;
        trainer_apart(trainer, k, NULL, NULL, trainer_branch_end(branch), &out);
        sum += out.apart;
    }
    return sum;
}

static const char *const changes[][4] = {
    {"set", "lr", "0.003"},           {"set", "batch_size", "2"},
    {"freeze", "edge_mlp"},           {"reinit", "layer1_convnet", "7"},
    {"set", "loss.forces_mse", "20"},
};
enum { CHANGES = sizeof changes / sizeof *changes };

static int words_of(const char *const *words) {
    int count = 0;
    while (count < 4 && words[count])
        count++;
    return count;
}

static struct trainer *opened(size_t technique, int single, const char *output, const char *replay) {
    struct start start = {.output = output, .replay = replay};
    cr_assert_eq(system("rm -rf kept"), 0); /* names and lengths of what is there are a part of the state */
    start_add(&start, single ? "training_module.model.model_dtype=float32" : "data.seed=3");
    start_add(&start, "data.train_dataloader.batch_size=3");
    start_add(&start, "data.train_dataloader.shuffle=true");
    start_add(&start, "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: "
                      "val0_epoch/weighted_sum, patience: 3}, {_target_: lightning.pytorch.callbacks.ModelCheckpoint, "
                      "monitor: val0_epoch/weighted_sum, dirpath: kept}, {_target_: "
                      "nequip.train.callbacks.ValTimeXYZFileWriter, out_file: kept/predicted}]");
    start_add_technique(&start, technique);
    return case_open(&start);
}

ParameterizedTestParameters(branch, leaves_nothing_behind_and_is_what_comes) {
    static int cases[2 * 64];
    for (size_t k = 0; k < 2 * composition_kind_count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, 2 * composition_kind_count);
}

/* Over the end of an epoch, with validation, best checkpoints, early stopping and files of predictions. */
ParameterizedTest(int *index, branch, leaves_nothing_behind_and_is_what_comes) {
    struct error error = {0};
    struct trainer_branch *this, *other;
    size_t technique = (size_t)*index / 2;
    const char *const *words = changes[*index % CHANGES];
    struct trainer_branch_options as_is = {.batches = 5},
                                  changed = {.batches = 5, .validate = 1, .count = words_of(words), .words = words};
    case_enter("ema_adam");
    struct trainer *trainer = opened(technique, *index % 2, "out", NULL);
    case_steps(trainer, 5);
    struct trainer_norms looked[2];
    int which = 0;
    while (model_parameter(trainer_model(trainer), which)->is_buffer)
        which++;
    trainer_parameter(trainer, which, &looked[0]);
    cr_assert_gt(looked[0].update, 0);
    uint64_t before = hash(trainer), written = files();
    cr_assert_eq(trainer_branch_new(&other, trainer, &changed, NULL, &error), 0, "%s", error.message);
    cr_expect_eq(hash(trainer), before, "after the branch with the change");
    cr_assert_eq(trainer_branch_new(&this, trainer, &as_is, NULL, &error), 0, "%s", error.message);
    cr_expect_eq(hash(trainer), before, "after the branch as it is");
    cr_expect_eq(files(), written, "nothing is written");
    trainer_parameter(trainer, which, &looked[1]);
    cr_expect_eq(looked[0].gradient, looked[1].gradient);
    cr_expect_eq(looked[0].update, looked[1].update);
    cr_expect_eq(trainer_branch_batches(this), 5);
    cr_expect_eq(trainer_branch_batches(other), 5);

    /* on as it is: what the branch said, and what a run without any branch comes to */
    for (int k = 0; k < 5; k++) {
        double value;
        case_steps(trainer, 1);
        for (size_t v = 0; v < trainer_branch_values(this); v++) {
            char name[256];
            snprintf(name, sizeof name, "train_loss_step/%s", trainer_branch_value_name(trainer, v));
            cr_assert(trainer_metric(trainer, name, &value));
            cr_expect_eq(value, trainer_branch_value(this, k, v), "batch %d, %s", k, name);
        }
    }
    cr_expect_eq(apart(trainer, this), 0);
    cr_expect_gt(apart(trainer, other), 0);
    uint64_t end = hash(trainer);
    trainer_free(trainer);
    trainer = opened(technique, *index % 2, "plain", NULL);
    case_steps(trainer, 10);
    cr_expect_eq(hash(trainer), end);
    files_equal("out/metrics.csv", "plain/metrics.csv");
    trainer_free(trainer);

    /* on with the change, and again from its audit log */
    trainer = opened(technique, *index % 2, "changed", NULL);
    case_steps(trainer, 5);
    cr_assert_eq(trainer_change(trainer, changed.count, words, NULL, &error), 0, "%s", error.message);
    case_steps(trainer, 5);
    cr_expect_eq(apart(trainer, other), 0);
    end = hash(trainer);
    trainer_free(trainer);
    trainer = opened(technique, *index % 2, "again", "changed/audit.log");
    case_steps(trainer, 10);
    cr_expect_eq(hash(trainer), end);
    cr_expect_eq(apart(trainer, other), 0);
    trainer_branch_free(this);
    trainer_branch_free(other);
    trainer_free(trainer);
}

ParameterizedTestParameters(branch, another_technique) {
    static int cases[2 * 64];
    for (size_t k = 0; k < 2 * composition_kind_count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, 2 * composition_kind_count);
}

/* From the weighted sum to each composition, and to the same bits when it is done in earnest. */
ParameterizedTest(int *index, branch, another_technique) {
    const struct composition_kind *kind = composition_kinds[*index / 2];
    const char *words[4] = {"strategy", kind->target.alias};
    struct trainer_branch_options options = {.batches = 4, .count = 2, .words = words};
    struct trainer_branch *branch;
    struct error error = {0};
    case_enter("ema_adam");
    cr_assert_eq(mkdir("kept", 0777), 0);
    if (strstr(kind->target.alias, "mconfig"))
        words[options.count++] = "optimizer={_target_: torch.optim.SGD, lr: 0.01}";
    if (strstr(kind->target.alias, "schedulefree"))
        words[options.count++] = "optimizer={_target_: schedulefree.AdamWScheduleFree, lr: 0.01}";
    struct trainer *trainer = opened(0, *index % 2, "out", NULL);
    case_steps(trainer, 3);
    uint64_t before = hash(trainer), written = files();
    cr_assert_eq(trainer_branch_new(&branch, trainer, &options, NULL, &error), 0, "%s", error.message);
    cr_expect_eq(hash(trainer), before);
    cr_expect_eq(files(), written);
    cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.NequIPLightningModule");
    cr_assert_eq(trainer_change(trainer, options.count, words, NULL, &error), 0, "%s", error.message);
    case_steps(trainer, 4);
    cr_expect_eq(apart(trainer, branch), 0);
    trainer_branch_free(branch);
    trainer_free(trainer);
}

struct countdown {
    int left;
};

static int count_down(void *context, int64_t batches) {
    (void)batches;
    return --((struct countdown *)context)->left < 0;
}

/* Given up at any phase, it leaves the run as it was; and so do mistakes. */
Test(branch, given_up_and_refused) {
    static const char *const to_config[] = {"strategy", "config", "gradient_clip_val=1.0"},
                             *const unknown[] = {"strategy", "confg"}, *const no_change[] = {"step", "3"},
                             *const no_setting[] = {"set", "lrr", "0.1"};
    struct trainer_branch *branch;
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "out"});
    case_steps(trainer, 2);
    uint64_t before = hash(trainer);
    int code = ERROR_INTERRUPT, after = 0;
    for (; code; after++) {
        struct countdown left = {after};
        struct trainer_branch_options options = {
            .batches = 2, .count = 3, .words = to_config, .give_up = count_down, .context = &left};
        memset(&error, 0, sizeof error);
        code = trainer_branch_new(&branch, trainer, &options, NULL, &error);
        cr_assert(code == 0 || code == ERROR_INTERRUPT, "%s", error.message);
        cr_expect_eq(hash(trainer), before, "after %d phases", after);
        cr_expect_eq(!code, branch != NULL);
    }
    cr_expect_gt(after, 15);
    trainer_branch_free(branch);
    const struct {
        const char *const *words;
        int count, code;
    } wrong[] = {{unknown, 2, ERROR_NAME}, {no_change, 2, ERROR_NAME}, {no_setting, 3, ERROR_NAME}};
    for (int k = 0; k < 3; k++) {
        struct trainer_branch_options options = {.batches = 2, .count = wrong[k].count, .words = wrong[k].words};
        cr_expect_eq(trainer_branch_new(&branch, trainer, &options, NULL, &error), wrong[k].code, "%s", error.message);
        cr_expect_null(branch);
        cr_expect_eq(hash(trainer), before, "%s", wrong[k].words[0]);
    }
    case_run(trainer);
    cr_expect_neq(trainer_branch_new(&branch, trainer, &(struct trainer_branch_options){.batches = 2}, NULL, &error), 0,
                  "training is over");
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "plain"});
    case_run(trainer);
    trainer_free(trainer);
    files_equal("out/metrics.csv", "plain/metrics.csv");
    weights_compare("out/last.safetensors", "plain/last.safetensors", 0);
}

/* It ends where training does, and before a batch that makes what is not finite. */
Test(branch, ends_before_its_time) {
    static const char *const absurd[] = {"set", "lr", "1e200"};
    struct trainer_branch *branch;
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    trainer_catch(trainer, 1);
    case_steps(trainer, 2);
    uint64_t before = hash(trainer);
    struct trainer_branch_options options = {.batches = 100};
    cr_assert_eq(trainer_branch_new(&branch, trainer, &options, NULL, &error), 0, "%s", error.message);
    cr_expect_eq(trainer_branch_batches(branch), 10);
    cr_expect(strstr(trainer_branch_ended(branch), "max_epochs"), "%s", trainer_branch_ended(branch));
    trainer_branch_free(branch);
    options.count = 3;
    options.words = absurd;
    cr_assert_eq(trainer_branch_new(&branch, trainer, &options, NULL, &error), 0, "%s", error.message);
    cr_expect_lt(trainer_branch_batches(branch), 10);
    cr_expect_neq(*trainer_branch_ended(branch), 0);
    cr_expect_eq(hash(trainer), before);
    trainer_branch_free(branch);
    trainer_free(trainer);
}

/* Squares, so that they add up; the law of cosines. */
Test(branch, what_is_apart) {
    static const char *const faster[] = {"set", "lr", "0.05"};
    struct trainer_branch *this, *other;
    struct trainer_point *start;
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    case_steps(trainer, 2);
    cr_assert_eq(trainer_point_new(&start, trainer, &error), 0);
    struct trainer_branch_options options = {.batches = 3};
    cr_assert_eq(trainer_branch_new(&this, trainer, &options, NULL, &error), 0, "%s", error.message);
    options.count = 3;
    options.words = faster;
    cr_assert_eq(trainer_branch_new(&other, trainer, &options, NULL, &error), 0, "%s", error.message);
    for (int k = 0; k < model_nparameters(trainer_model(trainer)); k++) {
        struct trainer_apart a, b;
        trainer_apart(trainer, k, start, trainer_branch_end(this), trainer_branch_end(other), &a);
        trainer_apart(trainer, k, NULL, trainer_branch_end(this), trainer_branch_end(other), &b);
        cr_expect_eq(memcmp(&a, &b, sizeof a), 0, "the run stands at the start");
        cr_expect_float_eq(a.apart, a.moved_a + a.moved_b - 2 * a.along, 1e-9 * (1 + a.norm));
        if (!model_parameter(trainer_model(trainer), k)->is_buffer)
            cr_expect(a.moved_a > 0 && a.moved_b > a.moved_a, "%s", model_parameter(trainer_model(trainer), k)->name);
    }
    trainer_point_free(start);
    trainer_branch_free(this);
    trainer_branch_free(other);
    trainer_free(trainer);
}
