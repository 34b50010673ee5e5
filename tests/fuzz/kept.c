#include "kept.h"

#include "common.h"
#include "train/run/point.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer.h"

enum { ANEW = 2000 }; /* what a trainer keeps of exchanged parts, until it is freed, does not add up */

static void open_run(struct kept *kept) {
    struct trainer_options options = {.threads = 1};
    struct error error = {0};
    fuzz_need(trainer_open(&kept->trainer, kept->config, &options, &error), &error);
    for (int k = 0; k < kept->batches; k++)
        fuzz_need(trainer_step(kept->trainer, &error), &error);
    fuzz_need(trainer_point_new(&kept->start, kept->trainer, &error), &error);
}

static void close_run(struct kept *kept) {
    trainer_point_free(kept->start);
    trainer_free(kept->trainer);
}

void kept_open(struct kept *kept, struct config *config, int batches) {
    *kept = (struct kept){.config = config, .batches = batches};
    open_run(kept);
}

void kept_return(struct kept *kept) {
    struct error error = {0};
    int code = point_go_to(kept->trainer, kept->start, &error);
    if (code)
        fuzz_fail("the state does not come back: %s", error.message);
    if (++kept->inputs % ANEW == 0) {
        close_run(kept);
        open_run(kept);
    }
}

void kept_train(struct kept *kept, int batches) {
    struct error error = {0};
    int code = 0;
    for (int k = 0; !code && k < batches && !trainer_done(kept->trainer); k++)
        code = trainer_step(kept->trainer, &error);
    fuzz_told(code, &error);
}
