/* L-BFGS (Liu and Nocedal, Math. Program. 45, 503 (1989)), step by step as torch.optim.LBFGS, under Lightning: one step
 * of the optimizer evaluates loss and gradient at several points, each as the batch's own evaluation (clipped, counted
 * among the metrics; what is logged of the batch is the last one).  All that follows from the gradients is in float64.
 */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>
#include <string.h>

#include "train/core/dot.h"
#include "train/core/state.h"
#include "train/optimizer/line_search.h"
#include "train/optimizer/optimizer.h"

struct lbfgs_options {
    double lr, tolerance_grad, tolerance_change;
    int64_t max_iter, max_eval, history_size;
    const char *line_search_fn;
    int maximize;
};

/* What goes on from step to step, apart from vectors. */
enum { STEP_LENGTH, SCALE, ITERATIONS, HISTORY, NUMBERS };

struct lbfgs {
    size_t count;            /* of all parameters, float and double */
    struct state_range held; /* of how many steps are remembered */
    struct state_field fields[NUMBERS];
    struct variable *numbers, *ro;
    struct variable *d, *previous; /* [count]: the last direction and its gradient */
    struct variable *dirs, *steps; /* [history_size][count]: changes of the gradient, and of the parameters */
    double *x, *g, *along, *al;    /* of the step under way */
    struct line_search_room room;
};

static const struct lbfgs_options *options_of(const struct optimizer_problem *problem) {
    return problem->options;
}

/* ---------------------------------------------------------------- between slabs and vectors */

static void put_parameters(const struct optimizer_problem *problem, const double *x, const double *d, double t) {
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        size_t count = model_trainable_size(problem->model, (enum dtype)dtype);
        float *f32 = problem->parameters[dtype]->next;
        double *f64 = problem->parameters[dtype]->next;
        for (size_t k = 0; k < count; k++) {
            double value = d ? *x + t * *d++ : *x;
            x++;
            if (dtype == F32)
                f32[k] = (float)value;
            else
                f64[k] = value;
        }
        problem->parameters[dtype]->written = count > 0;
    }
}

static void get_parameters(const struct optimizer_problem *problem, int next, double *x) {
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        const struct variable *v = problem->parameters[dtype];
        const void *from = next ? v->next : v->data;
        for (size_t k = 0; k < model_trainable_size(problem->model, (enum dtype)dtype); k++)
            *x++ = dtype == F32 ? (double)((const float *)from)[k] : ((const double *)from)[k];
    }
}

static void get_gradient(const struct optimizer_problem *problem, double *g) {
    struct optimizer_gradient how = {*problem->grad_scale, *problem->grad_limit > 0 ? *problem->grad_limit : INFINITY,
                                     options_of(problem)->maximize ? -1 : 1, 0};
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (size_t k = 0; k < model_trainable_size(problem->model, (enum dtype)dtype); k++) {
            double grad = dtype == F32 ? (double)((const float *)problem->grads[dtype])[k]
                                       : ((const double *)problem->grads[dtype])[k];
            grad *= how.scale;
            grad = grad > how.limit ? how.limit : grad;
            grad = grad < -how.limit ? -how.limit : grad;
            *g++ = grad * how.sign;
        }
}

/* Loss and gradient at x + t d. */
static int evaluate(void *context, double t, double *loss, double *g, struct error *error) {
    struct optimizer_problem *problem = context;
    const struct lbfgs *own = problem->own;
    put_parameters(problem, own->x, own->d->next, t);
    int code = problem->evaluate(problem->run, loss, error);
    if (code)
        return code;
    if (options_of(problem)->maximize)
        *loss = -*loss;
    get_gradient(problem, g);
    return 0;
}

/* ---------------------------------------------------------------- the direction */

static double largest(const double *x, size_t count) {
    double most = 0;
    for (size_t k = 0; k < count; k++)
        most = fabs(x[k]) > most || isnan(x[k]) ? fabs(x[k]) : most;
    return most;
}

/* How many steps are remembered. */
static size_t remembered(const struct lbfgs *own) {
    return (size_t)((const double *)own->numbers->data)[HISTORY];
}

/* The last step joins the history, whose oldest goes where it is full. */
static void remember(struct lbfgs *own, const struct lbfgs_options *how) {
    double *numbers = own->numbers->data, *ro = own->ro->data;
    double *dirs = own->dirs->next, *steps = own->steps->next;
    const double *d = own->d->next, *previous = own->previous->next;
    size_t n = own->count, held = remembered(own), last = (size_t)how->history_size;
    double *y = own->along, ys = 0, yy = 0;
    for (size_t k = 0; k < n; k++)
        y[k] = own->g[k] - previous[k];
    for (size_t k = 0; k < n; k++)
        ys += y[k] * (d[k] * numbers[STEP_LENGTH]);
    if (!(ys > 1e-10))
        return;
    if (held == last) {
        held--;
        memmove(dirs, dirs + n, held * n * sizeof *dirs);
        memmove(steps, steps + n, held * n * sizeof *steps);
        memmove(ro, ro + 1, held * sizeof *ro);
    }
    memcpy(dirs + held * n, y, n * sizeof *y);
    for (size_t k = 0; k < n; k++)
        steps[held * n + k] = d[k] * numbers[STEP_LENGTH];
    ro[held] = 1.0 / ys;
    numbers[HISTORY] = (double)(held + 1);
    yy = dot(F64, y, y, 0, n);
    numbers[SCALE] = ys / yy;
}

/* The two loops over the history. */
static void find_direction(struct lbfgs *own) {
    const double *numbers = own->numbers->data, *ro = own->ro->data;
    const double *dirs = own->dirs->next, *steps = own->steps->next;
    double *d = own->d->next;
    size_t n = own->count, held = remembered(own);
    for (size_t k = 0; k < n; k++)
        d[k] = -own->g[k];
    for (size_t i = held; i-- > 0;) {
        own->al[i] = dot(F64, steps + i * n, d, 0, n) * ro[i];
        for (size_t k = 0; k < n; k++)
            d[k] += -own->al[i] * dirs[i * n + k];
    }
    for (size_t k = 0; k < n; k++)
        d[k] *= numbers[SCALE];
    for (size_t i = 0; i < held; i++) {
        double be = dot(F64, dirs + i * n, d, 0, n) * ro[i];
        for (size_t k = 0; k < n; k++)
            d[k] += (own->al[i] - be) * steps[i * n + k];
    }
}

/* What is frozen stays, whatever the history says. */
static void clear_frozen(const struct optimizer_problem *problem, double *d) {
    for (int k = 0; k < model_nparameters(problem->model); k++) {
        const struct parameter *p = model_parameter(problem->model, k);
        size_t begin = p->offset + (p->dtype == F64 ? model_trainable_size(problem->model, F32) : 0);
        if (p->frozen && !p->is_buffer)
            memset(d + begin, 0, p->numel * sizeof *d);
    }
}

/* ---------------------------------------------------------------- a step */

static void begin(struct optimizer_problem *problem, struct lbfgs *own) {
    struct variable *const big[] = {own->d, own->previous, own->dirs, own->steps};
    for (size_t k = 0; k < sizeof big / sizeof *big; k++) {
        memcpy(big[k]->next, big[k]->data, big[k]->count * sizeof(double));
        big[k]->written = 1;
    }
    get_parameters(problem, 0, own->x);
    get_gradient(problem, own->g);
    put_parameters(problem, own->x, NULL, 0);
}

/* One iteration; *done where it was the last.  evals counts evaluations. */
static int iterate(struct optimizer_problem *problem, struct lbfgs *own, int64_t iteration, int64_t *evals,
                   double *loss, int *done, struct error *error) {
    const struct lbfgs_options *how = options_of(problem);
    double *numbers = own->numbers->data, *d = own->d->next, *t = &numbers[STEP_LENGTH], before = *loss, sum = 0;
    double lr = *problem->lr;
    int64_t most = how->max_eval >= 0 ? how->max_eval : how->max_iter / 4 * 5 + how->max_iter % 4 * 5 / 4;
    size_t n = own->count;
    int code = 0, first = ++numbers[ITERATIONS] == 1;
    if (first) {
        numbers[HISTORY] = 0;
        numbers[SCALE] = 1;
    } else {
        remember(own, how);
    }
    find_direction(own);
    clear_frozen(problem, d);
    memcpy(own->previous->next, own->g, n * sizeof *own->g);
    for (size_t k = 0; first && k < n; k++)
        sum += fabs(own->g[k]);
    *t = first ? (1.0 / sum < 1.0 ? 1.0 / sum : 1.0) * lr : lr;
    double slope = dot(F64, own->g, d, 0, n);
    *done = 1;
    if (slope > -how->tolerance_change)
        return 0;
    if (how->line_search_fn) {
        struct line_search search = {
            .evaluate = evaluate, .context = problem, .count = n, .most = most - *evals, .room = &own->room};
        code = line_search(&search, d, slope, t, loss, own->g, error);
        *evals += search.evaluations;
        put_parameters(problem, own->x, d, *t);
    } else if (iteration != how->max_iter) {
        code = evaluate(problem, *t, loss, own->g, error);
        ++*evals;
    } else {
        put_parameters(problem, own->x, d, *t);
    }
    if (code)
        return code;
    get_parameters(problem, 1, own->x);
    *done = iteration == how->max_iter || *evals >= most || largest(own->g, n) <= how->tolerance_grad ||
            largest(d, n) * fabs(*t) <= how->tolerance_change || fabs(*loss - before) < how->tolerance_change;
    return 0;
}

static int solve(struct optimizer_problem *problem, struct error *error) {
    const struct lbfgs_options *how = options_of(problem);
    struct lbfgs *own = problem->own;
    double loss = problem->loss(problem->run) * (how->maximize ? -1 : 1);
    int64_t evals = 1;
    int code = 0, done = 0;
    begin(problem, own);
    if (largest(own->g, own->count) <= how->tolerance_grad)
        return 0;
    for (int64_t k = 1; !code && !done && k <= how->max_iter; k++)
        code = iterate(problem, own, k, &evals, &loss, &done, error);
    return code;
}

/* ---------------------------------------------------------------- opening */

static int open_state(struct optimizer_problem *problem, struct error *error) {
    const struct lbfgs_options *how = options_of(problem);
    struct lbfgs *own = arena_alloc(problem->arena, sizeof *own);
    size_t n = model_trainable_size(problem->model, F32) + model_trainable_size(problem->model, F64), all;
    double *room = arena_alloc(problem->arena, (3 + LINE_SEARCH_ROOM) * n * sizeof *room);
    if (__builtin_mul_overflow(n, (size_t)how->history_size, &all) || all > SIZE_MAX / (4 * sizeof(double)))
        return error_set(error, ERROR_MEMORY, "out of memory for a history of %lld steps",
                         (long long)how->history_size);
    double *al = arena_alloc(problem->arena, (size_t)how->history_size * sizeof *al);
    if (!own || !room || !al)
        return error_memory(error);
    *own = (struct lbfgs){.count = n, .x = room, .g = room + n, .along = room + 2 * n, .al = al};
    line_search_room(&own->room, room + 3 * n, n);
    struct state *state = problem->state;
    if (!(own->numbers = state_add(state, "optimizer.numbers", STATE_F64, NUMBERS, 0, error)) ||
        !(own->ro = state_add(state, "optimizer.ro", STATE_F64, (size_t)how->history_size, 0, error)) ||
        !(own->d = state_add(state, "optimizer.d", STATE_F64, n, 1, error)) ||
        !(own->previous = state_add(state, "optimizer.prev_flat_grad", STATE_F64, n, 1, error)) ||
        !(own->dirs = state_add(state, "optimizer.old_dirs", STATE_F64, all, 1, error)) ||
        !(own->steps = state_add(state, "optimizer.old_stps", STATE_F64, all, 1, error)))
        return ERROR_MEMORY;
    own->held = (struct state_range){0, (double)how->history_size, 0};
    own->fields[STEP_LENGTH] = (struct state_field){"t", &state_finite};
    own->fields[SCALE] = (struct state_field){"H_diag", &state_finite};
    own->fields[ITERATIONS] = (struct state_field){"n_iter", &state_counter};
    own->fields[HISTORY] = (struct state_field){"history", &own->held};
    own->numbers->fields = own->fields;
    own->ro->range = &state_finite;
    problem->own = own;
    return 0;
}

static int no_slots(const void *options) {
    (void)options;
    return 0;
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct lbfgs_options *how = options;
    if (how->max_iter <= INT64_MAX / 4)
        return 0;
    return config_error(optimizer_place(config, "max_iter"), error, ERROR_VALUE, "so many steps cannot be counted");
}

#define AT(member) offsetof(struct lbfgs_options, member)

static const struct option rows[] = {
    {"lr", OPTION_FLOAT, OPTION_NONNEGATIVE, "1.0", AT(lr), NULL, "length of a step, or the first tried"},
    {"max_iter", OPTION_INT, OPTION_NONNEGATIVE, "20", AT(max_iter), NULL, "iterations a batch"},
    {"max_eval", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "-1", AT(max_eval), NULL,
     "evaluations a batch; null, or -1: 5/4 of max_iter"},
    {"tolerance_grad", OPTION_FLOAT, 0, "1.0e-7", AT(tolerance_grad), NULL, "a batch ends below this gradient"},
    {"tolerance_change", OPTION_FLOAT, 0, "1.0e-9", AT(tolerance_change), NULL, "or below this change"},
    {"history_size", OPTION_INT, OPTION_POSITIVE, "100", AT(history_size), NULL, "steps that are remembered"},
    {"line_search_fn", OPTION_STRING, OPTION_NULLABLE, NULL, AT(line_search_fn), "strong_wolfe",
     "how long steps are; null: lr"},
    OPTIMIZER_MAXIMIZE(AT(maximize)),
};

const struct optimizer_kind optimizer_lbfgs = {
    .target = {"torch.optim.LBFGS", "lbfgs"},
    .help = "L-BFGS, with several evaluations a batch (for whole sets as batches)",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct lbfgs_options),
    .slots = no_slots,
    .check = check,
    .absent_is_zero = 1,
    .open = open_state,
    .solve = solve,
};
