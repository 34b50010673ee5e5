/* metrics.csv of a run that goes on: rows are kept, added and cut.  The first two bytes say how many. */
#include "train/run/csv_log.h"

#include <math.h>
#include <unistd.h>
#include "common.h"

static const char *const names[] = {"val0_epoch/forces_mae", "lr", "epoch_like"};
static const double values[] = {1, NAN, -1e300};

void fuzz_open(void) {
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct csv_log *log;
    struct error error = {0};
    if (size < 2)
        return;
    int keep = data[0] % 16, columns = data[1] % 4, cut = data[1] / 16;
    unlink("metrics.csv.cut");
    fuzz_write("metrics.csv", data + 2, size - 2);
    int code = csv_log_open(&log, "metrics.csv", keep, &error);
    fuzz_told(code, &error);
    if (code)
        return;
    for (int k = 0; k < 3; k++)
        fuzz_told(csv_log_row(log, k - 1, k, (size_t)columns, names, values, &error), &error);
    fuzz_told(csv_log_cut(log, cut, &error), &error);
    csv_log_free(log);
}
