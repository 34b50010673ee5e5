/* The groups of commands, each in a file of its own. */
#ifndef FETTLE_SESSION_GROUPS_H
#define FETTLE_SESSION_GROUPS_H

#include "session/command.h"

extern const struct command_group commands_build, commands_run, commands_stop, commands_time, commands_inspect;
extern const struct command_group commands_fork, commands_look, commands_figure, commands_view, commands_session;

#endif
