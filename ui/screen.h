/* The panes: a chart, values, the log, a status line and the prompt, while the session works on a thread of its own. */
#ifndef FETTLE_UI_SCREEN_H
#define FETTLE_UI_SCREEN_H

#include "repl.h"

/* Whether this terminal can have panes. */
int screen_possible(void);
/* For an end at once: what the end of curses writes, as far as that is a fixed text. */
void screen_note_way_back(int descriptor);
/* The exit status. */
int screen_run(const struct repl_options *options, struct console *console);

#endif
