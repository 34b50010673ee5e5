#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/transform/transforms.h"
#include "support.h"

static struct transforms *transforms_of(const char *yaml, struct error *error) {
    char text[2000];
    struct config *config;
    struct transforms *transforms;
    int size = snprintf(text, sizeof text, "transforms:\n%s", yaml);
    cr_assert_eq(config_parse(&config, "test.yaml", text, (size_t)size, error), 0, "%s", error->message);
    transforms_new(&transforms, config_get(config_root(config), "transforms"), error);
    config_free(config);
    return transforms;
}

static void apply(const char *yaml, struct frame *frame) {
    struct error error = {0};
    struct transforms *transforms = transforms_of(yaml, &error);
    cr_assert_not_null(transforms, "%s", error.message);
    cr_assert_eq(transforms_apply(transforms, frame, &error), 0, "%s", error.message);
    transforms_free(transforms);
}

static void refused(const char *yaml, const char *says) {
    struct error error = {0};
    cr_assert_null(transforms_of(yaml, &error), "%s", yaml);
    cr_assert(strstr(error.message, says), "%s", error.message);
}

#define MAPPER "- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, H, O]}\n"

static struct dataset *ethanol(void) {
    char path[512];
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    cr_assert_eq(dataset_read(dataset, data_file(path, "ethanol.xyz"), NULL, &error), 0, "%s", error.message);
    return dataset;
}

Test(transforms, types) {
    struct dataset *dataset = ethanol();
    struct frame *frame = dataset->frames[0];
    apply(MAPPER, frame);
    for (int i = 0; i < frame->atoms; i++)
        cr_assert_eq(frame->types[i], frame->numbers[i] == 6 ? 0 : frame->numbers[i] == 1 ? 1 : 2);
    apply("- _target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper\n"
          "  model_type_names: [any, heavy]\n"
          "  chemical_species_to_atom_type_map: {H: any, C: heavy, O: heavy}\n",
          frame);
    for (int i = 0; i < frame->atoms; i++)
        cr_assert_eq(frame->types[i], frame->numbers[i] != 1);
    apply("- {_target_: ChemicalSpeciesToAtomTypeMapper, chemical_symbols: [O, C, H]}\n", frame);
    for (int i = 0; i < frame->atoms; i++)
        cr_assert_eq(frame->types[i], frame->numbers[i] == 6 ? 1 : frame->numbers[i] == 1 ? 2 : 0);
    dataset_free(dataset);
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [any]}\n", "not a chemical symbol");
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, C]}\n", "twice");
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper}\n", "model_type_names");
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper, chemical_symbols: [C], model_type_names: [C]}\n",
            "older versions");
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper, chemical_symbols: [Xy]}\n", "not a chemical symbol");
    refused("- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [heavy], "
            "chemical_species_to_atom_type_map: {C: heavi}}\n",
            "did you mean \"heavy\"");
    refused(MAPPER MAPPER, "second type mapper");
}

/* Directed edges of a frame that are within cutoff[type of centre][type of neighbour]. */
static int count_edges(const struct frame *frame, const double cutoff[3][3]) {
    int count = 0;
    for (int i = 0; i < frame->atoms; i++)
        for (int j = 0; j < frame->atoms; j++) {
            double r2 = 0;
            for (int c = 0; c < 3; c++)
                r2 += pow(frame->pos[3 * i + c] - frame->pos[3 * j + c], 2);
            count += i != j && sqrt(r2) <= cutoff[frame->types[i]][frame->types[j]];
        }
    return count;
}

Test(transforms, cutoffs_by_type) {
    static const double skew[3][3] = {{4.0, 3.0, 3.5}, {2.5, 2.5, 2.5}, {3.7, 3.7, 3.7}};
    static const double even[3][3] = {{2, 4, 4}, {4, 3, 4}, {4, 4, 4}}, plain[3][3] = {{4, 4, 4}, {4, 4, 4}, {4, 4, 4}};
    struct dataset *dataset = ethanol();
    for (int k = 0; k < 5; k++) {
        struct frame *frame = dataset->frames[k];
        apply(MAPPER "- {_target_: SortedNeighborListTransform, r_max: 4.0}\n", frame);
        cr_assert_eq(2 * frame->npairs, count_edges(frame, plain));
        cr_assert_not(frame->directed);
        apply(MAPPER "- _target_: nequip.data.transforms.NeighborListTransform\n"
                     "  r_max: 4.0\n"
                     "  type_names: [C, H, O]\n"
                     "  per_edge_type_cutoff: {H: 2.5, C: {H: 3.0, C: 4.0, O: 3.5}, O: 3.7}\n",
              frame);
        cr_assert_eq(frame->npairs, count_edges(frame, skew));
        cr_assert(frame->directed);
        apply(MAPPER "- {_target_: NeighborListTransform, r_max: 4.0}\n"
                     "- {_target_: NeighborListPruneTransform, r_max: 4.0, type_names: [C, H, O], "
                     "per_edge_type_cutoff: {H: {H: 3}, C: {C: 2}}}\n",
              frame);
        cr_assert_eq(2 * frame->npairs, count_edges(frame, even));
        cr_assert_not(frame->directed);
    }
    dataset_free(dataset);
    refused("- {_target_: NeighborListTransform}\n", "r_max");
    refused("- {_target_: NeighborListTransform, r_max: -1}\n", "greater than 0");
    refused("- {_target_: NeighborListTransform, r_max: 4, type_names: [C], per_edge_type_cutoff: {C: 3}}\n",
            "must come before cutoffs");
    refused(MAPPER "- {_target_: NeighborListTransform, r_max: 4, per_edge_type_cutoff: {C: 3}}\n", "type_names");
    refused(MAPPER "- {_target_: NeighborListTransform, r_max: 4, type_names: [C, H], per_edge_type_cutoff: {C: 5}}\n",
            "between 0 and r_max");
    refused(MAPPER "- {_target_: NeighborListTransform, r_max: 4, type_names: [C, H], per_edge_type_cutoff: {c: 3}}\n",
            "did you mean \"C\"");
    refused(MAPPER
            "- {_target_: NeighborListPruneTransform, r_max: 4, type_names: [C], per_edge_type_cutoff: {C: 3}}\n",
            "NeighborListTransform must come before");
}

Test(transforms, stress) {
    static const double virial[9] = {1, 2, 3, 2, 5, 6, 3, 6, 9};
    struct frame *frame = frame_new(1);
    struct error error = {0};
    frame->cell[0] = frame->cell[4] = 2;
    frame->cell[8] = -2;
    frame->has_cell = 1;
    apply("- {_target_: AddNaNStressTransform}\n", frame);
    cr_assert(isnan(frame_field(frame, "stress")->values[8]));
    frame_set_field(frame, "virial", 0, 9, virial);
    apply("- {_target_: VirialToStressTransform}\n- {_target_: AddNaNStressTransform}\n", frame);
    for (int k = 0; k < 9; k++)
        cr_assert_eq(frame_field(frame, "stress")->values[k], -virial[k] / 8);
    apply("- {_target_: StressSignFlipTransform}\n", frame);
    cr_assert_eq(frame_field(frame, "stress")->values[4], 5.0 / 8);
    frame_remove_field(frame, "stress");
    struct transforms *flip = transforms_of("- {_target_: StressSignFlipTransform}\n", &error);
    cr_assert_eq(transforms_apply(flip, frame, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "it has virial"), "%s", error.message);
    transforms_free(flip);
    frame->has_cell = 0;
    flip = transforms_of("- {_target_: VirialToStressTransform}\n", &error);
    cr_assert_eq(transforms_apply(flip, frame, NULL), ERROR_DATA);
    transforms_free(flip);
    frame_free(frame);
}

Test(transforms, cell) {
    struct dataset *dataset = frames_of("2\n\nCu -1 2 0\nAu 3 5 0\n", NULL);
    struct frame *frame = dataset->frames[0];
    apply("- {_target_: NonPeriodicCellTransform}\n", frame); /* a cell of zeros is one */
    cr_assert(!frame->has_cell && frame->pos[0] == -1);
    apply("- {_target_: NonPeriodicCellTransform, padding: 7, override_cell: true}\n"
          "- {_target_: DatasetIndexTransform, dataset_index: 3}\n",
          frame);
    static const double cell[9] = {18, 0, 0, 0, 17, 0, 0, 0, 14}, pos[6] = {7, 7, 7, 11, 10, 7};
    cr_assert_arr_eq(frame->cell, cell, sizeof cell);
    cr_assert_arr_eq(frame->pos, pos, sizeof pos);
    cr_assert(frame->has_cell && !frame->pbc[0]);
    cr_assert_eq(frame_field(frame, "dataset")->values[0], 3);
    apply("- {_target_: NonPeriodicCellTransform}\n", frame); /* has one now */
    cr_assert_eq(frame->cell[0], 18);
    apply("- {_target_: NonPeriodicCellTransform, override_cell: true}\n", frame);
    cr_assert_eq(frame->cell[0], 24);
    frame->pbc[1] = 1;
    apply("- {_target_: NonPeriodicCellTransform, override_cell: true, padding: 1}\n", frame);
    cr_assert_eq(frame->cell[0], 24);
    dataset_free(dataset);
    refused("- {_target_: NeighborListTransform, r_max: 4}\n- {_target_: NonPeriodicCellTransform}\n",
            "before the neighbour list");
}

Test(transforms, memory) {
    struct random_stream stream;
    struct error error = {0};
    random_seed(&stream, 1);
    struct transforms *transforms = transforms_of("- {_target_: NeighborListTransform, r_max: 4}\n", &error);
    transforms_set_limit(transforms, 20000);
    int code = 0, count = 0;
    for (; count < 100 && !code; count++) {
        struct frame *frame = random_frame(&stream, 10, 5, 0, 7);
        code = transforms_apply(transforms, frame, &error);
        frame_free(frame);
    }
    cr_assert_eq(code, ERROR_MEMORY, "%s", error.message);
    cr_assert(count > 2 && count < 60, "%d", count);
    transforms_free(transforms);
}
