/* What comes from the terminal: bytes, cut into keys, mouse events and pasted text. */
#ifndef FETTLE_UI_INPUT_H
#define FETTLE_UI_INPUT_H

#include <stddef.h>

enum input_kind {
    INPUT_NOTHING,   /* nothing is there, or not all of it yet */
    INPUT_TEXT,      /* for the prompt, or a key of the panes: bytes that nobody has taken */
    INPUT_ESCAPE,    /* the key itself, and taken */
    INPUT_MOUSE,     /* taken */
    INPUT_INTERRUPT, /* Ctrl-C, taken: it has its place among the keys where the terminal makes no signal of it */
    INPUT_STOP,      /* Ctrl-Z, taken */
    INPUT_PASTE      /* a piece of what is pasted, taken: no control characters but \n, and that at its end */
};

struct input {
    unsigned char interrupt, stop, ignored; /* keys that are signals elsewhere, of Ctrl-C, Ctrl-Z, SIGQUIT; 0: none */
    char bytes[4096];                       /* read, and not taken yet */
    size_t count;
    size_t at_once; /* bytes to be read, for those who leave the rest to others; 0: all that is there */
    int pasting;
    double pasted;   /* when the last of it came */
    char text[4097]; /* INPUT_PASTE */
    char last;       /* byte that was taken by input_byte, or pasted */
    struct {
        int button, column, row, pressed; /* as SGR 1006 has them, from 0 */
    } mouse;
};

/* What the terminal is asked to send, after the screen has been opened, and no longer. */
void input_ask(int descriptor, int mouse);
void input_ask_no_more(int descriptor);
extern const char input_no_more[];             /* what that writes */
void input_ask_pastes(int descriptor, int on); /* and nothing else */

/* Reads what is there; 0 where the terminal is gone. */
int input_read(struct input *input);
enum input_kind input_next(struct input *input);
void input_take(struct input *input, size_t count);
/* INPUT_TEXT: the bytes before the next key that is a signal elsewhere. */
size_t input_text_size(const struct input *input);
/* A paste begins, or goes on after one has not read for a while; or it has no end. */
void input_begin_paste(struct input *input);
void input_end_paste(struct input *input);
/* For those who must have a byte: Ctrl-G where none comes as the bytes of a key do, or one that is a signal elsewhere;
 * -1 where the terminal is gone. */
int input_byte(struct input *input);
/* Whether the rest of a key is there, behind the Esc that input_byte has given. */
int input_goes_on(const struct input *input);

#endif
