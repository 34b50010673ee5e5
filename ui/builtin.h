/* The session that opens when none is named: the text of sessions/cuau.yaml, put here by the build. */
#ifndef FETTLE_UI_BUILTIN_H
#define FETTLE_UI_BUILTIN_H

#include <stddef.h>

extern const char builtin_session[]; /* terminated by zero */
extern const size_t builtin_session_size;

#endif
