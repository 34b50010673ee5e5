/* Commands that make a session: opening one, changing its settings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "session/command/draft.h"
#include "session/progress.h"
#include "session/session_internal.h"
#include "session/setup.h"
#include "train/run/composition.h"
#include "train/optimizer/optimizer.h"

static const char builtin_name[] = "built-in session";

/* ---------------------------------------------------------------- opening */

static void on_event(void *context, enum trainer_event event, const char *text) {
    session_event(context, event, text);
}

void session_close(struct session *session) {
    int unused = session->trainer && trainer_global_step(session->trainer) == 0;

    session_forget_points(session);
    session_forget_fork(session);
    trainer_free(session->trainer);
    config_free(session->config);
    config_free(session->draft);
    session->draft = NULL;
    series_free(&session->series);
    session->view.nmarks = 0;
    if (session->log)
        fclose(session->log);
    if (unused)
        progress_discard_output(session->output);
    free(session->output);
    free(session->path);
    session->trainer = NULL;
    session->config = NULL;
    session->log = NULL;
    session->output = session->path = NULL;
}

/* A log that cannot be written is no reason to stop. */
static FILE *open_log(const char *output) {
    struct text path = {0};
    FILE *log;

    text_format(&path, "%s/run.log", output);
    log = path.failed ? NULL : file_append_stream(path.data);
    text_free(&path);
    return log;
}

/* The set-up for a run that is not yet the session's. */
static int make_setup(struct session *session, struct setup *setup, struct trainer *trainer, struct error *error) {
    struct trainer *now = session->trainer;
    session->trainer = trainer;
    int code = setup ? setup_make(setup, session, error) : 0;
    session->trainer = now;
    return code;
}

/* The run of now, before another takes its place. */
static int put_aside(struct session *session, struct error *error) {
    struct text path = {0};
    int code = session_keep_run(session, &path, error);
    if (code)
        error_prefix(error, "the run that is open is not saved: ");
    else if (path.size)
        session_print(session, "the run before, of %lld steps, is kept in %s\n",
                      (long long)trainer_global_step(session->trainer), path.data);
    text_free(&path);
    return code;
}

/* Makes a run of a config, aside, and puts it in the place of the one before.  setup may be NULL. */
static int open_config(struct session *session, struct config *config, const char *path, struct setup *setup,
                       struct error *error) {
    struct trainer *trainer = NULL;
    char *output = NULL, *wanted, *name = strdup(path);
    int code = config_run_dir(config, &wanted, error);
    if (!code)
        code = progress_default_output(&output, wanted, error);
    free(wanted);
    struct trainer_options options = {
        .output = output, .threads = session->options.threads, .event = on_event, .context = session};

    if (!code && !name)
        code = error_set(error, ERROR_MEMORY, "out of memory");
    if (!code)
        code = trainer_open(&trainer, config, &options, error);
    if (!code)
        code = make_setup(session, setup, trainer, error);
    if (!code)
        code = put_aside(session, error);
    if (code) {
        trainer_free(trainer);
        progress_discard_output(output);
        free(output);
        free(name);
        return code;
    }
    session_close(session);
    session->log = open_log(output);
    session->trainer = trainer;
    session->config = config;
    session->output = output;
    session->path = name;
    if (setup)
        setup_take(setup, session);
    trainer_catch(trainer, !session->catches_off);
    return 0;
}

int session_begin(struct session *session, struct config *config, const char *path, struct error *error) {
    return open_config(session, config, path, NULL, error);
}

static int read_config(struct config **out, const struct session *session, const char *path, size_t count,
                       const char *const *overrides, struct error *error) {
    if (path)
        return config_compose(out, path, count, overrides, error);
    if (!session->options.builtin)
        return error_set(error, ERROR_USAGE, "there is no built-in session; name a file");
    int code = config_parse(out, builtin_name, session->options.builtin, strlen(session->options.builtin), error);
    for (size_t k = 0; k < count && !code; k++)
        code = config_override(*out, overrides[k], error);
    return code;
}

static int is_override(const char *word) {
    return word[0] == '~' || strchr(word, '=') != NULL;
}

void session_describe(struct session *session) {
    const struct trainer *trainer = session->trainer;
    const struct model *model = trainer_model(trainer);
    session_print(session, "%s: %s, %zu parameters, %s, %lld batches an epoch\n", session->path,
                  trainer_strategy(trainer), model_size(model), dtype_name(model_dtype(model)),
                  (long long)trainer_batches(trainer));
}

static int exec_open(struct session *session, const struct command_line *line, struct error *error) {
    int first = line->count > 1 && !is_override(line->words[1]) ? 2 : 1;
    const char *path = first == 2 ? line->words[1] : NULL;
    const char *before = session->guard.origin;
    char *origin = session_origin(session, path);
    struct config *config = NULL;
    struct setup *setup = NULL;
    int code = read_config(&config, session, path, (size_t)(line->count - first),
                           (const char *const *)line->words + first, error);

    if (!code && path && !origin)
        code = error_set(error, ERROR_MEMORY, "out of memory");
    session->guard.origin = origin;
    if (!code)
        code = setup_read(&setup, session, config, error);
    if (!code)
        code = open_config(session, config, path ? path : builtin_name, setup, error);
    if (code) {
        config_free(config);
    } else {
        session_describe(session);
        code = setup ? setup_run(setup, session, error) : 0;
    }
    session->guard.origin = before;
    free(origin);
    setup_free(setup);
    return code;
}

/* ---------------------------------------------------------------- settings */

static int has_setting(const struct session *session, const char *name) {
    for (size_t k = 0; k < trainer_settings(session->trainer); k++)
        if (strcmp(trainer_setting_name(session->trainer, k), name) == 0)
            return 1;
    return 0;
}

int session_change(struct session *session, int count, const char *const *words, struct error *error) {
    struct text report = {0};
    int code = trainer_change(session->trainer, count, words, &report, error);
    if (!code) {
        view_mark(session, !strcmp(words[0], "strategy") || !strcmp(words[0], "optimizer") ? 'S' : 'c');
        session_print(session, "%s", report.data ? report.data : "");
    }
    text_free(&report);
    return code;
}

/* The words are the command's, but for its name, which may have been cut short. */
static int change(struct session *session, const struct command_line *line, const char *name, struct error *error) {
    const char *words[COMMAND_MAX_WORDS];
    words[0] = name;
    for (int k = 1; k < line->count; k++)
        words[k] = line->words[k];
    return session_change(session, line->count, words, error);
}

/* Anything in the config may be changed as long as nothing was trained: the run is made anew. */
static int set_config(struct session *session, const char *name, const char *value, struct error *error) {
    struct config *config = NULL;
    char *override = NULL, *path = NULL;
    int code;

    if (trainer_global_step(session->trainer) > 0 || session->in_run)
        return error_set(error, ERROR_STATE,
                         "%s can be changed before the first step only; `open` begins anew, with overrides", name);
    config = config_copy(session->config);
    path = strdup(session->path);
    if (!config || !path || asprintf(&override, "%s=%s", name, value) < 0) {
        override = NULL;
        code = error_set(error, ERROR_MEMORY, "out of memory");
        goto out;
    }
    if ((code = config_override(config, override, error)) || (code = open_config(session, config, path, NULL, error)))
        goto out;
    config = NULL;
    session_describe(session);
out:
    config_free(config);
    free(override);
    free(path);
    return code;
}

static int exec_set(struct session *session, const struct command_line *line, struct error *error) {
    const char *name = line->words[1];

    if (!strcmp(name, "rewind"))
        return session_set_rewind(session, line->words[2], error);
    /* limits of training have their names in the config, and are settings once it has begun */
    const char *setting =
        !strncmp(name, "trainer.max_", 12) && trainer_global_step(session->trainer) > 0 ? name + 8 : name;
    if (has_setting(session, setting)) {
        const char *words[] = {"set", setting, line->words[2]};
        double value;
        int code = session_change(session, 3, words, error);
        if (!code && !trainer_get(session->trainer, setting, &value, NULL)) /* what is saved later has it too */
            code = length_override(&session->config, setting, value, error);
        return code;
    }
    if (config_find(config_root(session->config), name))
        return set_config(session, name, line->words[2], error);
    return session_unknown(session, settings_complete, "setting", name, error);
}

static int exec_strategy(struct session *session, const struct command_line *line, struct error *error) {
    if (line->count > 1)
        return change(session, line, "strategy", error);
    for (size_t k = 0; k < composition_kind_count; k++) {
        const struct composition_kind *kind = composition_kinds[k];
        session_print(session, "%s %-26s %s\n",
                      strcmp(kind->target.target, trainer_strategy(session->trainer)) ? " " : "*", kind->target.alias,
                      kind->help);
    }
    return 0;
}

static int exec_optimizer(struct session *session, const struct command_line *line, struct error *error) {
    if (line->count > 1)
        return change(session, line, "optimizer", error);
    const char *now = config_text(config_find(trainer_config(session->trainer), "training_module.optimizer._target_"));
    for (size_t k = 0; k < optimizer_kind_count; k++) {
        const struct optimizer_kind *kind = optimizer_kinds[k];
        int is = !strcmp(kind->target.target, now) || !strcmp(kind->target.alias, now);
        session_print(session, "%s %-20s %s\n", is ? "*" : " ", kind->target.alias, kind->help);
    }
    return 0;
}

static int exec_freeze(struct session *session, const struct command_line *line, struct error *error) {
    return change(session, line, "freeze", error);
}

static int exec_unfreeze(struct session *session, const struct command_line *line, struct error *error) {
    return change(session, line, "unfreeze", error);
}

static int exec_reinit(struct session *session, const struct command_line *line, struct error *error) {
    return change(session, line, "reinit", error);
}

static int exec_audit(struct session *session, const struct command_line *line, struct error *error) {
    const char *audit = trainer_audit(session->trainer);
    (void)line;
    (void)error;
    session_print(session, "%s", *audit ? audit : "nothing has been changed\n");
    return 0;
}

static void print_node(struct session *session, const struct config_node *node) {
    struct text yaml = {0};

    config_write_yaml(node, &yaml);
    session_print(session, "%s%s", yaml.data ? yaml.data : "",
                  yaml.size && yaml.data[yaml.size - 1] == '\n' ? "" : "\n");
    text_free(&yaml);
}

static int show_setting(struct session *session, const char *setting, struct error *error) {
    char text[32];
    double value;
    char name[256]; /* the trainer's own text lives until it is asked for another */

    snprintf(name, sizeof name, "%s", setting);
    int code = trainer_get(session->trainer, name, &value, error);

    if (!code)
        session_print(session, "%s = %s\n", name, isnan(value) ? "null" : text_double(text, value));
    return code;
}

static int exec_show(struct session *session, const struct command_line *line, struct error *error) {
    const struct config_node *root = trainer_config(session->trainer);
    int code = 0;

    if (line->count > 1) {
        if (has_setting(session, line->words[1]))
            return show_setting(session, line->words[1], error);
        if (!config_find(root, line->words[1]))
            return session_unknown(session, settings_complete, "setting", line->words[1], error);
        print_node(session, config_find(root, line->words[1]));
        return 0;
    }
    for (size_t k = 0; k < trainer_settings(session->trainer) && !code; k++)
        code = show_setting(session, trainer_setting_name(session->trainer, k), error);
    return code;
}

static void add_keys(const struct config_node *node, session_add *add, void *context) {
    for (size_t k = 0; k < config_count(node); k++) {
        add(context, config_path(config_at(node, k)));
        add_keys(config_at(node, k), add, context);
    }
}

void strategies_complete(struct session *session, session_add *add, void *context) {
    (void)session;
    for (size_t k = 0; k < composition_kind_count; k++)
        add(context, composition_kinds[k]->target.alias);
}

void optimizers_complete(struct session *session, session_add *add, void *context) {
    (void)session;
    for (size_t k = 0; k < optimizer_kind_count; k++)
        add(context, optimizer_kinds[k]->target.alias);
}

void settings_complete(struct session *session, session_add *add, void *context) {
    if (!session->trainer)
        return;
    for (size_t k = 0; k < trainer_settings(session->trainer); k++)
        add(context, trainer_setting_name(session->trainer, k));
    add_keys(trainer_config(session->trainer), add, context);
}

static const struct command commands[] = {
    {"open", NULL, "open [FILE] [OVERRIDE...]", 0, COMMAND_MAX_WORDS, 0, COMPLETE_FILE,
     "open a session; without a file, the built-in one",
     "    A session is a NequIP config.  Overrides are key=value, +key=value, ~key.  Where it cannot be opened, the\n"
     "    session that is open stays.",
     exec_open},
    {"build", NULL, "build [NAME [KEY=VALUE...] | accept | drop]", 0, COMMAND_MAX_WORDS, COMMAND_OPEN, COMPLETE_BUILD,
     "build another model and show it; a new run begins with it once it is accepted; alone, list the builders",
     "    Arguments that the model of now was given, and that the builder takes, stay as they are unless given; ~KEY\n"
     "    takes one away.  `info builders NAME` explains them.  `build accept` opens a new run, with a folder of its "
     "own,\n"
     "    under the training module of now; what was trained is saved as last.safetensors in the folder it has.",
     draft_exec},
    {"set", NULL, "set NAME VALUE", 2, 2, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_SETTING, "change a setting",
     "    Settings that may change at any time are those that `show` lists; a larger max_epochs, max_steps or "
     "max_time\n"
     "    (s; null: no limit) lets a run that is at its end go on.  Before the first step any key\n"
     "    of the config will do (trainer.num_sanity_val_steps); the model is then built anew.",
     exec_set},
    {"strategy", NULL, "strategy [NAME [KEY=VALUE...]]", 0, COMMAND_MAX_WORDS, COMMAND_OPEN | COMMAND_LIVE,
     COMPLETE_STRATEGY, "go on under another training module; without a name, list them",
     "    The model, the optimizer's moments and what both techniques keep go on; what is new begins as at a fresh\n"
     "    start; what is dropped is named.  Keys are those of the training module: ema_decay=0.99,\n"
     "    optimizer._target_=torch.optim.SGD, lr_scheduler.scheduler.patience=3; ~KEY takes one away.",
     exec_strategy},
    {"optimizer", NULL, "optimizer [NAME [KEY=VALUE...]]", 0, COMMAND_MAX_WORDS, COMMAND_OPEN | COMMAND_LIVE,
     COMPLETE_OPTIMIZER, "go on with another optimizer; without a name, list them",
     "    One of the same kind keeps its moments.  The learning rate stays unless lr=VALUE is given.", exec_optimizer},
    {"freeze", NULL, "freeze PATTERN", 1, 1, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_MODULE,
     "keep parameters as they are",
     "    A pattern (* and ?) matches any parts of a parameter's name between dots: layer0_convnet, *.bias.",
     exec_freeze},
    {"unfreeze", NULL, "unfreeze PATTERN", 1, 1, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_MODULE,
     "train frozen parameters again", NULL, exec_unfreeze},
    {"reinit", NULL, "reinit PATTERN [SEED]", 1, 2, COMMAND_OPEN, COMPLETE_MODULE,
     "draw parameters anew, with the model's seed or another", NULL, exec_reinit},
    {"audit", NULL, "audit", 0, 0, COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_NONE,
     "the changes that were made to this run", NULL, exec_audit},
    {"show", NULL, "show [NAME]", 0, 1, COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_SETTING,
     "settings, or a part of the config", NULL, exec_show},
};

const struct command_group commands_build = {"build", commands, sizeof commands / sizeof *commands};
