/* What the manual pages and the shell know of the program, written from its own tables. */
#ifndef FETTLE_UI_PAGES_H
#define FETTLE_UI_PAGES_H

#include <stddef.h>

struct argument;
struct verb;

struct command_line_tables {
    const struct verb *const *verbs;
    int nverbs;
    const struct argument *options; /* without a verb */
    size_t noptions;
};

/* Prints "commands" (the page fettle-commands(7)), "options" (a part of fettle(1), in its macros) or "completion" (for
 * bash) on standard output; -1: there is no page of this name. */
int pages_print(const char *name, const struct command_line_tables *tables);

#endif
