/* The lines of before: the file of readline's history, and what keeps it sound. */
#ifndef FETTLE_UI_RECALL_H
#define FETTLE_UI_RECALL_H

enum { RECALL_LINE_MOST = 16384 }; /* bytes; none is longer */

/* Reads the file, $XDG_STATE_HOME/fettle/history or ~/.local/state/fettle/history. */
void recall_open(void);
void recall_close(void); /* and writes it */
/* Nothing that is empty, and nothing twice in a row. */
void recall_add(const char *line);
/* Before a line is begun: lines that were edited and not entered are what they were, as with readline's
 * revert-all-at-newline, which needs what recall_keep_sound forgets. */
void recall_revert(void);
/* After each key.  readline 8.2 shares what can be undone between the line, the history and the line that was typed
 * before one looked there, and frees it twice.  So it ends where one goes to another line, or searches: it is forgotten
 * then, and some bytes are lost.
 *
 * A search that has failed goes on in the oldest line, or the one that was typed, from a column of another one, beyond
 * the end; a line that ends within a quote is read up to two bytes beyond.  So there are zeros to be read. */
void recall_keep_sound(void);

#endif
