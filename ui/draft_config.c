#include "draft_config.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "data/set/oddities.h"

/* Frames that neighbours are counted in; neighbours of an atom that are enough, and too few; steps of a first training.
 */
enum { SAMPLE = 50, ENOUGH = 45, FEW = 12, STEPS = 20000, ATOMS_A_BATCH = 100 };

static const char *const fields[DRAFT_LABELS] = {"total_energy", "forces", "stress", "virial"};

void draft_free(struct draft *draft) {
    text_free(&draft->keys);
}

/* ---------------------------------------------------------------- labels */

/* A key that is not read and speaks of the label, in how many frames; "" where there is none. */
static const char *find_key(const struct dataset *dataset, const char *field, char out[64], size_t *frames) {
    out[0] = 0;
    *frames = 0;
    for (size_t f = 0; f < dataset->count; f++) {
        int here = 0;
        for (const char *at = dataset->frames[f]->unused; *at;) {
            char key[64];
            size_t size = strcspn(at, " ");
            if (size < sizeof key) {
                memcpy(key, at, size);
                key[size] = 0;
                const char *meaning = oddities_meaning(key);
                if (!out[0] && meaning && !strcmp(meaning, field))
                    strcpy(out, key);
                here |= out[0] && !strcmp(key, out);
            }
            at += size + (at[size] == ' ');
        }
        if (!strcmp(field, "total_energy") && !out[0] && frame_field(dataset->frames[f], "free_energy"))
            strcpy(out, "free_energy");
        here |= !strcmp(out, "free_energy") && frame_field(dataset->frames[f], out);
        *frames += here != 0;
    }
    return out;
}

static int find_labels(struct draft *draft, const struct dataset *dataset, struct error *error) {
    char keys[DRAFT_LABELS][64] = {""};
    for (int l = 0; l < DRAFT_LABELS; l++) {
        size_t other;
        for (size_t f = 0; f < dataset->count; f++)
            draft->labelled[l] += frame_field(dataset->frames[f], fields[l]) != NULL;
        if (draft->labelled[l])
            continue;
        find_key(dataset, fields[l], keys[l], &other);
        draft->labelled[l] = other;
    }
    for (int l = 0; l < DRAFT_LABELS; l++)
        text_add_bytes(&draft->keys, keys[l], strlen(keys[l]) + 1);
    if (draft->keys.failed)
        return error_memory(error);
    for (int l = 0, at = 0; l < DRAFT_LABELS; at += (int)strlen(keys[l++]) + 1)
        draft->key[l] = keys[l][0] ? draft->keys.data + at : NULL;
    if (draft->labelled[DRAFT_STRESS] || draft->labelled[DRAFT_VIRIAL] < draft->frames ||
        draft->volumes < draft->frames) /* a virial is of use where it can be a stress */
        draft->labelled[DRAFT_VIRIAL] = 0;
    return 0;
}

static int check_labels(const struct draft *draft, const struct dataset *dataset, struct error *error) {
    for (int l = DRAFT_ENERGY; l <= DRAFT_FORCES; l++) {
        char label[320];
        size_t f = 0;
        if (draft->labelled[l] == draft->frames || (l == DRAFT_FORCES && !draft->labelled[l]))
            continue;
        while (f + 1 < draft->frames && (draft->key[l] || frame_field(dataset->frames[f], fields[l])))
            f++;
        if (!draft->labelled[l])
            return error_set(error, ERROR_DATA,
                             "%s has no energies, without which nothing can be learnt (energy=... in the lines of "
                             "comments; not read are: %s)",
                             draft->path, dataset->frames[0]->unused[0] ? dataset->frames[0]->unused : "none");
        return error_set(error, ERROR_DATA, "%zu of %zu frames have %s, and all of them or none are expected%s%s",
                         draft->labelled[l], draft->frames, l ? "forces" : "an energy",
                         draft->key[l] ? "" : "; none has ",
                         draft->key[l] ? "" : frame_label(dataset->frames[f], label, sizeof label));
    }
    return 0;
}

/* ---------------------------------------------------------------- atoms */

static void find_elements(struct draft *draft, const struct dataset *dataset) {
    int there[120] = {0};
    size_t atoms = 0, several = 0;
    for (size_t f = 0; f < dataset->count; f++) {
        const struct frame *frame = dataset->frames[f];
        for (int i = 0; i < frame->atoms; i++)
            there[frame->numbers[i]] = 1;
        atoms += frame->atoms > 1 ? (size_t)frame->atoms : 0;
        several += frame->atoms > 1;
        draft->volumes += frame_volume(frame) > 0;
    }
    draft->mean_atoms = several ? (double)atoms / (double)several : 1;
    for (int number = 1; number < 120; number++)
        if (there[number])
            draft->numbers[draft->types++] = number;
    for (int t = 0; t < draft->types; t++)
        draft->free_atoms[t] = NAN;
    for (size_t f = 0; f < dataset->count; f++) {
        const struct frame *frame = dataset->frames[f];
        const struct field *energy = frame_field(frame, "total_energy");
        for (int t = 0; frame->atoms == 1 && energy && t < draft->types; t++)
            if (draft->numbers[t] == frame->numbers[0])
                draft->free_atoms[t] = energy->values[0];
    }
}

static double length(const struct frame *frame, int p) {
    double square = 0;
    const int *s = &frame->pair_shift[3 * p];
    for (int c = 0; c < 3; c++) {
        double d = frame->pos[3 * frame->pair_j[p] + c] - frame->pos[3 * frame->pair_i[p] + c];
        d += s[0] * frame->cell[c] + s[1] * frame->cell[3 + c] + s[2] * frame->cell[6 + c];
        square += d * d;
    }
    return sqrt(square);
}

/* As far as there are neighbours enough, and no farther than costs make sense. */
static int choose_cutoff(struct draft *draft, const struct dataset *dataset, struct error *error) {
    static const double radii[] = {4, 4.5, 5, 5.5, 6};
    enum { RADII = sizeof radii / sizeof *radii, USUAL = 2 };
    double counts[RADII] = {0}, atoms = 0;
    size_t stride = dataset->count / SAMPLE + 1;
    int code = 0, chosen = USUAL;
    for (size_t f = 0; f < dataset->count && !code; f += stride) {
        struct frame *frame = frame_copy(dataset->frames[f]);
        if (!frame)
            return error_memory(error);
        if (frame->atoms > 1 && !(code = interrupt_check(error)) &&
            !(code = frame_neighbours(frame, radii[RADII - 1], 0, 0, error))) {
            atoms += frame->atoms;
            for (int p = 0; p < frame->npairs; p++) {
                double r = length(frame, p);
                for (int k = 0; k < RADII; k++)
                    counts[k] += r <= radii[k] ? 2 : 0;
            }
        }
        frame_free(frame);
    }
    if (code)
        return code;
    if (!(atoms > 0))
        return error_set(error, ERROR_DATA, "%s has frames of one atom only: there are no neighbours to learn from",
                         draft->path);
    while (chosen > 0 && counts[chosen] / atoms > ENOUGH)
        chosen--;
    while (chosen < RADII - 1 && counts[chosen] / atoms < FEW && counts[chosen + 1] > counts[chosen])
        chosen++;
    draft->r_max = radii[chosen];
    draft->neighbours = counts[chosen] / atoms;
    return 0;
}

int draft_make(struct draft *out, const struct dataset *dataset, const char *path, struct error *error) {
    *out = (struct draft){.path = path, .frames = dataset->count};
    int code;
    find_elements(out, dataset);
    if ((code = find_labels(out, dataset, error)) || (code = check_labels(out, dataset, error)) ||
        (code = choose_cutoff(out, dataset, error)))
        return code;
    out->val = out->frames < 2 ? 0 : out->frames < 20 ? 1 : out->frames / 10;
    out->train = out->frames - out->val;
    double batch = nearbyint(ATOMS_A_BATCH / out->mean_atoms);
    out->batch = batch < 1 ? 1 : batch > 16 ? 16 : (size_t)batch;
    if (out->batch > (out->train + 3) / 4) /* some steps an epoch, however few frames there are */
        out->batch = (out->train + 3) / 4;
    size_t steps = (out->train + out->batch - 1) / out->batch, epochs = STEPS / steps;
    out->epochs = epochs < 20 ? 20 : epochs > 1000 ? 1000 : epochs;
    return 0;
}

/* ---------------------------------------------------------------- writing */

/* A scalar that YAML takes for nothing but text. */
static void add_text(struct text *out, const char *value) {
    text_add(out, "'");
    for (; *value; value++) {
        text_add_bytes(out, value, 1);
        if (*value == '\'')
            text_add(out, "'");
    }
    text_add(out, "'");
}

static void add_symbol(struct text *out, int number) {
    const char *symbol = element_symbol(number);
    static const char *const words[] = {"N", "Y", "No"}; /* truth values for some readers of YAML */
    int quoted = 0;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        quoted |= !strcmp(symbol, words[k]);
    text_format(out, quoted ? "'%s'" : "%s", symbol);
}

static void write_head(const struct draft *draft, const char *remarks, struct text *out) {
    text_format(out, "# %zu frame%s of %.4g atoms, with energies%s%s%s.\n", draft->frames,
                draft->frames == 1 ? "" : "s", draft->mean_atoms, draft->labelled[DRAFT_FORCES] ? ", forces" : "",
                draft->labelled[DRAFT_STRESS] == draft->frames || draft->labelled[DRAFT_VIRIAL] ? ", stress"
                : draft->labelled[DRAFT_STRESS]                                                 ? ", stress in some"
                                                                                                : "",
                draft->key[DRAFT_ENERGY] || draft->key[DRAFT_FORCES] || draft->key[DRAFT_STRESS]
                    ? " (under names of its own, see key_mapping)"
                    : "");
    for (const char *line = remarks; line && *line;) {
        int size = (int)strcspn(line, "\n");
        text_format(out, "# %.*s\n", size, line);
        line += size + (line[size] == '\n');
    }
    text_format(out,
                "#\n# An atom has %.3g neighbours within the cutoff.  A larger one, more layers, l_max 2 and more "
                "features make a model more\n# accurate and slower.\nrun: [train]\n\ncutoff: %.1f\nspecies: [",
                draft->neighbours, draft->r_max);
    for (int t = 0; t < draft->types; t++) {
        text_add(out, t ? ", " : "");
        add_symbol(out, draft->numbers[t]);
    }
    text_add(out, "]\nmonitored: val0_epoch/weighted_sum\n\n");
}

static void write_data(const struct draft *draft, struct text *out) {
    int mapped = 0, forces = draft->labelled[DRAFT_FORCES] > 0;
    text_add(out, "data:\n  _target_: nequip.data.datamodule.ASEDataModule\n  seed: 456\n");
    if (draft->val) {
        text_add(out, "  split_dataset: {file_path: ");
        add_text(out, draft->path);
        text_format(out, ", train: %zu, val: %zu}\n", draft->train, draft->val);
    } else {
        text_add(out, "  # one frame: it validates what it trains, which says nothing of others\n  train_file_path: ");
        add_text(out, draft->path);
        text_add(out, "\n  val_file_path: ");
        add_text(out, draft->path);
        text_add(out, "\n");
    }
    for (int l = 0; l < DRAFT_LABELS; l++) {
        if (!draft->key[l] || !draft->labelled[l])
            continue;
        text_add(out, mapped++ ? ", " : "  key_mapping: {");
        add_text(out, draft->key[l]);
        text_format(out, ": %s", fields[l]);
    }
    text_add(out, mapped ? "}\n" : "");
    text_add(out, "  transforms:\n");
    if (draft->labelled[DRAFT_VIRIAL])
        text_add(out, "    - _target_: nequip.data.transforms.VirialToStressTransform\n");
    if (draft->labelled[DRAFT_STRESS] && draft->labelled[DRAFT_STRESS] < draft->frames)
        text_add(out, "    - _target_: nequip.data.transforms.AddNaNStressTransform\n");
    text_format(out,
                "    - _target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper\n"
                "      model_type_names: ${species}\n"
                "    - _target_: nequip.data.transforms.NeighborListTransform\n"
                "      r_max: ${cutoff}\n"
                "  train_dataloader: {_target_: torch.utils.data.DataLoader, batch_size: %zu, shuffle: true}\n"
                "  val_dataloader: {_target_: torch.utils.data.DataLoader, batch_size: %zu}\n"
                "  stats_manager:\n"
                "    _target_: nequip.data.%sDataStatisticsManager\n"
                "    type_names: ${species}\n\n",
                draft->batch, draft->batch, forces ? "Common" : "EnergyOnly");
}

static void write_trainer(const struct draft *draft, struct text *out) {
    text_format(out,
                "trainer:\n"
                "  _target_: lightning.Trainer\n"
                "  max_epochs: %zu\n"
                "  log_every_n_steps: 50\n"
                "  callbacks:\n"
                "    - _target_: lightning.pytorch.callbacks.ModelCheckpoint\n"
                "      monitor: ${monitored}\n"
                "      dirpath: ${hydra:runtime.output_dir}\n"
                "      filename: best\n"
                "      save_last: true\n"
                "    - _target_: lightning.pytorch.callbacks.LearningRateMonitor\n"
                "      logging_interval: epoch\n\n",
                draft->epochs);
}

static void write_module(const struct draft *draft, struct text *out) {
    int forces = draft->labelled[DRAFT_FORCES] > 0;
    int stress = forces && (draft->labelled[DRAFT_STRESS] || draft->labelled[DRAFT_VIRIAL]), known = 1;
    int some = stress && draft->labelled[DRAFT_STRESS] && draft->labelled[DRAFT_STRESS] < draft->frames;
    const char *kind = stress ? "EnergyForceStress" : forces ? "EnergyForce" : "EnergyOnly";
    const char *coefficients = stress   ? "    coeffs: {total_energy: 1.0, forces: 1.0, stress: 1.0}\n"
                               : forces ? "    coeffs: {total_energy: 1.0, forces: 1.0}\n"
                                        : ""; /* one term has none */
    const char *ignore = some ? "    ignore_nan: {stress: true}\n" : "";
    text_format(out,
                "training_module:\n"
                "  _target_: nequip.train.EMALightningModule\n"
                "  ema_decay: 0.999\n"
                "  loss:\n"
                "    _target_: nequip.train.%sLoss\n"
                "    per_atom_energy: true\n"
                "%s"
                "%s"
                "  val_metrics:\n"
                "    _target_: nequip.train.%sMetrics\n"
                "    coeffs: {per_atom_energy_mae: 1.0%s%s}\n%s"
                "  train_metrics: ${training_module.val_metrics}\n"
                "  test_metrics: ${training_module.val_metrics}\n"
                "  optimizer: {_target_: torch.optim.Adam, lr: 0.005}\n"
                "  lr_scheduler:\n"
                "    scheduler: {_target_: torch.optim.lr_scheduler.ReduceLROnPlateau, factor: 0.6, patience: 10, "
                "threshold: 0.01, min_lr: 1.0e-5}\n"
                "    monitor: ${monitored}\n"
                "    interval: epoch\n"
                "    frequency: 1\n",
                kind, coefficients, ignore, kind, forces ? ", forces_mae: 1.0" : "", stress ? ", stress_mae: 1.0" : "",
                ignore);
    text_add(out, "  model:\n"
                  "    _target_: nequip.model.NequIPGNNModel\n"
                  "    seed: 456\n"
                  "    model_dtype: float32\n"
                  "    type_names: ${species}\n"
                  "    r_max: ${cutoff}\n"
                  "    num_layers: 3\n"
                  "    l_max: 1\n"
                  "    parity: true\n"
                  "    num_features: 32\n"
                  "    radial_mlp_depth: 1\n"
                  "    radial_mlp_width: 64\n"
                  "    avg_num_neighbors: ${training_data_stats:num_neighbors_mean}\n");
    text_format(out, "    per_type_energy_scales: ${training_data_stats:%s}\n",
                forces ? "forces_rms" : "per_atom_energy_std");
    for (int t = 0; t < draft->types; t++)
        known &= isfinite(draft->free_atoms[t]);
    if (!known) {
        text_add(out, "    per_type_energy_shifts: ${training_data_stats:per_atom_energy_mean}\n");
        return;
    }
    text_add(out, "    # the energies of the free atoms, which are among the frames\n    per_type_energy_shifts: {");
    for (int t = 0; t < draft->types; t++) {
        char number[32];
        text_add(out, t ? ", " : "");
        add_symbol(out, draft->numbers[t]);
        text_format(out, ": %s", text_double(number, draft->free_atoms[t]));
    }
    text_add(out, "}\n");
}

void draft_write(const struct draft *draft, const char *remarks, struct text *out) {
    write_head(draft, remarks, out);
    write_data(draft, out);
    write_trainer(draft, out);
    write_module(draft, out);
}
