/* vi's motions by words, and to brackets.  readline 8.2's do not come past a character without a width of its own (a
 * combining accent, a byte that is no character), and never return; by bytes they do, and words end at the same places.
 */
#ifndef FETTLE_UI_WORDS_H
#define FETTLE_UI_WORDS_H

void words_open(void); /* behind rl_initialize: on the keys that readline or an inputrc gives them */

#endif
