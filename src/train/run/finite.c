/* Where a NaN or an infinity comes from: the batch is run again by a program that keeps every value. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "graph/run/program_look.h"
#include "train/core/dot.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/run/finite.h"
#include "train/run/programs.h"
#include "train/run/trainer_internal.h"

/* All finite?  Else, where the first is that is not. */
static int all_finite(const void *data, enum dtype dtype, size_t count, size_t *where) {
    if (dot_is_finite(dtype, data, 0, count))
        return 1;
    for (*where = 0; *where < count; ++*where)
        if (!isfinite(dtype == F32 ? (double)((const float *)data)[*where] : ((const double *)data)[*where]))
            return 0;
    return 1;
}

static const struct parameter *parameter_at(const struct model *model, enum dtype dtype, size_t number) {
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        if (p->dtype == dtype && number >= p->offset && number < p->offset + p->numel)
            return p;
    }
    return NULL;
}

/* The frame of row `row` of a dimension, and the atoms, in words. */
static void add_place(const struct batch *batch, const char *shape, long row, struct text *out) {
    const struct topology *topology = &batch->topology;
    int frame = -1, i = -1, j = -1;
    if (strstr(shape, "[atoms") && row < batch->atoms)
        i = (int)row;
    if (strstr(shape, "[pairs") && row < batch->pairs) {
        i = topology->index[INDEX_PAIR_I][row];
        j = topology->index[INDEX_PAIR_J][row];
    }
    if (strstr(shape, "[frames") && row < batch->frames)
        frame = (int)row;
    if (i >= 0)
        for (frame = 0; frame + 1 < batch->frames && i >= batch->frame_atoms[frame + 1];)
            frame++;
    if (frame < 0)
        return;
    const struct frame *source = batch->source[frame];
    text_format(out, ", frame %ld of %s", source->ordinal, source->source[0] ? source->source : "the generated data");
    for (int k = 0; k < 2; k++) {
        int atom = (k ? j : i) - batch->frame_atoms[frame];
        if ((k ? j : i) >= 0 && atom >= 0 && atom < source->atoms)
            text_format(out, "%s%s %d", k ? " - " : ", ", source->symbols[atom], atom);
    }
}

/* Labels and positions as they come from the data. */
static int check_data(const struct trainer *trainer, struct error *error) {
    const struct batch *batch = trainer->batches.now;
    for (int f = 0; f < batch->frames; f++) {
        const struct frame *frame = batch->source[f];
        size_t where;
        if (!all_finite(frame->pos, F64, 3 * (size_t)frame->atoms, &where))
            return error_set(error, ERROR_NUMERIC, "the position of atom %zu of frame %ld of %s is not finite",
                             where / 3, frame->ordinal, frame->source);
        for (int k = 0; k < frame->nfields; k++) {
            const struct field *field = &frame->fields[k];
            size_t rows = field->per_atom ? (size_t)frame->atoms : 1, cols = (size_t)field->cols;
            for (where = 0; where < rows * cols; where++)
                if (!isfinite(field->values[where]) &&
                    metrics_minds(trainer->evaluation.loss, field->name, field->values[where]))
                    break;
            if (where == rows * cols)
                continue;
            if (field->per_atom)
                return error_set(error, ERROR_NUMERIC, "the label %s of atom %zu (%s) of frame %ld of %s is not finite",
                                 field->name, where / cols, frame->symbols[where / cols], frame->ordinal,
                                 frame->source);
            return error_set(error, ERROR_NUMERIC, "the label %s of frame %ld of %s is not finite", field->name,
                             frame->ordinal, frame->source);
        }
    }
    return 0;
}

/* NequIP trains on with a loss of NaN. */
static int check_volumes(const struct trainer *trainer, struct error *error) {
    const struct batch *batch = trainer->batches.now;
    char label[300];
    for (int f = 0; f < batch->frames && metrics_predicts(trainer->evaluation.loss, "stress"); f++) {
        const struct field *stress = frame_field(batch->source[f], "stress");
        int minds = isnan(batch->inverse_volume[f]) && stress;
        for (int c = 0; minds && c < stress->cols; c++)
            if (!isnan(stress->values[c]) || metrics_minds(trainer->evaluation.loss, "stress", NAN))
                return error_set(error, ERROR_NUMERIC,
                                 "%s has a label stress, but no cell with a volume: the model's stress is NaN there, "
                                 "and so is the loss (ignore_nan with a label that is NaN leaves it out)",
                                 frame_label(batch->source[f], label, sizeof label));
    }
    return 0;
}

static int check_weights(const struct trainer *trainer, int next, struct error *error) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *weights = trainer->weights.parameters[d];
        size_t where;
        if (all_finite(next ? weights->next : weights->data, (enum dtype)d, weights->count, &where))
            continue;
        const struct parameter *p = parameter_at(trainer->model, (enum dtype)d, where);
        return error_set(error, ERROR_NUMERIC,
                         next ? "the update makes %s[%zu] NaN or infinite (lr %g)" : "%s[%zu] is NaN or infinite",
                         p ? p->name : "a weight", p ? where - p->offset : where,
                         *(double *)trainer->optimizer.lr->data);
    }
    return 0;
}

static int look(void *context, const struct program *program, struct error *error) {
    const struct trainer *trainer = context;
    struct instruction_info info;
    struct text place = {0};
    long row;
    int col, first = program_first_nonfinite(program, &row, &col);
    if (first < 0)
        return 0;
    program_instruction(program, first, &info);
    add_place(trainer->batches.now, info.shape, row, &place);
    error_set(error, ERROR_NUMERIC, "instruction %d, %s %s of %s, is NaN or infinite first: row %ld, column %d%s",
              first, info.op, info.shape, info.module && *info.module ? info.module : "the model", row, col,
              place.data ? place.data : "");
    text_free(&place);
    return ERROR_NUMERIC;
}

/* The weights as a step leaves them, which every step has to be asked of. */
struct weights_job {
    const struct trainer *trainer;
    atomic_int bad;
};

static void look_at_weights(void *context, int member, int members) {
    struct weights_job *job = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *weights = job->trainer->weights.parameters[d];
        size_t begin = weights->count * (size_t)member / (size_t)members,
               end = weights->count * (size_t)(member + 1) / (size_t)members;
        if (!dot_is_finite((enum dtype)d, weights->written ? weights->next : weights->data, begin, end))
            atomic_store(&job->bad, 1);
    }
}

int finite_check(struct trainer *trainer, struct error *error) {
    int finite = 1, code;
    for (size_t k = 0; k < metrics_nterms(trainer->evaluation.loss); k++)
        if (!isnan(metrics_coefficient(trainer->evaluation.loss, k)))
            finite &= isfinite(trainer->evaluation.values.loss[metrics_term_value(trainer->evaluation.loss, k)]) ||
                      !metrics_has_labels(trainer->evaluation.loss, k, trainer->batches.now);
    struct weights_job job = {.trainer = trainer};
    team_run(trainer->team, look_at_weights, &job);
    if (finite && !atomic_load(&job.bad))
        return 0;
    if ((code = check_weights(trainer, 0, error)) || (code = check_data(trainer, error)) ||
        (code = check_volumes(trainer, error)) || (code = train_program_inspect(trainer, look, trainer, error)) ||
        (code = check_weights(trainer, 1, error)))
        return code;
    return error_set(error, ERROR_NUMERIC, "a term of the loss is NaN or infinite");
}

void trainer_catch(struct trainer *trainer, int on) {
    trainer->position.catches = on;
}
