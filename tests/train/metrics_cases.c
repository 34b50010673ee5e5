#include "metrics_cases.h"

#include <stdio.h>

const char *const metrics_type_names[TYPES] = {"C", "H", "O"};

static const char *after(const char *line, const char *word) {
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 ? line + length : NULL;
}

static void join(struct metrics_batch *batch) {
    for (int k = 0, first = 0; k < batch->nframes; first += batch->frame_atoms[k++]) {
        struct frame *frame = batch->frames[k] = frame_new(batch->frame_atoms[k]);
        frame->npairs = 0;
        frame->source = "made.xyz";
        frame->ordinal = k;
        for (int i = 0; i < frame->atoms; i++)
            frame->types[i] = batch->types[first + i];
        for (int f = 0; f < batch->nfields; f++) {
            int cols = batch->field[f].cols, row = batch->field[f].per_atom ? first : k;
            cr_assert_not_null(frame_set_field(frame, batch->field[f].name, batch->field[f].per_atom, cols,
                                               batch->field[f].label + row * cols));
        }
    }
    struct batch_options options = {.types = TYPES};
    struct error error = {0};
    cr_assert_eq(
        batch_join(&batch->batch, (const struct frame *const *)batch->frames, batch->nframes, &options, &error), 0,
        "%s", error.message);
    for (int f = 0; f < batch->nfields; f++) {
        const char *name = batch->field[f].name;
        const double *values = batch->field[f].prediction;
        if (strcmp(name, "total_energy") == 0)
            batch->prediction.total_energy = values;
        else if (strcmp(name, "atomic_energy") == 0)
            batch->prediction.atomic_energy = values;
        else if (strcmp(name, "forces") == 0)
            batch->prediction.forces = values;
        else if (strcmp(name, "stress") == 0)
            batch->prediction.stress = values;
        else if (strcmp(name, "virial") == 0)
            batch->prediction.virial = values;
    }
}

struct metrics_reference *metrics_reference_read(void) {
    struct metrics_reference *reference = calloc(1, sizeof *reference);
    struct lines lines = reference->lines = lines_read(TEST_DATA_DIR "/metrics_reference.txt");
    int b = -1, c = -1, step = 0;
    for (size_t k = 0; k < lines.count; k++) {
        const char *rest;
        double numbers[MAX_NUMBERS];
        if ((rest = after(lines.line[k], "batch "))) {
            struct metrics_batch *batch = &reference->batch[++b];
            batch->nframes = (int)numbers_read(rest, numbers, 8);
            for (int n = 0; n < batch->nframes; n++)
                batch->atoms += batch->frame_atoms[n] = (int)numbers[n];
        } else if ((rest = after(lines.line[k], "types "))) {
            numbers_read(rest, numbers, 16);
            for (int n = 0; n < reference->batch[b].atoms; n++)
                reference->batch[b].types[n] = (int)numbers[n];
        } else if ((rest = after(lines.line[k], "prediction "))) {
            struct metrics_batch *batch = &reference->batch[b];
            int length, f = batch->nfields;
            cr_assert_eq(sscanf(rest, "%63s%n", batch->field[f].name, &length), 1);
            int count = (int)numbers_read(rest + length, batch->field[f].prediction, MAX_NUMBERS);
            int per_atom = !strcmp(batch->field[f].name, "forces") || !strcmp(batch->field[f].name, "dipole") ||
                           !strcmp(batch->field[f].name, "atomic_energy");
            batch->field[f].per_atom = per_atom;
            batch->field[f].cols = count / (per_atom ? batch->atoms : batch->nframes);
        } else if ((rest = after(lines.line[k], "label "))) {
            struct metrics_batch *batch = &reference->batch[b];
            numbers_read(strchr(rest, ' '), batch->field[batch->nfields++].label, MAX_NUMBERS);
        } else if ((rest = after(lines.line[k], "case "))) {
            reference->cases[++c].yaml = rest;
            step = 0;
        } else if ((rest = after(lines.line[k], "names "))) {
            reference->cases[c].names = rest;
        } else if ((rest = after(lines.line[k], "step "))) {
            reference->cases[c].step[step++] = rest;
        } else if ((rest = after(lines.line[k], "epoch "))) {
            reference->cases[c].epoch = rest;
        }
    }
    cr_assert_eq(b, BATCHES - 1);
    cr_assert_eq(c, METRIC_CASES - 1);
    for (b = 0; b < BATCHES; b++)
        join(&reference->batch[b]);
    return reference;
}

void metrics_reference_free(struct metrics_reference *reference) {
    for (int b = 0; b < BATCHES; b++) {
        for (int k = 0; k < reference->batch[b].nframes; k++)
            frame_free(reference->batch[b].frames[k]);
        batch_free(reference->batch[b].batch);
    }
    lines_free(&reference->lines);
    free(reference);
}
