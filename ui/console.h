/* What the program says on its standard streams: results on stdout; errors, notices and progress on stderr, where a
 * progress line is wiped before anything else is written and drawn again after.  All of it goes through
 * text_add_shown: names and texts of files do not steer the terminal. */
#ifndef FETTLE_UI_CONSOLE_H
#define FETTLE_UI_CONSOLE_H

#include <stdio.h>
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

struct console {
    FILE *err;
    int live;           /* err is a terminal that can redraw a line */
    char progress[512]; /* the progress line that stands there now */
    int out_error;      /* errno of the first write on stdout that failed */
    enum log_level threshold;
    FILE *log;         /* gets what is said, too; NULL: none */
    struct text early; /* what was said before the log was opened, if `keep` */
    int keep;
    int once; /* with keep: a line of the library's log that was said already is not said again */
};

void console_init(struct console *console);
/* Sends the log of the library here. */
void console_take_log(struct console *console);
/* The progress line; "" removes it.  Does nothing unless live. */
void console_progress(struct console *console, const char *line);
/* What was said since keep was set, and what will be, goes to a file as well.  A log that cannot be written is no
 * reason to stop. */
void console_open_log(struct console *console, const char *path);
void console_close_log(struct console *console);
/* One line on err. */
void console_say(struct console *console, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "fettle: file:line:column: message". */
void console_error(struct console *console, const struct error *error);
/* On stdout, at once. */
void console_print(struct console *console, const char *text);
/* Results of verbs, on a stream that is written to otherwise as well. */
void console_write(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Flushes and closes stdout; a full disk or a closed pipe is an error, the latter without a message: who reads a pipe
 * may stop when enough was seen. */
int console_close_output(struct console *console, struct error *error);
int console_width(void); /* of the terminal on stderr, 80 where there is none */

#endif
