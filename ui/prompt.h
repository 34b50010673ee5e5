/* A line from the terminal, by readline: history, completion, Ctrl-C that clears the line. */
#ifndef FETTLE_UI_PROMPT_H
#define FETTLE_UI_PROMPT_H

struct session;

enum prompt_result { PROMPT_LINE, PROMPT_INTERRUPTED, PROMPT_END };

/* Reads the history file ($XDG_STATE_HOME/fettle/history, ~/.local/state/fettle/history). */
void prompt_open(struct session *session);
/* *line is the caller's to free. */
enum prompt_result prompt_read(const char *prompt, char **line);
void prompt_close(void); /* writes the history; the terminal is as it was */

#endif
