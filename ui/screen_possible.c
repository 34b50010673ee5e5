/* What the terminal can do.  Apart from the rest of the screen: term.h makes macros of common words. */
#include "screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>
#include "base/text.h"
#include "input.h"
#include "signals.h"

int screen_possible(void) {
    const char *term = getenv("TERM");
    int status = 0;
    if (!term || !*term || !strcmp(term, "dumb") || setupterm((char *)term, STDOUT_FILENO, &status) == ERR)
        return 0;
    int possible = tigetstr("cup") != NULL && tigetstr("cup") != (char *)-1;
    del_curterm(cur_term);
    return possible;
}

void screen_note_way_back(int descriptor) {
    static const char *const names[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
    struct text all = {0};
    text_add(&all, input_no_more);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const char *code = tigetstr((char *)names[k]);
        if (code && code != (char *)-1 && !strchr(code, '$')) /* without padding */
            text_add(&all, code);
    }
    if (!all.failed)
        signals_restore_by(descriptor, all.data);
    text_free(&all);
}
