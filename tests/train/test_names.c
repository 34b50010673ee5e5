/* Names of values are known before any data is read: those that a run then has. */
#include "runs.h"
#include "train/run/composition.h"
#include "train/run/look.h"
#include "train/run/trainer.h"

struct names {
    size_t count;
    char *list[1024];
};

static void add(void *context, const char *name) {
    struct names *names = context;
    cr_assert_lt(names->count, 1024);
    names->list[names->count++] = strdup(name);
}

static int has(const struct names *names, const char *name) {
    for (size_t k = 0; k < names->count; k++)
        if (!strcmp(names->list[k], name))
            return 1;
    return 0;
}

/* What optimizers and schedulers keep is found when they are there. */
static int is_state(const char *name) {
    return !strncmp(name, "optimizer.", 10) || !strncmp(name, "scheduler.", 10);
}

ParameterizedTestParameters(names, before_data_and_after) {
    static int cases[64];
    for (size_t k = 0; k < composition_kind_count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, composition_kind_count);
}

ParameterizedTest(int *index, names, before_data_and_after) {
    struct start start = {0};
    struct error error = {0};
    struct names early = {0}, late = {0};
    case_enter("ema_adam");
    start_add_technique(&start, (size_t)*index);
    cr_assert_eq(case_names(&start, add, &early, &error), 0, "%s", error.message);
    struct trainer *trainer = case_open(&start);
    trainer_columns(trainer, add, &late);
    for (size_t k = 0; k < trainer_settings(trainer); k++)
        add(&late, trainer_setting_name(trainer, k));
    for (size_t k = 0; k < late.count; k++)
        cr_expect(has(&early, late.list[k]) || is_state(late.list[k]), "%s is not known before", late.list[k]);
    for (size_t k = 0; k < early.count; k++)
        cr_expect(has(&late, early.list[k]), "there is no %s", early.list[k]);
    cr_expect_gt(early.count, 20);
    trainer_free(trainer);
    for (size_t k = 0; k < early.count; k++)
        free(early.list[k]);
    for (size_t k = 0; k < late.count; k++)
        free(late.list[k]);
}
