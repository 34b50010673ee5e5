#include "train/technique/eigen.h"

#include <math.h>
#include <string.h>

int eigen_solve(int n, const double *a, const double *b, double cutoff, double *y) {
    double m[EIGEN_MOST][EIGEN_MOST], v[EIGEN_MOST][EIGEN_MOST], largest = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(b[i]))
            return -1;
        for (int j = 0; j < n; j++) {
            m[i][j] = a[i * n + j];
            v[i][j] = i == j;
            if (!isfinite(m[i][j]))
                return -1;
        }
    }
    for (int sweep = 0; sweep < 64; sweep++) {
        double off = 0, on = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                *(i == j ? &on : &off) += m[i][j] * m[i][j];
        if (off <= 1e-36 * on)
            break;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                if (m[p][q] == 0)
                    continue;
                double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = m[k][p], z = m[k][q];
                    m[k][p] = c * x - s * z;
                    m[k][q] = s * x + c * z;
                }
                for (int k = 0; k < n; k++) {
                    double x = m[p][k], z = m[q][k];
                    m[p][k] = c * x - s * z;
                    m[q][k] = s * x + c * z;
                    x = v[k][p];
                    z = v[k][q];
                    v[k][p] = c * x - s * z;
                    v[k][q] = s * x + c * z;
                }
            }
    }
    for (int k = 0; k < n; k++)
        largest = fmax(largest, fabs(m[k][k]));
    memset(y, 0, (size_t)n * sizeof *y);
    for (int k = 0; k < n; k++) {
        if (!(m[k][k] > cutoff * largest))
            continue;
        double part = 0;
        for (int i = 0; i < n; i++)
            part += v[i][k] * b[i];
        for (int i = 0; i < n; i++)
            y[i] += v[i][k] * part / m[k][k];
    }
    return 0;
}
