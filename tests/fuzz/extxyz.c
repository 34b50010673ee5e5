/* extxyz: frames, their neighbours, a batch; what is written reads back equal.  The first byte says how it is read. */
#include "data/format/extxyz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "data/frame/batch.h"
#include "data/frame/frame.h"

enum { WITH_KEYS = 1, PLAIN = 2, WRITTEN = 4, DIRECTED = 8 };
enum { MOST_FRAMES = 50, MOST_WRITTEN = 200, MOST_PAIRS = 8 << 20 };

static const char *const from[] = {"dft_energy", "dft_forces", "E"}, *const to[] = {"total_energy", "forces",
                                                                                    "total_energy"};
static const char *const include[] = {"charge_state", "dipole", "config_type"}, *const exclude[] = {"magmoms"};
static const struct extxyz_keys keys = {3, from, to, 3, include, 1, exclude, 0, 0}, plain = {.plain = 1};

void fuzz_open(void) {
}

static int same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static void write_and_read(const struct frame *frame) {
    struct extxyz_reader *reader = NULL;
    struct frame *again = NULL;
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    extxyz_write(out, frame);
    fclose(out);
    if (extxyz_open(&reader, "again.xyz", text, size, &keys, &error) || extxyz_next(reader, &again, &error) || !again)
        fuzz_fail("what was written does not read: %s\n%s", error.message, text);
    int equal = again->atoms == frame->atoms;
    for (int k = 0; equal && k < 3 * frame->atoms; k++)
        equal = same(again->pos[k], frame->pos[k]);
    for (int k = 0; equal && k < frame->atoms; k++)
        equal = !strcmp(again->symbols[k], frame->symbols[k][0] ? frame->symbols[k] : "X");
    for (int k = 0; equal && frame->has_cell && k < 9; k++)
        equal = same(again->cell[k], frame->cell[k]);
    if (!equal)
        fuzz_fail("what was written reads differently:\n%s", text);
    frame_free(again);
    extxyz_close(reader);
    free(text);
}

static void join(struct frame *frame, struct batch **batch, int directed) {
    const struct frame *twice[] = {frame, frame};
    struct batch_options options = {.types = 2};
    struct error error = {0};
    int code = frame_neighbours(frame, 3.0, directed, MOST_PAIRS, &error);
    fuzz_told(code, &error);
    if (code)
        return;
    for (int k = 0; k < frame->atoms; k++)
        frame->types[k] = k % 2;
    fuzz_told(batch_join(batch, twice, 2, &options, &error), &error);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct extxyz_reader *reader;
    struct batch *batch = NULL;
    struct frame *frame = NULL;
    struct error error = {0};
    if (!size)
        return;
    int how = data[0];
    char *text = malloc(size); /* without a terminating zero: reading beyond the end is seen */
    memcpy(text, data + 1, size - 1);
    int code = extxyz_open(&reader, "fuzz.xyz", text, size - 1,
                           how & WITH_KEYS ? &keys
                           : how & PLAIN   ? &plain
                                           : NULL,
                           &error);
    fuzz_told(code, &error);
    for (int k = 0; !code && k < MOST_FRAMES; k++) {
        code = extxyz_next(reader, &frame, &error);
        fuzz_told(code, &error);
        if (code || !frame)
            break;
        if (how & WRITTEN && frame->atoms < MOST_WRITTEN)
            write_and_read(frame);
        join(frame, &batch, how & DIRECTED);
        frame_free(frame);
    }
    extxyz_close(reader);
    batch_free(batch);
    free(text);
}
