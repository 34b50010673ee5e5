/* A training step in bounded memory: the same gradients as in one go. */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/look.h"
#include "train/run/trainer.h"

#include <criterion/parameterized.h>
#include <math.h>
#include <stdint.h>

static const struct {
    const char *name;
    double tolerance;
    const char *overrides[6];
} runs[] = {
    {"ema_adam", 1e-10, {0}},
    {"ema_adam", 3e-4, {"training_module.model.model_dtype=float32"}},
    {"ema_config_adamw", 1e-10, {0}},
    {"ema_adam", 1e-10, {"training_module.model.l_max=2", "training_module.model.num_layers=3"}},
    {"ema_adam", 1e-10, {"+training_module.model.per_edge_type_cutoff={H: 2.5, C: {H: 3.0, C: 3.5, O: 2.8}, O: 3.0}"}},
    {"ema_adam", 1e-10, {"+training_module.model.bessel_trainable=true", "training_module.model.parity=false"}},
    {"dropin_molecule", 1e-10, {0}},
    {"base_accumulate_cosine", 1e-10, {0}},
};
enum { RUNS = sizeof runs / sizeof *runs };

static struct criterion_test_params indices(void) {
    static int k[RUNS];
    for (int n = 0; n < RUNS; n++)
        k[n] = n;
    return cr_make_param_array(int, k, RUNS);
}

static struct trainer *stepped(int k, size_t memory, int threads) {
    struct start start = {.memory = memory, .threads = threads};
    memcpy(start.overrides, runs[k].overrides, sizeof runs[k].overrides);
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 1);
    return trainer;
}

/* Largest difference of two gradients, by the largest number of a parameter. */
static double apart(const struct trainer *a, const struct trainer *b) {
    double worst = 0, overall = 0;
    for (int k = 0; k < model_nparameters(trainer_model(a)); k++) {
        double *x, *y, difference = 0;
        if (model_parameter(trainer_model(a), k)->is_buffer)
            continue;
        size_t n = trainer_values(a, k, 1, &x);
        cr_assert_eq(trainer_values(b, k, 1, &y), n);
        for (size_t j = 0; j < n; j++) {
            difference = fmax(difference, fabs(x[j] - y[j]));
            overall = fmax(overall, fabs(x[j]));
        }
        worst = fmax(worst, difference);
        free(x);
        free(y);
    }
    cr_expect_gt(overall, 0);
    return worst / overall;
}

ParameterizedTestParameters(chunks, gradients_are_the_same) {
    return indices();
}

ParameterizedTest(int *k, chunks, gradients_are_the_same) {
    static const struct {
        size_t memory; /* 1: the smallest chunks there are, which take long */
        int threads;
    } ways[] = {{60000, 3}, {60000, 3}, {1000000, 1}, {1, 2}};
    int count = *k == 0 ? 4 : 3;
    uint64_t first = 0;
    case_enter(runs[*k].name);
    struct trainer *whole = stepped(*k, SIZE_MAX, 1);
    for (int w = 0; w < count; w++) {
        struct trainer *parts = stepped(*k, ways[w].memory, ways[w].threads);
        cr_expect_lt(apart(parts, whole), runs[*k].tolerance, "%s, memory %zu: %g", runs[*k].name, ways[w].memory,
                     apart(parts, whole));
        if (w == 1)
            cr_expect_eq(state_hash(trainer_state(parts)), first, "chance plays a part");
        first = state_hash(trainer_state(parts));
        trainer_free(parts);
    }
    trainer_free(whole);
}
