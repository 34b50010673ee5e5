/* NequIP's EMTTestDataset: a crystal in ASE's orthorhombic cell, its atoms displaced by numpy's random numbers,
 * labelled by EMT. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/log.h"
#include "base/random_numpy.h"
#include "data/module/datamodule_parts.h"
#include "data/set/emt.h"

struct emt_test {
    const struct config_node *transforms;
    struct option_ints supercell;
    double sigma;
    const char *element;
    int64_t frames, seed;
};

static const struct option rows[] = {
    {"transforms", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct emt_test, transforms), NULL,
     "list of data transforms"},
    {"supercell", OPTION_INT_LIST, OPTION_POSITIVE, "[4, 4, 4]", offsetof(struct emt_test, supercell), NULL,
     "cells of two atoms along each vector"},
    {"sigma", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.1", offsetof(struct emt_test, sigma), NULL,
     "standard deviation of the displacements, A"},
    {"element", OPTION_STRING, 0, "Cu", offsetof(struct emt_test, element), "Cu|Pd|Au|Pt|Al|Ni|Ag", "of the crystal"},
    {"num_frames", OPTION_INT, OPTION_NONNEGATIVE, "10", offsetof(struct emt_test, frames), NULL, "how many frames"},
    {"seed", OPTION_INT, OPTION_NONNEGATIVE, "123456", offsetof(struct emt_test, seed), NULL, "of the displacements"}};

/* The fcc lattice constants that ASE has, A (C. Kittel, Introduction to Solid State Physics). */
static double lattice_constant(const char *element) {
    static const struct {
        const char *element;
        double constant;
    } table[] = {{"Cu", 3.61}, {"Pd", 3.89}, {"Au", 4.08}, {"Pt", 3.92}, {"Al", 4.05}, {"Ni", 3.52}, {"Ag", 4.09}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (!strcmp(table[k].element, element))
            return table[k].constant;
    return 0;
}

static struct frame *crystal(const struct emt_test *options) {
    const int64_t *repeat = options->supercell.values;
    double a = lattice_constant(options->element), b = sqrt(0.5) * a;
    const double cell[3] = {b, b, a};
    struct frame *frame = frame_new((int)(2 * repeat[0] * repeat[1] * repeat[2]));
    if (!frame)
        return NULL;
    for (int i = 0; i < frame->atoms; i++) {
        int64_t k = i / 2, at[3] = {k / repeat[2] / repeat[1], k / repeat[2] % repeat[1], k % repeat[2]};
        for (int d = 0; d < 3; d++)
            frame->pos[3 * i + d] = (i % 2 ? 0.5 * cell[d] : 0) + (double)at[d] * cell[d];
        frame->numbers[i] = element_number(options->element);
        snprintf(frame->symbols[i], sizeof frame->symbols[i], "%s", options->element);
    }
    for (int d = 0; d < 3; d++)
        frame->cell[4 * d] = (double)repeat[d] * cell[d];
    frame->has_cell = 1;
    memset(frame->pbc, 1, sizeof frame->pbc);
    return frame;
}

static int make_frames(struct dataset *dataset, const struct emt_test *options, struct transforms *transforms,
                       struct error *error) {
    struct frame *ideal = crystal(options);
    struct numpy_stream *stream = malloc(sizeof *stream);
    struct emt *emt = emt_new();
    int code = ideal && stream && emt ? 0 : error_memory(error);
    if (!code)
        numpy_seed(stream, (uint64_t)options->seed);
    for (int64_t k = 0; k < options->frames && !code && !(code = interrupt_check(error)); k++) {
        struct frame *frame = frame_copy(ideal);
        for (int c = 0; frame && c < 3 * frame->atoms; c++)
            frame->pos[c] += options->sigma * numpy_normal(stream);
        code = frame ? emt_label(emt, frame, error) : error_memory(error);
        if (!code) {
            frame->source = "EMT";
            frame->ordinal = (long)k;
        }
        if (code)
            frame_free(frame);
        else
            code = dataset_add(dataset, frame, error);
    }
    for (size_t k = 0; k < dataset->count && !code && !(code = interrupt_check(error)); k++) {
        const struct frame *last = dataset->frames[dataset->count - 1];
        memmove(dataset->frames[k]->pos, last->pos, 3 * (size_t)last->atoms * sizeof *last->pos);
        code = transforms_apply(transforms, dataset->frames[k], error);
    }
    if (!code && dataset->count > 1)
        log_message(LOG_NOTICE, "EMTTestDataset: all frames have the atoms of the last one, as in NequIP, so there is "
                                "nothing to learn from them (fettle.data.EMTDataset has frames of its own)");
    frame_free(ideal);
    free(stream);
    emt_free(emt);
    return code;
}

int source_emt_test(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                    struct error *error) {
    struct emt_test options;
    struct transforms *transforms;
    double atoms = 2;
    int code = options_read(rows, sizeof rows / sizeof *rows, config, NULL, &options, datamodule->arena, error);
    if (code)
        return code;
    if (options.supercell.count != 3)
        return config_error(config_get(config, "supercell"), error, ERROR_VALUE, "three numbers are expected");
    for (int d = 0; d < 3; d++)
        atoms *= (double)options.supercell.values[d];
    if (atoms > 1e6)
        return config_error(config_get(config, "supercell"), error, ERROR_VALUE, "a frame of %.3g atoms is too large",
                            atoms);
    if (!(code = transforms_new(&transforms, options.transforms, error)))
        code = datamodule_own_transforms(datamodule, transforms, error);
    if (code || datamodule->dry)
        return code;
    struct dataset *dataset = dataset_new();
    if (!dataset)
        return error_memory(error);
    if (!(code = datamodule_own(datamodule, dataset, error)) &&
        !(code = make_frames(dataset, &options, transforms, error)))
        *out = dataset;
    return code;
}
