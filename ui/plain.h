/* The plain prompt on the terminal: the line over as many rows as it takes, or the part of it that has room. */
#ifndef FETTLE_UI_PLAIN_H
#define FETTLE_UI_PLAIN_H

void plain_begin(void); /* the cursor stands in an empty row */
void plain_draw(void);  /* readline's prompt and line; not before plain_begin, and not after plain_end */
void plain_end(void);   /* the cursor stands below */
void plain_clear(void); /* all of the terminal */
int plain_width(void);
void plain_close(void);

#endif
