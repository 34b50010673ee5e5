#include "support.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

const char *data_file(char out[512], const char *name) {
    snprintf(out, 512, "%s/%s", TEST_DATA_DIR, name);
    return out;
}

static int read_all(struct dataset *dataset, const char *text, const struct extxyz_keys *keys, struct error *error) {
    struct extxyz_reader *reader;
    struct frame *frame = NULL;
    int code = extxyz_open(&reader, "text.xyz", text, strlen(text), keys, error);
    cr_assert_eq(code, 0);
    do {
        code = extxyz_next(reader, &frame, error);
        if (!code && frame) {
            frame->unused = dataset_intern(dataset, frame->unused);
            code = dataset_add(dataset, frame, error);
        }
    } while (!code && frame);
    extxyz_close(reader);
    return code;
}

struct dataset *frames_of(const char *text, const struct extxyz_keys *keys) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    int code = read_all(dataset, text, keys, &error);
    cr_assert_eq(code, 0, "%s:%d: %s", error.file, error.line, error.message);
    return dataset;
}

struct error error_of(const char *text, const struct extxyz_keys *keys) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    int code = read_all(dataset, text, keys, &error);
    dataset_free(dataset);
    cr_assert_neq(code, 0, "no error for: %s", text);
    cr_assert_eq(code, (int)error.code);
    return error;
}

double uniform(struct random_stream *stream, double low, double high) {
    double value;
    random_uniform_f64(stream, &value, 1, low, high);
    return value;
}

struct frame *random_frame(struct random_stream *stream, int atoms, double size, double shear, unsigned pbc) {
    struct frame *frame = frame_new(atoms);
    frame->has_cell = 1;
    for (int k = 0; k < 9; k++)
        frame->cell[k] = k % 4 ? uniform(stream, -shear, shear) * size : uniform(stream, 0.7, 1.4) * size;
    for (int d = 0; d < 3; d++)
        frame->pbc[d] = pbc >> d & 1;
    for (int i = 0; i < atoms; i++) {
        frame->numbers[i] = 29;
        strcpy(frame->symbols[i], "Cu");
        frame->types[i] = i % 2;
        double s[3];
        for (int d = 0; d < 3; d++) /* some outside of the cell */
            s[d] = uniform(stream, -0.7, 1.6);
        for (int c = 0; c < 3; c++)
            frame->pos[3 * i + c] = s[0] * frame->cell[c] + s[1] * frame->cell[3 + c] + s[2] * frame->cell[6 + c];
    }
    return frame;
}
