#include "session/record.h"

#include <string.h>

#include "session/session_internal.h"

static const char by_batch[] = "train_loss_step/";

/* Values that expressions ask for the history of: each once, unless it is kept with what is logged. */
struct recorder {
    struct session *session;
    const char *seen[64];
    size_t nseen;
};

static void record_history(void *context, const char *name) {
    struct recorder *recorder = context;
    struct session *session = recorder->session;
    double value;
    for (size_t k = 0; k < recorder->nseen; k++)
        if (!strcmp(recorder->seen[k], name))
            return;
    if (recorder->nseen < sizeof recorder->seen / sizeof *recorder->seen)
        recorder->seen[recorder->nseen++] = name;
    if (!strcmp(name, "lr") || strchr(name, '/') || trainer_metric(session->trainer, name, &value))
        return;
    if (session_value(session, name, &value))
        series_add(&session->series, name, trainer_global_step(session->trainer), value);
}

void session_record_batch(struct session *session) {
    const struct trainer *trainer = session->trainer;
    double value;
    for (size_t k = 0; k < trainer_metrics(trainer); k++) {
        const char *name = trainer_metric_name(trainer, k);
        if (!strncmp(name, by_batch, sizeof by_batch - 1) && trainer_metric(trainer, name, &value))
            series_add(&session->series, name, trainer_global_step(trainer), value);
    }
    if (!trainer_get(trainer, "lr", &value, NULL))
        series_add(&session->series, "lr", trainer_global_step(trainer), value);
    stops_histories(&session->stops, record_history, &(struct recorder){.session = session});
}

void session_record_row(struct session *session) {
    if (!session->trainer)
        return; /* it is being opened */
    const struct trainer_row *row = trainer_row(session->trainer);
    for (size_t k = 0; k < row->count; k++)
        if (strncmp(row->names[k], by_batch, sizeof by_batch - 1))
            series_add(&session->series, row->names[k], trainer_global_step(session->trainer), row->values[k]);
}

static void series_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    for (size_t k = 0; k < session->series.count; k++)
        add(context, session->series.list[k]->name);
}

int session_find_series(struct session *session, const char *name, const struct series **out, struct error *error) {
    int found = 0;
    if ((*out = series_find(&session->series, name)))
        return 0;
    for (size_t k = 0; k < session->series.count; k++) {
        const char *full = session->series.list[k]->name, *slash = strrchr(full, '/');
        if (slash && !strcmp(slash + 1, name)) {
            *out = session->series.list[k];
            found++;
        }
    }
    if (found == 1)
        return 0;
    if (found > 1)
        return error_set(error, ERROR_NAME, "\"%s\" is the end of %d names; one of them is %s", name, found,
                         (*out)->name);
    if (!session->series.count)
        return error_set(error, ERROR_STATE, "nothing has been trained in this session, so there is no curve yet");
    return session_unknown(session, series_complete, "curve", name, error);
}
