/* vi's motions by words, and to brackets.  readline 8.2's do not come past a character without a width of its own (a
 * combining accent, a byte that is no character), and never return; by bytes they do, and words end at the same places.
 */
#ifndef FETTLE_UI_WORDS_H
#define FETTLE_UI_WORDS_H

int words_next(int count, int key);
int words_end(int count, int key);
int words_previous(int count, int key);
int words_forward(int count, int key);
int words_forward_big(int count, int key);
int words_end_big(int count, int key);
int words_back(int count, int key);
int words_back_big(int count, int key);
int words_complete(int count, int key); /* of the whole word, whose end is looked for */
int words_match(int count, int key);    /* the bracket that belongs to the next one */

#endif
