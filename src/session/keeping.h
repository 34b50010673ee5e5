/* What has been trained is kept. */
#ifndef FETTLE_SESSION_KEEPING_H
#define FETTLE_SESSION_KEEPING_H

#include "base/error.h"
#include "base/text.h"

struct session;

/* A run that has trained since then is saved as last.safetensors in its folder, and a batch under way is given up. path
 * is added to: where that file is, if there is one. */
int session_keep_run(struct session *session, struct text *path, struct error *error);

#endif
