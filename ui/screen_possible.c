/* Apart from the rest of the screen: term.h makes macros of common words. */
#include "screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

int screen_possible(void) {
    const char *term = getenv("TERM");
    int status = 0;
    if (!term || !*term || !strcmp(term, "dumb") || setupterm((char *)term, STDOUT_FILENO, &status) == ERR)
        return 0;
    int possible = tigetstr("cup") != NULL && tigetstr("cup") != (char *)-1;
    del_curterm(cur_term);
    return possible;
}
