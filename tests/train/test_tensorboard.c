/* The event file of a TensorBoardLogger, by a reader of its own: framing, checksums, tags, steps and numbers.  (The
 * `tensorboard` package reads the same: tags, steps and numbers are those that Lightning's logger writes.) */
#include "runs.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scalar {
    char tag[256];
    int64_t step;
    float value;
};

struct events {
    struct scalar list[2048];
    int count, versions, starts;
    int64_t start; /* the step of the last one */
};

static uint32_t checksum(const unsigned char *bytes, size_t size) {
    uint32_t table[256], crc = 0xffffffff;
    for (uint32_t k = 0; k < 256; k++) {
        table[k] = k;
        for (int bit = 0; bit < 8; bit++)
            table[k] = table[k] & 1 ? table[k] >> 1 ^ 0x82f63b78 : table[k] >> 1;
    }
    for (size_t k = 0; k < size; k++)
        crc = table[(crc ^ bytes[k]) & 0xff] ^ crc >> 8;
    return ~crc;
}

static uint32_t masked(const unsigned char *bytes, size_t size) {
    uint32_t crc = checksum(bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static uint64_t little(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    for (int k = count - 1; k >= 0; k--)
        value = value << 8 | bytes[k];
    return value;
}

/* A field of a message: its number, and its content. */
struct part {
    unsigned number;
    const unsigned char *bytes;
    uint64_t size, value;
};

static uint64_t varint(const unsigned char **at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        value |= (uint64_t)(**at & 0x7f) << shift;
        if (!(*(*at)++ & 0x80))
            return value;
    }
}

static int next(const unsigned char **at, const unsigned char *end, struct part *out) {
    if (*at >= end)
        return 0;
    uint64_t key = varint(at);
    *out = (struct part){.number = (unsigned)(key >> 3), .bytes = *at};
    switch (key & 7) {
    case 0:
        out->value = varint(at);
        break;
    case 1:
        *at += 8;
        break;
    case 2:
        out->size = varint(at);
        out->bytes = *at;
        *at += out->size;
        break;
    case 5:
        out->value = little(*at, 4);
        *at += 4;
        break;
    default:
        cr_assert_fail("a wire type that is none");
    }
    cr_assert_leq(*at, end);
    return 1;
}

static void read_summary(struct events *events, const struct part *summary, int64_t step) {
    const unsigned char *at = summary->bytes;
    struct part value, inside;
    while (next(&at, summary->bytes + summary->size, &value)) {
        struct scalar *scalar = &events->list[events->count++];
        const unsigned char *inner = value.bytes;
        scalar->step = step;
        while (next(&inner, value.bytes + value.size, &inside))
            if (inside.number == 1)
                snprintf(scalar->tag, sizeof scalar->tag, "%.*s", (int)inside.size, inside.bytes);
            else if (inside.number == 2)
                memcpy(&scalar->value, &(uint32_t){(uint32_t)inside.value}, 4);
    }
}

static void read_event(struct events *events, const unsigned char *at, size_t size) {
    const unsigned char *end = at + size;
    struct part field;
    int64_t step = 0;
    while (next(&at, end, &field)) {
        if (field.number == 2)
            step = (int64_t)field.value;
        else if (field.number == 3)
            events->versions += field.size == 13 && !memcmp(field.bytes, "brain.Event:2", 13);
        else if (field.number == 5)
            read_summary(events, &field, step);
        else if (field.number == 7) {
            events->starts++;
            events->start = step;
        }
    }
}

/* The event file of number k in a folder, the oldest first. */
static void read_file(struct events *events, const char *folder, int k) {
    char name[512], line[1024];
    static unsigned char bytes[1 << 20];
    snprintf(line, sizeof line, "ls -tr %s/events.out.tfevents.* | sed -n %dp", folder, k + 1);
    FILE *pipe = popen(line, "r");
    cr_assert(fgets(name, sizeof name, pipe));
    pclose(pipe);
    name[strcspn(name, "\n")] = 0;
    FILE *file = fopen(name, "rb");
    cr_assert_not_null(file, "%s", name);
    size_t size = fread(bytes, 1, sizeof bytes, file), at = 0;
    fclose(file);
    *events = (struct events){0};
    while (at < size) {
        uint64_t length = little(bytes + at, 8);
        cr_assert_leq(at + 16 + length, size);
        cr_expect_eq(little(bytes + at + 8, 4), masked(bytes + at, 8));
        cr_expect_eq(little(bytes + at + 12 + length, 4), masked(bytes + at + 12, length));
        read_event(events, bytes + at + 12, length);
        at += 16 + length;
    }
    cr_expect_eq(events->versions, 1);
}

/* How often it stands there. */
static int find(const struct events *events, const char *tag, int64_t step, double value) {
    int found = 0;
    for (int k = 0; k < events->count; k++)
        found += !strcmp(events->list[k].tag, tag) && events->list[k].step == step &&
                 (events->list[k].value == (float)value || (isnan(value) && isnan(events->list[k].value)));
    return found;
}

static const char logger[] = "+trainer.logger=[{_target_: lightning.pytorch.loggers.TensorBoardLogger, save_dir: tb, "
                             "prefix: a}]";

Test(tensorboard, checksum_is_castagnoli) {
    cr_expect_eq(checksum((const unsigned char *)"123456789", 9), 0xe3069283);
}

/* Each number of metrics.csv, and nothing else. */
Test(tensorboard, has_what_metrics_csv_has) {
    static struct events events;
    int cells = 0;
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "~trainer.logger");
    start_add(&start, logger);
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    read_file(&events, "out", 0);
    cr_expect_eq(find(&events, "a-hp_metric", 0, -1), 1);
    struct table table = table_read("out/metrics.csv");
    for (size_t r = 0; r < table.rows; r++)
        for (size_t c = 0; c < table.columns; c++) {
            const char *cell = table.cells[r * table.columns + c], *name = table.names[c];
            char tag[256];
            if (!*cell || !strcmp(name, "step"))
                continue;
            snprintf(tag, sizeof tag, "a-%s", name);
            cr_expect(find(&events, tag, atoll(table_cell(&table, r, "step")), strtod(cell, NULL)), "%s in row %zu",
                      name, r);
            cells++;
        }
    cr_expect_eq(events.count, cells + 1);
    cr_expect_eq(events.starts, 0);
    table_free(&table);
}

/* Where a run goes on, or back, TensorBoard forgets what is written again. */
Test(tensorboard, says_where_a_run_goes_on) {
    static struct events events;
    struct error error = {0};
    struct trainer_point *point;
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "~trainer.logger");
    start_add(&start, logger);
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 4);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0, "%s", error.message);
    case_steps(trainer, 3);
    cr_assert_eq(trainer_point_return(trainer, point, 4, &error), 0, "%s", error.message);
    trainer_point_free(point);
    trainer_free(trainer);
    read_file(&events, "out", 0);
    cr_expect_eq(events.starts, 1);
    cr_expect_eq(events.start, 4);
    start.resume = "saved.safetensors";
    trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    read_file(&events, "out", 1);
    cr_expect_eq(events.starts, 1);
    cr_expect_eq(events.start, 4);
    cr_expect_eq(find(&events, "a-hp_metric", 0, -1), 0);
}

Test(tensorboard, is_refused_with_arguments_it_has_not) {
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = {0};
    start_add(&start, "~trainer.logger");
    start_add(&start, "+trainer.logger=[{_target_: lightning.pytorch.loggers.TensorBoardLogger, prefiks: a}]");
    cr_expect_neq(case_check(&start, &error), 0);
    cr_expect(strstr(error.message, "prefix"), "%s", error.message);
}
