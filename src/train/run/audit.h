/* Changes that were made, and those that are to be made again. */
#ifndef FETTLE_TRAIN_RUN_AUDIT_H
#define FETTLE_TRAIN_RUN_AUDIT_H

#include <stddef.h>
#include "base/error.h"

struct trainer;

struct variable;

/* Changes that were made, and those that are to be made again. */
struct run_audit {
    struct variable *text;    /* of the audit log, and a terminating zero */
    char *replay, *replay_at; /* an audit log to make again, and its first line that is still to come */
};

int audit_add(struct trainer *trainer, int count, const char *const *words, struct error *error);
int audit_write(struct trainer *trainer, struct error *error); /* audit.log in the folder of the run */
int audit_replay_open(struct trainer *trainer, const char *path, struct error *error);
/* The changes of a log from `from` bytes on are still to come. */
int audit_replay_text(struct trainer *trainer, const char *log, size_t from, struct error *error);
/* Makes the changes whose place this is; called between batches. */
int audit_replay(struct trainer *trainer, struct error *error);
/* Whether bytes that were read are a log: lines that begin with a place, and a terminating zero; or nothing. */
int audit_check(const char *log, size_t size, struct error *error);
/* Calls with the words of each line of an audit log. */
int audit_each(const char *log, int (*call)(void *context, int count, const char *const *words, struct error *error),
               void *context, struct error *error);

#endif
