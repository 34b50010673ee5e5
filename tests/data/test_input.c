/* Files that are read piece by piece, and long work that is interrupted. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/interrupt.h"
#include "base/log.h"
#include "base/random.h"
#include "base/thread.h"
#include "data/set/emt.h"
#include "data/set/generate.h"
#include "data/frame/input.h"
#include "data/set/stats.h"
#include "data/set/survey.h"
#include "support.h"

static char folder[64], path[128];

static void enter(void) {
    snprintf(folder, sizeof folder, "/tmp/fettle-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/frames.xyz", folder);
}

static void leave(void) {
    char command[160];
    interrupt_watch(NULL, NULL);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(input, .init = enter, .fini = leave);
TestSuite(interrupt, .init = enter, .fini = leave);

/* Larger than a piece, with lines that lie across the borders. */
static char *write_frames(int frames, int atoms) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size), *file = fopen(path, "w");
    for (int f = 0; f < frames; f++) {
        fprintf(out, "%d\nenergy=%d.25 note=\"%.*s\"\n", atoms, f, f % 57,
                "a comment of any length that shifts what follows it, x");
        for (int i = 0; i < atoms; i++)
            fprintf(out, "Cu %d.%03d %d 0\n", i, f, 2 * i);
    }
    fclose(out);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    fclose(file);
    return text;
}

Test(input, pieces_make_the_text) {
    struct error error = {0};
    char *text = write_frames(900, 40);
    struct dataset *want = frames_of(text, NULL), *got = dataset_new();
    cr_assert_gt(strlen(text), 540000);
    cr_assert_eq(dataset_read(got, path, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(got->count, want->count);
    for (size_t f = 0; f < want->count; f++) {
        cr_assert_eq(got->frames[f]->atoms, want->frames[f]->atoms);
        cr_assert_arr_eq(got->frames[f]->pos, want->frames[f]->pos, 40 * 3 * sizeof(double));
        cr_assert_eq(*frame_field(got->frames[f], "total_energy")->values, (double)f + 0.25);
    }
    dataset_free(want);
    dataset_free(got);
    free(text);
}

static void pack(const char *options) {
    char command[600];
    snprintf(command, sizeof command, "gzip %s %s && mv %s.gz %s", options, path, path, path);
    cr_assert_eq(system(command), 0);
}

/* As a whole, in two members, and with zeros behind, which tapes leave. */
Test(input, packed_by_gzip) {
    struct error error = {0};
    char *text = write_frames(900, 40), command[800];
    struct dataset *want = frames_of(text, NULL);
    static const char *const more[] = {"", "cat %s %s > %s.2; mv %s.2 %s", "head -c 1000 /dev/zero >> %s"};
    pack("-1");
    for (int k = 0; k < 3; k++) {
        struct dataset *got = dataset_new();
        uint64_t size, sum;
        snprintf(command, sizeof command, more[k], path, path, path, path, path);
        cr_assert_eq(system(*command ? command : "true"), 0);
        cr_assert_eq(dataset_read(got, path, NULL, &error), 0, "%s", error.message);
        cr_assert_eq(got->count, want->count * (k ? 2 : 1));
        for (size_t f = 0; f < got->count; f++)
            cr_assert_arr_eq(got->frames[f]->pos, want->frames[f % want->count]->pos, 120 * sizeof(double));
        struct extxyz_reader *reader;
        struct frame *frame;
        cr_assert_eq(input_sum(path, &size, &sum, &error), 0);
        cr_assert_eq(extxyz_open_file(&reader, path, path, 1, NULL, &error), 0);
        do {
            cr_assert_eq(extxyz_next(reader, &frame, &error), 0);
            frame_free(frame);
        } while (frame);
        cr_assert(extxyz_size(reader) == size && extxyz_hash(reader) == sum);
        extxyz_close(reader);
        dataset_free(got);
    }
    dataset_free(want);
    free(text);
}

Test(input, packed_and_cut_or_damaged) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    free(write_frames(900, 40));
    pack("-1");
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(truncate(path, status.st_size / 2), 0);
    cr_assert_eq(dataset_read(dataset, path, NULL, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "cut short"), "%s", error.message);
    FILE *file = fopen(path, "r+");
    fseek(file, status.st_size / 4, SEEK_SET);
    fwrite("damagedamagedamage", 1, 18, file);
    fclose(file);
    cr_assert_eq(dataset_read(dataset, path, NULL, &error), ERROR_DATA);
    dataset_free(dataset);
}

/* By ASE's rule and Python's slices, of ten frames; a slice looks no farther than to the frame after its end. */
Test(input, choices_of_frames) {
    static const struct {
        const char *index, *frames;
    } cases[] = {{"3", "3"},       {"-1", "9"},     {":", "0123456789"}, {"2:5", "234"},   {":3", "012"},
                 {"8:", "89"},     {"-3:", "789"},  {":-8", "01"},       {"1:8:3", "147"}, {"::4", "048"},
                 {"::-3", "9630"}, {"5:2:-1", ""},  {"-2:-4:-1", "87"},  {"4::-2", "420"}, {"10", ""},
                 {"5:2", ""},      {"+1:+3", "12"}, {"-1:3", ""},        {"-2:4", "3"}};
    free(write_frames(10, 2));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct dataset *dataset = dataset_new();
        struct error error = {0};
        char name[160], got[16] = "";
        snprintf(name, sizeof name, "%s@%s", path, cases[k].index);
        int code = dataset_read(dataset, name, NULL, &error);
        cr_expect_eq(code, *cases[k].frames ? 0 : ERROR_DATA, "%s: %s", name, error.message);
        for (size_t f = 0; f < dataset->count && f < 15; f++)
            got[f] = (char)('0' + dataset->frames[f]->ordinal);
        cr_expect_str_eq(got, cases[k].frames, "%s gives %s", cases[k].index, got);
        dataset_free(dataset);
    }
}

Test(input, names_with_an_at_sign) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    char name[160], command[800];
    free(write_frames(3, 2));
    snprintf(name, sizeof name, "%s@1", path);
    snprintf(command, sizeof command, "cp %s %s; cp %s %s@home.xyz", path, name, path, path);
    cr_assert_eq(system(command), 0);
    struct extxyz_keys whole = {.whole_name = 1};
    cr_assert_eq(dataset_read(dataset, name, &whole, &error), 0, "%s", error.message);
    cr_assert_eq(dataset->count, 3);
    cr_assert_eq(dataset_read(dataset, name, NULL, &error), 0);
    cr_assert_eq(dataset->count, 4);
    snprintf(name, sizeof name, "%s@home.xyz", path);
    cr_assert_eq(dataset_read(dataset, name, NULL, &error), 0, "%s", error.message);
    snprintf(name, sizeof name, "%s@nobody", path);
    cr_assert_eq(dataset_read(dataset, name, NULL, &error), ERROR_VALUE);
    snprintf(name, sizeof name, "%s@::0", path);
    cr_assert_eq(dataset_read(dataset, name, NULL, &error), ERROR_VALUE);
    dataset_free(dataset);
}

Test(input, a_sum_is_that_of_reading) {
    struct error error = {0};
    struct extxyz_reader *reader;
    struct frame *frame;
    uint64_t size, hash, other;
    free(write_frames(600, 30));
    cr_assert_eq(extxyz_open_file(&reader, path, path, 1, NULL, &error), 0);
    do {
        cr_assert_eq(extxyz_next(reader, &frame, &error), 0, "%s", error.message);
        if (frame)
            frame_free(frame);
    } while (frame);
    cr_assert_eq(input_sum(path, &size, &hash, &error), 0);
    cr_expect(size == extxyz_size(reader) && hash == extxyz_hash(reader));
    extxyz_close(reader);
    FILE *file = fopen(path, "r+");
    fseek(file, 300000, SEEK_SET);
    fputc('9', file);
    fclose(file);
    cr_assert_eq(input_sum(path, &size, &other, &error), 0);
    cr_expect_neq(hash, other);
}

static void *write_slowly(void *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return NULL;
}

Test(input, a_pipe) {
    struct error error = {0};
    char *text = write_frames(300, 40);
    struct dataset *dataset = dataset_new();
    pthread_t writer;
    remove(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(thread_start(&writer, write_slowly, text), 0);
    cr_expect_eq(dataset_read(dataset, path, NULL, &error), 0, "%s", error.message);
    pthread_join(writer, NULL);
    cr_expect_eq(dataset->count, 300);
    dataset_free(dataset);
    free(text);
}

static void expect_error(const char *of, int code, const char *says) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    cr_expect_eq(dataset_read(dataset, of, NULL, &error), code);
    cr_expect(strstr(error.message, says), "%s: %s", of, error.message);
    dataset_free(dataset);
}

Test(input, what_is_no_file_of_frames) {
    expect_error(folder, ERROR_IO, "is a folder");
    expect_error("/dev/zero", ERROR_DATA, "a line of more than 64 MiB");
    expect_error("/dev/null", ERROR_DATA, "empty");
}

Test(input, keys_without_end) {
    FILE *file = fopen(path, "w");
    fputs("1\n", file);
    for (int k = 0; k < 100001; k++)
        fprintf(file, "k%d=1 ", k);
    fputs("\nCu 0 0 0\n", file);
    fclose(file);
    expect_error(path, ERROR_DATA, "more than 100000 keys");
}

/* What the system gave away at once is there; the rest is not, and that is no SIGBUS. */
Test(input, cut_while_it_is_read) {
    struct error error = {0};
    struct extxyz_reader *reader;
    struct frame *frame;
    int code;
    free(write_frames(900, 40));
    cr_assert_eq(extxyz_open_file(&reader, path, path, 1, NULL, &error), 0);
    cr_assert_eq(extxyz_next(reader, &frame, &error), 0);
    frame_free(frame);
    cr_assert_eq(truncate(path, 300000), 0);
    while (!(code = extxyz_next(reader, &frame, &error)) && frame)
        frame_free(frame);
    cr_expect_eq(code, ERROR_DATA);
    cr_expect(strstr(error.message, "was cut while it was read"), "%s", error.message);
    extxyz_close(reader);
}

/* ---------------------------------------------------------------- interrupted */

/* Yes, the n-th time. */
static int countdown(void *context) {
    long *left = context;
    return --*left < 0;
}

static void stop_at(long *left, long n) {
    *left = n;
    interrupt_watch(countdown, left);
}

Test(interrupt, nobody_asks_without_a_front_end) {
    struct error error = {0};
    long left;
    cr_expect_eq(interrupt_check(&error), 0);
    stop_at(&left, 1);
    cr_expect_eq(interrupt_check(&error), 0);
    cr_expect_eq(interrupt_check(&error), ERROR_INTERRUPT);
    cr_expect_eq(error.code, ERROR_INTERRUPT);
}

/* In the middle of its only frame as well as between frames. */
Test(interrupt, reading) {
    static const int sizes[][2] = {{900, 40}, {1, 60000}};
    for (int k = 0; k < 2; k++) {
        free(write_frames(sizes[k][0], sizes[k][1]));
        for (long n = 0; n < 4; n++) {
            struct error error = {0};
            struct dataset *dataset = dataset_new();
            long left;
            stop_at(&left, n);
            cr_expect_eq(dataset_read(dataset, path, NULL, &error), ERROR_INTERRUPT, "%s", error.message);
            cr_expect_lt(dataset->count, (size_t)sizes[k][0]);
            dataset_free(dataset);
            interrupt_watch(NULL, NULL);
        }
    }
}

/* Nobody writes: it would wait for ever. */
Test(interrupt, a_pipe_without_a_writer) {
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    long left;
    cr_assert_eq(mkfifo(path, 0600), 0);
    stop_at(&left, 2);
    cr_expect_eq(dataset_read(dataset, path, NULL, &error), ERROR_INTERRUPT);
    dataset_free(dataset);
}

static struct frame *alloy(int repeat, int *code, struct error *error) {
    static const int elements[] = {29, 79};
    struct generate_alloy options = {
        .nelements = 2, .elements = elements, .repeat = {repeat, repeat, repeat}, .rattle = 0.1};
    struct random_stream stream;
    struct frame *frame = NULL;
    struct emt *emt = emt_new();
    random_seed(&stream, 3);
    *code = generate_alloy(&frame, &options, &stream, emt, error);
    emt_free(emt);
    return frame;
}

Test(interrupt, making_and_listing) {
    struct error error = {0};
    struct survey survey;
    int code;
    long left;
    for (long n = 0; n < 3; n++) { /* before it, at its neighbours, at its pairs */
        memset(&error, 0, sizeof error);
        stop_at(&left, n);
        cr_expect_null(alloy(12, &code, &error));
        cr_expect_eq(code, ERROR_INTERRUPT);
    }
    interrupt_watch(NULL, NULL);
    memset(&error, 0, sizeof error);
    struct dataset *dataset = dataset_new();
    for (int k = 0; k < 3; k++)
        cr_assert_eq(dataset_add(dataset, alloy(1, &code, &error), &error), 0);
    for (long n = 0; n < 6; n++) {
        memset(&error, 0, sizeof error);
        stop_at(&left, n);
        cr_expect_eq(survey_make(&survey, dataset, 2, &error), ERROR_INTERRUPT);
    }
    interrupt_watch(NULL, NULL);
    cr_assert_eq(survey_make(&survey, dataset, 2, NULL), 0);
    survey_free(&survey);
    dataset_free(dataset);
}

Test(interrupt, neighbours) {
    struct error error = {0};
    int code;
    long left;
    struct frame *frame = alloy(2, &code, &error);
    cr_assert_eq(frame_neighbours(frame, 4, 0, 0, &error), 0);
    int pairs = frame->npairs;
    stop_at(&left, 0);
    cr_expect_eq(frame_neighbours(frame, 60, 0, 0, &error), ERROR_INTERRUPT);
    cr_expect_eq(frame->npairs, pairs, "it has its list still");
    frame_free(frame);
}
