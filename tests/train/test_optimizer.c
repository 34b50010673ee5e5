#include "reference.h"
#include "train/optimizer/optimizer.h"

#include <ctype.h>

#define REFERENCE TEST_DATA_DIR "/optimizer_reference.txt"
enum { PARAMETERS = 19, LINES_PER_CASE = 5, MAX_CASES = 32 };

struct run {
    const struct optimizer_kind *kind;
    void *options;
    enum dtype dtype;
    int64_t step;
    /* two buffers each, used in turn */
    double p[2][PARAMETERS], slot[2][OPTIMIZER_MAX_SLOTS][PARAMETERS];
};

static void start(struct run *run) {
    for (int i = 0; i < PARAMETERS; i++) {
        double value = (i * 5 % 7 - 3) / 4.0;
        if (run->dtype == F32)
            ((float *)run->p[0])[i] = (float)value;
        else
            run->p[0][i] = value;
    }
}

/* The gradient of make_reference.py, scaled by `scale`. */
static void step(struct run *run, double scale, double limit) {
    double g[PARAMETERS];
    int now = (int)(run->step % 2), then = 1 - now;
    run->step++;
    for (int i = 0; i < PARAMETERS; i++) {
        double offset = (((int)run->step * 7 + i * 13) % 11 - 5) / 8.0;
        if (run->dtype == F32)
            ((float *)g)[i] = (((float *)run->p[now])[i] * 0.25f + (float)offset) * (float)scale;
        else
            g[i] = (run->p[now][i] * 0.25 + offset) * scale;
    }
    /* in two stretches, as a team shares a slab */
    size_t size = dtype_size(run->dtype);
    for (size_t k = 0; k < 2; k++) {
        size_t begin = k == 0 ? 0 : 8;
        struct optimizer_span span = {.count = k == 0 ? 8 : PARAMETERS - 8,
                                      .p = (char *)run->p[now] + begin * size,
                                      .g = (char *)g + begin * size,
                                      .p_next = (char *)run->p[then] + begin * size,
                                      .lr = optimizer_lr(run->options),
                                      .step = run->step,
                                      .grad_scale = 1 / scale,
                                      .grad_limit = limit};
        for (int s = 0; s < run->kind->slots(run->options); s++) {
            span.slot[s] = (char *)run->slot[now][s] + begin * size;
            span.slot_next[s] = (char *)run->slot[then][s] + begin * size;
        }
        run->kind->update(run->options, run->dtype, &span);
    }
}

ParameterizedTestParameters(optimizer, follows_torch) {
    static int cases[20];
    for (int k = 0; k < 20; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, 20);
}

ParameterizedTest(int *which, optimizer, follows_torch) {
    struct lines lines = lines_read(REFERENCE);
    char **line = lines.line + *which * LINES_PER_CASE;
    cr_assert_eq(lines.count, 20 * LINES_PER_CASE);
    struct config *config = config_of(strchr(line[0], ' ') + 1);
    struct arena *arena = arena_new();
    struct error error = {0};
    struct run run = {.dtype = strncmp(line[0], "float32", 7) == 0 ? F32 : F64};
    cr_assert_eq(optimizer_read(&run.kind, &run.options, config_root(config), arena, &error), 0, "%s", error.message);
    start(&run);
    double worst = 0;
    for (int k = 1; k < LINES_PER_CASE; k++) {
        double wanted[PARAMETERS + 1];
        cr_assert_eq(numbers_read(line[k], wanted, PARAMETERS + 1), PARAMETERS + 1);
        while (run.step < (int64_t)wanted[0])
            step(&run, 1, 0);
        for (int i = 0; i < PARAMETERS; i++) {
            double *now = run.p[run.step % 2];
            double value = run.dtype == F32 ? ((float *)now)[i] : now[i];
            double off = fabs(value - wanted[i + 1]) / fmax(fabs(wanted[i + 1]), 0.1);
            worst = fmax(worst, off);
        }
    }
    cr_expect_leq(worst, run.dtype == F32 ? 1e-6 : 2e-15, "%s: off by %.3g", line[0], worst);
    arena_free(arena);
    config_free(config);
    lines_free(&lines);
}

/* ---------------------------------------------------------------- every optimizer, with options drawn at random */

#define OPTIONS TEST_DATA_DIR "/optimizer_options_reference.txt"
enum { NUMBERS = 12, LINES_PER_DRAW = 4 };

struct drawn {
    char dtype[8], shape[16];
    int varies;
    const char *config;
};

static struct drawn drawn_read(const char *line) {
    struct drawn drawn;
    int at = 0;
    cr_assert_eq(sscanf(line, "%7s %15s %d %n", drawn.dtype, drawn.shape, &drawn.varies, &at), 3);
    drawn.config = line + at;
    return drawn;
}

static struct parameter parameter_of(const char *shape) {
    struct parameter p = {.name = "w", .numel = NUMBERS};
    for (char *at = (char *)shape; *at; at += *at == 'x')
        p.shape[p.ndim++] = (int)strtol(at, &at, 10);
    return p;
}

/* One parameter that goes along with a scratch and scalars of its own. */
struct own_run {
    const struct optimizer_kind *kind;
    void *options, *scratch;
    enum dtype dtype;
    struct parameter parameter;
    int64_t step;
    double p[2][NUMBERS], slot[2][OPTIMIZER_MAX_SLOTS][NUMBERS], scalars[8];
};

static void own_step(struct own_run *run, int varies) {
    double g[NUMBERS], lr = optimizer_lr(run->options);
    int now = (int)(run->step % 2), then = 1 - now;
    run->step++;
    lr *= 1 + varies * 0.25 * (double)(run->step % 3);
    for (int i = 0; i < NUMBERS; i++) {
        double offset = (((int)run->step * 7 + i * 13) % 11 - 5) / 8.0;
        if (run->dtype == F32)
            ((float *)g)[i] = ((float *)run->p[now])[i] * 0.25f + (float)offset;
        else
            g[i] = run->p[now][i] * 0.25 + offset;
    }
    struct optimizer_span span = {.count = NUMBERS,
                                  .p = run->p[now],
                                  .g = g,
                                  .p_next = run->p[then],
                                  .lr = lr,
                                  .step = run->step,
                                  .scalars = run->scalars,
                                  .parameter = &run->parameter,
                                  .leading = run->dtype,
                                  .scratch = run->scratch,
                                  .grad_scale = 1};
    for (int s = 0; s < run->kind->slots(run->options); s++) {
        span.slot[s] = run->slot[now][s];
        span.slot_next[s] = run->slot[then][s];
    }
    if (run->kind->scalars)
        run->kind->advance(run->options, lr, run->step, run->scalars);
    run->kind->update(run->options, run->dtype, &span);
}

static int draws(void) {
    struct lines lines = lines_read(OPTIONS);
    int count = (int)lines.count / LINES_PER_DRAW;
    lines_free(&lines);
    return count;
}

ParameterizedTestParameters(optimizer, follows_torch_with_any_options) {
    static int cases[256];
    int count = draws();
    for (int k = 0; k < count; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, (size_t)count);
}

ParameterizedTest(int *which, optimizer, follows_torch_with_any_options) {
    struct lines lines = lines_read(OPTIONS);
    char **line = lines.line + *which * LINES_PER_DRAW;
    struct drawn drawn = drawn_read(line[0]);
    struct config *config = config_of(drawn.config);
    struct arena *arena = arena_new();
    struct error error = {0};
    struct own_run run = {.dtype = strcmp(drawn.dtype, "float32") ? F64 : F32, .parameter = parameter_of(drawn.shape)};
    cr_assert_eq(optimizer_read(&run.kind, &run.options, config_root(config), arena, &error), 0, "%s", error.message);
    if (run.kind->scratch)
        run.scratch = arena_alloc(arena, run.kind->scratch(&run.parameter));
    for (int i = 0; i < NUMBERS; i++) {
        double value = (i * 5 % 7 - 3) / 4.0;
        if (run.dtype == F32)
            ((float *)run.p[0])[i] = (float)value;
        else
            run.p[0][i] = value;
    }
    double worst = 0, lr = optimizer_lr(run.options);
    for (int k = 1; k < LINES_PER_DRAW; k++) {
        double wanted[NUMBERS + 1];
        cr_assert_eq(numbers_read(line[k], wanted, NUMBERS + 1), NUMBERS + 1);
        while (run.step < (int64_t)wanted[0])
            own_step(&run, drawn.varies);
        for (int i = 0; i < NUMBERS; i++) {
            double *now = run.p[run.step % 2];
            double value = run.dtype == F32 ? ((float *)now)[i] : now[i];
            worst = fmax(worst, fabs(value - wanted[i + 1]) / fmax(fabs(wanted[i + 1]), 0.1));
        }
    }
    /* Muon orthogonalises in bfloat16: a sum that is rounded the other way is off by 2^-8 of a step */
    double most = strstr(line[0], "Muon") ? lr / 10 : run.dtype == F32 ? 2e-6 : 1e-14;
    cr_expect_leq(worst, most, "%s: off by %.3g", line[0], worst);
    arena_free(arena);
    config_free(config);
    lines_free(&lines);
}

/* Of those that stand in the registry under torch's names. */
Test(optimizer, every_one_has_been_held_against_torch) {
    struct lines lines = lines_read(OPTIONS);
    for (size_t k = 0; k < optimizer_kind_count; k++) {
        const char *target = optimizer_kinds[k]->target.target;
        size_t size = strlen(target);
        int found = strncmp(target, "torch.", 6) != 0 || optimizer_kinds[k]->solve; /* that one in whole runs */
        for (size_t j = 0; j < lines.count; j += LINES_PER_DRAW) {
            const char *at = strstr(lines.line[j], target);
            found |= at && !isalnum(at[size]);
        }
        cr_expect(found, "%s", target);
    }
    lines_free(&lines);
}

static struct run run_of(struct config *config, struct arena *arena) {
    struct run run = {.dtype = F64};
    struct error error = {0};
    cr_assert_eq(optimizer_read(&run.kind, &run.options, config_root(config), arena, &error), 0, "%s", error.message);
    start(&run);
    return run;
}

Test(optimizer, gradients_are_scaled_and_clipped_first) {
    struct config *config = config_of("{_target_: torch.optim.SGD, lr: 0.5}");
    struct arena *arena = arena_new();
    struct run plain = run_of(config, arena), scaled = plain, clipped = plain;
    step(&plain, 1, 0);
    step(&scaled, 4, 0);
    step(&clipped, 1, 0.125);
    for (int i = 0; i < PARAMETERS; i++) {
        double old = plain.p[0][i], gradient = (old - plain.p[1][i]) / 0.5;
        double limited = fmax(-0.125, fmin(0.125, gradient));
        cr_expect_eq(scaled.p[1][i], plain.p[1][i]);
        cr_expect_float_eq(clipped.p[1][i], old - 0.5 * limited, 1e-15);
    }
    arena_free(arena);
    config_free(config);
}

/* Whoever holds the options, and not their kind, takes the rate from where they begin. */
Test(optimizer, options_begin_with_the_rate) {
    for (size_t k = 0; k < optimizer_kind_count; k++)
        for (size_t j = 0; j < optimizer_kinds[k]->noptions; j++)
            if (!strcmp(optimizer_kinds[k]->options[j].name, "lr"))
                cr_expect_eq(optimizer_kinds[k]->options[j].offset, 0, "%s", optimizer_kinds[k]->target.target);
}

Test(optimizer, momentum_is_there_for_a_scheduler_to_steer) {
    struct config *adam = config_of("{_target_: adamw, betas: [0.8, 0.9]}"), *sgd = config_of("{_target_: sgd}");
    struct arena *arena = arena_new();
    struct run first = run_of(adam, arena), second = run_of(sgd, arena);
    cr_expect_eq(*first.kind->momentum(first.options), 0.8);
    cr_expect_eq(*second.kind->momentum(second.options), 0.0);
    cr_expect_str_eq(optimizer_name(first.kind), "AdamW");
    *second.kind->momentum(second.options) = 0.9;
    step(&second, 1, 0);
    for (int i = 0; i < PARAMETERS; i++)
        cr_expect_eq(second.slot[1][0][i], second.p[0][i] * 0.25 + ((7 + i * 13) % 11 - 5) / 8.0);
    arena_free(arena);
    config_free(adam);
    config_free(sgd);
}

static const struct {
    const char *yaml, *message;
    int line;
} wrong[] = {
    {"_target_: torch.optim.Adamm\nlr: 0.1\n", "Adam", 1},
    {"_target_: torch.optim.Adam\nlearning_rate: 0.1\n", "learning_rate", 2},
    {"_target_: torch.optim.Adam\nlr: fast\n", "lr", 2},
    {"_target_: torch.optim.Adam\nlr: -1.0\n", "lr", 2},
    {"_target_: torch.optim.Adam\nbetas: [0.9]\n", "two numbers", 2},
    {"_target_: torch.optim.Adam\nbetas: [0.9, 1.0]\n", "below 1", 2},
    {"_target_: torch.optim.SGD\nlr: 0.1\nnesterov: true\n", "momentum", 3},
    {"_target_: torch.optim.SparseAdam\n", "sparse gradients", 1},
    {"_target_: torch.optim.NAdam\nmomentum_decay: -1\n", "momentum_decay", 2},
    {"_target_: torch.optim.RAdam\nbetas: [0.9, 1.0]\n", "below 1", 2},
    {"_target_: torch.optim.Adamax\nbetas: 0.9\n", "two numbers", 2},
    {"_target_: torch.optim.Adagrad\nlr_decay: -0.1\n", "lr_decay", 2},
    {"_target_: torch.optim.RMSprop\nalpha: -0.1\n", "alpha", 2},
    {"_target_: torch.optim.ASGD\nlambd: -0.1\n", "lambd", 2},
    {"_target_: torch.optim.Adafactor\nd: 0.5\n", "d must", 2},
    {"_target_: torch.optim.Muon\nns_steps: 100\n", "ns_steps", 2},
    {"_target_: torch.optim.Muon\nadjust_lr_fn: mine\n", "original", 2},
    {"_target_: torch.optim.LBFGS\nline_search_fn: wolfe\n", "strong_wolfe", 2},
    {"lr: 0.1\n", "_target_", 0},
};

ParameterizedTestParameters(optimizer, says_what_is_wrong) {
    enum { COUNT = sizeof wrong / sizeof *wrong };
    static int cases[COUNT];
    for (int k = 0; k < COUNT; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, COUNT);
}

ParameterizedTest(int *which, optimizer, says_what_is_wrong) {
    struct config *config = config_of(wrong[*which].yaml);
    struct arena *arena = arena_new();
    const struct optimizer_kind *kind;
    void *options;
    struct error error = {0};
    cr_expect_neq(optimizer_read(&kind, &options, config_root(config), arena, &error), 0);
    cr_expect(strstr(error.message, wrong[*which].message), "%s", error.message);
    if (wrong[*which].line)
        cr_expect_eq(error.line, wrong[*which].line, "line %d: %s", error.line, error.message);
    arena_free(arena);
    config_free(config);
}
