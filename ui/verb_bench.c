#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/text.h"
#include "config/node.h"
#include "train/trainer.h"
#include "verb.h"

static const struct argument options[] = {
    {"threads", 0, "N", "threads to compute with"},
    {"json", 0, "FILE", "write the numbers as JSON"},
    {"repeats", 0, "N", "how many steps and evaluations to time; 40 without it"},
};
enum { THREADS, JSON, REPEATS, OPTIONS };
enum { WARM_UP = 8 };

struct quartiles {
    double low, median, high; /* ms */
};

struct result {
    struct quartiles step, eval;
    double atoms, edges; /* of a batch, mean */
    size_t parameters;
};

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Linear between neighbours. */
static double quantile(const double *sorted, long count, double share) {
    double place = share * (double)(count - 1);
    long below = (long)place;

    return below + 1 < count ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[count - 1];
}

static struct quartiles quartiles_of(double *seconds, long count) {
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    return (struct quartiles){1e3 * quantile(seconds, count, 0.25), 1e3 * quantile(seconds, count, 0.5),
                              1e3 * quantile(seconds, count, 0.75)};
}

static size_t count_parameters(const struct model *model) {
    size_t count = 0;

    for (int k = 0; k < model_nparameters(model); k++)
        if (!model_parameter(model, k)->is_buffer)
            count += model_parameter(model, k)->numel;
    return count;
}

static int measure(struct trainer *trainer, long repeats, struct result *out, struct error *error) {
    double *step = calloc((size_t)(repeats + WARM_UP), sizeof *step);
    double *eval = calloc((size_t)(repeats + WARM_UP), sizeof *eval);
    int code;

    if (!step || !eval)
        code = error_set(error, ERROR_MEMORY, "out of memory");
    else
        code = trainer_bench(trainer, (int)repeats + WARM_UP, step, eval, &out->atoms, &out->edges, error);
    if (!code) {
        out->step = quartiles_of(step + WARM_UP, repeats);
        out->eval = quartiles_of(eval + WARM_UP, repeats);
        out->parameters = count_parameters(trainer_model(trainer));
    }
    free(step);
    free(eval);
    return code;
}

static int write_json(const struct result *result, int threads, const char *path, struct error *error) {
    struct file_writer *writer = NULL;
    int code = file_writer_open(&writer, path, error);

    if (code)
        return code;
    fprintf(file_writer_stream(writer),
            "{\"train_step_ms\": %.6g, \"train_step_q1_ms\": %.6g, \"train_step_q3_ms\": %.6g,\n"
            " \"eval_ms\": %.6g, \"eval_q1_ms\": %.6g, \"eval_q3_ms\": %.6g,\n"
            " \"atoms\": %.6g, \"edges\": %.9g, \"parameters\": %zu, \"threads\": %d}\n",
            result->step.median, result->step.low, result->step.high, result->eval.median, result->eval.low,
            result->eval.high, result->atoms, result->edges, result->parameters, threads);
    return file_writer_commit(writer, error);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct trainer *trainer = NULL;
    struct config *config = NULL;
    struct result result = {0};
    long threads = 0, repeats = 40;
    int code;

    if ((code = arguments_integer(arguments, options, THREADS, 1, 1024, &threads, error)) ||
        (code = arguments_integer(arguments, options, REPEATS, 1, 1000000, &repeats, error)))
        return code;
    if ((code = config_read(&config, arguments->rest[0], error)))
        goto out;
    for (int k = 1; k < arguments->count; k++)
        if ((code = config_override(config, arguments->rest[k], error)))
            goto out;
    struct trainer_options trainer_options = {.threads = (int)threads};
    if ((code = trainer_open(&trainer, config, &trainer_options, error)) ||
        (code = measure(trainer, repeats, &result, error)))
        goto out;
    threads = team_size(trainer_team(trainer));
    printf("training step  %9.3f ms   (quartiles %.3f and %.3f)\n", result.step.median, result.step.low,
           result.step.high);
    printf("evaluation     %9.3f ms   (quartiles %.3f and %.3f)\n", result.eval.median, result.eval.low,
           result.eval.high);
    printf("%.1f atoms and %.1f edges a batch, %zu parameters, %s, %ld thread%s\n", result.atoms, result.edges,
           result.parameters, dtype_name(model_dtype(trainer_model(trainer))), threads, threads == 1 ? "" : "s");
    if (arguments->value[JSON])
        code = write_json(&result, (int)threads, arguments->value[JSON], error);
out:
    trainer_free(trainer);
    config_free(config);
    return code;
}

const struct verb verb_bench = {
    .name = "bench",
    .usage = "CONFIG.yaml [--threads N] [--repeats N] [--json FILE] [key=value...]",
    .summary = "time a training step and an evaluation",
    .help =
        "A training step is forward, loss, backward, optimizer and EMA; an evaluation is energies, forces and stress.\n"
        "Batches are prepared before the clock starts.  Nothing is written but FILE.",
    .options = options,
    .noptions = OPTIONS,
    .low = 1,
    .high = -1,
    .run = run,
};
