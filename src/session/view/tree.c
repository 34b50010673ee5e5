/* `tree`: the modules of a model with their numbers, a line each, narrow enough for a pane. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/emit/module.h"
#include "base/print.h"
#include "session/session_internal.h"
#include "session/view/submodules.h"
#include "session/view/tree.h"
#include "train/run/norms.h"

struct tree {
    struct session *session;
    const struct model *model;
    struct trainer_norms *entries; /* of the state dict: each is looked at once, however deep it lies */
    int depth;                     /* levels below a module that is shown; -1: all */
    int shown;
};

/* At most six characters: 0.512, 12.6, 3.1e-4. */
static const char *brief(char out[16], double value) {
    double size = fabs(value);
    int exponent;
    if (!isfinite(value) || value == 0) {
        print_to(out, 16, "%g", value);
    } else if (size >= 0.00995 && size < 99999) {
        print_to(out, 16, "%.*f", size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0, value);
    } else {
        exponent = (int)floor(log10(size));
        exponent += size / pow(10, exponent) >= 9.95; /* what rounds to 10.0 */
        print_to(out, 16, "%.1fe%d", value / pow(10, exponent), exponent);
    }
    return out;
}

static const char *brief_count(char out[16], size_t count) {
    if (count < 10000)
        snprintf(out, 16, "%zu", count);
    else if (count < 999500)
        print_to(out, 16, "%.0fk", 1e-3 * (double)count);
    else
        print_to(out, 16, "%.*fM", count < 9950000 ? 1 : 0, 1e-6 * (double)count);
    return out;
}

static struct trainer_norms sums_of(const struct tree *tree, const struct module *module) {
    struct trainer_norms out = {0};
    for (int k = 0; k < model_nparameters(tree->model); k++) {
        const struct parameter *p = model_parameter(tree->model, k);
        const struct trainer_norms *one = &tree->entries[k];
        if (p->is_buffer || !module_holds(p->name, module->path))
            continue;
        out.numbers += one->numbers;
        out.frozen += one->frozen;
        out.dtypes |= one->dtypes;
        out.norm = hypot(out.norm, one->norm);
        out.gradient = hypot(out.gradient, one->gradient);
        out.update = hypot(out.update, one->update);
    }
    return out;
}

/* The class and what it tells of itself, on one line. */
static void add_repr(const struct module *module, struct text *out) {
    struct text extra = {0};
    if (module->class->repr)
        module->class->repr(module, &extra);
    else if (module->class->extra_repr)
        module->class->extra_repr(module, &extra);
    if (!module->class->repr)
        text_add(out, module->class->name);
    if (extra.size && !module->class->repr)
        text_add(out, "(");
    for (const char *c = extra.data ? extra.data : ""; *c;) {
        size_t size = strcspn(c, "\n"), kept = size;
        while (kept && c[kept - 1] == ' ')
            kept--;
        text_add_bytes(out, c, kept);
        c += size;
        c += strspn(c, "\n ");
        if (*c)
            text_add(out, " ");
    }
    if (extra.size && !module->class->repr)
        text_add(out, ")");
    text_free(&extra);
}

/* Those that print themselves in their own way hide their children, which then have no parameters. */
static const struct module *first_shown(const struct module *module) {
    return module->class->repr ? NULL : module->first_child;
}

static int count_below(const struct module *module) {
    int count = 0;
    for (const struct module *child = first_shown(module); child; child = child->next)
        count += 1 + count_below(child);
    return count;
}

static void print_module(struct tree *tree, const struct module *module, const char *name, int level) {
    struct trainer_norms sums = sums_of(tree, module);
    int folded = tree->depth >= 0 && level >= tree->depth ? count_below(module) : 0;
    char numbers[4][16] = {"", "", "", ""};
    struct text line = {0};
    if (sums.numbers) {
        brief_count(numbers[0], sums.numbers);
        brief(numbers[1], sums.norm);
        brief(numbers[2], sums.gradient);
        brief(numbers[3], norms_ratio(&sums));
    }
    text_format(&line, "%5s %6s %6s %6s %*s%s", numbers[0], numbers[1], numbers[2], numbers[3], level, "", name);
    if (folded)
        text_format(&line, " +%d", folded);
    text_add(&line, " ");
    add_repr(module, &line);
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (sums.dtypes & 1u << d)
            text_format(&line, " %s", dtype_name((enum dtype)d));
    if (sums.frozen)
        text_add(&line, sums.frozen == sums.numbers ? " frozen" : " partly frozen");
    session_print(tree->session, "%s\n", line.data ? line.data : "");
    text_free(&line);
    tree->shown++;
    for (const struct module *child = first_shown(module); child && !folded; child = child->next)
        print_module(tree, child, child->name, level + 1);
}

/* A pattern matches a path, or the end of one from any dot on. */
static int matches(const char *pattern, const char *path) {
    for (; path; path = strchr(path, '.') ? strchr(path, '.') + 1 : NULL)
        if (fnmatch(pattern, path, 0) == 0)
            return 1;
    return 0;
}

/* The outermost modules that match. */
static void print_matching(struct tree *tree, const struct module *module, const char *pattern) {
    if (module->path[0] && matches(pattern, module->path)) {
        print_module(tree, module, module->path, 0);
        return;
    }
    for (const struct module *child = module->first_child; child; child = child->next)
        print_matching(tree, child, pattern);
}

int tree_print(struct session *session, const char *pattern, int depth, struct error *error) {
    const struct model *model = trainer_model(session->trainer);
    int n = model_nparameters(model), code = 0;
    struct tree tree = {session, model, calloc((size_t)n + 1, sizeof *tree.entries), depth, 0};
    struct text header = {0}, *captured = session->captured;
    if (!tree.entries)
        return error_memory(error);
    for (int k = 0; k < n; k++)
        trainer_parameter(session->trainer, k, &tree.entries[k]);
    /* nothing is printed where nothing matches */
    session->captured = &header;
    if (pattern)
        print_matching(&tree, model_root(model), pattern);
    else
        print_module(&tree, model_root(model), "model", 0);
    session->captured = captured;
    if (!tree.shown)
        code = session_unknown(session, modules_complete, "module", pattern, error);
    else
        session_print(session, "count   norm   grad update module\n%s", header.data ? header.data : "");
    text_free(&header);
    free(tree.entries);
    return code;
}
