#include "session/scope.h"

#include <math.h>
#include <string.h>

#include "session/session_internal.h"
#include "train/run/look.h"
#include "train/run/norms.h"
#include "train/run/phases.h"
#include "train/run/point.h"

static void each(void *of, session_add *add, void *context) {
    values_complete(of, "", add, context);
}

/* Norms have longer names as well. */
static int is_unlisted(void *of, const char *name) {
    double value;
    return session_value(of, name, &value);
}

static int resolve(void *context, const char *name, char *out, struct error *error) {
    const struct name_source source = {each, is_unlisted, context};
    return names_resolve(&source, name, out, error);
}

int session_value(const struct session *session, const char *name, double *value) {
    const struct trainer *trainer = session->trainer;
    if (!trainer)
        return 0;
    if (trainer_under_way(trainer, name, value))
        return 1;
    /* what can be had now goes before what was logged of it */
    if (strchr(name, '/'))
        return trainer_metric(trainer, name, value);
    if (!strcmp(name, "epoch"))
        *value = (double)trainer_epoch_now(trainer);
    else if (!strcmp(name, "step"))
        *value = (double)trainer_global_step(trainer);
    else if (!strcmp(name, "batch"))
        *value = (double)trainer_accepted(trainer);
    else
        return trainer_get(trainer, name, value, NULL) == 0 || trainer_metric(trainer, name, value);
    return 1;
}

static double value(void *context, const char *name) {
    double out = NAN;
    return session_value(context, name, &out) ? out : NAN;
}

static const struct series *series(void *context, const char *name) {
    return series_find(&((struct session *)context)->series, name);
}

const struct expression_scope *session_scope(struct session *session) {
    session->scope = (struct expression_scope){session, resolve, value, series};
    return &session->scope;
}

void values_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    if (!session->trainer)
        return;
    trainer_columns(session->trainer, add, context);
    for (size_t k = 0; k < trainer_settings(session->trainer); k++)
        add(context, trainer_setting_name(session->trainer, k));
    trainer_norm_names(session->trainer, add, context);
    add(context, "epoch");
    add(context, "step");
    add(context, "batch");
}
