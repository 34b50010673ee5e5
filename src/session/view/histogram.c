#include "session/view/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/session_internal.h"

enum { BINS = 20, BAR = 40, SAMPLE = 65536 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the finite numbers; where they are many, of every nth. */
static void print_percentiles(struct session *session, const double *values, size_t count, size_t finite) {
    static const double shares[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
    size_t stride = (finite + SAMPLE - 1) / SAMPLE, n = 0;
    double *sample = malloc((count / stride + 1) * sizeof *sample);
    struct text line = {0};
    if (!sample)
        return;
    for (size_t k = 0; k < count; k += stride)
        if (isfinite(values[k]))
            sample[n++] = values[k];
    qsort(sample, n, sizeof *sample, compare);
    for (size_t s = 0; n && s < sizeof shares / sizeof *shares; s++) {
        double place = shares[s] * (double)(n - 1);
        size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
        text_format(&line, "%s%g%% %.3g", s ? ", " : "", 100 * shares[s],
                    sample[below] + (place - (double)below) * (sample[above] - sample[below]));
    }
    session_print(session, "%s%s\n", line.data ? line.data : "", stride > 1 ? " (of a sample)" : "");
    text_free(&line);
    free(sample);
}

void histogram_print(struct session *session, const double *values, size_t count) {
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    size_t bins[BINS] = {0}, most = 0, odd = 0, zeros = 0;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(values[k])) {
            odd++;
            continue;
        }
        low = fmin(low, values[k]);
        high = fmax(high, values[k]);
        sum += values[k];
        squares += values[k] * values[k];
        zeros += values[k] == 0;
    }
    double n = (double)(count - odd), width = high > low ? (high - low) / BINS : 1;
    if (odd)
        session_print(session, "%zu of %zu are NaN or infinite\n", odd, count);
    if (n == 0)
        return;
    for (size_t k = 0; k < count; k++)
        if (isfinite(values[k])) {
            int bin = (int)((values[k] - low) / width);
            bins[bin < BINS ? bin : BINS - 1]++;
        }
    for (int b = 0; b < BINS; b++)
        most = bins[b] > most ? bins[b] : most;
    session_print(session, "%zu numbers from %.4g to %.4g, mean %.4g, rms %.4g, %zu are zero\n", count, low, high,
                  sum / n, sqrt(squares / n), zeros);
    print_percentiles(session, values, count, count - odd);
    for (int b = 0; b < (high > low ? BINS : 1); b++) {
        char bar[BAR + 1];
        int length = (int)((bins[b] * BAR + most - 1) / most);
        memset(bar, '#', (size_t)length);
        bar[length] = 0;
        session_print(session, "%11.4g %8zu %s\n", low + (b + 0.5) * width, bins[b], bar);
    }
}
