/* An audit log whose changes are made again. */
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "kept.h"
#include "train/run/audit.h"
#include "train/run/trainer_internal.h"

enum { BATCHES = 3 };
static struct kept kept;

void fuzz_open(void) {
    static const char *const overrides[] = {"~trainer.callbacks.0"};
    kept_open(&kept, fuzz_config(overrides, 1), 0);
}

/* As it is done for a file: its lines are looked at first. */
void fuzz_input(const uint8_t *data, size_t size) {
    struct error error = {0};
    fuzz_write("audit.log", data, size);
    free(kept.trainer->audit.replay);
    kept.trainer->audit.replay = kept.trainer->audit.replay_at = NULL;
    int code = audit_replay_open(kept.trainer, "audit.log", &error);
    fuzz_told(code, &error);
    if (!code)
        kept_train(&kept, BATCHES);
    kept_return(&kept);
}
