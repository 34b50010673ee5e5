/* A cache of frames beside its data file.  The input is edits of a good one (see edits.h): of the head, of the records
 * and arrays of its frames, "0.record", "0.pos" and so on, and of the whole file as 32-bit words, "file".  Its hashes
 * are made right again, but for lines `break`; `cut N` cuts it short.  Its frames are then trained on. */
#include "data/set/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/hash.h"
#include "common.h"
#include "data/set/cache_file.h"
#include "edits.h"
#include "kept.h"
#include "train/run/trainer_internal.h"

enum { BATCHES = 2, MOST_ARRAYS = 128 };

static const char path[] = "data.xyz", cache[] = "data.xyz.fettle-cache";

static struct kept kept;
static struct transforms *transforms;
static char *good, *edited;
static size_t size_of_good, size_of_edited;
static struct edits_array arrays[MOST_ARRAYS];
static size_t count;
static int broken; /* the hashes stay as they were */

static void add_array(const struct frame *frame, size_t k, const char *name, enum edits_type type, const void *data,
                      size_t numbers) {
    const char *at = data;
    if (count == MOST_ARRAYS || !data)
        return;
    struct edits_array *array = &arrays[count++];
    snprintf(array->name, sizeof array->name, "%zu.%s", k, name);
    array->type = type;
    array->count = numbers;
    array->data = edited + (at - frame->map->data);
}

static void add_frame(const struct frame *frame, size_t k) {
    const struct cache_head *head = (const struct cache_head *)frame->map->data;
    const struct cache_record *record = (const struct cache_record *)(frame->map->data + head->records) + k;
    size_t atoms = (size_t)frame->atoms, pairs = frame->npairs > 0 ? (size_t)frame->npairs : 0;
    add_array(frame, k, "record", EDITS_I32, record, sizeof *record / 4);
    add_array(frame, k, "pos", EDITS_F64, frame->pos, 3 * atoms);
    add_array(frame, k, "numbers", EDITS_I32, frame->numbers, atoms);
    add_array(frame, k, "types", EDITS_I32, frame->types, atoms);
    add_array(frame, k, "symbols", EDITS_U8, frame->symbols, 8 * atoms);
    add_array(frame, k, "pair_i", EDITS_I32, frame->pair_i, pairs);
    add_array(frame, k, "pair_j", EDITS_I32, frame->pair_j, pairs);
    add_array(frame, k, "pair_shift", EDITS_I32, frame->pair_shift, 3 * pairs);
    for (int f = 0; f < frame->nfields; f++)
        add_array(frame, k, frame->fields[f].name, EDITS_F64, frame->fields[f].values,
                  (size_t)frame->fields[f].cols * (frame->fields[f].per_atom ? atoms : 1));
}

static struct dataset *read_frames(int *code, struct error *error) {
    struct dataset *dataset = dataset_new();
    *code = cache_read(dataset, path, NULL, transforms, error);
    return dataset;
}

void fuzz_open(void) {
    static const char *const overrides[] = {"~trainer.callbacks.0"}, *const verbs[] = {"cut %d", "break"};
    struct config *config = fuzz_config(overrides, 1);
    struct error error = {0};
    int code;
    setenv("FETTLE_CACHE_ABOVE", "0", 1);
    fuzz_copy_frames(path);
    fuzz_need(transforms_new(&transforms, config_get(config_get(config_root(config), "data"), "transforms"), &error),
              &error);
    struct dataset *dataset = read_frames(&code, &error);
    fuzz_need(code, &error);
    fuzz_need(file_read(cache, &good, &size_of_good, &error), &error);
    edited = malloc(size_of_good);
    for (size_t k = 0; k < dataset->count; k++)
        add_frame(dataset->frames[k], k);
    dataset_free(dataset);
    arrays[count++] = (struct edits_array){"head", EDITS_I64, sizeof(struct cache_head) / 8, edited};
    arrays[count++] = (struct edits_array){"file", EDITS_I32, size_of_good / 4, edited};
    edits_offer(arrays, count, verbs, 2);
    kept_open(&kept, config, 0);
}

static void other(void *context, int nwords, char **words) {
    size_t size = nwords == 2 && !strcmp(words[0], "cut") ? strtoul(words[1], NULL, 10) : size_of_good;
    (void)context;
    size_of_edited = size < size_of_edited ? size : size_of_edited;
    broken |= !strcmp(words[0], "break");
}

static int inside(uint64_t at, uint64_t numbers, uint64_t each) {
    return at <= size_of_edited && at % 8 == 0 && numbers <= (size_of_edited - at) / each;
}

/* Right hashes over whatever it holds now. */
static void seal(void) {
    struct cache_head *head = (struct cache_head *)edited;
    if (size_of_edited < sizeof *head || !inside(head->records, head->frames, sizeof(struct cache_record)) ||
        !inside(head->fields, head->nfields, sizeof(struct cache_field)) ||
        !inside(head->strings, head->strings_size, 1) || !inside(head->key, head->key_size, 1) ||
        !inside(head->warnings, head->warnings_size, 1))
        return;
    struct cache_record *records = (struct cache_record *)(edited + head->records);
    for (uint64_t f = 0; f < head->frames; f++)
        if (inside(records[f].at, records[f].size, 1))
            records[f].hash = hash_bytes(0, edited + records[f].at, records[f].size);
    head->hash = cache_hash_tables(edited, head);
}

/* The run's own frames, and those of the cache in their place. */
static void train(const struct dataset *dataset) {
    struct trainer *trainer = kept.trainer;
    struct dataset *own[2] = {(struct dataset *)datamodule_dataset(trainer->data, ROLE_TRAIN, 0),
                              (struct dataset *)datamodule_dataset(trainer->data, ROLE_VAL, 0)};
    struct frame **frames[2];
    struct error error = {0};
    for (int k = 0; k < 2; k++) {
        if (dataset->count < own[k]->count)
            return;
        frames[k] = own[k]->frames;
        own[k]->frames = dataset->frames;
    }
    int code = trainer_check_data(trainer, &error);
    fuzz_told(code, &error);
    if (!code)
        kept_train(&kept, BATCHES);
    for (int k = 0; k < 2; k++)
        own[k]->frames = frames[k];
    /* what is joined ahead are frames that go now */
    prefetch_ask(trainer->batches.ahead, (const struct frame *const *)frames[0], 1,
                 model_batch_options(trainer->model));
    prefetch_ask(trainer->evaluation.ahead, (const struct frame *const *)frames[1], 1,
                 model_batch_options(trainer->model));
    kept_return(&kept);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct error error = {0};
    int code;
    char *lines = fuzz_text(data, size);
    memcpy(edited, good, size_of_good);
    size_of_edited = size_of_good;
    broken = 0;
    edits_apply(lines, arrays, count, other, NULL);
    free(lines);
    if (!broken)
        seal();
    fuzz_write(cache, edited, size_of_edited);
    struct dataset *dataset = read_frames(&code, &error);
    fuzz_told(code, &error);
    if (!code)
        train(dataset);
    dataset_free(dataset);
}
