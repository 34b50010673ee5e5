/* A line from the terminal, by readline: completion, history, searches, what is pasted; Ctrl-C clears the line. */
#ifndef FETTLE_UI_PROMPT_H
#define FETTLE_UI_PROMPT_H

#include "input.h"

struct session;

enum prompt_result { PROMPT_LINE, PROMPT_INTERRUPTED, PROMPT_END };

/* Line by line. */
void prompt_open(struct session *session);
/* *line is the caller's to free. */
enum prompt_result prompt_read(const char *prompt, char **line);

/* For those who read the terminal themselves, and have a place for the prompt.  readline writes nothing. */
struct prompt_options {
    /* words that may stand there, as session_complete */
    int (*complete)(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                    void *context);
    void (*take)(char *line);      /* its to free; NULL is the end of the input */
    void (*draw)(void);            /* rl_display_prompt and rl_line_buffer, with the cursor at rl_point */
    void (*say)(const char *text); /* a row of what may stand there */
    int (*width)(void);            /* of such a row */
    struct input *input;
    const char *prompt;
};
void prompt_open_with(const struct prompt_options *options); /* which is kept */
/* What input_next has told, the mouse aside: takes from the input what it needs. */
void prompt_obey(enum input_kind kind);
void prompt_bind(const char *keys, int (*command)(int count, int key)); /* as in an inputrc, in all modes of editing */
/* Whether Esc alone means something here: it ends a search, and vi's insertion. */
int prompt_wants_escape(void);
void prompt_clear(void); /* the line is empty, whatever was going on */

void prompt_close(void); /* writes the history; the terminal is as it was */

#endif
