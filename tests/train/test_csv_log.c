#include "runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/run/csv_log.h"

static int appending_fails;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (appending_fails && flags & O_APPEND) {
        errno = ENFILE;
        return -1;
    }
    return __real_open(path, flags, mode);
}

static void row(struct csv_log *log, int64_t epoch, int64_t step, const char *name, double value) {
    struct error error = {0};
    cr_assert_eq(csv_log_row(log, epoch, step, 1, &name, &value, &error), 0, "%s", error.message);
}

static char *content(const char *path) {
    char *data = NULL;
    size_t size;
    struct error error = {0};
    cr_assert_eq(file_read(path, &data, &size, &error), 0, "%s", error.message);
    return data;
}

static void expect_content(const char *path, const char *want) {
    char *data = content(path);
    cr_expect_str_eq(data, want);
    free(data);
}

Test(csv_log, columns_are_sorted_and_come_when_they_come) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    cr_assert_eq(csv_log_open(&log, "m.csv", -1, &error), 0, "%s", error.message);
    row(log, -1, 0, "lr-Adam", 0.01);
    row(log, 0, 0, "train/b", 1.5);
    expect_content("m.csv", "epoch,lr-Adam,step,train/b\n,0.01,0,\n0,,0,1.5\n");
    row(log, 0, 1, "a", 1e-6);
    row(log, 0, 1, "z", NAN);
    row(log, 1, 2, "a", -0.0);
    cr_expect_eq(csv_log_rows(log), 5);
    csv_log_free(log);
    expect_content("m.csv",
                   "a,epoch,lr-Adam,step,train/b,z\n,,0.01,0,,\n,0,,0,1.5,\n1e-06,0,,1,,\n,0,,1,,nan\n-0.0,1,,2,,\n");
}

Test(csv_log, goes_on_after_a_cut) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    cr_assert_eq(csv_log_open(&log, "m.csv", -1, &error), 0, "%s", error.message);
    for (int k = 0; k < 5; k++)
        row(log, k, k, "a", k + 0.5);
    csv_log_free(log);
    cr_assert_eq(csv_log_open(&log, "m.csv", 2, &error), 0, "%s", error.message);
    cr_expect_eq(csv_log_rows(log), 2);
    row(log, 7, 7, "a", 7.5);
    csv_log_free(log);
    expect_content("m.csv", "a,epoch,step\n0.5,0,0\n1.5,1,1\n7.5,7,7\n");
    expect_content("m.csv.cut", "2.5,2,2\n3.5,3,3\n4.5,4,4\n");
}

/* A kill in the middle of a row. */
Test(csv_log, a_row_cut_short_does_not_count) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    FILE *stream = fopen("m.csv", "w");
    fputs("a,epoch,step\n0.5,0,0\n1.5,1,", stream);
    fclose(stream);
    cr_assert_eq(csv_log_open(&log, "m.csv", 100, &error), 0, "%s", error.message);
    cr_expect_eq(csv_log_rows(log), 1);
    row(log, 1, 1, "b", 3);
    csv_log_free(log);
    expect_content("m.csv", "a,b,epoch,step\n0.5,,0,0\n,3.0,1,1\n");
}

static void put(const char *path, const char *text) {
    FILE *stream = fopen(path, "w");
    cr_assert_not_null(stream);
    fputs(text, stream);
    fclose(stream);
}

/* As Python's csv module, in the header and in cells; and back. */
Test(csv_log, names_are_quoted_where_they_must) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    cr_assert_eq(csv_log_open(&log, "m.csv", -1, &error), 0, "%s", error.message);
    row(log, 0, 0, "a,\"b\"", 0.5);
    row(log, 0, 1, "c\nd", 1.5);
    csv_log_free(log);
    const char *want = "\"a,\"\"b\"\"\",\"c\nd\",epoch,step\n0.5,,0,0\n,1.5,0,1\n";
    expect_content("m.csv", want);
    cr_assert_eq(csv_log_open(&log, "m.csv", 2, &error), 0, "%s", error.message);
    cr_expect_eq(csv_log_rows(log), 2);
    expect_content("m.csv", want);
    row(log, 1, 2, "c\nd", 2.5);
    csv_log_free(log);
    expect_content("m.csv", "\"a,\"\"b\"\"\",\"c\nd\",epoch,step\n0.5,,0,0\n,1.5,0,1\n,2.5,1,2\n");
}

Test(csv_log, a_file_that_was_edited_is_read) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    put("m.csv", "step,epoch,\"a\"\r\n0,0,\"0.5\"\r\n\r\n1,1,1.5\r\n2,2,2.5\r\n");
    cr_assert_eq(csv_log_open(&log, "m.csv", 2, &error), 0, "%s", error.message);
    cr_expect_eq(csv_log_rows(log), 2);
    csv_log_free(log);
    expect_content("m.csv", "a,epoch,step\n0.5,0,0\n1.5,1,1\n");
    expect_content("m.csv.cut", "2,2,2.5\r\n");
}

/* What is no such table is refused and stays. */
Test(csv_log, a_file_that_cannot_be_is_refused) {
    static const char *const files[] = {"a,b\n1,2\n", "a,epoch,step\n1,0,0\n1,0,0,7\n", "a,epoch,step\n1,0\n"};
    for (int k = 0; k < 3; k++) {
        struct csv_log *log;
        struct error error = {0};
        folder_enter();
        put("m.csv", files[k]);
        cr_expect_eq(csv_log_open(&log, "m.csv", 5, &error), ERROR_DATA);
        cr_expect_null(log);
        cr_expect_str_eq(error.file, "m.csv");
        expect_content("m.csv", files[k]);
    }
}

/* Only a file that is not there is begun anew. */
Test(csv_log, a_file_that_cannot_be_read_stays) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    cr_assert_eq(mkdir("m.csv", 0777), 0);
    cr_expect_eq(csv_log_open(&log, "m.csv", 5, &error), ERROR_IO, "%s", error.message);
    cr_expect_null(log);
    cr_expect_eq(rmdir("m.csv"), 0);
}

Test(csv_log, rows_wait_for_a_file_that_cannot_be_opened_again) {
    struct csv_log *log;
    struct error error = {0};
    const char *a = "a";
    double value = 1.5;
    folder_enter();
    cr_assert_eq(csv_log_open(&log, "m.csv", -1, &error), 0, "%s", error.message);
    appending_fails = 1;
    row(log, 0, 0, a, 0.5); /* a new column: the file is written anew, and the row is in it */
    cr_expect_eq(csv_log_row(log, 0, 1, 1, &a, &value, &error), ERROR_IO);
    cr_expect(csv_log_waits(log));
    appending_fails = 0;
    row(log, 0, 2, a, 2.5);
    cr_expect_not(csv_log_waits(log));
    csv_log_free(log);
    expect_content("m.csv", "a,epoch,step\n0.5,0,0\n1.5,0,1\n2.5,0,2\n");
}

Test(csv_log, a_path_that_cannot_be) {
    struct csv_log *log;
    struct error error = {0};
    folder_enter();
    cr_expect_eq(csv_log_open(&log, "none/m.csv", -1, &error), ERROR_IO);
    cr_expect_null(log);
    cr_expect(strstr(error.message, "none/m.csv"), "%s", error.message);
}
