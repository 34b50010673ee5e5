#include "train/technique/conflict_free_weights.h"

#include <math.h>

#include "train/technique/eigen.h"

/* An eigenvalue of the matrix of cosines below this times the largest counts as zero.  Gradients in float32 that are
 * multiples of each other but for rounding have one of 1e-15; a cosine of 1 - 1e-6 has one of 1e-6. */
#define CUTOFF 1e-13

int conflict_free_weights(int count, const double *products, const double *coefficients, double eps, double *weights) {
    double norm[CONFLICT_FREE_MOST], y[CONFLICT_FREE_MOST];
    double g[CONFLICT_FREE_MOST * CONFLICT_FREE_MOST] = {0}, b[CONFLICT_FREE_MOST] = {0};
    double b_norm = 0, x_norm = 0, sum = 0;
    if (count < 1 || count > CONFLICT_FREE_MOST)
        return -1;
    for (int i = 0; i < count; i++) {
        norm[i] = fmax(sqrt(products[i * count + i]), eps);
        b_norm += coefficients[i] * coefficients[i];
    }
    b_norm = fmax(sqrt(b_norm), eps);
    for (int i = 0; i < count; i++) {
        b[i] = coefficients[i] / b_norm;
        for (int j = 0; j < count; j++)
            g[i * count + j] = products[i * count + j] / (norm[i] * norm[j]);
    }
    if (eigen_solve(count, g, b, CUTOFF, y))
        return -1;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            x_norm += y[i] * g[i * count + j] * y[j];
            sum += norm[i] * g[i * count + j] * y[j];
        }
    x_norm = fmax(sqrt(fmax(x_norm, 0)), eps);
    for (int i = 0; i < count; i++)
        weights[i] = sum / x_norm * y[i] / (x_norm * norm[i]);
    return 0;
}
