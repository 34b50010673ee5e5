/* Commands of what is to be seen: the curve of the chart, the panes beside it. */
#include "session/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/session_internal.h"

void view_begin(struct view_options *view) {
    static const char *const panes[] = {"values", "info layers", "info optimizer", "info break", "info rewind", "tree"};
    memset(view, 0, sizeof *view);
    view->curve = (struct curve_view){.logarithmic = 1, .cursor = -1};
    for (; view->npanes < (int)(sizeof panes / sizeof *panes); view->npanes++)
        snprintf(view->panes[view->npanes], PANE_NAME, "%s", panes[view->npanes]);
}

void view_mark(struct session *session, char what) {
    struct view_options *view = &session->view;
    int64_t now = trainer_global_step(session->trainer);
    while (view->nmarks && view->marks[view->nmarks - 1].step > now) /* the run has gone back */
        view->nmarks--;
    if (view->nmarks == MARKS_MOST)
        memmove(view->marks, view->marks + 1, (size_t)--view->nmarks * sizeof *view->marks);
    view->marks[view->nmarks++] = (struct view_mark){now, what};
}

/* ---------------------------------------------------------------- curves */

static int exec_plot(struct session *session, const struct command_line *line, struct error *error) {
    struct curve_view view = {.cursor = -1};
    struct command_line words = *line;
    struct text text = {0};
    long width = 78, height = 16;
    int code = 0;
    if (session->room.width) { /* a pane's */
        width = session->room.width;
        height = session->room.height - 1;
    }
    if (line->count > 3 && !strcmp(line->words[line->count - 3], "size")) {
        words.count -= 3;
        if ((code = command_integer(line->words[words.count + 1], "the width", 24, 1000, &width, error)) ||
            (code = command_integer(line->words[words.count + 2], "the height", 4, 300, &height, error)))
            return code;
    }
    if ((code = curve_read(&view, session, &words, 1, error)) ||
        (code = curve_draw(&view, session, (int)width, (int)height + 1, session->room.width > 0, &text, error)))
        return code;
    session_print(session, "%s", text.data ? text.data : "");
    text_free(&text);
    return 0;
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
static void draw_values(struct session *session, struct text *out) {
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
}

void pane_draw(struct session *session, const char *name, int width, int height, struct text *out) {
    struct error error = {0};
    if (!session->trainer)
        return;
    session->room.width = width;
    session->room.height = height;
    if (!strcmp(name, "values"))
        draw_values(session, out);
    else if (session_look(session, name, out, &error))
        text_format(out, "%s\n", error.message);
    session->room.width = session->room.height = 0;
}

int pane_read(struct session *session, const char *word, char name[PANE_NAME], struct error *error) {
    const struct command *command = NULL;
    struct text text = {0};
    char first[64];
    int code = 0;
    if (strlen(word) + 6 > PANE_NAME)
        return error_set(error, ERROR_VALUE, "a pane's name has %d characters at most", PANE_NAME - 6);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(word, " "), word);
    snprintf(name, PANE_NAME, "%s", word);
    if (!strcmp(word, "values"))
        return 0;
    if (command_find(&command, first, NULL))
        command = NULL;
    if (!command || !(command->flags & COMMAND_LOOK)) {
        struct error topic = {0};
        snprintf(name, PANE_NAME, "info %s", word);
        code = word[0] ? session_look(session, name, &text, &topic) : ERROR_NAME;
        if (!code || code == ERROR_STATE)
            goto out;
        if (code != ERROR_NAME) {
            if (error)
                *error = topic;
            goto out;
        }
        if (!command) {
            code = error_set(error, ERROR_NAME,
                             "no pane \"%s\": values, a command that only looks (tree, audit, \"module PATH\"), or a "
                             "topic of `info` (ema, config, optimizer, scheduler, break, run)",
                             word);
            goto out;
        }
        snprintf(name, PANE_NAME, "%s", word);
    }
    code = session_look(session, name, &text, error);
out:
    text_free(&text);
    return code == ERROR_STATE ? 0 : code; /* there is nothing to see yet */
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
    if (!code)
        session->view = view;
    return code;
}

/* ---------------------------------------------------------------- the screen itself */

static int ask_screen(struct session *session, const char *what, const char *name, struct error *error) {
    struct text request = {0};
    if (!session->options.screen)
        return error_set(error, ERROR_STATE, "there is no screen here: panes come on a terminal, without --line");
    text_format(&request, "%s %s", what, name);
    if (!request.failed)
        session->options.screen(session->options.context, request.data);
    text_free(&request);
    return 0;
}

static int is_place(const char *word) {
    static const char *const places[] = {"chart", "log", "next", "previous"};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        if (!strcmp(word, places[k]))
            return 1;
    return 0;
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

static int exec_focus(struct session *session, const struct command_line *line, struct error *error) {
    int zoom = line->count > 1 && !strcmp(line->words[line->count - 1], "zoom");
    const char *word = line->count - zoom > 1 ? line->words[1] : "", *name = word;
    struct text panes = {0};
    int code = 0;
    if (line->count - zoom > 2)
        code = error_set(error, ERROR_USAGE, "zoom is expected behind the pane, not \"%s\"", line->words[2]);
    else if (word[0] && !is_place(word) && !(name = find_pane(session, word))) {
        for (int k = 0; k < session->view.npanes; k++)
            text_format(&panes, ", %s", session->view.panes[k]);
        code =
            error_set(error, ERROR_NAME, "no pane \"%s\"; there are chart, log%s", word, panes.data ? panes.data : "");
    }
    text_free(&panes);
    return code ? code : ask_screen(session, zoom ? "zoom" : "focus", name, error);
}

static int exec_find(struct session *session, const struct command_line *line, struct error *error) {
    return ask_screen(session, "find", line->rest, error);
}

static int exec_screen(struct session *session, const struct command_line *given, struct error *error) {
    static const char *const words[] = {"save", "mouse"};
    struct command_line line = *given;
    int force = command_forced(&line), code;
    const char *word = line.words[1], *value = line.words[2];
    if (line.count != 3 || (force && strcmp(word, "save") != 0))
        return error_set(error, ERROR_USAGE, "usage: screen save FILE [force] | mouse on|off");
    if (!strcmp(word, "save")) {
        code = session->options.screen ? session_may_write(session, value, force, error) : 0;
        if (!code && !(code = ask_screen(session, word, value, error)))
            session_wrote(session, value);
        return code;
    }
    if (!strcmp(word, "mouse") && (!strcmp(value, "on") || !strcmp(value, "off")))
        return ask_screen(session, word, value, error);
    if (!strcmp(word, "mouse"))
        return error_set(error, ERROR_VALUE, "on or off is expected, not \"%s\"", value);
    const char *nearest = text_nearest(word, words, 2);
    return error_set(error, ERROR_USAGE, "save FILE or mouse on|off is expected, not \"%s\"%s%s%s", word,
                     nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static const struct command commands[] = {
    {"plot", NULL, "plot [CURVE...] [log] [smooth S] [last N] [size WIDTH HEIGHT]", 0, 16,
     COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_METRIC, "draw curves in characters",
     "    A curve is a metric by its full name, or by its end where that is enough; without one, the loss of each "
     "batch\n"
     "    and that of the validation.  Every batch is kept, however seldom rows are logged.  smooth 0.9 draws a "
     "running\n"
     "    mean over the values themselves.  Letters under it are what was done on the way: S strategy or optimizer,\n"
     "    c another change, R a way back, k a checkpoint.",
     exec_plot},
    {"chart", NULL,
     "chart [CURVE...] [log|linear] [smooth S] [last N|all] [in|out|left|right] [freeze|live] [cursor "
     "STEP|left|right|off]",
     0, 16, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_METRIC, "what the chart of the screen shows",
     "    in and out zoom, left and right move along, freeze and live stop and follow what comes; cursor tells the "
     "values\n"
     "    at a step.  Without a word it says what is shown.",
     exec_chart},
    {"layout", NULL, "layout [PANE...]", 0, PANES_MOST, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_TOPIC,
     "the panes beside the chart; without one, those there are",
     "    A pane is `values` (settings and validation), a topic of `info` (layers, optimizer, break) or a command\n"
     "    that only looks: layout values config \"tree *layer0*\" \"plot forces_mae log\".  Those that come first "
     "stay\n"
     "    longest where there is little room.",
     exec_layout},
    {"focus", NULL, "focus [PANE|chart|log|next|previous] [zoom]", 0, 2, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_NONE,
     "the pane that keys scroll; zoom gives it the screen, or takes it back", NULL, exec_focus},
    {"find", NULL, "find [TEXT]", 0, COMMAND_MAX_WORDS, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_NONE,
     "go to the next line with a text in the pane that has the focus; without one, the same text again", NULL,
     exec_find},
    {"screen", NULL, "screen save FILE [force] | mouse on|off", 2, 3, COMMAND_LIVE, COMPLETE_FILE,
     "write the screen as text to a file; whether the mouse is the program's", NULL, exec_screen},
};

const struct command_group commands_view = {"view", commands, sizeof commands / sizeof *commands};
