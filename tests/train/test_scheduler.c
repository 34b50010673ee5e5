#include "reference.h"
#include "train/scheduler/scheduler.h"
#include "train/scheduler/scheduler_kind.h"
#include "train/core/state.h"

#define REFERENCE TEST_DATA_DIR "/scheduler_reference.txt"
#define T "torch.optim.lr_scheduler."
enum { CASES = 24, LINES_PER_CASE = 3, POINTS = 201 };

struct run {
    struct config *config;
    struct state *state;
    struct variable *lr;
    double *momentum; /* where the optimizer would have it */
    struct scheduler *scheduler;
};

static int try(struct run *run, const char *yaml, struct error *error) {
    run->config = config_of(yaml);
    run->state = state_new();
    run->lr = state_add(run->state, "optimizer.lr", STATE_F64, 1, 0, error);
    double *lr = run->lr->data;
    *lr = 0.05;
    run->momentum = malloc(sizeof *run->momentum);
    *run->momentum = 0.9;
    run->scheduler = NULL;
    struct scheduler_subject subject = {lr, *lr, run->momentum, 0, 1};
    return scheduler_new(&run->scheduler, config_root(run->config), &subject, run->state, "scheduler.", error);
}

static struct run start(const char *yaml) {
    struct run run;
    struct error error = {0};
    cr_assert_eq(try(&run, yaml, &error), 0, "%s", error.message);
    return run;
}

static void finish(struct run *run) {
    scheduler_free(run->scheduler);
    state_free(run->state);
    config_free(run->config);
    free(run->momentum);
}

static void step(struct run *run, double metric) {
    struct error error = {0};
    cr_assert_eq(scheduler_step(run->scheduler, metric, &error), 0, "%s", error.message);
}

static double rate(const struct run *run) {
    return *(double *)run->lr->data;
}

static double plateau_metric(int step) {
    return 10.0 / (1 + step / 9) + ((step * 37) % 17) / 100.0;
}

ParameterizedTestParameters(scheduler, follows_torch) {
    static int cases[CASES];
    for (int k = 0; k < CASES; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, CASES);
}

ParameterizedTest(int *which, scheduler, follows_torch) {
    struct lines lines = lines_read(REFERENCE);
    cr_assert_eq(lines.count, CASES * LINES_PER_CASE);
    char **line = lines.line + *which * LINES_PER_CASE;
    double rates[POINTS], momenta[POINTS];
    cr_assert_eq(numbers_read(line[1], rates, POINTS), POINTS);
    cr_assert_eq(numbers_read(line[2], momenta, POINTS), POINTS);
    struct run run = start(line[0]);
    double worst = 0;
    for (int k = 0; k < POINTS; k++) {
        worst = fmax(worst, fabs(rate(&run) - rates[k]) / fmax(fabs(rates[k]), 1e-12));
        worst = fmax(worst, fabs(*run.momentum - momenta[k]));
        step(&run, plateau_metric(k));
    }
    cr_expect_leq(worst, 1e-15, "%s: off by %.3g", line[0], worst);
    finish(&run);
    lines_free(&lines);
}

/* ---------------------------------------------------------------- every scheduler, with options drawn at random */

#define OPTIONS TEST_DATA_DIR "/scheduler_options_reference.txt"
enum { DRAWN_STEPS = 60 };

ParameterizedTestParameters(scheduler, follows_torch_with_any_options) {
    static int cases[256];
    struct lines lines = lines_read(OPTIONS);
    size_t count = lines.count / 3;
    lines_free(&lines);
    for (size_t k = 0; k < count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, count);
}

ParameterizedTest(int *which, scheduler, follows_torch_with_any_options) {
    struct lines lines = lines_read(OPTIONS);
    char **line = lines.line + *which * 3;
    double rates[DRAWN_STEPS + 1], momenta[DRAWN_STEPS], worst = 0;
    size_t count = numbers_read(line[1], rates, DRAWN_STEPS + 1), n = 1;
    cr_assert_eq(numbers_read(strchr(line[2], ' ') ? strchr(line[2], ' ') : "", momenta, DRAWN_STEPS), count - 1);
    int ends = (int)rates[0], code = 0;
    struct run run;
    struct error error = {0};
    code = try(&run, line[0], &error);
    if (code)
        cr_expect(ends >= 0, "%s: %s", line[0], error.message); /* perhaps before torch notices */
    for (int k = 0; !code && k < DRAWN_STEPS; k++) {
        if (k % 3 == 0 || k == 1) {
            cr_assert_lt(n, count, "%s goes on in step %d", line[0], k);
            worst = fmax(worst, fabs(rate(&run) - rates[n]) / fmax(fabs(rates[n]), 1e-10));
            worst = fmax(worst, fabs(*run.momentum - momenta[n - 1]));
            n++;
        }
        code = scheduler_step(run.scheduler, plateau_metric(k), &error);
        cr_expect_eq(code != 0, ends == k + 1, "%s: step %d of %d: %s", line[0], k + 1, ends, error.message);
    }
    cr_expect_leq(worst, 1e-14, "%s: off by %.3g", line[0], worst);
    finish(&run);
    lines_free(&lines);
}

/* Put back in the middle, a scheduler goes on as it did the first time. */
ParameterizedTestParameters(scheduler, can_be_rewound) {
    static int cases[CASES];
    for (int k = 0; k < CASES; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, CASES);
}

ParameterizedTest(int *which, scheduler, can_be_rewound) {
    struct lines lines = lines_read(REFERENCE);
    struct run run = start(lines.line[*which * LINES_PER_CASE]);
    struct snapshot *snapshot = NULL;
    double first[60], momenta[60];
    for (int k = 0; k < 60; k++) {
        if (k == 23)
            snapshot = state_save(run.state);
        first[k] = rate(&run);
        momenta[k] = *run.momentum;
        step(&run, plateau_metric(k));
    }
    struct error error = {0};
    cr_assert_eq(state_restore(run.state, snapshot, &error), 0, "%s", error.message);
    scheduler_sync(run.scheduler);
    for (int k = 23; k < 60; k++) {
        cr_expect_eq(rate(&run), first[k]);
        cr_expect_eq(*run.momentum, momenta[k]);
        step(&run, plateau_metric(k));
    }
    snapshot_free(snapshot);
    finish(&run);
    lines_free(&lines);
}

/* What momentum there is now is one thing, whoever of a nest has set it. */
Test(scheduler, any_can_be_rewound) {
    struct lines lines = lines_read(OPTIONS);
    struct error error = {0};
    for (size_t c = 0; c < lines.count; c += 3) {
        struct run run;
        struct snapshot *snapshot = NULL;
        double first[40], momenta[40];
        int count = 0, code = try(&run, lines.line[c], &error);
        for (; !code && count < 40; count++) {
            if (count == 4)
                snapshot = state_save(run.state);
            first[count] = rate(&run);
            momenta[count] = *run.momentum;
            code = scheduler_step(run.scheduler, plateau_metric(count), &error);
        }
        if (snapshot)
            cr_assert_eq(state_restore(run.state, snapshot, &error), 0, "%s", error.message);
        if (snapshot)
            scheduler_sync(run.scheduler);
        for (int k = 4; k < count; k++) {
            cr_expect_eq(rate(&run), first[k], "%s", lines.line[c]);
            cr_expect_eq(*run.momentum, momenta[k], "%s", lines.line[c]);
            scheduler_step(run.scheduler, plateau_metric(k), &error);
        }
        snapshot_free(snapshot);
        finish(&run);
    }
    lines_free(&lines);
}

Test(scheduler, a_bad_metric_counts_as_no_progress) {
    struct run run = start("{_target_: " T "ReduceLROnPlateau, factor: 0.5, patience: 0}");
    cr_expect(scheduler_is_plateau(run.scheduler));
    cr_expect(scheduler_config_is_plateau(config_root(run.config)));
    cr_expect_str_eq(scheduler_name(run.scheduler), "ReduceLROnPlateau");
    step(&run, 1);
    step(&run, NAN);
    cr_expect_eq(rate(&run), 0.025);
    finish(&run);
}

Test(scheduler, one_cycle_has_no_step_beyond_its_end) {
    struct run run = start("{_target_: " T "OneCycleLR, max_lr: 0.1, total_steps: 10}");
    struct error error = {0};
    for (int k = 0; k < 10; k++)
        step(&run, 0);
    cr_expect_eq(scheduler_step(run.scheduler, 0, &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "step 11 of 10"), "%s", error.message);
    struct scheduler_subject subject = {run.lr->data, 0.05, run.momentum, 0, 1};
    cr_expect_eq(scheduler_reaches(config_root(run.config), &subject, 10, &error), 0);
    cr_expect_eq(scheduler_reaches(config_root(run.config), &subject, 11, &error), ERROR_VALUE);
    finish(&run);
}

Test(scheduler, says_where_it_stands) {
    struct run run = start("{_target_: " T "SequentialLR, milestones: [4], schedulers: [{_target_: " T
                           "LinearLR, total_iters: 4}, {_target_: " T "StepLR, step_size: 3}]}");
    struct text text = {0};
    step(&run, 0);
    scheduler_describe(run.scheduler, &text);
    cr_expect(strstr(text.data, "SequentialLR(milestones=4) after 1 steps\n"), "%s", text.data);
    cr_expect(strstr(text.data, "\n  StepLR(step_size=3, gamma=0.1)"), "%s", text.data);
    text_free(&text);
    finish(&run);
}

static const struct {
    const char *yaml, *message;
} wrong[] = {
    {"{_target_: " T "StepLRR, step_size: 3}", "StepLR"},
    {"{_target_: " T "StepLR}", "step_size"},
    {"{_target_: " T "StepLR, step_size: 0}", "step_size"},
    {"{_target_: " T "StepLR, step_size: 3, last_epoch: 4}", "checkpoint"},
    {"{_target_: " T "CosineAnnealingLR, T_max: 3, T_min: 2}", "T_min"},
    {"{_target_: " T "ConstantLR, factor: 1.5}", "factor"},
    {"{_target_: " T "LinearLR, start_factor: 0}", "start_factor"},
    {"{_target_: " T "OneCycleLR, max_lr: 0.1}", "total_steps"},
    {"{_target_: " T "OneCycleLR, max_lr: [0.1, 0.2], total_steps: 9}", "one number"},
    {"{_target_: " T "OneCycleLR, max_lr: 0.1, total_steps: 0}", "greater than 0"},
    {"{_target_: " T "CyclicLR, base_lr: 0.1}", "max_lr"},
    {"{_target_: " T "CyclicLR, base_lr: 0.1, max_lr: 0.2, step_size_up: 0}", "step_size_up"},
    {"{_target_: " T "CyclicLR, base_lr: 0.1, max_lr: 0.2, mode: square}", "triangular"},
    {"{_target_: " T "CyclicLR, base_lr: 0.1, max_lr: 0.2, scale_fn: {_target_: f}}", "Python function"},
    {"{_target_: " T "LambdaLR, lr_lambda: f}", "Python function"},
    {"{_target_: " T "MultiplicativeLR}", "Python function"},
    {"{_target_: torch.optim.swa_utils.SWALR, swa_lr: 0.1, anneal_epochs: -1}", "anneal_epochs"},
    {"{_target_: " T "MultiStepLR, milestones: 4}", "list"},
    {"{_target_: " T "OneCycleLR, max_lr: 0.1, total_steps: 10, pct_start: 0.1}", "without steps"},
    {"{_target_: " T "ReduceLROnPlateau, factor: 1.0}", "below 1"},
    {"{_target_: " T "ReduceLROnPlateau, mode: least}", "mode"},
    {"{_target_: " T "ChainedScheduler, schedulers: []}", "at least one"},
    {"{_target_: " T "ChainedScheduler, schedulers: [{_target_: " T "ReduceLROnPlateau}]}", "metric"},
    {"{_target_: " T "SequentialLR, milestones: [], schedulers: [{_target_: " T "LinearLR}, {_target_: " T
     "LinearLR}]}",
     "1 milestones"},
    {"{_target_: " T "SequentialLR, milestones: [4], schedulers: [{_target_: " T "LinearLR}, {_target_: " T
     "ChainedScheduler, schedulers: [{_target_: " T "LinearLR}]}]}",
     "milestone"},
    {"{_target_: " T "ChainedScheduler, schedulers: 3}", "list"},
    {"{_target_: 3}", "_target_"},
};

ParameterizedTestParameters(scheduler, says_what_is_wrong) {
    enum { COUNT = sizeof wrong / sizeof *wrong };
    static int cases[COUNT];
    for (int k = 0; k < COUNT; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, COUNT);
}

ParameterizedTest(int *which, scheduler, says_what_is_wrong) {
    struct run run;
    struct error error = {0}, checked = {0};
    cr_expect_neq(try(&run, wrong[*which].yaml, &error), 0);
    cr_expect(strstr(error.message, wrong[*which].message), "%s", error.message);
    cr_expect_eq(rate(&run), 0.05, "nothing has changed");
    cr_expect_eq(*run.momentum, 0.9);
    cr_expect_eq(state_count(run.state), 1);
    cr_expect_neq(scheduler_check(config_root(run.config), 1, 1, &checked), 0);
    cr_expect_str_eq(checked.message, error.message);
    finish(&run);
}

Test(scheduler, without_momentum_there_is_nothing_to_cycle) {
    struct config *config = config_of("{_target_: " T "OneCycleLR, max_lr: 0.1, total_steps: 10}");
    struct state *state = state_new();
    struct error error = {0};
    double lr = 0.05;
    struct scheduler *scheduler;
    struct scheduler_subject subject = {&lr, lr, NULL, 0, 1};
    cr_expect_eq(scheduler_new(&scheduler, config_root(config), &subject, state, "scheduler.", &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "cycle_momentum"), "%s", error.message);
    cr_expect_eq(scheduler_check(config_root(config), 1, 0, &error), ERROR_VALUE);
    cr_expect_eq(scheduler_check(config_root(config), 1, 1, &error), 0);
    state_free(state);
    config_free(config);
}
