/* Functions of one variable and their derivatives of any order, by arithmetic on truncated power series: the value of
 * order n is n! times the n-th coefficient of f(x + t).  The kernels have closed forms for the orders that training
 * needs; this is what they are held against, and what serves every other order. */
#include "graph/kernel/unary_value.h"

#include <math.h>
#include <string.h>

struct series {
    int n; /* coefficients 0..n */
    double c[UNARY_MAX_ORDER + 1];
};

static void series_mul(const struct series *a, const struct series *b, struct series *out) {
    struct series r = {.n = a->n};
    for (int k = 0; k <= a->n; k++)
        for (int j = 0; j <= k; j++)
            r.c[k] += a->c[j] * b->c[k - j];
    *out = r;
}

static void series_div(const struct series *a, const struct series *b, struct series *out) {
    struct series r = {.n = a->n};
    for (int k = 0; k <= a->n; k++) {
        double sum = a->c[k];
        for (int j = 1; j <= k; j++)
            sum -= b->c[j] * r.c[k - j];
        r.c[k] = sum / b->c[0];
    }
    *out = r;
}

static void series_exp(const struct series *a, struct series *out) {
    struct series r = {.n = a->n};
    r.c[0] = exp(a->c[0]);
    for (int k = 1; k <= a->n; k++) {
        for (int j = 1; j <= k; j++)
            r.c[k] += j * a->c[j] * r.c[k - j];
        r.c[k] /= k;
    }
    *out = r;
}

static void series_log(const struct series *a, struct series *out) {
    struct series r = {.n = a->n};
    r.c[0] = log(a->c[0]);
    for (int k = 1; k <= a->n; k++) {
        double sum = k * a->c[k];
        for (int j = 1; j < k; j++)
            sum -= j * r.c[j] * a->c[k - j];
        r.c[k] = sum / (k * a->c[0]);
    }
    *out = r;
}

/* x^p at x + t; the k-th coefficient is binomial(p, k) x^(p-k). */
static void power_series(double x, double p, int n, struct series *out) {
    double binomial = 1;
    out->n = n;
    for (int k = 0; k <= n; k++) {
        out->c[k] = binomial == 0 ? 0 : binomial * pow(x, p - k);
        binomial *= (p - k) / (k + 1);
    }
}

static void sigmoid_series(const struct series *x, struct series *out) {
    struct series minus = *x, one = {.n = x->n, .c = {1}};
    double sign = x->c[0] < 0 ? 1 : -1; /* exp of a negative number: no overflow */
    for (int k = 0; k <= x->n; k++)
        minus.c[k] *= sign;
    struct series e, den;
    series_exp(&minus, &e);
    den = e;
    den.c[0] += 1;
    series_div(sign < 0 ? &one : &e, &den, out);
}

static void softplus_series(const struct series *x, struct series *out) {
    /* the derivative of softplus is the sigmoid */
    struct series s;
    sigmoid_series(x, &s);
    out->n = x->n;
    out->c[0] = x->c[0] > 0 ? x->c[0] + log1p(exp(-x->c[0])) : log1p(exp(x->c[0]));
    for (int k = 1; k <= x->n; k++) {
        out->c[k] = 0;
        for (int j = 1; j <= k; j++)
            out->c[k] += j * x->c[j] * s.c[k - j];
        out->c[k] /= k;
    }
}

static void tanh_series(const struct series *x, struct series *out) {
    struct series twice = *x, s;
    double first = tanh(x->c[0]);
    for (int k = 0; k <= x->n; k++)
        twice.c[k] *= 2;
    sigmoid_series(&twice, &s); /* tanh x = 2 sigmoid(2 x) - 1 */
    for (int k = 0; k <= s.n; k++)
        s.c[k] *= 2;
    s.c[0] = first;
    *out = s;
}

static void sinc_series(double x, int n, struct series *out) {
    /* sinc(x) = sum_j (-1)^j (pi x)^2j / (2j+1)!; around x, by the series in x where it converges fast, else by
     * dividing the series of the sine */
    memset(out, 0, sizeof *out);
    out->n = n;
    if (fabs(x) < 0.5) {
        for (int k = 0; k <= n; k++) {
            double term = 1, sum = 0; /* term = (-1)^j pi^2j / (2j+1)! */
            for (int j = 0; j < 30; j++) {
                if (j)
                    term *= -M_PI * M_PI / ((2.0 * j) * (2.0 * j + 1));
                if (2 * j < k)
                    continue;
                double binomial = 1;
                for (int i = 0; i < k; i++)
                    binomial *= (double)(2 * j - i) / (i + 1);
                sum += term * binomial * (2 * j == k ? 1 : pow(x, 2 * j - k));
            }
            out->c[k] = sum;
        }
        return;
    }
    struct series sine = {.n = n}, arg = {.n = n};
    double factor = 1;
    for (int k = 0; k <= n; k++) {
        sine.c[k] = factor * sin(M_PI * x + k * M_PI_2);
        factor *= M_PI / (k + 1);
    }
    arg.c[0] = M_PI * x;
    if (n)
        arg.c[1] = M_PI;
    series_div(&sine, &arg, out);
}

double unary_value(enum unary_kind kind, int order, double p, double x) {
    if (order > UNARY_MAX_ORDER)
        return NAN;
    struct series a = {.n = order}, b, r = {.n = order};
    a.c[0] = x;
    if (order)
        a.c[1] = 1;
    switch (kind) {
    case UNARY_SILU:
        sigmoid_series(&a, &b);
        series_mul(&a, &b, &r);
        break;
    case UNARY_TANH:
        tanh_series(&a, &r);
        break;
    case UNARY_SIGMOID:
        sigmoid_series(&a, &r);
        break;
    case UNARY_MISH:
        softplus_series(&a, &b);
        tanh_series(&b, &b);
        series_mul(&a, &b, &r);
        break;
    case UNARY_GELU:
        /* Phi' is the normal density */
        b.n = order;
        for (int k = 0; k <= order; k++)
            b.c[k] = 0;
        {
            struct series square, density;
            series_mul(&a, &a, &square);
            for (int k = 0; k <= order; k++)
                square.c[k] *= -0.5;
            series_exp(&square, &density);
            b.c[0] = 0.5 * erfc(-x * M_SQRT1_2);
            for (int k = 1; k <= order; k++)
                b.c[k] = density.c[k - 1] * 0.3989422804014327 / k;
        }
        series_mul(&a, &b, &r);
        break;
    case UNARY_SSP:
        softplus_series(&a, &r);
        r.c[0] -= M_LN2;
        break;
    case UNARY_ABS:
        return order == 0 ? fabs(x) : order == 1 ? (x > 0) - (x < 0) : 0;
    case UNARY_RELU:
        return order == 0 ? (x > 0 ? x : 0) : order == 1 ? x > 0 : 0;
    case UNARY_EXP:
        return exp(x);
    case UNARY_LOG:
        series_log(&a, &r);
        break;
    case UNARY_SIN:
        return sin(x + order * M_PI_2);
    case UNARY_COS:
        return cos(x + order * M_PI_2);
    case UNARY_SINC:
        sinc_series(x, order, &r);
        break;
    case UNARY_POWER:
        power_series(x, p, order, &r);
        break;
    case UNARY_CUTOFF:
        if (x >= 1)
            return 0;
        power_series(x, p, order, &r);
        {
            struct series next, last;
            power_series(x, p + 1, order, &next);
            power_series(x, p + 2, order, &last);
            for (int k = 0; k <= order; k++)
                r.c[k] = -(p + 1) * (p + 2) / 2 * r.c[k] + p * (p + 2) * next.c[k] - p * (p + 1) / 2 * last.c[k];
        }
        r.c[0] += 1;
        break;
    case UNARY_HUBER:
        if (fabs(x) < 1)
            return order == 0 ? 0.5 * x * x : order == 1 ? x : order == 2;
        return order == 0 ? fabs(x) - 0.5 : order == 1 ? (x > 0) - (x < 0) : 0;
    case UNARY_STEP:
        return order == 0 && x > p;
    case UNARY_FINITE:
        return order == 0 && !isnan(x);
    case UNARY_NAN0:
        return order == 0 ? (isnan(x) ? 0 : x) : order == 1 && !isnan(x);
    case UNARY_COUNT:
        break;
    }
    double factorial = 1;
    for (int k = 2; k <= order; k++)
        factorial *= k;
    return factorial * r.c[order];
}
