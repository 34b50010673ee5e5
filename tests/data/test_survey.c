/* What a data set is told to hold, and what is odd about it. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "data/set/survey.h"
#include "support.h"

/* A dimer, a copy of it without a label, a dimer that is shorter with an odd label, one atom alone. */
static const char text[] = "2\n"
                           "Properties=species:S:1:pos:R:3:forces:R:3 energy=-4 level=dft pbc=\"F F F\"\n"
                           "Cu 0 0 0 1 0 0\n"
                           "Au 0 0 2.5 -1 0 0\n"
                           "2\n"
                           "Properties=species:S:1:pos:R:3 level=dft pbc=\"F F F\"\n"
                           "Cu 0 0 0\n"
                           "Au 0 0 2.5\n"
                           "2\n"
                           "Properties=species:S:1:pos:R:3:forces:R:3 energy=-2 pbc=\"F F F\"\n"
                           "Cu 0 0 0 0 3 4\n"
                           "Au 0 2 0 nan 0 0\n"
                           "1\n"
                           "Properties=species:S:1:pos:R:3 pbc=\"F F F\"\n"
                           "Cu 0 0 0\n";

static const struct survey_field *field(const struct survey *survey, const char *name) {
    for (size_t k = 0; k < survey->nfields; k++)
        if (!strcmp(survey->fields[k].name, name))
            return &survey->fields[k];
    cr_assert_fail("%s is not there", name);
    return NULL;
}

static struct survey survey_of(const struct dataset *set) {
    struct error error = {0};
    struct survey survey;
    for (size_t f = 0; f < set->count; f++) {
        struct frame *frame = set->frames[f];
        for (int a = 0; a < frame->atoms; a++)
            frame->types[a] = strcmp(frame->symbols[a], "Au") == 0;
        cr_assert_eq(frame_neighbours(frame, 3, (int)f % 2, 0, &error), 0, "%s", error.message);
    }
    cr_assert_eq(survey_make(&survey, set, 2, &error), 0, "%s", error.message);
    return survey;
}

Test(survey, counts_labels_and_oddities) {
    struct dataset *set = frames_of(text, NULL);
    struct survey survey = survey_of(set);
    cr_expect_eq(survey.frames, 4);
    cr_expect_eq(survey.atoms, 7);
    cr_expect(survey.least_atoms == 1 && survey.most_atoms == 2 && survey.periodic == 0);
    cr_expect(survey.types[0] == 4 && survey.types[1] == 3);
    cr_expect_eq(survey.neighbours.count, 7);
    cr_expect(fabs(survey.neighbours.mean - 6.0 / 7) < 1e-14 && survey.neighbours.high == 1, "one pair or two edges");
    cr_expect_eq(survey.isolated, 1);
    cr_expect(fabs(survey.shortest - 2) < 1e-14 && survey.shortest_at == 2);
    cr_expect_eq(survey.shortest_i + survey.shortest_j, 1);
    cr_expect(survey.copies == 1 && survey.first_copy == 1);

    const struct survey_field *energy = field(&survey, "total_energy"), *forces = field(&survey, "forces");
    cr_expect(energy->frames == 2 && energy->values.count == 2);
    cr_expect(fabs(energy->values.mean + 1.5) < 1e-14 && fabs(energy->values.deviation - 0.5) < 1e-14, "per atom");
    cr_expect(energy->values.low == -2 && energy->values.high == -1);
    cr_expect(forces->frames == 2 && forces->values.count == 3 && forces->values.odd == 1);
    cr_expect(forces->values.high == 5 && forces->values.high_at == 2);
    cr_expect(fabs(forces->values.rms - sqrt((1 + 1 + 25) / 3.0)) < 1e-14);

    cr_assert_eq(survey.nunused, 1);
    cr_expect(strstr(survey.unused[0].text, "level") && survey.unused[0].frames == 2, "%s", survey.unused[0].text);
    survey_free(&survey);
    dataset_free(set);
}

Test(survey, frames_of_another_set) {
    struct dataset *set = frames_of(text, NULL), *other;
    struct error error = {0};
    cr_assert_eq(dataset_subset(&other, set, (const int64_t[]){1, 3}, 2, &error), 0);
    struct survey all = survey_of(set), part = survey_of(other);
    cr_expect_eq(survey_shared(&part, &all), 2);
    cr_expect_eq(survey_shared(&all, &part), 3, "the dimer is there twice");
    survey_free(&all);
    survey_free(&part);
    other->frames[0]->pos[0] += 1e-9;
    struct survey moved = survey_of(other);
    all = survey_of(set);
    cr_expect_eq(survey_shared(&moved, &all), 2, "the frames are the same ones");
    survey_free(&all);
    survey_free(&moved);
    dataset_free(other);
    dataset_free(set);
}

Test(survey, nothing_in_it) {
    struct dataset *set = dataset_new();
    struct survey survey = survey_of(set);
    cr_expect(survey.frames == 0 && survey.nfields == 0 && isinf(survey.shortest) && survey.neighbours.count == 0);
    survey_free(&survey);
    dataset_free(set);
}
