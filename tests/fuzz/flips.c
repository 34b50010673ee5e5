/* fuzz_flips N: one bit of a checkpoint, and one of a cache of frames, is another: N times each, anywhere.  Either it
 * is noticed (a checkpoint is refused, a cache made anew), or it makes no difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/random.h"
#include "common.h"
#include "data/set/cache.h"
#include "model/file/safetensors.h"
#include "train/run/trainer.h"

static const char checkpoint[] = "checkpoint.safetensors", frames[] = "data.xyz", cache[] = "data.xyz.fettle-cache";

static struct file {
    const char *path;
    char *data;
    size_t size;
} files[] = {{checkpoint, NULL, 0}, {cache, NULL, 0}};
static struct safetensors *good;
static struct dataset *good_frames;
static struct transforms *transforms;

static struct dataset *read_frames(void) {
    struct dataset *dataset = dataset_new();
    struct error error = {0};
    fuzz_need(cache_read(dataset, frames, NULL, transforms, &error), &error);
    return dataset;
}

void fuzz_open(void) {
    static struct config *config; /* the transforms look into it */
    config = fuzz_config(NULL, 0);
    struct trainer_options options = {.threads = 1};
    struct trainer *trainer;
    struct error error = {0};
    setenv("FETTLE_CACHE_ABOVE", "0", 1);
    fuzz_need(trainer_open(&trainer, config, &options, &error), &error);
    for (int k = 0; k < 3; k++)
        fuzz_need(trainer_step(trainer, &error), &error);
    fuzz_need(trainer_save(trainer, checkpoint, &error), &error);
    fuzz_need(safetensors_read(&good, checkpoint, &error), &error);
    trainer_free(trainer);
    fuzz_copy_frames(frames);
    fuzz_need(transforms_new(&transforms, config_get(config_get(config_root(config), "data"), "transforms"), &error),
              &error);
    good_frames = read_frames();
    for (size_t k = 0; k < 2; k++)
        fuzz_need(file_read(files[k].path, &files[k].data, &files[k].size, &error), &error);
}

/* ---------------------------------------------------------------- what is then read */

static int same_tensors(const struct safetensors *a, const struct safetensors *b) {
    int same = safetensors_count(a) == safetensors_count(b);
    for (size_t k = 0; same && k < safetensors_count(a); k++) {
        const struct tensor *one = safetensors_at(a, k), *other = safetensors_find(b, one->name);
        same = other && !strcmp(one->dtype, other->dtype) && one->ndim == other->ndim && one->size == other->size &&
               !memcmp(one->shape, other->shape, sizeof one->shape) && !memcmp(one->data, other->data, one->size);
    }
    return same;
}

static int same_array(const void *a, const void *b, size_t size) {
    return !size || !memcmp(a, b, size);
}

static int same_frame(const struct frame *a, const struct frame *b) {
    size_t atoms = (size_t)a->atoms, pairs = a->npairs > 0 ? (size_t)a->npairs : 0;
    int same = a->atoms == b->atoms && a->npairs == b->npairs && a->nfields == b->nfields &&
               a->directed == b->directed && a->has_cell == b->has_cell && a->ordinal == b->ordinal &&
               !memcmp(a->cell, b->cell, sizeof a->cell) && !memcmp(a->pbc, b->pbc, sizeof a->pbc) &&
               !strcmp(a->unused, b->unused) && same_array(a->pos, b->pos, 3 * atoms * sizeof *a->pos) &&
               same_array(a->numbers, b->numbers, atoms * sizeof *a->numbers) &&
               same_array(a->symbols, b->symbols, atoms * sizeof *a->symbols) &&
               same_array(a->types, b->types, atoms * sizeof *a->types) &&
               same_array(a->pair_i, b->pair_i, pairs * sizeof *a->pair_i) &&
               same_array(a->pair_j, b->pair_j, pairs * sizeof *a->pair_j) &&
               same_array(a->pair_shift, b->pair_shift, 3 * pairs * sizeof *a->pair_shift);
    for (int k = 0; same && k < a->nfields; k++) {
        const struct field *one = &a->fields[k], *other = &b->fields[k];
        size_t rows = one->per_atom ? atoms : 1;
        same = !strcmp(one->name, other->name) && one->per_atom == other->per_atom && one->cols == other->cols &&
               same_array(one->values, other->values, rows * (size_t)one->cols * sizeof *one->values);
    }
    return same;
}

/* ---------------------------------------------------------------- flips */

enum { NOTICED, WITHOUT_EFFECT, DIFFERENT, OUTCOMES };

static int read_checkpoint(void) {
    struct safetensors *file;
    struct error error = {0};
    int code = safetensors_read(&file, checkpoint, &error);
    fuzz_told(code, &error);
    if (code)
        return NOTICED;
    int same = same_tensors(good, file);
    safetensors_free(file);
    return same ? WITHOUT_EFFECT : DIFFERENT;
}

/* A cache that is not believed is made anew: the file is as it was then. */
static int read_cache(const char *flipped, size_t size) {
    struct error error = {0};
    struct dataset *dataset = read_frames();
    char *now;
    size_t length;
    int same = dataset->count == good_frames->count;
    for (size_t k = 0; same && k < dataset->count; k++)
        same = same_frame(good_frames->frames[k], dataset->frames[k]);
    dataset_free(dataset);
    fuzz_need(file_read(cache, &now, &length, &error), &error);
    int anew = length != size || memcmp(now, flipped, size);
    free(now);
    return !same ? DIFFERENT : anew ? NOTICED : WITHOUT_EFFECT;
}

static int flip(int which, uint64_t draw) {
    const struct file *file = &files[which];
    size_t at = draw / 8 % file->size;
    char bit = (char)(1 << draw % 8);
    file->data[at] ^= bit;
    unlink(file->path); /* the good frames lie in a map of the good file */
    fuzz_write(file->path, file->data, file->size);
    int outcome = which == 0 ? read_checkpoint() : read_cache(file->data, file->size);
    file->data[at] ^= bit;
    if (outcome == DIFFERENT)
        printf("FAILED: bit %llu of byte %zu of %s is another, and nothing is said\n", (unsigned long long)draw % 8, at,
               file->path);
    return outcome;
}

void fuzz_input(const uint8_t *data, size_t size) {
    (void)data, (void)size;
}

int main(int argc, char **argv) {
    struct random_stream stream;
    long flips = argc > 1 ? atol(argv[1]) : 1000;
    int failed = 0;
    fuzz_begin(1);
    random_seed(&stream, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    for (int which = 0; which < 2; which++) {
        long counts[OUTCOMES] = {0};
        for (long k = 0; k < flips; k++)
            counts[flip(which, random_u64(&stream))]++;
        printf("%s, %zu bytes: of %ld flips %ld are noticed, %ld without effect, %ld different without a word\n",
               files[which].path, files[which].size, flips, counts[NOTICED], counts[WITHOUT_EFFECT], counts[DIFFERENT]);
        failed |= counts[DIFFERENT] > 0;
    }
    return failed;
}
