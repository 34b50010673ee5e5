/* The registry of builders, and what it says of itself. */
#include "model/builder.h"
#include "model/pair_potential.h"

static const struct builder *const builders[] = {&nequip_gnn_builder, &preset_builder, &full_builder, &zbl_builder,
                                                 &checkpoint_builder};

enum { COUNT = sizeof builders / sizeof *builders };

int builder_find(const struct builder **out, const struct config_node *args, struct error *error) {
    struct option_target targets[COUNT];
    size_t which;
    for (int k = 0; k < COUNT; k++)
        targets[k] = (struct option_target){builders[k]->target, builders[k]->alias};
    int code = options_target(args, "model builder", targets, COUNT, &which, error);
    if (!code)
        *out = builders[which];
    return code;
}

static const char *type_text(const struct option *option) {
    switch (option->type) {
    case OPTION_BOOL:
        return "bool";
    case OPTION_INT:
        return "int";
    case OPTION_FLOAT:
        return "float";
    case OPTION_STRING:
        return "str";
    case OPTION_INT_LIST:
        return "int or list of int";
    case OPTION_FLOAT_LIST:
        return "float or list of float";
    case OPTION_STRING_LIST:
        return "list of str";
    case OPTION_NODE:
        return "any";
    }
    return "any";
}

static void print_options(struct text *out, const struct option *options, size_t count) {
    for (size_t k = 0; k < count; k++) {
        const struct option *option = &options[k];
        text_format(out, "    %s: %s", option->name, type_text(option));
        if (option->flags & OPTION_REQUIRED)
            text_add(out, ", required");
        else
            text_format(out, " = %s", option->fallback ? option->fallback : "null");
        text_add(out, "\n");
        if (option->choices)
            text_format(out, "        one of %s\n", option->choices);
        text_format(out, "        %s\n", option->help);
    }
}

void builders_print(struct text *out) {
    text_add(out,
             "Model builders. Each also takes seed: int, model_dtype: float32 or float64, type_names: list of str\n"
             "(all three required, except for ModelFromCheckpoint) and compile_mode, which has no meaning here.\n");
    for (int k = 0; k < COUNT; k++) {
        text_format(out, "\n%s (_target_: %s, or %s)\n  %s\n", builders[k]->name, builders[k]->target,
                    builders[k]->alias, builders[k]->help);
        print_options(out, builders[k]->options, builders[k]->noptions);
    }
    text_add(out, "\nPair potentials, for the argument pair_potential.\n");
    for (size_t k = 0; k < pair_potential_count; k++) {
        const struct pair_potential *p = &pair_potentials[k];
        text_format(out, "\n%s (_target_: %s, or %s)\n  %s\n", p->name, p->target, p->alias, p->help);
        print_options(out, p->options, p->noptions);
    }
}
