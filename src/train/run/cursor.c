/* Where the loop stands: names and ranges of its numbers, and which of them can stand beside each other. */
#include <string.h>

#include "train/core/state.h"
#include "train/run/cursor.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

#define AT(member) [offsetof(struct cursor, member) / sizeof(int64_t)]

/* The phase is written by its name, in the metadata: its number is nobody's business but this program's. */
static const struct state_field fields[] = {
    AT(phase) = {NULL, NULL},
    AT(run) = {"run", &state_counter},
    AT(epoch) = {"epoch", &state_counter},
    AT(epochs) = {"epochs", &state_counter},
    AT(batch) = {"batch", &state_counter},
    AT(step) = {"step", &state_counter},
    AT(stepped) = {"stepped", &state_counter},
    AT(window) = {"window", &state_counter},
    AT(should_stop) = {"should_stop", &state_flag},
    AT(trained) = {"trained", &state_flag},
    AT(run_stage) = {"run_stage", &state_counter},
    AT(validated) = {"validated", &state_flag},
    AT(epoch_open) = {"epoch_open", &state_flag},
    AT(rows) = {"rows", &state_counter},
    AT(accepted) = {"accepted", &state_counter},
};
enum { FIELDS = sizeof(struct cursor) / sizeof(int64_t) };
_Static_assert(sizeof fields / sizeof *fields == FIELDS, "each number of the cursor has a field");

int cursor_open(struct trainer *trainer, struct error *error) {
    trainer->position.cursor = state_add(trainer->state, "loop.cursor", STATE_I64, FIELDS, 0, error);
    if (!trainer->position.cursor)
        return ERROR_MEMORY;
    trainer->position.cursor->fields = fields;
    return 0;
}

int cursor_read_phase(struct trainer *trainer, const char *name, struct error *error) {
    int64_t k = 0;
    while (k < PHASE_COUNT && name && strcmp(name, phase_name((enum phase)k)) != 0)
        k++;
    if (!name || k == PHASE_COUNT)
        return error_set(error, ERROR_DATA, "the checkpoint is of a run in the phase '%.60s', which there is not",
                         name ? name : "");
    cursor_of(trainer)->phase = k;
    return 0;
}

/* Phases between batches, where alone a checkpoint is written: those of an epoch under way, those around it, and those
 * that need no training. */
enum when { WITHIN_A_BATCH, IN_AN_EPOCH, AROUND_EPOCHS, ELSEWHERE };

static enum when when(enum phase phase) {
    switch (phase) {
    case PHASE_LOAD:
    case PHASE_LOG:
    case PHASE_VALIDATE:
    case PHASE_EPOCH_END:
        return IN_AN_EPOCH;
    case PHASE_SANITY:
    case PHASE_EPOCH:
    case PHASE_CHECKPOINT:
        return AROUND_EPOCHS;
    case PHASE_START:
    case PHASE_TEST:
    case PHASE_DONE:
        return ELSEWHERE;
    default:
        return WITHIN_A_BATCH;
    }
}

static int refuse(const struct trainer *trainer, const char *field, struct error *error, int64_t value,
                  const char *why) {
    return error_set(error, ERROR_DATA, "the checkpoint's \"state.%s.%s\" is %lld: %s", trainer->position.cursor->name,
                     field, (long long)value, why);
}

int cursor_check_state(const struct trainer *trainer, struct error *error) {
    const struct cursor *cursor = cursor_of(trainer);
    enum phase phase = (enum phase)cursor->phase;
    enum when now = when(phase);
    int64_t batches = trainer_batches(trainer);
    if (now == WITHIN_A_BATCH)
        return error_set(error, ERROR_DATA,
                         "the checkpoint is of a run in the phase '%s', within a batch, where none is written",
                         phase_name(phase));
    if ((now == IN_AN_EPOCH || now == AROUND_EPOCHS) &&
        (!trainer->evaluation.loss || !trainer->optimizer.kind || !trainer->batches.size))
        return error_set(error, ERROR_DATA,
                         "the checkpoint is of a run in the phase '%s' of a training, and this run trains nothing",
                         phase_name(phase));
    if (cursor->run != cursor->run_stage)
        return refuse(trainer, "run_stage", error, cursor->run_stage,
                      "as many entries of `run` are done as stand before the one under way");
    if (phase == PHASE_TEST &&
        ((size_t)cursor->run >= trainer->position.nruns || !strcmp(trainer->position.runs[cursor->run], "train")))
        return refuse(trainer, "run", error, cursor->run, "`run` has no such val or test");
    if (cursor->epoch_open != (now == IN_AN_EPOCH))
        return refuse(trainer, "epoch_open", error, cursor->epoch_open,
                      "in this phase an epoch is under way, or is not");
    if (cursor->epochs != cursor->epoch && cursor->epochs != cursor->epoch + 1)
        return refuse(trainer, "epochs", error, cursor->epochs, "these do not fit the epoch's own number");
    if (trainer->batches.size &&
        (cursor->batch > batches || (now == IN_AN_EPOCH && phase != PHASE_EPOCH_END && cursor->batch >= batches)))
        return refuse(trainer, "batch", error, cursor->batch, "an epoch has not so many batches");
    if (cursor->window >= callbacks_accumulate(trainer))
        return refuse(trainer, "window", error, cursor->window, "so many batches are not summed before a step");
    return 0;
}
