/* Files of predictions hold what an uninterrupted run would have written, wherever the run has gone back. */
#include "runs.h"
#include "train/run/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/run/point.h"

static const struct written {
    const char *per_epoch; /* separate_file_per_epoch */
    const char *files[3];
} cases[] = {{"false", {"dataset0.xyz", NULL}}, {"true", {"dataset0_epoch0.xyz", "dataset0_epoch2.xyz", NULL}}};

static struct trainer *start(const struct written *c, const char *folder, const char *resume) {
    static char callbacks[512];
    snprintf(callbacks, sizeof callbacks,
             "trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: %s/frames, "
             "separate_file_per_epoch: %s}]",
             folder, c->per_epoch);
    return case_open(&(struct start){
        .output = folder, .resume = resume, .overrides = {callbacks, "trainer.max_epochs=4", "run=[train,val,val]"}});
}

static void same_files(const struct written *c, const char *a, const char *b) {
    char path[2][256];
    for (int k = 0; c->files[k]; k++) {
        snprintf(path[0], sizeof path[0], "%s/frames_%s", a, c->files[k]);
        snprintf(path[1], sizeof path[1], "%s/frames_%s", b, c->files[k]);
        files_equal(path[0], path[1]);
    }
}

ParameterizedTestParameters(xyz, going_back_cuts_what_was_written_since) {
    static int all[] = {0, 1};
    return cr_make_param_array(int, all, 2);
}

ParameterizedTest(int *which, xyz, going_back_cuts_what_was_written_since) {
    const struct written *c = &cases[*which];
    struct error error = {0};
    struct trainer_point *begin, *middle;
    case_enter("ema_adam");
    struct trainer *trainer = start(c, "whole", NULL);
    case_run(trainer);
    trainer_free(trainer);

    /* by points in memory, to before the first and to between two validations */
    trainer = start(c, "parts", NULL);
    cr_assert_eq(trainer_point_new(&begin, trainer, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_point_new(&middle, trainer, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_point_return(trainer, middle, trainer_point_batch(middle), &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_point_return(trainer, begin, trainer_point_batch(middle), &error), 0, "%s", error.message);
    case_run(trainer);
    trainer_point_free(begin);
    trainer_point_free(middle);
    trainer_free(trainer);
    same_files(c, "whole", "parts");

    /* by a checkpoint, after which more was written */
    trainer = start(c, "again", NULL);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    trainer_free(trainer);
    trainer = start(c, "again", "saved.safetensors");
    case_run(trainer);
    trainer_free(trainer);
    same_files(c, "whole", "again");
}

/* Each frame has what the model predicts: without a volume a virial, and a stress of NaN. */
Test(xyz, a_frame_without_a_cell_has_a_stress_of_nan) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .output = "out",
        .overrides = {"trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: v, "
                      "extra_fields: [virial]}]",
                      "run=[val]"}});
    struct error error = {0};
    char *data;
    size_t size;
    int frames = 0;
    case_run(trainer);
    trainer_free(trainer);
    cr_assert_eq(file_read("v_dataset0.xyz", &data, &size, &error), 0, "%s", error.message);
    for (const char *line = data; (line = strstr(line, "Properties=")); line++, frames++) {
        const char *end = strchr(line, '\n'), *stress = strstr(line, " stress=\"nan nan nan nan nan nan nan nan nan\"");
        const char *virial = strstr(line, " virial=\"");
        cr_assert(stress && stress < end, "%.*s", (int)(end - line), line);
        cr_assert(virial && virial < end, "%.*s", (int)(end - line), line);
        cr_expect_neq(strtod(virial + 9, NULL), 0);
    }
    cr_expect_gt(frames, 0);
    free(data);
}
