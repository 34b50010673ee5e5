/* A look inside a training step: the results of modules, the cost of instructions. */
#include <stdlib.h>
#include <string.h>

#include "graph/run/program_look.h"
#include "train/metric/metrics.h"
#include "train/run/batches.h"
#include "train/run/inspect.h"
#include "train/run/programs.h"
#include "train/run/trainer_internal.h"

/* ---------------------------------------------------------------- results */

struct results {
    const char *path;
    void (*call)(void *context, const struct instruction_info *info, const double *values, size_t count);
    void *context;
    double *values;
    size_t capacity;
    int failed;
};

static void convert(void *context, const struct instruction_info *info, enum dtype dtype, const void *data,
                    size_t count) {
    struct results *results = context;
    if (dtype == F64) {
        results->call(results->context, info, data, count);
        return;
    }
    if (count > results->capacity) {
        double *grown = realloc(results->values, count * sizeof *grown);
        if (!grown) {
            results->failed = 1;
            return;
        }
        results->values = grown;
        results->capacity = count;
    }
    for (size_t k = 0; k < count; k++)
        results->values[k] = (double)((const float *)data)[k];
    results->call(results->context, info, results->values, count);
}

static int each_result(void *context, const struct program *program, struct error *error) {
    struct results *results = context;
    program_results(program, results->path, convert, results);
    return results->failed ? error_memory(error) : 0;
}

int trainer_results(struct trainer *trainer, const char *path,
                    void (*call)(void *context, const struct instruction_info *info, const double *values,
                                 size_t count),
                    void *context, struct error *error) {
    struct results results = {.path = path, .call = call, .context = context};
    int code = batches_any(trainer, error);
    if (!code)
        code = train_program_inspect(trainer, each_result, &results, error);
    free(results.values);
    return code;
}

/* ---------------------------------------------------------------- cost */

static int time_evaluation(struct trainer *trainer, int runs, struct error *error) {
    const void *params[DTYPE_COUNT] = {trainer->weights.parameters[F32]->data, trainer->weights.parameters[F64]->data};
    struct prediction prediction;
    int code = eval_program_make(trainer, error);
    for (int k = -1; !code && k < runs; k++) { /* once to warm up */
        if (k == 0)
            program_set_timing(evaluator_program(trainer->evaluation.evaluator), 1);
        code = eval_program_run(trainer, trainer->batches.now, params, &prediction, error);
    }
    if (trainer->evaluation.evaluator)
        program_set_timing(evaluator_program(trainer->evaluation.evaluator), 0);
    return code;
}

int trainer_time_program(struct trainer *trainer, int evaluation, int runs, struct error *error) {
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, first");
    int code = batches_any(trainer, error);
    if (code || evaluation)
        return code ? code : time_evaluation(trainer, runs, error);
    code = train_program_make(trainer, error);
    return code ? code : train_program_time(trainer, runs, error);
}
