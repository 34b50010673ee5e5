/* Layers that fit together, and those that do not. */
#include "reference.h"
#include "train/run/composition.h"
#include "train/technique/technique.h"

static const struct technique other_average = {.name = "swa", .claims = CLAIM_EVALUATION};
static const struct technique stepper = {.name = "stepper", .claims = CLAIM_STEP | CLAIM_CLIP};
static const struct technique namesake = {.name = "ema"};

static int fits(const struct technique *a, const struct technique *b, const struct technique *c, struct error *error) {
    struct composition_kind kind = {{"test.Module", NULL}, "", {a, b, c}};
    return composition_fits(&kind, error);
}

Test(composition, all_declared_ones_fit) {
    for (size_t k = 0; k < composition_kind_count; k++) {
        struct error error = {0};
        cr_expect_eq(composition_fits(composition_kinds[k], &error), 0, "%s", error.message);
        for (size_t j = 0; j < k; j++)
            cr_expect_str_neq(composition_kinds[j]->target.target, composition_kinds[k]->target.target);
    }
}

Test(composition, layers_that_claim_different_things_fit) {
    struct error error = {0};
    cr_expect_eq(fits(&technique_base, &stepper, &technique_ema, &error), 0, "%s", error.message);
}

Test(composition, two_claims_name_both_layers_and_the_claim) {
    struct error error = {0};
    cr_expect_eq(fits(&technique_base, &technique_ema, &other_average, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "'ema'"), "%s", error.message);
    cr_expect(strstr(error.message, "'swa'"), "%s", error.message);
    cr_expect(strstr(error.message, claim_name(CLAIM_EVALUATION)), "%s", error.message);
}

Test(composition, names_of_state_are_unique) {
    struct error error = {0};
    cr_expect_eq(fits(&technique_base, &technique_ema, &namesake, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "twice"), "%s", error.message);
}

Test(composition, the_base_comes_first) {
    struct error error = {0};
    cr_expect_eq(fits(&technique_ema, &technique_base, NULL, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "base"), "%s", error.message);
    error = (struct error){0};
    cr_expect_eq(fits(&technique_ema, NULL, NULL, &error), ERROR_STATE);
    error = (struct error){0};
    cr_expect_eq(fits(NULL, NULL, NULL, &error), ERROR_STATE);
}
