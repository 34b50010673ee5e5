/* The numbers of a session by name, for expressions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/session_internal.h"

struct scope_search {
    const char *name;
    char *out;
    int exact, ends;
};

static void look(void *context, const char *candidate) {
    struct scope_search *search = context;
    const char *slash = strrchr(candidate, '/');
    if (!strcmp(candidate, search->name)) {
        search->exact = 1;
        snprintf(search->out, 256, "%s", candidate);
    } else if (!search->exact && slash && !strcmp(slash + 1, search->name)) {
        search->ends++;
        snprintf(search->out, 256, "%s", candidate);
    }
}

static int resolve(void *context, const char *name, char *out, struct error *error) {
    struct session *session = context;
    struct scope_search search = {name, out, 0, 0};
    values_complete(session, look, &search);
    if (search.exact || search.ends == 1)
        return 0;
    double unlisted; /* norms have longer names as well */
    if (!search.ends && session->trainer && session_value(session, name, &unlisted)) {
        snprintf(out, 256, "%s", name);
        return 0;
    }
    if (!error)
        return ERROR_NAME;
    if (search.ends > 1)
        return error_set(error, ERROR_NAME, "\"%s\" is the end of %d names; one of them is %s", name, search.ends, out);
    return session_unknown(session, values_complete, "value", name, error);
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

void values_complete(struct session *session, session_add *add, void *context) {
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
