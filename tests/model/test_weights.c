/* safetensors files, and weights in them. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "harness.h"
#include "model/file/safetensors_internal.h"

static const char yaml[] = "_target_: NequIPGNNModel\nseed: 5\nmodel_dtype: float32\ntype_names: [C, H]\nr_max: 3.5\n"
                           "avg_num_neighbors: 9\nnum_layers: 2\nnum_features: 2\nradial_mlp_width: 4\n"
                           "per_type_energy_shifts: {C: 1, H: 2}\n";

static const char *scratch(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/fettle-test-%d.safetensors", (int)getpid());
    return path;
}

static void write_bytes(const char *header, size_t header_size, size_t data_size) {
    FILE *file = fopen(scratch(), "wb");
    cr_assert_not_null(file);
    for (int k = 0; k < 8; k++)
        fputc((int)(header_size >> 8 * k & 0xff), file);
    fputs(header, file);
    for (size_t k = 0; k < data_size; k++)
        fputc((int)k, file);
    fclose(file);
}

Test(safetensors, come_back_as_written) {
    struct error error = {0};
    struct safetensors *file = safetensors_new(), *back;
    const double numbers[] = {1, 2, 3, 4, 5, 6};
    const int64_t whole = -7;
    cr_assert_eq(safetensors_add(file, "b \"quoted\"\n", "F64", 2, (size_t[]){2, 3}, numbers, &error), 0);
    cr_assert_eq(safetensors_add(file, "a", "I64", 0, NULL, &whole, &error), 0);
    cr_assert_eq(safetensors_add(file, "empty", "F32", 1, (size_t[]){0}, NULL, &error), 0);
    cr_assert_eq(safetensors_set_metadata(file, "key", "first", &error), 0);
    cr_assert_eq(safetensors_set_metadata(file, "key", "line\n\ttab \\ \xc3\xa9", &error), 0);
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_read(&back, scratch(), &error), 0, "%s", error.message);
    unlink(scratch());
    cr_assert_eq(safetensors_count(back), 3);
    const struct tensor *b = safetensors_find(back, "b \"quoted\"\n"), *a = safetensors_find(back, "a");
    cr_assert(b && a && safetensors_find(back, "empty"));
    cr_expect(b->ndim == 2 && b->shape[0] == 2 && b->shape[1] == 3 && b->size == sizeof numbers);
    cr_expect_eq(memcmp(b->data, numbers, sizeof numbers), 0);
    cr_expect(a->ndim == 0 && memcmp(a->data, &whole, 8) == 0);
    cr_expect_null(safetensors_find(back, "c"));
    cr_expect_str_eq(safetensors_metadata(back, "key"), "line\n\ttab \\ \xc3\xa9");
    cr_expect_null(safetensors_metadata(back, "other"));
    safetensors_free(file);
    safetensors_free(back);
}

static const char *const damaged[] = {
    "",
    "{",
    "[]",
    "{}x",
    "{\"a\":1}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,100]}}",
    "{\"a\":{\"dtype\":\"Q32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
    "\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[9999999999999999999999],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905,4],\"data_offsets\":[0,16]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
    "{\"a\\",
    "{\"\\u12",
    "{\"\\ud800\\u0020\":{}}",
    "{\"\\q\":{}}",
    "{\"__metadata__\":{\"k\":1}}",
    "{\"__metadata__\":{\"k\":\"v\"",
};
enum { DAMAGED = sizeof damaged / sizeof *damaged };

ParameterizedTestParameters(safetensors, damage_is_an_error) {
    static int k[DAMAGED];
    for (int n = 0; n < DAMAGED; n++)
        k[n] = n;
    return cr_make_param_array(int, k, DAMAGED);
}

ParameterizedTest(int *k, safetensors, damage_is_an_error) {
    struct error error = {0};
    struct safetensors *file;
    write_bytes(damaged[*k], strlen(damaged[*k]), 16);
    int code = safetensors_read(&file, scratch(), &error);
    unlink(scratch());
    cr_expect(code == ERROR_SYNTAX || code == ERROR_DATA, "%s", damaged[*k]);
    cr_expect_null(file);
    cr_expect(strstr(error.message, scratch()) != NULL, "%s", error.message);
}

/* Contents with a name for each place, so that two files can be told apart. */
static void describe(const struct safetensors *file, struct text *out) {
    static const char *const keys[] = {"model_config", "fettle_format", "one", "two"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *value = safetensors_metadata(file, keys[k]);
        text_format(out, "%s=%s\n", keys[k], value ? value : "(none)");
    }
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *tensor = safetensors_at(file, k);
        text_format(out, "%s %s %d", tensor->name, tensor->dtype, tensor->ndim);
        for (int d = 0; d < tensor->ndim; d++)
            text_format(out, " %zu", tensor->shape[d]);
        for (size_t b = 0; b < tensor->size; b++)
            text_format(out, " %02x", ((const unsigned char *)tensor->data)[b]);
    }
}

static struct safetensors *small(void) {
    struct error error = {0};
    struct safetensors *file = safetensors_new();
    static const double numbers[] = {1, -2.5, 3e300};
    static const unsigned char bytes[] = {0, 1, ' ', '}', 0xff};
    cr_assert_eq(safetensors_add(file, "numbers", "F64", 2, (size_t[]){1, 3}, numbers, &error), 0);
    cr_assert_eq(safetensors_add(file, "bytes", "U8", 1, (size_t[]){5}, bytes, &error), 0);
    cr_assert_eq(safetensors_add(file, "empty", "I64", 1, (size_t[]){0}, NULL, &error), 0);
    cr_assert_eq(safetensors_set_metadata(file, "one", "a \"quoted\"\n\ttext \\", &error), 0);
    cr_assert_eq(safetensors_set_metadata(file, "two", "2", &error), 0);
    return file;
}

static char *bytes_of(const char *path, size_t *size) {
    struct error error = {0};
    char *bytes;
    cr_assert_eq(file_read(path, &bytes, size, &error), 0, "%s", error.message);
    return bytes;
}

/* Each bit of a file, its header, its gaps and its hash included. */
Test(safetensors, a_flipped_bit_is_told_or_without_effect) {
    struct error error = {0};
    struct safetensors *file = small(), *back;
    struct text good = {0};
    size_t size;
    int told = 0;
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0, "%s", error.message);
    char *bytes = bytes_of(scratch(), &size);
    unlink(scratch());
    safetensors_free(file);
    char *first = malloc(size + 1);
    memcpy(first, bytes, size + 1);
    cr_assert_eq(safetensors_from_bytes(&back, first, size, 0, &error), 0, "%s", error.message);
    cr_expect_eq(safetensors_format(back), SAFETENSORS_FORMAT);
    describe(back, &good);
    safetensors_free(back);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct error why = {0};
        struct text now = {0};
        char *copy = malloc(size + 1);
        memcpy(copy, bytes, size + 1);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        if (safetensors_from_bytes(&back, copy, size, 0, &why)) {
            cr_expect(*why.message);
            told++;
            continue;
        }
        describe(back, &now);
        cr_expect_str_eq(now.data, good.data, "bit %zu of byte %zu", bit % 8, bit / 8);
        text_free(&now);
        safetensors_free(back);
    }
    cr_expect(told > (int)(8 * size) - 64, "%d of %zu", told, 8 * size); /* the spaces behind the header have some */
    text_free(&good);
    free(bytes);
}

/* Read, changed and written again, a file has the hash of what it holds then; another order is the same contents. */
Test(safetensors, a_hash_is_of_what_is_written) {
    struct error error = {0};
    struct safetensors *file = small(), *back, *other = safetensors_new();
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_read(&back, scratch(), &error), 0, "%s", error.message);
    const char *before = safetensors_metadata(back, "fettle_hash");
    for (size_t k = safetensors_count(back); k-- > 0;) {
        const struct tensor *t = safetensors_at(back, k);
        cr_assert_eq(safetensors_add(other, t->name, t->dtype, t->ndim, t->shape, t->data, &error), 0);
    }
    cr_assert_eq(safetensors_set_metadata(other, "two", "2", &error), 0);
    cr_assert_eq(safetensors_set_metadata(other, "one", safetensors_metadata(back, "one"), &error), 0);
    struct safetensors *again;
    for (int changed = 0; changed < 2; changed++) {
        if (changed)
            cr_assert_eq(safetensors_set_metadata(other, "two", "3", &error), 0);
        cr_assert_eq(safetensors_write(other, scratch(), &error), 0, "%s", error.message);
        cr_assert_eq(safetensors_read(&again, scratch(), &error), 0, "%s", error.message);
        cr_expect_eq(strcmp(safetensors_metadata(again, "fettle_hash"), before) == 0, !changed);
        safetensors_free(again);
    }
    unlink(scratch());
    safetensors_free(file);
    safetensors_free(back);
    safetensors_free(other);
}

Test(safetensors, a_later_format_is_refused_by_its_number) {
    static const char *const own[] = {"\"fettle_format\":\"7\",\"fettle_hash\":\"00\"", "\"fettle_format\":\"1\"",
                                      "\"fettle_hash\":\"00\"", "\"fettle_format\":\"x\",\"fettle_hash\":\"00\"",
                                      "\"fettle_format\":\"-1\",\"fettle_hash\":\"00\""};
    static const char *const told[] = {"format 7", "damaged", "damaged", "damaged", "damaged"};
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) {
        struct error error = {0};
        struct safetensors *file;
        char header[128];
        snprintf(header, sizeof header, "{\"__metadata__\":{%s}}", own[k]);
        write_bytes(header, strlen(header), 0);
        cr_expect_eq(safetensors_read(&file, scratch(), &error), ERROR_DATA);
        cr_expect(strstr(error.message, told[k]), "%s", error.message);
    }
    unlink(scratch());
}

static struct safetensors *stored(const struct model *model) {
    struct error error = {0};
    struct safetensors *file = safetensors_new(), *back;
    cr_assert_eq(model_store_weights(model, file, &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0, "%s", error.message);
    safetensors_free(file);
    cr_assert_eq(safetensors_read(&back, scratch(), &error), 0, "%s", error.message);
    return back;
}

Test(safetensors, every_cut_of_a_file_is_an_error) {
    struct model *model = build_from(yaml);
    safetensors_free(stored(model));
    FILE *in = fopen(scratch(), "rb");
    static char bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    for (size_t cut = 0; cut < size; cut += cut < 200 ? 1 : 97) {
        struct error error = {0};
        struct safetensors *file;
        FILE *out = fopen(scratch(), "wb");
        fwrite(bytes, 1, cut, out);
        fclose(out);
        cr_expect(safetensors_read(&file, scratch(), &error) != 0, "cut at %zu of %zu", cut, size);
        cr_expect(*error.message);
    }
    unlink(scratch());
    model_free(model);
}

Test(weights, go_out_and_come_back) {
    struct error error = {0};
    struct model *model = build_from(yaml);
    struct safetensors *file = stored(model);
    float *weights = model_slab(model, F32);
    size_t size = model_slab_size(model, F32) * sizeof *weights;
    float *before = malloc(size);
    memcpy(before, weights, size);
    for (size_t k = 0; k < model_trainable_size(model, F32); k++)
        weights[k] = -1;
    cr_expect_eq(model_load_weights(model, file, &error), 0, "%s", error.message);
    cr_expect_eq(memcmp(before, weights, size), 0);
    cr_expect_not_null(safetensors_find(file, "model.sole_model.model.func.type_embed.embed_module.weight"));
    free(before);
    safetensors_free(file);
    unlink(scratch());
    model_free(model);
}

/* A copy of a file without one tensor, or with another in its place. */
static struct safetensors *changed(const struct safetensors *file, const char *name, const struct tensor *instead) {
    struct error error = {0};
    struct safetensors *copy = safetensors_new();
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *t = safetensors_at(file, k);
        if (strcmp(t->name, name) == 0)
            t = instead;
        if (t)
            cr_assert_eq(safetensors_add(copy, t->name, t->dtype, t->ndim, t->shape, t->data, &error), 0);
    }
    return copy;
}

Test(weights, that_do_not_fit_are_named) {
    static const char name[] = "model.sole_model.model.func.type_embed.embed_module.weight";
    struct model *model = build_from(yaml);
    struct safetensors *file = stored(model);
    struct error missing = {0}, shape = {0}, extra = {0}, type = {0};
    float *first = model_slab(model, F32), before = *first;
    *first = 42;

    struct safetensors *without = changed(file, name, NULL);
    cr_expect_eq(model_load_weights(model, without, &missing), ERROR_DATA);
    cr_expect(strstr(missing.message, "type_embed.embed_module.weight") != NULL, "%s", missing.message);
    safetensors_free(without);

    struct tensor other = *safetensors_find(file, name);
    other.shape[0] = 1;
    struct safetensors *reshaped = changed(file, name, &other);
    cr_expect_eq(model_load_weights(model, reshaped, &shape), ERROR_DATA);
    cr_expect(strstr(shape.message, "[1, 2]") && strstr(shape.message, "[2, 2]"), "%s", shape.message);
    safetensors_free(reshaped);

    other = *safetensors_find(file, name);
    strcpy(other.dtype, "I32");
    struct safetensors *integers = changed(file, name, &other);
    cr_expect_eq(model_load_weights(model, integers, &type), ERROR_DATA);
    safetensors_free(integers);

    struct error ignored = {0};
    struct safetensors *more = changed(file, "", NULL);
    safetensors_add(more, "model.sole_model.model.func.layer7_convnet.w", "F32", 1, (size_t[]){1}, &before, &ignored);
    cr_expect_eq(model_load_weights(model, more, &extra), ERROR_DATA);
    cr_expect(strstr(extra.message, "layer7_convnet") != NULL, "%s", extra.message);
    safetensors_free(more);

    cr_expect_eq(*first, 42, "a refused file changed the weights");
    safetensors_free(file);
    unlink(scratch());
    model_free(model);
}

Test(weights, masks_and_empty_tensors_may_be_absent) {
    struct error error = {0};
    struct model *model = build_from(yaml);
    struct safetensors *file = stored(model), *lean = safetensors_new();
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *t = safetensors_at(file, k);
        if (t->size && !strstr(t->name, "output_mask") && !strstr(t->name, "_w3j_"))
            /* and without the prefix */
            safetensors_add(lean, t->name + strlen("model.sole_model."), t->dtype, t->ndim, t->shape, t->data, &error);
    }
    cr_expect_lt(safetensors_count(lean), safetensors_count(file));
    cr_expect_eq(model_load_weights(model, lean, &error), 0, "%s", error.message);
    safetensors_free(file);
    safetensors_free(lean);
    unlink(scratch());
    model_free(model);
}

Test(weights, a_checkpoint_makes_its_model) {
    struct error error = {0};
    struct model *model = build_from(yaml), *again;
    float *weights = model_slab(model, F32);
    weights[3] = 0.625f;
    safetensors_free(stored(model));
    char text[256];
    snprintf(text, sizeof text,
             "_target_: nequip.model.ModelFromCheckpoint\ncheckpoint_path: %s\ncompile_mode: eager\n", scratch());
    again = build_from(text);
    cr_expect_eq(model_slab_size(again, F32), model_slab_size(model, F32));
    cr_expect_eq(memcmp(model_slab(again, F32), weights, model_slab_size(model, F32) * sizeof *weights), 0);
    /* its arguments are the builder's, not the path of the file */
    cr_expect_str_eq(config_text(config_get(model_config(again), "_target_")), "NequIPGNNModel");
    model_free(again);

    /* where averages were kept, they are what counts */
    struct safetensors *file = safetensors_new();
    cr_assert_eq(model_store_weights(model, file, &error), 0);
    int n = 0;
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        size_t shape[4];
        char name[64];
        if (p->is_buffer)
            continue;
        for (int d = 0; d < p->ndim; d++)
            shape[d] = (size_t)p->shape[d];
        float *average = malloc(p->numel * sizeof *average);
        for (size_t m = 0; m < p->numel; m++)
            average[m] = (float)n;
        snprintf(name, sizeof name, "ema.ema_weight_%d", n++);
        safetensors_add(file, name, "F32", p->ndim, shape, average, &error);
        free(average);
    }
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0, "%s", error.message);
    safetensors_free(file);
    again = build_from(text);
    cr_expect_eq(((float *)model_slab(again, F32))[0], 0);
    cr_expect_eq(((float *)model_slab(again, F32))[model_trainable_size(again, F32) - 1], (float)(n - 1));
    model_free(again);
    unlink(scratch());
    model_free(model);
}

Test(weights, a_file_that_is_no_checkpoint) {
    struct error error = {0};
    struct model *model;
    struct safetensors *file = safetensors_new();
    cr_assert_eq(safetensors_write(file, scratch(), &error), 0);
    safetensors_free(file);
    char text[256];
    snprintf(text, sizeof text, "_target_: ModelFromCheckpoint\ncheckpoint_path: %s\n", scratch());
    struct config *config = parse_config(text);
    cr_expect_eq(model_build(&model, config_root(config), &error), ERROR_DATA);
    cr_expect(strstr(error.message, "model_config") != NULL, "%s", error.message);
    unlink(scratch());
    memset(&error, 0, sizeof error);
    cr_expect_eq(model_build(&model, config_root(config), &error), ERROR_IO);
    config_free(config);
}
