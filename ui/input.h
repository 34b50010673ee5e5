/* What comes from the terminal: bytes, cut into keys, mouse events and pasted text. */
#ifndef FETTLE_UI_INPUT_H
#define FETTLE_UI_INPUT_H

#include <stddef.h>

enum input_kind {
    INPUT_NOTHING, /* nothing is there, or not all of it yet */
    INPUT_TEXT,    /* for the prompt, or a key of the panes: bytes that nobody has taken */
    INPUT_ESCAPE,  /* the key itself, and taken */
    INPUT_MOUSE,   /* taken */
    INPUT_PASTE    /* a piece of what is pasted, taken: no control characters but \n */
};

struct input {
    char bytes[4096]; /* read, and not taken yet */
    size_t count;
    int pasting;
    char text[4097]; /* INPUT_PASTE */
    struct {
        int button, column, row, pressed; /* as SGR 1006 has them, from 0 */
    } mouse;
};

/* What the terminal is asked to send, after the screen has been opened, and no longer. */
void input_ask(int descriptor, int mouse);
void input_ask_no_more(int descriptor);

/* Reads what is there; 0 where the terminal is gone. */
int input_read(struct input *input);
enum input_kind input_next(struct input *input);
void input_take(struct input *input, size_t count);
/* For those who must have a byte: waits for a second, then gives up with Ctrl-G; -1 where the terminal is gone or
 * *ending() says so. */
int input_byte(struct input *input, int (*ending)(void));

#endif
