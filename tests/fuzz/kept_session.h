/* A session that stays open from input to input: each input finds one that is new, with the same run at its
 * beginning. */
#ifndef FETTLE_TESTS_FUZZ_SESSION_H
#define FETTLE_TESTS_FUZZ_SESSION_H

#include "session/session.h"

/* What an input may print is bounded, and so is what it may train. */
struct session *kept_session(void);
/* As it was, whatever became of it; opens another one where its run is gone. */
void kept_session_return(void);

#endif
