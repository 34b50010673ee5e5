/* Inside of the screen: for the files that make it up. */
#ifndef FETTLE_UI_SCREEN_INTERNAL_H
#define FETTLE_UI_SCREEN_INTERNAL_H

#include <curses.h>
#include <stdio.h>
#include "input.h"
#include "layout.h"
#include "lines.h"
#include "session/worker.h"

#define SCREEN_PROMPT "(fettle) "

enum { PLACES = PLACE_PANE + PANES_MOST };

/* readline's callbacks carry no context: there is one screen. */
extern struct screen {
    struct worker *worker;
    struct pane_layout layout;
    struct layout_wish wish;
    struct lines lines;
    struct view view;
    struct pane_names panes; /* the view may still be of others */
    int focus, zoomed;       /* a place; whether it has the screen for itself */
    size_t scroll[PLACES];   /* rows of the log above its end; lines above the first one of a pane */
    size_t lines_of[PLACES]; /* that a pane took when it was drawn */
    char find[128];          /* what is looked for in the focus */
    int wants_drawing, prompt_moved, finished;
    int in_panes; /* keys are single ones, not text */
    int mouse;
    struct input input;
    SCREEN *screen;
    FILE *terminal;
    int pipe[2]; /* what anything writes to stdout or stderr */
} ui;

/* screen_draw.c */
void screen_draw(void);
void screen_draw_prompt(void);
/* Gives all places their room anew: after a change of size, focus or panes. */
void screen_lay_out(void);
int screen_wish(void); /* what panes have to show has changed its size */
void screen_save(const char *path);
const char *screen_place_name(int place);
const struct pane *screen_pane(int k); /* what is seen of a pane; NULL: nothing yet */

/* screen_focus.c */
void screen_set_focus(int place, int zoomed);
void screen_move_focus(int by);
void screen_roll(int place, int up, size_t by);
int screen_page(int up); /* half a page of the focus, or of the log while the prompt is used */
void screen_find(const char *text);
void screen_obey(const struct event *event); /* what the session tells a screen alone */

/* screen.c */
void screen_interrupt(void); /* Ctrl-C: what is done, or typed */
void screen_stop(int all);   /* Ctrl-Z: the program, or all that the shell has started with it */

/* screen_keys.c */
void screen_say(const char *text); /* in the log */
void screen_open_prompt(void);
void screen_obey_input(void);

#endif
