#include "keys.h"

#include <string.h>

static const struct key keys[] = {
    {"?", "?", PRESS_HELP, NULL, "show these keys"},
    {"i", "i", PRESS_PROMPT, NULL, "back to the prompt"},
    {":", ":", PRESS_PROMPT, NULL, NULL},
    {"\r", "Enter", PRESS_PROMPT, NULL, NULL},
    {" ", "space", PRESS_PAUSE, NULL, "pause the run after its batch"},
    {"s", "s", PRESS_COMMAND, "step", "train on one batch"},
    {"n", "n", PRESS_COMMAND, "next", "to the end of the epoch"},
    {"c", "c", PRESS_COMMAND, "continue", "everything that `run` says"},
    {"u", "u", PRESS_COMMAND, "rewind", "go back by one batch"},
    {"+", "+", PRESS_COMMAND, "chart in", "chart: zoom in"},
    {"=", "=", PRESS_COMMAND, "chart in", NULL},
    {"-", "-", PRESS_COMMAND, "chart out", "chart: zoom out"},
    {"h", "h", PRESS_COMMAND, "chart left", "chart: back along the run"},
    {"\033[D", "left", PRESS_COMMAND, "chart left", NULL},
    {"\033OD", "left", PRESS_COMMAND, "chart left", NULL},
    {"l", "l", PRESS_COMMAND, "chart right", "chart: forward along the run"},
    {"\033[C", "right", PRESS_COMMAND, "chart right", NULL},
    {"\033OC", "right", PRESS_COMMAND, "chart right", NULL},
    {"a", "a", PRESS_COMMAND, "chart all", "chart: all of the run, live"},
    {"f", "f", PRESS_COMMAND, "chart freeze", "chart: keep this part"},
    {"v", "v", PRESS_COMMAND, "chart live", "chart: follow what comes"},
    {"g", "g", PRESS_COMMAND, "chart log", "chart: logarithmic axis"},
    {"G", "G", PRESS_COMMAND, "chart linear", "chart: linear axis"},
    {"<", "<", PRESS_COMMAND, "chart cursor left", "chart: the values of a step, back"},
    {">", ">", PRESS_COMMAND, "chart cursor right", "chart: the values of a step, forward"},
    {"x", "x", PRESS_COMMAND, "chart cursor off", "chart: the newest values"},
    {"1", "1", PRESS_COMMAND, "layout values", "panes: values"},
    {"2", "2", PRESS_COMMAND, "layout values layers", "panes: values, EMA, ConFIG, ..."},
    {"3", "3", PRESS_COMMAND, "layout values optimizer scheduler", "panes: values, optimizer, scheduler"},
    {"4", "4", PRESS_COMMAND, "layout tree", "panes: the model as a tree"},
    {"5", "5", PRESS_COMMAND, "layout module", "panes: the parameters, their gradients and updates"},
    {"6", "6", PRESS_COMMAND, "layout break rewind audit", "panes: stop points, kept states, changes"},
    {"\t", "Tab", PRESS_NEXT, NULL, "focus: the next pane"},
    {"\033[Z", "Shift-Tab", PRESS_PREVIOUS, NULL, "focus: the one before"},
    {"z", "z", PRESS_ZOOM, NULL, "focus: all of the screen, and back"},
    {"k", "k", PRESS_UP, NULL, "focus: up"},
    {"\033[A", "up", PRESS_UP, NULL, NULL},
    {"\033OA", "up", PRESS_UP, NULL, NULL},
    {"j", "j", PRESS_DOWN, NULL, "focus: down"},
    {"\033[B", "down", PRESS_DOWN, NULL, NULL},
    {"\033OB", "down", PRESS_DOWN, NULL, NULL},
    {"\033[5~", "PgUp", PRESS_PAGE_UP, NULL, "focus: half a page up"},
    {"\033[6~", "PgDn", PRESS_PAGE_DOWN, NULL, "focus: half a page down"},
    {"/", "/", PRESS_PROMPT, "find ", "focus: look for a text"},
    {"N", "N", PRESS_FIND_AGAIN, NULL, "focus: the next place of it"},
};

const struct key *keys_at(size_t k) {
    return k < sizeof keys / sizeof *keys ? &keys[k] : NULL;
}

const struct key *keys_find(const char *bytes, size_t count, size_t *used) {
    const struct key *key;
    for (size_t k = 0; (key = keys_at(k)); k++) {
        *used = strlen(key->bytes);
        if (*used <= count && !memcmp(bytes, key->bytes, *used))
            return key;
    }
    *used = 1;
    if (count > 2 && bytes[0] == '\033' && (bytes[1] == '[' || bytes[1] == 'O')) /* a sequence, to its last letter */
        for (*used = 3; *used < count && !(bytes[*used - 1] >= '@' && bytes[*used - 1] <= '~');)
            ++*used;
    return NULL;
}
