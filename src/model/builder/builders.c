/* The registry of builders, and what it says of itself. */
#include "model/builder/builder.h"
#include "model/module/pair_potential.h"

#include <string.h>

const struct builder *const builders[] = {&nequip_gnn_builder, &preset_builder, &full_builder, &zbl_builder,
                                          &checkpoint_builder};

enum { COUNT = sizeof builders / sizeof *builders };
const size_t builder_count = COUNT;

static const struct option_absent absent[] = {
    {"allegro.", "models of Allegro are not built here, only those of NequIP (nequip.model.NequIPGNNModel and others)"},
    {"mace.", "models of MACE are not built here, only those of NequIP (nequip.model.NequIPGNNModel and others)"},
    {"nequip.model.NequIPGNNEnergyModel",
     "since NequIP 0.16 it is nequip.model.NequIPGNNModel with do_derivatives: false"},
    {"nequip.model.FullNequIPGNNEnergyModel",
     "since NequIP 0.16 it is nequip.model.FullNequIPGNNModel with do_derivatives: false"},
    {"nequip.model.ModelFromPackage", "a package of NequIP holds Python code and is not opened here: "
                                      "nequip.model.ModelFromCheckpoint takes a checkpoint"},
    {"nequip.model.modify",
     "models are not modified here: what stands under its `model` is to stand in its place. The numbers of "
     "modify_PerTypeScaleShift are per_type_energy_scales and per_type_energy_shifts there; what makes a model faster "
     "on a GPU, as enable_OpenEquivariance, changes no number"},
};

int builder_find(const struct builder **out, const struct config_node *args, struct error *error) {
    struct option_target targets[COUNT];
    size_t which;
    for (int k = 0; k < COUNT; k++)
        targets[k] = (struct option_target){builders[k]->target, builders[k]->alias};
    int code = options_absent(args, absent, sizeof absent / sizeof *absent, error);
    if (!code)
        code = options_target(args, "model builder", targets, COUNT, &which, error);
    if (!code)
        *out = builders[which];
    return code;
}

void builders_print(struct text *out) {
    text_add(out,
             "Model builders. Each also takes seed: int, model_dtype: float32 or float64, type_names: list of str\n"
             "(all three required, except for ModelFromCheckpoint) and compile_mode, which has no meaning here.\n");
    for (int k = 0; k < COUNT; k++) {
        text_format(out, "\n%s (_target_: %s, or %s)\n  %s\n", builders[k]->name, builders[k]->target,
                    builders[k]->alias, builders[k]->help);
        options_print(builders[k]->options, builders[k]->noptions, 4, out);
    }
    text_add(out, "\nPair potentials, for the argument pair_potential.\n");
    for (size_t k = 0; k < pair_potential_count; k++) {
        const struct pair_potential *p = &pair_potentials[k];
        text_format(out, "\n%s (_target_: %s, or %s)\n  %s\n", p->name, p->target, p->alias, p->help);
        options_print(p->options, p->noptions, 4, out);
    }
}
