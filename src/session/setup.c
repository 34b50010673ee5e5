#include "session/setup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "session/execute.h"
#include "session/session_internal.h"

enum { MAX_DEPTH = 16 };

struct setup_options {
    const struct config_node *devices, *layout, *focus, *chart, *display, *stops, *catches, *rewind, *commands;
    int zoomed;
};

static const struct option rows[] = {
    {"devices", OPTION_NODE, 0, NULL, offsetof(struct setup_options, devices), NULL,
     "one, or together: a step takes the frames of all processes that the trainer asks for"},
    {"layout", OPTION_NODE, 0, NULL, offsetof(struct setup_options, layout), NULL, "panes"},
    {"focus", OPTION_NODE, 0, NULL, offsetof(struct setup_options, focus), NULL, "a pane, chart or log"},
    {"zoom", OPTION_BOOL, 0, "false", offsetof(struct setup_options, zoomed), NULL, "it has the whole screen"},
    {"chart", OPTION_NODE, 0, NULL, offsetof(struct setup_options, chart), NULL, "curves, and how they are drawn"},
    {"display", OPTION_NODE, 0, NULL, offsetof(struct setup_options, display), NULL,
     "expressions, shown at every stop"},
    {"stops", OPTION_NODE, 0, NULL, offsetof(struct setup_options, stops), NULL, "stop points"},
    {"catch", OPTION_NODE, 0, NULL, offsetof(struct setup_options, catches), NULL,
     "whether a batch that makes a NaN is given up"},
    {"rewind", OPTION_NODE, 0, NULL, offsetof(struct setup_options, rewind), NULL, "states kept to go back to"},
    {"commands", OPTION_NODE, 0, NULL, offsetof(struct setup_options, commands), NULL, "executed when it is open"},
};

struct chart_options {
    const struct config_node *curves;
    int logarithmic;
    double keep;
    int64_t last;
};

static const struct option chart_rows[] = {
    {"curves", OPTION_NODE, 0, NULL, offsetof(struct chart_options, curves), NULL, "names of values"},
    {"log", OPTION_BOOL, 0, "true", offsetof(struct chart_options, logarithmic), NULL, "a logarithmic axis"},
    {"smooth", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", offsetof(struct chart_options, keep), NULL, "0 to below 1"},
    {"last", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct chart_options, last), NULL, "steps; 0: all"},
};

struct stop_options {
    const struct config_node *kind[3], *condition, *commands;
    int64_t ignore;
    int enabled;
};

static const char *const kinds[] = {"break", "tbreak", "watch"};
static const struct option stop_rows[] = {
    {"break", OPTION_NODE, 0, NULL, offsetof(struct stop_options, kind[0]), NULL,
     "an expression that becomes true, or a phase"},
    {"tbreak", OPTION_NODE, 0, NULL, offsetof(struct stop_options, kind[1]), NULL, "the same, once"},
    {"watch", OPTION_NODE, 0, NULL, offsetof(struct stop_options, kind[2]), NULL, "an expression that changes"},
    {"condition", OPTION_NODE, 0, NULL, offsetof(struct stop_options, condition), NULL, "only while this is true"},
    {"ignore", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct stop_options, ignore), NULL, "hits passed over"},
    {"enabled", OPTION_BOOL, 0, "true", offsetof(struct stop_options, enabled), NULL, "whether it counts"},
    {"commands", OPTION_NODE, 0, NULL, offsetof(struct stop_options, commands), NULL, "executed when it is hit"},
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

struct setup {
    struct config *given;
    struct config *config; /* resolved; its nodes live here */
    struct session *aside; /* what panes and names are tried with: the run that is not yet the session's, or none */
    struct arena *arena;
    struct setup_options options;
    struct stops stops;
    struct view_options view;
    int64_t rewind; /* -1: not spoken of */
};

void setup_free(struct setup *setup) {
    if (!setup)
        return;
    stops_free(&setup->stops);
    free(setup->aside);
    arena_free(setup->arena);
    config_free(setup->config);
    config_free(setup->given);
    free(setup);
}

/* An error of something that knows nothing of the file. */
static int placed(const struct config_node *node, const struct error *why, struct error *error) {
    return config_error(node, error, why->code, "%s", why->message);
}

static int is_scalar(const struct config_node *node) {
    enum config_kind kind = config_kind(node);
    return kind == CONFIG_BOOL || kind == CONFIG_INT || kind == CONFIG_FLOAT || kind == CONFIG_STRING;
}

/* Calls for each element of a list of texts, or for a single one. */
static int each(const struct config_node *list,
                int (*call)(void *context, const struct config_node *node, struct error *error), void *context,
                struct error *error) {
    int single = is_scalar(list), code = 0;
    if (list && !single && config_kind(list) != CONFIG_LIST)
        return config_error(list, error, ERROR_TYPE, "a list is expected, not %s", config_kind_name(list));
    size_t count = single ? 1 : config_count(list);
    for (size_t k = 0; !code && k < count; k++) {
        const struct config_node *node = single ? list : config_at(list, k);
        code = is_scalar(node)
                   ? call(context, node, error)
                   : config_error(node, error, ERROR_TYPE, "text is expected, not %s", config_kind_name(node));
    }
    return code;
}

/* ---------------------------------------------------------------- making it */

/* What is made, and what names mean meanwhile. */
struct making {
    struct setup *setup;
    struct session *session;
    const struct expression_scope *scope;
    struct stop *stop;
};

static int add_pane(void *context, const struct config_node *node, struct error *error) {
    struct making *making = context;
    struct view_options *view = &making->setup->view;
    struct error why = {0};
    if (view->npanes == PANES_MOST)
        return config_error(node, error, ERROR_VALUE, "there are %d panes at most", PANES_MOST);
    if (pane_read(making->setup->aside, config_text(node), view->panes[view->npanes], &why))
        return placed(node, &why, error);
    view->npanes++;
    return 0;
}

static int add_curve(void *context, const struct config_node *node, struct error *error) {
    struct making *making = context;
    struct curve_view *curve = &making->setup->view.curve;
    struct error why = {0};
    char name[256];
    if (curve->ncurves == CURVES_MOST)
        return config_error(node, error, ERROR_VALUE, "a chart has %d curves at most", CURVES_MOST);
    if (making->scope->resolve(making->scope->context, config_text(node), name, &why))
        return placed(node, &why, error);
    if (strlen(name) >= PANE_NAME)
        return config_error(node, error, ERROR_VALUE, "a curve's name has %d characters at most", PANE_NAME - 1);
    snprintf(curve->names[curve->ncurves++], PANE_NAME, "%s", name);
    return 0;
}

static int make_chart(struct making *making, struct error *error) {
    const struct config_node *node = making->setup->options.chart;
    struct chart_options chart;
    if (!node)
        return 0;
    int code = options_read(chart_rows, COUNT(chart_rows), node, NULL, &chart, making->setup->arena, error);
    if (!code && !(chart.keep < 1))
        code = config_error(config_get(node, "smooth"), error, ERROR_VALUE, "a number from 0 to below 1 is expected");
    if (code)
        return code;
    making->setup->view.curve =
        (struct curve_view){.logarithmic = chart.logarithmic, .keep = chart.keep, .last = chart.last, .cursor = -1};
    return each(chart.curves, add_curve, making, error);
}

/* One of the panes of the layout that is spoken of, or else of those there are; pane_read knows it by other names. */
static int make_focus(struct making *making, struct error *error) {
    const struct setup_options *options = &making->setup->options;
    const struct view_options *view = options->layout ? &making->setup->view : &making->session->view;
    const char *known[PANES_MOST + 2] = {"chart", "log"}, *near;
    char name[PANE_NAME];
    if (!options->focus)
        return 0;
    if (!is_scalar(options->focus))
        return config_error(options->focus, error, ERROR_TYPE, "the name of a pane is expected, not %s",
                            config_kind_name(options->focus));
    const char *word = config_text(options->focus);
    if (pane_read(making->setup->aside, word, name, NULL))
        snprintf(name, sizeof name, "%s", word);
    for (int k = 0; k < view->npanes; k++)
        known[k + 2] = view->panes[k];
    for (int k = 0; k < view->npanes + 2; k++)
        if (!strcmp(known[k], name) || !strcmp(known[k], word)) {
            snprintf(making->setup->view.focus, PANE_NAME, "%s", known[k]);
            return 0;
        }
    near = text_nearest(word, known, (size_t)view->npanes + 2);
    return config_error(options->focus, error, ERROR_NAME, "no pane \"%s\" is in the layout%s%s%s", word,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int compile(struct making *making, const struct config_node *node, struct expression **out,
                   struct error *error) {
    struct error why = {0};
    if (!is_scalar(node))
        return config_error(node, error, ERROR_TYPE, "an expression is expected, not %s", config_kind_name(node));
    return expression_new(out, config_text(node), making->scope, &why) ? placed(node, &why, error) : 0;
}

static int add_display(void *context, const struct config_node *node, struct error *error) {
    struct making *making = context;
    struct stops *stops = &making->setup->stops;
    struct display display = {.number = stops->next_display + 1};
    struct display *list = realloc(stops->displays, (stops->ndisplays + 1) * sizeof *list);
    if (list)
        stops->displays = list;
    int code = list ? compile(making, node, &display.expression, error) : error_memory(error);
    if (!code) {
        stops->next_display++;
        stops->displays[stops->ndisplays++] = display;
    }
    return code;
}

/* A command that there is, with words that it takes. */
static int check_command(const struct config_node *node, struct error *error) {
    const struct command *command;
    struct command_line line;
    struct error why = {0};
    int code = command_read(&line, &command, config_text(node), &why);
    command_line_free(&line);
    return code ? placed(node, &why, error) : 0;
}

static int add_command(void *context, const struct config_node *node, struct error *error) {
    struct stop *stop = ((struct making *)context)->stop;
    char **list = realloc(stop->commands, (stop->ncommands + 1) * sizeof *list);
    if (list)
        stop->commands = list;
    int code = check_command(node, error);
    const char *origin = ((struct making *)context)->session->guard.origin;
    if (!code && (!list || !(stop->commands[stop->ncommands] = strdup(config_text(node)))))
        code = error_memory(error);
    if (!code && origin && !stop->origin && !(stop->origin = strdup(origin))) {
        free(stop->commands[stop->ncommands]);
        code = error_memory(error);
    }
    stop->ncommands += !code;
    return code;
}

static int fill_stop(struct making *making, const struct config_node *node, struct error *error) {
    struct stop *stop = making->stop;
    struct stop_options options = {.kind = {node}, .enabled = 1};
    int which = -1, code = 0;
    if (!is_scalar(node)) {
        code = options_read(stop_rows, COUNT(stop_rows), node, NULL, &options, making->setup->arena, error);
        for (int k = 0; !code && k < 3; k++) {
            if (options.kind[k] && which >= 0)
                code = config_error(options.kind[k], error, ERROR_VALUE, "it is a %s already", kinds[which]);
            which = options.kind[k] ? k : which;
        }
        if (!code && which < 0)
            code = config_error(node, error, ERROR_NAME, "break, tbreak or watch is missing");
    }
    which = which < 0 ? 0 : which;
    if (code)
        return code;
    stop->kind = which == 2 ? STOP_WATCH : STOP_BREAK;
    if (stop->kind == STOP_BREAK && is_scalar(options.kind[which]) &&
        stops_find_phase(config_text(options.kind[which]), &stop->phase))
        stop->kind = STOP_PHASE;
    else if ((code = compile(making, options.kind[which], &stop->expression, error)))
        return code;
    stop->temporary = which == 1;
    stop->enabled = options.enabled;
    stop->ignore = (long)options.ignore;
    if (options.condition && (code = compile(making, options.condition, &stop->condition, error)))
        return code;
    if ((code = each(options.commands, add_command, making, error)))
        return code;
    return 0;
}

static int make_stops(struct making *making, struct error *error) {
    const struct config_node *list = making->setup->options.stops;
    struct stops *stops = &making->setup->stops;
    size_t count = config_count(list);
    if (list && config_kind(list) != CONFIG_LIST)
        return config_error(list, error, ERROR_TYPE, "a list of stop points is expected, not %s",
                            config_kind_name(list));
    if (!(stops->list = calloc(count + 1, sizeof *stops->list)))
        return error_memory(error);
    for (size_t k = 0; k < count; k++) {
        making->stop = &stops->list[stops->count++];
        making->stop->number = ++stops->next;
        int code = fill_stop(making, config_at(list, k), error);
        if (code)
            return code;
    }
    return 0;
}

static int check_start(void *context, const struct config_node *node, struct error *error) {
    (void)context;
    return check_command(node, error);
}

static int make(struct making *making, struct error *error) {
    struct setup *setup = making->setup;
    const struct setup_options *options = &setup->options;
    int code;
    stops_free(&setup->stops);
    setup->view = (struct view_options){0};
    setup->rewind = -1;
    if ((code = each(options->layout, add_pane, making, error)) || (code = make_focus(making, error)) ||
        (code = make_chart(making, error)) || (code = each(options->display, add_display, making, error)) ||
        (code = make_stops(making, error)) || (code = each(options->commands, check_start, making, error)))
        return code;
    if (options->catches && config_kind(options->catches) != CONFIG_BOOL)
        return config_error(options->catches, error, ERROR_TYPE, "true or false is expected, not %s",
                            config_kind_name(options->catches));
    if (!options->rewind)
        return 0;
    setup->rewind = config_int(options->rewind);
    if (config_kind(options->rewind) != CONFIG_INT || setup->rewind < 0 || setup->rewind > REWIND_MOST)
        return config_error(options->rewind, error, ERROR_VALUE, "a whole number from 0 to %d is expected",
                            REWIND_MOST);
    return 0;
}

/* ---------------------------------------------------------------- before data is read */

static void each_known(void *of, session_add *add, void *context) {
    const struct names *known = of;
    for (size_t k = 0; k < known->count; k++)
        add(context, known->list[k]);
}

/* Names that depend on the model, or on what schedulers and optimizers keep: they are looked up once it is there. */
static int is_known_later(void *of, const char *name) {
    (void)of;
    static const char *const prefixes[] = {"norm.", "grad.", "update.", "optimizer.", "scheduler."};
    for (size_t k = 0; k < COUNT(prefixes); k++)
        if (!strncmp(name, prefixes[k], strlen(prefixes[k])))
            return 1;
    return 0;
}

static int resolve_known(void *context, const char *name, char *out, struct error *error) {
    const struct name_source source = {each_known, is_known_later, context};
    return names_resolve(&source, name, out, error);
}

static double nothing_yet(void *context, const char *name) {
    (void)context;
    (void)name;
    return NAN;
}

static const struct series *no_series(void *context, const char *name) {
    (void)context;
    (void)name;
    return NULL;
}

/* With the run's folder in what interpolates it; *section is NULL where nothing is said. */
static int resolve(struct setup *setup, const char *output, const struct config_node **section, struct error *error) {
    struct config_context context = {.sections = trainer_sections, .output_dir = output};
    config_free(setup->config);
    if (!(setup->config = config_copy(setup->given)))
        return error_memory(error);
    config_hush(setup->config); /* the run, which is opened with what was given, tells */
    int code = config_resolve(setup->config, &context, error);
    *section = code ? NULL : config_get(config_root(setup->config), "fettle");
    if (config_kind(*section) == CONFIG_NULL)
        *section = NULL;
    return code || !*section ? code
                             : options_read(rows, COUNT(rows), *section, NULL, &setup->options, setup->arena, error);
}

static int check(struct setup *setup, struct session *session, struct error *error) {
    struct names known = {0};
    struct expression_scope scope = {&known, resolve_known, nothing_yet, no_series};
    struct making making = {.setup = setup, .session = session, .scope = &scope};
    int code = trainer_check_names(config_root(setup->config), names_add, &known, error);
    names_add(&known, "epoch");
    names_add(&known, "step");
    names_add(&known, "batch");
    if (!code)
        code = make(&making, error);
    stops_free(&setup->stops);
    names_free(&known);
    return code;
}

int setup_read(struct setup **out, struct session *session, const struct config *config, struct error *error) {
    const struct config_node *section = NULL;
    *out = NULL;
    if (!config_get(config_root(config), "fettle"))
        return 0;
    struct setup *setup = calloc(1, sizeof *setup);
    if (setup) {
        setup->given = config_copy(config);
        setup->arena = arena_new();
        setup->aside = calloc(1, sizeof *setup->aside);
    }
    int code = setup && setup->given && setup->arena && setup->aside ? 0 : error_memory(error);
    if (!code)
        setup->aside->options = session->options;
    if (!code && !(code = resolve(setup, ".", &section, error)) && section)
        code = arena_result(setup->arena, check(setup, session, error), error);
    if (code || !section)
        setup_free(setup);
    else
        *out = setup;
    return code;
}

int setup_make(struct setup *setup, struct session *session, struct trainer *trainer, struct error *error) {
    const struct config_node *section;
    const char *output = trainer_output(trainer);
    int code = resolve(setup, output ? output : ".", &section, error);
    if (code)
        return code;
    struct making making = {.setup = setup, .session = session, .scope = session_scope(setup->aside)};
    setup->aside->trainer = trainer;
    code = make(&making, error);
    setup->aside->trainer = NULL; /* it is the caller's */
    return code;
}

/* ---------------------------------------------------------------- putting it in place */

void setup_take(struct setup *setup, struct session *session) {
    struct stops *to = &session->stops, *from = &setup->stops, before = *to;
    const struct setup_options *options = &setup->options;
    stops_bind(from, session_scope(session));
    if (options->stops) {
        to->list = from->list;
        to->count = from->count;
        to->next = from->next;
        to->collecting = 0;
        from->list = before.list;
        from->count = before.count;
    }
    if (options->display) {
        to->displays = from->displays;
        to->ndisplays = from->ndisplays;
        to->next_display = from->next_display;
        from->displays = before.displays;
        from->ndisplays = before.ndisplays;
    }
    if (options->layout) {
        memcpy(session->view.panes, setup->view.panes, sizeof session->view.panes);
        session->view.npanes = setup->view.npanes;
        session_tell_panes(session);
    }
    if (options->focus || !session->options.screen)
        session_note_focus(session, setup->view.focus, options->focus && options->zoomed);
    if (options->focus)
        session_tell_text(session, TOLD_FOCUS, session->view.focus, session->view.zoomed);
    if (options->chart)
        session->view.curve = setup->view.curve;
    if (options->catches)
        session->catches_off = !config_bool(options->catches);
    if (setup->rewind >= 0)
        session->rewinding.capacity = (int)setup->rewind;
}

static int start(void *context, const struct config_node *node, struct error *error) {
    struct session *session = context;
    struct error why = {0};
    if (session->finished)
        return 0;
    int code = session_perform(session, config_text(node), &why);
    if (code == ERROR_INTERRUPT || (code && why.file[0])) {
        if (error)
            *error = why;
        return code;
    }
    return code ? placed(node, &why, error) : 0;
}

int setup_run(const struct setup *setup, struct session *session, struct error *error) {
    if (!setup->options.commands)
        return 0;
    if (session->depth >= MAX_DEPTH)
        return config_error(setup->options.commands, error, ERROR_USAGE,
                            "sessions that open sessions, more than %d deep", MAX_DEPTH);
    session->depth++;
    int code = each(setup->options.commands, start, session, error);
    session->stops.collecting = 0; /* what is typed next is no command of a stop point that the file leaves open */
    session->depth--;
    return code;
}
