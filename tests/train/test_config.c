/* ConFIG: exact cases, the cosines it promises over random sets of gradients, gradients that say nothing or the same
 * or the opposite, and the toy problem with two losses on which a plain sum sticks. */
#include "base/random.h"
#include "base/team.h"
#include "reference.h"
#include "train/technique/eigen.h"
#include "train/technique/conflict_free_weights.h"
#include "train/core/vector.h"
#include "train/optimizer/optimizer.h"

enum { MOST = 5 };

static double normal(struct random_stream *stream) {
    double value;
    random_normal_f64(stream, &value, 1);
    return value;
}

static double uniform(struct random_stream *stream) {
    double value;
    random_uniform_f64(stream, &value, 1, 0, 1);
    return value;
}

struct set {
    struct vectors vectors;
    double coefficients[MOST], products[MOST * MOST], weights[MOST];
    void *result[DTYPE_COUNT];
};

static double component(const struct set *set, const void *const part[DTYPE_COUNT], size_t k) {
    size_t first = set->vectors.counts[F32];
    return k < first ? ((const float *)part[F32])[k] : ((const double *)part[F64])[k - first];
}

static double dot(const struct set *set, const void *const a[DTYPE_COUNT], const void *const b[DTYPE_COUNT]) {
    double sum = 0;
    for (size_t k = 0; k < set->vectors.counts[F32] + set->vectors.counts[F64]; k++)
        sum += component(set, a, k) * component(set, b, k);
    return sum;
}

static double cosine(const struct set *set, int term) {
    const void *const *g = (const void *const *)set->vectors.part[term], *const *r = (const void *const *)set->result;
    return dot(set, g, r) / sqrt(dot(set, g, g) * dot(set, r, r));
}

/* Room for the gradients, nothing in them. */
static void set_make(struct set *set, int count, size_t f32, size_t f64) {
    memset(set, 0, sizeof *set);
    set->vectors.count = count;
    set->vectors.counts[F32] = f32;
    set->vectors.counts[F64] = f64;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t size = set->vectors.counts[d] * dtype_size((enum dtype)d) + 8;
        for (int i = 0; i < count; i++)
            set->vectors.part[i][d] = calloc(1, size);
        set->result[d] = calloc(1, size);
    }
    for (int i = 0; i < count; i++)
        set->coefficients[i] = 1;
}

static void set_put(struct set *set, int term, size_t k, double value) {
    size_t first = set->vectors.counts[F32];
    if (k < first)
        ((float *)(uintptr_t)set->vectors.part[term][F32])[k] = (float)value;
    else
        ((double *)(uintptr_t)set->vectors.part[term][F64])[k - first] = value;
}

static void set_solve(struct set *set, struct team *team) {
    cr_assert_eq(vectors_products(team, &set->vectors, set->products), 0);
    cr_assert_eq(conflict_free_weights(set->vectors.count, set->products, set->coefficients, 1e-8, set->weights), 0);
    vectors_sum(team, &set->vectors, set->weights, set->result);
}

static void set_free(struct set *set) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        for (int i = 0; i < set->vectors.count; i++)
            free((void *)(uintptr_t)set->vectors.part[i][d]);
        free(set->result[d]);
    }
}

/* ---------------------------------------------------------------- exact cases */

static const struct {
    int count;
    double g[3][3], b[3], wanted[3], cosines[3];
} exact[] = {
    {2, {{-4, 1, 1}, {6, 1, 1}}, {1, 1}, {0.158809, 2.070607, 2.070607}, {0.281788, 0.281788}},
    {2, {{-4, 1, 1}, {6, 1, 1}}, {1, 2}, {0.468409, 2.165635, 2.165635}, {0.186965, 0.373930}},
    {3, {{1, 2, 3}, {-2, .5, 1}, {0, -1, 4}}, {1, 1, 1}, {-2.8837, 2.4769, 6.8545}, {0.7718, 0.7718, 0.7718}},
};

Test(config, exact_cases) {
    struct team *team = team_new(1);
    for (size_t c = 0; c < sizeof exact / sizeof *exact; c++)
        for (int single = 0; single < 2; single++) {
            struct set set;
            set_make(&set, exact[c].count, single ? 3 : 0, single ? 0 : 3);
            for (int i = 0; i < exact[c].count; i++) {
                set.coefficients[i] = exact[c].b[i];
                for (size_t k = 0; k < 3; k++)
                    set_put(&set, i, k, exact[c].g[i][k]);
            }
            set_solve(&set, team);
            double rounding = exact[c].count == 3 ? 6e-5 : 1e-6; /* of the numbers as they were written down */
            for (size_t k = 0; k < 3; k++)
                cr_expect_float_eq(component(&set, (const void *const *)set.result, k), exact[c].wanted[k], rounding,
                                   "case %zu: %.9g, not %g", c, component(&set, (const void *const *)set.result, k),
                                   exact[c].wanted[k]);
            for (int i = 0; i < exact[c].count; i++)
                cr_expect_float_eq(cosine(&set, i), exact[c].cosines[i], rounding, "case %zu: cosine %.9g", c,
                                   cosine(&set, i));
            set_free(&set);
        }
    team_free(team);
}

/* The closed form for two terms: v ~ (b1 - c b2) u1 + (b2 - c b1) u2, g = ((g1 + g2) . v) v. */
Test(config, two_terms_agree_with_the_closed_form) {
    struct random_stream random;
    struct team *team = team_new(1);
    random_seed(&random, 7);
    for (int round = 0; round < 200; round++) {
        enum { N = 12 };
        struct set set;
        double u[2][N], norm[2] = {0}, c = 0, v[N], length = 0, along = 0;
        set_make(&set, 2, 0, N);
        set.coefficients[1] = 0.5 + 2 * uniform(&random);
        for (int i = 0; i < 2; i++) {
            for (size_t k = 0; k < N; k++)
                set_put(&set, i, k, u[i][k] = normal(&random));
            for (size_t k = 0; k < N; k++)
                norm[i] += u[i][k] * u[i][k];
            norm[i] = sqrt(norm[i]);
            for (size_t k = 0; k < N; k++)
                u[i][k] /= norm[i];
        }
        for (size_t k = 0; k < N; k++)
            c += u[0][k] * u[1][k];
        const double *b = set.coefficients;
        for (size_t k = 0; k < N; k++)
            v[k] = (b[0] - c * b[1]) * u[0][k] + (b[1] - c * b[0]) * u[1][k];
        for (size_t k = 0; k < N; k++)
            length += v[k] * v[k];
        for (size_t k = 0; k < N; k++)
            along += (norm[0] * u[0][k] + norm[1] * u[1][k]) * v[k] / sqrt(length);
        set_solve(&set, team);
        for (size_t k = 0; k < N; k++)
            cr_expect_float_eq(((double *)set.result[F64])[k], along * v[k] / sqrt(length), 1e-11);
        set_free(&set);
    }
    team_free(team);
}

/* ---------------------------------------------------------------- random sets */

/* Gradients around one axis, to either side of it, each at an angle of its own: cosines up to +-(1 - 1e-6). */
static void set_draw(struct set *set, struct random_stream *random, int count, size_t f32, size_t f64) {
    size_t n = f32 + f64;
    set_make(set, count, f32, f64);
    double *axis = calloc(n, sizeof *axis), *other = calloc(n, sizeof *other), square = 0;
    for (size_t k = 0; k < n; k++) {
        axis[k] = normal(random);
        square += axis[k] * axis[k];
    }
    for (size_t k = 0; k < n; k++)
        axis[k] /= sqrt(square);
    for (int i = 0; i < count; i++) {
        double along = 0, rest = 0;
        for (size_t k = 0; k < n; k++) {
            other[k] = normal(random);
            along += other[k] * axis[k];
        }
        for (size_t k = 0; k < n; k++) {
            other[k] -= along * axis[k];
            rest += other[k] * other[k];
        }
        /* the cosine to the axis is that of half the smallest angle between two: 1 - cos is 1e-6 for both together */
        double angle = 1e-3 * pow(1570, uniform(random)), norm = pow(10, 8 * uniform(random) - 4);
        double side = uniform(random) < 0.5 ? -1 : 1;
        set->coefficients[i] = 0.2 + uniform(random);
        for (size_t k = 0; k < n; k++)
            set_put(set, i, k, norm * (side * cos(angle) * axis[k] + sin(angle) * other[k] / sqrt(rest)));
    }
    free(axis);
    free(other);
}

/* Every cosine is the same multiple of the term's coefficient, and above 0. */
static double worst_cosine(const struct set *set) {
    double cosines[MOST], share = 0, squares = 0, worst = 0;
    for (int i = 0; i < set->vectors.count; i++) {
        cosines[i] = cosine(set, i);
        if (!(cosines[i] > 0))
            return INFINITY;
        share += cosines[i] * set->coefficients[i];
        squares += set->coefficients[i] * set->coefficients[i];
    }
    for (int i = 0; i < set->vectors.count; i++)
        worst = fmax(worst, fabs(cosines[i] - share / squares * set->coefficients[i]));
    return worst;
}

ParameterizedTestParameters(config, promised_cosines) {
    static int parts[10];
    for (int k = 0; k < 10; k++)
        parts[k] = k;
    return cr_make_param_array(int, parts, 10);
}

ParameterizedTest(int *part, config, promised_cosines) {
    struct random_stream random;
    struct team *team = team_new(1 + *part % 2);
    double worst = 0, nearest = 0;
    random_seed(&random, (uint64_t)*part + 1);
    for (int round = 0; round < 1000; round++) {
        struct set set;
        int count = 2 + (int)(random_u32(&random) % 4);
        size_t n = (size_t)((double)count * pow(1000, uniform(&random))); /* few numbers as often as thousands */
        size_t f32 = round % 3 == 0 ? 0 : round % 3 == 1 ? n : n / 2;
        set_draw(&set, &random, count, f32, n - f32);
        set_solve(&set, team);
        double off = worst_cosine(&set);
        cr_expect_leq(off, 1e-3, "set %d of part %d: %d gradients of %zu numbers, cosines off by %.2g", round, *part,
                      count, n, off);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < i; j++)
                nearest = fmax(nearest, fabs(set.products[i * count + j]) /
                                            sqrt(set.products[i * count + i] * set.products[j * count + j]));
        worst = fmax(worst, off);
        set_free(&set);
    }
    cr_log_info("part %d: cosines up to %.8f, off by %.2g at most", *part, nearest, worst);
    cr_expect_gt(nearest, 1 - 1e-5);
    team_free(team);
}

ParameterizedTestParameters(config, promised_cosines_of_large_models) {
    static int cases[] = {0, 1, 2, 3, 4, 5, 6, 7};
    return cr_make_param_array(int, cases, 8);
}

/* Three million numbers, in float32 but for a few, or in float64. */
ParameterizedTest(int *which, config, promised_cosines_of_large_models) {
    struct random_stream random;
    struct team *team = team_new(2);
    struct set set;
    int count = 2 + *which / 2, single = *which % 2;
    random_seed(&random, (uint64_t)*which + 99);
    set_draw(&set, &random, count, single ? 3000000 : 0, single ? 24 : 3000000);
    set_solve(&set, team);
    cr_expect_leq(worst_cosine(&set), 1e-3, "%d gradients: off by %.2g", count, worst_cosine(&set));
    set_free(&set);
    team_free(team);
}

/* ---------------------------------------------------------------- gradients without a direction of their own */

static struct set degenerate(struct team *team, double first, double second, double b1, double b2) {
    struct set set;
    set_make(&set, 2, 40, 30);
    for (size_t k = 0; k < 70; k++) {
        double value = cos(3.0 * (double)k + 1);
        set_put(&set, 0, k, first * value);
        set_put(&set, 1, k, second * value);
    }
    set.coefficients[0] = b1;
    set.coefficients[1] = b2;
    set_solve(&set, team);
    return set;
}

/* The result as a multiple of the gradient that `degenerate` scales; the other components must be as finite. */
static double multiple(const struct set *set) {
    double sum = 0, square = 0;
    for (size_t k = 0; k < 70; k++) {
        double value = cos(3.0 * (double)k + 1), r = component(set, (const void *const *)set->result, k);
        cr_assert(isfinite(r));
        sum += r * value;
        square += value * value;
    }
    return sum / square;
}

Test(config, zero_gradients_have_no_say) {
    struct team *team = team_new(1);
    struct set set = degenerate(team, 0, 2, 1, 1);
    cr_expect_float_eq(multiple(&set), 2, 1e-6);
    set_free(&set);
    set = degenerate(team, 0, 0, 1, 1);
    cr_expect_eq(multiple(&set), 0);
    set_free(&set);
    team_free(team);
}

Test(config, equal_gradients_count_as_one) {
    struct team *team = team_new(1);
    struct set set = degenerate(team, 2, 2, 1, 1);
    cr_expect_float_eq(multiple(&set), 4, 1e-6);
    set_free(&set);
    set = degenerate(team, 1, 3e4 / 7, 1, 2); /* equal but for their length, and rounding */
    cr_expect_float_eq(multiple(&set) / (1 + 3e4 / 7), 1, 1e-6);
    set_free(&set);
    team_free(team);
}

Test(config, opposite_gradients_follow_the_larger_coefficient) {
    struct team *team = team_new(1);
    struct set set = degenerate(team, 1, -1, 1, 1);
    cr_expect_lt(fabs(multiple(&set)), 1e-7);
    set_free(&set);
    set = degenerate(team, 1, -3, 2, 1); /* (g1 + g2) . v is what it is worth: it may point against v */
    double with = multiple(&set);
    cr_expect_float_eq(fabs(with), 2, 1e-5);
    set_free(&set);
    team_free(team);
}

Test(config, what_is_not_finite_is_refused) {
    double products[4] = {1, NAN, NAN, 1}, b[2] = {1, 1}, weights[2];
    cr_expect_eq(conflict_free_weights(2, products, b, 1e-8, weights), -1);
    products[1] = products[2] = 0;
    products[0] = INFINITY;
    cr_expect_eq(conflict_free_weights(2, products, b, 1e-8, weights), -1);
    cr_expect_eq(conflict_free_weights(0, products, b, 1e-8, weights), -1);
    cr_expect_eq(conflict_free_weights(CONFLICT_FREE_MOST + 1, products, b, 1e-8, weights), -1);
}

/* ---------------------------------------------------------------- two losses that conflict */

/* Two losses in the plane (Liu et al., arXiv 2110.14048): ditches in the upper half, where the gradients conflict, and
 * two bowls in the lower one, between whose bottoms (-7, -8) and (7, -8) the front of the best compromises lies. */
static void losses(const double p[2], double g[2][2]) {
    double x = p[0], y = p[1], t = tanh(y), slope = 1 - t * t;
    double half = tanh(y / 2), half_slope = (1 - half * half) / 2;
    double upper = half > 0 ? half : 0, lower = half < 0 ? -half : 0;
    double upper_slope = half > 0 ? half_slope : 0, lower_slope = half < 0 ? -half_slope : 0;
    for (int k = 0; k < 2; k++) {
        double ditch = k ? 0.5 * (3 - x) - t + 2 : 0.5 * (-x - 7) + t, sign = k ? -1 : 1, bottom = k ? -7 : 7;
        double kept = fabs(ditch) > 5e-6, log_loss = log(fmax(fabs(ditch), 5e-6)) + 6;
        double bowl = ((x - bottom) * (x - bottom) + 0.1 * (y + 8) * (y + 8)) / 10 - 20;
        double log_x = kept ? -0.5 / ditch : 0, log_y = kept ? sign * slope / ditch : 0;
        g[k][0] = log_x * upper + (x - bottom) / 5 * lower;
        g[k][1] = log_y * upper + log_loss * upper_slope + 0.02 * (y + 8) * lower + bowl * lower_slope;
    }
}

static void descend(double p[2], int by_config, int steps) {
    struct config *yaml = config_of("{_target_: torch.optim.Adam, lr: 0.001}");
    struct arena *arena = arena_new();
    const struct optimizer_kind *kind;
    void *options;
    struct error error = {0};
    double moments[2][2][2] = {{{0}}}, points[2][2] = {{p[0], p[1]}};
    cr_assert_eq(optimizer_read(&kind, &options, config_root(yaml), arena, &error), 0, "%s", error.message);
    for (int step = 1; step <= steps; step++) {
        int from = (step + 1) % 2, to = step % 2;
        double g[2][2], products[4], b[2] = {1, 1}, weights[2] = {0.5, 0.5}, gradient[2];
        losses(points[from], g);
        for (int i = 0; i < 4; i++)
            products[i] = g[i / 2][0] * g[i % 2][0] + g[i / 2][1] * g[i % 2][1];
        if (by_config)
            cr_assert_eq(conflict_free_weights(2, products, b, 1e-8, weights), 0);
        for (int c = 0; c < 2; c++)
            gradient[c] = weights[0] * g[0][c] + weights[1] * g[1][c];
        struct optimizer_span span = {.count = 2,
                                      .p = points[from],
                                      .p_next = points[to],
                                      .g = gradient,
                                      .slot = {moments[from][0], moments[from][1]},
                                      .slot_next = {moments[to][0], moments[to][1]},
                                      .lr = optimizer_lr(options),
                                      .step = step,
                                      .grad_scale = 1};
        kind->update(options, F64, &span);
    }
    memcpy(p, points[steps % 2], sizeof points[0]);
    arena_free(arena);
    config_free(yaml);
}

/* The sum hangs in the ditch at x = 5 that it fell into near (5.0, 3.9); the front lies at y = -8.36 or so. */
Test(config, the_toy_problem_on_which_a_sum_sticks) {
    double plain[2] = {9, 9}, config[2] = {9, 9};
    descend(plain, 0, 3000);
    cr_expect(fabs(plain[0] - 5.0) < 0.1 && fabs(plain[1] - 3.9) < 0.1, "the sum stands at (%.3f, %.3f)", plain[0],
              plain[1]);
    plain[0] = plain[1] = 9;
    descend(plain, 0, 60000);
    cr_expect(fabs(plain[0] - 5.0) < 0.2 && plain[1] > 1.5, "the sum ends at (%.3f, %.3f)", plain[0], plain[1]);
    descend(config, 1, 60000);
    cr_expect(fabs(config[1] + 8.36) < 0.1 && fabs(config[0]) <= 7, "ConFIG ends at (%.3f, %.3f), off the front",
              config[0], config[1]);
}
