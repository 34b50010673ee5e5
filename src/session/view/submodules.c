#include "session/view/submodules.h"

#include <string.h>

#include "session/session_internal.h"
#include "train/run/norms.h"

static void add_paths(const struct module *module, session_add *add, void *context) {
    if (module->path && module->path[0])
        add(context, module->path);
    for (const struct module *child = module->first_child; child; child = child->next)
        add_paths(child, add, context);
}

void modules_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    if (session->trainer)
        add_paths(model_root(trainer_model(session->trainer)), add, context);
}

int module_holds(const char *name, const char *path) {
    size_t size = strlen(path);
    return !strncmp(name, path, size) && (!size || name[size] == '.');
}

int session_find_module(struct session *session, const char *path, const struct module **out, struct error *error) {
    int count;
    *out = module_find(model_root(trainer_model(session->trainer)), path, &count);
    if (count > 1)
        return error_set(error, ERROR_NAME, "\"%s\" is the end of %d paths; one of them is %s", path, count,
                         (*out)->path);
    return *out ? 0 : session_unknown(session, modules_complete, "module", path, error);
}

static void print_parameters(struct session *session, const char *path) {
    const struct model *model = trainer_model(session->trainer);
    size_t skip = path[0] ? strlen(path) + 1 : 0;
    struct trainer_norms norms;
    int shown = 0;
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        struct text shape = {0};
        if (!module_holds(p->name, path) || p->is_buffer)
            continue;
        if (!shown++)
            session_print(session, "%-40s %-14s %8s %10s %10s %10s\n", "parameter", "shape", "dtype", "norm",
                          "gradient", "update");
        trainer_parameter(session->trainer, k, &norms);
        for (int d = 0; d < p->ndim; d++)
            text_format(&shape, "%s%d", d ? " x " : "", p->shape[d]);
        session_print(session, "%-40s %-14s %8s %10.4g %10.4g %10.2e%s\n", p->name + skip,
                      shape.data ? shape.data : "()", dtype_name(p->dtype), norms.norm, norms.gradient,
                      norms_ratio(&norms), p->frozen ? "  frozen" : "");
        text_free(&shape);
    }
    trainer_norms(session->trainer, path, NORM_ALL, &norms);
    session_print(session, "%zu parameters, norm %.4g, gradient %.4g, the last step changed %.2e of the norm\n",
                  norms.numbers, norms.norm, norms.gradient, norms_ratio(&norms));
}

int info_module(struct session *session, const char *path, struct error *error) {
    const struct module *module = model_root(trainer_model(session->trainer));
    struct text tree = {0};
    int code = path ? session_find_module(session, path, &module, error) : 0;

    if (code)
        return code;
    module_print(module, &tree);
    session_print(session, "(%s): %s\n", module->path && module->path[0] ? module->path : "model",
                  tree.data ? tree.data : "");
    text_free(&tree);
    print_parameters(session, module->path ? module->path : "");
    return 0;
}
