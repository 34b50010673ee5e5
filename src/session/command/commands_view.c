/* Commands of what is to be seen: the curve of the chart, the panes beside it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/command/groups.h"
#include "session/session_internal.h"
#include "session/view/curve.h"
#include "session/view/info.h"

/* ---------------------------------------------------------------- curves */

/* plot ... [size WIDTH HEIGHT], with STYLE_ bytes or without. */
static int plot(struct session *session, const struct command_line *line, struct room room, int styled,
                struct text *out, struct error *error) {
    struct curve_view view = {.cursor = -1};
    struct command_line words = *line;
    long width = room.width, height = room.height - 1;
    int code = 0;
    if (line->count > 3 && !strcmp(line->words[line->count - 3], "size")) {
        words.count -= 3;
        if ((code = command_integer(line->words[words.count + 1], "the width", 24, 1000, &width, error)) ||
            (code = command_integer(line->words[words.count + 2], "the height", 4, 300, &height, error)))
            return code;
    }
    code = curve_read(&view, session, &words, 1, error);
    return code ? code : curve_draw(&view, session, (int)width, (int)height + 1, styled, out, error);
}

static int draw_plot(struct session *session, const struct command_line *line, struct room room, struct text *out,
                     struct error *error) {
    return plot(session, line, room, 1, out, error);
}

static int exec_plot(struct session *session, const struct command_line *line, struct error *error) {
    struct text text = {0};
    int code = plot(session, line, (struct room){78, 17}, 0, &text, error);
    if (!code)
        session_print(session, "%s", text.data ? text.data : "");
    text_free(&text);
    return code;
}

static int draw_chart(struct session *session, const struct command_line *line, struct room room, struct text *out,
                      struct error *error) {
    (void)line;
    return curve_draw(&session->view.curve, session, room.width, room.height, 1, out, error);
}

static int exec_chart(struct session *session, const struct command_line *line, struct error *error) {
    int code = curve_read(&session->view.curve, session, line, 1, error);
    struct text text = {0};
    if (!code && line->count == 1) {
        curve_tell(&session->view.curve, &text);
        session_print(session, "%s\n", text.data ? text.data : "");
    }
    text_free(&text);
    return code;
}

/* ---------------------------------------------------------------- panes */

static void draw_setting(const struct trainer *trainer, const char *name, struct text *out) {
    double value;
    if (!trainer_get(trainer, name, &value, NULL) && !isnan(value))
        text_format(out, "%s %.4g\n", name, value);
}

/* What a person looks at first comes first: the room may be small. */
static int draw_values(struct session *session, const struct command_line *line, struct room room, struct text *out,
                       struct error *error) {
    (void)line, (void)room, (void)error;
    const struct trainer *trainer = session->trainer;
    char name[256];
    double value;
    draw_setting(trainer, "lr", out);
    for (size_t k = 0; k < trainer_metrics(trainer); k++) {
        const char *metric = trainer_metric_name(trainer, k);
        if (!strncmp(metric, "val", 3) && trainer_metric(trainer, metric, &value))
            text_format(out, "%s %.4g\n", metric, value);
    }
    for (size_t k = 0; k < trainer_settings(trainer); k++) {
        snprintf(name, sizeof name, "%s", trainer_setting_name(trainer, k));
        if (strcmp(name, "lr"))
            draw_setting(trainer, name, out);
    }
    return 0;
}

static int exec_layout(struct session *session, const struct command_line *line, struct error *error) {
    struct view_options view = session->view;
    int code = 0;
    if (line->count == 1)
        for (int k = 0; k < view.npanes; k++)
            session_print(session, "%s\n", view.panes[k]);
    if (line->count == 1)
        return 0;
    view.npanes = 0;
    for (int k = 1; !code && k < line->count; k++)
        code = pane_read(session, line->words[k], view.panes[view.npanes++], error);
    if (code)
        return code;
    session->view = view;
    session_tell_panes(session);
    return 0;
}

/* ---------------------------------------------------------------- the screen itself */

static int need_screen(const struct session *session, struct error *error) {
    return session->options.screen
               ? 0
               : error_set(error, ERROR_STATE, "there is no screen here: panes come on a terminal, without --line");
}

/* A pane by its name, or a word of it ("ema" for "info ema"). */
static const char *find_pane(const struct session *session, const char *word) {
    for (int k = 0; k < session->view.npanes; k++) {
        const char *name = session->view.panes[k], *last = strrchr(name, ' ');
        if (!strcmp(name, word) || (last && !strcmp(last + 1, word)) ||
            (!strncmp(name, word, strlen(word)) && name[strlen(word)] == ' '))
            return name;
    }
    return NULL;
}

/* The full name of a place that has been found; "" is where the focus is. */
static void put_focus(struct session *session, const char *name, int zoom) {
    struct view_options *view = &session->view;
    char place[PANE_NAME];
    int stays = !name[0] || !strcmp(name, view->focus);
    snprintf(place, sizeof place, "%s", name[0] ? name : view->focus);
    session_note_focus(session, place, zoom && !(view->zoomed && stays));
    session_tell_text(session, TOLD_FOCUS, place, view->zoomed);
}

static int exec_focus(struct session *session, const struct command_line *line, struct error *error) {
    int zoom = line->count > 1 && !strcmp(line->words[line->count - 1], "zoom"), code = 0;
    const char *word = line->count - zoom > 1 ? line->words[1] : "", *name = word;
    int next = !strcmp(word, "next"), moves = next || !strcmp(word, "previous");
    struct text panes = {0};
    if (line->count - zoom > 2)
        code = error_set(error, ERROR_USAGE, "zoom is expected behind the pane, not \"%s\"", line->words[2]);
    else if (word[0] && !moves && strcmp(word, "chart") && strcmp(word, "log") && !(name = find_pane(session, word))) {
        for (int k = 0; k < session->view.npanes; k++)
            text_format(&panes, ", %s", session->view.panes[k]);
        code =
            error_set(error, ERROR_NAME, "no pane \"%s\"; there are chart, log%s", word, panes.data ? panes.data : "");
    }
    text_free(&panes);
    if (code || (code = need_screen(session, error)))
        return code;
    if (moves)
        session_tell_text(session, next ? TOLD_NEXT : TOLD_PREVIOUS, "", zoom);
    else
        put_focus(session, name, zoom);
    return 0;
}

static int exec_find(struct session *session, const struct command_line *line, struct error *error) {
    int code = need_screen(session, error);
    if (!code)
        session_tell_text(session, TOLD_FIND, line->rest, 0);
    return code;
}

static int exec_screen(struct session *session, const struct command_line *given, struct error *error) {
    static const char *const words[] = {"save", "mouse"};
    struct command_line line = *given;
    int force = command_forced(&line), code;
    const char *word = line.words[1], *value = line.words[2];
    if (line.count != 3 || (force && strcmp(word, "save") != 0))
        return error_set(error, ERROR_USAGE, "usage: screen save FILE [force] | mouse on|off");
    if (!strcmp(word, "save")) {
        if ((code = need_screen(session, error)) || (code = session_may_write(session, value, force, error)))
            return code;
        session_tell_text(session, TOLD_SAVE, value, 0);
        session_wrote(session, value);
        return 0;
    }
    if (!strcmp(word, "mouse") && (!strcmp(value, "on") || !strcmp(value, "off"))) {
        if (!(code = need_screen(session, error)))
            session_tell_text(session, TOLD_MOUSE, "", !strcmp(value, "on"));
        return code;
    }
    if (!strcmp(word, "mouse"))
        return error_set(error, ERROR_VALUE, "on or off is expected, not \"%s\"", value);
    const char *nearest = text_nearest(word, words, 2);
    return error_set(error, ERROR_USAGE, "save FILE or mouse on|off is expected, not \"%s\"%s%s%s", word,
                     nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static const struct command commands[] = {
    {.name = "plot",
     .usage = "plot [CURVE...] [log] [smooth S] [last N] [size WIDTH HEIGHT]",
     .max = 16,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = values_complete,
     .summary = "draw curves in characters",
     .help =
         "    A curve is a metric by its full name, or by its end where that is enough; without one, the loss of each "
         "batch\n"
         "    and that of the validation.  Every batch is kept, however seldom rows are logged.  smooth 0.9 draws a "
         "running\n"
         "    mean over the values themselves.  Letters under it are what was done on the way: S strategy or "
         "optimizer,\n"
         "    c another change, R a way back, k a checkpoint.",
     .exec = exec_plot,
     .kind = PANE_DRAWING,
     .draw = draw_plot},
    {.name = "chart",
     .usage = "chart [CURVE...] [log|linear] [smooth S] [last N|all] [in|out|left|right] [freeze|live] [cursor "
              "STEP|left|right|off]",
     .max = 16,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = values_complete,
     .summary = "what the chart of the screen shows",
     .help =
         "    in and out zoom, left and right move along, freeze and live stop and follow what comes; cursor tells the "
         "values\n"
         "    at a step.  Without a word it says what is shown.",
     .exec = exec_chart,
     .kind = PANE_DRAWING,
     .draw = draw_chart},
    {.name = "layout",
     .usage = "layout [PANE...]",
     .max = PANES_MOST,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = info_complete,
     .summary = "the panes beside the chart; without one, those there are",
     .help =
         "    A pane is `values` (settings and validation), a topic of `info` (layers, optimizer, break) or a command\n"
         "    that only looks: layout values config \"tree *layer0*\" \"plot forces_mae log\".  Those that come first "
         "stay\n"
         "    longest where there is little room.",
     .exec = exec_layout},
    {.name = "focus",
     .usage = "focus [PANE|chart|log|next|previous] [zoom]",
     .max = 2,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .summary = "the pane that keys scroll; zoom gives it the screen, or takes it back",
     .exec = exec_focus},
    {.name = "find",
     .usage = "find [TEXT]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .summary = "go to the next line with a text in the pane that has the focus; without one, the same text again",
     .exec = exec_find},
    {.name = "screen",
     .usage = "screen save FILE [force] | mouse on|off",
     .min = 2,
     .max = 3,
     .flags = COMMAND_LIVE | COMMAND_FILES,
     .summary = "write the screen as text to a file; whether the mouse is the program's",
     .exec = exec_screen},
};

static const struct command panes[] = {{.name = "values", .kind = PANE_VALUES, .draw = draw_values}};

const struct command_group commands_view = {
    .name = "view",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
    .panes = panes,
    .npanes = sizeof panes / sizeof *panes,
};
