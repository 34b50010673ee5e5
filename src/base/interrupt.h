/* The wish that what is being done should stop.  Work that may take longer than a person waits asks for it between its
 * parts: frames, chunks, some thousand lines.  The front end says who answers (a signal came, Ctrl-C was typed);
 * without a front end, as in a program that uses the library, nothing ever stops. */
#ifndef FETTLE_BASE_INTERRUPT_H
#define FETTLE_BASE_INTERRUPT_H

#include "base/error.h"

/* asked may be called from any thread that works, often, and must be fast; NULL: nobody asks.  Set while nothing works.
 */
void interrupt_watch(int (*asked)(void *context), void *context);

/* ERROR_INTERRUPT if it should stop, else 0. */
int interrupt_check(struct error *error);

#endif
