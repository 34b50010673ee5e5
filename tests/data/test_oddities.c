/* What looks like a slip is told, and nothing else. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "data/set/emt.h"
#include "data/set/generate.h"
#include "data/set/oddities.h"
#include "support.h"

static struct text heard;

static void hear(void *context, enum log_level level, const char *message) {
    (void)context;
    (void)level;
    text_format(&heard, "%s\n", message);
}

static void enter(void) {
    log_set_sink(hear, NULL);
}

static void leave(void) {
    text_free(&heard);
}

TestSuite(oddities, .init = enter, .fini = leave);

/* Frames of copper by EMT, the labels of which are multiplied. */
static struct dataset *crystals(double energy, double forces, double stress) {
    static const int copper = 29;
    struct generate_alloy alloy = {.nelements = 1, .elements = &copper, .rattle = 0.08, .repeat = {1, 1, 2}};
    struct random_stream stream;
    struct emt *emt = emt_new();
    struct dataset *dataset = dataset_new();
    struct error error = {0};
    random_seed(&stream, 3);
    for (int f = 0; f < 40; f++) {
        struct frame *frame;
        cr_assert_eq(generate_alloy(&frame, &alloy, &stream, emt, &error), 0, "%s", error.message);
        struct field *labels[] = {(struct field *)frame_field(frame, "total_energy"),
                                  (struct field *)frame_field(frame, "forces"),
                                  (struct field *)frame_field(frame, "stress")};
        const double factors[] = {energy, forces, stress};
        for (int l = 0; l < 3; l++)
            for (int k = 0; k < labels[l]->cols * (labels[l]->per_atom ? frame->atoms : 1); k++)
                labels[l]->values[k] *= factors[l];
        cr_assert_eq(dataset_add(dataset, frame, &error), 0);
    }
    emt_free(emt);
    return dataset;
}

static void told(struct dataset *dataset, const char *what) {
    struct text out = {0};
    struct error error = {0};
    cr_assert_eq(oddities_find(dataset, &out, &error), 0, "%s", error.message);
    if (what)
        cr_expect(out.data && strstr(out.data, what), "%s: %s", what, out.data ? out.data : "nothing");
    else
        cr_expect_eq(out.size, 0, "%s", out.data);
    text_free(&out);
    dataset_free(dataset);
}

Test(oddities, sound_data) {
    char path[512];
    static const char *const files[] = {"ethanol.xyz", "molecules.xyz", "alloy.xyz"};
    told(crystals(1, 1, 1), NULL);
    for (int k = 0; k < 3; k++) {
        struct dataset *dataset = dataset_new();
        cr_assert_eq(dataset_read(dataset, data_file(path, files[k]), NULL, NULL), 0);
        told(dataset, NULL);
    }
    cr_expect_eq(heard.size, 0, "%s", heard.data);
}

Test(oddities, units_and_signs) {
    told(crystals(1, 1, 1602), "looks like kbar");
    told(crystals(1, -1, 1), "sign of gradients");
    told(crystals(1, 1 / 51.422, 1), "different units");
    told(crystals(1 / 27.211, 1, 1), "different units");
    told(frames_of("3\nenergy=-76.4\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", NULL), "hartree");
    told(frames_of("3\nenergy=-47941\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", NULL), "kcal/mol");
    told(frames_of("3\nenergy=-2079\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", NULL), NULL);
    told(frames_of("1\nstress=\"1 0 0 0 1 0 0 0 1\"\nCu 0 0 0\n", NULL), "no cell with a volume");
}

/* Chains of copper: the energy of an atom, or that of all. */
static struct dataset *chains(int each) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int f = 0; f < 20; f++) {
        int atoms = 2 + f % 7;
        fprintf(out, "%d\nenergy=%.6f\n", atoms, (-3.5 + 0.001 * (f % 5)) * (each ? 1 : atoms));
        for (int i = 0; i < atoms; i++)
            fprintf(out, "Cu %d 0 %d\n", 2 * i, f);
    }
    fclose(out);
    struct dataset *dataset = frames_of(text, NULL);
    free(text);
    return dataset;
}

Test(oddities, energies_per_atom) {
    told(chains(1), "per atom");
    told(chains(0), NULL);
}

Test(oddities, names) {
    static const char *const names[][2] = {
        {"REF_energy", "total_energy"}, {"dft_forces", "forces"},       {"force", "forces"},
        {"TotEnergy", "total_energy"},  {"energy_ref", "total_energy"}, {"DFT_virial", "virial"},
        {"REF_stress", "stress"}};
    static const char *const others[] = {"kinetic_energy", "energy_error", "config_type",
                                         "force_mask",     "E_F",          "e_fermi"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        cr_expect(oddities_meaning(names[k][0]) && !strcmp(oddities_meaning(names[k][0]), names[k][1]), "%s",
                  names[k][0]);
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        cr_expect(!oddities_meaning(others[k]), "%s", others[k]);
    struct dataset *dataset =
        frames_of("1\nProperties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy=1 step=3\nCu 0 0 0 0 0 0\n", NULL);
    struct text hint = {0};
    oddities_hint(dataset->frames[0], "total_energy", &hint);
    cr_expect_str_eq(hint.data, "; REF_energy, REF_forces are not read: data.key_mapping: {REF_energy: total_energy, "
                                "REF_forces: forces} reads them");
    text_clear(&hint);
    oddities_hint(dataset->frames[0], "stress", &hint);
    cr_expect_eq(hint.size, 0);
    text_free(&hint);
    dataset_free(dataset);
}

/* Once a file, whatever the number of frames. */
Test(oddities, of_the_text) {
    static const struct {
        const char *text, *told;
    } cases[] = {{"1\nlattice=\"9 0 0 0 9 0 0 0 9\"\nCu 0 0 0\n", "lattice is no key of extended XYZ"},
                 {"1\nCELL=\"9 9 9\"\nCu 0 0 0\n", "CELL is no key"},
                 {"1\nnote=\"open energy=3\nCu 0 0 0\n", "column 6 with a quote or bracket is never closed"},
                 {"1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\nCu 0 0 0 9 1 2 3\n",
                  "the line has 8 columns, but Properties names 7: forces is read from columns 5 to 7"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char twice[400];
        text_clear(&heard);
        snprintf(twice, sizeof twice, "%s%s", cases[k].text, cases[k].text);
        dataset_free(frames_of(twice, NULL));
        const char *first = heard.data ? strstr(heard.data, cases[k].told) : NULL;
        cr_expect(first && !strchr(strchr(first, '\n') + 1, '\n'), "%s: %s", cases[k].told, heard.data);
    }
    text_clear(&heard);
    dataset_free(frames_of(
        "1\nLattice=\"9 0 0 0 9 0 0 0 9\" cell=\"9 9 9\" note=\"fine\"\nCu 0 0 0\n1\nplain\nCu 0 0 0 5\n", NULL));
    cr_expect_eq(heard.size, 0, "%s", heard.data);
}
