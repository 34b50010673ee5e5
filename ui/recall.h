/* The lines of before: the list that readline keeps, its file, and where one stands in it while a line is typed.
 *
 * readline itself never walks the list or searches it: it would share what can be undone between the line, the list and
 * the line that was typed before one looked there, and free it twice.  Its commands are here and in search.h, under
 * readline's names (see bind.h); what can be undone belongs to the line that is shown, and ends when another one is.
 *
 * Places: 0 is the oldest line, recall_count() the one that is being typed. */
#ifndef FETTLE_UI_RECALL_H
#define FETTLE_UI_RECALL_H

/* Reads the file, $XDG_STATE_HOME/fettle/history or ~/.local/state/fettle/history. */
void recall_open(void);
void recall_close(void); /* and writes it */
/* Nothing that is empty, and nothing twice in a row. */
void recall_add(const char *line);
/* A new line is typed: of what was edited nothing is left. */
void recall_begin(void);

int recall_count(void);
int recall_place(void);
/* As it has been edited since the line was begun.  Valid until anything is edited or added. */
const char *recall_line(int place);
void recall_keep(void);      /* what stands in the line is what its place has now */
void recall_show(int place); /* its line, with the cursor behind it */
void recall_go(int place);   /* both */

/* Bound to keys. */
int recall_previous(int count, int key);
int recall_next(int count, int key);
int recall_first(int count, int key);
int recall_last(int count, int key);
int recall_fetch(int count, int key);
int recall_operate(int count, int key);
int recall_yank_word(int count, int key);
int recall_yank_last_word(int count, int key);
int recall_yank_word_vi(int count, int key);

#endif
