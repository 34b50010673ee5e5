/* Commands that look. */
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/datamodule.h"
#include "graph/program.h"
#include "model/module.h"
#include "session/progress.h"
#include "session/session_internal.h"
#include "train/composition.h"

/* ---------------------------------------------------------------- tree */

static void add_paths(const struct module *module, session_add *add, void *context) {
    if (module->path && module->path[0])
        add(context, module->path);
    for (const struct module *child = module->first_child; child; child = child->next)
        add_paths(child, add, context);
}

void modules_complete(struct session *session, session_add *add, void *context) {
    if (session->trainer)
        add_paths(model_root(trainer_model(session->trainer)), add, context);
}

/* A pattern matches a path, or the end of one from any dot on. */
static int matches(const char *pattern, const char *path) {
    for (; path; path = strchr(path, '.') ? strchr(path, '.') + 1 : NULL)
        if (fnmatch(pattern, path, 0) == 0)
            return 1;
    return 0;
}

/* Prints the outermost modules that match. */
static int print_matching(struct session *session, const struct module *module, const char *pattern) {
    int found = 0;

    if (module->path && matches(pattern, module->path)) {
        struct text tree = {0};
        module_print(module, &tree);
        session_print(session, "(%s): %s\n", module->path, tree.data ? tree.data : "");
        text_free(&tree);
        return 1;
    }
    for (const struct module *child = module->first_child; child; child = child->next)
        found += print_matching(session, child, pattern);
    return found;
}

static int exec_tree(struct session *session, const struct command_line *line, struct error *error) {
    const struct model *model = trainer_model(session->trainer);
    struct text tree = {0};

    if (line->count > 1) {
        if (print_matching(session, model_root(model), line->words[1]))
            return 0;
        return session_unknown(session, modules_complete, "module", line->words[1], error);
    }
    model_print(model, &tree);
    session_print(session, "%s%s", tree.data ? tree.data : "",
                  tree.size && tree.data[tree.size - 1] == '\n' ? "" : "\n");
    text_free(&tree);
    return 0;
}

/* ---------------------------------------------------------------- print */

void metrics_complete(struct session *session, session_add *add, void *context) {
    values_complete(session, add, context);
}

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
    session_print(session, "%s = %s\n", text, text_double(number, value));
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
        if (trainer_metric(session->trainer, name, &value))
            session_print(session, "%-44s %.6g\n", name, value);
    }
    return code;
}

/* ---------------------------------------------------------------- info */

static int info_run(struct session *session, struct error *error) {
    struct text place = {0};

    (void)error;
    progress_place(session->trainer, &place);
    session_print(session, "%s\n%s, %s, next phase: %s\n", session->path, place.data ? place.data : "",
                  trainer_done(session->trainer) ? "done" : "not done", phase_name(trainer_phase(session->trainer)));
    if (trainer_output(session->trainer))
        session_print(session, "writes to %s\n", trainer_output(session->trainer));
    text_free(&place);
    return 0;
}

static int info_session(struct session *session, struct error *error) {
    struct text yaml = {0};

    (void)error;
    config_write_yaml(trainer_config(session->trainer), &yaml);
    session_print(session, "%s", yaml.data ? yaml.data : "");
    text_free(&yaml);
    return 0;
}

static int info_data(struct session *session, struct error *error) {
    const struct datamodule *data = trainer_data(session->trainer);

    (void)error;
    for (int role = 0; role < ROLE_COUNT; role++)
        for (size_t k = 0; k < datamodule_count(data, (enum data_role)role); k++) {
            const struct dataset *set = datamodule_dataset(data, (enum data_role)role, k);
            double atoms = 0, pairs = 0;
            for (size_t f = 0; f < set->count; f++) {
                atoms += set->frames[f]->atoms;
                pairs += set->frames[f]->npairs * (set->frames[f]->directed ? 0.5 : 1.0);
            }
            session_print(session, "%s %zu: %zu frames, %.0f atoms, %.1f neighbours an atom\n",
                          data_role_name((enum data_role)role), k, set->count, atoms,
                          atoms > 0 ? 2 * pairs / atoms : 0);
        }
    return 0;
}

static int info_program(struct session *session, struct error *error) {
    const struct program *program = trainer_program(session->trainer);

    if (!program)
        return error_set(error, ERROR_STATE, "the program of a step is built with the first batch");
    for (int k = 0; k < program_instructions(program); k++) {
        struct instruction_info info;
        program_instruction(program, k, &info);
        session_print(session, "%4d  %-20s %-24s %s\n", k, info.op, info.shape, info.module ? info.module : "");
    }
    session_print(session, "%d instructions, %.1f MB of buffers\n", program_instructions(program),
                  1e-6 * (double)program_memory(program));
    return 0;
}

static int info_break(struct session *session, struct error *error) {
    (void)error;
    session_print_stops(session);
    return 0;
}

static int info_rewind(struct session *session, struct error *error) {
    (void)error;
    session_print_points(session);
    return 0;
}

static const struct topic {
    const char *name, *help;
    int (*exec)(struct session *session, struct error *error);
} topics[] = {
    {"run", "where the loop stands", info_run},
    {"session", "the config as resolved", info_session},
    {"data", "data sets, their frames and atoms", info_data},
    {"break", "stop points", info_break},
    {"rewind", "states that are kept to go back to", info_rewind},
    {"program", "the instructions of a training step", info_program},
};
enum { TOPICS = sizeof topics / sizeof *topics };

void topics_complete(struct session *session, session_add *add, void *context) {
    for (int k = 0; k < TOPICS; k++)
        add(context, topics[k].name);
    for (size_t k = 0; session->trainer && trainer_described(session->trainer, k); k++)
        add(context, trainer_described(session->trainer, k));
}

static int describe(struct session *session, const char *what, struct error *error) {
    struct text text = {0};
    int code = trainer_describe(session->trainer, what, &text, error);

    if (!code)
        session_print(session, "%s", text.data ? text.data : "");
    text_free(&text);
    return code;
}

/* Techniques that this run could have, but has not. */
static int is_technique(const char *name) {
    for (size_t k = 0; k < composition_kind_count; k++)
        for (int l = 0; l < MAX_LAYERS && composition_kinds[k]->layers[l]; l++)
            if (strcmp(composition_kinds[k]->layers[l]->name, name) == 0)
                return 1;
    return strcmp(name, "optimizer") == 0 || strcmp(name, "scheduler") == 0;
}

static int exec_info(struct session *session, const struct command_line *line, struct error *error) {
    const char *what, *word = line->words[1];

    if (line->count == 1) {
        for (int k = 0; k < TOPICS; k++)
            session_print(session, "  info %-12s %s\n", topics[k].name, topics[k].help);
        for (size_t k = 0; (what = trainer_described(session->trainer, k)); k++)
            session_print(session, "  info %-12s what it is at\n", what);
        return 0;
    }
    for (size_t k = 0; (what = trainer_described(session->trainer, k)); k++)
        if (strncmp(what, word, strlen(word)) == 0)
            return describe(session, what, error);
    for (int k = 0; k < TOPICS; k++)
        if (strncmp(topics[k].name, word, strlen(word)) == 0)
            return topics[k].exec(session, error);
    if (is_technique(word))
        return describe(session, word, error);
    return session_unknown(session, topics_complete, "topic", word, error);
}

static const struct command commands[] = {
    {"tree", NULL, "tree [PATTERN]", 0, 1, COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_MODULE,
     "the model as a tree, or the modules that a pattern matches", NULL, exec_tree},
    {"print", "p", "print [NAME... | EXPR]", 0, COMMAND_MAX_WORDS,
     COMMAND_OPEN | COMMAND_REPEAT | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_METRIC,
     "values of metrics and settings, or of an expression; without one, of all metrics",
     "    `help break` says what an expression may be.", exec_print},
    {"info", "i", "info [TOPIC]", 0, 1, COMMAND_OPEN | COMMAND_REPEAT | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_TOPIC,
     "where things stand; without a topic, the topics there are", NULL, exec_info},
};

const struct command_group commands_inspect = {"inspect", commands, sizeof commands / sizeof *commands};
