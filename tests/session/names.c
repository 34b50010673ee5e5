/* The name that is meant, by itself or by its end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "session/names.h"

static void each(void *of, session_add *add, void *context) {
    for (const char *const *name = of; *name; name++)
        add(context, *name);
}

static int is_unlisted(void *of, const char *name) {
    (void)of;
    return !strncmp(name, "norm.", 5);
}

static const char *const values[] = {"lr", "train/forces_mae", "val/forces_mae", "val/energy_mae", NULL};
static const struct name_source source = {each, is_unlisted, (void *)values};

static void is(const char *name, const char *want) {
    struct error error = {0};
    char out[256];
    cr_assert(eq(int, names_resolve(&source, name, out, &error), 0), "%s: %s", name, error.message);
    cr_assert(eq(str, out, (char *)want));
}

static void is_none(const char *name, const char *want) {
    struct error error = {0};
    char out[256];
    cr_assert(eq(int, names_resolve(&source, name, out, &error), ERROR_NAME));
    cr_assert(eq(str, error.message, (char *)want));
    cr_assert(eq(int, names_resolve(&source, name, out, NULL), ERROR_NAME));
}

Test(names, the_full_one_or_an_end_that_no_other_has) {
    is("lr", "lr");
    is("val/forces_mae", "val/forces_mae");
    is("energy_mae", "val/energy_mae");
    is("norm.anything", "norm.anything");
}

Test(names, what_is_none_is_told_with_the_nearest) {
    is_none("forces_mae", "\"forces_mae\" is the end of 2 names; one of them is val/forces_mae");
    is_none("lrr", "no value \"lrr\"; did you mean \"lr\"?");
    is_none("enrgy_mae", "no value ends in \"enrgy_mae\"; did you mean \"energy_mae\"?");
    is_none("something else", "no value \"something else\"");
}
