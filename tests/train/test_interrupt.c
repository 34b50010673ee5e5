/* A validation that is interrupted begins anew, as if it never had begun. */
#include <criterion/criterion.h>
#include "base/interrupt.h"
#include "runs.h"
#include "train/run/trainer.h"

static int countdown(void *context) {
    long *left = context;
    return --*left < 0;
}

static struct trainer *open_writing(const char *output, const char *predictions) {
    char place[64];
    snprintf(place, sizeof place, "+trainer.callbacks.2.out_file=%s", predictions);
    return case_open(&(struct start){
        .output = output,
        .overrides = {"trainer.max_epochs=3", "~trainer.callbacks.2.interval", "~trainer.callbacks.2.frequency",
                      "trainer.callbacks.2._target_=nequip.train.callbacks.ValTimeXYZFileWriter", place}});
}

Test(interrupt, a_validation_begins_anew) {
    case_enter("loss_schedule");
    struct trainer *trainer = open_writing("whole", "whole");
    case_run(trainer);
    trainer_free(trainer);
    trainer = open_writing("parts", "parts");
    long left, stops = 0;
    interrupt_watch(countdown, &left);
    for (long n = 0; !trainer_done(trainer); n++) {
        struct error error = {0};
        left = n;
        int code = trainer_run(trainer, NULL, &error);
        stops += code == ERROR_INTERRUPT;
        cr_assert(!code || code == ERROR_INTERRUPT, "%s", error.message);
        if (code) { /* the state may be written here, and gone on from */
            memset(&error, 0, sizeof error);
            cr_assert_eq(trainer_save(trainer, "here.safetensors", &error), 0, "%s", error.message);
        }
    }
    interrupt_watch(NULL, NULL);
    trainer_free(trainer);
    cr_expect_gt(stops, 3);
    files_equal("whole/metrics.csv", "parts/metrics.csv");
    files_equal("whole_dataset0.xyz", "parts_dataset0.xyz");
}
