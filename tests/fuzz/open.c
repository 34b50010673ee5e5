/* A file given to fettle_open: a checkpoint (safetensors), a model or a config (YAML); and one evaluation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "fettle/fettle.h"

enum { ATOMS = 3, LONGEST_CUTOFF = 20 };

void fuzz_open(void) {
    setenv("FETTLE_CACHE", "off", 1);
}

static void told(int status, const struct fettle_error *error) {
    if (status && (error->status != status || !memchr(error->message, 0, sizeof error->message) || !error->message[0]))
        fuzz_fail("status %d comes without a message", status);
}

static void evaluate(struct fettle_model *model) {
    double positions[3 * ATOMS] = {0, 0, 0, 1, 0.2, 0, 0, 1.9, 0.3}, cell[] = {6, 0, 0, 0, 6, 0, 0, 0, 6};
    double forces[3 * ATOMS], stress[9], energies[ATOMS];
    int types[ATOMS];
    for (int k = 0; k < ATOMS; k++)
        types[k] = k % fettle_species_count(model);
    struct fettle_frame frame = {
        .atoms = ATOMS, .positions = positions, .types = types, .cell = cell, .pbc = {1, 0, 1}};
    struct fettle_result result = {.forces = forces, .stress = stress, .atomic_energy = energies};
    struct fettle_error error;
    told(fettle_evaluate(model, &frame, 1, &result, &error), &error);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct fettle_options options = {.version = 2, .threads = 1};
    struct fettle_model *model;
    struct fettle_error error;
    memset(&error, 0x55, sizeof error);
    fuzz_write("model", data, size);
    int status = fettle_open(&model, "model", &options, &error);
    told(status, &error);
    if (status && model)
        fuzz_fail("there is a model though opening it has failed");
    if (!status && fettle_cutoff(model) < LONGEST_CUTOFF)
        evaluate(model);
    fettle_free(model);
}
