/* Curves as a person wants to see them. */
#ifndef FETTLE_SESSION_CURVE_H
#define FETTLE_SESSION_CURVE_H

#include "session/view.h"

/* Words of `plot` and `chart` from words[first] on: CURVES, log, linear, smooth S, last N, all, in, out, left, right,
 * live, freeze, cursor STEP|left|right|off.  view is changed only where all are understood. */
int curve_read(struct curve_view *view, struct session *session, const struct command_line *line, int first,
               struct error *error);
/* A line that says what they are, then height - 1 lines; nothing where there is no point or less room than 24 x 5.
 * styled: with STYLE_ bytes.  ERROR_NAME, ERROR_STATE: there is no such curve. */
int curve_draw(const struct curve_view *view, struct session *session, int width, int height, int styled,
               struct text *out, struct error *error);
void curve_tell(const struct curve_view *view, struct text *out); /* as words that `chart` takes */

#endif
