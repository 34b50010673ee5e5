/* Text on the screen: cut to its room, in the styles that views use, and in colours where the terminal has them. */
#ifndef FETTLE_UI_DRAW_H
#define FETTLE_UI_DRAW_H

#include <curses.h>
#include "layout.h"
#include "lines.h"

/* Colours that people of any colour vision tell apart; none where NO_COLOR is set.  After newterm. */
void draw_open_colours(void);

/* One row, filled up with blanks.  What cannot be printed is shown as ?. */
void draw_row(int row, int column, const char *text, int width, attr_t attributes);

struct draw_pane {
    const char *title;
    const char *text; /* lines; may be NULL */
    int values;       /* they are a name and a number: names left, numbers right */
    int focused;
    const char *find; /* lines that hold it stand out; may be NULL */
    size_t scroll;    /* lines above the first one that is seen */
};

/* With a line at its left and a title; returns how many lines the text would take, long ones wrapped. */
size_t draw_pane(const struct rectangle *where, const struct draw_pane *pane);
/* Lines as they are. */
void draw_text(const struct rectangle *where, const char *text);
/* The log, wrapped, from `scroll` rows above its end. */
void draw_log(const struct rectangle *where, const struct lines *lines, size_t scroll, const char *find);

#endif
