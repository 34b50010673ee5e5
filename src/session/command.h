/* Commands: const entries that drive parsing, help and completion.  One file per group, each listing its entries in a
 * table; command/groups.c names the tables. */
#ifndef FETTLE_SESSION_COMMAND_H
#define FETTLE_SESSION_COMMAND_H

#include <stddef.h>
#include "base/error.h"
#include "base/text.h"
#include "session/message.h"
#include "session/names.h"

enum command_flags {
    COMMAND_REPEAT = 1, /* Enter on an empty line repeats it */
    COMMAND_OPEN = 2,   /* needs an open session */
    COMMAND_LIVE = 8,   /* may be executed between two batches of a run */
    COMMAND_LOOK = 16,  /* changes nothing, and is done at once: panes may show what it prints */
    COMMAND_TAIL = 4,   /* takes the rest of the line as it stands, as one word (still within min..max) */
    COMMAND_FILES = 32  /* its words are names of files, of which none is empty; TAB offers those */
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
    session_names *complete; /* what may follow the name; NULL: nobody knows */
    const char *summary;     /* one line, for the list */
    const char *help;        /* what `help NAME` adds; may be NULL */
    int (*exec)(struct session *session, const struct command_line *line, struct error *error);
    enum pane_kind kind; /* of the pane that shows it */
    /* What a pane shows of it, where that fits itself into the pane's room; NULL: what it prints. */
    int (*draw)(struct session *session, const struct command_line *line, struct room room, struct text *out,
                struct error *error);
};

struct command_group {
    const char *name; /* "build", "run", ... as help shows it */
    const struct command *commands;
    size_t count;
    const struct command *panes; /* what only panes show, by these very names: nobody types them */
    size_t npanes;
    /* Whether a line belongs to what the group reads, before it is looked at as a command; what came of it in *code. */
    int (*on_line)(struct session *session, const char *line, int *code, struct error *error);
    /* What becomes of what the group keeps with a session; NULL: it keeps nothing. */
    void (*on_forget)(struct session *session); /* the run is closed */
    void (*on_rewind)(struct session *session); /* it has gone back to an earlier state */
};

/* command/groups.c: the one list of them */
extern const struct command_group *const command_groups[];
extern const size_t command_group_count;

session_names commands_complete;                      /* their names */
const struct command *command_pane(const char *name); /* that only panes show; NULL where it is none of them */
/* What the groups do with a line, and where a run is closed or has gone back. */
int commands_take_line(struct session *session, const char *line, int *code, struct error *error);
void commands_forget(struct session *session);
void commands_rewind(struct session *session);

/* Splits a line.  An empty line has count 0.  command_line_free is due in every case. */
int command_split(struct command_line *out, const char *line, struct error *error);
void command_line_free(struct command_line *line);

/* By name, alias or unique prefix.  The error names the candidates, or the nearest command. */
int command_find(const struct command **out, const char *name, struct error *error);
/* Whether the words after the name fit; the error shows the usage. */
int command_check(const struct command *command, const struct command_line *line, struct error *error);

/* A line, its command, and whether its words fit: the three above.  *command is NULL for an empty line.
 * command_line_free is due. */
int command_read(struct command_line *out, const struct command **command, const char *line, struct error *error);
/* Takes the word `force` from the end of a line; whether it was there. */
int command_forced(struct command_line *line);

/* An integer in low..high from a word; `what` is named in the error. */
int command_integer(const char *word, const char *what, long low, long high, long *out, struct error *error);

#endif
