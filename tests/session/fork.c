/* Branches at the prompt. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session_internal.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

/* A session on a copy of the config of tests/ui, in a folder of its own. */
struct place {
    char folder[64];
    struct text printed;
    int questions, patience; /* asked so often; the answer is yes from then on */
};

static void tell(void *context, struct event *event) {
    if (event->kind == TOLD_TEXT)
        text_add(&((struct place *)context)->printed, event->text);
    event_free(event);
}

static int asked(void *context) {
    struct place *place = context;
    return ++place->questions > place->patience;
}

static struct session *opened(struct place *place) {
    struct session *session;
    struct error error = {0};
    char line[1024];
    snprintf(place->folder, sizeof place->folder, "/tmp/fettle-test-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(place->folder), NULL));
    cr_assert(eq(int, chdir(place->folder), 0));
    struct session_options options = {.tell = tell, .asked = asked, .context = place, .threads = 1};
    cr_assert(eq(int, session_new(&session, &options, &error), 0));
    snprintf(line, sizeof line,
             "open %s/../ui/config.yaml data.train_file_path=%s/../ui/water.xyz data.val_file_path=%s/../ui/water.xyz",
             TEST_DATA_DIR, TEST_DATA_DIR, TEST_DATA_DIR);
    cr_assert(eq(int, session_execute(session, line, &error), 0), "%s", error.message);
    return session;
}

static void closed(struct session *session, struct place *place) {
    char line[128];
    session_free(session);
    text_free(&place->printed);
    cr_assert(eq(int, chdir("/"), 0));
    snprintf(line, sizeof line, "rm -r %s", place->folder);
    cr_assert(eq(int, system(line), 0));
}

static int execute(struct session *session, const char *line) {
    struct error error = {0};
    return session_execute(session, line, &error);
}

static void add(void *context, const char *candidate) {
    text_format(context, "%s ", candidate);
}

/* Candidates for the end of a line, separated by blanks. */
static void completes(struct session *session, const char *line, const char *want) {
    struct text got = {0};
    const char *word = strrchr(line, ' ');
    session_complete(session, line, word ? word + 1 : line, add, &got);
    cr_assert(eq(str, got.data ? got.data : "", (char *)want), "%s", line);
    text_free(&got);
}

Test(fork, completion) {
    struct place place = {.patience = 1000000};
    struct session *session = opened(&place);
    completes(session, "for", "fork ");
    completes(session, "fork 20 ", "set strategy optimizer freeze unfreeze reinit val ");
    completes(session, "fork 20 val str", "strategy ");
    completes(session, "fork 20 val strategy ema_c", "ema_config ");
    completes(session, "fork optimizer sg", "sgd sgd_free ");
    completes(session, "fork set batch", "batch_size ");
    completes(session, "keep ", "this other neither ");
    completes(session, "diff ", "now ");
    completes(session, "stepi back", "backward ");
    cr_assert(eq(int, execute(session, "checkpoint first"), 0));
    cr_assert(eq(int, execute(session, "fork 1 set lr 0.2"), 0));
    completes(session, "diff first ", "first now this other start ");
    closed(session, &place);
}

Test(fork, called_off) {
    struct place place = {.patience = 1000000};
    struct session *session = opened(&place);
    cr_assert(eq(int, execute(session, "step"), 0));
    cr_assert(eq(int, execute(session, "fork 1 set lr 0.2"), 0));
    int all = place.questions;
    cr_assert(gt(int, all, 10));
    uint64_t before = state_hash(trainer_state(session->trainer));
    const struct trainer_branch *kept = session->fork.other;
    for (int patience = 0; patience < all; patience++) {
        place.questions = 0;
        place.patience = patience;
        cr_assert(eq(int, execute(session, "fork 1 strategy config"), ERROR_INTERRUPT));
        cr_assert(eq(u64, state_hash(trainer_state(session->trainer)), before));
        cr_assert(eq(ptr, (void *)session->fork.other, (void *)kept), "the fork before stays");
        cr_assert(ne(ptr, strstr(place.printed.data, "given up"), NULL));
        cr_assert(eq(str, (char *)trainer_audit(session->trainer), ""));
    }
    place.patience = 1000000;
    cr_assert(eq(int, execute(session, "fork 1 strategy config"), 0));
    cr_assert(eq(u64, state_hash(trainer_state(session->trainer)), before));
    cr_assert(eq(int, execute(session, "keep other"), 0));
    cr_assert(eq(str, (char *)trainer_strategy(session->trainer), "nequip.train.ConFIGLightningModule"));
    cr_assert(ne(int, execute(session, "keep this"), 0));
    closed(session, &place);
}
