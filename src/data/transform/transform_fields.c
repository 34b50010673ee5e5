/* Transforms of cells and labels. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/transform/transform_parts.h"

const char *transform_available(const struct frame *frame, char *out, size_t size) {
    size_t used = 0;
    out[0] = 0;
    for (int k = 0; k < frame->nfields && used < size; k++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", k ? ", " : "", frame->fields[k].name);
    if (!frame->nfields)
        used += (size_t)snprintf(out, size, "no labels");
    if (frame->unused[0] && used < size)
        snprintf(out + used, size - used, "; not used of its file: %s", frame->unused);
    return out;
}

static int lacks(const struct frame *frame, const char *field, const char *transform, struct error *error) {
    char label[300], available[400];
    return error_set(error, ERROR_DATA,
                     "%s has no %s, which %s needs (it has %s; key_mapping or include_keys can bring it)",
                     frame_label(frame, label, sizeof label), field, transform,
                     transform_available(frame, available, sizeof available));
}

static int virial_to_stress(const void *options, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct field *virial = frame_field(frame, "virial");
    double stress[9], volume = frame_volume(frame);
    (void)options;
    (void)limit_bytes;
    if (!virial || virial->cols != 9)
        return lacks(frame, "virial", "VirialToStressTransform", error);
    if (!(volume > 0)) {
        char label[300];
        return error_set(error, ERROR_DATA, "%s has a virial, but no cell to divide it by",
                         frame_label(frame, label, sizeof label));
    }
    for (int k = 0; k < 9; k++)
        stress[k] = -virial->values[k] / volume;
    return frame_set_field(frame, "stress", 0, 9, stress) ? 0 : error_memory(error);
}

static int stress_sign_flip(const void *options, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct field *stress = frame_field(frame, "stress");
    (void)options;
    (void)limit_bytes;
    if (!stress)
        return lacks(frame, "stress", "StressSignFlipTransform", error);
    for (int k = 0; k < stress->cols; k++)
        stress->values[k] = -stress->values[k];
    return 0;
}

static int add_nan_stress(const void *options, struct frame *frame, size_t limit_bytes, struct error *error) {
    double stress[9];
    (void)options;
    (void)limit_bytes;
    if (frame_field(frame, "stress"))
        return 0;
    for (int k = 0; k < 9; k++)
        stress[k] = NAN;
    return frame_set_field(frame, "stress", 0, 9, stress) ? 0 : error_memory(error);
}

struct cell_options {
    double padding;
    int override_cell;
};

static const struct option cell_options[] = {
    {"padding", OPTION_FLOAT, OPTION_NONNEGATIVE, "10.0", offsetof(struct cell_options, padding), NULL,
     "space around the atoms in each direction, A"},
    {"override_cell", OPTION_BOOL, 0, "false", offsetof(struct cell_options, override_cell), NULL,
     "make it: without this nothing is done, as every frame has a cell, if one of zeros"}};

static int non_periodic_cell(const void *data, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct cell_options *options = data;
    (void)limit_bytes;
    (void)error;
    if (frame->pbc[0] || frame->pbc[1] || frame->pbc[2] || !frame->atoms)
        return 0;
    if (!options->override_cell) /* every frame that ASE reads has a cell, if one of zeros */
        return 0;
    memset(frame->cell, 0, sizeof frame->cell);
    for (int c = 0; c < 3; c++) {
        double low = INFINITY, high = -INFINITY;
        for (int i = 0; i < frame->atoms; i++) {
            low = fmin(low, frame->pos[3 * i + c]);
            high = fmax(high, frame->pos[3 * i + c]);
        }
        for (int i = 0; i < frame->atoms; i++)
            frame->pos[3 * i + c] = frame->pos[3 * i + c] - low + options->padding;
        frame->cell[4 * c] = (high - low) + 2 * options->padding;
    }
    frame->has_cell = 1;
    return 0;
}

struct index_options {
    int64_t index;
};

static const struct option index_options[] = {{"dataset_index", OPTION_INT, OPTION_REQUIRED, NULL,
                                               offsetof(struct index_options, index), NULL,
                                               "a number for the data set"}};

static int dataset_index(const void *data, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct index_options *options = data;
    double index = (double)options->index;
    (void)limit_bytes;
    return frame_set_field(frame, "dataset", 0, 1, &index) ? 0 : error_memory(error);
}

const struct transform_kind transform_virial_to_stress = {
    .target = {"nequip.data.transforms.VirialToStressTransform", "VirialToStressTransform"},
    .help = "stress = -virial/volume",
    .apply = virial_to_stress};

const struct transform_kind transform_stress_sign_flip = {
    .target = {"nequip.data.transforms.StressSignFlipTransform", "StressSignFlipTransform"},
    .help = "stress = -stress",
    .apply = stress_sign_flip};

const struct transform_kind transform_add_nan_stress = {
    .target = {"nequip.data.transforms.AddNaNStressTransform", "AddNaNStressTransform"},
    .help = "a stress of NaN (for ignore_nan) where there is none",
    .apply = add_nan_stress};

const struct transform_kind transform_non_periodic_cell = {
    .target = {"nequip.data.transforms.NonPeriodicCellTransform", "NonPeriodicCellTransform"},
    .help = "a box around frames that are not periodic; before the neighbour list",
    .options = cell_options,
    .noptions = sizeof cell_options / sizeof *cell_options,
    .options_size = sizeof(struct cell_options),
    .apply = non_periodic_cell};

const struct transform_kind transform_dataset_index = {
    .target = {"nequip.data.transforms.DatasetIndexTransform", "DatasetIndexTransform"},
    .help = "a field 'dataset' with a number",
    .options = index_options,
    .noptions = sizeof index_options / sizeof *index_options,
    .options_size = sizeof(struct index_options),
    .apply = dataset_index};
