/* Commands that wait for one more key, whatever it is bound to: quoted-insert and the searches for a character.  While
 * they wait, all keys lead here. */
#ifndef FETTLE_UI_AWAIT_H
#define FETTLE_UI_AWAIT_H

int await_goes_on(void);
void await_give_up(void);
void await_close(void);

/* Bound to keys. */
int await_insert(int count, int key);
int await_find(int count, int key);
int await_find_back(int count, int key);

#endif
