/* Single keys of the panes: what each does, in one table that dispatches them and that `?` shows. */
#ifndef FETTLE_UI_KEYS_H
#define FETTLE_UI_KEYS_H

#include <stddef.h>

enum key_act {
    PRESS_COMMAND,
    PRESS_HELP,
    PRESS_PROMPT, /* with line as its beginning, where there is one */
    PRESS_PAUSE,
    PRESS_UP,
    PRESS_DOWN,
    PRESS_PAGE_UP,
    PRESS_PAGE_DOWN,
    PRESS_NEXT, /* the focus */
    PRESS_PREVIOUS,
    PRESS_ZOOM,
    PRESS_FIND_AGAIN
};

struct key {
    const char *bytes, *name; /* as a terminal sends it, and as people call it */
    enum key_act act;
    const char *line; /* PRESS_COMMAND: the command; PRESS_PROMPT */
    const char *help; /* NULL: as the key above it */
};

/* The key that the bytes begin with; NULL for one that means nothing.  *used bytes are its own, at least one. */
const struct key *keys_find(const char *bytes, size_t count, size_t *used);
const struct key *keys_at(size_t k); /* NULL behind the last */

#endif
