/* Times of a training step and of an evaluation. */
#include <stdlib.h>
#include <string.h>

#include "train/trainer_internal.h"

enum { MOST_BATCHES = 32 };

int trainer_bench(struct trainer *trainer, int repeats, double *step, double *eval, double *atoms, double *edges,
                  struct error *error) {
    struct batch *batches[MOST_BATCHES] = {0}, *own = trainer->batch;
    struct snapshot *before = state_save(trainer->state);
    int64_t *order = NULL;
    int n = 0, code = 0;
    const void *params[DTYPE_COUNT];
    struct loader loader;
    if (!trainer->loss || !trainer_batches(trainer) || !before) {
        code = error_set(error, ERROR_STATE, "there is no training to time");
        goto out;
    }
    loader = *(struct loader *)trainer->loader_variable->data;
    order = calloc((size_t)loader.count + 1, sizeof *order);
    if (!order) {
        code = error_set(error, ERROR_MEMORY, "out of memory");
        goto out;
    }
    loader_epoch(&loader, order);
    *atoms = *edges = 0;
    for (; n < MOST_BATCHES && n < trainer_batches(trainer); n++) {
        int64_t first, size;
        loader_batch(&loader, n, &first, &size);
        trainer->batch = NULL;
        if ((code = batches_join(trainer, order, first, size, error)))
            goto out;
        batches[n] = trainer->batch;
        *atoms += batches[n]->atoms;
        *edges += batches[n]->edges;
    }
    *atoms /= n;
    *edges /= n;
    for (int k = -8; k < repeats; k++) { /* eight to warm up */
        trainer->batch = batches[(k + 8) % n];
        double start = clock_seconds();
        state_begin(trainer->state);
        code = loop_forward(trainer, error);
        if (!code)
            code = loop_combine(trainer, error);
        if (code)
            goto out;
        loop_update(trainer);
        state_commit(trainer->state);
        if (k >= 0)
            step[k] = clock_seconds() - start;
    }
    if ((code = eval_program_make(trainer, error)))
        goto out;
    for (int k = -8; k < repeats; k++) {
        struct prediction prediction;
        double start = clock_seconds();
        for (int d = 0; d < DTYPE_COUNT; d++)
            params[d] = trainer->parameters[d]->data;
        if ((code = eval_program_run(trainer, batches[(k + 8) % n], params, &prediction, error)))
            goto out;
        if (k >= 0)
            eval[k] = clock_seconds() - start;
    }
out:
    for (int k = 0; k < n; k++)
        batch_free(batches[k]);
    trainer->batch = own;
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
