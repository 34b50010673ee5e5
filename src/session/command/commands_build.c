/* Commands that make a session: opening one, changing its settings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "session/audited.h"
#include "session/command/draft.h"
#include "session/command/groups.h"
#include "session/opening.h"
#include "session/session_internal.h"
#include "session/setup.h"
#include "session/view/submodules.h"
#include "train/run/composition.h"
#include "train/optimizer/optimizer.h"

static const char builtin_name[] = "built-in session";

/* ---------------------------------------------------------------- opening */

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
        code = error_memory(error);
    session->guard.origin = origin;
    if (!code)
        code = setup_read(&setup, session, config, error);
    if (!code)
        code = session_begin(session, config, path ? path : builtin_name, setup, error);
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

static void add_keys(const struct config_node *node, session_add *add, void *context) {
    for (size_t k = 0; k < config_count(node); k++) {
        add(context, config_path(config_at(node, k)));
        add_keys(config_at(node, k), add, context);
    }
}

static void settings_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
    if (!session->trainer)
        return;
    for (size_t k = 0; k < trainer_settings(session->trainer); k++)
        add(context, trainer_setting_name(session->trainer, k));
    add_keys(trainer_config(session->trainer), add, context);
}

static int has_setting(const struct session *session, const char *name) {
    for (size_t k = 0; k < trainer_settings(session->trainer); k++)
        if (strcmp(trainer_setting_name(session->trainer, k), name) == 0)
            return 1;
    return 0;
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
        code = error_memory(error);
        goto out;
    }
    if ((code = config_override(config, override, error)) || (code = session_begin(session, config, path, NULL, error)))
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

static void strategies_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (size_t k = 0; k < composition_kind_count; k++)
        add(context, composition_kinds[k]->target.alias);
}

static void optimizers_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (size_t k = 0; k < optimizer_kind_count; k++)
        add(context, optimizer_kinds[k]->target.alias);
}

static const struct command commands[] = {
    {.name = "open",
     .usage = "open [FILE] [OVERRIDE...]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_FILES,
     .summary = "open a session; without a file, the built-in one",
     .help = "    A session is a NequIP config.  Overrides are key=value, +key=value, ~key.  Where it cannot be "
             "opened, the\n"
             "    session that is open stays.",
     .exec = exec_open},
    {.name = "build",
     .usage = "build [NAME [KEY=VALUE...] | accept | drop]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN,
     .complete = draft_complete,
     .summary =
         "build another model and show it; a new run begins with it once it is accepted; alone, list the builders",
     .help =
         "    Arguments that the model of now was given, and that the builder takes, stay as they are unless given; "
         "~KEY\n"
         "    takes one away.  `info builders NAME` explains them.  `build accept` opens a new run, with a folder of "
         "its "
         "own,\n"
         "    under the training module of now; what was trained is saved as last.safetensors in the folder it has.",
     .exec = draft_exec},
    {.name = "set",
     .usage = "set NAME VALUE",
     .min = 2,
     .max = 2,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = settings_complete,
     .summary = "change a setting",
     .help = "    Settings that may change at any time are those that `show` lists; a larger max_epochs, max_steps or "
             "max_time\n"
             "    (s; null: no limit) lets a run that is at its end go on.  Before the first step any key\n"
             "    of the config will do (trainer.num_sanity_val_steps); the model is then built anew.",
     .exec = exec_set},
    {.name = "strategy",
     .usage = "strategy [NAME [KEY=VALUE...]]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = strategies_complete,
     .summary = "go on under another training module; without a name, list them",
     .help = "    The model, the optimizer's moments and what both techniques keep go on; what is new begins as at a "
             "fresh\n"
             "    start; what is dropped is named.  Keys are those of the training module: ema_decay=0.99,\n"
             "    optimizer._target_=torch.optim.SGD, lr_scheduler.scheduler.patience=3; ~KEY takes one away.",
     .exec = exec_strategy},
    {.name = "optimizer",
     .usage = "optimizer [NAME [KEY=VALUE...]]",
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = optimizers_complete,
     .summary = "go on with another optimizer; without a name, list them",
     .help = "    One of the same kind keeps its moments.  The learning rate stays unless lr=VALUE is given.",
     .exec = exec_optimizer},
    {.name = "freeze",
     .usage = "freeze PATTERN",
     .min = 1,
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = modules_complete,
     .summary = "keep parameters as they are",
     .help = "    A pattern (* and ?) matches any parts of a parameter's name between dots: layer0_convnet, *.bias.",
     .exec = exec_freeze},
    {.name = "unfreeze",
     .usage = "unfreeze PATTERN",
     .min = 1,
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .complete = modules_complete,
     .summary = "train frozen parameters again",
     .exec = exec_unfreeze},
    {.name = "reinit",
     .usage = "reinit PATTERN [SEED]",
     .min = 1,
     .max = 2,
     .flags = COMMAND_OPEN,
     .complete = modules_complete,
     .summary = "draw parameters anew, with the model's seed or another",
     .exec = exec_reinit},
    {.name = "audit",
     .usage = "audit",
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .summary = "the changes that were made to this run",
     .exec = exec_audit},
    {.name = "show",
     .usage = "show [NAME]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK,
     .complete = settings_complete,
     .summary = "settings, or a part of the config",
     .exec = exec_show},
};

const struct command_group commands_build = {
    .name = "build",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
