/* Times of a training step and of an evaluation. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/run/batches.h"
#include "train/run/bench.h"
#include "train/run/inspect.h"
#include "train/run/loop.h"
#include "train/run/programs.h"
#include "train/run/streams.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

enum { MOST_BATCHES = 32, WARM_UP = 16, TIMED_RUNS = 20 };

static int eval_once(struct trainer *trainer, const struct batch *batch, struct error *error) {
    const void *params[DTYPE_COUNT];
    struct prediction prediction;
    for (int d = 0; d < DTYPE_COUNT; d++)
        params[d] = trainer->weights.parameters[d]->data;
    return eval_program_run(trainer, batch, params, &prediction, error);
}

int trainer_bench(struct trainer *trainer, struct trainer_bench *bench, struct error *error) {
    struct batch *batches[MOST_BATCHES] = {0}, *own = trainer->batches.now;
    struct snapshot *before = state_save(trainer->state);
    int64_t *order = NULL;
    int n = 0, code = 0;
    struct loader loader;
    struct loader_streams streams;
    if (!trainer->evaluation.loss || !trainer_batches(trainer) || !before) {
        code = error_set(error, ERROR_STATE, "there is no training to time");
        goto out;
    }
    loader = batches_loader(trainer);
    streams_read(trainer, ROLE_TRAIN, &streams);
    order = calloc((size_t)loader_drawn(&loader) + 1, sizeof *order);
    if (!order) {
        code = error_memory(error);
        goto out;
    }
    loader_epoch(&loader, &streams, order);
    bench->atoms = bench->edges = 0;
    for (; n < MOST_BATCHES && n < trainer_batches(trainer); n++) {
        int64_t first, size;
        loader_batch(&loader, n, &first, &size);
        trainer->batches.now = NULL;
        if ((code = batches_join(trainer, order, first, size, error)))
            goto out;
        batches[n] = trainer->batches.now;
        bench->atoms += batches[n]->atoms;
        bench->edges += batches[n]->edges;
    }
    bench->atoms /= n;
    bench->edges /= n;
    for (int k = -WARM_UP; k < bench->repeats; k++) {
        trainer->batches.now = batches[(k + WARM_UP) % n];
        double start = clock_seconds();
        if ((code = interrupt_check(error)))
            goto out;
        state_begin(trainer->state);
        code = loop_gradients(trainer, error);
        if (!code)
            code = loop_combine(trainer, error);
        if (!code)
            code = loop_update(trainer, error);
        if (code)
            goto out;
        state_commit(trainer->state);
        if (k >= 0)
            bench->step[k] = clock_seconds() - start;
    }
    if ((code = eval_program_make(trainer, error)))
        goto out;
    for (int k = -WARM_UP; k < bench->repeats; k++) {
        double start = clock_seconds();
        if ((code = interrupt_check(error)) || (code = eval_once(trainer, batches[(k + WARM_UP) % n], error)))
            goto out;
        if (k >= 0)
            bench->eval[k] = clock_seconds() - start;
    }
    for (int evaluation = 0; evaluation < 2 && !code; evaluation++)
        code = trainer_time_program(trainer, evaluation, TIMED_RUNS, error);
out:
    for (int k = 0; k < n; k++)
        batch_free(batches[k]);
    trainer->batches.now = own;
    if (before) {
        struct error second = {0};
        int restored = state_restore(trainer->state, before, &second);
        if (restored && !code)
            code = error_set(error, second.code, "%s", second.message);
    }
    snapshot_free(before);
    free(order);
    return code;
}
