/* Stop points and displays, as a person sees them. */
#ifndef FETTLE_SESSION_STOPS_PRINT_H
#define FETTLE_SESSION_STOPS_PRINT_H

#include "session/stops.h"

void session_print_stops(struct session *session);
void session_show_displays(struct session *session);
void session_show_display(struct session *session, const struct display *display);

#endif
