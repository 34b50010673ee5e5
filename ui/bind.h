/* Commands of ours in the place of readline's: under readline's names, on every key that readline or the user's inputrc
 * gives them, now and when the inputrc is read again. */
#ifndef FETTLE_UI_BIND_H
#define FETTLE_UI_BIND_H

#include <stdio.h>
#include <readline/readline.h>

struct bind {
    const char *name; /* as readline has it; one that this readline lacks is passed over */
    rl_command_func_t *function;
};

/* The table ends with a name that is NULL.  Reads the inputrc: once, and before the first line. */
void bind_replace(const struct bind *table);
/* The keymap that a key leads to; NULL: none. */
Keymap bind_map_at(Keymap map, int key);

#endif
