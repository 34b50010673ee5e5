/* Commands that look. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session/command/groups.h"
#include "session/session_internal.h"
#include "session/view/info.h"
#include "session/view/submodules.h"
#include "session/view/tree.h"

/* ---------------------------------------------------------------- tree */

static int exec_tree(struct session *session, const struct command_line *line, struct error *error) {
    const char *pattern = NULL;
    long depth = -1;
    int first = 1, code;
    if (line->count > 1 && strcmp(line->words[1], "depth"))
        pattern = line->words[first++];
    if (line->count > first && (strcmp(line->words[first], "depth") || line->count != first + 2))
        return error_set(error, ERROR_USAGE, "usage: tree [PATTERN] [depth N]");
    if (line->count > first && (code = command_integer(line->words[first + 1], "the depth", 0, 1000, &depth, error)))
        return code;
    return tree_print(session, pattern, (int)depth, error);
}

/* ---------------------------------------------------------------- print */

static int print_value(struct session *session, const char *text, struct error *error) {
    struct expression *expression;
    char number[32];
    double value;
    /* by its full name first: it may hold what would be an operator */
    if (!session_value(session, text, &value)) {
        int code = expression_new(&expression, text, session_scope(session), error);
        if (code)
            return code;
        value = expression_value(expression);
        expression_free(expression);
    }
    const char *why = trainer_metric_why(session->trainer, text);
    session_print(session, "%s = %s%s%s\n", text, text_double(number, value), *why ? ": " : "", why);
    return 0;
}

/* Several names, or one expression. */
static int exec_print(struct session *session, const struct command_line *line, struct error *error) {
    int names = 1, code = 0;
    double value;

    for (int k = 1; k < line->count; k++)
        names &= session_value(session, line->words[k], &value);
    if (line->count > 1 && !names)
        return print_value(session, line->rest, error);
    for (int k = 1; k < line->count && !code; k++)
        code = print_value(session, line->words[k], error);
    for (size_t k = 0; line->count == 1 && k < trainer_metrics(session->trainer); k++) {
        const char *name = trainer_metric_name(session->trainer, k);
        const char *why = trainer_metric_why(session->trainer, name);
        if (trainer_metric(session->trainer, name, &value))
            session_print(session, "%-44s %.6g%s%s\n", name, value, *why ? "  " : "", why);
    }
    return code;
}

static const struct command commands[] = {
    {.name = "tree",
     .usage = "tree [PATTERN] [depth N]",
     .max = 3,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = modules_complete,
     .summary = "the modules with their numbers, or those that a pattern matches; N levels deep",
     .help =
         "    A line for each: how many parameters, their norm, that of the gradient, how far the last step went (over "
         "the\n"
         "    norm), then the module; +N are folded.  `module` prints the model as PyTorch does.",
     .exec = exec_tree},
    {.name = "print",
     .aliases = "p",
     .usage = "print [NAME... | EXPR]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_REPEAT | COMMAND_LIVE | COMMAND_LOOK,
     .complete = values_complete,
     .summary = "values of metrics and settings, or of an expression; without one, of all metrics",
     .help = "    `help break` says what an expression may be.",
     .exec = exec_print},
    {.name = "info",
     .aliases = "i",
     .usage = "info [TOPIC [WORD...]]",
     .max = 4,
     .flags = COMMAND_REPEAT | COMMAND_LIVE | COMMAND_LOOK,
     .complete = info_complete,
     .summary = "where things stand; without a topic, the topics there are",
     .exec = info_exec},
};

const struct command_group commands_inspect = {
    .name = "inspect",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
