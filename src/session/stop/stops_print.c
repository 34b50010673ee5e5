#include "session/stop/stops_print.h"

#include "session/session_internal.h"

void session_print_stops(struct session *session) {
    if (!session->stops.count)
        session_print(session, "no stop points\n");
    for (size_t k = 0; k < session->stops.count; k++) {
        const struct stop *stop = &session->stops.list[k];
        session_print(session, "%3d %s%s %s\n", stop->number,
                      stop->kind == STOP_WATCH ? "watch"
                      : stop->temporary        ? "tbreak"
                                               : "break",
                      stop->enabled ? "" : " (disabled)", stops_text(stop));
        if (stop->condition)
            session_print(session, "      only if %s\n", expression_text(stop->condition));
        if (stop->hits || stop->ignore)
            session_print(session, "      %ld hits, %ld more are passed over\n", stop->hits, stop->ignore);
        for (size_t c = 0; c < stop->ncommands; c++)
            session_print(session, "      %s\n", stop->commands[c]);
    }
}

void session_show_display(struct session *session, const struct display *display) {
    char text[32];
    session_print(session, "%d: %s = %s\n", display->number, expression_text(display->expression),
                  text_double(text, expression_value(display->expression)));
}

void session_show_displays(struct session *session) {
    for (size_t k = 0; k < session->stops.ndisplays; k++)
        session_show_display(session, &session->stops.displays[k]);
}
