#include "kept_session.h"

#include <string.h>
#include "common.h"
#include "session/session_internal.h"
#include "train/run/point.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer.h"

enum { ANEW = 2000, MOST_BATCHES = 6 }; /* files of a run that grow do not fill the memory */

static struct {
    struct session *session;
    struct trainer *trainer; /* the session's, when it was opened */
    struct trainer_point *start;
    long inputs, batches;
} kept;

static void tell(void *context, struct event *event) {
    (void)context;
    if (event->kind == TOLD_TEXT && !event->text)
        fuzz_fail("nothing is told");
    event_free(event);
}

static int interrupted(void *context) {
    (void)context;
    return ++kept.batches > MOST_BATCHES;
}

static struct session *new_session(void) {
    struct session_options options = {.tell = tell, .interrupted = interrupted, .threads = 1};
    struct session *session;
    struct error error = {0};
    options.builtin = fuzz_yaml();
    fuzz_need(session_new(&session, &options, &error), &error);
    return session;
}

static void open_session(void) {
    struct error error = {0};
    kept.session = new_session();
    fuzz_need(session_execute(kept.session, "open trainer.callbacks.0.dirpath=kept", &error), &error);
    fuzz_need(session_execute(kept.session, "step 2", &error), &error);
    kept.trainer = kept.session->trainer;
    fuzz_need(trainer_point_new(&kept.start, kept.trainer, &error), &error);
}

struct session *kept_session(void) {
    kept.batches = 0;
    if (!kept.session)
        open_session();
    kept.batches = 0;
    return kept.session;
}

static void close_session(void) {
    trainer_point_free(kept.start);
    session_free(kept.session);
    kept.session = NULL;
}

/* The run goes over to a session that knows nothing yet. */
static void exchange(void) {
    struct session *old = kept.session, *session = new_session();
    struct error error = {0};
    fuzz_need(trainer_point_return(kept.trainer, kept.start, trainer_point_batch(kept.start), &error), &error);
    session->trainer = old->trainer;
    session->config = old->config;
    session->path = old->path;
    session->output = old->output;
    session->log = old->log;
    session->trainer->how.context = session;
    old->trainer = NULL;
    old->config = NULL;
    old->path = old->output = NULL;
    old->log = NULL;
    session_free(old);
    trainer_catch(session->trainer, 1);
    kept.session = session;
}

void kept_session_return(void) {
    if (kept.session->trainer != kept.trainer || ++kept.inputs % ANEW == 0)
        close_session();
    else
        exchange();
}
