/* Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): matrices step along their orthogonalised
 * momentum.  torch.optim.Muon, and NequIP's MuonWithAuxAdam with its MuonParamGroups: Adam for what is no matrix inside
 * of a layer, and e3nn's Linear layers matrix by matrix.  Both take parameters whole. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>
#include <string.h>

#include "train/optimizer/newton_schulz.h"

struct muon_options {
    double lr, weight_decay, momentum, eps;
    struct option_floats coefficients, betas; /* betas: of Adam */
    int64_t steps;
    const char *adjust;
    int nesterov;
    int with_adam; /* NequIP's way to round and to scale */
    int is_adam;   /* the other group of MuonWithAuxAdam */
};

struct muon_step {
    struct optimizer_gradient gradient;
    double momentum, shrink, lr;
    double weight1, weight2, correction1, correction2, eps; /* of Adam */
    int nesterov;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_muon.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

/* What the rate of a matrix is multiplied by. */
static double adjusted(const struct muon_options *how, const struct parameter_matrix *m) {
    double rows = m->rows, cols = m->cols;
    if (how->adjust && !strcmp(how->adjust, "match_rms_adamw"))
        return 0.2 * sqrt(fmax(rows, cols));
    if (how->adjust && !strcmp(how->adjust, "spectral_unclamped"))
        return sqrt(rows / cols);
    return sqrt(fmax(1, rows / cols));
}

/* Orthogonalises the matrices of x in place.  torch scales the rate, NequIP the matrix. */
static void orthogonalise(const struct muon_options *how, const struct parameter *p, float *x, float *scratch) {
    const double *c = how->coefficients.values;
    struct newton_schulz iteration = {c[0], c[1], c[2], how->eps, (int)how->steps, how->with_adam};
    struct parameter_matrix whole = {0, p->shape[0], p->shape[1]};
    int count = p->ndim == 2 ? 1 : p->nmatrices;
    for (int k = 0; k < count; k++) {
        const struct parameter_matrix *m = p->ndim == 2 ? &whole : &p->matrices[k];
        newton_schulz(&iteration, m->rows, m->cols, x + m->offset, scratch);
        float scale = (float)adjusted(how, m);
        for (size_t i = 0; how->with_adam && i < (size_t)m->rows * (size_t)m->cols; i++)
            x[m->offset + i] = newton_schulz_round(x[m->offset + i] * scale);
    }
}

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct muon_options *how = options;
    double t = (double)span->step;
    struct muon_step step = {
        .gradient = optimizer_gradient(span, 0, 0),
        .momentum = how->momentum,
        .shrink = 1 - span->lr * how->weight_decay,
        .lr = span->lr,
        .eps = how->eps,
        .nesterov = how->nesterov,
    };
    if (how->is_adam) {
        step.weight1 = 1 - how->betas.values[0];
        step.weight2 = 1 - how->betas.values[1];
        step.correction1 = 1 - pow(how->betas.values[0], t);
        step.correction2 = 1 - pow(how->betas.values[1], t);
        if (dtype == F32)
            muon_adam_f32(&step, span);
        else
            muon_adam_f64(&step, span);
        return;
    }
    struct parameter_matrix whole = {0, span->parameter->shape[0], span->parameter->shape[1]};
    float *x = span->scratch;
    if (!how->with_adam)
        step.lr = span->lr * adjusted(how, &whole);
    if (dtype == F32)
        muon_momentum_f32(&step, span, x);
    else
        muon_momentum_f64(&step, span, x);
    orthogonalise(how, span->parameter, x, x + span->count);
    if (dtype == F32)
        muon_f32(&step, span, x);
    else
        muon_f64(&step, span, x);
}

static size_t scratch(const struct parameter *p) {
    size_t most = p->ndim == 2 ? newton_schulz_scratch(p->shape[0], p->shape[1]) : 0;
    for (int k = 0; k < p->nmatrices; k++) {
        size_t size = newton_schulz_scratch(p->matrices[k].rows, p->matrices[k].cols);
        most = size > most ? size : most;
    }
    return (p->numel + most) * sizeof(float);
}

#define AT(member) offsetof(struct muon_options, member)

/* ---------------------------------------------------------------- torch.optim.Muon */

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct muon_options *how = options;
    if (how->coefficients.count != 3)
        return config_error(optimizer_place(config, "ns_coefficients"), error, ERROR_VALUE,
                            "ns_coefficients are three numbers, here are %d", how->coefficients.count);
    if (how->steps >= 100)
        return config_error(optimizer_place(config, "ns_steps"), error, ERROR_VALUE,
                            "ns_steps must be less than 100, here is %lld", (long long)how->steps);
    return 0;
}

static int fits(const struct parameter *p, const struct config_node *config, struct error *error) {
    if (p->ndim == 2)
        return 0;
    return config_error(config_get(config, "_target_"), error, ERROR_VALUE,
                        "torch.optim.Muon takes matrices only, and %s is of %d dimension%s: "
                        "nequip.train.MuonWithAuxAdam with nequip.model.MuonParamGroups has Adam for what is none",
                        p->name, p->ndim, p->ndim == 1 ? "" : "s");
}

static double *momentum(void *options) {
    return &((struct muon_options *)options)->momentum;
}

#define COEFFICIENTS "[3.4445, -4.775, 2.0315]"

static const struct option rows[] = {
    OPTIMIZER_LR("0.001", AT(lr)),
    OPTIMIZER_DECAY("0.1", AT(weight_decay)),
    {"momentum", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.95", AT(momentum), NULL, "share of the average that is kept"},
    {"nesterov", OPTION_BOOL, 0, "true", AT(nesterov), NULL, "step along gradient and average"},
    {"ns_coefficients", OPTION_FLOAT_LIST, 0, COEFFICIENTS, AT(coefficients), NULL, "of the Newton-Schulz iteration"},
    {"eps", OPTION_FLOAT, 0, "1.0e-7", AT(eps), NULL, "least norm that a step is divided by"},
    {"ns_steps", OPTION_INT, 0, "5", AT(steps), NULL, "iterations"},
    {"adjust_lr_fn", OPTION_STRING, OPTION_NULLABLE, NULL, AT(adjust), "original|match_rms_adamw|spectral_unclamped",
     "how the rate depends on the shape; null: original"},
};

static const char *const slot_names[] = {"momentum_buffer"};

const struct optimizer_kind optimizer_muon = {
    .target = {"torch.optim.Muon", "muon"},
    .help = "matrices step along their orthogonalised momentum (for models of matrices only)",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct muon_options),
    .slots = optimizer_one_slot,
    .slot_names = slot_names,
    .check = check,
    .update = update,
    .momentum = momentum,
    .whole = 1,
    .scratch = scratch,
    .fits = fits,
};

/* ---------------------------------------------------------------- nequip.train.MuonWithAuxAdam */

static const struct option muon_rows[] = {
    OPTIMIZER_LR("0.02", AT(lr)),
    {"momentum", OPTION_FLOAT, 0, "0.95", AT(momentum), NULL, "share of the average that is kept"},
    {"weight_decay", OPTION_FLOAT, 0, "0.0", AT(weight_decay), NULL, "weight decay"},
};

static const struct option adam_rows[] = {
    OPTIMIZER_LR("0.0003", AT(lr)),
    {"betas", OPTION_FLOAT_LIST, 0, "[0.9, 0.95]", AT(betas), NULL, "decay of the two running averages"},
    {"eps", OPTION_FLOAT, 0, "1.0e-10", AT(eps), NULL, "added to the root of the second moment"},
    {"weight_decay", OPTION_FLOAT, 0, "0.0", AT(weight_decay), NULL, "weight decay"},
};

/* The layers' own matrices. */
static int is_muons(const struct parameter *p) {
    if (!strstr(p->name, "layer"))
        return 0;
    return (strstr(p->name, "edge_mlp") && p->ndim == 2) || (strstr(p->name, "conv.linear") && p->nmatrices > 0);
}

static int read_groups(const struct config_node *config, void **options, struct arena *arena, struct error *error) {
    static double coefficients[] = {3.4445, -4.775, 2.0315};
    static const char *const names[] = {"muon", "adam"};
    for (int k = 0; k < 2; k++) {
        const struct config_node *node = config_get(config, names[k]);
        struct muon_options *how = arena_alloc(arena, sizeof *how);
        if (!how)
            return error_memory(error);
        if (!node || (config_kind(node) != CONFIG_MAP && config_kind(node) != CONFIG_DEFERRED))
            return config_error(node ? node : config, error, ERROR_TYPE,
                                "MuonParamGroups needs a map '%s' of %s's options; it may be empty", names[k],
                                k ? "Adam" : "Muon");
        memset(how, 0, sizeof *how);
        int code = k ? options_read(adam_rows, sizeof adam_rows / sizeof *adam_rows, node, NULL, how, arena, error)
                     : options_read(muon_rows, sizeof muon_rows / sizeof *muon_rows, node, NULL, how, arena, error);
        if (!code && k && how->betas.count != 2)
            code = config_error(optimizer_place(node, "betas"), error, ERROR_VALUE,
                                "betas are two numbers, here are %d", how->betas.count);
        if (code)
            return code;
        how->with_adam = 1;
        how->is_adam = k;
        how->nesterov = 1;
        how->steps = 5;
        how->coefficients = (struct option_floats){3, 0, coefficients};
        if (!k)
            how->eps = 1e-7;
        options[k] = how;
    }
    return 0;
}

static const char *const aux_slot_names[] = {"momentum_buffer", "exp_avg_sq"};

const struct optimizer_kind optimizer_muon_adam = {
    .target = {"nequip.train.MuonWithAuxAdam", "muon_adam"},
    .help = "Muon for the layers' matrices, Adam for the rest: needs param_groups of nequip.model.MuonParamGroups, "
            "with the maps muon (lr, momentum, weight_decay) and adam (lr, betas, eps, weight_decay)",
    .options_size = sizeof(struct muon_options),
    .slots = optimizer_two_slots,
    .slot_names = aux_slot_names,
    .check = optimizer_no_check,
    .update = update,
    .whole = 1,
    .scratch = scratch,
    .absent_is_zero = 1,
    .groups = {"nequip.model.MuonParamGroups", "MuonParamGroups"},
    .read_groups = read_groups,
    .in_first_group = is_muons,
    .group_decay = AT(weight_decay),
    .group_momentum = AT(momentum), /* 0 in the group of Adam, whose betas Lightning does not look for */
};
