/* Whole runs against the metrics.csv and the final weights that NequIP left. */
#include "runs.h"
#include "train/run/trainer.h"

static const char *const cases[] = {"ema_adam", "base_accumulate_cosine", "dropin_molecule"};
enum { CASES = sizeof cases / sizeof *cases };

static void compare(const char *output) {
    char path[256];
    snprintf(path, sizeof path, "%s/metrics.csv", output);
    struct table got = table_read(path), want = table_read("wanted.csv");
    table_compare(&got, &want, 1e-7);
    table_free(&got);
    table_free(&want);
    snprintf(path, sizeof path, "%s/last.safetensors", output);
    weights_compare(path, "final.safetensors", 1e-7);
}

static void run_case(const char *name, const char *init, int threads) {
    case_enter(name);
    struct trainer *trainer = case_open(&(struct start){.output = "out", .init = init, .threads = threads});
    case_run(trainer);
    trainer_free(trainer);
    compare("out");
}

ParameterizedTestParameters(reference, runs_as_in_nequip) {
    static int indices[2 * CASES];
    for (int k = 0; k < 2 * CASES; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, 2 * CASES);
}

ParameterizedTest(int *index, reference, runs_as_in_nequip) {
    run_case(cases[*index % CASES], "init.safetensors", 1 + *index / CASES);
}

Test(reference, weights_and_order_from_the_seed) {
    run_case("dropin_molecule", NULL, 2);
}

/* The folder has everything, whatever the config says of loggers and checkpoints. */
Test(reference, the_folder_of_a_run) {
    case_enter("ema_adam");
    struct heard heard = {0};
    struct trainer *trainer = case_open(&(struct start){.output = "a/b/out", .heard = &heard});
    case_run(trainer);
    cr_expect_eq(heard.epochs, 4);
    cr_expect_eq(heard.rows, 24);
    cr_expect_eq(trainer_global_step(trainer), 12);
    double value, raw;
    cr_expect(trainer_metric(trainer, "val0_epoch/forces_mae", &value));
    struct table table = table_read("a/b/out/metrics.csv");
    raw = strtod(table_cell(&table, table.rows - 2, "val0_epoch/forces_mae"), NULL);
    cr_expect_eq(value, raw, "%.17g in the file, %.17g in memory", raw, value);
    table_free(&table);
    trainer_free(trainer);
    static const char *const files[] = {"metrics.csv", "last.safetensors", "config.yaml", "resolved.yaml", "run.log"};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char path[64];
        snprintf(path, sizeof path, "a/b/out/%s", files[k]);
        cr_expect(file_exists(path), "%s is missing", path);
    }
}
