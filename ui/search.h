/* Searches in the lines of before, letter by letter or for what is typed first, as readline's users know them.  See
 * recall.h for why they are not readline's.
 *
 * While one goes on, the keys have other meanings: a copy of readline's keymaps leads here, so that macros, meta keys
 * and what the user has bound go the way they always go. */
#ifndef FETTLE_UI_SEARCH_H
#define FETTLE_UI_SEARCH_H

int search_goes_on(void);
void search_accept(void);  /* the line is what was found */
void search_give_up(void); /* the line is what it was */
void search_add(const char *text);
void search_close(void);

/* Bound to keys. */
int search_back(int count, int key);
int search_forward(int count, int key);
int search_whole_back(int count, int key);
int search_whole_forward(int count, int key);
int search_whole_back_again(int count, int key);
int search_whole_forward_again(int count, int key);
int search_vi(int count, int key);
int search_vi_again(int count, int key);
/* For lines that begin as the line does before the cursor, or hold that somewhere. */
int search_beginning_back(int count, int key);
int search_beginning_forward(int count, int key);
int search_part_back(int count, int key);
int search_part_forward(int count, int key);

#endif
