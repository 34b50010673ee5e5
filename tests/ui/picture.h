/* What a terminal would show of the bytes that a program has written: libvterm's screen as rows of text. */
#ifndef FETTLE_TESTS_UI_PICTURE_H
#define FETTLE_TESTS_UI_PICTURE_H

#include <stddef.h>

struct picture;

enum picture_look { LOOK_BOLD = 1, LOOK_UNDERLINE = 2, LOOK_REVERSE = 4, LOOK_COLOR = 8 };

struct picture *picture_new(int rows, int columns, int utf8); /* NULL: out of memory */
void picture_free(struct picture *picture);
void picture_feed(struct picture *picture, const char *bytes, size_t size);
void picture_resize(struct picture *picture, int rows, int columns);
/* What the terminal answers to questions of the program, since the last call; at most `size` bytes. */
size_t picture_answer(struct picture *picture, char *bytes, size_t size);

int picture_rows(const struct picture *picture);
/* UTF-8 without the spaces at its end; a wide character stands once.  Valid until the next call. */
const char *picture_row(struct picture *picture, int row);
void picture_cursor(const struct picture *picture, int *row, int *column);
/* Looks that each character of the first `text` in a row has; -1 where it does not stand there. */
int picture_look(struct picture *picture, int row, const char *text);
int picture_is_colored(const struct picture *picture); /* anywhere */

#endif
