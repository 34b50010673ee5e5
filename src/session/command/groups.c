/* All commands there are, in the order in which `help` lists them.  The core knows them by this list alone. */
#include "session/command/groups.h"

const struct command_group *const command_groups[] = {
    &commands_build,   &commands_run,  &commands_stop,   &commands_time, &commands_fork,
    &commands_inspect, &commands_look, &commands_figure, &commands_view, &commands_session};
const size_t command_group_count = sizeof command_groups / sizeof *command_groups;
