#include <stdio.h>
#include "base/text.h"
#include "console.h"
#include "model/api.h"
#include "model/builder/builder.h"
#include "verb.h"

static const struct argument options[] = {
    {"model", 'm', "M", "a model YAML, a whole training config or a checkpoint"},
    {"builders", 0, NULL, "list the model builders with their arguments and defaults"},
};
enum { MODEL, BUILDERS, OPTIONS };

static int run(const struct arguments *arguments, struct error *error) {
    struct fettle_error cause = {0};
    struct fettle_model *handle = NULL;
    struct text tree = {0};
    int code = 0;

    if ((arguments->value[MODEL] != NULL) == (arguments->value[BUILDERS] != NULL))
        return error_set(error, ERROR_USAGE, "say either --model M or --builders");
    if (arguments->value[BUILDERS]) {
        builders_print(&tree);
    } else {
        if ((code = verb_check_config(arguments->value[MODEL], error)))
            goto out;
        if (fettle_open(&handle, arguments->value[MODEL], NULL, &cause)) {
            code = fettle_error_import(error, &cause);
            goto out;
        }
        model_print(fettle_inner(handle), &tree);
        if (tree.size && tree.data[tree.size - 1] != '\n')
            text_add(&tree, "\n");
    }
    if (tree.failed)
        code = error_memory(error);
    else
        console_write(stdout, "%s", tree.data ? tree.data : "");
out:
    text_free(&tree);
    fettle_free(handle);
    return code;
}

const struct verb verb_show = {
    .name = "show",
    .usage = "--model M | --builders",
    .summary = "print a model as a tree of modules, or what models can be built",
    .options = options,
    .noptions = OPTIONS,
    .low = 0,
    .high = 0,
    .run = run,
};
