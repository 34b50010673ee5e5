/* Commands of the session itself: help, scripts, saving, leaving. */
#include <stdio.h>
#include <string.h>
#include "session/command/groups.h"
#include "session/keeping.h"
#include "session/session_internal.h"
#include "session/setup_write.h"
#include "train/run/point.h"

/* What could not be saved is told, and said once more it is meant. */
static int exec_quit(struct session *session, const struct command_line *line, struct error *error) {
    int64_t now = session->trainer ? trainer_accepted(session->trainer) + 1 : 0;
    int force = line->count > 1 && !session_is_strange(session);
    struct text path = {0};
    int code = 0;

    if (line->count > 1 && strcmp(line->words[1], "force"))
        return error_set(error, ERROR_USAGE, "quit, or quit force, not \"%s\"", line->words[1]);
    force |= session->refused && session->refused == now;
    if (!force && (code = session_keep_run(session, &path, error))) {
        error_prefix(error, "the run is not saved (`quit` again ends without it): ");
        session->refused = now;
    }
    session->dropped = force;
    session->finished = !code;
    text_free(&path);
    return code;
}

static int exec_source(struct session *session, const struct command_line *line, struct error *error) {
    if (line->count > 2 && strcmp(line->words[2], "typed"))
        return error_set(error, ERROR_USAGE, "typed is expected behind the file, not \"%s\"", line->words[2]);
    return session_source(session, line->words[1], line->count > 2, error);
}

static void print_command(struct session *session, const struct command *command) {
    session_print(session, "%s\n    %s\n", command->usage, command->summary);
    if (command->aliases)
        session_print(session, "    also: %s\n", command->aliases);
    if (command->help)
        session_print(session, "%s\n", command->help);
}

static void print_summary(struct session *session, const struct command *command) {
    enum { COLUMN = 24 };
    int is_long = strlen(command->usage) > COLUMN;
    session_print(session, "  %-*s%s", COLUMN, command->usage, is_long ? "\n" : "");
    session_print(session, "  %*s%s\n", is_long ? COLUMN : 0, "", command->summary);
}

static int exec_help(struct session *session, const struct command_line *line, struct error *error) {
    const struct command *command = NULL;

    if (line->count > 1) {
        int code = command_find(&command, line->words[1], error);
        if (!code)
            print_command(session, command);
        return code;
    }
    for (size_t g = 0; g < command_group_count; g++) {
        session_print(session, "%s%s\n", g ? "\n" : "", command_groups[g]->name);
        for (size_t k = 0; k < command_groups[g]->count; k++)
            print_summary(session, &command_groups[g]->commands[k]);
    }
    session_print(session, "\nAny unique beginning of a name does; Enter repeats the last safe command.\n");
    return 0;
}

static int exec_apropos(struct session *session, const struct command_line *line, struct error *error) {
    int found = 0;

    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++) {
            const struct command *command = &command_groups[g]->commands[k];
            if (strcasestr(command->name, line->words[1]) || strcasestr(command->summary, line->words[1]) ||
                (command->help && strcasestr(command->help, line->words[1]))) {
                print_summary(session, command);
                found = 1;
            }
        }
    return found ? 0 : error_set(error, ERROR_NAME, "no command speaks of \"%s\"", line->words[1]);
}

static int exec_echo(struct session *session, const struct command_line *line, struct error *error) {
    (void)error;
    session_print(session, "%s\n", line->rest);
    return 0;
}

/* save FILE, save FILE.yaml [CHECKPOINT] [force] */
static int exec_save(struct session *session, const struct command_line *given, struct error *error) {
    struct command_line words = *given, *line = &words;
    int force = command_forced(line), code;
    const char *path = line->words[1], *checkpoint = line->count > 2 ? line->words[2] : NULL;

    if (line->count < 2 || line->count > 3)
        return error_set(error, ERROR_USAGE, "usage: save FILE [CHECKPOINT] [force]");
    if (checkpoint && (!config_is_named(path) || config_is_named(checkpoint)))
        return error_set(error, ERROR_USAGE, "save FILE, or save FILE.yaml CHECKPOINT: \"%s\" is %s",
                         config_is_named(path) ? checkpoint : path,
                         config_is_named(path) ? "no checkpoint" : "no config");
    if ((code = session_may_write(session, path, force, error)) ||
        (checkpoint && (code = session_may_write(session, checkpoint, force, error))))
        return code;
    code = config_is_named(path) ? setup_write(session, path, checkpoint, error)
                                 : trainer_save_as(session->trainer, path, error);
    if (!code)
        session_wrote(session, path);
    if (!code && checkpoint)
        session_wrote(session, checkpoint);
    if (!code)
        session_print(session, "saved %s%s%s\n", path, checkpoint ? " and " : "", checkpoint ? checkpoint : "");
    return code;
}

static const struct command commands[] = {
    {.name = "save",
     .usage = "save FILE [CHECKPOINT] [force]",
     .min = 1,
     .max = 3,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_FILES,
     .summary = "write a checkpoint (safetensors), or the session (.yaml)",
     .help =
         "    A checkpoint holds the weights under NequIP's names, the config and everything that `--resume` needs.\n"
         "    FILE.yaml is the config with what stands under `fettle`: panes, chart, displays, stop points.  With a\n"
         "    CHECKPOINT it is written as well, and the session goes on from it when it is opened.\n"
         "    A file that is there and that this session has not written is replaced with `force` only.",
     .exec = exec_save},
    {.name = "source",
     .aliases = ". <",
     .usage = "source FILE [typed]",
     .min = 1,
     .max = 2,
     .flags = COMMAND_FILES,
     .summary = "execute the commands of a file, until one fails",
     .help = "    typed: as if each line were typed: it is shown, and a mistake does not end the script.",
     .exec = exec_source},
    {.name = "trust",
     .usage = "trust [FOLDER]",
     .max = 1,
     .flags = COMMAND_FILES,
     .summary = "what sessions of a folder execute may write as you may; alone, list such folders",
     .help =
         "    Without it, the commands that a session file brings (its `commands`, those of its stop points) look and "
         "train,\n"
         "    and write below the folder of their run only.  ~/.config/fettle/trusted has folders that are trusted "
         "always, "
         "one\n"
         "    a line; `fettle --trust` trusts all.",
     .exec = guard_exec_trust},
    {.name = "help",
     .aliases = "? h",
     .usage = "help [COMMAND]",
     .max = 1,
     .flags = COMMAND_LIVE,
     .complete = commands_complete,
     .summary = "list the commands, or explain one",
     .exec = exec_help},
    {.name = "apropos",
     .usage = "apropos WORD",
     .min = 1,
     .max = 1,
     .flags = COMMAND_LIVE,
     .summary = "commands whose description holds a word",
     .exec = exec_apropos},
    {.name = "echo",
     .usage = "echo [TEXT]",
     .max = 1,
     .flags = COMMAND_TAIL | COMMAND_LIVE,
     .summary = "print a text",
     .exec = exec_echo},
    {.name = "quit",
     .aliases = "q exit",
     .usage = "quit [force]",
     .max = 1,
     .summary = "save what has been trained, and end the program",
     .help =
         "    The run is saved as last.safetensors in its folder, as it is at every other way out.  force: it is not.",
     .exec = exec_quit},
};

const struct command_group commands_session = {
    .name = "session",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
