/* The loop as a machine: by phases, by batches, by epochs and in one go it comes to the same bits; resumed and given-up
 * batches too. */
#include "runs.h"

#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>
#include "model/file/safetensors_internal.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

static uint64_t whole(const char *name, const char *output) {
    case_enter(name);
    struct trainer *trainer = case_open(&(struct start){.output = output});
    case_run(trainer);
    uint64_t result = hash(trainer);
    trainer_free(trainer);
    return result;
}

Test(trainer, phases_batches_and_epochs_come_to_the_same_bits) {
    uint64_t want = whole("ema_adam", "whole");
    struct error error = {0};
    enum phase phase = PHASE_START;

    struct trainer *trainer = case_open(&(struct start){.output = "phases"});
    int seen[PHASE_COUNT] = {0};
    for (int guard = 0; phase != PHASE_DONE && guard < 10000; guard++) {
        cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        seen[phase]++;
    }
    cr_expect(trainer_done(trainer));
    cr_expect_eq(hash(trainer), want);
    cr_expect_eq(seen[PHASE_OPTIMIZER], 12);
    cr_expect_eq(seen[PHASE_AVERAGE], 12);
    cr_expect_eq(seen[PHASE_EPOCH], 5); /* the last one finds that training is over */
    trainer_free(trainer);
    files_equal("whole/metrics.csv", "phases/metrics.csv");

    trainer = case_open(&(struct start){.output = "mixed"});
    case_steps(trainer, 2);
    for (int k = 0; k < 5; k++)
        cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    case_steps(trainer, 1);
    case_run(trainer);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    files_equal("whole/metrics.csv", "mixed/metrics.csv");
}

Test(trainer, a_batch_given_up_leaves_nothing_behind) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "out"});
    struct error error = {0};
    enum phase phase;
    case_steps(trainer, 1);
    uint64_t before = hash(trainer);
    for (int stop = PHASE_LOAD; stop < PHASE_LOG; stop++) {
        do
            cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        while ((int)phase != stop);
        trainer_abandon(trainer);
        cr_expect_eq(hash(trainer), before, "after %s", phase_name((enum phase)stop));
        trainer_abandon(trainer); /* twice is harmless */
    }
    case_run(trainer);
    trainer_free(trainer);
    struct table got = table_read("out/metrics.csv");
    cr_expect_eq(got.rows, 24);
    table_free(&got);
}

static enum step_answer countdown(void *context) {
    int *left = context;
    return --*left < 0 ? STEP_GIVE_UP : STEP_ON;
}

/* A second Ctrl-C, at every moment of a batch. */
Test(trainer, a_step_may_be_given_up_between_its_phases) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    struct error error = {0};
    int code = ERROR_INTERRUPT, after = 0;
    cr_assert_eq(trainer_step(trainer, &error), 0, "%s", error.message);
    for (; code; after++) {
        int left = after;
        uint64_t before = hash(trainer);
        memset(&error, 0, sizeof error);
        code = trainer_step_unless(trainer, countdown, &left, &error);
        cr_assert(after < 20 && (code == 0 || code == ERROR_INTERRUPT), "%s", error.message);
        cr_expect(code == 0 || hash(trainer) == before, "after %d phases", after);
    }
    cr_expect(after > 3);
    trainer_free(trainer);
}

static atomic_int stop_flag;

Test(trainer, a_flag_stops_at_a_batch_and_the_run_goes_on) {
    uint64_t want = whole("base_accumulate_cosine", "whole");
    struct trainer *trainer = case_open(&(struct start){.output = "stopped"});
    struct error error = {0};
    atomic_store(&stop_flag, 1);
    int stops = 0;
    while (!trainer_done(trainer)) {
        memset(&error, 0, sizeof error);
        int code = trainer_run(trainer, &stop_flag, &error);
        cr_assert(code == 0 || code == ERROR_INTERRUPT, "%s", error.message);
        stops += code == ERROR_INTERRUPT;
        cr_assert_lt(stops, 100);
    }
    cr_expect_gt(stops, 8);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
}

struct resume_case {
    int which, batches, threads;
};
static const char *const resumed[] = {"ema_adam", "base_accumulate_cosine", "dropin_molecule"};

ParameterizedTestParameters(trainer, resumed_to_the_bit) {
    static struct resume_case all[24];
    size_t n = 0;
    for (int which = 0; which < 3; which++)
        for (int batches = 1; batches < 9; batches += which == 2 ? 1 : 2)
            all[n++] = (struct resume_case){which, batches, 1 + batches % 2};
    return cr_make_param_array(struct resume_case, all, n);
}

ParameterizedTest(struct resume_case *c, trainer, resumed_to_the_bit) {
    case_enter(resumed[c->which]);
    struct trainer *trainer = case_open(&(struct start){.output = "whole", .threads = c->threads});
    case_run(trainer);
    uint64_t want = hash(trainer);
    trainer_free(trainer);

    struct error error = {0};
    trainer = case_open(&(struct start){.output = "parts", .threads = c->threads});
    case_steps(trainer, c->batches);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    uint64_t saved = hash(trainer);
    case_steps(trainer, 2); /* written, and lost with the process */
    trainer_free(trainer);

    trainer = case_open(&(struct start){.output = "parts", .resume = "saved.safetensors", .threads = c->threads});
    cr_expect_eq(hash(trainer), saved, "reading it back");
    case_run(trainer);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    files_equal("whole/metrics.csv", "parts/metrics.csv");
    weights_compare("parts/last.safetensors", "whole/last.safetensors", 0);
}

/* The checkpoint with another name for its phase; NULL: none. */
static void rename_phase(const char *from, const char *to, const char *name) {
    struct safetensors *file;
    struct error error = {0};
    cr_assert_eq(safetensors_read(&file, from, &error), 0, "%s", error.message);
    for (size_t k = 0; k < file->nmetadata; k++)
        if (!strcmp(file->metadata[k].key, "phase"))
            file->metadata[k] = name ? (struct metadata){"phase", (char *)name} : file->metadata[--file->nmetadata];
    cr_assert_eq(safetensors_write(file, to, &error), 0, "%s", error.message);
    safetensors_free(file);
}

Test(trainer, checkpoints_know_their_phase_by_name) {
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "out"});
    enum phase done, phase;
    do
        cr_assert_eq(trainer_advance(trainer, &done, &error), 0, "%s", error.message);
    while (done != PHASE_LOG);
    phase = trainer_phase(trainer);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    uint64_t want = hash(trainer);
    trainer_free(trainer);
    rename_phase("saved.safetensors", "moved.safetensors", phase_name(phase));
    trainer = case_open(&(struct start){.output = "on", .resume = "moved.safetensors"});
    cr_expect_eq(trainer_phase(trainer), phase);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    static const char *const others[] = {"lunch", "forward", "test", "epoch", NULL};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        memset(&error, 0, sizeof error);
        rename_phase("saved.safetensors", "moved.safetensors", others[k]);
        cr_expect_eq(case_try(&trainer, &(struct start){.output = "on", .resume = "moved.safetensors"}, &error),
                     ERROR_DATA);
        cr_expect(strstr(error.message, k < 2    ? others[k]
                                        : k == 4 ? "phase"
                                                 : "state.loop.cursor."),
                  "%s", error.message);
    }
}

Test(trainer, another_number_of_threads_is_told_once) {
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "out", .threads = 1});
    case_steps(trainer, 2);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    for (int threads = 1; threads <= 2; threads++) {
        struct heard heard = {0};
        trainer = case_open(
            &(struct start){.output = "out", .resume = "saved.safetensors", .threads = threads, .heard = &heard});
        cr_expect_eq(heard.notices, threads - 1);
        trainer_free(trainer);
    }
}

/* Given up in the middle of a window of accumulated gradients, a batch is not counted twice. */
Test(trainer, a_batch_given_up_within_a_window) {
    uint64_t want = whole("base_accumulate_cosine", "whole");
    struct trainer *trainer = case_open(&(struct start){.output = "out"});
    struct error error = {0};
    for (int batch = 0; batch < 12; batch++) {
        struct snapshot *before = state_save(trainer_state(trainer));
        enum phase phase;
        do
            cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        while (phase != PHASE_COMBINE);
        trainer_abandon(trainer);
        if (batch % 2)
            cr_assert_eq(state_restore(trainer_state(trainer), before, &error), 0, "%s", error.message);
        snapshot_free(before);
        case_steps(trainer, 1);
    }
    cr_assert_eq(trainer_global_step(trainer), 8);
    case_run(trainer);
    trainer_free(trainer);
    weights_compare("out/last.safetensors", "whole/last.safetensors", 0);
    (void)want;
}

Test(trainer, a_disk_that_is_full_is_an_error_and_the_old_file_stays) {
    case_enter("ema_adam");
    struct error error = {0};
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    cr_assert_eq(trainer_save(trainer, "kept.safetensors", &error), 0, "%s", error.message);
    char *before, *after;
    size_t n, m;
    file_read("kept.safetensors", &before, &n, NULL);
    case_steps(trainer, 1);
    struct rlimit limit = {4096, 4096};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_expect_eq(trainer_save(trainer, "kept.safetensors", &error), ERROR_IO);
    cr_expect(strstr(error.message, "kept.safetensors"), "%s", error.message);
    file_read("kept.safetensors", &after, &m, NULL);
    cr_expect(n == m && !memcmp(before, after, n));
    free(before);
    free(after);
    trainer_free(trainer);
}

Test(trainer, settings_during_a_run) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    struct error error = {0};
    double value;
    cr_expect_gt(trainer_settings(trainer), 3);
    cr_assert_eq(trainer_get(trainer, "lr", &value, &error), 0, "%s", error.message);
    cr_expect_eq(value, 0.01);
    cr_expect_eq(trainer_set(trainer, "lr", 0.5, &error), 0);
    trainer_get(trainer, "lr", &value, &error);
    cr_expect_eq(value, 0.5);
    cr_expect_eq(trainer_set(trainer, "ema_decay", 0.5, &error), 0);
    cr_expect_eq(trainer_set(trainer, "loss.forces_mse", 3, &error), 0, "%s", error.message);
    trainer_get(trainer, "loss.forces_mse", &value, &error);
    cr_expect(value > 0.5 && value < 1, "%g", value);
    cr_expect_eq(trainer_set(trainer, "loss.forces_mse", NAN, &error), 0, "%s", error.message);
    case_steps(trainer, 1);

    cr_expect_neq(trainer_set(trainer, "ema_decay", 2, &error), 0);
    error = (struct error){0};
    cr_expect_neq(trainer_set(trainer, "lr", -1, &error), 0);
    error = (struct error){0};
    cr_expect_neq(trainer_set(trainer, "ema_deca", 0.5, &error), 0);
    cr_expect(strstr(error.message, "ema_decay"), "%s", error.message);
    trainer_free(trainer);
}

Test(trainer, nothing_but_a_trainer_that_is_opened_and_closed) {
    case_enter("dropin_molecule");
    struct trainer *trainer = case_open(&(struct start){.output = NULL, .threads = 2});
    cr_expect_eq(trainer_max_epochs(trainer), 5);
    cr_expect_eq(trainer_batches(trainer), 5);
    cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.EMALightningModule");
    cr_expect(case_validation(trainer, 0, "val0_epoch/weighted_sum") > 0);
    trainer_free(trainer);
}
