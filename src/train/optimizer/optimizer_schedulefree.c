/* Schedule-free optimizers (arXiv 2405.15682): the weights that are trained are y, an interpolation of z, which takes
 * the steps, and of x, the average that evaluation sees; operation by operation in the order of the package
 * schedulefree.  y and z are kept, x follows from them: x = y + (1 - 1/beta) (z - y).  Used under the technique
 * 'schedulefree', which begins z as a copy of the weights and computes x. */
#include "train/optimizer/optimizer_kinds.h"

#include <math.h>
#include <stddef.h>

struct free_options {
    struct optimizer_averages averages;
    double momentum; /* of SGD */
    double eps, weight_decay, r, weight_lr_power;
    int64_t warmup_steps;
    int silent_sgd_phase, ignored;
};

/* Numbers of the whole optimizer: state. */
enum { WEIGHT_SUM, LR_MAX, SHARE, RATE, ADAPTIVE, SCALARS };

struct free_step {
    double scale, limit, decay, beta2, correction2, eps;
    double weight;   /* how far y goes to z */
    double y_lr, lr; /* of y and of z */
};

#define REAL float
#define SQRT sqrtf
#define KERNEL(name) name##_f32
#include "train/optimizer/optimizer_schedulefree.inc"
#undef REAL
#undef SQRT
#undef KERNEL
#define REAL double
#define SQRT sqrt
#define KERNEL(name) name##_f64
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_schedulefree.inc"

/* ---------------------------------------------------------------- once a step */

/* The weight of this step in the average, from the largest rate so far. */
static void advance(const struct free_options *how, double lr, int64_t step, double *scalars) {
    scalars[RATE] = lr;
    scalars[LR_MAX] = fmax(lr, scalars[LR_MAX]);
    double weight = pow((double)step, how->r) * pow(scalars[LR_MAX], how->weight_lr_power);
    scalars[WEIGHT_SUM] += weight;
    scalars[SHARE] = scalars[WEIGHT_SUM] > 0 ? weight / scalars[WEIGHT_SUM] : 0;
}

static void advance_warming(const void *options, double lr, int64_t step, double *scalars) {
    const struct free_options *how = options;
    double warm = step <= how->warmup_steps ? (double)step / (double)how->warmup_steps : 1;
    scalars[ADAPTIVE] = 1;
    advance(how, lr * warm, step, scalars);
}

/* RAdam (arXiv 1908.03265): the rate is rectified by how much the second moment can be trusted. */
static void advance_rectified(const void *options, double lr, int64_t step, double *scalars) {
    const struct free_options *how = options;
    double beta2 = how->averages.betas.values[1], power = pow(beta2, (double)step);
    double most = 2 / (1 - beta2) - 1, now = most - 2 * (double)step * power / (1 - power);
    double rectified = how->silent_sgd_phase ? 0 : 1;
    scalars[ADAPTIVE] = now > 4;
    if (now > 4)
        rectified = pow((now - 4) * (now - 2) * most / ((most - 4) * (most - 2) * now), 0.5);
    advance(how, lr * rectified, step, scalars);
}

/* ---------------------------------------------------------------- a stretch of parameters */

static void update(const struct free_options *how, double beta1, double beta2, enum dtype dtype,
                   const struct optimizer_span *span) {
    double share = span->scalars[SHARE], lr = span->scalars[RATE];
    struct free_step step = {
        .scale = span->grad_scale,
        .limit = span->grad_limit > 0 ? span->grad_limit : INFINITY,
        .decay = how->weight_decay,
        .beta2 = beta2,
        .correction2 = 1 - pow(beta2, (double)span->step),
        .eps = how->eps,
        .weight = share,
        .y_lr = lr * (beta1 * (1 - share) - 1),
        .lr = lr,
    };
    int moment = beta2 > 0, adaptive = span->scalars[ADAPTIVE] > 0;
    if (dtype == F32)
        free_f32(&step, span, moment, adaptive);
    else
        free_f64(&step, span, moment, adaptive);
}

static void update_adam(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct free_options *how = options;
    update(how, how->averages.betas.values[0], how->averages.betas.values[1], dtype, span);
}

static void update_sgd(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct free_options *how = options;
    update(how, how->momentum, 0, dtype, span);
}

/* ---------------------------------------------------------------- options */

static int check_adam(const void *options, const struct config_node *config, struct error *error) {
    const struct free_options *how = options;
    if (how->averages.betas.count != 2)
        return config_error(optimizer_place(config, "betas"), error, ERROR_VALUE, "betas are two numbers, here are %d",
                            how->averages.betas.count);
    for (int k = 0; k < 2; k++)
        if (!(how->averages.betas.values[k] > 0 && how->averages.betas.values[k] < 1))
            return config_error(optimizer_place(config, "betas"), error, ERROR_VALUE,
                                "betas must lie between 0 and 1, here is %g", how->averages.betas.values[k]);
    return 0;
}

static int check_sgd(const void *options, const struct config_node *config, struct error *error) {
    const struct free_options *how = options;
    if (!(how->momentum > 0 && how->momentum < 1))
        return config_error(optimizer_place(config, "momentum"), error, ERROR_VALUE,
                            "momentum must lie between 0 and 1, here is %g", how->momentum);
    return 0;
}

static double *momentum(void *options) {
    return &((struct free_options *)options)->momentum;
}

#define AT(member) offsetof(struct free_options, member)
#define COMMON(rate)                                                                                                   \
    OPTIMIZER_LR(rate, AT(averages.lr)),                                                                               \
        {"weight_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(weight_decay), NULL, "weight decay"},             \
        {"r", OPTION_FLOAT, 0, "0.0", AT(r), NULL, "the average weighs step k by k to this power"},                    \
        {"weight_lr_power",                                                                                            \
         OPTION_FLOAT,                                                                                                 \
         0,                                                                                                            \
         "2.0",                                                                                                        \
         AT(weight_lr_power),                                                                                          \
         NULL,                                                                                                         \
         "and by the largest rate so far to this one"},                                                                \
    {                                                                                                                  \
        "foreach", OPTION_BOOL, OPTION_IGNORED | OPTION_NULLABLE, NULL, AT(ignored), NULL, "the numbers are the same"  \
    }
#define ADAM                                                                                                           \
    {"betas",                                                                                                          \
     OPTION_FLOAT_LIST,                                                                                                \
     0,                                                                                                                \
     "[0.9, 0.999]",                                                                                                   \
     AT(averages.betas),                                                                                               \
     NULL,                                                                                                             \
     "how near y is to x; decay of the second moment"},                                                                \
    {                                                                                                                  \
        "eps", OPTION_FLOAT, OPTION_NONNEGATIVE, "1.0e-8", AT(eps), NULL, "added to the root of the second moment"     \
    }
#define WARMUP                                                                                                         \
    { "warmup_steps", OPTION_INT, OPTION_NONNEGATIVE, "0", AT(warmup_steps), NULL, "steps in which the rate rises" }

static const struct option adamw_rows[] = {COMMON("0.0025"), ADAM, WARMUP};
static const struct option radam_rows[] = {
    COMMON("0.0025"),
    ADAM,
    {"silent_sgd_phase", OPTION_BOOL, 0, "true", AT(silent_sgd_phase), NULL,
     "no steps while the second moment cannot be trusted"},
};
static const struct option sgd_rows[] = {
    COMMON("1.0"),
    WARMUP,
    {"momentum", OPTION_FLOAT, 0, "0.9", AT(momentum), NULL, "how near y is to x"},
};

static const char *const slot_names[] = {"z", "exp_avg_sq"};

#define KIND(name, short_name, text, rows, slot_count, checks, updates, advances, steered)                             \
    {                                                                                                                  \
        .target = {"schedulefree." name, short_name}, .help = text, .options = rows,                                   \
        .noptions = sizeof rows / sizeof *rows, .options_size = sizeof(struct free_options), .slots = slot_count,      \
        .slot_names = slot_names, .check = checks, .update = updates, .momentum = steered, .scalars = SCALARS,         \
        .advance = advances, .technique = "schedulefree"                                                               \
    }

const struct optimizer_kind optimizer_free_adamw =
    KIND("AdamWScheduleFree", "adamw_free", "AdamW without a schedule: evaluation sees an average of the steps",
         adamw_rows, optimizer_two_slots, check_adam, update_adam, advance_warming, optimizer_beta1);
const struct optimizer_kind optimizer_free_radam =
    KIND("RAdamScheduleFree", "radam_free", "RAdam without a schedule and without a warm-up", radam_rows,
         optimizer_two_slots, check_adam, update_adam, advance_rectified, optimizer_beta1);
const struct optimizer_kind optimizer_free_sgd =
    KIND("SGDScheduleFree", "sgd_free", "gradient descent with momentum, without a schedule", sgd_rows,
         optimizer_one_slot, check_sgd, update_sgd, advance_warming, momentum);
