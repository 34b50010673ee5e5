/* How long a key takes to its echo while a run goes on, and how often the screen is drawn.
 *
 *     bench_latency FETTLE [ARGUMENT...]     a session whose run lasts, for instance CONFIG.yaml
 * trainer.max_epochs=100000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ui/child.h"
#include "ui/picture.h"

enum { ROWS = 24, COLUMNS = 80, KEYS = 500, PROMPT = 9, WATCH_MS = 10000 };

static struct picture *picture;

static void feed(void *context, const char *bytes, size_t size) {
    (void)context;
    picture_feed(picture, bytes, size);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int wait_for(struct child *child, const char *text) {
    for (double end = seconds() + 60; seconds() < end; child_receive(child, 50))
        for (int row = 0; row < ROWS; row++)
            if (strstr(picture_row(picture, row), text))
                return 1;
    fprintf(stderr, "\"%s\" does not appear\n", text);
    return 0;
}

/* Until the cursor stands behind so many characters of the prompt's line. */
static double until_typed(struct child *child, int count) {
    double begin = seconds();
    int row, column;
    for (;;) {
        picture_cursor(picture, &row, &column);
        if ((row == ROWS - 1 && column == PROMPT + count) || seconds() - begin > 10)
            return seconds() - begin;
        child_receive(child, 1000);
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double draws_per_second(struct child *child) {
    char before[4096] = "";
    int changes = 0;
    double begin = seconds();
    while (seconds() - begin < 1e-3 * WATCH_MS) {
        if (!child_receive(child, 100))
            continue;
        const char *status = picture_row(picture, ROWS - 2);
        int row, column;
        picture_cursor(picture, &row, &column);
        if (row != ROWS - 1 || !strcmp(status, before)) /* in the middle of a draw */
            continue;
        snprintf(before, sizeof before, "%s", status);
        changes++;
    }
    return changes / (seconds() - begin);
}

int main(int argc, char **argv) {
    const char *environment[] = {"TERM=xterm-256color", "LC_ALL=C.UTF-8", "INPUTRC=/dev/null", NULL};
    struct child child = {.sink = feed};
    double times[KEYS];
    if (argc < 2 || !(picture = picture_new(ROWS, COLUMNS, 1)))
        return 2;
    if (child_start(&child, ROWS, COLUMNS, argv + 1, environment) || !wait_for(&child, "idle"))
        return 1;
    child_type(&child, "continue\r", 9);
    if (!wait_for(&child, "running") || !wait_for(&child, "ms/batch"))
        return 1;
    for (int k = 0; k < KEYS; k++) {
        int back = k % 40 >= 20, count = back ? 39 - k % 40 : k % 40 + 1;
        for (double until = seconds() + 0.02 + 0.1 * ((k * 7919) % 100) / 100; seconds() < until;)
            child_receive(&child, 5);
        child_type(&child, back ? "\177" : "x", 1);
        times[k] = until_typed(&child, count);
    }
    qsort(times, KEYS, sizeof *times, compare);
    printf("a key to its echo, %d keys: median %.1f ms, 95 %% %.1f ms, 99 %% %.1f ms, most %.1f ms\n", KEYS,
           1e3 * times[KEYS / 2], 1e3 * times[KEYS * 95 / 100], 1e3 * times[KEYS * 99 / 100], 1e3 * times[KEYS - 1]);
    printf("the status line changes %.1f times a second\n", draws_per_second(&child));
    printf("resident %.1f MB\n", 1e-3 * (double)child_memory(&child));
    child_type(&child, "\003\003", 2);
    wait_for(&child, "paused");
    child_type(&child, "\025quit\r", 6);
    int status = child_finish(&child);
    picture_free(picture);
    return status;
}
