/* Stop points and displays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/command/groups.h"
#include "session/session_internal.h"
#include "session/stop/stops_print.h"

static int add_stop(struct session *session, const char *text, enum stop_kind kind, int temporary,
                    struct error *error) {
    struct stops *stops = &session->stops;
    struct stop stop = {.kind = kind, .temporary = temporary, .enabled = 1};
    int code = 0;
    if (kind == STOP_BREAK && stops_find_phase(text, &stop.phase))
        stop.kind = STOP_PHASE;
    else
        code = expression_new(&stop.expression, text, session_scope(session), error);
    if (code)
        return code;
    struct stop *list = realloc(stops->list, (stops->count + 1) * sizeof *list);
    if (!list) {
        expression_free(stop.expression);
        return error_memory(error);
    }
    stop.number = ++stops->next;
    if (kind == STOP_WATCH)
        stops_arm(&stop);
    stops->list = list;
    stops->list[stops->count++] = stop;
    session_print(session, "%s %d: %s\n", kind == STOP_WATCH ? "watch" : "break", stop.number, text);
    return 0;
}

static int exec_break(struct session *session, const struct command_line *line, struct error *error) {
    return add_stop(session, line->rest, STOP_BREAK, 0, error);
}

static int exec_tbreak(struct session *session, const struct command_line *line, struct error *error) {
    return add_stop(session, line->rest, STOP_BREAK, 1, error);
}

static int exec_watch(struct session *session, const struct command_line *line, struct error *error) {
    return add_stop(session, line->rest, STOP_WATCH, 0, error);
}

static int exec_catch(struct session *session, const struct command_line *line, struct error *error) {
    if (line->count > 1 && strcmp(line->words[1], "nan") && strcmp(line->words[1], "off"))
        return error_set(error, ERROR_NAME, "catch nan, or catch off, not \"%s\"", line->words[1]);
    if (line->count > 1)
        session->catches_off = !strcmp(line->words[1], "off");
    if (session->trainer)
        trainer_catch(session->trainer, !session->catches_off);
    session_print(session, "a batch that makes a NaN or an infinity %s\n",
                  session->catches_off ? "is taken as it is" : "is given up, and the place is looked for");
    return 0;
}

static struct stop *find(struct session *session, const char *word, struct error *error) {
    long number;
    if (command_integer(word, "the number of a stop point", 1, 1000000, &number, error))
        return NULL;
    struct stop *stop = stops_find(&session->stops, (int)number);
    if (!stop)
        error_set(error, ERROR_NAME, "there is no stop point %ld; `info break` lists them", number);
    return stop;
}

static int exec_delete(struct session *session, const struct command_line *line, struct error *error) {
    for (int k = 1; k < line->count; k++)
        if (!find(session, line->words[k], error))
            return error->code;
    for (int k = 1; k < line->count; k++)
        stops_remove(&session->stops, atoi(line->words[k]));
    while (line->count == 1 && session->stops.count)
        stops_remove(&session->stops, session->stops.list[0].number);
    return 0;
}

static int enable(struct session *session, const struct command_line *line, int on, struct error *error) {
    for (int k = 1; k < line->count; k++)
        if (!find(session, line->words[k], error))
            return error->code;
    for (size_t s = 0; s < session->stops.count; s++) {
        struct stop *stop = &session->stops.list[s];
        int meant = line->count == 1;
        for (int k = 1; k < line->count; k++)
            meant |= atoi(line->words[k]) == stop->number;
        if (meant && on && !stop->enabled)
            stops_arm(stop);
        stop->enabled = meant ? on : stop->enabled;
    }
    return 0;
}

static int exec_enable(struct session *session, const struct command_line *line, struct error *error) {
    return enable(session, line, 1, error);
}

static int exec_disable(struct session *session, const struct command_line *line, struct error *error) {
    return enable(session, line, 0, error);
}

static int exec_ignore(struct session *session, const struct command_line *line, struct error *error) {
    struct stop *stop = find(session, line->words[1], error);
    long count;
    if (!stop)
        return error->code;
    int code = command_integer(line->words[2], "the number of hits to pass over", 0, 1000000000, &count, error);
    if (!code)
        stop->ignore = count;
    return code;
}

/* condition N [EXPR]: what stands behind the number. */
static int exec_condition(struct session *session, const struct command_line *line, struct error *error) {
    struct stop *stop = find(session, line->words[1], error);
    struct expression *condition = NULL;
    if (!stop)
        return error->code;
    const char *text = line->rest + strcspn(line->rest, " \t");
    text += strspn(text, " \t");
    int code = *text ? expression_new(&condition, text, session_scope(session), error) : 0;
    if (code)
        return code;
    expression_free(stop->condition);
    stop->condition = condition;
    return 0;
}

static void clear_commands(struct stop *stop) {
    while (stop->ncommands)
        free(stop->commands[--stop->ncommands]);
}

static int exec_commands(struct session *session, const struct command_line *line, struct error *error) {
    struct stop *stop = line->count > 1 ? find(session, line->words[1], error) : NULL;
    if (line->count > 1 && !stop)
        return error->code;
    if (!stop && session->stops.count)
        stop = &session->stops.list[session->stops.count - 1];
    if (!stop)
        return error_set(error, ERROR_STATE, "there are no stop points");
    char *origin = session->guard.origin ? strdup(session->guard.origin) : NULL;
    if (session->guard.origin && !origin)
        return error_memory(error);
    clear_commands(stop);
    free(stop->origin);
    stop->origin = origin;
    session->stops.collecting = stop->number;
    return 0;
}

/* A line that belongs to the commands of a stop point. */
static int collect(struct session *session, const char *line, struct error *error) {
    struct stop *stop = stops_find(&session->stops, session->stops.collecting);
    const char *begin = line + strspn(line, " \t\r\n");
    size_t size = strcspn(begin, "\r\n");
    while (size && (begin[size - 1] == ' ' || begin[size - 1] == '\t'))
        size--;
    if (!stop || (size == 3 && !strncmp(begin, "end", 3))) {
        session->stops.collecting = 0;
        return 0;
    }
    if (!size)
        return 0;
    char **commands = realloc(stop->commands, (stop->ncommands + 1) * sizeof *commands), *copy = strndup(begin, size);
    if (commands)
        stop->commands = commands;
    if (!commands || !copy) {
        free(copy);
        return error_memory(error);
    }
    stop->commands[stop->ncommands++] = copy;
    return 0;
}

static int on_line(struct session *session, const char *line, int *code, struct error *error) {
    if (!session->stops.collecting)
        return 0;
    *code = collect(session, line, error);
    return 1;
}

/* ---------------------------------------------------------------- displays */

static int exec_display(struct session *session, const struct command_line *line, struct error *error) {
    struct stops *stops = &session->stops;
    struct display display = {0};
    if (line->count == 1) {
        session_show_displays(session);
        return 0;
    }
    int code = expression_new(&display.expression, line->rest, session_scope(session), error);
    if (code)
        return code;
    struct display *list = realloc(stops->displays, (stops->ndisplays + 1) * sizeof *list);
    if (!list) {
        expression_free(display.expression);
        return error_memory(error);
    }
    display.number = ++stops->next_display;
    stops->displays = list;
    stops->displays[stops->ndisplays++] = display;
    session_show_display(session, &display);
    return 0;
}

static int exec_undisplay(struct session *session, const struct command_line *line, struct error *error) {
    struct stops *stops = &session->stops;
    long number = 0;
    int code =
        line->count > 1 ? command_integer(line->words[1], "the number of a display", 1, 1000000, &number, error) : 0;
    size_t kept = 0, before = stops->ndisplays;
    for (size_t k = 0; !code && k < before; k++)
        if (number && stops->displays[k].number != number)
            stops->displays[kept++] = stops->displays[k];
        else
            expression_free(stops->displays[k].expression);
    if (code)
        return code;
    stops->ndisplays = kept;
    return number && kept == before ? error_set(error, ERROR_NAME, "there is no display %ld", number) : 0;
}

static void stops_complete(struct session *session, const char *line, session_add *add, void *context) {
    phases_complete(session, line, add, context);
    values_complete(session, line, add, context);
}

static const struct command commands[] = {
    {.name = "break",
     .aliases = "b",
     .usage = "break EXPR|PHASE",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = stops_complete,
     .summary = "stop after the batch in which an expression becomes true, or before a phase",
     .help =
         "    break train_loss_step/weighted_sum > 2 * mean(train_loss_step/weighted_sum, 50)\n"
         "    break nan(val0_epoch/forces_mae) or lr < 1e-5\n"
         "    Names are metrics, settings (lr, ema_distance, config_norm.forces_mse), of modules norm.layer0_convnet,\n"
         "    grad.layer0_convnet (of the last gradient), update.layer0_convnet (of the last step, over the norm), of "
         "all\n"
         "    that is trained norm.model, grad.model, update.model; epoch, step, batch.  Operators are + - * / ^ < <= "
         "> "
         ">=\n"
         "    == != and or not; functions abs sqrt exp log log10 nan, min and max, and of the last n values of a name\n"
         "    min(x, n) max(x, n) mean(x, n) ema(x, n) delta(x, n), counted from the break or display that asks for "
         "them.\n"
         "    break optimizer: before this phase of each batch, as `stepi` names them (load, backward, validate, ...), "
         "so\n"
         "    that what the batch has brought so far can be looked at; `condition` says of which.",
     .exec = exec_break},
    {.name = "tbreak",
     .usage = "tbreak EXPR|PHASE",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = stops_complete,
     .summary = "the same, once",
     .exec = exec_tbreak},
    {.name = "watch",
     .usage = "watch EXPR",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = values_complete,
     .summary = "stop when the value of an expression changes",
     .exec = exec_watch},
    {.name = "catch",
     .usage = "catch [nan|off]",
     .max = 1,
     .flags = COMMAND_LIVE,
     .summary = "whether a batch that makes a NaN or an infinity is given up (as it is at the start)",
     .exec = exec_catch},
    {.name = "delete",
     .aliases = "d",
     .usage = "delete [N...]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_LIVE,
     .summary = "remove stop points, or all",
     .exec = exec_delete},
    {.name = "enable",
     .usage = "enable [N...]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_LIVE,
     .summary = "stop points count again",
     .exec = exec_enable},
    {.name = "disable",
     .usage = "disable [N...]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_LIVE,
     .summary = "stop points do not count",
     .exec = exec_disable},
    {.name = "ignore",
     .usage = "ignore N COUNT",
     .min = 2,
     .max = 2,
     .flags = COMMAND_LIVE,
     .summary = "pass over the next hits of a stop point",
     .exec = exec_ignore},
    {.name = "condition",
     .usage = "condition N [EXPR]",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = values_complete,
     .summary = "a stop point counts only while this is true; without it, always",
     .exec = exec_condition},
    {.name = "commands",
     .usage = "commands [N]",
     .max = 1,
     .summary = "what is executed when a stop point is hit: the lines that follow, to `end`",
     .help = "    `continue` among them lets the run go on when they are done.",
     .exec = exec_commands},
    {.name = "display",
     .usage = "display [EXPR]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = values_complete,
     .summary = "show the value of an expression whenever the run stops",
     .exec = exec_display},
    {.name = "undisplay",
     .usage = "undisplay [N]",
     .max = 1,
     .flags = COMMAND_LIVE,
     .summary = "no longer",
     .exec = exec_undisplay},
};

const struct command_group commands_stop = {
    .name = "stop points",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
    .on_line = on_line,
    .on_rewind = session_show_displays,
};
