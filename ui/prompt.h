/* A line from the terminal, by readline: history, completion, Ctrl-C that clears the line. */
#ifndef FETTLE_UI_PROMPT_H
#define FETTLE_UI_PROMPT_H

struct session;

enum prompt_result { PROMPT_LINE, PROMPT_INTERRUPTED, PROMPT_END };

/* Reads the history file ($XDG_STATE_HOME/fettle/history, ~/.local/state/fettle/history). */
void prompt_open(struct session *session);
/* *line is the caller's to free. */
enum prompt_result prompt_read(const char *prompt, char **line);
/* The same without a session, for those who call readline themselves: words are completed by a function like
 * session_complete. */
typedef int prompt_complete(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                            void *context);
void prompt_open_with(prompt_complete *complete);
/* Whether a byte, the beginning of a key of several, is to end a search before it is handed to readline: that would
 * read the rest of it in the middle of the search, and come to grief.  A newline ends one without executing what it
 * found. */
int prompt_ends_search(int byte);
void prompt_end_search(void);  /* with what it has found in the line */
void prompt_clear(void);       /* the line is empty, whatever was going on */
void prompt_forget_undo(void); /* due in whoever takes a line from readline */
int prompt_held(void);         /* for functions that hand bytes to readline: one that goes before all others; 0: none */
void prompt_remember(const char *line); /* in the history */
void prompt_close(void);                /* writes the history; the terminal is as it was */

#endif
