#include "e3/harmonics.h"
#include "e3/wigner.h"

#include <math.h>

/* The coupling l x 1 -> l+1 gives Y_{l+1} up to a factor. It follows from one point: on the polar axis y all of Y_l is
 * in the component m = 0, which is sqrt(2l+1). */
int harmonics_step(int l, struct couple_entry entries[HARMONICS_MAX_ENTRIES]) {
    enum { MAX_SIZE = (2 * HARMONICS_MAX_L + 1) * 3 * (2 * HARMONICS_MAX_L + 3) };
    double w[MAX_SIZE];
    if (l < 0 || l > HARMONICS_MAX_L || wigner_3j(l, 1, l + 1, w))
        return -1;
    int d = 2 * l + 1, e = 2 * l + 3, count = 0;
    double factor = sqrt(2 * l + 3) / (sqrt(2 * l + 1) * w[(l * 3 + 1) * e + l + 1]);
    for (int i = 0; i < d; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < e; k++) {
                double value = w[(i * 3 + j) * e + k];
                if (value == 0)
                    continue;
                if (count == HARMONICS_MAX_ENTRIES)
                    return -1;
                entries[count++] = (struct couple_entry){i, j, k, factor * value};
            }
    return count;
}

int harmonics_evaluate(int l_max, const double v[3], double *out) {
    struct couple_entry entries[HARMONICS_MAX_ENTRIES];
    double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (l_max < 0 || l_max > HARMONICS_MAX_L + 1 || !(length > 0))
        return -1;
    double unit[3] = {v[0] / length, v[1] / length, v[2] / length};
    out[0] = 1;
    for (int l = 0; l < l_max; l++) {
        const double *from = out + l * l;
        double *to = out + (l + 1) * (l + 1);
        for (int k = 0; k < 2 * l + 3; k++)
            to[k] = 0;
        int count = harmonics_step(l, entries);
        if (count < 0)
            return -1;
        for (int n = 0; n < count; n++)
            to[entries[n].k] += entries[n].coefficient * from[entries[n].i] * unit[entries[n].j];
    }
    return 0;
}
