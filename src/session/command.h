/* Commands: const entries that drive parsing, help and completion.  One file per group, each listing its entries in a
 * table; command_groups names the tables. */
#ifndef FETTLE_SESSION_COMMAND_H
#define FETTLE_SESSION_COMMAND_H

#include <stddef.h>
#include "base/error.h"

struct session;

enum command_flags {
    COMMAND_REPEAT = 1, /* Enter on an empty line repeats it */
    COMMAND_OPEN = 2,   /* needs an open session */
    COMMAND_LIVE = 8,   /* may be executed between two batches of a run */
    COMMAND_LOOK = 16,  /* changes nothing, and is done at once: panes may show what it prints */
    COMMAND_TAIL = 4    /* takes the rest of the line as it stands, as one word (still within min..max) */
};

/* What the words after the name may be, for completion. */
enum command_completion {
    COMPLETE_NONE,
    COMPLETE_FILE,
    COMPLETE_COMMAND,
    COMPLETE_METRIC,
    COMPLETE_STOP, /* the same, and phases */
    COMPLETE_MODULE,
    COMPLETE_SETTING,
    COMPLETE_TOPIC,
    COMPLETE_STRATEGY,
    COMPLETE_OPTIMIZER,
    COMPLETE_PHASE,
    COMPLETE_POINT,
    COMPLETE_BRANCH,
    COMPLETE_CHANGE,
    COMPLETE_BUILD
};

enum { COMMAND_MAX_WORDS = 64 };

/* A line in words.  Quotes ("..." with backslashes, '...') hold a word together; # begins a comment. */
struct command_line {
    char *memory;
    int count; /* the command's name counts */
    char *words[COMMAND_MAX_WORDS];
    const char *rest; /* what follows the name, without blanks around it */
};

struct command {
    const char *name;
    const char *aliases; /* separated by blanks; may be NULL */
    const char *usage;   /* "step [N]" */
    int min, max;        /* words after the name; max -1: any number */
    unsigned flags;
    enum command_completion completion;
    const char *summary; /* one line, for the list */
    const char *help;    /* what `help NAME` adds; may be NULL */
    int (*exec)(struct session *session, const struct command_line *line, struct error *error);
};

struct command_group {
    const char *name; /* "build", "run", ... as help shows it */
    const struct command *commands;
    size_t count;
};

extern const struct command_group *const command_groups[];
extern const size_t command_group_count;

/* The groups, each in a file of its own. */
extern const struct command_group commands_build, commands_run, commands_stop, commands_time, commands_inspect;
extern const struct command_group commands_fork, commands_look, commands_figure, commands_view, commands_session;

/* Splits a line.  An empty line has count 0.  command_line_free is due in every case. */
int command_split(struct command_line *out, const char *line, struct error *error);
void command_line_free(struct command_line *line);

/* By name, alias or unique prefix.  The error names the candidates, or the nearest command. */
int command_find(const struct command **out, const char *name, struct error *error);
/* Whether the words after the name fit; the error shows the usage. */
int command_check(const struct command *command, const struct command_line *line, struct error *error);

/* An integer in low..high from a word; `what` is named in the error. */
int command_integer(const char *word, const char *what, long low, long high, long *out, struct error *error);

#endif
