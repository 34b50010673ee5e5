/* Norms of parameters: of their values, of the gradient, of the change that the last step brought. */
#include <math.h>
#include <string.h>

#include "model/emit/module.h"
#include "train/core/state.h"
#include "train/run/norms.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

enum { LANES = 16 }; /* a fixed order, and one that vectorises */

static double total(const double *lanes) {
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static double square_f32(const float *restrict x, const float *restrict y, size_t count) {
    double lanes[LANES] = {0};
    for (size_t k = 0; k < count; k++) {
        double d = (double)x[k] - (y ? (double)y[k] : 0);
        lanes[k % LANES] += d * d;
    }
    return total(lanes);
}

static double square_f64(const double *restrict x, const double *restrict y, size_t count) {
    double lanes[LANES] = {0};
    for (size_t k = 0; k < count; k++) {
        double d = x[k] - (y ? y[k] : 0);
        lanes[k % LANES] += d * d;
    }
    return total(lanes);
}

/* Of x - y; y may be NULL. */
static double square(const void *x, const void *y, const struct parameter *p) {
    if (p->dtype == F32)
        return square_f32((const float *)x + p->offset, y ? (const float *)y + p->offset : NULL, p->numel);
    return square_f64((const double *)x + p->offset, y ? (const double *)y + p->offset : NULL, p->numel);
}

/* Adds squares. */
static void add(const struct trainer *trainer, const struct parameter *p, unsigned which, struct trainer_norms *out) {
    const struct variable *weights = trainer->weights.parameters[p->dtype];
    /* within a batch new weights wait to be accepted; afterwards the other buffer still has the old ones */
    const void *now = weights->written ? weights->next : weights->data;
    const void *before = weights->written ? weights->data : weights->next;
    out->numbers += p->numel;
    out->frozen += p->frozen ? p->numel : 0;
    out->dtypes |= 1u << p->dtype;
    if (which & NORM_WEIGHTS)
        out->norm += square(now, NULL, p);
    if (which & NORM_GRADIENT)
        out->gradient += square(trainer->weights.grads[p->dtype], NULL, p);
    if (which & NORM_UPDATE)
        out->update += square(now, before, p);
}

static void finish(struct trainer_norms *out) {
    out->norm = sqrt(out->norm);
    out->gradient = sqrt(out->gradient);
    out->update = sqrt(out->update);
}

void trainer_parameter(const struct trainer *trainer, int k, struct trainer_norms *out) {
    *out = (struct trainer_norms){0};
    add(trainer, model_parameter(trainer->model, k), NORM_ALL, out);
    finish(out);
}

static int is_under(const char *name, const char *path) {
    size_t size = strlen(path);
    return !size || (!strncmp(name, path, size) && (!name[size] || name[size] == '.'));
}

void trainer_norms(const struct trainer *trainer, const char *path, unsigned which, struct trainer_norms *out) {
    *out = (struct trainer_norms){0};
    for (int k = 0; k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (!p->is_buffer && is_under(p->name, path))
            add(trainer, p, which, out);
    }
    finish(out);
}

/* ---------------------------------------------------------------- as values by name */

static const struct {
    const char *prefix;
    unsigned which;
} kinds[] = {{"norm.", NORM_WEIGHTS}, {"grad.", NORM_GRADIENT}, {"update.", NORM_WEIGHTS | NORM_UPDATE}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* The one parameter of this name or end of a name. */
static const char *parameter_path(const struct model *model, const char *end) {
    const char *found = NULL;
    size_t size = strlen(end);
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        size_t length = strlen(p->name);
        if (p->is_buffer || length < size || strcmp(p->name + length - size, end) ||
            (length > size && p->name[length - size - 1] != '.'))
            continue;
        if (found)
            return NULL;
        found = p->name;
    }
    return found;
}

int norms_value(const struct trainer *trainer, const char *name, double *value) {
    for (int k = 0; k < KINDS; k++) {
        size_t size = strlen(kinds[k].prefix);
        int count = 0;
        if (strncmp(name, kinds[k].prefix, size) || !name[size])
            continue;
        const struct module *module = module_find(model_root(trainer->model), name + size, &count);
        const char *path = count == 1 ? module->path : parameter_path(trainer->model, name + size);
        struct trainer_norms norms;
        if (!path)
            return 0;
        trainer_norms(trainer, path, kinds[k].which, &norms);
        *value = kinds[k].which == NORM_WEIGHTS    ? norms.norm
                 : kinds[k].which == NORM_GRADIENT ? norms.gradient
                                                   : norms_ratio(&norms);
        return 1;
    }
    return 0;
}

double norms_ratio(const struct trainer_norms *norms) {
    return norms->norm > 0 ? norms->update / norms->norm : norms->update;
}

/* By the shortest end of its path that no other module has. */
static void each_name(const struct trainer *trainer, const struct module *module,
                      void (*call)(void *context, const char *name), void *context) {
    struct trainer_norms norms;
    trainer_norms(trainer, module->path, 0, &norms);
    if (!norms.numbers)
        return;
    const char *end = module->path + strlen(module->path);
    int count = 0;
    while (end > module->path && count != 1) {
        for (end--; end > module->path && end[-1] != '.';)
            end--;
        module_find(model_root(trainer->model), end, &count);
    }
    for (int k = 0; *module->path && k < KINDS; k++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", kinds[k].prefix, end);
        call(context, name);
    }
    for (const struct module *child = module->first_child; child; child = child->next)
        each_name(trainer, child, call, context);
}

void trainer_norm_names(const struct trainer *trainer, void (*call)(void *context, const char *name), void *context) {
    each_name(trainer, model_root(trainer->model), call, context);
}
