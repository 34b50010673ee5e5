/* Single keys of the panes: what each does, in one table that dispatches them and that `?` shows. */
#ifndef FETTLE_UI_KEYS_H
#define FETTLE_UI_KEYS_H

#include <stddef.h>

enum key_act { PRESS_COMMAND, PRESS_HELP, PRESS_PROMPT, PRESS_PAUSE, PRESS_UP, PRESS_DOWN };

struct key {
    const char *bytes, *name; /* as a terminal sends it, and as people call it */
    enum key_act act;
    const char *line; /* PRESS_COMMAND: the command */
    const char *help; /* NULL: as the key above it */
};

/* The key that the bytes begin with; NULL for one that means nothing.  *used bytes are its own, at least one. */
const struct key *keys_find(const char *bytes, size_t count, size_t *used);
const struct key *keys_at(size_t k); /* NULL behind the last */

#endif
