/* The lines of the log pane: the last few thousand, wrapped to a width when they are drawn. */
#ifndef FETTLE_UI_LINES_H
#define FETTLE_UI_LINES_H

#include <stddef.h>

enum { LINES_MOST = 5000 };

struct lines {
    char *list[LINES_MOST]; /* a ring */
    size_t first, count;
    int open; /* the last one has no end yet */
};

void lines_add(struct lines *lines, const char *text); /* it holds its newlines; kept as text_add_shown has it */
void lines_free(struct lines *lines);
const char *lines_at(const struct lines *lines, size_t k); /* 0: the oldest */

/* How many bytes of a UTF-8 text fit into so many columns; *columns is what they take.  Control characters and broken
 * sequences take one column each. */
size_t text_fit(const char *text, int width, int *columns);
/* How many bytes of a text are its first row in such a width, cut between words where that is possible, 1 at least (0
 * for no text); a blank at which it is cut belongs to it. */
size_t text_row(const char *text, int width);

#endif
