/* Batches and cases of metrics_reference.txt. */
#ifndef TEST_TRAIN_METRICS_CASES_H
#define TEST_TRAIN_METRICS_CASES_H

#include "data/frame/batch.h"
#include "data/frame/frame.h"
#include "reference.h"
#include "train/metric/metrics.h"

enum { BATCHES = 3, METRIC_CASES = 14, LOSS_CASES = 13, MAX_FIELDS = 8, MAX_NUMBERS = 64, MAX_VALUES = 64, TYPES = 3 };

struct metrics_batch {
    int nframes, atoms, frame_atoms[8], types[16];
    int nfields;
    struct {
        char name[64];
        double prediction[MAX_NUMBERS], label[MAX_NUMBERS];
        int cols, per_atom;
    } field[MAX_FIELDS];
    struct frame *frames[8];
    struct batch *batch;
    struct prediction prediction;
};

struct metrics_case {
    const char *yaml, *names, *step[BATCHES], *epoch;
};

struct metrics_reference {
    struct lines lines;
    struct metrics_batch batch[BATCHES];
    struct metrics_case cases[METRIC_CASES];
};

extern const char *const metrics_type_names[TYPES];

struct metrics_reference *metrics_reference_read(void);
void metrics_reference_free(struct metrics_reference *reference);

#endif
