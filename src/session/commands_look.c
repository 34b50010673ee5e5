/* Commands that look closer: at frames, at modules, at numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/module.h"
#include "session/info.h"
#include "session/session_internal.h"

/* ---------------------------------------------------------------- worst */

/* Which number frames are ordered by: the loss, or one term of it. */
static _Thread_local int by_term;

static double badness(const struct trainer_frame *frame) {
    double value = by_term < 0 ? frame->loss : frame->terms[by_term];
    return isnan(value) ? INFINITY : value; /* what is no number comes first */
}

static int compare(const void *a, const void *b) {
    double x = badness(a), y = badness(b);
    const struct trainer_frame *left = a, *right = b;
    return x < y ? 1 : x > y ? -1 : left->index < right->index ? -1 : 1;
}

static void print_frames(struct session *session, const struct trainer_frame *frames, size_t count) {
    size_t terms = trainer_terms(session->trainer);
    struct text line = {0};
    text_format(&line, "%6s %12s", "frame", "loss");
    for (size_t k = 0; k < terms; k++)
        text_format(&line, " %20.20s", trainer_term_name(session->trainer, k));
    session_print(session, "%s %11s %11s  %s\n", line.data ? line.data : "", "E meV/atom", "F meV/A", "worst atom");
    for (size_t f = 0; f < count; f++) {
        const struct trainer_frame *frame = &frames[f];
        text_clear(&line);
        text_format(&line, "%6lld %12.4g", (long long)frame->index, frame->loss);
        for (size_t k = 0; k < terms; k++)
            text_format(&line, " %20.4g", frame->terms[k]);
        text_format(&line, " %11.3f %11.3f", 1e3 * frame->energy_error, 1e3 * frame->forces_rmse);
        if (frame->worst_atom >= 0)
            text_format(&line, "  %s %d, %.1f meV/A", frame->frame->symbols[frame->worst_atom], frame->worst_atom,
                        1e3 * frame->worst_error);
        session_print(session, "%s\n", line.data ? line.data : "");
    }
    text_free(&line);
}

static int find_term(struct session *session, const char *name) {
    for (size_t k = 0; k < trainer_terms(session->trainer); k++)
        if (strcmp(trainer_term_name(session->trainer, k), name) == 0)
            return (int)k;
    return -1;
}

static void roles_and_terms_complete(struct session *session, session_add *add, void *context) {
    for (int role = 0; role < ROLE_COUNT; role++)
        add(context, data_role_name((enum data_role)role));
    for (size_t k = 0; session->trainer && k < trainer_terms(session->trainer); k++)
        add(context, trainer_term_name(session->trainer, k));
}

static int exec_worst(struct session *session, const struct command_line *line, struct error *error) {
    enum data_role role = ROLE_TRAIN;
    struct trainer_frame *frames;
    size_t count;
    long most = 10;
    int code, term = -1;

    for (int k = 1; k < line->count; k++) {
        const char *word = line->words[k];
        int found = 0;
        for (int r = 0; r < ROLE_COUNT; r++)
            if (strcmp(word, data_role_name((enum data_role)r)) == 0) {
                role = (enum data_role)r;
                found = 1;
            }
        if (!found && find_term(session, word) >= 0) {
            term = find_term(session, word);
            found = 1;
        }
        if (!found && word[strspn(word, "0123456789")])
            return session_unknown(session, roles_and_terms_complete, "data set or term of the loss", word, error);
        if (!found && (code = command_integer(word, "the number of frames", 1, 1000000, &most, error)))
            return code;
    }
    if ((code = trainer_frames(session->trainer, role, 0, &frames, &count, error)))
        return code;
    by_term = term;
    qsort(frames, count, sizeof *frames, compare);
    print_frames(session, frames, count < (size_t)most ? count : (size_t)most);
    free(frames);
    return 0;
}

/* ---------------------------------------------------------------- modules */

static int is_under(const char *name, const char *path) {
    size_t size = strlen(path);
    return !strncmp(name, path, size) && (!size || name[size] == '.');
}

static const struct module *find_module(const struct module *module, const char *path) {
    const char *own = module->path ? module->path : "", *tail = own;
    for (; tail; tail = strchr(tail, '.') ? strchr(tail, '.') + 1 : NULL)
        if (strcmp(tail, path) == 0)
            return module;
    for (const struct module *child = module->first_child; child; child = child->next) {
        const struct module *found = find_module(child, path);
        if (found)
            return found;
    }
    return NULL;
}

static void print_parameters(struct session *session, const char *path) {
    const struct model *model = trainer_model(session->trainer);
    size_t skip = path[0] ? strlen(path) + 1 : 0, numbers = 0;
    double norm = 0, gradient = 0, update = 0;
    int shown = 0;
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        struct trainer_parameter look;
        struct text shape = {0};
        if (!is_under(p->name, path) || p->is_buffer)
            continue;
        if (!shown++)
            session_print(session, "%-40s %-14s %8s %10s %10s %10s\n", "parameter", "shape", "dtype", "norm",
                          "gradient", "update");
        trainer_parameter(session->trainer, k, &look);
        for (int d = 0; d < p->ndim; d++)
            text_format(&shape, "%s%d", d ? " x " : "", p->shape[d]);
        session_print(session, "%-40s %-14s %8s %10.4g %10.4g %10.2e%s\n", p->name + skip,
                      shape.data ? shape.data : "()", dtype_name(p->dtype), look.norm, look.gradient,
                      look.norm > 0 ? look.update / look.norm : look.update, look.frozen ? "  frozen" : "");
        text_free(&shape);
        numbers += p->numel;
        norm += look.norm * look.norm;
        gradient += look.gradient * look.gradient;
        update += look.update * look.update;
    }
    session_print(session, "%zu parameters, norm %.4g, gradient %.4g, the last step changed %.2e of the norm\n",
                  numbers, sqrt(norm), sqrt(gradient), norm > 0 ? sqrt(update / norm) : sqrt(update));
}

int info_module(struct session *session, const char *path, struct error *error) {
    const struct module *root = model_root(trainer_model(session->trainer));
    const struct module *module = path ? find_module(root, path) : root;
    struct text tree = {0};

    if (!module)
        return session_unknown(session, modules_complete, "module", path, error);
    module_print(module, &tree);
    session_print(session, "(%s): %s\n", module->path && module->path[0] ? module->path : "model",
                  tree.data ? tree.data : "");
    text_free(&tree);
    print_parameters(session, module->path ? module->path : "");
    return 0;
}

static int exec_module(struct session *session, const struct command_line *line, struct error *error) {
    return info_module(session, line->count > 1 ? line->words[1] : NULL, error);
}

/* ---------------------------------------------------------------- hist */

enum { BINS = 20, BAR = 40 };

static void print_histogram(struct session *session, const double *values, size_t count) {
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    size_t bins[BINS] = {0}, most = 0, odd = 0;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(values[k])) {
            odd++;
            continue;
        }
        low = fmin(low, values[k]);
        high = fmax(high, values[k]);
        sum += values[k];
        squares += values[k] * values[k];
    }
    double n = (double)(count - odd), width = high > low ? (high - low) / BINS : 1;
    if (odd)
        session_print(session, "%zu of %zu are NaN or infinite\n", odd, count);
    if (n == 0)
        return;
    for (size_t k = 0; k < count; k++)
        if (isfinite(values[k])) {
            int bin = (int)((values[k] - low) / width);
            bins[bin < BINS ? bin : BINS - 1]++;
        }
    for (int b = 0; b < BINS; b++)
        most = bins[b] > most ? bins[b] : most;
    session_print(session, "%zu numbers from %.4g to %.4g, mean %.4g, rms %.4g\n", count, low, high, sum / n,
                  sqrt(squares / n));
    for (int b = 0; b < (high > low ? BINS : 1); b++) {
        char bar[BAR + 1];
        int length = (int)((bins[b] * BAR + most - 1) / most);
        memset(bar, '#', (size_t)length);
        bar[length] = 0;
        session_print(session, "%11.4g %8zu %s\n", low + (b + 0.5) * width, bins[b], bar);
    }
}

static int exec_hist(struct session *session, const struct command_line *line, struct error *error) {
    const struct model *model = trainer_model(session->trainer);
    const struct module *module = find_module(model_root(model), line->words[1]);
    int gradient = line->count > 2 && strcmp(line->words[2], "gradients") == 0;
    double *all = NULL;
    size_t count = 0;

    if (line->count > 2 && !gradient && strcmp(line->words[2], "weights"))
        return error_set(error, ERROR_NAME, "weights or gradients, not \"%s\"", line->words[2]);
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        int wanted = module ? is_under(p->name, module->path ? module->path : "") : !strcmp(p->name, line->words[1]);
        if (!wanted || p->is_buffer)
            continue;
        double *values, *grown;
        size_t n = trainer_values(session->trainer, k, gradient, &values);
        grown = n ? realloc(all, (count + n) * sizeof *all) : NULL;
        if (!grown) {
            free(values);
            free(all);
            return error_set(error, ERROR_MEMORY, "out of memory");
        }
        all = grown;
        memcpy(all + count, values, n * sizeof *all);
        count += n;
        free(values);
    }
    if (!module && !count)
        return session_unknown(session, modules_complete, "module or parameter", line->words[1], error);
    if (!count)
        session_print(session, "%s has no parameters\n", line->words[1]);
    else
        print_histogram(session, all, count);
    free(all);
    return 0;
}

static const struct command commands[] = {
    {"worst", NULL, "worst [N] [train|val|test] [TERM]", 0, 3, COMMAND_OPEN, COMPLETE_NONE,
     "the frames that add most to the loss, and their worst atoms",
     "    Each frame by itself, with the weights that evaluation sees; ordered by the loss or by one of its terms.",
     exec_worst},
    {"module", NULL, "module [PATH]", 0, 1, COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_MODULE,
     "a module and its parameters: norms, gradients, how far the last step went",
     "    update is the norm of the last change over the norm of the weights.", exec_module},
    {"hist", NULL, "hist PATH [weights|gradients]", 1, 2, COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_MODULE,
     "a histogram of the weights, or gradients, of a module or parameter", NULL, exec_hist},
};

const struct command_group commands_look = {"look", commands, sizeof commands / sizeof *commands};
