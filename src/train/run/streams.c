/* The random streams that orders of frames are drawn from: that of the training set, that which the sets of validation
 * and test share, and that of the process, which samplers draw from.  The last two are part of the state only where
 * something is drawn from them. */
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/run/streams.h"
#include "train/run/trainer_internal.h"

static int draws(const struct loader_settings *how) {
    return how->sampler == SAMPLER_RANDOM || how->sampler == SAMPLER_SUBSET || how->sampler == SAMPLER_WEIGHTED;
}

static void put(struct kept_stream *kept, const struct random_stream *stream) {
    if (!kept->words)
        return;
    memcpy(kept->words->data, stream->state, sizeof stream->state);
    *(int64_t *)kept->position->data = stream->position;
}

static void get(const struct kept_stream *kept, struct random_stream *stream) {
    memset(stream, 0, sizeof *stream);
    if (!kept->words)
        return;
    memcpy(stream->state, kept->words->data, sizeof stream->state);
    stream->position = (int)*(const int64_t *)kept->position->data;
}

static int add(struct trainer *trainer, struct kept_stream *out, const char *name, int optional, struct error *error) {
    static const struct state_range used = {0, RANDOM_WORDS, 0};
    char full[64];
    snprintf(full, sizeof full, "%s.words", name);
    if (!(out->words = state_add(trainer->state, full, STATE_U32, RANDOM_WORDS, 0, error)))
        return ERROR_MEMORY;
    snprintf(full, sizeof full, "%s.position", name);
    if (!(out->position = state_add(trainer->state, full, STATE_I64, 1, 0, error)))
        return ERROR_MEMORY;
    out->position->range = &used;
    out->words->optional = out->position->optional = optional;
    return 0;
}

int streams_open(struct trainer *trainer, struct error *error) {
    const struct loader_settings *train = datamodule_loader(trainer->data, ROLE_TRAIN);
    int evaluation = 0, process = draws(train), persist = 0, code;
    struct loader_streams streams[2];
    for (int role = ROLE_VAL; role <= ROLE_TEST; role++) {
        const struct loader_settings *how = datamodule_loader(trainer->data, (enum data_role)role);
        evaluation |= how->shuffle;
        process |= draws(how);
        persist |= how->persistent_workers;
    }
    if ((code = datamodule_streams(trainer->data, &streams[0], &streams[1], error)) ||
        (code = add(trainer, &trainer->batches.random, "loop.random", 0, error)) ||
        (evaluation &&
         (code = add(trainer, &trainer->batches.random_evaluation, "loop.evaluation.random", 1, error))) ||
        (process && (code = add(trainer, &trainer->batches.random_process, "loop.process.random", 1, error))))
        return code;
    if (evaluation && persist) {
        trainer->batches.workers = state_add(trainer->state, "loop.evaluation.workers", STATE_I64,
                                             trainer->evaluation.nval + trainer->evaluation.ntest, 0, error);
        if (!trainer->batches.workers)
            return ERROR_MEMORY;
        trainer->batches.workers->range = &state_flag;
        trainer->batches.workers->optional = 1;
    }
    put(&trainer->batches.random, &streams[0].own);
    put(&trainer->batches.random_evaluation, &streams[1].own);
    put(&trainer->batches.random_process, &streams[1].process);
    return 0;
}

/* A file of before it had this stream leaves zeros, of which no generator consists. */
static int is_empty(const struct kept_stream *kept) {
    const uint32_t *words = kept->words ? kept->words->data : NULL;
    for (int k = 0; words && k < RANDOM_WORDS; k++)
        if (words[k])
            return 0;
    return words != NULL;
}

int streams_resumed(struct trainer *trainer, struct error *error) {
    struct loader_streams streams[2];
    if (!is_empty(&trainer->batches.random_evaluation) && !is_empty(&trainer->batches.random_process))
        return 0;
    int code = datamodule_streams(trainer->data, &streams[0], &streams[1], error);
    if (!code && is_empty(&trainer->batches.random_evaluation))
        put(&trainer->batches.random_evaluation, &streams[1].own);
    if (!code && is_empty(&trainer->batches.random_process))
        put(&trainer->batches.random_process, &streams[1].process);
    return code;
}

int streams_have(const struct trainer *trainer, const struct variable *variable) {
    const struct kept_stream *all[] = {&trainer->batches.random, &trainer->batches.random_evaluation,
                                       &trainer->batches.random_process};
    int have = variable == trainer->batches.workers;
    for (int k = 0; k < 3; k++)
        have |= variable == all[k]->words || variable == all[k]->position;
    return have;
}

void streams_read(const struct trainer *trainer, enum data_role role, struct loader_streams *out) {
    get(role == ROLE_TRAIN ? &trainer->batches.random : &trainer->batches.random_evaluation, &out->own);
    get(&trainer->batches.random_process, &out->process);
}

void streams_keep(struct trainer *trainer, enum data_role role, const struct loader_streams *streams) {
    put(role == ROLE_TRAIN ? &trainer->batches.random : &trainer->batches.random_evaluation, &streams->own);
    put(&trainer->batches.random_process, &streams->process);
}
